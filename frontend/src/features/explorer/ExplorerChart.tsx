import { useCallback, useMemo } from "react";
import type { MetricName, ViewResult } from "../../api/types";
import { useTime } from "../../app/time";
import { barHeight, bars } from "../../charts/bars";
import { heatHeight, heatmap } from "../../charts/heatmap";
import { sankey } from "../../charts/sankey";
import type { ChartTheme } from "../../charts/theme";
import { timeseries } from "../../charts/timeseries";
import { usePrefs } from "../../lib/prefs";
import { OTHER, slotsFor } from "../../lib/seriesColor";
import { dateTime } from "../../lib/time";
import { format, plural } from "../../lib/units";
import { Chart, type Mark } from "../../ui/Chart";
import { EmptyState } from "../../ui/States";
import { cellLabel, type Group } from "./groups";
import { metricsOf } from "./MetricPicker";
import type { ChartKind } from "./state";

interface ExplorerChartProps {
  kind: ChartKind;
  result: ViewResult;
  groups: readonly Group[];
  /** Names of the numbers, where they stand for states. */
  states?: Record<string, string> | null;
  /** Group that the table points at. */
  hovered: string | null;
  onHover: (group: string | null) => void;
  onPick: (group: Group) => void;
}

const HEIGHT = 320;

/** Names of the numbers, where the one metric asked for is a state (1 = up). */
export function statesOf(result: ViewResult, metrics: readonly MetricName[] | undefined): Record<string, string> | null {
  const named = metricsOf(String(result.query["filter"] ?? ""));
  const measure = result.columns.find((column) => column.kind === "measure")?.name ?? "";
  if (result.query["dataset"] !== "metrics" || named.length !== 1 || result.unit || !STATE_MEASURES.has(measure)) return null;
  const states = metrics?.find((one) => one.name === named[0])?.states ?? {};
  return Object.keys(states).length > 0 ? states : null;
}

const STATE_MEASURES = new Set(["avg", "min", "max", "last"]);

function describe(kind: ChartKind, result: ViewResult, groups: readonly Group[], zone: "local" | "utc"): string {
  const span = `${dateTime(result.window.since, zone)} to ${dateTime(result.window.until, zone)}`;
  const top = groups.slice(0, 3).map((group) => `${group.label} ${format(group.average, result.unit)}`).join(", ");
  return `${kind} chart of ${plural(groups.length, "group")}, ${span}. Largest on average: ${top || "none"}. The table below holds the numbers.`;
}

function SankeyView({ result }: { result: ViewResult }) {
  const names = useMemo(() => result.columns.filter((column) => column.kind !== "measure").map((column) => column.name), [result]);
  const build = useCallback((theme: ChartTheme) => {
    const label = (level: number, key: string): string => cellLabel(result, names[level] ?? "", key);
    const labels = [...new Set(result.links.flatMap(([level, source, target]) => [label(level, source), label(level + 1, target)]))];
    const slots = slotsFor(labels.filter((one) => one !== "Other").slice(0, 14));
    return sankey({ links: result.links, label, slot: (one) => slots.get(one) ?? OTHER, unit: result.unit }, theme);
  }, [result, names]);
  const label = `Sankey diagram through ${names.join(", then ")}. The table below holds the numbers.`;
  return <Chart build={build} kind="sankey" height={Math.max(360, Math.min(600, result.links.length * 12))} label={label} />;
}

export function ExplorerChart({ kind, result, groups, states, hovered, onHover, onPick }: ExplorerChartProps) {
  const { zone } = usePrefs();
  const { zoomTo } = useTime();
  const build = useCallback((theme: ChartTheme) => {
    const { series, unit, grid } = result;
    if (kind === "bars" || !grid) {
      const total = Object.values(result.totals)[0] ?? 0;
      return bars({ unit, total, bars: groups.map((group) => ({ label: group.label, value: group.average, previous: group.previous, slot: group.slot })) }, theme);
    }
    if (kind === "heatmap") return heatmap({ grid, series, unit, zone }, theme);
    return timeseries({ kind: kind === "lines" ? "lines" : "stacked", grid, series, slots: groups.map((group) => group.slot), unit, zone, ...(states ? { states } : {}) }, theme);
  }, [kind, result, groups, states, zone]);

  if (kind === "sankey") {
    return result.links.length > 0 ? <SankeyView result={result} /> : <EmptyState title="Nothing matches">Nothing lies between these dimensions in this range. Try a wider range or a looser filter.</EmptyState>;
  }
  if (groups.length === 0) return <EmptyState title="Nothing matches" icon="explore">Nothing matched in this range. Try a wider range or a looser filter.</EmptyState>;

  const overTime = kind === "stacked" || kind === "lines";
  const at = groups.findIndex((group) => group.id === hovered);
  const highlight: Mark | null = at < 0 || kind === "heatmap" ? null : overTime ? { seriesIndex: at } : { seriesIndex: 0, dataIndex: at };
  const groupAt = (mark: Mark): Group | undefined => groups[overTime ? mark.seriesIndex : (mark.dataIndex ?? -1)];
  const height = kind === "bars" ? barHeight(groups.length) : kind === "heatmap" ? heatHeight(groups.length) : HEIGHT;
  return (
    <Chart
      build={build} kind={kind} height={height} label={describe(kind, result, groups, zone)} onZoom={overTime ? zoomTo : undefined} highlight={highlight}
      onHover={kind === "heatmap" ? undefined : (mark) => onHover(mark ? (groupAt(mark)?.id ?? null) : null)}
      onPick={(mark) => {
        const group = kind === "bars" ? groupAt(mark) : undefined;
        if (group && !group.other) onPick(group);
      }}
    />
  );
}
