import { SegmentedControl } from "@mantine/core";
import { useCallback, useMemo, useState } from "react";
import { useCatalogue, useView } from "../../api/queries";
import type { ViewResult } from "../../api/types";
import { useNow, useTime } from "../../app/time";
import { dateTime } from "../../lib/time";
import { usePrefs } from "../../lib/prefs";
import { duration, format, grouped, plural } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { StaleBadge } from "../../ui/Status";
import { TimeRangePicker } from "../../ui/TimeRangePicker";
import { clause } from "../filter/clause";
import { FilterBar } from "../filter/FilterBar";
import { ExplorerActions } from "./Actions";
import { ChartSwitch, ComparePicker, MeasurePicker, StepPicker, TopPicker } from "./Controls";
import css from "./controls.module.css";
import { DimensionPicker } from "./DimensionPicker";
import { ExplorerChart } from "./ExplorerChart";
import { GroupTable } from "./GroupTable";
import { groupsOf, type Group } from "./groups";
import { LinkTable } from "./LinkTable";
import { QueryDrawer } from "./QueryDrawer";
import { Records } from "./Records";
import type { ExplorerState } from "./state";
import { useExplorer, type Explorer } from "./useExplorer";

const STALE_S = 300;

function Controls({ state, update, used }: Pick<Explorer, "state" | "update"> & { used: number | null }) {
  const flows = useCatalogue().data?.datasets.find((one) => one.name === "flows");
  const measures = flows?.measures ?? [];
  const timed = state.chart !== "sankey" && state.chart !== "records";
  return (
    <div className={css.controls}>
      <ChartSwitch state={state} update={update} />
      {state.chart === "records" ? (
        <SegmentedControl
          size="sm" aria-label="Order" value={state.order} onChange={(value) => update({ order: value === "bytes" ? "bytes" : "time" })}
          data={[{ value: "time", label: "Newest first" }, { value: "bytes", label: "Largest first" }]}
        />
      ) : (
        <>
          <DimensionPicker dimensions={flows?.dimensions ?? []} value={state.by} max={state.chart === "sankey" ? 5 : 8} onChange={(by) => update({ by })} />
          <MeasurePicker state={state} update={update} measures={measures} />
          <TopPicker state={state} update={update} />
        </>
      )}
      {timed && <StepPicker state={state} update={update} used={used} />}
      {timed && <ComparePicker state={state} update={update} />}
    </div>
  );
}

/** One line under a chart: how much was read, how fast, from where; the rest is in "Show query". */
function Footnote({ result }: { result: ViewResult }) {
  const from = result.provenance;
  const sampled = result.query["view"] !== "records" && from.sampling_rates.some((rate) => rate > 1);
  const parts = [
    `${grouped(from.rows_read)} rows of ${from.table}`, duration(from.elapsed_ms / 1000), sampled ? "corrected for sampling" : "",
    from.silent_exporters.length > 0 ? `${plural(from.silent_exporters.length, "exporter")} silent` : "",
  ];
  return <>{parts.filter(Boolean).join(" · ")}</>;
}

interface ShownProps {
  state: ExplorerState;
  result: ViewResult;
  narrow: Explorer["narrow"];
}

function Shown({ state, result, narrow }: ShownProps) {
  const measures = useCatalogue().data?.datasets[0]?.measures ?? [];
  const groups = useMemo(() => groupsOf(result), [result]);
  const [hovered, setHovered] = useState<string | null>(null);
  const onFilter = useCallback((group: Group, exclude: boolean) => narrow(clause(group.parts, exclude)), [narrow]);
  const sankey = result.links.length > 0;
  return (
    <div>
      {state.chart !== "table" && (
        <div style={{ padding: "0 var(--s3) var(--s3)" }}>
          <ExplorerChart kind={state.chart} result={result} groups={groups} hovered={hovered} onHover={setHovered} onPick={(group) => onFilter(group, false)} />
        </div>
      )}
      {sankey && <LinkTable result={result} narrow={narrow} />}
      {!sankey && groups.length > 0 && (
        <GroupTable result={result} groups={groups} measures={measures} compared={state.compare !== ""} hovered={hovered} onHover={setHovered} onFilter={onFilter} />
      )}
    </div>
  );
}

function Staleness({ result }: { result: ViewResult }) {
  const now = useNow(15);
  const newest = result.provenance.newest;
  const live = now - result.window.until < STALE_S;
  return live && newest !== null && now - newest > STALE_S ? <StaleBadge newest={newest} now={now} /> : null;
}

function Title({ state, result }: { state: ExplorerState; result: ViewResult | undefined }) {
  const { zone } = usePrefs();
  const catalogue = useCatalogue().data?.datasets[0];
  const name = (by: string): string => catalogue?.dimensions.find((one) => one.name === by)?.title ?? by;
  if (state.chart === "records") return <>Flow records</>;
  const measure = catalogue?.measures.find((one) => one.name === state.measures[0])?.title ?? state.measures[0];
  const total = result ? (result.totals[state.measures[0] ?? ""] ?? null) : null;
  return (
    <>
      {measure}{state.by.length > 0 ? ` by ${state.by.map(name).join(", ").toLowerCase().replaceAll(/\bas\b/g, "AS")}` : ""}
      {result && total !== null && <span className="muted" style={{ fontWeight: 400 }}> · {format(total, result.unit)} in total</span>}
      {result && <span className="visually-hidden">, {dateTime(result.window.since, zone)} to {dateTime(result.window.until, zone)}</span>}
    </>
  );
}

export default function ExplorerPage() {
  const { state, query, update, narrow } = useExplorer();
  const { interval } = useTime();
  const answer = useView(query, { refresh: interval });
  const [inspected, setInspected] = useState<ViewResult>();
  const result = answer.data;
  return (
    <>
      <PageHeader title="Explore">
        {result && <Staleness result={result} />}
        <TimeRangePicker />
        <ExplorerActions
          query={query} fetching={answer.isFetching} refetch={() => void answer.refetch()} showQuery={result ? () => setInspected(result) : undefined}
        />
      </PageHeader>
      <FilterBar value={state.filter} onApply={(filter) => update({ filter })} />
      <Controls state={state} update={update} used={result?.grid?.step ?? null} />
      <Panel title={<Title state={state} result={result} />} hint={result && <Footnote result={result} />} flush>
        <Answer of={answer} height={460}>
          {(shown) => (shown.query["view"] === "records" ? <Records result={shown} narrow={narrow} order={state.order} /> : <Shown state={state} result={shown} narrow={narrow} />)}
        </Answer>
      </Panel>
      <QueryDrawer result={inspected} close={() => setInspected(undefined)} />
    </>
  );
}
