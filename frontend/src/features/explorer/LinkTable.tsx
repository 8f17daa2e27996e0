import { useMemo } from "react";
import type { ViewResult } from "../../api/types";
import { format, share } from "../../lib/units";
import { DataTable, type Column } from "../../ui/DataTable";
import { clause } from "../filter/clause";
import { cellLabel } from "./groups";

interface Path {
  id: string;
  cells: string[];
  keys: (string | null)[];
  value: number | null;
}

/** The paths of a Sankey as numbers, for reading and for those who cannot see it. */
export function LinkTable({ result, narrow }: { result: ViewResult; narrow: (addition: string) => void }) {
  const dimensions = useMemo(() => result.columns.filter((column) => column.kind !== "measure"), [result]);
  const rows = useMemo(() => result.rows.map((row, index): Path => {
    const keys = dimensions.map((_, place) => (row[place] === null || row[place] === undefined ? null : String(row[place])));
    const value = row[dimensions.length];
    return {
      id: String(index), keys, value: typeof value === "number" ? value : null,
      cells: keys.map((key, place) => (key === null ? "" : cellLabel(result, dimensions[place]?.name ?? "", key))),
    };
  }), [result, dimensions]);
  const total = Object.values(result.totals)[0] ?? 0;
  const columns = useMemo<Column<Path>[]>(() => [
    ...dimensions.map((column, place): Column<Path> => ({ key: column.name, title: column.title, mono: column.kind === "address", sort: (path) => path.cells[place] ?? "", render: (path) => path.cells[place] })),
    { key: "value", title: "Average", numeric: true, sort: (path) => path.value, render: (path) => format(path.value, result.unit) },
    { key: "share", title: "Share", numeric: true, render: (path) => share(path.value ?? 0, total) },
  ], [dimensions, result, total]);
  const pick = (path: Path): void => {
    const parts = path.keys.flatMap((value, place) => (value === null || value === "Other" ? [] : [{ field: dimensions[place]?.name ?? "", value }]));
    if (parts.length > 0) narrow(clause(parts));
  };
  return <DataTable columns={columns} rows={rows} rowKey={(path) => path.id} caption="Paths by size. Enter on a row filters by it." onPick={pick} />;
}
