import { SegmentedControl, TextInput } from "@mantine/core";
import { useDeferredValue, useMemo, useState } from "react";
import { useLocation } from "wouter";
import type { BgpSession, BgpSessions } from "../../api/types";
import { useTimeSearch } from "../../app/time";
import { routingPath } from "../../lib/links";
import { usePrefs } from "../../lib/prefs";
import { dateTime } from "../../lib/time";
import { duration, grouped, plural } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import { Icon } from "../../ui/Icon";
import layout from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { Stat } from "../../ui/Stat";
import { EmptyState } from "../../ui/States";
import { StatusPill, type Status } from "../../ui/Status";
import { SeriesPanel } from "../devices/SeriesPanel";
import { usePage } from "../devices/usePage";
import { Peer, Router, ShowSql, Table } from "./parts";
import css from "./routing.module.css";

const STATES: Record<string, { word: string; status: Status }> = {
  up: { word: "up", status: "good" }, down: { word: "down", status: "bad" }, unknown: { word: "dump", status: "idle" },
};
const none = <span className="faint">–</span>;
const UPDATES = { dataset: "routes", by: ["exporter", "peer"], measures: ["updates_per_s"], filter: "event IN (announce, change, withdraw)", top: 8 };

function columnsAt(zone: "local" | "utc", vrfs: boolean): Column<BgpSession>[] {
  const vrf: Column<BgpSession>[] = vrfs ? [{ key: "vrf", title: "VRF", sort: (row) => row.vrf, render: (row) => row.vrf || none }] : [];
  return [
    { key: "router", title: "Router", sort: (row) => row.name, render: (row) => <Router name={row.name} exporter={row.exporter} source={row.source} /> },
    { key: "peer", title: "Neighbour", sort: (row) => row.peer_name || row.peer, render: (row) => <Peer path={row} /> },
    { key: "rib", title: "Table", sort: (row) => row.rib, render: (row) => <Table rib={row.rib} /> },
    ...vrf,
    { key: "state", title: "State", sort: (row) => row.state, render: (row) => { const { word, status } = STATES[row.state] ?? { word: row.state, status: "idle" as const }; return <span title={row.reason}><StatusPill status={status}>{word}</StatusPill>{row.reason && <span className={css.reason}>{row.reason}</span>}</span>; } },
    { key: "routes", title: "Routes", numeric: true, hint: "That stand at the end of the range", sort: (row) => row.routes, render: (row) => (row.routes === null ? none : <span title={Object.entries(row.families).map(([family, count]) => `${family.replaceAll("_", " ")} ${grouped(count)}`).join(", ")}>{grouped(row.routes)}</span>) },
    { key: "invalid", title: "Invalid", numeric: true, hint: "Of these, RPKI-invalid", sort: (row) => row.rpki["invalid"] ?? 0, render: (row) => (row.rpki["invalid"] ? <span className={css.bad}>{grouped(row.rpki["invalid"])}</span> : none) },
    { key: "updates", title: "Updates", numeric: true, hint: "Announcements, changes and withdrawals in the range", sort: (row) => row.updates, render: (row) => <span title={`${grouped(row.announcements)} announced, ${grouped(row.changes)} changed, ${grouped(row.withdrawals)} withdrawn`}>{row.updates ? grouped(row.updates) : none}</span> },
    { key: "prefixes", title: "Prefixes", numeric: true, hint: "Distinct ones that changed", sort: (row) => row.prefixes, render: (row) => (row.prefixes ? grouped(row.prefixes) : none) },
    { key: "flaps", title: "Resets", numeric: true, hint: "How often the session went away in the range", sort: (row) => row.downs, render: (row) => row.downs || none },
    { key: "since", title: "Since", sort: (row) => row.since, render: (row) => (row.since === null ? none : dateTime(row.since, zone)) },
  ];
}

function List({ view }: { view: BgpSessions }) {
  const { zone } = usePrefs();
  const kept = useTimeSearch();
  const [, navigate] = useLocation();
  const [search, setSearch] = useState("");
  const [shown, setShown] = useState("");
  const asked = useDeferredValue(search.trim().toLowerCase());
  const rows = useMemo(() => view.sessions.filter((row) => (shown === "" || row.state === shown) && `${row.name} ${row.exporter} ${row.peer} ${row.peer_name} as${row.peer_as} ${row.vrf} ${row.rib}`.toLowerCase().includes(asked)), [view, shown, asked]);
  const peers = new Set(view.sessions.filter((row) => row.peer).map((row) => `${row.exporter} ${row.peer} ${row.vrf}`));
  const down = new Set(view.sessions.filter((row) => row.state === "down").map((row) => `${row.exporter} ${row.peer} ${row.vrf}`));
  const sum = (of: (row: BgpSession) => number): number => view.sessions.reduce((total, row) => total + of(row), 0);
  return (
    <>
      <Panel>
        <div className={layout.stats}>
          <Stat label="Routers" value={new Set(view.sessions.map((row) => row.exporter)).size} note="that tell of routes" />
          <Stat label="Neighbours" value={peers.size} note={down.size ? `${down.size} down` : "all up"} />
          <Stat label="Routes" value={sum((row) => row.routes ?? 0)} note="in all tables" />
          <Stat label="RPKI-invalid" value={sum((row) => row.rpki["invalid"] ?? 0)} note="routes that stand" />
          <Stat label="Updates" value={sum((row) => row.updates)} note={`in ${duration(view.window.until - view.window.since)}, re-sent ones left out`} />
          <Stat label="Resets" value={sum((row) => row.downs)} note="of sessions" />
        </div>
      </Panel>
      <Panel
        title={rows.length === view.sessions.length ? plural(rows.length, "table") : `${rows.length} of ${plural(view.sessions.length, "table")}`} hint="of neighbours, as of the end of the range" flush
        actions={
          <div className={layout.toolbar}>
            <TextInput size="xs" w={200} placeholder="Router, neighbour, AS…" aria-label="Find a session" data-filter leftSection={<Icon name="search" size={14} />} value={search} onChange={(event) => setSearch(event.target.value)} />
            <SegmentedControl size="xs" aria-label="State" value={shown} onChange={setShown} data={[{ value: "", label: "All" }, { value: "up", label: "Up" }, { value: "down", label: "Down" }]} />
            <ShowSql of={view} what="BGP sessions" />
          </div>
        }
      >
        <DataTable
          columns={columnsAt(zone, view.sessions.some((row) => row.vrf !== ""))} rows={rows} rowKey={(row) => `${row.exporter} ${row.source} ${row.rib} ${row.peer} ${row.vrf}`} caption="Sessions. Enter on a row compares its routes before and after policy." maxHeight={620} initialSort={{ key: "router", ascending: true }}
          onPick={(row) => row.peer && navigate(routingPath("policy", { router: row.exporter, peer: row.peer, direction: row.rib.startsWith("adj_rib_out") ? "out" : "" }, kept))}
        />
      </Panel>
    </>
  );
}

const Nothing = () => (
  <Panel><EmptyState title="No router has told of its routes yet" icon="topology">Let routers speak BMP to Weft, open a BGP session to it, or import MRT dumps. The documentation of routing says how.</EmptyState></Panel>
);

export default function SessionsTab() {
  const answer = usePage<BgpSessions>("routing/sessions");
  return (
    <>
      <Answer of={answer} rows={10}>{(view) => (view.sessions.length === 0 ? <Nothing /> : <List view={view} />)}</Answer>
      {answer.data && answer.data.sessions.length > 0 && <SeriesPanel title="Updates by neighbour" query={UPDATES} kind="lines" />}
    </>
  );
}
