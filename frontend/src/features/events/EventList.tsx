import { Button, NativeSelect, SegmentedControl, TextInput } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useDeferredValue, useMemo } from "react";
import { Link, useLocation } from "wouter";
import type { EventGroup, EventRow, EventsAnswer, Severity } from "../../api/types";
import { useParams } from "../../app/params";
import { useTimeSearch } from "../../app/time";
import { usePrefs } from "../../lib/prefs";
import { ago, dateTime } from "../../lib/time";
import { plural } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import { Icon } from "../../ui/Icon";
import layout from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { EmptyState } from "../../ui/States";
import { usePage } from "../devices/usePage";
import css from "./events.module.css";
import { EventStanding, SeverityPill } from "./parts";
import { entityKind, entityName, entityPage, eventPath, eventsPath, GROUPS, lasted, lastedText, SEVERITIES, severityRank, severityWord } from "./words";

const LIVE_MS = 10_000;

/** Events that are the same thing in several places, or several things in one place, as one row. */
type Grouping = "" | "entity" | "kind";
interface Heap {
  key: string;
  events: EventRow[];
  worst: EventRow;
}

export function heaped(events: readonly EventRow[], by: Grouping): Heap[] {
  const heaps = new Map<string, EventRow[]>();
  for (const event of events) {
    const key = by === "entity" ? `${event.entity.kind}:${event.entity.id}` : by === "kind" ? event.kind : event.id;
    heaps.set(key, [...(heaps.get(key) ?? []), event]);
  }
  return [...heaps].map(([key, all]) => ({ key, events: all, worst: all.reduce((one, other) => (weight(other) > weight(one) ? other : one)) }));
}

/** Open before over, then by severity, then the latest. */
const weight = (event: EventRow): number => (event.state === "open" ? 1e12 : 0) + severityRank(event.severity) * 1e11 + event.started_s;

function Where({ event, kept }: { event: EventRow; kept: string }) {
  const page = entityPage(event.entity, kept);
  const name = entityName(event.entity);
  return (
    <span className={css.where} title={`${entityKind(event.entity.kind)} ${name}`}>
      {page ? <Link href={page} onClick={(click) => click.stopPropagation()}>{name}</Link> : name}
      <small>{entityKind(event.entity.kind)}</small>
    </span>
  );
}

function columnsAt(now: number, kept: string, grouping: Grouping, zone: "utc" | "local", narrow: boolean): Column<Heap>[] {
  const all: Column<Heap>[] = [
    { key: "severity", title: "Severity", width: "104px", sort: (one) => -weight(one.worst), render: (one) => <SeverityPill severity={one.worst.severity} over={one.worst.state !== "open"} /> },
    {
      key: "title", title: "Event", width: "38%", sort: (one) => one.worst.title,
      render: (one) => (
        <span className={css.what}>
          <span>
            <Link href={eventPath(one.worst.id, kept)} onClick={(click) => click.stopPropagation()}>{one.worst.title}</Link>
            {one.events.length > 1 && <span className={css.more}>and {one.events.length - 1} more</span>}
          </span>
          <small title={one.worst.text}>{one.worst.text}</small>
        </span>
      ),
    },
    { key: "where", title: "Where", sort: (one) => entityName(one.worst.entity), render: (one) => (grouping === "kind" && one.events.length > 1 ? <span className="muted">{plural(new Set(one.events.map((event) => event.entity.kind + event.entity.id)).size, "place")}</span> : <Where event={one.worst} kept={kept} />) },
    { key: "group", title: "Family", sort: (one) => GROUPS[one.worst.group], render: (one) => GROUPS[one.worst.group] },
    { key: "began", title: "Began", numeric: true, sort: (one) => one.worst.started_s, render: (one) => <span className={css.times} title={dateTime(one.worst.started_s, zone, true)}><span>{ago(one.worst.started_s, now)}</span>{narrow && <small>{one.worst.state === "open" ? "still on" : `for ${lastedText(one.worst, now)}`}</small>}</span> },
    { key: "lasted", title: "Lasted", numeric: true, sort: (one) => lasted(one.worst, now), render: (one) => (one.worst.state === "open" ? <span className={css.on}>{lastedText(one.worst, now)}</span> : lastedText(one.worst, now)) },
    { key: "state", title: "State", sort: (one) => one.worst.state, render: (one) => <EventStanding event={one.worst} /> },
  ];
  return narrow ? all.filter((one) => one.key !== "group" && one.key !== "lasted") : all; // chips and what is below say both
}

interface ChipProps {
  label: string;
  count: number;
  on: boolean;
  severity?: Severity;
  toggle: () => void;
}

const Chip = ({ label, count, on, severity, toggle }: ChipProps) => (
  <button type="button" className={css.chip} aria-pressed={on} data-severity={severity} data-none={count === 0 || undefined} onClick={toggle}>
    {severity && <i aria-hidden />}{label}<b>{count}</b>
  </button>
);

function Chips({ data, groups, severity, put }: { data: EventsAnswer; groups: readonly string[]; severity: string; put: (values: Record<string, string>) => void }) {
  const shown = (Object.keys(GROUPS) as EventGroup[]).filter((group) => (data.counts.groups[group] ?? 0) > 0 || groups.includes(group));
  const toggled = (group: string): string => (groups.includes(group) ? groups.filter((one) => one !== group) : [...groups, group]).join(",");
  return (
    <div className={css.chips}>
      <div role="group" aria-label="This severity and worse">
        {SEVERITIES.map((one) => <Chip key={one} label={severityWord(one)} severity={one} count={data.counts.severities[one] ?? 0} on={severity === one} toggle={() => put({ severity: severity === one ? "" : one })} />)}
      </div>
      {shown.length > 0 && (
        <div role="group" aria-label="Families of events">
          {shown.map((one) => <Chip key={one} label={GROUPS[one]} count={data.counts.groups[one] ?? 0} on={groups.includes(one)} toggle={() => put({ group: toggled(one) })} />)}
        </div>
      )}
    </div>
  );
}

function Nothing({ data, filtered, clear }: { data: EventsAnswer; filtered: boolean; clear: () => void }) {
  if (filtered) return <EmptyState title="No event matches" action={<Button size="xs" variant="default" onClick={clear}>Clear the filters</Button>}>Nothing of this sort happened in the time range.</EmptyState>;
  const learning = data.learning.length > 0;
  return (
    <EmptyState title={learning ? "Nothing found so far" : "Nothing deviates"} icon={learning ? "clock" : "good"}>
      {learning ? `${plural(data.learning.length, "detector")} still ${data.learning.length === 1 ? "learns" : "learn"} what is usual here.` : "In the time range nothing was found that is not as expected."}
    </EmptyState>
  );
}

function asked(params: URLSearchParams, words: string, groups: readonly string[]): [string, string][] {
  const named = ["state", "kind", "entity"].map((name): [string, string] => [name, params.get(name) ?? ""]);
  return [...named.filter(([, value]) => value), ...groups.map((one): [string, string] => ["group", one]), ["severity", params.get("severity") || "info"], ["q", words], ["limit", "500"]];
}

export default function EventList() {
  const kept = useTimeSearch();
  const { zone } = usePrefs();
  const narrow = useMediaQuery("(max-width: 1200px)") ?? false;
  const [, navigate] = useLocation();
  const [params, put] = useParams();
  const words = useDeferredValue(params.get("q") ?? "");
  const groups = (params.get("group") ?? "").split(",").filter(Boolean);
  const grouping = (params.get("by") ?? "") as Grouping;
  const answer = usePage<EventsAnswer>("events", true, asked(params, words, groups), LIVE_MS);
  const filtered = ["state", "severity", "kind", "entity", "q", "group"].some((name) => params.get(name));
  const clear = (): void => put({ state: "", severity: "", kind: "", entity: "", q: "", group: "" });
  const heaps = useMemo(() => heaped(answer.data?.events ?? [], grouping), [answer.data, grouping]);
  const columns = useMemo(() => columnsAt(answer.data?.updated ?? 0, kept, grouping, zone, narrow), [answer.data?.updated, kept, grouping, zone, narrow]);
  return (
    <Answer of={answer} rows={10}>
      {(data) => (
        <>
          <Chips data={data} groups={groups} severity={params.get("severity") ?? ""} put={put} />
          <Panel
            title={plural(data.total, "event")} hint={hintOf(data)} flush
            actions={(
              <div className={layout.toolbar}>
                <TextInput size="xs" w={230} placeholder="Find by words, device, address…" aria-label="Find an event" data-filter leftSection={<Icon name="search" size={14} />} value={params.get("q") ?? ""} onChange={(event) => put({ q: event.target.value })} />
                <NativeSelect size="xs" aria-label="Group by" value={grouping} onChange={(event) => put({ by: event.target.value })} data={[{ value: "", label: "Each by itself" }, { value: "entity", label: "Group by place" }, { value: "kind", label: "Group by kind" }]} />
                <SegmentedControl size="xs" aria-label="State" value={params.get("state") ?? ""} onChange={(value) => put({ state: value })} data={[{ value: "", label: "All" }, { value: "open", label: "Open" }, { value: "closed", label: "Over" }, { value: "suppressed", label: "Suppressed" }]} />
              </div>
            )}
          >
            {(params.get("entity") || params.get("kind")) && (
              <p className={css.only}>Only {params.get("kind")?.replaceAll("_", " ")} {params.get("entity") && <>of <code>{params.get("entity")}</code></>} <button type="button" onClick={() => put({ entity: "", kind: "" })}>show all</button></p>
            )}
            <DataTable
              columns={columns} rows={heaps} rowKey={(row) => row.key} caption="Events" initialSort={{ key: "severity", ascending: true }} rowHeight={52} maxHeight={900}
              onPick={(row) => navigate(row.events.length > 1 ? eventsPath("", kept, grouping === "entity" ? { entity: row.key } : { kind: row.key }) : eventPath(row.worst.id, kept))}
              empty={<Nothing data={data} filtered={filtered} clear={clear} />}
            />
            {data.total > data.events.length && <p className={css.only}>The latest {data.events.length} are shown. Narrow the time range or the filters to see the others.</p>}
          </Panel>
        </>
      )}
    </Answer>
  );
}

function hintOf(data: EventsAnswer): string {
  const [open, quiet] = [data.counts.states.open ?? 0, data.counts.states.suppressed ?? 0];
  return [open ? `${open} open` : "none open", quiet ? `${quiet} suppressed` : "", data.learning.length ? `${plural(data.learning.length, "detector")} still learning` : ""].filter(Boolean).join(" · ");
}
