"""The live matrix where a part of what it is made of is not to be had."""

from __future__ import annotations

import numpy as np
import pytest

from weft.errors import StoreUnavailable
from weft.model.views import ViewResult
from weft.network import load
from weft.network.matrix import Matrix, traffic_matrix
from weft.network.routing import Routing
from weft.network.topology import Link, Node, topology
from weft.query.model import Query

NET = topology([Node("a"), Node("b"), Node("c")], [Link("ab", 0, 1), Link("bc", 1, 2)], capacity_bps=[1e9, 1e9])


class NoFlows:
    """A store that is away."""

    def run(self, query: Query) -> ViewResult:
        raise StoreUnavailable("the store is away")


def counted() -> Matrix:
    """1 Mbit/s from a to c, by counters."""
    there, edge = np.array([1e6, 0.0, 1e6, 0.0]), np.array([1e6, 0.0, 0.0])
    return traffic_matrix(NoFlows(), NET, Routing(), (0, 900), there, edge, edge[::-1].copy())


def test_counters_stand_in_for_flows() -> None:
    found = counted()
    assert (found.kind, found.demands.bps.tolist()) == ("counters", [pytest.approx(1e6)])
    assert found.notes[0] == "Flows could not be asked: the store is away"


def test_an_estimate_that_is_too_large_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "MOST_SHARES", 0)
    found = counted()
    assert (found.kind, len(found.demands)) == ("none", 0)
    assert "not estimated: these demands take more lines" in found.notes[1]
