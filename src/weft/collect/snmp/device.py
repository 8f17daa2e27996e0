"""One polled device: its reader, its book, what goes to the intake and the inventory, and when to try again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa

from weft.collect.intake import SourceBook
from weft.collect.ports import Facts
from weft.collect.snmp.config import SnmpConfig
from weft.collect.snmp.errors import SnmpError
from weft.collect.snmp.reader import DeviceReader, Reading
from weft.collect.snmp.session import Credential
from weft.collect.snmp.transport import Transport
from weft.decode.snmp.library import Library
from weft.errors import Unavailable
from weft.model.metrics import METRICS
from weft.model.tables import Table


class Rows(Protocol):
    """The intake, as far as SNMP needs it."""

    def put(self, table: Table, rows: pa.RecordBatch, book: SourceBook | None = None, *, messages: int = 1) -> None:
        """Take rows. Raises ``Unavailable``."""

    def open_source(
        self, kind: str, name: str, target: str = "", *, exporter: str = "", expected_s: float = 0.0
    ) -> SourceBook:
        """A new source."""

    def close_source(self, book: SourceBook) -> None:
        """The source is no more."""


class Device:
    """A device that is polled. Belongs to the poller's event loop, but for ``store``."""

    def __init__(
        self, endpoint: tuple[str, int], credentials: Sequence[Credential], *, config: SnmpConfig, library: Library,
        transport: Transport, rows: Rows, facts: Facts, interval_s: float,
        exporter: str = "", profile: str = "", swept: bool = False,
    ) -> None:  # fmt: skip
        self.endpoint, self.interval_s, self.swept = endpoint, interval_s, swept
        self._config, self._rows, self._facts, self._transport = config, rows, facts, transport
        self.reader = DeviceReader(
            transport, endpoint, credentials, config, library, exporter=exporter, profile=profile, interval_s=interval_s
        )
        host, port = endpoint
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.book = rows.open_source("snmp", host, where, exporter=self.reader.exporter, expected_s=interval_s)
        self.failures = 0  # readings in a row that failed
        self.away_since = 0.0  # monotonic; 0 = answers
        self._totals = {"resets": 0, "cached_rows": 0}
        transport.complaints[endpoint] = self._complain

    def _complain(self, reason: str) -> None:
        """A message that fits no request. Late ones are no news; the others may be."""
        if reason != "late_or_unasked":
            self.book.error(reason, f"an answer that was not taken: {reason.replace('_', ' ')}")

    def close(self) -> None:
        """Forget it."""
        self._transport.complaints.pop(self.endpoint, None)
        self._rows.close_source(self.book)

    @property
    def away(self) -> bool:
        """Whether the last attempt failed."""
        return self.failures > 0

    async def probe(self) -> bool:
        """One question to a device that was away. Whether it is back."""
        try:
            await self.reader.identify(retries=0)
        except SnmpError as error:
            self.failed(error)
            return False
        return True

    async def read(self, room: asyncio.Semaphore | None = None) -> Reading | None:
        """One reading; none where the device does not answer. ``room`` is taken once it has answered."""
        try:
            reading = await self.reader.read(room)
        except SnmpError as error:
            self.failed(error)
            return None
        self.failures, self.away_since = 0, 0.0
        return reading

    def failed(self, error: SnmpError) -> None:
        """Count an attempt that failed."""
        self.failures += 1
        self.away_since = self.away_since or time.monotonic()
        self.book.error(error.reason, error.message, failing=True)
        self.book.gap()

    def wait_s(self) -> float:
        """How long to leave a device alone that is away: longer each time, with jitter."""
        wait = min(self.interval_s * 2.0 ** min(self.failures - 1, 20), self._config.backoff_s)
        return max(wait, min(self.interval_s, self._config.backoff_s)) * random.uniform(0.8, 1.2)  # noqa: S311

    def store(self, reading: Reading) -> None:
        """Hand a reading to the intake and the inventory. From any thread; waits while the intake is full."""
        book, reader = self.book, self.reader
        for table, error in reading.failures.items():
            book.error(error.reason, f"{table}: {error.message}")
        if reading.rows.num_rows:
            try:
                self._rows.put(METRICS, reading.rows, book)
            except Unavailable:
                return  # counted in the book by the intake
        book.came(0, messages=0 if reading.rows.num_rows else 1, lag_s=reading.seconds)
        self._note(reading)
        if reading.full and reader.system is not None:
            book.rename(reader.system.key)
            complete = not reading.failures
            self._facts.observe("snmp", reader.exporter, reading.device, complete=complete)
            self._facts.observe("lldp", reader.exporter, reading.neighbours, complete=complete)

    def _note(self, reading: Reading) -> None:
        findings, session, profile = reading.findings, self.reader.session, self.reader.profile
        self._totals["resets"] += int(findings.restarted or findings.anew > 0)
        self._totals["cached_rows"] += findings.cached
        if findings.narrow:
            self.book.error(
                "counter32_too_fast", "32-bit counters of fast interfaces may wrap between two polls: poll more often",
                count=findings.narrow,
            )  # fmt: skip
        assert session is not None
        assert profile is not None
        self.book.note(
            profile=profile.name, credentials=session.credential.name, security=session.credential.level,
            interfaces=reading.tables.get("interfaces", 0), values=reading.rows.num_rows, uptime_s=reading.uptime_s,
            poll_s=round(reading.seconds, 3), requests=session.requests, retried=session.retried, **self._totals,
        )  # fmt: skip
