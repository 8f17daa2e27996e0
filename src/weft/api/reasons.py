"""What can be wrong with an exporter or with the pipeline, how we know, and what to do about it.

Pure functions of counters: every sentence carries the figures it rests on. The checks come in the order in which a
person would rule things out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from weft.api.models.base import Reason, Status
from weft.api.models.sources import Count, ExporterView, PipelineView

SILENT_S = 120.0  # an exporter that sends nothing for two export intervals of common active timeouts
SILENT_CRITICAL_S = 900.0
LOSS_WARNING, LOSS_CRITICAL = 0.001, 0.05  # share of what was sent
LOSS_FEW, LOSS_MANY = 20, 200  # units: fewer lost say little about a share, and never that it is critical
CLOCK_WARNING_S = 60.0
QUEUE_WARNING = 0.5
SPOOL_WARNING = 0.8  # share of its capacity
ERRORS_WARNING = 0.001  # share of datagrams
LAG_WARNING_MS = 10_000.0


@dataclass(frozen=True, slots=True)
class Recent:
    """What went wrong lately, as opposed to since the start: an old loss is shown, but is no reason for alarm."""

    lost_share: float = 0.0
    lost: float = 0.0
    lost_unit: str = "datagrams"
    errors: float = 0.0
    datagrams: float = 0.0
    unsampled: float = 0.0
    records: float = 0.0
    dropped: float = 0.0
    clock_skew_s: float | None = None


def number(value: float) -> str:
    """A count as people read it."""
    return f"{value:,.0f}".replace(",", " ")


def share(value: float) -> str:
    """A share as a percentage with as many digits as it needs."""
    percent = value * 100
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.1f} %" if percent >= 0.1 else f"{percent:.2g} %"


def duration(seconds: float) -> str:
    """A time span as people say it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86400:.0f} days"


def exporter_reasons(view: ExporterView, recent: Recent, now: float) -> Iterator[Reason]:
    """What is wrong with one exporter."""
    who, silent = view.name, now - view.last_seen
    if silent > SILENT_S:
        yield Reason(
            status=Status.CRITICAL if silent > SILENT_CRITICAL_S else Status.WARNING, code="silent_exporter",
            title=f"{who} has sent nothing for {duration(silent)}",
            detail="Its traffic is missing from every total since then.",
            fix="Check that the device is up, that it still exports to this address and port, and the path between.",
            exporter=view.address, since=view.last_seen,
        )  # fmt: skip
        return
    yield from _losses(view, recent)
    yield from _decoding(view, recent)
    if recent.unsampled and recent.records:
        part = min(1.0, recent.unsampled / recent.records)
        yield Reason(
            status=Status.WARNING, code="unsampled",
            title=f"{who}: the sampling rate of {share(part)} of its records is unknown",
            detail="They are stored and marked, and counted as if unsampled: totals are too low if the device samples.",
            fix="Let it export its sampler options, or set its rate in weft.yaml.", exporter=view.address,
        )  # fmt: skip
    if recent.clock_skew_s is not None and abs(recent.clock_skew_s) > CLOCK_WARNING_S:
        ahead = "ahead" if recent.clock_skew_s > 0 else "behind"
        yield Reason(
            status=Status.WARNING, code="clock_skew",
            title=f"{who}: its clock is {duration(abs(recent.clock_skew_s))} {ahead}",
            detail="Totals use the time of arrival and stay right; the start and end of its flows are off.",
            fix="Configure NTP on the device.", exporter=view.address,
        )  # fmt: skip


def _losses(view: ExporterView, recent: Recent) -> Iterator[Reason]:
    if recent.dropped:
        yield Reason(
            status=Status.WARNING, code="dropped_here",
            title=f"{view.name}: {number(recent.dropped)} of its datagrams were dropped here in the last minutes",
            detail=f"By reason: {_listed(view.dropped)}.",
            fix="Raise collect.queue_bytes or collect.exporter_quota, check collect.allowed_exporters, or sample more.",
            exporter=view.address,
        )  # fmt: skip
    if recent.lost_share > LOSS_WARNING and recent.lost >= LOSS_FEW:
        critical = recent.lost_share > LOSS_CRITICAL and recent.lost >= LOSS_MANY
        yield Reason(
            status=Status.CRITICAL if critical else Status.WARNING, code="loss",
            title=f"{view.name}: {share(recent.lost_share)} of what it sent never arrived "
            f"({number(recent.lost)} {recent.lost_unit} in the last minutes)",
            detail="Known from gaps in its sequence numbers; its traffic is shown too low by about that share.",
            fix="Look for drops on the path, in the device's export queue, and at the listeners (kernel drops).",
            exporter=view.address,
        )  # fmt: skip


def _decoding(view: ExporterView, recent: Recent) -> Iterator[Reason]:
    if view.held and not recent.records:
        yield Reason(
            status=Status.WARNING, code="waiting_for_template",
            title=f"{view.name}: {number(view.held)} sets wait for their template",
            detail="The data is kept for a while and decoded as soon as the template comes.",
            fix="Lower the template refresh interval on the device (1 minute is usual).", exporter=view.address,
        )  # fmt: skip
    if recent.datagrams and recent.errors / recent.datagrams > ERRORS_WARNING:
        yield Reason(
            status=Status.WARNING, code="decode_errors",
            title=f"{view.name}: {number(recent.errors)} decode errors in the last minutes",
            detail=f"By reason, since the start: {_listed(view.errors)}. What could be decoded was.",
            fix="Capture a few of its datagrams, run `weft decode FILE`, and report what it says.",
            exporter=view.address,
        )  # fmt: skip


def _listed(counts: list[Count]) -> str:
    return ", ".join(f"{count.reason} {number(count.count)}" for count in counts[:5]) or "none"


def pipeline_reasons(view: PipelineView, kernel_drops: float, lost_rows: float, now: float) -> Iterator[Reason]:
    """What is wrong between the sockets and the store; the counts are those of the last minutes."""
    if not view.running:
        return
    if kernel_drops:
        yield Reason(
            status=Status.CRITICAL, code="kernel_drops",
            title=f"The kernel dropped {number(kernel_drops)} datagrams in the last minutes",
            detail="The receive buffer was full: telemetry of every exporter on that port may be missing.",
            fix="Raise net.core.rmem_max (weft doctor says to what), or give Weft more CPU.",
        )  # fmt: skip
    if view.queue_fill > QUEUE_WARNING:
        yield Reason(
            status=Status.WARNING, code="queue", title=f"The decoder's queue is {share(view.queue_fill)} full",
            detail=f"Its oldest datagram has waited {duration(view.queue_oldest_s)}; a full queue drops datagrams.",
            fix="Give Weft more CPU, let exporters sample more, or spread them over several collectors.",
        )  # fmt: skip
    yield from _storing(view, lost_rows, now)


def _storing(view: PipelineView, lost_rows: float, now: float) -> Iterator[Reason]:
    if not view.store_ok:
        away = duration(now - view.store_away_since) if view.store_away_since else "a moment"
        yield Reason(
            status=Status.CRITICAL, code="store_away", title=f"The store has not answered for {away}",
            detail=f"Nothing is lost while the spool has room: {number(view.spool_rows)} rows wait on disk. "
            f"{view.store_error}", fix="Check the store server, its disk and the network to it.",
            since=view.store_away_since,
        )  # fmt: skip
    elif view.spool_rows:
        yield Reason(
            status=Status.WARNING, code="spool",
            title=f"{number(view.spool_rows)} rows wait on disk, the oldest for {duration(view.spool_oldest_s)}",
            detail="They are being written to the store in order; until then recent totals are too low.",
            fix="Wait; if it grows, the store is too slow for this much telemetry.",
        )  # fmt: skip
    if view.spool_capacity and view.spool_bytes > SPOOL_WARNING * view.spool_capacity:
        yield Reason(
            status=Status.CRITICAL, code="spool_full",
            title=f"The spool is {share(view.spool_bytes / view.spool_capacity)} full",
            detail="When it is full the oldest rows are given up.",
            fix="Bring the store back, or raise collect.spool_bytes.",
        )  # fmt: skip
    if lost_rows:
        yield Reason(
            status=Status.CRITICAL, code="rows_lost",
            title=f"{number(lost_rows)} decoded rows were lost in the last minutes",
            detail=f"By reason, since the start: {_listed(view.lost_rows)}.",
            fix="See Weft's log for the store's message.",
        )  # fmt: skip
    if view.store_ok and (view.latency_p99_ms or 0) > LAG_WARNING_MS:
        yield Reason(
            status=Status.WARNING, code="lag",
            title=f"Telemetry takes {duration((view.latency_p99_ms or 0) / 1000)} to become queryable",
            detail="The latest minutes on every chart are incomplete.", fix="Give Weft more CPU or a faster disk.",
        )  # fmt: skip
