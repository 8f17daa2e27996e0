"""Which table answers: the cheapest of the raw table and its rollups that gives exactly the same numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from weft.model.tables import Kind, Rollup, Table
from weft.query.compile.ask import Ask

_DAY = 86_400
#: About how many values of a kind one exporter sends in a short while.
_BREADTH = {Kind.INTERFACE: 10, Kind.PROTOCOL: 5, Kind.APPLICATION: 20, Kind.NETWORK: 30, Kind.ASN: 300}


@dataclass(frozen=True, slots=True)
class Source:
    """The table to read.

    ``seconds`` is its resolution (0 = raw); from ``since`` (UTC seconds) on it still holds rows, about ``cost`` per
    second, up to a factor.
    """

    name: str
    seconds: int
    since: int = 0
    cost: float = math.inf


@dataclass(frozen=True, slots=True)
class Choice:
    """``base`` can answer for the whole window, ``coarser`` ones (finest first) for whole buckets of theirs in it."""

    base: Source
    coarser: tuple[Source, ...] = ()
    note: str = ""


def choose(ask: Ask, now: float, retention_days: Mapping[str, int] | None = None, *, bucketed: bool) -> Choice:
    """The tables for ``ask``.

    A rollup answers exactly when it keeps every column asked for and each of its buckets lies in one bucket of the
    answer. Of those that do and reach back far enough, the one with the fewest rows to be expected is taken; when none
    reaches back far enough, the one that reaches furthest, with a note. Without buckets, cheaper rollups answer for the
    inner part of a window whose edges they do not meet.
    """
    table = ask.dataset.table
    days = {table.name: table.ttl_days} | {r.name: r.ttl_days for r in table.rollups} | dict(retention_days or {})

    def source(name: str, seconds: int, cost: float = math.inf) -> Source:
        return Source(name, seconds, int(now) - days[name] * _DAY, cost)

    keeping = sorted((r for r in table.rollups if ask.columns <= set(r.dimensions)), key=lambda r: _cost(table, r))
    able = [source(r.name, r.seconds, _cost(table, r)) for r in keeping if _aligned(ask, r, bucketed)]
    able.append(source(table.name, 0))
    oldest = ask.grid.start - ask.shift
    base = next((s for s in able if oldest >= s.since), None)
    if base is None:
        base = min(able, key=lambda s: s.since)
        note = f"{base.name} is kept for {days[base.name]} days: nothing older can be shown for this question"
        return Choice(base, (), note)
    if bucketed or ask.percentiles:
        return Choice(base)
    coarser: list[Source] = []
    for rollup in keeping:  # cheapest first: a costlier one is of use only where it is finer
        if rollup.name == base.name:
            break
        if rollup.seconds > base.seconds and all(rollup.seconds < c.seconds for c in coarser):
            coarser.insert(0, source(rollup.name, rollup.seconds))
    return Choice(base, tuple(coarser))


def cover(choice: Choice, start: int, end: int, cuts: Sequence[int] = ()) -> list[tuple[Source, int, int]]:
    """Which table answers for which part of ``start``–``end``, in order: the coarsest whose buckets fit.

    No bucket may reach over one of ``cuts``.
    """
    edges = [start, *(t for t in cuts if start < t < end), end]
    parts: list[tuple[Source, int, int]] = []
    for low, high in pairwise(edges):
        for source, begin, stop in _cover((choice.base, *choice.coarser), low, high):
            if parts and parts[-1][0] == source:
                parts[-1] = (source, parts[-1][1], stop)
            else:
                parts.append((source, begin, stop))
    return parts


def _cover(sources: Sequence[Source], start: int, end: int) -> list[tuple[Source, int, int]]:
    if start >= end:
        return []
    *finer, coarsest = sources
    if not finer:
        return [(coarsest, start, end)]
    begin = -(-max(start, coarsest.since) // coarsest.seconds) * coarsest.seconds
    stop = end // coarsest.seconds * coarsest.seconds
    if begin >= stop:
        return _cover(finer, start, end)
    return [*_cover(finer, start, begin), (coarsest, begin, stop), *_cover(finer, stop, end)]


def _aligned(ask: Ask, rollup: Rollup, bucketed: bool) -> bool:
    grid = ask.grid
    edges = [grid.start, grid.end, ask.shift, *ask.edges]
    if bucketed:
        edges.append(grid.step)
    if ask.percentiles:
        edges.append(ask.slot)
    return all(edge % rollup.seconds == 0 for edge in edges)


def _cost(table: Table, rollup: Rollup) -> float:
    """Expected rows of a rollup per second, up to a factor: finer ones and those with broader dimensions hold more."""
    return math.prod(_BREADTH.get(table.by_name[d].kind, 2) for d in rollup.dimensions) / rollup.seconds
