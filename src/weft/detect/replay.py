"""History through the same detectors and the same tracker as live: what would have been found, and when.

The only clock is that of the rows: they are handed on in the order of their arrival, step by step, and every step ends
with a tick. Series are fed a bucket at a time, as late as they would have been. What a detector sees of a moment is
therefore never more than it would have known then.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa
import structlog
from numpy.typing import NDArray

from weft.detect.detector import Detector, Finding, RowsDetector, SeriesDetector, Watch
from weft.detect.frame import Frame
from weft.detect.runfolder import NS, Rows, arrivals
from weft.detect.tracker import Tracker
from weft.model.events import Event

log = structlog.get_logger(__name__)

#: Buckets that are asked for at a time.
_BLOCK = 240
#: How far it goes at most between two looks at whether it is still wanted, where no rows come.
_STRETCH_S = 900.0
#: How far it goes at a time where nothing at all comes for longer than that.
_IDLE_STEP_S = 10.0
_ADVANCE_S = 10.0
#: Events that are kept of one replay; of what is beyond only findings are counted.
MOST_EVENTS = 100_000
#: How often what a detector reads tells something new of the same thing, seconds.
_CADENCE_S = {"metrics": 60.0, "business": 60.0, "probes": 60.0, "hops": 60.0, "cloud_flows": 300.0}


class Frames(Protocol):
    """History as matrices."""

    def frame(self, watch: Watch, filter_text: str, since_s: int, until_s: int) -> Frame:
        """What a detector watches between two times (UTC seconds, multiples of the watch's step)."""


@dataclass(frozen=True, slots=True)
class Span:
    """Learn from ``learn_from_s`` on, find from ``since_s`` to ``until_s``; UTC seconds."""

    learn_from_s: float
    since_s: float
    until_s: float


@dataclass(slots=True)
class Replayed:
    """What a replay came to. ``series``: most that a detector watched at a time; ``failed``: why one was given up."""

    span: Span
    events: list[Event] = field(default_factory=list)
    findings: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    series: dict[str, int] = field(default_factory=dict)
    cpu_s: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    samples: dict[str, float] = field(default_factory=dict)
    """By detector: how often what it looks at tells something new, seconds."""


def sample_s(detector: Detector) -> float:
    """How often what a detector looks at tells something new: its buckets, else the slowest table that it reads."""
    if isinstance(detector, SeriesDetector):
        return float(detector.watch.step_s)
    return max(_CADENCE_S.get(table, 1.0) for table in detector.tables)


class Replay:
    """One run of detectors over history. Made for each run, as the detectors are."""

    def __init__(
        self, detectors: Mapping[str, Detector], rows: Rows, frames: Frames | None, *, tracker: Tracker | None = None,
        filters: Mapping[str, str] | None = None, step_s: float = 1.0,
    ) -> None:  # fmt: skip
        """``frames`` may be absent where no detector watches series. ``filters``: what each is told to watch only."""
        self._rows_of = {name: one for name, one in detectors.items() if isinstance(one, RowsDetector)}
        self._series = {
            name: _Fed(one, (filters or {}).get(name, ""))
            for name, one in detectors.items()
            if isinstance(one, SeriesDetector)
        }
        self._detectors, self._rows, self._frames = dict(detectors), rows, frames
        self._tracker = tracker or Tracker()
        self._step_s = step_s
        self._events: dict[str, Event] = {}

    def run(self, span: Span, progress: Callable[[float], None] = lambda _reached_s: None) -> Replayed:
        """Learn, then find. ``progress`` is told how far it came. Raises what reading the history raises."""
        out = Replayed(span, samples={name: sample_s(one) for name, one in self._detectors.items()})
        if self._frames is not None:
            for name, fed in self._series.items():
                self._guarded(out, name, lambda fed=fed: fed.learn(self._frames, span))  # type: ignore[misc]
        reached = advanced = self._from(span)
        for end, tables in self._stretches(span):
            for now, slices in self._steps(reached, end, tables):
                self._step(out, now, slices)
                if now - advanced >= _ADVANCE_S or now >= span.until_s:
                    advanced = now
                    self._advance(out, now)
            reached = end
            progress(reached)
        out.events = sorted(self._events.values(), key=lambda event: (event.detected_s, event.id))
        out.series = {name: fed.most for name, fed in self._series.items()}
        return out

    # --- time -------------------------------------------------------------------------------------------------------

    def _stretches(self, span: Span) -> Iterator[tuple[float, dict[str, pa.RecordBatch]]]:
        """Rows of all tables, a stretch at a time; none is long, whether there are rows in it or not."""
        reached = self._from(span)
        for end, tables in self._with_rows(span):
            first = (int(arrivals(name, rows)[0]) / NS for name, rows in tables.items() if rows.num_rows)
            first_s = min(first, default=end)
            while first_s - reached > _STRETCH_S:
                reached += _STRETCH_S
                yield reached, {}
            reached = end
            yield end, tables
        while reached < span.until_s:
            reached = min(reached + _STRETCH_S, span.until_s)
            yield reached, {}

    def _with_rows(self, span: Span) -> Iterator[tuple[float, dict[str, pa.RecordBatch]]]:
        """Tables of the same stretch together; stretches without rows are not told of."""
        wanted = sorted({table for one in self._rows_of.values() for table in one.tables})
        held: dict[str, pa.RecordBatch] = {}
        reached = self._from(span)
        for end, table, rows in self._rows.rows(wanted, reached, span.until_s) if wanted else ():
            if end > reached and held:
                yield reached, held
                held = {}
            reached = end
            held[table] = rows
        if held:
            yield reached, held

    def _from(self, span: Span) -> float:
        """Only rows are learned from as they came; series know what was before when the time begins."""
        return span.learn_from_s if self._rows_of else span.since_s

    def _steps(
        self, since_s: float, end_s: float, tables: Mapping[str, pa.RecordBatch]
    ) -> Iterator[tuple[float, list[tuple[str, pa.RecordBatch]]]]:
        """Step by step: until when, and what arrived in it."""
        step_s = self._step_s if tables or self._series else max(self._step_s, _IDLE_STEP_S)
        ends = np.arange(since_s + step_s, end_s + step_s / 2, step_s)
        if not len(ends) or ends[-1] < end_s - 1e-6:
            ends = np.append(ends, end_s)
        edges = np.round(ends * NS).astype(np.int64)
        cuts: dict[str, NDArray[np.int64]] = {
            name: np.searchsorted(arrivals(name, rows), edges) for name, rows in tables.items()
        }
        at = dict.fromkeys(tables, 0)
        for i, end in enumerate(ends.tolist()):
            slices = []
            for name, rows in tables.items():
                first, last = at[name], int(cuts[name][i])
                if last > first:
                    slices.append((name, rows.slice(first, last - first)))
                    at[name] = last
            yield end, slices

    def _step(self, out: Replayed, now: float, slices: Sequence[tuple[str, pa.RecordBatch]]) -> None:
        for table, rows in slices:
            out.rows[table] += rows.num_rows
        for name, detector in self._rows_of.items():
            if name not in out.failed:
                self._found(out, name, now, self._guarded(out, name, lambda: _looked(detector, slices, now)))  # noqa: B023
        if self._frames is None or now < out.span.since_s:
            return
        for name, fed in self._series.items():
            if name not in out.failed and fed.due(now, out.span):
                found = self._guarded(out, name, lambda: fed.feed(self._frames, now, out.span))  # noqa: B023
                self._found(out, name, now, found)

    # --- findings ---------------------------------------------------------------------------------------------------

    def _guarded(self, out: Replayed, name: str, work: Callable[[], Sequence[Finding] | None]) -> Sequence[Finding]:
        """What a detector found. One that fails is given up, and the others go on."""
        if name in out.failed:
            return ()
        began = time.thread_time()
        try:
            return work() or ()
        except Exception as error:
            log.exception("detector_failed", detector=name)
            out.failed[name] = f"{type(error).__name__}: {error}"
            return ()
        finally:
            out.cpu_s[name] = out.cpu_s.get(name, 0.0) + time.thread_time() - began

    def _found(self, out: Replayed, name: str, now: float, findings: Sequence[Finding]) -> None:
        """While it is still learning, what it finds is not told."""
        if not findings or now <= out.span.since_s:
            return
        out.findings[name] += len(findings)
        for change in self._tracker.take(self._detectors[name].about, findings, now):
            self._keep(change.event)

    def _advance(self, out: Replayed, now: float) -> None:
        for name, one in self._detectors.items():
            if name not in out.failed:
                for change in self._tracker.advance(one.about.name, now):
                    self._keep(change.event)

    def _keep(self, event: Event) -> None:
        if event.id in self._events or len(self._events) < MOST_EVENTS:
            self._events[event.id] = event


def _looked(detector: RowsDetector, slices: Sequence[tuple[str, pa.RecordBatch]], now: float) -> list[Finding]:
    """What a detector finds in the rows of a step, and once it is told the time."""
    found: list[Finding] = []
    for table, rows in slices:
        if table in detector.tables:
            found += detector.take(table, rows)
    found += detector.tick(now)
    return found


class _Fed:
    """A detector of series, and how far it was fed."""

    def __init__(self, detector: SeriesDetector, filter_text: str) -> None:
        self._detector, self._filter = detector, filter_text
        self._next_s = 0
        self._block: Frame | None = None
        self.most = 0

    def learn(self, frames: Frames | None, span: Span) -> None:
        """Take in what was before, a block at a time."""
        assert frames is not None
        watch = self._detector.watch
        at = _grid(max(span.learn_from_s, span.since_s - watch.history_s), watch.step_s)
        self._next_s = end = _grid(span.since_s, watch.step_s)
        while at < end:
            until = min(at + _BLOCK * watch.step_s, end)
            self._detector.learn(frames.frame(watch, self._filter, at, until))
            at = until

    def due(self, now: float, span: Span) -> bool:
        """Whether a bucket is complete, and its late rows had their time."""
        watch = self._detector.watch
        return self._next_s + watch.step_s + watch.lateness_s <= now and self._next_s + watch.step_s <= span.until_s

    def feed(self, frames: Frames | None, now: float, span: Span) -> list[Finding]:
        """Every bucket that is due."""
        assert frames is not None
        found = []
        while self.due(now, span):
            block, step_s = self._block, self._detector.watch.step_s
            if block is None or self._next_s > int(block.times_s[-1]):
                until = min(self._next_s + _BLOCK * step_s, _grid(span.until_s, step_s))
                block = self._block = frames.frame(self._detector.watch, self._filter, self._next_s, until)
                self.most = max(self.most, len(block.keys))
            at = (self._next_s - int(block.times_s[0])) // step_s
            found += self._detector.feed(block.part(at, at + 1))
            self._next_s += step_s
        return found


def _grid(at_s: float, step_s: int) -> int:
    return int(at_s // step_s) * step_s
