"""Acme's network at any moment: what its demands, its routing and what is wrong make of every port and line.

Loads are demands over time times the response of the network's structure at that time, which the network model
computes: a cut line's traffic goes elsewhere, a congested line loses and delays, a transit that offers nothing is left
for another. Exporters, counters and probes all read it here. Nothing has state but caches: any moment can be asked for.

Time goes by blocks of half an hour, cut into segments at every minute and wherever a fault or an action begins or ends.
Within a segment the structure is one and rates are linear, so counters are exact integrals.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from weft.network.state import Network
from weft.network.topology import Topology
from weft.twin import organisation as org
from weft.twin.as_network import network_at
from weft.twin.conversations import places
from weft.twin.demand import BLOCK_S, MINUTE_S, Demand
from weft.twin.events import Events
from weft.twin.graph import ports
from weft.twin.segments import Block, Columns, make_block
from weft.twin.timeline import Timeline
from weft.twin.ways import Structure, Ways, rows_of_arcs

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
_T = TypeVar("_T")
_K = TypeVar("_K", bound=Hashable)

#: Kept: half hours of ports, half hours of conversations, states of the network.
_BLOCKS, _COLUMNS, _STATES = 72, 3, 24
_WORLDS: weakref.WeakKeyDictionary[Timeline, World] = weakref.WeakKeyDictionary()
_WORLDS_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True)
class Piece:
    """A span within which the network is in one state, and what each column carries in its middle, bit/s."""

    start_s: float
    end_s: float
    ways: Ways
    bps: F64  # [columns]


@dataclass(frozen=True, slots=True)
class Route:
    """One of the ways from a device to another at a moment, over equal-cost lines."""

    devices: tuple[str, ...]
    delays_s: tuple[float, ...]  # from each device to the next: the line, and the queue before it
    loss: float  # share of packets lost there and back over the same lines
    share: float  # of the flows that take this way


class World:
    """One organisation's network. Safe to use from many threads."""

    def __init__(self, seed: int, timeline: Timeline) -> None:
        self.timeline = timeline
        self.demand = Demand(seed)
        self._lock = threading.RLock()
        self._ways: OrderedDict[Structure, Ways] = OrderedDict()
        self._blocks: OrderedDict[int, tuple[int, Events, Block]] = OrderedDict()
        self._columns: OrderedDict[int, tuple[Events, Columns]] = OrderedDict()
        self._pieces: tuple[tuple[float, float, float, int], list[Piece]] | None = None

    @staticmethod
    def of(timeline: Timeline) -> World:
        """The world of a timeline: whoever plays a part of one organisation shares it."""
        with _WORLDS_LOCK:
            found = _WORLDS.get(timeline)
            if found is None:
                found = _WORLDS[timeline] = World(timeline.seed, _weak(timeline))
            return found

    # --- the network --------------------------------------------------------------------------------------------------

    def ways(self, at_s: float) -> Ways:
        """Where everything goes at a moment."""
        block = self.block(int(at_s // BLOCK_S))
        return self.ways_in(block.structures[block.segment(at_s)])

    def topology(self, at_s: float) -> Topology:
        """The network model's topology at a moment: what is down is down, metrics are those in force."""
        return self.ways(at_s).topology

    def network(self, at_s: float) -> Network:
        """The whole network model at a moment: topology, routes and true demands."""
        (piece,) = self.pieces(at_s, at_s + 1e-3)
        return network_at(piece.ways, piece.bps)

    def ways_in(self, structure: Structure) -> Ways:
        """Where everything goes in a state of the network."""
        with self._lock:
            return _kept(self._ways, structure, _STATES, lambda: Ways(structure))

    def _events(self, since_s: float, until_s: float) -> Events:
        return Events.of(self.timeline, since_s, until_s)

    def routes(self, device: str, other: str, at_s: float) -> list[Route]:
        """Ways from a device to another, the likeliest first; none where it cannot be reached."""
        ways, (wait, loss) = self.ways(at_s), self.waits(at_s)
        sends, receives = rows_of_arcs()
        delay, target = ways.topology.delay_s, ways.topology.target
        found = []
        for arcs, share in ways.routes(device, other):
            there, back = np.array(arcs, np.int64), np.array(arcs, np.int64) ^ 1
            rows = np.concatenate([sends[there], receives[there], sends[back], receives[back]])
            lost = 1 - float(np.prod(1 - loss[rows].astype(np.float64)))
            dead = not ways.topology.up[there].all()
            names = (device, *(ways.topology.nodes[target[arc]].name for arc in arcs))
            hops = tuple(float(delay[arc] + wait[sends[arc]]) for arc in arcs)
            found.append(Route(names, hops, 1.0 if dead else lost, share))
        return sorted(found, key=lambda route: (-route.share, route.devices))

    def delay_loss(self, site: str, other: str, at_s: float) -> tuple[float, float]:
        """Delay one way in seconds and share of packets lost there and back between two sites' servers.

        Infinite and 1 where there is no way.
        """
        routes = self.routes(gate(site), gate(other), at_s)
        if not routes:
            return float("inf"), 1.0
        return (
            sum(route.share * sum(route.delays_s) for route in routes),
            sum(route.share * route.loss for route in routes),
        )

    # --- loads --------------------------------------------------------------------------------------------------------

    def port_bps(self, device: str, times_s: F64) -> F64:
        """Rates of a device's ports: ``[port, in/out, time]``, bit/s. Times ascend."""
        found = self._over_blocks(times_s, lambda block, times: block.bps(ports().of(device), times))
        return found.reshape(-1, 2, len(times_s))

    def counts(self, device: str, times_s: F64) -> tuple[F64, F64, F64]:
        """Octets, lost packets and broken packets of a device's ports since the beginning of each time's half hour.

        ``[port, in/out, time]`` each. Times ascend.
        """
        rows = ports().of(device)

        def ask(block: Block, times: F64) -> F64:
            return np.stack([block.octets(rows, times), block.lost(rows, times), block.broken(rows, times)])

        octets, lost, broken = self._over_blocks(times_s, ask).reshape(3, -1, 2, len(times_s))
        return octets, lost, broken

    def grown(self, device: str, block: int) -> tuple[F64, F64, F64]:
        """Octets, lost packets and broken packets of a device's ports in a whole half hour: ``[port, in/out]`` each."""
        made, rows = self.block(block), ports().of(device)
        octets, lost, broken = (
            counts[rows, -1].reshape(-1, 2) for counts in (made.counted, made.lost_packets, made.broken_packets)
        )
        return octets, lost, broken

    def link_bps(self, times_s: F64) -> F64:
        """Rates of the lines, from their first end and back: ``[line, way, time]``, bit/s. Times ascend."""
        rows = _line_rows()
        found = self._over_blocks(times_s, lambda block, times: block.bps(rows, times))
        return found.reshape(-1, 2, len(times_s))

    def waits(self, at_s: float) -> tuple[F32, F32]:
        """Time in front of each port in seconds, and share of packets lost or damaged there: ``[rows]`` each."""
        return self.block(int(at_s // BLOCK_S)).waits(at_s)

    def _over_blocks(self, times_s: F64, ask: Callable[[Block, F64], F64]) -> F64:
        numbers = (times_s // BLOCK_S).astype(np.int64)
        parts = [ask(self.block(int(number)), times_s[numbers == number]) for number in np.unique(numbers)]
        return np.concatenate(parts, axis=-1)

    def block(self, number: int) -> Block:
        """A half hour of all ports."""
        with self._lock:
            known = self._blocks.get(number)
            if known is not None and known[0] == self.timeline.version:
                self._blocks.move_to_end(number)
                return known[2]
            version = self.timeline.version
            events = self._events(number * BLOCK_S, (number + 1) * BLOCK_S)
            block = known[2] if known is not None and known[1] == events else self._made(number, events)[0]
            self._blocks[number] = version, events, block
            self._blocks.move_to_end(number)
            while len(self._blocks) > _BLOCKS:
                self._blocks.popitem(last=False)
            return block

    def _made(self, number: int, events: Events) -> tuple[Block, Columns]:
        block, columns = make_block(number, events, self.demand, self.ways_in, self.timeline)
        self._columns[number] = events, columns
        while len(self._columns) > _COLUMNS:
            self._columns.popitem(last=False)
        return block, columns

    # --- conversations ------------------------------------------------------------------------------------------------

    def pieces(self, since_s: float, until_s: float, step_s: float = float(MINUTE_S)) -> list[Piece]:
        """The span cut into steps and at every change, with what each conversation carries in each piece."""
        with self._lock:
            asked = (since_s, until_s, step_s, self.timeline.version)
            if self._pieces is None or self._pieces[0] != asked:
                self._pieces = asked, list(self._cut(since_s, until_s, step_s))
            return self._pieces[1]

    def _cut(self, since_s: float, until_s: float, step_s: float) -> list[Piece]:
        found = []
        for number in range(int(since_s // BLOCK_S), int(np.nextafter(until_s, since_s) // BLOCK_S) + 1):
            events = self._events(number * BLOCK_S, (number + 1) * BLOCK_S)
            known = self._columns.get(number)
            columns = known[1] if known is not None and known[0] == events else self._made(number, events)[1]
            first, last = max(since_s, number * BLOCK_S), min(until_s, (number + 1) * BLOCK_S)
            changes = [one for one in columns.changes if first < one < last]
            steps = np.arange(first, last - 1e-6, step_s).tolist()
            edges = sorted({*steps, *changes, last})
            for start, end in pairwise(edges):
                ways, bps = columns.at((start + end) / 2)
                found.append(Piece(start, end, ways, bps))
        return found


def _kept(cache: OrderedDict[_K, _T], key: _K, most: int, make: Callable[[], _T]) -> _T:
    found = cache.get(key)
    if found is None:
        found = cache[key] = make()
        while len(cache) > most:
            cache.popitem(last=False)
    cache.move_to_end(key)
    return found


def gate(site: str) -> str:
    """The device of a site next to its servers; to its people where it has none."""
    (place, _), *_ = places(site, "servers") or places(site, "people")
    return place.device


def _weak(timeline: Timeline) -> Timeline:
    """The timeline, held so that the world does not keep alive what it is kept for."""
    return weakref.proxy(timeline)  # type: ignore[no-any-return]


def _line_rows() -> NDArray[np.int64]:
    row = ports().row
    return np.array([row(*end, 1) for link in org.LINKS for end in ((link.a, link.a_port), (link.b, link.b_port))])
