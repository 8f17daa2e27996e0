"""What Acme's neighbours tell its border routers: a table of some thousand prefixes, and how it changes.

Neighbours are those that the devices' own answers name. Like faults, ordinary changes are decided by the seed and the
clock: those of any span can be asked for, so that history and what is live tell one story. What faults do to routes
comes on top: sessions that end, providers that withdraw all, hijacks, leaks, origins that are not entitled.
"""

from __future__ import annotations

import heapq
import json
import random
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import Any

from weft.twin import organisation as org
from weft.twin.devices import peer_asn
from weft.twin.encode_bgp import Attributes, Prefix
from weft.twin.exits import Exit, exits, is_peer, local_pref, path_length, peer_address
from weft.twin.faults.begin import dice
from weft.twin.faults.effects import HIJACKER_AS, INVALID_AS, LEAKER_AS
from weft.twin.faults.model import Fault
from weft.twin.faults.places import has_payload
from weft.twin.timeline import Timeline

_BACKBONES = (2914, 6453, 6762, 5511, 3491, 6939, 1273)
_SPECIFICS_V4, _SPECIFICS_V6 = 60, 8  # more-specific prefixes of each remote network, at most
_SLOT_S = 60
#: Faults are heard of by neighbour after neighbour, for so long after they began or ended, s.
_SPREAD_S = 120.0
#: Origins whose routes a leak passes on, the most important first.
_LEAKED = (15_169, 2_906, 20_940)
_CHANGE_CHANCE = 0.03  # of a neighbour and minute
OWN = IPv4Network("203.0.113.0/24")

#: Routes of a neighbour: prefix → what it says.
Table = dict[Prefix, Attributes]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Who is behind an external port of a border router."""

    device: str
    port: int
    address: str
    asn: int
    is_exchange: bool


@dataclass(frozen=True, slots=True)
class RouteChange:
    """What a neighbour sends at ``at_s``: its session ends or begins, or some routes change (None: withdrawn)."""

    at_s: float
    device: str
    port: int
    kind: str  # "routes", "down", "up"
    routes: tuple[tuple[Prefix, Attributes | None], ...] = ()


def borders() -> list[org.Exporter]:
    """The routers that have neighbours outside."""
    return [device for device in org.DEVICES if device.role == "border"]


@cache
def neighbours(device: str) -> tuple[Neighbour, ...]:
    """Of a border router, by port."""
    one = next(each for each in org.DEVICES if each.name == device)
    return tuple(
        Neighbour(device, port.index, peer_address(one, port), peer_asn(port), port.connectivity == "ix")
        for port in one.ports
        if port.boundary == "external"
    )


@cache
def world(seed: int) -> tuple[tuple[Prefix, int], ...]:
    """Every prefix of the Internet as Acme sees it, with the AS that it belongs to."""
    found: dict[Prefix, int] = {}
    for number, remote in enumerate(org.REMOTES):
        rng = _dice(seed, number)
        for whole, most, count in (
            (ip_network(remote.prefix), 24, _SPECIFICS_V4), (ip_network(remote.prefix_v6), 48, _SPECIFICS_V6),
        ):  # fmt: skip
            found.setdefault(whole, remote.asn)
            for _ in range(count):
                bits = min(most, whole.prefixlen + rng.randint(1, 9))
                place = rng.getrandbits(bits - whole.prefixlen) << (whole.max_prefixlen - bits)
                base = int(whole.network_address) | place
                found.setdefault(ip_network((base.to_bytes(whole.max_prefixlen // 8, "big"), bits)), remote.asn)
    return tuple(found.items())


@cache
def table(seed: int, neighbour: Neighbour) -> Table:
    """What a neighbour tells on an ordinary day. An exchange's members tell of their own networks alone."""
    found: Table = {}
    for prefix, origin in world(seed):
        if neighbour.is_exchange and not is_peer(origin):
            continue
        found[prefix] = _said(seed, neighbour, prefix, origin)
    for prefix, origin in _mistaken(seed):
        if not neighbour.is_exchange:
            found[prefix] = _said(seed, neighbour, prefix, origin)
    return found


def _mistaken(seed: int) -> list[tuple[Prefix, int]]:
    """Prefixes that somebody announces who may not: three, all day, that nobody cares to mend."""
    wholes = [IPv4Network(remote.prefix) for remote in _dice(seed, "mistaken").sample(org.REMOTES[:20], 3)]
    return [(next(whole.subnets(new_prefix=24)), 64_496 + at) for at, whole in enumerate(wholes)]


def _dice(seed: int, what: object) -> random.Random:
    """Chance that falls the same way every time."""
    return random.Random(f"{seed} {what}")  # noqa: S311 - nothing here is a secret


def _said(seed: int, neighbour: Neighbour, prefix: Prefix, origin: int, *, variant: int = 0) -> Attributes:
    """The attributes of a route; ``variant``: another way, which its origin makes less liked by repeating itself."""
    way = f"{seed} {neighbour.device} {neighbour.port} {origin} {int(prefix.network_address) % 3}"
    chosen = zlib.crc32(way.encode())
    between = [asn for asn in _BACKBONES if asn not in (neighbour.asn, origin)]
    first, count = chosen % len(between), path_length(origin) - 2 + variant % 2
    middle = [between[(first + 3 * at) % len(between)] for at in range(count)]
    path = (origin,) if neighbour.is_exchange else (neighbour.asn, *middle, origin)
    hop = neighbour.address if prefix.version == 4 else f"2001:db8:fffe::{int(neighbour.address.split('.')[3]):x}"
    region = 100 * (1 + chosen % 4) + zlib.crc32(neighbour.device.encode()) % 20
    return Attributes(
        (*path, *(origin,) * variant), hop, med=0 if chosen % 4 else 10,
        communities=((neighbour.asn, region),) if neighbour.asn < 65_536 else (),
    )  # fmt: skip


def accepted(neighbour: Neighbour, prefix: Prefix, said: Attributes) -> Attributes | None:
    """What is left of a route after Acme's policy: marked, preferred at exchanges; none where it is refused.

    Refused is what is too specific to be believed, and what the RPKI calls invalid.
    """
    if prefix.prefixlen > (24 if prefix.version == 4 else 48) or not _may(said.as_path[-1], prefix):
        return None
    site = 10 + [each.code for each in org.SITES].index(neighbour.device.split("-")[0])
    kind = 2000 if neighbour.is_exchange else 1000
    marks = ((org.ACME_AS, kind + neighbour.port), (org.ACME_AS, site))
    liked = local_pref(_exit(neighbour.device, neighbour.port), said.as_path[-1])
    return replace(said, local_pref=max(liked, 100), communities=said.communities + marks)


@cache
def _exit(device: str, port: int) -> Exit:
    return next(one for one in exits() if one.at == (device, port))


def _may(origin: int, prefix: Prefix) -> bool:
    """Whether the origin has a payload for the prefix, or nobody has."""
    entitled = _entitled(prefix)
    return not entitled or origin in entitled


@cache
def _entitled(prefix: Prefix) -> frozenset[int]:
    return frozenset(
        asn
        for whole, asn in _payloads()
        if whole.version == prefix.version and whole.prefixlen <= prefix.prefixlen and whole.overlaps(prefix)
    )


@cache
def _payloads() -> tuple[tuple[Prefix, int], ...]:
    """Who may announce what: most networks have said so."""
    found: list[tuple[Prefix, int]] = [(OWN, org.ACME_AS)]
    for remote in org.REMOTES:
        if has_payload(remote):
            found += [(ip_network(remote.prefix), remote.asn), (ip_network(remote.prefix_v6), remote.asn)]
    return tuple(found)


def write_payloads(path: Path) -> Path:
    """The validated payloads as a validator writes them."""
    roas: list[dict[str, Any]] = [
        {"prefix": str(prefix), "asn": f"AS{asn}", "ta": "demo",
         "maxLength": prefix.prefixlen if asn == org.ACME_AS else (24 if prefix.version == 4 else 48)}
        for prefix, asn in _payloads()
    ]  # fmt: skip
    path.write_text(json.dumps({"metadata": {"counts": len(roas)}, "roas": roas}), encoding="utf-8")
    return path


def route_changes(timeline: Timeline, since_s: float, until_s: float) -> Iterator[RouteChange]:
    """Everything that neighbours send in a span after their tables, in order of time."""
    harm, ordinary = _harm(timeline, since_s, until_s), _ordinary(timeline.seed, since_s, until_s)
    found = heapq.merge(sorted(harm, key=_when), sorted(ordinary, key=_when), key=_when)
    yield from (one for one in found if since_s <= one.at_s < until_s)


def _when(one: RouteChange) -> float:
    return one.at_s


def _harm(timeline: Timeline, since_s: float, until_s: float) -> Iterator[RouteChange]:
    """What faults do to sessions and routes."""
    for one in timeline.faults(since_s - _SPREAD_S, until_s):
        match one.kind:
            case "session_down":
                yield RouteChange(one.start_s, one.device, one.port, "down")
                yield RouteChange(one.end_s, one.device, one.port, "up")
            case "device_reboot":
                for neighbour in neighbours(one.device) if one.device in _border_names() else ():
                    yield RouteChange(one.start_s, one.device, neighbour.port, "down")
                    yield RouteChange(one.end_s + 5.0, one.device, neighbour.port, "up")
            case "withdrawn_transit":
                usual = table(timeline.seed, _neighbour(one.device, one.port))
                yield from _for_a_while(one, _neighbour(one.device, one.port), 0.0, dict.fromkeys(usual), usual)
            case "bgp_hijack":
                yield from _hijack(one)
            case "bgp_leak":
                yield from _leak(timeline.seed, one)
            case "rpki_invalid":
                yield from _not_entitled(timeline.seed, one)


def _for_a_while(
    one: Fault, neighbour: Neighbour, late_s: float, said: Mapping[Prefix, Attributes | None], usual: Table
) -> Iterator[RouteChange]:
    """A neighbour says something else of some prefixes while a fault is on, then what it always says, if anything."""
    back = tuple((prefix, usual.get(prefix)) for prefix in said)
    begins, ends = one.start_s + late_s, one.end_s + 0.75 * late_s
    if begins < ends:
        yield RouteChange(begins, neighbour.device, neighbour.port, "routes", tuple(said.items()))
        yield RouteChange(ends, neighbour.device, neighbour.port, "routes", back)


def _hijack(one: Fault) -> Iterator[RouteChange]:
    """Heard from a few providers in turn: the worse, from the more."""
    hijacked = ip_network(one.target)
    for late, neighbour in enumerate(_believers(one)):
        path = (neighbour.asn, *((_BACKBONES[late % 3],) if late > 2 else ()), HIJACKER_AS)
        said = Attributes(path, neighbour.address, communities=((neighbour.asn, 300),))
        yield from _for_a_while(one, neighbour, 4.0 * late, {hijacked: said}, {})


def _leak(seed: int, one: Fault) -> Iterator[RouteChange]:
    """Routes of some networks by way of a customer of a provider, wherever Acme buys from it."""
    origins = _LEAKED[: max(1, round(one.severity * len(_LEAKED)))]
    for late, neighbour in enumerate(_providers(one.target)):
        usual = table(seed, neighbour)
        leaked = {
            prefix: replace(said, as_path=(neighbour.asn, LEAKER_AS, 6453, said.as_path[-1]))
            for prefix, said in usual.items()
            if said.as_path[-1] in origins
        }
        yield from _for_a_while(one, neighbour, 5.0 * late, leaked, usual)


def _not_entitled(seed: int, one: Fault) -> Iterator[RouteChange]:
    """A network's prefix from an origin that may not, instead of its own."""
    prefix = ip_network(one.target)
    for late, neighbour in enumerate(_believers(one)):
        usual = table(seed, neighbour)
        if prefix in usual:
            said = replace(usual[prefix], as_path=(*usual[prefix].as_path[:-1], INVALID_AS))
            yield from _for_a_while(one, neighbour, 3.0 * late, {prefix: said}, usual)


def _believers(one: Fault) -> list[Neighbour]:
    """Neighbours by transit who take an origin that is not the right one: the worse, the more."""
    names = sorted({port.provider for device in borders() for port in device.ports if port.connectivity == "transit"})
    order = dice(one, "believers").permutation(len(names))
    chosen = [names[at] for at in order[: max(1, round(one.severity * len(names)))]]
    return [neighbour for name in chosen for neighbour in _providers(name)]


@cache
def _border_names() -> frozenset[str]:
    return frozenset(device.name for device in borders())


def _neighbour(device: str, port: int) -> Neighbour:
    return next(each for each in neighbours(device) if each.port == port)


@cache
def _providers(name: str) -> tuple[Neighbour, ...]:
    """Everywhere that Acme buys transit of a provider."""
    return tuple(
        each
        for device in borders()
        for each, port in zip(neighbours(device.name), device.ports, strict=False)
        if port.provider == name
    )


def _ordinary(seed: int, since_s: float, until_s: float) -> Iterator[RouteChange]:
    """Paths that change and change back, and one network that comes and goes all the time."""
    everybody = [each for device in borders() for each in neighbours(device.name)]
    for slot in range(int(since_s // _SLOT_S) - 15, int(until_s // _SLOT_S) + 1):
        rng = _dice(seed, f"{slot} routes")
        for neighbour in everybody:
            if rng.random() < _CHANGE_CHANCE:
                yield from _detour(seed, neighbour, slot, rng)
        if slot % 20 == 0:
            yield from _flap(seed, slot)


def _detour(seed: int, neighbour: Neighbour, slot: int, rng: random.Random) -> Iterator[RouteChange]:
    """Some prefixes of one network take another way for some minutes, or none at all."""
    usual = table(seed, neighbour)
    origin = rng.choice(org.REMOTES).asn
    some = [prefix for prefix, said in usual.items() if said.as_path[-1] == origin][: rng.randint(1, 6)]
    start, lasts = slot * _SLOT_S + rng.uniform(0, _SLOT_S), rng.uniform(45, 800)
    variant = rng.choice((0, 1, 2))
    other = tuple((each, _said(seed, neighbour, each, origin, variant=variant) if variant else None) for each in some)
    if some:
        yield RouteChange(start, neighbour.device, neighbour.port, "routes", other)
        back = tuple((each, usual[each]) for each in some)
        yield RouteChange(start + lasts, neighbour.device, neighbour.port, "routes", back)


def _flap(seed: int, slot: int) -> Iterator[RouteChange]:
    """A network far away whose line is bad."""
    far = next(remote for remote in org.REMOTES if remote.name == "Korea Telecom")
    for neighbour in _providers("Arelion"):
        usual = table(seed, neighbour)
        some = [prefix for prefix, said in usual.items() if said.as_path[-1] == far.asn][1:4]
        for at in range(3):
            start = slot * _SLOT_S + 11 * at + neighbour.port
            gone = tuple((each, None) for each in some)
            yield RouteChange(start, neighbour.device, neighbour.port, "routes", gone)
            back = tuple((each, usual[each]) for each in some)
            yield RouteChange(start + 6, neighbour.device, neighbour.port, "routes", back)
