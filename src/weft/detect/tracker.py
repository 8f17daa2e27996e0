"""Findings become events: the like about the same thing is one event, open until it was not seen for a while.

Clockless: told what was found and how far the telemetry has come, it answers with what changed, live and over history
the same. Memory is bounded: more than ``most_open`` events of one detector at a time become one event that says so.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from weft.detect.detector import About, Finding
from weft.model.events import Entity, Event, EventGroup, EventState, Evidence, Severity

UPDATED, OPENED, WORSE, CLOSED, SUPPRESSED, REOPENED = 0, 1, 2, 3, 4, 5
#: Kind of the event that stands for those of a detector that are too many to list.
FLOOD = "too_many_events"
_MOST_OTHERS, _MOST_EVIDENCE = 50, 20
_MOST_CLOSED = 5000
_FLOOD_HOLD_S = 900.0

Key = tuple[str, str, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an event. ``transition``: as in the ``events`` table; 0 = seen again, nothing to tell."""

    event: Event
    transition: int


@dataclass(slots=True)
class TrackerCounts:
    """What was done with findings, since the start."""

    findings: int = 0
    late: int = 0
    """Of a time too long ago to raise an event for."""
    repeated: int = 0
    """Of a time that an event covers already."""
    flooded: int = 0
    """Not listed by themselves: the detector had too many events open."""
    changes: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Live:
    event: Event
    hold_s: float


class Tracker:
    """Keeps the open events, and those that closed lately. One thread at a time."""

    def __init__(
        self,
        *,
        most_open: int = 500,
        late_s: float = 3600.0,
        reopen_s: float = 600.0,
        suppress: Callable[[Event, float], str] = lambda _event, _at_s: "",
    ) -> None:
        """How many events a detector may have open, what is too late, and who may say that an event is no trouble.

        ``late_s``: findings that much behind what their detector was fed raise nothing. ``reopen_s``: found again so
        soon after its end, an event is the same one. ``suppress``: what makes an event no trouble at a time (id of
        feedback, name of a maintenance), else nothing.
        """
        self._most_open, self._late_s, self._reopen_s, self._suppress = most_open, late_s, reopen_s, suppress
        self._open: dict[str, dict[Key, _Live]] = {}
        self._closed: OrderedDict[Key, _Live] = OrderedDict()
        self._reached: dict[str, float] = {}
        self.counts = TrackerCounts()

    @property
    def open(self) -> list[Event]:
        """Every event that is not over, suppressed ones included."""
        return [live.event for kept in self._open.values() for live in kept.values()]

    @property
    def held(self) -> int:
        """How many those are; from any thread."""
        return sum(len(kept) for kept in list(self._open.values()))

    def forget(self, names: Collection[str]) -> None:
        """Detectors whose events are another process's from now on; nothing is over by that."""
        gone = [*(name for name in self._open if name in names), *(name for name in self._reached if name in names)]
        for name in gone:
            self._open.pop(name, None)
            self._reached.pop(name, None)
        for key in [key for key in self._closed if key[0] in names]:
            del self._closed[key]

    def rejudge(self) -> list[Change]:
        """What feedback and maintenance make of the open events now that they have changed."""
        return self._counted([change for name in list(self._open) for change in self._rejudged(name)])

    def restore(self, events: Iterable[Event], hold_s: float = 900.0) -> None:
        """Go on with the events of before; each open one stays open ``hold_s`` from when it was seen last."""
        for event in events:
            key, live = _key_of(event), _Live(event, hold_s)
            if event.state is EventState.CLOSED:
                self._closed[key] = live
            else:
                self._open.setdefault(event.detector, {})[key] = live

    def take(self, about: About, findings: Sequence[Finding], now_s: float) -> list[Change]:
        """What findings of a detector make of its events. ``now_s``: when they are raised (clock, or time of rows)."""
        if not all(math.isfinite(finding.at_s) for finding in findings):
            raise ValueError("a finding is of no time")
        changes: list[Change] = []
        for finding in sorted(findings, key=lambda one: one.at_s):
            self.counts.findings += 1
            self._reached[about.name] = max(self._reached.get(about.name, finding.at_s), finding.at_s)
            if finding.at_s < self._reached[about.name] - self._late_s:
                self.counts.late += 1
                continue
            changes += self._one(about, finding, now_s)
        return self._counted(changes)

    def advance(self, name: str, reached_s: float) -> list[Change]:
        """The detector was fed up to ``reached_s``: events not found for their hold time are over."""
        reached_s = self._reached[name] = max(self._reached.get(name, reached_s), reached_s)
        kept = self._open.get(name, {})
        over = [key for key, live in kept.items() if live.event.seen_s + live.hold_s < reached_s]
        changes = [self._close(name, key, kept[key].event.seen_s) for key in over]
        changes += self._rejudged(name)
        while len(self._closed) > _MOST_CLOSED:
            self._closed.popitem(last=False)
        return self._counted(changes)

    def _rejudged(self, name: str) -> list[Change]:
        changes = []
        for live in self._open.get(name, {}).values():
            reason = self._suppress(live.event, self._reached.get(name, live.event.seen_s))
            if bool(reason) != (live.event.state is EventState.SUPPRESSED):
                changes.append(self._judged(live, reason))
            elif reason != live.event.suppressed_by:  # one reason took the place of another
                live.event = live.event.model_copy(update={"suppressed_by": reason})
                changes.append(Change(live.event, UPDATED))
        return changes

    # --- one finding ------------------------------------------------------------------------------------------------

    def _one(self, about: About, finding: Finding, now_s: float) -> list[Change]:
        key = _key(about.name, finding)
        kept = self._open.setdefault(about.name, {})
        if grown := [before for before in _before(about.name, finding) if before in kept]:
            return self._grow(about.name, key, grown, finding)
        live = kept.get(key)
        if live is not None and finding.at_s > live.event.seen_s + live.hold_s:
            return [self._close(about.name, key, live.event.seen_s), *self._one(about, finding, now_s)]
        if finding.ends:
            return [] if live is None else [self._end(about.name, key, finding)]
        if live is not None:
            return self._again(live, finding)
        before = self._closed.get(key)
        if before is not None and before.event.ended_s is not None:
            if finding.at_s <= before.event.ended_s:
                self.counts.repeated += 1
                return []
            if finding.at_s <= before.event.ended_s + self._reopen_s:
                return self._reopen(about.name, key, finding)
        if len(kept) >= self._most_open and finding.kind != FLOOD:
            return self._flood(about, finding, now_s)
        live = kept[key] = _Live(_event(about, finding, now_s), finding.hold_s)
        opened = Change(live.event, OPENED)
        reason = self._suppress(live.event, finding.at_s)
        return [self._judged(live, reason)] if reason else [opened]

    def _again(self, live: _Live, finding: Finding) -> list[Change]:
        live.hold_s = max(finding.hold_s, 1.0)
        worse = finding.severity.rank > live.event.severity.rank
        live.event = _merged(live.event, finding)
        return [Change(live.event, WORSE if worse and live.event.state is EventState.OPEN else UPDATED)]

    def _grow(self, name: str, key: Key, grown: Sequence[Key], finding: Finding) -> list[Change]:
        """The first of these events goes on as what was found; the others are over, as parts of it."""
        kept = self._open[name]
        if key not in kept:
            live = kept[key] = kept.pop(grown[0])
            others = [live.event.entity, *live.event.others, *finding.others][:_MOST_OTHERS]
            fields = {
                "kind": finding.kind, "entity": finding.entity, "others": others, "title": finding.title[:200],
                "text": finding.text[:2000], "evidence": _joined(finding.evidence, live.event.evidence),
            }  # fmt: skip
            live.event = live.event.model_copy(update=fields)
            grown = grown[1:]
        over = [self._close(name, one, finding.at_s) for one in grown]
        live = kept[key]
        again = self._again(live, finding)
        worse = WORSE if live.event.state is EventState.OPEN else UPDATED
        return [*over, *(Change(change.event, worse) for change in again)]

    def _end(self, name: str, key: Key, finding: Finding) -> Change:
        live = self._open[name][key]
        live.event = live.event.model_copy(
            update={
                "seen_s": max(live.event.seen_s, finding.at_s),
                "evidence": [*live.event.evidence, *finding.evidence][:_MOST_EVIDENCE],
            }
        )
        return self._close(name, key, finding.at_s)

    def _close(self, name: str, key: Key, ended_s: float) -> Change:
        live = self._open[name].pop(key)
        ended_s = max(ended_s, live.event.started_s)
        live.event = live.event.model_copy(update={"state": EventState.CLOSED, "ended_s": ended_s})
        self._closed.pop(key, None)
        self._closed[key] = live
        return Change(live.event, CLOSED)

    def _reopen(self, name: str, key: Key, finding: Finding) -> list[Change]:
        live = self._closed.pop(key)
        live.hold_s = finding.hold_s
        live.event = _merged(
            live.event.model_copy(update={"state": EventState.OPEN, "ended_s": None, "suppressed_by": ""}), finding
        )
        self._open[name][key] = live
        reason = self._suppress(live.event, finding.at_s)
        return [self._judged(live, reason)] if reason else [Change(live.event, REOPENED)]

    def _judged(self, live: _Live, reason: str) -> Change:
        """The event as feedback and maintenance would have it now."""
        state = EventState.SUPPRESSED if reason else EventState.OPEN
        live.event = live.event.model_copy(update={"state": state, "suppressed_by": reason})
        return Change(live.event, SUPPRESSED if reason else OPENED)

    def _flood(self, about: About, finding: Finding, now_s: float) -> list[Change]:
        self.counts.flooded += 1
        found = Finding(
            FLOOD, Entity(kind="detector", id=about.name), finding.at_s, f"{about.title}: too many events at a time",
            f"{self._most_open} events of this detector are open; what else it finds is counted, not listed. The first "
            f"of those was: {finding.title}.", Severity.MAJOR, hold_s=_FLOOD_HOLD_S,
        )  # fmt: skip
        return self._one(about, found, now_s)

    def _counted(self, changes: list[Change]) -> list[Change]:
        for change in changes:
            self.counts.changes[change.transition] = self.counts.changes.get(change.transition, 0) + 1
        return changes


def _key(name: str, finding: Finding) -> Key:
    return (name, finding.kind, finding.entity.text, tuple(sorted(finding.labels.items())))


def _before(name: str, finding: Finding) -> list[Key]:
    """Keys of the events that a finding goes on with."""
    labels = tuple(sorted(finding.labels.items()))
    return [(name, kind, entity.text, labels) for kind, entity in finding.was]


def _key_of(event: Event) -> Key:
    return (event.detector, event.kind, event.entity.text, tuple(sorted(event.labels.items())))


def event_id(key: Key, started_s: float) -> str:
    """The same for the same thing found since the same second."""
    return hashlib.sha256(repr((key, int(started_s))).encode()).hexdigest()[:20]


def _event(about: About, finding: Finding, now_s: float) -> Event:
    started_s = min(finding.at_s, _begun(finding) or finding.at_s)
    group = EventGroup.TELEMETRY if finding.kind == FLOOD else about.group
    return Event(
        id=event_id(_key(about.name, finding), started_s), detector=about.name, kind=finding.kind, group=group,
        severity=finding.severity, state=EventState.OPEN, title=finding.title[:200], text=finding.text[:2000],
        entity=finding.entity, others=list(finding.others)[:_MOST_OTHERS], started_s=started_s,
        detected_s=finding.at_s, raised_s=now_s, seen_s=finding.at_s, seen=finding.seen, expected=finding.expected,
        lower=finding.lower, upper=finding.upper, unit=finding.unit, score=finding.score,
        return_period_s=finding.return_period_s, confidence=finding.confidence, labels=dict(finding.labels),
        evidence=list(finding.evidence)[:_MOST_EVIDENCE],
    )  # fmt: skip


def _begun(finding: Finding) -> float | None:
    """When it began, where that is known."""
    return finding.started_s if finding.started_s is not None and math.isfinite(finding.started_s) else None


def _merged(event: Event, finding: Finding) -> Event:
    """The event with one more finding: as bad as the worst of them, told by that one."""
    fields: dict[str, Any] = {"count": event.count + 1, "seen_s": max(event.seen_s, finding.at_s)}
    if (begun := _begun(finding)) is not None and begun < event.started_s:
        fields["started_s"] = begun
    known = {one.text for one in event.others}
    if new := [one for one in finding.others if one.text not in known]:
        fields["others"] = [*event.others, *new][:_MOST_OTHERS]
    if (finding.severity.rank, finding.score) > (event.severity.rank, event.score):
        fields |= {
            "severity": finding.severity, "title": finding.title[:200], "text": finding.text[:2000],
            "seen": finding.seen, "expected": finding.expected, "lower": finding.lower, "upper": finding.upper,
            "unit": finding.unit, "score": finding.score, "return_period_s": finding.return_period_s,
            "confidence": max(event.confidence, finding.confidence),
        }  # fmt: skip
        fields["evidence"] = _joined(finding.evidence, event.evidence)
    elif not event.evidence and finding.evidence:
        fields["evidence"] = list(finding.evidence)[:_MOST_EVIDENCE]
    return event.model_copy(update=fields)


def _joined(first: Sequence[Evidence], then: Sequence[Evidence]) -> list[Evidence]:
    """Newer evidence first; of the same title only that."""
    titles = {one.title for one in first}
    return [*first, *(one for one in then if one.title not in titles)][:_MOST_EVIDENCE]
