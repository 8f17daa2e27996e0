"""Live updates: one WebSocket per browser tab, many topics; each update is computed and encoded once for all tabs.

The client sends ``{"subscribe": ["overview", "exporters"]}`` (again to change its mind); the server sends
``{"topic", "data"}``. A tab that cannot keep up misses updates rather than hold others up: its queue is bounded and the
oldest update of a topic gives way to the newest.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import orjson
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

log = structlog.get_logger(__name__)

INTERVAL_S = 2.0


class Subscriber:
    """One tab: the newest unsent update of each topic it asked for. Bounded by the number of topics."""

    def __init__(self) -> None:
        self.topics: frozenset[str] = frozenset()
        self._waiting: dict[str, str] = {}
        self._ready = asyncio.Event()

    def offer(self, topic: str, message: str) -> bool:
        """Take an update; False if it replaced one that was not sent yet."""
        replaced = self._waiting.pop(topic, None) is not None
        self._waiting[topic] = message
        self._ready.set()
        return not replaced

    async def next(self) -> str:
        """The oldest waiting update."""
        await self._ready.wait()
        topic = next(iter(self._waiting))
        message = self._waiting.pop(topic)
        if not self._waiting:
            self._ready.clear()
        return message


class LiveHub:
    """Publishes each topic that somebody watches, every ``interval_s`` seconds."""

    def __init__(
        self,
        topics: Mapping[str, Callable[[], Awaitable[Any]]],
        registry: CollectorRegistry,
        *,
        limit: int = 256,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self.topics = dict(topics)
        self._limit, self._interval = limit, interval_s
        self._subscribers: set[Subscriber] = set()
        self._last: dict[str, tuple[float, str]] = {}
        self._wake = asyncio.Event()
        self._clients = Gauge("weft_live_clients", "Live connections.", registry=registry)
        self._skipped = Counter("weft_live_skipped", "Updates that a slow tab missed.", registry=registry)
        self._failed = Counter("weft_live_failed", "Updates that could not be computed.", ["topic"], registry=registry)

    @property
    def full(self) -> bool:
        """Whether no further tab can be served."""
        return len(self._subscribers) >= self._limit

    @contextlib.contextmanager
    def connected(self) -> Iterator[Subscriber]:
        """A subscriber for the life of one connection."""
        subscriber = Subscriber()
        self._subscribers.add(subscriber)
        self._clients.inc()
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)
            self._clients.dec()

    def subscribe(self, subscriber: Subscriber, topics: frozenset[str]) -> None:
        """Set what a tab watches; what is already known of it is sent at once."""
        fresh = time.monotonic() - 2 * self._interval
        for topic in topics - subscriber.topics:
            when, message = self._last.get(topic, (0.0, ""))
            if when > fresh:
                subscriber.offer(topic, message)
        subscriber.topics = topics
        self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            started = time.monotonic()
            for topic in self.topics:
                if any(topic in subscriber.topics for subscriber in self._subscribers):
                    await self._publish(topic)
            with contextlib.suppress(TimeoutError):
                pause = max(self._interval - (time.monotonic() - started), self._interval / 4)
                await asyncio.wait_for(self._idle(), timeout=pause)

    async def _idle(self) -> None:
        """Wait for someone who watches a topic that has not been computed lately."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            fresh = time.monotonic() - self._interval
            watched = {topic for subscriber in self._subscribers for topic in subscriber.topics}
            if any(self._last.get(topic, (0.0, ""))[0] < fresh for topic in watched & self.topics.keys()):
                return

    async def _publish(self, topic: str) -> None:
        try:
            data = await self.topics[topic]()
        except Exception:
            self._failed.labels(topic).inc()
            log.exception("live_update_failed", topic=topic)
            return
        message = orjson.dumps({"topic": topic, "data": data}, default=_plain).decode()
        self._last[topic] = (time.monotonic(), message)
        for subscriber in self._subscribers:
            if topic in subscriber.topics and not subscriber.offer(topic, message):
                self._skipped.inc()


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"cannot send a {type(value).__name__}")
