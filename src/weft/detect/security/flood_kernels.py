"""The loops of flood detection: records poured into rings of short buckets, and windows of them judged.

A record's octets are spread over the time that it tells of, so a flow of a minute is no burst of a second. Sampling is
accounted for: of a record with ``n`` packets seen, 1 in ``r``, the estimate ``n·r`` has the variance ``n·r·(r − 1)``
(thinning of a Poisson stream, RFC 5475); rates are judged by their lower bound.
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
#: Windows that are judged, in buckets.
SPANS = np.array([1, 3, 6], np.int64)
_SHORTEST_S = 2.0
_FAR_COARSER = 64.0  # an exporter that samples so much more coarsely than the best tells nothing new of a host

F32: TypeAlias = NDArray[np.float32]
U64: TypeAlias = NDArray[np.uint64]
I64: TypeAlias = NDArray[np.int64]


class Table(NamedTuple):
    """Slots [S] of hosts or prefixes; rings [S, class, bucket]."""

    keys: U64
    weights: F32
    turns: U64
    high: U64  # the address, or the prefix's
    low: U64
    network: NDArray[np.int32]
    parent: NDArray[np.int32]  # of a host: slot of its prefix
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
        np.zeros(slots, np.uint64), np.zeros(slots, np.uint64), np.zeros(slots, np.int32), np.zeros(slots, np.int32),
        np.zeros(slots), np.zeros(slots, np.float32), np.zeros((slots, BUCKETS), np.int64),
        np.zeros(ring, np.float32), np.zeros(ring, np.float32), np.zeros(ring, np.float32), np.zeros(ring, np.float32),
        np.zeros(ring, np.float32), np.zeros(ring, np.uint64), np.zeros(ring, np.uint64),
        np.zeros((slots, PORTS), np.uint16), np.zeros((slots, PORTS), np.float32),
        np.zeros((slots, CLASSES), np.float32), np.zeros((slots, CLASSES), np.float32),
        np.zeros((slots, CLASSES), np.float32), np.zeros(slots), np.zeros(slots, np.bool_),
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _classify(protocol, src_port, dst_port, flags, amplifies):  # type: ignore[no-untyped-def]
    """The class of what is received, and the class that it is a reply to, seen from its sender."""
    if protocol == 17:
        if src_port == 0 and dst_port == 0:
            return FRAGMENTS, FRAGMENTS
        received = AMPLIFIED if amplifies[src_port] else UDP
        return received, AMPLIFIED if amplifies[dst_port] else UDP
    if protocol == 6:
        bits = flags & 0x3F
        if bits & 0x17 == 0x02:
            return SYN, SYN_ACK
        if bits == 0x12:
            return SYN_ACK, SYN
        return TCP, TCP
    if protocol == 1 or protocol == 58:
        return ICMP, ICMP
    return OTHER, OTHER


@numba.njit(cache=True, nogil=True)
def _begin(t, slot, high, low, network, at_s):  # type: ignore[no-untyped-def]
    """Clear a slot for a new key."""
    t.high[slot], t.low[slot], t.network[slot], t.first_s[slot] = high, low, network, at_s
    t.finest[slot], t.alarm_s[slot], t.parent[slot] = np.float32(np.inf), 0.0, -1
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
def _slot(t, high, low, network, rate, weight, at_s):  # type: ignore[no-untyped-def]
    slot, fresh = claim(t.keys, t.weights, t.turns, mix_two(high, low ^ (np.uint64(network + 1) << np.uint64(40))),
                        weight)  # fmt: skip
    if slot < 0:
        return -1
    if fresh:
        _begin(t, slot, high, low, network, at_s)
    if rate > _FAR_COARSER * t.finest[slot]:
        return -1
    t.finest[slot] = min(t.finest[slot], np.float32(rate))
    return slot


@numba.njit(cache=True, nogil=True)
def _take(t, slot, ours, within, i, r, amplifies, who, whom):  # type: ignore[no-untyped-def]
    """One record for one slot; ``ours``: it is what ours receive (else what they send); ``within``: from ours."""
    (src_port, dst_port, protocol, flags, octets, packets, rate, start_s, end_s) = r
    received, asked = _classify(protocol[i], src_port[i], dst_port[i], flags[i], amplifies)
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
def pour_all(hosts, prefixes, own, wide, ends, r, amplifies):  # type: ignore[no-untyped-def]
    """Pour records in. ``own``: edges and owners of own networks; ``wide`` [networks]: it is wider than a /24 or /48.

    ``ends``: upper and lower words of sources and destinations; ``r``: the other columns.
    """
    src_high, src_low, dst_high, dst_low = ends
    edges_high, edges_low, owner = own
    octets, packets, rate, end_s = r[4], r[5], r[6], r[8]
    for i in range(len(src_low)):
        weight = octets[i] + 64.0 * packets[i]
        within = False
        if len(owner):
            within = (network_of(edges_high, edges_low, owner, src_high[i], src_low[i]) >= 0
                      and network_of(edges_high, edges_low, owner, dst_high[i], dst_low[i]) >= 0)  # fmt: skip
        for ours in range(2):
            high, low = (dst_high[i], dst_low[i]) if ours else (src_high[i], src_low[i])
            other = mix_two(src_high[i], src_low[i]) if ours else mix_two(dst_high[i], dst_low[i])
            network = -1
            if len(owner):
                network = network_of(edges_high, edges_low, owner, high, low)
                if network < 0:
                    continue
            host = _slot(hosts, high, low, network, rate[i], weight, end_s[i])
            if host >= 0:
                _take(hosts, host, ours, within, i, r, amplifies, other, np.uint64(r[1][i]))
            mine = mix_two(high, low)
            narrow_high, narrow_low = high, low
            if high == 0:
                narrow_low = low & ~np.uint64(0xFF)
            else:
                narrow_high, narrow_low = high & ~np.uint64(0xFFFF), np.uint64(0)
            if network < 0 or wide[network]:
                slot = _slot(prefixes, narrow_high, narrow_low, network, rate[i], weight, end_s[i])
                if slot >= 0:
                    _take(prefixes, slot, ours, within, i, r, amplifies, other, mine)
                    if host >= 0:
                        hosts.parent[host] = slot
            if network >= 0:
                slot = _slot(prefixes, np.uint64(1) << np.uint64(63), np.uint64(0), network, rate[i], weight, end_s[i])
                if slot >= 0:
                    _take(prefixes, slot, ours, within, i, r, amplifies, other, mine)
                    if host >= 0 and not wide[network]:
                        hosts.parent[host] = slot


@numba.njit(cache=True, nogil=True)
def _bits(x):  # type: ignore[no-untyped-def]
    """How many different keys a 64-bit map was told of, about (linear counting); at most 266."""
    ones = 0
    while x:
        x &= x - np.uint64(1)
        ones += 1
    return 64.0 * np.log(64.0 / max(64 - ones, 1))


@numba.njit(cache=True, nogil=True)
def judge(t, now_s, spans, z, limits, out):  # type: ignore[no-untyped-def]
    """Judge each touched slot's windows; returns how many slots have a class above its limits.

    ``limits`` [class, 7]: octets/s, packets/s, fewest sources, fewest even shares, most replies per packet, times peak,
    fewest replies that are usual there.
    ``out`` [S, class, 8]: score, octets/s, packets/s, sources, targets, replies per packet, begin of the window, its
    length; a class without a window above its limits has score 0.
    """
    found = 0
    for slot in range(len(t.keys)):
        if not t.touched[slot]:
            continue
        t.touched[slot] = False
        hit = False
        for k in range(CLASSES):
            out[slot, k, 0] = 0.0
            top_octets = max(limits[k, 0], limits[k, 5] * t.peak_octets[slot, k])
            top_packets = max(limits[k, 1], limits[k, 5] * t.peak_packets[slot, k])
            if t.usual[slot, k] < limits[k, 6]:
                continue
            if (
                t.octets[slot, k].sum() < top_octets * _SHORTEST_S
                and t.packets[slot, k].sum() < top_packets * _SHORTEST_S
            ):
                continue
            _judge_class(t, slot, k, now_s, spans, z, limits[k], top_octets, top_packets, out[slot, k])
            hit = hit or out[slot, k, 0] >= 1.0
        found += hit
    return found


@numba.njit(cache=True, nogil=True)
def _judge_class(t, slot, k, now_s, spans, z, limits, top_octets, top_packets, out):  # type: ignore[no-untyped-def]
    latest = np.int64(now_s / BUCKET_S)
    for span in spans:
        for end in range(latest - BUCKETS + span, latest + 1):
            octets = packets = variance = squares = replies = 0.0
            lasts = span * BUCKET_S
            if span == 1 and end == latest and k not in (TCP, UDP, OTHER):
                lasts = min(max(now_s - end * BUCKET_S, _SHORTEST_S), BUCKET_S)  # what began just now
            before = (end - span) % BUCKETS  # replies may be told of later than what they reply to
            if k != SYN and t.epoch[slot, before] == end - span:
                replies = t.replies[slot, k, before]
            sources = targets = np.uint64(0)
            for bucket in range(end - span + 1, end + 1):
                cell = bucket % BUCKETS
                if t.epoch[slot, cell] != bucket:
                    continue
                octets += t.octets[slot, k, cell]
                packets += t.packets[slot, k, cell]
                variance += t.variance[slot, k, cell]
                squares += t.squares[slot, k, cell]
                # Whoever opens connections to use them sends more than SYNs.
                replies += t.packets[slot, TCP, cell] if k == SYN else t.replies[slot, k, cell]
                sources |= t.sources[slot, k, cell]
                targets |= t.targets[slot, k, cell]
            if packets <= 0:
                continue
            sure = max(0.0, 1.0 - z * np.sqrt(variance) / packets) / lasts
            score = max(octets * sure / top_octets, packets * sure / top_packets)
            share = replies / (octets if k == ANSWERS else packets)
            if score <= out[0] or share > limits[4] or octets * octets < limits[3] * squares:
                continue
            senders = _bits(sources)
            if senders < limits[2]:
                continue
            out[0], out[1], out[2] = score, octets / lasts, packets / lasts
            out[3], out[4], out[5] = senders, _bits(targets), share
            out[6], out[7] = (end - span + 1) * BUCKET_S, lasts


@numba.njit(cache=True, nogil=True)
def remember(t, latest, spans, z, since_s, fading):  # type: ignore[no-untyped-def]
    """Take the highest rates of what is over (half of the ring and older) into the peaks, where there is no flood."""
    for slot in range(len(t.keys)):
        if not t.keys[slot] or t.alarm_s[slot] > since_s:
            continue
        for k in range(CLASSES):
            most_octets = most_packets = 0.0
            total = t.packets[slot, k].sum()
            if total > 0:
                share = min(t.replies[slot, k].sum() / total, 4.0)
                before = t.usual[slot, k]
                t.usual[slot, k] = share if before < 0 else before + 0.02 * (share - before)
            if t.octets[slot, k].sum() > 0:
                for span in spans:
                    for end in range(latest - BUCKETS + span, latest - BUCKETS // 2 + 1):
                        octets = packets = variance = 0.0
                        for bucket in range(end - span + 1, end + 1):
                            cell = bucket % BUCKETS
                            if t.epoch[slot, cell] == bucket:
                                octets += t.octets[slot, k, cell]
                                packets += t.packets[slot, k, cell]
                                variance += t.variance[slot, k, cell]
                        if packets > 0:
                            sure = max(0.0, 1.0 - z * np.sqrt(variance) / packets) / (span * BUCKET_S)
                            most_octets = max(most_octets, octets * sure)
                            most_packets = max(most_packets, packets * sure)
            t.peak_octets[slot, k] = max(t.peak_octets[slot, k] * fading, np.float32(most_octets))
            t.peak_packets[slot, k] = max(t.peak_packets[slot, k] * fading, np.float32(most_packets))
