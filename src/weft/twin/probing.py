"""What probes would meet on Acme's network at any moment: the ways they take, how long that lasts, what is wrong.

Lines that are down send packets another way, core switches that are hot delay them, a transit session
that is down leaves the other provider. Nothing here has state: any moment can be asked for.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, ip_address

from weft.twin import organisation as org
from weft.twin.faults.model import Fault
from weft.twin.timeline import Timeline

#: Ways whose delays differ by less than this share packets (ms).
_EQUAL_MS = 0.25
_MOST_HOPS = 6
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
_TROUBLE_EVERY_S, _TROUBLE_S = 5 * 3600, 1500
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

    ``after_ms[i]`` is the delay up to hop ``i``; ``loss`` is of packets that go all the way and back.
    """

    hops: tuple[str, ...]
    after_ms: tuple[float, ...]
    loss: float = 0.0
    jitter_ms: float = 0.15

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


class Weather:
    """What is wrong at a moment."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def now(self, at_s: float) -> tuple[Fault, ...]:
        """Faults that hold."""
        return self._timeline.active(at_s)

    def trouble(self, at_s: float) -> tuple[str, str] | None:
        """The provider and the service between which packets are lost, once in a few hours for a while."""
        slot, within = divmod(at_s, _TROUBLE_EVERY_S)
        chosen = number_of(self._timeline.seed, int(slot))
        if not 0 <= within - 3000 - chosen % 9000 < _TROUBLE_S:
            return None
        services = [remote.service for remote in org.REMOTES if remote.kind == "saas"]
        return tuple(TRANSIT)[chosen % 3], services[chosen // 3 % len(services)]

    def inside(self, origin: str, site: str, at_s: float) -> list[Way]:
        """Ways from one site's agent to another's, those of equal delay."""
        now = self.now(at_s)
        down = frozenset((one.device, one.port) for one in now if one.kind == "link_cut")
        hot = {one.device for one in now if one.kind == "cpu_overload"}
        broken = any(at_s - one.start_s < 20 for one in now if one.kind == "link_cut")
        ways = _ways(origin, site, down)
        return [_walk(devices, delays, hot, agent_address(site), broken=broken) for devices, delays in ways]

    def outside(self, origin: str, target: str, at_s: float) -> list[Way]:
        """Ways from a site's agent to a name on the Internet: by each of its providers."""
        now, remote = self.now(at_s), remote_of(target)
        hot = {one.device for one in now if one.kind == "cpu_overload"}
        border = next(device for device in org.DEVICES if device.name == f"{origin}-border1")
        down = {one.port for one in now if one.kind == "session_down" and one.device == border.name}
        ports = [port for port in border.ports if port.connectivity == "transit" and port.index not in down]
        trouble = self.trouble(at_s)
        ways = []
        for port in ports or border.ports[:1]:
            devices = [name for name in _inner(origin) if name != border.name] + [border.name]
            way = _walk(tuple(devices), (0.0,) * (len(devices) - 1), hot, "", broken=False)
            troubled = trouble == (port.provider, remote.service)
            ways.append(_leave(way, origin, port.provider, target, remote, troubled=troubled))
        return ways


def _leave(way: Way, origin: str, provider: str, target: str, remote: org.Remote, *, troubled: bool) -> Way:
    block = IPv4Network(TRANSIT[provider][1])
    near = number_of(origin, provider) % 200
    edge = IPv4Network(remote.prefix)[3 + number_of(origin, provider, remote.name) % 200]
    hops = [*way.hops[:-1], str(block[1 + near]), "" if provider == _SILENT else str(block[220 + near % 30])]
    hops += [str(edge), remote_address(target)]
    far_ms = _NEAR_MS[_SITES[origin].country] * (0.6 + number_of(origin, target) % 100 / 80)
    at_ms = way.after_ms[-2] if len(way.after_ms) > 1 else 0.0
    slow_ms = 28.0 if troubled else 0.0
    delays = [
        at_ms + _TRANSIT_MS * min(1, share * 3) + far_ms * share + (slow_ms if share > _FIRST else 0.0)
        for share in (_FIRST, 0.45, 0.9, 1.0)
    ]
    return Way(
        tuple(hops),
        (*way.after_ms[:-1], *delays),
        0.09 if troubled else way.loss,
        2.5 if troubled else way.jitter_ms + 0.3,
    )


def _inner(site: str) -> list[str]:
    """From the agent to the border: what stands between."""
    names = {device.name for device in org.DEVICES}
    wanted = (f"{site}-core1", f"{site}-fw1" if site == "lon" else "", f"{site}-border1")
    return [name for name in wanted if name in names]


@lru_cache(maxsize=4096)
def _ways(origin: str, site: str, down: frozenset[tuple[str, int]]) -> list[tuple[tuple[str, ...], tuple[float, ...]]]:
    """Devices on the way and the delay of the line to each, of all ways that are about as short as the shortest."""
    found = sorted(_simple(f"{origin}-border1", f"{site}-border1", down, (), ()), key=lambda one: sum(one[1]))
    shortest = sum(found[0][1]) if found else 0.0
    if not found:
        return [((*_inner(origin),), (0.0,) * (len(_inner(origin)) - 1))]
    ways = []
    for devices, delays in found:
        if sum(delays) - shortest <= _EQUAL_MS:
            head, tail = _inner(origin)[:-1], _inner(site)[:-1][::-1]
            ways.append(((*head, *devices, *tail), (*(0.0 for _ in head), *delays, *(0.0 for _ in tail))))
    return ways


def _simple(
    at: str, end: str, down: frozenset[tuple[str, int]], been: tuple[str, ...], delays: tuple[float, ...]
) -> Iterator[tuple[tuple[str, ...], tuple[float, ...]]]:
    """Ways over the backbone that meet no device twice."""
    been = (*been, at)
    if at == end:
        yield been, delays
        return
    if len(been) >= _MOST_HOPS:
        return
    for link in org.BACKBONE:
        if (link.a, link.a_port) in down or at not in (link.a, link.b):
            continue
        other = link.b if at == link.a else link.a
        if other not in been:
            yield from _simple(other, end, down, been, (*delays, link.delay_ms))


def _walk(devices: tuple[str, ...], delays: tuple[float, ...], hot: set[str], end: str, *, broken: bool) -> Way:
    """A way over devices of Acme to an address behind the last of them."""
    at_ms, after = 0.0, []
    for i, _ in enumerate(devices):
        at_ms += _INSIDE_MS + (delays[i - 1] if i else 0.0) + (4.0 if devices[i] in hot else 0.0)
        after.append(at_ms)
    hops = (*(hop_address(name) for name in devices), end)
    warm = any(name in hot for name in devices)
    return Way(hops, (*after, at_ms + _INSIDE_MS), 0.3 if broken else 0.012 if warm else 0.0003, 1.8 if warm else 0.15)
