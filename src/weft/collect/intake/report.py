"""The intake's counters and every source's, for Prometheus; read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as RegistryCollector

from weft.collect.intake.counters import CounterCounts
from weft.collect.writer import WriterStatus
from weft.model.sources import SourceStatus

_LABELS = ["kind", "source"]
_STATES = ("starting", "ok", "degraded", "silent", "failing", "off")


class _Reports(Protocol):
    def sources(self) -> list[SourceStatus]: ...

    def writer(self) -> WriterStatus: ...

    def counters(self) -> CounterCounts: ...

    def lost(self) -> dict[str, int]: ...


class IntakeMetrics(RegistryCollector):
    """Registered while the intake runs."""

    def __init__(self, intake: _Reports) -> None:
        self._intake = intake

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance."""
        return []

    def collect(self) -> Iterable[Metric]:
        """All families."""
        sources = self._intake.sources()
        received = CounterMetricFamily("weft_source_messages", "Messages, polls or requests.", labels=_LABELS)
        rows = CounterMetricFamily("weft_source_rows", "Rows made of them.", labels=_LABELS)
        errors = CounterMetricFamily("weft_source_errors", "What went wrong.", labels=[*_LABELS, "reason"])
        gaps = CounterMetricFamily("weft_source_gaps", "Expected and did not come.", labels=_LABELS)
        late = CounterMetricFamily("weft_source_late", "Older than what came before.", labels=_LABELS)
        duplicates = CounterMetricFamily("weft_source_duplicates", "Came before.", labels=_LABELS)
        seen = GaugeMetricFamily("weft_source_last_seen_seconds", "When something good came last.", labels=_LABELS)
        lag = GaugeMetricFamily("weft_source_lag_seconds", "From a value's stamp to its arrival.", labels=_LABELS)
        for one in sources:
            label = [one.kind, one.name]
            received.add_metric(label, one.received)
            rows.add_metric(label, one.rows)
            gaps.add_metric(label, one.gaps)
            late.add_metric(label, one.late)
            duplicates.add_metric(label, one.duplicates)
            seen.add_metric(label, one.last_seen_ns / 1e9)
            lag.add_metric(label, one.lag_s)
            for reason, count in one.errors.items():
                errors.add_metric([*label, reason], count)
        states = GaugeMetricFamily("weft_sources", "Sources by state.", labels=["state"])
        for state in _STATES:
            states.add_metric([state], sum(one.state == state for one in sources))
        yield from (received, rows, errors, gaps, late, duplicates, seen, lag, states)
        yield from self._store()

    def _store(self) -> Iterable[Metric]:
        writer, counters = self._intake.writer(), self._intake.counters()
        stored = CounterMetricFamily("weft_intake_rows", "Rows stored.", labels=["table"])
        for table, count in writer.rows.items():
            stored.add_metric([table], count)
        lost = CounterMetricFamily("weft_intake_lost_rows", "Rows lost or set aside.", labels=["reason"])
        for reason, count in self._intake.lost().items():
            lost.add_metric([reason], count)
        yield from (stored, lost)
        yield CounterMetricFamily("weft_intake_counter_resets", "Counters that began anew.", counters.resets)
        yield CounterMetricFamily("weft_intake_counter_wraps", "32-bit counters that wrapped.", counters.wraps)
        yield GaugeMetricFamily("weft_intake_series", "Counters whose last value is remembered.", counters.series)
