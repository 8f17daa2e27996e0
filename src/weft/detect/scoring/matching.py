"""Which event was of which fault: each event counts for one fault at most, and only in its time and at its entities.

An event is *true* where it was detected between one sample before the fault began and ``grace_s`` after it ended, and
names an entity that is at fault or shows it (or a part or the whole of one). A second event of the same kind about the
same entity of the same fault is a *duplicate*. One that is only of a decoy is a *decoy*, unless it is no more than an
information (``info``), as a commit that really was: *told*. All else is *false*.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from weft.detect.scoring.claims import claims
from weft.detect.scoring.truth import Fault
from weft.model.events import Event, Severity

#: How long after a fault's end its effects are still its own: states are polled every five minutes.
GRACE_S = 300.0
#: Counters are read, tests run and business counted once a minute.
SAMPLE_S = 60.0


class Verdict(StrEnum):
    """What an event was."""

    TRUE = "true"
    DUPLICATE = "duplicate"
    DECOY = "decoy"
    TOLD = "told"
    FALSE = "false"


@dataclass(frozen=True, slots=True)
class Match:
    """An event, what it was, and the fault or decoy that it was of. ``named``: its kind speaks of the fault's."""

    event: Event
    verdict: Verdict
    fault: Fault | None = None
    named: bool = False
    exact: bool = False
    """The entity that it names is at fault or shows it, not only a part or the whole of one."""


def match(
    events: Sequence[Event], faults: Sequence[Fault], *, grace_s: float = GRACE_S, sample_s: float = SAMPLE_S,
    samples: Mapping[str, float] | None = None, speaks_of: Callable[[str], Sequence[str]] = claims,
) -> list[Match]:  # fmt: skip
    """Every event with its verdict, in order of detection. ``faults`` are in order of their start.

    ``samples``: length of a sample by detector, where it is not ``sample_s``. A true event of a fault is preferred
    over one of a decoy, one whose kind speaks of the fault over others.
    """
    starts = [one.start_s for one in faults]
    longest = max((one.end_s - one.start_s for one in faults), default=0.0)
    taken: set[tuple[str, str, str, str, str]] = set()
    found = []
    for event in sorted(events, key=lambda one: (one.detected_s, one.id)):
        before = (samples or {}).get(event.detector, sample_s)
        first = bisect_left(starts, event.detected_s - longest - grace_s)
        last = bisect_left(starts, event.detected_s + before + 1e-9)
        entities = (event.entity, *event.others)
        possible = [
            one for one in faults[first:last] if event.detected_s <= one.end_s + grace_s and one.concerns(entities)
        ]
        found.append(_judged(event, possible, speaks_of(event.kind), taken))
    return found


def _judged(
    event: Event, possible: Sequence[Fault], kinds: Sequence[str], taken: set[tuple[str, str, str, str, str]]
) -> Match:
    if not possible:
        return Match(event, Verdict.FALSE)
    named = {(each.kind, each.id) for each in (event.entity, *event.others)}

    def exact(fault: Fault) -> bool:
        return any((each.kind, each.id) in named for each in fault.entities)

    def rank(fault: Fault) -> tuple[bool, bool, bool, float]:
        return fault.is_benign, fault.kind not in kinds, not exact(fault), abs(fault.start_s - event.started_s)

    fault = min(possible, key=rank)
    if fault.is_benign:
        verdict = Verdict.TOLD if event.severity is Severity.INFO else Verdict.DECOY
    else:
        labels = ",".join(f"{name}={event.labels[name]}" for name in sorted(event.labels))
        key = (fault.id, event.detector, event.kind, event.entity.text, labels)
        verdict = Verdict.DUPLICATE if key in taken else Verdict.TRUE
        taken.add(key)
    return Match(event, verdict, fault, fault.kind in kinds, exact(fault))
