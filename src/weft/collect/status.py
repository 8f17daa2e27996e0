"""What the collector tells about itself: every stage's counters and the loss ledger of each exporter."""

from __future__ import annotations

from dataclasses import dataclass, field

from weft.collect.admission import SenderStatus
from weft.collect.listener import ListenerStatus
from weft.collect.spool import SpoolStatus
from weft.collect.writer import WriterStatus
from weft.model.exporters import StreamStatus


@dataclass(slots=True)
class QueueStatus:
    """Datagrams waiting for the decoder."""

    fill: float = 0.0  # share of collect.queue_bytes in use, 0 to 1
    batches: int = 0
    oldest_s: float = 0.0  # how long the first one has been waiting, seconds


@dataclass(slots=True)
class DecodeStatus:
    """The decode thread. Counts since start."""

    datagrams: int = 0
    flows: int = 0
    metrics: int = 0
    held_back: int = 0  # records decoded after their template came
    failures: int = 0  # batches that a defect of ours kept from being decoded or enriched
    busy_s: float = 0.0
    waiting_rows: int = 0  # decoded, not yet on their way to the store


@dataclass(slots=True)
class StreamRate:
    """A stream and its rates over the last minute."""

    status: StreamStatus
    datagrams_per_s: float = 0.0
    records_per_s: float = 0.0
    bits_per_s: float = 0.0  # of telemetry, UDP payload


@dataclass(slots=True)
class ExporterLedger:
    """Where one exporter's telemetry got lost, stage by stage.

    ``lost`` is what its sequence numbers miss, per unit: everything that went missing *before* the decoder, so it
    includes the exporter's own losses, the network's, the kernel's (``kernel_drops`` of the listeners, not told apart
    by exporter) and ``dropped`` here. The other counts are losses behind that point.
    """

    exporter: str
    sources: list[str] = field(default_factory=list)  # UDP source addresses
    lost: dict[str, int] = field(default_factory=dict)  # by unit: flows, datagrams, records
    agent_drops: int = 0  # samples that the sFlow agent says it dropped
    dropped: dict[str, int] = field(default_factory=dict)  # datagrams, by reason, before the queue
    errors: dict[str, int] = field(default_factory=dict)  # decode errors by reason
    held: int = 0  # sets that wait for their template
    expired: int = 0  # sets whose template never came
    rows: dict[str, int] = field(default_factory=dict)  # decoded rows lost or set aside, by reason


@dataclass(slots=True)
class CollectStatus:
    """One look at the collector."""

    started_ns: int = 0
    listeners: list[ListenerStatus] = field(default_factory=list)
    senders: list[SenderStatus] = field(default_factory=list)
    queue: QueueStatus = field(default_factory=QueueStatus)
    decode: DecodeStatus = field(default_factory=DecodeStatus)
    writer: WriterStatus = field(default_factory=WriterStatus)
    spool: SpoolStatus = field(default_factory=SpoolStatus)
    streams: list[StreamRate] = field(default_factory=list)
    ledger: list[ExporterLedger] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)  # datagrams before the queue, by reason, all senders
    lost_rows: dict[str, int] = field(default_factory=dict)  # decoded rows lost or set aside, by reason, all exporters

    @property
    def kernel_drops(self) -> int:
        """Datagrams the kernel dropped on all listeners."""
        return sum(listener.kernel_drops or 0 for listener in self.listeners)


def ledgers(
    streams: list[StreamStatus], senders: list[SenderStatus], rows: dict[str, dict[str, int]]
) -> list[ExporterLedger]:
    """One ledger per exporter out of what the decoder, the admission and the writer counted."""
    books: dict[str, ExporterLedger] = {}
    by_source: dict[str, ExporterLedger] = {}
    for stream in streams:
        book = books.setdefault(stream.exporter, ExporterLedger(stream.exporter))
        if stream.source not in book.sources:
            book.sources.append(stream.source)
        by_source.setdefault(stream.source, book)
        book.lost[stream.lost_unit] = book.lost.get(stream.lost_unit, 0) + stream.lost
        book.agent_drops += stream.agent_drops
        book.held += stream.held
        book.expired += stream.expired
        _add(book.errors, stream.errors)
    for sender in senders:
        if sender.dropped:
            # A sender that several exporters share is charged to the first of them.
            owner = by_source.get(sender.address) or books.setdefault(sender.address, ExporterLedger(sender.address))
            _add(owner.dropped, sender.dropped)
    for exporter, reasons in rows.items():
        _add(books.setdefault(exporter, ExporterLedger(exporter)).rows, reasons)
    return list(books.values())


def _add(to: dict[str, int], counts: dict[str, int]) -> None:
    for reason, count in counts.items():
        to[reason] = to.get(reason, 0) + count
