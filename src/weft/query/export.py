"""A view as a file: CSV for spreadsheets and people, Parquet for programs.

The columns are those of the view; a time series becomes one row per bucket and group. Text that a spreadsheet would run
as a formula is defused in CSV (OWASP, "CSV injection"); Parquet keeps everything as it is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from weft.errors import InvalidInput
from weft.model.views import ViewResult

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "|", "%")
_CHUNK = 64 * 1024


def export(result: ViewResult, form: str) -> Iterator[bytes]:
    """The file, piece by piece. ``form``: ``csv`` or ``parquet``. Raises InvalidInput."""
    names, rows = flat(result)
    if form == "csv":
        return _csv(names, rows)
    if form == "parquet":
        return iter([_parquet(result, names, list(rows))])
    raise InvalidInput(f"unknown format {form!r}", where="format", fix="use csv or parquet")


def flat(result: ViewResult) -> tuple[list[str], Iterator[list[Any]]]:
    """Column names and rows."""
    if result.grid is not None:
        return _series(result)
    return [c.name for c in result.columns], (list(row) for row in result.rows)


def _series(result: ViewResult) -> tuple[list[str], Iterator[list[Any]]]:
    assert result.grid is not None
    grid = result.grid
    by = [c.name for c in result.columns if c.kind != "measure"]
    measure = next(c.name for c in result.columns if c.kind == "measure")
    compared = any(s.previous is not None for s in result.series)
    names = ["time", *by, measure, *([f"{measure}_previous"] if compared else [])]

    def rows() -> Iterator[list[Any]]:
        for i in range(grid.count):
            time = datetime.fromtimestamp(grid.start + i * grid.step, tz=UTC)
            for s in result.series:
                key = [*s.key, *[None] * (len(by) - len(s.key))] if by else []
                row = [time, *key, s.values[i]]
                if compared:
                    row.append(s.previous[i] if s.previous else None)
                yield row

    return names, rows()


def _csv(names: Sequence[str], rows: Iterator[list[Any]]) -> Iterator[bytes]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(v) for v in row])
        if buffer.tell() > _CHUNK:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return int(value)
    return "" if value is None else value


def _parquet(result: ViewResult, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    kinds = {c.name: c.kind for c in result.columns}
    arrays: list[Any] = []
    for i, name in enumerate(names):
        values = [row[i] for row in rows]
        if name == "time" and result.grid is not None:
            arrays.append(pa.array(values, pa.timestamp("s", tz="UTC")))
        elif kinds.get(name, "measure") == "measure":
            whole = all(v is None or (isinstance(v, int) and v >= 0) for v in values)
            arrays.append(pa.array(values, pa.uint64() if whole and values else pa.float64()))
        elif kinds[name] == "timestamp":
            moments: Any = [None if v is None else datetime.fromisoformat(v) for v in values]
            exact: Literal["us", "ms"] = (
                "us" if any(v and len(v) > len("2026-11-22T10:00:00.000Z") for v in values) else "ms"
            )
            arrays.append(pa.array(moments, pa.timestamp(exact, tz="UTC")))
        else:
            arrays.append(pa.array(values, pa.string()))
    units = {f"unit:{c.name}": c.unit for c in result.columns if c.unit}
    table = pa.table(arrays, names=list(names)).replace_schema_metadata(
        dict(units) | {"weft:sql": result.provenance.sql}
    )
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()
