/** Flow exporters and every other source as rows of one table. */
import type { Exporter, Source, SourceKind, Verdict } from "../../api/types";
import { format } from "../../lib/units";
import { rankOf } from "../../lib/verdict";
import { sum } from "../exporters/ledger";
import { FLOW, KINDS } from "./kinds";

export interface SourceRow {
  id: string;
  kind: string;
  name: string;
  target: string;
  /** Address of the device, where it is of one. */
  device: string | null;
  status: Verdict;
  state: string;
  perSecond: number;
  lag: number | null;
  lastSeen: number | null;
  coverage: number | null;
  gaps: number;
  /** Values that came twice or after newer ones. */
  stray: number;
  skew: number | null;
  errors: number;
  /** The worst of what is wrong, without the name that stands before it anyway. */
  finding: string;
  /** Behind the row, if it is not an exporter of flows. */
  source: Source | null;
}

/** A reason's title without the name of the source at its beginning. */
export const withoutName = (title: string, name: string): string => {
  const rest = title.startsWith(name) ? title.slice(name.length).replace(/^:? /, "") : title;
  return rest.slice(0, 1).toUpperCase() + rest.slice(1);
};

export function exporterRow(one: Exporter): SourceRow {
  const silent = one.reasons.some((reason) => reason.code === "silent_exporter");
  return {
    id: `${FLOW}:${one.address}`, kind: FLOW, name: one.name, target: one.address, device: one.address, status: one.status,
    state: silent ? "silent" : one.status === "ok" ? "ok" : one.status === "unknown" ? "starting" : "degraded",
    perSecond: one.records_per_s, lag: null, lastSeen: one.last_seen, coverage: 1 - one.loss_share, gaps: sum(one.lost),
    stray: one.streams.reduce((total, stream) => total + stream.reordered, 0), skew: null, errors: sum(one.errors),
    finding: withoutName(one.reasons[0]?.title ?? "", one.name), source: null,
  };
}

export function sourceRow(one: Source): SourceRow {
  return {
    id: one.id, kind: one.kind, name: one.name, target: one.target, device: one.exporter, status: one.status, state: one.state,
    perSecond: one.rows_per_s, lag: one.lag_s, lastSeen: one.last_seen, coverage: one.coverage, gaps: one.gaps,
    stray: one.duplicates + one.late, skew: one.clock_skew_s, errors: sum(one.errors),
    finding: withoutName(one.reasons[0]?.title ?? "", one.name), source: one,
  };
}

export interface KindSum {
  kind: string;
  total: number;
  /** How many are in a state that needs attention, worst word first. */
  failing: number;
  silent: number;
  degraded: number;
  /** With a warning or worse, whatever its state. */
  attention: number;
  perSecond: number;
  status: Verdict;
}

const worst = (all: readonly Verdict[]): Verdict => all.reduce((one, other) => (rankOf(other) > rankOf(one) ? other : one), "ok");

function flowSum(exporters: readonly Exporter[]): KindSum {
  const rows = exporters.map(exporterRow);
  const inState = (state: string): number => rows.filter((row) => row.state === state).length;
  return {
    kind: FLOW, total: rows.length, failing: 0, silent: inState("silent"), degraded: inState("degraded"),
    attention: rows.filter((row) => rankOf(row.status) >= rankOf("warning")).length, perSecond: rows.reduce((total, row) => total + row.perSecond, 0), status: rows.length === 0 ? "unknown" : worst(rows.map((row) => row.status)),
  };
}

/** Every kind that could be there, in the order of `KINDS`; kinds of plug-ins last. */
export function kindSums(exporters: readonly Exporter[], kinds: readonly SourceKind[]): KindSum[] {
  const known = new Map(kinds.map((one) => [one.kind, one]));
  const names = [...KINDS.map((one) => one.kind), ...kinds.map((one) => one.kind).filter((kind) => !KINDS.some((one) => one.kind === kind))];
  return names.map((kind): KindSum => {
    if (kind === FLOW) return flowSum(exporters);
    const one = known.get(kind);
    const inState = (state: string): number => one?.states[state] ?? 0;
    return {
      kind, total: one?.total ?? 0, failing: inState("failing"), silent: inState("silent"), degraded: inState("degraded"),
      attention: one?.attention ?? 0, perSecond: one?.rows_per_s ?? 0, status: one?.status ?? "unknown",
    };
  });
}

/** Rows whose texts hold all words, in the states that are wanted ("" = any, "attention" = warning or worse). */
export function matching(rows: readonly SourceRow[], text: string, state: string): SourceRow[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    if (state === "attention" ? rankOf(row.status) < rankOf("warning") : state !== "" && row.state !== state) return false;
    const hay = `${row.kind} ${row.name} ${row.target} ${row.device ?? ""} ${row.finding}`.toLowerCase();
    return words.every((word) => hay.includes(word));
  });
}

const UNITS: Record<string, string> = { s: "s", ms: "ms", bytes: "B", bps: "bit/s" };

/** Names of details are the code's, with the unit at their end: `poll_ms` of 9 → "Poll", "9 ms". */
export function detailOf(name: string, value: unknown): [name: string, text: string] {
  const words = name.split("_");
  const unit = typeof value === "number" && words.length > 1 ? UNITS[words.at(-1) ?? ""] : undefined;
  const said = (unit ? words.slice(0, -1) : words).join(" ");
  return [said.slice(0, 1).toUpperCase() + said.slice(1), typeof value === "number" ? format(value, unit ?? "") : String(value)];
}
