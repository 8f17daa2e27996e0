/** How loaded edges are: as the server measured at the moment shown, or as the timeline says while the slider moves. */
import type { LinkDirection, Timeline, TopologyEdge, TopologyLink } from "../../api/types";

export interface Load {
  /** From the first node to the second, of the most loaded link in it, 0–1. */
  forward: number | null;
  backward: number | null;
}

export type Loads = (edge: Pick<TopologyEdge, "id" | "forward" | "backward">) => Load;

export const measured: Loads = (edge) => ({ forward: edge.forward.worst, backward: edge.backward.worst });

export const most = (load: Load): number | null =>
  load.forward === null ? load.backward : load.backward === null ? load.forward : Math.max(load.forward, load.backward);

/** Bucket of a moment; null outside the timeline. */
export function bucketOf(timeline: Timeline, at: number): number | null {
  const index = Math.ceil((at - timeline.start) / timeline.step) - 1;
  return index >= 0 && index < timeline.count ? index : null;
}

/** End of a bucket: what is known when it is over. */
export const endOf = (timeline: Timeline, index: number): number => timeline.start + (index + 1) * timeline.step;

/** Loads of one bucket. Links without counters are not on the timeline: they keep what was measured. */
export function atBucket(timeline: Timeline, index: number): Loads {
  const places = new Map(timeline.edges.map((id, place) => [id, place]));
  return (edge) => {
    const place = places.get(edge.id);
    if (place === undefined || timeline.measured[place] === "none") return measured(edge);
    return { forward: timeline.forward[place]?.[index] ?? null, backward: timeline.backward[place]?.[index] ?? null };
  };
}

/** The most loaded edge of each bucket, for the strip above the slider. */
export const highest = (timeline: Timeline): (number | null)[] =>
  Array.from({ length: timeline.count }, (_, index) => {
    const values = [...timeline.forward, ...timeline.backward].map((line) => line[index] ?? null).filter((value) => value !== null);
    return values.length === 0 ? null : Math.max(...values);
  });

export interface Course {
  forward: (number | null)[];
  backward: (number | null)[];
}

export function courseOf(timeline: Timeline, id: string): Course | null {
  const place = timeline.edges.indexOf(id);
  return place < 0 ? null : { forward: timeline.forward[place] ?? [], backward: timeline.backward[place] ?? [] };
}

/** One row of the table of links. */
export interface LinkRow {
  id: string;
  edge: TopologyEdge;
  link: TopologyLink;
  worst: number | null;
}

const worstOf = (one: LinkDirection, other: LinkDirection): number | null => most({ forward: one.worst, backward: other.worst });

export const linkRows = (edges: readonly TopologyEdge[]): LinkRow[] =>
  edges.flatMap((edge) => edge.links.map((link) => ({ id: link.id, edge, link, worst: worstOf(link.forward, link.backward) })));

export interface Named {
  id: string;
  name: string;
  title: string;
  site: string;
  role: string;
}

/** All words occur in what a node is called; no words match nothing. */
export function matching(nodes: readonly Named[], search: string): Set<string> {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return new Set();
  const text = (node: Named): string => `${node.name} ${node.title} ${node.site} ${node.role}`.toLowerCase();
  return new Set(nodes.filter((node) => words.every((word) => text(node).includes(word))).map((node) => node.id));
}
