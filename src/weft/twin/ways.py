"""Where Acme's traffic goes while its network is in one state: which ports each conversation passes.

Comes in: what is down, drained, overridden or unheard (a ``Structure``). Goes out: shares of every conversation on
every port, by the network model's own shortest paths. Each conversation is two columns: what our side sends (even),
what it receives (odd).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.network.load import Shares, response
from weft.network.spf import shortest
from weft.network.topology import Topology
from weft.twin import organisation as org
from weft.twin.conversations import conversations
from weft.twin.exits import NEVER, exits, local_pref, preferences
from weft.twin.graph import RECEIVES, SENDS, base, ports

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
#: Device and ifIndex.
At = tuple[str, int]
_FAR = 1 << 30


@dataclass(frozen=True, slots=True)
class Structure:
    """What is not as usual in the network. Everything empty: an ordinary moment."""

    down: frozenset[At] = frozenset()  # ports; a line is down when one of its ends is
    unnoticed: frozenset[At] = frozenset()  # of them those that routing still sends to
    overloaded: frozenset[str] = frozenset()  # devices that nothing may pass through
    metrics: tuple[tuple[str, int, int], ...] = ()  # device, port, IGP cost from there
    no_routes: frozenset[At] = frozenset()  # external ports without a session, or whose neighbour offers nothing
    unannounced: frozenset[tuple[str, str, int]] = frozenset()  # site whose prefixes are not told there, exit
    preferred: tuple[tuple[str, int, int], ...] = ()  # device, port, local preference of what is heard there


class Crossings(NamedTuple):
    """How conversations pass one device: one row for each column and pair of ports."""

    column: I64  # of the conversation and its direction
    in_if: NDArray[np.uint32]
    out_if: NDArray[np.uint32]
    share: F64


class _Ends(NamedTuple):
    """Each conversation's ends as arrays."""

    at: I64  # [conversations] device
    at_port: I64  # [conversations] port number
    other: I64  # device at the other end, -1 for somebody outside
    other_port: I64
    outside: I64  # [those with somebody outside] conversation
    liked: I64  # [outside, exits] local preferences


@cache
def _the_ends() -> _Ends:
    known = conversations()
    position = {device.name: at for at, device in enumerate(org.DEVICES)}
    number = ports().number
    outside = [i for i, one in enumerate(known) if one.remote >= 0]
    return _Ends(
        np.array([position[one.at.device] for one in known]),
        np.array([number[one.at.device, one.at.port] for one in known]),
        np.array([position[one.other.device] if one.other else -1 for one in known]),
        np.array([number[one.other.device, one.other.port] if one.other else -1 for one in known]),
        np.array(outside),
        np.stack([preferences(known[i].group, known[i].site)[known[i].remote] for i in outside]),
    )  # fmt: skip


class Ways:
    """The ways in one state of the network."""

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        self._routes: dict[tuple[int, int], tuple[tuple[tuple[int, ...], float], ...]] = {}
        self.topology = _applied(base(), structure, structure.down)
        seen = _applied(base(), structure, structure.down - structure.unnoticed)
        devices = len(org.DEVICES)
        every = np.arange(devices, dtype=np.int32)
        self._pairs = response(seen, np.repeat(every, devices), np.tile(every, devices))
        self._distance = shortest(seen, every).distance  # [to, node]
        self.exit_out, self.exit_in = self._exits(inward=False), self._exits(inward=True)
        self.shares = self._shares()

    # --- where to -----------------------------------------------------------------------------------------------------

    def _exits(self, *, inward: bool) -> I64:
        """Exit that each conversation with somebody outside takes, -1 for none: ``[conversations]``."""
        ends, structure = _the_ends(), self.structure
        liked = _preferred(ends, structure)
        for at, way in enumerate(exits()):
            if way.at in structure.down or way.at in structure.no_routes:
                liked[:, at] = NEVER
        if inward and structure.unannounced:
            known = conversations()
            for row, i in enumerate(ends.outside.tolist()):
                for at, way in enumerate(exits()):
                    if (known[i].site, *way.at) in structure.unannounced and known[i].group == "public":
                        liked[row, at] = NEVER
        position = {device.name: at for at, device in enumerate(org.DEVICES)}
        stands = np.array([position[way.device] for way in exits()])
        away = self._distance[stands][:, ends.at[ends.outside]].T
        key = np.where((liked == NEVER) | (away < 0), -1, liked * _FAR - np.minimum(away, _FAR - 1))
        best = key.argmax(axis=1)
        found = np.full(len(ends.at), -1, np.int64)
        found[ends.outside] = np.where(key[np.arange(len(best)), best] < 0, -1, best)
        return found

    # --- over which ports -------------------------------------------------------------------------------------------

    def _columns(self) -> tuple[I64, I64, I64, NDArray[np.bool_]]:
        """Of each column: its pair of devices, the rows where it comes in and leaves, whether it is carried at all."""
        ends, all_ports = _the_ends(), ports()
        position = {device.name: at for at, device in enumerate(org.DEVICES)}
        stands = np.array([position[way.device] for way in exits()] + [0])  # -1: none
        port = np.array([all_ports.number[way.at] for way in exits()] + [0])
        inside = ends.other >= 0
        to = np.where(inside, ends.other, stands[self.exit_out])
        to_port = np.where(inside, ends.other_port, port[self.exit_out])
        since = np.where(inside, ends.other, stands[self.exit_in])
        since_port = np.where(inside, ends.other_port, port[self.exit_in])
        count, devices = len(ends.at), len(org.DEVICES)
        pair, enters, leaves = (np.empty(2 * count, np.int64) for _ in range(3))
        pair[0::2], pair[1::2] = ends.at * devices + to, since * devices + ends.at
        enters[0::2], enters[1::2] = 2 * ends.at_port + RECEIVES, 2 * since_port + RECEIVES
        leaves[0::2], leaves[1::2] = 2 * to_port + SENDS, 2 * ends.at_port + SENDS
        there = np.empty(2 * count, np.bool_)
        there[0::2], there[1::2] = inside | (self.exit_out >= 0), inside | (self.exit_in >= 0)
        dark = np.array([(device.name, p.index) in self.structure.down for device in org.DEVICES
                         for p in org.all_ports(device)])  # fmt: skip
        there &= self._pairs.reached[pair] & ~dark[enters // 2] & ~dark[leaves // 2]
        return pair, enters, leaves, there

    def _shares(self) -> Shares:
        """Shares of the columns on rows of ports: the matrix that turns rates into loads."""
        self._pair, self._enters, self._leaves, there = self._columns()
        pairs = self._pairs
        arcs = np.where(there, np.diff(pairs.start)[self._pair], 0)
        start = np.concatenate(([0], np.cumsum(np.where(there, 2 + 2 * arcs, 0)))).astype(np.int64)
        rows, share = np.empty(start[-1], np.int32), np.ones(start[-1])
        first = start[:-1][there]
        rows[first], rows[first + 1] = self._enters[there], self._leaves[there]
        column = np.repeat(np.arange(len(arcs)), arcs)
        within = np.arange(len(column)) - np.repeat(np.cumsum(arcs) - arcs, arcs)
        entry = pairs.start[self._pair[column]] + within
        sends, receives = rows_of_arcs()
        place = start[column] + 2 + 2 * within
        rows[place], rows[place + 1] = sends[pairs.arcs[entry]], receives[pairs.arcs[entry]]
        share[place] = share[place + 1] = pairs.share[entry]
        kept = self._kept(there)
        share *= np.repeat(kept, np.diff(start))
        self.kept = kept * there
        if self.structure.down:
            share[self._dark_rows()[rows]] = 0.0
        return Shares((len(ports()), len(arcs)), start, rows, share, there)

    def _kept(self, there: NDArray[np.bool_]) -> F64:
        """What is not sent into lines that are down and not yet known to be: ``[columns]``."""
        if not self.structure.unnoticed:
            return np.ones(len(there))
        dead = self._pairs.along((~self.topology.up).astype(np.float64))
        kept: F64 = np.clip(1 - dead[self._pair], 0, 1)
        return kept

    def _dark_rows(self) -> NDArray[np.bool_]:
        rows = np.zeros(len(ports()), np.bool_)
        for link in org.LINKS:
            ends = (link.a, link.a_port), (link.b, link.b_port)
            if any(end in self.structure.down for end in ends):
                for device, port in ends:
                    rows[2 * ports().number[device, port] : 2 * ports().number[device, port] + 2] = True
        for end in self.structure.down:
            rows[2 * ports().number[end] : 2 * ports().number[end] + 2] = True
        return rows

    # --- devices on the way -------------------------------------------------------------------------------------------

    @cached_property
    def _all_crossings(self) -> tuple[I64, I64, I64, I64, F64]:
        """Device, column, rows in and out, share of every conversation at every device that it passes."""
        by_pair = [self._of_pair(pair) for pair in range(len(org.DEVICES) ** 2)]
        counts = np.array([len(found) for found in by_pair])
        flat = np.array([one for found in by_pair for one in found], np.float64).reshape(-1, 4)
        begin = np.concatenate(([0], np.cumsum(counts)))
        there = np.diff(self.shares.start) > 0
        length = np.where(there, counts[self._pair], 0)
        column = np.repeat(np.arange(len(length)), length)
        within = np.arange(len(column)) - np.repeat(np.cumsum(length) - length, length)
        passed = flat[begin[self._pair[column]] + within]
        device, came, went = (passed[:, i].astype(np.int64) for i in range(3))
        return (
            device, column, np.where(came < 0, self._enters[column], came),
            np.where(went < 0, self._leaves[column], went), passed[:, 3] * self.kept[column],
        )  # fmt: skip

    def _of_pair(self, pair: int) -> list[tuple[int, int, int, float]]:
        """(device, row in, row out, share) on the way between two devices; -1 where it begins and ends."""
        first, last = divmod(pair, len(org.DEVICES))
        if not self._pairs.reached[pair]:
            return []
        sends, receives = rows_of_arcs()
        into: dict[int, list[tuple[int, float]]] = {first: [(-1, 1.0)]}
        out: dict[int, list[tuple[int, float]]] = {last: [(-1, 1.0)]}
        for arc, share in zip(*(part.tolist() for part in self._pairs.of(pair)), strict=True):
            into.setdefault(int(self.topology.target[arc]), []).append((int(receives[arc]), share))
            out.setdefault(int(self.topology.source[arc]), []).append((int(sends[arc]), share))
        return [
            (device, came, went, share * part / sum(one for _, one in out[device]))
            for device, ways in into.items()
            for came, share in ways
            for went, part in out.get(device, ())
        ]

    def crossings(self, device: str) -> Crossings:
        """What a device sees."""
        where, column, came, went, share = self._all_crossings
        here = where == next(at for at, one in enumerate(org.DEVICES) if one.name == device)
        index = ports().if_index
        return Crossings(
            column[here], index[came[here]].astype(np.uint32), index[went[here]].astype(np.uint32), share[here],
        )  # fmt: skip

    def routes(self, device: str, other: str) -> tuple[tuple[tuple[int, ...], float], ...]:
        """Arcs of each way from a device to another, and the share of flows that take it."""
        position = {one.name: at for at, one in enumerate(org.DEVICES)}
        key = position[device], position[other]
        if key not in self._routes:
            self._routes[key] = tuple(self._enumerated(*key))
        return self._routes[key]

    def _enumerated(self, first: int, last: int) -> Iterator[tuple[tuple[int, ...], float]]:
        pair = first * len(org.DEVICES) + last
        if not self._pairs.reached[pair]:
            return
        out: dict[int, list[tuple[int, float]]] = {}
        for arc, share in zip(*(part.tolist() for part in self._pairs.of(pair)), strict=True):
            out.setdefault(int(self.topology.source[arc]), []).append((arc, share))
        waiting: list[tuple[int, tuple[int, ...], float]] = [(first, (), 1.0)]
        while waiting:
            at, arcs, share = waiting.pop()
            if at == last:
                yield arcs, share
                continue
            total = sum(part for _, part in out[at])
            waiting += [(int(self.topology.target[arc]), (*arcs, arc), share * part / total) for arc, part in out[at]]


def _preferred(ends: _Ends, structure: Structure) -> I64:
    liked = ends.liked.copy()
    for device, port, value in structure.preferred:
        for at, way in enumerate(exits()):
            if way.at == (device, port):
                heard = np.array([local_pref(way, remote.asn) for remote in org.REMOTES])
                remote = np.array([conversations()[i].remote for i in ends.outside])
                liked[:, at] = np.where((heard[remote] != NEVER) & (liked[:, at] < 1000), value, liked[:, at])
    return liked


@cache
def rows_of_arcs() -> tuple[I64, I64]:
    """Rows of ports of which an arc of a line is what they send, and what they receive: ``[arcs of lines]``."""
    row = ports().row
    pairs = [
        (row(*near, SENDS), row(*far, RECEIVES))
        for link in org.LINKS
        for near, far in (
            ((link.a, link.a_port), (link.b, link.b_port)), ((link.b, link.b_port), (link.a, link.a_port)),
        )
    ]  # fmt: skip
    sends, receives = zip(*pairs, strict=True)
    return np.array(sends), np.array(receives)


def _applied(topology: Topology, structure: Structure, down: frozenset[At]) -> Topology:
    """The topology in a state."""
    ends = [((link.a, link.a_port), (link.b, link.b_port)) for link in org.LINKS]
    ends += [(way.at, way.at) for way in exits()]
    up, metric, transit = topology.up.copy(), topology.metric.copy(), topology.transit.copy()
    for at, (a, b) in enumerate(ends):
        if a in down or b in down:
            up[2 * at : 2 * at + 2] = False
        for device, port, cost in structure.metrics:
            if (device, port) in (a, b) and at < len(org.LINKS):
                metric[2 * at + ((device, port) == b)] = cost
    for device in structure.overloaded:
        transit[topology.positions[device]] = False
    return topology.changed(up=up, metric=metric, transit=transit)
