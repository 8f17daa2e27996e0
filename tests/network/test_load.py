"""Loads against one demand at a time over networkx's distances; what flows in flows out."""

from __future__ import annotations

import numpy as np
import pytest
from tests.network.reference import brute_loads, close, random_demands, random_topology

from weft.errors import InvalidInput, LimitExceeded
from weft.network import load
from weft.network.demands import Demands, demands
from weft.network.load import fractions, loads, over_fan, response
from weft.network.spf import shortest
from weft.network.topology import Link, Node, Topology, topology

SEEDS = range(30)


def case(seed: int) -> tuple[Topology, Demands]:
    network = random_topology(seed, links=16 + seed % 6 * 4)
    return network, random_demands(seed, len(network.nodes))


def square() -> Topology:
    """a to d over b or c, at the same cost; two lines between a and b."""
    ends = [(0, 1), (0, 1), (0, 2), (1, 3), (2, 3)]
    return topology(
        [Node(name) for name in "abcd"], [Link(f"l{at}", a, b) for at, (a, b) in enumerate(ends)],
        capacity_bps=[1e9] * 5, delay_s=[0.001, 0.003, 0.005, 0.007, 0.009],
    )  # fmt: skip


def one(ingress: int, egress: int, bps: float = 1.0) -> Demands:
    return demands(np.array([ingress], np.int32), np.array([egress], np.int32), np.array([bps]))


@pytest.mark.parametrize("seed", SEEDS)
def test_loads_are_those_of_brute_force(seed: int) -> None:
    network, wanted = case(seed)
    found, (expected, unrouted) = loads(network, wanted), brute_loads(network, wanted)
    close(found.bps, expected)
    assert (found.unrouted_bps == unrouted).all()
    trees = shortest(network, np.arange(len(network.nodes), dtype=np.int32))
    assert (loads(network, wanted, trees).bps == found.bps).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_what_flows_into_a_node_flows_out(seed: int) -> None:
    network, wanted = case(100 + seed)
    found = loads(network, wanted)
    count, carried = len(network.nodes), wanted.bps - found.unrouted_bps
    into = np.bincount(network.target, found.bps, count) + np.bincount(wanted.ingress, carried, count)
    out = np.bincount(network.source, found.bps, count) + np.bincount(wanted.egress, carried, count)
    close(into, out)
    assert (found.bps >= 0).all()
    assert not found.bps[~network.up].any()


@pytest.mark.parametrize("seed", SEEDS)
def test_responses_times_rates_are_loads(seed: int) -> None:
    network, wanted = case(200 + seed)
    shares = response(network, wanted.ingress, wanted.egress)
    found = loads(network, wanted)
    close(shares @ wanted.bps, found.bps)
    close(shares.toarray() @ wanted.bps, found.bps)
    times = np.outer(wanted.bps, [1.0, 0.5, 0.0])
    close(shares @ times, np.outer(found.bps, [1.0, 0.5, 0.0]))
    assert (shares.reached == ((found.unrouted_bps == 0) | (wanted.bps == 0)))[wanted.bps > 0].all()
    assert ((shares.share > 0) & (shares.share <= 1 + 1e-12)).all()
    for arc in range(len(found.bps)):
        which, share = shares.on(arc)
        close(np.array([share @ wanted.bps[which]]), found.bps[[arc]])


@pytest.mark.parametrize("seed", SEEDS)
def test_means_over_the_fan_are_sums_over_shares(seed: int) -> None:
    network, wanted = case(300 + seed)
    trees = shortest(network, np.arange(len(network.nodes), dtype=np.int32))
    delay, kept = over_fan(network, trees, network.delay_s, np.ones(len(network.source)))
    shares = response(network, wanted.ingress, wanted.egress)
    means = delay[wanted.egress, wanted.ingress]
    close(means[shares.reached], shares.along(network.delay_s)[shares.reached])
    assert np.isnan(means[~shares.reached]).all()
    assert (kept[wanted.egress, wanted.ingress] == shares.reached).all()


def test_every_next_hop_counts_parallel_lines_too() -> None:
    found = loads(square(), one(0, 3, 900.0))
    assert found.bps.tolist() == [300, 0, 300, 0, 300, 0, 600, 0, 300, 0]
    arcs, share = fractions(square(), 0, 3)
    assert dict(zip(arcs.tolist(), share.round(12).tolist(), strict=True)) == pytest.approx(
        {0: 1 / 3, 2: 1 / 3, 4: 1 / 3, 6: 2 / 3, 8: 1 / 3}
    )
    assert set(arcs[:3].tolist()) == {0, 2, 4}  # from the ingress on


def test_what_is_lost_on_one_way_is_lost_of_its_share() -> None:
    network = square()
    kept = np.ones(10)
    kept[8] = 0.5  # c to d
    trees = shortest(network, np.array([3], np.int32))
    delay, survives = over_fan(network, trees, network.delay_s, kept)
    assert survives[0].tolist() == pytest.approx([1 - 1 / 3 * 0.5, 1, 0.5, 1])
    assert delay[0, 0] == pytest.approx((0.008 + 0.010 + 0.014) / 3)


def test_a_demand_that_ends_where_it_begins_takes_no_line() -> None:
    found = loads(square(), one(2, 2, 5.0))
    assert not found.bps.any()
    assert not found.unrouted_bps.any()
    shares = response(square(), np.array([2], np.int32), np.array([2], np.int32))
    assert shares.reached.all()
    assert shares.of(0)[0].tolist() == []


def test_nothing_to_carry_and_nowhere_to_go() -> None:
    none = np.zeros(0, np.int32)
    assert not loads(square(), demands(none, none, np.zeros(0))).bps.any()
    assert response(square(), none, none).shape == (10, 0)
    assert (response(square(), none, none) @ np.zeros(0)).tolist() == [0.0] * 10
    assert (response(square(), none, none) @ np.zeros((0, 3))).shape == (10, 3)
    apart = topology([Node("a"), Node("b")], [], capacity_bps=[])
    assert loads(apart, one(0, 1, 7.0)).unrouted_bps.tolist() == [7.0]
    assert fractions(apart, 0, 1)[0].tolist() == []


def test_ends_that_are_no_nodes_are_refused() -> None:
    for ingress, egress in ((0, -1), (4, 0), (-1, 0), (0, 4)):
        with pytest.raises(InvalidInput):
            loads(square(), one(ingress, egress))
        with pytest.raises(InvalidInput):
            fractions(square(), ingress, egress)
    with pytest.raises(InvalidInput, match="trees"):
        loads(square(), one(0, 3), shortest(square(), np.array([1], np.int32)))
    with pytest.raises(InvalidInput, match="rates"):
        response(square(), np.array([0], np.int32), np.array([3], np.int32)) @ np.ones(2)


def test_more_shares_than_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "MOST_SHARES", 16 * 4)
    with pytest.raises(LimitExceeded):
        fractions(square(), 0, 3)


def test_a_fan_that_doubles_at_every_step_is_exact() -> None:
    """Forty diamonds in a row have 2^40 ways: nobody may walk them one by one."""
    ends = [(at, at + 1) for at in range(40) for _ in range(2)]
    network = topology([Node(f"n{at}") for at in range(41)], [Link(f"l{at}", a, b) for at, (a, b) in enumerate(ends)],
                       capacity_bps=[1.0] * 80)  # fmt: skip
    assert loads(network, one(0, 40, 8.0)).bps[::2].tolist() == [4.0] * 80
