"""Which devices see what passes between Acme and the outside, and by which ports it goes."""

from __future__ import annotations

import ipaddress
from functools import cache

from weft.twin import organisation as org
from weft.twin.attacks.addresses import host, number
from weft.twin.attacks.strands import Sight
from weft.twin.conversations import Group, places

#: How what comes from outside is spread over the ways in, by how a port is connected.
_WEIGHTS = {"transit": 1.0, "ix": 0.5}


def _outer_ports(device: org.Exporter) -> list[tuple[int, float]]:
    return [(port.index, _WEIGHTS[port.connectivity]) for port in device.ports if port.connectivity in _WEIGHTS]


def _port_towards(device: str, other: str) -> int:
    """The port of a line inside a site; 0 where there is none."""
    for link in org.LOCAL:
        if (link.a, link.b) == (device, other):
            return link.a_port
        if (link.b, link.a) == (device, other):
            return link.b_port
    return 0


def _spread(ways: list[tuple[org.Exporter, int, int, float]], public: int = 0) -> tuple[Sight, ...]:
    """Sights of the ways in (device, outer port, inner port, weight): each sees its part of the entries."""
    total, before, found = sum(weight for *_, weight in ways), 0.0, []
    for device, outer, inner, weight in ways:
        found.append(Sight(device, outer, inner, before / total, (before + weight) / total, public))
        before += weight
    return tuple(found)


def _ways(site: str, group: Group) -> list[tuple[org.Exporter, int, int, float]]:
    """The ways in at the borders of a site, towards a group of hosts."""
    hung = {place.device: place.port for place, _ in places(site, group)}
    behind = next((name for name in hung if org.BY_NAME[name].role != "border"), "")
    return [
        (device, outer, hung.get(device.name) or _port_towards(device.name, behind), weight)
        for device in org.DEVICES if (device.site, device.role) == (site, "border")
        for outer, weight in _outer_ports(device)
    ]  # fmt: skip


def _cores(site: str, group: Group) -> tuple[Sight, ...]:
    """The core switches behind which a group of hosts is."""
    found = []
    for place, _ in places(site, group):
        device = org.BY_NAME[place.device]
        uplink = next(
            (port.index for port in device.ports if port.index != place.port and port.connectivity == "core"), 0
        )
        if device.role == "core" and uplink:
            found.append(Sight(device, uplink, place.port))
    return tuple(found)


@cache
def to_public(site: str) -> tuple[Sight, ...]:
    """Between the Internet and the public services of a site: its borders, and the core before the servers."""
    return (*_spread(_ways(site, "public")), *_cores(site, "public"))


@cache
def to_device(name: str) -> tuple[Sight, ...]:
    """Between the Internet and a device itself, by the device's own ways in."""
    device = org.BY_NAME[name]
    return _spread([(device, outer, 0, weight) for outer, weight in _outer_ports(device)])


@cache
def from_inside(site: str, group: Group) -> tuple[Sight, ...]:
    """Between hosts of a site and the Internet: by its firewall, or else by its borders, which translate addresses."""
    for place, _ in places(site, group):
        device = org.BY_NAME[place.device]
        if device.role == "firewall":
            return (Sight(device, _outer_ports(device)[0][0], place.port),)
    return (*_spread(_ways(site, group), number(public_of(site))), *_cores(site, group))


@cache
def to_cloud(site: str, group: Group, cloud: str = "AWS") -> tuple[Sight, ...]:
    """Between hosts of a site and Acme's own clouds, by the firewall's private lines and what lies before it."""
    for device in org.DEVICES:
        outer = next((port.index for port in device.ports if (port.provider, port.connectivity) == (cloud, "cloud")), 0)
        if device.site != site or not outer:
            continue
        place, _ = places(site, group)[0]
        if place.device == device.name:
            return (Sight(device, outer, place.port),)
        before = org.BY_NAME[place.device]
        return (Sight(device, outer, _port_towards(device.name, before.name)),
                Sight(before, _port_towards(before.name, device.name), place.port))  # fmt: skip
    return ()


@cache
def public_of(site: str) -> str:
    """The address that the hosts of a site have outside."""
    return host(org.BY_CODE[site].public, 28)


@cache
def device_address(name: str) -> str:
    """The address by which a border or firewall is reached from outside."""
    site = org.BY_NAME[name].site
    own = [device.name for device in org.DEVICES if device.site == site]
    return host(org.BY_CODE[site].public, 24 + own.index(name))


@cache
def where_is(address: str) -> tuple[str, Group]:
    """The site and the group of hosts that an address of Acme's belongs to."""
    wanted = ipaddress.IPv4Address(address)
    groups: tuple[Group, ...] = ("public", "people", "servers")
    for site in org.SITES:
        for group, prefix in zip(groups, (site.public, site.users, site.servers), strict=True):
            if wanted in ipaddress.IPv4Network(prefix):
                return site.code, group
    raise LookupError(address)
