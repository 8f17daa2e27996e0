"""Shortest paths against networkx, and what an IGP promises."""

from __future__ import annotations

import numpy as np
import pytest
from tests.network.reference import distances, random_topology

from weft.errors import InvalidInput, LimitExceeded
from weft.network import spf
from weft.network.spf import blocks, shortest
from weft.network.topology import Link, Node, topology


def line(*metrics: int) -> tuple[list[Node], list[Link]]:
    return [Node(f"n{at}") for at in range(len(metrics) + 1)], [
        Link(f"l{at}", at, at + 1) for at in range(len(metrics))
    ]


@pytest.mark.parametrize("seed", range(25))
def test_distances_are_those_of_networkx(seed: int) -> None:
    network = random_topology(seed, links=18 + seed % 5 * 4)
    everywhere = np.arange(len(network.nodes), dtype=np.int32)
    trees = shortest(network, everywhere)
    for row, destination in enumerate(everywhere.tolist()):
        expected = distances(network, destination)
        assert {at: far for at, far in enumerate(trees.distance[row].tolist()) if far >= 0} == expected
        order = trees.order[row, : trees.reached[row]]
        assert set(order.tolist()) == set(expected)
        assert (np.diff(trees.distance[row, order]) >= 0).all()
        assert order[0] == destination


def test_an_overloaded_node_is_reached_and_sends_but_is_not_passed_through() -> None:
    nodes, links = line(1, 1)
    network = topology(nodes, links, capacity_bps=[1e9, 1e9])
    drained = network.changed(transit=np.array([True, False, True]))
    assert shortest(network, np.array([2], np.int32)).distance.tolist() == [[2, 1, 0]]
    assert shortest(drained, np.array([2, 1], np.int32)).distance.tolist() == [[-1, 1, 0], [1, 0, 1]]


def test_destinations_in_any_order_and_twice() -> None:
    nodes, links = line(3, 4)
    trees = shortest(topology(nodes, links, capacity_bps=[1.0, 1.0], metric=[3, 4]), np.array([2, 0, 2], np.int32))
    assert trees.distance.tolist() == [[7, 4, 0], [0, 3, 7], [7, 4, 0]]
    assert trees.row(0) == 1
    with pytest.raises(KeyError):
        trees.row(1)


def test_what_is_no_metric_or_no_node_is_refused() -> None:
    nodes, links = line(1)
    network = topology(nodes, links, capacity_bps=[1e9])
    for metric in (0, -5, 1 << 61):
        with pytest.raises(InvalidInput, match="metric"):
            shortest(network.changed(metric=np.array([metric, 1])), np.array([0], np.int32))
    for node in (-1, 2):
        with pytest.raises(InvalidInput, match="destinations"):
            shortest(network, np.array([node], np.int32))
    # What is down has no metric that counts.
    down = network.changed(metric=np.array([0, 1]), up=np.array([False, True]))
    assert shortest(down, np.array([0, 1], np.int32)).distance.tolist() == [[0, 1], [-1, 0]]


def test_the_largest_metrics_of_is_is_add_up_along_a_long_chain() -> None:
    most = (1 << 24) - 2
    nodes, links = line(*[1] * 500)
    network = topology(nodes, links, capacity_bps=[1.0] * 500, metric=[most] * 500)
    assert shortest(network, np.array([500], np.int32)).distance[0, 0] == 500 * most


def test_more_than_fits_in_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spf, "MOST_PAIRS", 3)
    nodes, links = line(1)
    with pytest.raises(LimitExceeded):
        shortest(topology(nodes, links, capacity_bps=[1e9]), np.array([0, 1], np.int32))


def test_nothing_and_a_lone_node() -> None:
    alone = topology([Node("a")], [], capacity_bps=[])
    assert shortest(alone, np.array([0], np.int32)).distance.tolist() == [[0]]
    assert shortest(alone, np.array([], np.int32)).distance.shape == (0, 1)


@pytest.mark.parametrize("count", [0, 1, 5, 16, 17, 1000])
def test_blocks_cover_every_row_once(count: int) -> None:
    rows = [row for block in blocks(count) for row in range(block.start, block.stop)]
    assert rows == list(range(count))
    assert len(blocks(count)) == min(count, 16)
    assert len(blocks(count, steps=10)) == min(count, 1)  # too little to share out
