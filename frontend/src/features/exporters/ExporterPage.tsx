import { Button, Tooltip } from "@mantine/core";
import { useCallback, useMemo } from "react";
import { Link } from "wouter";
import { useLive } from "../../api/live";
import { useGet } from "../../api/queries";
import type { Exporter, Exporters, Interface, Pipeline, Stream } from "../../api/types";
import { useTimeSearch } from "../../app/time";
import type { ChartTheme } from "../../charts/theme";
import { timeseries } from "../../charts/timeseries";
import { usePrefs } from "../../lib/prefs";
import { ago, dateTime } from "../../lib/time";
import { format, grouped } from "../../lib/units";
import { statusOf, wordOf } from "../../lib/verdict";
import { Answer } from "../../ui/Answer";
import { Chart } from "../../ui/Chart";
import { DataTable, type Column } from "../../ui/DataTable";
import { Icon } from "../../ui/Icon";
import layout from "../../ui/layout.module.css";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { Reasons } from "../../ui/Reasons";
import { Stat } from "../../ui/Stat";
import { EmptyState } from "../../ui/States";
import { StatusPill } from "../../ui/Status";
import ui from "../../ui/ui.module.css";
import { clause } from "../filter/clause";
import css from "./exporters.module.css";
import { exporterLedger, protocolName, samplingText } from "./ledger";
import { explain } from "./reasons";

function RateChart({ one }: { one: Exporter }) {
  const { zone } = usePrefs();
  const { history } = one;
  const build = useCallback((theme: ChartTheme) => timeseries({
    kind: "lines", unit: "records/s", zone, slots: [0], compact: true,
    grid: { start: history.start, step: history.step, count: history.values.length },
    series: [{ key: ["rate"], label: "Records", values: history.values, previous: null, other: false }],
  }, theme), [history, zone]);
  if (history.values.length < 2) return <EmptyState title="Not enough history yet" icon="clock">It is kept from the start of this process.</EmptyState>;
  return <Chart build={build} kind="rate" height={180} label={`Records per second of ${one.name}, now ${format(one.records_per_s, "records/s")}`} />;
}

function Ledger({ one, pipeline }: { one: Exporter; pipeline: Pipeline }) {
  return (
    <ol className={css.ledger} aria-label="Losses by stage">
      {exporterLedger(one, pipeline).map((stage) => (
        <Tooltip key={stage.name} label={stage.meaning} position="top-start">
          <li>
            {stage.name}
            <i>{stage.share !== null && stage.share > 0 && <b style={{ width: `${Math.max(1.5, stage.share * 100)}%` }} />}</i>
            <span>{grouped(stage.count)} {stage.unit}</span>
            <em>{stage.share === null ? "" : stage.share > 0 ? format(stage.share * 100, "%") : "0 %"}</em>
          </li>
        </Tooltip>
      ))}
    </ol>
  );
}

const STREAM_COLUMNS: Column<Stream>[] = [
  { key: "protocol", title: "Protocol", render: (one) => protocolName(one.protocol) },
  { key: "source", title: "Source", mono: true, render: (one) => one.source },
  { key: "domain", title: "Domain", numeric: true, hint: "Observation domain, source id, engine or sub-agent", render: (one) => one.observation_domain },
  { key: "rate", title: "Records/s", numeric: true, sort: (one) => one.records_per_s, render: (one) => format(one.records_per_s, "") },
  { key: "records", title: "Records", numeric: true, sort: (one) => one.records, render: (one) => format(one.records, "") },
  { key: "lost", title: "Lost", numeric: true, sort: (one) => one.lost, render: (one) => (one.lost ? `${grouped(one.lost)} ${one.lost_unit}` : "0") },
  { key: "share", title: "Loss", numeric: true, sort: (one) => one.loss_share, render: (one) => format(one.loss_share * 100, "%") },
  { key: "sampling", title: "Sampling", numeric: true, render: (one) => `${samplingText([one.sampling_rate])}${one.sampling_rate ? ` (${one.sampling_source})` : ""}` },
  { key: "templates", title: "Templates", numeric: true, render: (one) => (one.template_changes ? `${one.templates} (${one.template_changes} redefined)` : one.templates) },
  { key: "reordered", title: "Reordered", numeric: true, render: (one) => grouped(one.reordered) },
  { key: "restarts", title: "Restarts", numeric: true, render: (one) => grouped(one.restarts) },
];

function interfaceColumns(address: string, kept: string): Column<Interface>[] {
  return [
    {
      key: "name", title: "Interface", sort: (one) => one.name || one.if_index,
      render: (one) => <Link href={`/explore?by=src_as%2Cdst_as&filter=${encodeURIComponent(`${clause([{ field: "exporter", value: address }])} AND if = ${one.if_index}`)}${kept.replace("?", "&")}`}>{one.name || `ifIndex ${one.if_index}`}</Link>,
    },
    { key: "index", title: "ifIndex", numeric: true, sort: (one) => one.if_index, render: (one) => one.if_index },
    { key: "description", title: "Description", render: (one) => one.description },
    { key: "speed", title: "Speed", numeric: true, sort: (one) => one.speed_bps, render: (one) => (one.speed_bps ? format(one.speed_bps, "bit/s") : "–") },
    { key: "boundary", title: "Boundary", sort: (one) => one.boundary, render: (one) => one.boundary },
    { key: "provider", title: "Provider", sort: (one) => one.provider, render: (one) => one.provider },
    { key: "connectivity", title: "Connectivity", sort: (one) => one.connectivity, render: (one) => one.connectivity },
  ];
}

function Trouble({ one }: { one: Exporter }) {
  const counts = [...one.errors, ...one.dropped, ...one.lost_rows];
  if (counts.length === 0) return <p className="muted">Every datagram of this exporter could be decoded and stored.</p>;
  return (
    <ul className={ui.findings}>
      {counts.map(({ reason, count }) => {
        const said = explain(reason);
        return <li key={reason}><code>{reason}</code><b>{grouped(count)} × {said.what}</b>{said.fix && <p>{said.fix}.</p>}</li>;
      })}
    </ul>
  );
}

function UnknownFields({ one }: { one: Exporter }) {
  const fields = one.streams.flatMap((stream) => stream.unknown_fields);
  if (fields.length === 0) return <p className="muted">Weft knows every field that this exporter sends.</p>;
  return (
    <>
      <p className="muted">Sent by the device but not stored; totals are not affected. Shown as enterprise number / element.</p>
      <ul className={ui.findings}>{fields.map((field) => <li key={field.field}><b className="mono">{field.field}</b> <span className="faint">in {grouped(field.records)} records</span></li>)}</ul>
    </>
  );
}

function Detail({ one, pipeline, now }: { one: Exporter; pipeline: Pipeline; now: number }) {
  const kept = useTimeSearch();
  const { zone } = usePrefs();
  const columns = useMemo(() => interfaceColumns(one.address, kept), [one.address, kept]);
  return (
    <>
      <PageHeader
        title={one.name} before={<Link href={`/sources${kept}`} aria-label="All exporters"><Icon name="left" /></Link>}
        subtitle={[one.address, one.site, one.role].filter(Boolean).join(" · ")}
      >
        <StatusPill status={statusOf(one.status)}>{wordOf(one.status)}</StatusPill>
        <Button component={Link} href={`/explore?filter=${encodeURIComponent(clause([{ field: "exporter", value: one.address }]))}${kept.replace("?", "&")}`} leftSection={<Icon name="explore" />}>
          Explore its traffic
        </Button>
      </PageHeader>
      {one.reasons.length > 0 && <Panel><Reasons reasons={one.reasons} /></Panel>}
      <Panel>
        <div className={layout.stats}>
          <Stat label="Records" value={one.records_per_s} unit="records/s" note={`${format(one.records, "")} since the start`} />
          <Stat label="Datagrams" value={one.datagrams_per_s} unit="datagrams/s" note={`${format(one.telemetry_bps, "bit/s")} of telemetry`} />
          <Stat label="Loss on the way" value={one.loss_share * 100} unit="%" note="by sequence numbers" />
          <Stat label="Templates" value={one.templates} unit="" note={`sampling ${samplingText(one.sampling_rates)}`} />
          <Stat label="Last seen" text={ago(one.last_seen, now)} note={`first ${dateTime(one.first_seen, zone)}`} />
        </div>
      </Panel>
      <div className={layout.columns}>
        <Panel title="Rate" hint="records per second"><RateChart one={one} /></Panel>
        <Panel title="Loss ledger" hint="from the exporter to the store, since the start"><Ledger one={one} pipeline={pipeline} /></Panel>
        <Panel title="What went wrong" hint="by reason, since the start"><Trouble one={one} /></Panel>
        <Panel title="Unknown fields"><UnknownFields one={one} /></Panel>
      </div>
      <Panel title="Streams" hint="one per source, protocol and observation domain" flush>
        <DataTable columns={STREAM_COLUMNS} rows={one.streams} rowKey={(stream) => `${stream.source} ${stream.protocol} ${stream.observation_domain}`} caption="Streams" />
      </Panel>
      <Panel title="Interfaces" hint={`${one.interfaces.length} known`} flush>
        <DataTable columns={columns} rows={one.interfaces} rowKey={(item) => String(item.if_index)} caption="Interfaces" empty={<EmptyState title="No interface is known yet">Names come from the interfaces table, from options data, or from SNMP later.</EmptyState>} />
      </Panel>
    </>
  );
}

export default function ExporterPage({ address }: { address: string }) {
  const first = useGet<Exporters>("exporters");
  const live = useLive<Exporters>("exporters");
  return (
    <Answer of={first} rows={8}>
      {(data) => {
        const shown = live ?? data;
        const one = shown.exporters.find((item) => item.address === address);
        if (!one) return <EmptyState title={`No exporter ${address}`} action={<Link href="/sources">All exporters</Link>}>It has not been heard since Weft started, or its address is another.</EmptyState>;
        return <Detail one={one} pipeline={shown.pipeline} now={shown.updated} />;
      }}
    </Answer>
  );
}
