"""Windows of the rings of ``flood_kernels`` judged, and what is usual there remembered.

Rates are judged by the lower bound that sampling leaves them.
"""

from __future__ import annotations

import numba
import numpy as np

from weft.detect.security.flood_kernels import BUCKET_S, BUCKETS
from weft.detect.security.vectors import ANSWERS, CLASSES, OTHER, SYN, TCP, UDP

#: Windows that are judged, in buckets.
SPANS = np.array([1, 2, 3, 6], np.int64)
_SHORTEST_S = 2.0
#: So far above its limits, and known that well, a flood needs only so much of the variety of its senders.
_FAR_BEYOND, _WELL_KNOWN, _FEWER = 8.0, 0.5, 0.5
#: Packets of connections in use per SYN: a flood has at most so much of what is usual, and less than any use takes.
_USUAL_USE, _MOST_USE = 0.1, 3.0


@numba.njit(cache=True, nogil=True)
def _bits(x):  # type: ignore[no-untyped-def]
    """How many different keys a 64-bit map was told of, about (linear counting); at most 266."""
    ones = 0
    while x:
        x &= x - np.uint64(1)
        ones += 1
    return 64.0 * np.log(64.0 / max(64 - ones, 1))


@numba.njit(cache=True, nogil=True)
def _sure(packets, variance, z):  # type: ignore[no-untyped-def]
    """Share of an estimate that is beyond doubt of sampling: its lower bound by ``z`` standard errors.

    A flood begins with few packets. The number of few is no normal variable, its root nearly is (Anscombe 1948).
    """
    return max(0.0, 1.0 - 0.5 * z * np.sqrt(variance) / packets) ** 2


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
            if end == latest and k not in (TCP, UDP, OTHER):  # what began just now
                lasts = max(min(now_s - (end + 1) * BUCKET_S, 0.0) + lasts, _SHORTEST_S)
            before = (end - span) % BUCKETS  # replies may be told of later than what they reply to
            if k != SYN and t.epoch[slot, before] == end - span:
                replies = t.replies[slot, k, before]
            sources = users = targets = np.uint64(0)
            for bucket in range(end - span + 1, end + 1):
                cell = bucket % BUCKETS
                if t.epoch[slot, cell] != bucket:
                    continue
                octets += t.octets[slot, k, cell]
                packets += t.packets[slot, k, cell]
                variance += t.variance[slot, k, cell]
                squares += t.squares[slot, k, cell]
                # Whoever opens connections to use them sends more than SYNs: as many do, and several packets each.
                replies += t.packets[slot, TCP, cell] if k == SYN else t.replies[slot, k, cell]
                sources |= t.sources[slot, k, cell]
                users |= t.sources[slot, TCP, cell]
                targets |= t.targets[slot, k, cell]
            if packets <= 0:
                continue
            sure = _sure(packets, variance, z)
            score = max(octets * sure / top_octets, packets * sure / top_packets) / lasts
            share = replies / (octets if k == ANSWERS else packets)
            most_share = limits[4]
            if k == SYN:
                share *= min(1.0, _bits(users) / _bits(sources))
                most_share = min(max(limits[4], _USUAL_USE * t.usual[slot, SYN]), _MOST_USE)
            variety = _FEWER if limits[6] < 0 and score >= _FAR_BEYOND and sure >= _WELL_KNOWN else 1.0
            if score <= out[0] or share > most_share or octets * octets < variety * limits[3] * squares:
                continue
            senders = _bits(sources)
            if senders < variety * limits[2]:
                continue
            out[0], out[1], out[2] = score, octets / lasts, packets / lasts
            out[3], out[4], out[5] = senders, _bits(targets), share
            out[6], out[7] = (end - span + 1) * BUCKET_S, lasts


@numba.njit(cache=True, nogil=True)
def _highest(t, slot, k, latest, spans, z, limits):  # type: ignore[no-untyped-def]
    """Highest rates of what is over (half of the ring and older); where one knows what it is, only of several senders.

    What one or two send, however much, is never taken for a flood, and must not hide one.
    """
    most_octets = most_packets = 0.0
    if (t.octets[slot, k].sum() <= t.peak_octets[slot, k] * BUCKET_S
            and t.packets[slot, k].sum() <= t.peak_packets[slot, k] * BUCKET_S):  # fmt: skip
        return most_octets, most_packets
    for span in spans:
        for end in range(latest - BUCKETS + span, latest - BUCKETS // 2 + 1):
            octets = packets = variance = squares = 0.0
            sources = np.uint64(0)
            for bucket in range(end - span + 1, end + 1):
                cell = bucket % BUCKETS
                if t.epoch[slot, cell] == bucket:
                    octets += t.octets[slot, k, cell]
                    packets += t.packets[slot, k, cell]
                    variance += t.variance[slot, k, cell]
                    squares += t.squares[slot, k, cell]
                    sources |= t.sources[slot, k, cell]
            if limits[6] < 0 and (
                octets * octets < _FEWER * limits[3] * squares or _bits(sources) < _FEWER * limits[2]
            ):
                continue
            if packets > 0:
                sure = _sure(packets, variance, z) / (span * BUCKET_S)
                most_octets = max(most_octets, octets * sure)
                most_packets = max(most_packets, packets * sure)
    return most_octets, most_packets


@numba.njit(cache=True, nogil=True)
def remember(t, latest, spans, z, limits, since_s, fading):  # type: ignore[no-untyped-def]
    """Take the highest rates into the peaks, and how much is answered into the habits, where there is no flood."""
    for slot in range(len(t.keys)):
        if not t.keys[slot] or t.alarm_s[slot] > since_s:
            continue
        for k in range(CLASSES):
            most_octets = most_packets = 0.0
            total = t.packets[slot, k].sum()
            if total > 0:
                share = min((t.packets[slot, TCP].sum() if k == SYN else t.replies[slot, k].sum()) / total, 64.0)
                before = t.usual[slot, k]
                t.usual[slot, k] = share if before < 0 else before + 0.02 * (share - before)
                most_octets, most_packets = _highest(t, slot, k, latest, spans, z, limits[k])
            t.peak_octets[slot, k] = max(t.peak_octets[slot, k] * fading, np.float32(most_octets))
            t.peak_packets[slot, k] = max(t.peak_packets[slot, k] * fading, np.float32(most_packets))
