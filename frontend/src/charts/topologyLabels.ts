/** Where names of nodes and figures of links stand in the drawing of the network, so that they can be read. */
import type { TopologyEdge } from "../api/types";
import { between, percent, type DrawnEdge, type Label, type Placed, type Point, type Size } from "./topology";

interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** What the buttons in the lower right corner cover. */
const buttons = (size: Size): Box => ({ left: size.width - 54, top: size.height - 124, right: size.width, bottom: size.height });

const NEAR = 90; // how far from its node a name may reach
const STEPS = 15;

/** Points of a link near one of its ends. */
function nearEnd({ a, b, control, edge }: DrawnEdge, id: string): Point[] {
  const [from, to] = edge.a === id ? [a, b] : [b, a];
  const reach = Math.min(1, NEAR / (Math.hypot(to.x - from.x, to.y - from.y) || 1));
  return Array.from({ length: STEPS }, (_, index) => {
    const share = (reach * (index + 1)) / STEPS;
    return between(between(from, control, share), between(control, to, share), share);
  });
}

const holds = (box: Box, point: Point): boolean => point.x > box.left && point.x < box.right && point.y > box.top && point.y < box.bottom;

/** Square around a node. */
const around = ({ at, radius }: Placed): Box => ({ left: at.x - radius, right: at.x + radius, top: at.y - radius, bottom: at.y + radius });
const meets = (one: Box, other: Box): boolean => one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
const CHAR = 6.4;
const LINE = 15;

function boxOf(label: Label): Box {
  const width = label.text.length * CHAR + 4;
  const left = label.anchor === "start" ? label.x : label.anchor === "end" ? label.x - width : label.x - width / 2;
  return { left, right: left + width, top: label.y - LINE + 3, bottom: label.y + 3 };
}

function candidates({ node, at, radius }: Placed): Label[] {
  const name = node.kind === "site" ? node.title || node.name : node.name;
  const label = { id: node.id, text: name.length > 26 ? `${name.slice(0, 25)}…` : name };
  const near = radius + 5;
  return [
    { ...label, x: at.x, y: at.y + near + 10, anchor: "middle" },
    { ...label, x: at.x + near, y: at.y + 4, anchor: "start" },
    { ...label, x: at.x - near, y: at.y + 4, anchor: "end" },
    { ...label, x: at.x, y: at.y - near, anchor: "middle" },
    { ...label, x: at.x + near - 2, y: at.y - near + 4, anchor: "start" },
    { ...label, x: at.x - near + 2, y: at.y - near + 4, anchor: "end" },
    { ...label, x: at.x + near - 2, y: at.y + near + 6, anchor: "start" },
    { ...label, x: at.x - near + 2, y: at.y + near + 6, anchor: "end" },
  ];
}

/**
 * Names where they cover no node, no other name and as little of links and of the buttons as can be. Nodes with most links choose
 * first; where nothing is free a name is left out (it shows when its node is pointed at), unless `all` is wanted.
 */
export function labels(nodes: readonly Placed[], edges: readonly DrawnEdge[], size: Size, all: boolean): Label[] {
  const own = new Map<string, DrawnEdge[]>();
  for (const drawn of edges) for (const id of [drawn.edge.a, drawn.edge.b]) own.set(id, [...(own.get(id) ?? []), drawn]);
  const taken = nodes.map(around);
  const soft: Box[] = edges.map(({ middle }) => ({ left: middle.x - 6, right: middle.x + 6, top: middle.y - 6, bottom: middle.y + 6 }));
  soft.push(buttons(size));
  const out: Label[] = [];
  const order = nodes.toSorted((one, other) => (own.get(other.node.id)?.length ?? 0) - (own.get(one.node.id)?.length ?? 0) || one.node.id.localeCompare(other.node.id));
  for (const node of order) {
    const lines = (own.get(node.node.id) ?? []).map((drawn) => nearEnd(drawn, node.node.id));
    const choices = candidates(node).map((label) => {
      const box = boxOf(label);
      const outside = box.left < 0 || box.right > size.width || box.top < 0 || box.bottom > size.height;
      const hard = taken.filter((other) => meets(box, other)).length + (outside ? 1 : 0);
      return { label, box, hard, cost: hard * 100 + soft.filter((other) => meets(box, other)).length + lines.filter((points) => points.some((point) => holds(box, point))).length };
    });
    const best = choices.reduce((one, other) => (other.cost < one.cost ? other : one));
    if (best.hard > 0 && !all) continue;
    taken.push(best.box);
    out.push(best.label);
  }
  return out;
}

/** A figure beside the middle of its link, clear of line and arrows: above it or to its right, or on the other side. */
function beside({ a, b, middle, width, edge }: DrawnEdge, share: number | null, side: 1 | -1): Label {
  const said = percent(share);
  const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
  const normal = { x: (b.y - a.y) / length, y: -(b.x - a.x) / length };
  const up = (normal.y > 0.05 || (Math.abs(normal.y) <= 0.05 && normal.x < 0) ? -1 : 1) * side;
  const off = (Math.abs(normal.x) * (said.length * CHAR + 4)) / 2 + (Math.abs(normal.y) * (LINE - 4)) / 2 + width / 2 + 3.5;
  return { id: edge.id, text: said, x: middle.x + normal.x * up * off, y: middle.y + normal.y * up * off + 4, anchor: "middle" };
}

/** The figures of the most loaded links that fit beside their middles. */
export function figures(edges: readonly DrawnEdge[], used: (edge: TopologyEdge) => number | null, names: readonly Label[], nodes: readonly Placed[], most: number): Label[] {
  const boxes = [...names.map(boxOf), ...nodes.map(around)];
  const out: Label[] = [];
  const order = edges.map((drawn) => ({ drawn, share: used(drawn.edge) })).filter((one) => one.share !== null)
    .toSorted((one, other) => (other.share ?? 0) - (one.share ?? 0));
  for (const { drawn, share } of order.slice(0, most)) {
    const label = ([1, -1] as const).map((side) => beside(drawn, share, side)).find((one) => !boxes.some((other) => meets(boxOf(one), other)));
    if (!label) continue;
    boxes.push(boxOf(label));
    out.push(label);
  }
  return out;
}
