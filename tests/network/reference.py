"""An independent way to the same numbers: networkx for distances, one demand at a time for loads."""

from __future__ import annotations

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from weft.network.demands import Demands, demands
from weft.network.topology import Link, Node, Topology, topology


def random_topology(seed: int, nodes: int = 14, links: int = 26, most_metric: int = 4) -> Topology:
    """A multigraph with ties, parallel links, overloaded nodes, arcs that are down one way, maybe in several parts."""
    rng = np.random.default_rng(seed)
    ends = [rng.choice(nodes, 2, replace=False) for _ in range(links)]
    ends += [ends[0], ends[0][::-1], ends[1]]  # parallel links
    made = topology(
        [Node(f"n{at}") for at in range(nodes)],
        [Link(f"l{at}", int(a), int(b)) for at, (a, b) in enumerate(ends)],
        capacity_bps=rng.uniform(1e9, 1e11, len(ends)),
        delay_s=rng.uniform(0, 0.05, len(ends)),
    )
    arcs = 2 * len(ends)
    return made.changed(
        metric=rng.integers(1, most_metric + 1, arcs),  # not the same both ways
        up=rng.random(arcs) > 0.05,
        transit=rng.random(nodes) > 0.1,
    )


def random_demands(seed: int, nodes: int, count: int = 60) -> Demands:
    """Demands between nodes; some end where they begin, some are nothing, some pairs come more than once."""
    rng = np.random.default_rng([seed, 1])
    bps = np.where(rng.random(count) < 0.05, 0.0, rng.lognormal(18, 2, count))
    return demands(rng.integers(0, nodes, count).astype(np.int32), rng.integers(0, nodes, count).astype(np.int32), bps)


def distances(network: Topology, destination: int) -> dict[int, int]:
    """Distance of each node that reaches the destination without passing through an overloaded one."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(len(network.nodes)))
    for arc, (a, b) in enumerate(zip(network.source.tolist(), network.target.tolist(), strict=True)):
        if network.up[arc] and (network.transit[b] or b == destination):
            graph.add_edge(b, a, weight=int(network.metric[arc]))  # walked from the destination
    return dict(nx.single_source_dijkstra_path_length(graph, destination))


def brute_loads(network: Topology, wanted: Demands) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Loads of arcs and unrouted rates, as ``weft.network.load.loads`` tells them."""
    load, unrouted = np.zeros(len(network.source)), np.zeros(len(wanted))
    known = {int(node): distances(network, int(node)) for node in np.unique(wanted.egress)}
    for at in range(len(wanted)):
        start, end = int(wanted.ingress[at]), int(wanted.egress[at])
        if start not in known[end]:
            unrouted[at] = wanted.bps[at]
        else:
            _walk(network, known[end], start, end, float(wanted.bps[at]), load)
    return load, unrouted


def _walk(
    network: Topology, far: dict[int, int], node: int, end: int, bps: float, load: NDArray[np.float64]
) -> None:  # fmt: skip
    if node == end:
        return
    hops = [
        arc
        for arc in np.flatnonzero((network.source == node) & network.up).tolist()
        if (network.transit[network.target[arc]] or network.target[arc] == end)
        and far.get(int(network.target[arc]), -1 << 40) + network.metric[arc] == far[node]
    ]
    for arc in hops:
        load[arc] += bps / len(hops)
        _walk(network, far, int(network.target[arc]), end, bps / len(hops), load)


def close(found: NDArray[np.float64], expected: NDArray[np.float64]) -> None:
    """Equal to 1e-9 of the largest value."""
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * max(1.0, float(np.abs(expected).max(initial=0))))
