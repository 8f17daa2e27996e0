"""The first loops of flood detection: records are poured into rings of short buckets, which ``flood_judge`` judges.

A record's octets are spread over the time that it tells of, so a flow of a minute is no burst of a second. Sampling is
accounted for: of a record with ``n`` packets seen, 1 in ``r``, the estimate ``n·r`` has the variance ``n·r·(r − 1)``
(thinning of a Poisson stream, RFC 5475).
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from weft.detect.security.rows import network_of
from weft.detect.security.sketches import claim, mix, mix_two
from weft.detect.security.vectors import (
    AMPLIFIED,
    ANSWERS,
    CLASSES,
    FRAGMENTS,
    ICMP,
    OTHER,
    SYN,
    SYN_ACK,
    TCP,
    UDP,
)

BUCKET_S = 5.0
BUCKETS = 12
PORTS = 4
_FAR_COARSER = 64.0  # an exporter that samples so much more coarsely than the best tells nothing new of a host
_RUNGS = 4  # prefixes that an address is counted for: its /24 (/48) and the own networks around it
_NARROW_4, _NARROW_6 = 120, 48  # a /24 and a /48, of 128 bits
_SYN_OCTETS = 120.0  # a SYN with all options and its frame; larger ones are data under a strange flag

F32: TypeAlias = NDArray[np.float32]
U64: TypeAlias = NDArray[np.uint64]
I64: TypeAlias = NDArray[np.int64]


class Table(NamedTuple):
    """Slots [S] of hosts or prefixes, by address and length of the prefix; rings [S, class, bucket]."""

    keys: U64
    weights: F32
    turns: U64
    high: U64  # the address, or the prefix's
    low: U64
    length: NDArray[np.int16]  # of 128 bits
    first_s: NDArray[np.float64]
    finest: F32  # lowest sampling rate of those that see it
    epoch: I64  # [S, bucket]: number of the bucket that is kept there
    octets: F32
    packets: F32
    variance: F32  # of packets
    squares: F32  # of records' octets, summed: how evenly they come
    replies: F32  # packets the other way; of ANSWERS octets
    sources: U64  # 64-bit maps of who sends
    targets: U64  # the same of ports (hosts), of hosts (prefixes)
    port: NDArray[np.uint16]  # [S, PORTS] heaviest source ports of AMPLIFIED and UDP
    port_octets: F32
    peak_octets: F32  # [S, class] highest rates per second so far, fading
    peak_packets: F32
    usual: F32  # [S, class] replies per packet, as a rule; −1 = not known yet
    alarm_s: NDArray[np.float64]  # [S] when it last had a flood
    touched: NDArray[np.bool_]


def table(slots: int) -> Table:
    """An empty table of so many slots (a power of two). Memory is taken as slots are used, at most 3.5 KB each."""
    ring = (slots, CLASSES, BUCKETS)
    return Table(
        np.zeros(slots, np.uint64), np.zeros(slots, np.float32), np.zeros(1, np.uint64),
        np.zeros(slots, np.uint64), np.zeros(slots, np.uint64), np.zeros(slots, np.int16),
        np.zeros(slots), np.zeros(slots, np.float32), np.zeros((slots, BUCKETS), np.int64),
        np.zeros(ring, np.float32), np.zeros(ring, np.float32), np.zeros(ring, np.float32), np.zeros(ring, np.float32),
        np.zeros(ring, np.float32), np.zeros(ring, np.uint64), np.zeros(ring, np.uint64),
        np.zeros((slots, PORTS), np.uint16), np.zeros((slots, PORTS), np.float32),
        np.zeros((slots, CLASSES), np.float32), np.zeros((slots, CLASSES), np.float32),
        np.zeros((slots, CLASSES), np.float32), np.zeros(slots), np.zeros(slots, np.bool_),
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _classify(protocol, src_port, dst_port, flags, large, amplifies):  # type: ignore[no-untyped-def]
    """The class of what is received, and the class that it is a reply to, seen from its sender."""
    if protocol == 17:
        if src_port == 0 and dst_port == 0:
            return FRAGMENTS, FRAGMENTS
        received = AMPLIFIED if amplifies[src_port] else UDP
        return received, AMPLIFIED if amplifies[dst_port] else UDP
    if protocol == 6:
        bits = flags & 0x3F
        if bits & 0x17 == 0x02 and not large:
            return SYN, SYN_ACK
        if bits == 0x12 and not large:
            return SYN_ACK, SYN
        return TCP, TCP
    if protocol == 1 or protocol == 58:
        return ICMP, ICMP
    return OTHER, OTHER


@numba.njit(cache=True, nogil=True)
def _begin(t, slot, high, low, length, at_s):  # type: ignore[no-untyped-def]
    """Clear a slot for a new key."""
    t.high[slot], t.low[slot], t.length[slot], t.first_s[slot] = high, low, length, at_s
    t.finest[slot], t.alarm_s[slot] = np.float32(np.inf), 0.0
    t.epoch[slot] = -1
    t.port_octets[slot] = 0
    t.peak_octets[slot] = 0
    t.peak_packets[slot] = 0
    t.usual[slot] = -1


@numba.njit(cache=True, nogil=True)
def _cell(t, slot, bucket):  # type: ignore[no-untyped-def]
    """Where a bucket is kept; −1 where it is too old."""
    cell = bucket % BUCKETS
    if t.epoch[slot, cell] > bucket:
        return -1
    if t.epoch[slot, cell] < bucket:
        t.epoch[slot, cell] = bucket
        for k in range(CLASSES):
            t.octets[slot, k, cell] = t.packets[slot, k, cell] = t.variance[slot, k, cell] = 0
            t.squares[slot, k, cell] = t.replies[slot, k, cell] = 0
            t.sources[slot, k, cell] = t.targets[slot, k, cell] = np.uint64(0)
    return cell


@numba.njit(cache=True, nogil=True)
def _pour(t, slot, k, reply, octets, packets, rate, start_s, end_s, who, whom):  # type: ignore[no-untyped-def]
    """Spread a record over the buckets of its time: as received of class ``k``, or as a reply to it."""
    last = np.int64(end_s / BUCKET_S)
    first = max(np.int64(start_s / BUCKET_S), last - BUCKETS + 1)
    begin = max(start_s, first * BUCKET_S)
    lasts = end_s - begin
    for bucket in range(first, last + 1):
        cell = _cell(t, slot, bucket)
        if cell < 0:
            continue
        share = 1.0
        if first != last:
            share = (min(end_s, (bucket + 1) * BUCKET_S) - max(begin, bucket * BUCKET_S)) / lasts
        if reply:
            t.replies[slot, k, cell] += octets * share if k == ANSWERS else packets * share
            continue
        t.octets[slot, k, cell] += octets * share
        t.packets[slot, k, cell] += packets * share
        t.variance[slot, k, cell] += packets * share * (rate - 1.0)
        t.squares[slot, k, cell] += octets * share * octets * share
        t.sources[slot, k, cell] |= np.uint64(1) << (mix(who) & np.uint64(63))
        t.targets[slot, k, cell] |= np.uint64(1) << (mix(whom) & np.uint64(63))


@numba.njit(cache=True, nogil=True)
def _note_port(t, slot, port, octets):  # type: ignore[no-untyped-def]
    """Heaviest source ports (Misra and Gries 1982)."""
    free = -1
    for at in range(PORTS):
        if t.port_octets[slot, at] <= 0:
            free = at
        elif t.port[slot, at] == port:
            t.port_octets[slot, at] += octets
            return
    if free >= 0:
        t.port[slot, free], t.port_octets[slot, free] = port, octets
        return
    least = t.port_octets[slot].min()
    for at in range(PORTS):
        t.port_octets[slot, at] -= min(least, np.float32(octets))


@numba.njit(cache=True, nogil=True)
def _slot(t, high, low, length, rate, weight, at_s):  # type: ignore[no-untyped-def]
    """Where an address or prefix is counted; −1 where it has no slot, or is seen far better by another exporter."""
    slot, fresh = claim(t.keys, t.weights, t.turns, mix_two(mix_two(high, low), length), weight)
    if slot < 0:
        return -1
    if fresh:
        _begin(t, slot, high, low, length, at_s)
    if rate > _FAR_COARSER * t.finest[slot]:
        return -1
    t.finest[slot] = min(t.finest[slot], np.float32(rate))
    return slot


@numba.njit(cache=True, nogil=True)
def _weight(limits, kind, octets, packets):  # type: ignore[no-untyped-def]
    """How much of a flood of its class a record would be, in seconds: who is heavy keeps its slot."""
    return max(octets / limits[kind, 0], packets / limits[kind, 1])


@numba.njit(cache=True, nogil=True)
def _take(t, slot, ours, within, i, r, kinds, amplifies, who, whom):  # type: ignore[no-untyped-def]
    """One record for one slot; ``ours``: it is what ours receive (else what they send); ``within``: from ours."""
    (src_port, dst_port, protocol, _, octets, packets, rate, start_s, end_s) = r
    received, asked = kinds
    start, end = start_s[i], end_s[i]
    udp = protocol[i] == 17
    if ours:
        t.touched[slot] = True
        _pour(t, slot, received, False, octets[i], packets[i], rate[i], start, end, who, whom)
        if received in (AMPLIFIED, UDP):
            _note_port(t, slot, src_port[i], octets[i])
        if udp and not within and amplifies[dst_port[i]]:
            _pour(t, slot, ANSWERS, True, octets[i], packets[i], rate[i], start, end, who, whom)
        return
    _pour(t, slot, asked, True, octets[i], packets[i], rate[i], start, end, who, whom)
    if udp and not within and amplifies[src_port[i]] and not amplifies[dst_port[i]]:
        t.touched[slot] = True
        _pour(t, slot, ANSWERS, False, octets[i], packets[i], rate[i], start, end, who, src_port[i])


@numba.njit(cache=True, nogil=True)
def _ladder(nets, network, high, low, rungs):  # type: ignore[no-untyped-def]
    """Prefixes around an address, narrowest first, into ``rungs`` [_RUNGS, 3]; how many: own ones, and its /24 or /48.

    The latter only where the own one is wider, or none is known.
    """
    base_high, base_low, length, outer = nets
    narrow, count = _NARROW_4 if high == 0 else _NARROW_6, 0
    if network < 0 or length[network] < narrow:
        rungs[0, 0] = high if high == 0 else high & ~np.uint64(0xFFFF)
        rungs[0, 1] = low & ~np.uint64(0xFF) if high == 0 else np.uint64(0)
        rungs[0, 2] = np.uint64(narrow)
        count = 1
    while network >= 0 and count < _RUNGS:
        rungs[count, 0], rungs[count, 1] = base_high[network], base_low[network]
        rungs[count, 2] = np.uint64(length[network])
        network = outer[network]
        count += 1
    return count


@numba.njit(cache=True, nogil=True)
def pour_all(hosts, prefixes, own, nets, ends, r, amplifies, limits):  # type: ignore[no-untyped-def]
    """Pour records in. ``own``: edges and owners of own networks; ``nets``: their bases, lengths and outer ones.

    ``ends``: upper and lower words of sources and destinations; ``r``: the other columns; ``limits``: of each class.
    """
    src_high, src_low, dst_high, dst_low = ends
    edges_high, edges_low, owner = own
    src_port, dst_port, protocol, flags, octets, packets, rate, _, end_s = r
    rungs = np.zeros((_RUNGS, 3), np.uint64)
    at = np.full(2, -1, np.int64)
    for i in range(len(src_low)):
        large = octets[i] > _SYN_OCTETS * packets[i] and packets[i] > rate[i]
        kinds = _classify(protocol[i], src_port[i], dst_port[i], flags[i], large, amplifies)
        if len(owner):
            at[0] = network_of(edges_high, edges_low, owner, src_high[i], src_low[i])
            at[1] = network_of(edges_high, edges_low, owner, dst_high[i], dst_low[i])
        within = at[0] >= 0 and at[1] >= 0
        for ours in range(2):
            high, low = (dst_high[i], dst_low[i]) if ours else (src_high[i], src_low[i])
            other = mix_two(src_high[i], src_low[i]) if ours else mix_two(dst_high[i], dst_low[i])
            if len(owner) and at[ours] < 0:
                continue
            answers = not ours and not within and protocol[i] == 17 and amplifies[src_port[i]]
            weight = _weight(limits, ANSWERS if answers else kinds[0], octets[i], packets[i])
            slot = _slot(hosts, high, low, 128, rate[i], weight, end_s[i])
            if slot >= 0:
                _take(hosts, slot, ours, within, i, r, kinds, amplifies, other, np.uint64(dst_port[i]))
            mine = mix_two(high, low)
            for rung in range(_ladder(nets, at[ours], high, low, rungs)):
                slot = _slot(prefixes, rungs[rung, 0], rungs[rung, 1], rungs[rung, 2], rate[i], weight, end_s[i])
                if slot >= 0:
                    _take(prefixes, slot, ours, within, i, r, kinds, amplifies, other, mine)
