"""The inventory's counters for Prometheus; read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from weft.model.inventory import Conflict, InventoryObject, ObjectKind
from weft.store.inventory.inventory import InventoryCounters


class _Reports(Protocol):
    @property
    def conflicts(self) -> Iterable[Conflict]: ...

    def objects(self, kind: ObjectKind, /) -> Iterable[InventoryObject]: ...

    def counters(self) -> InventoryCounters: ...


class InventoryMetrics(Collector):
    """Cheap enough for every scrape: what is counted is in memory."""

    def __init__(self, inventory: _Reports) -> None:
        self._inventory = inventory

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance."""
        return []

    def collect(self) -> Iterable[Metric]:
        """All families."""
        counters = self._inventory.counters()
        objects = GaugeMetricFamily("weft_inventory_objects", "Objects known.", labels=["kind"])
        for kind in ObjectKind:
            objects.add_metric([kind.value], sum(1 for _ in self._inventory.objects(kind)))
        facts = GaugeMetricFamily("weft_inventory_facts", "Facts in force.", labels=["origin"])
        for origin, count in counters.held.items():
            facts.add_metric([origin], count)
        refused = CounterMetricFamily("weft_inventory_refused", "Facts not taken.", labels=["origin", "reason"])
        for (origin, reason), count in counters.refused.items():
            refused.add_metric([origin, reason], count)
        yield from (objects, facts, refused)
        yield CounterMetricFamily("weft_inventory_observations", "Times that a source told.", counters.observations)
        yield CounterMetricFamily("weft_inventory_changed", "Of those, that something changed.", counters.changed)
        yield CounterMetricFamily("weft_inventory_merges", "Merges.", counters.merges)
        yield GaugeMetricFamily("weft_inventory_merge_seconds", "How long the last one took.", counters.merge_s)
        yield GaugeMetricFamily("weft_inventory_waiting", "Facts that wait to be merged.", counters.waiting)
        yield GaugeMetricFamily("weft_inventory_unwritten", "Versions not stored yet.", counters.unwritten)
        count = sum(1 for _ in self._inventory.conflicts)
        yield GaugeMetricFamily("weft_inventory_conflicts", "Contradictions between sources.", count)
