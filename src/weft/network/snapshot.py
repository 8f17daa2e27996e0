"""The live network as of any time, from what Weft knows anyway: inventory, readings, BGP routes, flows.

Comes in: the inventory's network of a moment, the state of interfaces, routes in short, flows of the minutes before.
Goes out: a ``Snapshot``: a network with names for its places, and what it rests on. Kept for a while: what is up is
looked at every few seconds, routes and traffic every minute.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from weft.errors import WeftError
from weft.model.inventory import InventoryObject, ObjectKind
from weft.network.borders import LOCAL_PREF, Heard, Sessions, routing_of, sessions
from weft.network.build import KnownNetwork, Neighbour, States, build
from weft.network.evaluate import Evaluation, evaluate
from weft.network.matrix import Matrix, no_matrix, traffic_matrix
from weft.network.observed import Asks
from weft.network.places import Names, Owner, Places, Told
from weft.network.routing import ExternalRoute, Routing
from weft.network.state import Network
from weft.network.topology import Node, Topology

log = structlog.get_logger(__name__)

#: What is up is looked at this often; routes and traffic are asked for anew beside the answer when they are older than
#: this, and before it when they are stale; seconds. So many snapshots are kept.
STATE_S, TRAFFIC_S, STALE_S, KEPT = 5, 60, 600, 24
#: Traffic is that of so many seconds before the moment.
WINDOW_S = 900
EARLIER = "The inventory knew nothing yet at that time: this is the network as it is known now."
_MOST_NAMES = 1000
F64 = NDArray[np.float64]


class Objects(Protocol):
    """``weft.store.inventory.Snapshot``, as far as it is asked here."""

    def objects(self, kind: ObjectKind, /) -> Sequence[InventoryObject]:
        """Every object of a kind."""


class Routes(Protocol):
    """``weft.query.routing.questions.RoutingQuestions``, as far as it is asked here."""

    def exits(self, at: str = ...) -> Any:
        """What each border hears of each origin AS from each neighbour."""

    def look_up(self, prefix: str, at: str = ..., match: Any = ...) -> Any:
        """Routes to a prefix or an address."""

    def as_names(self, numbers: Any) -> dict[str, str]:
        """Registered names of ASes."""


@dataclass(frozen=True)
class Snapshot:
    """A network at a moment, what its places are called and what it rests on. ``at_s`` 0: a file, of no time."""

    network: Network
    names: Names
    at_s: float = 0.0
    notes: tuple[str, ...] = ()
    matrix: Matrix = field(default_factory=no_matrix)
    measured_bps: F64 | None = None  # [arcs] what counters say, nan = not measured

    @cached_property
    def places(self) -> Places:
        """Places and links by name."""
        return Places(self.network, self.names)

    @cached_property
    def evaluation(self) -> Evaluation:
        """Its loads, delays and the fate of its demands."""
        return evaluate(self.network)

    @cached_property
    def link_error(self) -> float | None:
        """How far modelled loads are from counters: sum of differences over sum of loads; None = nothing measured."""
        if self.measured_bps is None:
            return None
        known = np.isfinite(self.measured_bps)
        total = float(self.measured_bps[known].sum())
        return float(np.abs(self.evaluation.load_bps - self.measured_bps)[known].sum()) / total if total > 0 else None


class Source(Protocol):
    """Where snapshots come from: the live network, or a file."""

    def at(self, at_s: float | None) -> Snapshot:
        """The network as of a time (UTC seconds; None = now)."""


@dataclass(frozen=True)
class _Ground:
    """What is known of a network at a moment, traffic apart."""

    known: KnownNetwork
    objects: Objects
    states: States
    moment: float

    @cached_property
    def asns(self) -> dict[str, int]:
        """AS numbers of providers by name."""
        return _asns(self.objects)


@dataclass(frozen=True)
class _Traffic:
    """Routes and demands over the nodes and links of a topology."""

    made_at: float
    heard: Sequence[Heard]
    nodes: tuple[Node, ...]
    links: tuple[str, ...]
    routing: Routing
    matrix: Matrix
    ases: Mapping[int, str]
    notes: tuple[str, ...]

    def fits(self, topology: Topology) -> bool:
        """Whether positions mean the same in ``topology``."""
        return self.nodes == topology.nodes and self.links == tuple(link.id for link in topology.links)


class NetworkSource:
    """Snapshots of the live network. Thread-safe; of two that ask for one at once, the second waits for the first's."""

    def __init__(
        self,
        known: Callable[[float | None], KnownNetwork],
        objects: Callable[[float | None], Objects],
        states: Callable[[KnownNetwork, float], States],
        questions: Asks,
        routes: Routes | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._known, self._objects, self._states = known, objects, states
        self._questions, self._routes, self._clock = questions, routes, clock
        self._lock = threading.Lock()
        self._making = {live: threading.Lock() for live in (True, False)}
        self._kept: OrderedDict[tuple[bool, float], Snapshot] = OrderedDict()
        self._last: _Traffic | None = None
        self._refreshing = False

    def at(self, at_s: float | None) -> Snapshot:
        """The network as of a time (UTC seconds; None = now)."""
        now = self._clock()
        live = at_s is None or at_s >= now - STATE_S
        key = live, now // STATE_S * STATE_S if live else float(at_s or 0.0)
        found = self._found(key)
        if found is not None:
            return found
        with self._making[live]:  # the first takes seconds, and a page asks several questions at once
            return self._found(key) or self._keep(key, self._made(key[1], live))

    def _found(self, key: tuple[bool, float]) -> Snapshot | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: tuple[bool, float], made: Snapshot) -> Snapshot:
        live, _ = key
        with self._lock:
            for old in [one for one in self._kept if live and one[0]]:
                del self._kept[old]  # nobody asks for what was now a while ago
            self._kept[key] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made

    def _made(self, moment: float, live: bool) -> Snapshot:
        notes: list[str] = []
        when = None if live else moment
        known = self._known(when)
        if not live and not known.machines and self._known(None).machines:
            notes.append(EARLIER)
            known, when = self._known(None), None
        ground = _Ground(known, self._objects(when), self._read_states(known, moment, notes), moment)
        last = self._last if live else None
        unread: list[str] = []
        fresh = last is not None and moment - last.made_at < STALE_S
        heard = last.heard if last is not None and fresh else self._heard(moment, live, unread)
        placed = sessions(known, heard, ground.asns)
        topology = build(known, ground.states, ground.asns, placed.unplaced, moment)
        if last is None or heard is not last.heard or not last.fits(topology):
            last = self._traffic(ground, topology, heard, placed, unread)
            if live:
                self._last = last
        elif moment - last.made_at >= TRAFFIC_S:
            self._refresh(ground)
        names = _names(known, ground.objects, ground.asns, last.ases,
                       lambda text: self._told(text, moment, known, topology, placed))  # fmt: skip
        network = Network(topology, last.routing, last.matrix.demands)
        notes += [*topology.notes, *last.notes, *last.matrix.notes]
        measured = measured_loads(topology, ground.states)
        return Snapshot(network, names, moment, tuple(dict.fromkeys(notes)), last.matrix, measured)

    def _refresh(self, ground: _Ground) -> None:
        """Ask for routes and flows anew beside whoever asks: they are good for minutes, and asking takes seconds."""
        with self._lock:
            if self._refreshing:
                return
            self._refreshing = True

        def work() -> None:
            try:
                unread: list[str] = []
                heard = self._heard(ground.moment, True, unread)
                placed = sessions(ground.known, heard, ground.asns)
                topology = build(ground.known, ground.states, ground.asns, placed.unplaced, ground.moment)
                self._last = self._traffic(ground, topology, heard, placed, unread)
            except Exception:
                log.exception("network_not_refreshed")
            finally:
                self._refreshing = False

        threading.Thread(target=work, name="weft-network-refresh", daemon=True).start()

    def _read_states(self, known: KnownNetwork, moment: float, notes: list[str]) -> States:
        try:
            return self._states(known, moment)
        except WeftError as error:
            notes.append(f"Interfaces could not be read, every link is taken as up: {error.message}")
            return {}

    def _heard(self, moment: float, live: bool, unread: list[str]) -> Sequence[Heard]:
        if self._routes is None:
            return ()
        try:
            found: Sequence[Heard] = self._routes.exits("now" if live else str(int(moment))).found
        except WeftError as error:
            unread.append(f"Routes could not be asked: {error.message}")
            return ()
        return found

    def _traffic(
        self, ground: _Ground, topology: Topology, heard: Sequence[Heard], placed: Sessions, unread: Sequence[str]
    ) -> _Traffic:  # fmt: skip
        """Routing and the traffic of the minutes before; ``unread`` says why routes could not be asked."""
        routing, notes = routing_of(topology, ground.known, heard, placed)
        measured = measured_loads(topology, ground.states)
        edges = edge_totals(topology, ground.known, ground.states, measured)
        until = int(ground.moment)
        matrix = traffic_matrix(self._questions, topology, routing, (until - WINDOW_S, until), measured, *edges)
        return _Traffic(
            ground.moment, heard, topology.nodes, tuple(link.id for link in topology.links), routing, matrix,
            self._as_names(topology, routing), (*unread, *notes),
        )  # fmt: skip

    def _as_names(self, topology: Topology, routing: Routing) -> Mapping[int, str]:
        if self._routes is None:
            return {}
        numbers = [node.asn for node in topology.nodes if node.asn]
        numbers += [int(group.name[2:]) for group in routing.groups if group.name[2:].isdigit()]
        try:
            found = self._routes.as_names(tuple(dict.fromkeys(numbers))[:_MOST_NAMES])
        except WeftError:
            return {}  # numbers do as well
        return {int(number): name for number, name in found.items()}

    def _told(self, text: str, moment: float, known: KnownNetwork, topology: Topology, placed: Sessions) -> Told | None:
        """Routes to an address or prefix: those of the longest prefix that any of our borders has a way out for."""
        if self._routes is None:
            return None
        try:
            found = self._routes.look_up(text, str(int(moment)), "covering").found
        except WeftError:
            return None
        for view in found.prefixes:
            paths = [r.path for router in view.routers for r in router.choice.paths if r.eligible]
            routes = tuple(_routes(paths, known, topology, placed))
            if routes and view.family in ("ipv4_unicast", "ipv6_unicast"):
                return Told(str(view.prefix), paths[0].origin_as, routes)
        return None


def _routes(paths: Iterable[Any], known: KnownNetwork, topology: Topology, placed: Sessions) -> Iterable[ExternalRoute]:
    """Paths over known links out; those after policy where a session tells both."""
    after = {(p.session.exporter, p.session.peer) for p in paths if p.session.rib == "adj_rib_in_post"}
    origins = {"igp": 0, "egp": 1}
    for path in paths:
        session = path.session
        is_post = session.rib == "adj_rib_in_post"
        told = is_post == ((session.exporter, session.peer) in after) and session.rib.startswith("adj_rib_in")
        machine = known.machine(session.exporter)
        link = placed.links.get(Neighbour(machine.name, session.peer, session.peer_as)) if machine and told else None
        at = topology.link_positions.get(link) if link else None
        if at is not None:
            yield ExternalRoute(
                0, topology.links[at].a, at, path.local_pref or LOCAL_PREF, path.as_path_length,
                origins.get(path.bgp_origin, 2), path.neighbor_as or session.peer_as, path.med,
            )  # fmt: skip


def measured_loads(topology: Topology, states: States) -> F64:
    """[arcs] bit/s by counters: what the near end sent, else what the far end received; nan = not measured."""
    found = np.full(2 * len(topology.links), np.nan)
    for at, link in enumerate(topology.links):
        a = states.get((topology.nodes[link.a].name, link.a_interface))
        b = states.get((topology.nodes[link.b].name, link.b_interface))
        for arc, near, far in ((2 * at, a, b), (2 * at + 1, b, a)):
            sent = near.out_bps if near is not None else None
            if sent is None and far is not None:
                sent = far.in_bps
            if sent is not None:
                found[arc] = sent
    return found


def edge_totals(topology: Topology, known: KnownNetwork, states: States, measured: F64) -> tuple[F64, F64]:
    """[nodes] bit/s that enters and leaves the network at each node, by counters; nan where none was measured.

    At our devices that is what ports carry that are no link of the model, at neighbours and hosts what the links to
    them carry.
    """
    count = len(topology.nodes)
    entering, leaving = np.full(count, np.nan), np.full(count, np.nan)
    linked = {(topology.nodes[one.a].name, one.a_interface) for one in topology.links}
    linked |= {(topology.nodes[one.b].name, one.b_interface) for one in topology.links}
    for at, node in enumerate(topology.nodes):
        machine = known.machines.get(node.name)
        ports = [port.name for port in machine.ports] if machine else []
        if ports and all((node.name, port) in linked or not _counts(known, node.name, port) for port in ports):
            entering[at] = leaving[at] = 0.0  # every port is a link of the model: nothing else comes in
    for (device, interface), state in states.items():
        at = topology.positions.get(device, -1)
        if at < 0 or (device, interface) in linked or state.in_bps is None or state.out_bps is None:
            continue
        if not _counts(known, device, interface):
            continue
        entering[at] = np.nansum((entering[at], state.in_bps))
        leaving[at] = np.nansum((leaving[at], state.out_bps))
    for end in [at for at, node in enumerate(topology.nodes) if not node.carries]:
        for totals, arcs in ((entering, topology.source == end), (leaving, topology.target == end)):
            rates = measured[arcs]
            totals[end] = rates.sum() if len(rates) else np.nan
    return entering, leaving


def _counts(known: KnownNetwork, device: str, interface: str) -> bool:
    """Whether traffic enters by an interface: not over loopbacks, aggregates of links, tunnels, VLANs of ports."""
    machine = known.machines.get(device)
    port = machine.port(interface) if machine else None
    return port is not None and port.type in ("", "ethernet") and "." not in interface


def _asns(objects: Objects) -> dict[str, int]:
    return {
        one.key[0]: asn for one in objects.objects(ObjectKind.PROVIDER) if isinstance(asn := one.get("asn"), int)
    }  # fmt: skip


def _names(
    known: KnownNetwork, objects: Objects, asns: Mapping[str, int], ases: Mapping[int, str],
    look_up: Callable[[str], Told | None],
) -> Names:  # fmt: skip
    """What people call things, by the inventory."""
    owners = []
    for one in objects.objects(ObjectKind.PREFIX):
        site, service, customer = (str(one.get(name) or "") for name in ("site", "service", "customer"))
        asn = one.get("asn")
        owners.append(Owner(one.key[0], site, service, customer, asn if isinstance(asn, int) else 0))
    for kind in (ObjectKind.SERVICE, ObjectKind.CUSTOMER):
        for one in objects.objects(kind):
            service, customer = (one.key[0], "") if kind is ObjectKind.SERVICE else ("", one.key[0])
            owners += [Owner(str(prefix), "", service, customer) for prefix in one.get("prefixes") or ()]

    def device_of(address: str) -> str:
        machine = known.machine(address)
        return machine.name if machine else ""

    return Names(
        {name: place.title for name, place in known.places.items()}, asns, ases, _with_sites(owners), device_of,
        look_up,
    )  # fmt: skip


def _with_sites(owners: Sequence[Owner]) -> list[Owner]:
    """Prefixes of services and customers stand where the same prefix is said to."""
    sites = {one.prefix: one.site for one in owners if one.site}
    return [replace(one, site=sites.get(one.prefix, "")) if not one.site else one for one in owners]
