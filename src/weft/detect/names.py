"""What things are called, from the inventory: answers from memory, from any thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache, partial
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from weft.model.addresses import address_text, mapped_network
from weft.model.inventory import ObjectKind
from weft.store.inventory import Inventory, Snapshot

_MOST_REMEMBERED = 1 << 16


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

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._version = -1
        self._learned = _Learned((), (), {})

    def device(self, address: bytes) -> str:
        """See ``Names``."""
        return self._inventory.device_name(bytes(address)) or address_text(bytes(address))

    def interface(self, address: bytes, if_index: int) -> str:
        """See ``Names``."""
        return self._inventory.interface_name(bytes(address), int(if_index)) or f"if{int(if_index)}"

    def site(self, device: str) -> str:
        """See ``Names``."""
        return self.sites.get(device, "")

    def site_of_address(self, address: bytes) -> str:
        """See ``Names``."""
        return self._now().site_of(bytes(address))

    @property
    def sites(self) -> Mapping[str, str]:
        """Device → site, of those whose site is known."""
        return self._now().sites

    def networks(self) -> Sequence[IPv4Network | IPv6Network]:
        """Prefixes that are one's own, or one's customers': not those of services that others run."""
        return self._now().networks

    def _now(self) -> _Learned:
        version = self._inventory.version
        if version != self._version:
            self._learned = _learn(self._inventory.snapshot())
            self._version = version
        return self._learned


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


def facts(inventory: Inventory, threat_lists: Sequence[Path] = ()) -> dict[str, Callable[..., Any]]:
    """Look-ups for detectors (``Context.facts``).

    ``interface(address, if_index)``: attributes of a port; ``aggregates()``: (device, interface) → the aggregate that
    it is a member of; ``as_name(asn)``: who it is; ``threat_lists()``, where there are any: what is on them now.
    """
    found: dict[str, Callable[..., Any]] = {
        "interface": partial(_interface, inventory), "as_name": _Providers(inventory).name,
        "aggregates": _Aggregates(inventory).members,
    }  # fmt: skip
    if threat_lists:
        from weft.detect.security.threat_lists import ThreatFiles  # of use only where there are lists

        found["threat_lists"] = ThreatFiles(threat_lists).current
    return found


def _interface(inventory: Inventory, address: bytes, if_index: int) -> Mapping[str, Any] | None:
    known = inventory.known.get(address_text(bytes(address)))
    port = known.interfaces.get(int(if_index)) if known is not None else None
    return None if port is None else asdict(port)


class _Aggregates:
    """Members of link aggregates, as of now."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory, self._version = inventory, -1
        self._members: dict[tuple[str, str], str] = {}

    def members(self) -> Mapping[tuple[str, str], str]:
        """(device, interface) → aggregate."""
        version = self._inventory.version
        if version != self._version:
            objects = self._inventory.snapshot().objects(ObjectKind.INTERFACE)
            self._members = {(one.key[0], one.key[1]): str(one.get("lag")) for one in objects if one.get("lag")}
            self._version = version
        return self._members


class _Providers:
    """Providers and customers by their AS number, as of now."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory, self._version = inventory, -1
        self._names: dict[int, str] = {}

    def name(self, asn: int) -> str:
        """Empty where nobody knows it."""
        version = self._inventory.version
        if version != self._version:
            self._names, self._version = _providers(self._inventory.snapshot()), version
        return self._names.get(int(asn), "")


def _providers(snapshot: Snapshot) -> dict[int, str]:
    """Providers and customers by their AS number."""
    found: dict[int, str] = {}
    for kind in (ObjectKind.PROVIDER, ObjectKind.CUSTOMER):
        for one in snapshot.objects(kind):
            asn = str(one.get("asn") or "").upper().removeprefix("AS")
            if asn.isdigit():
                found.setdefault(int(asn), one.key[0])
    return found
