"""What can be measured of metrics: per series first, then across the series of a group.

A counter is worth its *rate* (growth ÷ the time that the growth took, so gaps and resets do no harm), anything else its
value. Where the filter names metrics that share a unit, results are in that unit; octets then count in bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from weft.model.metric_names import MetricName, describe
from weft.query.catalogue import Dataset, Dimension, Shape
from weft.query.filter.tree import And, Compare, Node
from weft.query.measures import Measure

#: One row as a sample: a gauge's value, a counter's rate since its value before; not a number where it is neither.
_SAMPLE = "multiIf(metric_type = 2, value, metric_type = 1 AND interval_ms > 0, increase * 1000 / interval_ms, nan)"
_RATE = "if(sum(interval_ms) > 0, sum(increase) * 1000 / sum(interval_ms), NULL)"

#: What is kept of a series in a bucket, as SQL over its rows.
PARTIALS = {
    "samples": "count()",
    "rate": _RATE,
    "growth": "sumOrNullIf(increase, interval_ms > 0)",
    "mean": f"ifNull({_RATE}, avgOrNullIf(value, metric_type = 2 AND isFinite(value)))",
    "low": f"minOrNullIf({_SAMPLE} AS sample, isFinite(sample))",
    "high": f"maxOrNullIf({_SAMPLE} AS sample, isFinite(sample))",
    "last": f"argMaxOrNullIf({_SAMPLE} AS sample, time, isFinite(sample))",
    "newest": "max(time)",
    "values": f"groupArrayIf({_SAMPLE} AS sample, isFinite(sample))",
}

#: Sources may word the component or the host of a series differently.
METRIC_SHAPE = Shape(("exporter", "metric", "if_index", "labels"), PARTIALS, ("component", "host"), ("source",))

_OCTETS = "endsWith(s.metric, '_octets')"
_PACKETS = "(endsWith(s.metric, '_pkts') OR endsWith(s.metric, '_packets'))"
_PORT = "(s.metric IN ('in_octets', 'out_octets') AND s.speed > 0 AND isNotNull(s.rate))"

#: Slot of ``p95_bps`` in seconds: the field bills the 95th percentile of 5-minute rates.
SLOT_S = 300


@dataclass(frozen=True)
class MetricMeasure(Measure):
    """``partials`` are needed of every series, ``across`` makes the measure of a group of series ``s``.

    ``of``: what the result is in, where the filter names the metric: ``rate`` of a counter, ``growth`` of a counter,
    ``value`` (rate of a counter, value of a gauge), or nothing (its own unit).
    """

    partials: tuple[str, ...] = ()
    across: str = ""
    of: str = ""
    needs: tuple[str, ...] = ()
    stacks: bool = False


def measured(
    name: str, title: str, unit: str, meaning: str, partials: tuple[str, ...], across: str, of: str = "", *,
    scale: float = 1.0, stacks: bool = False,
) -> MetricMeasure:  # fmt: skip
    """A measure of series: what is needed of each, and how groups are made ``across`` them."""
    return MetricMeasure(
        name, title, unit, meaning, "metric", scale=scale, partials=partials, across=across, of=of, stacks=stacks
    )


def _unique(column: str, title: str) -> MetricMeasure:
    return MetricMeasure(
        f"unique_{column}", title, "", f"Distinct {title.lower()}, exact.", "metric", dimension=column,
        across=f"uniqExact(s.{column})",
    )  # fmt: skip


_NTH = "toUInt32(ceil(0.95 * length(values)))"
METRIC_MEASURES: tuple[MetricMeasure, ...] = (
    measured("rate", "Rate", "/s", "Growth of counters per second, summed over series; exact whatever was missed. "
             "In the unit of the metric where the filter names it (octets: bit/s).",
             ("rate",), "sum(s.rate)", "rate", stacks=True),
    measured("avg", "Average", "", "Average of the series' averages; of counters of their rates.",
             ("mean",), "avg(s.mean)", "value"),
    measured("min", "Lowest", "", "Lowest sample; of counters the lowest rate between two samples.",
             ("low",), "min(s.low)", "value"),
    measured("max", "Highest", "", "Highest sample; of counters the highest rate between two samples.",
             ("high",), "max(s.high)", "value"),
    measured("last", "Last", "", "Newest sample; of counters the newest rate. The largest where several are newest.",
             ("last", "newest"), "argMaxIf(s.last, (s.newest, ifNull(s.last, 0)), isNotNull(s.last))", "value"),
    measured("sum", "Sum", "", "Sum of the series' averages; of counters of their rates.",
             ("mean",), "sum(s.mean)", "value", stacks=True),
    measured("p95", "95th percentile", "", "95th percentile (nearest rank) of all samples; of counters of their rates.",
             ("values",), f"if(empty(arraySort(groupArrayArray(s.values)) AS values), NULL, values[{_NTH}])", "value"),
    measured("bps", "Bits per second", "bit/s", "Rate of the octet counters, × 8.",
             ("rate",), f"sumOrNullIf(s.rate, {_OCTETS})", scale=8.0, stacks=True),
    measured("pps", "Packets per second", "packet/s", "Rate of the packet counters.",
             ("rate",), f"sumOrNullIf(s.rate, {_PACKETS})", stacks=True),
    measured("p95_bps", "95th percentile, 5-minute", "bit/s",
             "95th percentile (nearest rank) of the 5-minute rates of the octet counters, × 8, series added up; slots "
             "without a sample are left out.",
             ("rate",), f"sumOrNullIf(s.rate, {_OCTETS})", scale=8.0),
    measured("utilisation", "Utilisation", "%", "Rate of in_octets and out_octets, × 8, as a share of the nominal "
             "speed of their interfaces; those of unknown speed are left out.",
             ("rate",), f"sumOrNullIf(s.rate, {_PORT}) * 800 / sumOrNullIf(s.speed, {_PORT})"),
    measured("increase", "Increase", "", "Growth of counters in the window, summed over series.",
             ("growth",), "sum(s.growth)", "growth", stacks=True),
    measured("samples", "Samples", "samples", "Values received.", ("samples",), "sum(s.samples)", stacks=True),
    measured("series", "Series", "series", "Distinct series.", (), "count()", stacks=True),
    _unique("exporter", "Devices"),
    _unique("component", "Components"),
    _unique("metric", "Metrics"),
)  # fmt: skip


def named_metrics(node: Node | None) -> tuple[MetricName, ...]:
    """The metrics that the filter names, where it lets no others through; none where it does not say."""
    items = node.items if isinstance(node, And) else (node,) if node is not None else ()
    for item in items:
        if isinstance(item, Compare) and item.field == "metric" and item.operator in ("=", "IN"):
            return tuple(describe(str(v)) for v in item.values)
    return ()


def default_measure(node: Node | None) -> str:
    """What is worth measuring: rates of counters, averages of anything else, or how much there is of what."""
    names = named_metrics(node)
    if not names:
        return "samples"
    return "rate" if all(m.type == "counter" for m in names) else "avg"


def in_units(measures: Sequence[Measure], node: Node | None) -> tuple[Measure, ...]:
    """The measures in the unit of the metrics that the filter names, where they have one in common."""
    names = named_metrics(node)
    return tuple(_in_unit(m, names) if isinstance(m, MetricMeasure) and m.of else m for m in measures)


def _in_unit(measure: MetricMeasure, names: Sequence[MetricName]) -> MetricMeasure:
    found = {_unit_of(measure, name) for name in names}
    if len(found) != 1:
        return measure
    unit, scale = found.pop()
    return replace(measure, unit=unit, scale=scale)


def _unit_of(measure: MetricMeasure, name: MetricName) -> tuple[str, float]:
    if measure.of == "growth":
        return ("B" if name.unit == "octets" else name.unit), 1.0
    if measure.of == "rate" or name.type == "counter":
        return name.rate_unit or "/s", name.scale
    return name.unit, 1.0


def grouped_by_metric(by: Sequence[Dimension]) -> bool:
    """Whether each group holds one metric only."""
    return any(d.name == "metric" for d in by)


def advice(dataset: Dataset, by: Sequence[Dimension], measures: Sequence[Measure], node: Node | None) -> str:
    """What to say where metrics of different kinds are added together; empty where all is well."""
    mixing = [m.name for m in measures if isinstance(m, MetricMeasure) and m.of]
    names = named_metrics(node)
    alike = bool(names) and len({(n.unit, n.type) for n in names}) == 1
    if not mixing or alike or grouped_by_metric(by) or dataset.name != "metrics":
        return ""
    return f"{', '.join(mixing)} of different metrics together: name one (metric = in_octets), or group by metric"
