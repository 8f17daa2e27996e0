"""Keeps the inventory in step with one NetBox: everything at first and now and then, between that what changed."""

from __future__ import annotations

import random
import threading
import time

import structlog

from weft.collect.intake.book import SourceBook
from weft.collect.inventory.config import NetBoxConfig
from weft.collect.inventory.files import Books
from weft.collect.inventory.netbox_client import ENDPOINTS, NetBoxClient, Objects, newest
from weft.collect.inventory.netbox_map import facts_of
from weft.collect.ports import Facts
from weft.errors import NotAllowed, Unavailable, WeftError

log = structlog.get_logger(__name__)

ORIGIN = "netbox"
_CABLING = frozenset({"cables", "circuits", "circuit_terminations"})
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 5.0, 600.0


class NetBoxSource:
    """One instance, asked in a thread of its own."""

    def __init__(self, config: NetBoxConfig, facts: Facts, books: Books) -> None:
        self._config, self._facts, self._books = config, facts, books
        self._client = NetBoxClient(config)
        self._held: dict[str, Objects] = {}
        self._whole_at = 0.0  # monotonic time of the last reading of everything
        self._whole: set[str] = set()  # kinds read since
        self._failures = 0
        self._book: SourceBook | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def kinds(self) -> list[str]:
        """Kinds of objects that are read."""
        return [kind for kind in ENDPOINTS if kind not in self._config.leave_out]

    def start(self) -> None:
        """Begin to ask."""
        self._stopping.clear()
        expected = self._config.interval_seconds
        self._book = self._books.open_source("inventory", self._config.name, self._config.url, expected_s=expected)
        self._thread = threading.Thread(target=self._run, name="weft-netbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop asking."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._client.close()
        if self._book is not None:
            self._books.close_source(self._book)
            self._book = None

    def _run(self) -> None:
        while True:
            pause = self.sync()
            if self._stopping.wait(pause):
                return

    def sync(self) -> float:
        """Bring the inventory in step; returns seconds until the next time. Never raises."""
        assert self._book is not None
        try:
            changed = self._read()
            facts = facts_of(self._held, self._config)
        except Exception as error:  # noqa: BLE001  # whatever NetBox sends must not end the thread
            return self._failed(error)
        self._facts.observe(ORIGIN, self._config.name, facts, complete=True)
        self._failures = 0
        self._book.came(len(facts), messages=1)
        counts = {kind: len(objects) for kind, objects in self._held.items()}
        self._book.note(facts=len(facts), requests=self._client.requests, **counts)
        if changed:
            log.info("netbox_read", netbox=self._config.name, changed=",".join(sorted(changed)), **counts)
        return self._config.interval_seconds

    def _failed(self, error: Exception) -> float:
        assert self._book is not None
        if isinstance(error, WeftError):
            reason = (
                "refused" if isinstance(error, NotAllowed) else "away" if isinstance(error, Unavailable) else error.code
            )
            message = error.message
        else:
            reason, message = "bug", type(error).__name__
            log.exception("netbox_failed", netbox=self._config.name)
        if self._failures == 0:
            log.warning("netbox_not_read", netbox=self._config.name, error=message)
        self._book.error(reason, message, failing=True)
        pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0**self._failures, max(self._config.interval_seconds, 5.0))
        self._failures = min(self._failures + 1, 30)
        if reason == "refused":
            pause = self._config.interval_seconds
        return max(pause * random.uniform(0.8, 1.2), self._client.retry_after_s)  # noqa: S311  # only spreads load

    def _read(self) -> set[str]:
        """Read what is due; returns the kinds that changed. What was read stays read if a later kind fails."""
        if time.monotonic() - self._whole_at >= self._config.full_seconds or not self._whole_at:
            self._whole, self._whole_at = set(), time.monotonic()
        changed: set[str] = set()
        for kind in self.kinds:
            if kind == "interfaces" and changed & _CABLING:
                self._whole.discard(kind)  # a cable changes what interfaces are connected to without touching them
            if self._read_kind(kind):
                changed.add(kind)
        return changed

    def _read_kind(self, kind: str) -> bool:
        held = self._held.get(kind)
        if held is None or kind not in self._whole:
            found = self._client.everything(kind)
            self._whole.add(kind)
            self._held[kind] = found
            return found != held
        since = newest(held)
        found = self._client.changed(kind, since) if since else {}
        differ = {number: one for number, one in found.items() if held.get(number) != one}
        if differ:
            self._held[kind] = held = {**held, **differ}
        if self._client.count(kind) != len(held):  # something was deleted, or came without a stamp
            self._held[kind] = self._client.everything(kind)
            return True
        return bool(differ)
