"""The one typed question that every face asks: the explorer's URL, the API, the CLI, detectors and the chat."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: Dimensions that groups can have; a record may show more.
MOST_GROUPED = 8


class Query(BaseModel):
    """What to measure, by what, where, when.

    Times: ``now``, ``now-24h``, ``now-7d/d`` style offsets, ISO 8601, or UTC seconds. Dimensions and measures are names
    of the catalogue (``GET /api/v1/catalogue``); ``filter`` is the grammar of ``docs/filter.md``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    dataset: str = "flows"
    """``flows``, ``metrics``, ``logs`` or ``changes``."""
    view: Literal["series", "table", "sankey", "records", "stat"] = "series"
    """``series``: time series per group; ``table``: one row per group; ``sankey``: links between 2–5 dimensions;
    ``records``: raw rows; ``stat``: totals only."""
    measures: list[str] = Field(default_factory=list, max_length=8)
    """The first one ranks groups and is what a series shows; none = what suits the dataset and the filter."""
    by: list[str] = Field(default_factory=list, max_length=24)
    """Dimensions to group by, at most eight; of records, what each shows."""
    filter: str = Field(default="", max_length=4000)
    since: str = "now-6h"
    until: str = "now"
    every: int | None = Field(default=None, ge=1, le=30 * 86400)
    """Bucket size in seconds; None = chosen for about ``points`` buckets."""
    points: int = Field(default=240, ge=10, le=4000)
    top: int = Field(default=10, ge=1, le=1000)
    rank: Literal["average", "max", "last"] = "average"
    """What 'top' means: highest average over the window, highest bucket, or highest last bucket."""
    other: bool = True
    """Fold the remainder into one group called Other."""
    compare_to: str | None = None
    """``previous`` (the window just before) or an offset such as ``1d`` or ``7d``."""
    limit: int = Field(default=100, ge=1, le=100_000)
    """Rows of a ``records`` view."""
    before: str | None = Field(default=None, max_length=60)
    """Go on with the records that follow: ``next_before`` of the answer before (of metrics, logs and changes)."""
    order: Literal["time", "bytes"] = "time"
    """Order of a ``records`` view: newest first, or (of flows) largest first."""

    @model_validator(mode="after")
    def _grouped_by_few(self) -> Self:
        if self.view != "records" and len(self.by) > MOST_GROUPED:
            raise ValueError(f"by: group by at most {MOST_GROUPED} dimensions")
        return self
