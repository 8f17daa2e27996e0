"""From messages to rows: one feed per target, one thread that decodes for all of them, memory that is bounded."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import structlog

from weft.collect.intake.book import SourceBook
from weft.collect.intake.intake import Intake
from weft.collect.ports import Facts
from weft.decode.gnmi.decoder import Decoded, GnmiDecoder
from weft.errors import WeftError
from weft.model.inventory import Fact
from weft.model.metrics import METRICS

log = structlog.get_logger(__name__)

_GATHER_S = 0.25  # messages of a target wait this long for others
_GATHER_BYTES = 256 << 10  # or until there are so many
_FACTS_S = 2.0  # the inventory is told of changes no more often
_OVERHEAD = 120  # what a waiting message takes beyond its bytes


class Feed:
    """What one target sends. ``offer`` from its session; everything else in the pump's thread."""

    def __init__(
        self, decoder: GnmiDecoder, book: SourceBook, intake: Intake, facts: Facts, *, scope: str, expected_s: float
    ) -> None:
        self._decoder, self._book, self._intake, self._facts = decoder, book, intake, facts
        self._scope, self._expected_s = scope, expected_s
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._since = self._arrived_ns = 0.0
        self._slot = -1
        self._synced = False
        self._told: tuple[list[Fact], list[Fact]] = ([], [])
        self._dirty = False
        self._told_at = time.monotonic()  # not at once: the first message is seldom all of it
        self._updates = self._messages = self._values = 0

    def add(self, message: bytes) -> None:
        """A message that has just come."""
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append(message)
        self._bytes += len(message)
        self._arrived_ns = time.time_ns()

    def due(self, now: float) -> float:
        """Seconds until there is something to do; none soon = an hour."""
        wait = 3600.0
        if self._waiting:
            wait = 0.0 if self._bytes >= _GATHER_BYTES else self._since + _GATHER_S - now
        if self._dirty:
            wait = min(wait, self._told_at + _FACTS_S - now)
        return wait

    def expect(self, seconds: float) -> None:
        """How often something comes from now on; 0 = whenever."""
        self._expected_s = seconds
        self._book.expect(seconds)

    def take(self) -> tuple[list[bytes], int]:
        """What is waiting, and when the last of it came."""
        messages, self._waiting, self._bytes = self._waiting, [], 0
        return messages, int(self._arrived_ns)

    def reconnected(self) -> None:
        """The next messages are the whole state again."""
        self._synced = False

    def process(self, messages: list[bytes], now_ns: int) -> None:
        """Decode, hand on, keep the book."""
        decoded = self._decoder.decode(messages, now_ns)
        self._account(decoded, now_ns)
        arrivals = self._arrivals(len(messages))
        if decoded.rows is None:
            if len(messages) > sum(decoded.skipped.get(reason, 0) for reason in ("malformed", "too_large")):
                self._book.came(0, messages=arrivals)
            return
        self._intake.put(METRICS, decoded.rows, self._book, messages=arrivals)

    def _arrivals(self, messages: int) -> int:
        """What counts as arrived: where something is expected every interval, at most one arrival in each of them."""
        if not self._expected_s:
            return messages
        slot = int(time.monotonic() / self._expected_s)
        new = slot != self._slot
        self._slot = slot
        return int(new)

    def _account(self, decoded: Decoded, now_ns: int) -> None:
        book = self._book
        if self._synced and self._expected_s and decoded.newest_ns:
            book.skew((decoded.newest_ns - now_ns) / 1e9)
        self._synced = self._synced or decoded.syncs > 0
        for reason, count in decoded.skipped.items():
            book.error(reason, _REASONS.get(reason, reason.replace("_", " ")), count=count)
        if decoded.duplicates:
            book.duplicate(decoded.duplicates)
        self._messages += decoded.messages
        self._updates += decoded.updates
        self._values += decoded.values
        note: dict[str, str | int | float] = {
            "messages": self._messages, "updates": self._updates, "values": self._values,
            "sync": "yes" if self._synced else "no",
        }  # fmt: skip
        if decoded.deletes:
            note["last_deleted"] = decoded.withdrawn
        book.note(**note)
        self._dirty = self._dirty or decoded.facts_changed

    def tell(self, *, now: bool = False) -> None:
        """Tell the inventory what has changed, once in a while."""
        if not self._dirty or (not now and time.monotonic() < self._told_at + _FACTS_S):
            return
        self._dirty, self._told_at = False, time.monotonic()
        own, neighbours = self._decoder.facts()
        if own != self._told[0]:
            self._facts.observe("gnmi", self._scope, own)
        if neighbours != self._told[1]:
            self._facts.observe("lldp", self._scope, neighbours)
        self._told = own, neighbours
        name = next((fact.attributes.get("name") for fact in own), None)
        if name:
            self._book.note(hostname=str(name))


_REASONS = {
    "malformed": "messages that are not gNMI", "no_value": "updates without a value",
    "bad_json": "values that are not JSON", "unknown_word": "states that Weft has no number for",
    "stamp_zero": "values without a time; they have that of their arrival", "not_there": "values given as absent",
    "stamp_unit": "times that are not nanoseconds; they were converted",
    "stamp_future": "times in the future; they were set to their arrival",
    "too_many_names": "more names of metrics than gnmi.max_names", "proto_bytes": "values in protobuf of their own",
    "too_many_series": "more series than gnmi.max_series", "too_many_paths": "more paths than can be remembered",
}  # fmt: skip


class Pump:
    """Decodes what feeds hold, in a thread of its own, so that the store's pace never stops the event loop."""

    def __init__(self, queue_bytes: int) -> None:
        self._most = queue_bytes
        self._changed = threading.Condition()
        self._feeds: dict[Feed, None] = {}
        self._bytes = 0
        self._running = False
        self._thread: threading.Thread | None = None
        self._room: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def start(self) -> None:
        """Begin to decode."""
        self._running = True
        self._thread = threading.Thread(target=self._run, name="weft-gnmi-decode", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Decode what is waiting, then end."""
        with self._changed:
            self._running = False
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def join_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """The event loop that ``offer`` is called from."""
        self._room = loop, asyncio.Event()

    async def offer(self, feed: Feed, message: bytes, stalled: Callable[[], None]) -> None:
        """Take a message; waits while the memory is full, and with it the target (HTTP/2 flow control)."""
        while self._bytes >= self._most and self._running:
            assert self._room is not None
            stalled()
            self._room[1].clear()
            await self._room[1].wait()
        with self._changed:
            feed.add(message)
            self._bytes += len(message) + _OVERHEAD
            if feed not in self._feeds:
                self._feeds[feed] = None
                self._changed.notify_all()
            elif feed.due(0.0) <= 0.0:
                self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                due = min((feed.due(now) for feed in self._feeds), default=3600.0)
                if due > 0 and self._running:
                    self._changed.wait(due)
                running, now = self._running, time.monotonic()
                ready = [feed for feed in self._feeds if not running or feed.due(now) <= 0]
                taken = [(feed, *feed.take()) for feed in ready]
            for feed, messages, now_ns in taken:
                self._process(feed, messages, now_ns, last=not running)
            if not running:
                return

    def _process(self, feed: Feed, messages: list[bytes], now_ns: int, *, last: bool) -> None:
        try:
            if messages:
                feed.process(messages, now_ns)
            feed.tell(now=last)
        except WeftError:
            pass  # the intake has counted what it could not take
        except Exception:
            log.exception("gnmi_decode_failed")
        with self._changed:
            self._bytes -= sum(len(message) + _OVERHEAD for message in messages)
            if feed.due(time.monotonic()) >= 3600.0:
                self._feeds.pop(feed, None)
        if self._room is not None and not self._room[0].is_closed():
            self._room[0].call_soon_threadsafe(self._room[1].set)
