"""The decode thread: datagrams to rows, rows to batches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa
import structlog
from numpy.typing import NDArray

from weft.collect import ledger as why
from weft.collect.admission import Admission
from weft.collect.batcher import Batcher
from weft.collect.intake.counters import CounterBook
from weft.collect.ledger import RowLedger
from weft.collect.queue import DatagramQueue, Item
from weft.collect.rates import RateMeter
from weft.collect.slab import SlabPool
from weft.collect.status import DecodeStatus, StreamRate
from weft.collect.writer import Writer
from weft.decode.flow.decoded import Decoded
from weft.decode.flow.decoder import FlowDecoder
from weft.model.exporters import StreamStatus
from weft.model.flows import DATAGRAM, FLOWS
from weft.model.metrics import METRICS
from weft.model.tables import Table

log = structlog.get_logger(__name__)

_TICK_S = 1.0
#: Decode errors that no healthy exporter makes; the others (templates missing, unknown samples …) happen to all.
_MALFORMED = frozenset(
    {
        "unknown_version", "short_header", "too_many_streams", "length_mismatch", "count_mismatch", "set_too_short",
        "set_truncated", "reserved_set", "template_truncated", "template_empty", "template_too_large",
        "template_bad_id", "too_many_templates", "record_truncated", "bad_agent", "sample_truncated",
    }
)  # fmt: skip


class Enriches(Protocol):
    """What the pipeline needs of the enricher."""

    def enrich(self, flows: pa.RecordBatch) -> pa.RecordBatch:
        """Rows of the ``flows`` table for decoded flows."""


class Pipeline:
    """Takes items off the queue until it is closed and empty."""

    def __init__(
        self,
        queue: DatagramQueue,
        admission: Admission,
        pool: SlabPool,
        decoder: FlowDecoder,
        enricher: Enriches,
        writer: Writer,
        ledger: RowLedger,
        *,
        batch_rows: int,
        batch_s: float,
        on_decoded: Callable[[Decoded], None],
        on_streams: Callable[[list[StreamStatus]], None],
        watchers: Sequence[Callable[[Table, pa.RecordBatch], None]] = (),
    ) -> None:
        self._queue, self._admission, self._pool = queue, admission, pool
        self._decoder, self._enricher, self._writer, self._ledger = decoder, enricher, writer, ledger
        self._on_decoded, self._on_streams, self._watchers = on_decoded, on_streams, watchers
        self._flows = Batcher(FLOWS, batch_rows, batch_s)
        self._metrics = Batcher(METRICS, batch_rows, batch_s)
        self._counters = CounterBook()
        self._rates = RateMeter()
        self._malformed: dict[str, int] = {}
        self._thread: threading.Thread | None = None
        self._patient = False
        self.decoder_lock = threading.Lock()
        self.status = DecodeStatus()
        self.streams: list[StreamRate] = []

    def start(self) -> None:
        """Begin to decode."""
        self._thread = threading.Thread(target=self._run, name="weft-decode", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for the end: close the queue first."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        tick_at = time.monotonic() + _TICK_S
        while True:
            now = time.monotonic()
            if now >= tick_at:
                self._safely(self._tick)
                tick_at = time.monotonic() + _TICK_S
            wait = min(tick_at - now, self._flows.due_in(), self._metrics.due_in())
            item = self._queue.get(max(0.0, wait))
            if item is not None:
                self._process(item)
            elif self._queue.closed:
                break
            self._submit_due()
        self._submit_due(everything=True)
        self._safely(self._tick)

    def _process(self, item: Item) -> None:
        """Decode one item; its memory is free afterwards whatever happens."""
        began = time.monotonic()
        self._patient = item.done is not None
        try:
            if item.flush:
                self._submit_due(everything=True)
                self._rates.forget()
                self._safely(self._tick)
            else:
                self._decode(item)
        finally:
            if item.done is not None:
                item.done.set()
        self.status.busy_s += time.monotonic() - began

    def _decode(self, item: Item) -> None:
        decoded: Decoded | None = None
        try:
            with self.decoder_lock:
                decoded = self._decoder.decode(item.batch)
                if self._patient and len(item.batch):  # imported telemetry brings its own time
                    self._decoder.tick(int(item.batch.received_ns[-1]))
        except Exception:
            self.status.failures += 1
            log.exception("decode_failed", datagrams=len(item.batch))
        self.status.datagrams += len(item.batch)
        if item.admitted is not None:
            self._admission.release(item.admitted, None if decoded is None else _datagram_of_rows(decoded.flows))
        born_ns = time.time_ns() if self._patient else int(item.batch.received_ns[0])
        if item.slab is not None:
            self._pool.give(item.slab)
        if decoded is not None:
            self._keep(decoded, born_ns)

    def _keep(self, decoded: Decoded, born_ns: int) -> None:
        """Enrich what was decoded and add it to the batches."""
        self.status.flows += decoded.flows.num_rows
        self.status.metrics += decoded.metrics.num_rows
        self.status.held_back += decoded.held_back
        if decoded.flows.num_rows:
            try:
                flows = self._enricher.enrich(decoded.flows)
                self._flows.add(flows, born_ns)
                self._show(FLOWS, flows)
            except Exception:
                self.status.failures += 1
                self._ledger.count(decoded.flows, why.ENRICH)
                log.exception("enrich_failed", rows=decoded.flows.num_rows)
        metrics = self._counters.apply(decoded.metrics)
        self._metrics.add(metrics, born_ns)
        self._show(METRICS, metrics)
        self.status.waiting_rows = self._flows.rows + self._metrics.rows
        if decoded.interfaces:
            self._on_decoded(decoded)

    def _show(self, table: Table, rows: pa.RecordBatch) -> None:
        for watcher in self._watchers if rows.num_rows else ():
            self._safely(lambda: watcher(table, rows))  # noqa: B023  # called at once; it must not cost the rows

    def _submit_due(self, *, everything: bool = False) -> None:
        for batcher in (self._flows, self._metrics):
            if everything or batcher.due_in() <= 0:
                batch = batcher.take()
                if batch is not None:
                    self._writer.submit(batch, patient=self._patient)
        self.status.waiting_rows = self._flows.rows + self._metrics.rows

    def _tick(self) -> None:
        """Once a second: look at the streams, let held data expire, judge senders."""
        with self.decoder_lock:
            if not self._patient:
                self._decoder.tick(time.time_ns())
            streams = self._decoder.streams()
        self.streams = self._rates.update(streams)
        self._on_streams(streams)
        malformed: dict[str, int] = {}
        for stream in streams:
            count = sum(count for reason, count in stream.errors.items() if reason in _MALFORMED)
            malformed[stream.source] = malformed.get(stream.source, 0) + count
        new = {source: count - self._malformed.get(source, 0) for source, count in malformed.items()}
        self._malformed = malformed
        self._admission.second_passed(new)

    def _safely(self, chore: Callable[[], None]) -> None:
        try:
            chore()
        except Exception:
            self.status.failures += 1
            log.exception("tick_failed")


def _datagram_of_rows(flows: pa.RecordBatch) -> NDArray[np.uint32]:
    """The datagram index of every row, without a copy."""
    rows: NDArray[np.uint32] = flows.column(DATAGRAM).to_numpy(zero_copy_only=True)
    return rows
