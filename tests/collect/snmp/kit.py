"""An intake in memory, facts in memory, and agents: what SNMP's tests run against."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from weft.collect.intake.book import SourceBook
from weft.collect.snmp.config import SnmpConfig
from weft.collect.snmp.poller import SnmpPoller
from weft.errors import Unavailable
from weft.model.inventory import Fact, InventoryObject, ObjectKind
from weft.model.tables import Table
from weft.twin.agents.snmp import Mib, SnmpAgent
from weft.twin.agents.snmp_mibs import AgentDevice, AgentInterface, mib_of, steady


class Rows:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, pa.RecordBatch, float]] = []
        self.books: list[SourceBook] = []
        self.closed: list[SourceBook] = []
        self.full = False
        self._lock = threading.Lock()

    def put(self, table: Table, rows: pa.RecordBatch, book: SourceBook | None = None, *, messages: int = 1) -> None:
        assert rows.schema == table.schema
        if self.full:
            raise Unavailable("full")
        with self._lock:
            self.batches.append((table.name, rows, time.monotonic()))
        if book is not None:
            book.came(rows.num_rows, messages=messages)

    def open_source(
        self, kind: str, name: str, target: str = "", *, exporter: str = "", expected_s: float = 0.0
    ) -> SourceBook:
        book = SourceBook(kind, name, target, exporter=exporter, expected_s=expected_s)
        self.books.append(book)
        return book

    def close_source(self, book: SourceBook) -> None:
        self.closed.append(book)

    def rows(self, table: str = "metrics") -> list[dict[str, Any]]:
        with self._lock:
            return [row for name, batch, _ in self.batches if name == table for row in batch.to_pylist()]

    def metric(self, name: str, component: str | None = None) -> list[dict[str, Any]]:
        return [r for r in self.rows() if r["metric"] == name and component in (None, r["component"])]

    def logs(self) -> list[dict[str, Any]]:
        return [{**row, "fields": json.loads(row["fields"])} for row in self.rows("logs")]

    def book(self, target: str) -> SourceBook:
        return next(one for one in self.books if target in (one.name, one.status().target, one.status().exporter))


class Remembered:
    """Facts as they were last observed."""

    def __init__(self) -> None:
        self.said: dict[tuple[str, str], list[Fact]] = {}
        self.objects_: list[InventoryObject] = []

    def observe(self, origin: str, scope: str, facts: Sequence[Fact], *, complete: bool = True) -> None:
        self.said[origin, scope] = list(facts)

    def objects(self, kind: ObjectKind) -> Sequence[InventoryObject]:
        return [one for one in self.objects_ if one.kind is kind]

    def of(self, origin: str, kind: ObjectKind) -> dict[tuple[str, ...], dict[str, Any]]:
        return {
            f.key: dict(f.attributes) for (o, _), fs in self.said.items() if o == origin for f in fs if f.kind is kind
        }


def until(condition: Callable[[], object], seconds: float = 15.0) -> Any:
    """Wait for it; its value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


@contextmanager
def agents(*mibs: Mib | Callable[[], Any], community: str = "public", **knobs: Any) -> Iterator[list[SnmpAgent]]:
    """Running agents on 127.0.0.1."""
    made = [SnmpAgent(mib if callable(mib) else (lambda mib=mib: mib), community) for mib in mibs]
    try:
        for one in made:
            for name, value in knobs.items():
                setattr(one, name, value)
            one.start()
        yield made
    finally:
        for one in made:
            one.stop()


@contextmanager
def polling(config: dict[str, Any], ports: Sequence[int] = ()) -> Iterator[tuple[SnmpPoller, Rows, Remembered]]:
    """A running poller of agents at ``ports``."""
    targets = [{"address": "127.0.0.1", "port": port} for port in ports]
    settings = SnmpConfig.model_validate(
        {"credentials": {"lab": {"community": "public"}}, "targets": targets, "interval_s": 1, "timeout_s": 0.3,
         "retries": 1, **config}
    )  # fmt: skip
    rows, facts = Rows(), Remembered()
    poller = SnmpPoller(settings, rows, facts)
    poller.start()
    try:
        yield poller, rows, facts
    finally:
        poller.stop()


def device(name: str = "r1", interfaces: int = 2, bps: float = 8e6, **more: Any) -> AgentDevice:
    """A small device with steady traffic."""
    counters = steady(bps, bps / 2)
    ports = [AgentInterface(i, f"eth{i}", counters=counters) for i in range(1, interfaces + 1)]
    return AgentDevice(name, interfaces=ports, **more)


def small_mib(**more: Any) -> Mib:
    return mib_of(device(**more))
