/** The rows of the top-N table, made from the series: what a person asks of a line. */
import type { Cell, Series, ViewResult } from "../../api/types";
import { OTHER, seriesKey, slotsFor } from "../../lib/seriesColor";
import type { Part } from "../filter/clause";

export interface Group {
  id: string;
  label: string;
  /** What each dimension is called, in order. */
  cells: string[];
  /** Values for a filter; empty for the remainder, which cannot be filtered. */
  parts: Part[];
  slot: number;
  other: boolean;
  values: (number | null)[];
  last: number | null;
  average: number | null;
  max: number | null;
  p95: number | null;
  /** Of the average of everything that matched. */
  share: number | null;
  previous: number | null;
  /** Every measure as the server computed it over the window, in the order of its columns. */
  measures: (number | null)[];
}

const known = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);

export function mean(values: readonly (number | null)[]): number | null {
  const some = known(values);
  return some.length === 0 ? null : some.reduce((sum, value) => sum + value, 0) / some.length;
}

/** Nearest-rank percentile of the known buckets. */
export function percentile(values: readonly (number | null)[], fraction: number): number | null {
  const some = known(values).toSorted((one, other) => one - other);
  return some.length === 0 ? null : (some[Math.min(some.length - 1, Math.ceil(fraction * some.length) - 1)] ?? null);
}

const lastKnown = (values: readonly (number | null)[]): number | null => values.findLast((value) => value !== null) ?? null;
const numeric = (cell: Cell | undefined): number | null => (typeof cell === "number" ? cell : null);

export function slotsOf(series: readonly Series[]): number[] {
  const slots = slotsFor(series.filter((one) => !one.other).map((one) => seriesKey(one.key)));
  return series.map((one) => (one.other ? OTHER : (slots.get(seriesKey(one.key)) ?? OTHER)));
}

/** What a cell is called: its label, itself, or that it is not known. */
export function cellLabel(result: Pick<ViewResult, "labels">, column: string, cell: Cell): string {
  const text = cell === null ? "" : String(cell);
  return result.labels[column]?.[text] ?? (text === "" ? "unknown" : text);
}

/** `stacks`: whether the values of groups add up to the total, so that a share of it means something. */
export function groupsOf(result: ViewResult, stacks = true): Group[] {
  const dimensions = result.columns.filter((column) => column.kind !== "measure").map((column) => column.name);
  const measureAt = result.columns.flatMap((column, index) => (column.kind === "measure" && !column.name.endsWith("_previous") ? [index] : []));
  const first = result.columns[measureAt[0] ?? 0]?.name ?? "";
  const previousAt = result.columns.findIndex((column) => column.name === `${first}_previous`);
  const total = result.totals[first] ?? null;
  const slots = slotsOf(result.series);
  return result.series.map((series, index): Group => {
    const row = result.rows[index];
    const average = numeric(row?.[measureAt[0] ?? -1]) ?? mean(series.values);
    return {
      id: series.other ? "\u0000other" : seriesKey(series.key),
      label: series.label,
      cells: series.other ? ["Other"] : dimensions.map((name, place) => cellLabel(result, name, series.key[place] ?? "")),
      parts: series.other ? [] : dimensions.map((name, place) => ({ field: name, value: series.key[place] ?? "" })),
      slot: slots[index] ?? OTHER,
      other: series.other,
      values: series.values,
      last: lastKnown(series.values),
      average,
      max: known(series.values).length === 0 ? null : Math.max(...known(series.values)),
      p95: percentile(series.values, 0.95),
      share: stacks && total && average !== null ? average / total : null,
      previous: previousAt >= 0 ? numeric(row?.[previousAt]) : mean(series.previous ?? []),
      measures: measureAt.map((at) => numeric(row?.[at])),
    };
  });
}
