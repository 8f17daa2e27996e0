"""Kernels that complete rows once their fields are in: what the message says of all of them, times, sampling, ICMP."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.columns import DATAGRAM_SLOT, PRESENT_SLOT, SLOTS, U16, Matrices, Slot, zero_gap
from weft.decode.flow.counters import C_RATE, C_RATE_SOURCE, C_UNSAMPLED
from weft.decode.flow.elements import Scratch
from weft.decode.flow.hashing import lookup
from weft.decode.flow.messages import M_DATAGRAM, M_DOMAIN, M_EXPORTED, M_KIND, M_RECEIVED
from weft.decode.flow.times import MILLISECOND, relative_ns
from weft.decode.kernels import kernel
from weft.model.flows import PRESENT_BIT

#: Program flags: what ``finish`` has to look at.
F_START, F_END, F_RELATIVE_START, F_RELATIVE_END, F_DURATION_US, F_DURATION_MS = 1, 2, 4, 8, 16, 32
F_SAMPLER, F_RATE, F_SPACING, F_POPULATION, F_INIT = 64, 128, 256, 512, 1024
F_DIRECTION, F_ICMP, F_FRAME, F_BYTES, F_PACKETS, F_DST_PORT, F_SIZE = 2048, 4096, 8192, 16384, 32768, 65536, 131072

#: Columns of ``Sampling.streams``: what is known of a stream as a whole.
R_RATE, R_SOURCE, R_FORCED, R_SCOPED, R_EXPORTER, R_INIT_MS = range(6)
R_COLUMNS = 6
RATE_UNKNOWN, RATE_RECORD, RATE_OPTIONS, RATE_HEADER, RATE_CONFIGURED = 0, 1, 2, 3, 4

#: Kinds of facts in ``Sampling.keys``: a sampler of a stream, an interface of a stream, a sampler of an exporter.
FACT_SAMPLER, FACT_INTERFACE, FACT_EXPORTER_SAMPLER = 1, 2, 3
_OWNER_BITS, _ID_BITS = 22, 40


class Sampling(NamedTuple):
    """What kernels know of sampling rates beyond the record itself."""

    streams: NDArray[np.int64]  # [slots, R_COLUMNS]
    keys: NDArray[np.uint64]  # IntMap of fact_key → rate
    values: NDArray[np.int64]
    seed: np.uint64


def _bits(*names: str) -> np.uint64:
    return np.uint64(sum(1 << PRESENT_BIT[name] for name in names))


_RECEIVED, _START, _END = SLOTS["time_received"], SLOTS["time_start"], SLOTS["time_end"]
_EXPORTER, _DOMAIN = SLOTS["exporter"], SLOTS["observation_domain"]
_FLOW_TYPE, _VERSION = SLOTS["flow_type"], SLOTS["protocol_version"]
_RATE, _SOURCE, _DIRECTION, _QUALITY = (
    SLOTS["sampling_rate"], SLOTS["sampling_source"], SLOTS["direction"], SLOTS["time_quality"],
)  # fmt: skip
_PROTOCOL, _DST_PORT, _ICMP, _IN_IF = SLOTS["protocol"], SLOTS["dst_port"], SLOTS["icmp_type_code"], SLOTS["in_if"]
_BYTES, _PACKETS = SLOTS["bytes"], SLOTS["packets"]
_ALWAYS = _bits("exporter", "observation_domain", "flow_type", "protocol_version", "time_quality", "sampling_source")
_HAS_RECEIVED, _HAS_TIMES = _bits("time_received"), _bits("time_start", "time_end")
_HAS_RATE, _HAS_ICMP = _bits("sampling_rate"), _bits("icmp_type_code")
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_S_SAMPLER, _S_RATE, _S_INTERVAL, _S_SPACE = (
    int(Scratch.SAMPLER), int(Scratch.RATE), int(Scratch.INTERVAL), int(Scratch.SPACE),
)  # fmt: skip
_S_SIZE, _S_POPULATION, _S_INIT = int(Scratch.SIZE), int(Scratch.POPULATION), int(Scratch.INIT_MS)
_S_US, _S_MS = int(Scratch.DURATION_US), int(Scratch.DURATION_MS)
_S_REL_START, _S_REL_END = int(Scratch.RELATIVE_START), int(Scratch.RELATIVE_END)
_S_FRAME, _S_FRAME_SIZE = int(Scratch.FRAME_PRESENT), int(Scratch.FRAME_SIZE)
_MAX_RATE = 0xFFFFFFFF
_MAX_DURATION_US = 10**15
_ICMP4, _ICMP6 = 1, 58


@kernel
def fact_key(kind: int, owner: int, number: int) -> np.uint64:
    """Key of a sampling fact; 0 for numbers too large to be kept."""
    if number >= 1 << _ID_BITS:
        return np.uint64(0)
    return (
        np.uint64(kind) << np.uint64(_OWNER_BITS + _ID_BITS)
        | np.uint64(owner) << np.uint64(_ID_BITS)
        | np.uint64(number)
    )


@kernel
def cover(m: Matrices, place: Slot, first: int, n: int) -> None:
    """Make rows from ``first`` on ready to be written in full."""
    zero_gap(m, place.width, place.row, place.column, first)
    m.valid[place.column] = first + n


@kernel
def fill8(m: Matrices, place: Slot, first: int, n: int, value: int) -> None:
    """The same byte in ``n`` rows."""
    cover(m, place, first, n)
    m.u8[place.row, first : first + n] = value


@kernel
def fill32(m: Matrices, place: Slot, first: int, n: int, value: int) -> None:
    """The same 32-bit number in ``n`` rows."""
    cover(m, place, first, n)
    m.u32[place.row, first : first + n] = value


@kernel
def fill64(m: Matrices, place: Slot, first: int, n: int, value: np.uint64) -> None:
    """The same 64-bit number in ``n`` rows."""
    cover(m, place, first, n)
    m.u64[place.row, first : first + n] = value


@kernel
def stamp(
    m: Matrices, head: NDArray[np.int64], exporter: NDArray[np.uint64], present: np.uint64, first: int, n: int
) -> None:
    """What all records of a message share; ``present`` are the columns that their template carries."""
    kind, received = head[M_KIND], head[M_RECEIVED]
    fill64(m, _RECEIVED, first, n, np.uint64(received or head[M_EXPORTED]))
    cover(m, _EXPORTER, first, n)
    for r in range(first, first + n):
        m.addr[_EXPORTER.row, r, 0] = exporter[0]
        m.addr[_EXPORTER.row, r, 1] = exporter[1]
    fill32(m, _DOMAIN, first, n, head[M_DOMAIN])
    fill32(m, DATAGRAM_SLOT, first, n, head[M_DATAGRAM])
    fill8(m, _FLOW_TYPE, first, n, kind)
    fill8(m, _VERSION, first, n, 5 if kind == 1 else 9 if kind == 2 else 10)
    bits = present | _ALWAYS
    if received:
        bits |= _HAS_RECEIVED
    fill64(m, PRESENT_SLOT, first, n, bits)


@kernel
def fill_rate(m: Matrices, counters: NDArray[np.int64], first: int, n: int, rate: int, source: int) -> None:
    """The same sampling rate for ``n`` rows."""
    fill32(m, _RATE, first, n, rate)
    fill8(m, _SOURCE, first, n, source)
    if rate:
        for r in range(first, first + n):
            m.u64[PRESENT_SLOT.row, r] |= _HAS_RATE
    else:
        counters[C_UNSAMPLED] += n
    counters[C_RATE], counters[C_RATE_SOURCE] = rate, source


@kernel
def mark_icmp(m: Matrices, first: int, n: int) -> None:
    """Type and code of ICMP are in the destination port where no field of their own carries them."""
    for r in range(first, first + n):
        protocol = m.u8[_PROTOCOL.row, r]
        if protocol == _ICMP4 or protocol == _ICMP6:
            zero_gap(m, U16, _ICMP.row, _ICMP.column, r)
            m.valid[_ICMP.column] = r + 1
            m.u16[_ICMP.row, r] = m.u16[_DST_PORT.row, r]
            m.u64[PRESENT_SLOT.row, r] |= _HAS_ICMP


@kernel
def _record_rate(flags: int, scratch: NDArray[np.uint64], j: int) -> int:
    """The rate a record states itself, 0 if it does not: 34/50, (305+306)/305, 310/309."""
    if flags & F_RATE and scratch[_S_RATE, j]:
        return np.int64(min(scratch[_S_RATE, j], np.uint64(_MAX_RATE)))
    if flags & F_SPACING:
        interval, space = scratch[_S_INTERVAL, j], scratch[_S_SPACE, j]
        if interval:
            total = min(interval, np.uint64(_MAX_RATE)) + min(space, np.uint64(_MAX_RATE))
            return np.int64(min(total // interval, np.uint64(_MAX_RATE)))
    if flags & F_POPULATION and scratch[_S_SIZE, j]:
        return np.int64(min(scratch[_S_POPULATION, j] // scratch[_S_SIZE, j], np.uint64(_MAX_RATE)))
    return 0


@kernel
def _scoped_rate(s: Sampling, slot: int, flags: int, sampler: np.uint64, in_if: int) -> int:
    """The rate that options data gave for this record's sampler or interface, 0 if none."""
    if flags & F_SAMPLER and sampler < np.uint64(1 << _ID_BITS):
        number = np.int64(sampler)
        rate = lookup(s.keys, s.values, s.seed, fact_key(FACT_SAMPLER, slot, number))
        if rate <= 0:
            owner = s.streams[slot, R_EXPORTER]
            rate = lookup(s.keys, s.values, s.seed, fact_key(FACT_EXPORTER_SAMPLER, owner, number))
        if rate > 0:
            return rate
    return max(lookup(s.keys, s.values, s.seed, fact_key(FACT_INTERFACE, slot, in_if)), 0)


@kernel
def set_rates(
    m: Matrices,
    s: Sampling,
    slot: int,
    counters: NDArray[np.int64],
    flags: int,
    scratch: NDArray[np.uint64],
    first: int,
    n: int,
) -> None:
    """Sampling rate of ``n`` rows: the operator's override, the record, its sampler or interface, the stream."""
    whole = s.streams[slot]
    stated = flags & (F_RATE | F_SPACING | F_POPULATION)
    if whole[R_FORCED] or not (stated or whole[R_SCOPED]):
        fill_rate(m, counters, first, n, whole[R_RATE], whole[R_SOURCE])
        return
    cover(m, _RATE, first, n)
    cover(m, _SOURCE, first, n)
    has_interface = m.valid[_IN_IF.column] >= first + n
    rate, source = 0, 0
    for j in range(n):
        r = first + j
        rate, source = (_record_rate(flags, scratch, j) if stated else 0), RATE_RECORD
        if rate == 0 and whole[R_SCOPED]:
            sampler = scratch[_S_SAMPLER, j] if flags & F_SAMPLER else np.uint64(0)
            in_if = np.int64(m.u32[_IN_IF.row, r]) if has_interface else 0
            rate, source = _scoped_rate(s, slot, flags, sampler, in_if), RATE_OPTIONS
        if rate == 0:
            rate, source = whole[R_RATE], whole[R_SOURCE]
        m.u32[_RATE.row, r] = rate
        m.u8[_SOURCE.row, r] = source
        if rate:
            m.u64[PRESENT_SLOT.row, r] |= _HAS_RATE
        else:
            counters[C_UNSAMPLED] += 1
    counters[C_RATE], counters[C_RATE_SOURCE] = rate, source


@kernel
def _relative_times(
    m: Matrices, head: NDArray[np.int64], flags: int, scratch: NDArray[np.uint64], r: int, j: int, init_ms: int
) -> None:
    """IPFIX 22 and 21: from systemInitTimeMilliseconds; without it only their distance is used, by ``set_times``."""
    if flags & F_INIT and scratch[_S_INIT, j]:
        init_ms = np.int64(min(scratch[_S_INIT, j], np.uint64(9_000_000_000_000)))
    if init_ms == 0:
        return
    if flags & F_RELATIVE_START:
        value = np.int64(scratch[_S_REL_START, j] & np.uint64(0xFFFFFFFF))
        m.u64[_START.row, r] = relative_ns(head[M_EXPORTED], init_ms, value)
    if flags & F_RELATIVE_END:
        value = np.int64(scratch[_S_REL_END, j] & np.uint64(0xFFFFFFFF))
        m.u64[_END.row, r] = relative_ns(head[M_EXPORTED], init_ms, value)


@kernel
def _duration(flags: int, scratch: NDArray[np.uint64], j: int) -> int:
    """How long the flow lasted by fields other than its start and end, ns."""
    if flags & F_DURATION_US:
        return np.int64(min(scratch[_S_US, j], np.uint64(_MAX_DURATION_US))) * 1000
    if flags & F_DURATION_MS:
        return np.int64(min(scratch[_S_MS, j], np.uint64(_MAX_DURATION_US // 1000))) * MILLISECOND
    if flags & F_RELATIVE_START and flags & F_RELATIVE_END:
        span = (scratch[_S_REL_END, j] - scratch[_S_REL_START, j]) & np.uint64(0xFFFFFFFF)
        return np.int64(span) * MILLISECOND if span < np.uint64(1 << 31) else 0
    return 0


@kernel
def set_times(
    m: Matrices,
    head: NDArray[np.int64],
    flags: int,
    scratch: NDArray[np.uint64],
    first: int,
    n: int,
    init_ms: int,
) -> None:
    """Complete start and end: the missing one from the other and a duration, both from the export or receive time."""
    if not flags & F_START:
        fill64(m, _START, first, n, np.uint64(0))
    if not flags & F_END:
        fill64(m, _END, first, n, np.uint64(0))
    fill8(m, _QUALITY, first, n, 2 if head[M_EXPORTED] == 0 else 0)
    base = head[M_EXPORTED] or head[M_RECEIVED]
    for j in range(n):
        r = first + j
        if flags & (F_RELATIVE_START | F_RELATIVE_END):
            _relative_times(m, head, flags, scratch, r, j, init_ms)
        start, end = m.u64[_START.row, r], m.u64[_END.row, r]
        if start and end:
            continue
        span = np.uint64(_duration(flags, scratch, j))
        if start:
            m.u64[_END.row, r] = start + span
        elif end:
            m.u64[_START.row, r] = end - min(span, end)
        else:
            m.u64[_END.row, r] = base
            m.u64[_START.row, r] = np.uint64(base) - min(span, np.uint64(base))
            m.u8[_QUALITY.row, r] = 1 if head[M_EXPORTED] else 2
            m.u64[PRESENT_SLOT.row, r] &= _ALL ^ _HAS_TIMES


@kernel
def finish(
    m: Matrices,
    s: Sampling,
    head: NDArray[np.int64],
    exporter: NDArray[np.uint64],
    slot: int,
    counters: NDArray[np.int64],
    flags: int,
    present: np.uint64,
    scratch: NDArray[np.uint64],
    first: int,
    n: int,
) -> None:
    """Complete ``n`` rows whose fields are in place."""
    if flags & F_FRAME:
        present |= scratch[_S_FRAME, 0]
        if not flags & F_PACKETS:
            fill64(m, _PACKETS, first, n, np.uint64(1))
        if not flags & F_BYTES:
            fill64(m, _BYTES, first, n, scratch[_S_FRAME_SIZE, 0])
    stamp(m, head, exporter, present, first, n)
    if not flags & F_DIRECTION:
        fill8(m, _DIRECTION, first, n, 255)
    set_times(m, head, flags, scratch, first, n, s.streams[slot, R_INIT_MS])
    set_rates(m, s, slot, counters, flags, scratch, first, n)
    if flags & F_DST_PORT and not flags & (F_ICMP | F_FRAME):
        mark_icmp(m, first, n)
