"""Senders that no source knows: after a while they become devices known by nothing but their address."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from weft.model.addresses import NO_ADDRESS, address_text
from weft.model.naming import identifying

#: Whoever polls a device tells of it a moment after its first rows: until then nobody is a stranger.
_GRACE_S = 30.0
#: Datagrams can be forged: no more addresses than this are remembered, nor made devices of in a run.
_MOST_WAITING, _MOST_DEVICES = 5_000, 20_000
#: How often it is told again that a stranger is still there.
_AGAIN_S = 3600.0


class Strangers:
    """Addresses met in telemetry. ``met`` from any thread."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, float] = {}  # address → monotonic time of the first meeting
        self._told: dict[bytes, float] = {}
        self._lock = threading.Lock()

    def met(self, address: bytes) -> None:
        """Telemetry came from an address that no device is known to have."""
        if address == NO_ADDRESS or address in self._waiting:
            return
        with self._lock:
            if len(self._waiting) < _MOST_WAITING and len(self._told) < _MOST_DEVICES:
                self._waiting[address] = time.monotonic()

    def due(self, known: Callable[[bytes], bool]) -> list[tuple[str, float]]:
        """Addresses that nobody has claimed in the meantime, and the time now (UTC seconds)."""
        now = time.monotonic()
        with self._lock:
            due = [address for address, met in self._waiting.items() if now - met >= _GRACE_S]
            for address in due:
                del self._waiting[address]
            found = []
            for address in due:
                if not known(address) and identifying(address_text(address)):
                    self._told[address] = now
                    found.append((address_text(address), time.time()))
        return found
