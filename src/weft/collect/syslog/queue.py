"""Messages that wait to be decoded: bounded memory, shared fairly among senders."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from weft.collect.syslog.senders import Account

_CHARGE = 128  # octets of bookkeeping per message
_MOST_AT_ONCE = 4096


@dataclass(slots=True)
class Batch:
    """Messages that came the same way. Parallel lists."""

    source: int  # model.logs.LOG_SOURCES
    messages: list[bytes] = field(default_factory=list)
    received_ns: list[int] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)

    def extend(self, other: Batch) -> None:
        """Add what another holds."""
        self.messages += other.messages
        self.received_ns += other.received_ns
        self.accounts += other.accounts


class MessageQueue:
    """Batches in the order in which they came.

    A sender may have as many octets waiting as are still free, so one that floods never takes all (dynamic thresholds,
    Choudhury and Hahne 1998).
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._waiting: deque[Batch] = deque()
        self._octets = 0
        self._changed = threading.Condition()
        self._closed = False
        self._taken = 0  # messages that are being decoded

    @property
    def fill(self) -> float:
        """Share of the memory in use, 0 to 1."""
        return self._octets / self._capacity

    def put(self, batch: Batch, *, is_fair: bool = True) -> list[Account]:
        """Take the messages there is room for; returns the senders of those that were left out, one entry each.

        Without ``is_fair`` a sender may take all that is free: for those that can be made to wait.
        """
        kept, dropped = Batch(batch.source), []
        with self._changed:
            free = self._capacity - self._octets
            for message, received, account in zip(batch.messages, batch.received_ns, batch.accounts, strict=True):
                charge = len(message) + _CHARGE
                if (account.queued if is_fair else 0) + charge > free:
                    dropped.append(account)
                    continue
                account.queued += charge
                free -= charge
                kept.messages.append(message)
                kept.received_ns.append(received)
                kept.accounts.append(account)
            self._octets = self._capacity - free
            if kept.messages:
                self._waiting.append(kept)
                self._changed.notify_all()
        return dropped

    def take(self, timeout_s: float) -> Batch | None:
        """What waits, as far as it came the same way; None = nothing came in time."""
        with self._changed:
            if not self._waiting and not self._closed:
                self._changed.wait(timeout_s)
            if not self._waiting:
                return None
            batch = self._waiting.popleft()
            while (
                self._waiting
                and self._waiting[0].source == batch.source
                and len(batch.messages) + len(self._waiting[0].messages) <= _MOST_AT_ONCE
            ):
                batch.extend(self._waiting.popleft())
            self._taken += len(batch.messages)
            return batch

    def done(self, batch: Batch) -> None:
        """The messages were decoded: their memory is free."""
        with self._changed:
            for message, account in zip(batch.messages, batch.accounts, strict=True):
                charge = len(message) + _CHARGE
                account.queued -= charge
                self._octets -= charge
            self._taken -= len(batch.messages)
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing more comes: ``take`` no longer waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def is_drained(self) -> bool:
        """Whether nothing waits and nothing is being decoded."""
        return not self._waiting and not self._taken
