"""What makes an event no trouble: announced maintenance, and what people said of it or the like. Must do no I/O."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from weft.detect.config import WEEKDAYS, MaintenanceConfig
from weft.detect.memory import Feedback
from weft.errors import ConfigError
from weft.model.events import Entity, Event

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Weekly:
    """Times of the week, in minutes of its days. ``last`` at or before ``first``: of the next day."""

    days: frozenset[int]
    first: int
    last: int
    zone: ZoneInfo

    def holds(self, at_s: float) -> bool:
        here = datetime.fromtimestamp(at_s, self.zone)
        minute = here.hour * 60 + here.minute
        yesterday = (here - timedelta(days=1)).weekday()
        if self.first < self.last:
            return here.weekday() in self.days and self.first <= minute < self.last
        return (here.weekday() in self.days and minute >= self.first) or (yesterday in self.days and minute < self.last)


@dataclass(frozen=True, slots=True)
class Maintenance:
    """One announced work, ready to be asked."""

    name: str
    entities: tuple[str, ...]
    kinds: frozenset[str]
    since_s: float = 0.0
    until_s: float = 0.0
    weekly: _Weekly | None = None

    def covers(self, event: Event, at_s: float, sites: Mapping[str, str]) -> bool:
        """Whether the event is of this work. ``sites``: device → site."""
        if self.kinds and event.kind not in self.kinds:
            return False
        at_work = self.since_s <= at_s < self.until_s if self.weekly is None else self.weekly.holds(at_s)
        return at_work and any(
            _matches(pattern, text) for text in _touched(event.entity, sites) for pattern in self.entities
        )


def maintenance(config: MaintenanceConfig) -> Maintenance:
    """From its settings. Raises ``ConfigError`` where a time cannot be read."""
    weekly, since_s, until_s = None, 0.0, 0.0
    if config.weekdays:
        days = frozenset(WEEKDAYS.index(day) for day in config.weekdays)
        weekly = _Weekly(days, _minute(config.begin), _minute(config.end), ZoneInfo(config.time_zone))
    else:
        since_s, until_s = _moment(config, "since"), _moment(config, "until")
    return Maintenance(config.name, tuple(config.entities), frozenset(config.kinds), since_s, until_s, weekly)


@dataclass(frozen=True, slots=True)
class _Said:
    """Feedback, ready to be asked."""

    id: str
    until_s: float
    labels: Mapping[str, str]
    weekly: _Weekly | None

    def holds(self, event: Event, at_s: float) -> bool:
        if at_s >= self.until_s or any(event.labels.get(name) != value for name, value in self.labels.items()):
            return False
        return self.weekly is None or self.weekly.holds(at_s)


#: What feedback is found by: id of the one event, detector, kind, entity; empty = any.
_Place = tuple[str, str, str, str]


class Suppression:
    """Answers why an event is no trouble at a time; feedback may be replaced from any thread."""

    def __init__(self, works: Sequence[Maintenance], feedback: Iterable[Feedback] = ()) -> None:
        self._works = tuple(works)
        self._sites: Mapping[str, str] = {}
        self._said: dict[_Place, list[_Said]] = {}
        self._odd: set[str] = set()
        self.use_feedback(feedback)

    def use_feedback(self, feedback: Iterable[Feedback]) -> None:
        """What people say now; replaces what they said before. What cannot be understood is left out and told."""
        found: dict[_Place, list[_Said]] = {}
        odd: set[str] = set()
        for one in feedback:
            if one.withdrawn_s is None:
                try:
                    found.setdefault(_place(one.scope), []).append(_ready(one))
                except (ValueError, TypeError, KeyError, OSError) as error:
                    if one.id not in self._odd:
                        log.warning("feedback_not_understood", feedback=one.id, error=str(error))
                    odd.add(one.id)
        self._said, self._odd = found, odd

    def use_sites(self, sites: Mapping[str, str]) -> None:
        """Which device is where, so that work at a site covers what is there."""
        self._sites = sites

    def reason(self, event: Event, at_s: float) -> str:
        """Id of the feedback or name of the maintenance; empty where it is trouble."""
        for work in self._works:
            if work.covers(event, at_s, self._sites):
                return work.name
        said = self._said
        for place in _places(event) if said else ():
            for one in said.get(place, ()):
                if one.holds(event, at_s):
                    return one.id
        return ""


def _place(scope: Mapping[str, Any]) -> _Place:
    if "event" in scope:
        return str(scope["event"]), "", "", ""
    return "", str(scope.get("detector", "")), str(scope.get("kind", "")), str(scope.get("entity", ""))


def _places(event: Event) -> Iterable[_Place]:
    """Where feedback that holds of an event may be."""
    yield event.id, "", "", ""
    for detector, kind, entity in product((event.detector, ""), (event.kind, ""), (event.entity.text, "")):
        yield "", detector, kind, entity


def _ready(one: Feedback) -> _Said:
    weekly = None
    if one.verdict == "expected" and (told := one.scope.get("weekly")):
        days, first, last, zone = told
        weekly = _Weekly(frozenset(map(int, days)), int(first), int(last), ZoneInfo(str(zone)))
    return _Said(one.id, math.inf if one.until_s is None else one.until_s, dict(one.scope.get("labels") or {}), weekly)


def _touched(entity: Entity, sites: Mapping[str, str]) -> Iterable[str]:
    """What work would have to be on to touch it: itself, its device, the site of that."""
    yield entity.text
    device = entity.id.partition("|")[0]
    if "|" in entity.id:
        yield f"device:{device}"
    if (entity.kind == "device" or "|" in entity.id) and (site := sites.get(device)):
        yield f"site:{site}"


def _matches(pattern: str, text: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def _minute(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def _moment(config: MaintenanceConfig, name: str) -> float:
    try:
        at = datetime.fromisoformat(getattr(config, name))
    except ValueError:
        raise ConfigError(
            f"{getattr(config, name)!r} is no time", where=f"detect.maintenance {config.name}: {name}",
            fix="Write it as 2026-11-24T22:00:00Z.",
        ) from None  # fmt: skip
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
