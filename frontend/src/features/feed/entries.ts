/** Records of logs and changes as things to read. */
import type { Cell, ViewResult } from "../../api/types";

export interface Entry {
  id: string;
  /** UTC milliseconds. */
  time: number;
  /** When it reached Weft; null where that is not told. */
  received: number | null;
  /** The device's own stamp; null = it gave none. */
  stamped: number | null;
  /** Cells by column, as the filter takes them. */
  cells: Record<string, string>;
  /** What people call a cell, where that differs. */
  labels: Record<string, string>;
  numbers: Record<string, number>;
}

const millis = (cell: Cell | undefined): number | null => {
  if (typeof cell === "number") return cell * 1000;
  const parsed = Date.parse(String(cell ?? ""));
  return Number.isNaN(parsed) || parsed === 0 ? null : parsed;
};

/** The rows of a `records` view. Ids stay the same from answer to answer, so that what is open stays open. */
export function entriesOf(result: Pick<ViewResult, "columns" | "rows" | "labels">): Entry[] {
  const seen = new Map<string, number>();
  const at = new Map(result.columns.map((column, index) => [column.name, index]));
  const timeAt = at.get("time") ?? -1;
  const receivedAt = at.get("time_received") ?? -1;
  const stampedAt = at.get("time_device") ?? -1;
  return result.rows.map((row): Entry => {
    const cells: Record<string, string> = {};
    const labels: Record<string, string> = {};
    const numbers: Record<string, number> = {};
    for (const [index, column] of result.columns.entries()) {
      const cell = row[index] ?? null;
      if (column.kind === "measure" && typeof cell === "number") numbers[column.name] = cell;
      else if (column.kind !== "timestamp" && cell !== null) {
        const known = cell !== "" && cell !== "::"; // `::` is the address of nothing
        cells[column.name] = known ? String(cell) : "";
        const label = result.labels[column.name]?.[String(cell)];
        if (label !== undefined && known) labels[column.name] = label;
      }
    }
    const name = `${String(row[timeAt])} ${cells["exporter"] ?? ""} ${cells["message"] ?? cells["title"] ?? ""} ${cells["component"] ?? ""}`;
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    return { id: count ? `${name} #${count}` : name, time: millis(row[timeAt]) ?? 0, received: millis(row[receivedAt]), stamped: millis(row[stampedAt]), cells, labels, numbers };
  });
}

export const cell = (entry: Entry, column: string): string => entry.cells[column] ?? "";
export const label = (entry: Entry, column: string): string => entry.labels[column] ?? entry.cells[column] ?? "";

export interface Field {
  name: string;
  value: string;
}

const MOST_FIELDS = 200;

/** JSON of any depth as names with dots; text that is no JSON is one field. */
export function fieldsOf(text: string): Field[] {
  if (!text) return [];
  const out: Field[] = [];
  const walk = (name: string, value: unknown, depth: number): void => {
    if (out.length >= MOST_FIELDS) return;
    if (value !== null && typeof value === "object" && depth < 8) {
      for (const [key, inner] of Object.entries(value)) walk(name ? `${name}.${key}` : key, inner, depth + 1);
    } else out.push({ name, value: typeof value === "string" ? value : JSON.stringify(value) });
  };
  try {
    walk("", JSON.parse(text), 0);
  } catch {
    return [{ name: "fields", value: text }];
  }
  return out.filter((one) => one.name !== "");
}

export interface Piece {
  text: string;
  hit: boolean;
}

const MOST_HITS = 60;

/** The text in pieces, those marked that hold what was searched for, whatever their case. Longer words win. */
export function marked(text: string, words: readonly string[]): Piece[] {
  const wanted = words.filter(Boolean).toSorted((one, other) => other.length - one.length).map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  if (wanted.length === 0) return [{ text, hit: false }];
  const out: Piece[] = [];
  let from = 0;
  let hits = 0;
  for (const match of text.matchAll(new RegExp(wanted.join("|"), "giu"))) {
    if (hits++ >= MOST_HITS) break;
    if (match.index > from) out.push({ text: text.slice(from, match.index), hit: false });
    out.push({ text: match[0], hit: true });
    from = match.index + match[0].length;
  }
  if (from < text.length) out.push({ text: text.slice(from), hit: false });
  return out;
}
