"""Links between two to five dimensions, each with its own top values and its own remainder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from weft.errors import InvalidInput
from weft.model.views import ChartSpec
from weft.query.answer.body import (
    MAX_ROWS,
    Body,
    Totals,
    cell_values,
    choose_keys,
    key_columns,
    keys_of,
    rank_values,
    sum_names,
    title,
    view_columns,
    whole,
)
from weft.query.answer.groups import Key, column, groups
from weft.query.answer.naming import OTHER, Naming
from weft.query.answer.runner import Runner
from weft.query.catalogue import Dimension
from weft.query.compile.ask import Ask
from weft.query.compile.sql import Statement
from weft.query.compile.statements import Compiler, Fold, aggregates_for, key_names

#: A path through the diagram: the key of each level, None = that level's remainder.
Path = tuple[Key | None, ...]


def sankey_view(ask: Ask, runner: Runner, naming: Naming) -> Body:
    """Paths and the links they add up to."""
    measure = ask.measures[0]
    if not 2 <= len(ask.by) <= 5:
        raise InvalidInput("a Sankey diagram needs 2 to 5 dimensions", where="by", fix="for example src_site, dst_site")
    if measure.form not in ("rate", "sum") or any(not m.additive for m in ask.measures):
        raise InvalidInput(
            "a Sankey diagram needs measures that add up", where="measures", fix="use bps, pps, bytes or flows"
        )
    compiler = runner.compiler(ask, bucketed=False)
    paths = _paths(ask, runner, compiler)
    for i, d in enumerate(ask.by):
        naming.learn((d,), {path[i] for path in paths if path[i] is not None})  # type: ignore[misc]
    body = Body(
        view_columns(replace(ask, shift=0)),
        [],
        measure.unit,
        ChartSpec(kind="sankey", title=title(ask), unit=measure.unit),
    )
    named = [(_cells(ask.by, naming, path), sums) for path, sums in paths.items()]
    named.sort(key=lambda item: (-(item[1][measure.sums[0]] or 0), [str(c) for c in item[0]]))
    links: dict[tuple[int, str, str], float] = {}
    for cells, sums in named:
        values = cell_values(ask, sums, ask.grid.seconds)
        body.rows.append([*cells, *values])
        for level in range(len(cells) - 1):
            link = (level, cells[level], cells[level + 1])
            links[link] = links.get(link, 0) + (sums[measure.sums[0]] or 0)
    for (level, source, target), total in links.items():
        value = measure.value({measure.sums[0]: total}, ask.grid.seconds)
        body.links.append((level, source, target, value or 0.0))
    everything: Totals = {n: sum(int(s[n] or 0) for s in paths.values()) for n in sum_names(ask.measures)}
    body.totals = dict(zip((m.name for m in ask.measures), cell_values(ask, everything, ask.grid.seconds), strict=True))
    return body


def _cells(by: Sequence[Dimension], naming: Naming, path: Path) -> list[str]:
    return [OTHER if key is None else naming.cells((d,), key)[0] for d, key in zip(by, path, strict=True)]


def _paths(ask: Ask, runner: Runner, compiler: Compiler) -> dict[Path, Totals]:
    """Sums per path, with all but the top values of each level folded into its remainder."""
    aggregates = aggregates_for(ask.measures)
    statement = compiler.folded(whole(ask), aggregates, ask.by, None)
    table = runner.run(Statement(f"{statement.sql}\nLIMIT {MAX_ROWS + 1}", statement.parameters))
    if table.num_rows > MAX_ROWS:
        runner.statements.pop()
        return _paths_in_store(ask, runner, compiler)
    levels = []
    for d in ask.by:
        found = groups(table, key_names(d))
        rank = rank_values(ask.measures[0], {n: found.total(f"sum_{n}") for n in ask.measures[0].sums})
        chosen = found.order(rank, ask.query.top)
        line = np.full(found.count, len(chosen), np.int64)
        line[chosen] = np.arange(len(chosen))
        levels.append((line[found.codes], [*(found.key(g) for g in chosen), None]))
    codes = np.stack([codes for codes, _ in levels], axis=1) if table.num_rows else np.zeros((0, len(levels)), np.int64)
    distinct, inverse = np.unique(codes, axis=0, return_inverse=True)
    sums: dict[str, Any] = {}
    for name in sum_names(ask.measures):
        sums[name] = np.zeros(len(distinct), np.uint64)
        np.add.at(sums[name], inverse.ravel(), column(table, f"sum_{name}").astype(np.uint64, copy=False))
    return {
        tuple(levels[i][1][code] for i, code in enumerate(row)): {n: int(s[p]) for n, s in sums.items()}
        for p, row in enumerate(distinct.tolist())
    }


def _paths_in_store(ask: Ask, runner: Runner, compiler: Compiler) -> dict[Path, Totals]:
    tops = [tuple(choose_keys(replace(ask, by=(d,)), runner, ask.query.top)) for d in ask.by]
    aggregates = aggregates_for(ask.measures)
    table = runner.run(compiler.folded(whole(ask), aggregates, ask.by, Fold(tops, joint=False)))
    inside = [table[f"top_{d.name}"].to_pylist() for d in ask.by]
    out: dict[Path, Totals] = {}
    widths = [len(key_names(d)) for d in ask.by]
    for row, flat in enumerate(keys_of(table, ask.by)):
        path: list[Key | None] = []
        at = 0
        for level, width in enumerate(widths):
            path.append(flat[at : at + width] if inside[level][row] else None)
            at += width
        out[tuple(path)] = {a.name.removeprefix("sum_"): table[a.name][row].as_py() for a in aggregates}
    return out


__all__ = ["key_columns", "sankey_view"]
