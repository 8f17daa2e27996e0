"""What overrides routing, made ready for the walk: static routes, blackholes, FlowSpec rules and tunnels.

Demands that the same rules match follow one *programme*: its steps, each installed at a node or at all. A rule with a
share below 1 is narrower than the demands that it matches; it always takes the same part of them, wherever it is
installed, and each such part has a programme of its own. Within a node the steps act in the order of a router: filters
(rate limit, redirect), then the table (blackhole, static route), then tunnels, then BGP and IGP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from weft.errors import LimitExceeded
from weft.network.demands import Demands
from weft.network.routing import Entry, EntryAction, Routing, Tunnel
from weft.network.state import Network
from weft.network.topology import Topology

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
_T = TypeVar("_T", bound=np.generic)

LIMIT, REDIRECT, BLACKHOLE, OVER_ARC, TOWARDS, TUNNEL = range(6)
_KIND = {
    EntryAction.RATE_LIMIT: LIMIT,
    EntryAction.REDIRECT: REDIRECT,
    EntryAction.BLACKHOLE: BLACKHOLE,
    EntryAction.NEXT_HOP: TOWARDS,
}
_MOST_STEPS = 5_000_000  # of all programmes: 200 MB


class Steps(NamedTuple):
    """Programmes and tunnels as arrays."""

    start: I64  # [programmes + 1] where a programme's steps begin
    kind: I64
    node: I64  # where the step is installed, -1: everywhere
    value: I64  # arc, node or tunnel
    share: F64  # of what arrives, for tunnels
    meter: I64  # first of a limit's meters: one where it is installed, one for every node if everywhere
    hot: NDArray[np.bool_]  # [nodes] whether any step is installed there
    segment_start: I64  # [tunnels + 1]
    segment_is_arc: NDArray[np.bool_]
    segment: I64


@dataclass(frozen=True)
class Rules:
    """What is done to which demands."""

    steps: Steps
    rate_bps: F64  # [meters]
    meters: Mapping[int, int]  # position of a rate limit in the routing's entries → its first meter
    demand: I32  # [items] demand that an item is of; an item follows one programme
    programme: I32  # [items]
    share: F64  # [items] of its demand
    plain: int  # the programme without steps

    @property
    def is_limited(self) -> NDArray[np.bool_]:
        """[items] whether a rate limit is among its steps."""
        limits = np.concatenate([[0], np.cumsum(self.steps.kind == LIMIT)])[self.steps.start]
        return (np.diff(limits) > 0)[self.programme]

    def some(self, items: NDArray[np.bool_]) -> Rules:
        """The same for some of the items."""
        return replace(self, demand=self.demand[items], programme=self.programme[items], share=self.share[items])

    def also(self, demand: NDArray[np.int64]) -> Rules:
        """The same with demands that no rule matches, to be followed all the same."""
        count = len(demand)
        return replace(
            self, demand=np.concatenate([self.demand, demand.astype(np.int32)]),
            programme=np.concatenate([self.programme, np.full(count, self.plain, np.int32)]),
            share=np.concatenate([self.share, np.ones(count)]),
        )  # fmt: skip


def rules(network: Network, usable: Sequence[bool], demands: Demands | None = None) -> Rules:
    """Programmes of the demands that something matches. ``usable``: which tunnels stand (``standing``)."""
    routing, topology = network.routing, network.topology
    asked = network.demands if demands is None else demands
    entries = [(at, entry) for at, entry in enumerate(routing.entries) if _stands(topology, entry)]
    tunnels = [(at, one) for at, one in enumerate(routing.tunnels) if usable[at]]
    book = _Book(topology, entries, tunnels, len(topology.nodes))
    keys, members = _keys(asked, bool(entries or tunnels))
    demand, programme, share = [], [], []
    for key, of_key in zip(keys, members, strict=True):
        for number, part in book.programmes(*key):
            demand.append(of_key)
            programme.append(np.full(len(of_key), number, np.int32))
            share.append(np.full(len(of_key), part))
    return Rules(
        book.steps(routing.tunnels), np.array(book.rates, np.float64), book.meters, _joined(demand, np.int32),
        _joined(programme, np.int32), _joined(share, np.float64), 0,
    )  # fmt: skip


def _joined(parts: Sequence[NDArray[Any]], kind: type[_T]) -> NDArray[_T]:
    return np.concatenate(parts).astype(kind) if parts else np.zeros(0, kind)


def _stands(topology: Topology, entry: Entry) -> bool:
    """Whether an entry is in force: a static route over a line that is down is withdrawn."""
    if entry.action is EntryAction.NEXT_HOP and entry.link >= 0:
        return bool(topology.up[_way_out(topology, entry)])
    return True


def _way_out(topology: Topology, entry: Entry) -> int:
    return 2 * entry.link + int(topology.links[entry.link].a != entry.node)


def _keys(asked: Demands, wanted: bool) -> tuple[list[tuple[int, int, int]], list[NDArray[np.int64]]]:
    """Each (group, egress, class) of the demands, and the demands that are of it."""
    if not wanted or not len(asked):
        return [], []
    span = np.int64(len(asked.classes) + 1)  # and -1: of no class
    end = np.where(asked.group >= 0, -1 - asked.group.astype(np.int64), asked.egress.astype(np.int64))
    found, index = np.unique(end * span + asked.traffic_class + 1, return_inverse=True)
    order = np.argsort(index, kind="stable")
    members = np.split(order, np.searchsorted(index[order], np.arange(1, len(found))))
    ends, classes = found // span, found % span - 1
    keys = [
        (-1 - int(end), -1, int(of)) if end < 0 else (-1, int(end), int(of))
        for end, of in zip(ends, classes, strict=True)
    ]
    return keys, members


class _Book:
    """Collects programmes; demands that the same rules match share theirs."""

    def __init__(
        self, topology: Topology, entries: list[tuple[int, Entry]], tunnels: list[tuple[int, Tunnel]], nodes: int
    ) -> None:
        self.rates: list[float] = []
        self._topology, self._nodes, self._tunnels = topology, nodes, tunnels
        self._ordered = sorted(entries, key=_kind)  # stable: then as they were given
        self.meters: dict[int, int] = {}
        self._known: dict[tuple[int, ...], list[tuple[int, float]]] = {}
        self._rows: list[tuple[int, int, int, float, int]] = []
        self._starts = [0, 0]
        self._match = (
            _Matcher([(one.group, one.egress, one.traffic_class) for _, one in self._ordered]),
            _Matcher([(one.group, one.egress, one.traffic_class) for _, one in tunnels]),
        )

    def programmes(self, group: int, egress: int, traffic_class: int) -> list[tuple[int, float]]:
        """Programmes of demands of one kind and the share that each takes; none where nothing matches."""
        entries = self._match[0].of(group, egress, traffic_class)
        tunnels = self._match[1].of(group, egress, traffic_class)
        if not len(entries) and not len(tunnels):
            return []
        identity = (*entries.tolist(), -1, *tunnels.tolist())
        if identity not in self._known:
            self._known[identity] = list(self._written([self._ordered[at] for at in entries], tunnels.tolist()))
        return self._known[identity]

    def _written(self, entries: list[tuple[int, Entry]], tunnels: list[int]) -> Iterator[tuple[int, float]]:
        whole = [one for one in entries if one[1].share >= 1.0]
        parts: dict[tuple[object, ...], list[tuple[int, Entry]]] = {}
        for one in entries:
            if one[1].share < 1.0:
                parts.setdefault(_identity(one[1]), []).append(one)
        left = 1.0
        for rule in parts.values():
            share = min(rule[0][1].share, left)
            left -= share
            if share > 0:
                yield self._write(sorted([*rule, *whole], key=_kind), tunnels), share
        if left > 1e-12:
            yield self._write(whole, tunnels), left

    def _write(self, entries: list[tuple[int, Entry]], tunnels: list[int]) -> int:
        for at, entry in entries:
            kind, value = _KIND[entry.action], entry.via
            if kind == TOWARDS and entry.link >= 0:
                kind, value = OVER_ARC, _way_out(self._topology, entry)
            self._rows.append((kind, entry.node, value, 1.0, self._meter(at, entry) if kind == LIMIT else -1))
        for place in tunnels:
            number, tunnel = self._tunnels[place]
            self._rows.append((TUNNEL, tunnel.head, number, tunnel.share, -1))
        if len(self._rows) > _MOST_STEPS:
            raise LimitExceeded("rules and the demands that they match are too many to follow", where="routing.entries")
        self._starts.append(len(self._rows))
        return len(self._starts) - 2

    def _meter(self, at: int, entry: Entry) -> int:
        first = self.meters.setdefault(at, len(self.rates))
        if first == len(self.rates):
            self.rates.extend([entry.rate_bps] * (self._nodes if entry.node < 0 else 1))
        return first

    def steps(self, tunnels: Sequence[Tunnel]) -> Steps:
        """Everything collected, as arrays."""
        rows = np.array(self._rows, np.float64).reshape(-1, 5)
        kind, node, value, meter = (rows[:, at].astype(np.int64) for at in (0, 1, 2, 4))
        hot = np.zeros(self._nodes, np.bool_)
        hot[node[node >= 0]] = True
        hot |= bool((node < 0).any())
        segments = [one for tunnel in tunnels for one in tunnel.segments]
        counts = [len(tunnel.segments) for tunnel in tunnels]
        return Steps(
            np.array(self._starts, np.int64), kind, node, value, rows[:, 3].copy(), meter, hot,
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            np.array([one[0] == "arc" for one in segments], np.bool_),
            np.array([one[1] for one in segments], np.int64),
        )  # fmt: skip


def _kind(one: tuple[int, Entry]) -> int:
    return _KIND[one[1].action]


def _identity(entry: Entry) -> tuple[object, ...]:
    """The same for one rule installed at many nodes."""
    if entry.name:
        return (entry.name,)
    return (entry.action, entry.group, entry.egress, entry.traffic_class, entry.share, entry.via, entry.rate_bps)


class _Matcher:
    """Finds which of many rules match a kind of demands; -1 in a rule matches all."""

    def __init__(self, wanted: Sequence[tuple[int, int, int]]) -> None:
        table = np.array(wanted, np.int64).reshape(-1, 3)
        self._group, self._egress, self._class = table[:, 0], table[:, 1], table[:, 2]

    def of(self, group: int, egress: int, traffic_class: int) -> NDArray[np.int64]:
        """Positions of the rules that match, in order."""
        fits = (self._group < 0) | (self._group == group)
        fits &= (self._egress < 0) | (self._egress == egress)
        fits &= (self._class < 0) | (self._class == traffic_class)
        return np.flatnonzero(fits)


def wanted_nodes(topology: Topology, routing: Routing) -> set[int]:
    """Nodes that entries and tunnels send traffic towards: distances to them are needed."""
    found = {entry.via for entry in routing.entries if entry.via >= 0}
    for tunnel in routing.tunnels:
        found |= {int(topology.source[at]) if kind == "arc" else at for kind, at in tunnel.segments}
    return found


def standing(topology: Topology, routing: Routing, distance_to: Mapping[int, NDArray[np.int64]]) -> list[bool]:
    """Which tunnels can be used: each segment reached, each of their lines up (RFC 9256 §5); the rest is as routed.

    ``distance_to``: node → distances of all nodes to it, for the nodes of ``wanted_nodes``.
    """
    return [_is_whole(topology, tunnel, distance_to) for tunnel in routing.tunnels]


def _is_whole(topology: Topology, tunnel: Tunnel, distance_to: Mapping[int, NDArray[np.int64]]) -> bool:
    at = tunnel.head
    for kind, position in tunnel.segments:
        aim = int(topology.source[position]) if kind == "arc" else position
        if at != aim and distance_to[aim][at] < 0:
            return False
        if kind == "arc" and not topology.up[position]:
            return False
        at = int(topology.target[position]) if kind == "arc" else aim
    return at != tunnel.head
