"""What became of events goes where it belongs: into the state store, the ``events`` table, and to who listens.

While the stores are away, changes wait, bounded; of an event only what it is now.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
import structlog

from weft.detect.memory import EventMemory
from weft.detect.tracker import CLOSED, OPENED, SUPPRESSED, UPDATED, Change
from weft.errors import WeftError
from weft.model.events import EVENTS, GROUPS, MOST_TEXT, Event
from weft.model.rows import batch_of

log = structlog.get_logger(__name__)

Listener = Callable[[Sequence[Change]], None]
_MOST_WAITING = 20_000
_UPDATES_S = 30.0
_NS = 1_000_000_000
_GROUP_NUMBERS = {value: number for number, value in GROUPS.items()}


class EventKeeping:
    """Takes changes from any thread; ``flush`` from one."""

    def __init__(
        self, owner: str, memory: EventMemory, write: Callable[[pa.RecordBatch], None],
        site_of: Callable[[Event], str] = lambda _event: "",
    ) -> None:  # fmt: skip
        self._owner, self._memory, self._write, self._site_of = owner, memory, write, site_of
        self._lock = threading.Lock()
        self._dirty: dict[str, Event] = {}
        self._seen: dict[str, Event] = {}
        self._rows: deque[tuple[Change, int]] = deque()
        self._told: deque[Change] = deque(maxlen=_MOST_WAITING)
        self._listeners: list[Listener] = []
        self._next_updates = 0.0
        self.lost = 0
        """Changes that found no room while the stores were away."""
        self.wake = threading.Event()

    def on_change(self, listener: Listener) -> None:
        """Have ``listener`` told of what was opened, became worse, was closed or suppressed, once it is remembered."""
        self._listeners.append(listener)

    def take(self, changes: Sequence[Change]) -> None:
        """What became of events."""
        now_ns = time.time_ns()
        with self._lock:
            for change in changes:
                if change.transition == UPDATED:
                    if change.event.id in self._dirty:
                        self._dirty[change.event.id] = change.event
                    else:
                        self._seen[change.event.id] = change.event
                    continue
                self._seen.pop(change.event.id, None)
                if len(self._dirty) >= _MOST_WAITING or len(self._rows) >= _MOST_WAITING:
                    self.lost += 1
                    continue
                self._dirty[change.event.id] = change.event
                self._rows.append((change, now_ns))
                self._told.append(change)
        if any(change.transition != UPDATED for change in changes):
            self.wake.set()

    def flush(self, *, everything: bool = False) -> None:
        """Write what waits. What cannot be written waits on."""
        now = time.monotonic()
        with self._lock:
            if everything or now >= self._next_updates:
                self._dirty |= self._seen
                self._seen = {}
                self._next_updates = now + _UPDATES_S
            dirty, self._dirty = self._dirty, {}
        if dirty:
            try:
                self._memory.put(self._owner, dirty.values())
            except WeftError as error:
                log.warning("events_not_kept", events=len(dirty), error=error.message)
                with self._lock:
                    self._dirty = dirty | self._dirty
                return
        self._write_rows()
        self._tell()

    def _write_rows(self) -> None:
        with self._lock:
            rows = list(self._rows)
        if not rows:
            return
        try:
            self._write(event_rows(rows, self._site_of))
        except WeftError as error:
            log.warning("event_rows_not_written", rows=len(rows), error=error.message)
            return
        with self._lock:
            for _ in rows:
                self._rows.popleft()

    def _tell(self) -> None:
        with self._lock:
            told = list(self._told)
            self._told.clear()
        for listener in self._listeners if told else ():
            try:
                listener(told)
            except Exception:  # whoever listens must not cost the events
                log.exception("event_listener_failed")


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
