"""What probes would meet on Acme's network at any moment: the ways they take, how long that lasts, what is wrong.

Packets go where the network's structure sends them: around lines that are down, by metrics as they are, by providers
that offer routes. Full queues and busy processors delay them, worn optics lose them, small MTUs swallow the large ones;
SaaS and name servers outside can be slow or silent. Nothing has state but caches: any moment can be asked for.
"""

from __future__ import annotations

import heapq
import itertools
import zlib
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from ipaddress import IPv4Network, ip_address

from weft.twin import organisation as org
from weft.twin.events import Events
from weft.twin.faults import effects
from weft.twin.faults.model import Fault
from weft.twin.faults.places import inner
from weft.twin.graph import SENDS, ports
from weft.twin.timeline import Timeline
from weft.twin.ways import At, Structure
from weft.twin.world import World

#: Ways of equal cost that are followed, at most.
_MOST_WAYS = 8
#: After a line is cut some packets of those who went over it get lost for so long, s: what BGP and tunnels take.
_TORN_S, _TORN_LOSS = 20.0, 0.3
_INSIDE_MS, _TRANSIT_MS = 0.12, 0.9
_FIRST = 0.1  # share of the way to the first router of a provider
#: Routers of transit providers that answer traces: AS number, and block of addresses (set aside by RFC 2544).
TRANSIT = {
    "Lumen": (3356, "198.18.1.0/24"), "Arelion": (1299, "198.18.2.0/24"), "Cogent": (174, "198.18.3.0/24"),
    "GTT": (3257, "198.18.4.0/24"), "DTAG": (3320, "198.18.5.0/24"), "Singtel": (7473, "198.18.6.0/24"),
}  # fmt: skip
#: A provider's router that never answers.
_SILENT = "GTT"
#: How far the next front end of a service is, ms one way.
_NEAR_MS = {"US": 4.0, "NL": 3.0, "DE": 3.5, "GB": 3.5, "SG": 9.0}
_ELSEWHERE_MS = 6.0
_SITES = {site.code: site for site in org.SITES}


def agent_address(site: str) -> str:
    """Address of the site's agent."""
    return str(IPv4Network(_SITES[site].servers)[10])


def hop_address(device: str) -> str:
    """The address that a device of Acme answers traces from."""
    for number, one in enumerate(org.DEVICES):
        if one.name == device:
            return f"10.255.{number // 250}.{number % 250 + 1}"
    raise KeyError(device)


@dataclass(frozen=True, slots=True)
class Way:
    """Addresses of the routers from one end to the other, empty where one never answers; delays are one way, ms.

    ``after_ms[i]`` is the delay up to hop ``i``; ``loss`` is of packets that go all the way and back, and of those that
    go at least to hop ``lost_from``. Packets of more than ``mtu`` octets get lost.
    """

    hops: tuple[str, ...]
    after_ms: tuple[float, ...]
    loss: float = 0.0
    jitter_ms: float = 0.15
    lost_from: int = 0
    mtu: int = effects.JUMBO_MTU

    @property
    def rtt_ms(self) -> float:
        """There and back, to the last hop."""
        return 2 * self.after_ms[-1]


def number_of(*parts: object) -> int:
    """A number that the same parts always give."""
    return zlib.crc32("\0".join(map(str, parts)).encode())


def remote_of(target: str) -> org.Remote:
    """The network behind a name: by the service that the name begins with, else any that it always is."""
    for remote in org.REMOTES:
        if remote.service and target.split(".")[0] in remote.service.lower().replace(" ", ""):
            return remote
    found = [remote for remote in org.REMOTES if remote.kind in ("saas", "content")]
    return found[number_of(target) % len(found)]


def remote_address(target: str) -> str:
    """Address of a name on the Internet; an address is itself."""
    try:
        return str(ip_address(target))
    except ValueError:
        network = IPv4Network(remote_of(target).prefix)
        return str(network[1 + number_of(target) % (network.num_addresses - 2)])


@dataclass(frozen=True, slots=True)
class NameTrouble:
    """How a name server fails: share of queries that get no answer or an error, its code, and how late the rest is."""

    share: float = 0.0
    code: int = 0  # of the answer (RFC 1035 §4.1.1); 0 = there is none
    late_ms: float = 0.0


class Weather:
    """What is wrong at a moment, and how packets fare."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline, self._world = timeline, World.of(timeline)
        self._minute: tuple[int, int, Events] | None = None

    def _events(self, at_s: float) -> Events:
        minute, version = int(at_s // 60), self._timeline.version
        if self._minute is None or self._minute[:2] != (minute, version):
            events = Events.of(self._timeline, minute * 60.0 - _TORN_S, minute * 60.0 + 60)
            self._minute = minute, version, events
        return self._minute[2]

    def inside(self, origin: str, site: str, at_s: float) -> list[Way]:
        """Ways from one site's agent to another's, those of equal cost."""
        events = self._events(at_s)
        structure, on = events.structure(at_s), events.active(at_s)
        torn = frozenset(
            (name, port)
            for one in events.faults if one.kind != "maintenance"
            for name, port, since, until in effects.outages(one) if since <= at_s < min(until, since + _TORN_S)
        )  # fmt: skip
        usual = _routes(origin, site, replace(structure, down=structure.down - torn)) if torn else ()
        is_torn = any((step.near in torn) or (step.far in torn) for route in usual for step in route)
        routes = _routes(origin, site, structure)
        if not routes:
            return [_dead_end(origin)]
        ways = [self._over(route, origin, site, at_s, on) for route in routes]
        return [replace(way, loss=max(way.loss, _TORN_LOSS)) for way in ways] if is_torn else ways

    def outside(self, origin: str, target: str, at_s: float) -> list[Way]:
        """Ways from a site's agent to a name on the Internet: by each of its providers that offers routes."""
        events, remote, border = self._events(at_s), remote_of(target), _edge(origin)
        structure, on = events.structure(at_s), events.active(at_s)
        gone = structure.no_routes | structure.down
        left = [
            port for port in border.ports if port.connectivity == "transit" and (border.name, port.index) not in gone
        ]
        if not left or _is_cut_off(origin, structure):
            return [_dead_end(origin)]
        way = _walk(tuple(inner(origin)), (), "", on)
        return [
            _leave(way, origin, port.provider, target, remote, _slowdown(on, remote, port.provider)) for port in left
        ]

    def names(self, resolver: str, name: str, at_s: float) -> NameTrouble:
        """How the answer to a query fares, besides its way."""
        for one in self._events(at_s).active(at_s):
            if one.kind != "dns_failure" or one.target not in (resolver, name):
                continue
            if one.target == name:
                return NameTrouble(0.25 + 0.75 * one.severity, 2)
            return NameTrouble(max(0.0, 1.6 * one.severity - 0.6), 0, 80 + 900 * one.severity)
        return NameTrouble()

    def _over(self, route: Route, origin: str, site: str, at_s: float, on: tuple[Fault, ...]) -> Way:
        """A way over the backbone, with its queues and worn lines."""
        wait_s, full = self._world.waits(at_s)
        row, delays, kept, first_lost, mtu = ports().row, [], 1.0, 0, effects.JUMBO_MTU
        for number, step in enumerate(route):
            there, back = row(*step.near, SENDS), row(*step.far, SENDS)
            delays.append(step.delay_ms + 500 * float(wait_s[there] + wait_s[back]))
            lost = float(full[there] + full[back])
            for one in on:
                for end in (step.near, step.far):
                    lost += effects.line_loss(one, at_s) if end == (one.device, one.port) else 0.0
                    mtu = min(mtu, effects.mtu(one, *end, at_s) or mtu)
            if lost > 1e-4 and not first_lost:
                first_lost = len(inner(origin)) + number
            kept *= max(0.0, 1 - lost)
        devices = (*inner(origin), *(step.far[0] for step in route), *inner(site)[:-1][::-1])
        inside = len(inner(origin)) - 1
        lines = (*(0.0 for _ in range(inside)), *delays, *(0.0 for _ in inner(site)[:-1]))
        way = _walk(devices, lines, agent_address(site), on)
        return replace(way, loss=1 - (1 - way.loss) * kept, lost_from=first_lost, mtu=mtu)


def _slowdown(on: tuple[Fault, ...], remote: org.Remote, provider: str) -> float:
    """How bad a service is by way of a provider, 0 to 1."""
    wanted = (remote.service, f"{remote.service}@{provider}")
    return max((one.severity for one in on if one.kind == "saas_slowdown" and one.target in wanted), default=0.0)


def _dead_end(origin: str) -> Way:
    """The way of a site that nothing leaves: as far as its own devices."""
    near = inner(origin)
    after = tuple(_INSIDE_MS * (1 + at) for at in range(len(near) + 1))
    return Way((*(hop_address(name) for name in near), ""), after, 1.0, lost_from=len(near))


def _leave(way: Way, origin: str, provider: str, target: str, remote: org.Remote, trouble: float) -> Way:
    block = IPv4Network(TRANSIT[provider][1])
    near = number_of(origin, provider) % 200
    edge = IPv4Network(remote.prefix)[3 + number_of(origin, provider, remote.name) % 200]
    hops = [*way.hops[:-1], str(block[1 + near]), "" if provider == _SILENT else str(block[220 + near % 30])]
    hops += [str(edge), remote_address(target)]
    far_ms = _NEAR_MS.get(_SITES[origin].country, _ELSEWHERE_MS) * (0.6 + number_of(origin, target) % 100 / 80)
    at_ms = way.after_ms[-2] if len(way.after_ms) > 1 else 0.0
    delays = [
        at_ms + _TRANSIT_MS * min(1, share * 3) + far_ms * share + (60 * trouble if share > _FIRST else 0.0)
        for share in (_FIRST, 0.45, 0.9, 1.0)
    ]
    return Way(
        tuple(hops), (*way.after_ms[:-1], *delays), 1 - (1 - way.loss) * (1 - 0.18 * trouble),
        way.jitter_ms + 0.3 + 4 * trouble, lost_from=len(way.hops) if trouble else 0,
    )  # fmt: skip


@cache
def _edge(site: str) -> org.Exporter:
    """The device by which a site is on the backbone."""
    names = {device.name: device for device in org.DEVICES}
    return names.get(f"{site}-border1") or names[f"{site}-fw1"]


def _is_cut_off(site: str, structure: Structure) -> bool:
    """Whether a device or line between a site's agent and its edge is down."""
    between = inner(site)
    ends = {(link.a, link.a_port) for link in org.LOCAL if {link.a, link.b} <= set(between)}
    ends |= {(link.b, link.b_port) for link in org.LOCAL if {link.a, link.b} <= set(between)}
    return bool(ends & structure.down)


@dataclass(frozen=True, slots=True)
class Step:
    """One line on the way: the port that sends, the port that receives."""

    near: At
    far: At
    delay_ms: float


#: The lines from one site to another.
Route = tuple[Step, ...]


def _routes(origin: str, site: str, structure: Structure) -> tuple[Route, ...]:
    """Routes of the lowest cost between two sites; none where there is no way."""
    if _is_cut_off(origin, structure) or _is_cut_off(site, structure):
        return ()
    return _cheapest(_edge(origin).name, _edge(site).name, structure.down, structure.overloaded, structure.metrics)


@lru_cache(maxsize=4096)
def _cheapest(
    start: str, end: str, down: frozenset[At], overloaded: frozenset[str], metrics: tuple[tuple[str, int, int], ...]
) -> tuple[Route, ...]:
    """All shortest paths, by Dijkstra's algorithm from the end, then along what is tight."""
    steps = _steps(down, metrics)
    cost: dict[str, int] = {}
    order = itertools.count()
    waiting = [(0, next(order), end)]
    while waiting:
        so_far, _, at = heapq.heappop(waiting)
        if at in cost:
            continue
        cost[at] = so_far
        if at in overloaded and at != end:
            continue
        for metric, step in steps:
            if step.far[0] == at and step.near[0] not in cost:
                heapq.heappush(waiting, (so_far + metric, next(order), step.near[0]))
    if start not in cost:
        return ()
    found: list[Route] = []
    going: list[tuple[str, Route]] = [(start, ())]
    while going and len(found) < _MOST_WAYS:
        at, route = going.pop()
        if at == end:
            found.append(route)
            continue
        for metric, step in steps:
            other = step.far[0]
            is_open = other == end or other not in overloaded
            if step.near[0] == at and is_open and cost.get(other, -1) >= 0 and cost[at] == metric + cost[other]:
                going.append((other, (*route, step)))
    return tuple(found)


@lru_cache(maxsize=256)
def _steps(down: frozenset[At], metrics: tuple[tuple[str, int, int], ...]) -> list[tuple[int, Step]]:
    """Every direction of every line of the backbone that is up, with its cost."""
    changed = {(name, port): metric for name, port, metric in metrics}
    found = []
    for link in org.BACKBONE:
        a, b = (link.a, link.a_port), (link.b, link.b_port)
        if a not in down and b not in down:
            found.append((changed.get(a, link.metric), Step(a, b, link.delay_ms)))
            found.append((changed.get(b, link.metric), Step(b, a, link.delay_ms)))
    return found


def _walk(devices: tuple[str, ...], delays: tuple[float, ...], end: str, on: tuple[Fault, ...]) -> Way:
    """A way over devices of Acme to an address behind the last of them; ``delays`` are of the lines between them."""
    at_ms, after, warm = 0.0, [], 0.0
    for i, name in enumerate(devices):
        heat = sum(one.severity for one in on if one.kind == "cpu_overload" and one.device == name)
        warm = max(warm, heat)
        at_ms += _INSIDE_MS + (delays[i - 1] if 0 < i <= len(delays) else 0.0) + 8.0 * heat
        after.append(at_ms)
    hops = (*(hop_address(name) for name in devices), end)
    return Way(hops, (*after, at_ms + _INSIDE_MS), 0.0003 + 0.02 * warm, 0.15 + 3 * warm)
