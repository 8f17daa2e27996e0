import { useMediaQuery } from "@mantine/hooks";
import { lazy, Suspense } from "react";
import { useGet } from "../../api/queries";
import type { Detector, Detectors } from "../../api/types";
import { useParam } from "../../app/params";
import { duration, format, plural, significant } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import { Icon } from "../../ui/Icon";
import { Panel } from "../../ui/Panel";
import { EmptyState } from "../../ui/States";
import { StatusPill } from "../../ui/Status";
import css from "./events.module.css";
import { detectorState, GROUPS } from "./words";

const DetectorDrawer = lazy(() => import("./DetectorDrawer"));
const none = <span className="faint">–</span>;

function State({ one }: { one: Detector }) {
  const [word, status] = detectorState(one.state);
  return <StatusPill status={status}>{word}{one.state === "learning" && one.learned !== null ? ` ${Math.floor(one.learned * 100)}%` : ""}</StatusPill>;
}

const COLUMNS: Column<Detector>[] = [
  { key: "title", title: "Detector", sort: (one) => one.title, render: (one) => <span className={css.what}><span>{one.title} <code className="faint">{one.name}</code></span><small title={[one.description, one.limits, one.last_error].filter(Boolean).join("\n")}>{one.last_error ? <span className={css.error}>{one.last_error}</span> : one.limits ? <span className={css.warning}>{one.limits}</span> : one.description}</small></span> },
  { key: "state", title: "State", sort: (one) => detectorState(one.state)[0], render: (one) => <State one={one} /> },
  { key: "group", title: "Family", sort: (one) => GROUPS[one.group], render: (one) => GROUPS[one.group] },
  { key: "watches", title: "Looks at", sort: (one) => one.watches, render: (one) => <span className={css.watches} title={one.watches}>{one.watches}</span> },
  { key: "series", title: "Series", numeric: true, hint: "Series or keys that it has a state of", sort: (one) => one.series, render: (one) => (one.series ? format(one.series, "") : none) },
  { key: "lag", title: "Behind", numeric: true, hint: "Age of the newest data that it was given", sort: (one) => one.lag_s, render: (one) => (one.lag_s === null ? none : one.lag_s < 2 ? "live" : duration(Math.round(one.lag_s))) },
  { key: "events", title: "Events a day", numeric: true, hint: "Over the last seven days; in brackets those that were suppressed", sort: (one) => one.events_day, render: (one) => <>{significant(one.events_day, 2)}{one.suppressed_day > 0 && <span className="faint"> ({significant(one.suppressed_day, 2)})</span>}</> },
  { key: "busy", title: "Worked", numeric: true, hint: "Time that it has worked since the start", sort: (one) => one.busy_s, render: (one) => (one.busy_s ? duration(one.busy_s) : none) },
];

const RANK: Record<Detector["state"], number> = { failing: 0, learning: 1, watching: 2, waiting: 3, off: 4 };

/** What a narrow window has no room for; the drawer says it. */
const WIDE = new Set(["group", "watches", "busy"]);

export default function DetectorsTab() {
  const narrow = useMediaQuery("(max-width: 1200px)") ?? false;
  const [shown, show] = useParam("detector", false);
  const answer = useGet<Detectors>("detectors", 15_000);
  return (
    <Answer of={answer} rows={10}>
      {(data) => (
        <>
        {data.notes.length > 0 && <Panel>{data.notes.map((note) => <p key={note} className={css.banner}><Icon name="info" size={14} /><span>{note}</span></p>)}</Panel>}
        <Panel title={plural(data.detectors.length, "detector")} hint={data.running ? `accepting ${significant(data.false_alarms, 2)} false ${data.false_alarms === 1 ? "event" : "events"} per 1000 series and day` : "not running"} flush>
          <DataTable columns={narrow ? COLUMNS.filter((one) => !WIDE.has(one.key)) : COLUMNS} rows={data.detectors.toSorted((one, other) => RANK[one.state] - RANK[other.state] || one.title.localeCompare(other.title))} rowKey={(one) => one.name} caption="Detectors" rowHeight={52} maxHeight={900} onPick={(one) => show(one.name)} empty={<EmptyState title="No detector" icon="info">Detection is switched off (detect.enabled).</EmptyState>} />
        </Panel>
        {data.detectors.filter((one) => one.name === shown).map((one) => <Suspense key={one.name} fallback={null}><DetectorDrawer one={one} close={() => show("")} /></Suspense>)}
        </>
      )}
    </Answer>
  );
}
