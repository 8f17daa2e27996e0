/** Where the nodes of a traced path stand: a column per hop, branches one below the other, the agent at the left. */
import type { PathHop, TestPath } from "../../api/types";

export interface PlacedHop {
  index: number;
  hop: PathHop;
  x: number;
  y: number;
}

export interface PlacedStep {
  key: string;
  from: { x: number; y: number };
  to: { x: number; y: number };
  flows: number;
  /** Share of all flows, 0–1. */
  share: number;
  next: number;
  origin: number;
}

export interface Layout {
  width: number;
  height: number;
  hops: PlacedHop[];
  steps: PlacedStep[];
  agent: { x: number; y: number };
}

const LEAST_COLUMN = 106;
const ROW = 62;
const EDGE = 58;
const TOP = 34;

/** Means of the rows that a node is reached from: neighbours stay near each other and lines cross less. */
function byOrigin(path: TestPath, column: readonly number[], rows: ReadonlyMap<number, number>): number[] {
  const pull = (index: number): number => {
    const from = path.steps.filter((step) => step.next === index).map((step) => rows.get(step.origin) ?? 0);
    return from.length === 0 ? 0 : from.reduce((sum, row) => sum + row, 0) / from.length;
  };
  return column.toSorted((one, other) => pull(one) - pull(other) || (path.hops[other]?.flows ?? 0) - (path.hops[one]?.flows ?? 0));
}

export function layout(path: TestPath, room: number): Layout {
  const last = Math.max(0, ...path.hops.map((hop) => hop.ttl));
  const columns = Array.from({ length: last }, (_, place) => path.hops.flatMap((hop, index) => (hop.ttl === place + 1 ? [index] : [])));
  const most = Math.max(1, ...columns.map((column) => column.length));
  const step = Math.max(LEAST_COLUMN, last > 0 ? (room - 2 * EDGE) / last : 0);
  const height = TOP + most * ROW + 12;
  const middle = TOP + (most * ROW) / 2;
  const rows = new Map<number, number>([[-1, 0]]);
  const at = new Map<number, { x: number; y: number }>([[-1, { x: EDGE, y: middle }]]);
  const hops: PlacedHop[] = [];
  columns.forEach((column, place) => {
    byOrigin(path, column, rows).forEach((index, row) => {
      const offset = row - (column.length - 1) / 2;
      const point = { x: EDGE + (place + 1) * step, y: middle + offset * ROW };
      rows.set(index, offset);
      at.set(index, point);
      const hop = path.hops[index];
      if (hop) hops.push({ index, hop, ...point });
    });
  });
  const flows = Math.max(1, path.steps.filter((one) => one.origin === -1).reduce((sum, one) => sum + one.flows, 0));
  const steps = path.steps.flatMap((one): PlacedStep[] => {
    const [from, to] = [at.get(one.origin), at.get(one.next)];
    return from && to ? [{ key: `${one.origin}-${one.next}`, from, to, flows: one.flows, share: one.flows / flows, next: one.next, origin: one.origin }] : [];
  });
  return { width: Math.max(room, 2 * EDGE + last * step), height, hops, steps, agent: at.get(-1) ?? { x: EDGE, y: middle } };
}

/** A curve from one node to the next. */
export function curve({ from, to }: Pick<PlacedStep, "from" | "to">): string {
  const bend = (to.x - from.x) / 2;
  return `M${from.x} ${from.y}C${from.x + bend} ${from.y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`;
}

/** Every node that flows through this one pass, before and behind it. */
export function through(path: TestPath, index: number): Set<number> {
  const found = new Set([index]);
  for (const [from, to] of [["origin", "next"], ["next", "origin"]] as const) {
    const open = [index];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      for (const step of path.steps) {
        if (step[from] === node && !found.has(step[to])) {
          found.add(step[to]);
          open.push(step[to]);
        }
      }
    }
  }
  return found;
}

/** Loss that says something: routers limit how often they answer, so a hop may lose what its next ones do not. */
export function realLoss(path: TestPath, index: number): number {
  const hop = path.hops[index];
  if (!hop?.address) return 0;
  const behind = [...through(path, index)].map((one) => path.hops[one]).filter((one) => one !== undefined && one.ttl > hop.ttl && one.address !== "");
  return Math.min(hop.loss, ...behind.map((one) => one?.loss ?? 0));
}

export type HopStatus = "good" | "warn" | "bad" | "silent";

export function hopStatus(path: TestPath, index: number): HopStatus {
  const hop = path.hops[index];
  if (!hop?.address) return "silent";
  const loss = realLoss(path, index);
  if (loss >= 0.2) return "bad";
  const slow = hop.rtt_ms !== null && hop.usual_rtt_ms !== null && hop.rtt_ms > hop.usual_rtt_ms * 1.5 && hop.rtt_ms - hop.usual_rtt_ms > 5;
  return loss > 0.02 || slow ? "warn" : "good";
}

/** What a hop is called: our device by its name, others by address. */
export const hopName = (hop: PathHop): string => hop.device || hop.address || "no answer";

/** Where it is: site, AS, country. */
export const hopPlace = (hop: PathHop): string => hop.site || (hop.asn ? hop.as_name || `AS${hop.asn}` : hop.country);
