"""Keeps rollups exactly equal to their raw rows: sums what is inserted, holds it briefly, writes it, mends a crash.

Sums are held for a few seconds, so that one row of a rollup stands for many batches rather than one (writing them at
once would cost more than the raw rows). A query that reads a rollup makes them be written first. What is held is noted
in a journal next to the data: after a crash, or when it is not known whether a batch was stored, the rollups of its
time range are compared with the raw rows, and the difference is written. All sums are modulo 2^64, so a difference may
have either sign.

Comes in: batches before and after their insert. Goes out: inserts into rollups. Must never look into a raw row itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Container, Iterable, Sequence
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import structlog

from weft.errors import WeftError
from weft.model.tables import Rollup, Table
from weft.store.aggregate import ROWS, Summer, rollup_table
from weft.store.engine import Engine
from weft.store.native import encode

log = structlog.get_logger(__name__)

#: Sums of the finest rollups are held this long, those of all levels this long, seconds …
HOLD_FINE_S, HOLD_S = 20.0, 60.0
#: … unless they stand for this many raw rows.
HOLD_ROWS = 16_000_000
#: Before a query reads a rollup, held sums are written if they are few, if nothing was inserted for a moment,
#: or if the time since sums were last written is this many times what that took: so far may an answer lag while
#: hundreds of thousands of flows arrive per second.
FEW_SUMS, QUIET_S, REST = 200_000, 0.5, 10.0
#: Batches that were stored completely, remembered across a restart so that a replay of one is ignored.
REMEMBERED = 256

#: First second and the one after the last, UTC.
Span = tuple[int, int]
#: Time spans of batches, by table and token.
Unfinished = dict[str, dict[str, Span]]


class Journal:
    """Which batches may be in the raw table but not yet in its rollups. Append-only between writes of the sums."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.done: list[str] = []

    def read(self) -> Unfinished:
        """Unfinished batches by table: token → time span. A line cut short by a crash is skipped."""
        out: Unfinished = {}
        if self._path is None or not self._path.exists():
            return out
        for line in self._path.read_bytes().splitlines():
            try:
                entry = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if "done" in entry:
                self.done = entry["done"]
            else:
                out.setdefault(entry["table"], {})[entry["token"]] = (entry["since"], entry["until"])
        return out

    def note(self, table: str, token: str, span: Span) -> None:
        """A batch is about to be inserted."""
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            entry = {"table": table, "token": token, "since": span[0], "until": span[1]}
            with self._path.open("ab") as file:
                file.write(orjson.dumps(entry) + b"\n")

    def clear(self, done: Sequence[str], unfinished: Unfinished) -> None:
        """The sums of all batches but ``unfinished`` are written."""
        self.done = [*self.done, *done][-REMEMBERED:]
        if self._path is None:
            return
        lines = [orjson.dumps({"done": self.done})]
        for table, tokens in unfinished.items():
            lines += [
                orjson.dumps({"table": table, "token": token, "since": span[0], "until": span[1]})
                for token, span in tokens.items()
            ]
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(b"\n".join(lines) + b"\n")
        fresh.replace(self._path)


class Rollups:
    """The rollups of all tables of one store."""

    def __init__(self, engine: Engine, tables: Sequence[Table], journal: Path | None) -> None:
        self._engine, self._journal = engine, Journal(journal)
        self._tables = {table.name: table for table in tables if table.rollups}
        self.names = frozenset(rollup.name for table in self._tables.values() for rollup in table.rollups)
        self._summer = Summer()
        self._lock = threading.RLock()
        self._held: dict[str, list[pa.RecordBatch]] = {}
        self._rows = 0  # raw rows that are held in some form
        self._rest_until = self._added = 0.0
        self._fine_since = self._since = 0.0  # since when sums of the finest level, of any level, are held
        self._pending: Unfinished = {}  # inserted, sums held
        self._uncertain: Unfinished = {}  # perhaps inserted; settled when the batch comes again
        self._owed: dict[str, Span] = {}  # inserted, but writing the sums failed

    def start(self) -> None:
        """Repair what an earlier process left unfinished."""
        self._uncertain = self._journal.read()
        for name, tokens in self._uncertain.items():
            if name in self._tables:
                self.repair(self._tables[name], _union(tokens.values()))

    def known(self, token: str) -> bool:
        """Whether this batch is stored, rollups included."""
        return token in self._journal.done or any(token in tokens for tokens in self._pending.values())

    def begin(self, table: Table, batch: pa.RecordBatch, token: str) -> Span:
        """Note that a batch is about to be inserted; returns its time span in UTC seconds, end exclusive."""
        bounds = pc.min_max(batch.column(table.time.name).cast(pa.int64()))
        span = bounds["min"].as_py() // 10**9, bounds["max"].as_py() // 10**9 + 1
        with self._lock:
            self._journal.note(table.name, token, span)
        return span

    def failed(self, table: Table, token: str, span: Span) -> None:
        """Whether the batch was inserted is not known."""
        with self._lock:
            self._uncertain.setdefault(table.name, {})[token] = span

    def add(self, table: Table, batch: pa.RecordBatch, token: str, noted: Span) -> None:
        """The batch is in the raw table now."""
        with self._lock:
            span = self._uncertain.get(table.name, {}).get(token)
            if span is not None:  # it may have been there before: its sums may be written already
                self.repair(table, span)
                del self._uncertain[table.name][token]
                self._journal.clear([token], self._open())
                return
            base = [rollup for rollup in table.rollups if rollup.source == table.name]
            for rollup, sums in self._summer.sum_all(table, base, batch):
                self._held.setdefault(rollup.name, []).append(sums)
            now = time.monotonic()
            self._fine_since, self._since, self._added = self._fine_since or now, self._since or now, now
            self._rows += batch.num_rows
            self._pending.setdefault(table.name, {})[token] = noted
            self.tick()

    def tick(self) -> None:
        """Write the sums that were held long enough, and make good what failed before."""
        now = time.monotonic()
        if self._since and (now - self._since >= HOLD_S or self._rows >= HOLD_ROWS):
            self.flush()
        elif self._fine_since and now - self._fine_since >= HOLD_FINE_S:
            self.flush(fine=True)
        for name in list(self._owed):
            self.repair(self._tables[name], self._owed[name])

    def settle(self, names: Container[str]) -> None:
        """Write sums before a query reads the rollups ``names``, unless that takes long and was done a moment ago."""
        rollups = [rollup for table in self._tables.values() for rollup in table.rollups if rollup.name in names]
        fine = all(rollup.source in self._tables for rollup in rollups)
        held = sum(batch.num_rows for batches in list(self._held.values()) for batch in batches)
        now = time.monotonic()
        ready = held <= FEW_SUMS or now >= self._rest_until or now - self._added >= QUIET_S
        if ready and (self._fine_since if fine else self._since):
            self.flush(fine=fine)

    def flush(self, *, fine: bool = False) -> None:
        """Write the sums that are held, or only those of the finest level (the others wait for more to come).

        If that fails all are made from the raw rows later.
        """
        with self._lock:
            if not self._held:
                return
            began = time.monotonic()
            try:
                for table in self._tables.values():
                    for rollup in table.rollups:
                        if not fine or rollup.source == table.name:
                            self._write(table, rollup)
            except WeftError:
                for name, tokens in self._pending.items():
                    owed = [self._owed[name]] if name in self._owed else []
                    self._owed[name] = _union([*tokens.values(), *owed])
                self._forget()
                raise
            self._fine_since, now = 0.0, time.monotonic()
            self._rest_until = now + REST * (now - began)
            if not self._held:
                done = [token for tokens in self._pending.values() for token in tokens]
                self._forget()
                self._journal.clear(done, self._open())

    def _forget(self) -> None:
        self._held, self._pending = {}, {}
        self._fine_since, self._since, self._rows = 0.0, 0.0, 0

    def _open(self) -> Unfinished:
        """What the journal must still tell a later process."""
        out = {name: dict(tokens) for name, tokens in self._uncertain.items()}
        for name, tokens in self._pending.items():
            out.setdefault(name, {}).update(tokens)
        for name, span in self._owed.items():
            out.setdefault(name, {})[""] = span
        return {name: tokens for name, tokens in out.items() if tokens}

    def _write(self, table: Table, rollup: Rollup) -> None:
        """Write the held sums of one rollup, and hold them for the rollups that are fed from it."""
        batches = self._held.get(rollup.name)
        if not batches:
            return
        ((_, sums),) = self._summer.sum_all(table, [rollup], _joined(batches))
        block = encode(rollup_table(table, rollup), sums)
        # Rows of one key are added up by merges; doing so now, on rows that have no equals, would double the cost.
        settings: dict[str, int | str] = {"optimize_on_insert": 0, "max_insert_threads": 1, "insert_deduplicate": 0}
        self._engine.insert(rollup.name, block.columns, block.chunks, settings)
        del self._held[rollup.name]
        for coarser in table.rollups:
            if coarser.source == rollup.name:
                self._held.setdefault(coarser.name, []).append(sums)

    def repair(self, table: Table, span: Span) -> None:
        """Make the rollups of a time span equal to the raw rows again."""
        with self._lock:
            self.flush()
            for rollup in table.rollups:
                self._engine.execute(difference_sql(table, rollup, span))
            self._owed.pop(table.name, None)
            log.info("rollups_repaired", table=table.name, since=span[0], until=span[1])


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def _union(spans: Iterable[Span]) -> Span:
    since, until = zip(*spans, strict=True)
    return min(since), max(until)


def difference_sql(table: Table, rollup: Rollup, span: Span) -> str:
    """Insert what a rollup lacks (or has too much of) against its source, for the buckets that meet ``span``."""
    time_name, step = table.time.name, rollup.seconds
    since, until = span[0] // step * step, -(-span[1] // step) * step
    within = f"{time_name} >= toDateTime({since}, 'UTC') AND {time_name} < toDateTime({until}, 'UTC')"
    keys = ", ".join(rollup.dimensions)
    sums = [column.name for column in table.measures]
    have = ", ".join(f"toInt64({name}) AS {name}_n" for name in sums)
    less = ", ".join(f"-toInt64({name}) AS {name}_n" for name in (*sums, ROWS))
    count = f"toInt64({ROWS})" if rollup.source != table.name else "toInt64(1)"
    totals = ", ".join(f"reinterpretAsUInt64(sum({name}_n)) AS {name}_d" for name in (*sums, ROWS))
    columns = ", ".join((time_name, *rollup.dimensions, *sums, ROWS))
    bucket = f"toStartOfInterval({time_name}, INTERVAL {step} SECOND) AS bucket"
    differs = " OR ".join(f"{name}_d != 0" for name in (*sums, ROWS))
    return (
        f"INSERT INTO {rollup.name} ({columns})\n"
        f"SELECT bucket, {keys}, {totals} FROM (\n"
        f"  SELECT {bucket}, {keys}, {have}, {count} AS {ROWS}_n FROM {rollup.source} WHERE {within}\n"
        f"  UNION ALL SELECT {bucket}, {keys}, {less} FROM {rollup.name} WHERE {within}\n"
        f") GROUP BY bucket, {keys} HAVING {differs}\nSETTINGS optimize_on_insert = 0"
    )
