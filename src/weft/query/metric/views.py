"""Answers about metrics: a table, totals, or a series per group, each figure worked out over series by the store.

A bucket in which no series of a group had a sample is a gap (None), not zero: a device not polled says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from weft.model.views import ChartSpec, Series
from weft.query.answer.body import Body, before, keys_of, named, title, view_columns, whole
from weft.query.answer.groups import Key
from weft.query.answer.naming import OTHER, Naming
from weft.query.answer.pulse import Known
from weft.query.answer.runner import Runner
from weft.query.compile.ask import Ask
from weft.query.compile.source import Source
from weft.query.compile.statements import Fold, Window
from weft.query.metric.measures import SLOT_S, MetricMeasure, advice
from weft.query.metric.statements import MetricCompiler

#: Groups that are fetched to be ranked here; more are ranked in the store.
MAX_GROUPS = 20_000

#: Values of the measures of each group; None is the key of the remainder.
Values = dict[Key | None, list[float | None]]
Lines = dict[Key | None, list[float | None]]


def metric_view(ask: Ask, runner: Runner, naming: Naming, known: Known) -> Body:
    """The answer to a ``series``, ``table`` or ``stat`` question."""
    if ask.query.view == "stat":
        ask = replace(ask, by=())
    compiler = MetricCompiler(ask, known.several)
    runner.source = Source(ask.dataset.table.name, 0)
    if note := advice(ask.dataset, ask.by, ask.measures, ask.filter):
        runner.note(note)
    if not compiler.one_source:
        runner.note("several sources report the same: in each bucket the one with most samples counts")
    drawn = ask.query.view == "series"
    keys, now = _ranked(ask, runner, compiler)
    earlier = _figures(ask, runner, compiler, before(ask), keys) if ask.shift else {}
    lines = _lines(ask, runner, compiler, whole(ask, ask.grid.step), keys) if drawn else {}
    lines_before = _lines(ask, runner, compiler, before(ask, ask.grid.step), keys) if drawn and ask.shift else {}
    naming.learn(ask.by, keys)
    body = _body(ask)
    order: list[Key | None] = [*keys]
    rest = [found[None] for found in (now, earlier, lines, lines_before) if None in found]
    if ask.by and ask.query.other and any(value is not None for values in rest for value in values):
        body.other = len(order)
        order.append(None)
    nothing: list[float | None] = [None] * len(ask.measures)
    for key in order:
        cells = named(ask.by, naming, key) if ask.by else []
        body.rows.append([*cells, *now.get(key, nothing), *(earlier.get(key, nothing) if ask.shift else ())])
        if drawn:
            body.series.append(_series(ask, naming, key, cells, lines, lines_before))
    body.totals = _totals(ask, now)
    return body


def _ranked(ask: Ask, runner: Runner, compiler: MetricCompiler) -> tuple[list[Key], Values]:
    """The chosen groups in order, and the measures of each and of the remainder.

    Where the groups are few, all are fetched and ranked here, so that one scan does for all of it.
    """
    measures = _metric(ask)
    if not ask.by:
        return [()], _figures(ask, runner, compiler, whole(ask), [()])
    if ask.query.rank == "average" and not any(_slotted(ask, m) for m in measures):
        table = runner.run(compiler.groups(whole(ask), measures, MAX_GROUPS + 1))
        if table.num_rows <= MAX_GROUPS:
            return _rank_here(ask, runner, compiler, table)
        runner.statements.pop()
    keys = _top(ask, runner, compiler)
    return keys, _figures(ask, runner, compiler, whole(ask), keys)


def _rank_here(ask: Ask, runner: Runner, compiler: MetricCompiler, table: pa.Table) -> tuple[list[Key], Values]:
    measures = _metric(ask)
    columns = [[_scaled(m, value) for value in table[m.name].to_pylist()] for m in measures]
    rows = list(zip(keys_of(table, ask.by), zip(*columns, strict=True), strict=True))
    ranked = sorted((r for r in rows if r[1][0] is not None), key=lambda r: (-r[1][0], r[0]))
    shown = ranked[: ask.query.top]
    found: Values = {key: list(values) for key, values in shown}
    if len(shown) == len(rows):
        return [key for key, _ in shown], found
    rest: list[float | None] = [None] * len(measures)
    for i, m in enumerate(measures):
        parts = [values[i] for key, values in rows if key not in found and values[i] is not None]
        rest[i] = math.fsum(parts) if m.stacks and parts else None
    keys = [key for key, _ in shown]
    if folded := [m for m in measures if not m.stacks]:
        other = _figures(ask, runner, compiler, whole(ask), keys, folded).get(None, [])
        for m, value in zip(folded, other, strict=False):
            rest[measures.index(m)] = value
    return keys, found | {None: rest}


def _body(ask: Ask) -> Body:
    measure = ask.measures[0]
    stacks = isinstance(measure, MetricMeasure) and measure.stacks
    kinds: dict[str, Any] = {"series": "stacked" if stacks else "lines", "table": "table" if ask.by else "stat"}
    chart = ChartSpec(kind=kinds.get(ask.query.view, "stat"), title=title(ask), unit=measure.unit)
    return Body(view_columns(ask), [], measure.unit, chart)


def _series(
    ask: Ask, naming: Naming, key: Key | None, cells: Sequence[Any], lines: Lines, lines_before: Lines
) -> Series:
    nothing: list[float | None] = [None] * ask.grid.count
    return Series(
        key=[OTHER] if key is None else list(cells),
        label=OTHER if key is None else naming.label(ask.by, cells) or ask.measures[0].title,
        values=lines.get(key, nothing),
        previous=lines_before.get(key, nothing) if ask.shift else None,
        other=key is None,
    )


def _metric(ask: Ask) -> list[MetricMeasure]:
    return [m for m in ask.measures if isinstance(m, MetricMeasure)]


def _top(ask: Ask, runner: Runner, compiler: MetricCompiler) -> list[Key]:
    """The groups with the largest first measure, in order."""
    measure, grid, limit = _metric(ask)[0], ask.grid, ask.query.top
    if ask.query.rank == "max":
        statement = compiler.ranked(whole(ask, grid.step), measure, limit)
    elif ask.query.rank == "last":
        statement = compiler.ranked(Window(grid.end - grid.step, grid.end), measure, limit)
    elif _slotted(ask, measure):
        statement = compiler.percentile(whole(ask), measure, ask.by, None, limit)
    else:
        statement = compiler.ranked(whole(ask), measure, limit)
    return keys_of(runner.run(statement), ask.by)


def _slotted(ask: Ask, measure: MetricMeasure) -> bool:
    """Whether it is a percentile of slots, and the window has some."""
    return measure.name == "p95_bps" and ask.grid.seconds >= 2 * SLOT_S


def _figures(
    ask: Ask,
    runner: Runner,
    compiler: MetricCompiler,
    window: Window,
    keys: Sequence[Key],
    only: Sequence[MetricMeasure] = (),
) -> Values:
    """Every measure (or ``only`` some) of the chosen groups and (under None) of the remainder over a window."""
    fold = Fold(keys) if ask.by else None
    out: Values = {}
    measures = only or _metric(ask)
    plain = [m for m in measures if not _slotted(ask, m)]
    tables = [(plain, compiler.statement(window, plain, ask.by, fold))] if plain else []
    tables += [([m], compiler.percentile(window, m, ask.by, fold)) for m in measures if m not in plain]
    for some, statement in tables:
        table = runner.run(statement)
        inside = table["top"].to_pylist() if fold is not None else [1] * table.num_rows
        for row, (key, top) in enumerate(zip(keys_of(table, ask.by), inside, strict=True)):
            entry = out.setdefault(key if top else None, [None] * len(measures))
            for m in some:
                entry[measures.index(m)] = _scaled(m, table[m.name][row].as_py())
    return out


def _scaled(measure: MetricMeasure, value: Any) -> float | None:
    if value is None or math.isnan(value):
        return None
    scaled: float = value * measure.scale if measure.scale != 1.0 else value
    return scaled


def _lines(ask: Ask, runner: Runner, compiler: MetricCompiler, window: Window, keys: Sequence[Key]) -> Lines:
    """The first measure per bucket of the chosen groups and of the remainder."""
    measure = _metric(ask)[0]
    fold = Fold(keys) if ask.by else None
    table = runner.run(compiler.statement(window, [measure], ask.by, fold))
    inside = table["top"].to_pylist() if fold is not None else [1] * table.num_rows
    out: Lines = {}
    buckets: list[Any] = table["bucket"].to_pylist()
    values: list[Any] = table[measure.name].to_pylist()
    for key, top, bucket, value in zip(keys_of(table, ask.by), inside, buckets, values, strict=True):
        line = out.setdefault(key if top else None, [None] * ask.grid.count)
        if 0 <= bucket < ask.grid.count:
            line[bucket] = _scaled(measure, value)
    return out


def _totals(ask: Ask, now: Values) -> dict[str, float | None]:
    """Every measure of all that matched, as far as groups add up to it."""
    measures = _metric(ask)
    if not ask.by:
        return dict(zip((m.name for m in measures), now.get((), [None] * len(measures)), strict=True))
    out: dict[str, float | None] = {}
    for i, m in enumerate(measures):
        parts = [v for row in now.values() if (v := row[i]) is not None]
        out[m.name] = math.fsum(parts) if m.stacks and parts else None
    return out
