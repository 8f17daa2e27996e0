"""The ``business`` dataset: series by name and labels, each value once, as it was told last.

As with metrics each series is summed up by itself first. A series says nothing of what it is: values may be rates
(orders per minute: ``sum`` adds them up) or counts of an interval (tickets per hour: ``total`` does).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weft.model.business import BUSINESS
from weft.model.dictionaries import Attribute
from weft.query.catalogue import Dataset, Example, Family, Shape
from weft.query.compile.sql import select
from weft.query.dimensions import dimensions_of, label_dimension
from weft.query.metric.measures import MetricMeasure, measured

_PARTIALS = {
    "samples": "count()",
    "mean": "avg(value)",
    "low": "min(value)",
    "high": "max(value)",
    "last": "argMax(value, time)",
    "newest": "max(time)",
    "total": "sum(value)",
    "values": "groupArray(value)",
}
_NTH = "toUInt32(ceil(0.95 * length(values)))"

BUSINESS_MEASURES: tuple[MetricMeasure, ...] = (
    measured("sum", "Sum", "", "Sum of the series' averages: how high they are together (orders per minute).",
             ("mean",), "sum(s.mean)", "value", stacks=True),
    measured("total", "Total", "", "Sum of all values: of what counts by interval (tickets, GPU-hours).",
             ("total",), "sum(s.total)", "value", stacks=True),
    measured("avg", "Average", "", "Average of the series' averages.", ("mean",), "avg(s.mean)", "value"),
    measured("min", "Lowest", "", "Lowest value.", ("low",), "min(s.low)", "value"),
    measured("max", "Highest", "", "Highest value.", ("high",), "max(s.high)", "value"),
    measured("last", "Last", "", "Newest value; the largest where several are newest.",
             ("last", "newest"), "argMax(s.last, (s.newest, s.last))", "value"),
    measured("p95", "95th percentile", "", "95th percentile (nearest rank) of all values.",
             ("values",), f"arraySort(groupArrayArray(s.values) AS values)[{_NTH}]", "value"),
    measured("values", "Values", "values", "Values received.", ("samples",), "sum(s.samples)", stacks=True),
    measured("series_count", "Series", "series", "Distinct series.", (), "count()", stacks=True),
)  # fmt: skip


def units_sql(table: str, where: str) -> str:
    """Two of the units of the rows: results have one only where all have the same."""
    return select(["DISTINCT unit"], table, where=where, limit=2)


def told_last(table: str, where: str) -> str:
    """The value of each series and moment as it came last: what is told anew replaces what was told before."""
    kept = ("unit", "source", "origin", "value")
    newest = f"argMax(({', '.join(f'r.{name}' for name in kept)}), r.time_received) AS told"
    rows = select(["r.series AS series", "r.labels AS labels", "r.time AS time", newest],
                  f"{table} AS r", where=where, group_by=["series", "labels", "time"])  # fmt: skip
    columns = ["d.series AS series", "d.labels AS labels", "d.time AS time"]
    columns += [f"d.told.{i} AS {name}" for i, name in enumerate(kept, 1)]
    return select(columns, f"(\n{rows}\n) AS d")


def build_business(extra: Mapping[str, Sequence[Attribute]]) -> Dataset:
    """The ``business`` table; ``extra`` holds the user's own attributes by dictionary name."""
    return Dataset(
        BUSINESS, dimensions_of(BUSINESS, extra), {}, {m.name: m for m in BUSINESS_MEASURES}, "Business", "sum",
        records=("series", "labels", "unit", "source", "origin"),
        ties=("time_received", "series", "labels"),
        families=(Family("label", "Value of one label: label_site, label_product.", label_dimension),),
        views=("series", "table", "records", "stat"),
        shape=Shape(("series", "labels"), _PARTIALS, rows=told_last, units=units_sql),
        examples=(
            Example("Series", {"by": ["series", "unit"], "measures": ["last", "values"], "view": "table"}),
            Example("By what it is of", {"by": ["series", "labels"], "measures": ["avg"]}),
            Example("Latest values", {"view": "records"}),
        ),
    )  # fmt: skip
