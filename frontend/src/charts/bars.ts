/** Groups by size, longest bar first. */
import type { EChartsOption } from "echarts";
import { axisLabel, format, share } from "../lib/units";
import { colorOf, type ChartTheme } from "./theme";
import { tooltipStyle } from "./timeseries";
import { tooltipHtml } from "./tooltip";

export interface Bar {
  label: string;
  value: number | null;
  previous?: number | null;
  slot: number;
}

export interface BarChart {
  bars: readonly Bar[];
  unit: string;
  total: number;
}

export const barHeight = (count: number): number => Math.max(180, count * 26 + 48);

export function bars(chart: BarChart, theme: ChartTheme): EChartsOption {
  const compared = chart.bars.some((bar) => bar.previous !== undefined && bar.previous !== null);
  return {
    animation: false,
    grid: { left: 6, right: 90, top: 6, bottom: 4, containLabel: true },
    tooltip: {
      trigger: "item",
      ...tooltipStyle(theme),
      formatter: (item) => {
        const bar = chart.bars[(item as { dataIndex: number }).dataIndex];
        if (!bar) return "";
        const rows = [{ color: colorOf(theme, bar.slot), label: "Now", value: format(bar.value, chart.unit) }];
        if (bar.previous !== undefined) rows.push({ color: theme.lineStrong, label: "Before", value: format(bar.previous, chart.unit) });
        return tooltipHtml(bar.label, rows, { color: "transparent", label: "Share", value: share(bar.value ?? 0, chart.total) });
      },
    },
    xAxis: {
      type: "value",
      splitNumber: 5,
      splitLine: { lineStyle: { color: theme.line } },
      axisLabel: { color: theme.faint, fontSize: 11, fontFamily: theme.font, formatter: axisLabel(chart.unit) },
    },
    yAxis: {
      type: "category",
      inverse: true,
      data: chart.bars.map((bar) => bar.label),
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: { color: theme.muted, fontSize: 12, fontFamily: theme.font, width: 220, overflow: "truncate" },
    },
    series: [
      {
        type: "bar",
        id: "now",
        barMaxWidth: 16,
        data: chart.bars.map((bar) => ({ name: bar.label, value: bar.value ?? 0, itemStyle: { color: colorOf(theme, bar.slot), borderRadius: [0, 3, 3, 0] } })),
        label: {
          show: true, position: "right", color: theme.muted, fontSize: 11, fontFamily: theme.font,
          formatter: (item) => format(item.value as number, chart.unit),
        },
      },
      ...(compared
        ? [{
            type: "bar" as const, id: "before", barMaxWidth: 5, silent: true,
            data: chart.bars.map((bar) => bar.previous ?? 0), itemStyle: { color: theme.lineStrong, borderRadius: [0, 2, 2, 0] as [number, number, number, number] },
          }]
        : []),
    ],
  };
}
