"""One's own address space, as far as it can be hijacked, and which routes of a batch meet it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.detect.routing.rows import Block

Network = IPv4Network | IPv6Network
#: Space that everybody uses inside and nobody owns (RFC 1918, 6598, 3927, 1122, 4193, 4291).
_NOBODYS = tuple(
    ip_network(one)
    for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8",
                "0.0.0.0/8", "fc00::/7", "fe80::/10", "::/96")
)  # fmt: skip
_V4_FAMILY, _V6_FAMILY = 1, 2  # model.routes.FAMILIES
_STALE_S = 60.0
_LOW32, _ONE = np.uint64(0xFFFFFFFF), np.uint64(1)


class OwnSpace:
    """Own networks, adjacent ones joined. Never changed once made."""

    def __init__(self, networks: Iterable[Network], *, private: bool = False) -> None:
        """``private``: those that everybody uses inside are looked at, too."""
        told = [one for one in networks if private or not any(_within(one, other) for other in _NOBODYS)]
        self._v4 = list(collapse_addresses(one for one in told if isinstance(one, IPv4Network)))
        self._v6 = list(collapse_addresses(one for one in told if isinstance(one, IPv6Network)))
        self._starts4, self._ends4 = _bounds([(int(one[0]), int(one[-1])) for one in self._v4])
        self._starts6, self._ends6 = _bounds([(int(one[0]) >> 64, int(one[-1]) >> 64) for one in self._v6])

    def meets(self, block: Block) -> NDArray[np.bool_]:
        """Which rows' prefixes lie in own space, or around it. IPv6 beyond /64 is told apart by ``relation``."""
        found = np.zeros(len(block), bool)
        for family, starts, ends in (
            (_V4_FAMILY, self._starts4, self._ends4), (_V6_FAMILY, self._starts6, self._ends6)
        ):  # fmt: skip
            chosen = np.flatnonzero(block.family == family)
            if not len(chosen) or not len(starts):
                continue
            bits, word = (32, 1) if family == _V4_FAMILY else (64, 0)
            first = block.prefix[chosen, word]
            if family == _V4_FAMILY:
                first = first & _LOW32
            free = np.maximum(bits - block.length[chosen].astype(np.int64), 0).astype(np.uint64)
            full = free >= np.uint64(64)
            size = np.where(full, np.uint64(0), _ONE << np.minimum(free, np.uint64(63))) - _ONE
            last = first | size
            at = np.searchsorted(ends, first)
            found[chosen] = (at < len(ends)) & (starts[np.minimum(at, len(ends) - 1)] <= last)
        return found

    def relation(self, prefix: Network) -> str:
        """``same``, ``inside``, ``around`` own space; empty where they do not meet."""
        mine: Sequence[Network] = self._v4 if prefix.version == 4 else self._v6
        for one in mine:
            if one == prefix:
                return "same"
            if _within(prefix, one):
                return "inside"
            if _within(one, prefix):
                return "around"
        return ""


def _within(small: Network, large: Network) -> bool:
    if isinstance(small, IPv4Network):
        return isinstance(large, IPv4Network) and small.subnet_of(large)
    return isinstance(large, IPv6Network) and small.subnet_of(large)


def _bounds(spans: Sequence[tuple[int, int]]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    return (
        np.array([first for first, _ in spans], np.uint64),
        np.array([last for _, last in spans], np.uint64),
    )


def as_numbers(told: Any) -> set[int]:
    """AS numbers of a setting."""
    if told is None:
        return set()
    return {int(str(one).upper().removeprefix("AS")) for one in (told if isinstance(told, list | tuple) else [told])}


class OwnSpaceNow:
    """One's own space as what knows it says now: asked anew once a minute, since networks come and go."""

    def __init__(self, networks: Callable[[], Iterable[Network]]) -> None:
        self._networks, self._asked_s, self._space = networks, float("-inf"), OwnSpace(())

    def at(self, now_s: float) -> OwnSpace:
        """As of a time, UTC seconds."""
        if now_s - self._asked_s >= _STALE_S:
            self._space, self._asked_s = OwnSpace(self._networks()), now_s
        return self._space
