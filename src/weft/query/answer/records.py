"""Raw records, newest or largest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from weft.model.tables import Kind
from weft.model.views import ChartSpec, ViewColumn
from weft.query.answer.body import Body, key_columns, keys_of, whole
from weft.query.answer.naming import Naming
from weft.query.answer.runner import Runner
from weft.query.catalogue import Dimension
from weft.query.compile.ask import Ask
from weft.query.compile.source import Choice, Source
from weft.query.compile.sql import Statement, select
from weft.query.compile.statements import Compiler, key_names


def records_view(ask: Ask, runner: Runner, naming: Naming) -> Body:
    """Rows of the raw table with their bytes and packets as exported."""
    table = ask.dataset.table
    by: Sequence[Dimension] = ask.by or [ask.dataset.dimensions[n] for n in ask.dataset.records]
    runner.source = Source(table.name, 0)
    compiler = Compiler(ask, Choice(runner.source))
    columns = [f"{sql} AS {name}" for d in by for name, sql in zip(key_names(d), compiler.row_values(d), strict=True)]
    times = [c.name for c in table.columns if c.kind is Kind.TIMESTAMP]
    counts = [c.name for c in table.measures]
    order = f"{table.time.name} DESC" if ask.query.order == "time" else "bytes * greatest(sampling_rate, 1) DESC"
    sql = select(
        [*times, *columns, *counts],
        table.name,
        where=compiler.condition(whole(ask)),
        order_by=[order],
        limit=ask.query.limit,
    )
    result = runner.run(Statement(sql, compiler.parameters), rows=ask.query.limit)
    keys = keys_of(result.select(key_columns(by)), by)
    naming.learn(by, set(keys))
    head = [ViewColumn(name=c, title=_title(c), kind=Kind.TIMESTAMP) for c in times]
    head += [ViewColumn(name=d.name, title=d.title, kind=d.kind, unit=d.unit) for d in by]
    head += [ViewColumn(name=c.name, title=_title(c.name), kind="measure", unit=c.unit) for c in table.measures]
    moments = [[_iso(t) for t in result[c].to_pylist()] for c in times]
    numbers = [result[c].to_pylist() for c in counts]
    rows: list[list[Any]] = [
        [*(m[i] for m in moments), *naming.cells(by, key), *(n[i] for n in numbers)] for i, key in enumerate(keys)
    ]
    if len(rows) == ask.query.limit:
        runner.note(f"only the first {len(rows):,} records are shown")
    return Body(head, rows, "", ChartSpec(kind="table", title="Records"))


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _iso(value: Any) -> str:
    """ISO 8601 UTC, with milliseconds where the column has them."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return datetime.fromtimestamp(int(value), tz=UTC).isoformat().replace("+00:00", "Z")
