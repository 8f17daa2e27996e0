"""Home: is everything all right?"""

from __future__ import annotations

from weft.api.models.base import Answer, Reason, Sparkline, Status
from weft.api.models.sources import KindView, PipelineView


class Totals(Answer):
    """The figures at the top of Home."""

    exporters: int
    exporters_silent: int
    exporters_impaired: int
    """Exporters with a warning or worse."""
    records_per_s: float
    datagrams_per_s: float
    bits_per_s: float | None
    """Traffic seen over the last minutes, corrected for sampling; None while unknown."""
    packets_per_s: float | None
    flows_stored: int
    """Since the start of this process."""
    lost_share: float
    """Share of what the exporters sent that never arrived or was dropped here."""


class OverviewView(Answer):
    """One verdict, the reasons for it, and the figures behind it."""

    status: Status
    headline: str
    """The verdict in one sentence."""
    reasons: list[Reason]
    """Worst first; empty when all is well."""
    checks: list[str]
    """What was looked at to say so, each as a short phrase with its figure."""
    totals: Totals
    pipeline: PipelineView
    sources: list[KindView]
    """Sources other than flow exporters, by kind."""
    traffic: Sparkline
    """Bits per second over the last 24 hours, corrected for sampling."""
    records: Sparkline
    """Records per second, lately."""
    demo: bool
    version: str
    started: float
    updated: float
