/** The picture as it would be: edges of the Topology page with what a what-if says of their links. */
import type { LinkChange, Topology, TopologyEdge, WhatIf } from "../../api/types";
import { measured, type Load, type Loads } from "../topology/load";

const larger = (one: number | null, other: number | null): number | null => (one === null ? other : other === null ? one : Math.max(one, other));

/** Whether a link of an edge runs the way the edge does; ids of links say nothing of that, their ends do. */
const alongside = (edge: TopologyEdge, link: TopologyEdge["links"][number], change: LinkChange): boolean =>
  change.a === link.a.device || (change.a !== link.b.device && edge.a.includes(change.a));

/** Loads after the changes: modelled for links that change, as measured for the others. */
export function loadsAfter(outcome: WhatIf): Loads {
  const changes = new Map(outcome.links.map((one) => [one.id, one]));
  return (edge): Load => {
    const before = measured(edge);
    const links = "links" in edge ? (edge as TopologyEdge).links : [];
    if (!links.some((link) => changes.has(link.id))) return before;
    const load: Load = { forward: null, backward: null };
    for (const link of links) {
      const change = changes.get(link.id);
      const [there, back] = change === undefined ? [link.forward.worst, link.backward.worst]
        : !change.up_after ? [null, null]
        : alongside(edge as TopologyEdge, link, change) ? [change.forward.after.utilisation, change.backward.after.utilisation]
        : [change.backward.after.utilisation, change.forward.after.utilisation];
      load.forward = larger(load.forward, there);
      load.backward = larger(load.backward, back);
    }
    return load;
  };
}

/** The picture with the links that would be down drawn so. */
export function viewAfter(view: Topology, outcome: WhatIf): Topology {
  const down = new Set(outcome.links.filter((one) => one.up_before && !one.up_after).map((one) => one.id));
  if (down.size === 0) return view;
  return { ...view, edges: view.edges.map((edge) => (edge.links.length > 0 && edge.links.every((link) => down.has(link.id) || link.oper === "down") ? { ...edge, oper: "down" } : edge)) };
}

/** Edges of the picture that hold any of these links. */
export const edgesWith = (view: Topology, links: ReadonlySet<string>): Set<string> =>
  new Set(view.edges.filter((edge) => edge.links.some((link) => links.has(link.id))).map((edge) => edge.id));
