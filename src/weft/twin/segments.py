"""Half an hour of Acme's network as arrays: rates, counters, queues of all ports, and what conversations carry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from weft.network.queueing import wait_and_loss
from weft.twin import organisation as org
from weft.twin.attacks import PLANS, attack_bps
from weft.twin.conversations import conversations
from weft.twin.demand import BLOCK_S, MINUTE_S, Demand
from weft.twin.events import Events
from weft.twin.faults import effects
from weft.twin.graph import RECEIVES, ports
from weft.twin.timeline import Timeline
from weft.twin.ways import Structure, Ways

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
Rows = slice | NDArray[np.int64]

#: A port sends no more than this share of its speed.
FULLEST = 0.985
#: Senders slow down when packets get lost: of what queueing theory would lose so much is left, at most.
_STILL_LOST, _MOST_LOST = 0.25, 0.12
#: Mean octets of a packet on a line, Ethernet's share included.
PACKET_OCTETS = 838.0
_BITS = 8


@dataclass(frozen=True)
class Block:
    """The ports. Segments lie between ``edges``; within one, rates go straight from ``begin`` to ``end``."""

    edges: F64  # [segments + 1] UTC seconds
    structures: tuple[Structure, ...]  # [segments]
    begin: F32  # [rows, segments] bit/s
    end: F32
    counted: F64  # [rows, segments + 1] octets since the first edge
    lost_packets: F64  # [rows, segments + 1] packets that found no room, since the first edge
    broken_packets: F64  # [rows, segments + 1] packets that came in damaged
    wait_s: F32  # [rows, segments]
    loss: F32  # [rows, segments] share of packets, for want of room or damaged

    def _at(self, times_s: F64) -> tuple[NDArray[np.int64], F64, F64]:
        """Segment of each time, how far into it that is (0 to 1), and the segment's length."""
        which = np.clip(np.searchsorted(self.edges, times_s, side="right") - 1, 0, len(self.edges) - 2)
        length = self.edges[which + 1] - self.edges[which]
        return which, np.clip((times_s - self.edges[which]) / length, 0, 1), length

    def bps(self, rows: Rows, times_s: F64) -> F64:
        """Rates: ``[rows, times]``, bit/s."""
        which, far, _ = self._at(times_s)
        found: F64 = self.begin[rows][:, which] * (1 - far) + self.end[rows][:, which] * far
        return found

    def octets(self, rows: Rows, times_s: F64) -> F64:
        """Octets since the beginning of the block: ``[rows, times]``."""
        which, far, length = self._at(times_s)
        begin, end = self.begin[rows][:, which], self.end[rows][:, which]
        found: F64 = self.counted[rows][:, which] + (begin + (end - begin) * far / 2) * far * length / _BITS
        return found

    def lost(self, rows: Rows, times_s: F64) -> F64:
        """Packets lost in front of the ports since the beginning of the block: ``[rows, times]``."""
        return self._grown(self.lost_packets, rows, times_s)

    def broken(self, rows: Rows, times_s: F64) -> F64:
        """Packets received damaged since the beginning of the block: ``[rows, times]``."""
        return self._grown(self.broken_packets, rows, times_s)

    def _grown(self, counts: F64, rows: Rows, times_s: F64) -> F64:
        which, far, _ = self._at(times_s)
        found: F64 = counts[rows][:, which] * (1 - far) + counts[rows][:, which + 1] * far
        return found

    def waits(self, at_s: float) -> tuple[F32, F32]:
        """Time in front of each port in seconds, share of packets lost there: ``[rows]`` each."""
        which = self.segment(at_s)
        return self.wait_s[:, which], self.loss[:, which]

    def segment(self, at_s: float) -> int:
        """Number of the segment that a moment is in."""
        return int(self._at(np.array([at_s]))[0][0])


@dataclass(frozen=True)
class Columns:
    """The conversations: what each column asks for, and how much of that gets through."""

    edges: F64  # [segments + 1]
    changes: tuple[float, ...]  # moments within at which the network changes
    ways: tuple[Ways, ...]  # [segments]
    begin: F64  # [columns, segments] bit/s that are carried
    end: F64

    def at(self, time_s: float) -> tuple[Ways, F64]:
        """The network's state at a moment and the rate of each column."""
        which = int(np.clip(np.searchsorted(self.edges, time_s, side="right") - 1, 0, len(self.ways) - 1))
        far = (time_s - self.edges[which]) / (self.edges[which + 1] - self.edges[which])
        rate: F64 = self.begin[:, which] * (1 - far) + self.end[:, which] * far
        return self.ways[which], rate


def make_block(
    number: int, events: Events, demand: Demand, ways_in: Callable[[Structure], Ways], timeline: Timeline
) -> tuple[Block, Columns]:
    """The half hour that begins at ``number * BLOCK_S``."""
    since = number * BLOCK_S
    changes = events.times(since, since + BLOCK_S)
    edges = np.array(sorted({*np.arange(since, since + BLOCK_S + 1, MINUTE_S, dtype=np.float64).tolist(), *changes}))
    middles = (edges[1:] + edges[:-1]) / 2
    structures = tuple(events.structure(float(middle)) for middle in middles)
    ways = tuple(ways_in(structure) for structure in structures)
    asked = [_asked(demand.rates(number), number, times, events) for times in (edges[:-1] + 1e-6, edges[1:] - 1e-6)]
    attacks = _attacks(events, timeline, middles)
    pressed = _loads(ways, (asked[0] + asked[1]) / 2) + attacks
    through = _through(ways, pressed, events, middles)
    carried = [rates * through for rates in asked]
    rows = [np.minimum(_loads(ways, rates) + attacks, FULLEST * ports().speed_bps[:, None]) for rates in carried]
    wait, loss = _queues(pressed)
    broken = _broken(events, middles)
    length = np.diff(edges)
    packets = (rows[0] + rows[1]) / 2 * length / _BITS / PACKET_OCTETS
    block = Block(
        edges, structures, rows[0].astype(np.float32), rows[1].astype(np.float32),
        _summed((rows[0] + rows[1]) / 2 * length / _BITS), _summed(packets * loss), _summed(packets * broken),
        wait.astype(np.float32), np.maximum(loss, broken).astype(np.float32),
    )  # fmt: skip
    return block, Columns(edges, tuple(changes), ways, carried[0], carried[1])


def _summed(grown: F64) -> F64:
    if not grown.any():  # the usual case of what goes wrong takes no room
        return np.broadcast_to(np.zeros(1), (grown.shape[0], grown.shape[1] + 1))
    return np.concatenate([np.zeros((len(grown), 1)), np.cumsum(grown, axis=1)], axis=1)


@cache
def _column_shares() -> F64:
    return np.array([part for one in conversations() for part in (one.from_ours_share, 1 - one.from_ours_share)])


@cache
def peaks() -> F64:
    """The busiest rate of each column, bit/s, before growth."""
    return np.repeat([one.peak_bps for one in conversations()], 2) * _column_shares()


@cache
def _column_sites() -> tuple[tuple[tuple[str, str], ...], NDArray[np.int64]]:
    """Pairs of sites (empty: the Internet), and the pair of each column."""
    pairs = [pair for one in conversations() for pair in ((one.site, one.other_site), (one.other_site, one.site))]
    known = sorted(set(pairs))
    return tuple(known), np.array([known.index(pair) for pair in pairs])


def _asked(rates: F64, number: int, times: F64, events: Events) -> F64:
    """What columns want at each time: ``[columns, times]``, bit/s."""
    minute = np.clip((times - number * BLOCK_S) / MINUTE_S, 0, rates.shape[1] - 1)
    before = np.minimum(minute.astype(np.int64), rates.shape[1] - 2)
    far = minute - before
    wanted = np.repeat(rates[:, before] * (1 - far) + rates[:, before + 1] * far, 2, axis=0)
    wanted *= _column_shares()[:, None]
    pairs, pair_of = _column_sites()
    for fault in events.faults:
        if fault.kind in PLANS:  # its traffic comes on top, as flows of its own
            continue
        for at, (source, target) in enumerate(pairs):
            factor = effects.demand_factor(fault, source, target, times)
            if (factor != 1).any():
                wanted[pair_of == at] *= factor
    return wanted


def _attacks(events: Events, timeline: Timeline, times: F64) -> F64:
    """What attacks, and decoys that look like them, add to ports: ``[rows, times]``, bit/s."""
    out = np.zeros((len(ports()), len(times)))
    if any(fault.kind in PLANS for fault in events.faults):
        for device in org.DEVICES:
            for port, (received, sent) in attack_bps(device.name, timeline, times).items():
                row = ports().row(device.name, port, RECEIVES)
                out[row] += received
                out[row + 1] += sent
    return out


def _loads(ways: Sequence[Ways], rates: F64) -> F64:
    """Loads of the rows, segment by segment."""
    out = np.empty((len(ports()), len(ways)))
    for one in dict.fromkeys(ways):
        here = np.array([each is one for each in ways])
        out[:, here] = one.shares @ rates[:, here]
    return out


def _through(ways: Sequence[Ways], pressed: F64, events: Events, middles: F64) -> F64:
    """Share of what each column wants that gets through the fullest port on its way: ``[columns, segments]``."""
    out = np.ones((len(_column_shares()), len(ways)))
    room = np.minimum(1.0, FULLEST * ports().speed_bps[:, None] / np.maximum(pressed, 1.0))
    for row, device in ((row, org.DEVICES[at].name) for row, at in enumerate(ports().device)):
        for fault in events.faults:
            if fault.device == device:
                room[row] *= effects.port_factor(fault, device, int(ports().if_index[row]), middles)
    for one in dict.fromkeys(ways):
        here = np.array([each is one for each in ways])
        for row in np.flatnonzero((room[:, here] < 1).any(axis=1)).tolist():
            columns, share = one.shares.on(row)
            left = 1 - share[:, None] * (1 - room[row][here])
            out[np.ix_(columns, here)] = np.minimum(out[np.ix_(columns, here)], left)
    return out


def _queues(pressed: F64) -> tuple[F64, F64]:
    """Time in front of ports and share of packets that is lost there; what a port receives waited at the far end."""
    speed = np.broadcast_to(ports().speed_bps[:, None], pressed.shape)
    wait, loss = wait_and_loss(pressed, speed)
    wait[RECEIVES::2] = 0.0
    loss[RECEIVES::2] = 0.0
    return wait, np.minimum(loss * _STILL_LOST, _MOST_LOST)


def _broken(events: Events, times: F64) -> F64:
    """Share of the packets that come in damaged: ``[rows, times]``."""
    out = np.zeros((len(ports()), len(times)))
    for fault in events.faults:
        if (fault.device, fault.port) in ports().number:
            row = ports().row(fault.device, fault.port, RECEIVES)
            out[row] = np.maximum(out[row], effects.error_rate(fault, fault.device, fault.port, times))
    return out
