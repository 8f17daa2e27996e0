import { describe, expect, it } from "vitest";
import { conditions, oneOf, readCondition, unquoted, valuesOf, withCondition } from "./terms";

describe("conditions", () => {
  it("are what stands between top-level ANDs", () => {
    expect(conditions('a = 1 AND (b = 2 OR c = 3) AND NOT d = "x AND y"')).toEqual(["a = 1", "(b = 2 OR c = 3)", 'NOT d = "x AND y"']);
    expect(conditions("")).toEqual([]);
  });
  it("cannot be told apart beside an OR", () => {
    expect(conditions("a = 1 AND b = 2 OR c = 3")).toBeNull();
  });
});

describe("reading", () => {
  it.each([
    ['message ~ "link down"', { field: "message", operator: "~", values: ["link down"] }],
    ["metric IN (in_octets, out_octets)", { field: "metric", operator: "IN", values: ["in_octets", "out_octets"] }],
    ["severity NOT IN (info)", { field: "severity", operator: "NOT IN", values: ["info"] }],
    ["(a = 1)", null], ["NOT a = 1", null], ["a", null], ["a =", null],
  ])("%s", (text, found) => {
    expect(readCondition(text)).toEqual(found);
  });
  it("finds fields whatever their case and signs", () => {
    expect(valuesOf('Exporter.Site = fra AND Metric = "in_octets"', "metric", ["=", "IN"])).toEqual(["in_octets"]);
    expect(valuesOf("a = 1 OR metric = x", "metric", ["="])).toBeNull();
  });
  it("takes quotes off", () => {
    expect(unquoted('"a \\"b\\""')).toBe('a "b"');
    expect(unquoted("'it\\'s'")).toBe("it's");
    expect(unquoted('"open')).toBe("open");
  });
});

describe("replacing", () => {
  it("changes one condition and leaves the others", () => {
    expect(withCondition("a = 1 AND metric = x AND b = 2", "metric", ["=", "IN"], "metric = y")).toBe("a = 1 AND metric = y AND b = 2");
    expect(withCondition("a = 1", "metric", ["="], "metric = y")).toBe("a = 1 AND metric = y");
    expect(withCondition("metric = x", "metric", ["="], "")).toBe("");
  });
  it("keeps the meaning beside an OR", () => {
    expect(withCondition("a = 1 OR b = 2", "metric", ["="], "metric = y")).toBe("metric = y AND (a = 1 OR b = 2)");
    expect(withCondition("a = 1 OR b = 2", "metric", ["="], "")).toBe("a = 1 OR b = 2");
  });
  it("writes one value and several", () => {
    expect(oneOf("metric", ["in_octets"])).toBe("metric = in_octets");
    expect(oneOf("metric", ["a", "b c"])).toBe('metric IN (a, "b c")');
    expect(oneOf("metric", [])).toBe("");
  });
});
