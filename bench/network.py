"""Loads of a network, what a failure changes, and every failure of a link: at 1 000 nodes, 4 000 links, 100 k demands.

    python -m bench.network [--nodes 1000] [--links 4000] [--demands 100000] [--reference 20]

The network is a backbone as they grow: a random tree and chords between nodes that lie near each other on a map.
Metrics go by distance in one case and are all the same in the other (more equal-cost paths). The peer is the bar.
``reference`` is networkx with the same question, Dijkstra from every destination and loads in Python, for some of the
destinations and scaled up. What is asked repeatedly is told as median, worst and best; ``cpu`` is of all cores.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from weft.network.demands import Demands, demands
from weft.network.incremental import Baseline
from weft.network.load import loads, over_fan, response
from weft.network.spf import shortest
from weft.network.sweep import sweep
from weft.network.topology import Link, Node, Topology, topology

RUNS = 15
_Ask = TypeVar("_Ask")


def emit(case: str, value: float, unit: str, bar: float | None = None, **more: float) -> None:
    """One result line."""
    ratio = None if bar is None else round(value / bar, 3)
    line = {"bench": "network", "case": case, "value": float(f"{value:.3g}"), "unit": unit,
            "peer": None if bar is None else "bar", "peer_value": bar, "ratio": ratio}  # fmt: skip
    print(json.dumps(line | {name: float(f"{one:.3g}") for name, one in more.items()}), flush=True)


def backbone(rng: np.random.Generator, nodes: int, links: int, by_distance: bool) -> Topology:
    """A connected network on a map."""
    place = rng.random((nodes, 2))
    ends = [(_near(rng, place[:at], place[at]), at) for at in range(1, nodes)]
    while len(ends) < links:
        at = int(rng.integers(nodes))
        other = _near(rng, place, place[at])
        if other != at:
            ends.append((at, other))
    length = np.array([np.hypot(*(place[a] - place[b])) for a, b in ends])
    return topology(
        [Node(f"n{at}") for at in range(nodes)],
        [Link(f"l{at}", a, b) for at, (a, b) in enumerate(ends)],
        capacity_bps=rng.choice([1e10, 1e11, 4e11], links),
        delay_s=length * 0.05,
        metric=np.maximum(1, (length * 1000).astype(np.int64)) if by_distance else np.ones(links, np.int64),
    )


def _near(rng: np.random.Generator, places: NDArray[np.float64], here: NDArray[np.float64]) -> int:
    """A node that lies near, now and then one that does not."""
    some = rng.integers(0, len(places), 8)
    return int(some[np.hypot(*(places[some] - here).T).argmin()])


def matrix(rng: np.random.Generator, nodes: int, count: int) -> Demands:
    """Demands by gravity: few nodes have most of the traffic."""
    mass = rng.lognormal(0, 1, nodes)
    ends = rng.choice(nodes, (2, count), p=mass / mass.sum()).astype(np.int32)
    return demands(ends[0], ends[1], rng.lognormal(15, 1.5, count))


def timed(case: str, bar: float | None, work: Sequence[_Ask], ask: Callable[[_Ask], object]) -> None:
    """Milliseconds of a question, over and over."""
    took, used = [], []
    for one in work:
        began, before = time.perf_counter(), time.process_time()
        ask(one)
        took.append((time.perf_counter() - began) * 1000)
        used.append((time.process_time() - before) * 1000)
    emit(case, float(np.median(took)), "ms", bar, worst=max(took), best=min(took), cpu_ms=float(np.median(used)))


def reference(network: Topology, wanted: Demands, some: int, found: NDArray[np.float64]) -> None:
    """CPU seconds that networkx would need for one evaluation, and how far its loads are from ours."""
    graph = nx.MultiDiGraph()
    for arc in range(len(network.source)):  # backwards: towards the destination
        graph.add_edge(int(network.target[arc]), int(network.source[arc]), key=arc, weight=int(network.metric[arc]))
    ends = np.unique(wanted.egress)
    chosen = ends[:: max(1, len(ends) // some)]
    load, began = np.zeros(len(network.source)), time.process_time()
    for end in chosen.tolist():
        far = nx.single_source_dijkstra_path_length(graph, end)
        mine = wanted.egress == end
        flow = np.bincount(wanted.ingress[mine], wanted.bps[mine], len(network.nodes))
        for node in sorted(far, key=far.__getitem__, reverse=True)[:-1]:
            hops = [(near, arc) for near, _, arc, cost in graph.in_edges(node, keys=True, data="weight")
                    if near in far and far[near] + cost == far[node]]  # fmt: skip
            for near, arc in hops:
                load[arc] += flow[node] / len(hops)
                flow[near] += flow[node] / len(hops)
    took = (time.process_time() - began) * len(ends) / len(chosen)
    ours = loads(network, wanted.take(np.isin(wanted.egress, chosen))).bps
    assert found.shape == ours.shape
    emit("networkx, one evaluation", took, "CPU-s", difference=float(np.abs(ours - load).max() / load.max()))


def measure(name: str, network: Topology, wanted: Demands, some: int) -> None:
    """All questions of one network."""
    arcs = np.random.default_rng(3).permutation(len(network.links))[:200] * 2
    pairs = [np.array([arc, arc + 1]) for arc in arcs.tolist()]
    found = loads(network, wanted)
    timed(f"{name}: one evaluation", 150, [None] * RUNS, lambda _: loads(network, wanted))
    every = np.arange(len(network.nodes), dtype=np.int32)
    trees = shortest(network, every)
    timed(f"{name}: shortest paths of all pairs", None, [None] * RUNS, lambda _: shortest(network, every))
    timed(f"{name}: loads on known paths", None, [None] * RUNS, lambda _: loads(network, wanted, trees))
    kept = np.ones(len(network.source))
    timed(f"{name}: mean delay of all pairs", None, [None] * RUNS,
          lambda _: over_fan(network, trees, network.delay_s, kept))  # fmt: skip
    timed(f"{name}: arcs of every demand", None, [None] * 3, lambda _: response(network, wanted.ingress, wanted.egress))
    baseline = Baseline(network, wanted)
    timed(f"{name}: a link fails", 20, pairs, baseline.failed)
    for what, factor in (("doubled", 2.0), ("halved", 0.5)):
        changes = [(int(pair[0]), max(1, int(network.metric[pair[0]] * factor))) for pair in pairs[:60]]
        timed(f"{name}: one metric {what}", 20, changes, lambda change: baseline.changed_metric(*change))
    up = network.up.copy()
    up[pairs[0]] = False
    plain, quick = loads(network.changed(up=up), wanted).bps, baseline.failed(pairs[0]).bps
    emit(f"{name}: a failure, beside evaluating anew", float(np.abs(plain - quick).max() / plain.max()), "difference")
    sweep(baseline, pairs[:2])
    began, before = time.perf_counter(), time.process_time()
    result = sweep(baseline)
    emit(f"{name}: every link fails", time.perf_counter() - began, "s", 60, cpu=time.process_time() - before,
         failures=len(result.max_utilisation))  # fmt: skip
    reference(network, wanted, some, found.bps)


def main() -> None:
    """Prints one line per case."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, count in (("nodes", 1000), ("links", 4000), ("demands", 100_000), ("reference", 20)):
        parser.add_argument(f"--{name}", type=int, default=count)
    asked = parser.parse_args()
    rng = np.random.default_rng(1)
    wanted = matrix(rng, asked.nodes, asked.demands)
    for name, by_distance in (("metrics by distance", True), ("all metrics 1", False)):
        measure(name, backbone(rng, asked.nodes, asked.links, by_distance), wanted, asked.reference)


if __name__ == "__main__":
    main()
