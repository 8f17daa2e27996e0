/** What may be different: the changes of a what-if, how an address holds them, and how they are said in words. */
import type { NetworkChange } from "../../api/types";
import { format } from "../../lib/units";

export type ChangeKind = NetworkChange["kind"];

/** Parameter of the page's address that holds one change; it may occur often. */
export const PARAMETER = "if";
/** More than this and an address no longer fits everywhere. */
export const MOST_CHANGES = 24;

export const KINDS: Readonly<Record<ChangeKind, string>> = {
  fail_link: "A link fails", fail_node: "A device or site fails", fail_srlg: "A risk group fails", maintenance: "Maintenance", overload: "A device is drained",
  add_demand: "More traffic between two places", scale_demand: "Traffic grows", set_capacity: "Another capacity", set_metric: "Another metric",
  withdraw: "Routes are withdrawn", add_link: "A new link",
};

const isChange = (value: unknown): value is NetworkChange => typeof value === "object" && value !== null && "kind" in value && typeof value.kind === "string" && value.kind in KINDS;

function read(text: string): NetworkChange | null {
  try {
    const value: unknown = JSON.parse(text);
    return isChange(value) ? value : null;
  } catch {
    return null; // an address that somebody broke
  }
}

/** The changes that an address asks for; what cannot be read is left out, the server judges the rest. */
export const parseChanges = (params: URLSearchParams): NetworkChange[] =>
  params.getAll(PARAMETER).map(read).filter((one) => one !== null).slice(0, MOST_CHANGES);

export function writeChanges(changes: readonly NetworkChange[], into: URLSearchParams): URLSearchParams {
  const out = new URLSearchParams(into);
  out.delete(PARAMETER);
  for (const one of changes) out.append(PARAMETER, JSON.stringify(one));
  return out;
}

const list = (...parts: (string | undefined)[]): string => parts.filter(Boolean).join(", ");

/** Says a change; `linkName` knows how people call a link. */
export function inWords(change: NetworkChange, linkName: (id: string) => string): string {
  switch (change.kind) {
    case "fail_link": return `${linkName(change.link)} fails`;
    case "fail_node": return `${change.node} fails`;
    case "fail_srlg": return `All of ${change.srlg} fails`;
    case "maintenance": return `Maintenance of ${list(...(change.nodes ?? []), ...(change.links ?? []).map(linkName))}`;
    case "overload": return `${change.node} is drained`;
    case "add_demand": return `${format(change.bps, "bit/s")} more from ${change.ingress} to ${change.egress}`;
    case "scale_demand": return `Traffic${change.ingress ? ` from ${change.ingress}` : ""}${change.egress ? ` to ${change.egress}` : ""} × ${change.factor}`;
    case "set_capacity": return `${linkName(change.link)} has ${format(change.capacity_bps, "bit/s")}`;
    case "set_metric": return `${linkName(change.link)} has metric ${change.metric}`;
    case "withdraw": return `Routes withdrawn: ${list(change.provider, change.link && linkName(change.link), change.node, ...(change.prefixes ?? [])) || "all"}`;
    case "add_link": return `A new link ${change.a} – ${change.b} of ${format(change.capacity_bps, "bit/s")}`;
  }
}

const same = (one: NetworkChange, other: NetworkChange): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Adds changes that are not among them yet. */
export const withChanges = (changes: readonly NetworkChange[], more: readonly NetworkChange[]): NetworkChange[] =>
  [...changes, ...more.filter((one) => !changes.some((other) => same(one, other)))].slice(0, MOST_CHANGES);

/** Links fail, or stand again where all of them had failed. */
export function toggleFailed(changes: readonly NetworkChange[], links: readonly string[]): NetworkChange[] {
  const failed = (id: string): boolean => changes.some((one) => one.kind === "fail_link" && one.link === id);
  if (links.every(failed)) return changes.filter((one) => one.kind !== "fail_link" || !links.includes(one.link));
  return withChanges(changes, links.map((link) => ({ kind: "fail_link", link })));
}
