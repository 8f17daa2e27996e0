import { useMemo, type CSSProperties, type MouseEvent } from "react";
import type { RouteEvent, RouteLane, RouteTimelineAnswer } from "../../api/types";
import { cssColor } from "../../charts/theme";
import { usePrefs } from "../../lib/prefs";
import { dateTime, tick } from "../../lib/time";
import { duration, plural } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import { Panel } from "../../ui/Panel";
import { usePage } from "../devices/usePage";
import { AsPath, Peer, Router, ShowSql, Table, type AsNames } from "./parts";
import css from "./routing.module.css";
import { changesOf, EVENTS, peerOf, tableWord, wayOf } from "./words";

type Slots = ReadonlyMap<string, { slot: number; asPath: string; hop: string }>;

/** Ways to go in the order in which they are met; each has a colour in all lanes. */
function slotsOf(lanes: readonly RouteLane[]): Slots {
  const slots = new Map<string, { slot: number; asPath: string; hop: string }>();
  for (const lane of lanes) {
    for (const { path } of lane.segments) {
      if (path && !slots.has(wayOf(path))) slots.set(wayOf(path), { slot: slots.size, asPath: path.as_path, hop: path.next_hop_name || path.next_hop });
    }
  }
  return slots;
}

interface LaneProps {
  lane: RouteLane;
  slots: Slots;
  since: number;
  until: number;
  setAt: (at: string) => void;
}

function Lane({ lane, slots, since, until, setAt }: LaneProps) {
  const { zone } = usePrefs();
  const width = until - since;
  const name = lane.used ? "uses" : `${peerOf(lane)}, ${tableWord(lane.rib)}`;
  const words = lane.segments.map((one) => `${one.path ? one.path.as_path || "own" : "no route"} from ${dateTime(one.start, zone)} for ${duration(one.end - one.start)}`).join("; ");
  const pick = (event: MouseEvent<HTMLDivElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    setAt(String(Math.round(since + ((event.clientX - box.left) / box.width) * width)));
  };
  return (
    <div className={css.lane} data-used={lane.used || undefined}>
      <span title={name}>{lane.used ? <><Router name={lane.name} exporter={lane.exporter} /> uses</> : <><Peer path={lane} /> <Table rib={lane.rib} />{lane.path_id > 0 && <small> #{lane.path_id}</small>}</>}</span>
      <div role="img" aria-label={`${name}: ${words}`} onClick={pick}>
        {lane.segments.map((one) => (
          <i
            key={one.start} data-gone={one.path === null || undefined}
            style={{ left: `${(100 * (one.start - since)) / width}%`, width: `${(100 * (one.end - one.start)) / width}%`, background: one.path ? cssColor(slots.get(wayOf(one.path))?.slot ?? -1) : undefined } as CSSProperties}
            title={`${one.path ? one.path.as_path || "own" : "no route"}, ${dateTime(one.start, zone, true)} – ${dateTime(one.end, zone, true)}${one.why ? `: ${one.why}` : ""}`}
          />
        ))}
      </div>
    </div>
  );
}

function Lanes({ view, names, at, setAt }: { view: RouteTimelineAnswer; names: AsNames; at: number | null; setAt: (at: string) => void }) {
  const { zone } = usePrefs();
  const { since, until } = view.window;
  const lanes = useMemo(() => view.lanes.toSorted((one, other) => one.name.localeCompare(other.name, "en", { numeric: true })), [view]);
  const slots = useMemo(() => slotsOf(lanes), [lanes]);
  const width = until - since;
  const cursor = at !== null && at >= since && at <= until ? (100 * (at - since)) / width : null;
  return (
    <div className={css.lanes}>
      {lanes.map((lane) => <Lane key={`${lane.exporter} ${lane.source} ${lane.used} ${lane.rib} ${lane.peer} ${lane.vrf} ${lane.path_id}`} lane={lane} slots={slots} since={since} until={until} setAt={setAt} />)}
      {cursor !== null && <div className={css.cursorBox} aria-hidden><b style={{ left: `${cursor}%` }} /></div>}
      <div className={css.laneTicks} aria-hidden><span>{tick(since, zone, Math.max(601, width))}</span><span>click a lane to look up that moment</span><span>{tick(until, zone, Math.max(601, width))}</span></div>
      <ul className={css.ways} aria-label="Paths by colour">
        {[...slots.values()].slice(0, 10).map(({ slot, asPath, hop }) => <li key={slot}><i style={{ background: cssColor(slot) }} /><AsPath path={asPath} names={names} />{hop && <span className="faint">via {hop}</span>}</li>)}
        <li><i data-gone />no route</li>
      </ul>
    </div>
  );
}

function columnsAt(names: AsNames, zone: "local" | "utc"): Column<RouteEvent>[] {
  return [
    { key: "at", title: "Time", sort: (event) => event.at, render: (event) => dateTime(event.at, zone, true) },
    { key: "event", title: "What", sort: (event) => event.event, render: (event) => <span className={css.event} data-event={event.event}>{EVENTS[event.event] ?? event.event}</span> },
    { key: "router", title: "Router", sort: (event) => event.name, render: (event) => <Router name={event.name} exporter={event.exporter} /> },
    { key: "peer", title: "From", sort: (event) => event.peer, render: (event) => <Peer path={event} /> },
    { key: "rib", title: "Table", sort: (event) => event.rib, render: (event) => <Table rib={event.rib} /> },
    { key: "path", title: "AS path", render: (event) => (event.path ? <AsPath path={event.path.as_path} names={names} /> : <span className="faint">–</span>) },
    { key: "changed", title: "What changed", render: (event) => <span className={css.changed}>{changesOf(event).join(", ") || event.reason || <span className="faint">–</span>}</span> },
  ];
}

/** What happened to a prefix in the page's range: a lane per session, what each router used, and every event. */
export function RouteTimeline({ prefix, at, setAt }: { prefix: string; at: number | null; setAt: (at: string) => void }) {
  const { zone } = usePrefs();
  const answer = usePage<RouteTimelineAnswer>("routing/timeline", true, { prefix });
  return (
    <Answer of={answer} height={180}>
      {(view) => (
        <>
          <Panel title="Timeline" hint={<><code>{view.prefix}</code> over {duration(view.window.until - view.window.since)} · {plural(view.events.length, "event")}{view.truncated && `, from ${dateTime(view.begins, zone)} on`}</>} actions={<ShowSql of={view} what="Timeline of a prefix" />}>
            {view.lanes.length === 0 ? <p className="muted">No session told of it in this range.</p> : <Lanes view={view} names={view.as_names} at={at} setAt={setAt} />}
          </Panel>
          {view.events.length > 0 && (
            <Panel title="Events" hint={plural(view.events.length, "event")} flush>
              <DataTable
                columns={columnsAt(view.as_names, zone)} rows={view.events} rowKey={(event) => `${event.at} ${event.event} ${event.exporter} ${event.rib} ${event.peer} ${event.vrf} ${event.path?.path_id ?? 0}`} caption="Events. Enter on a row looks up that moment."
                initialSort={{ key: "at", ascending: false }} maxHeight={380} onPick={(event) => setAt(String(Math.ceil(event.at)))}
              />
            </Panel>
          )}
        </>
      )}
    </Answer>
  );
}
