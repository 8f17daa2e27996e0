"""A network with changes made to it: another network, the old one untouched.

Nodes and links keep their positions, so that loads before and after can be laid side by side; new links come last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from weft.errors import InvalidInput
from weft.network.build import METRIC_PER_S, link_id
from weft.network.changes import (
    AddDemand,
    AddLink,
    Change,
    FailLink,
    FailNode,
    FailSrlg,
    Maintenance,
    Overload,
    ScaleDemand,
    SetCapacity,
    SetMetric,
    Withdraw,
)
from weft.network.demands import Demands
from weft.network.places import Place, Places
from weft.network.routing import ExternalRoute
from weft.network.state import Network
from weft.network.topology import Link, Topology

#: Metric of what is drained: the largest wide metric of IS-IS that still forwards (RFC 5305 §3).
DRAINED_METRIC = 2**24 - 2


@dataclass(frozen=True)
class Applied:
    """A changed network, and how it came to be."""

    network: Network
    drained: Network | None  # with maintenance: traffic led away, nothing switched off yet
    failed_nodes: tuple[int, ...]
    down_links: tuple[int, ...]  # links that the changes take down
    notes: tuple[str, ...]


@dataclass
class _State:
    """The arrays while changes are made."""

    places: Places
    topology: Topology
    network: Network
    capacity: NDArray[np.float64]
    metric: NDArray[np.int64]
    up: NDArray[np.bool_]
    transit: NDArray[np.bool_]
    demands: Demands
    failed_nodes: dict[int, None] = field(default_factory=dict)
    down_links: dict[int, None] = field(default_factory=dict)
    drained_nodes: list[int] = field(default_factory=list)
    drained_links: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def fail_links(self, links: Sequence[int]) -> None:
        for at in links:
            self.down_links[at] = None
            self.up[[2 * at, 2 * at + 1]] = False

    def fail_nodes(self, nodes: Sequence[int]) -> None:
        for at in nodes:
            self.failed_nodes[at] = None
        self.fail_links(_links_at(self.topology, nodes))


def apply(network: Network, changes: Sequence[Change], places: Places) -> Applied:
    """Make the changes, in their order. Raises ``InvalidInput`` where one names what is not there."""
    topology = _with_links(network.topology, [one for one in changes if isinstance(one, AddLink)], places)
    state = _State(
        places, topology, network, topology.capacity_bps.copy(), topology.metric.copy(), topology.up.copy(),
        topology.transit.copy(), network.demands,
    )  # fmt: skip
    for at, change in enumerate(changes):
        _make(state, change, f"changes.{at}")
    after = topology.changed(capacity_bps=state.capacity, metric=state.metric, up=state.up, transit=state.transit)
    changed = state.network.changed(topology=after, demands=state.demands)
    return Applied(
        changed, _drained(state, changed) if state.drained_nodes or state.drained_links else None,
        tuple(state.failed_nodes), tuple(state.down_links), tuple(state.notes),
    )  # fmt: skip


def _make(state: _State, change: Change, where: str) -> None:
    places = state.places
    match change:
        case FailLink():
            state.fail_links(places.links(change.link, f"{where}.link"))
        case FailNode():
            state.fail_nodes(_nodes(places, change.node, f"{where}.node"))
        case FailSrlg():
            state.fail_links(_srlg(state.topology, change.srlg, f"{where}.srlg"))
        case Maintenance():
            _maintain(state, change, where)
        case AddDemand():
            _add_demand(state, change, where)
        case ScaleDemand():
            _scale(state, change, where)
        case SetCapacity() | SetMetric():
            _set(state, change, where)
        case Withdraw():
            _withdraw(state, change, where)
        case Overload():
            state.transit[list(_nodes(places, change.node, f"{where}.node"))] = False
        case AddLink():
            pass  # is there already


def _set(state: _State, change: SetCapacity | SetMetric, where: str) -> None:
    for at in state.places.links(change.link, f"{where}.link"):
        if isinstance(change, SetCapacity):
            state.capacity[[2 * at, 2 * at + 1]] = change.capacity_bps
            continue
        if change.direction != "backward":
            state.metric[2 * at] = change.metric
        if change.direction != "forward":
            state.metric[2 * at + 1] = change.metric


# --- topology --------------------------------------------------------------------------------------------------------


def _with_links(topology: Topology, wanted: Sequence[AddLink], places: Places) -> Topology:
    """The topology with new links behind the others."""
    if not wanted:
        return topology
    links: list[Link] = []
    capacity, delay, metric = [], [], []
    taken = set(topology.link_positions)
    for one in wanted:
        a, b = (_one_node(places, text, "add_link") for text in (one.a, one.b))
        if a == b:
            raise InvalidInput(f"{one.a!r} and {one.b!r} are the same device", where="add_link")
        names = [topology.nodes[at].name for at in (a, b)]
        key = next(
            key for n in range(len(taken) + 1) if (key := link_id(names[0], f"new{n}", names[1])) not in taken
        )  # fmt: skip
        taken.add(key)
        links.append(Link(key, a, b, kind="new"))
        capacity.append(one.capacity_bps)
        delay.append(one.delay_ms / 1000)
        metric.append(one.metric or max(1, round(one.delay_ms / 1000 * METRIC_PER_S)))
    return replace(
        topology, links=(*topology.links, *links),
        capacity_bps=np.concatenate((topology.capacity_bps, np.repeat(capacity, 2))),
        delay_s=np.concatenate((topology.delay_s, np.repeat(delay, 2))),
        metric=np.concatenate((topology.metric, np.repeat(np.array(metric, np.int64), 2))),
        up=np.concatenate((topology.up, np.ones(2 * len(links), np.bool_))),
    )  # fmt: skip


def _nodes(places: Places, text: str, where: str) -> tuple[int, ...]:
    place = places.find(text, where)
    if not place.nodes:
        raise InvalidInput(f"{text[:80]!r} is no part of the network", where=where, fix="Name a device or a site.")
    return place.nodes


def _one_node(places: Places, text: str, where: str) -> int:
    _nodes(places, text, where)
    return places.find(text, where).node


def _srlg(topology: Topology, name: str, where: str) -> tuple[int, ...]:
    found = topology.srlgs.get(name)
    if found is None:
        known = ", ".join(sorted(topology.srlgs)[:8])
        fix = f"Known are {known}." if known else "Links state them as srlg in the inventory."
        raise InvalidInput(f"there is no shared risk group {name[:80]!r}", where=where, fix=fix)
    return found


def _links_at(topology: Topology, nodes: Sequence[int]) -> list[int]:
    hit = np.zeros(len(topology.nodes), np.bool_)
    hit[list(nodes)] = True
    ends = hit[topology.source] | hit[topology.target]
    return [int(at) for at in np.flatnonzero(ends[::2])]


def _maintain(state: _State, change: Maintenance, where: str) -> None:
    if not change.nodes and not change.links:
        raise InvalidInput("names neither devices nor links", where=where)
    nodes = [at for text in change.nodes for at in _nodes(state.places, text, f"{where}.nodes")]
    links = [at for text in change.links for at in state.places.links(text, f"{where}.links")]
    state.drained_nodes += nodes
    state.drained_links += links
    state.fail_nodes(nodes)
    state.fail_links(links)


def _drained(state: _State, after: Network) -> Network:
    """What maintenance takes away is still up, but led around: overloaded nodes, links of the largest metric."""
    topology = after.topology
    up, transit, metric = topology.up.copy(), topology.transit.copy(), topology.metric.copy()
    before = state.network.topology.up
    links = {*state.drained_links, *_links_at(topology, state.drained_nodes)}
    for at in links:
        arcs = [2 * at, 2 * at + 1]
        if 2 * at < len(before):
            up[arcs] = before[arcs]
    transit[state.drained_nodes] = False
    metric[[arc for at in state.drained_links for arc in (2 * at, 2 * at + 1)]] = DRAINED_METRIC
    return after.changed(topology=topology.changed(up=up, transit=transit, metric=metric))


# --- demands ---------------------------------------------------------------------------------------------------------


def _add_demand(state: _State, change: AddDemand, where: str) -> None:
    places, demands = state.places, state.demands
    source = places.find(change.ingress, f"{where}.ingress")
    if source.node < 0:
        raise InvalidInput(
            f"traffic cannot begin at {change.ingress[:80]!r}: it is behind several neighbours",
            where=f"{where}.ingress", fix="Name the neighbour that it comes from, or a border.",
        )  # fmt: skip
    target = places.find(change.egress, f"{where}.egress")
    state.network, target = places.with_routes(target, state.network)
    classes = demands.classes
    if change.traffic_class not in classes:
        classes = (*classes, change.traffic_class)
    state.demands = Demands(
        np.append(demands.ingress, np.int32(source.node)), np.append(demands.egress, np.int32(target.node)),
        np.append(demands.group, np.int32(target.group if target.node < 0 else -1)),
        np.append(demands.traffic_class, np.int16(classes.index(change.traffic_class))),
        np.append(demands.bps, change.bps), classes,
    )  # fmt: skip


def _scale(state: _State, change: ScaleDemand, where: str) -> None:
    demands, mask = state.demands, np.ones(len(state.demands), np.bool_)
    if change.ingress:
        mask &= np.isin(demands.ingress, _nodes(state.places, change.ingress, f"{where}.ingress"))
    if change.egress:
        mask &= _towards(demands, state.places.find(change.egress, f"{where}.egress"))
    if change.traffic_class:
        if change.traffic_class not in demands.classes:
            known = ", ".join(filter(None, demands.classes)) or "only one, without a name"
            raise InvalidInput(
                f"there is no traffic class {change.traffic_class!r}", where=f"{where}.traffic_class",
                fix=f"Known: {known}.",
            )  # fmt: skip
        mask &= demands.traffic_class == demands.classes.index(change.traffic_class)
    if not mask.any():
        state.notes.append("no known traffic is scaled: there is none of that kind")
    state.demands = replace(demands, bps=np.where(mask, demands.bps * change.factor, demands.bps))


def _towards(demands: Demands, place: Place) -> NDArray[np.bool_]:
    if place.node >= 0:
        return np.isin(demands.egress, place.nodes)
    return demands.group == place.group if place.group >= 0 else np.zeros(len(demands), np.bool_)


# --- routes ----------------------------------------------------------------------------------------------------------


def _withdraw(state: _State, change: Withdraw, where: str) -> None:
    if not (change.prefixes or change.node or change.provider or change.link):
        raise InvalidInput(
            "names nothing that is withdrawn", where=where, fix="Give prefixes, a node, provider or link."
        )
    places, routing = state.places, state.network.routing
    groups: set[int] | None = None
    if change.prefixes:
        groups = set()
        for text in change.prefixes:
            found, note = places.groups(text, f"{where}.prefixes")
            groups.update(found)
            state.notes += [note] if note else []
    nodes = set(_nodes(places, change.node, f"{where}.node")) if change.node else None
    links = set(places.links(change.link, f"{where}.link")) if change.link else None
    provider = _provider(places, change.provider, f"{where}.provider") if change.provider else None

    def matches(route: ExternalRoute) -> bool:
        link = state.topology.links[route.link]
        return (
            (groups is None or route.group in groups)
            and (nodes is None or route.node in nodes)
            and (links is None or route.link in links)
            and (provider is None or provider[0] == route.neighbor_as or provider[1] in (link.a, link.b))
        )

    kept = tuple(route for route in routing.routes if not matches(route))
    if len(kept) == len(routing.routes):
        state.notes.append("nothing is withdrawn: no known route is of that kind")
    state.network = state.network.changed(routing=replace(routing, routes=kept))


def _provider(places: Places, text: str, where: str) -> tuple[int, int]:
    """AS number and node of a provider; -2 for what it has not."""
    place = places.find(text, where)
    if place.node < 0:
        name = place.prefix.removeprefix("AS")
        return (int(name) if name.isdigit() else -2), -2
    return places.network.topology.nodes[place.node].asn or -2, place.node
