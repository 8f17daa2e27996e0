/** Counts over time as stacked bars: where something happened, and of which kind. */
import type { BarSeriesOption, EChartsOption } from "echarts";
import type { Series, TimeGrid } from "../api/types";
import { axisLabel, format } from "../lib/units";
import { dateTime, tick, type Zone } from "../lib/time";
import type { ChartTheme } from "./theme";
import { tooltipStyle } from "./timeseries";
import { tooltipHtml } from "./tooltip";

export interface Histogram {
  grid: TimeGrid;
  series: readonly Series[];
  /** Colour of each series, in order. */
  colors: readonly string[];
  unit: string;
  zone: Zone;
}

function bucketTooltip(chart: Histogram, index: number): string {
  const { start, step } = chart.grid;
  const at = start + index * step;
  const title = `${dateTime(at, chart.zone, step < 60)} – ${tick(at + step, chart.zone, step < 60 ? 600 : 86_400)}`;
  const rows = chart.series.flatMap((one, place) => {
    const value = one.values[index];
    return value ? [{ color: chart.colors[place] ?? "transparent", label: one.label, value: format(value, "") }] : [];
  });
  const total = chart.series.reduce((sum, one) => sum + (one.values[index] ?? 0), 0);
  return rows.length > 0 ? tooltipHtml(title, rows, { color: "transparent", label: "Together", value: format(total, chart.unit) }) : tooltipHtml(title, [{ color: "transparent", label: "None", value: "" }]);
}

export function histogram(chart: Histogram, theme: ChartTheme): EChartsOption {
  const { start, step, count } = chart.grid;
  const text = { color: theme.faint, fontSize: 11, fontFamily: theme.font };
  const series = chart.series.map((one, index): BarSeriesOption => ({
    type: "bar", id: `s${index}`, name: one.label, stack: "all", barCategoryGap: "12%", color: chart.colors[index] ?? theme.other, emphasis: { disabled: true },
    data: one.values.map((value, at) => [(start + (at + 0.5) * step) * 1000, value ?? 0]), // a bar stands in the middle of its bucket
  }));
  return {
    animation: false,
    useUTC: chart.zone === "utc",
    grid: { left: 6, right: 14, top: 8, bottom: 2, containLabel: true },
    tooltip: {
      trigger: "axis",
      axisPointer: { type: "shadow", shadowStyle: { color: theme.line, opacity: 0.5 } },
      ...tooltipStyle(theme),
      formatter: (items) => bucketTooltip(chart, ((Array.isArray(items) ? items[0] : items) as { dataIndex?: number } | undefined)?.dataIndex ?? 0),
    },
    xAxis: {
      type: "time", min: start * 1000, max: (start + count * step) * 1000, axisLine: { lineStyle: { color: theme.line } }, axisTick: { show: false }, splitLine: { show: false }, splitNumber: 8,
      axisLabel: { ...text, hideOverlap: true, formatter: (value: number) => tick(value / 1000, chart.zone, Math.max(count * step, 601)) },
    },
    yAxis: { type: "value", minInterval: 1, splitNumber: 2, axisLine: { show: false }, splitLine: { lineStyle: { color: theme.line } }, axisLabel: { ...text, formatter: axisLabel("") } },
    series,
  };
}
