"""A reconciliation as the API answers it: a page of rows."""

from __future__ import annotations

from collections.abc import Sequence

from weft.api.models.quality import ReconciliationReason, ReconciliationRow, ReconciliationView
from weft.query.reconcile import Reconciliation, Side
from weft.query.reconcile.report import source_name


def reconciliation_view(found: Reconciliation, verdicts: Sequence[str], limit: int, offset: int) -> ReconciliationView:
    """``limit`` rows from ``offset`` on, only those with one of ``verdicts`` (none: all)."""
    sides = [side for side in found.sides if not verdicts or side.verdict in verdicts]
    return ReconciliationView(
        window=found.window, rows=[_row(side) for side in sides[offset : offset + limit]], total=len(sides),
        verdicts=found.verdicts, reasons=found.reasons, sql=found.sql, rows_read=found.rows_read,
        elapsed_ms=found.elapsed_ms,
    )  # fmt: skip


def _row(side: Side) -> ReconciliationRow:
    return ReconciliationRow(
        exporter=side.exporter, device=side.device.name or side.exporter, site=side.device.site, demo=side.device.demo,
        if_index=side.if_index, interface=side.port.name or str(side.if_index), direction=side.direction,
        speed_bps=side.port.speed_bps, verdict=str(side.verdict), flow_bps=side.flow_bps,
        flow_bps_framed=side.flow_bps_framed, counter_bps=side.counter_bps, counter_source=source_name(side.counters),
        ratio=side.ratio, adjusted=side.adjusted, tolerance=side.tolerance, flow_coverage=side.device.heard,
        counter_coverage=side.counter_coverage, loss_share=side.device.lost, sampling_rates=list(side.flows.rates),
        packets_seen=side.flows.seen,
        reasons=[
            ReconciliationReason(
                code=r.code, title=r.title, fix=r.fix, confidence=r.confidence, expected=r.expected
            )
            for r in side.reasons
        ],
        queries=side.queries,
    )  # fmt: skip
