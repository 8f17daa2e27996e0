"""Evidence and verdicts as one answer, with the questions that lead to what it rests on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from weft.model.metrics import METRIC_SOURCES
from weft.model.views import Window
from weft.query.answer.runner import Runner
from weft.query.reconcile.evidence import Evidence, gather, span_of
from weft.query.reconcile.judge import judge, measure
from weft.query.reconcile.types import Counters, Device, Direction, Flows, Port, Side, Verdict

_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}


@dataclass(frozen=True)
class Reconciliation:
    """All sides, the worst first, and how many of which kind; ``sql`` is what was asked."""

    window: Window
    sides: list[Side]
    verdicts: dict[str, int]
    reasons: dict[str, int]
    sql: str
    rows_read: int
    elapsed_ms: float
    notes: list[str] = field(default_factory=list)


def reconcile(
    runner: Runner, since: int, until: int, *, device: str = "", losses: Mapping[str, float] | None = None
) -> Reconciliation:
    """Compare flows with counters from ``since`` to ``until`` (UTC seconds), in whole minutes.

    ``device`` narrows to one, by name or address; ``losses`` is the share of export datagrams lost by exporter address.
    """
    span = span_of(since, until)
    evidence = gather(runner, span, device, losses or {})
    sides = [side for of_device in _devices(evidence).values() for side in of_device.values()]
    sides.sort(key=_severity)
    return Reconciliation(
        Window(since=span.since, until=span.until),
        sides,
        dict(Counter(str(side.verdict) for side in sides)),
        dict(Counter(side.reasons[0].code for side in sides if side.reasons)),
        ";\n\n".join(runner.statements),
        runner.rows_read,
        runner.elapsed_ms,
    )


def _devices(evidence: Evidence) -> dict[str, dict[tuple[int, Direction], Side]]:
    """Judged sides by device: what is wrong with one often shows in the others."""
    devices: dict[str, dict[tuple[int, Direction], Side]] = {}
    for exporter, index, direction in sorted({*evidence.flows, *evidence.counters}):
        key = (exporter, index, direction)
        side = Side(
            exporter, index, direction, evidence.ports.get((exporter, index), Port()),
            evidence.devices.get(exporter, Device()), evidence.flows.get(key, Flows()), evidence.counters.get(key),
        )  # fmt: skip
        measure(side, evidence.span.seconds)
        side.queries = _queries(evidence, side)
        devices.setdefault(exporter, {})[index, direction] = side
    for sides in devices.values():
        judge(sides)
    return devices


def _severity(side: Side) -> tuple[Any, ...]:
    """Worst verdict first; within it what is off by most traffic."""
    size = max(side.counter_bps or 0.0, side.flow_bps)
    off = abs(math.log(side.adjusted)) if side.adjusted else 1.0
    return (_RANK[side.verdict], -size * off, side.exporter, side.if_index, side.direction)


def _queries(evidence: Evidence, side: Side) -> dict[str, dict[str, Any]]:
    """Questions to post to see both series for oneself."""
    window = {"since": str(evidence.span.since), "until": str(evidence.span.until), "view": "series"}
    host = f"[{side.exporter}]" if ":" in side.exporter else side.exporter
    interface = f"{host}:{side.if_index}"
    flows = {"dataset": "flows", "measures": ["bps"], "filter": f"{side.direction}_if = {interface}"}
    counted = f"metric = {side.direction}_octets AND interface = {interface}"
    return {
        "flows": flows | {"by": ["direction", "sampling_rate"]} | window,
        "counters": {"dataset": "metrics", "measures": ["rate"], "by": ["source"], "filter": counted} | window,
    }


def source_name(counters: Counters | None) -> str:
    """Where the counters come from."""
    return METRIC_SOURCES.get(counters.source, "") if counters is not None else ""
