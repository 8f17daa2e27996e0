import { useMemo } from "react";
import type { Cell, ViewColumn, ViewResult } from "../../api/types";
import { usePrefs } from "../../lib/prefs";
import { dateTime, tick, type Zone } from "../../lib/time";
import { format, plural } from "../../lib/units";
import { DataTable, type Column } from "../../ui/DataTable";
import { EmptyState } from "../../ui/States";
import { clause } from "../filter/clause";
import { cellLabel } from "./groups";

type Row = { id: string; cells: Cell[] };

/** Counts of a record, by the unit that they are written in; others have that of their column. */
const UNITS: Record<string, string> = { bytes: "B", packets: "" };
/** Never filtered by: a moment, or a number that no other record has. */
const plain = (column: ViewColumn): boolean => column.kind === "timestamp" || column.kind === "measure" || column.name in UNITS;

/** The time alone where the whole window lies within a day or so. */
function moment(cell: Cell, zone: Zone, width: number): string {
  const seconds = typeof cell === "number" ? cell : Date.parse(String(cell ?? "")) / 1000;
  if (Number.isNaN(seconds)) return "–";
  return width <= 86_400 ? tick(seconds, zone, 0) : dateTime(seconds, zone, true);
}

function show(result: ViewResult, index: number, cell: Cell, zone: Zone): string {
  const column = result.columns[index];
  if (!column) return "";
  if (column.kind === "timestamp") return moment(cell, zone, result.window.until - result.window.since);
  if (plain(column) && typeof cell === "number") return format(cell, UNITS[column.name] ?? column.unit);
  return cell === null || cell === "" ? "–" : cellLabel(result, column.name, cell);
}

interface RecordsProps {
  result: ViewResult;
  narrow: (addition: string) => void;
  order: "time" | "bytes";
}

/** Single records, as they came. A click on a value filters by it. */
export function Records({ result, narrow, order }: RecordsProps) {
  const { zone } = usePrefs();
  const rows = useMemo(() => result.rows.map((cells, index): Row => ({ id: String(index), cells })), [result]);
  const columns = useMemo(() => result.columns.map((column, index): Column<Row> => {
    const numeric = column.kind === "measure" || column.name in UNITS || column.kind === "number";
    const text = (row: Row): string => show(result, index, row.cells[index] ?? null, zone);
    return {
      key: column.name,
      title: column.title,
      numeric,
      mono: column.kind === "address" && column.name !== "exporter",
      hint: column.unit || undefined,
      sort: (row) => {
        const cell = row.cells[index] ?? null;
        return typeof cell === "boolean" ? String(cell) : cell;
      },
      render: (row) => {
        const cell = row.cells[index];
        if (plain(column) || cell === null || cell === undefined || cell === "") return text(row);
        return <button type="button" className="cell-link" title={`Only ${column.title}: ${text(row)}`} onClick={() => narrow(clause([{ field: column.name, value: String(cell) }]))}>{text(row)}</button>;
      },
    };
  }), [result, zone, narrow]);
  if (rows.length === 0) return <EmptyState title="No record matches">Nothing matched in this range. Try a wider range or a looser filter.</EmptyState>;
  const flows = !result.query["dataset"] || result.query["dataset"] === "flows";
  const caption = `${plural(rows.length, "record")}, ${order === "time" ? "newest first" : "largest first"}.${flows ? " Counts as exported, not corrected for sampling." : ""}`;
  return (
    <div>
      <DataTable columns={columns} rows={rows} rowKey={(row) => row.id} caption={caption} maxHeight={620} />
      <p className="table-foot">{caption}</p>
    </div>
  );
}
