"""The writer thread: batches into the store; when that is away or too slow, into the spool and from there later."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pyarrow as pa
import structlog

from weft.collect import ledger as why
from weft.collect.batcher import Batch
from weft.collect.ledger import RowLedger
from weft.collect.spool import Entry, Spool
from weft.errors import Failed, LimitExceeded, StoreUnavailable, WeftError
from weft.model.tables import Table
from weft.store.telemetry import TelemetryStore

log = structlog.get_logger(__name__)

#: A batch that exceeds a limit of the store is tried again in halves, down to this many rows.
_LEAST_ROWS = 10_000
_REMEMBERED_LATENCIES = 512
_LOOK_S = 0.1  # how often a waiting caller looks whether it is in a hurry


@dataclass(slots=True)
class WriterStatus:
    """Counts since start."""

    available: bool = True
    rows: dict[str, int] = field(default_factory=dict)  # stored, by table
    batches: int = 0
    busy_s: float = 0.0  # spent in the store
    errors: dict[str, int] = field(default_factory=dict)  # by error code
    last_error: str = ""
    last_stored_ns: int = 0
    away_since_ns: int = 0  # 0 = the store answers
    spooled_rows: int = 0
    drained_rows: int = 0
    pending: int = 0  # batches waiting in memory
    latency_ms: dict[str, float] = field(default_factory=dict)  # datagram → stored: p50, p99, max of the last batches


class Writer:
    """Owns the way into the store. ``submit`` from any thread."""

    def __init__(
        self,
        store: TelemetryStore,
        spool: Spool,
        ledger: RowLedger,
        tables: tuple[Table, ...],
        *,
        pending: int,
        spool_after_s: float,
        retry_s: float,
        in_a_hurry: Callable[[], bool] = bool,
    ) -> None:
        self._store, self._spool, self._ledger = store, spool, ledger
        self._tables = {table.name: table for table in tables}
        self._most_pending, self._spool_after_s, self._retry_s = pending, spool_after_s, retry_s
        self._in_a_hurry = in_a_hurry
        self._pending: deque[Batch] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._busy_since = 0.0  # 0 = not writing
        self._retry_at = 0.0
        self._latencies: deque[tuple[int, float]] = deque(maxlen=_REMEMBERED_LATENCIES)
        self._status = WriterStatus(rows=dict.fromkeys(self._tables, 0))
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to write; what an earlier run left in the spool goes first."""
        self._thread = threading.Thread(target=self._run, name="weft-writer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Store (or spool) what was submitted, then end. The spool stays for the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def submit(self, batch: Batch, *, patient: bool = False) -> None:
        """Hand over a batch; waits while the store is busy.

        An impatient caller (live traffic) waits a bounded time, less when datagrams pile up behind it, and then puts
        the batch into the spool itself; a patient one (import) waits as long as the store is merely slow.
        """
        batch.number = self._spool.number()
        with self._changed:
            # Counted from when the store got its present batch: one that hangs is not waited for again and again.
            deadline = (self._busy_since or time.monotonic()) + self._spool_after_s
            while len(self._pending) >= self._most_pending and not self._stopping:
                left = deadline - time.monotonic()
                if not patient and (left <= 0 or self._in_a_hurry()):
                    break
                self._changed.wait(_LOOK_S if patient else min(left, _LOOK_S))
            if len(self._pending) < self._most_pending:
                self._pending.append(batch)
                self._changed.notify_all()
                return
        self._to_spool(batch)

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything submitted is in the store or the spool; False when that took too long."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while self._pending or self._busy_since:
                left = deadline - time.monotonic()
                if left <= 0 or self._thread is None:
                    return False
                self._changed.wait(min(left, 0.5))
        return True

    def status(self) -> WriterStatus:
        """Counts now."""
        status = self._status
        recent = sorted(self.latencies())
        at = {"p50": 0.5, "p99": 0.99, "max": 1.0} if recent else {}
        return replace(
            status,
            rows=dict(status.rows),
            errors=dict(status.errors),
            pending=len(self._pending),
            latency_ms={name: recent[min(len(recent) - 1, int(share * len(recent)))] for name, share in at.items()},
        )

    def latencies(self, since_ns: int = 0) -> list[float]:
        """Milliseconds from the first datagram of a batch to its being queryable, of the last batches stored."""
        return [milliseconds for stored_ns, milliseconds in tuple(self._latencies) if stored_ns >= since_ns]

    def _run(self) -> None:
        while True:
            batch = self._next()
            if batch is not None:
                self._write_safely(batch)
                with self._changed:
                    self._busy_since = 0.0
                    self._changed.notify_all()
            elif self._stopping:
                return
            if not self._stopping:
                self._drain_one()

    def _next(self) -> Batch | None:
        """The next live batch; returns early without one when the spool can be worked on."""
        with self._changed:
            if not self._pending and not self._stopping:
                self._changed.wait(self._idle_s())
            if not self._pending:
                return None
            self._busy_since = time.monotonic()
            batch = self._pending.popleft()
            self._changed.notify_all()
            return batch

    def _idle_s(self) -> float:
        if not len(self._spool):
            return 1.0
        return max(0.0, self._retry_at - time.monotonic())

    def _write_safely(self, batch: Batch) -> None:
        """Store the batch; whatever happens it ends in the store, the spool, ``rejected`` or the ledger."""
        try:
            if time.monotonic() < self._retry_at:
                self._to_spool(batch)
                return
            self._insert(batch.table, batch.rows, batch.token)
            batch.settle(kept=True)
            now = time.time_ns()
            self._latencies.append((now, (now - batch.born_ns) / 1e6))
        except StoreUnavailable as error:
            self._away(error)
            self._to_spool(batch)
        except Exception as error:  # noqa: BLE001  logged by _refused; one bad batch must not stop the others
            self._refused(error, batch.table.name, batch.rows, batch.token)
            self._spool.reject(batch.table.name, batch.rows, batch.token)
            batch.settle(kept=True)  # it would be refused again

    def _insert(self, table: Table, rows: pa.RecordBatch, token: str) -> None:
        began = time.monotonic()
        try:
            self._store.insert(table, rows, token)
        except LimitExceeded:
            if rows.num_rows <= _LEAST_ROWS:
                raise
            half = rows.num_rows // 2
            self._insert(table, rows.slice(0, half), token + "a")
            self._insert(table, rows.slice(half), token + "b")
            return
        finally:
            self._status.busy_s += time.monotonic() - began
        if not self._status.available:
            log.info("store_back", away_s=round((time.time_ns() - self._status.away_since_ns) / 1e9, 1))
        self._status.available, self._status.away_since_ns, self._retry_at = True, 0, 0.0
        self._status.rows[table.name] += rows.num_rows
        self._status.batches += 1
        self._status.last_stored_ns = time.time_ns()

    def _drain_one(self) -> None:
        """Move the oldest spooled batch into the store, if the store can be tried now."""
        entry = self._spool.oldest()
        if entry is None or time.monotonic() < self._retry_at:
            return
        try:
            table = self._tables.get(entry.table)
            if table is None:
                raise Failed(f"no table {entry.table}", where=entry.path.name)
            self._insert(table, self._spool.read(entry), entry.token)
        except StoreUnavailable as error:
            self._away(error)
            return
        except Exception as error:  # noqa: BLE001  as above
            self._refused(error, entry.table, self._read_or_none(entry), entry.token, entry.rows)
            self._spool.set_aside(entry)
            return
        self._status.drained_rows += entry.rows
        self._spool.drop(entry)

    def _to_spool(self, batch: Batch) -> None:
        kept, gone = self._spool.put(batch.table.name, batch.rows, batch.token, batch.number)
        if kept:
            self._status.spooled_rows += batch.rows.num_rows
        elif batch.settled is None:  # whoever waits for it has it still
            self._ledger.count(batch.rows, why.DISK)
        batch.settle(kept=kept)
        for entry in gone:
            self._lost(entry)

    def _lost(self, entry: Entry) -> None:
        rows = self._read_or_none(entry)
        if rows is None:
            self._ledger.count_rows(entry.rows, why.SPOOL_FULL)
        else:
            self._ledger.count(rows, why.SPOOL_FULL)
        self._spool.drop(entry)

    def _read_or_none(self, entry: Entry) -> pa.RecordBatch | None:
        try:
            return self._spool.read(entry)
        except Failed:
            return None

    def _away(self, error: WeftError) -> None:
        self._retry_at = time.monotonic() + self._retry_s
        self._count_error(error.code, error.message)
        if self._status.available:
            self._status.available, self._status.away_since_ns = False, time.time_ns()
            log.warning("store_away", error=error.message)

    def _refused(
        self, error: Exception, table: str, rows: pa.RecordBatch | None, token: str, count: int | None = None
    ) -> None:
        self._count_error(getattr(error, "code", "internal_error"), str(error))
        log.error(
            "batch_refused", table=table, batch=token, error=str(error), exc_info=not isinstance(error, WeftError)
        )
        if rows is not None:
            self._ledger.count(rows, why.REJECTED)
        elif count:
            self._ledger.count_rows(count, why.REJECTED)

    def _count_error(self, code: str, message: str) -> None:
        self._status.errors[code] = self._status.errors.get(code, 0) + 1
        self._status.last_error = message
