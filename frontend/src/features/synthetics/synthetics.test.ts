import { describe, expect, it } from "vitest";
import type { MeshCell, PathHop, SyntheticTest, TestPath } from "../../api/types";
import { draftOf, missing, NEW, testOf } from "./form";
import { cellText, heat, measuresOf, valueOf } from "./mesh";
import { curve, hopStatus, layout, realLoss, through } from "./pathGraph";
import { everyWords, testPath, trouble } from "./words";

const hop = (ttl: number, address: string, more: Partial<PathHop> = {}): PathHop => ({
  ttl, address, flows: 1, loss: 0, rtt_ms: ttl, asn: 0, as_name: "", site: "", country: "", device: "", mpls: "", reached: false, usual_rtt_ms: ttl, usual_loss: 0, ...more,
});

/** agent → a → (b | silent) → c */
const path = (hops = [hop(1, "a", { flows: 4 }), hop(2, "b", { flows: 2 }), hop(2, "", { flows: 2 }), hop(3, "c", { flows: 4, reached: true })]): TestPath => ({
  agent: "ams", target: "c", run: "1", at: 60, hops, changes: [], start: 0, step: 60, lines: [], left_out: 0, window: { since: 0, until: 120 }, updated: 120,
  steps: [{ origin: -1, next: 0, flows: 4 }, { origin: 0, next: 1, flows: 2 }, { origin: 0, next: 2, flows: 2 }, { origin: 1, next: 3, flows: 2 }, { origin: 2, next: 3, flows: 2 }],
});

const cell = (more: Partial<MeshCell> = {}): MeshCell => ({
  agent: "a", target_agent: "b", state: "ok", error: "", rtt_ms: 20, rtt_p95_ms: 30, jitter_ms: null, loss: 0.02, throughput_bps: null, availability: 0.99, runs: 3, last: 1, target: "", course: null, ...more,
});
const mesh = (cells: MeshCell[]) => ({ test: "t", kind: "ping", agents: ["a", "b"], sites: {}, cells, window: { since: 0, until: 1 }, updated: 1 });

describe("the path as a graph", () => {
  it("puts a column per hop and branches below each other", () => {
    const drawn = layout(path(), 800);
    const at = (index: number) => drawn.hops.find((one) => one.index === index);
    expect(drawn.width).toBe(800);
    expect(at(0)?.x).toBeLessThan(at(1)?.x ?? 0);
    expect(at(1)?.x).toBe(at(2)?.x);
    expect(at(1)?.y).not.toBe(at(2)?.y);
    expect(at(0)?.y).toBe(at(3)?.y);
    expect(drawn.steps.map((step) => step.share)).toEqual([1, 0.5, 0.5, 0.5, 0.5]);
    expect(curve(drawn.steps[0] ?? { from: { x: 0, y: 0 }, to: { x: 0, y: 0 } })).toMatch(/^M[\d.]+ [\d.]+C/);
  });

  it("is as wide as a long path needs, and stands where nothing was traced", () => {
    expect(layout({ ...path(Array.from({ length: 20 }, (_, index) => hop(index + 1, "x"))), steps: [] }, 800).width).toBeGreaterThan(1900);
    expect(layout({ ...path([]), steps: [] }, 800)).toMatchObject({ hops: [], steps: [], width: 800 });
  });

  it("knows the flows that pass a hop", () => {
    expect([...through(path(), 1)].toSorted((a, b) => a - b)).toEqual([-1, 0, 1, 3]);
    expect([...through(path(), 3)].toSorted((a, b) => a - b)).toEqual([-1, 0, 1, 2, 3]);
  });

  it("counts loss as far as the hops behind lose as much", () => {
    const rate = path([hop(1, "a", { loss: 0.9 }), hop(2, "b"), hop(2, ""), hop(3, "c", { loss: 0.05 })]);
    expect(realLoss(rate, 0)).toBe(0);
    expect(hopStatus(rate, 0)).toBe("good");
    expect(hopStatus(rate, 2)).toBe("silent");
    expect(hopStatus(rate, 3)).toBe("warn");
    const broken = path([hop(1, "a", { loss: 0.5 }), hop(2, "b", { loss: 0.5 }), hop(2, "", { loss: 1 }), hop(3, "c", { loss: 0.5 })]);
    expect(hopStatus(broken, 0)).toBe("bad");
    expect(hopStatus(path([hop(1, "a", { rtt_ms: 40, usual_rtt_ms: 10 })]), 0)).toBe("warn");
  });
});

describe("a matrix", () => {
  it("shows what was measured, in its unit", () => {
    expect(measuresOf(mesh([cell()])).map((one) => one.value)).toEqual(["rtt_ms", "loss", "availability"]);
    expect(measuresOf(mesh([cell({ throughput_bps: 1e6 })]))[0]?.value).toBe("throughput_bps");
    expect(valueOf(cell(), "loss")).toBeCloseTo(2);
    expect(cellText(cell(), { value: "loss", label: "Loss", unit: "%" })).toBe("2\u00a0%");
    expect(cellText(cell({ rtt_ms: null }), { value: "rtt_ms", label: "Latency", unit: "ms" })).toBe("–");
  });

  it("colours what is bad more strongly", () => {
    expect(heat(20, 40, "rtt_ms")).toBe(50);
    expect(heat(10, 40, "throughput_bps")).toBe(75);
    expect(heat(100, 100, "availability")).toBe(0);
    expect(heat(50, 50, "loss")).toBe(100);
    expect(heat(null, 40, "rtt_ms")).toBe(0);
  });
});

describe("a test being written", () => {
  it("sends what counts for its kind", () => {
    const http = testOf({ ...NEW, name: " web ", kind: "http", mesh: true, targets: "https://a.example/?a,b\n\n https://b.example/ ", headers: "Accept: text/html", expect_status: "200, 301", most_mbps: 7 });
    expect(http).toMatchObject({ name: "web", mesh: false, targets: ["https://a.example/?a,b", "https://b.example/"], headers: { Accept: "text/html" }, expect_status: [200, 301] });
    expect(http).not.toHaveProperty("flows");
    expect(http).not.toHaveProperty("most_bps");
    const meshed = testOf({ ...NEW, name: "m", kind: "throughput", mesh: true, targets: "left over", agents: "ams-*, fra-1\nlon", most_mbps: 50, least_mbps: 10 });
    expect(meshed).toMatchObject({ mesh: true, targets: [], agents: ["ams-*", "fra-1", "lon"], most_bps: 50e6, limits: { throughput_bps: 10e6 } });
    expect(testOf({ ...NEW, name: "m", agents: "  " })["agents"]).toEqual(["*"]);
  });

  it("comes back as it was", () => {
    const sent = testOf({ ...NEW, name: "d", kind: "dns", targets: "a.example", resolvers: "9.9.9.9\n2001:db8::53", record: "AAAA", rtt_ms: 80 }) as unknown as SyntheticTest;
    const kept = { ...sent, headers: {}, expect_status: [], expect_answers: [], most_bps: 1e8 } as SyntheticTest;
    expect(draftOf(kept)).toMatchObject({ name: "d", kind: "dns", targets: "a.example", resolvers: "9.9.9.9\n2001:db8::53", record: "AAAA", rtt_ms: 80, most_mbps: 100 });
  });

  it("says what it lacks", () => {
    expect(missing(NEW)).toBe("Give it a name");
    expect(missing({ ...NEW, name: "a" })).toBe("Name a target");
    expect(missing({ ...NEW, name: "a", kind: "http", mesh: true })).toBe("Name a URL");
    expect(missing({ ...NEW, name: "a", mesh: true })).toBe("");
  });
});

describe("words", () => {
  it("are those of people", () => {
    expect(trouble({ ok: 4, failed: 2, silent: 1, error: 1 })).toBe("2 failed, 1 not carried out, 1 silent");
    expect(trouble({ ok: 4 })).toBe("");
    expect([30, 90, 300, 7200].map(everyWords)).toEqual(["30 s", "90 s", "5 min", "2 h"]);
    expect(testPath("a/b.c d", "?since=now-1h", { tab: "path" })).toBe("/synthetics/test?since=now-1h&name=a%2Fb.c+d&tab=path");
  });
});
