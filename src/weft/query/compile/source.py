"""Which table answers: the cheapest of the raw table and its rollups that gives exactly the same numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from weft.model.tables import Kind, Rollup, Table
from weft.query.compile.ask import Ask

_DAY = 86_400
#: About how many values of a kind one exporter sends in a short while.
_BREADTH = {Kind.INTERFACE: 10, Kind.PROTOCOL: 5, Kind.APPLICATION: 20, Kind.NETWORK: 30, Kind.ASN: 300}


@dataclass(frozen=True, slots=True)
class Source:
    """The table to read. ``seconds`` is its resolution (0 = raw); ``flows`` the SQL that counts its records."""

    name: str
    seconds: int
    flows: str
    note: str = ""


def choose(ask: Ask, now: float, retention_days: Mapping[str, int] | None = None, *, bucketed: bool) -> Source:
    """The table for ``ask``.

    A rollup answers exactly when it keeps every column asked for and each of its buckets lies in one bucket of the
    answer. Of those that do and reach back far enough, the one with the fewest rows to be expected is taken; when none
    reaches back far enough, the one that reaches furthest, with a note.
    """
    table, kept = ask.dataset.table, retention_days or {}
    days = {table.name: table.ttl_days} | {r.name: r.ttl_days for r in table.rollups} | dict(kept)
    able = [r for r in table.rollups if ask.columns <= set(r.dimensions) and _aligned(ask, r, bucketed)]
    oldest = ask.grid.start - ask.shift
    names = [*sorted((r.name for r in able), key=lambda n: _cost(table, n)), table.name]
    reaching = [n for n in names if oldest >= now - days[n] * _DAY]
    if reaching:
        return _source(table, reaching[0])
    furthest = max(names, key=lambda n: days[n])
    note = f"{furthest} is kept for {days[furthest]} days: nothing older can be shown for this question"
    return _source(table, furthest, note)


def _aligned(ask: Ask, rollup: Rollup, bucketed: bool) -> bool:
    grid = ask.grid
    edges = [grid.start, grid.end, ask.shift, *ask.edges]
    if bucketed:
        edges.append(grid.step)
    if ask.percentiles:
        edges.append(ask.slot)
    return all(edge % rollup.seconds == 0 for edge in edges)


def _cost(table: Table, name: str) -> float:
    """Expected rows of a rollup per second, up to a factor: finer ones and those with broader dimensions hold more."""
    rollup = next(r for r in table.rollups if r.name == name)
    return math.prod(_BREADTH.get(table.by_name[d].kind, 2) for d in rollup.dimensions) / rollup.seconds


def _source(table: Table, name: str, note: str = "") -> Source:
    for rollup in table.rollups:
        if rollup.name == name:
            return Source(name, rollup.seconds, "sum(flows)", note)
    return Source(name, 0, "count()", note)
