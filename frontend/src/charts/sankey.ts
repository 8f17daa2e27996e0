/** Traffic through two to five dimensions. A node is a value *at a level*: the same AS may stand on both sides. */
import type { EChartsOption } from "echarts";
import { format, share } from "../lib/units";
import { colorOf, type ChartTheme } from "./theme";
import { tooltipStyle } from "./timeseries";
import { tooltipHtml } from "./tooltip";

export type Link = readonly [level: number, source: string, target: string, value: number];

export interface SankeyNode {
  id: string;
  level: number;
  key: string;
  label: string;
}

export interface SankeyChart {
  links: readonly Link[];
  /** What to show for a value at a level. */
  label: (level: number, key: string) => string;
  slot: (label: string) => number;
  unit: string;
}

const nodeId = (level: number, key: string): string => `${level}\u0001${key}`;

export function nodesOf(links: readonly Link[], label: (level: number, key: string) => string): SankeyNode[] {
  const nodes = new Map<string, SankeyNode>();
  for (const [level, source, target] of links) {
    for (const [at, key] of [[level, source], [level + 1, target]] as const) {
      const id = nodeId(at, key);
      if (!nodes.has(id)) nodes.set(id, { id, level: at, key, label: label(at, key) });
    }
  }
  return [...nodes.values()];
}

interface Hovered {
  dataType: "node" | "edge";
  name: string;
  value: number;
  data: { source: string; target: string };
}

export function sankey(chart: SankeyChart, theme: ChartTheme): EChartsOption {
  const nodes = nodesOf(chart.links, chart.label);
  const labels = new Map(nodes.map((node) => [node.id, node.label]));
  const last = Math.max(1, ...nodes.map((node) => node.level));
  const total = chart.links.filter(([level]) => level === 0).reduce((sum, link) => sum + link[3], 0);
  const name = (id: string): string => labels.get(id) ?? id;
  return {
    animation: false,
    tooltip: {
      trigger: "item",
      ...tooltipStyle(theme),
      formatter: (raw) => {
        const item = raw as unknown as Hovered;
        const title = item.dataType === "edge" ? `${name(item.data.source)} → ${name(item.data.target)}` : name(item.name);
        const rows = [{ color: "transparent", label: "Traffic", value: format(item.value, chart.unit) }];
        return tooltipHtml(title, rows, { color: "transparent", label: "Share", value: share(item.value, total) });
      },
    },
    series: [{
      type: "sankey",
      left: 8, right: 8, top: 8, bottom: 8,
      nodeWidth: 12, nodeGap: 9, draggable: false, layoutIterations: 48,
      emphasis: { focus: "adjacency", lineStyle: { opacity: 0.6 } },
      blur: { lineStyle: { opacity: 0.08 }, itemStyle: { opacity: 0.3 } },
      lineStyle: { color: "gradient", opacity: 0.34, curveness: 0.5 },
      data: nodes.map((node) => ({
        name: node.id,
        depth: node.level,
        itemStyle: { color: colorOf(theme, chart.slot(node.label)), borderWidth: 0 },
        label: {
          position: node.level === last ? ("left" as const) : ("right" as const), color: theme.text, fontSize: 11.5, fontFamily: theme.font,
          formatter: node.label, textBorderColor: theme.panel, textBorderWidth: 3, width: 190, overflow: "truncate" as const,
        },
      })),
      links: chart.links.map(([level, source, target, value]) => ({ source: nodeId(level, source), target: nodeId(level + 1, target), value })),
    }],
  };
}
