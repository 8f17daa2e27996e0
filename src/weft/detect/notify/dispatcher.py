"""Tells people and machines of events: a thread per channel, and what each was told, kept across restarts."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import orjson
import structlog
from prometheus_client import CollectorRegistry

from weft.detect.notify.channel import Channel, ChannelStatus, Waiting
from weft.detect.notify.config import ChannelConfig, NotifyConfig
from weft.detect.notify.message import message_of
from weft.detect.notify.report import NotifyMetrics
from weft.detect.notify.senders import Sender, sender_of
from weft.errors import Failed, WeftError
from weft.model.events import Event

log = structlog.get_logger(__name__)

#: How often what was told is written down, and how long all channels together may take to end.
_SAVE_S, _END_S = 2.0, 5.0


class Marks(Protocol):
    """Keeps what was told across restarts."""

    def load(self) -> bytes:
        """What ``save`` was given last; empty = nothing."""

    def others(self) -> Sequence[bytes]:
        """What other processes gave."""

    def save(self, told: bytes) -> None:
        """Keep it."""


class Notifier:
    """Tells channels of events. A component; ``take`` may be called from any thread and never waits for a channel."""

    def __init__(
        self, config: NotifyConfig, marks: Marks | None = None, *, clock: Callable[[], float] = time.time,
        senders: Callable[[ChannelConfig], Sender] = sender_of, tick_s: float = 1.0,
        registry: CollectorRegistry | None = None,
    ) -> None:  # fmt: skip
        self._registry, self._metrics = registry, NotifyMetrics(self.status)
        self._marks, self._clock, self._tick_s = marks, clock, tick_s
        self._channels = [Channel(one, senders(one), config.public_url) for one in config.channels]
        self._public_url = config.public_url
        self._changed = threading.Condition()
        self._stopping = False
        self._is_dirty = False
        self._saved_s = 0.0
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
        if self._registry is not None:
            self._registry.register(self._metrics)

    def stop(self) -> None:
        """Stop sending; what was told is remembered, what waits is told again while its event is open."""
        if self._registry is not None and self._threads:
            self._registry.unregister(self._metrics)
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        end_s = time.monotonic() + _END_S
        for thread in self._threads:
            thread.join(max(0.0, end_s - time.monotonic()))  # one that is inside a request ends with the process
        self._threads = []
        self._save(at_once=True)

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

    def catch_up(self, closed_of: Callable[[Iterable[str]], Sequence[Event]]) -> None:
        """Tell of the end of events whose beginning was told and whose end was not, because nobody was there."""
        with self._changed:
            outstanding = {name for channel in self._channels for name in channel.outstanding()}
        self.take(closed_of(outstanding) if outstanding else ())

    def recall_others(self) -> None:
        """Learn what other processes told: what they found is told of here from now on."""
        told = [_told(one, self._channels) for one in self._others()]
        with self._changed:
            for channel in self._channels:
                channel.others = {name: rank for one in told for name, rank in one[channel.config.name].items()}

    def _work(self, channel: Channel) -> None:
        while True:
            with self._changed:
                if self._stopping:
                    return
                one = channel.due(self._clock())
                if one is None:
                    self._changed.wait(self._tick_s)
            if one is not None:
                self._send(channel, one)
            self._save()

    def _send(self, channel: Channel, one: Waiting) -> None:
        error: WeftError | None = None
        try:
            channel.sender.send(one.message)
        except WeftError as failed:
            error = failed
        except Exception as failed:  # noqa: BLE001  # a fault of one service's code must not end the channel
            # Where it came about and of what sort it is: its text may quote an address, and that a key.
            at = traceback.extract_tb(failed.__traceback__)[-1]
            error = Failed(f"internal error: {type(failed).__name__} at {at.filename.rpartition('/')[2]}:{at.lineno}")
        if error is not None:
            log.warning("notification_failed", channel=channel.config.name, error=error.message, tries=one.tries + 1)
        with self._changed:
            if error is None:
                channel.sent(self._clock())
            else:
                channel.not_sent(one, error, self._clock())
            self._is_dirty = True

    def _recall(self) -> None:
        if self._marks is None:
            return
        try:
            kept = self._marks.load()
        except WeftError as error:
            log.warning("notifications_forgotten", error=error.message)
            return
        told = _told(kept, self._channels)
        for channel in self._channels:
            channel.recall(told[channel.config.name].items())

    def _others(self) -> Sequence[bytes]:
        try:
            return self._marks.others() if self._marks is not None else ()
        except WeftError as error:
            log.warning("notifications_of_others_not_known", error=error.message)
            return ()

    def _save(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        with self._changed:
            if self._marks is None or not self._is_dirty or (now - self._saved_s < _SAVE_S and not at_once):
                return
            told = orjson.dumps({one.config.name: one.told() for one in self._channels})
            self._is_dirty, self._saved_s = False, now
        try:
            self._marks.save(told)
        except WeftError as error:
            log.warning("notifications_not_remembered", error=error.message)
            with self._changed:
                self._is_dirty = True


def _told(kept: bytes, channels: Iterable[Channel]) -> Mapping[str, dict[str, int]]:
    """What each channel was told; nothing where what was kept cannot be read."""
    try:
        told = orjson.loads(kept or b"{}")
        return {
            one.config.name: {str(key): int(rank) for key, rank in told.get(one.config.name, {}).items()}
            for one in channels
        }
    except (ValueError, TypeError, AttributeError) as error:
        log.warning("notifications_forgotten", error=str(error))
        return {one.config.name: {} for one in channels}
