"""The cluster over time: which state it is in when, what its counters show, what its gauges read."""

from __future__ import annotations

import threading
import weakref
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from weft.twin.cluster import layout as at
from weft.twin.cluster import troubles as wrong
from weft.twin.cluster.fabric import F64, checkpoint_s, flowing
from weft.twin.cluster.jobs import Job, checkpoints, jobs
from weft.twin.cluster.rates import COUNTERS, Rates, rates
from weft.twin.cluster.troubles import Trouble, trouble
from weft.twin.faults.model import Fault
from weft.twin.remedies import Action
from weft.twin.timeline import Timeline

BLOCK_S = 1800.0
#: Kept: states of the fabric, half hours, counters at the beginning of half hours.
_STATES, _BLOCKS, _STARTS = 24, 200, 128
_State = tuple[tuple[Job, ...], frozenset[str], Trouble]
#: A slow swing of every counter's rate: share, seconds.
_SWING, _PERIOD_S = 0.04, 347.0
_PHASE: F64 = np.arange(at.ROWS, dtype=np.float64) * 2.399  # each row's own
_CLUSTERS: weakref.WeakKeyDictionary[Timeline, Cluster] = weakref.WeakKeyDictionary()
_CLUSTERS_LOCK = threading.Lock()


@dataclass(frozen=True)
class Segment:
    """A span within which nothing changes."""

    start_s: float
    end_s: float
    state: _State


@dataclass(frozen=True)
class _Known:
    """What happens in a half hour."""

    version: int
    told: tuple[tuple[Fault, ...], tuple[Action, ...]]
    segments: tuple[Segment, ...]


class Cluster:
    """The cluster of one organisation. Safe to use from many threads."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline, self.seed = timeline, timeline.seed
        self._lock = threading.RLock()
        self._rates: OrderedDict[_State, Rates] = OrderedDict()
        self._blocks: OrderedDict[int, _Known] = OrderedDict()
        self._counters: Counters | None = None

    def counters(self, since_s: float) -> Counters:
        """The counters of its ports and cards from ``since_s`` on (UTC seconds) or longer, shared by who asks."""
        with self._lock:
            if self._counters is None or self._counters.began_s > since_s:
                self._counters = Counters(self, since_s)
            return self._counters

    @staticmethod
    def of(timeline: Timeline) -> Cluster:
        """The cluster of a timeline, shared by whoever plays a part of it."""
        with _CLUSTERS_LOCK:
            found = _CLUSTERS.get(timeline)
            if found is None:
                found = _CLUSTERS[timeline] = Cluster(weakref.proxy(timeline))
            return found

    # --- states -------------------------------------------------------------------------------------------------------

    def at(self, at_s: float) -> Rates:
        """The state of a moment."""
        segments = self._block(int(at_s // BLOCK_S)).segments
        found = segments[bisect_right([one.start_s for one in segments], at_s) - 1]
        return self.rates(found.state)

    def rates(self, state: _State) -> Rates:
        """What a state shows."""
        with self._lock:
            found = self._rates.get(state)
            if found is None:
                running, saving, bad = state
                found = self._rates[state] = rates(flowing(running, saving, bad), bad)
                while len(self._rates) > _STATES:
                    self._rates.popitem(last=False)
            self._rates.move_to_end(state)
            return found

    def segments(self, since_s: float, until_s: float) -> Iterator[Segment]:
        """A span, cut wherever the state changes."""
        for number in range(int(since_s // BLOCK_S), int(np.nextafter(until_s, since_s) // BLOCK_S) + 1):
            for one in self._block(number).segments:
                start, end = max(one.start_s, since_s), min(one.end_s, until_s)
                if end > start:
                    yield Segment(start, end, one.state)

    def _block(self, number: int) -> _Known:
        with self._lock:
            known = self._blocks.get(number)
            version = self.timeline.version
            if known is not None and known.version == version:
                return known
            # From a half hour earlier on: a checkpoint begun then may still last, for what was wrong when it began.
            told = self._told((number - 1) * BLOCK_S, (number + 1) * BLOCK_S)
            if known is not None and known.told == told:
                known = _Known(version, told, known.segments)
            else:
                known = _Known(version, told, tuple(self._cut(number * BLOCK_S, (number + 1) * BLOCK_S, *told)))
            self._blocks[number] = known
            while len(self._blocks) > _BLOCKS:
                self._blocks.popitem(last=False)
            return known

    def _told(self, since_s: float, until_s: float) -> tuple[tuple[Fault, ...], tuple[Action, ...]]:
        """The faults and actions of a span that concern the cluster."""
        faults = tuple(one for one in self.timeline.faults(since_s, until_s) if one.kind in wrong.KINDS)
        actions = tuple(
            one for one in self.timeline.remedies.between(since_s, until_s)
            if one.ok and one.kind == "shut" and one.text_of("device") in at.BY_NAME
        )  # fmt: skip
        return faults, actions

    def _cut(
        self, since_s: float, until_s: float, faults: Sequence[Fault], actions: Sequence[Action]
    ) -> Iterator[Segment]:
        running = list(jobs(self.seed, since_s - BLOCK_S, until_s))
        saves = [
            (job.name, start, min(start + checkpoint_s(job, trouble(faults, (), start)), job.end_s))
            for job in running
            for start in checkpoints(job, since_s - BLOCK_S, until_s)
        ]
        spans = [(job.start_s, job.end_s) for job in running] + [save[1:] for save in saves]
        spans += [(one.start_s, one.end_s) for one in faults] + [(one.start_s, one.end_s) for one in actions]
        edges = {moment for first, last in spans for moment in (first, last) if since_s < moment < until_s}
        for start, end in pairwise(sorted({since_s, until_s, *edges})):
            now = (start + end) / 2
            state = (
                tuple(job for job in running if job.start_s <= now < job.end_s),
                frozenset(name for name, begun, done in saves if begun <= now < done),
                trouble(faults, actions, now),
            )
            yield Segment(start, end, state)


class Counters:
    """The counters of every port and card, from a moment on. Safe to use from many threads."""

    def __init__(self, cluster: Cluster, since_s: float) -> None:
        """``since_s``: UTC seconds before which nobody will ask."""
        self._cluster, self._lock = cluster, threading.Lock()
        self.began_s = since_s // BLOCK_S * BLOCK_S
        rng = np.random.default_rng([cluster.seed, 2562])
        base = np.zeros((len(COUNTERS), at.ROWS))
        base[:4] = np.floor(rng.uniform(1e13, 6e14, (4, at.ROWS)))
        base[4:] = np.floor(rng.exponential(40, (len(COUNTERS) - 4, at.ROWS)))
        self._starts = OrderedDict({0: base})

    def at(self, times_s: Sequence[float] | F64) -> F64:
        """What they show at times (ascending): ``[time, counter, row]``."""
        times = np.asarray(times_s, np.float64)
        found = np.empty((len(times), len(COUNTERS), at.ROWS))
        blocks = ((times - self.began_s) // BLOCK_S).astype(np.int64)
        for block in np.unique(blocks):
            start = self.began_s + block * BLOCK_S
            shown = self._at_start(int(block)).copy()
            for number in np.flatnonzero(blocks == block):
                shown += self._grown(start, float(times[number]))
                found[number], start = np.floor(shown), float(times[number])
        return found

    def _at_start(self, block: int) -> F64:
        """At the beginning of a half hour: the first and the latest are kept, because what is past does not change."""
        with self._lock:
            near = block
            while near not in self._starts:
                near -= 1
            found = self._starts[near]
            for number in range(near, block):
                start = self.began_s + number * BLOCK_S
                found = self._starts[number + 1] = found + self._grown(start, start + BLOCK_S)
                if len(self._starts) > _STARTS:
                    del self._starts[next(one for one in self._starts if one)]
            return found

    def _grown(self, since_s: float, until_s: float) -> F64:
        found = np.zeros((len(COUNTERS), at.ROWS))
        for one in self._cluster.segments(since_s, until_s):
            found += self._cluster.rates(one.state).growth * _swung(one.start_s, one.end_s)
        return found


def _swung(since_s: float, until_s: float) -> F64:
    """Seconds of a span, weighted by the swing of each row: its integral."""
    turn = 2 * np.pi / _PERIOD_S
    swing = np.cos(turn * since_s + _PHASE) - np.cos(turn * until_s + _PHASE)
    return np.asarray(until_s - since_s + _SWING / turn * swing)


def noise(seed: int, kind: int, at_s: float, count: int) -> NDArray[np.float64]:
    """Standard normal noise of a reading: the same for the same reading, whoever reads it."""
    return np.random.default_rng([seed, 2563, kind, int(at_s * 10)]).standard_normal(count)
