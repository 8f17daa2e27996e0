"""Answers about metrics: a table, totals, or a series per group, each figure worked out over series by the store.

A bucket in which no series of a group had a sample is a gap (None), not zero: a device not polled says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from weft.model.views import ChartSpec, Series
from weft.query.answer.body import Body, before, keys_of, named, title, view_columns, whole
from weft.query.answer.groups import Key
from weft.query.answer.naming import OTHER, Naming
from weft.query.answer.runner import Runner
from weft.query.compile.ask import Ask
from weft.query.compile.source import Source
from weft.query.compile.statements import Fold, Window
from weft.query.metric.measures import SLOT_S, MetricMeasure, advice
from weft.query.metric.statements import MetricCompiler

#: Values of the measures of each group; None is the key of the remainder.
Values = dict[Key | None, list[float | None]]
Lines = dict[Key | None, list[float | None]]


def metric_view(ask: Ask, runner: Runner, naming: Naming) -> Body:
    """The answer to a ``series``, ``table`` or ``stat`` question."""
    if ask.query.view == "stat":
        ask = replace(ask, by=())
    compiler = MetricCompiler(ask)
    runner.source = Source(ask.dataset.table.name, 0)
    if note := advice(ask.dataset, ask.by, ask.measures, ask.filter):
        runner.note(note)
    drawn = ask.query.view == "series"
    keys = _top(ask, runner, compiler) if ask.by else [()]
    now = _figures(ask, runner, compiler, whole(ask), keys)
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
    body.totals = _totals(ask, runner, compiler, now)
    return body


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


def _figures(ask: Ask, runner: Runner, compiler: MetricCompiler, window: Window, keys: Sequence[Key]) -> Values:
    """Every measure of the chosen groups and (under None) of the remainder over a window."""
    fold = Fold(keys) if ask.by else None
    out: Values = {}
    measures = _metric(ask)
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


def _totals(ask: Ask, runner: Runner, compiler: MetricCompiler, now: Values) -> dict[str, float | None]:
    """Every measure of all that matched: what adds up is added up, the rest is asked for."""
    measures = _metric(ask)
    if not ask.by or set(now) <= {None}:
        figures = next(iter(now.values()), [None] * len(measures))
        return dict(zip((m.name for m in measures), figures, strict=True))
    out: dict[str, float | None] = {}
    for i, m in enumerate(measures):
        parts = [v for row in now.values() if (v := row[i]) is not None]
        out[m.name] = sum(parts) if m.stacks and parts else None
    if None not in now and len(now) == 1:
        return dict(zip(out, next(iter(now.values())), strict=True))
    rest = [m for m in measures if not m.stacks]
    if rest and not any(_slotted(ask, m) for m in rest):
        table = runner.run(compiler.statement(whole(ask), rest, ()), shown=False)
        for m in rest if table.num_rows else ():
            out[m.name] = _scaled(m, table[m.name][0].as_py())
    return out
