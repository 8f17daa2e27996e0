"""What the RIB holds and what came, for Prometheus; read when it is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as RegistryCollector

from weft.collect.routing.feed import Feed
from weft.collect.routing.rib import Rib
from weft.enrich.routing import RouteLookups
from weft.model.addresses import address_text
from weft.model.routes import RIBS


class RoutingMetrics(RegistryCollector):
    """Registered while routes are received."""

    def __init__(self, rib: Rib, feed: Feed, lookups: RouteLookups | None = None) -> None:
        self._rib, self._feed, self._lookups = rib, feed, lookups

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
        if self._lookups is not None:
            yield from _of_lookups(self._lookups)


def _of_lookups(lookups: RouteLookups) -> Iterable[Metric]:
    """What flows are enriched from."""
    routers, held, left_out = lookups.status()
    yield GaugeMetricFamily("weft_routing_lookup_routers", "Routers whose flows are told routes.", value=routers)
    yield GaugeMetricFamily("weft_routing_lookup_bytes", "Memory of their lookup tables.", value=held)
    meaning = "Routers whose tables do not fit in enrich.routes_memory."
    yield GaugeMetricFamily("weft_routing_lookup_left_out", meaning, value=left_out)
