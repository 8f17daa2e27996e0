"""What every view hands to the engine, and the parts that several views share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from weft.model.views import ChartSpec, Series, ViewColumn
from weft.query.answer.groups import Key, Sums, column, groups
from weft.query.answer.naming import OTHER, Naming
from weft.query.answer.runner import Runner
from weft.query.catalogue import Dimension
from weft.query.compile.ask import Ask
from weft.query.compile.statements import Compiler, Fold, Window, aggregates_for, key_names
from weft.query.measures import Measure

#: Grouped rows that are fetched to be ranked here; more are ranked in the store, in a second pass.
MAX_ROWS = 250_000

#: Sums of one group by name (``bytes``, ``packets``, ``flows``, and measures that do not add up).
Totals = dict[str, float | None]


@dataclass
class Body:
    """A view without its provenance."""

    columns: list[ViewColumn]
    rows: list[list[Any]]
    unit: str
    chart: ChartSpec
    series: list[Series] = field(default_factory=list)
    links: list[tuple[int, str, str, float]] = field(default_factory=list)
    totals: dict[str, float | None] = field(default_factory=dict)
    other: int | None = None
    next_before: str | None = None
    highlight: list[str] = field(default_factory=list)


def view_columns(ask: Ask) -> list[ViewColumn]:
    """Dimensions, measures and, when comparing, the measures before."""
    out = [ViewColumn(name=d.name, title=d.title, kind=d.kind, unit=d.unit) for d in ask.by]
    out += [ViewColumn(name=m.name, title=m.title, kind="measure", unit=m.unit) for m in ask.measures]
    if ask.shift:
        out += [
            ViewColumn(name=f"{m.name}_previous", title=f"{m.title} before", kind="measure", unit=m.unit)
            for m in ask.measures
        ]
    return out


def title(ask: Ask) -> str:
    """``Bits per second by Source AS``."""
    by = ", ".join(d.title for d in ask.by)
    return f"{ask.measures[0].title} by {by}" if by else ask.measures[0].title


def whole(ask: Ask, bucket: int = 0) -> Window:
    """The asked window."""
    return Window(ask.grid.start, ask.grid.end, bucket)


def before(ask: Ask, bucket: int = 0) -> Window:
    """The window compared with."""
    return Window(ask.grid.start - ask.shift, ask.grid.end - ask.shift, bucket)


def slots(ask: Ask, window: Window) -> Window:
    """The window in whole percentile slots: one that is still running is left out."""
    end = (
        min(window.end, window.start + (ask.grid.until - ask.grid.start))
        if window.start == ask.grid.start
        else window.end
    )
    count = max(1, (end - window.start) // ask.slot)
    return Window(window.start, window.start + count * ask.slot, ask.slot)


def cell_values(ask: Ask, totals: Totals, seconds: float) -> list[float | None]:
    """Every measure of one group."""
    return [m.value(totals, ask.slot if m.form == "percentile" else seconds) for m in ask.measures]


def total_values(ask: Ask, sums: Totals) -> dict[str, float | None]:
    """Every measure of everything that matched; None for those that do not add up unless they were asked for."""
    known = {m.name: None for m in ask.measures if not m.additive} | sums
    return dict(zip((m.name for m in ask.measures), cell_values(ask, known, ask.grid.seconds), strict=True))


def percentile_scale(ask: Ask, value: Any) -> float | None:
    """The stored sum of a slot as a rate per second (the measure's own scale comes on top)."""
    return None if value is None else float(value) / ask.slot


def key_columns(by: Sequence[Dimension]) -> list[str]:
    """Result columns that make a group's key."""
    return [n for d in by for n in key_names(d)]


def keys_of(table: pa.Table, by: Sequence[Dimension]) -> list[Key]:
    """The key of each row."""
    return list(zip(*(table[n].to_pylist() for n in key_columns(by)), strict=True)) if by else [()] * table.num_rows


def extra_measures(ask: Ask, runner: Runner, window: Window, keys: Sequence[Key]) -> dict[Key | None, Totals]:
    """Measures that do not add up, per chosen group and (under None) for the remainder.

    Each comes from the cheapest table that can give it, which for addresses is the raw one.
    """
    out: dict[Key | None, Totals] = {}
    by, fold = ask.by, Fold(keys) if ask.by else None
    unique = [m for m in ask.measures if m.form == "unique"]
    tables = []
    if unique:
        compiler = runner.compiler(ask.only(unique), bucketed=False, main=False)
        _tell(runner, compiler, unique)
        table = runner.run(compiler.folded(window, aggregates_for(unique), by, fold))
        tables.append((unique, table))
    for m in ask.percentiles:
        compiler = runner.compiler(ask.only([m]), bucketed=False, main=False)
        _tell(runner, compiler, [m])
        tables.append(([m], runner.run(compiler.percentile(slots(ask, window), m, by, fold))))
    for measures, table in tables:
        inside = table["top"].to_pylist() if fold is not None else [1] * table.num_rows
        for row, (key, top) in enumerate(zip(keys_of(table, by), inside, strict=True)):
            entry = out.setdefault(key if top else None, {})
            for m in measures:
                value = table[m.name][row].as_py()
                entry[m.name] = percentile_scale(ask, value) if m.form == "percentile" else value
    return out


def _tell(runner: Runner, compiler: Compiler, measures: Sequence[Measure]) -> None:
    """Say so when measures come from another table than the rest of the answer."""
    if runner.source is not None and compiler.source.name != runner.source.name:
        runner.note(f"{', '.join(m.name for m in measures)} from {compiler.source.name}")


def choose_keys(ask: Ask, runner: Runner, limit: int) -> list[Key]:
    """The top groups by the first measure, in order."""
    measure, rank, grid = ask.measures[0], ask.query.rank, ask.grid
    compiler = runner.compiler(ask.only([measure]), bucketed=rank != "average", main=False)
    aggregates = aggregates_for([measure])
    if measure.form == "percentile":
        statement = compiler.percentile(slots(ask, whole(ask)), measure, ask.by, None, limit)
    elif rank == "max":
        last = grid.bucket_seconds(grid.count - 1)
        statement = compiler.highest(whole(ask, grid.step), measure, aggregates, limit, last)
    elif rank == "last":
        window = Window(grid.end - grid.step, grid.end)
        statement = compiler.ranked(window, measure, aggregates, limit, totals=False)
    else:
        statement = compiler.ranked(whole(ask), measure, aggregates, limit, totals=False)
    return keys_of(runner.run(statement), ask.by)


def rank_values(measure: Measure, sums: Mapping[str, Any]) -> Any:
    """What groups are ordered by, from their sums (numpy arrays)."""
    if measure.form == "ratio":
        over, under = (sums[name].astype(np.float64) for name in measure.sums)
        return np.divide(over, under, out=np.zeros_like(over), where=under > 0)
    return sums[measure.sums[0]]


def named(by: Sequence[Dimension], naming: Naming, key: Key | None) -> list[Any]:
    """Cells of a group, or of the remainder (None)."""
    if key is None:
        return [OTHER, *([None] * (len(by) - 1))]
    return naming.cells(by, key)


def sum_names(measures: Sequence[Measure]) -> list[str]:
    """Names of the sums that are columns of a result."""
    return sorted({name for m in measures if m.form != "unique" for name in m.sums})


__all__ = ["Body", "Sums", "column", "groups"]
