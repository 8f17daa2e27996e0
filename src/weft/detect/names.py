"""What things are called, from the inventory: answers from memory, from any thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache, partial
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from weft.detect.lines import Port, lines_of, neighbours_of
from weft.model.addresses import address_text, mapped_network
from weft.model.inventory import ObjectKind
from weft.store.inventory import Snapshot

_MOST_REMEMBERED = 1 << 16
_T = TypeVar("_T")


class Known(Protocol):
    """An inventory: that of a store, or that of a run."""

    @property
    def version(self) -> int:
        """Grows with every new snapshot."""

    def snapshot(self) -> Snapshot:
        """The inventory as it is now."""


class PerVersion(Generic[_T]):
    """What is made of an inventory, made anew only where it changed."""

    def __init__(self, inventory: Known, make: Callable[[Snapshot], _T]) -> None:
        self._inventory, self._make = inventory, make
        self._made: tuple[int, _T] | None = None

    def __call__(self) -> _T:
        """As of now."""
        version, made = self._inventory.version, self._made
        if made is None or made[0] != version:
            made = self._made = version, self._make(self._inventory.snapshot())
        return made[1]


@dataclass(frozen=True)
class _Learned:
    """What one inventory says of addresses."""

    networks: tuple[IPv4Network | IPv6Network, ...]
    by_length: tuple[tuple[int, Mapping[int, str]], ...]
    sites: Mapping[str, str]
    site_of: Callable[[bytes], str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "site_of", lru_cache(maxsize=_MOST_REMEMBERED)(self._look_up))

    def _look_up(self, address: bytes) -> str:
        number = int(IPv6Address(address))
        for length, sites in self.by_length:
            if site := sites.get(number >> (128 - length)):
                return site
        return ""


class InventoryNames:
    """``Names`` of the inventory as it is now."""

    def __init__(self, inventory: Known) -> None:
        self._inventory = inventory
        self._learned = PerVersion(inventory, _learn)

    def device(self, address: bytes) -> str:
        """See ``Names``."""
        told = address_text(bytes(address))
        known = self._inventory.snapshot().known.get(told)
        return (known.name if known is not None else "") or told

    def interface(self, address: bytes, if_index: int) -> str:
        """See ``Names``."""
        found = self._inventory.snapshot().interface_name(bytes(address), int(if_index))
        return found or f"if{int(if_index)}"

    def site(self, device: str) -> str:
        """See ``Names``."""
        return self.sites.get(device, "")

    def site_of_address(self, address: bytes) -> str:
        """See ``Names``."""
        return self._learned().site_of(bytes(address))

    @property
    def sites(self) -> Mapping[str, str]:
        """Device → site, of those whose site is known."""
        return self._learned().sites

    def networks(self) -> Sequence[IPv4Network | IPv6Network]:
        """Prefixes that are one's own, or one's customers': not those of services that others run."""
        return self._learned().networks


def _learn(snapshot: Snapshot) -> _Learned:
    networks: list[IPv4Network | IPv6Network] = []
    by_length: dict[int, dict[int, str]] = {}
    for prefix, said in snapshot.networks:
        try:
            network = ip_network(prefix, strict=False)
        except ValueError:
            continue
        if said.keys() != {"service"}:  # where a service is reached, but nobody says that the prefix is ours
            networks.append(network)
        if site := said.get("site"):
            wide = mapped_network(network)
            by_length.setdefault(wide.prefixlen, {})[int(wide.network_address) >> (128 - wide.prefixlen)] = site
    sites = {one.key[0]: str(one.get("site")) for one in snapshot.objects(ObjectKind.DEVICE) if one.get("site")}
    return _Learned(tuple(networks), tuple(sorted(by_length.items(), reverse=True)), sites)


def facts(inventory: Known, threat_lists: Sequence[Path] = ()) -> dict[str, Callable[..., Any]]:
    """Look-ups for detectors (``Context.facts``).

    ``interface(address, if_index)``: attributes of a port; ``aggregates()``: (device, interface) → the aggregate that
    it is a member of; ``lines()``: every line with both of its ends; ``neighbour(device, interface)``: the port at the
    other end, if it is known; ``speeds()``: (device, interface) → bit/s; ``as_name(asn)``: who it is;
    ``threat_lists()``, where there are any: what they hold.
    """
    aggregates, lines = PerVersion(inventory, _aggregates), PerVersion(inventory, lines_of)
    neighbours, providers = PerVersion(inventory, neighbours_of), PerVersion(inventory, _providers)

    def neighbour(device: str, interface: str) -> Port | None:
        return neighbours().get((device, interface))

    def as_name(asn: int) -> str:
        return providers().get(int(asn), "")

    found: dict[str, Callable[..., Any]] = {
        "interface": partial(_interface, inventory), "as_name": as_name, "aggregates": aggregates,
        "lines": lines, "neighbour": neighbour, "speeds": PerVersion(inventory, _speeds),
    }  # fmt: skip
    if threat_lists:
        from weft.detect.security.threat_lists import ThreatFiles  # of use only where there are lists

        found["threat_lists"] = ThreatFiles(threat_lists).current
    return found


def _interface(inventory: Known, address: bytes, if_index: int) -> Mapping[str, Any] | None:
    known = inventory.snapshot().known.get(address_text(bytes(address)))
    port = known.interfaces.get(int(if_index)) if known is not None else None
    return None if port is None else asdict(port)


def _aggregates(snapshot: Snapshot) -> dict[tuple[str, str], str]:
    """(device, interface) → the aggregate that it is a member of."""
    ports = snapshot.objects(ObjectKind.INTERFACE)
    return {(one.key[0], one.key[1]): str(one.get("lag")) for one in ports if one.get("lag")}


def _speeds(snapshot: Snapshot) -> dict[Port, float]:
    """(device, interface) → bit/s, where they are known."""
    ports = ((one.key[0], one.key[1], one.get("speed_bps")) for one in snapshot.objects(ObjectKind.INTERFACE))
    return {(device, port): float(told) for device, port, told in ports if isinstance(told, int | float) and told > 0}


def _providers(snapshot: Snapshot) -> dict[int, str]:
    """Providers and customers by their AS number."""
    found: dict[int, str] = {}
    for kind in (ObjectKind.PROVIDER, ObjectKind.CUSTOMER):
        for one in snapshot.objects(kind):
            asn = str(one.get("asn") or "").upper().removeprefix("AS")
            if asn.isdigit():
                found.setdefault(int(asn), one.key[0])
    return found
