"""What the RIB holds and what came, for Prometheus; read when it is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as RegistryCollector

from weft.collect.routing.feed import Feed
from weft.collect.routing.rib import Rib
from weft.model.addresses import address_text
from weft.model.routes import RIBS


class RoutingMetrics(RegistryCollector):
    """Registered while routes are received."""

    def __init__(self, rib: Rib, feed: Feed) -> None:
        self._rib, self._feed = rib, feed

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance."""
        return []

    def collect(self) -> Iterable[Metric]:
        """All families, by router and table."""
        routes = GaugeMetricFamily("weft_routing_routes", "Routes that stand.", labels=["router", "rib"])
        sessions = GaugeMetricFamily("weft_routing_sessions", "Tables of neighbours.", labels=["router", "rib"])
        standing: Counter[tuple[str, str]] = Counter()
        tables: Counter[tuple[str, str]] = Counter()
        for session in self._rib.sessions():
            label = (address_text(session.key.exporter), RIBS[session.key.rib])
            standing[label] += len(session.table)
            tables[label] += 1
        for label, count in tables.items():
            routes.add_metric(label, standing[label])
            sessions.add_metric(label, count)
        yield routes
        yield sessions
        yield GaugeMetricFamily("weft_routing_paths", "Distinct sets of path attributes.", value=len(self._rib.paths))
        yield CounterMetricFamily("weft_routing_lost_rows", "Rows that were not stored.", value=self._feed.lost_rows)
