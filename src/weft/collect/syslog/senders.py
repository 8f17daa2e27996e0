"""Who sends: every sender's account, allowance, clock and place on the Sources page."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network
from typing import Protocol
from zoneinfo import ZoneInfo

from weft.collect.intake.book import SourceBook
from weft.collect.syslog.config import SyslogConfig, SyslogSenderConfig
from weft.decode.syslog import Sender, SenderClock
from weft.model.addresses import address_text, mapped_network

_BURST_S = 2.0
_IDLE_S = 3600.0
_MOST_REFUSED = 65_536


class Books(Protocol):
    """The part of the intake that keeps books."""

    def open_source(
        self, kind: str, name: str, target: str = "", *, exporter: str = "", expected_s: float = 0.0
    ) -> SourceBook:
        """A new row of the Sources page."""

    def close_source(self, book: SourceBook) -> None:
        """The source is no more."""


@dataclass(slots=True, eq=False)
class Account:
    """One sender. ``queued``: octets of its messages that wait; ``tokens``: messages it may send at once."""

    sender: Sender
    book: SourceBook
    quota: float  # messages per second; 0 = no limit
    tokens: float = 0.0
    refilled: float = 0.0  # monotonic
    last: float = 0.0  # monotonic, of its last message
    queued: int = 0
    connections: int = 0
    host: str = ""
    is_shared: bool = False

    def admit(self, wanted: int, now: float) -> int:
        """How many of ``wanted`` messages are within the allowance."""
        self.last = now
        if not self.quota:
            return wanted
        self.tokens = min(self.quota * _BURST_S, self.tokens + (now - self.refilled) * self.quota)
        self.refilled = now
        granted = max(0, min(wanted, int(self.tokens)))
        self.tokens -= granted
        return granted

    def charge(self, messages: int, now: float) -> float:
        """Take messages that are here already; returns for how long the sender should wait, seconds."""
        self.admit(0, now)
        if not self.quota:
            return 0.0
        self.tokens -= messages
        return max(0.0, -self.tokens / self.quota)


class Senders:
    """Accounts by address (16 bytes). From any thread."""

    def __init__(self, config: SyslogConfig, books: Books) -> None:
        self._config, self._books = config, books
        self._allowed = [mapped_network(network) for network in config.allowed_senders]
        self._known = sorted(
            ((mapped_network(one.senders), one) for one in config.senders), key=lambda pair: -pair[0].prefixlen
        )
        self._accounts: dict[bytes, Account] = {}
        self._refused: set[bytes] = set()
        self._others: SourceBook | None = None
        self._lock = threading.Lock()
        self._swept = 0.0

    def account(self, address: bytes) -> Account | None:
        """The sender's account; None = it may not send."""
        account = self._accounts.get(address)
        if account is not None:
            return account
        if address in self._refused:
            return None
        with self._lock:
            return self._accounts.get(address) or self._open(address)

    def close(self) -> None:
        """Close all books."""
        with self._lock:
            for account in self._accounts.values():
                self._books.close_source(account.book)
            self._accounts.clear()
            if self._others is not None:
                self._books.close_source(self._others)

    def _open(self, address: bytes) -> Account | None:
        number = IPv6Address(address)
        if self._allowed and not any(number in network for network in self._allowed):
            if len(self._refused) >= _MOST_REFUSED:
                self._refused.clear()
            self._refused.add(address)
            return None
        now = time.monotonic()
        if len(self._accounts) >= self._config.max_senders and not self._sweep(now):
            return self._shared(address, number, now)
        text = address_text(address)
        account = self._make(address, number, self._books.open_source("syslog", text, text, exporter=text), now)
        if account.sender.is_relay:
            account.book.rename(text)
            account.book.note(relay="yes")
        self._accounts[address] = account
        return account

    def _make(self, address: bytes, number: IPv6Address, book: SourceBook, now: float) -> Account:
        known = next((one for network, one in self._known if number in network), SyslogSenderConfig(senders=_ANY))
        zone = ZoneInfo(known.timezone) if known.timezone else None
        quota = self._config.sender_quota if known.quota is None else known.quota
        sender = Sender(address, SenderClock(zone), is_relay=known.relay)
        return Account(sender, book, float(quota), tokens=quota * _BURST_S, refilled=now, last=now)

    def _shared(self, address: bytes, number: IPv6Address, now: float) -> Account:
        if self._others is None:
            self._others = self._books.open_source("syslog", "other senders", "beyond max_senders")
        account = self._make(address, number, self._others, now)
        account.is_shared = True
        return account

    def _sweep(self, now: float) -> bool:
        """Forget senders that were quiet for long; whether there is room now."""
        if now - self._swept < 1.0:
            return False
        self._swept = now
        for address, account in list(self._accounts.items()):
            if now - account.last > _IDLE_S and not account.connections and not account.queued:
                del self._accounts[address]
                self._books.close_source(account.book)
        return len(self._accounts) < self._config.max_senders


_ANY = IPv6Network("::/0")


def count(account: Account | None, listener: SourceBook, counts: Counter[str]) -> None:
    """Enter what went wrong into the sender's book, or the listener's where there is none."""
    book = account.book if account is not None else listener
    for reason, number in counts.items():
        book.error(reason, count=number)
