import { NativeSelect } from "@mantine/core";
import { useCallback, useMemo, useState } from "react";
import { Link } from "wouter";
import type { PathHop, Series, TestPage, TestPath, TestSeries } from "../../api/types";
import { useParams } from "../../app/params";
import { useTime, useTimeSearch } from "../../app/time";
import { timeseries } from "../../charts/timeseries";
import type { ChartTheme } from "../../charts/theme";
import { devicePath, explorePath } from "../../lib/links";
import { usePrefs } from "../../lib/prefs";
import { dateTime } from "../../lib/time";
import { format, plural } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { Chart } from "../../ui/Chart";
import { DataTable, type Column } from "../../ui/DataTable";
import { Icon } from "../../ui/Icon";
import layoutCss from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { EmptyState } from "../../ui/States";
import { usePage } from "../devices/usePage";
import { PathChanges } from "./PathChanges";
import { PathGraph } from "./PathGraph";
import { hopName, hopPlace } from "./pathGraph";
import css from "./synthetics.module.css";

const none = <span className="faint">–</span>;
const ms = (value: number | null): string => (value === null ? "–" : format(value, "ms"));

/** What a series is aimed at, as people know it. */
export const aim = (one: Pick<TestSeries, "target" | "target_agent">): string => one.target_agent || one.target;

function hopColumns(kept: string): Column<PathHop & { index: number }>[] {
  return [
    { key: "ttl", title: "Hop", numeric: true, width: "56px", sort: (row) => row.ttl, render: (row) => row.ttl },
    { key: "name", title: "Router", sort: (row) => hopName(row), render: (row) => (row.device ? <><Link href={devicePath(row.device, kept)} onClick={(event) => event.stopPropagation()}>{row.device}</Link> <code className="faint">{row.address}</code></> : row.address ? <code>{row.address}</code> : <span className="faint">no answer</span>) },
    { key: "place", title: "Site or AS", sort: (row) => hopPlace(row), render: (row) => (row.site ? row.site : row.asn ? <>{row.as_name || `AS${row.asn}`} <span className="faint">AS{row.asn}</span></> : none) },
    { key: "flows", title: "Flows", numeric: true, hint: "Flow ids that passed", sort: (row) => row.flows, render: (row) => row.flows },
    { key: "rtt", title: "Latency", numeric: true, hint: "Of this run", sort: (row) => row.rtt_ms, render: (row) => ms(row.rtt_ms) },
    { key: "usual", title: "Usual", numeric: true, hint: "Mean over the time range", sort: (row) => row.usual_rtt_ms, render: (row) => ms(row.usual_rtt_ms) },
    { key: "loss", title: "Loss", numeric: true, hint: "Of this run. Routers limit how often they answer: loss counts where the hops behind lose as much", sort: (row) => row.loss, render: (row) => (row.address ? format(row.loss * 100, "%") : none) },
    { key: "usual_loss", title: "Usual loss", numeric: true, sort: (row) => row.usual_loss, render: (row) => (row.usual_loss === null || !row.address ? none : format(row.usual_loss * 100, "%")) },
    { key: "mpls", title: "MPLS", render: (row) => row.mpls || none },
  ];
}

function HopChart({ path, chosen }: { path: TestPath; chosen: string }) {
  const { zone } = usePrefs();
  const { zoomTo } = useTime();
  const series = useMemo(() => path.lines.map((line): Series => ({ key: [line.address], label: `${line.ttl}  ${line.device || line.address}`, values: line.rtt_ms, previous: null, other: false })), [path.lines]);
  const build = useCallback((theme: ChartTheme) => {
    const count = path.lines[0]?.rtt_ms.length ?? 0;
    const slots = series.map((one, index) => (chosen && one.key[0] !== chosen ? -1 : index % 14));
    return timeseries({ kind: "lines", grid: { start: path.start, step: path.step, count }, series, slots, unit: "ms", zone, compact: true }, theme);
  }, [path, series, chosen, zone]);
  if (series.length === 0) return <EmptyState title="No hop answered in this range" icon="explore" />;
  return <Chart build={build} kind="lines" height={240} onZoom={zoomTo} label={`Latency of ${plural(series.length, "hop")} over time`} />;
}

function Drawn({ path, at, setAt }: { path: TestPath; at: string; setAt: (at: string) => void }) {
  const kept = useTimeSearch();
  const { zone } = usePrefs();
  const [chosen, setChosen] = useState<number | null>(null);
  const columns = useMemo(() => hopColumns(kept), [kept]);
  const rows = useMemo(() => path.hops.map((hop, index) => ({ ...hop, index })), [path.hops]);
  const shown = chosen !== null && chosen < rows.length ? chosen : null;
  const branches = new Set(path.steps.filter((step) => step.origin === -1).map((step) => step.next)).size;
  if (path.at === null) return <Panel><EmptyState title="Nothing was traced" icon="routing">No trace of this agent to this target in the seven days before.</EmptyState></Panel>;
  return (
    <>
      <Panel
        title={`Path at ${dateTime(path.at, zone, true)}`} hint={`${plural(Math.max(...path.hops.map((hop) => hop.ttl)), "hop")}${branches > 1 ? `, ${branches} first hops` : ""}; a line is as wide as its share of the flows`}
        actions={at ? <button type="button" className={css.textButton} onClick={() => setAt("")}>Show the newest</button> : undefined} flush
      >
        <PathChanges path={path} setAt={setAt} />
        <PathGraph path={path} chosen={shown} choose={setChosen} />
      </Panel>
      <Panel
        title="Latency of each hop" hint={path.left_out > 0 ? `${path.lines.length} of ${path.lines.length + path.left_out} hops` : "mean round trip; drag to zoom"}
        actions={<Link className={css.textButton} href={explorePath({ dataset: "hops", by: ["ttl", "hop"], filter: `agent = ${JSON.stringify(path.agent)} AND target = ${JSON.stringify(path.target)}` }, kept)}><Icon name="explore" size={13} /> Explore</Link>}
      >
        <HopChart path={path} chosen={shown === null ? "" : rows[shown]?.address ?? ""} />
      </Panel>
      <Panel title="Hops" hint="of this run" flush>
        <DataTable
          columns={columns} rows={rows} rowKey={(row) => String(row.index)} caption="Hops of the path" initialSort={{ key: "ttl", ascending: true }}
          marked={shown === null ? null : String(shown)} onPick={(row) => setChosen(row.index === shown ? null : row.index)}
        />
      </Panel>
    </>
  );
}

/** Traced paths of a test. */
export function PathPanel({ page }: { page: TestPage }) {
  const traced = page.series.filter((one) => one.hops > 0);
  if (traced.length === 0) return <Panel><EmptyState title="Nothing was traced in this range" icon="routing">Paths come from tests of the kind Trace.</EmptyState></Panel>;
  return <Traced name={page.row.name} traced={traced} />;
}

/** Who to whom, and the moment, are in the URL. */
function Traced({ name, traced }: { name: string; traced: readonly TestSeries[] }) {
  const [params, put] = useParams();
  const liveliest = traced.toSorted((one, other) => other.paths - one.paths)[0]; // where there is most to see
  const agents = [...new Set(traced.map((one) => one.agent))].toSorted((one, other) => one.localeCompare(other));
  const agent = agents.includes(params.get("agent") ?? "") ? params.get("agent") ?? "" : liveliest?.agent ?? "";
  const targets = traced.filter((one) => one.agent === agent);
  const target = (targets.find((one) => one.target === params.get("target")) ?? (params.has("target") ? targets[0] : targets.find((one) => one === liveliest) ?? targets[0]))?.target ?? "";
  const at = params.get("at") ?? "";
  const answer = usePage<TestPath>("synthetics/path", true, { name, agent, target, ...(at ? { at } : {}) });
  return (
    <>
      <div className={layoutCss.tools}>
        <NativeSelect size="xs" label="From" value={agent} onChange={(event) => put({ agent: event.target.value, target: "", at: "" })} data={agents} />
        <NativeSelect size="xs" label="To" value={target} onChange={(event) => put({ agent, target: event.target.value, at: "" })} data={targets.map((one) => ({ value: one.target, label: one.target_agent ? `${one.target_agent} (${one.target})` : one.target }))} />
      </div>
      <Answer of={answer} height={360}>{(path) => <Drawn path={path} at={at} setAt={(moment) => put({ at: moment })} />}</Answer>
    </>
  );
}
