import { describe, expect, it } from "vitest";
import type { TopologyEdge, TopologyNode } from "../api/types";
import { apart, bandOf, drawEdges, fitted, graticule, NO_ZOOM, percent, place, widthOf, type Placed } from "./topology";
import { figures, labels } from "./topologyLabels";

const SIZE = { width: 1000, height: 500 };
const node = (id: string, more: Partial<TopologyNode> = {}): TopologyNode => ({
  id, kind: "site", name: id, title: "", site: id, role: "", model: "", latitude: null, longitude: null, x: 0.5, y: 0.5, status: "ok", reasons: [],
  devices: 1, interfaces_up: 0, interfaces_down: 0, traffic_bps: null, outside: false, demo: false, ...more,
});
const direction = { bps: null, utilisation: null, worst: null, errors_per_s: null, discards_per_s: null };
const edge = (id: string, a: string, b: string, more: Partial<TopologyEdge> = {}): TopologyEdge => ({
  id, a, b, kind: "link", capacity_bps: 1e10, forward: direction, backward: direction, oper: "up", status: "ok", reasons: [], measured: "counters", links: [], ...more,
});
const EUROPE = [node("lon", { latitude: 51.5, longitude: -0.1 }), node("par", { latitude: 48.9, longitude: 2.4 }), node("ams", { latitude: 52.4, longitude: 4.9 }), node("syd", { latitude: -33.9, longitude: 151.2 })];
const overlap = (one: Placed, other: Placed): boolean => Math.hypot(one.at.x - other.at.x, one.at.y - other.at.y) < one.radius + other.radius;

describe("load", () => {
  it.each([[null, "unknown"], [0, "low"], [0.249, "low"], [0.25, "fair"], [0.8, "high"], [0.95, "full"], [1.2, "full"]])("%s is %s", (share, name) => {
    expect(bandOf(share).name).toBe(name);
  });
  it("is written as people read it", () => {
    expect([null, 0, 0.004, 0.985].map(percent)).toEqual(["–", "0\u00a0%", "< 1\u00a0%", "99\u00a0%"]);
  });
  it("makes wider lines of more capacity, within bounds", () => {
    expect(widthOf(1e11)).toBeGreaterThan(widthOf(1e9));
    expect([widthOf(0), widthOf(1), widthOf(1e30)].every((width) => width >= 1.5 && width <= 8)).toBe(true);
  });
});

describe("places", () => {
  it("keep east right and north up, and nobody on top of another", () => {
    const { nodes } = place(EUROPE, SIZE, NO_ZOOM, true);
    const drawn = Object.fromEntries(nodes.map((one) => [one.node.id, one]));
    expect(drawn["syd"]!.at.x).toBeGreaterThan(drawn["ams"]!.at.x);
    expect(drawn["syd"]!.at.y).toBeGreaterThan(drawn["ams"]!.at.y);
    expect(nodes.some((one, index) => nodes.some((other, at) => at > index && overlap(one, other)))).toBe(false);
    expect(nodes.some((one) => one.home)).toBe(true);
    expect(drawn["lon"]!.at.x).toBeLessThan(drawn["ams"]!.at.x);
    expect(drawn["par"]!.at.y).toBeGreaterThan(drawn["lon"]!.at.y);
  });
  it("of sites without coordinates stand below the map", () => {
    const { nodes } = place([...EUROPE, node("lost")], SIZE, NO_ZOOM, true);
    expect(nodes.at(-1)!.at.y).toBeGreaterThan(440);
  });
  it("of nodes on one spot come apart", () => {
    const pile = Array.from({ length: 5 }, (_, index): Placed => ({ node: node(`n${index}`), at: { x: 50, y: 50 }, home: null, radius: 10 }));
    apart(pile, 2);
    expect(pile.every((one, index) => pile.every((other, at) => at === index || !overlap(one, other)))).toBe(true);
  });
  it("do not break with one node or none", () => {
    expect(place([], SIZE, NO_ZOOM, true).nodes).toEqual([]);
    expect(place([node("one")], SIZE, NO_ZOOM, false).nodes[0]!.at).toEqual({ x: 500, y: 250 });
    expect(place([EUROPE[0]!], SIZE, NO_ZOOM, true).nodes[0]!.at.x).toBeCloseTo(500);
  });
});

describe("the grid", () => {
  it("gets finer when zoomed in, and never crowded", () => {
    const fit = fitted(EUROPE.map((one) => ({ x: one.longitude!, y: one.latitude! })), SIZE, true);
    for (const k of [1, 3, 12]) {
      const lines = graticule(fit, SIZE, { k, x: -400 * (k - 1), y: -200 * (k - 1) });
      expect(lines.length).toBeLessThan(30);
    }
    expect(graticule(fit, SIZE, NO_ZOOM).some((line) => line.text.endsWith("E"))).toBe(true);
  });
});

describe("links", () => {
  const nodes = place([node("a", { x: 0 }), node("b", { x: 1 })], SIZE, NO_ZOOM, false).nodes;
  it("are two halves that meet in the middle", () => {
    const [drawn] = drawEdges([edge("e", "a", "b")], nodes, SIZE);
    expect(drawn!.middle).toEqual({ x: 500, y: 250 });
    expect(drawn!.forward.line.startsWith("M80")).toBe(false);
    expect(drawn!.forward.line).not.toBe(drawn!.backward.line);
  });
  it("fan out where several join the same two, whichever end is named first", () => {
    const drawn = drawEdges([edge("1", "a", "b"), edge("2", "b", "a"), edge("3", "a", "b")], nodes, SIZE);
    const ys = drawn.map((one) => Math.round(one.middle.y)).toSorted((one, other) => one - other);
    expect(new Set(ys).size).toBe(3);
    expect(ys[1]).toBe(250);
  });
  it("go round a node that stands in the way", () => {
    const row = place([node("a", { x: 0 }), node("m", { x: 0.5 }), node("b", { x: 1 })], SIZE, NO_ZOOM, false).nodes;
    expect(Math.abs(drawEdges([edge("e", "a", "b")], row, SIZE)[0]!.middle.y - 250)).toBeGreaterThan(15);
  });
  it("to nodes that are not drawn are left out", () => {
    expect(drawEdges([edge("e", "a", "ghost"), edge("l", "a", "a")], nodes, SIZE)).toEqual([]);
  });
});

describe("names", () => {
  it("do not cover each other", () => {
    const { nodes } = place(EUROPE, SIZE, NO_ZOOM, true);
    const out = labels(nodes, drawEdges([edge("e", "lon", "syd")], nodes, SIZE), SIZE, false);
    expect(out).toHaveLength(4);
    const boxes = out.map((label) => ({ ...label, width: label.text.length * 6.4 }));
    expect(new Set(boxes.map((box) => `${Math.round(box.x)},${Math.round(box.y)}`)).size).toBe(4);
  });
  it("are left out where there is no room, unless all are wanted", () => {
    const crowd = Array.from({ length: 60 }, (_, index) => node(`a-rather-long-name-${index}`, { x: (index % 10) / 30, y: Math.floor(index / 10) / 30 }));
    const { nodes } = place(crowd, { width: 300, height: 200 }, NO_ZOOM, false);
    expect(labels(nodes, [], { width: 300, height: 200 }, false).length).toBeLessThan(60);
    expect(labels(nodes, [], { width: 300, height: 200 }, true)).toHaveLength(60);
  });
  it("of loads are those of the most loaded links", () => {
    const { nodes } = place([node("a", { x: 0 }), node("b", { x: 1 }), node("c", { y: 1 })], SIZE, NO_ZOOM, false);
    const drawn = drawEdges([edge("1", "a", "b"), edge("2", "a", "c"), edge("3", "b", "c")], nodes, SIZE);
    const load: Record<string, number | null> = { 1: 0.2, 2: 0.9, 3: null };
    expect(figures(drawn, (one) => load[one.id] ?? null, [], nodes, 1).map((label) => label.text)).toEqual(["90\u00a0%"]);
  });
});

describe("figures and names keep clear of lines", () => {
  const upright: Placed[] = [{ node: node("n"), at: { x: 200, y: 60 }, home: null, radius: 10 }, { node: node("s"), at: { x: 200, y: 260 }, home: null, radius: 10 }];
  it("puts the figure of an upright link to its side", () => {
    const drawn = drawEdges([edge("e", "n", "s")], upright, SIZE);
    const label = figures(drawn, () => 0.5, [], upright, 1)[0];
    expect(label?.x).toBeGreaterThan(200 + 10);
    expect(label?.y).toBeCloseTo(164, 0);
  });
  it("does not write a name across the link that leaves its node", () => {
    const drawn = drawEdges([edge("e", "n", "s")], upright, SIZE);
    const below = labels(upright, drawn, SIZE, true).find((label) => label.id === "n");
    expect(below?.anchor === "middle" && below.y > 60).toBe(false);
  });
});
