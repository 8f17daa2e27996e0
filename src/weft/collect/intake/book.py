"""The book that is kept of one source: what came, when, how late, and what went wrong."""

from __future__ import annotations

import statistics
import threading
import time
from collections import deque
from dataclasses import replace

from weft.model.sources import SourceStatus, State

_SECOND = 1_000_000_000
_RATE_S = 60.0
_HOUR_S = 3600.0
#: A source is silent after this many times the interval it is expected at (or this many seconds, if that is longer).
_PATIENCE, _LEAST_PATIENCE_S = 3.0, 30.0
#: A recent error makes a source degraded for this long.
_ERROR_S = 300.0
_MOST_REASONS = 50
_SKEWS = 64


class SourceBook:
    """Counts of one source. Thread-safe and cheap: a call takes about a microsecond."""

    def __init__(self, kind: str, name: str, target: str = "", *, exporter: str = "", expected_s: float = 0.0) -> None:
        self._status = SourceStatus(kind, name, target, exporter, expected_s=expected_s)
        self._lock = threading.Lock()
        self._minutes: deque[tuple[float, int]] = deque()  # (monotonic second, rows that came in it)
        self._arrivals: deque[tuple[float, int]] = deque()  # (monotonic minute, good arrivals in it), the last hour
        self._skews: deque[float] = deque(maxlen=_SKEWS)
        self._began = time.monotonic()
        self._failing = False

    @property
    def kind(self) -> str:
        """What kind of source it is."""
        return self._status.kind

    @property
    def name(self) -> str:
        """What it is called."""
        return self._status.name

    def came(self, rows: int = 0, *, messages: int = 1, lag_s: float | None = None) -> None:
        """Something good came: ``messages`` polls, messages or requests that made ``rows`` rows."""
        now, now_ns = time.monotonic(), time.time_ns()
        with self._lock:
            status = self._status
            status.first_seen_ns = status.first_seen_ns or now_ns
            status.last_seen_ns = now_ns
            status.received += messages
            status.rows += rows
            self._failing = False
            if lag_s is not None:
                status.lag_s = lag_s
            _add(self._minutes, float(int(now)), rows, now - _RATE_S)
            _add(self._arrivals, float(int(now // 60) * 60), messages, now - _HOUR_S)

    def error(self, reason: str, message: str = "", *, count: int = 1, failing: bool = False) -> None:
        """Something went wrong, by reason (a word). ``message`` must hold no secret. ``failing``: nothing works now."""
        with self._lock:
            errors = self._status.errors
            if reason not in errors and len(errors) >= _MOST_REASONS:
                reason = "other"
            errors[reason] = errors.get(reason, 0) + count
            self._status.last_error = message or reason
            self._status.last_error_ns = time.time_ns()
            self._failing = self._failing or failing

    def gap(self, count: int = 1) -> None:
        """Something that was expected did not come."""
        with self._lock:
            self._status.gaps += count

    def late(self, count: int) -> None:
        """Values older than what came before."""
        with self._lock:
            self._status.late += count

    def duplicate(self, count: int) -> None:
        """Values that came before."""
        with self._lock:
            self._status.duplicates += count

    def skew(self, seconds: float) -> None:
        """One reading of the source's clock minus ours."""
        with self._lock:
            self._skews.append(seconds)

    def expect(self, seconds: float) -> None:
        """How often something should come from now on; 0 = whenever."""
        with self._lock:
            self._status.expected_s = seconds

    def rename(self, name: str = "", exporter: str = "") -> None:
        """The source's name or device became known."""
        with self._lock:
            self._status.name = name or self._status.name
            self._status.exporter = exporter or self._status.exporter

    def note(self, **detail: str | int | float) -> None:
        """What only this kind has."""
        with self._lock:
            self._status.detail.update(detail)

    def status(self) -> SourceStatus:
        """A copy, as of now."""
        now = time.monotonic()
        with self._lock:
            while self._minutes and self._minutes[0][0] < now - _RATE_S:
                self._minutes.popleft()
            rows = sum(count for _, count in self._minutes)
            skew = statistics.median(self._skews) if self._skews else None
            return replace(
                self._status, state=self._state(), per_s=rows / max(1.0, min(_RATE_S, now - self._began)),
                clock_skew_s=skew, coverage=self._coverage(now), errors=dict(self._status.errors),
                detail=dict(self._status.detail),
            )  # fmt: skip

    def _state(self) -> State:
        status, now_ns = self._status, time.time_ns()
        if self._failing:
            return "failing"
        if not status.last_seen_ns:
            return "starting"
        quiet_s = (now_ns - status.last_seen_ns) / _SECOND
        if status.expected_s and quiet_s > max(_LEAST_PATIENCE_S, _PATIENCE * status.expected_s):
            return "silent"
        if status.last_error_ns and (now_ns - status.last_error_ns) / _SECOND < _ERROR_S:
            return "degraded"
        return "ok"

    def _coverage(self, now: float) -> float | None:
        """Good arrivals of the last hour (or since the start) over those expected."""
        expected_s = self._status.expected_s
        if not expected_s:
            return None
        window = min(_HOUR_S, now - self._began)
        expected = window / expected_s
        if expected < 1:
            return None
        came = sum(count for minute, count in self._arrivals if minute >= now - _HOUR_S - 60)
        return min(1.0, came / int(expected))


def _add(counts: deque[tuple[float, int]], slot: float, count: int, oldest: float) -> None:
    if counts and counts[-1][0] == slot:
        counts[-1] = (slot, counts[-1][1] + count)
    else:
        counts.append((slot, count))
    while counts and counts[0][0] < oldest - 60:
        counts.popleft()
