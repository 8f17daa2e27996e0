"""One channel: what it was told and is to be told, holding back, de-duplicating, summing up, trying again."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from weft.detect.notify.config import ChannelConfig
from weft.detect.notify.message import Message, message_of, summary_of
from weft.detect.notify.senders import Sender
from weft.errors import Failed, WeftError
from weft.model.events import Event, EventState, Severity

_HOUR_S = 3600.0
_MOST_WAITING = 1000  # of one channel: events held back, messages to be sent
_MOST_REMEMBERED = 5000  # events that a channel was told of
_FIRST_PAUSE_S, _MOST_PAUSE_S = 2.0, 600.0
_GIVE_UP_S = 6 * _HOUR_S


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
class Waiting:
    """A message to be sent."""

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
    sending: Waiting | None = None
    """What is on its way now."""
    others: Mapping[str, int] = field(default_factory=dict)
    """What other processes told of, as ``_told``."""
    _held: OrderedDict[str, tuple[Event, float]] = field(default_factory=OrderedDict)
    _told: OrderedDict[str, int] = field(default_factory=OrderedDict)
    """Event → rank of the severity that was told, below zero where only a summary told of it; 0: of its end."""
    _queue: deque[Waiting] = field(default_factory=deque)
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
        """An event was opened, changed, suppressed or closed."""
        if event.state is EventState.OPEN:
            self._opened(event, now_s)
        elif self._held.pop(event.id, None) is not None:
            self.counts.held += 1
        elif (rank := self._rank(event.id)) < 0:
            self._over = [one for one in self._over if one.id != event.id]
            self._remember(event.id, 0)
        elif rank and event.state is EventState.CLOSED:
            if self.config.closed:
                self._enqueue(message_of(event, "closed", self.public_url), now_s)
            self._remember(event.id, 0)

    def _opened(self, event: Event, now_s: float) -> None:
        if not self.wants(event):
            return
        rank = self._rank(event.id)
        if abs(rank) >= event.severity.rank:
            self.counts.repeated += 1
        elif event.severity is Severity.CRITICAL or rank or not self.config.hold_s:
            self._held.pop(event.id, None)
            self._tell(event, now_s)
        else:
            held_since = self._held.get(event.id, (event, now_s))[1]
            self._held[event.id] = (event, held_since)
            if len(self._held) > _MOST_WAITING:
                self._held.popitem(last=False)
                self.counts.dropped += 1

    def due(self, now_s: float) -> Waiting | None:
        """The next message to be sent now, taken out of the queue; ``sent`` or ``not_sent`` is to follow."""
        for name in [name for name, (_, since) in self._held.items() if now_s - since >= self.config.hold_s]:
            self._tell(self._held.pop(name)[0], now_s)
        while self._sent_at and now_s - self._sent_at[0] >= _HOUR_S:
            self._sent_at.popleft()
        if self._over and len(self._sent_at) < self.config.most_per_hour:
            self._enqueue(summary_of(self._over, self.public_url), now_s)
            self._sent_at.append(now_s)
            self._over.clear()
        if self._queue and self._queue[0].next_s <= now_s:
            self.sending = self._queue.popleft()
            return self.sending
        return None

    def sent(self, now_s: float) -> None:
        """A message was delivered."""
        self.sending = None
        self.counts.sent += 1
        self.last_error, self.last_sent_s = "", now_s

    def not_sent(self, one: Waiting, error: WeftError, now_s: float) -> None:
        """A message was not delivered: later again, or never."""
        self.sending = None
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
        """What the channel was told of, to be remembered.

        What only waits to be sent, or is on its way, is told anew after a restart: its beginning and its end.
        """
        told = dict(self._told)
        for one in (*([self.sending] if self.sending else ()), *self._queue):
            if (event := one.message.event) is not None:
                if one.message.change == "closed" and event.id in told:
                    told[event.id] = event.severity.rank
                else:
                    told.pop(event.id, None)
        for event in self._over:
            told.pop(event.id, None)
        return told

    def outstanding(self) -> set[str]:
        """Events of whose beginning the channel was told, and not of their end."""
        return {name for name, rank in self._told.items() if rank > 0}

    def recall(self, told: Iterable[tuple[str, int]]) -> None:
        """Go on after a restart."""
        for event_id, rank in told:
            self._remember(event_id, rank)

    def _rank(self, event_id: str) -> int:
        found = self._told.get(event_id)
        return self.others.get(event_id, 0) if found is None else found

    def _tell(self, event: Event, now_s: float) -> None:
        before = self._rank(event.id)
        rank = event.severity.rank
        self._over = [one for one in self._over if one.id != event.id]
        # What is critical has as much room again: a flood of others must not hide it.
        room = self.config.most_per_hour * (2 if event.severity is Severity.CRITICAL else 1)
        if not self.sender.takes_each and len(self._sent_at) >= room:
            self.counts.summed_up += 1
            self._over = [*self._over, event][-_MOST_WAITING:]
            self._remember(event.id, rank if before > 0 else -rank)
            return
        self._remember(event.id, rank)
        if not self.sender.takes_each:
            self._sent_at.append(now_s)
        self._enqueue(message_of(event, "worse" if before else "opened", self.public_url), now_s)

    def _enqueue(self, message: Message, now_s: float) -> None:
        if len(self._queue) >= _MOST_WAITING:
            self._queue.popleft()
            self.counts.dropped += 1
        self._queue.append(Waiting(message, now_s))

    def _remember(self, event_id: str, rank: int) -> None:
        self._told[event_id] = rank
        self._told.move_to_end(event_id)
        if len(self._told) > _MOST_REMEMBERED:
            self._told.popitem(last=False)
