"""Rates over the last minute from counters that only grow."""

from __future__ import annotations

import time
from collections import deque

from weft.collect.status import StreamRate
from weft.model.exporters import StreamStatus

_WINDOW_S = 60.0
_EVERY_S = 5.0

_Key = tuple[str, str, int, int]
_Counts = tuple[int, int, int]


class RateMeter:
    """Remembers the counters of the last minute."""

    def __init__(self) -> None:
        self._past: deque[tuple[float, dict[_Key, _Counts]]] = deque()

    def forget(self) -> None:
        """Start anew: what was imported or back-filled until now says nothing of how much arrives."""
        self._past.clear()

    def update(self, streams: list[StreamStatus], now: float | None = None) -> list[StreamRate]:
        """Take the counters of now (``now``: monotonic seconds) and give each stream's rates."""
        now = time.monotonic() if now is None else now
        counts = {_key(stream): (stream.datagrams, stream.records, stream.octets) for stream in streams}
        while len(self._past) > 1 and self._past[1][0] <= now - _WINDOW_S:
            self._past.popleft()
        began, before = self._past[0] if self._past else (now, counts)
        if not self._past or now - self._past[-1][0] >= _EVERY_S:
            self._past.append((now, counts))
        seconds, heard_ns = now - began, time.time_ns() - int(_WINDOW_S * 1e9)
        return [
            # What is imported beside live telemetry bears times of its own: nothing of it arrives now.
            StreamRate(stream) if 0 < stream.last_seen_ns < heard_ns
            else _rate(stream, before.get(_key(stream), (0, 0, 0)), seconds)
            for stream in streams
        ]  # fmt: skip


def _rate(stream: StreamStatus, before: _Counts, seconds: float) -> StreamRate:
    if seconds <= 0:
        return StreamRate(stream)
    return StreamRate(
        stream,
        max(0, stream.datagrams - before[0]) / seconds,
        max(0, stream.records - before[1]) / seconds,
        max(0, stream.octets - before[2]) * 8 / seconds,
    )


def _key(stream: StreamStatus) -> _Key:
    return stream.exporter, stream.source, stream.flow_type, stream.observation_domain
