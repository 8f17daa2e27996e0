import { describe, expect, it } from "vitest";
import type { Series } from "../api/types";
import { bars } from "./bars";
import { pauses } from "./gaps";
import { histogram } from "./histogram";
import { cells } from "./heatmap";
import { nodesOf, sankey } from "./sankey";
import type { ChartTheme } from "./theme";
import { previousTotal, seriesTooltip, stackable, timeseries, type TimeChart } from "./timeseries";

const THEME: ChartTheme = {
  text: "#fff", muted: "#bbb", faint: "#888", line: "#222", lineStrong: "#333", panel: "#000", font: "x", series: ["#a00", "#0a0"], other: "#555", heat: ["#000", "#fff"],
  accent: "#00a", good: "#0f0", warn: "#ff0", bad: "#f00",
};
const one = (label: string, values: (number | null)[], previous: (number | null)[] | null = null, other = false): Series => ({ key: [label], label, values, previous, other });
const chart = (series: Series[], kind: TimeChart["kind"] = "stacked"): TimeChart => ({
  kind, series, slots: series.map((item, index) => (item.other ? -1 : index)), unit: "bit/s", zone: "utc", grid: { start: 1_795_000_000, step: 60, count: 3 },
});

describe("gaps", () => {
  it("stay gaps where nothing is known, and become zero inside a stack", () => {
    expect(stackable([one("a", [1, null, null]), one("b", [2, 3, null])])).toEqual([[1, 0, null], [2, 3, null]]);
  });
  it("are not drawn through", () => {
    const option = timeseries(chart([one("a", [1, null, 2])], "lines"), THEME);
    const [series] = option.series as { connectNulls: boolean; data: unknown[] }[];
    expect(series?.connectNulls).toBe(false);
    expect(series?.data[1]).toEqual([1_795_000_060_000, null]);
  });
  it("leave heat cells empty", () => {
    expect(cells([one("a", [1, null]), one("b", [null, 4])])).toEqual([[0, 0, 1, 1], [1, 1, 4, 2]]);
  });
});

describe("pauses between readings", () => {
  it("are crossed, but not an outage", () => {
    const sparse = [1, null, null, 2, null, null, 3, null, null, null, null, null, null, 4];
    expect(pauses(sparse).flatMap((yes, index) => (yes ? [index] : []))).toEqual([1, 2, 4, 5]);
    const option = timeseries(chart([one("a", sparse)], "lines"), THEME);
    const [series] = option.series as { data: unknown[] }[];
    expect(series?.data).toHaveLength(sparse.length - 4);
  });
  it("may change in the middle of a series", () => {
    expect(pauses([1, null, null, 2, null, null, 3, 4, 5, 6]).filter(Boolean)).toHaveLength(4);
  });
  it("are none where every bucket has a value, or nothing can be told", () => {
    expect(pauses([1, 2, null, 3, 4, 5]).some(Boolean)).toBe(false);
    expect(pauses([1, null, 2]).some(Boolean)).toBe(false);
    expect(pauses([])).toEqual([]);
  });
});

describe("comparison", () => {
  it("adds the groups of the earlier period", () => {
    expect(previousTotal([one("a", [1], [1, null, 3]), one("b", [1], [2, null, null])])).toEqual([3, null, 3]);
    expect(previousTotal([one("a", [1])])).toBeNull();
  });
  it("is one dashed line over a stack and one per line otherwise", () => {
    const series = [one("a", [1, 1, 1], [1, 1, 1]), one("b", [1, 1, 1], [2, 2, 2])];
    expect(timeseries(chart(series), THEME).series).toHaveLength(3);
    expect(timeseries(chart(series, "lines"), THEME).series).toHaveLength(4);
  });
});

describe("tooltips", () => {
  it("list the largest first with the total below", () => {
    const html = seriesTooltip(chart([one("small", [1, 1, 1]), one("large", [5000, 1, 1])]), THEME, 0);
    expect(html.indexOf("large")).toBeLessThan(html.indexOf("small"));
    expect(html).toContain("Total");
  });
  it("escape labels", () => {
    const html = seriesTooltip(chart([one("<img src=x onerror=alert(1)>", [1, 1, 1])]), THEME, 0);
    expect(html).not.toContain("<img");
  });
  it("say where nothing is known", () => {
    expect(seriesTooltip(chart([one("a", [null, 1, 1])]), THEME, 0)).toContain("No data");
  });
});

describe("sankey", () => {
  it("keeps the same value apart at different levels", () => {
    const nodes = nodesOf([[0, "AS1", "AS2", 5], [1, "AS2", "AS1", 5]], (_, key) => key);
    expect(nodes.map((node) => `${node.level}${node.key}`)).toEqual(["0AS1", "1AS2", "2AS1"]);
    const option = sankey({ links: [[0, "AS1", "AS1", 5]], label: (_, key) => key, slot: () => 0, unit: "bit/s" }, THEME);
    const [series] = option.series as { links: { source: string; target: string }[] }[];
    expect(series?.links[0]?.source).not.toBe(series?.links[0]?.target);
  });
});

describe("histogram", () => {
  it("puts a bar in the middle of its bucket and counts nothing as nothing", () => {
    const option = histogram({ grid: { start: 60, step: 60, count: 2 }, series: [one("error", [2, null])], colors: ["#f00"], unit: "messages", zone: "utc" }, THEME);
    const [series] = option.series as { data: number[][]; stack: string }[];
    expect(series?.data).toEqual([[90_000, 2], [150_000, 0]]);
    expect(option.xAxis).toMatchObject({ min: 60_000, max: 180_000 });
  });
});

describe("values below zero", () => {
  it("do not squeeze the line to the upper edge", () => {
    const dbm = { ...chart([one("rx", [-5, -6, -5.5])], "lines"), unit: "dBm" };
    expect(timeseries(dbm, THEME).yAxis).toMatchObject({ scale: true });
    expect(timeseries(chart([one("a", [1, 2, 3])]), THEME).yAxis).toMatchObject({ scale: false });
  });
  it("have a brightness", () => {
    expect(cells([one("rx", [-9, 0])]).map((cell) => cell[3])).toEqual([0, 3]);
  });
});

describe("bars", () => {
  it("show what was before only when compared", () => {
    const bar = { label: "a", value: 3, slot: 0 };
    expect(bars({ bars: [bar], unit: "bit/s", total: 6 }, THEME).series).toHaveLength(1);
    expect(bars({ bars: [{ ...bar, previous: 2 }], unit: "bit/s", total: 6 }, THEME).series).toHaveLength(2);
  });
});
