/** What charts of devices add to lines over time: limits as dashed lines, and the course of a state. */
import type { EChartsOption, LineSeriesOption } from "echarts";
import type { ChartTheme } from "./theme";
import { timeseries, type TimeChart } from "./timeseries";

/** A line at one height: a capacity, a threshold. */
export interface Limit {
  label: string;
  value: number;
  /** What is beyond it is bad rather than merely full. */
  alarm?: boolean;
}

const highest = (chart: TimeChart): number => Math.max(0, ...chart.series.flatMap((one) => one.values.map((value) => value ?? 0)));

/** A limit far above everything drawn would press the lines flat: it is left to the words beside the chart. */
export const near = (chart: TimeChart, limit: Limit): boolean => limit.alarm === true || limit.value <= highest(chart) * 2.5;

export function withLimits(chart: TimeChart, limits: readonly Limit[], theme: ChartTheme): EChartsOption {
  const option = timeseries(chart, theme);
  const { start, step, count } = chart.grid;
  const drawn = limits.filter((limit) => near(chart, limit)).map((limit): LineSeriesOption => ({
    type: "line", id: `limit-${limit.label}`, name: limit.label, silent: true, symbol: "none", z: 1,
    data: [[start * 1000, limit.value], [(start + (count - 1) * step) * 1000, limit.value]],
    lineStyle: { type: [4, 4], width: 1.2, color: limit.alarm ? theme.text : theme.faint },
    endLabel: { show: true, formatter: limit.label, color: theme.muted, fontSize: 11, fontFamily: theme.font, align: "right", verticalAlign: "bottom", offset: [0, -2] },
    emphasis: { disabled: true },
  }));
  const series = Array.isArray(option.series) ? option.series : [];
  return { ...option, series: [...series, ...drawn] };
}

export interface Stretch {
  from: number;
  until: number;
  value: number | null;
}

/** Runs of equal values, UTC seconds: the course of a state. A gap in what is known ends a run. */
export function stretches(values: readonly (number | null)[], start: number, step: number): Stretch[] {
  const out: Stretch[] = [];
  values.forEach((value, index) => {
    const from = start + index * step;
    const last = out.at(-1);
    if (last && last.value === value) last.until = from + step;
    else out.push({ from, until: from + step, value });
  });
  return out;
}

/** A state holds until another is told: gaps take the state before them. */
export function held(values: readonly (number | null)[]): (number | null)[] {
  let last: number | null = null;
  return values.map((value) => {
    last = value ?? last;
    return last;
  });
}
