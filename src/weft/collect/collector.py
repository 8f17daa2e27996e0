"""The collector: listeners, queue, decode thread, writer thread and spool, wired and started as one component."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import structlog
from prometheus_client import CollectorRegistry

from weft.collect.admission import Admission
from weft.collect.config import CollectConfig
from weft.collect.keeper import DecoderStateStore, Keeper, Names
from weft.collect.ledger import RowLedger
from weft.collect.listener import Listener
from weft.collect.metrics import CollectorMetrics
from weft.collect.pipeline import Enriches, Pipeline
from weft.collect.queue import DatagramQueue, Item
from weft.collect.slab import SlabPool
from weft.collect.spool import Spool
from weft.collect.status import CollectStatus, QueueStatus, ledgers
from weft.collect.writer import Writer
from weft.decode.datagrams import DatagramBatch
from weft.decode.flow.decoder import FlowDecoder
from weft.decode.flow.limits import SamplingOverrides, SamplingRule
from weft.decode.flow.state import TemplateState
from weft.errors import Unavailable
from weft.model.flows import FLOWS
from weft.model.metrics import METRICS
from weft.model.tables import Table
from weft.store.telemetry import TelemetryStore

log = structlog.get_logger(__name__)

_TABLES = (FLOWS, METRICS)
_FLUSH_S = 60.0
_PRESSING = 0.25  # share of the datagram queue in use from which on batches rather go to disk than wait


class CollectEnricher(Enriches, Names, Protocol):
    """What the collector needs of the enricher."""


class Collector:
    """Receives, decodes, enriches and stores flows, and accounts for every one it could not.

    ``ingest`` puts captures and back-fill through the same path. ``decoder`` is made here unless passed in.
    """

    def __init__(
        self,
        config: CollectConfig,
        *,
        store: TelemetryStore,
        enricher: CollectEnricher,
        state: DecoderStateStore | None = None,
        registry: CollectorRegistry | None = None,
        data_dir: Path = Path("data"),
        decoder: FlowDecoder | None = None,
    ) -> None:
        self._config, self._state, self._registry = config, state, registry
        self._decoder = decoder if decoder is not None else FlowDecoder(sampling=_sampling(config))
        self._admission = _admission(config)
        self._queue = DatagramQueue()
        self._pool = SlabPool(config.receive_rows)
        self._ledger = RowLedger()
        self._spool = Spool(config.spool_dir or data_dir / "spool", config.spool_bytes, config.rejected_bytes)
        self._writer = Writer(
            store, self._spool, self._ledger, _TABLES, pending=config.pending_batches,
            spool_after_s=config.spool_after_ms / 1000, retry_s=config.retry_ms / 1000,
            in_a_hurry=lambda: self._admission.fill > _PRESSING,
        )  # fmt: skip
        self._keeper = Keeper(store, enricher, self._save_state, config.state_seconds)
        self._watchers: list[Callable[[Table, pa.RecordBatch], None]] = []
        self._pipeline = Pipeline(
            self._queue, self._admission, self._pool, self._decoder, enricher, self._writer, self._ledger,
            batch_rows=config.batch_rows, batch_s=config.batch_ms / 1000,
            on_decoded=lambda decoded: self._keeper.learned(decoded.interfaces), on_streams=self._keeper.seen,
            watchers=self._watchers,
        )  # fmt: skip
        self._listeners = [
            Listener(listener, config, self._admission, self._queue, self._pool) for listener in config.listeners
        ]
        self._metrics = CollectorMetrics(self.status)
        self._started_ns = 0
        self._running = False

    def start(self) -> None:
        """Open the spool and the sockets, then start all threads. Raises ``Unavailable`` when a port is taken."""
        self._spool.open()
        opened: list[Listener] = []
        try:
            for listener in self._listeners:
                opened.append(listener)
                listener.open()
        except BaseException:
            for listener in opened:
                listener.stop()
            raise
        self._load_state()
        self._started_ns = time.time_ns()
        self._writer.start()
        self._keeper.start()
        self._pipeline.start()
        for listener in self._listeners:
            listener.start()
        if self._registry is not None:
            self._registry.register(self._metrics)
        self._running = True

    def stop(self) -> None:
        """Stop receiving, decode what was received, store or spool it, save the decoder's state."""
        if not self._running:
            return
        self._running = False
        if self._registry is not None:
            self._registry.unregister(self._metrics)
        for listener in self._listeners:
            listener.stop()
        self._queue.close()
        self._pipeline.join()
        self._writer.stop()
        self._keeper.stop()

    def watch(self, listener: Callable[[Table, pa.RecordBatch], None]) -> None:
        """Have ``listener`` see flows and the metrics that come with them, in the thread that decodes: be quick."""
        self._watchers.append(listener)

    def ingest(self, batch: DatagramBatch) -> None:
        """Decode, enrich and store ``batch`` as if it had been received; returns once it is decoded.

        Waits while the store is busy. For captures and back-fill: the rows carry the batch's own receive times.
        Raises ``Unavailable`` when the collector is not running.
        """
        if len(batch):
            self._put(Item(batch, done=threading.Event()))

    def flush(self, timeout_s: float = _FLUSH_S) -> None:
        """Wait until everything received or ingested so far is stored or spooled.

        Raises ``Unavailable`` when that takes longer than ``timeout_s``.
        """
        deadline = time.monotonic() + timeout_s
        for listener in self._listeners:
            listener.flush(timeout_s)
        self._put(Item(_NOTHING, done=threading.Event(), flush=True))
        if not self._writer.flush(deadline - time.monotonic()):
            raise Unavailable("the store has not taken everything in time", where="collect")

    @property
    def ports(self) -> list[int]:
        """Bound UDP ports, in the order of the configuration."""
        return [listener.port for listener in self._listeners]

    def status(self) -> CollectStatus:
        """Counters of every stage now. Cheap enough for once a second."""
        streams = self._pipeline.streams
        senders = self._admission.status()
        return CollectStatus(
            started_ns=self._started_ns,
            listeners=[dataclasses.replace(listener.status()) for listener in self._listeners],
            senders=senders,
            queue=QueueStatus(self._admission.fill, len(self._queue), self._queue.oldest_s),
            decode=dataclasses.replace(self._pipeline.status),
            writer=self._writer.status(),
            spool=self._spool.status(),
            streams=streams,
            ledger=ledgers([stream.status for stream in streams], senders, self._ledger.by_exporter()),
            dropped=self._admission.totals()[2],
            lost_rows=self._ledger.totals(),
        )

    def latencies(self, since_ns: int = 0) -> list[float]:
        """Milliseconds from the first datagram of a batch to its being queryable, of batches stored since then."""
        return self._writer.latencies(since_ns)

    def _put(self, item: Item) -> None:
        assert item.done is not None
        if not self._running or not self._queue.put(item):
            raise Unavailable("the collector is not running", where="collect")
        item.done.wait()

    def _load_state(self) -> None:
        """Templates and sampling rates of the last run. Without them the exporters' next announcement is awaited."""
        if self._state is None:
            return
        try:
            saved = [TemplateState.from_json(dict(one)) for one in self._state.load_decoder_state()]
            self._decoder.import_state(saved)
            log.info("decoder_state_loaded", entries=len(saved))
        except Exception:  # an unreadable state must not keep Weft from starting
            log.exception("decoder_state_unreadable")

    def _save_state(self) -> None:
        if self._state is None:
            return
        with self._pipeline.decoder_lock:
            state = self._decoder.export_state()
        self._state.save_decoder_state([one.to_json() for one in state])


def _admission(config: CollectConfig) -> Admission:
    return Admission(
        queue_bytes=config.queue_bytes,
        max_senders=config.max_senders,
        allowed=config.allowed_exporters,
        quota=config.exporter_quota,
        broken_share=config.broken_exporter_errors,
    )


def _sampling(config: CollectConfig) -> SamplingOverrides:
    return SamplingOverrides(
        tuple(SamplingRule(str(rule.exporters), rule.default, rule.override) for rule in config.sampling)
    )


_NOTHING = DatagramBatch(
    np.empty(0, np.uint8),
    np.empty(0, np.int64),
    np.empty(0, np.int32),
    np.empty((0, 16), np.uint8),
    np.empty(0, np.uint16),
    np.empty(0, np.int64),
)
