"""One evaluation of a whole network: exits by BGP, loads, delay and loss, at 1 000 nodes, 4 000 links, 100 k demands.

    python -m bench.network_evaluate [--nodes 1000] [--links 4000] [--demands 100000]

The backbone of ``bench.network``, with 50 neighbour networks over 100 lines and 200 prefix groups of six routes each;
half of the demands go there. Then with a thousand tunnels and twenty rate limits at every node.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
from bench.network import RUNS, backbone, matrix, timed

from weft.network.demands import Demands
from weft.network.egress import resolve
from weft.network.evaluate import Evaluation, evaluate
from weft.network.paths import path
from weft.network.routing import Entry, EntryAction, ExternalRoute, PrefixGroup, Routing, Tunnel
from weft.network.state import Network
from weft.network.topology import Link, Node, NodeKind, Topology

NEIGHBOURS, LINES, GROUPS, ROUTES = 50, 100, 200, 6


def with_neighbours(rng: np.random.Generator, inner: Topology, wanted: Demands) -> Network:
    """The network with others around it; every second demand is for a prefix group."""
    count, lines = len(inner.nodes), len(inner.links)
    border = rng.integers(0, count, LINES)
    links = [Link(f"x{at}", int(border[at]), count + at % NEIGHBOURS) for at in range(LINES)]
    outer = Topology(
        inner.nodes + tuple(Node(f"AS{64512 + at}", NodeKind.AS) for at in range(NEIGHBOURS)),
        inner.links + tuple(links),
        np.concatenate([inner.capacity_bps, np.full(2 * LINES, 1e11)]),
        np.concatenate([inner.delay_s, np.full(2 * LINES, 1e-3)]),
        np.concatenate([inner.metric, np.ones(2 * LINES, np.int64)]),
        np.ones(len(inner.up) + 2 * LINES, np.bool_), np.ones(count + NEIGHBOURS, np.bool_),
    )  # fmt: skip
    routes = tuple(
        ExternalRoute(group, int(border[at]), lines + int(at), as_path_length=int(rng.integers(1, 3)),
                      neighbor_as=64512 + int(at) % NEIGHBOURS, med=int(rng.integers(3)))
        for group in range(GROUPS)
        for at in rng.choice(LINES, ROUTES, replace=False)
    )  # fmt: skip
    outside = np.arange(len(wanted)) % 2 == 0
    group = np.where(outside, rng.integers(0, GROUPS, len(wanted)), -1).astype(np.int32)
    asked = replace(wanted, group=group, egress=np.where(outside, -1, wanted.egress).astype(np.int32))
    return Network(outer, Routing(tuple(PrefixGroup(f"g{at}") for at in range(GROUPS)), routes), asked)


def with_rules(rng: np.random.Generator, network: Network, nodes: int) -> Network:
    """The same with rules that match two fifths of the demands."""
    limits = tuple(Entry(EntryAction.RATE_LIMIT, group=group, rate_bps=1e9, share=0.5) for group in range(20))
    tunnels = tuple(
        Tunnel(f"t{at}", int(head), (("node", int(middle)), ("node", int(end))), egress=int(end))
        for at, (head, middle, end) in enumerate(rng.integers(0, nodes, (1000, 3)))
    )
    return network.changed(routing=replace(network.routing, entries=limits, tunnels=tunnels))


def main() -> None:
    """Prints one line per case."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, count in (("nodes", 1000), ("links", 4000), ("demands", 100_000)):
        parser.add_argument(f"--{name}", type=int, default=count)
    asked = parser.parse_args()
    rng = np.random.default_rng(1)
    wanted = matrix(rng, asked.nodes, asked.demands)
    network = with_neighbours(rng, backbone(rng, asked.nodes, asked.links, True), wanted)
    known = evaluate(network)
    timed("one evaluation", 150, [None] * RUNS, lambda _: evaluate(network))
    timed("exits of all demands, on known paths", None, [None] * RUNS, lambda _: resolve(network, known.resolved))
    timed("one evaluation, on known paths", None, [None] * RUNS, lambda _: evaluate(network, known))
    ruled = with_rules(rng, network, asked.nodes)
    there: Evaluation = evaluate(ruled)
    timed("one evaluation, two fifths followed hop by hop", None, [None] * 3, lambda _: evaluate(ruled))
    timed("a path and its way back", None, list(range(RUNS)), lambda at: path(ruled, there, at, group=at))


if __name__ == "__main__":
    main()
