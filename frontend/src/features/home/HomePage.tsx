import { memo, useCallback, useMemo } from "react";
import { useLive } from "../../api/live";
import { useGet, useView } from "../../api/queries";
import type { Overview, Query } from "../../api/types";
import { useTime, useTimeSearch } from "../../app/time";
import type { ChartTheme } from "../../charts/theme";
import { timeseries } from "../../charts/timeseries";
import { usePrefs } from "../../lib/prefs";
import { change, format, plural } from "../../lib/units";
import { statusOf, wordOf } from "../../lib/verdict";
import { Answer } from "../../ui/Answer";
import { Chart } from "../../ui/Chart";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { ExploreLink } from "../../ui/Ranking";
import { Reasons } from "../../ui/Reasons";
import { Stat } from "../../ui/Stat";
import { EmptyState } from "../../ui/States";
import { StatusIcon } from "../../ui/Status";
import { TimeRangePicker } from "../../ui/TimeRangePicker";
import { slotsOf } from "../explorer/groups";
import { PipelinePanel } from "../exporters/PipelinePanel";
import { Connect } from "./Connect";
import css from "./home.module.css";
import { Recent } from "./Recent";
import { SourcesStrip } from "./SourcesStrip";
import { TopPanel } from "./TopPanel";

function VerdictPanel({ overview }: { overview: Overview }) {
  const status = statusOf(overview.status);
  return (
    <section className={css.verdict} data-status={status} aria-label="Verdict" aria-live="polite">
      <div className={css.verdictHead}>
        <span className={css.verdictIcon}><StatusIcon status={status} size={24} /></span>
        <div>
          <h2><span className="visually-hidden">{wordOf(overview.status)}: </span>{overview.headline}</h2>
          <p>{overview.checks.join(" · ")}</p>
        </div>
      </div>
      {overview.reasons.length > 0 && <div className={css.reasons}><Reasons reasons={overview.reasons} brief /></div>}
    </section>
  );
}

function Figures({ overview, before }: { overview: Overview; before: number | null | undefined }) {
  const { totals } = overview;
  const healthy = totals.exporters - totals.exporters_silent - totals.exporters_impaired;
  return (
    <Panel>
      <div className={css.figures}>
        <Stat
          label="Traffic now" value={totals.bits_per_s} unit="bit/s" trend={overview.traffic.values}
          note={before ? `${change(totals.bits_per_s, before)} vs yesterday` : "of the last minutes"}
        />
        <Stat label="Packets" value={totals.packets_per_s} unit="packet/s" note="corrected for sampling" />
        <Stat label="Flow records" value={totals.records_per_s} unit="records/s" note={`${format(totals.datagrams_per_s, "")} datagrams/s`} trend={overview.records.values} />
        <Stat label="Exporters" value={totals.exporters} unit="" note={healthy === totals.exporters ? "all healthy" : `${Math.max(0, healthy)} healthy, ${totals.exporters_silent} silent`} />
        <Stat label="Telemetry lost" value={totals.lost_share * 100} unit="%" note="on the way or here" />
      </div>
    </Panel>
  );
}

const BY_APP: Query = { view: "series", measures: ["bps"], by: ["app"], top: 8, points: 200, compare_to: "1d" };

const TrafficPanel = memo(function TrafficPanel({ query }: { query: Query }) {
  const { zone } = usePrefs();
  const { zoomTo, interval } = useTime();
  const kept = useTimeSearch();
  const answer = useView(query, { refresh: interval || 60_000 });
  const result = answer.data;
  const build = useCallback((theme: ChartTheme) => {
    if (!result?.grid) return {};
    return timeseries({ kind: "stacked", grid: result.grid, series: result.series, slots: slotsOf(result.series), unit: result.unit, zone }, theme);
  }, [result, zone]);
  return (
    <Panel title="Traffic by application" hint="dashed: the same time yesterday" actions={<ExploreLink href={`/explore${kept}${kept ? "&" : "?"}compare=1d`} />}>
      <Answer of={answer} height={260}>
        {(data) => (data.series.length === 0
          ? <EmptyState title="No traffic in this range" icon="explore" />
          : <Chart build={build} kind="stacked" height={260} onZoom={zoomTo} label={`Traffic by application, ${plural(data.series.length, "series")}; the panels below hold the numbers`} />)}
      </Answer>
    </Panel>
  );
});

const TOPS: readonly { title: string; by: string; filter?: string }[] = [
  { title: "Applications", by: "app" },
  { title: "Source ASes", by: "src_as" },
  { title: "Destination ASes", by: "dst_as" },
  { title: "External interfaces", by: "in_if", filter: "in_if_boundary = external" },
];

/** The average of the same minutes one day ago, for "now against yesterday". */
const YESTERDAY: Query = { view: "stat", measures: ["bps"], since: "now-1445m", until: "now-1440m" };

function Running({ overview }: { overview: Overview }) {
  const { range } = useTime();
  const kept = useTimeSearch();
  const traffic = useMemo<Query>(() => ({ ...BY_APP, since: range.since, until: range.until }), [range]);
  const yesterday = useView(YESTERDAY, { refresh: 300_000 }).data?.totals["bps"];
  return (
    <>
      <SourcesStrip overview={overview} kept={kept} />
      <Figures overview={overview} before={yesterday} />
      <TrafficPanel query={traffic} />
      <Recent range={range} kept={kept} />
      <div className={css.tops}>
        {TOPS.map((top) => <TopPanel key={top.title} {...top} range={range} />)}
      </div>
      <PipelinePanel pipeline={overview.pipeline} />
    </>
  );
}

/** Nothing stored and nothing heard: what follows is how to begin. */
const isNew = (overview: Overview): boolean => overview.totals.exporters === 0 && overview.sources.length === 0 && overview.totals.flows_stored === 0 && !overview.traffic.values.some(Boolean);

export default function HomePage() {
  const first = useGet<Overview>("overview");
  const live = useLive<Overview>("overview");
  return (
    <>
      <PageHeader title="Home"><TimeRangePicker /></PageHeader>
      <Answer of={first} rows={8}>
        {(data) => {
          const overview = live ?? data;
          if (isNew(overview)) return <Panel title="Welcome to Weft" hint="one step is left"><Connect pipeline={overview.pipeline} /></Panel>;
          return <><VerdictPanel overview={overview} /><Running overview={overview} /></>;
        }}
      </Answer>
    </>
  );
}
