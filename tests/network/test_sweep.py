"""Failures one after the other against each of them evaluated by itself."""

from __future__ import annotations

import numpy as np
import pytest
from tests.network.reference import close, random_demands, random_topology

from weft.errors import InvalidInput, LimitExceeded
from weft.network import sweep as module
from weft.network.demands import demands
from weft.network.incremental import Baseline
from weft.network.load import loads
from weft.network.sweep import group_failures, link_failures, node_failures, sweep
from weft.network.topology import Link, Node, Topology, topology


def ring(count: int = 4, capacity: float = 10.0) -> Topology:
    return topology(
        [Node(f"n{at}") for at in range(count)],
        [Link(f"l{at}", at, (at + 1) % count, srlgs=("duct", f"own{at}") if at < 2 else ()) for at in range(count)],
        capacity_bps=[capacity] * count,
    )


def baseline(seed: int) -> Baseline:
    network = random_topology(seed, nodes=20, links=45)
    return Baseline(network, random_demands(seed, 20, 200))


@pytest.mark.parametrize("seed", range(12))
def test_every_link(seed: int) -> None:
    base = baseline(seed)
    network, wanted = base.topology, base.demands
    threshold = 0.5 * float((base.loads.bps / network.capacity_bps).max())
    found = sweep(base, threshold=threshold)
    for link in range(len(network.links)):
        up = network.up.copy()
        up[2 * link : 2 * link + 2] = False
        alone = loads(network.changed(up=up), wanted)
        used = alone.bps / network.capacity_bps
        close(found.max_utilisation[[link]], used.max(keepdims=True))
        assert used[found.worst_arc[link]] == pytest.approx(used.max())
        assert found.over_threshold(link).tolist() == np.flatnonzero(used > threshold).tolist()
        assert found.unrouted_bps[link] == pytest.approx(alone.unrouted_bps.sum(), abs=1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_nodes_and_groups_as_single_changes(seed: int) -> None:
    base = baseline(seed)
    failures = node_failures(base.topology)
    assert len(failures) == len(base.topology.nodes)
    found = sweep(base, failures)
    for at, arcs in enumerate(failures):
        assert set(arcs.tolist()) == {
            arc for arc in range(len(base.topology.source))
            if at in (base.topology.source[arc], base.topology.target[arc])
        }  # fmt: skip
        alone = base.failed(arcs)
        close(found.max_utilisation[[at]], (alone.bps / base.topology.capacity_bps).max(keepdims=True))
        assert found.unrouted_bps[at] == pytest.approx(alone.unrouted_bps.sum(), abs=1e-3)


def test_groups_links_and_what_is_worst() -> None:
    network = ring()
    assert {name: arcs.tolist() for name, arcs in group_failures(network).items()} == {
        "duct": [0, 1, 2, 3], "own0": [0, 1], "own1": [2, 3]
    }  # fmt: skip
    assert [arcs.tolist() for arcs in link_failures(network)] == [[0, 1], [2, 3], [4, 5], [6, 7]]
    wanted = demands(np.array([0, 1], np.int32), np.array([1, 2], np.int32), np.array([6.0, 5.0]))
    found = sweep(Baseline(network, wanted), [*link_failures(network), np.arange(4), np.arange(8)])
    # Without the line 0–1 both demands meet on none; without 1–2 the second joins the first backwards.
    assert found.max_utilisation.tolist() == pytest.approx([0.6, 0.6, 0.6, 0.6, 0.0, 0.0])
    assert found.unrouted_bps.tolist() == [0, 0, 0, 0, 11, 11]
    assert found.worst_arc[4:].tolist() == [-1, -1]
    assert set(found.worst_first()[:2].tolist()) == {4, 5}


def test_the_order_and_the_company_of_failures_change_nothing() -> None:
    base = baseline(5)
    failures = link_failures(base.topology)
    found, backwards = sweep(base, failures), sweep(base, failures[::-1])
    assert (found.max_utilisation == backwards.max_utilisation[::-1]).all()
    assert (sweep(base, failures[7:8]).max_utilisation == found.max_utilisation[7]).all()
    repeated = sweep(base, [failures[7], np.array([], np.int64), failures[7]])
    assert repeated.max_utilisation[0] == repeated.max_utilisation[2] == found.max_utilisation[7]


def test_a_line_of_no_capacity_is_full_of_whatever_it_carries() -> None:
    network = ring().changed(capacity_bps=np.array([0.0] * 2 + [10.0] * 6))
    wanted = demands(np.array([0], np.int32), np.array([1], np.int32), np.array([1.0]))
    found = sweep(Baseline(network, wanted))
    assert found.max_utilisation.tolist() == [pytest.approx(0.1), np.inf, np.inf, np.inf]
    assert found.over_threshold(1).tolist() == [0]


def test_nothing_to_fail_and_nothing_carried() -> None:
    none = np.zeros(0, np.int32)
    idle = Baseline(ring(), demands(none, none, np.zeros(0)))
    assert sweep(idle, []).max_utilisation.tolist() == []
    assert sweep(idle).max_utilisation.tolist() == [0.0] * 4
    empty = Baseline(topology([Node("a")], [], capacity_bps=[]), demands(none, none, np.zeros(0)))
    assert sweep(empty).worst_arc.tolist() == []
    assert sweep(empty, node_failures(empty.topology)).worst_arc.tolist() == [-1]
    assert node_failures(topology([], [], capacity_bps=[])) == []


def test_what_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    base = baseline(1)
    for threshold in (0.0, float("nan")):
        with pytest.raises(InvalidInput, match="threshold"):
            sweep(base, threshold=threshold)
    with pytest.raises(InvalidInput, match="arcs"):
        sweep(base, [np.array([100_000])])
    monkeypatch.setattr(module, "MOST_FAILURES", 1)
    with pytest.raises(LimitExceeded):
        sweep(base)
