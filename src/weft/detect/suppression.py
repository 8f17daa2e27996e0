"""What makes an event no trouble: announced maintenance, and what people said of it or the like. Must do no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from weft.detect.config import WEEKDAYS, MaintenanceConfig
from weft.detect.memory import Feedback
from weft.errors import ConfigError
from weft.model.events import Entity, Event


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


class Suppression:
    """Answers why an event is no trouble at a time; feedback may be replaced from any thread."""

    def __init__(self, works: Sequence[Maintenance], feedback: Iterable[Feedback] = ()) -> None:
        self._works = tuple(works)
        self._sites: Mapping[str, str] = {}
        self._by_scope: dict[tuple[str, str], list[Feedback]] = {}
        self.use_feedback(feedback)

    def use_feedback(self, feedback: Iterable[Feedback]) -> None:
        """What people say now; replaces what they said before."""
        found: dict[tuple[str, str], list[Feedback]] = {}
        for one in feedback:
            if one.withdrawn_s is None:
                found.setdefault((str(one.scope.get("detector", "")), str(one.scope.get("kind", ""))), []).append(one)
        self._by_scope = found

    def use_sites(self, sites: Mapping[str, str]) -> None:
        """Which device is where, so that work at a site covers what is there."""
        self._sites = sites

    def reason(self, event: Event, at_s: float) -> str:
        """Id of the feedback or name of the maintenance; empty where it is trouble."""
        for work in self._works:
            if work.covers(event, at_s, self._sites):
                return work.name
        by_scope = self._by_scope
        for detector in (event.detector, ""):
            for kind in (event.kind, ""):
                for one in by_scope.get((detector, kind), ()):
                    if _holds(one, event, at_s):
                        return one.id
        return ""


def _holds(one: Feedback, event: Event, at_s: float) -> bool:
    if one.until_s is not None and at_s >= one.until_s:
        return False
    scope = one.scope
    if scope.get("event") not in (None, event.id):
        return False
    if (entity := scope.get("entity")) and not _matches(str(entity), event.entity.text):
        return False
    labels: Mapping[str, Any] = scope.get("labels") or {}
    if any(event.labels.get(name) != value for name, value in labels.items()):
        return False
    if one.verdict == "expected" and (weekly := scope.get("weekly")):
        days, first, last, zone = weekly
        return _Weekly(frozenset(map(int, days)), int(first), int(last), ZoneInfo(str(zone))).holds(at_s)
    return True


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
