/** Filtering the list of devices, kept in the URL. */
import type { DeviceRow, InterfaceRow } from "../../api/types";

export interface ListState {
  search: string;
  site: string;
  role: string;
  /** Only those that are not healthy. */
  attention: boolean;
}

export const parseList = (params: URLSearchParams): ListState => ({
  search: params.get("q") ?? "", site: params.get("site") ?? "", role: params.get("role") ?? "", attention: params.get("state") === "attention",
});

export function writeList(state: ListState, into: URLSearchParams): URLSearchParams {
  const out = new URLSearchParams(into);
  const values = { q: state.search, site: state.site, role: state.role, state: state.attention ? "attention" : "" };
  for (const [name, value] of Object.entries(values)) {
    if (value) out.set(name, value);
    else out.delete(name);
  }
  return out;
}

const has = (text: string, search: string): boolean => search.toLowerCase().split(/\s+/).filter(Boolean).every((word) => text.toLowerCase().includes(word));

export const chosen = (rows: readonly DeviceRow[], state: ListState): DeviceRow[] =>
  rows.filter((row) =>
    (!state.site || row.site === state.site) && (!state.role || row.role === state.role) &&
    (!state.attention || row.status === "warning" || row.status === "critical") &&
    has([row.name, row.site, row.role, row.vendor, row.model, row.os, ...row.addresses, ...row.sources].join(" "), state.search));

/** Distinct values of a text, most frequent first. */
export function distinct<R>(rows: readonly R[], text: (row: R) => string): string[] {
  const counts = new Map<string, number>();
  for (const row of rows) if (text(row)) counts.set(text(row), (counts.get(text(row)) ?? 0) + 1);
  return [...counts].toSorted((one, other) => other[1] - one[1] || one[0].localeCompare(other[0])).map(([value]) => value);
}

export type PortFilter = "all" | "up" | "down" | "linked" | "troubled";

const troubled = (row: InterfaceRow): boolean => (row.errors_per_s ?? 0) > 0 || (row.discards_per_s ?? 0) > 0;

export const ports = (rows: readonly InterfaceRow[], filter: PortFilter, search: string): InterfaceRow[] =>
  rows.filter((row) =>
    (filter === "all" || (filter === "up" && row.oper === "up") || (filter === "down" && row.oper === "down" && row.admin !== "down") ||
      (filter === "linked" && row.peer !== null) || (filter === "troubled" && troubled(row))) &&
    has([row.name, row.description, row.peer?.device ?? "", row.provider, row.circuit, row.type, row.lag, ...row.addresses].join(" "), search));

export const busier = (row: InterfaceRow): number | null =>
  row.in_utilisation === null ? row.out_utilisation : row.out_utilisation === null ? row.in_utilisation : Math.max(row.in_utilisation, row.out_utilisation);
