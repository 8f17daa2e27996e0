"""Places and links by the names that people use: devices, sites, ASes, providers, services, addresses, prefixes.

Comes in: a network and what the inventory knows of names. Goes out: nodes, prefix groups, links, or an error that says
which names come close. Must not guess between several: it takes one by a stated rule and says which.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Generic, Literal, TypeVar

from weft.errors import InvalidInput
from weft.network.routing import ExternalRoute, PrefixGroup, Routing
from weft.network.state import OUTSIDE, Network
from weft.network.topology import Node, NodeKind

Value = TypeVar("Value")
Kind = Literal["device", "site", "as", "cloud", "service", "prefix", "address"]
Prefix = ipaddress.IPv4Network | ipaddress.IPv6Network
#: Where traffic of a site begins and ends, most likely first: roles of the devices that stand for it.
_ROLES = ("core", "leaf", "access", "distribution", "router", "switch", "spine", "firewall", "border", "edge")
_CLOSE = 4
_KINDS: Mapping[NodeKind, Kind] = {
    NodeKind.DEVICE: "device", NodeKind.AS: "as", NodeKind.CLOUD: "cloud", NodeKind.SERVICE: "service",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Owner:
    """What the inventory says of a prefix of ours, or of a service outside."""

    prefix: str
    site: str = ""
    service: str = ""
    customer: str = ""
    asn: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """The longest prefix that holds an address, and the routes to it; their ``group`` means nothing."""

    prefix: str
    origin_as: int
    routes: tuple[ExternalRoute, ...]


@dataclass(frozen=True)
class Names:
    """What people call things, beyond the names of nodes."""

    sites: Mapping[str, str] = field(default_factory=dict)  # code → title
    providers: Mapping[str, int] = field(default_factory=dict)  # name → AS number, 0 = not known
    ases: Mapping[int, str] = field(default_factory=dict)  # number → registered name
    owners: Sequence[Owner] = ()
    device_of: Callable[[str], str] = lambda _: ""  # address → name of the device that has it
    look_up: Callable[[str], Told | None] = lambda _: None  # prefix or address → its routes, where they can be asked


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a network: a node, several of which one stands for it, or what routing finds an exit for."""

    asked: str
    kind: Kind
    title: str
    node: int = -1  # -1: routing chooses where traffic to it leaves
    nodes: tuple[int, ...] = ()
    group: int = -1
    prefix: str = ""
    told: Told | None = None  # of a prefix that is in no group yet


class Places:
    """Finds places and links by name. Built once for a network."""

    def __init__(self, network: Network, names: Names | None = None) -> None:
        self.network, self.names = network, names or Names()
        topology = network.topology
        self._folded = {node.name.casefold(): at for at, node in enumerate(topology.nodes)}
        self._sites: dict[str, list[int]] = {}
        for at, node in enumerate(topology.nodes):
            if node.site and node.kind not in OUTSIDE:
                self._sites.setdefault(node.site, []).append(at)
        self._groups = {group.name.casefold(): at for at, group in enumerate(network.routing.groups)}
        self._owned = _Prefixes((one.prefix, one) for one in self.names.owners)
        self._sited = _Prefixes((one.prefix, one) for one in self.names.owners if one.site in self._sites)
        self._outside = _Prefixes(
            (text, at) for at, group in enumerate(network.routing.groups) for text in group.prefixes
        )

    def find(self, text: str, where: str = "place") -> Place:
        """The place of that name. Raises ``InvalidInput``."""
        asked = text.strip()
        folded = asked.casefold()
        for finder in (self._node, self._network, self._site, self._as, self._group, self._service):
            place = finder(asked, folded)
            if place is not None:
                return place
        if _prefix(asked) is not None:
            fix = "Neither the inventory nor a route says where it is."
            raise InvalidInput(f"no way to {asked[:80]} is known", where=where, fix=fix)
        close = get_close_matches(folded, self._all_names(), _CLOSE, 0.6)
        fix = f"Did you mean {', '.join(close)}?" if close else "Name a device, site, AS, service, address or prefix."
        raise InvalidInput(f"nothing in the network is called {asked[:80]!r}", where=where, fix=fix)

    def links(self, text: str, where: str = "link") -> tuple[int, ...]:
        """The link of that id or circuit; or all links between two devices or sites, ``a -- b``. Raises."""
        topology = self.network.topology
        asked = text.strip()
        at = topology.link_positions.get(asked)
        if at is not None:
            return (at,)
        folded = asked.casefold()
        found = [i for i, link in enumerate(topology.links) if folded in (link.id.casefold(), link.circuit.casefold())]
        if not found and "--" in asked:
            found = self._between(*(part.strip() for part in asked.split("--", 1)))
        if not found:
            close = get_close_matches(asked, list(topology.link_positions), _CLOSE, 0.6)
            fix = f"Did you mean {', '.join(close)}?" if close else "weft network load lists them."
            raise InvalidInput(f"there is no link {asked[:120]!r} in the network", where=where, fix=fix)
        return tuple(found)

    def groups(self, text: str, where: str = "prefixes") -> tuple[tuple[int, ...], str]:
        """Prefix groups that a name or prefix stands for, and a note where they hold more than it does. Raises."""
        place = self.find(text, where)
        at = place.group
        if place.told is not None:
            at = self._groups.get(f"as{place.told.origin_as}", -1)
        if at >= 0:
            group = self.network.routing.groups[at]
            whole = place.kind in ("as", "service") or set(group.prefixes) == {text}
            return (at,), "" if whole else f"{text} is routed as all of {group.name}: that is withdrawn"
        raise InvalidInput(f"{text[:80]!r} is not outside", where=where, fix="Name a prefix that neighbours tell of.")

    def with_routes(self, place: Place, network: Network) -> tuple[Network, Place]:
        """The network with a group for a prefix that had none, and the place in it."""
        if place.told is None:
            return network, place
        group = len(network.routing.groups)
        routes = tuple(replace(route, group=group) for route in place.told.routes)
        routing = network.routing
        changed = Routing(
            (*routing.groups, PrefixGroup(place.prefix, (place.prefix,))), (*routing.routes, *routes),
            routing.entries, routing.tunnels,
        )  # fmt: skip
        return network.changed(routing=changed), replace(place, group=group, told=None)

    def site_title(self, code: str) -> str:
        """What people call a site."""
        return self.names.sites.get(code) or code

    # --- one kind of name each ---------------------------------------------------------------------------------------

    def _node(self, asked: str, folded: str) -> Place | None:
        at = self._folded.get(folded)
        return None if at is None else self._at(asked, at)

    def _at(self, asked: str, at: int) -> Place:
        node = self.network.topology.nodes[at]
        if node.kind is NodeKind.SITE:
            return Place(asked, "site", self.site_title(node.name), at, (at,))
        return Place(asked, _KINDS[node.kind], self.title(node), at, (at,))

    def title(self, node: Node) -> str:
        """A node in words: an AS with its registered name."""
        name = self.names.ases.get(node.asn) if node.asn else ""
        return f"{node.name} {name}" if name else node.name

    def _network(self, asked: str, _: str) -> Place | None:
        """An address of a device, an address or prefix of ours, or one outside."""
        network = _prefix(asked)
        if network is None:
            return None
        kind: Kind = "prefix" if "/" in asked else "address"
        device = self.names.device_of(str(network.network_address)) if kind == "address" else ""
        at = self._folded.get(device.casefold()) if device else None
        if at is not None:
            return Place(asked, kind, f"{asked}, of {device}", at, (at,))
        owned, sited = self._owned.find(network), self._sited.find(network)
        if sited is not None:  # a customer's part of a site's prefix is at that site
            whose = (owned and (owned.customer or owned.service)) or sited.service or sited.prefix
            return self._of_site(asked, kind, sited.site, f"{asked} ({whose})")
        return self._outside_network(asked, kind, network, owned)

    def _outside_network(self, asked: str, kind: Kind, network: Prefix, owned: Owner | None) -> Place | None:
        told = self.names.look_up(asked)
        if told is not None:
            return Place(asked, kind, f"{asked}, by {told.prefix}", prefix=told.prefix, told=told)
        group = self._outside.find(network)
        if group is None and owned is not None and owned.asn:
            group = self._groups.get(f"as{owned.asn}")
        if group is None:
            group = self._groups.get("default route")
        if group is None:
            return None
        name = self.network.routing.groups[group].name
        return Place(asked, kind, f"{asked}, routed as {name}", group=group, prefix=name)

    def _site(self, asked: str, folded: str) -> Place | None:
        folded = folded.removeprefix("site:")
        for code in self._sites:
            if folded in (code.casefold(), self.site_title(code).casefold()):
                return self._of_site(asked, "site", code, self.site_title(code))
        return None

    def _of_site(self, asked: str, kind: Kind, site: str, title: str) -> Place:
        members = self._sites[site]
        nodes = self.network.topology.nodes
        first = min(members, key=lambda at: (_rank(nodes[at].role), nodes[at].name))
        return Place(asked, kind, f"{title}, at {nodes[first].name}", first, tuple(members))

    def _as(self, asked: str, folded: str) -> Place | None:
        """A provider by its name, an AS by its number or registered name: a neighbour, or one farther away."""
        providers = {name.casefold(): asn for name, asn in self.names.providers.items()}
        asn = providers.get(folded, 0)
        if not asn and folded.removeprefix("as").isascii() and folded.removeprefix("as").isdigit():
            asn = int(folded.removeprefix("as")[:10])
        if not asn:
            asn = next((number for number, name in self.names.ases.items() if name.casefold() == folded), 0)
        if not asn:
            return None
        name = self.names.ases.get(asn, "")
        title = f"AS{asn} {name}".strip()
        at = self._folded.get(f"as{asn}")
        if at is not None:
            return Place(asked, "as", title, at, (at,))
        group = self._groups.get(f"as{asn}")
        return None if group is None else Place(asked, "as", title, group=group, prefix=f"AS{asn}")

    def _group(self, asked: str, folded: str) -> Place | None:
        group = self._groups.get(folded)
        return None if group is None else Place(asked, "prefix", asked, group=group, prefix=asked)

    def _service(self, asked: str, folded: str) -> Place | None:
        """A service or customer: where its first prefix is that the network knows a place for."""
        for one in self.names.owners:
            if folded in (one.service.casefold(), one.customer.casefold()):
                found = self._network(one.prefix, "")
                if found is not None:
                    return replace(found, asked=asked, kind="service", title=f"{asked}: {found.title}")
        return None

    def _between(self, a: str, b: str) -> list[int]:
        """Links between two devices, or two sites (``site:chi--site:nyc``, as the Topology page calls its lines)."""
        ends = []
        for text in (a, b):
            name = text.removeprefix("device:").casefold()
            at = self._folded.get(name)
            site = self._site(text, name)
            ends.append({at} if at is not None else set(site.nodes) if site is not None else set())
        return [
            i
            for i, link in enumerate(self.network.topology.links)
            if (link.a in ends[0] and link.b in ends[1]) or (link.a in ends[1] and link.b in ends[0])
        ]

    def _all_names(self) -> list[str]:
        texts = [*self._folded, *self._groups, *(code.casefold() for code in self._sites)]
        texts += [title.casefold() for title in self.names.sites.values()]
        texts += [text.casefold() for one in self.names.owners for text in (one.service, one.customer) if text]
        return list(dict.fromkeys([*texts, *(name.casefold() for name in self.names.providers)]))


def _prefix(text: str) -> Prefix | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _rank(role: str) -> int:
    return _ROLES.index(role) if role in _ROLES else len(_ROLES)


class _Prefixes(Generic[Value]):
    """Longest-prefix match over some thousand prefixes."""

    def __init__(self, members: Iterable[tuple[str, Value]]) -> None:
        self._by_length: dict[tuple[int, int], dict[int, Value]] = {}
        for text, value in members:
            try:
                network = ipaddress.ip_network(text, strict=False)
            except ValueError:
                continue
            key = (network.version, network.prefixlen)
            self._by_length.setdefault(key, {}).setdefault(int(network.network_address), value)
        self._lengths = sorted(self._by_length, reverse=True)

    def find(self, network: Prefix) -> Value | None:
        """What the longest prefix that holds ``network`` stands for."""
        first, bits = int(network.network_address), network.max_prefixlen
        for version, length in self._lengths:
            if version == network.version and length <= network.prefixlen:
                shift = bits - length
                found = self._by_length[version, length].get(first >> shift << shift)
                if found is not None:
                    return found
        return None
