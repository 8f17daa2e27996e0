"""What agents measured: from a request's body to rows in the intake, each run once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.collect.gzipped import gunzip
from weft.collect.intake import Intake, SourceBook
from weft.collect.synthetics.config import SyntheticsConfig
from weft.collect.synthetics.registry import Agent
from weft.collect.synthetics.rows import LATEST_NS, RowReader, RowsRead
from weft.collect.synthetics.runs import KnownRuns, Stored
from weft.errors import InvalidInput
from weft.model.addresses import NO_ADDRESS, packed
from weft.model.probes import HOPS, PROBES
from weft.model.rows import batch_of
from weft.model.tables import Table

_TABLES = (HOPS, PROBES)  # paths first: a run counts as stored when its row of probes is


class Places(Protocol):
    """What enrichment knows of addresses."""

    def locate(self, addresses: NDArray[np.uint8], /) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """AS and row of ``networks`` of each (n × 16)."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a report: rows stored, rows of runs known before, rows refused by reason."""

    stored: int
    duplicates: int
    refused: dict[str, int]


@dataclass(slots=True)
class Account:
    """What is kept of one agent while we run."""

    book: SourceBook
    runs: KnownRuns
    lock: threading.Lock = field(default_factory=threading.Lock)


class Results:
    """Takes reports. Thread-safe: those of one agent one after another."""

    def __init__(
        self,
        config: SyntheticsConfig,
        intake: Intake,
        places: Places,
        device_of: Callable[[bytes], str],
        stored: Stored,
    ) -> None:
        self._config, self._intake, self._places, self._device_of = config, intake, places, device_of
        self._stored = stored
        self._readers = {table.name: RowReader(table) for table in _TABLES}
        self._accounts: dict[str, Account] = {}
        self._lock = threading.Lock()

    def account(self, agent: Agent) -> Account:
        """The account of an agent, opened where there is none."""
        with self._lock:
            account = self._accounts.get(agent.name)
            if account is None:
                target = agent.came_from or next(iter(agent.addresses), "")
                book = self._intake.open_source("agent", agent.name, target, expected_s=self._config.ask_every_s)
                book.note(version=agent.news.version, platform=agent.news.platform)
                account = self._accounts[agent.name] = Account(book, KnownRuns(agent.name, self._stored))
            return account

    def forget(self, name: str) -> None:
        """The agent is no more."""
        with self._lock:
            account = self._accounts.pop(name, None)
        if account is not None:
            self._intake.close_source(account.book)

    def close(self) -> None:
        """Forget all."""
        for name in list(self._accounts):
            self.forget(name)

    def take(self, agent: Agent, body: bytes, tests: frozenset[str], *, gzipped: bool = False) -> Taken:
        """A report of an agent. Raises ``InvalidInput`` where it is none, ``Unavailable`` where it cannot be kept now.

        After ``Unavailable`` the whole report may be sent again: what was stored of it is known.
        """
        account = self.account(agent)
        try:
            report = _report(gunzip(body, self._config.max_decoded_bytes) if gzipped else body)
        except InvalidInput as error:
            account.book.error("malformed", error.message)
            raise
        with account.lock:
            return self._take(agent, account, report, tests)

    def _take(self, agent: Agent, account: Account, report: dict[str, Any], tests: frozenset[str]) -> Taken:
        now_ns = time.time_ns()
        shift_ns = self._clock(account.book, report.get("sent_ns"), now_ns)
        stored = duplicates = 0
        refused: dict[str, int] = {}
        for table in _TABLES:
            read = self._readers[table.name].read(report.get(table.name), tests, self._config.most_rows)
            for reason, count in read.refused.items():
                refused[reason] = refused.get(reason, 0) + count
            runs, times = read.columns["run"], [at + shift_ns for at in read.columns["time"]]
            read.columns["time"] = times
            kept = account.runs.new(table.name, runs, times)
            new = read.select(kept)
            duplicates += len(read) - len(new)
            if len(new):
                own = packed(agent.addresses[0]) if agent.addresses else NO_ADDRESS
                batch = batch_of_rows(table, agent.name, own, new, now_ns, self._places, self._device_of)
                self._intake.put(table, batch, account.book, messages=int(table is PROBES))
                account.runs.add(table.name, new.columns["run"], new.columns["time"])
                stored += len(new)
        self._count(account.book, report, duplicates, refused)
        return Taken(stored, duplicates, refused)

    def _count(self, book: SourceBook, report: dict[str, Any], duplicates: int, refused: dict[str, int]) -> None:
        if duplicates:
            book.duplicate(duplicates)
        for reason, count in refused.items():
            book.error(reason, f"rows were refused: {reason.replace('_', ' ')}", count=count)
        dropped, buffered = report.get("dropped"), report.get("buffered")
        if isinstance(buffered, int) and 0 <= buffered < 1 << 53:
            book.note(buffered=buffered)
        if isinstance(dropped, int) and 0 < dropped < 1 << 53:
            book.error("dropped_by_agent", "the agent's buffer was full: results were lost", count=dropped)

    def _clock(self, book: SourceBook, sent_ns: Any, now_ns: int) -> int:
        """What to add to the agent's times; 0 while its clock is about right."""
        if isinstance(sent_ns, bool) or not isinstance(sent_ns, int) or not 0 < sent_ns <= LATEST_NS:
            return 0
        ahead_ns = sent_ns - now_ns
        book.skew(ahead_ns / 1e9)
        if abs(ahead_ns) <= self._config.clock_tolerance_s * 1e9:
            return 0
        book.error("clock_wrong", f"its clock is {ahead_ns / 1e9:+.0f} s off; times were corrected")
        return -ahead_ns


def batch_of_rows(
    table: Table, agent: str, own: bytes, read: RowsRead, received_ns: int, places: Places,
    device_of: Callable[[bytes], str],
) -> pa.RecordBatch:  # fmt: skip
    """Rows of ``probes`` or ``hops`` of an agent, with what is known of their addresses; ``own``: the agent's."""
    columns: dict[str, Any] = dict(read.columns)
    columns["time"] = np.array(columns["time"], np.int64)
    columns |= {"agent": agent, "time_received": received_ns}
    if table is HOPS:
        codes, distinct = _distinct(columns["hop"])
        as_numbers, networks = places.locate(_matrix(distinct))
        devices = [device_of(one) if one != NO_ADDRESS else "" for one in distinct]
        columns |= {"hop_as": as_numbers[codes], "hop_net": networks[codes]}
        columns["hop_device"] = [devices[code] for code in codes.tolist()]
    else:
        columns["source_address"] = [one if one != NO_ADDRESS else own for one in columns["source_address"]]
        for column, prefix in (("address", "target"), ("source_address", "agent")):
            codes, distinct = _distinct(columns[column])
            as_numbers, networks = places.locate(_matrix(distinct))
            columns[f"{prefix}_net"] = networks[codes]
            if prefix == "target":
                columns["target_as"] = as_numbers[codes]
    return batch_of(table, len(read), **columns)


def _report(body: bytes) -> dict[str, Any]:
    try:
        report = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidInput("is not JSON", where="body") from None
    if not isinstance(report, dict):
        raise InvalidInput("is not a report: an object with probes and hops", where="body")
    return report


def _distinct(addresses: Sequence[bytes]) -> tuple[NDArray[np.int64], list[bytes]]:
    """Which of the distinct addresses each is."""
    known: dict[bytes, int] = {}
    codes = [known.setdefault(one, len(known)) for one in addresses]
    return np.array(codes, np.int64), list(known)


def _matrix(addresses: Sequence[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(addresses), np.uint8).reshape(-1, 16)
