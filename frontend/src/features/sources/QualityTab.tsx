import { Button, Drawer, SegmentedControl, TextInput } from "@mantine/core";
import { useDeferredValue, useMemo, useState } from "react";
import { Link, useLocation } from "wouter";
import { useGet } from "../../api/queries";
import type { Exporters, Query, Reconciled, ReconciledRow, Sources } from "../../api/types";
import { useTime, useTimeSearch } from "../../app/time";
import { exporterPath, pageOf, sourcesPath } from "../../lib/links";
import { format, grouped, plural } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import { FactList } from "../../ui/FactList";
import { Icon } from "../../ui/Icon";
import layout from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { Stat } from "../../ui/Stat";
import { EmptyState } from "../../ui/States";
import { StatusIcon, StatusPill } from "../../ui/Status";
import ui from "../../ui/ui.module.css";
import { hrefOf } from "../explorer/datasets";
import { samplingText } from "../exporters/ledger";
import { FLOW, feedName, kindOf } from "./kinds";
import { bar, interfaceOf, ratioText, VERDICTS, verdictOf, weaknesses, type Weakness } from "./quality";
import css from "./sources.module.css";

const PAGE = 500;
const percent = (share: number): string => format(Math.floor(share * 1000) / 10, "%");

function Ratio({ row }: { row: ReconciledRow }) {
  if (row.adjusted === null) return <span className="faint">–</span>;
  const { left, width } = bar(row.adjusted);
  return (
    <span className={layout.beside}>
      <span className={css.ratio} data-status={verdictOf(row.verdict).status}><i style={{ left: `${left}%`, width: `${width}%` }} /></span>{ratioText(row.adjusted)}
    </span>
  );
}

const COLUMNS: Column<ReconciledRow>[] = [
  {
    key: "name", title: "Interface", sort: interfaceOf,
    render: (row) => {
      const page = pageOf("interface", `${row.device}: ${row.interface}`);
      const text = `${row.device}: ${row.interface}`;
      return <span className={css.name}>{page ? <Link href={page} onClick={(event) => event.stopPropagation()}>{text}</Link> : text} <span className="faint">{row.direction}</span></span>;
    },
  },
  { key: "verdict", title: "Verdict", sort: (row) => VERDICTS.findIndex((one) => one.verdict === row.verdict), render: (row) => <StatusPill status={verdictOf(row.verdict).status}>{verdictOf(row.verdict).word}</StatusPill> },
  { key: "ratio", title: "Flows ÷ counters", hint: "Flows with Ethernet headers over what the interface counted; 1 (the mark) where they agree", sort: (row) => row.adjusted, render: (row) => <Ratio row={row} /> },
  { key: "flows", title: "By flows", numeric: true, hint: "Corrected for sampling, with Ethernet headers", sort: (row) => row.flow_bps_framed, render: (row) => format(row.flow_bps_framed, "bit/s") },
  { key: "counters", title: "By counters", numeric: true, sort: (row) => row.counter_bps, render: (row) => format(row.counter_bps, "bit/s") },
  { key: "source", title: "Counted by", sort: (row) => row.counter_source, render: (row) => (row.counter_source && feedName(row.counter_source)) || <span className="faint">–</span> },
  {
    key: "reason", title: "Likely reason", sort: (row) => row.reasons[0]?.title ?? "",
    render: (row) => (row.reasons[0] ? <span title={row.reasons[0].fix}>{row.reasons[0].title}{row.reasons[0].confidence > 0 && <span className="faint"> {percent(row.reasons[0].confidence)}</span>}</span> : <span className="faint">–</span>),
  },
];

function Detail({ row }: { row: ReconciledRow }) {
  const said = verdictOf(row.verdict);
  const facts: [string, string][] = [
    ["Flows", `${format(row.flow_bps, "bit/s")}, with Ethernet headers ${format(row.flow_bps_framed, "bit/s")}`],
    ["Counters", row.counter_bps === null ? "none" : `${format(row.counter_bps, "bit/s")}, by ${row.counter_source ? feedName(row.counter_source) : "an unknown source"}`],
    ["Ratio", `${ratioText(row.adjusted)}; ${ratioText(row.ratio)} without headers`],
    ["Tolerance", `± ${percent(row.tolerance)}: sampling error, time-outs, headers`],
    ["Packets seen", `${grouped(row.packets_seen)} as exported`],
    ["Sampling", samplingText(row.sampling_rates)],
    ["Flows came in", `${percent(row.flow_coverage)} of the minutes`],
    ["Counters cover", `${percent(row.counter_coverage)} of the window`],
    ["Lost on the way", percent(row.loss_share)],
    ["Speed", row.speed_bps ? format(row.speed_bps, "bit/s") : "unknown"],
  ];
  const queries = Object.entries(row.queries) as [string, Query][];
  return (
    <div className={css.detail}>
      <div className={css.lead}><StatusPill status={said.status}>{said.word}</StatusPill><span>{said.meaning}</span></div>
      {row.reasons.length > 0 && (
        <section>
          <h3>Likely reasons</h3>
          <ul className={ui.findings}>
            {row.reasons.map((reason) => (
              <li key={reason.code}>{reason.confidence > 0 && <code>{percent(reason.confidence)} sure</code>}<b>{reason.title}</b>{reason.expected !== null && <p>It would make the ratio {ratioText(reason.expected)}.</p>}{reason.fix && <p>{reason.fix}</p>}</li>
            ))}
          </ul>
        </section>
      )}
      <section><h3>What it rests on</h3><FactList facts={facts} /></section>
      <div className={layout.tools}>
        {queries.map(([name, query]) => <Button key={name} component={Link} size="compact-sm" variant="default" leftSection={<Icon name="explore" size={13} />} href={hrefOf(query)}>Chart of {name}</Button>)}
      </div>
    </div>
  );
}

function Comparison() {
  const { range, interval } = useTime();
  const [device, setDevice] = useState("");
  const [verdict, setVerdict] = useState("");
  const [picked, setPicked] = useState<ReconciledRow>();
  const asked = useDeferredValue(device.trim());
  const params = new URLSearchParams({ since: range.since, until: range.until, limit: String(PAGE) });
  if (verdict) params.set("verdict", verdict);
  const answer = useGet<Reconciled>(`quality/reconciliation?${params}`, interval || 60_000);
  const rows = useMemo(() => (answer.data?.rows ?? []).filter((row) => interfaceOf(row).toLowerCase().includes(asked.toLowerCase())), [answer.data, asked]);
  return (
    <>
      <Answer of={answer} rows={8}>
        {(view) => {
          const all = Object.values(view.verdicts).reduce((sum, count) => sum + count, 0);
          if (all === 0) return <Panel title="Flows against interface counters"><EmptyState title="Nothing to compare in this range">It takes flows and interface counters (SNMP, gNMI or sFlow) of the same interface.</EmptyState></Panel>;
          return (
            <>
              <Panel>
                <div className={layout.stats}>
                  {VERDICTS.map((one) => <Stat key={one.verdict} label={<><StatusIcon status={one.status} size={12} /> {one.word}</>} value={view.verdicts[one.verdict] ?? 0} unit="" note={one.meaning} />)}
                </div>
              </Panel>
              <Panel
                title="Flows against interface counters" hint={`${grouped(all)} directions of interfaces, worst first${view.total > view.rows.length ? `; ${view.rows.length} are listed` : ""}`} flush
                actions={
                  <div className={layout.toolbar}>
                    <TextInput size="xs" aria-label="Search interfaces" placeholder="Device or interface" leftSection={<Icon name="search" size={13} />} value={device} onChange={(event) => setDevice(event.target.value)} />
                    <SegmentedControl size="xs" aria-label="Verdict" value={verdict} onChange={setVerdict} data={[{ value: "", label: "All" }, ...VERDICTS.slice(0, 3).map((one) => ({ value: one.verdict, label: one.word }))]} />
                  </div>
                }
              >
                <DataTable columns={COLUMNS} rows={rows} rowKey={(row) => `${row.exporter} ${row.if_index} ${row.direction}`} caption="Interfaces. Enter on a row shows what the verdict rests on." onPick={setPicked} />
              </Panel>
            </>
          );
        }}
      </Answer>
      <Drawer opened={picked !== undefined} onClose={() => setPicked(undefined)} title={picked ? interfaceOf(picked) : ""} size={620}>{picked && <Detail row={picked} />}</Drawer>
    </>
  );
}

const WEAK: Column<Weakness>[] = [
  { key: "name", title: "Source", sort: (one) => one.name, render: (one) => <span className={css.name}><StatusIcon status={one.status} /><b>{one.name}</b></span> },
  { key: "kind", title: "Kind", sort: (one) => kindOf(one.kind).title, render: (one) => kindOf(one.kind).title },
  { key: "what", title: "What it does to answers", render: (one) => one.what },
];

function Weak({ sources, exporters }: { sources: Sources; exporters: Exporters }) {
  const kept = useTimeSearch();
  const [, navigate] = useLocation();
  const found = useMemo(() => weaknesses(sources.sources, exporters.exporters), [sources, exporters]);
  const total = sources.total + exporters.exporters.length;
  return (
    <Panel title="Sources that make answers incomplete" hint={found.length ? `${found.length} of ${plural(total, "source")}` : `none of ${plural(total, "source")}`} flush={found.length > 0}>
      {found.length === 0
        ? <p className="muted">Every source is heard, covers what was expected and keeps time.</p>
        : (
          <DataTable
            columns={WEAK} rows={found} rowKey={(one) => one.id} caption="Sources that are silent, have gaps or wrong clocks" maxHeight={420}
            onPick={(one) => navigate(one.kind === FLOW ? exporterPath(one.id.slice(FLOW.length + 1), kept) : sourcesPath({ kind: one.kind, source: one.id }, kept))}
          />
        )}
    </Panel>
  );
}

/** Whether the data can be trusted: what is counted against what is exported, and what is missing. */
export default function QualityTab({ sources, exporters }: { sources: Sources; exporters: Exporters }) {
  return <><Comparison /><Weak sources={sources} exporters={exporters} /></>;
}
