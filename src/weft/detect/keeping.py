"""What became of events goes where it belongs: into the state store, the ``events`` table, and to who listens.

While the stores are away, changes wait, bounded; of an event only what it is now. What a store refuses for a reason of
its own is set aside once others of its kind were taken, so that it holds up none of them. People are told all the same.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Generic, TypeVar

import pyarrow as pa
import structlog

from weft.detect.memory import EventMemory
from weft.detect.tracker import CLOSED, OPENED, SUPPRESSED, UPDATED, Change
from weft.errors import StoreUnavailable
from weft.model.events import EVENTS, GROUPS, MOST_TEXT, Event
from weft.model.rows import batch_of

log = structlog.get_logger(__name__)

Listener = Callable[[Sequence[Change]], None]
_One = TypeVar("_One")
_MOST_WAITING = 20_000
_UPDATES_S = 30.0
#: How long the state store may be away before people are told of what is not remembered yet.
_PATIENCE_S = 30.0
#: How often one alone is refused before it is set aside, and after how many attempts each is tried alone.
_MOST_REFUSALS, _ATTEMPTS = 3, 5
#: Failures, with none that was taken, by which a store is known to take nothing; of how many one is logged.
_FAILURES, _TOLD_EVERY = 3, 60
_NS = 1_000_000_000
_GROUP_NUMBERS = {value: number for number, value in GROUPS.items()}


class Outlet(Generic[_One]):
    """Puts things into a store: all at once, and one by one where that fails. Of one thread."""

    def __init__(self, where: str, put: Callable[[Sequence[_One]], None]) -> None:
        self._where, self._put = where, put
        self._failures, self._error = 0, ""
        self._refusals: Counter[str] = Counter()
        self.refused = 0
        """Things that were set aside."""

    def send(self, things: Mapping[str, _One]) -> dict[str, _One]:
        """Put things, by id; those that are to be tried again."""
        if not things:
            return {}
        try:
            self._put(list(things.values()))
        except Exception as error:  # noqa: BLE001  # told: a store that is away, or one thing that it cannot take
            self._tell(error, len(things))
            # A store that is away refuses all; but some also call themselves away for the sake of one thing.
            if isinstance(error, StoreUnavailable) and self._failures % _ATTEMPTS:
                return dict(things)
            return self._singly(things)
        self._failures, self._error = 0, ""
        self._refusals.clear()
        return {}

    def _singly(self, things: Mapping[str, _One]) -> dict[str, _One]:
        failed: dict[str, str] = {}
        untried: dict[str, _One] = {}
        taken = 0
        for name, one in things.items():
            if len(failed) >= _FAILURES and not taken:
                untried[name] = one
                continue
            try:
                self._put([one])
            except Exception as error:  # noqa: BLE001  # told where it is set aside
                failed[name] = _said(error)
            else:
                taken += 1
        self._failures = 0 if taken else self._failures
        # Those that failed come last the next time, so that what can be taken shows by being taken.
        return untried | {name: things[name] for name, why in failed.items() if not taken or self._bears(name, why)}

    def _bears(self, name: str, why: str) -> bool:
        """Whether what was refused while others were taken may be tried again."""
        self._refusals[name] += 1
        if self._refusals[name] < _MOST_REFUSALS:
            return True
        del self._refusals[name]
        self.refused += 1
        log.error("event_set_aside", where=self._where, id=name, error=why)
        return False

    def _tell(self, error: Exception, count: int) -> None:
        why = _said(error)
        if why != self._error or self._failures % _TOLD_EVERY == 0:
            log.warning("events_not_kept", where=self._where, count=count, error=why)
        self._failures, self._error = self._failures + 1, why


class EventKeeping:
    """Thread-safe."""

    def __init__(
        self, owner: str, memory: EventMemory, write: Callable[[pa.RecordBatch], None],
        site_of: Callable[[Event], str] = lambda _event: "",
    ) -> None:  # fmt: skip
        self._lock, self._flushing = threading.Lock(), threading.Lock()
        self._dirty: dict[str, Event] = {}
        self._seen: dict[str, Event] = {}
        self._rows: dict[str, tuple[Change, int]] = {}
        self._number = count()
        self._told: deque[Change] = deque(maxlen=_MOST_WAITING)
        self._listeners: list[Listener] = []
        self._next_updates = 0.0
        self._away_since: float | None = None
        self._state = Outlet[Event]("state store", lambda events: memory.put(owner, events))
        self._table = Outlet[tuple[Change, int]]("events table", lambda rows: write(event_rows(rows, site_of)))
        self.lost = 0
        """Changes that found no room while the stores were away."""
        self.wake = threading.Event()

    @property
    def refused(self) -> int:
        """Events and rows that a store refused for good."""
        return self._state.refused + self._table.refused

    def on_change(self, listener: Listener) -> None:
        """Have ``listener`` told of what was opened, became worse, was closed or suppressed, once it is remembered."""
        self._listeners.append(listener)

    def take(self, changes: Sequence[Change]) -> None:
        """What became of events."""
        now_ns = time.time_ns()
        with self._lock:
            for change in changes:
                if change.transition == UPDATED:
                    waits = change.event.id in self._dirty
                    (self._dirty if waits else self._seen)[change.event.id] = change.event
                    continue
                self._seen.pop(change.event.id, None)
                self._told.append(change)
                fits = change.event.id in self._dirty or len(self._dirty) < _MOST_WAITING
                if fits:
                    self._dirty[change.event.id] = change.event
                if fits and len(self._rows) < _MOST_WAITING:
                    self._rows[f"{change.event.id}/{next(self._number)}"] = (change, now_ns)
                else:
                    self.lost += 1
        if any(change.transition != UPDATED for change in changes):
            self.wake.set()

    def retell(self, events: Iterable[Event]) -> None:
        """Have who listens told of events that are open since before; they know what they were told already."""
        with self._lock:
            self._told.extend(Change(event, OPENED) for event in events)
        self.wake.set()

    def flush(self, *, everything: bool = False) -> None:
        """Write what waits. What cannot be written waits on."""
        with self._flushing:
            self._flush(everything)

    def _flush(self, everything: bool) -> None:
        now = time.monotonic()
        with self._lock:
            if everything or now >= self._next_updates:
                self._dirty |= self._seen
                self._seen = {}
                self._next_updates = now + _UPDATES_S
            dirty, self._dirty = self._dirty, {}
        again = self._state.send(dirty)
        with self._lock:
            self._dirty = again | self._dirty
        if len(again) < len(dirty) or not dirty:
            self._away_since = None
        elif self._away_since is None:
            self._away_since = now
        self._write_rows()
        if self._away_since is None or now - self._away_since >= _PATIENCE_S:
            self._tell()

    def _write_rows(self) -> None:
        with self._lock:
            rows, self._rows = self._rows, {}
        again = self._table.send(rows)
        with self._lock:
            self._rows = again | self._rows

    def _tell(self) -> None:
        with self._lock:
            told = list(self._told)
            self._told.clear()
        for listener in self._listeners if told else ():
            try:
                listener(told)
            except Exception:  # whoever listens must not cost the events
                log.exception("event_listener_failed")


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def event_rows(
    changes: Sequence[tuple[Change, int]], site_of: Callable[[Event], str] = lambda _event: ""
) -> pa.RecordBatch:
    """Rows of the ``events`` table for changes, each with when it was noticed (UTC nanoseconds)."""
    events = [change.event for change, _ in changes]
    times = [round(_at(change) * _NS) for change, _ in changes]
    lasted = [(e.ended_s or e.seen_s) - e.started_s if c.transition == CLOSED else 0.0 for (c, _), e in zip(
        changes, events, strict=True)]  # fmt: skip
    return batch_of(
        EVENTS, len(events), time=pa.array(times, pa.int64()).cast(EVENTS.by_name["time"].arrow),
        time_received=pa.array([at for _, at in changes], pa.int64()).cast(EVENTS.by_name["time_received"].arrow),
        event_id=[e.id for e in events], transition=[change.transition for change, _ in changes],
        detector=[e.detector for e in events], kind=[e.kind for e in events],
        event_group=[_GROUP_NUMBERS[e.group.value] for e in events], severity=[e.severity.rank for e in events],
        entity_kind=[e.entity.kind for e in events], entity=[e.entity.id for e in events],
        site=[site_of(e) for e in events], title=[e.title for e in events],
        detail=[e.text[:MOST_TEXT] for e in events], lasted_s=lasted, score=[e.score for e in events],
    )  # fmt: skip


def _at(change: Change) -> float:
    """When it changed, in the time of the telemetry."""
    event = change.event
    if change.transition == CLOSED and event.ended_s is not None:
        return event.ended_s
    return event.started_s if change.transition in (OPENED, SUPPRESSED) else event.seen_s


def site_of(event: Event, sites: Mapping[str, str]) -> str:
    """Site of what an event is about, by its device."""
    if event.entity.kind == "site":
        return event.entity.id
    return sites.get(event.entity.id.partition("|")[0], "")
