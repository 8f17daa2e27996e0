"""The loops of scan detection: each first contact is evidence for or against a scan, summed per source.

Threshold random walk (Jung et al. 2004) as a one-sided CUSUM that fades: what is tried and not answered adds, what is
answered takes away, and nothing is counted twice. A TCP port at which nobody was served for a day tells more. Three
families of keys: a source, a source and a port, a source and a host. Only what is not answered makes a key; what is
answered merely looks for one.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from weft.detect.security.sketches import claim, mix, mix_two, seek

ANY, PORT, HOST = range(3)
FAMILIES = 3
_WORDS = 8  # 512 bits of contacts
_CROWDED = 400
_SERVED_S, _LEARN_S = 86_400.0, 600.0  # a port serves so long after it last did; of none is said before so long
#: How flows tell of an echo request: type and code as the destination port.
_PING_4, _PING_6 = np.uint16(8 << 8), np.uint16(128 << 8)
#: UDP services that answer late, elsewhere or never.
_ONE_WAY = (53, 123, 443, 3478, 5353, 1900, 500, 4500, 514, 161, 162)
_NO_ANSWER, _ANSWERED, _NEITHER = 1, -1, 0


class Sources(NamedTuple):
    """Slots [S], of a family and a source each."""

    keys: NDArray[np.uint64]
    weights: NDArray[np.float32]
    turns: NDArray[np.uint64]
    family: NDArray[np.uint8]
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    host_high: NDArray[np.uint64]  # the last host that was tried
    host_low: NDArray[np.uint64]
    port: NDArray[np.uint16]
    protocol: NDArray[np.uint8]
    contacts: NDArray[np.uint64]  # [S, _WORDS]: first contacts, as a bit map
    many: NDArray[np.int32]  # bits set there
    hosts: NDArray[np.uint64]  # 64-bit maps
    ports: NDArray[np.uint64]
    tried: NDArray[np.float32]  # first contacts without an answer since the sum last was 0
    score: NDArray[np.float32]
    since_s: NDArray[np.float64]  # when the sum last was 0
    last_s: NDArray[np.float64]
    served_s: NDArray[np.float64]  # [65536] when a TCP port last was of use to anybody; begin of all in ``began_s``
    began_s: NDArray[np.float64]  # [1]


def sources(slots: int) -> Sources:
    """No sources yet; so many slots (a power of two), about 170 octets each."""
    return Sources(
        np.zeros(slots, np.uint64), np.zeros(slots, np.float32), np.zeros(1, np.uint64), np.zeros(slots, np.uint8),
        np.zeros(slots, np.uint64), np.zeros(slots, np.uint64), np.zeros(slots, np.uint64), np.zeros(slots, np.uint64),
        np.zeros(slots, np.uint16), np.zeros(slots, np.uint8), np.zeros((slots, _WORDS), np.uint64),
        np.zeros(slots, np.int32), np.zeros(slots, np.uint64), np.zeros(slots, np.uint64),
        np.zeros(slots, np.float32), np.zeros(slots, np.float32), np.zeros(slots), np.zeros(slots),
        np.zeros(65536), np.zeros(1),
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _verdict(protocol, src_port, dst_port, flags, seen, octets, rate):  # type: ignore[no-untyped-def]
    """Whether a record is of something tried in vain, of something that works, or of neither."""
    if protocol == 6:
        bits = flags & 0x3F
        if bits & 0x12 == 0x02 or bits in (0x01, 0x29):
            return _NO_ANSWER if seen <= 6 else _NEITHER
        if bits & 0x10 and bits & 0x09 and not bits & 0x04:
            return _ANSWERED
        return _ANSWERED if bits == 0x10 and seen > 1 else _NEITHER
    if rate > 1:
        return _NEITHER
    if protocol == 17 and seen <= 2 and octets <= 160 * seen and src_port >= 1024 and dst_port != 0:
        return _NO_ANSWER if dst_port not in _ONE_WAY else _NEITHER
    if protocol in (1, 58) and seen <= 4 and dst_port in (_PING_4, _PING_6):
        return _NO_ANSWER
    return _NEITHER


@numba.njit(cache=True, nogil=True)
def _first(s, slot, what):  # type: ignore[no-untyped-def]
    """Whether a contact is the first of its kind at a slot; notes it."""
    h = mix(what)
    word, bit = np.int64(h & np.uint64(_WORDS - 1)), np.uint64(1) << ((h >> np.uint64(8)) & np.uint64(63))
    if s.contacts[slot, word] & bit:
        return False
    s.contacts[slot, word] |= bit
    s.many[slot] += 1
    return True


@numba.njit(cache=True, nogil=True)
def _fade(s, slot, now_s, half_s):  # type: ignore[no-untyped-def]
    passed = max(0.0, now_s - s.last_s[slot])
    if passed > 60.0:
        s.score[slot] *= 0.5 ** (passed / half_s)
        s.last_s[slot] = now_s
    if s.many[slot] > _CROWDED:  # what comes next could not be told from what was
        s.contacts[slot] = 0
        s.many[slot] = 0


@numba.njit(cache=True, nogil=True)
def _clear(s, slot, family, high, low, at_s):  # type: ignore[no-untyped-def]
    s.family[slot], s.high[slot], s.low[slot] = family, high, low
    s.contacts[slot] = 0
    s.hosts[slot] = s.ports[slot] = np.uint64(0)
    s.many[slot] = 0
    s.tried[slot] = s.score[slot] = 0
    s.since_s[slot] = s.last_s[slot] = at_s


@numba.njit(cache=True, nogil=True)
def _key(family, source, host, port, protocol):  # type: ignore[no-untyped-def]
    """The key of a family, and what tells contacts of it apart."""
    ends = np.uint64(port) | np.uint64(protocol) << np.uint64(16)
    if family == 0:
        return mix_two(source, np.uint64(protocol) << np.uint64(32)), host ^ mix(ends)
    if family == 1:
        return mix_two(source, ends | np.uint64(1) << np.uint64(40)), host
    return mix_two(source, host ^ np.uint64(protocol)), ends


@numba.njit(cache=True, nogil=True)
def _in_vain(s, key, what, family, i, ends, r, gain, half_s, limit, found):  # type: ignore[no-untyped-def]
    src_high, src_low, dst_high, dst_low = ends
    _, dst_port, protocol, _, _, _, _, at_s = r
    slot, fresh = claim(s.keys, s.weights, s.turns, key, 1.0)
    if slot < 0:
        return
    if fresh:
        _clear(s, slot, family, src_high[i], src_low[i], at_s[i])
    _fade(s, slot, at_s[i], half_s)
    if not _first(s, slot, what):
        return
    if s.score[slot] <= 0.05:
        s.since_s[slot], s.tried[slot] = at_s[i], 0
        s.hosts[slot] = s.ports[slot] = np.uint64(0)
    s.score[slot] += gain
    s.tried[slot] += 1
    s.host_high[slot], s.host_low[slot] = dst_high[i], dst_low[i]
    s.port[slot], s.protocol[slot] = dst_port[i], protocol[i]
    s.hosts[slot] |= np.uint64(1) << (mix(mix_two(dst_high[i], dst_low[i])) & np.uint64(63))
    s.ports[slot] |= np.uint64(1) << (mix(np.uint64(dst_port[i]) + np.uint64(77)) & np.uint64(63))
    if s.score[slot] >= limit:
        found[slot] = True


@numba.njit(cache=True, nogil=True)
def _idle(s, port, at_s):  # type: ignore[no-untyped-def]
    """Whether a TCP port is of use to nobody, as far as one can tell by now."""
    return at_s - s.began_s[0] > _LEARN_S and at_s - s.served_s[port] > _SERVED_S


@numba.njit(cache=True, nogil=True)
def watch(s, ends, r, gains, half_s, limits, found):  # type: ignore[no-untyped-def]
    """Take records in; ``found`` [S] becomes true where a sum is above its limit.

    ``gains`` [2, 2]: for what is sampled and what is not; at ports that serve, and at those of use to nobody.
    ``limits`` [2]: of TCP, and of what has no connections.
    """
    src_high, src_low, dst_high, dst_low = ends
    src_port, dst_port, protocol, flags, seen, octets, rate, at_s = r
    if len(at_s) and s.began_s[0] == 0:
        s.began_s[0] = at_s[0]
    for i in range(len(src_low)):
        said = _verdict(protocol[i], src_port[i], dst_port[i], flags[i], seen[i], octets[i], rate[i])
        source, host = mix_two(src_high[i], src_low[i]), mix_two(dst_high[i], dst_low[i])
        idle = protocol[i] == 6 and said == _NO_ANSWER and _idle(s, dst_port[i], at_s[i])
        gain = gains[1 if idle else 0, 0 if rate[i] > 1 else 1]
        limit = limits[0] if protocol[i] == 6 else limits[1]
        if said == _NO_ANSWER:
            for family in range(FAMILIES):
                key, what = _key(family, source, host, dst_port[i], protocol[i])
                _in_vain(s, key, what, family, i, ends, r, gain, half_s, limit, found)
        elif said == _ANSWERED:
            s.served_s[min(src_port[i], dst_port[i])] = at_s[i]  # the lower one is the service's
            for family in range(FAMILIES):
                key, what = _key(family, source, host, dst_port[i], protocol[i])
                slot = seek(s.keys, key)
                if slot >= 0 and _first(s, slot, what):
                    s.score[slot] = max(np.float32(0), s.score[slot] - np.float32(gain))
        if protocol[i] != 6 and rate[i] <= 1:  # who answers by UDP or ICMP takes back what was held against the other
            for family in range(FAMILIES):
                port = src_port[i] if protocol[i] == 17 else _PING_4 if protocol[i] == 1 else _PING_6
                key, _ = _key(family, host, source, port, protocol[i])
                slot = seek(s.keys, key)
                if slot >= 0:
                    s.score[slot] = max(np.float32(0), s.score[slot] - np.float32(2 * gain))
