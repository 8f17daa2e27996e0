import { useMemo } from "react";
import { useLocation } from "wouter";
import type { Exporter, Exporters } from "../../api/types";
import { useTimeSearch } from "../../app/time";
import { exporterPath } from "../../lib/links";
import { ago } from "../../lib/time";
import { format, plural } from "../../lib/units";
import { rankOf } from "../../lib/verdict";
import { DataTable, type Column } from "../../ui/DataTable";
import { NameCell } from "../../ui/NameCell";
import { Panel } from "../../ui/Panel";
import { Sparkline } from "../../ui/Sparkline";
import { Connect } from "../home/Connect";
import { protocolName, samplingText, sum } from "./ledger";
import { PipelinePanel } from "./PipelinePanel";


/** The worst finding, without the name that stands before it anyway. */
function finding(one: Exporter): string {
  const title = one.reasons[0]?.title ?? "";
  return title.startsWith(one.name) ? title.slice(one.name.length).replace(/^:? /, "") : title;
}

const unknownFields = (one: Exporter): number => one.streams.reduce((total, stream) => total + stream.unknown_fields.length, 0);

function columnsAt(now: number, kept: string): Column<Exporter>[] {
  return [
    {
      key: "name", title: "Exporter", sort: (one) => `${3 - rankOf(one.status)} ${one.name}`,
      render: (one) => (
        <NameCell status={one.status} name={one.name} href={exporterPath(one.address, kept)} address={one.address} finding={finding(one)} title={one.reasons[0]?.title} />
      ),
    },
    { key: "site", title: "Site", sort: (one) => one.site, render: (one) => one.site || <span className="faint">–</span> },
    { key: "protocols", title: "Protocol", render: (one) => one.protocols.map(protocolName).join(", ") },
    { key: "history", title: "Records/s", width: "110px", render: (one) => <Sparkline values={one.history.values} /> },
    { key: "rate", title: "Now", numeric: true, sort: (one) => one.records_per_s, render: (one) => format(one.records_per_s, "") },
    {
      key: "loss", title: "Loss", numeric: true, hint: "Of what it sent, by its sequence numbers", sort: (one) => one.loss_share,
      render: (one) => (one.loss_share > 0 ? format(one.loss_share * 100, "%") : <span className="faint">0</span>),
    },
    { key: "errors", title: "Errors", numeric: true, sort: (one) => sum(one.errors), render: (one) => (sum(one.errors) ? format(sum(one.errors), "") : <span className="faint">0</span>) },
    { key: "sampling", title: "Sampling", numeric: true, render: (one) => samplingText(one.sampling_rates) },
    { key: "templates", title: "Templ.", hint: "Templates", numeric: true, sort: (one) => one.templates, render: (one) => one.templates || <span className="faint">–</span> },
    { key: "unknown", title: "Unknown", hint: "Fields that Weft does not store", numeric: true, sort: unknownFields, render: (one) => unknownFields(one) || <span className="faint">0</span> },
    { key: "seen", title: "Last seen", numeric: true, sort: (one) => one.last_seen, render: (one) => ago(one.last_seen, now) },
  ];
}

/** Flow exporters with what only they have: protocols, sampling, templates, losses by sequence numbers. */
export function ExporterList({ data }: { data: Exporters }) {
  const kept = useTimeSearch();
  const [, navigate] = useLocation();
  const columns = useMemo(() => columnsAt(data.updated, kept), [data.updated, kept]); // the server's clock, not ours
  const troubled = data.exporters.filter((one) => one.status === "warning" || one.status === "critical").length;
  if (data.exporters.length === 0) return <Panel title="No exporter has been heard yet"><Connect pipeline={data.pipeline} /></Panel>;
  return (
    <>
      <PipelinePanel pipeline={data.pipeline} />
      <Panel title={plural(data.exporters.length, "exporter")} hint={troubled ? `${troubled} need attention` : "all healthy"} flush>
        <DataTable
          columns={columns} rows={data.exporters} rowKey={(one) => one.address} caption="Exporters" initialSort={{ key: "name", ascending: true }}
          onPick={(one) => navigate(exporterPath(one.address, kept))}
        />
      </Panel>
    </>
  );
}
