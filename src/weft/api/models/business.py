"""Business series that others push."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from weft.api.models.accounts import Posted
from weft.api.models.base import Answer
from weft.collect.business import Value, value_of
from weft.collect.business.times import time_ns_of

Time = Annotated[datetime | None, Field()]


class NewValue(Posted):
    """A value of a business series: orders per minute, sign-ins, open tickets, GPU-hours."""

    series: str = Field(min_length=1, max_length=100)
    """Name of the series, e.g. ``orders_per_minute``."""
    value: float
    """The value; must be finite."""
    time: Time = None
    """What moment it is of: ISO 8601 (without an offset: UTC) or UTC seconds. None = now."""
    labels: dict[str, str] = Field(default_factory=dict, max_length=20)
    """What it is of, e.g. ``{"site": "fra", "product": "web"}``."""
    unit: str = Field(default="", max_length=40)
    """Unit, e.g. ``orders/min``."""

    def taken(self, now: datetime) -> Value:
        """As the collector takes it. Raises ``InvalidInput``."""
        at = self.time or now
        at_ns = time_ns_of(at if at.tzinfo else at.replace(tzinfo=UTC))
        return value_of(self.series, at_ns, self.value, self.labels, self.unit)


class ValuesTakenView(Answer):
    """What became of values."""

    accepted: int
    """Values that were new, or another than before for the same moment."""
    duplicates: int
    """Values that had been told before."""
