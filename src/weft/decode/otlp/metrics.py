"""OTLP metrics to rows: gauges, sums, histograms and summaries.

A cumulative sum is a counter as everywhere; a delta brings its increase and the time it took with it. Histograms become
``_count``, ``_sum`` and ``_bucket`` counters, exponential ones ``_count``, ``_sum`` and (deltas) quantiles.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from weft.decode.otlp.histograms import buckets, quantiles
from weft.decode.otlp.resource import LABELS, Origin, origin_of
from weft.decode.otlp.wire import MOST_ATTRIBUTES, Exported, count, parse, snake, texts
from weft.decode.prometheus.rules import COUNTER, GAUGE, Meaning, Rules, read_rules
from weft.model.addresses import NO_ADDRESS
from weft.model.labels import labels_text
from weft.model.metrics import METRIC_SOURCES, METRICS
from weft.model.rows import batch_of

_SOURCE = next(number for number, name in METRIC_SOURCES.items() if name == "otlp")
_MOST_NS = 9_000_000_000_000_000_000
_MOST_INTERVAL_MS = 24 * 3600 * 1000
#: Points of one request; what is beyond is refused.
MOST_POINTS = 1 << 20
_MOST_MEANINGS = 200_000
_DELTA, _CUMULATIVE = 1, 2  # AggregationTemporality
_NO_VALUE = 1  # DataPointFlags: the series ended

#: Suffix of the name, labels to add, value, type.
_Value = tuple[str, dict[str, str], float, int]


class Refused(Exception):
    """A point that has no place in a row; says why in a word."""


@dataclass
class _Columns:
    """Rows as they grow."""

    time: list[int] = field(default_factory=list)
    exporter: list[bytes] = field(default_factory=list)
    host: list[str] = field(default_factory=list)
    metric: list[str] = field(default_factory=list)
    component: list[str] = field(default_factory=list)
    if_index: list[int] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    metric_type: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    increase: list[float] = field(default_factory=list)
    interval_ms: list[int] = field(default_factory=list)


class OtlpDecoder:
    """Reads metrics requests; remembers what series mean. Safe for several threads."""

    def __init__(self, rules: Rules | None = None, *, resource_labels: Sequence[str] = LABELS) -> None:
        self._rules = rules if rules is not None else read_rules()
        self._resource_labels = tuple(resource_labels)
        self._meanings: dict[tuple[str, str], Meaning] = {}

    def decode(self, body: bytes, now_ns: int, *, is_json: bool = False) -> Exported:
        """The rows of an ``ExportMetricsServiceRequest``. Raises ``InvalidInput`` where it is none."""
        from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

        request = parse(ExportMetricsServiceRequest, body, is_json=is_json)
        columns, exported = _Columns(), Exported(batch_of(METRICS, 0))
        for resource in request.resource_metrics:
            origin = origin_of(resource.resource, self._resource_labels)
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    self._metric(metric, origin, columns, exported, now_ns)
        n = len(columns.time)
        if n:
            given = dict(vars(columns))
            if not any(columns.interval_ms):
                del given["increase"], given["interval_ms"]
            exported.rows = batch_of(METRICS, n, time_received=now_ns, source=_SOURCE, **given)
        return exported

    def _metric(self, metric: Any, origin: Origin, columns: _Columns, exported: Exported, now_ns: int) -> None:
        kind = metric.WhichOneof("data")
        if kind is None:
            return
        data = getattr(metric, kind)
        name = snake(metric.name)[:512]
        delta = getattr(data, "aggregation_temporality", _CUMULATIVE) == _DELTA
        for point in data.data_points:
            exported.items += 1
            try:
                if not name:
                    raise Refused("no_name")
                if exported.items > MOST_POINTS:
                    raise Refused("too_many_points")
                if point.flags & _NO_VALUE:
                    count(exported.skipped, "stale_marker")
                    continue
                if delta and kind == "sum" and not data.is_monotonic:
                    raise Refused("delta_of_a_gauge")  # without the value before it says nothing
                time_ns, interval_ms = _times(point, now_ns, delta)
                labels = self._labels(point, origin)
                for value in _values(kind, data, point, delta):
                    self._row(name, value, labels, origin, time_ns, interval_ms, columns, exported)
            except Refused as reason:
                count(exported.refused, str(reason))

    def _row(
        self, name: str, value: _Value, labels: dict[str, str], origin: Origin, time_ns: int, interval_ms: int,
        columns: _Columns, exported: Exported,
    ) -> None:  # fmt: skip
        suffix, more, number, kind = value
        if not math.isfinite(number):
            count(exported.skipped, "not_finite")
            return
        meaning = self._meaning(name + suffix, labels | more if more else labels)
        scaled = number * meaning.scale
        columns.time.append(time_ns)
        columns.exporter.append(meaning.exporter if origin.exporter == NO_ADDRESS else origin.exporter)
        columns.host.append(origin.host or meaning.host)
        columns.metric.append(meaning.metric)
        columns.component.append(meaning.component)
        columns.if_index.append(meaning.if_index)
        columns.labels.append(meaning.labels)
        columns.metric_type.append(kind)
        is_delta = kind == COUNTER and interval_ms > 0
        columns.value.append(scaled + meaning.offset)
        columns.increase.append(scaled if is_delta else 0.0)
        columns.interval_ms.append(interval_ms if is_delta else 0)

    def _labels(self, point: Any, origin: Origin) -> dict[str, str]:
        if len(point.attributes) > MOST_ATTRIBUTES:
            raise Refused("too_many_labels")
        own = {snake(name): value for name, value in texts(point.attributes).items() if name}
        return origin.labels | own

    def _meaning(self, name: str, labels: dict[str, str]) -> Meaning:
        key = (name, labels_text(labels.items()))
        known = self._meanings.get(key)
        if known is None:
            if len(self._meanings) >= _MOST_MEANINGS:
                self._meanings.clear()
            known = self._meanings[key] = self._rules.meaning(name, labels)
        return known


def _times(point: Any, now_ns: int, delta: bool) -> tuple[int, int]:
    """The point's time and, for a delta, how long it took (ms)."""
    time_ns = point.time_unix_nano or now_ns
    if time_ns > _MOST_NS:
        raise Refused("bad_time")
    if not delta:
        return time_ns, 0
    start_ns = point.start_time_unix_nano
    interval_ms = (time_ns - start_ns) // 1_000_000
    if not start_ns or not 0 < interval_ms <= _MOST_INTERVAL_MS:
        raise Refused("delta_without_start")
    return time_ns, interval_ms


def _values(kind: str, data: Any, point: Any, delta: bool) -> Iterator[_Value]:
    """The rows that a point becomes."""
    match kind:
        case "gauge":
            yield "", {}, _number(point), GAUGE
        case "sum":
            yield "", {}, _number(point), COUNTER if data.is_monotonic else GAUGE
        case "histogram":
            yield "_count", {}, float(point.count), COUNTER
            if point.HasField("sum"):
                yield "_sum", {}, point.sum, COUNTER
            for upper, so_far in buckets(point):
                yield "_bucket", {"le": upper}, so_far, COUNTER
        case "exponential_histogram":
            yield "_count", {}, float(point.count), COUNTER
            if point.HasField("sum"):
                yield "_sum", {}, point.sum, COUNTER
            for q, value in quantiles(point) if delta else ():
                yield "", {"quantile": repr(q)}, value, GAUGE
        case "summary":
            yield "_count", {}, float(point.count), COUNTER
            yield "_sum", {}, point.sum, COUNTER
            for one in point.quantile_values[:100]:
                yield "", {"quantile": repr(one.quantile)}, one.value, GAUGE


def _number(point: Any) -> float:
    kind = point.WhichOneof("value")
    if kind is None:
        raise Refused("no_value")
    return float(getattr(point, kind))
