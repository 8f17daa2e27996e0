"""Which floods are one attack: a carpet and the hosts under it, and a flood that spreads from a host to its prefix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network

import numpy as np
from numpy.typing import NDArray

from weft.detect.security.flood_kernels import BUCKET_S, Table
from weft.detect.security.rows import address_text
from weft.model.events import Entity

HOST = 128
#: A flood that was not found for so long is over. What comes over a host then is another one, pulses and late records
#: of the old one allowed for.
_OVER_S = 150.0
_MOST = 4096
_FEWEST = 8  # hosts that a carpet hits
_ONE_HOST, _ONE_PART = 0.5, 0.8  # of the octets: more, and it is a flood of that host, or of that part
_ALONE = 3  # hosts of a prefix that are flooded at a time, each by itself; more are a carpet
_AT_A_TIME_S = 60.0
_MOST_OF_THEM = 0.7


@dataclass(slots=True)
class Attack:
    """A flood that goes on: of which prefix (a host is one of 128 bits), and when it was last found there."""

    first: int
    length: int
    seen_s: float

    @property
    def kind(self) -> str:
        """Kind of its event."""
        return "ddos" if self.length == HOST else "ddos_carpet"

    @property
    def entity(self) -> Entity:
        """What its event is about."""
        if self.length == HOST:
            return Entity(kind="host", id=address_text(self.first >> 64, self.first & (1 << 64) - 1))
        return Entity(kind="prefix", id=prefix_text(self.first, self.length))

    def covers(self, first: int, length: int) -> bool:
        """Whether it is of a prefix around that one, or of the same."""
        return covers(self.first, self.length, first, length)


@dataclass(slots=True)
class Attacks:
    """Attacks that go on; bounded."""

    known: list[Attack] = field(default_factory=list)

    def around(self, first: int, length: int) -> Attack | None:
        """The widest that a prefix or host is part of."""
        return min((one for one in self.known if one.covers(first, length)), key=lambda one: one.length, default=None)

    def begin(self, first: int, length: int, now_s: float) -> tuple[Attack, list[Attack]]:
        """A new one, and those that were part of it and are it from now on."""
        inside = [one for one in self.known if covers(first, length, one.first, one.length)]
        new = Attack(first, length, now_s)
        self.known = [*(one for one in self.known if one not in inside), new][-_MOST:]
        return new, inside

    def forget(self, now_s: float) -> None:
        """Those that are over."""
        self.known = [one for one in self.known if now_s - one.seen_s < _OVER_S]


def covers(first: int, length: int, of: int, of_length: int) -> bool:
    """Whether the prefix ``first``/``length`` holds another one (numbers of 128 bits)."""
    return length <= of_length and (first ^ of) >> (HOST - length) == 0


def number_of(one: Table, slot: int) -> int:
    """First address of a slot's prefix, as a number of 128 bits."""
    return int(one.high[slot]) << 64 | int(one.low[slot])


def prefix_text(first: int, length: int) -> str:
    """A prefix as people write it; IPv4 is ::ffff:a.b.c.d."""
    text = address_text(first >> 64, first & (1 << 64) - 1)
    return str(ip_network(f"{text}/{length - 96 if '.' in text and length >= 96 else length}"))


def inside(one: Table, first: int, length: int) -> NDArray[np.bool_]:
    """Bool [S]: which slots are of a prefix, or of parts of it."""
    high, low = _masks(np.int64(length))
    in_it = ((one.high & high) == np.uint64(first >> 64)) & ((one.low & low) == np.uint64(first & (1 << 64) - 1))
    return np.asarray(in_it & (one.length >= length) & (one.keys != 0), np.bool_)


def around(one: Table, first: int) -> NDArray[np.int64]:
    """Slots of the prefixes that hold an address, narrowest first."""
    high, low = _masks(one.length.astype(np.int64))
    held = (np.uint64(first >> 64) & high) == one.high
    slots = np.flatnonzero(held & ((np.uint64(first & (1 << 64) - 1) & low) == one.low) & (one.keys != 0))
    return slots[np.argsort(-one.length[slots], kind="stable")]


def _masks(length: NDArray[np.int64] | np.int64) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Upper and lower words of the masks of prefixes."""
    every = np.uint64((1 << 64) - 1)

    def word(bits: NDArray[np.int64] | np.int64) -> NDArray[np.uint64]:
        shift = np.clip(64 - bits, 0, 63).astype(np.uint64)
        return np.where(bits <= 0, np.uint64(0), every << shift)

    return word(length), word(length - 64)


def octets_of(one: Table, slots: NDArray[np.bool_], kind: int, since_s: float) -> NDArray[np.float64]:
    """What each slot received of a class in the buckets since then."""
    recent = one.epoch[slots] >= int(since_s / BUCKET_S)
    return np.asarray((one.octets[slots, kind] * recent).sum(axis=1), np.float64)


def is_spread(hosts: Table, first: int, length: int, targets: float, kind: int, since_s: float) -> bool:
    """Whether a flood of a prefix is over many of its hosts, none of which has half of it."""
    each = octets_of(hosts, inside(hosts, first, length), kind, since_s)
    return targets >= _FEWEST and not (len(each) and each.max() > _ONE_HOST * each.sum())


def widest(prefixes: Table, spread: dict[int, tuple[int, float]]) -> Iterator[int]:
    """Of prefixes whose flood is spread (slot → class, since when), those that the attacks are told of.

    The widest one each, as long as no single part of it has nearly all of the flood.
    """
    taken: list[tuple[int, int]] = []
    for slot in sorted(spread, key=lambda slot: int(prefixes.length[slot])):
        first, length, (kind, since_s) = number_of(prefixes, slot), int(prefixes.length[slot]), spread[slot]
        if any(covers(*one, first, length) for one in taken):
            continue
        parts = inside(prefixes, first, length) & (prefixes.length > length)
        parts &= np.isin(np.arange(len(parts)), list(spread))
        most = octets_of(prefixes, parts, kind, since_s).max(initial=0.0)
        alone = np.zeros(len(parts), np.bool_)
        alone[slot] = True
        if most > _ONE_PART * octets_of(prefixes, alone, kind, since_s)[0]:
            continue
        taken.append((first, length))
        yield slot


def crowded(hosts: Table, prefixes: Table, first: int, now_s: float) -> int:
    """The prefix around a host of which so many hosts are flooded at a time that it is a carpet; −1 = none.

    The narrowest that has most of those hosts.
    """
    flooded = hosts.alarm_s > now_s - _AT_A_TIME_S
    counts = {
        int(slot): int((inside(hosts, number_of(prefixes, slot), int(prefixes.length[slot])) & flooded).sum())
        for slot in around(prefixes, first)
    }
    most = max(counts.values(), default=0)
    if most <= _ALONE:
        return -1
    return next(slot for slot, count in counts.items() if count > _ALONE and count >= _MOST_OF_THEM * most)
