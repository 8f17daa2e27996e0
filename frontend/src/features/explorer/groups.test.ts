import { beforeEach, describe, expect, it } from "vitest";
import type { ViewResult } from "../../api/types";
import { forgetColors } from "../../lib/seriesColor";
import { grouped, moved } from "./DimensionPicker";
import { groupsOf, percentile } from "./groups";

const RESULT = {
  columns: [
    { name: "src_as", title: "Source AS", kind: "asn", unit: "" }, { name: "bps", title: "Bits per second", kind: "measure", unit: "bit/s" },
    { name: "pps", title: "Packets per second", kind: "measure", unit: "packet/s" }, { name: "bps_previous", title: "", kind: "measure", unit: "bit/s" },
  ],
  rows: [["AS1", 60, 6, 30], ["", 30, 3, 40], ["Other", 10, 1, null]],
  series: [
    { key: ["AS1"], label: "AS1 One", values: [50, 70, null], previous: null, other: false },
    { key: [""], label: "(unknown)", values: [30, 30, 30], previous: null, other: false },
    { key: ["Other"], label: "Other", values: [10, 10, 10], previous: null, other: true },
  ],
  labels: { src_as: { AS1: "AS1 One" } }, totals: { bps: 100, pps: 10 }, unit: "bit/s", other: 2,
} as unknown as ViewResult;

describe("groups", () => {
  beforeEach(forgetColors);
  const groups = groupsOf(RESULT);

  it("take exact figures from the rows and the course from the series", () => {
    expect(groups[0]).toMatchObject({ label: "AS1 One", cells: ["AS1 One"], average: 60, last: 70, max: 70, share: 0.6, previous: 30, measures: [60, 6] });
  });
  it("of averages have no share: they do not add up", () => {
    expect(groupsOf(RESULT, false)[0]?.share).toBeNull();
  });
  it("can be filtered by, the unknown too, but not the remainder", () => {
    expect(groups[0]?.parts).toEqual([{ field: "src_as", value: "AS1" }]);
    expect(groups[1]?.parts).toEqual([{ field: "src_as", value: "" }]);
    expect(groups[1]?.cells).toEqual(["unknown"]);
    expect(groups[2]?.parts).toEqual([]);
  });
  it("have percentiles of what is known", () => {
    expect(percentile([null, 1, 2, 3, 4], 0.95)).toBe(4);
    expect(percentile([1, 2, 3, 4], 0.5)).toBe(2);
    expect(percentile([null], 0.5)).toBeNull();
  });
});

const of = (name: string, title: string, groupable = true) => ({
  name, title, kind: "", meaning: "", unit: "", group: "g", operators: [], values: [], groupable, filterable: true, raw_only: false, aliases: [],
});

describe("dimension picker", () => {
  it("moves chips", () => {
    expect(moved(["a", "b", "c"], 2, 0)).toEqual(["c", "a", "b"]);
    expect(moved(["a", "b"], 0, 9)).toEqual(["b", "a"]);
    expect(moved(["a"], 5, 0)).toEqual(["a"]);
  });
  it("finds by all words and leaves out what only filters", () => {
    const found = grouped([of("src_as", "Source AS"), of("dst_as", "Destination AS"), of("bytes", "Bytes", false)], "as so");
    expect(found).toEqual([["g", [expect.objectContaining({ name: "src_as" })]]]);
    expect(grouped([of("bytes", "Bytes", false)], "")).toEqual([]);
  });
});
