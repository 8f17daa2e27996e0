"""What a change does, found from what it touches: the same numbers as from nothing."""

from __future__ import annotations

import numpy as np
import pytest
from tests.network.reference import brute_loads, close, random_demands, random_topology

from weft.errors import InvalidInput
from weft.network.demands import Demands, demands
from weft.network.incremental import Baseline
from weft.network.load import Loads, loads, response
from weft.network.topology import Link, Node, Topology, topology

SEEDS = range(30)


def case(seed: int) -> tuple[Topology, Demands, np.random.Generator]:
    network = random_topology(seed, nodes=12 + seed % 20, links=20 + seed % 7 * 6, most_metric=1 + seed % 5)
    return network, random_demands(seed, len(network.nodes), 120), np.random.default_rng([seed, 2])


def without(network: Topology, arcs: np.ndarray) -> Topology:
    up = network.up.copy()
    up[arcs] = False
    return network.changed(up=up)


def same(found: Loads, expected: Loads) -> None:
    close(found.bps, expected.bps)
    assert (found.unrouted_bps == expected.unrouted_bps).all()
    assert (found.bps >= 0).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_every_link_failure_is_as_evaluated_from_nothing(seed: int) -> None:
    network, wanted, _ = case(seed)
    baseline = Baseline(network, wanted)
    same(baseline.loads, loads(network, wanted))
    for link in range(len(network.links)):
        arcs = np.array([2 * link, 2 * link + 1])
        same(baseline.failed(arcs), loads(without(network, arcs), wanted))


@pytest.mark.parametrize("seed", SEEDS[:10])
def test_failures_are_those_of_brute_force(seed: int) -> None:
    network, wanted, rng = case(seed)
    baseline = Baseline(network, wanted)
    arcs = rng.choice(len(network.source), 3, replace=False)
    bps, unrouted = brute_loads(without(network, arcs), wanted)
    found = baseline.failed(arcs)
    close(found.bps, bps)
    assert (found.unrouted_bps == unrouted).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_many_arcs_at_once_even_all(seed: int) -> None:
    network, wanted, rng = case(seed)
    baseline = Baseline(network, wanted)
    for count in (1, 2, 5, len(network.source) // 2, len(network.source)):
        arcs = rng.choice(len(network.source), count, replace=False)
        same(baseline.failed(arcs), loads(without(network, arcs), wanted))


@pytest.mark.parametrize("seed", SEEDS)
def test_one_metric_up_or_down(seed: int) -> None:
    network, wanted, rng = case(seed)
    baseline = Baseline(network, wanted)
    for arc in range(len(network.source)):
        metric = network.metric.copy()
        metric[arc] = int(rng.integers(1, 9))
        same(baseline.changed_metric(arc, int(metric[arc])), loads(network.changed(metric=metric), wanted))


@pytest.mark.parametrize("seed", SEEDS)
def test_metrics_failures_repairs_and_overloads_all_at_once(seed: int) -> None:
    network, wanted, rng = case(seed)
    baseline = Baseline(network, wanted)
    for share in (0.02, 0.1, 0.5):
        metric, up, transit = network.metric.copy(), network.up.copy(), network.transit.copy()
        for values, fresh in (
            (metric, rng.integers(1, 6, len(metric))),
            (up, rng.random(len(up)) < 0.5),
            (transit, rng.random(len(transit)) < 0.5),
        ):
            chosen = rng.random(len(values)) < share
            values[chosen] = fresh[chosen]
        then = network.changed(metric=metric, up=up, transit=transit)
        same(baseline.changed(then), loads(then, wanted))


@pytest.mark.parametrize("seed", SEEDS[:15])
def test_the_share_of_a_demand_that_crosses_arcs(seed: int) -> None:
    network, wanted, rng = case(seed)
    baseline, shares = Baseline(network, wanted), response(network, wanted.ingress, wanted.egress).toarray()
    for arc in rng.choice(len(network.source), 5, replace=False).tolist():
        close(baseline.crossing(np.array([arc])), shares[arc])
    every = baseline.crossing(np.arange(len(network.source)))
    close(every, (shares.sum(0) > 0).astype(float))


def test_traffic_that_comes_together_again_leaves_no_trace() -> None:
    """A failure far upstream changes nothing beyond the node where the ways meet."""
    ends = [(0, 1), (0, 2), (1, 3), (2, 3), *((at, at + 1) for at in range(3, 30))]
    network = topology([Node(f"n{at}") for at in range(31)], [Link(f"l{at}", a, b) for at, (a, b) in enumerate(ends)],
                       capacity_bps=[1e9] * len(ends))  # fmt: skip
    wanted = demands(np.array([0], np.int32), np.array([30], np.int32), np.array([1 / 3]))
    baseline = Baseline(network, wanted)
    found = baseline.failed(np.array([0, 1]))
    assert found.bps[[0, 2, 4, 6]].tolist() == [0, 1 / 3, 0, 1 / 3]
    assert (found.bps[8::2] == baseline.loads.bps[8::2]).all()


def test_nothing_changed_and_nothing_asked() -> None:
    network, wanted, _ = case(3)
    baseline = Baseline(network, wanted)
    assert baseline.failed(np.array([], np.int64)) is baseline.loads
    assert baseline.changed(network) is baseline.loads
    down = np.flatnonzero(~network.up)
    assert baseline.failed(down) is baseline.loads
    none = np.zeros(0, np.int32)
    idle = Baseline(network, demands(none, none, np.zeros(0)))
    assert not idle.failed(np.array([0, 1])).bps.any()


def test_what_is_not_in_the_network_is_refused() -> None:
    network, wanted, _ = case(1)
    baseline = Baseline(network, wanted)
    for arc in (-1, len(network.source)):
        with pytest.raises(InvalidInput, match="arcs"):
            baseline.failed(np.array([arc]))
        with pytest.raises(InvalidInput, match="arcs"):
            baseline.changed_metric(arc, 5)
    with pytest.raises(InvalidInput, match="metric"):
        baseline.changed_metric(int(np.flatnonzero(network.up)[0]), 0)
    with pytest.raises(InvalidInput, match="topology"):
        baseline.changed(random_topology(2))
