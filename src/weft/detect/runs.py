"""One detector at work: its state, what it costs, and what becomes of its mistakes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import structlog

from weft.detect.context import DetectorConfig
from weft.detect.detector import Detector, Finding, RowsDetector, SeriesDetector
from weft.detect.states import StateFiles
from weft.errors import InvalidInput, WeftError
from weft.model.events import EventGroup

log = structlog.get_logger(__name__)

#: Failures in a row after which a detector is left alone for a while.
_MOST_FAILURES = 20
_PAUSE_S = 600.0
#: Findings taken of one call; what is beyond is counted as dropped.
_MOST_FINDINGS = 5000

RunState = Literal["learning", "ready", "failed"]


@dataclass(frozen=True, slots=True)
class DetectorStatus:
    """How a detector is now. Times are UTC seconds."""

    name: str
    title: str
    group: EventGroup
    state: RunState
    learned: float
    """Share of the history taken in that it wants to learn from."""
    series: int
    findings: int
    errors: int
    last_error: str
    busy_s: float
    reached_s: float
    """Up to when it was fed."""
    dropped: int
    left_out: int = 0
    """Series, keys and deviations that the detector had no room for."""
    is_cut: bool = False
    """Whether there are more series than it watches."""


@dataclass(slots=True)
class Run:
    """A detector with its lock: whoever calls it holds that."""

    name: str
    detector: Detector
    config: DetectorConfig
    lock: threading.Lock = field(default_factory=threading.Lock)
    state: RunState = "ready"
    reached_s: float = 0.0
    learn_from_s: float = 0.0
    begun: bool = False
    """Whether there was anything to learn from so far."""
    warm: bool = False
    """Whether it knew enough at some time to be fed what was missed since, rather than learn from it."""
    series: int = 0
    findings: int = 0
    dropped: int = 0
    errors: int = 0
    failures: int = 0
    last_error: str = ""
    busy_s: float = 0.0
    paused_until: float = 0.0
    is_cut: bool = False
    """Whether there are more series than it watches."""
    _told: bool = False

    @property
    def awake(self) -> bool:
        """Whether it is not being left alone."""
        return time.monotonic() >= self.paused_until

    def call(self, what: Callable[[], Sequence[Finding] | None]) -> list[Finding]:
        """What the detector finds; nothing where it fails, which is counted and told."""
        began = time.thread_time()
        try:
            with self.lock:
                found = list(what() or ())
        except Exception as error:  # noqa: BLE001  # logged there: one detector's mistake must not stop the others
            self.failed(f"{type(error).__name__}: {error}")
            return []
        finally:
            self.busy_s += time.thread_time() - began
        self.failures = 0
        if self.state == "failed":
            self.state = "ready"
        if len(found) > _MOST_FINDINGS:
            self.dropped += len(found) - _MOST_FINDINGS
            found = found[:_MOST_FINDINGS]
        self.findings += len(found)
        if not self._told and (self.is_cut or self.dropped or self.detector.left_out):
            self._told = True
            log.warning(
                "detector_without_room", detector=self.name, left_out=self.detector.left_out,
                findings_dropped=self.dropped, more_series_than_it_watches=self.is_cut,
            )  # fmt: skip
        return found

    def failed(self, why: str) -> None:
        """Count a failure; after many in a row, leave the detector alone for a while."""
        self.errors += 1
        self.failures += 1
        if why != self.last_error:
            log.warning("detector_failed", detector=self.name, error=why, exc_info=True)
        self.last_error = why[:500]
        if self.failures >= _MOST_FAILURES:
            self.state, self.failures = "failed", 0
            self.paused_until = time.monotonic() + _PAUSE_S

    def restore(self, states: StateFiles) -> bool:
        """Go on with what was saved; whether there was something that the detector understands."""
        saved = states.load(self.name)
        if saved is None:
            return False
        try:
            with self.lock:
                self.detector.load(saved.state)
        except InvalidInput as error:
            log.info("detector_state_not_used", detector=self.name, why=error.message)
            return False
        except Exception as error:  # noqa: BLE001  # a state that breaks its detector must not do so for ever
            self.failed(f"{type(error).__name__}: {error}")
            return False
        self.reached_s = saved.through_s
        self.warm, self.begun = bool(saved.about.get("warm")), bool(saved.about.get("begun"))
        self.learn_from_s = float(saved.about.get("learn_from_s", saved.through_s))
        return True

    def save(self, states: StateFiles) -> None:
        """Save what the detector knows."""
        try:
            with self.lock:
                state = self.detector.save()
                reached_s = self.reached_s
            if state:
                about = {"learn_from_s": self.learn_from_s, "warm": self.warm, "begun": self.begun}
                states.save(self.name, state, reached_s, about)
        except (WeftError, OSError) as error:
            self.failed(str(error))
        except Exception as error:  # noqa: BLE001  # as in ``call``
            self.failed(f"{type(error).__name__}: {error}")

    @property
    def learned(self) -> float:
        """Share of the history that it wants, 0 to 1; 1 where it wants none."""
        if not isinstance(self.detector, SeriesDetector) or self.detector.watch.history_s <= 0:
            return 1.0
        return max(0.0, min(1.0, (self.reached_s - self.learn_from_s) / self.detector.watch.history_s))

    def status(self) -> DetectorStatus:
        """How it is now."""
        about = self.detector.about
        return DetectorStatus(
            self.name, about.title, about.group, self.state, self.learned, self.series, self.findings, self.errors,
            self.last_error, self.busy_s, self.reached_s, self.dropped, self.detector.left_out, self.is_cut,
        )  # fmt: skip


def rows_of(run: Run) -> RowsDetector | None:
    """The run's detector, where it is one of rows."""
    return run.detector if isinstance(run.detector, RowsDetector) else None


def series_of(run: Run) -> SeriesDetector | None:
    """The run's detector, where it is one of series."""
    return run.detector if isinstance(run.detector, SeriesDetector) else None


def watched(run: Run) -> str:
    """What the run's detector looks at, in words."""
    detector = run.detector
    if isinstance(detector, RowsDetector):
        return f"{', '.join(detector.tables)}, as they arrive".replace("_", " ")
    watch = detector.watch
    each = f" by {', '.join(watch.by)}" if watch.by else ""
    return f"{watch.measure} of {watch.dataset}{each}, every {watch.step_s} s".replace("_", " ")
