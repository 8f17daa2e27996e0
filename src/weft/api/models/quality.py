"""Quality of the data: whether what devices export and what they count agree."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from weft.api.models.base import Answer
from weft.model.views import Window


class ReconciliationReason(Answer):
    """One explanation of why flows and counters differ."""

    code: str
    """``sampling_unknown``, ``missing_direction``, ``lost_datagrams`` … (docs/data-quality.md)."""
    title: str
    fix: str
    """What to do about it; empty where nothing is wrong."""
    confidence: float
    """0–1, from how well the ratio that it predicts fits the one measured."""
    expected: float | None = None
    """The ratio that it predicts (flows with headers ÷ counters)."""


class ReconciliationRow(Answer):
    """One direction of one interface. Rates are averages over the window, bit/s."""

    exporter: str
    device: str
    """Name, or the address where it has none."""
    site: str = ""
    demo: bool = False
    if_index: int
    interface: str
    """Name, or the ifIndex where it has none."""
    direction: str
    """``in`` or ``out`` of the interface."""
    speed_bps: int = 0
    verdict: str
    """``off``, ``no_flows``, ``no_counters``, ``agrees``, ``idle``."""
    flow_bps: float
    """Of flows, corrected for sampling."""
    flow_bps_framed: float
    """The same with the Ethernet headers that counters count."""
    counter_bps: float | None
    counter_source: str = ""
    ratio: float | None
    """Flows ÷ counters."""
    adjusted: float | None
    """Flows with headers ÷ counters: 1 where they agree."""
    tolerance: float
    """How far from 1 is within sampling error, time-outs and headers (relative)."""
    flow_coverage: float
    """Share of the minutes in which the device sent flows."""
    counter_coverage: float
    """Share of the window that counters cover."""
    loss_share: float
    """Export datagrams lost on their way."""
    sampling_rates: list[int] = Field(default_factory=list)
    """Rates of its flows, 0 = unknown."""
    packets_seen: float
    """Packets as exported: what the sampling error rests on."""
    reasons: list[ReconciliationReason] = Field(default_factory=list)
    """Most likely first; empty where all is well."""
    queries: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """``flows`` and ``counters``: questions to post to see both series."""


class ReconciliationView(Answer):
    """Flows against interface counters, worst first."""

    window: Window
    rows: list[ReconciliationRow]
    total: int
    """Rows that match, of which ``rows`` are one page."""
    verdicts: dict[str, int]
    """How many interface directions came to which verdict, all pages."""
    reasons: dict[str, int]
    """How many have which most likely reason, all pages."""
    sql: str
    rows_read: int
    elapsed_ms: float
