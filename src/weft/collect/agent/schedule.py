"""When each series is due: spread over its interval, never twice at a time, without bursts after a pause."""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog

from weft.collect.agent.plan import Series, offset_s

log = structlog.get_logger(__name__)

_Key = tuple[str, str, str]
_JITTER, _MOST_JITTER_S = 0.02, 1.0
_IDLE_S = 60.0


class Schedule:
    """Starts ``run`` of each series when it is due. Single-threaded: lives in one event loop."""

    def __init__(
        self, me: str, run: Callable[[Series], Coroutine[Any, Any, None]], most_at_once: int,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._me, self._run, self._most, self._clock = me, run, most_at_once, clock
        self._series: dict[_Key, Series] = {}
        self._heap: list[tuple[float, int, float, Series]] = []  # when it starts, number, when it is due
        self._numbers = 0
        self._running: dict[_Key, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self.skipped: Counter[str] = Counter()

    @property
    def running(self) -> int:
        """Runs under way."""
        return len(self._running)

    def set(self, series: Sequence[Series]) -> None:
        """From now on these. Those that stay as they are keep their times; runs of those that go are ended."""
        wanted = {one.key: one for one in series}
        for key, task in list(self._running.items()):
            if key not in wanted:
                task.cancel()
        kept = {one.key: due for _, _, due, one in self._heap if wanted.get(one.key) == one}
        self._series = wanted
        self._heap.clear()
        for key, one in wanted.items():
            self._push(kept[key] if key in kept else self._next(one, self._clock()), one)
        self._changed.set()

    async def work(self, done: asyncio.Event) -> None:
        """Until ``done``; then what runs is cancelled and waited for."""
        try:
            while not done.is_set():
                pause = self._start_due()
                self._changed.clear()
                waits = [asyncio.ensure_future(one.wait()) for one in (self._changed, done)]
                try:
                    await asyncio.wait(waits, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for one in waits:
                        one.cancel()
        finally:
            tasks = list(self._running.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _start_due(self) -> float:
        """Start what is due; seconds until the next is."""
        now = self._clock()
        while self._heap and self._heap[0][0] <= now:
            _, _, due, one = heapq.heappop(self._heap)
            self._start(one)
            following = due + one.test.every_s
            if following <= now:  # the machine slept, or its clock was set: no catching up
                self.skipped["the agent was asleep"] += int((now - due) // one.test.every_s)
                following = self._next(one, now)
            self._push(following, one)
        if not self._heap:
            return _IDLE_S
        pause = self._heap[0][0] - now
        if pause > self._heap[0][3].test.every_s + 2 * _MOST_JITTER_S:  # the clock was set back
            series = [one for _, _, _, one in self._heap]
            self._heap.clear()
            for one in series:
                self._push(self._next(one, now), one)
            pause = self._heap[0][0] - now
        return min(_IDLE_S, max(0.0, pause))

    def _start(self, one: Series) -> None:
        if one.key in self._running:
            self.skipped["the run before was still under way"] += 1
            return
        if len(self._running) >= self._most:
            self.skipped["too many runs at once"] += 1
            return
        task = asyncio.create_task(self._run(one))
        self._running[one.key] = task
        task.add_done_callback(lambda ended: self._ended(one, ended))

    def _ended(self, one: Series, task: asyncio.Task[None]) -> None:
        self._running.pop(one.key, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("test_crashed", test=one.test.name, exc_info=error)

    def _next(self, one: Series, now: float) -> float:
        """The series' own place in the interval that begins now."""
        every = one.test.every_s
        return now + (offset_s(self._me, one.key, every) - now) % every

    def _push(self, due: float, one: Series) -> None:
        self._numbers += 1
        late = random.uniform(0, min(_MOST_JITTER_S, one.test.every_s * _JITTER))  # noqa: S311  # nothing secret
        heapq.heappush(self._heap, (due + late, self._numbers, due, one))
