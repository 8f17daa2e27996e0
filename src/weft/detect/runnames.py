"""What things were called in a ``weft twin run``: from its inventory and tables, as an operator would keep them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network
from pathlib import Path

from weft.collect.inventory.yamlfile import load_file
from weft.model.addresses import address_text, mapped_network, packed
from weft.model.inventory import ObjectKind

_Network = IPv4Network | IPv6Network
#: What the fact ``interface`` tells.
_CONNECTION = ("boundary", "connectivity", "provider")


class RunNames:
    """``Names`` of a run. What the folder does not tell stays an address, or empty."""

    def __init__(self, reference: Path) -> None:
        self._devices: dict[bytes, str] = {}
        self._sites: dict[str, str] = {}
        self._interfaces: dict[tuple[str, int], str] = {}
        self._described: dict[tuple[str, int], Mapping[str, str]] = {}
        inventory = reference / "inventory.yaml"
        if inventory.exists():
            self._read(inventory)
        prefixes = list(_prefixes(reference / "prefixes.csv"))
        self.networks: tuple[_Network, ...] = tuple(network for network, row in prefixes if _is_own(row))
        by_length: dict[int, dict[int, str]] = {}
        for network, row in prefixes:
            if row.get("site"):
                wide = mapped_network(network)
                bits = by_length.setdefault(wide.prefixlen, {})
                bits[int(wide.network_address) >> (128 - wide.prefixlen)] = row["site"]
        self._by_length = sorted(by_length.items(), reverse=True)
        self._site_of = lru_cache(maxsize=1 << 16)(self._look_up)

    def _read(self, path: Path) -> None:
        for fact in load_file(path).facts:
            if fact.kind is ObjectKind.DEVICE:
                name = str(fact.attributes.get("name") or fact.key[0])
                self._sites[name] = str(fact.attributes.get("site", ""))
                for address in fact.attributes.get("addresses", ()):
                    self._devices[packed(str(address).partition("/")[0])] = name
            elif fact.kind is ObjectKind.INTERFACE and fact.attributes.get("if_index"):
                port = fact.key[0], int(fact.attributes["if_index"])
                self._interfaces[port] = str(fact.attributes["name"])
                self._described[port] = {name: str(fact.attributes.get(name) or "") for name in _CONNECTION}

    def device(self, address: bytes) -> str:
        """See ``Names``."""
        return self._devices.get(bytes(address)) or address_text(bytes(address))

    def interface(self, address: bytes, if_index: int) -> str:
        """See ``Names``."""
        return self._interfaces.get((self.device(address), int(if_index)), f"if{int(if_index)}")

    def described(self, address: bytes, if_index: int) -> Mapping[str, str] | None:
        """The fact ``interface``: how an interface is connected."""
        return self._described.get((self.device(address), int(if_index)))

    def site(self, device: str) -> str:
        """See ``Names``."""
        return self._sites.get(device, "")

    def site_of_address(self, address: bytes) -> str:
        """See ``Names``."""
        return self._site_of(bytes(address))

    def _look_up(self, address: bytes) -> str:
        number = int(IPv6Address(address))
        for length, bits in self._by_length:
            if site := bits.get(number >> (128 - length)):
                return site
        return ""


def _prefixes(path: Path) -> Iterator[tuple[_Network, Mapping[str, str]]]:
    if not path.exists():
        return
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield ip_network(row["prefix"]), row


def _is_own(row: Mapping[str, str]) -> bool:
    """Sites and customers have addresses of ours; what is elsewhere has an AS or a cloud."""
    return bool(row.get("site") or row.get("customer"))
