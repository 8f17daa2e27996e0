import { SegmentedControl } from "@mantine/core";
import { useCallback, useMemo, useState } from "react";
import { datasetOf, measureOf } from "../../api/dataset";
import { useCatalogue, useView } from "../../api/queries";
import type { Dataset, ViewResult } from "../../api/types";
import { useTime } from "../../app/time";
import { dateTime } from "../../lib/time";
import { usePrefs } from "../../lib/prefs";
import { format } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { Panel } from "../../ui/Panel";
import { clause } from "../filter/clause";
import { ChartSwitch, ComparePicker, MeasurePicker, StepPicker, TopPicker } from "./Controls";
import css from "./controls.module.css";
import { DimensionPicker } from "./DimensionPicker";
import { ExplorerChart, statesOf } from "./ExplorerChart";
import { Footnote } from "./Footnote";
import { Frame } from "./Frame";
import { GroupTable } from "./GroupTable";
import { groupsOf, type Group } from "./groups";
import { LinkTable } from "./LinkTable";
import { MetricPicker } from "./MetricPicker";
import { NothingYet } from "./NothingYet";
import { Records } from "./Records";
import type { ExplorerState } from "./state";
import type { Explorer } from "./useExplorer";

/** The name of the measure that an answer is about. */
export const ledBy = (result: ViewResult | undefined): string | undefined => result?.columns.find((column) => column.kind === "measure")?.name;

interface ControlsProps extends Pick<Explorer, "state" | "update"> {
  dataset: Dataset | undefined;
  result: ViewResult | undefined;
}

function Controls({ state, update, dataset, result }: ControlsProps) {
  const metrics = useCatalogue().data?.metrics ?? [];
  const timed = state.chart !== "sankey" && state.chart !== "records";
  const read = state.chart === "records";
  return (
    <div className={css.controls}>
      <ChartSwitch state={state} update={update} dataset={dataset} />
      {state.dataset === "metrics" && <MetricPicker state={state} update={update} vocabulary={metrics} />}
      {read && (dataset?.orders.length ?? 0) > 1 && (
        <SegmentedControl
          size="sm" aria-label="Order" value={state.order} onChange={(value) => update({ order: value === "bytes" ? "bytes" : "time" })}
          data={[{ value: "time", label: "Newest first" }, { value: "bytes", label: "Largest first" }]}
        />
      )}
      {!read && (
        <>
          <DimensionPicker dimensions={dataset?.dimensions ?? []} families={dataset?.families ?? []} value={state.by} max={state.chart === "sankey" ? 5 : 8} onChange={(by) => update({ by })} />
          <MeasurePicker state={state} update={update} measures={dataset?.measures ?? []} used={ledBy(result)} />
          <TopPicker state={state} update={update} />
        </>
      )}
      {timed && <StepPicker state={state} update={update} used={result?.grid?.step ?? null} />}
      {timed && <ComparePicker state={state} update={update} />}
    </div>
  );
}

interface ShownProps {
  state: ExplorerState;
  dataset: Dataset | undefined;
  result: ViewResult;
  narrow: Explorer["narrow"];
}

function Shown({ state, dataset, result, narrow }: ShownProps) {
  const metrics = useCatalogue().data?.metrics;
  const stacks = measureOf(dataset, ledBy(result))?.stacks ?? true;
  const groups = useMemo(() => groupsOf(result, stacks), [result, stacks]);
  const states = useMemo(() => statesOf(result, metrics), [result, metrics]);
  const [hovered, setHovered] = useState<string | null>(null);
  const onFilter = useCallback((group: Group, exclude: boolean) => narrow(clause(group.parts, exclude)), [narrow]);
  const sankey = result.links.length > 0;
  if (groups.length === 0 && !sankey && !state.filter) return <NothingYet dataset={state.dataset} />;
  return (
    <div>
      {state.chart !== "table" && (
        <div style={{ padding: "0 var(--s3) var(--s3)" }}>
          <ExplorerChart
            kind={state.chart === "stacked" && !stacks ? "lines" : state.chart} result={result} groups={groups} states={states} hovered={hovered} onHover={setHovered}
            onPick={(group) => onFilter(group, false)}
          />
        </div>
      )}
      {sankey && <LinkTable result={result} narrow={narrow} />}
      {!sankey && groups.length > 0 && (
        <GroupTable result={result} groups={groups} measures={dataset?.measures ?? []} stacks={stacks} compared={state.compare !== ""} states={states} hovered={hovered} onHover={setHovered} onFilter={onFilter} />
      )}
    </div>
  );
}

/** `Source AS, Application` → `source AS, application`: only the first letter, and only of a word that is no abbreviation. */
const lowered = (title: string): string => title.replace(/^([A-Z])(?=[a-z])/, (letter) => letter.toLowerCase());

function Title({ state, dataset, result }: { state: ExplorerState; dataset: Dataset | undefined; result: ViewResult | undefined }) {
  const { zone } = usePrefs();
  const name = (by: string): string => dataset?.dimensions.find((one) => one.name === by)?.title ?? by.replaceAll("_", " ");
  if (state.chart === "records") return <>{dataset?.title === "Flows" ? "Flow records" : (dataset?.title ?? "Records")}</>;
  const measure = measureOf(dataset, state.measures[0] ?? ledBy(result));
  const total = result && measure ? (result.totals[measure.name] ?? null) : null;
  return (
    <>
      {measure?.title ?? state.measures[0]}{state.by.length > 0 ? ` by ${state.by.map((by) => lowered(name(by))).join(", ")}` : ""}
      {result && total !== null && measure?.stacks && <span className="muted" style={{ fontWeight: 400 }}> · {format(total, result.unit)} in total</span>}
      {result && <span className="visually-hidden">, {dateTime(result.window.since, zone)} to {dateTime(result.window.until, zone)}</span>}
    </>
  );
}

/** A question drawn and tabled: any chart of any dataset. */
export default function ChartExplorer({ explorer }: { explorer: Explorer }) {
  const { state, query, update, narrow } = explorer;
  const { interval } = useTime();
  const dataset = datasetOf(useCatalogue().data, state.dataset);
  const answer = useView(query, { refresh: interval });
  const result = answer.data;
  return (
    <Frame explorer={explorer} result={result} fetching={answer.isFetching} refetch={() => void answer.refetch()} steady={state.dataset === "flows" || state.dataset === "metrics"}>
      <Controls state={state} update={update} dataset={dataset} result={result} />
      <Panel title={<Title state={state} dataset={dataset} result={result} />} hint={result && <Footnote result={result} />} flush>
        <Answer of={answer} height={460}>
          {(shown) => (shown.query["view"] === "records" ? <Records result={shown} narrow={narrow} order={state.order} /> : <Shown state={state} dataset={dataset} result={shown} narrow={narrow} />)}
        </Answer>
      </Panel>
    </Frame>
  );
}
