"""The network at one moment as a picture: which nodes and lines there are, how loaded, and where to draw them."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, Protocol, TypeVar, cast

import numpy as np

from weft.api.devices_queries import interface_traffic
from weft.api.devices_readings import RATE_WINDOW_S, TRAFFIC, TROUBLE, Readings, Telemetry
from weft.api.errors import NotFound
from weft.api.models.base import Status
from weft.api.models.topology import Crumb, EdgeView, LinkView, Measured, NodeView, TimelineView, TopologyView
from weft.api.topology_flows import flow_rates
from weft.api.topology_layout import layout
from weft.api.topology_load import FlowRates, edge_view, link_view, oper_of, turned, weakest
from weft.api.topology_network import End, Machine, Network, Place, Wire
from weft.errors import WeftError
from weft.model.views import ViewResult, Window
from weft.query.model import Query
from weft.query.times import lay_grid, parse_time

Level = Literal["site", "device"]
Made = TypeVar("Made")
#: A picture of now is as good for this long, one of the past for ever; so many are kept.
FRESH_S, KEPT = 2.0, 128
#: Rates of a live picture are taken over two readings of the usual counter and a little, but over so long at least.
LEAST_WINDOW_S, LATE_S = 10.0, 2.0
MOST_BUCKETS = 720
EARLIER = "The inventory knew nothing yet at that time: shown is the network as it is known now."
#: Device → interfaces up, interfaces down.
Counts = dict[str, tuple[int, int]]


class Asks(Protocol):
    """``weft.query.QueryEngine``, as far as it is asked here."""

    def run(self, query: Query) -> ViewResult:
        """Answer a question."""


class Topology:
    """Makes the pictures. ``networks`` answers the network as of a time (UTC seconds; None = now)."""

    def __init__(
        self,
        networks: Callable[[float | None], Network],
        telemetry: Telemetry,
        questions: Asks,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._networks, self._telemetry, self._questions, self._clock = networks, telemetry, questions, clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Any, ...], tuple[float, Any]] = OrderedDict()

    def view(self, at: str = "now", level: Level = "site", site: str = "") -> TopologyView:
        """The picture of sites, or of the devices of one site (all without ``site``), at a time."""
        now = self._clock()
        moment = min(parse_time(at, now, "at"), int(now))
        live = moment >= now - RATE_WINDOW_S / 2
        return self._remember(("view", moment // FRESH_S if live else moment, level, site), live, lambda: self._view(
            moment, live, level, site
        ))  # fmt: skip

    def timeline(
        self, since: str, until: str, every: int | None, level: Level = "site", site: str = ""
    ) -> TimelineView:
        """Utilisation of every edge of a picture over time."""
        now = self._clock()
        start, end = parse_time(since, now, "since"), parse_time(until, now, "until")
        step = max(every or max(60, -(-(end - start) // 96)), -(-(end - start) // MOST_BUCKETS), 10)
        grid = lay_grid(start, end, now, step=step if every else None, points=96)
        live = grid.until > now - RATE_WINDOW_S
        key = ("timeline", grid.start, grid.step, grid.count, level, site)
        return self._remember(key, live, lambda: self._timeline(grid.start, grid.step, grid.count, level, site))

    def _remember(self, key: tuple[Any, ...], live: bool, make: Callable[[], Made]) -> Made:
        """What was made of late. Two that ask at once may both make it: no harm but time."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and (not live or self._clock() - kept[0] < FRESH_S):
                self._kept.move_to_end(key)
                return cast("Made", kept[1])
        made = make()
        with self._lock:
            self._kept[key] = (self._clock(), made)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made

    # --- one moment -------------------------------------------------------------------------------------------------

    def _view(self, at: int, live: bool, level: Level, site: str) -> TopologyView:
        network, notes = self._network(at, live)
        _check(network, site)
        wires = _wires(network, level, site)
        readings, lately, since = self._readings(network, wires, at, live)
        flows, more = self._flows(network, wires, readings, at - RATE_WINDOW_S, at)

        def query(end: End) -> dict[str, Any]:
            return interface_traffic(network, end, since if end in lately else at - RATE_WINDOW_S, at)

        links = [link_view(wire, network, readings, flows, query) for wire in wires]
        edges = edges_of(links, level, site)
        nodes = _nodes(network, level, site, edges, readings)
        kind, nodes = _placed(nodes, edges)
        place = network.places.get(site)
        placed = [node for node in nodes if node.latitude is not None]
        return TopologyView(
            at=at, window=Window(since=since, until=at), level=level, site=site,
            site_title=place.title if place else site, layout=kind,  # type: ignore[arg-type]
            geographic=level == "site" and len(placed) * 2 >= len(nodes) and len(placed) > 1,
            nodes=nodes, edges=edges, notes=[*notes, *more],
            counts=Crumb(
                sites=len(network.places), devices=len(network.machines), links=len(network.wires),
                unplaced=sum(not machine.site for machine in network.machines.values()),
            ),
        )  # fmt: skip

    def _readings(self, network: Network, wires: Sequence[Wire], at: int, live: bool) -> tuple[Readings, set[End], int]:
        """Readings of all interfaces; ends whose rates are of the time since the third, the others' of the window."""
        asked = (*TRAFFIC, *TROUBLE)
        readings = self._telemetry.interfaces(network, asked, at, RATE_WINDOW_S) if wires else {}
        window = _live_window(wires, readings) if live else RATE_WINDOW_S
        lately: set[End] = set()
        if window < RATE_WINDOW_S:
            for key, known in self._telemetry.interfaces(network, asked, at, window).items():
                fresh = {name: reading for name, reading in known.items() if reading.rate is not None}
                readings[key] = readings.get(key, {}) | fresh
                lately |= {End(*key)} if fresh else set()
        for key, states in self._telemetry.states(network, at).items():
            readings[key] = readings.get(key, {}) | states
        return readings, lately, at - window

    def _network(self, at: int, live: bool) -> tuple[Network, list[str]]:
        """The network then; what is known now, with a note, for times before anything was known."""
        network = self._networks(None if live else float(at))
        if live or network.machines:
            return network, []
        present = self._networks(None)
        return present, [EARLIER] if present.machines else []

    def _flows(
        self, network: Network, wires: Sequence[Wire], readings: Readings, since: int, until: int
    ) -> tuple[FlowRates, list[str]]:
        """Rates by flows for the links of which no end has counters."""
        bare = [wire for wire in wires if not any(_counted(readings, end) for end in (wire.a, wire.b))]
        if not bare:
            return {}, []
        try:
            return flow_rates(self._questions, network, bare, since, until), []
        except WeftError as error:
            return {}, [f"Flows could not be asked for the links without counters: {error.message}"]

    # --- over time --------------------------------------------------------------------------------------------------

    def _timeline(self, start: int, step: int, count: int, level: Level, site: str) -> TimelineView:
        network = self._networks(None)
        _check(network, site)
        rates = self._telemetry.rates(network, TRAFFIC, start, step, count)
        forward: dict[str, list[Any]] = defaultdict(list)
        backward: dict[str, list[Any]] = defaultdict(list)
        measured: dict[str, list[Measured]] = defaultdict(list)
        for wire in _wires(network, level, site):
            key, _, _, swap = _edge_key(wire.id, wire.a, wire.b, wire.lag, network, level, site)
            ends = (wire.b, wire.a) if swap else (wire.a, wire.b)
            there = _used(rates, *ends, wire.capacity_bps)
            back = _used(rates, ends[1], ends[0], wire.capacity_bps)
            forward[key].append(there)
            backward[key].append(back)
            measured[key].append("none" if there is None and back is None else "counters")
        keys = list(forward)
        return TimelineView(
            start=start, step=step, count=count, edges=keys,
            forward=[_highest(forward[key], count) for key in keys],
            backward=[_highest(backward[key], count) for key in keys],
            measured=[weakest(measured[key]) for key in keys],
        )  # fmt: skip


def _check(network: Network, site: str) -> None:
    known = site in network.places or any(machine.site == site for machine in network.machines.values())
    if site and not known:
        raise NotFound(f"no site {site!r} is known at that time", where="site", fix="GET /api/v1/topology lists them")


def _live_window(wires: Sequence[Wire], readings: Readings) -> int:
    """How long rates of now are taken over, seconds: what most links are read often enough for."""
    took = sorted(
        reading.took_s
        for wire in wires
        for end in (wire.a, wire.b)
        for name, reading in readings.get((end.device, end.interface), {}).items()
        if name in TRAFFIC and reading.took_s > 0
    )
    if not took:
        return RATE_WINDOW_S
    return int(min(max(2 * took[len(took) // 2] + LATE_S, LEAST_WINDOW_S), RATE_WINDOW_S))


def _counted(readings: Readings, end: End) -> bool:
    known = readings.get((end.device, end.interface), {})
    return any(name in known and known[name].rate is not None for name in TRAFFIC)


def _wires(network: Network, level: Level, site: str) -> list[Wire]:
    """Links to draw: between sites, of one site, or all."""
    out = []
    for wire in network.wires:
        a, b = network.site_of(wire.a.device), network.site_of(wire.b.device)
        if (level == "site" and a != b) or (level == "device" and (not site or site in (a, b))):
            out.append(wire)
    return out


# --- edges ----------------------------------------------------------------------------------------------------------


def _node_of(device: str, at: str, level: Level, site: str) -> str:
    """Id of the node that a device is, or is part of."""
    if level == "site" or (site and at != site):
        return f"site:{at}"
    return f"device:{device}"


def _edge_key(
    link: str, a: End, b: End, lag: str, network: Network | dict[str, str], level: Level, site: str
) -> tuple[str, str, str, bool]:
    """Id and nodes of the edge that a link belongs to, and whether it runs against it."""
    at = network.site_of if isinstance(network, Network) else network.__getitem__
    one = _node_of(a.device, at(a.device), level, site)
    other = _node_of(b.device, at(b.device), level, site)
    swap = one > other
    one, other = sorted((one, other))
    if level == "site":
        return f"{one}--{other}", one, other, swap
    if lag:
        return f"{one}--{other}--{lag}", one, other, swap
    return link, one, other, swap


def edges_of(links: Iterable[LinkView], level: Level, site: str) -> list[EdgeView]:
    """Links gathered into lines: all between two sites, the members of an aggregate, or each by itself."""
    groups: dict[str, list[LinkView]] = defaultdict(list)
    nodes: dict[str, tuple[str, str]] = {}
    for link in links:
        sites = {link.a.device: link.a.site, link.b.device: link.b.site}
        a, b = End(link.a.device, link.a.interface), End(link.b.device, link.b.interface)
        key, one, other, swap = _edge_key(link.id, a, b, link.lag, sites, level, site)
        nodes[key] = (one, other)
        groups[key].append(turned(link) if swap else link)
    out = []
    for key, members in groups.items():
        kind = "link" if len(members) == 1 else "bundle" if level == "site" else "lag"
        out.append(edge_view(key, *nodes[key], kind, members))
    return out


def _used(rates: dict[tuple[str, str, str], Any], near: End, far: End, capacity: float) -> Any:
    octets = rates.get((near.device, near.interface, "out_octets"))
    if octets is None:
        octets = rates.get((far.device, far.interface, "in_octets"))
    return None if octets is None or not capacity else octets * 8 / capacity


def _highest(members: Sequence[Any], count: int) -> list[float | None]:
    """Bucket by bucket the most loaded member, rounded to what a picture can show."""
    known = [values for values in members if values is not None]
    if not known:
        return [None] * count
    most = np.fmax.reduce(known)
    return [None if np.isnan(value) else round(float(value), 4) for value in most]


# --- nodes ----------------------------------------------------------------------------------------------------------


def _nodes(network: Network, level: Level, site: str, edges: Sequence[EdgeView], readings: Readings) -> list[NodeView]:
    """Every node of the picture, linked or not."""
    traffic: dict[str, float] = defaultdict(float)
    trouble: dict[str, list[tuple[Status, str]]] = defaultdict(list)
    for edge in edges:
        for end in (edge.a, edge.b):
            traffic[end] += (edge.forward.bps or 0.0) + (edge.backward.bps or 0.0)
            if edge.status in (Status.WARNING, Status.CRITICAL):
                far = (edge.b if end == edge.a else edge.a).partition(":")[2] or "devices without a site"
                trouble[end].append((edge.status, f"to {far}: {', '.join(edge.reasons)}"))
    ids = {node for edge in edges for node in (edge.a, edge.b)}
    counts = _interface_counts(readings)
    if level == "site":
        sites = {*network.places, *(machine.site for machine in network.machines.values())}
        nodes = [_site_node(network, name, counts) for name in sorted(sites)]
    else:
        members = [m for m in network.machines.values() if not site or m.site == site]
        nodes = [_device_node(machine, counts) for machine in sorted(members, key=lambda m: m.name)]
        outside = sorted(one.partition(":")[2] for one in ids if one.startswith("site:"))
        nodes += [_site_node(network, name, counts).model_copy(update={"outside": True}) for name in outside]
    out = []
    for node in nodes:
        found = sorted(trouble.get(node.id, ()), key=lambda item: -item[0].rank)
        status = found[0][0] if found else node.status
        out.append(
            node.model_copy(
                update={
                    "status": status, "reasons": [text for _, text in found][:5],
                    "traffic_bps": traffic[node.id] if node.id in ids else None,
                }
            )
        )  # fmt: skip
    return out


def _site_node(network: Network, name: str, counts: Counts) -> NodeView:
    place = network.places.get(name) or Place(name, title=name or "Devices without a site")
    members = [machine for machine in network.machines.values() if machine.site == name]
    up, down = (sum(counts.get(machine.name, (0, 0))[i] for machine in members) for i in (0, 1))
    return NodeView(
        id=f"site:{name}", kind="site", name=name, title=place.title, site=name, role=place.kind,
        latitude=place.latitude, longitude=place.longitude, x=0.5, y=0.5,
        status=Status.OK if up or down else Status.UNKNOWN, devices=len(members), interfaces_up=up,
        interfaces_down=down, demo=bool(members) and all(machine.text("demo") for machine in members),
    )  # fmt: skip


def _device_node(machine: Machine, counts: Counts) -> NodeView:
    up, down = counts.get(machine.name, (0, 0))
    return NodeView(
        id=f"device:{machine.name}", kind="device", name=machine.name, title=machine.text("description"),
        site=machine.site, role=machine.role, model=" ".join(filter(None, (machine.text("vendor"), machine.text(
            "model"
        )))),
        x=0.5, y=0.5, status=Status.OK if up or down else Status.UNKNOWN, devices=1, interfaces_up=up,
        interfaces_down=down, demo=bool(machine.text("demo")),
    )  # fmt: skip


def _interface_counts(readings: Readings) -> Counts:
    """Interfaces that are up, and those that are switched on and not up, by device."""
    counts: Counts = {}
    for (device, _), known in readings.items():
        oper, admin = oper_of(known), known.get("admin_status")
        up, down = counts.get(device, (0, 0))
        off = admin is not None and admin.last == 2
        counts[device] = up + (oper == "up"), down + (oper == "down" and not off)
    return counts


def _placed(nodes: Sequence[NodeView], edges: Sequence[EdgeView]) -> tuple[str, list[NodeView]]:
    """The nodes with their places in the schematic picture."""
    roles = {node.id: "outside" if node.outside else node.role if node.kind == "device" else "" for node in nodes}
    kind, at = layout([node.id for node in nodes], [(edge.a, edge.b) for edge in edges], roles)
    return kind, [node.model_copy(update={"x": round(at[node.id][0], 4), "y": round(at[node.id][1], 4)})
                  for node in nodes]  # fmt: skip
