"""When which series are read: live as soon as a bucket is complete, history in between, a block at a time.

Watches that ask the same are asked once. History is learned in blocks of bounded size, so that what is live never
waits longer than one of them takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import structlog

from weft.detect.detector import Finding, Watch
from weft.detect.frame import Frame
from weft.detect.frames import MatrixFrames
from weft.detect.runs import Run, series_of
from weft.errors import InvalidInput, LimitExceeded, WeftError

log = structlog.get_logger(__name__)

#: Values of one block of history, and buckets of it.
_MOST_CELLS = 300_000
_FEWEST, _FIRST, _MOST_BUCKETS = 10, 60, 1440
#: Buckets that are fed at a time when there are several to catch up with.
_MOST_FED = 60
_RETRY_S = 10.0


@dataclass(slots=True)
class Feed:
    """One question to the store, and who is fed with its answers."""

    watch: Watch
    filter: str
    runs: list[Run] = field(default_factory=list)
    reached_s: int = 0
    learned: bool = False
    series: int = 0
    blocks: int = 0
    retry_at_s: float = 0.0
    last_error: str = ""

    def complete_s(self, now_s: float) -> int:
        """Up to when buckets are complete and their late rows had their time."""
        return int((now_s - self.watch.lateness_s) // self.watch.step_s) * self.watch.step_s

    @property
    def block_s(self) -> int:
        """Length of a block of history."""
        if not self.blocks:
            return self.watch.step_s * _FIRST
        return self.watch.step_s * max(_FEWEST, min(_MOST_BUCKETS, _MOST_CELLS // max(self.series, 1)))


Found = Callable[[Run, list[Finding], float], None]


class Schedule:
    """Reads for all detectors of series. One thread at a time."""

    def __init__(self, frames: MatrixFrames, *, late_s: float, found: Found) -> None:
        """``found`` is told what a detector found and up to when it was fed, also when that is nothing."""
        self._frames, self._late_s, self._found = frames, late_s, found
        self.feeds: list[Feed] = []

    def add(self, run: Run, now_s: float) -> None:
        """Feed a detector from now on; one that knows nothing yet learns first."""
        detector = series_of(run)
        assert detector is not None
        watch = detector.watch
        step = watch.step_s
        if not now_s - max(watch.history_s, step) <= run.reached_s <= now_s:
            run.warm = run.begun = False
            run.reached_s = float(int(now_s - watch.history_s) // step * step)
            run.learn_from_s = run.reached_s
        reached = int(run.reached_s) // step * step
        run.state = "learning"
        for feed in self.feeds:
            if (feed.watch, feed.filter) == (watch, run.config.filter) and feed.reached_s == reached:
                feed.runs.append(run)
                return
        self.feeds.append(Feed(watch, run.config.filter, [run], reached))

    def live(self, now_s: float) -> bool:
        """Feed what is due; whether anything was."""
        worked = False
        for feed in self.feeds:
            end_s = feed.complete_s(now_s)
            if feed.learned and feed.reached_s < end_s and now_s >= feed.retry_at_s:
                if end_s - feed.reached_s > self._late_s:
                    feed.learned = False  # it was held up: what is old raises nothing any more
                    continue
                self._feed(feed, min(end_s, feed.reached_s + _MOST_FED * feed.watch.step_s), now_s)
                worked = True
        self._merge()
        return worked

    def learn(self, now_s: float) -> bool:
        """Take in one block of history, of the watch that has most of it behind; whether there was one."""
        waiting = [feed for feed in self.feeds if not feed.learned and now_s >= feed.retry_at_s]
        if not waiting:
            return False
        feed = max(waiting, key=lambda one: one.reached_s / one.watch.step_s)
        end_s = feed.complete_s(now_s)
        warm = all(run.warm for run in feed.runs) and end_s - feed.reached_s <= self._late_s
        if feed.reached_s >= end_s or warm:
            self._ready(feed)
            return True
        frame = self._read(feed, min(end_s, feed.reached_s + feed.block_s), now_s)
        if frame is not None:
            for run in feed.runs:
                detector = series_of(run)
                if detector is not None and run.awake:
                    run.call(lambda: detector.learn(frame))  # noqa: B023
                run.reached_s, run.series, run.is_cut = float(feed.reached_s), len(frame.keys), frame.is_cut
                _began(run, frame)
        return True

    def next_due_s(self, now_s: float) -> float:
        """How long until something is due."""
        due = [feed.reached_s + feed.watch.step_s + feed.watch.lateness_s for feed in self.feeds if feed.learned]
        return max(0.0, min(due, default=now_s + 60.0) - now_s)

    # --- one feed ---------------------------------------------------------------------------------------------------

    def _feed(self, feed: Feed, until_s: int, now_s: float) -> None:
        frame = self._read(feed, until_s, now_s)
        if frame is None:
            return
        for run in feed.runs:
            detector = series_of(run)
            found: list[Finding] = []
            if detector is not None and run.awake:
                found = run.call(lambda: detector.feed(frame))  # noqa: B023
            run.reached_s, run.series, run.is_cut = float(until_s), len(frame.keys), frame.is_cut
            _began(run, frame)
            self._found(run, found, float(until_s))

    def _read(self, feed: Feed, until_s: int, now_s: float) -> Frame | None:
        """The next buckets up to ``until_s``; the feed has reached that then. None where they cannot be had."""
        try:
            frame = self._frames.frame(feed.watch, feed.filter, feed.reached_s, until_s)
        except WeftError as error:
            fewer = feed.reached_s + (until_s - feed.reached_s) // feed.watch.step_s // 2 * feed.watch.step_s
            if isinstance(error, LimitExceeded) and fewer > feed.reached_s:
                return self._read(feed, fewer, now_s)
            _failed(feed, error, now_s)
            return None
        except Exception as error:  # noqa: BLE001  # logged there: a defect in one question must not starve the others
            _failed(feed, error, now_s)
            return None
        feed.last_error = ""
        feed.reached_s, feed.series, feed.blocks = until_s, len(frame.keys), feed.blocks + 1
        return frame

    def _ready(self, feed: Feed) -> None:
        feed.learned = True
        for run in feed.runs:
            run.warm = True
            if run.state == "learning":
                run.state = "ready"
                log.info("detector_ready", detector=run.name, series=run.series, learned=round(run.learned, 3))

    def _merge(self) -> None:
        """Feeds of the same question that came to the same time become one."""
        kept: list[Feed] = []
        for feed in self.feeds:
            twin = next((one for one in kept if _alike(one, feed)), None)
            if twin is None:
                kept.append(feed)
            else:
                twin.runs += feed.runs
        self.feeds = kept


def _failed(feed: Feed, error: Exception, now_s: float) -> None:
    """The question had no answer: count it, and ask again later."""
    ours = not isinstance(error, WeftError)
    lasting = ours or isinstance(error, InvalidInput)
    why = error.message if isinstance(error, WeftError) else f"{type(error).__name__}: {error}"
    if why != feed.last_error:
        log.warning("watch_failed", detectors=[run.name for run in feed.runs], error=why, exc_info=ours)
    feed.last_error = why
    feed.retry_at_s = now_s + (_RETRY_S if not lasting else 30 * _RETRY_S)
    for run in feed.runs:
        run.errors += 1
        run.last_error = why[:500]
        run.state = "failed" if lasting else run.state


def _began(run: Run, frame: Frame) -> None:
    """History counts from where there is any."""
    if run.begun or not len(frame.times_s):
        return
    told = np.isfinite(frame.values).any(axis=0)
    run.begun = bool(told.any())
    first = frame.times_s[int(told.argmax())] if run.begun else frame.times_s[-1] + frame.step_s
    run.learn_from_s = float(first)


def _alike(one: Feed, other: Feed) -> bool:
    return (one.watch, one.filter, one.reached_s) == (other.watch, other.filter, other.reached_s) and (
        one.learned and other.learned
    )
