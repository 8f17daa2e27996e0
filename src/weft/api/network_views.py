"""Parts of answers about the network: links, ways, demands, with their names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from weft.api.models.network import (
    ArcState,
    DemandSource,
    Endpoint,
    LinkLoad,
    LinkName,
    NetworkNode,
    NetworkTotals,
    PathArc,
    PathHop,
    Way,
)
from weft.network import paths
from weft.network.evaluate import Evaluation
from weft.network.places import Place
from weft.network.snapshot import Snapshot
from weft.network.topology import Topology


def arc_state(evaluation: Evaluation, arc: int) -> ArcState:
    """One direction of a link under load."""
    return ArcState(
        bps=float(evaluation.load_bps[arc]), utilisation=float(evaluation.utilisation[arc]),
        delay_ms=float(evaluation.delay_s[arc]) * 1000, loss=float(evaluation.loss[arc]),
    )  # fmt: skip


def link_name(topology: Topology, at: int) -> LinkName:
    """Which link, and what it joins."""
    link = topology.links[at]
    a, b = topology.nodes[link.a], topology.nodes[link.b]
    return LinkName(
        id=link.id, a=a.name, b=b.name, a_interface=link.a_interface, b_interface=link.b_interface,
        a_site=a.site, b_site=b.site, kind=link.kind, provider=link.provider,
    )  # fmt: skip


def link_load(snapshot: Snapshot, at: int) -> LinkLoad:
    """A link and what the model puts on it."""
    topology, evaluation = snapshot.network.topology, snapshot.evaluation
    link, measured = topology.links[at], snapshot.measured_bps
    forward, backward = 2 * at, 2 * at + 1
    return LinkLoad(
        **link_name(topology, at).model_dump(), circuit=link.circuit, srlgs=list(link.srlgs),
        capacity_bps=float(topology.capacity_bps[forward]), metric_forward=int(topology.metric[forward]),
        metric_backward=int(topology.metric[backward]), up=bool(topology.up[forward] and topology.up[backward]),
        forward=arc_state(evaluation, forward), backward=arc_state(evaluation, backward),
        measured_forward_bps=known(measured, forward), measured_backward_bps=known(measured, backward),
    )  # fmt: skip


def known(values: np.ndarray | None, at: int) -> float | None:
    """A value of an array; None where it is not known."""
    if values is None or at >= len(values) or not math.isfinite(values[at]):
        return None
    return float(values[at])


def milliseconds(seconds: float | None) -> float | None:
    """Seconds that may be missing, as milliseconds."""
    return None if seconds is None or not math.isfinite(seconds) else float(seconds) * 1000


def node_view(snapshot: Snapshot, at: int) -> NetworkNode:
    """A node with its title."""
    node = snapshot.network.topology.nodes[at]
    return NetworkNode(
        name=node.name, kind=node.kind.value, title=snapshot.places.title(node), site=node.site, role=node.role,
        overloaded=node.carries and not snapshot.network.topology.transit[at],
    )  # fmt: skip


def demand_source(snapshot: Snapshot) -> DemandSource:
    """Where the traffic matrix comes from."""
    matrix = snapshot.matrix
    return DemandSource(
        kind=matrix.kind, text=matrix.text, demands=len(matrix.demands), bps=float(matrix.demands.bps.sum()),
        seen_share=matrix.seen_share, error=matrix.error, link_error=snapshot.link_error,
    )  # fmt: skip


def worst(evaluation: Evaluation) -> tuple[float, str]:
    """Highest utilisation, and the link that has it."""
    used = np.where(evaluation.load_bps > 0, evaluation.utilisation, 0.0)
    if not len(used) or not used.max() > 0:
        return 0.0, ""
    at = int(np.argmax(used))
    return float(used[at]), evaluation.network.topology.links[at // 2].id


def totals(evaluation: Evaluation, threshold: float) -> NetworkTotals:
    """The whole network in one state."""
    most, link = worst(evaluation)
    arrives = evaluation.delivered_bps > 0
    weight = evaluation.delivered_bps[arrives]
    mean = float((weight * evaluation.demand_delay_s[arrives]).sum() / weight.sum()) if len(weight) else None
    return NetworkTotals(
        offered_bps=float(evaluation.network.demands.bps.sum()), delivered_bps=float(evaluation.delivered_bps.sum()),
        unreachable_bps=float(evaluation.unrouted_bps.sum()), blackholed_bps=float(evaluation.blackholed_bps.sum()),
        max_utilisation=most, worst_link=link, mean_delay_ms=milliseconds(mean),
        over_threshold=int(((evaluation.utilisation >= threshold) & (evaluation.load_bps > 0)).sum()),
    )  # fmt: skip


def endpoint(place: Place, topology: Topology) -> Endpoint:
    """A place in a question, as it was understood."""
    return Endpoint(
        asked=place.asked, kind=place.kind, title=place.title,
        node=topology.nodes[place.node].name if place.node >= 0 else "", prefix=place.prefix,
    )  # fmt: skip


def way_view(way: paths.Way, measured: np.ndarray | None) -> Way:
    """One direction of a path."""
    topology = way.network.topology
    arcs = {hop.arc: _path_arc(topology, hop, measured) for hop in way.hops}
    worst_hop = way.bottleneck
    return Way(
        reachable=way.reachable, why=way.why, hops=list(_hops(way, arcs)), arcs=list(arcs.values()),
        equal_paths=way.equal_ways, delay_ms=milliseconds(way.delay_s), loss=way.loss, metric=way.metric,
        exit_node=topology.nodes[way.exit_node].name if way.exit_node >= 0 else "",
        exit_link=topology.links[way.exit_link].id if way.exit_link >= 0 else "",
        bottleneck=topology.links[worst_hop.link].id if worst_hop else "",
        bottleneck_utilisation=worst_hop.utilisation if worst_hop else None, narrowest_bps=way.narrowest_bps,
        tunnels=list(way.tunnels),
    )  # fmt: skip


def _path_arc(topology: Topology, hop: paths.Hop, measured: np.ndarray | None) -> PathArc:
    return PathArc(
        link=topology.links[hop.link].id, a=topology.nodes[topology.source[hop.arc]].name,
        b=topology.nodes[topology.target[hop.arc]].name, forward=hop.is_forward, fraction=hop.share,
        state=ArcState(
            bps=hop.load_bps, utilisation=hop.utilisation, delay_ms=hop.delay_s * 1000, loss=hop.loss
        ),
        capacity_bps=hop.capacity_bps, measured_bps=known(measured, hop.arc),
    )  # fmt: skip


def _hops(way: paths.Way, arcs: Mapping[int, PathArc]) -> Iterable[PathHop]:
    topology = way.network.topology
    at = [way.source, *(int(topology.target[arc]) for arc in way.main)]
    leaving = [int(topology.source[hop.arc]) for hop in way.hops]
    for place, node in enumerate(at):
        one = topology.nodes[node]
        out = arcs[way.main[place]] if place < len(way.main) else None
        yield PathHop(
            node=one.name, kind=one.kind.value, site=one.site, out=out, ways=max(1, leaving.count(node))
        )  # fmt: skip


def node_names(topology: Topology, start: int, way: Sequence[int]) -> list[str]:
    """Nodes along a way; empty where there is none."""
    return [topology.nodes[at].name for at in (start, *(topology.target[arc] for arc in way))] if way else []
