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

/** What was expected: the space between `lower` and `upper`, in buckets of `step` seconds from `start`. */
export interface Band {
  start: number;
  step: number;
  lower: readonly (number | null)[];
  expected: readonly (number | null)[];
  upper: readonly (number | null)[];
}

/** A time that is marked: UTC seconds. */
export interface Span {
  from: number;
  until: number;
}

const bandPart = (band: Band, id: string, values: readonly (number | null)[], more: Partial<LineSeriesOption>): LineSeriesOption => ({
  type: "line", id, silent: true, symbol: "none", z: 1, data: values.map((value, index) => [(band.start + index * band.step) * 1000, value]),
  lineStyle: { width: 0 }, emphasis: { disabled: true }, ...more,
});

/** Lines before the band that was expected of them, and the time that something was wrong. */
export function withBand(chart: TimeChart, band: Band | null, marked: Span | null, theme: ChartTheme): EChartsOption {
  const option = timeseries(chart, theme);
  const series = Array.isArray(option.series) ? option.series : [];
  const added: LineSeriesOption[] = [];
  if (band) {
    const height = band.upper.map((value, index) => (value === null || band.lower[index] === null || band.lower[index] === undefined ? null : value - band.lower[index]));
    added.push(
      bandPart(band, "band-lower", band.lower, { stack: "band", stackStrategy: "all" }),
      bandPart(band, "band-upper", height, { stack: "band", stackStrategy: "all", areaStyle: { color: theme.good, opacity: 0.16 } }),
      bandPart(band, "band-middle", band.expected, { lineStyle: { width: 1.2, type: [5, 4], color: theme.good } }),
    );
  }
  if (marked) {
    added.push({
      type: "line", id: "marked", data: [], silent: true,
      markArea: { silent: true, itemStyle: { color: theme.bad, opacity: 0.12 }, data: [[{ xAxis: marked.from * 1000 }, { xAxis: marked.until * 1000 }]] },
    });
  }
  return { ...option, series: [...added, ...series] };
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
