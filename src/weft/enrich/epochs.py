"""Prefix tables whose rows hold for a time: one merged table for each stretch in which none begins or ends to hold.

A flow is looked up in the stretch that it came in, so that an import of last month's flows has last month's customers.
Stretches are merged when they are first needed and a few are kept; without dates there is only one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from weft.enrich.ids import Content
from weft.enrich.merge import Merged

_MOST_KEPT = 4
#: Rows (None = all of them) and where they are looked up.
Part = tuple[NDArray[np.intp] | None, Merged]


class Epochs:
    """``build`` merges what holds at a second; it may be called by any thread. ``edges``: when something changes."""

    def __init__(self, build: Callable[[int], Merged], edges: Iterable[int], now_s: int) -> None:
        self._build, self._edges = build, sorted(edges)
        self._starts = np.array(self._edges, np.int64)
        self._kept: OrderedDict[int, Merged] = OrderedDict()
        self.networks: dict[int, Content] = {}
        self._only = None if self._edges else self._made(0)
        self.at(now_s)

    @property
    def dated(self) -> bool:
        """Whether anything depends on the time."""
        return self._only is None

    def at(self, second: int) -> Merged:
        """What holds at a time."""
        return self._only or self._made(bisect_right(self._edges, second))

    def parts(self, times_ns: NDArray[np.int64]) -> Iterator[Part]:
        """Which rows (None = all) to look up where, by their times."""
        if self._only is not None:
            yield None, self._only
            return
        numbers = np.searchsorted(self._starts, times_ns // 1_000_000_000, side="right")
        found = np.unique(numbers)
        for number in found:
            yield None if len(found) == 1 else np.flatnonzero(numbers == number), self._made(int(number))

    def _made(self, number: int) -> Merged:
        merged = self._kept.get(number)
        if merged is None:
            merged = self._build(self._edges[number - 1] if number else 0)
            self.networks |= merged.networks
            self._kept[number] = merged
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        else:  # an import of old flows must not push out what live ones use
            with suppress(KeyError):  # another thread just let go of it
                self._kept.move_to_end(number)
        return merged
