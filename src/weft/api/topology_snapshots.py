"""The network at any time: made of the inventory's snapshots, kept while they are what is asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from weft.api.topology_network import Network, network_of
from weft.model.inventory import InventoryObject, ObjectKind

#: Moments of the past are taken to the minute; so many of them are kept.
GRAIN_S, KEPT = 60, 32


class Merged(Protocol):
    """One state of the inventory."""

    def objects(self, kind: ObjectKind, /) -> Sequence[InventoryObject]:
        """Every object of a kind."""


class Inventories(Protocol):
    """``weft.store.inventory.Inventory``, as far as pages of the network ask it."""

    def snapshot(self, at: float | None = None) -> Merged:
        """The inventory now, or at a time."""


class Networks:
    """Answers the network as of a time (UTC seconds; None = now). Thread-safe."""

    def __init__(self, inventory: Inventories) -> None:
        self._inventory = inventory
        self._lock = threading.Lock()
        self._now: tuple[Merged, Network] | None = None
        self._past: OrderedDict[int, Network] = OrderedDict()

    def __call__(self, at: float | None = None) -> Network:
        """The network then."""
        if at is None:
            return self._present()
        minute = int(at // GRAIN_S)
        with self._lock:
            if minute in self._past:
                self._past.move_to_end(minute)
                return self._past[minute]
        network = _network(self._inventory.snapshot(float((minute + 1) * GRAIN_S)))
        with self._lock:
            self._past[minute] = network
            while len(self._past) > KEPT:
                self._past.popitem(last=False)
        return network

    def _present(self) -> Network:
        snapshot = self._inventory.snapshot(None)
        known = self._now
        if known is not None and known[0] is snapshot:
            return known[1]
        network = _network(snapshot)
        self._now = (snapshot, network)
        return network


def _network(snapshot: Merged) -> Network:
    return network_of(one for kind in ObjectKind for one in snapshot.objects(kind))
