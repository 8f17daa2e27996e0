"""Alarms on one labelled series: which events were found and how soon, and what was noise. No point adjustment.

An event is a run of labelled points. An alarm is a run of points above the threshold. An event is found by the first
alarm point from its begin to ``grace`` points after its end; every alarm that touches no event is false, and every
further alarm on the same event is a duplicate, which is noise too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weft.detect.scoring.vus import ranges


@dataclass(frozen=True, slots=True)
class EventScore:
    """Counts, so that they can be added over series. ``delays``: points from begin to first alarm, of those found."""

    events: int
    found: int
    false: int
    duplicates: int
    delays: tuple[int, ...]
    points: int

    @property
    def precision(self) -> float:
        """Share of alarms that are about an event; duplicates are not. 1 where there was no alarm."""
        alarms = self.found + self.false + self.duplicates
        return self.found / alarms if alarms else 1.0

    @property
    def recall(self) -> float:
        """Share of events that were found. 1 where there was none."""
        return self.found / self.events if self.events else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def merged(alarm: ArrayLike, hold: int) -> NDArray[np.bool_]:
    """Alarms that are at most ``hold`` quiet points apart made one, as the tracker of events does."""
    on = np.asarray(alarm, bool).copy()
    found = ranges(on)
    for (_, last), (first, _) in pairwise(found):
        if first - last - 1 <= hold:
            on[last:first] = True
    return on


def score_events(label: ArrayLike, alarm: ArrayLike, *, grace: int = 0) -> EventScore:
    """Score alarms (one truth value per point) against labels."""
    events, alarms = ranges(label), ranges(alarm)
    used = np.zeros(len(alarms), np.int64)
    delays = []
    for first, last in events:
        touching = np.flatnonzero((alarms[:, 0] <= last + grace) & (alarms[:, 1] >= first))
        if len(touching):
            used[touching] += 1
            delays.append(int(max(alarms[touching[0], 0] - first, 0)))
    # One alarm may be about several events; it is then noise once less than it is right, never negative.
    duplicates = max(int((used > 0).sum()) - len(delays), 0)
    return EventScore(len(events), len(delays), int((used == 0).sum()), duplicates, tuple(delays),
                      len(np.asarray(label)))  # fmt: skip


def together(scores: Iterable[EventScore]) -> EventScore:
    """Of many series, each event and alarm counted once."""
    held = list(scores)
    return EventScore(
        sum(one.events for one in held), sum(one.found for one in held), sum(one.false for one in held),
        sum(one.duplicates for one in held), tuple(delay for one in held for delay in one.delays),
        sum(one.points for one in held),
    )  # fmt: skip


def best_point_f1(label: ArrayLike, score: ArrayLike) -> float:
    """F1 of single points at the threshold that is best for these labels: an upper bound, for one-liners to be seen."""
    on, scores = np.asarray(label) > 0, np.asarray(score, np.float64)
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(on[order])
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    f1 = 2 * right[ends] / (ends + 1 + on.sum())
    return float(f1.max()) if on.any() else 0.0


def auc(label: ArrayLike, score: ArrayLike) -> float:
    """Chance that a labelled point scores above one that is not (ties count half); 0.5 where one kind is missing."""
    on, scores = np.asarray(label) > 0, np.asarray(score, np.float64)
    if on.all() or not on.any():
        return 0.5
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2.0)[place]
    positives = int(on.sum())
    return float((rank[on].sum() - positives * (positives + 1) / 2) / (positives * (len(on) - positives)))
