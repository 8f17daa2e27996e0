import { describe, expect, it } from "vitest";
import { held, near, stretches, withLimits } from "./lines";
import type { ChartTheme } from "./theme";
import type { TimeChart } from "./timeseries";

const THEME: ChartTheme = {
  text: "#fff", muted: "#bbb", faint: "#888", line: "#222", lineStrong: "#333", panel: "#000", font: "x", series: ["#a00"], other: "#555", heat: ["#000", "#fff"], accent: "#00f", good: "#0f0", warn: "#ff0", bad: "#f00",
};
const chart = (values: (number | null)[]): TimeChart => ({
  kind: "lines", unit: "bit/s", zone: "utc", slots: [0], grid: { start: 1000, step: 60, count: values.length }, series: [{ key: ["in"], label: "In", values, previous: null, other: false }],
});

describe("limits", () => {
  it("are drawn where the lines come near them", () => {
    expect(near(chart([4, 5]), { label: "Capacity", value: 10 })).toBe(true);
    expect(near(chart([4, 5]), { label: "Capacity", value: 100 })).toBe(false);
    expect(near(chart([-4, -5]), { label: "Low", value: -20, alarm: true })).toBe(true);
  });
  it("stand beside the lines", () => {
    expect(withLimits(chart([5, 6]), [{ label: "Capacity", value: 10 }, { label: "Far", value: 1e6 }], THEME).series).toHaveLength(2);
  });
});

describe("a state", () => {
  it("runs from change to change", () => {
    expect(stretches([1, 1, 2, null, 1], 0, 60)).toEqual([
      { from: 0, until: 120, value: 1 }, { from: 120, until: 180, value: 2 }, { from: 180, until: 240, value: null }, { from: 240, until: 300, value: 1 },
    ]);
  });
  it("holds until another is told", () => {
    expect(held([null, 1, null, 2])).toEqual([null, 1, 1, 2]);
  });
});
