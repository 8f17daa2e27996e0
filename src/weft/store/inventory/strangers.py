"""Senders that no source knows: after a while they become devices known by nothing but their address."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from weft.model.addresses import NO_ADDRESS, address_text, packed
from weft.model.naming import address_token, identifying

#: Whoever polls a device tells of it a moment after its first rows: until then nobody is a stranger.
_GRACE_S = 30.0
#: Datagrams can be forged: no more addresses than this are remembered, nor made devices of in a run.
_MOST_WAITING, _MOST_DEVICES = 5_000, 20_000
#: How often it is told again that a stranger is still there.
_AGAIN_S = 3600.0


class Strangers:
    """Addresses met in telemetry. ``met`` from any thread, at no cost for those that are known."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, float] = {}  # address → monotonic time of the first meeting
        self._told: dict[bytes, float] = {}  # address → when it was last told that it is there
        self._heard: set[bytes] = set()  # of those, the ones heard since
        self._lock = threading.Lock()

    def remember(self, addresses: Iterable[str]) -> None:
        """Take those that were told of before a restart."""
        for text in addresses:
            if address_token(text):
                self._told[packed(text)] = time.monotonic()

    def met(self, address: bytes, known: bool) -> None:
        """Telemetry came from an address."""
        if known:
            if address in self._told:
                self._heard.add(address)
            return
        if address == NO_ADDRESS or address in self._waiting:
            return
        with self._lock:
            if len(self._waiting) < _MOST_WAITING and len(self._told) < _MOST_DEVICES:
                self._waiting[address] = time.monotonic()

    def due(self, known: Callable[[bytes], bool]) -> list[str]:
        """Addresses that nobody has claimed in the meantime, and now and then those that are still heard."""
        now = time.monotonic()
        found = []
        with self._lock:
            for address in [one for one, met in self._waiting.items() if now - met >= _GRACE_S]:
                del self._waiting[address]
                if not known(address) and identifying(address_text(address)):
                    self._told[address] = now
                    found.append(address_text(address))
        for address in [one for one in tuple(self._heard) if now - self._told[one] >= _AGAIN_S]:
            self._told[address] = now
            self._heard.discard(address)
            found.append(address_text(address))
        return found
