"""Slows down guessing: failed logins per minute, by name and by client address."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from weft.api.errors import TooManyAttempts

WINDOW_S = 60.0
MAX_KEYS = 10_000  # a flood of made-up names must not grow memory without bound


class LoginLimiter:
    """Counts failures in a sliding window; ``check`` refuses once there were ``limit`` for the name or the client."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._clock = limit, clock
        self._failures: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, username: str, client: str) -> None:
        """Raise ``TooManyAttempts`` while the name or the client is locked out."""
        now = self._clock()
        with self._lock:
            for key in self._keys(username, client):
                times = self._recent(key, now)
                if len(times) >= self._limit:
                    wait = max(1, round(times[0] + WINDOW_S - now))
                    raise TooManyAttempts("too many failed logins", retry_after_s=wait)

    def failed(self, username: str, client: str) -> None:
        """Count a failed login."""
        now = self._clock()
        with self._lock:
            for key in self._keys(username, client):
                self._recent(key, now).append(now)
                self._failures.move_to_end(key)
            while len(self._failures) > MAX_KEYS:
                self._failures.popitem(last=False)

    def succeeded(self, username: str, client: str) -> None:
        """Forget the failures of a name that logged in (those of its address stay: others may share it)."""
        with self._lock:
            self._failures.pop(self._keys(username, client)[0], None)

    @staticmethod
    def _keys(username: str, client: str) -> tuple[tuple[str, str], tuple[str, str]]:
        return ("name", username.lower()[:200]), ("client", client)

    def _recent(self, key: tuple[str, str], now: float) -> deque[float]:
        times = self._failures.setdefault(key, deque(maxlen=self._limit))
        while times and times[0] <= now - WINDOW_S:
            times.popleft()
        return times
