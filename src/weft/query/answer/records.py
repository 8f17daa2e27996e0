"""Raw records, newest or largest first."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from weft.errors import InvalidInput
from weft.model.tables import Column, Kind
from weft.model.views import ChartSpec, ViewColumn
from weft.query.answer.body import Body, key_columns, keys_of, whole
from weft.query.answer.naming import Naming
from weft.query.answer.runner import Runner
from weft.query.catalogue import Dimension
from weft.query.compile.ask import Ask
from weft.query.compile.source import Choice, Source
from weft.query.compile.sql import Statement, moment_us, select
from weft.query.compile.statements import Compiler, key_names
from weft.query.filter.search import terms
from weft.query.filter.tree import And, Compare, Node, Or
from weft.query.times import MAX_TIME


def records_view(ask: Ask, runner: Runner, naming: Naming) -> Body:
    """Rows of the raw table with their measures as stored."""
    table = ask.dataset.table
    by: Sequence[Dimension] = ask.by or [ask.dataset.dimensions[n] for n in ask.dataset.records]
    runner.source = Source(table.name, 0)
    compiler = Compiler(ask, Choice(runner.source))
    columns = [f"{sql} AS {name}" for d in by for name, sql in zip(key_names(d), compiler.row_values(d), strict=True)]
    times = [c for c in table.columns if c.kind is Kind.TIMESTAMP]
    counts = [c.name for c in table.measures]
    where, skip = compiler.condition(whole(ask)), 0
    if ask.query.before is not None:
        at, skip = _read_cursor(ask.query.before)
        where += f"\n  AND {table.time.name} <= {moment_us(at)}"
    order = [f"{table.time.name} DESC", *(f"{table.name}.{column}" for column in ask.dataset.ties)]
    if ask.query.order == "bytes":
        order = ["bytes * greatest(sampling_rate, 1) DESC"]
    sql = select(
        [*(c.name for c in times), *columns, *counts], table.name, where=where, order_by=order, limit=ask.query.limit
    )
    sql += f" OFFSET {skip}" if skip else ""
    result = runner.run(Statement(sql, compiler.parameters), rows=ask.query.limit)
    keys = keys_of(result.select(key_columns(by)), by)
    naming.learn(by, set(keys))
    head = [ViewColumn(name=c.name, title=_title(c.name), kind=Kind.TIMESTAMP) for c in times]
    head += [ViewColumn(name=d.name, title=d.title, kind=d.kind, unit=d.unit) for d in by]
    head += [ViewColumn(name=c.name, title=_title(c.name), kind="measure", unit=c.unit) for c in table.measures]
    moments = [[_iso(c, t, table.time) for t in result[c.name].to_pylist()] for c in times]
    numbers = [[_finite(n) for n in result[c].to_pylist()] for c in counts]
    rows: list[list[Any]] = [
        [*(m[i] for m in moments), *naming.cells(by, key), *(n[i] for n in numbers)] for i, key in enumerate(keys)
    ]
    body = Body(head, rows, "", ChartSpec(kind="table", title="Records"), highlight=searched(ask.filter))
    if len(rows) == ask.query.limit:
        runner.note(f"only the first {len(rows):,} records are shown")
        if ask.dataset.ties:
            body.next_before = _cursor(result[table.time.name].to_pylist(), ask.query.before)
    return body


def _cursor(times: Sequence[Any], before: str | None) -> str:
    """Where the records after these begin: the time of the last one, and how many of that very time were shown."""
    stamps = [_microseconds(t) for t in times]
    shown = sum(1 for stamp in stamps if stamp == stamps[-1])
    if before is not None and (at := _read_cursor(before))[0] == stamps[-1]:
        shown += at[1]
    return f"{stamps[-1]}:{shown}"


def _read_cursor(text: str) -> tuple[int, int]:
    """UTC microseconds, and how many records of that time to leave out. Raises InvalidInput."""
    match = re.fullmatch(r"(\d{1,16}):(\d{1,6})", text)
    if not match or int(match[1]) >= MAX_TIME * 10**6:
        raise InvalidInput("not a place to go on from", where="before", fix="use next_before of the answer before")
    return int(match[1]), int(match[2])


def _microseconds(value: datetime) -> int:
    """Exactly: a float would round."""
    return (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def searched(node: Node | None) -> list[str]:
    """What the filter asks for in texts, to be marked where it was found; not what it excludes."""
    found: list[str] = []
    nodes = [node] if node is not None else []
    while nodes:
        one = nodes.pop()
        if isinstance(one, And | Or):
            nodes.extend(one.items)
        elif isinstance(one, Compare) and one.operator == "~":
            found += [term.rstrip("*") for term in terms(str(one.values[0]))]
        elif isinstance(one, Compare) and one.operator in ("LIKE", "ILIKE"):
            found += [part for part in re.split(r"[%_]+", str(one.values[0])) if part]
    return sorted(set(found), key=lambda term: (-len(term), term))


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _iso(column: Column, value: Any, axis: Column) -> str | None:
    """ISO 8601 UTC, as exact as the column is; nothing where another time than the axis is absent."""
    if not isinstance(value, datetime):
        value = datetime.fromtimestamp(int(value), tz=UTC)
        return str(value.isoformat().replace("+00:00", "Z"))
    if column is not axis and not _microseconds(value):
        return None
    exact = "microseconds" if "DateTime64(6" in column.sql else "milliseconds"
    return value.astimezone(UTC).isoformat(timespec=exact).replace("+00:00", "Z")
