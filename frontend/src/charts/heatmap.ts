/** One row per group, one column per bucket, brightness for size: patterns in time that a stack hides. */
import type { EChartsOption } from "echarts";
import type { Series, TimeGrid } from "../api/types";
import { dateTime, tick, type Zone } from "../lib/time";
import { format } from "../lib/units";
import type { ChartTheme } from "./theme";
import { tooltipStyle } from "./timeseries";
import { tooltipHtml } from "./tooltip";

export interface HeatChart {
  grid: TimeGrid;
  series: readonly Series[];
  unit: string;
  zone: Zone;
}

/** Brightness grows with the root of the value: one large group must not darken all others. */
export type HeatCell = [column: number, row: number, value: number, brightness: number];

/** Known cells only: a gap stays empty. What lies below zero (dBm) is as bright as it stands above the lowest. */
export function cells(series: readonly Series[]): HeatCell[] {
  const low = Math.min(0, ...series.flatMap((one) => one.values.filter((value) => value !== null)));
  return series.flatMap((one, row) => one.values.flatMap((value, column): HeatCell[] => (value === null ? [] : [[column, row, value, Math.sqrt(value - low)]])));
}

export const heatHeight = (rows: number): number => Math.max(180, rows * 26 + 44);

export function heatmap(chart: HeatChart, theme: ChartTheme): EChartsOption {
  const data = cells(chart.series);
  const width = chart.grid.step * chart.grid.count;
  const at = (column: number): number => chart.grid.start + column * chart.grid.step;
  return {
    animation: false,
    grid: { left: 6, right: 14, top: 6, bottom: 4, containLabel: true },
    tooltip: {
      trigger: "item",
      ...tooltipStyle(theme),
      formatter: (item) => {
        const [column, row, value] = (item as unknown as { value: HeatCell }).value;
        const label = chart.series[row]?.label ?? "";
        return tooltipHtml(dateTime(at(column), chart.zone, chart.grid.step < 60), [{ color: theme.heat[1], label, value: format(value, chart.unit) }]);
      },
    },
    visualMap: {
      show: false, type: "continuous", dimension: 3, min: 0, max: Math.max(...data.map((cell) => cell[3]), Number.MIN_VALUE),
      inRange: { color: theme.heat },
    },
    xAxis: {
      type: "category",
      data: Array.from({ length: chart.grid.count }, (_, column) => String(column)),
      axisLine: { lineStyle: { color: theme.line } },
      axisTick: { show: false },
      axisLabel: {
        color: theme.faint, fontSize: 11, fontFamily: theme.font, hideOverlap: true,
        formatter: (column: string) => tick(at(Number(column)), chart.zone, Math.max(width, 601)),
      },
    },
    yAxis: {
      type: "category",
      inverse: true,
      data: chart.series.map((one) => one.label),
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: { color: theme.muted, fontSize: 12, fontFamily: theme.font, width: 200, overflow: "truncate" },
    },
    series: [{ type: "heatmap", id: "cells", data, progressive: 0, itemStyle: { borderColor: theme.panel, borderWidth: chart.grid.count > 120 ? 0 : 0.5 } }],
  };
}
