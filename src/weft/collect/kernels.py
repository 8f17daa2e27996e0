"""The per-datagram loops of the collector, compiled: telling protocols and senders apart, sharing the queue fairly.

All run without the GIL over arrays that the caller owns; none keeps a reference.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, TypeAlias, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

U8: TypeAlias = NDArray[np.uint8]
U16: TypeAlias = NDArray[np.uint16]
U32: TypeAlias = NDArray[np.uint32]
U64: TypeAlias = NDArray[np.uint64]
I32: TypeAlias = NDArray[np.int32]
I64: TypeAlias = NDArray[np.int64]

_F = TypeVar("_F", bound=Callable[..., Any])


def _kernel(function: _F) -> _F:
    return cast("_F", numba.njit(nogil=True, cache=True)(function))


class Reason(IntEnum):
    """Why a datagram was dropped before the decoder. The values index the ledger's columns."""

    NOT_TELEMETRY = 0  # the first bytes are of no flow protocol
    UNSUPPORTED_VERSION = 1  # NetFlow 1, 7, 8 or sFlow 2, 4
    NOT_ALLOWED = 2  # the sender is outside collect.allowed_exporters
    QUEUE_FULL = 3  # the decoder is behind and the sender has used up its share of the queue
    OVER_QUOTA = 4  # more than collect.exporter_quota
    BROKEN_EXPORTER = 5  # nearly all of its datagrams are malformed: held to a trickle


OK = 255
_NOT_TELEMETRY = int(Reason.NOT_TELEMETRY)
_UNSUPPORTED = int(Reason.UNSUPPORTED_VERSION)
_NOT_ALLOWED = int(Reason.NOT_ALLOWED)
_QUEUE_FULL = int(Reason.QUEUE_FULL)

#: Bytes of the fixed headers: NetFlow v5 (24), v9 (RFC 3954 §5.1), IPFIX (RFC 7011 §3.1), sFlow v5 with an IPv4 agent.
_V5, _V9, _IPFIX, _SFLOW = 24, 20, 16, 28

#: Memory a waiting datagram is charged: its row in the receive matrix.
ROW_CHARGE = 2048


@_kernel
def _verdict(data: U8, at: int, length: int) -> int:
    """``OK`` when the datagram starts like a supported protocol, else the reason to drop it."""
    if length < _IPFIX:
        return _NOT_TELEMETRY
    first = (np.int64(data[at]) << 8) | np.int64(data[at + 1])
    second = (np.int64(data[at + 2]) << 8) | np.int64(data[at + 3])
    if (first == 10 and length >= _IPFIX) or (first == 9 and length >= _V9) or (first == 5 and length >= _V5):
        return OK
    if first == 0:
        if second == 5 and length >= _SFLOW:
            return OK
        return _UNSUPPORTED if second in (2, 4) else _NOT_TELEMETRY
    # Version, then a plausible number of records: NetFlow 1, 7 and 8 have the version 5 layout there.
    if first in (1, 7, 8) and 0 < second <= 64:
        return _UNSUPPORTED
    return _NOT_TELEMETRY


@_kernel
def _bucket(high: np.uint64, low: np.uint64, port: np.uint16, mask: int) -> np.int64:
    h = high * np.uint64(0x9E3779B97F4A7C15) ^ low * np.uint64(0xC2B2AE3D27D4EB4F)
    h ^= np.uint64(port) * np.uint64(0x165667B19E3779F9)
    h ^= h >> np.uint64(29)
    h *= np.uint64(0xBF58476D1CE4E5B9)
    h ^= h >> np.uint64(32)
    return np.int64(h & np.uint64(mask))


@_kernel
def insert_key(buckets: I32, key: U64, key_port: U16, slot: int) -> None:
    """Enter ``slot`` into the hash table (linear probing; the table is kept at most a quarter full)."""
    mask = len(buckets) - 1
    at = _bucket(key[slot, 0], key[slot, 1], key_port[slot], mask)
    while buckets[at] >= 0:
        at = (at + 1) & mask
    buckets[at] = slot


@_kernel
def find(source: U64, port: U16, buckets: I32, key: U64, key_port: U16, slot: I32) -> int:
    """Write each datagram's sender slot (−1 = not known yet) and return how many are not known."""
    mask = len(buckets) - 1
    unknown = 0
    for i in range(len(port)):
        at = _bucket(source[i, 0], source[i, 1], port[i], mask)
        found = -1
        while buckets[at] >= 0:
            s = buckets[at]
            if key[s, 0] == source[i, 0] and key[s, 1] == source[i, 1] and key_port[s] == port[i]:
                found = s
                break
            at = (at + 1) & mask
        slot[i] = found
        unknown += found < 0
    return unknown


@_kernel
def sniff(data: U8, start: I64, length: I32, verdict: U8) -> None:
    """Write for each datagram whether it looks like telemetry."""
    for i in range(len(start)):
        verdict[i] = _verdict(data, start[i], length[i])


@_kernel
def admit(
    length: I32,
    slot: I32,
    verdict: U8,
    allowed: U8,
    throttle: U8,
    tokens: I64,
    seen: I64,
    octets: I64,
    dropped: I64,
    queued: I64,
    keep: I64,
    free: int,
    share: int,
) -> tuple[int, int]:
    """Decide for each datagram whether it may wait for the decoder; returns (how many, memory they are charged).

    ``free`` is what is left of the queue's memory. A sender may hold at most ``share`` times what is *still free*, so
    one that floods can never take all of it, and one that is quiet always finds room (dynamic thresholds, Choudhury
    and Hahne 1998). ``throttle`` is the reason a sender is limited to its ``tokens`` (``OK`` = not limited).
    """
    kept = 0
    charged = 0
    for i in range(len(slot)):
        s = slot[i]
        seen[s] += 1
        octets[s] += length[i]
        reason = verdict[i]
        if not allowed[s]:
            reason = _NOT_ALLOWED
        elif reason == OK:
            charge = ROW_CHARGE if length[i] <= ROW_CHARGE else ROW_CHARGE + length[i]
            if throttle[s] != OK and tokens[s] <= 0:
                reason = throttle[s]
            elif queued[s] + charge > share * free:
                reason = _QUEUE_FULL
        if reason != OK:
            dropped[s, reason] += 1
            continue
        tokens[s] -= 1
        queued[s] += charge
        free -= charge
        charged += charge
        keep[kept] = i
        kept += 1
    return kept, charged


@_kernel
def release(length: I32, slot: I32, queued: I64) -> None:
    """Give the memory of decoded datagrams back to their senders' accounts."""
    for i in range(len(slot)):
        queued[slot[i]] -= ROW_CHARGE if length[i] <= ROW_CHARGE else ROW_CHARGE + length[i]


@_kernel
def count_fruitful(datagram: U32, slot: I32, mark: U8, decoded: I64, fruitful: I64) -> None:
    """Count per sender the datagrams decoded and those that gave at least one record. ``mark`` is scratch, all zero."""
    for k in range(len(datagram)):
        if datagram[k] < len(mark):  # 0xFFFFFFFF: decoded late, from an earlier datagram
            mark[datagram[k]] = 1
    for i in range(len(slot)):
        decoded[slot[i]] += 1
        fruitful[slot[i]] += mark[i]


@_kernel
def copy_datagrams(data: U8, start: I64, length: I32, out: U8, out_start: I64) -> None:
    """Copy datagrams tightly into ``out`` and write where each begins."""
    at = 0
    for i in range(len(start)):
        out_start[i] = at
        out[at : at + length[i]] = data[start[i] : start[i] + length[i]]
        at += length[i]


@_kernel
def _no_bit(words: U64) -> bool:
    for first in range(0, len(words), 512):  # in blocks, so that it ends early and yet vectorises
        seen = np.uint64(0)
        for i in range(first, min(first + 512, len(words))):
            seen |= words[i]
        if seen:
            return False
    return True


def all_zero(values: U8) -> bool:
    """Whether all bytes are zero."""
    if values.ctypes.data % 8:
        return not values.any()
    whole = len(values) & ~7
    return bool(_no_bit(values[:whole].view(np.uint64))) and not values[whole:].any()
