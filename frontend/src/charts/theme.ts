/** The tokens as a chart needs them: canvases cannot read CSS variables. */
import { OTHER, PALETTE_SIZE } from "../lib/seriesColor";

export interface ChartTheme {
  text: string;
  muted: string;
  faint: string;
  line: string;
  lineStrong: string;
  panel: string;
  font: string;
  series: string[];
  other: string;
  heat: [string, string];
  accent: string;
  /** Of a status, never of a series. */
  good: string;
  warn: string;
  bad: string;
}

export function readChartTheme(): ChartTheme {
  const style = getComputedStyle(document.documentElement);
  const get = (name: string): string => style.getPropertyValue(name).trim();
  return {
    text: get("--text"),
    muted: get("--muted"),
    faint: get("--faint"),
    line: get("--line"),
    lineStrong: get("--line-strong"),
    panel: get("--panel"),
    font: get("--font"),
    series: Array.from({ length: PALETTE_SIZE }, (_, index) => get(`--series-${index + 1}`)),
    other: get("--series-other"),
    heat: [get("--heat-low"), get("--heat-high")],
    accent: get("--accent"),
    good: get("--good"),
    warn: get("--warn"),
    bad: get("--bad"),
  };
}

export const colorOf = (theme: ChartTheme, slot: number): string => (slot === OTHER ? theme.other : theme.series[slot] ?? theme.other);
/** The same as a CSS variable, for swatches and sparklines in the page. */
export const cssColor = (slot: number): string => (slot === OTHER ? "var(--series-other)" : `var(--series-${slot + 1})`);
