"""One row per group (top-N and the remainder), or totals only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from weft.model.views import ChartSpec
from weft.query.answer.body import (
    Body,
    Totals,
    before,
    cell_values,
    choose_keys,
    extra_measures,
    keys_of,
    named,
    sum_names,
    title,
    total_values,
    view_columns,
    whole,
)
from weft.query.answer.groups import Key
from weft.query.answer.naming import Naming
from weft.query.answer.runner import Runner
from weft.query.compile.ask import Ask
from weft.query.compile.statements import Compiler, Fold, Window, aggregates_for


def table_view(ask: Ask, runner: Runner, naming: Naming) -> Body:
    """Top groups by the first measure."""
    if not ask.by:
        return stat_view(ask, runner)
    compiler = runner.compiler(ask.additive if ask.additive.measures else ask, bucketed=False)
    keys, sums, everything = _ranked(ask, runner, compiler)
    _merge(sums, extra_measures(ask, runner, whole(ask), keys))
    previous: dict[Key | None, Totals] = {}
    if ask.shift:
        previous = _sums(ask, runner, compiler, before(ask), keys)
        _merge(previous, extra_measures(ask, runner, before(ask), keys))
    naming.learn(ask.by, keys)
    unit = ask.measures[0].unit
    body = Body(view_columns(ask), [], unit, ChartSpec(kind="table", title=title(ask), unit=unit))
    order: list[Key | None] = [*keys]
    if ask.query.other and (None in sums or None in previous):
        body.other = len(order)
        order.append(None)
    empty: Totals = dict.fromkeys([*sum_names(ask.measures), *(m.name for m in ask.measures if not m.additive)], 0)
    for key in order:
        row = [*named(ask.by, naming, key), *cell_values(ask, empty | sums.get(key, {}), ask.grid.seconds)]
        if ask.shift:
            row += cell_values(ask, empty | previous.get(key, {}), ask.grid.step * ask.grid.count)
        body.rows.append(row)
    body.totals = total_values(ask, everything)
    return body


def stat_view(ask: Ask, runner: Runner) -> Body:
    """Each measure over everything that matches."""
    plain = replace(ask, by=())
    compiler = runner.compiler(plain.additive if plain.additive.measures else plain, bucketed=False)
    unit = ask.measures[0].unit
    body = Body(view_columns(plain), [], unit, ChartSpec(kind="stat", title=title(plain), unit=unit))
    empty: Totals = dict.fromkeys([*sum_names(ask.measures), *(m.name for m in ask.measures if not m.additive)], 0)
    now = empty | _stat(plain, runner, compiler, whole(plain))
    row = cell_values(plain, now, plain.grid.seconds)
    if plain.shift:
        row += cell_values(
            plain, empty | _stat(plain, runner, compiler, before(plain)), plain.grid.step * plain.grid.count
        )
    body.rows.append(list(row))
    body.totals = total_values(plain, now)
    return body


def _stat(ask: Ask, runner: Runner, compiler: Compiler, window: Window) -> Totals:
    out: Totals = {}
    aggregates = aggregates_for(ask.additive.measures)
    if aggregates:
        table = runner.run(compiler.folded(window, aggregates, (), None))
        out = {a.name.removeprefix("sum_"): table[a.name][0].as_py() for a in aggregates}
    return out | extra_measures(ask, runner, window, [()]).get((), {})


def _merge(into: dict[Key | None, Totals], extra: dict[Key | None, Totals]) -> None:
    for key, totals in extra.items():
        into[key] = into.get(key, {}) | totals


def _ranked(ask: Ask, runner: Runner, compiler: Compiler) -> tuple[list[Key], dict[Key | None, Totals], Totals]:
    """Top keys, their sums and the remainder's (under None), and the sums of everything."""
    measure, top = ask.measures[0], ask.query.top
    if ask.query.rank != "average" or not measure.additive:
        keys = choose_keys(ask, runner, top)
        sums = _sums(ask, runner, compiler, whole(ask), keys)
        names = sum_names(ask.additive.measures)
        everything: Totals = {n: sum(int(t.get(n) or 0) for t in sums.values()) for n in names}
        return keys, sums, everything
    aggregates = aggregates_for(ask.additive.measures)
    table = runner.run(compiler.ranked(whole(ask), measure, aggregates, top + 1, totals=True))
    keys = keys_of(table, ask.by)[:top]
    names = [a.name.removeprefix("sum_") for a in aggregates]
    columns: dict[str, list[Any]] = {n: table[f"sum_{n}"].to_pylist() for n in names}
    found: dict[Key | None, Totals] = {key: {n: columns[n][i] for n in names} for i, key in enumerate(keys)}
    everything = {n: table[f"all_sum_{n}"][0].as_py() if table.num_rows else 0 for n in names}
    if table.num_rows > top:
        found[None] = {n: int(everything[n] or 0) - sum(columns[n][:top]) for n in names}
    return keys, found, everything


def _sums(
    ask: Ask, runner: Runner, compiler: Compiler, window: Window, keys: Sequence[Key]
) -> dict[Key | None, Totals]:
    """Sums of the chosen groups and, if anything is left, of the remainder."""
    aggregates = aggregates_for(ask.additive.measures)
    if not aggregates:
        return {}
    table = runner.run(compiler.folded(window, aggregates, ask.by, Fold(keys)))
    inside = table["top"].to_pylist()
    out: dict[Key | None, Totals] = {}
    for row, (key, top) in enumerate(zip(keys_of(table, ask.by), inside, strict=True)):
        out[key if top else None] = {a.name.removeprefix("sum_"): table[a.name][row].as_py() for a in aggregates}
    return out
