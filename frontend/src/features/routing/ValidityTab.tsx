import { SegmentedControl } from "@mantine/core";
import { useMemo } from "react";
import type { BgpSessions, JudgedRoute, JudgedRoutes } from "../../api/types";
import { useParam } from "../../app/params";
import { useTime } from "../../app/time";
import { usePrefs } from "../../lib/prefs";
import { dateTime } from "../../lib/time";
import { grouped, plural, share } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import layout from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { Stat } from "../../ui/Stat";
import { EmptyState } from "../../ui/States";
import { StatusIcon } from "../../ui/Status";
import { SeriesPanel } from "../devices/SeriesPanel";
import { usePage } from "../devices/usePage";
import { Asn, AsPath, Peer, PrefixLink, Router, ShowSql, Table, type AsNames } from "./parts";
import { routeKey, VALIDITY } from "./words";

const STATES = ["valid", "invalid", "not_found", "unchecked"] as const;
const SERIES = { dataset: "routes", by: ["origin_as"], measures: ["updates"], filter: "rpki = invalid AND event IN (announce, change)" };
const none = <span className="faint">–</span>;

function columnsAt(names: AsNames, zone: "local" | "utc"): Column<JudgedRoute>[] {
  return [
    { key: "prefix", title: "Prefix", render: (row) => <PrefixLink prefix={row.prefix} /> },
    { key: "origin", title: "Origin", sort: (row) => row.origin_as, render: (row) => (row.origin_as ? <Asn number={row.origin_as} names={names} /> : none) },
    { key: "path", title: "AS path", render: (row) => <AsPath path={row.as_path} names={names} /> },
    { key: "router", title: "Router", sort: (row) => row.name, render: (row) => <Router name={row.name} exporter={row.exporter} /> },
    { key: "peer", title: "From", sort: (row) => row.peer, render: (row) => <Peer path={row} /> },
    { key: "rib", title: "Table", sort: (row) => row.rib, render: (row) => <Table rib={row.rib} /> },
    { key: "since", title: "Since", sort: (row) => row.since, render: (row) => (row.since === null ? none : dateTime(row.since, zone)) },
  ];
}

/** How the standing routes of all sessions were judged. */
function Summary({ view }: { view: BgpSessions }) {
  const sums = useMemo(() => Object.fromEntries(STATES.map((state) => [state, view.sessions.reduce((sum, row) => sum + (row.rpki[state] ?? 0), 0)])), [view]);
  const all = STATES.reduce((sum, state) => sum + (sums[state] ?? 0), 0);
  return (
    <Panel>
      <div className={layout.stats}>
        {STATES.map((state) => <Stat key={state} label={<><StatusIcon status={VALIDITY[state]?.status ?? "idle"} size={12} /> {VALIDITY[state]?.word}</>} value={sums[state] ?? 0} note={`${share(sums[state] ?? 0, all)} of routes. ${VALIDITY[state]?.meaning}`} />)}
      </div>
    </Panel>
  );
}

export default function ValidityTab() {
  const { zone } = usePrefs();
  const { range } = useTime();
  const [chosen, setState] = useParam("state");
  const state = chosen in VALIDITY ? chosen : "invalid";
  const sessions = usePage<BgpSessions>("routing/sessions");
  const answer = usePage<JudgedRoutes>("routing/validity", false, { state, at: range.until, limit: "500" });
  return (
    <>
      <Answer of={sessions} height={90}>{(view) => <Summary view={view} />}</Answer>
      <Answer of={answer} rows={8}>
        {(view) => (
          <Panel
            title={`${plural(view.routes.length, "route")} that ${view.routes.length === 1 ? "is" : "are"} ${VALIDITY[state]?.word}`} hint={view.truncated ? `the first ${grouped(view.routes.length)}` : "as of the end of the range"} flush
            actions={<div className={layout.toolbar}><SegmentedControl size="xs" aria-label="State of validation" value={state} onChange={(value) => setState(value === "invalid" ? "" : value)} data={STATES.map((one) => ({ value: one, label: VALIDITY[one]?.word ?? one }))} /><ShowSql of={view} what="Routes by origin validation" /></div>}
          >
            <DataTable
              columns={columnsAt(view.as_names, zone)} rows={view.routes} rowKey={routeKey} caption="Routes by origin validation" maxHeight={560}
              empty={<EmptyState title={`No standing route is ${VALIDITY[state]?.word}`} icon="good">{state === "invalid" ? "Every route that a ROA covers has the origin and the length that it names." : "Choose another state above."}</EmptyState>}
            />
          </Panel>
        )}
      </Answer>
      <SeriesPanel title="Invalid routes announced, by origin" query={SERIES} kind="stacked" />
    </>
  );
}
