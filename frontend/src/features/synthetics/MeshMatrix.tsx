import { SegmentedControl } from "@mantine/core";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import type { Mesh, MeshCell } from "../../api/types";
import { useTimeSearch } from "../../app/time";
import { explorePath } from "../../lib/links";
import { ago } from "../../lib/time";
import { format, plural } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { FactList } from "../../ui/FactList";
import { Panel } from "../../ui/Panel";
import { Sparkline } from "../../ui/Sparkline";
import { EmptyState } from "../../ui/States";
import { StatusPill } from "../../ui/Status";
import { usePage } from "../devices/usePage";
import { cellText, heat, measuresOf, valueOf, type MeshMeasure } from "./mesh";
import css from "./synthetics.module.css";
import { stateStatus, stateWord, testPath } from "./words";

const key = (agent: string, target: string): string => `${agent}\u0001${target}`;

function Chosen({ cell, mesh, kept }: { cell: MeshCell; mesh: Mesh; kept: string }) {
  const filter = `test = ${JSON.stringify(mesh.test)} AND agent = ${JSON.stringify(cell.agent)} AND target_agent = ${JSON.stringify(cell.target_agent)}`;
  return (
    <Panel title={<>{cell.agent} → {cell.target_agent}</>} actions={<StatusPill status={stateStatus(cell.state)}>{stateWord(cell.state)}</StatusPill>}>
      {cell.course && <Sparkline values={cell.course.rtt_ms} width={240} height={44} />}
      <FactList
        facts={[
          ["Latency", cell.rtt_ms === null ? "" : `${format(cell.rtt_ms, "ms")} (95th percentile ${format(cell.rtt_p95_ms, "ms")})`],
          ["Loss", cell.loss === null ? "" : format(cell.loss * 100, "%")], ["Jitter", cell.jitter_ms === null ? "" : format(cell.jitter_ms, "ms")],
          ["Throughput", cell.throughput_bps === null ? "" : format(cell.throughput_bps, "bit/s")],
          ["Available", cell.availability === null ? "" : format(cell.availability * 100, "%")], ["Runs", cell.runs], ["Last", cell.last === null ? "never" : ago(cell.last, mesh.updated)],
          ["Why", cell.state === "ok" ? "" : cell.error],
        ]}
      />
      <p className={css.links}>
        <Link href={explorePath({ dataset: "probes", by: ["agent"], filter }, kept)}>Explore</Link>
        {mesh.kind === "trace" && cell.target && <Link href={testPath(mesh.test, kept, { tab: "path", agent: cell.agent, target: cell.target })}>Its path</Link>}
      </p>
    </Panel>
  );
}

function Matrix({ mesh }: { mesh: Mesh }) {
  const kept = useTimeSearch();
  const measures = measuresOf(mesh);
  const [wanted, setWanted] = useState<MeshMeasure>(measures[0]?.value ?? "rtt_ms");
  const measure = measures.find((one) => one.value === wanted) ?? measures[0];
  const [chosen, setChosen] = useState("");
  const cells = useMemo(() => new Map(mesh.cells.map((cell) => [key(cell.agent, cell.target_agent), cell])), [mesh.cells]);
  const known = mesh.cells.map((cell) => valueOf(cell, wanted)).filter((value) => value !== null);
  const top = Math.max(0, ...known);
  const picked = cells.get(chosen);
  const troubled = mesh.cells.filter((cell) => cell.state !== "ok" && cell.state !== "waiting");
  if (mesh.agents.length < 2 || !measure) return <Panel><EmptyState title="A mesh needs two agents" icon="topology">Agents whose names the test matches test each other.</EmptyState></Panel>;
  return (
    <div className={css.meshSplit}>
      <Panel
        title="Matrix" hint={`rows measure, columns are measured; ${troubled.length === 0 ? "all well" : plural(troubled.length, "pair") + " not well"}`}
        actions={<SegmentedControl size="xs" aria-label="What cells show" value={measure.value} onChange={(value) => setWanted(value as MeshMeasure)} data={measures.map(({ value, label }) => ({ value, label }))} />} flush
      >
        <div className={css.matrix} tabIndex={0} role="region" aria-label="Matrix of the mesh">
          <table style={{ "--agents": mesh.agents.length + 1 } as React.CSSProperties}>
            <caption className="visually-hidden">{measure.label} from the agent of the row to that of the column</caption>
            <thead><tr><td aria-label="Measured by" />{mesh.agents.map((agent) => <th key={agent} scope="col" title={agent}>{agent}{mesh.sites[agent] && <small>{mesh.sites[agent]}</small>}</th>)}</tr></thead>
            <tbody>
              {mesh.agents.map((agent) => (
                <tr key={agent}>
                  <th scope="row" title={agent}>{agent}</th>
                  {mesh.agents.map((target) => {
                    const cell = cells.get(key(agent, target));
                    if (!cell) return <td key={target} className={css.own} aria-label={agent === target ? "itself" : "not tested"} />;
                    const value = valueOf(cell, measure.value);
                    const text = cellText(cell, measure);
                    return (
                      <td key={target}>
                        <button
                          type="button" data-state={cell.state} aria-pressed={chosen === key(agent, target)} aria-label={`${agent} to ${target}: ${stateWord(cell.state)}, ${measure.label} ${text}`}
                          style={{ "--heat": `${heat(value, top, measure.value)}%` } as React.CSSProperties} onClick={() => setChosen(chosen === key(agent, target) ? "" : key(agent, target))}
                        >{text}</button>
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Panel>
      {picked && <Chosen cell={picked} mesh={mesh} kept={kept} />}
    </div>
  );
}

export function MeshMatrix({ name }: { name: string }) {
  const answer = usePage<Mesh>("synthetics/mesh", true, { name });
  return <Answer of={answer} height={320}>{(mesh) => <Matrix mesh={mesh} />}</Answer>;
}
