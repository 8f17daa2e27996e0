"""Which rows of flows really leave one's networks, by the interface that they go out by, where that is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from typing import Any

import numpy as np

from weft.detect.context import Context
from weft.detect.security.covert import Network, Talk
from weft.errors import InvalidInput

_MOST = 100_000
_ASK_AGAIN = 5000  # batches after which interfaces are asked for anew: the inventory changes
#: How ports are connected by which nothing leaves: what others see of it counts there, or it stays among ourselves.
_STAYS = frozenset({"core", "access", "backbone", "cloud", "internal", "host", "fabric"})


class Leaving:
    """Asks the fact ``interface(exporter, if_index)``, which gives attributes such as ``connectivity``, or None."""

    def __init__(self, context: Context) -> None:
        self._interface = context.facts.get("interface")
        self._known: dict[tuple[int, int, int], bool] = {}
        self._batches = 0

    def kept(self, rows: Talk) -> Talk:
        """Only rows that leave by an outer interface, or by one that nothing is known of."""
        if self._interface is None or not len(rows):
            return rows
        self._batches += 1
        if self._batches % _ASK_AGAIN == 0:
            self._known.clear()
        ports = np.stack([rows.exporter[:, 0], rows.exporter[:, 1], rows.out_if.astype(np.uint64)], axis=1)
        distinct, which = np.unique(ports, axis=0, return_inverse=True)
        leaves = np.array([self._leaves(*(int(word) for word in port)) for port in distinct], np.bool_)
        return rows.take(leaves[which.reshape(-1)])

    def _leaves(self, high: int, low: int, if_index: int) -> bool:
        key = (high, low, if_index)
        if key not in self._known:
            if len(self._known) >= _MOST:
                self._known.clear()
            assert self._interface is not None
            told = self._interface((high << 64 | low).to_bytes(16, "big"), if_index)
            self._known[key] = not (isinstance(told, Mapping) and self._stays(told))
        return self._known[key]

    @staticmethod
    def _stays(told: Mapping[str, Any]) -> bool:
        return told.get("boundary") == "internal" or told.get("connectivity") in _STAYS


def networks_of(told: Any) -> list[Network]:
    """Prefixes that a setting names. Raises ``InvalidInput`` where one is none."""
    if isinstance(told, str) or not isinstance(told, Iterable):
        raise InvalidInput("is a list of prefixes", where="setting allowed")
    try:
        return [ip_network(str(one), strict=False) for one in told]
    except ValueError as error:
        raise InvalidInput(str(error), where="setting allowed") from error
