/** The explorer's whole state is its URL. What has its usual value is left out, so that links stay short. */
import type { Query, Rank } from "../../api/types";
import type { TimeRange } from "../../lib/time";

export const CHARTS = ["stacked", "lines", "bars", "sankey", "heatmap", "table", "records"] as const;
export type ChartKind = (typeof CHARTS)[number];

export interface ExplorerState {
  dataset: string;
  chart: ChartKind;
  by: string[];
  /** The first ranks and is drawn; the others are columns of the table. None = what suits the dataset and the filter. */
  measures: string[];
  filter: string;
  top: number;
  rank: Rank;
  other: boolean;
  /** "", "previous" or an offset such as "1d". */
  compare: string;
  /** Bucket size in seconds; 0 = chosen for the width. */
  every: number;
  /** Order of the record search. */
  order: "time" | "bytes";
}

export const FLOWS = "flows";

type Usual = Pick<ExplorerState, "chart" | "by" | "measures">;

/** What a link to a dataset shows unless it says otherwise. Logs and changes are read before they are counted. */
const USUAL: Record<string, Usual> = {
  flows: { chart: "stacked", by: ["app"], measures: ["bps"] },
  metrics: { chart: "lines", by: ["metric"], measures: [] },
  logs: { chart: "records", by: ["severity"], measures: [] },
  changes: { chart: "records", by: ["kind"], measures: [] },
  business: { chart: "lines", by: ["series"], measures: [] },
  events: { chart: "stacked", by: ["kind"], measures: ["events_opened"] },
};
const ANY: Usual = { chart: "records", by: [], measures: [] };

/** The whole usual state of a dataset. */
export const usualState = (dataset: string): ExplorerState => ({
  dataset, ...(USUAL[dataset] ?? ANY), filter: "", top: 10, rank: "average", other: true, compare: "", every: 0, order: "time",
});

export const DEFAULTS: ExplorerState = usualState(FLOWS);

/** Those whose records have a page of their own to be read on. */
export const isFeed = (state: Pick<ExplorerState, "dataset" | "chart">): boolean =>
  state.chart === "records" && (state.dataset === "logs" || state.dataset === "changes");

const list = (text: string | null, usual: string[]): string[] =>
  text === null ? usual : text.split(",").map((part) => part.trim()).filter(Boolean);

function oneOf<T extends string>(text: string | null, known: readonly T[], usual: T): T {
  return known.find((one) => one === text) ?? usual;
}

function bounded(text: string | null, low: number, high: number, usual: number): number {
  const number = Number(text);
  return text !== null && Number.isInteger(number) && number >= low && number <= high ? number : usual;
}

/** Anything may stand in a URL: what is not understood takes its usual value. */
export function parse(params: URLSearchParams): ExplorerState {
  const dataset = /^[a-z_]{1,40}$/.exec(params.get("dataset") ?? "")?.[0] ?? FLOWS;
  const start = usualState(dataset);
  const measures = list(params.get("m"), start.measures);
  return {
    dataset,
    chart: oneOf(params.get("chart"), CHARTS, start.chart),
    by: list(params.get("by"), start.by).slice(0, 8),
    measures: measures.length > 0 ? measures.slice(0, 8) : start.measures,
    filter: params.get("filter") ?? "",
    top: bounded(params.get("top"), 1, 1000, start.top),
    rank: oneOf(params.get("rank"), ["average", "max", "last"], start.rank),
    other: params.get("other") !== "0",
    compare: params.get("compare") ?? "",
    every: bounded(params.get("every"), 1, 2_592_000, 0),
    order: oneOf(params.get("order"), ["time", "bytes"], "time"),
  };
}

const NAMES = ["dataset", "chart", "by", "m", "filter", "top", "rank", "other", "compare", "every", "order"] as const;

/** Writes the state into a URL's parameters, leaving others (the time range) as they are. */
export function write(state: ExplorerState, into: URLSearchParams): URLSearchParams {
  const start = usualState(state.dataset);
  const values: Record<(typeof NAMES)[number], string> = {
    dataset: state.dataset === FLOWS ? "" : state.dataset,
    chart: state.chart === start.chart ? "" : state.chart,
    by: state.by.join(",") === start.by.join(",") ? "" : state.by.join(",") || ",",
    m: state.measures.join(",") === start.measures.join(",") ? "" : state.measures.join(","),
    filter: state.filter,
    top: state.top === start.top ? "" : String(state.top),
    rank: state.rank === start.rank ? "" : state.rank,
    other: state.other ? "" : "0",
    compare: state.compare,
    every: state.every === 0 ? "" : String(state.every),
    order: state.order === start.order ? "" : state.order,
  };
  const out = new URLSearchParams(into);
  for (const name of NAMES) {
    if (values[name]) out.set(name, values[name]);
    else out.delete(name);
  }
  return out;
}

const POINTS = 240;
const HEAT_POINTS = 96;
const RECORDS = 500;

/** What to ask for: the main question of this state. */
export function toQuery(state: ExplorerState, range: TimeRange): Query {
  const common: Query = { dataset: state.dataset, filter: state.filter, since: range.since, until: range.until };
  if (state.chart === "records") return { ...common, view: "records", limit: RECORDS, order: state.order };
  const ranked: Query = { ...common, measures: state.measures, by: state.by, top: state.top, rank: state.rank, other: state.other };
  if (state.chart === "sankey") return { ...ranked, view: "sankey", by: state.by.slice(0, 5), measures: state.measures.slice(0, 1) };
  return {
    ...ranked,
    view: "series",
    every: state.every || null,
    points: state.chart === "heatmap" ? HEAT_POINTS : POINTS,
    compare_to: state.compare || null,
  };
}

/** The state that shows a question as the catalogue words it: an example, or what another page asks. */
export function stateOf(query: Query): ExplorerState {
  const dataset = query.dataset ?? FLOWS;
  const start = usualState(dataset);
  const charts: Partial<Record<NonNullable<Query["view"]>, ChartKind>> = { table: "table", sankey: "sankey", records: "records" };
  const drawn: ChartKind = start.chart === "records" ? "stacked" : start.chart;
  return {
    ...start,
    chart: charts[query.view ?? "series"] ?? drawn,
    by: query.by ?? [],
    measures: query.measures ?? start.measures,
    filter: query.filter ?? "",
    compare: query.compare_to ?? "",
    top: query.top ?? start.top,
  };
}
