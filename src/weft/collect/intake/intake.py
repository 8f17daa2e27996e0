"""The one way into the store for rows of every table but ``flows``.

A source opens a *book* once and ``put``s batches; the intake ties them to the inventory, gives counters their increase,
bounds their times, gathers them into batches and hands those to a writer of its own, so that a flood of flows does not
hold up logs. Memory is bounded: when the store and the disk are slower than the sources, ``put`` waits, then refuses.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import structlog
from prometheus_client import CollectorRegistry

from weft.collect.batcher import Batch, Batcher
from weft.collect.config import CollectConfig
from weft.collect.intake.book import SourceBook
from weft.collect.intake.counters import CounterBook, CounterCounts
from weft.collect.intake.identify import identify
from weft.collect.intake.identity import Identity, Nobody
from weft.collect.intake.report import IntakeMetrics
from weft.collect.ledger import RowLedger
from weft.collect.spool import Spool, SpoolStatus
from weft.collect.writer import Writer, WriterStatus
from weft.errors import Unavailable
from weft.model.business import BUSINESS
from weft.model.changes import CHANGES
from weft.model.cloud import CLOUD_FLOWS
from weft.model.events import EVENTS
from weft.model.logs import LOGS
from weft.model.metrics import METRICS
from weft.model.probes import HOPS, PROBES
from weft.model.routes import ROUTES
from weft.model.sources import SourceStatus
from weft.model.tables import Table
from weft.store.telemetry import TelemetryStore

log = structlog.get_logger(__name__)

TABLES = (METRICS, LOGS, CHANGES, ROUTES, CLOUD_FLOWS, PROBES, HOPS, BUSINESS, EVENTS)
#: Nobody imports the history of these: a stamp from long ago is a clock that is wrong.
_LIVE = (METRICS, LOGS, CHANGES)
_DAY_NS = 86_400 * 1_000_000_000
_PENDING_BATCHES = 4
_MOST_WAITING_ROWS = 4_000_000
_WAIT_S = 5.0
_LOOK_S = 0.5
_FLUSH_S = 60.0
_AHEAD_NS = 600 * 1_000_000_000  # a stamp further in the future than this is not believed
_MOST_SOURCES = 20_000


class Intake:
    """Takes rows of every source but flows. ``put`` from any thread."""

    def __init__(
        self,
        config: CollectConfig,
        *,
        store: TelemetryStore,
        identity: Identity | None = None,
        registry: CollectorRegistry | None = None,
        data_dir: Path = Path("data"),
        oldest_days: int = 30,
        retention_days: Mapping[str, int] | None = None,
    ) -> None:
        """Rows of tables that only live sources write are left out when older than ``oldest_days``.

        Rows of the others, when older than the store keeps them: ``retention_days`` by table, else as declared.
        """
        self._config, self._registry = config, registry
        self._identity: Identity = identity if identity is not None else Nobody()
        kept_days = {t.name: t.ttl_days for t in TABLES} | dict(retention_days or {})
        self._oldest_ns = {t.name: (oldest_days if t in _LIVE else kept_days[t.name]) * _DAY_NS for t in TABLES}
        self._ledger = RowLedger()
        directory = (config.spool_dir or data_dir / "spool").with_name("spool-intake")
        self._spool = Spool(directory, config.spool_bytes, config.rejected_bytes)
        self._writer = Writer(
            store, self._spool, self._ledger, TABLES, pending=_PENDING_BATCHES,
            spool_after_s=config.spool_after_ms / 1000, retry_s=config.retry_ms / 1000,
        )  # fmt: skip
        self._batchers = {table.name: Batcher(table, config.batch_rows, config.batch_ms / 1000) for table in TABLES}
        self._counters = CounterBook()
        self._books: list[SourceBook] = []
        self._watchers: list[tuple[Table, Callable[[pa.RecordBatch], None]]] = []
        self._changed = threading.Condition()
        self._running = False
        self._thread: threading.Thread | None = None
        self._metrics = IntakeMetrics(self)

    def start(self) -> None:
        """Open the spool and begin to write."""
        self._spool.open()
        self._writer.start()
        self._running = True
        self._thread = threading.Thread(target=self._run, name="weft-intake", daemon=True)
        self._thread.start()
        if self._registry is not None:
            self._registry.register(self._metrics)

    def stop(self) -> None:
        """Store or spool what is waiting."""
        if not self._running:
            return
        if self._registry is not None:
            self._registry.unregister(self._metrics)
        with self._changed:
            self._running = False
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._submit(everything=True)
        self._writer.stop()

    def open_source(
        self, kind: str, name: str, target: str = "", *, exporter: str = "", expected_s: float = 0.0
    ) -> SourceBook:
        """A new row of the Sources page. ``target`` must hold no credentials. Beyond the most sources one is shared."""
        with self._changed:
            if len(self._books) >= _MOST_SOURCES:
                return self._books[-1]
            book = SourceBook(kind, name, target, exporter=exporter, expected_s=expected_s)
            self._books.append(book)
            return book

    def close_source(self, book: SourceBook) -> None:
        """The source is no more."""
        with self._changed:
            if book in self._books:
                self._books.remove(book)

    def watch(self, table: Table, listener: Callable[[pa.RecordBatch], None]) -> None:
        """Have ``listener`` see the rows of ``table`` as they are taken, in the thread that puts them: be quick."""
        self._watchers.append((table, listener))

    def put(self, table: Table, rows: pa.RecordBatch, book: SourceBook | None = None, *, messages: int = 1) -> None:
        """Take rows of ``table`` (its whole schema); counts them in ``book`` as ``messages`` arrivals.

        Raises ``Unavailable`` when they cannot be taken: nothing of the batch was kept, and the book says so.
        """
        rows = self._bounded(table, rows, book)
        if table is not ROUTES:  # a session's rows stay together: whoever holds it knows where they are kept
            rows = identify(rows, self._identity)
        now_ns = time.time_ns()
        with self._changed:
            deadline = time.monotonic() + _WAIT_S
            while self._running and self._waiting() + rows.num_rows > _MOST_WAITING_ROWS:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            if not self._running or self._waiting() + rows.num_rows > _MOST_WAITING_ROWS:
                self._count(book, "refused", "the store is too slow", max(1, rows.num_rows))
                raise Unavailable("the intake is full or not running", where="collect", fix="Try again later.")
            if table is METRICS:
                rows = self._increases(rows, book)
            self._batchers[table.name].add(rows, now_ns)
            if self._batchers[table.name].due_in() <= 0:
                self._changed.notify_all()
        if book is not None:
            book.came(rows.num_rows, messages=messages, lag_s=_lag_s(rows, now_ns))
        for watched, listener in self._watchers:
            if watched is table and rows.num_rows:
                try:
                    listener(rows)
                except Exception:  # whoever looks on must not cost the rows
                    log.exception("watcher_failed", table=table.name)

    def put_once(
        self, table: Table, rows: pa.RecordBatch, token: str, book: SourceBook | None = None, *, messages: int = 0
    ) -> None:
        """Take rows as one batch named ``token`` and return when it is stored, or waits on disk to be.

        A batch of that name that is stored already is not stored again: for sources that can read anew what they had
        read when the process died. Raises ``Unavailable`` when it could not be kept: try again later.
        """
        rows = identify(self._bounded(table, rows, book), self._identity)
        batch = Batch(table, rows, time.time_ns(), token=token, settled=threading.Event())
        if rows.num_rows:
            assert batch.settled is not None
            self._writer.submit(batch, patient=True)
            while not batch.settled.wait(_LOOK_S):
                if not self._running:
                    break
        if rows.num_rows and not batch.is_kept:
            self._count(book, "refused", "neither the store nor the disk takes rows", 0)
            raise Unavailable("neither the store nor the disk takes rows", where="collect", fix="Try again later.")
        if book is not None:
            book.came(rows.num_rows, messages=messages, lag_s=_lag_s(rows, time.time_ns()))

    def _increases(self, rows: pa.RecordBatch, book: SourceBook | None) -> pa.RecordBatch:
        counts = self._counters.counts
        late, duplicates = counts.late, counts.duplicates
        rows = self._counters.apply(rows)
        if book is not None:
            if counts.late > late:
                book.late(counts.late - late)
            if counts.duplicates > duplicates:
                book.duplicate(counts.duplicates - duplicates)
        return rows

    def flush(self, timeout_s: float = _FLUSH_S) -> None:
        """Wait until everything put so far is stored or spooled. Raises ``Unavailable`` when that takes longer."""
        self._submit(everything=True)
        if not self._writer.flush(timeout_s):
            raise Unavailable("the store has not taken everything in time", where="collect")

    def sources(self) -> list[SourceStatus]:
        """Every source now."""
        with self._changed:
            books = list(self._books)
        return [book.status() for book in books]

    def writer(self) -> WriterStatus:
        """The way into the store."""
        return self._writer.status()

    def spool(self) -> SpoolStatus:
        """What waits on disk."""
        return self._spool.status()

    def lost(self) -> dict[str, int]:
        """Rows lost or set aside behind the sources, by reason."""
        return self._ledger.totals()

    def counters(self) -> CounterCounts:
        """Resets, wraps and late values met."""
        return self._counters.counts

    def _waiting(self) -> int:
        return sum(batcher.rows for batcher in self._batchers.values())

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._running:
                    return
                due = min(batcher.due_in() for batcher in self._batchers.values())
                if due > 0:
                    self._changed.wait(min(due, 1.0))
            self._submit()

    def _submit(self, *, everything: bool = False) -> None:
        with self._changed:
            due = [batcher for batcher in self._batchers.values() if everything or batcher.due_in() <= 0]
            batches = [batcher.take() for batcher in due]
            self._changed.notify_all()
        for batch in batches:
            if batch is not None:
                self._writer.submit(batch)

    def _count(self, book: SourceBook | None, reason: str, message: str, count: int) -> None:
        """In the source's book; in the intake's own ledger where rows come without one."""
        if book is not None:
            book.error(reason, message, count=count)
        else:
            self._ledger.count_rows(count, reason)

    def _bounded(self, table: Table, rows: pa.RecordBatch, book: SourceBook | None) -> pa.RecordBatch:
        """Without rows too old to be kept; a time in the future becomes the time of arrival."""
        at = rows.schema.get_field_index("time")
        stamps = rows.column(at).cast(pa.int64()).to_numpy(zero_copy_only=False)
        now_ns = time.time_ns()
        if len(stamps) and int(stamps.max()) > now_ns + _AHEAD_NS:
            ahead = stamps > now_ns + _AHEAD_NS
            self._count(book, "time_in_future", "stamps ahead of our clock were set to their arrival", int(ahead.sum()))
            stamps = np.where(ahead, now_ns, stamps)
            column = pa.array(stamps.astype("datetime64[ns]")).cast(rows.schema.field(at).type)
            rows = rows.set_column(at, rows.schema.field(at), column)
        if len(stamps) and int(stamps.min()) < now_ns - self._oldest_ns[table.name]:
            kept = stamps >= now_ns - self._oldest_ns[table.name]
            self._count(book, "too_old", "values older than what is kept were left out", int((~kept).sum()))
            rows = rows.filter(pa.array(kept))
        return rows


def _lag_s(rows: pa.RecordBatch, now_ns: int) -> float | None:
    if not rows.num_rows:
        return None
    newest = rows.column("time").cast(pa.int64()).to_numpy(zero_copy_only=False).max()
    return max(0.0, (now_ns - int(newest)) / 1e9)
