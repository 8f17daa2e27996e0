"""Who pushes: a book and a rate for each, and how much may be in flight."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from weft.collect.intake import Intake, SourceBook
from weft.errors import Unavailable, WeftError

#: Senders of one kind that are told apart; those not heard of for longest make room.
MOST_SENDERS = 1000
#: When a sender that was refused for want of room should try again, seconds.
RETRY_S = 5


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a request: the name of its token, and from where."""

    token: str
    remote: str

    @property
    def name(self) -> str:
        """What the Sources page calls it."""
        return f"{self.token} @ {self.remote}"


class TooFast(WeftError):
    """A sender sends more than it may; ``retry_after_s`` says when to go on."""

    code = "too_fast"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("sends more values than push.sender_values_per_s", fix=f"Go on in {retry_after_s} s.")
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class Account:
    """What is kept of one sender."""

    book: SourceBook
    allowed: float = 0.0  # values that it may still send now
    counted_at: float = field(default_factory=time.monotonic)
    totals: dict[str, int] = field(default_factory=dict)


class Senders:
    """The accounts of all senders. Thread-safe."""

    def __init__(self, intake: Intake, *, per_s: int = 0, expected_s: float = 0.0, most: int = MOST_SENDERS) -> None:
        self._intake, self._per_s, self._expected_s, self._most = intake, per_s, expected_s, most
        self._accounts: OrderedDict[tuple[str, Sender], Account] = OrderedDict()
        self._lock = threading.Lock()

    def account(self, kind: str, sender: Sender) -> Account:
        """The account of a sender of a kind (``prometheus``, ``otlp``, ``changes``, ``business``)."""
        key = (kind, sender)
        with self._lock:
            account = self._accounts.get(key)
            if account is None:
                while len(self._accounts) >= self._most:
                    _, oldest = self._accounts.popitem(last=False)
                    self._intake.close_source(oldest.book)
                expected_s = 0.0 if kind in ("changes", "business") else self._expected_s
                book = self._intake.open_source(kind, sender.name, sender.remote, expected_s=expected_s)
                account = self._accounts[key] = Account(book, float(self._per_s))
            self._accounts.move_to_end(key)
            return account

    def spend(self, account: Account, values: int) -> None:
        """Count values against what the sender may send; raises ``TooFast``. A burst of one second is free."""
        if not self._per_s:
            return
        with self._lock:
            now = time.monotonic()
            account.allowed = min(self._per_s, account.allowed + (now - account.counted_at) * self._per_s)
            account.counted_at = now
            if account.allowed < 1:
                wait_s = 1 + int((1 - account.allowed) / self._per_s)
                account.book.error("too_fast", "sends more than push.sender_values_per_s", count=values)
                raise TooFast(wait_s)
            account.allowed -= values  # may go below zero: the next one waits for it

    def note(self, account: Account, counts: dict[str, int]) -> None:
        """Add to what was left out though nothing is wrong with it (stale markers, NaN …)."""
        if not counts:
            return
        with self._lock:
            for reason, count in counts.items():
                account.totals[reason] = account.totals.get(reason, 0) + count
            account.book.note(**account.totals)

    def close(self) -> None:
        """Forget all."""
        with self._lock:
            accounts, self._accounts = self._accounts, OrderedDict()
        for account in accounts.values():
            self._intake.close_source(account.book)


class Room:
    """How many bytes of requests may be in memory at a time."""

    def __init__(self, most: int) -> None:
        self._most, self._taken = most, 0
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """Hold ``size`` bytes for a while. Raises ``Unavailable`` where there is no room."""
        with self._lock:
            if self._taken + size > self._most:
                raise Unavailable("too much is being received at once", where="push", fix=f"Try again in {RETRY_S} s.")
            self._taken += size
        try:
            yield
        finally:
            with self._lock:
                self._taken -= size
