"""What any face shows: a typed ``ViewResult`` with a ``ChartSpec``. Pages, reports, chat and tools return the same."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ViewColumn(_Frozen):
    """One column of a result."""

    name: str
    title: str
    kind: str
    """A ``model.tables.Kind``, or ``measure``."""
    unit: str = ""


class Series(_Frozen):
    """One line of a time series: ``values[i]`` belongs to ``start + i × step``; None is a gap (nothing known)."""

    key: list[str]
    """Value of each dimension, as filterable text (see ``ViewResult``); ``["Other"]`` for the remainder."""
    label: str
    """What to show for ``key``: labels joined by `` · ``."""
    values: list[float | None]
    previous: list[float | None] | None = None
    """The same buckets one period earlier, when asked to compare."""
    other: bool = False


class TimeGrid(_Frozen):
    """Aligned buckets, UTC seconds."""

    start: int
    step: int
    count: int


class Window(_Frozen):
    """What time range the result covers, UTC seconds, end exclusive."""

    since: int
    until: int


class Provenance(_Frozen):
    """What the numbers rest on."""

    sql: str
    table: str
    """The table or rollup that answered."""
    resolution_s: int
    """Bucket size of that table; 0 = raw rows."""
    rows_read: int
    bytes_read: int = 0
    elapsed_ms: float
    exact: bool = True
    sampling_rates: list[int] = Field(default_factory=list)
    """Distinct sampling rates in the data (at most 16)."""
    unsampled_share: float = 0.0
    """Share of rows whose sampling rate is unknown, so counted as 1."""
    newest: int | None = None
    """UTC seconds of the newest row in the window (staleness)."""
    silent_exporters: list[str] = Field(default_factory=list)
    """Exporters seen in the day before the window's end that sent nothing in it."""
    notes: list[str] = Field(default_factory=list)


class ChartSpec(_Frozen):
    """How to draw a result."""

    kind: Literal["stacked", "lines", "bars", "sankey", "heatmap", "table", "stat", "topology", "waterfall"]
    title: str = ""
    unit: str = ""


class ViewResult(_Frozen):
    """A result that any face can show.

    ``rows`` holds one row per group (top-N, remainder last), in the order of ``columns``: dimensions, then measures,
    then, when asked to compare, ``<measure>_previous``. ``series`` is filled for time series, ``links`` for Sankey
    diagrams: ``[level, source, target, value]``, where level 0 links the first dimension to the second.

    A dimension's cell is *filterable text*: ``AS15169``, ``10.0.0.1``, ``tcp``, ``router1:et-0/0/1``, ``""`` for
    unknown. The column's ``name`` is a field of the filter grammar and the cell, quoted like a JSON string, is a value
    of it, so a click on a cell becomes ``src_as = "AS15169"``. What a person would rather read stands in
    ``labels[column][cell]`` (``AS15169 Google``); a cell without a label is shown as it is.
    """

    columns: list[ViewColumn]
    rows: list[list[Any]]
    window: Window
    unit: str
    chart: ChartSpec
    grid: TimeGrid | None = None
    series: list[Series] = Field(default_factory=list)
    links: list[tuple[int, str, str, float]] = Field(default_factory=list)
    labels: dict[str, dict[str, str]] = Field(default_factory=dict)
    """column → cell → what to show instead, only where they differ."""
    other: int | None = None
    """Index in ``rows`` of the remainder; its first dimension cell is ``Other``, the rest None; not filterable."""
    totals: dict[str, float | None] = Field(default_factory=dict)
    """Each measure over everything that matched, remainder included (the 100 % of a share)."""
    next_before: str | None = None
    """Of records: what to ask as ``before`` to go on; None = there are no more, or they cannot be paged."""
    highlight: list[str] = Field(default_factory=list)
    """Words and parts of words that the filter searched for, to be marked in what it found, whatever their case."""
    query: dict[str, Any]
    """The query that produced it, as posted: reposting it gives the same view."""
    provenance: Provenance
