import { useMemo, type CSSProperties, type MouseEvent } from "react";
import type { RouteEvent, RouteLane, RoutePath, RouteTimelineAnswer } from "../../api/types";
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

interface Way {
  /** −1: one of the many others. */
  slot: number;
  asPath: string;
  hop: string;
}
type Ways = ReadonlyMap<string, Way>;
const MOST_WAYS = 10;

/** Ways to go, each with a colour in all lanes: those that were used longest first, the rest alike. */
function waysOf(lanes: readonly RouteLane[]): Ways {
  const weights = new Map<string, { weight: number; path: RoutePath }>();
  for (const lane of lanes) {
    for (const { path, start, end } of lane.segments) {
      if (!path) continue;
      const known = weights.get(wayOf(path));
      weights.set(wayOf(path), { path, weight: (known?.weight ?? 0) + (end - start) * (lane.used ? 1000 : 1) });
    }
  }
  const ranked = [...weights].toSorted(([, one], [, other]) => other.weight - one.weight);
  return new Map(ranked.map(([key, { path }], index) => [key, { slot: index < MOST_WAYS ? index : -1, asPath: path.as_path, hop: path.next_hop_name || path.next_hop }]));
}

interface LaneProps {
  lane: RouteLane;
  ways: Ways;
  since: number;
  until: number;
  setAt: (at: string) => void;
}

function Lane({ lane, ways, since, until, setAt }: LaneProps) {
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
            style={{ left: `${(100 * (one.start - since)) / width}%`, width: `${(100 * (one.end - one.start)) / width}%`, background: one.path ? cssColor(ways.get(wayOf(one.path))?.slot ?? -1) : undefined } as CSSProperties}
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
  const ways = useMemo(() => waysOf(lanes), [lanes]);
  const shown = [...ways.values()].filter((way) => way.slot >= 0);
  const width = until - since;
  const cursor = at !== null && at >= since && at <= until ? (100 * (at - since)) / width : null;
  return (
    <div className={css.lanes}>
      {lanes.map((lane) => <Lane key={`${lane.exporter} ${lane.source} ${lane.used} ${lane.rib} ${lane.peer} ${lane.vrf} ${lane.path_id}`} lane={lane} ways={ways} since={since} until={until} setAt={setAt} />)}
      {cursor !== null && <div className={css.cursorBox} aria-hidden><b style={{ left: `${cursor}%` }} /></div>}
      <div className={css.laneTicks} aria-hidden><span>{tick(since, zone, Math.max(601, width))}</span><span>click a lane to look up that moment</span><span>{tick(until, zone, Math.max(601, width))}</span></div>
      <ul className={css.ways} aria-label="Paths by colour">
        {shown.map(({ slot, asPath, hop }) => <li key={slot}><i style={{ background: cssColor(slot) }} /><AsPath path={asPath} names={names} />{hop && <span className="faint">via {hop}</span>}</li>)}
        {ways.size > shown.length && <li><i style={{ background: cssColor(-1) }} />{plural(ways.size - shown.length, "other path")}</li>}
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
