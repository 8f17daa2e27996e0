import { useMemo } from "react";
import { Link, useLocation } from "wouter";
import type { TopologyEdge } from "../../api/types";
import { useTimeSearch } from "../../app/time";
import { interfacePath } from "../../lib/links";
import { format, plural } from "../../lib/units";
import { rankOf, statusOf, wordOf } from "../../lib/verdict";
import { DataTable, type Column } from "../../ui/DataTable";
import layout from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { StatusIcon } from "../../ui/Status";
import ui from "../../ui/ui.module.css";
import { MeasuredBy, OperPill, Usage } from "../devices/words";
import { linkRows, type LinkRow } from "./load";

const sum = (one: number | null, other: number | null): number | null => (one === null && other === null ? null : (one ?? 0) + (other ?? 0));
const perSecond = (value: number | null): React.ReactNode => (value === null ? <span className="faint">–</span> : value === 0 ? <span className="faint">0</span> : format(value, "/s"));

function columnsWith(kept: string): Column<LinkRow>[] {
  const end = (which: "a" | "b"): Column<LinkRow> => ({
    key: which, title: which === "a" ? "From" : "To", sort: (row) => `${row.link[which].device} ${row.link[which].interface}`,
    render: ({ link }) => (
      <span className={ui.nameAndPart}>
        <Link href={interfacePath(link[which].device, link[which].interface, kept)} onClick={(event) => event.stopPropagation()}>{link[which].device}</Link>
        <code>{link[which].interface}</code>
      </span>
    ),
  });
  return [
    {
      key: "status", title: "State", sort: (row) => 3 - rankOf(row.edge.status),
      render: ({ edge, link }) => <span className={layout.beside}><StatusIcon status={statusOf(edge.status)} /><span className="visually-hidden">{wordOf(edge.status)}</span><OperPill oper={link.oper} /></span>,
    },
    end("a"), end("b"),
    { key: "worst", title: "Busiest", numeric: true, hint: "The more loaded direction", sort: (row) => row.worst, render: (row) => <Usage value={row.worst} /> },
    { key: "forward", title: "There", numeric: true, sort: (row) => row.link.forward.bps, render: ({ link }) => format(link.forward.bps, "bit/s") },
    { key: "backward", title: "Back", numeric: true, sort: (row) => row.link.backward.bps, render: ({ link }) => format(link.backward.bps, "bit/s") },
    { key: "capacity", title: "Capacity", numeric: true, sort: (row) => row.link.capacity_bps, render: ({ link }) => (link.capacity_bps ? format(link.capacity_bps, "bit/s") : "–") },
    { key: "errors", title: "Errors", numeric: true, hint: "Both directions, packets per second", sort: ({ link }) => sum(link.forward.errors_per_s, link.backward.errors_per_s), render: ({ link }) => perSecond(sum(link.forward.errors_per_s, link.backward.errors_per_s)) },
    { key: "discards", title: "Discards", numeric: true, hint: "Both directions, packets per second", sort: ({ link }) => sum(link.forward.discards_per_s, link.backward.discards_per_s), render: ({ link }) => perSecond(sum(link.forward.discards_per_s, link.backward.discards_per_s)) },
    { key: "provider", title: "Provider", sort: ({ link }) => link.provider, render: ({ link }) => link.provider || <span className="faint">–</span> },
    { key: "circuit", title: "Circuit", sort: ({ link }) => link.circuit, render: ({ link }) => link.circuit || <span className="faint">–</span> },
    { key: "measured", title: "Measured", render: ({ link }) => <MeasuredBy by={link.measured} /> },
  ];
}

/** The same as the drawing, as rows: for those who cannot see it, and for sorting. */
export function LinkTable({ edges, pick, window }: { edges: readonly TopologyEdge[]; pick?: (edge: TopologyEdge) => void; window: string }) {
  const kept = useTimeSearch();
  const [, navigate] = useLocation();
  const rows = useMemo(() => linkRows(edges), [edges]);
  const columns = useMemo(() => columnsWith(kept), [kept]);
  return (
    <Panel title={plural(rows.length, "link")} hint={`rates: ${window}`} flush>
      <DataTable
        columns={columns} rows={rows} rowKey={(row) => row.id} caption="Links" initialSort={{ key: "worst", ascending: false }} maxHeight={620}
        onPick={(row) => (pick ? pick(row.edge) : navigate(interfacePath(row.link.a.device, row.link.a.interface, kept)))}
      />
    </Panel>
  );
}
