"""Counters of detection for Prometheus, read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as RegistryCollector

from weft.detect.runs import DetectorStatus
from weft.model.events import TRANSITIONS

_STATES = ("learning", "ready", "failed")


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """How detection is now."""

    running: bool
    detectors: Sequence[DetectorStatus] = ()
    open: int = 0
    """Events that are open, suppressed ones included."""
    changes: Mapping[int, int] = field(default_factory=dict)
    late: int = 0
    flooded: int = 0
    taken: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    old: Mapping[str, int] = field(default_factory=dict)
    fill: float = 0.0
    lost: int = 0
    refused: int = 0
    """Events and rows of changes that a store would not take."""
    damaged: int = 0
    """Saved states that could not be read."""
    leads: bool = True
    """Whether this process watches series and judges policies; of those that share a state store one does."""
    leader: str = ""
    """Which does, where several might."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """Detectors that could not be made, and why."""


class DetectMetrics(RegistryCollector):
    """Registered in the process's registry while detection runs."""

    def __init__(self, status: Callable[[], EngineStatus]) -> None:
        self._status = status

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance, so that registering does not read a status."""
        return []

    def collect(self) -> Iterable[Metric]:
        """All families."""
        status = self._status()
        yield GaugeMetricFamily("weft_detect_events_open", "Events that are open.", status.open)
        changes = CounterMetricFamily("weft_detect_event_changes", "Changes of events.", labels=["transition"])
        for number, count in status.changes.items():
            if number in TRANSITIONS:
                changes.add_metric([TRANSITIONS[number]], count)
        yield changes
        yield CounterMetricFamily("weft_detect_late_findings", "Findings too late to raise an event.", status.late)
        yield CounterMetricFamily(
            "weft_detect_flooded_findings", "Findings beyond the most open events.", status.flooded
        )
        yield CounterMetricFamily(
            "weft_detect_lost_changes", "Changes of events lost with the stores away.", status.lost
        )
        yield CounterMetricFamily(
            "weft_detect_refused_changes", "Events and their changes that a store would not take.", status.refused
        )
        yield CounterMetricFamily(
            "weft_detect_damaged_states", "Saved states that could not be read; learned anew.", status.damaged
        )
        yield GaugeMetricFamily("weft_detect_leads", "Whether series and policies are judged here.", status.leads)
        yield GaugeMetricFamily("weft_detect_queue_fill_ratio", "Share of the queue of rows in use.", status.fill)
        for name, meaning, counts in (
            ("weft_detect_rows", "Rows taken in to be looked at.", status.taken),
            ("weft_detect_dropped_rows", "Rows that nobody had time to look at.", status.dropped),
            ("weft_detect_old_rows", "Rows too old to be looked at.", status.old),
        ):
            family = CounterMetricFamily(name, meaning, labels=["table"])
            for table, count in counts.items():
                family.add_metric([table], count)
            yield family
        yield from _of_detectors(status)


def _of_detectors(status: EngineStatus) -> Iterable[Metric]:
    states = GaugeMetricFamily("weft_detect_detectors", "Detectors by state.", labels=["state"])
    for state in _STATES:
        count = sum(one.state == state for one in status.detectors)
        states.add_metric([state], count + (len(status.failed) if state == "failed" else 0))
    yield states
    families: tuple[CounterMetricFamily | GaugeMetricFamily, ...] = (
        CounterMetricFamily("weft_detect_findings", "Findings.", labels=["detector"]),
        CounterMetricFamily("weft_detect_errors", "Failures of detectors and their questions.", labels=["detector"]),
        CounterMetricFamily("weft_detect_dropped_findings", "Findings beyond the most of a call.", labels=["detector"]),
        CounterMetricFamily(
            "weft_detect_left_out", "Times that a series, key or deviation found no room.", labels=["detector"]
        ),
        GaugeMetricFamily("weft_detect_cut", "Whether there are more series than are watched.", labels=["detector"]),
        CounterMetricFamily("weft_detect_busy_seconds", "Processor time of detectors.", labels=["detector"]),
        GaugeMetricFamily("weft_detect_series", "Series watched.", labels=["detector"]),
        GaugeMetricFamily("weft_detect_learned_ratio", "Share of the history learned.", labels=["detector"]),
        GaugeMetricFamily("weft_detect_reached_timestamp_seconds", "Up to when it was fed.", labels=["detector"]),
    )
    for one in status.detectors:
        values = (
            one.findings, one.errors, one.dropped, one.left_out, one.is_cut, one.busy_s, one.series, one.learned,
            one.reached_s,
        )  # fmt: skip
        for family, value in zip(families, values, strict=True):
            family.add_metric([one.name], value)
    yield from families
