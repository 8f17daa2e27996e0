import { useMemo } from "react";
import { Link } from "wouter";
import { useView } from "../../api/queries";
import type { Query } from "../../api/types";
import { useNow, useTime } from "../../app/time";
import { devicePath, explorePath } from "../../lib/links";
import { ago, dateTime, type TimeRange } from "../../lib/time";
import { usePrefs } from "../../lib/prefs";
import { Icon } from "../../ui/Icon";
import { Panel } from "../../ui/Panel";
import { ExploreLink } from "../../ui/Ranking";
import { cell, entriesOf, label, type Entry } from "../feed/entries";
import { kindIcon, severityTone, toneIcon } from "../feed/words";
import css from "./home.module.css";

const MOST = 6;

function Device({ entry }: { entry: Entry }) {
  const name = label(entry, "exporter") || cell(entry, "host");
  return name ? <Link href={devicePath(name)}>{name}</Link> : <span className="faint">–</span>;
}

function Line({ entry, logs, now }: { entry: Entry; logs: boolean; now: number }) {
  const { zone } = usePrefs();
  const tone = severityTone(cell(entry, "severity"));
  const seconds = entry.time / 1000;
  return (
    <li>
      <time dateTime={new Date(entry.time).toISOString()} title={dateTime(seconds, zone, true)}>{ago(seconds, now)}</time>
      <span className={css.tone} data-tone={logs ? tone : "plain"} title={cell(entry, logs ? "severity" : "kind")}>
        <Icon name={logs ? toneIcon(tone) : kindIcon(cell(entry, "kind"))} size={14} /><span className="visually-hidden">{cell(entry, logs ? "severity" : "kind")}</span>
      </span>
      <Device entry={entry} />
      <span className={css.said} title={cell(entry, logs ? "message" : "title")}>
        {logs && <b>{cell(entry, "event").replaceAll("_", " ").toLowerCase()}</b>} {cell(entry, logs ? "message" : "title")}
      </span>
    </li>
  );
}

interface RecentPanelProps {
  dataset: "logs" | "changes";
  title: string;
  filter: string;
  by: readonly string[];
  range: TimeRange;
  kept: string;
}

/** The latest events or changes; nothing at all where there are none, for not everybody collects them. */
function RecentPanel({ dataset, title, filter, by, range, kept }: RecentPanelProps) {
  const { interval } = useTime();
  const now = useNow(15);
  const query = useMemo<Query>(() => ({ dataset, view: "records", by: [...by], filter, limit: MOST, since: range.since, until: range.until }), [dataset, by, filter, range]);
  const answer = useView(query, { refresh: interval || 60_000 });
  const entries = useMemo(() => (answer.data ? entriesOf(answer.data) : []), [answer.data]);
  if (entries.length === 0) return null;
  return (
    <Panel title={title} actions={<ExploreLink href={explorePath({ dataset, filter }, kept)} of={title} />}>
      <ul className={css.recent}>{entries.map((entry) => <Line key={entry.id} entry={entry} logs={dataset === "logs"} now={now} />)}</ul>
    </Panel>
  );
}

const EVENT = ["exporter", "host", "severity", "event", "message"];
const CHANGE = ["exporter", "host", "kind", "title"];

export function Recent({ range, kept }: { range: TimeRange; kept: string }) {
  return (
    <div className={css.recents}>
      <RecentPanel dataset="logs" title="Latest events" filter={'event != "" AND severity <= warning'} by={EVENT} range={range} kept={kept} />
      <RecentPanel dataset="changes" title="Latest changes" filter="kind != inventory" by={CHANGE} range={range} kept={kept} />
    </div>
  );
}
