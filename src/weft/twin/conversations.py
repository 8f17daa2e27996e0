"""Acme's conversations: which application runs between which groups of hosts, where they stand, how busy they get."""

from __future__ import annotations

import ipaddress
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from weft.twin import organisation as org

Group = Literal["people", "servers", "public"]
#: Busiest rate between two sites of size 1, bit/s, all their conversations together.
_BETWEEN_BPS = 9.5e9
#: Busiest rate of what the people of a site of size 1 do on the Internet where no firewall says how much, bit/s.
_PEOPLE_BPS = 1.2e9
#: The same of servers and what they have in the clouds.
_CLOUD_BPS = 0.7e9
_REGION_SHARE = 1.6  # sites of a region have more to say to each other


@dataclass(frozen=True, slots=True)
class Hosts:
    """A prefix to draw addresses from; ``spread`` is how many hosts of it are in use."""

    base: int
    v6_base: int
    spread: int
    asn: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where hosts hang: a device, and the ifIndex of its port towards them."""

    device: str
    port: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """An application between our hosts at ``at`` and others: those of ``remote``, or ours at ``other``."""

    app: org.App
    ours: Hosts
    theirs: Hosts
    server_is_ours: bool
    peak_bps: float  # both directions together
    to_server_share: float
    utc_offset_h: float
    site: str
    group: Group
    at: Place
    remote: int = -1  # position in ``org.REMOTES``; -1: with our own
    other: Place | None = None
    other_site: str = ""

    @property
    def from_ours_share(self) -> float:
        """Share of the rate that our side sends."""
        return 1 - self.to_server_share if self.server_is_ours else self.to_server_share


def hosts(prefix: str, prefix_v6: str, spread: int, asn: int) -> Hosts:
    """Hosts of a prefix."""
    network = ipaddress.IPv4Network(prefix)
    v6 = int(ipaddress.IPv6Network(prefix_v6).network_address) if prefix_v6 else 0
    return Hosts(int(network.network_address), v6, min(spread, network.num_addresses - 2), asn)


def _ours(site: org.Site, group: Group) -> Hosts:
    prefix, spread = {
        "people": (site.users, 4000), "servers": (site.servers, 400), "public": (site.public, 24),
    }[group]  # fmt: skip
    return hosts(prefix, site.public_v6, spread, org.ACME_AS if group == "public" else 0)


def _theirs(remote: org.Remote) -> Hosts:
    return hosts(remote.prefix, remote.prefix_v6, 3000 if remote.kind == "eyeball" else 250, remote.asn)


@cache
def places(site: str, group: Group) -> tuple[tuple[Place, float], ...]:
    """Where a group of a site hangs, with its share of the group's traffic."""
    names = [device for device in org.DEVICES if device.site == site]
    cores = [device.name for device in names if device.role == "core"]
    firewalls = [device.name for device in names if device.role == "firewall"]
    borders = [device for device in names if device.role == "border"]
    if group == "people" and firewalls:
        return ((Place(firewalls[0], 11 if borders else 10), 1.0),)
    if cores:
        return ((Place(cores[0], 5 if group == "people" else 2), 1.0),)
    total = sum(device.peak_bps for device in borders)
    inside = 11 if site == "lon" else 10
    return tuple((Place(device.name, inside), device.peak_bps / total) for device in borders)


@cache
def conversations() -> tuple[Conversation, ...]:
    """All of them, in an order that never changes."""
    found: list[Conversation] = []
    for site in org.SITES:
        found += _scaled(_public(site), _internet_bps(site))
        found += _scaled(_people(site), _people_bps(site))
        if site.kind != "branch":
            found += _scaled(_cloud(site), _CLOUD_BPS * site.size)
        found += _scaled(_east_west(site), _core_bps(site))
        for other in org.SITES:
            if other.code != site.code:
                found += _scaled(_between(site, other), _between_bps(site, other))
    return tuple(found)


def _scaled(made: Iterator[Conversation], bps: float) -> list[Conversation]:
    """Conversations whose weights become rates that are ``bps`` together."""
    parts = list(made)
    total = sum(one.peak_bps for one in parts)
    return [replace(one, peak_bps=one.peak_bps * bps / total) for one in parts]


def _peak(site: org.Site, role: str) -> float:
    return site.size * sum(device.peak_bps for device in org.DEVICES if (device.site, device.role) == (site.code, role))


def _internet_bps(site: org.Site) -> float:
    return _peak(site, "border")


def _people_bps(site: org.Site) -> float:
    return _peak(site, "firewall") or _PEOPLE_BPS * site.size


def _core_bps(site: org.Site) -> float:
    return _peak(site, "core")


def _between_bps(site: org.Site, other: org.Site) -> float:
    near = _REGION_SHARE if site.region == other.region else 1.0
    return _BETWEEN_BPS * site.size * other.size * near


def _with(
    site: org.Site, group: Group, remote: org.Remote, app: str, weight: float, to_server: float, *, server: bool = False
) -> Iterator[Conversation]:
    """A conversation with a remote network, at each place where the group hangs."""
    number = org.REMOTES.index(remote)
    for place, share in places(site.code, group):
        yield Conversation(
            org.APPS[app], _ours(site, group), _theirs(remote), server, weight * share, to_server, site.utc_offset_h,
            site.code, group, place, number,
        )  # fmt: skip


def _public(site: org.Site) -> Iterator[Conversation]:
    """Customers and the public reach our services; these reach content and what others run."""
    if not places(site.code, "public"):
        return
    for remote in org.REMOTES:
        weight = remote.weight * (3.0 if remote.country == site.country else 1.0)
        if remote.kind == "eyeball":
            for app, part in (("web", 1.0), ("video", 1.6), ("http", 0.08)):
                yield from _with(site, "public", remote, app, weight * part, 0.08, server=True)
        elif remote.kind == "content":
            for app, part in (("video_tcp", 0.8), ("video", 0.9), ("dns", 0.003), ("ntp", 0.001)):
                yield from _with(site, "public", remote, app, weight * part, 0.05)
        else:
            yield from _with(site, "public", remote, "web", weight * 0.5, 0.3)


def _people(site: org.Site) -> Iterator[Conversation]:
    """People and what others run for them, and the rest of the Internet."""
    for remote in org.REMOTES:
        if remote.kind == "saas":
            app = "zoom" if remote.service == "Zoom" else "web"
            yield from _with(site, "people", remote, app, remote.weight, 0.3)
            if remote.service == "Microsoft 365":
                yield from _with(site, "people", remote, "imaps", 4.0, 0.2)
        elif remote.kind == "content":
            yield from _with(site, "people", remote, "web", remote.weight * 0.6, 0.07)
            yield from _with(site, "people", remote, "video", remote.weight * 0.5, 0.04)
    resolver = next(remote for remote in org.REMOTES if remote.name == "Cloudflare")
    for one in _with(site, "people", resolver, "dns", 0.5, 0.4):
        yield replace(one, theirs=hosts("1.1.1.0/24", "", 2, 13335))


def _cloud(site: org.Site) -> Iterator[Conversation]:
    """Servers and what they have in the clouds, over private lines."""
    for remote in org.REMOTES:
        if remote.kind == "cloud":
            yield from _with(site, "servers", remote, "web", remote.weight, 0.55)
            yield from _with(site, "servers", remote, "postgres", remote.weight * 0.2, 0.3)


def _east_west(site: org.Site) -> Iterator[Conversation]:
    """Within a site, over its core switch: storage, databases, messaging."""
    core = next((device.name for device in org.DEVICES if (device.site, device.role) == (site.code, "core")), "")
    if not core:
        return
    servers, people = _ours(site, "servers"), _ours(site, "people")
    (users_at, _), *_ = places(site.code, "people")
    row_a, row_b, storage = (Place(core, port) for port in (2, 3, 4))
    for app, ours, weight, share, at, other in (
        ("iscsi", servers, 30.0, 0.45, row_a, storage), ("nfs", servers, 16.0, 0.3, row_b, storage),
        ("kafka", servers, 12, 0.6, row_a, row_b), ("postgres", servers, 7.0, 0.2, row_a, row_b),
        ("smb", people, 8.0, 0.25, users_at, storage), ("web", people, 9.0, 0.12, users_at, row_a),
        ("ldap", people, 0.4, 0.4, users_at, row_b), ("dns", people, 0.3, 0.4, users_at, row_b),
        ("ssh", people, 0.6, 0.3, users_at, row_a),
    ):  # fmt: skip
        yield Conversation(
            org.APPS[app], ours, servers, False, weight, share, site.utc_offset_h, site.code,
            "people" if ours is people else "servers", at, -1, other, site.code,
        )  # fmt: skip


#: What goes between two sites: application, group of the first, weight, share of it that the first sends.
_BETWEEN: tuple[tuple[str, Group, float, float], ...] = (
    ("kafka", "servers", 4.0, 0.6), ("iscsi", "servers", 3.2, 0.85), ("backup", "servers", 3.0, 0.95),
    ("postgres", "servers", 1.1, 0.3), ("web", "people", 1.6, 0.12), ("smb", "people", 0.8, 0.2),
    ("ssh", "people", 0.1, 0.3), ("ipsec", "servers", 0.4, 0.5),
)  # fmt: skip


def _between(site: org.Site, other: org.Site) -> Iterator[Conversation]:
    """Between sites: replication, backups at night, people and servers elsewhere. Each pair hangs at one place."""
    there = places(other.code, "servers")
    for app, group, weight, share in _BETWEEN:
        here = places(site.code, group)
        if not here or not there:
            continue
        dice = zlib.crc32(f"{site.code} {other.code} {app}".encode())
        at, to = here[dice % 5 == 0 and len(here) > 1][0], there[dice % 7 == 0 and len(there) > 1][0]
        yield Conversation(
            org.APPS[app], _ours(site, group), _ours(other, "servers"), False, weight, share,
            site.utc_offset_h if org.APPS[app].shape != "flat" else 0.0, site.code, group, at, -1, to, other.code,
        )  # fmt: skip
