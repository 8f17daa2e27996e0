"""Rows on their way to the detectors: bounded, so that a slow detector costs looks at rows, never rows themselves."""

from __future__ import annotations

import threading
from collections import Counter, deque

import pyarrow as pa

#: Batches that wait at most, however small.
_MOST_BATCHES = 20_000


class Inbox:
    """Batches in order of arrival. ``put`` from any thread."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._waiting: deque[tuple[str, pa.RecordBatch, int, float]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closed = False
        self.taken: Counter[str] = Counter()
        """Rows by table."""
        self.dropped: Counter[str] = Counter()
        """Rows by table for which there was no room."""

    @property
    def fill(self) -> float:
        """Share of the room that is taken."""
        return max(self._bytes / self._most, len(self._waiting) / _MOST_BATCHES)

    def reached_s(self, now_s: float) -> float:
        """Up to when everything that came was looked at: the arrival of what waits longest; now where nothing does."""
        with self._changed:
            return min(now_s, self._waiting[0][3]) if self._waiting else now_s

    def put(self, table: str, rows: pa.RecordBatch, now_s: float = 0.0) -> bool:
        """Take rows that came at ``now_s``, or count them as dropped."""
        size = rows.nbytes
        with self._changed:
            if self._closed or self._bytes + size > self._most or len(self._waiting) >= _MOST_BATCHES:
                self.dropped[table] += rows.num_rows
                return False
            self._waiting.append((table, rows, size, now_s))
            self._bytes += size
            self.taken[table] += rows.num_rows
            self._changed.notify()
            return True

    def get(self, timeout_s: float) -> tuple[str, pa.RecordBatch] | None:
        """The next batch; None where none came in time, or it is closed."""
        with self._changed:
            if not self._waiting and not self._closed:
                self._changed.wait(timeout_s)
            if not self._waiting:
                return None
            table, rows, size, _ = self._waiting.popleft()
            self._bytes -= size
            return table, rows

    def close(self) -> None:
        """Take no more, and wake who waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
