import { useMemo } from "react";
import { Link } from "wouter";
import type { TestPage, TestSeries } from "../../api/types";
import { useTimeSearch } from "../../app/time";
import { explorePath } from "../../lib/links";
import { ago } from "../../lib/time";
import { format, plural } from "../../lib/units";
import { DataTable, type Column } from "../../ui/DataTable";
import layout from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { Stat } from "../../ui/Stat";
import { EmptyState } from "../../ui/States";
import { StatusPill } from "../../ui/Status";
import { SeriesPanel } from "../devices/SeriesPanel";
import { aim } from "./PathPanel";
import { Phases } from "./Phases";
import css from "./synthetics.module.css";
import { stateStatus, stateWord, testPath, trouble } from "./words";

const none = <span className="faint">–</span>;
const CHARTS: Record<string, readonly [title: string, hint: string]> = {
  latency: ["Latency", "mean round trip"], loss: ["Loss", "% of probes"], jitter: ["Jitter", "from one probe to the next"], hops: ["Length", "hops of the longest branch"],
  first_byte: ["First byte", "from the request to the first byte"], availability: ["Available", "% of runs"], throughput: ["Throughput", "bit/s"],
};

const percent = (value: number | null): number | null => (value === null ? null : value * 100);

const number = (key: string, title: string, pick: (one: TestSeries) => number | null, unit: string, hint = ""): Column<TestSeries> => ({
  key, title, numeric: true, ...(hint ? { hint } : {}), sort: pick, render: (one) => { const value = pick(one); return value === null ? none : format(value, unit); },
});

function columnsOf(page: TestPage, kept: string): Column<TestSeries>[] {
  const has = (pick: (one: TestSeries) => unknown): boolean => page.series.some((one) => Boolean(pick(one)));
  return [
    { key: "state", title: "Now", sort: (one) => stateWord(one.state), render: (one) => <StatusPill status={stateStatus(one.state)}>{stateWord(one.state)}</StatusPill> },
    { key: "agent", title: "From", sort: (one) => one.agent, render: (one) => <>{one.agent}{one.agent_site && <span className="faint"> {one.agent_site}</span>}</> },
    { key: "target", title: "To", sort: aim, render: (one) => <span className={css.aim} title={[one.target, one.address, one.as_name].filter(Boolean).join("\n")}>{aim(one)}{(one.site || one.as_name) && <span className="faint"> {one.site || one.as_name}</span>}</span> },
    ...(has((one) => one.resolver) ? [{ key: "resolver", title: "Resolver", mono: true, sort: (one: TestSeries) => one.resolver, render: (one: TestSeries) => one.resolver }] : []),
    number("rtt", "Latency", (one) => one.rtt_ms, "ms"), number("p95", "95 %", (one) => one.rtt_p95_ms, "ms", "95th percentile of the runs"),
    ...(has((one) => one.jitter_ms) ? [number("jitter", "Jitter", (one) => one.jitter_ms, "ms")] : []),
    ...(has((one) => one.throughput_bps) ? [number("throughput", "Throughput", (one) => one.throughput_bps, "bit/s")] : []),
    number("loss", "Loss", (one) => percent(one.loss), "%"), number("available", "Available", (one) => percent(one.availability), "%"),
    ...(page.row.kind === "trace" ? [{
      key: "path", title: "Path", numeric: true, sort: (one: TestSeries) => one.paths, hint: "Hops, branches, and how many different sets of paths were seen",
      render: (one: TestSeries) => (one.hops ? <Link href={testPath(page.row.name, kept, { tab: "path", agent: one.agent, target: one.target })}>{plural(one.hops, "hop")}, {one.branches > 1 ? `${one.branches} branches` : "one branch"}{one.paths > 1 ? `, ${one.paths} paths` : ""}</Link> : none),
    }] : []),
    ...(has((one) => one.code) && page.row.kind === "http" ? [{ key: "code", title: "Status", numeric: true, sort: (one: TestSeries) => one.code, render: (one: TestSeries) => one.code || none }] : []),
    ...(has((one) => one.certificate_days) ? [number("certificate", "Certificate", (one) => one.certificate_days, "d", "Days until it expires")] : []),
    { key: "last", title: "Ran", numeric: true, sort: (one) => one.last, render: (one) => (one.last === null ? none : ago(one.last, page.updated)) },
    { key: "why", title: "Why", sort: (one) => one.error, render: (one) => (one.error && one.state !== "ok" ? <span className={css.why} title={one.error}>{one.error}</span> : <Link className="faint" href={explorePath({ dataset: "probes", by: ["agent"], filter: one.filter }, kept)}>Explore</Link>) },
  ];
}

function Figures({ page }: { page: TestPage }) {
  const { row, series } = page;
  const well = row.states.ok ?? 0;
  return (
    <Panel>
      <div className={layout.stats}>
        <Stat label="Well now" text={`${well} of ${series.length}`} note={trouble(row.states) || (series.length > 0 ? "all of them" : "nothing runs")} />
        <Stat label="Available" value={percent(row.availability)} unit="%" note={plural(row.runs, "run")} />
        <Stat label="Latency" value={row.rtt_ms} unit="ms" note="mean of all" {...(row.course ? { trend: row.course.rtt_ms } : {})} />
        <Stat label="Loss" value={percent(row.loss)} unit="%" note="of probes" />
        {row.certificate_days !== null && <Stat label="Certificate" value={row.certificate_days} unit="d" note="until the first expires" />}
        <Stat label="Ran" text={row.last === null ? "never" : ago(row.last, page.updated)} note={`by ${plural(row.agents.length, "agent")}`} />
      </div>
    </Panel>
  );
}

export function TestOverview({ page }: { page: TestPage }) {
  const kept = useTimeSearch();
  const columns = useMemo(() => columnsOf(page, kept), [page, kept]);
  const charts = Object.entries(page.queries);
  if (page.row.agents.length === 0) return <Panel><EmptyState title="No agent runs it" icon="synthetics">No agent that registered has a name that the test matches.</EmptyState></Panel>;
  return (
    <>
      <Figures page={page} />
      <div className={layout.columns}>
        {charts.map(([key, query]) => <SeriesPanel key={key} title={CHARTS[key]?.[0] ?? key} hint={CHARTS[key]?.[1]} query={query} height={170} />)}
        {page.row.kind === "http" && <Phases series={page.series} />}
      </div>
      <Panel title={page.row.mesh ? plural(page.series.length, "pair") : `${page.series.length} series`} hint="over the time range" flush>
        <DataTable columns={columns} rows={page.series} rowKey={(one) => [one.agent, one.target, one.target_agent, one.resolver].join("\u0001")} caption="What each agent measured" maxHeight={620} />
      </Panel>
    </>
  );
}
