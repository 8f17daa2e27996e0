import { describe, expect, it } from "vitest";
import type { Timeline } from "../../api/types";
import { atBucket, bucketOf, courseOf, endOf, highest, matching, measured, most } from "./load";
import { DEFAULTS, parse, scope, write, type TopologyState } from "./state";

describe("URL state", () => {
  it("leaves out what is usual and keeps what is not its own", () => {
    expect(write(DEFAULTS, new URLSearchParams("since=now-1h&site=x")).toString()).toBe("since=now-1h");
  });
  it("comes back as it was", () => {
    const state: TopologyState = { site: "fra", devices: true, scheme: true, table: true, at: 1_795_000_000, link: "site:a--site:b", search: "core 1", ask: "what-if", from: "chi", to: "203.0.113.70", full: 95 };
    expect(parse(write(state, new URLSearchParams()))).toEqual(state);
  });
  it("takes the usual value for nonsense", () => {
    expect(parse(new URLSearchParams("at=soon&level=planet&layout=1&ask=why&full=-3"))).toEqual(DEFAULTS);
  });
  it("asks for devices once a site is opened", () => {
    expect(scope(DEFAULTS)).toBe("");
    expect(scope({ ...DEFAULTS, site: "a b" })).toBe("level=device&site=a+b");
  });
});

const LINE: Timeline = { start: 1000, step: 60, count: 3, edges: ["e", "bare"], forward: [[0.1, null, 0.9], [null, null, null]], backward: [[0.3, 0.2, null], [null, null, null]], measured: ["counters", "none"] };
const direction = { bps: 1, utilisation: 0.5, worst: 0.5, errors_per_s: null, discards_per_s: null };

describe("loads over time", () => {
  it("belong to the bucket that a moment ends", () => {
    expect([1000, 1001, 1060, 1061, 1180, 1181].map((at) => bucketOf(LINE, at))).toEqual([null, 0, 0, 1, 2, null]);
    expect(bucketOf(LINE, endOf(LINE, 2))).toBe(2);
  });
  it("are those of the bucket, but for links that have no counters", () => {
    const loads = atBucket(LINE, 0);
    expect(loads({ id: "e", forward: direction, backward: direction })).toEqual({ forward: 0.1, backward: 0.3 });
    expect(loads({ id: "bare", forward: direction, backward: direction })).toEqual({ forward: 0.5, backward: 0.5 });
  });
  it("have a highest, unless nothing is known", () => {
    expect(highest(LINE)).toEqual([0.3, 0.2, 0.9]);
    expect(highest({ ...LINE, edges: [], forward: [], backward: [] })).toEqual([null, null, null]);
    expect(most({ forward: null, backward: null })).toBeNull();
    expect(most(measured({ id: "", forward: direction, backward: { ...direction, worst: null } }))).toBe(0.5);
  });
  it("make a course per edge", () => {
    expect(courseOf(LINE, "e")?.forward).toEqual([0.1, null, 0.9]);
    expect(courseOf(LINE, "other")).toBeNull();
  });
});

describe("search", () => {
  const nodes = [{ id: "1", name: "fra", title: "Frankfurt", site: "fra", role: "" }, { id: "2", name: "fra-core1", title: "", site: "fra", role: "core" }];
  it("finds what has all words", () => {
    expect([...matching(nodes, "FRA core")]).toEqual(["2"]);
    expect(matching(nodes, "  ").size).toBe(0);
  });
});
