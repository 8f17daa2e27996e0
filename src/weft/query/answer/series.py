"""Time series per group, and the table beside them, from the same sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.model.views import ChartSpec, Series
from weft.query.answer.body import (
    MAX_ROWS,
    Body,
    Totals,
    before,
    cell_values,
    choose_keys,
    extra_measures,
    key_columns,
    keys_of,
    named,
    rank_values,
    sum_names,
    title,
    total_values,
    view_columns,
    whole,
)
from weft.query.answer.groups import Key, column, groups, spread
from weft.query.answer.naming import OTHER, Naming
from weft.query.answer.pulse import Known
from weft.query.answer.runner import Runner
from weft.query.compile.ask import Ask
from weft.query.compile.sql import Statement
from weft.query.compile.statements import Aggregate, Compiler, Fold, Window, aggregates_for
from weft.query.filter.tree import And, Compare
from weft.query.measures import Measure
from weft.query.times import Grid

Matrix = NDArray[Any]
#: How much smaller the table of the totals must be for the remainder to be worth a statement of its own.
_MUCH_SMALLER = 10
#: More groups are taken over where they come of one scan for an address and the other way would be two of them.
_SELECTIVE = 8
_ADDRESSES = frozenset({"src_addr", "dst_addr", "addr"})


@dataclass
class Lines:
    """Sums per line and bucket; the last line is the remainder. ``has_other``: something is in it."""

    keys: list[Key]
    sums: dict[str, Matrix]
    has_other: bool

    def totals(self, line: int) -> Totals:
        """Sums of one line over the window."""
        return {name: int(m[line].sum()) for name, m in self.sums.items() if m.dtype == np.uint64}


def series_view(ask: Ask, runner: Runner, naming: Naming, known: Known) -> Body:
    """One line per top group, the remainder last."""
    compiler = runner.compiler(ask.drawn, bucketed=True)
    lines = _lines(ask.drawn, runner, compiler)
    extra = extra_measures(ask, runner, whole(ask), lines.keys)
    previous: Lines | None = None
    earlier = ask.grid.shifted(ask.shift)  # its last bucket is over, unlike the one that is still running now
    extra_before: dict[Key | None, Totals] = {}
    if ask.shift:
        previous = _folded(ask.drawn, runner, compiler, before(ask, ask.grid.step), lines.keys)
        extra_before = extra_measures(ask, runner, before(ask), lines.keys)
    naming.learn(ask.by, lines.keys)
    body = Body(
        view_columns(ask),
        [],
        ask.measures[0].unit,
        ChartSpec(kind="stacked", title=title(ask), unit=ask.measures[0].unit),
    )
    order: list[Key | None] = [*lines.keys]
    if ask.by and ask.query.other and (lines.has_other or (previous is not None and previous.has_other)):
        body.other = len(order)
        order.append(None)
    for i, key in enumerate(order):
        line = len(lines.keys) if key is None else i
        cells = named(ask.by, naming, key) if ask.by else []
        row = [*cells, *cell_values(ask, lines.totals(line) | extra.get(key, {}), ask.grid.seconds)]
        if previous is not None:
            seconds = ask.grid.step * ask.grid.count
            row += cell_values(ask, previous.totals(line) | extra_before.get(key, {}), seconds)
        body.rows.append(row)
        label = OTHER if key is None else naming.label(ask.by, cells) or ask.measures[0].title
        body.series.append(
            Series(
                key=[OTHER] if key is None else cells,
                label=label,
                values=_values(ask, ask.grid, lines, line, known.now),
                previous=None if previous is None else _values(ask, earlier, previous, line, known.before),
                other=key is None,
            )
        )
    sums: Totals = {name: int(m.sum()) for name, m in lines.sums.items() if m.dtype == np.uint64}
    body.totals = total_values(ask, sums | ({} if ask.by else extra.get((), {})))
    return body


def _lines(ask: Ask, runner: Runner, compiler: Compiler) -> Lines:
    """Rank and fold: here in one pass where the grouped rows are few, else in the store in two."""
    window = whole(ask, ask.grid.step)
    measure = ask.measures[0]
    if ask.by and measure.additive and (_selective(ask) or not any(d.wide for d in ask.by)):
        aggregates = [a for a in aggregates_for(ask.measures) if a.name.startswith("sum_")]
        statement = compiler.folded(window, aggregates, ask.by, None)
        most = MAX_ROWS * _SELECTIVE if _selective(ask) else MAX_ROWS
        table = runner.run(Statement(f"{statement.sql}\nLIMIT {most + 1}", statement.parameters))
        if table.num_rows <= most:
            return _rank_here(ask, table)
        runner.statements.pop()
    keys = choose_keys(ask, runner, ask.query.top) if ask.by else [()]
    return _folded(ask, runner, compiler, window, keys)


def _selective(ask: Ask) -> bool:
    """Whether the filter names an address: few rows match, and looking for them twice would be what costs."""
    node = ask.filter
    items = node.items if isinstance(node, And) else (node,)
    return any(isinstance(i, Compare) and i.operator == "=" and i.field in _ADDRESSES for i in items)


def _rank_here(ask: Ask, table: pa.Table) -> Lines:
    """Top groups and remainder from all (bucket, group) sums."""
    grid, measure = ask.grid, ask.measures[0]
    found = groups(table, key_columns(ask.by))
    names = sum_names(ask.measures)
    buckets = column(table, "bucket").astype(np.int64)
    if ask.query.rank == "average":
        rank = rank_values(measure, {n: found.total(f"sum_{n}") for n in measure.sums})
    else:
        parts = {
            n: spread(found.codes, buckets, column(table, f"sum_{n}"), found.count, grid.count) for n in measure.sums
        }
        values = rank_values(measure, parts)
        if ask.query.rank == "last":
            rank = values[:, -1]
        else:
            if measure.form == "rate":
                values = values / np.array([grid.bucket_seconds(i) for i in range(grid.count)])
            rank = values.max(axis=1)
    chosen = found.order(rank, ask.query.top)
    line = np.full(found.count, len(chosen), np.int64)
    line[chosen] = np.arange(len(chosen))
    codes = line[found.codes]
    sums = {n: spread(codes, buckets, column(table, f"sum_{n}"), len(chosen) + 1, grid.count) for n in names}
    return Lines([found.key(g) for g in chosen], sums, found.count > len(chosen))


def _folded(ask: Ask, runner: Runner, compiler: Compiler, window: Window, keys: Sequence[Key]) -> Lines:
    """Sums of the chosen groups and the remainder.

    Where the totals can be had from a much smaller table, the remainder is what they leave over the chosen groups;
    otherwise the store folds it in the same pass.
    """
    totals = runner.compiler(replace(ask, by=()), bucketed=True, main=False)
    direct = all(d.dictionary is None for d in ask.by) and all(m.form != "unique" for m in ask.measures)
    other_table = totals.choice.base != compiler.choice.base
    if keys and direct and other_table and totals.choice.base.cost * _MUCH_SMALLER <= compiler.choice.base.cost:
        return _subtracted(ask, runner, compiler, totals, window, keys)
    unique = [m for m in ask.measures[:1] if m.form == "unique"]
    additive = [m for m in ask.measures if m.form != "unique"]
    aggregates = aggregates_for([*additive, *unique])
    table = runner.run(compiler.folded(window, aggregates, ask.by, Fold(keys) if ask.by else None))
    inside = table["top"].to_pylist() if ask.by else [1] * table.num_rows
    sums, codes = _spread(ask, table, aggregates, keys, inside)
    return Lines(list(keys), sums, bool((codes == len(keys)).any()))


def _subtracted(
    ask: Ask, runner: Runner, compiler: Compiler, totals: Compiler, window: Window, keys: Sequence[Key]
) -> Lines:
    aggregates = aggregates_for(ask.measures)
    table = runner.run(compiler.chosen(window, aggregates, keys))
    sums, _ = _spread(ask, table, aggregates, keys, [1] * table.num_rows)
    # Asked after the groups: rows that arrive in between make the remainder too large by a moment, never negative.
    everything = runner.run(totals.folded(window, aggregates, (), None))
    buckets = column(everything, "bucket").astype(np.int64)
    nought = np.zeros(len(buckets), np.int64)
    for a in aggregates:
        name = a.name.removeprefix("sum_")
        whole_sum = spread(nought, buckets, column(everything, a.name), 1, ask.grid.count)[0]
        shown = sums[name][:-1].sum(axis=0, dtype=np.uint64)
        sums[name][-1] = np.where(whole_sum > shown, whole_sum - shown, 0)
    return Lines(list(keys), sums, any(bool(m[-1].any()) for m in sums.values()))


def _spread(
    ask: Ask, table: pa.Table, aggregates: Sequence[Aggregate], keys: Sequence[Key], inside: Sequence[Any]
) -> tuple[dict[str, Matrix], NDArray[np.int64]]:
    """Sums per line and bucket, and the line of each row; rows that are not ``inside`` belong to the last line."""
    index = {key: i for i, key in enumerate(keys)}
    codes = np.array(
        [index[k] if top else len(keys) for k, top in zip(keys_of(table, ask.by), inside, strict=True)], np.int64
    )
    buckets = column(table, "bucket").astype(np.int64)
    sums = {}
    for a in aggregates:
        values = spread(codes, buckets, column(table, a.name), len(keys) + 1, ask.grid.count)
        # Counts of distinct values do not add up over buckets: as floats they stay out of the totals.
        sums[a.name.removeprefix("sum_")] = values if a.name.startswith("sum_") else values.astype(np.float64)
    return sums, codes


def _values(ask: Ask, grid: Grid, lines: Lines, line: int, known: Sequence[bool]) -> list[float | None]:
    """The first measure per bucket of ``grid``; None where nothing is known."""
    measure = ask.measures[0]
    out: list[float | None] = []
    for i in range(grid.count):
        if not known[i]:
            out.append(None)
            continue
        sums: Totals = {name: m[line, i].item() for name, m in lines.sums.items()}
        out.append(_bucket_value(measure, sums, grid.bucket_seconds(i)))
    return out


def _bucket_value(measure: Measure, sums: Totals, seconds: float) -> float | None:
    if measure.form == "percentile":  # drawn as the rate that the percentile is taken of
        total = sums[measure.sums[0]]
        return None if total is None else total * measure.scale / seconds
    return measure.value(sums, seconds)
