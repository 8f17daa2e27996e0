"""Precision, recall and delay of events against what really was: in all, of each class of faults, of each detector.

Counts are told beside every share, and shares have Wilson's interval of 95 %: of nine faults none missed is not
"recall 1.0". There is no point adjustment and no threshold chosen afterwards.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from weft.detect.scoring.claims import claims
from weft.detect.scoring.matching import GRACE_S, SAMPLE_S, Match, Verdict, match
from weft.detect.scoring.truth import Fault
from weft.model.events import Event

#: Faults of at least this severity are told apart: the lowest stay within what is ordinary.
SEVERE = 0.5
_Z = 1.96


@dataclass(slots=True)
class ClassScore:
    """How faults of one kind were found. ``claimed``: events whose kind speaks of it; ``rightly``: that were of it."""

    kind: str
    faults: int = 0
    found: int = 0
    named: int = 0
    severe: int = 0
    severe_found: int = 0
    claimed: int = 0
    rightly: int = 0
    events: int = 0
    delays_s: list[float] = field(default_factory=list)
    samples: list[float] = field(default_factory=list)
    alarms_s: list[float] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """As JSON: counts, shares and medians; ``None`` where there is nothing to divide by."""
        low, high = wilson(self.found, self.faults)
        return {
            "kind": self.kind, "faults": self.faults, "found": self.found, "recall": share(self.found, self.faults),
            "recall_low": low, "recall_high": high, "named": self.named,
            "severe": self.severe, "severe_found": self.severe_found,
            "claimed": self.claimed, "precision": share(self.rightly, self.claimed),
            "events_per_fault": share(self.events, self.found),
            "delay_s": middle(self.delays_s), "samples": middle(self.samples), "alarm_s": middle(self.alarms_s),
            "missed": self.missed[:20],
        }  # fmt: skip


@dataclass(slots=True)
class Score:
    """What a run of detectors was worth. ``classes`` by kind of fault, ``sources`` by detector and kind of event."""

    matches: Sequence[Match]
    classes: dict[str, ClassScore]
    sources: dict[tuple[str, str], Counter[Verdict]]
    series_days: float
    days: float
    grace_s: float

    def document(self) -> dict[str, Any]:
        """As JSON."""
        verdicts = Counter(one.verdict for one in self.matches)
        faults = sum(one.faults for one in self.classes.values())
        found = sum(one.found for one in self.classes.values())
        true, false = verdicts[Verdict.TRUE], verdicts[Verdict.FALSE] + verdicts[Verdict.DECOY]
        judged = len(self.matches) - verdicts[Verdict.TOLD]
        low, high = wilson(true, judged)
        delays = [value for one in self.classes.values() for value in one.samples]
        return {
            "days": round(self.days, 3), "series_days": round(self.series_days, 1), "grace_s": self.grace_s,
            "events": len(self.matches), **{verdict.value: verdicts[verdict] for verdict in Verdict},
            "precision": share(true, judged), "precision_low": low, "precision_high": high,
            "precision_with_duplicates": share(true + verdicts[Verdict.DUPLICATE], judged),
            "faults": faults, "found": found, "recall": share(found, faults),
            "false_per_1000_series_days": share(1000 * false, self.series_days),
            "false_per_day": share(false, self.days), "samples": middle(delays),
            "classes": [self.classes[kind].document() for kind in sorted(self.classes)],
            "detectors": [_source(*key, counts) for key, counts in sorted(self.sources.items())],
        }  # fmt: skip


def score(
    events: Sequence[Event], faults: Sequence[Fault], since_s: float, until_s: float, *, series: float = 0.0,
    grace_s: float = GRACE_S, samples: Mapping[str, float] | None = None,
    speaks_of: Callable[[str], Sequence[str]] = claims,
) -> Score:  # fmt: skip
    """Score the events detected between two times (UTC seconds) against all faults there were.

    Faults that began before ``since_s``, or so late that their first symptom falls after ``until_s``, are not asked
    for, but an event of theirs is not false. ``series``: how many were watched, for the false alarms of each.
    """
    asked = [one for one in events if since_s <= one.detected_s < until_s]
    faults = sorted(faults, key=lambda fault: fault.start_s)
    matches = match(asked, faults, grace_s=grace_s, samples=samples, speaks_of=speaks_of)
    classes: dict[str, ClassScore] = {}
    of_fault: dict[str, list[Match]] = defaultdict(list)
    sources: dict[tuple[str, str], Counter[Verdict]] = defaultdict(Counter)
    for one in matches:
        sources[one.event.detector, one.event.kind][one.verdict] += 1
        if one.fault is not None and one.verdict in (Verdict.TRUE, Verdict.DUPLICATE):
            of_fault[one.fault.id].append(one)
        _claim(classes, one, speaks_of(one.event.kind))
    for fault in faults:
        if not fault.is_benign and since_s <= fault.start_s and fault.shows_s < until_s:
            _count(classes, fault, of_fault.get(fault.id, []), samples or {})
    days = max(until_s - since_s, 0.0) / 86_400
    return Score(matches, classes, dict(sources), series * days, days, grace_s)


def _claim(classes: dict[str, ClassScore], one: Match, kinds: Sequence[str]) -> None:
    """A false event counts against every class that its kind speaks of; one of another fault against none."""
    if one.verdict in (Verdict.FALSE, Verdict.DECOY):
        for kind in kinds:
            _class(classes, kind).claimed += 1
    elif one.fault is not None and one.named and one.verdict is Verdict.TRUE:
        known = _class(classes, one.fault.kind)
        known.claimed += 1
        known.rightly += 1


def _count(classes: dict[str, ClassScore], fault: Fault, found: Sequence[Match], samples: Mapping[str, float]) -> None:
    known = _class(classes, fault.kind)
    severe = fault.severity >= SEVERE
    known.faults += 1
    known.severe += severe
    if not found:
        known.missed.append(fault.id)
        return
    first = min(found, key=lambda one: one.event.detected_s).event
    known.found += 1
    known.severe_found += severe
    known.named += any(one.named for one in found)
    known.events += len(found)
    known.delays_s.append(max(0.0, first.detected_s - fault.shows_s))
    length = samples.get(first.detector, SAMPLE_S)
    known.samples.append(max(1, math.ceil((first.detected_s - fault.shows_s) / length)))
    known.alarms_s.append(max(0.0, min(one.event.raised_s for one in found) - fault.start_s))


def _class(classes: dict[str, ClassScore], kind: str) -> ClassScore:
    return classes.setdefault(kind, ClassScore(kind))


def _source(detector: str, kind: str, counts: Counter[Verdict]) -> dict[str, Any]:
    judged = counts.total() - counts[Verdict.TOLD]
    return {
        "detector": detector, "kind": kind, "events": counts.total(),
        **{verdict.value: counts[verdict] for verdict in Verdict}, "precision": share(counts[Verdict.TRUE], judged),
    }  # fmt: skip


def share(part: float, whole: float) -> float | None:
    """To four digits; ``None`` of nothing."""
    return round(part / whole, 4) if whole else None


def middle(values: Sequence[float]) -> float | None:
    """Median, to a tenth; ``None`` of nothing."""
    return round(median(values), 1) if values else None


def wilson(part: int, whole: int) -> tuple[float | None, float | None]:
    """Interval of 95 % of a share (Wilson, 1927)."""
    if not whole:
        return None, None
    p, n = part / whole, whole
    centre = (p + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
    half = _Z * math.sqrt(p * (1 - p) / n + _Z * _Z / (4 * n * n)) / (1 + _Z * _Z / n)
    return round(max(0.0, centre - half), 4), round(min(1.0, centre + half), 4)
