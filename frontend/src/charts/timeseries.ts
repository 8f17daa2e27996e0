/** Stacked areas and lines over time: pure builders from series to an ECharts option. */
import type { EChartsOption, LineSeriesOption } from "echarts";
import type { Series, TimeGrid } from "../api/types";
import { axisLabel, format, fromZero } from "../lib/units";
import { dateTime, tick, type Zone } from "../lib/time";
import { pauses } from "./gaps";
import { colorOf, type ChartTheme } from "./theme";
import { tooltipHtml, type TooltipRow } from "./tooltip";

export interface TimeChart {
  kind: "stacked" | "lines";
  grid: TimeGrid;
  series: readonly Series[];
  /** Palette slot of each series, in order. */
  slots: readonly number[];
  unit: string;
  zone: Zone;
  /** Without axes' names and with fewer labels, for small panels. */
  compact?: boolean;
  /** What the numbers are called, where they stand for states: drawn as steps. */
  states?: Record<string, string>;
}

/** A value as the chart writes it: the name of the state that it stands for, else with its unit. */
const written = (chart: TimeChart, value: number | null): string => (value !== null && chart.states?.[String(value)]) || format(value, chart.unit);

type Value = [number, number | null];
type Point = Value | { value: Value; symbol: string; symbolSize: number };

/** A bucket is a gap only if nothing is known of *any* series; a single missing series inside a stack counts as zero. */
export function stackable(series: readonly Series[]): (number | null)[][] {
  const count = series[0]?.values.length ?? 0;
  const known = Array.from({ length: count }, (_, index) => series.some((one) => one.values[index] !== null));
  return series.map((one) => one.values.map((value, index) => value ?? (known[index] ? 0 : null)));
}

/** Sum over the series of one period earlier; null where nothing is known. */
export function previousTotal(series: readonly Series[]): (number | null)[] | null {
  const compared = series.filter((one) => one.previous);
  if (compared.length === 0) return null;
  const count = compared[0]?.previous?.length ?? 0;
  return Array.from({ length: count }, (_, index) => {
    const values = compared.map((one) => one.previous?.[index] ?? null).filter((value) => value !== null);
    return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
  });
}

/** A bucket between two gaps is no line: it is drawn as a dot, or nobody would see it. */
function points(grid: TimeGrid, values: readonly (number | null)[], crossed = false): Point[] {
  const skipped = crossed ? pauses(values) : [];
  return values.flatMap((value, index): Point[] => {
    if (skipped[index]) return [];
    const at: Value = [(grid.start + index * grid.step) * 1000, value];
    const near = (place: number): boolean => (values[place] ?? null) !== null || skipped[place] === true;
    const alone = value !== null && !near(index - 1) && !near(index + 1);
    return [alone ? { value: at, symbol: "circle", symbolSize: 4 } : at];
  });
}

function mainSeries(chart: TimeChart, theme: ChartTheme): LineSeriesOption[] {
  const stacked = chart.kind === "stacked";
  const values = stacked ? stackable(chart.series) : chart.series.map((one) => one.values);
  return chart.series.map((one, index) => {
    const color = colorOf(theme, chart.slots[index] ?? -1);
    return {
      type: "line",
      id: `s${index}`,
      name: one.label,
      data: points(chart.grid, values[index] ?? [], !stacked),
      symbol: "none",
      connectNulls: false,
      triggerLineEvent: true,
      ...(chart.states ? { step: "end" as const } : {}),
      color,
      lineStyle: { width: stacked ? 1 : 1.6, color },
      emphasis: { focus: "series", blurScope: "coordinateSystem", lineStyle: { width: stacked ? 1.2 : 2.2 } },
      blur: { lineStyle: { opacity: 0.25 }, areaStyle: { opacity: 0.14 } },
      ...(stacked ? { stack: "all", areaStyle: { color, opacity: one.other ? 0.4 : 0.62 } } : {}),
      z: 3,
    };
  });
}

function previousSeries(chart: TimeChart, theme: ChartTheme): LineSeriesOption[] {
  const dashed = (id: string, name: string, values: readonly (number | null)[], color: string, width: number): LineSeriesOption => ({
    type: "line", id, name, data: points(chart.grid, values), symbol: "none", silent: true, color,
    lineStyle: { width, type: [5, 4], color, opacity: 0.9 }, emphasis: { disabled: true }, z: 5,
  });
  if (chart.kind === "lines") {
    return chart.series.flatMap((one, index) =>
      one.previous ? [dashed(`p${index}`, `${one.label}, before`, one.previous, colorOf(theme, chart.slots[index] ?? -1), 1)] : []);
  }
  const total = previousTotal(chart.series);
  return total ? [dashed("previous", "Previous period", total, theme.text, 1.4)] : [];
}

const TOOLTIP_ROWS = 14;

interface AxisItem {
  axisValue: number | string;
}

/** The bucket that the pointer is over. */
const bucketAt = (grid: TimeGrid, item: AxisItem | undefined): number => Math.round((Number(item?.axisValue ?? 0) / 1000 - grid.start) / grid.step);

/** Largest first, the total at the foot; what was there one period earlier beside it. */
export function seriesTooltip(chart: TimeChart, theme: ChartTheme, index: number): string {
  const at = chart.grid.start + index * chart.grid.step;
  const title = `${dateTime(at, chart.zone, chart.grid.step < 60)} – ${tick(at + chart.grid.step, chart.zone, chart.grid.step < 60 ? 600 : 86400)}`;
  const known = chart.series
    .map((one, place) => ({ label: one.label, value: one.values[index] ?? null, color: colorOf(theme, chart.slots[place] ?? -1) }))
    .filter((row) => row.value !== null)
    .toSorted((one, other) => (other.value ?? 0) - (one.value ?? 0));
  if (known.length === 0) return tooltipHtml(title, [{ color: "transparent", label: "No data", value: "" }]);
  const rows: TooltipRow[] = known.slice(0, TOOLTIP_ROWS).map((row) => ({ ...row, value: written(chart, row.value) }));
  const before = previousTotal(chart.series)?.[index];
  if (before !== undefined && before !== null) rows.push({ color: theme.text, label: "Previous period", value: format(before, chart.unit) });
  if (chart.kind !== "stacked" || known.length < 2) return tooltipHtml(title, rows);
  const total = known.reduce((sum, row) => sum + (row.value ?? 0), 0);
  return tooltipHtml(title, rows, { color: "transparent", label: "Total", value: format(total, chart.unit) });
}

export const tooltipStyle = (theme: ChartTheme) => ({
  backgroundColor: "transparent",
  borderWidth: 0,
  padding: 0,
  extraCssText: "box-shadow:none",
  textStyle: { color: theme.text, fontSize: 12, fontFamily: theme.font },
  confine: true,
  transitionDuration: 0,
});

export function timeseries(chart: TimeChart, theme: ChartTheme): EChartsOption {
  const width = chart.grid.step * chart.grid.count;
  const axisText = { color: theme.faint, fontSize: 11, fontFamily: theme.font };
  return {
    animation: false,
    useUTC: chart.zone === "utc",
    grid: { left: 6, right: 14, top: chart.compact ? 8 : 14, bottom: 4, containLabel: true },
    tooltip: {
      trigger: "axis",
      axisPointer: { type: "line", lineStyle: { color: theme.lineStrong, width: 1 }, label: { show: false } },
      ...tooltipStyle(theme),
      formatter: (items) => seriesTooltip(chart, theme, bucketAt(chart.grid, (Array.isArray(items) ? items[0] : items) as unknown as AxisItem | undefined)),
    },
    xAxis: {
      type: "time",
      min: chart.grid.start * 1000,
      max: (chart.grid.start + (chart.grid.count - 1) * chart.grid.step) * 1000,
      axisLine: { lineStyle: { color: theme.line } },
      axisTick: { show: false },
      splitLine: { show: false },
      splitNumber: chart.compact ? 4 : 8,
      axisLabel: { ...axisText, hideOverlap: true, formatter: (value: number) => tick(value / 1000, chart.zone, chart.grid.step < 60 ? width : Math.max(width, 601)) },
    },
    yAxis: {
      type: "value",
      scale: !fromZero(chart.unit),
      splitNumber: chart.compact ? 3 : 5,
      axisLine: { show: false },
      splitLine: { lineStyle: { color: theme.line } },
      ...(chart.states ? { minInterval: 1 } : {}),
      axisLabel: { ...axisText, formatter: chart.states ? (value: number) => written(chart, value) : axisLabel(chart.unit) },
    },
    series: [...mainSeries(chart, theme), ...previousSeries(chart, theme)],
  };
}
