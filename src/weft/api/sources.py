"""Exporters and pipeline as views: the collector's counters, grouped per exporter, with names, rates and verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from weft.api.history import LATELY_S, History
from weft.api.models.base import Reason, worst
from weft.api.models.sources import (
    Count,
    ExportersView,
    ExporterView,
    InterfaceView,
    ListenerView,
    PipelineView,
    StreamView,
    UnknownField,
)
from weft.api.reasons import Recent, exporter_reasons
from weft.collect.status import CollectStatus, ExporterLedger, StreamRate
from weft.model.exporters import StreamStatus
from weft.model.flows import FLOW_TYPES, SAMPLING_SOURCES

MOST_UNKNOWN_FIELDS = 50


@dataclass(frozen=True, slots=True)
class ExporterNames:
    """What dictionaries know of an exporter."""

    name: str = ""
    site: str = ""
    role: str = ""
    demo: bool = False
    interfaces: tuple[InterfaceView, ...] = ()


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of exporters beyond their counters: names, and how far their clocks are off (seconds)."""

    names: Mapping[str, ExporterNames] = field(default_factory=dict)
    clock_skew_s: Mapping[str, float] = field(default_factory=dict)


def counts(by_reason: Mapping[str, int]) -> list[Count]:
    """Counts by reason, most frequent first, none that is zero."""
    ordered = sorted(by_reason.items(), key=lambda item: -item[1])
    return [Count(reason=reason, count=count) for reason, count in ordered if count]


def sent_units(stream: StreamStatus) -> int:
    """What ``lost`` is a part of: the units received, in the stream's own unit."""
    return stream.datagrams if stream.lost_unit == "datagrams" else stream.records


def loss_share(lost: float, received: float) -> float:
    """Lost units as a share of those sent."""
    return lost / (lost + received) if lost > 0 else 0.0


def exporters_view(
    status: CollectStatus | None, capacity: int, history: History, known: Knowledge, now: float
) -> ExportersView:
    """Everything about the exporters at ``now`` (UTC seconds)."""
    streams: dict[str, list[StreamRate]] = defaultdict(list)
    for rate in status.streams if status else []:
        streams[rate.status.exporter].append(rate)
    ledgers = {ledger.exporter: ledger for ledger in status.ledger} if status else {}
    views = [
        _exporter(address, of, ledgers.get(address) or ExporterLedger(address), history, known, now)
        for address, of in streams.items()
    ]
    views.sort(key=lambda view: (-view.status.rank, view.name))
    return ExportersView(exporters=views, pipeline=pipeline_view(status, capacity), updated=now)


def _exporter(
    address: str, streams: list[StreamRate], ledger: ExporterLedger, history: History, known: Knowledge, now: float
) -> ExporterView:
    names = known.names.get(address, ExporterNames())
    statuses = [rate.status for rate in streams]
    view = ExporterView(
        address=address, name=names.name or address, site=names.site, role=names.role, demo=names.demo,
        status=worst([]), reasons=[],
        protocols=sorted({FLOW_TYPES.get(s.flow_type, "unknown") for s in statuses}),
        sampling_rates=sorted({s.sampling_rate for s in statuses}),
        datagrams_per_s=sum(rate.datagrams_per_s for rate in streams),
        records_per_s=sum(rate.records_per_s for rate in streams),
        telemetry_bps=sum(rate.bits_per_s for rate in streams),
        history=history.rates(f"records:{address}", "records/s"),
        records=sum(s.records for s in statuses),
        lost=counts(ledger.lost),
        loss_share=max((loss_share(s.lost, sent_units(s)) for s in statuses), default=0.0),
        dropped=counts(ledger.dropped), errors=counts(ledger.errors), lost_rows=counts(ledger.rows),
        held=ledger.held, expired=ledger.expired,
        templates=sum(s.templates for s in statuses),
        first_seen=min(s.first_seen_ns for s in statuses) / 1e9,
        last_seen=max(s.last_seen_ns for s in statuses) / 1e9,
        streams=[_stream(rate) for rate in streams],
        interfaces=list(names.interfaces),
    )  # fmt: skip
    reasons = sorted(
        exporter_reasons(view, recent(view, statuses, history, known), now), key=lambda reason: -reason.status.rank
    )
    return view.model_copy(update={"status": worst(reasons), "reasons": reasons})


def recent(view: ExporterView, streams: list[StreamStatus], history: History, known: Knowledge) -> Recent:
    """What the history knows of the last minutes of an exporter."""

    def grown(what: str) -> float:
        return history.grown(f"{what}:{view.address}", LATELY_S)

    units = {s.lost_unit for s in streams}
    lost, received = grown("lost"), grown("sent")
    return Recent(
        lost_share=loss_share(lost, received), lost=lost, lost_unit="/".join(sorted(units)),
        errors=grown("errors"), datagrams=grown("datagrams"), unsampled=grown("unsampled"), records=grown("records"),
        dropped=grown("dropped"), clock_skew_s=known.clock_skew_s.get(view.address),
    )  # fmt: skip


def counters(status: CollectStatus) -> dict[str, float]:
    """The counters that the history remembers: per exporter and in all."""
    total: dict[str, float] = defaultdict(float)
    for rate in status.streams:
        stream, address = rate.status, rate.status.exporter
        for name, value in (
            ("records", stream.records), ("datagrams", stream.datagrams), ("lost", stream.lost),
            ("sent", sent_units(stream)), ("errors", sum(stream.errors.values())),
            ("unsampled", stream.unsampled_records),
        ):  # fmt: skip
            total[f"{name}:{address}"] += value
            total[name] += value
    for ledger in status.ledger:
        total[f"dropped:{ledger.exporter}"] = sum(ledger.dropped.values())
    total["kernel_drops"] = status.kernel_drops
    total["dropped"] = sum(status.dropped.values())
    total["lost_rows"] = sum(status.lost_rows.values())
    return total


def _stream(rate: StreamRate) -> StreamView:
    stream = rate.status
    fields = sorted(stream.unknown_fields.items(), key=lambda item: -item[1])[:MOST_UNKNOWN_FIELDS]
    return StreamView(
        source=stream.source, protocol=FLOW_TYPES.get(stream.flow_type, "unknown"),
        observation_domain=stream.observation_domain, datagrams=stream.datagrams, octets=stream.octets,
        records=stream.records, templates=stream.templates, template_changes=stream.template_changes,
        sampling_rate=stream.sampling_rate, sampling_source=SAMPLING_SOURCES.get(stream.sampling_source, "unknown"),
        unsampled_records=stream.unsampled_records, lost=stream.lost, lost_unit=stream.lost_unit,
        loss_share=loss_share(stream.lost, sent_units(stream)), agent_drops=stream.agent_drops,
        reordered=stream.reordered, restarts=stream.restarts, held=stream.held, replayed=stream.replayed,
        expired=stream.expired, datagrams_per_s=rate.datagrams_per_s, records_per_s=rate.records_per_s,
        errors=counts(stream.errors), unknown_fields=[UnknownField(field=name, records=n) for name, n in fields],
        first_seen=stream.first_seen_ns / 1e9, last_seen=stream.last_seen_ns / 1e9,
    )  # fmt: skip


def pipeline_view(status: CollectStatus | None, capacity: int) -> PipelineView:
    """Where telemetry is on its way; all zero in a process that does not collect."""
    running = status is not None
    status = status or CollectStatus()
    writer, spool = status.writer, status.spool
    return PipelineView(
        running=running,
        listeners=[
            ListenerView(
                address=one.address, port=one.port, datagrams=one.datagrams, octets=one.octets,
                kernel_drops=one.kernel_drops, receive_buffer=one.receive_buffer,
            )
            for one in status.listeners
        ],
        received=sum(one.datagrams for one in status.listeners),
        datagrams_per_s=sum(rate.datagrams_per_s for rate in status.streams),
        records_per_s=sum(rate.records_per_s for rate in status.streams),
        kernel_drops=status.kernel_drops, dropped=counts(status.dropped),
        queue_fill=status.queue.fill, queue_oldest_s=status.queue.oldest_s,
        decoded=status.decode.flows, waiting_rows=status.decode.waiting_rows,
        stored=sum(writer.rows.values()), lost_rows=counts(status.lost_rows),
        store_ok=writer.available, store_error="" if writer.available else writer.last_error,
        store_away_since=writer.away_since_ns / 1e9 if writer.away_since_ns else None,
        latency_p50_ms=writer.latency_ms.get("p50"), latency_p99_ms=writer.latency_ms.get("p99"),
        spool_rows=spool.rows, spool_bytes=spool.size, spool_capacity=capacity, spool_oldest_s=spool.oldest_s,
        rejected_files=spool.rejected_files,
    )  # fmt: skip


def all_reasons(exporters: Iterable[ExporterView]) -> list[Reason]:
    """The reasons of all exporters."""
    return [reason for view in exporters for reason in view.reasons]
