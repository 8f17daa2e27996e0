"""Which channel is told what, and when: holding back, de-duplicating, summing up, trying again."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import orjson
import structlog

from weft.detect.notify.config import ChannelConfig, NotifyConfig
from weft.detect.notify.message import Change, Message, message_of, summary_of
from weft.detect.notify.senders import Sender, sender_of
from weft.errors import Failed, WeftError
from weft.model.events import Event, EventState, Severity

log = structlog.get_logger(__name__)

_HOUR_S = 3600.0
_MOST_WAITING = 1000  # of one channel: events held back, messages to be sent
_MOST_REMEMBERED = 5000  # events that a channel was told of
_FIRST_PAUSE_S, _MOST_PAUSE_S = 2.0, 600.0
_GIVE_UP_S = 6 * _HOUR_S


class Marks(Protocol):
    """Keeps what was told across restarts."""

    def load(self) -> bytes:
        """What ``save`` was given last; empty = nothing."""

    def save(self, told: bytes) -> None:
        """Keep it."""


@dataclass(slots=True)
class ChannelCounts:
    """What became of the changes that a channel could have been told of."""

    sent: int = 0
    failed: int = 0  # given up
    retried: int = 0
    held: int = 0  # over before ``hold_s``
    repeated: int = 0  # told before
    summed_up: int = 0
    dropped: int = 0  # the queue was full


@dataclass(slots=True)
class ChannelStatus:
    """How a channel is."""

    name: str
    counts: ChannelCounts
    waiting: int
    last_error: str
    last_sent_s: float | None


@dataclass(slots=True)
class _Waiting:
    message: Message
    since_s: float
    tries: int = 0
    next_s: float = 0.0


@dataclass(slots=True)
class Channel:
    """One channel's state. Not thread-safe: the dispatcher holds its lock."""

    config: ChannelConfig
    sender: Sender
    public_url: str
    counts: ChannelCounts = field(default_factory=ChannelCounts)
    last_error: str = ""
    last_sent_s: float | None = None
    _held: OrderedDict[str, tuple[Event, float]] = field(default_factory=OrderedDict)
    _told: OrderedDict[str, int] = field(default_factory=OrderedDict)  # event → rank of severity told; 0 = its end
    _queue: deque[_Waiting] = field(default_factory=deque)
    _sent_at: deque[float] = field(default_factory=deque)
    _over: list[Event] = field(default_factory=list)  # to be summed up

    def wants(self, event: Event) -> bool:
        """Whether the channel is to be told of events like this."""
        config = self.config
        return (
            event.severity.rank >= config.min_severity.rank
            and (not config.groups or event.group in config.groups)
            and (not config.kinds or event.kind in config.kinds)
        )

    def take(self, event: Event, now_s: float) -> None:
        """An event was opened, changed or closed."""
        if event.state is EventState.OPEN:
            if not self.wants(event):
                return
            if self._told.get(event.id, 0) >= event.severity.rank:
                self.counts.repeated += 1
            elif event.severity is Severity.CRITICAL or event.id in self._told or not self.config.hold_s:
                self._held.pop(event.id, None)
                self._tell(event, now_s)
            else:
                held_since = self._held.get(event.id, (event, now_s))[1]
                self._held[event.id] = (event, held_since)
                if len(self._held) > _MOST_WAITING:
                    self._held.popitem(last=False)
                    self.counts.dropped += 1
        elif self._held.pop(event.id, None) is not None:
            self.counts.held += 1
        elif event.state is EventState.CLOSED and self._told.get(event.id) and self.config.closed:
            self._enqueue(message_of(event, "closed", self.public_url), now_s)
            self._remember(event.id, 0)

    def due(self, now_s: float) -> _Waiting | None:
        """The next message to be sent now, taken out of the queue."""
        for name in [name for name, (_, since) in self._held.items() if now_s - since >= self.config.hold_s]:
            self._tell(self._held.pop(name)[0], now_s)
        while self._sent_at and now_s - self._sent_at[0] >= _HOUR_S:
            self._sent_at.popleft()
        if self._over and len(self._sent_at) < self.config.most_per_hour:
            self._enqueue(summary_of(self._over, self.public_url), now_s)
            self._sent_at.append(now_s)
            self._over.clear()
        if self._queue and self._queue[0].next_s <= now_s:
            return self._queue.popleft()
        return None

    def sent(self, now_s: float) -> None:
        """A message was delivered."""
        self.counts.sent += 1
        self.last_error, self.last_sent_s = "", now_s

    def not_sent(self, one: _Waiting, error: WeftError, now_s: float) -> None:
        """A message was not delivered: later again, or never."""
        self.last_error = error.message
        if isinstance(error, Failed) or now_s - one.since_s > _GIVE_UP_S:
            self.counts.failed += 1
            return
        one.tries += 1
        one.next_s = now_s + min(_MOST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(one.tries - 1, 16))
        self.counts.retried += 1
        self._queue.appendleft(one)  # what comes after it waits, too: the order tells the story

    @property
    def waiting(self) -> int:
        """Messages that are to be sent."""
        return len(self._queue)

    def told(self) -> dict[str, int]:
        """What the channel was told of, to be remembered; what only waits to be sent is told anew after a restart."""
        waiting = {one.message.event.id for one in self._queue if one.message.event is not None}
        waiting.update(event.id for event in self._over)
        return {name: rank for name, rank in self._told.items() if name not in waiting}

    def recall(self, told: Iterable[tuple[str, int]]) -> None:
        """Go on after a restart."""
        for event_id, rank in told:
            self._remember(event_id, rank)

    def _tell(self, event: Event, now_s: float) -> None:
        change: Change = "worse" if self._told.get(event.id) else "opened"
        self._remember(event.id, event.severity.rank)
        if not self.sender.takes_each:
            if len(self._sent_at) >= self.config.most_per_hour:
                self.counts.summed_up += 1
                self._over.append(event)
                del self._over[:-_MOST_WAITING]
                return
            self._sent_at.append(now_s)
        self._enqueue(message_of(event, change, self.public_url), now_s)

    def _enqueue(self, message: Message, now_s: float) -> None:
        if len(self._queue) >= _MOST_WAITING:
            self._queue.popleft()
            self.counts.dropped += 1
        self._queue.append(_Waiting(message, now_s))

    def _remember(self, event_id: str, rank: int) -> None:
        self._told[event_id] = rank
        self._told.move_to_end(event_id)
        if len(self._told) > _MOST_REMEMBERED:
            self._told.popitem(last=False)


class Notifier:
    """Tells channels of events. A component; ``take`` may be called from any thread and never waits for a channel."""

    def __init__(
        self, config: NotifyConfig, marks: Marks | None = None, *, clock: Callable[[], float] = time.time,
        senders: Callable[[ChannelConfig], Sender] = sender_of, tick_s: float = 1.0,
    ) -> None:  # fmt: skip
        self._marks, self._clock, self._tick_s = marks, clock, tick_s
        self._channels = [Channel(one, senders(one), config.public_url) for one in config.channels]
        self._public_url = config.public_url
        self._changed = threading.Condition()
        self._stopping = False
        self._is_dirty = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Remember what was told, and begin to send."""
        self._recall()
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._work, args=(one,), name=f"notify-{one.config.name}", daemon=True)
            for one in self._channels
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop sending; what was told is remembered, what waits is told again while its event is open."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(2.0)  # one that is inside a request ends with the process
        self._threads = []
        self._save()

    def take(self, events: Sequence[Event]) -> None:
        """Events that were opened, became worse or were closed."""
        if not self._channels or not events:
            return
        with self._changed:
            now_s = self._clock()
            for event in events:
                for channel in self._channels:
                    channel.take(event, now_s)
            self._is_dirty = True
            self._changed.notify_all()

    def test(self, name: str, event: Event) -> None:
        """Send one message now. Raises as ``Sender.send``, and ``Failed`` where there is no such channel."""
        channel = next((one for one in self._channels if one.config.name == name), None)
        if channel is None:
            raise Failed(f"there is no channel {name!r}", where="notify.channels")
        channel.sender.send(message_of(event, "opened", self._public_url))

    def status(self) -> list[ChannelStatus]:
        """How each channel is."""
        with self._changed:
            return [
                ChannelStatus(one.config.name, one.counts, one.waiting, one.last_error, one.last_sent_s)
                for one in self._channels
            ]

    def _work(self, channel: Channel) -> None:
        while True:
            with self._changed:
                if self._stopping:
                    return
                one = channel.due(self._clock())
                if one is None:
                    self._changed.wait(self._tick_s)
                    continue
            self._send(channel, one)
            self._save()

    def _send(self, channel: Channel, one: _Waiting) -> None:
        try:
            channel.sender.send(one.message)
        except WeftError as error:
            log.warning("notification_failed", channel=channel.config.name, error=error.message, tries=one.tries + 1)
            with self._changed:
                channel.not_sent(one, error, self._clock())
        except Exception as error:  # a fault of one service's code must not end the channel
            log.exception("notification_failed", channel=channel.config.name)
            with self._changed:
                channel.not_sent(one, Failed(f"internal error: {type(error).__name__}"), self._clock())
        else:
            with self._changed:
                channel.sent(self._clock())

    def _recall(self) -> None:
        if self._marks is None:
            return
        try:
            told = orjson.loads(self._marks.load() or b"{}")
            for channel in self._channels:
                channel.recall((str(key), int(rank)) for key, rank in told.get(channel.config.name, {}).items())
        except (ValueError, AttributeError, WeftError) as error:
            log.warning("notifications_forgotten", error=str(error))

    def _save(self) -> None:
        if self._marks is None:
            return
        with self._changed:
            if not self._is_dirty:
                return
            told = orjson.dumps({one.config.name: one.told() for one in self._channels})
            self._is_dirty = False
        try:
            self._marks.save(told)
        except WeftError as error:
            log.warning("notifications_not_remembered", error=error.message)
            with self._changed:
                self._is_dirty = True
