/** Routing as people say it. */
import type { Changed, JudgedRoute, RankedPath, RouteEvent, RoutePath } from "../../api/types";
import type { Status } from "../../ui/Status";

export const TABLES: Record<string, { word: string; meaning: string }> = {
  adj_rib_in_pre: { word: "received", meaning: "As the neighbour sent it, before import policy (Adj-RIB-In, RFC 7854)" },
  adj_rib_in_post: { word: "accepted", meaning: "After import policy (Adj-RIB-In, RFC 7854)" },
  loc_rib: { word: "Loc-RIB", meaning: "What the router itself uses (RFC 9069)" },
  adj_rib_out_pre: { word: "to send", meaning: "For the neighbour, before export policy (Adj-RIB-Out, RFC 8671)" },
  adj_rib_out_post: { word: "sent", meaning: "As sent to the neighbour, after export policy (Adj-RIB-Out, RFC 8671)" },
};

export const tableWord = (rib: string): string => TABLES[rib]?.word ?? rib;

export const SOURCES: Record<string, string> = { bmp: "BMP", mrt: "MRT dump", bgp: "BGP session" };

export const VALIDITY: Record<string, { word: string; status: Status; meaning: string }> = {
  valid: { word: "valid", status: "good", meaning: "A ROA covers the prefix and names its origin" },
  invalid: { word: "invalid", status: "bad", meaning: "A ROA covers the prefix, but names another origin or a shorter length" },
  not_found: { word: "not found", status: "idle", meaning: "No ROA covers the prefix" },
  unchecked: { word: "unchecked", status: "idle", meaning: "No validated payloads were known when the route came" },
};

export const EVENTS: Record<string, string> = {
  announce: "announced", change: "changed", withdraw: "withdrawn", peer_up: "session up", peer_down: "session down",
};

export const ATTRIBUTES: Record<string, string> = {
  as_path: "AS path", next_hop: "next hop", local_pref: "local preference", med: "MED", bgp_origin: "origin", communities: "communities",
  attributes: "other attributes", rpki: "RPKI",
};

export const LOST: Record<string, string> = {
  local_pref: "lower local preference", as_path: "longer AS path", origin: "higher origin", med: "higher MED", external: "internal", peer_address: "higher address",
  tie: "equal", policy: "rejected by policy", multipath: "used as well", gone: "gone",
};

/** Who sent it: the neighbour by name or address, with its AS; of the router's own table the router. */
export function peerOf(path: { peer: string; peer_name: string; peer_as: number; rib?: string }): string {
  return path.peer ? `${path.peer_name || path.peer} AS${path.peer_as}` : "the router itself";
}

/** `64500 64501 64501 64501` as its ASes with how often each stands there in a row; a set is one word. */
export function hops(asPath: string): { as: string; times: number }[] {
  const out: { as: string; times: number }[] = [];
  for (const word of asPath.match(/\{[^}]*\}|\S+/g) ?? []) {
    const last = out.at(-1);
    if (last?.as === word) last.times += 1;
    else out.push({ as: word, times: 1 });
  }
  return out;
}

/** What makes two routes the same way to go. */
export const wayOf = (path: RoutePath): string => `${path.as_path}|${path.next_hop}`;

/** Why a path is not the one in use, in few words. */
export function whyNot(path: RankedPath): string {
  if (path.best || (path.rib === "loc_rib" && path.standing && path.lost_at !== "multipath")) return "";
  if (!path.standing) return path.gone;
  if (path.lost_at) return (path.why || LOST[path.lost_at]) ?? path.lost_at;
  return path.eligible ? "the path in use" : path.rib === "adj_rib_in_pre" ? "before policy" : "for others";
}

/** A prefix or an address, roughly: what is not is told by the server. */
export const mayBePrefix = (text: string): boolean => /^[0-9a-f:.]{2,45}(\/\d{1,3})?$/i.test(text.trim());

const said = (attribute: string, value: string): string => (value === "" || (value === "0" && (attribute === "local_pref" || attribute === "med")) ? "none" : value);

/** One change in words; of communities only those that came (+) and went (−). */
export function changeOf({ attribute, before, after }: Changed): string {
  const name = ATTRIBUTES[attribute] ?? attribute;
  if (attribute !== "communities") return `${name} ${said(attribute, before)} → ${said(attribute, after)}`;
  const [was, is] = [before.split(" ").filter(Boolean), after.split(" ").filter(Boolean)];
  const came = is.filter((one) => !was.includes(one)).map((one) => `+${one}`);
  const went = was.filter((one) => !is.includes(one)).map((one) => `−${one}`);
  return `${name} ${[...came, ...went].join(" ")}`;
}

/** What changed, attribute by attribute. */
export const changesOf = (event: RouteEvent): string[] => event.changed.map(changeOf);

export const routeKey = (route: JudgedRoute): string => [route.exporter, route.rib, route.peer, route.vrf, route.prefix, route.path_id].join(" ");
