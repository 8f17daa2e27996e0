"""One measure of all groups over a regular grid, as a matrix: what detection is fed with and forecasts are made of.

Straight from Arrow columns into numpy, for 100 000 groups and more. Rates of counters are exact, as in every answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.errors import InvalidInput, LimitExceeded
from weft.model.tables import Kind
from weft.query.answer.body import key_columns, whole
from weft.query.answer.groups import column, groups
from weft.query.answer.runner import Runner
from weft.query.catalogue import Dimension
from weft.query.compile.ask import Ask
from weft.query.compile.sql import Statement, select, subquery
from weft.query.compile.statements import Window, aggregates_for, key_names
from weft.query.measures import Measure
from weft.query.metric.measures import MetricMeasure
from weft.query.metric.statements import MetricCompiler
from weft.query.names import address_cell, cell_text

#: Values (groups × buckets) that one answer may have.
MOST_CELLS = 32_000_000
#: Key of ``Matrix.heard`` for all senders together.
ANYBODY = ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """``values``: float64 [groups, buckets]; not a number = nothing came in that bucket. Times are UTC seconds.

    ``keys``: a text per dimension of ``by`` and group, as filters write it; an interface as ``address|ifIndex``.
    ``kinds``: which of them are an ``exporter`` (an address), an ``interface`` or neither (empty). ``heard``: in which
    buckets rows came, by address of the sender (``ANYBODY``: of all); where they did, a group without rows counts as
    zero if ``absent_is_zero``. ``left_out``: there were more groups than were asked for (the smallest are left out).
    """

    by: tuple[str, ...]
    kinds: tuple[str, ...]
    keys: list[tuple[str, ...]]
    times_s: NDArray[np.int64]
    values: NDArray[np.float64]
    step_s: int
    unit: str
    absent_is_zero: bool
    heard: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    left_out: bool = False

    def sender(self, key: Sequence[str]) -> str:
        """Who tells of a group, a key of ``heard``; of groups of many senders: anybody."""
        sender = ANYBODY
        for kind, text in zip(self.kinds, key, strict=True):
            if kind:
                sender = text.partition("|")[0]
        return sender


def read_matrix(ask: Ask, runner: Runner, most: int) -> Matrix:
    """The first measure of ``ask`` of at most ``most`` groups over its grid. Raises what ``QueryEngine.run`` raises."""
    measure, grid = ask.measures[0], ask.grid
    if measure.form == "percentile" or measure.name == "p95_bps":
        raise InvalidInput(f"{measure.name} is of a whole window, not of buckets", where="measures")
    table, left_out = _rows(ask, runner, most)
    found = groups(table, key_columns(ask.by)) if ask.by else None
    count = found.count if found is not None else 1
    _check_size(count, grid.count)
    values = np.full((count, grid.count), np.nan)
    buckets = column(table, "bucket").astype(np.int64)
    inside = (buckets >= 0) & (buckets < grid.count)
    codes = found.codes if found is not None else np.zeros(table.num_rows, np.int64)
    values[codes[inside], buckets[inside]] = _measured(ask, measure, table)[inside]
    first = found.first if found is not None else np.empty(0, np.int64)
    keys: list[tuple[str, ...]] = _texts(ask.by, table, first) if ask.by else [()]
    zero = measure.form in ("rate", "sum", "unique")
    kinds = tuple(_kind(d) for d in ask.by)
    times = grid.start + grid.step * np.arange(grid.count, dtype=np.int64)
    names = tuple(d.name for d in ask.by)
    heard = _heard(ask, runner, any(kinds)) if zero else {}
    made = Matrix(names, kinds, keys, times, values, grid.step, measure.unit, zero, heard, left_out)
    return made if not zero else _zeros(made)


def _check_size(count: int, buckets: int) -> None:
    if count * buckets > MOST_CELLS:
        raise LimitExceeded(
            f"{count} groups × {buckets} buckets are too many", where="query", fix="Ask for fewer buckets at a time."
        )


def _kind(dimension: Dimension) -> str:
    if dimension.kind is Kind.INTERFACE and dimension.dictionary is None:
        return "interface"
    return "exporter" if dimension.name == "exporter" else ""


def _rows(ask: Ask, runner: Runner, most: int) -> tuple[pa.Table, bool]:
    """A row per group and bucket, of at most ``most`` groups, and whether there were more."""
    window = whole(ask, ask.grid.step)
    statement = _grouped(ask, runner, window)
    limit = min(most * ask.grid.count, MOST_CELLS)
    table = runner.run(Statement(f"{statement.sql}\nLIMIT {limit + 1}", statement.parameters))
    if not ask.by:
        return table, False
    if table.num_rows > limit and limit == MOST_CELLS:
        _check_size(-(-table.num_rows // ask.grid.count), ask.grid.count)
    distinct = groups(table, key_columns(ask.by)).count if table.num_rows <= limit else most + 1
    if distinct <= most:
        return table, False
    names = [n for d in ask.by for n in key_names(d)]
    largest = select(names, subquery(_ranked(ask, runner, most).sql, "w"))
    # The alias keeps the outer names apart from those of the ranking.
    where = f"({', '.join(f'm.{n}' for n in names)}) IN (\n{largest}\n)"
    some = select(["m.*"], subquery(statement.sql, "m"), where=where)
    return runner.run(Statement(some, statement.parameters)), True


def _grouped(ask: Ask, runner: Runner, window: Window) -> Statement:
    measure = ask.measures[0]
    if isinstance(measure, MetricMeasure):
        return MetricCompiler(ask).statement(window, [measure], ask.by)
    return runner.compiler(ask, bucketed=True).folded(window, aggregates_for([measure]), ask.by, None)


def _ranked(ask: Ask, runner: Runner, most: int) -> Statement:
    measure = ask.measures[0]
    if isinstance(measure, MetricMeasure):
        return MetricCompiler(ask).ranked(whole(ask), measure, most)
    compiler = runner.compiler(ask, bucketed=True)
    return compiler.ranked(whole(ask), measure, aggregates_for([measure]), most, totals=False)


def _measured(ask: Ask, measure: Measure, table: pa.Table) -> NDArray[np.float64]:
    """The measure of each row."""

    def numbers(name: str) -> NDArray[np.float64]:
        found: NDArray[np.float64] = column(table, name).astype(np.float64)
        return found

    if isinstance(measure, MetricMeasure) or measure.form == "unique":
        return numbers(measure.name) * measure.scale
    first = numbers(f"sum_{measure.sums[0]}") * measure.scale
    if measure.form == "rate":
        return first / ask.grid.step
    if measure.form == "ratio":
        second = numbers(f"sum_{measure.sums[1]}")
        out: NDArray[np.float64] = np.divide(first, second, out=np.full(len(first), np.nan), where=second != 0)
        return out
    return first


def _texts(by: Sequence[Dimension], table: pa.Table, first: NDArray[np.int64]) -> list[tuple[str, ...]]:
    """The key of each group as texts; each distinct value is put into words once."""
    rows: Any = table.take(first)
    columns: list[list[str]] = []
    for d in by:
        *sender, last = key_names(d)
        values: list[Any] = rows[last].to_pylist()
        if _kind(d) == "interface":
            known = {a: address_cell(a) for a in set(rows[sender[0]].to_pylist())}
            addresses: list[Any] = rows[sender[0]].to_pylist()
            columns.append([f"{known[a]}|{index}" for a, index in zip(addresses, values, strict=True)])
        else:
            words = {value: cell_text(d, value) for value in set(values)}
            columns.append([words[value] for value in values])
    return list(zip(*columns, strict=True))


def _heard(ask: Ask, runner: Runner, by_sender: bool) -> dict[str, NDArray[np.bool_]]:
    """In which buckets rows came, whatever they tell: of each sender, and of any."""
    dimension = ask.dataset.dimensions.get("exporter") if by_sender else None
    by = () if dimension is None else (dimension,)
    anything = replace(ask, by=by, measures=(), filter=None, changes={})
    compiler = runner.compiler(anything, bucketed=True, main=False)
    table = runner.run(compiler.folded(whole(ask, ask.grid.step), (), by, None), shown=False)
    buckets = column(table, "bucket").astype(np.int64)
    senders: Iterable[Any] = table["by_exporter"].to_pylist() if by else itertools.repeat(b"", len(buckets))
    found: dict[str, NDArray[np.bool_]] = {ANYBODY: np.zeros(ask.grid.count, np.bool_)}
    for sender, bucket in zip(senders, buckets.tolist(), strict=True):
        if 0 <= bucket < ask.grid.count:
            found[ANYBODY][bucket] = True
            if by:
                heard = found.setdefault(address_cell(sender), np.zeros(ask.grid.count, np.bool_))
                heard[bucket] = True
    return found


def _zeros(matrix: Matrix) -> Matrix:
    """Zero where a group's sender was heard but nothing of the group came."""
    values = matrix.values
    lines: dict[str, list[int]] = {}
    for line, key in enumerate(matrix.keys):
        lines.setdefault(matrix.sender(key), []).append(line)
    for sender, some in lines.items():
        heard = matrix.heard.get(sender)
        if heard is not None:
            part = values[some]
            part[np.isnan(part) & heard[None, :]] = 0.0
            values[some] = part
    return matrix
