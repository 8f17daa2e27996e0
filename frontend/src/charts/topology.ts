/**
 * The network as a drawing: pure geometry from nodes and edges to what an SVG needs. A link is two halves that meet in
 * the middle, each as wide as the capacity and coloured by what goes out from its own end.
 */
import type { TopologyEdge, TopologyNode } from "../api/types";

export interface Point {
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

/** Zoom and pan: page = fitted × k + (x, y). */
export interface Zoom extends Point {
  k: number;
}

export const NO_ZOOM: Zoom = { k: 1, x: 0, y: 0 };
export const MOST_ZOOM = 24;

export interface Placed {
  node: TopologyNode;
  at: Point;
  /** Where the node really is, if it had to give way to a neighbour. */
  home: Point | null;
  radius: number;
}

export interface Half {
  /** SVG path of the line. */
  line: string;
  /** SVG path of the arrow head at its end. */
  head: string;
}

export interface DrawnEdge {
  edge: TopologyEdge;
  forward: Half;
  backward: Half;
  /** Where its ends stand, and the control point of the curve between them. */
  a: Point;
  b: Point;
  control: Point;
  middle: Point;
  width: number;
}

export interface Label {
  id: string;
  text: string;
  x: number;
  y: number;
  anchor: "start" | "middle" | "end";
}

// --- how loaded ----------------------------------------------------------------------------------------------------

export interface Band {
  name: "unknown" | "low" | "fair" | "busy" | "high" | "full";
  /** From this share of the capacity on. */
  from: number;
  text: string;
}

export const BANDS: readonly Band[] = [
  { name: "low", from: 0, text: "under 25 %" },
  { name: "fair", from: 0.25, text: "25–50 %" },
  { name: "busy", from: 0.5, text: "50–80 %" },
  { name: "high", from: 0.8, text: "80–95 %" },
  { name: "full", from: 0.95, text: "95 % and more" },
];
export const UNKNOWN_BAND: Band = { name: "unknown", from: -1, text: "not measured" };

export const bandOf = (utilisation: number | null | undefined): Band =>
  utilisation === null || utilisation === undefined ? UNKNOWN_BAND : (BANDS.findLast((band) => utilisation >= band.from) ?? UNKNOWN_BAND);

export const percent = (utilisation: number | null | undefined): string =>
  utilisation === null || utilisation === undefined ? "–" : utilisation > 0 && utilisation < 0.01 ? "< 1\u00a0%" : `${Math.round(utilisation * 100)}\u00a0%`;

/** Wider for more capacity, by orders of magnitude: 1 Gbit/s 2 px, 100 Gbit/s 5 px. */
export const widthOf = (capacity: number): number => (capacity > 0 ? Math.min(8, Math.max(1.5, 2 + (Math.log10(capacity) - 9) * 1.5)) : 2);

// --- where nodes stand ---------------------------------------------------------------------------------------------

const PAD = { x: 70, y: 46 };
/** A map never shows less than this many degrees, so that two sites in one town do not look a continent apart. */
const LEAST_DEGREES = 6;
const SQUEEZE = 0.82; // what a degree of latitude counts against one of longitude, for a pleasant world

interface Bounds {
  low: Point;
  high: Point;
}

function boundsOf(points: readonly Point[], least: number): Bounds {
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const grow = (low: number, high: number): [number, number] => {
    const more = Math.max(0, least - (high - low)) / 2;
    return [low - more, high + more];
  };
  const [left, right] = grow(Math.min(...xs), Math.max(...xs));
  const [top, bottom] = grow(Math.min(...ys), Math.max(...ys));
  return { low: { x: left, y: top }, high: { x: right, y: bottom } };
}

/** World to page at zoom 1: into the box, axes alike (a map) or each by itself (a scheme). */
export interface Fit {
  at: (world: Point) => Point;
  scale: Point;
}

export function fitted(points: readonly Point[], size: Size, alike: boolean): Fit {
  const { low, high } = boundsOf(points.length > 0 ? points : [{ x: 0, y: 0 }], alike ? LEAST_DEGREES : 0);
  const room = { x: Math.max(40, size.width - 2 * PAD.x), y: Math.max(40, size.height - 2 * PAD.y) };
  let x = high.x > low.x ? room.x / (high.x - low.x) : 0;
  let y = high.y > low.y ? room.y / (high.y - low.y) : 0;
  if (alike) x = y = Math.min(x || Infinity, y || Infinity);
  const middle = { x: (low.x + high.x) / 2, y: (low.y + high.y) / 2 };
  return { at: (world) => ({ x: size.width / 2 + (world.x - middle.x) * x, y: size.height / 2 + (world.y - middle.y) * y }), scale: { x, y } };
}

export const onMap = (node: TopologyNode): Point | null =>
  node.latitude === null || node.longitude === null ? null : { x: node.longitude, y: -node.latitude * SQUEEZE };

export const zoomed = (point: Point, zoom: Zoom): Point => ({ x: point.x * zoom.k + zoom.x, y: point.y * zoom.k + zoom.y });

export const radiusOf = (node: TopologyNode, count: number): number => {
  const base = count > 120 ? 5 : count > 50 ? 7 : 10;
  return node.kind === "site" && !node.outside ? base + Math.min(6, Math.sqrt(node.devices)) : base;
};

const ROUNDS = 80;

/**
 * Nodes that would cover each other give way, a little each, until none does. They go apart along the line between
 * where they belong, so that what lies north of a neighbour stays north of it.
 */
export function apart(placed: Placed[], gap: number): void {
  const homes = placed.map((one) => one.at);
  for (let round = 0; round < ROUNDS; round++) {
    let moved = false;
    for (let i = 0; i < placed.length; i++) {
      for (let j = i + 1; j < placed.length; j++) moved = giveWay(placed, homes, i, j, gap) || moved;
    }
    if (!moved) return;
  }
}

function giveWay(placed: Placed[], homes: readonly Point[], i: number, j: number, gap: number): boolean {
  const [one, other] = [placed[i] as Placed, placed[j] as Placed];
  const need = one.radius + other.radius + gap;
  const distance = Math.hypot(other.at.x - one.at.x, other.at.y - one.at.y);
  if (distance >= need - 0.1) return false;
  const [from, to] = [homes[i] as Point, homes[j] as Point];
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const turn = length > 0.5 ? Math.atan2(to.y - from.y, to.x - from.x) : i * 2.4 + j; // on one spot: any way, but always the same
  const push = Math.max(0.3, (need - distance) / 3);
  one.at = { x: one.at.x - Math.cos(turn) * push, y: one.at.y - Math.sin(turn) * push };
  other.at = { x: other.at.x + Math.cos(turn) * push, y: other.at.y + Math.sin(turn) * push };
  return true;
}

export interface Places {
  nodes: Placed[];
  /** Of the world at zoom 1, for the graticule. */
  fit: Fit;
}

/** Room between nodes: on a map enough to see the links between neighbouring towns. */
const gapFor = (count: number, map: boolean): number => (count > 60 ? 3 : map ? (count > 24 ? 12 : 20) : 8);

/** Every node on the page. On a map, those whose place is not known stand in a row below. */
export function place(nodes: readonly TopologyNode[], size: Size, zoom: Zoom, map: boolean): Places {
  const known = map ? nodes.map(onMap).filter((point) => point !== null) : nodes.map(({ x, y }) => ({ x, y }));
  const fit = fitted(known, size, map);
  let lost = 0;
  const placed = nodes.map((node): Placed => {
    const world = map ? onMap(node) : { x: node.x, y: node.y };
    const at = world ? zoomed(fit.at(world), zoom) : { x: PAD.x + 90 * lost++, y: size.height - 26 };
    return { node, at, home: null, radius: radiusOf(node, nodes.length) };
  });
  const homes = placed.map((one) => one.at);
  apart(placed, gapFor(nodes.length, map));
  placed.forEach((one, index) => {
    const home = homes[index] as Point;
    if (map && Math.hypot(home.x - one.at.x, home.y - one.at.y) > one.radius) one.home = home;
  });
  return { nodes: placed, fit };
}

// --- a grid of the globe ---------------------------------------------------------------------------------------------

export interface GridLine {
  path: string;
  text: string;
  /** Where its text stands. */
  at: Point;
}

const GRID_STEPS = [1, 2, 5, 10, 15, 30];
const degrees = (value: number, positive: string, negative: string): string => (value === 0 ? "0°" : `${Math.abs(value)}° ${value > 0 ? positive : negative}`);

/** Meridians and parallels across the page: no map data, only where on the globe one is. */
export function graticule(fit: Fit, size: Size, zoom: Zoom): GridLine[] {
  if (!Number.isFinite(fit.scale.x) || fit.scale.x <= 0) return [];
  const pixels = fit.scale.x * zoom.k; // per degree
  const step = GRID_STEPS.find((one) => one * pixels >= 90) ?? 30;
  const lines: GridLine[] = [];
  for (let longitude = -180; longitude <= 180; longitude += step) {
    const { x } = zoomed(fit.at({ x: longitude, y: 0 }), zoom);
    if (x > 0 && x < size.width) lines.push({ path: `M${round(x)} 0V${size.height}`, text: degrees(longitude, "E", "W"), at: { x: x + 4, y: 12 } });
  }
  for (let latitude = -75; latitude <= 75; latitude += step) {
    const { y } = zoomed(fit.at({ x: 0, y: -latitude * SQUEEZE }), zoom);
    if (y > 16 && y < size.height) lines.push({ path: `M0 ${round(y)}H${size.width}`, text: degrees(latitude, "N", "S"), at: { x: 4, y: y - 4 } });
  }
  return lines;
}

// --- links -----------------------------------------------------------------------------------------------------------

const round = (value: number): number => Math.round(value * 10) / 10;
const text = (point: Point): string => `${round(point.x)} ${round(point.y)}`;
export const between = (one: Point, other: Point, share: number): Point => ({ x: one.x + (other.x - one.x) * share, y: one.y + (other.y - one.y) * share });

/** From the rim of the first node to just before the middle, and the head of its arrow. */
function half(from: Placed, control: Point, middle: Point, width: number): Half {
  const turn = Math.atan2(control.y - from.at.y, control.x - from.at.x);
  const start = { x: from.at.x + Math.cos(turn) * from.radius, y: from.at.y + Math.sin(turn) * from.radius };
  // The middle of a quadratic curve: its first half is one too, whose control lies half way to the whole one's.
  const own = between(from.at, control, 0.5);
  const length = Math.hypot(middle.x - own.x, middle.y - own.y) || 1;
  const along = { x: (middle.x - own.x) / length, y: (middle.y - own.y) / length };
  const head = Math.min(width * 1.6 + 4, length * 0.8);
  const tip = { x: middle.x - along.x, y: middle.y - along.y };
  const neck = { x: tip.x - along.x * head, y: tip.y - along.y * head };
  const side = width / 2 + 2.5;
  const corner = (sign: 1 | -1): Point => ({ x: neck.x - along.y * side * sign, y: neck.y + along.x * side * sign });
  return {
    line: `M${text(start)}Q${text(own)} ${text(neck)}`,
    head: `M${text(tip)}L${text(corner(1))}L${text(corner(-1))}Z`,
  };
}

const pair = (edge: TopologyEdge): string => [edge.a, edge.b].toSorted().join("\u0001");

/** Whether a third node lies on the straight line between two. */
function blocked(a: Placed, b: Placed, nodes: readonly Placed[]): boolean {
  const dx = b.at.x - a.at.x;
  const dy = b.at.y - a.at.y;
  const square = dx * dx + dy * dy || 1;
  return nodes.some(({ at, radius, node }) => {
    if (node === a.node || node === b.node) return false;
    const share = ((at.x - a.at.x) * dx + (at.y - a.at.y) * dy) / square;
    return share > 0 && share < 1 && Math.hypot(at.x - a.at.x - share * dx, at.y - a.at.y - share * dy) < radius + 3;
  });
}

/** How far the control point stands off the straight line: parallel links fan out, and no line runs through a node. */
function bendOf(rank: number, count: number, length: number, around: boolean): number {
  const fan = (rank - (count - 1) / 2) * Math.min(26, Math.max(14, length * 0.22)) * 2;
  return fan === 0 && around ? Math.min(90, 24 + length * 0.16) : fan;
}

/** The control point of a quadratic curve between two nodes, and its middle. */
function curve(a: Point, b: Point, bend: number): { control: Point; middle: Point } {
  const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
  const control = { x: (a.x + b.x) / 2 - ((b.y - a.y) / length) * bend, y: (a.y + b.y) / 2 + ((b.x - a.x) / length) * bend };
  return { control, middle: { x: (a.x + 2 * control.x + b.x) / 4, y: (a.y + 2 * control.y + b.y) / 4 } };
}

const inside = (point: Point, size: Size): boolean => point.x > 12 && point.y > 12 && point.x < size.width - 12 && point.y < size.height - 12;

/** Every edge between nodes that are drawn. */
export function drawEdges(edges: readonly TopologyEdge[], nodes: readonly Placed[], size: Size): DrawnEdge[] {
  const at = new Map(nodes.map((one) => [one.node.id, one]));
  const pairs = new Map<string, number>();
  for (const edge of edges) pairs.set(pair(edge), (pairs.get(pair(edge)) ?? 0) + 1);
  const met = new Map<string, number>();
  const thin = edges.length > 150 ? 0.6 : 1;
  return edges.flatMap((edge): DrawnEdge[] => {
    const a = at.get(edge.a);
    const b = at.get(edge.b);
    if (!a || !b || a === b) return [];
    const rank = met.get(pair(edge)) ?? 0;
    met.set(pair(edge), rank + 1);
    const width = widthOf(edge.capacity_bps) * thin;
    const length = Math.hypot(b.at.x - a.at.x, b.at.y - a.at.y) || 1;
    const side = edge.a <= edge.b ? 1 : -1; // the same side whichever end comes first
    const bend = bendOf(rank, pairs.get(pair(edge)) ?? 1, length, blocked(a, b, nodes)) * side;
    const first = curve(a.at, b.at, bend);
    const { control, middle } = inside(first.middle, size) ? first : curve(a.at, b.at, -bend);
    return [{ edge, forward: half(a, control, middle, width), backward: half(b, control, middle, width), a: a.at, b: b.at, control, middle, width }];
  });
}
