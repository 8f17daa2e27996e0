"""Where faults can happen at Acme, and how truths name the things that they are about."""

from __future__ import annotations

import heapq
import itertools
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from ipaddress import ip_network

from weft.twin import organisation as org
from weft.twin.exits import peer_address
from weft.twin.faults.model import Fault, Place, Symptom

_DEVICES = {device.name: device for device in org.DEVICES}
_SITES = {site.code: site for site in org.SITES}
PORTS = {(device.name, port.index): port for device in org.DEVICES for port in org.all_ports(device)}


# --- names -----------------------------------------------------------------------------------------------------------


def device_entity(name: str) -> str:
    """A device, as truths name it."""
    return f"device:{name}"


def interface_entity(device: str, port: int) -> str:
    """An interface, as truths name it."""
    return f"interface:{device}|{PORTS[device, port].name}"


def peer_entity(device: str, port: int) -> str:
    """The BGP neighbour behind a port, as truths name it: ``peer:chi-border1|192.0.2.7``."""
    return f"peer:{device}|{peer_address(_DEVICES[device], PORTS[device, port])}"


def port_name(device: str, port: int) -> str:
    """Name of an interface."""
    return PORTS[device, port].name


def site_of(device: str) -> str:
    """Code of the site that a device stands at."""
    return _DEVICES[device].site


def site_name(code: str) -> str:
    """Name of a site."""
    return _SITES[code].name


# --- lines -----------------------------------------------------------------------------------------------------------


@cache
def lines(_seed: int = 0) -> tuple[Place, ...]:
    """The lines between sites, both ends: ``chi-border1--nyc-border1``."""
    return tuple(_line(link) for link in org.BACKBONE)


def _line(link: org.Link, target: str = "") -> Place:
    near, far = site_of(link.a), site_of(link.b)
    ends = f"{site_name(near)}–{site_name(far)}" if near != far else f"{link.a}–{link.b}"
    title = f"{ends} ({link.provider} {link.circuit})" if link.circuit else ends
    return Place(f"{link.a}--{link.b}", title, link.a, link.a_port, link.b, link.b_port, target)


@cache
def far_ends(device: str) -> tuple[tuple[str, int], ...]:
    """The other ends of all lines of a device: device and port."""
    ends = (((link.a, link.a_port), (link.b, link.b_port)) for link in org.LINKS)
    return tuple(far for pair in ends for near, far in (pair, pair[::-1]) if near[0] == device)


@cache
def line_ends(_seed: int = 0) -> tuple[Place, ...]:
    """Each end of each line between sites: ``chi-border1|et-2/0/0``, with the other end as ``other``."""
    found = []
    for link in org.BACKBONE:
        for near, port, far, far_port in ((link.a, link.a_port, link.b, link.b_port),
                                          (link.b, link.b_port, link.a, link.a_port)):  # fmt: skip
            name = port_name(near, port)
            found.append(Place(f"{near}|{name}", f"{near} {name}, to {far}", near, port, far, far_port))
    return tuple(found)


@cache
def router_line_ends(_seed: int = 0) -> tuple[Place, ...]:
    """Ends of lines at routers that speak the IGP as borders do."""
    return tuple(one for one in line_ends() if _DEVICES[one.device].role == "border")


@cache
def long_lines(_seed: int = 0) -> tuple[Place, ...]:
    """Lines between different sites."""
    return tuple(one for one in lines() if site_of(one.device) != site_of(one.other))


@cache
def rerouted_lines(_seed: int = 0) -> tuple[Place, ...]:
    """Lines whose traffic has another way; ``target`` is the slowest line on it: ``chi-border1--dal-border1``."""
    found = []
    for link in org.BACKBONE:
        way = _way_without(link) if site_of(link.a) != site_of(link.b) else ()
        if way:
            slowest = min(way, key=lambda one: (one.speed_bps, one.a))
            found.append(_line(link, f"{slowest.a}--{slowest.b}"))
    return tuple(found)


def _way_without(gone: org.Link) -> tuple[org.Link, ...]:
    """The quickest way between the ends of a line that does not use it; empty for none."""
    waiting: list[tuple[float, int, str, tuple[org.Link, ...]]] = [(0.0, 0, gone.a, ())]
    been, order = set(), itertools.count(1)
    while waiting:
        delay, _, at, way = heapq.heappop(waiting)
        if at == gone.b:
            return way
        if at in been:
            continue
        been.add(at)
        for link in org.BACKBONE:
            if link is not gone and at in (link.a, link.b):
                other = link.b if at == link.a else link.a
                heapq.heappush(waiting, (delay + link.delay_ms, next(order), other, (*way, link)))
    return ()


def line_named(name: str) -> org.Link:
    """The line of an id as ``lines`` gives it."""
    return next(link for link in org.BACKBONE if f"{link.a}--{link.b}" == name)


# --- devices and ports -----------------------------------------------------------------------------------------------


@cache
def devices(_seed: int = 0) -> tuple[Place, ...]:
    """Borders, cores and firewalls."""
    return tuple(Place(one.name, f"{one.name}, {site_name(one.site)}", one.name) for one in org.DEVICES)


@cache
def exporters(_seed: int = 0) -> tuple[Place, ...]:
    """Devices that export flows."""
    return tuple(Place(one.name, f"{one.name}, {site_name(one.site)}", one.name) for one in org.EXPORTERS)


@cache
def sessions(_seed: int = 0) -> tuple[Place, ...]:
    """External ports of borders: transit and exchanges."""
    return tuple(_ports(lambda port: port.boundary == "external"))


@cache
def transits(_seed: int = 0) -> tuple[Place, ...]:
    """Transit ports of borders."""
    return tuple(_ports(lambda port: port.connectivity == "transit"))


def _ports(wanted: Callable[[org.Port], bool], role: str = "border") -> Iterator[Place]:
    for device in org.DEVICES:
        for port in device.ports:
            if device.role == role and wanted(port):
                title = f"{device.name} {port.name}, {port.provider or port.description}"
                yield Place(f"{device.name}|{port.name}", title, device.name, port.index)


@cache
def ports_of(provider: str) -> tuple[tuple[str, int], ...]:
    """(device, ifIndex) of every transit port of a provider at borders."""
    found = ((one.device, one.port) for one in transits())
    return tuple(end for end in found if PORTS[end].provider == provider)


@cache
def server_ports(_seed: int = 0) -> tuple[Place, ...]:
    """Ports of core switches to rows of servers."""
    return tuple(_ports(lambda port: port.connectivity == "server", "core"))


@cache
def guarded_ports(_seed: int = 0) -> tuple[Place, ...]:
    """Ports that filters can be put on: where borders and firewalls face the outside by transit."""
    return (*transits(), *_ports(lambda port: port.connectivity == "transit", "firewall"))


# --- addresses, services, sites --------------------------------------------------------------------------------------


@cache
def own_prefixes(_seed: int = 0) -> tuple[Place, ...]:
    """Halves and quarters of Acme's public prefix, as somebody else might announce them."""
    whole = ip_network("203.0.113.0/24")
    parts = [*whole.subnets(new_prefix=25), *whole.subnets(new_prefix=26)]
    return tuple(
        Place(str(part), f"{part} of Acme", target=str(part))
        for part in parts
        if any(ip_network(site.public).subnet_of(part) for site in org.SITES)
    )


def has_payload(remote: org.Remote) -> bool:
    """Whether a network has said by RPKI who may announce it; most have."""
    return zlib.crc32(remote.name.encode()) % 6 > 0


@cache
def authorised(_seed: int = 0) -> tuple[Place, ...]:
    """Networks outside whose origin can be checked, by their prefix."""
    return tuple(
        Place(one.prefix, f"{one.name} {one.prefix}", target=one.prefix) for one in org.REMOTES if has_payload(one)
    )


@cache
def sites(*, public: bool = False) -> tuple[Place, ...]:
    """Sites; ``public``: those with services for the public."""
    found = [site for site in org.SITES if not public or site.kind == "data centre"]
    return tuple(Place(site.code, site.name, target=site.code) for site in found)


def fewer_orders(*names: str, text: str) -> tuple[Symptom, ...]:
    """What the shops show of trouble at the sites of some devices, where there are shops."""
    shops = {one.target for one in sites(public=True)}
    found = dict.fromkeys(site_of(name) for name in names)
    return tuple(Symptom("business", f"site:{site}", text, 60.0) for site in found if site in shops)


@cache
def inner(site: str) -> tuple[str, ...]:
    """From a site's agent of synthetic tests to its edge: what stands between, the edge last."""
    edge = f"{site}-border1" if f"{site}-border1" in _DEVICES else f"{site}-fw1"
    wanted = (f"{site}-core1", f"{site}-fw1" if site == "lon" else "", edge)
    return tuple(dict.fromkeys(name for name in wanted if name in _DEVICES))


def agent_name(site: str) -> str:
    """Name of the agent of a site."""
    return f"{site}-agent1"


def cut_off(device: str) -> tuple[Symptom, ...]:
    """What tests show while a device is away: the agent behind it reaches nobody, and nobody reaches it."""
    site = site_of(device)
    is_between = _SITES[site].has_agent and device in inner(site)
    return (Symptom("probes", f"agent:{agent_name(site)}", "runs fail to and from it"),) if is_between else ()


@cache
def saas(_seed: int = 0) -> tuple[Place, ...]:
    """SaaS, reached by every provider or by one: ``Salesforce``, ``Salesforce by Lumen``."""
    providers = tuple(dict.fromkeys(PORTS[place.device, place.port].provider for place in transits()))
    names = [remote.service for remote in org.REMOTES if remote.kind == "saas"]
    wide = [Place(name, name, target=name) for name in names]
    narrow = [
        Place(f"{name} by {provider}", f"{name}, by way of {provider}", target=f"{name}@{provider}")
        for name in names for provider in providers
    ]  # fmt: skip
    return (*wide, *narrow)


def both_ends(fault: Fault) -> tuple[tuple[str, int], tuple[str, int]]:
    """(device, ifIndex) of the ends of the line that a fault is at."""
    return (fault.device, fault.port), (fault.other, fault.other_port)
