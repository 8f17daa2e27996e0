/** The explorer's whole state is its URL. What has its usual value is left out, so that links stay short. */
import type { Query, Rank } from "../../api/types";
import type { TimeRange } from "../../lib/time";

export const CHARTS = ["stacked", "lines", "bars", "sankey", "heatmap", "table", "records"] as const;
export type ChartKind = (typeof CHARTS)[number];

export interface ExplorerState {
  chart: ChartKind;
  by: string[];
  /** The first ranks and is drawn; the others are columns of the table. */
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

export const DEFAULTS: ExplorerState = {
  chart: "stacked", by: ["app"], measures: ["bps"], filter: "", top: 10, rank: "average", other: true, compare: "", every: 0, order: "time",
};

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
  const measures = list(params.get("m"), DEFAULTS.measures);
  return {
    chart: oneOf(params.get("chart"), CHARTS, DEFAULTS.chart),
    by: list(params.get("by"), DEFAULTS.by).slice(0, 8),
    measures: measures.length > 0 ? measures.slice(0, 8) : DEFAULTS.measures,
    filter: params.get("filter") ?? "",
    top: bounded(params.get("top"), 1, 1000, DEFAULTS.top),
    rank: oneOf(params.get("rank"), ["average", "max", "last"], DEFAULTS.rank),
    other: params.get("other") !== "0",
    compare: params.get("compare") ?? "",
    every: bounded(params.get("every"), 1, 2_592_000, 0),
    order: oneOf(params.get("order"), ["time", "bytes"], "time"),
  };
}

const NAMES = ["chart", "by", "m", "filter", "top", "rank", "other", "compare", "every", "order"] as const;

/** Writes the state into a URL's parameters, leaving others (the time range) as they are. */
export function write(state: ExplorerState, into: URLSearchParams): URLSearchParams {
  const usual = DEFAULTS;
  const values: Record<(typeof NAMES)[number], string> = {
    chart: state.chart === usual.chart ? "" : state.chart,
    by: state.by.join(",") === usual.by.join(",") ? "" : state.by.join(",") || ",",
    m: state.measures.join(",") === usual.measures.join(",") ? "" : state.measures.join(","),
    filter: state.filter,
    top: state.top === usual.top ? "" : String(state.top),
    rank: state.rank === usual.rank ? "" : state.rank,
    other: state.other ? "" : "0",
    compare: state.compare,
    every: state.every === 0 ? "" : String(state.every),
    order: state.order === usual.order ? "" : state.order,
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
  const common: Query = { dataset: "flows", filter: state.filter, since: range.since, until: range.until };
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
