"""Settings of the demo (section ``demo`` of ``weft.yaml``)."""

from __future__ import annotations

from pydantic import Field

from weft.component import Config


class DemoConfig(Config):
    """How much demo traffic there is."""

    records_per_s: float = 5.0
    """Mean flow records per second that a large exporter sends; smaller ones send a share of it."""
    backfill_hours: float = 31.0
    """How far back the demo's history reaches at the first start: far enough to compare with yesterday."""
    seed: int = 7
    """Another seed gives another, equally plausible organisation."""
    pace: float = Field(default=1.0, ge=0, le=10)
    """How often things go wrong by themselves, times the usual (once or twice in half an hour); 0 = only what is
    triggered. The Scenario panel changes it while the demo runs."""
