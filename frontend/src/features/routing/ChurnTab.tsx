import { SegmentedControl } from "@mantine/core";
import type { ChurnRow, RouteChurn } from "../../api/types";
import { useParam } from "../../app/params";
import { usePrefs } from "../../lib/prefs";
import { dateTime } from "../../lib/time";
import { grouped } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import layout from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { EmptyState } from "../../ui/States";
import { SeriesPanel } from "../devices/SeriesPanel";
import { usePage } from "../devices/usePage";
import { Asn, Peer, PrefixLink, Router, ShowSql, Table, type AsNames } from "./parts";
import css from "./routing.module.css";

const none = <span className="faint">–</span>;
const SERIES = { dataset: "routes", by: ["event"], measures: ["updates"], filter: "event IN (announce, change, withdraw)" };
const count = (value: number) => (value ? grouped(value) : none);

function columnsAt(by: string, names: AsNames, zone: "local" | "utc"): Column<ChurnRow>[] {
  const of: Record<string, Column<ChurnRow>[]> = {
    prefix: [
      { key: "prefix", title: "Prefix", sort: (row) => row.prefix, render: (row) => <PrefixLink prefix={row.prefix} /> },
      { key: "origin", title: "Origin", sort: (row) => row.origin_as, render: (row) => (row.origin_as ? <Asn number={row.origin_as} names={names} /> : none) },
      { key: "peers", title: "Neighbours", numeric: true, sort: (row) => row.peers, render: (row) => row.peers },
    ],
    peer: [
      { key: "router", title: "Router", sort: (row) => row.name, render: (row) => <Router name={row.name} exporter={row.exporter} /> },
      { key: "peer", title: "Neighbour", sort: (row) => row.peer, render: (row) => (row.peer ? <Peer path={{ ...row, peer_as: row.origin_as }} /> : <span className="faint">the router itself</span>) },
      { key: "rib", title: "Table", sort: (row) => row.rib, render: (row) => <Table rib={row.rib} /> },
      { key: "prefixes", title: "Prefixes", numeric: true, sort: (row) => row.prefixes, render: (row) => grouped(row.prefixes) },
    ],
    origin: [
      { key: "origin", title: "Origin", sort: (row) => row.origin_as, render: (row) => (row.origin_as ? <Asn number={row.origin_as} names={names} /> : "own") },
      { key: "prefixes", title: "Prefixes", numeric: true, sort: (row) => row.prefixes, render: (row) => grouped(row.prefixes) },
      { key: "peers", title: "Neighbours", numeric: true, sort: (row) => row.peers, render: (row) => row.peers },
    ],
  };
  return [
    ...(of[by] ?? []),
    { key: "updates", title: "Updates", numeric: true, sort: (row) => row.updates, render: (row) => grouped(row.updates) },
    { key: "announced", title: "Announced", numeric: true, hint: "Where there was no route", sort: (row) => row.announcements, render: (row) => count(row.announcements) },
    { key: "changed", title: "Changed", numeric: true, hint: "Another path", sort: (row) => row.changes, render: (row) => count(row.changes) },
    { key: "withdrawn", title: "Withdrawn", numeric: true, sort: (row) => row.withdrawals, render: (row) => count(row.withdrawals) },
    { key: "flaps", title: "Flaps", numeric: true, hint: "How often routes both came and went", sort: (row) => row.flaps, render: (row) => (row.flaps ? <span className={css.warn}>{grouped(row.flaps)}</span> : none) },
    { key: "paths", title: "Paths", numeric: true, hint: "Distinct AS paths with communities", sort: (row) => row.paths, render: (row) => grouped(row.paths) },
    { key: "last", title: "Last change", sort: (row) => row.last, render: (row) => dateTime(row.last, zone, true) },
  ];
}

const TITLES: Record<string, string> = { prefix: "prefixes", peer: "tables of neighbours", origin: "origins" };

export default function ChurnTab() {
  const { zone } = usePrefs();
  const [chosen, setBy] = useParam("by");
  const by = chosen in TITLES ? chosen : "prefix";
  const answer = usePage<RouteChurn>("routing/churn", true, { by, limit: "200" });
  return (
    <>
      <SeriesPanel title="Updates" hint="re-sent routes left out" query={SERIES} kind="stacked" />
      <Answer of={answer} rows={10}>
        {(view) => (
          <Panel
            title={`What changes most: ${TITLES[by]}`} hint={`the ${grouped(view.rows.length)} with the most updates`} flush
            actions={<div className={layout.toolbar}><SegmentedControl size="xs" aria-label="By" value={by} onChange={(value) => setBy(value === "prefix" ? "" : value)} data={[{ value: "prefix", label: "Prefixes" }, { value: "peer", label: "Neighbours" }, { value: "origin", label: "Origins" }]} /><ShowSql of={view} what="What changes most" /></div>}
          >
            <DataTable
              key={by} columns={columnsAt(by, view.as_names, zone)} rows={view.rows} rowKey={(row) => [row.prefix, row.exporter, row.peer, row.rib, row.vrf, by === "origin" ? row.origin_as : ""].join(" ")} caption="What changes most" maxHeight={640}
              empty={<EmptyState title="Nothing changed in this range">Routes that are sent again unchanged are not counted.</EmptyState>}
            />
          </Panel>
        )}
      </Answer>
    </>
  );
}
