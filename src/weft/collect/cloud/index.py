"""The cloud's interfaces as the inventory knows them, looked up for whole columns of addresses."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.model.addresses import packed
from weft.model.cloud import PROVIDERS
from weft.model.inventory import InventoryObject, ObjectKind

Keys = NDArray[np.uint64]

#: What an interface tells of rows: attribute → column of the row's own side, of the other side.
ATTRIBUTES = ("account", "region", "zone", "vpc", "subnet", "instance")
_NUMBERS = {name: number for number, name in PROVIDERS.items()}
_A, _B = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)


def mixed(words: Keys) -> Keys:
    """Spread the bits of words (the finaliser of murmur3), whole columns at once."""
    words = (words ^ (words >> np.uint64(33))) * _A
    words = (words ^ (words >> np.uint64(33))) * _B
    return words ^ (words >> np.uint64(33))


def address_keys(addresses: NDArray[np.uint8]) -> Keys:
    """A number for each address; 0 for none."""
    halves = np.ascontiguousarray(addresses).view(np.uint64).reshape(-1, 2)
    keys = mixed(halves[:, 0] + np.uint64(0x9E3779B97F4A7C15)) ^ mixed(halves[:, 1])
    keys[(halves[:, 0] | halves[:, 1]) == 0] = 0
    return keys


@lru_cache(maxsize=1 << 16)
def text_key(text: str) -> int:
    """A number for a text, the same on every start; 0 for the empty one."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") if text else 0


def text_keys(texts: Sequence[str]) -> Keys:
    """One for each text."""
    return np.array([text_key(text) for text in texts], np.uint64)


class _Table:
    """Keys → numbers of interfaces; those that several interfaces have are nobody's."""

    def __init__(self, pairs: Mapping[int, int]) -> None:
        self.keys = np.array(sorted(pairs), np.uint64)
        self.numbers = np.array([pairs[key] for key in sorted(pairs)], np.int64)

    def find(self, keys: Keys) -> NDArray[np.int64]:
        """The number for each key; -1 = none."""
        if not len(self.keys):
            return np.full(len(keys), -1, np.int64)
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[at] == keys, self.numbers[at], -1)


class CloudIndex:
    """Made of the inventory once, never changed. Numbers are those of interfaces; -1 = not known."""

    def __init__(self, objects: Mapping[ObjectKind, Sequence[InventoryObject]]) -> None:
        nics = objects.get(ObjectKind.NIC, ())
        subnets = {one.key[0]: one for one in objects.get(ObjectKind.SUBNET, ())}
        vpcs = {one.key[0]: one for one in objects.get(ObjectKind.VPC, ())}
        self.values: dict[str, list[str]] = {name: [""] for name in ATTRIBUTES}
        self.sampling = np.zeros(len(nics) + 1, np.uint32)
        self.logs = np.zeros(len(nics) + 1, np.bool_)
        self.providers = np.zeros(len(nics) + 1, np.uint8)
        by_address: dict[int, int] = {}
        by_both: dict[int, int] = {}
        self.by_name: dict[str, int] = {}
        for number, nic in enumerate(nics):
            subnet, vpc = subnets.get(str(nic.get("subnet", ""))), vpcs.get(str(nic.get("vpc", "")))
            for name in ATTRIBUTES:
                sources = (nic, subnet, vpc)
                found = (one.get(name) for one in sources if one is not None)
                self.values[name].append(next((str(value) for value in found if value), ""))
            self.logs[number + 1] = any(one is not None and bool(one.get("flow_logs")) for one in (nic, subnet, vpc))
            self.providers[number + 1] = _NUMBERS.get(str(nic.get("provider", "")), 0)
            rate = subnet.get("sampling_rate", 0) if subnet is not None else 0
            self.sampling[number + 1] = rate if isinstance(rate, int) and rate > 0 else 0
            self.by_name[nic.key[0].casefold()] = number
            if isinstance(mac := nic.get("mac"), str):
                self.by_name.setdefault(mac.replace(":", "").replace("-", "").casefold(), number)
            vpc_key = text_key(self.values["vpc"][-1])
            for address in nic.get("addresses", ()):
                self._add(by_address, by_both, str(address), vpc_key, number)
        self._by_address, self._by_both = _Table(by_address), _Table(by_both)
        self.keys = {name: text_keys(texts) for name, texts in self.values.items()}
        self.is_empty = not nics

    @staticmethod
    def _add(by_address: dict[int, int], by_both: dict[int, int], address: str, vpc: int, number: int) -> None:
        try:
            row = np.frombuffer(packed(address.partition("/")[0]), np.uint8).reshape(1, 16)
        except ValueError:
            return
        key = int(address_keys(row)[0])
        by_address[key] = number if by_address.get(key, number) == number else -1
        by_both[key ^ vpc] = number

    def at(self, addresses: Keys, vpcs: Keys) -> NDArray[np.int64]:
        """The interface with an address in a network; where that has none, the only one that has the address."""
        inside = self._by_both.find(addresses ^ vpcs)
        found = np.where(inside >= 0, inside, self._by_address.find(addresses))
        return np.where(addresses == 0, -1, found)

    def named(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """The interface of each name, or hardware address."""
        return np.array([self.by_name.get(text.casefold(), -1) if text else -1 for text in texts], np.int64)


EMPTY: Any = CloudIndex({})
