"""Counters of notifications for Prometheus, read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as RegistryCollector

from weft.detect.notify.channel import ChannelStatus


class NotifyMetrics(RegistryCollector):
    """Registered in the process's registry while people are told."""

    def __init__(self, status: Callable[[], Sequence[ChannelStatus]]) -> None:
        self._status = status

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance, so that registering does not read a status."""
        return []

    def collect(self) -> Iterable[Metric]:
        """All families."""
        messages = CounterMetricFamily(
            "weft_notify_messages", "What became of what channels could be told of.", labels=["channel", "outcome"]
        )
        waiting = GaugeMetricFamily("weft_notify_waiting", "Messages that are to be sent.", labels=["channel"])
        last = GaugeMetricFamily(
            "weft_notify_last_sent_timestamp_seconds", "When a message was delivered last.", labels=["channel"]
        )
        for one in self._status():
            for outcome, count in asdict(one.counts).items():
                messages.add_metric([one.name, outcome], count)
            waiting.add_metric([one.name], one.waiting)
            if one.last_sent_s is not None:
                last.add_metric([one.name], one.last_sent_s)
        yield from (messages, waiting, last)
