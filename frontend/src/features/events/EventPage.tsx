import { Button } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { Link } from "wouter";
import { call } from "../../api/client";
import { useChange, useGet } from "../../api/queries";
import type { EventAnswer, EventRow, NewFeedback } from "../../api/types";
import { useTimeSearch } from "../../app/time";
import { usePrefs } from "../../lib/prefs";
import { ago, dateTime } from "../../lib/time";
import { duration, format, plural, significant } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import { FactList, type Facts } from "../../ui/FactList";
import { Icon } from "../../ui/Icon";
import layout from "../../ui/layout.module.css";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { Stat } from "../../ui/Stat";
import { notify } from "../../ui/toast";
import { EventChart } from "./EventChart";
import css from "./events.module.css";
import { EvidenceList } from "./EvidenceList";
import { FeedbackTable } from "./FeedbackTable";
import { EventStanding, SeverityPill, useMayAct } from "./parts";
import { entityKind, entityName, entityPage, eventPath, eventsPath, GROUPS, lasted, lastedText, stateWord } from "./words";

const FeedbackForm = lazy(() => import("./FeedbackForm"));
const LIVE_MS = 10_000;

type NetEvent = EventAnswer["event"];

function Figures({ event, now }: { event: NetEvent; now: number }) {
  const { zone } = usePrefs();
  const band = event.lower !== null && event.upper !== null ? `${format(event.lower, event.unit)} to ${format(event.upper, event.unit)}` : "";
  return (
    <Panel>
      <div className={layout.stats}>
        <Stat label="Began" text={ago(event.started_s, now)} note={dateTime(event.started_s, zone, true)} />
        <Stat label={event.state === "open" ? "On since" : "Lasted"} text={lastedText(event, now)} note={event.ended_s === null ? "not over" : `until ${dateTime(event.ended_s, zone, true)}`} />
        {event.seen !== null && <Stat label="Seen" value={event.seen} unit={event.unit} note="at its worst" />}
        {event.expected !== null && <Stat label="Expected" value={event.expected} unit={event.unit} note={band} />}
        {event.return_period_s !== null && <Stat label="How rare" text={`once in ${duration(event.return_period_s)}`} note="with nothing wrong" />}
        <Stat label="Told after" text={duration(Math.max(0, event.raised_s - event.started_s))} note={`${duration(Math.max(0, event.raised_s - event.detected_s))} of it collecting`} />
      </div>
    </Panel>
  );
}

function factsOf(data: EventAnswer, kept: string, zone: "utc" | "local"): Facts {
  const { event } = data;
  const link = (one: NetEvent["entity"]) => {
    const page = entityPage(one, kept);
    return page ? <Link href={page}>{entityName(one)}</Link> : entityName(one);
  };
  return [
    [entityKind(event.entity.kind), link(event.entity)],
    ["Also", event.others.length > 0 && <>{event.others.slice(0, 12).map((one, index) => <span key={one.kind + one.id}>{index > 0 && ", "}{link(one)}</span>)}{event.others.length > 12 && ` and ${event.others.length - 12} more`}</>],
    ...Object.entries(event.labels).map(([name, value]): [string, string] => [name.replaceAll("_", " "), value]),
    ["Kind", <span key="kind" title={data.kind_text}>{data.kind_title}</span>], ["Family", GROUPS[event.group]], ["Found by", data.detector_title],
    ["Confidence", `${significant(event.confidence * 100, 3)}%`], ["Findings", String(event.count)],
    ["Last seen", dateTime(event.seen_s, zone, true)], ["Detected", dateTime(event.detected_s, zone, true)], ["Id", <code key="id">{event.id}</code>],
  ];
}

function Actions({ event, say }: { event: NetEvent; say: (verdict: NewFeedback["verdict"]) => void }) {
  const path = `events/${encodeURIComponent(event.id)}`;
  const change = useChange((take: boolean) => call<EventAnswer>(`${path}/acknowledgement`, { method: take ? "PUT" : "DELETE" }), path);
  const toggle = (): void => change.mutate(!event.acknowledged_by, { onError: (error) => notify("bad", error.message) });
  return (
    <div className={css.actions}>
      <Button size="xs" variant={event.acknowledged_by ? "default" : "filled"} loading={change.isPending} leftSection={<Icon name="user" size={13} />} onClick={toggle}>{event.acknowledged_by ? "Leave it to others" : "I take care of it"}</Button>
      <Button size="xs" variant="default" leftSection={<Icon name="clock" size={13} />} onClick={() => say("snooze")}>Snooze…</Button>
      <Button size="xs" variant="default" onClick={() => say("expected")}>Expected…</Button>
      <Button size="xs" variant="default" onClick={() => say("not_an_issue")}>Not an issue…</Button>
    </div>
  );
}

function Similar({ data, kept }: { data: EventAnswer; kept: string }) {
  const columns: Column<EventRow>[] = [
    { key: "severity", title: "Severity", render: (row) => <SeverityPill severity={row.severity} over={row.state !== "open"} /> },
    { key: "title", title: "Event", render: (row) => <Link href={eventPath(row.id, kept)}>{row.title}</Link> },
    { key: "began", title: "Began", numeric: true, sort: (row) => row.started_s, render: (row) => ago(row.started_s, data.updated) },
    { key: "lasted", title: "Lasted", numeric: true, sort: (row) => lasted(row, data.updated), render: (row) => lastedText(row, data.updated) },
    { key: "state", title: "State", render: (row) => <EventStanding event={row} /> },
  ];
  return (
    <Panel title="The like in the past" hint={data.similar_total > 0 ? plural(data.similar_total, "event") : ""} flush>
      <DataTable columns={columns} rows={data.similar} rowKey={(row) => row.id} caption="Similar events" empty={<p className={css.only}>This is the first of its kind here.</p>} />
    </Panel>
  );
}

function Detail({ data, kept }: { data: EventAnswer; kept: string }) {
  const { zone } = usePrefs();
  const may = useMayAct();
  const [verdict, setVerdict] = useState<NewFeedback["verdict"] | null>(null);
  const { event } = data;
  return (
    <>
      <PageHeader title={event.title} before={<Link href={eventsPath("", kept)} aria-label="All events"><Icon name="left" size={16} /></Link>} subtitle={<span className={css.banner}><SeverityPill severity={event.severity} over={event.state !== "open"} />{stateWord(event)}{event.acknowledged_by && <> · {event.acknowledged_by} takes care of it</>}</span>}>
        {may && <Actions event={event} say={setVerdict} />}
      </PageHeader>
      {data.suppressed_why && <Panel><p className={css.banner}><Icon name="info" size={14} /><span>{event.state === "closed" ? "It was suppressed when it ended" : "Suppressed: nobody is told"}, by {data.suppressed_why}.</span></p></Panel>}
      <Panel title="Why it was raised"><p className={css.why}>{event.text}</p></Panel>
      <Figures event={event} now={data.updated} />
      {data.chart && <EventChart chart={data.chart} event={event} now={data.updated} />}
      <div className={layout.columns}>
        <Panel title="What it rests on">{event.evidence.length > 0 ? <EvidenceList evidence={event.evidence} unit={event.unit} /> : <p className="faint">The sentence above is all there is.</p>}</Panel>
        <Panel title="More"><FactList facts={factsOf(data, kept, zone)} /></Panel>
      </div>
      <Similar data={data} kept={kept} />
      {data.feedback.length > 0 && <Panel title="What people said" flush><FeedbackTable rows={data.feedback} now={data.updated} may={may} /></Panel>}
      {verdict && <Suspense fallback={null}><FeedbackForm event={event} verdict={verdict} close={() => setVerdict(null)} /></Suspense>}
    </>
  );
}

export default function EventPage({ id }: { id: string }) {
  const kept = useTimeSearch();
  const answer = useGet<EventAnswer>(`events/${encodeURIComponent(id)}`, LIVE_MS);
  return <Answer of={answer} rows={10}>{(data) => <Detail data={data} kept={kept} />}</Answer>;
}
