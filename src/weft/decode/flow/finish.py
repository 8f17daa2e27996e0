"""Kernels that complete rows once their fields are in: what the message says of all of them, times, sampling, ICMP."""

from __future__ import annotations

from typing import NamedTuple

from weft.decode.flow.cells import Target, cell_at, constant, cover_slot, fill8, fill32, fill64
from weft.decode.flow.columns import DATAGRAM_SLOT, PRESENT_SLOT, SLOTS
from weft.decode.flow.counters import C_RATE, C_RATE_SOURCE, C_UNSAMPLED
from weft.decode.flow.elements import Scratch
from weft.decode.flow.fields import scratch_at
from weft.decode.flow.hashing import Map, lookup
from weft.decode.flow.times import MILLISECOND, relative_ns
from weft.decode.kernels import inlined, kernel
from weft.decode.memory import get8, get32_little, get_word, put8, put32, put_word
from weft.model.flows import PRESENT_BIT

#: Program flags: what ``finish`` has to look at.
F_START, F_END, F_RELATIVE_START, F_RELATIVE_END, F_DURATION_US, F_DURATION_MS = 1, 2, 4, 8, 16, 32
F_SAMPLER, F_RATE, F_SPACING, F_POPULATION, F_INIT = 64, 128, 256, 512, 1024
F_DIRECTION, F_ICMP, F_FRAME, F_BYTES, F_PACKETS, F_DST_PORT, F_PROTOCOL = 2048, 4096, 8192, 16384, 32768, 65536, 131072

#: Columns of ``Sampling.streams``: what is known of a stream as a whole.
R_RATE, R_SOURCE, R_FORCED, R_SCOPED, R_EXPORTER, R_INIT_MS = range(6)
R_COLUMNS = 8  # a power of two
RATE_UNKNOWN, RATE_RECORD, RATE_OPTIONS, RATE_HEADER, RATE_CONFIGURED = 0, 1, 2, 3, 4

#: Kinds of facts in ``Sampling.keys``: a sampler of a stream, an interface of a stream, a sampler of an exporter.
FACT_SAMPLER, FACT_INTERFACE, FACT_EXPORTER_SAMPLER = 1, 2, 3
_OWNER_BITS, _ID_BITS = 22, 40
#: Samplers and interfaces with a larger number are not kept.
FACT_NUMBERS = 1 << _ID_BITS


class Sampling(NamedTuple):
    """What kernels know of sampling rates beyond the record itself."""

    streams: int  # address of int64[slots, R_COLUMNS]
    facts: Map  # fact_key → rate


class Message(NamedTuple):
    """What the records of one message share. Times are UTC ns, 0 = not known; addresses are of rows of tables."""

    kind: int
    slot: int
    received: int
    exported: int
    uptime: int
    domain: int
    datagram: int
    exporter0: int
    exporter1: int
    counters: int  # address of the stream's row in StreamTable.counters
    sampling: int  # address of the stream's row in Sampling.streams


def _bits(*names: str) -> int:
    return sum(1 << PRESENT_BIT[name] for name in names)


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
_S_SAMPLER, _S_RATE = constant(Scratch.SAMPLER), constant(Scratch.RATE)
_S_INTERVAL, _S_SPACE = constant(Scratch.INTERVAL), constant(Scratch.SPACE)
_S_SIZE, _S_POPULATION, _S_INIT = constant(Scratch.SIZE), constant(Scratch.POPULATION), constant(Scratch.INIT_MS)
_S_US, _S_MS = constant(Scratch.DURATION_US), constant(Scratch.DURATION_MS)
_S_REL_START, _S_REL_END = constant(Scratch.RELATIVE_START), constant(Scratch.RELATIVE_END)
_S_FRAME, _S_FRAME_SIZE = constant(Scratch.FRAME_PRESENT), constant(Scratch.FRAME_SIZE)
_ZERO, _ONE, _TWO, _UNKNOWN_SIDE = constant(0), constant(1), constant(2), constant(255)
_MAX_RATE = 0xFFFFFFFF
_MAX_DURATION_US = 10**15
_MAX_MS = 9_000_000_000_000
_ICMP4, _ICMP6 = 1, 58
_STATED = F_RATE | F_SPACING | F_POPULATION


@inlined
def fact_key(kind: int, owner: int, number: int) -> int:
    """Key of a sampling fact; 0 for numbers too large to be kept."""
    if not 0 <= number < FACT_NUMBERS:
        return 0
    return kind << _OWNER_BITS + _ID_BITS | owner << _ID_BITS | number


@inlined
def _has(t: Target, row: int, bits: int) -> None:
    """Mark columns of a row as carried."""
    at = cell_at(t, PRESENT_SLOT, row)
    put_word(at, get_word(at) | bits)


@inlined
def stamp(t: Target, m: Message, present: int, first: int, n: int) -> None:
    """What all records of a message share; ``present`` are the columns that their template carries."""
    fill64(t, _RECEIVED, first, n, m.received or m.exported)
    at = cover_slot(t, _EXPORTER, first, n)
    for j in range(n):
        put_word(at + 16 * j, m.exporter0)
        put_word(at + 16 * j + 8, m.exporter1)
    fill32(t, _DOMAIN, first, n, m.domain)
    fill32(t, DATAGRAM_SLOT, first, n, m.datagram)
    fill8(t, _FLOW_TYPE, first, n, m.kind)
    fill8(t, _VERSION, first, n, 5 if m.kind == 1 else 9 if m.kind == 2 else 10)
    fill64(t, PRESENT_SLOT, first, n, present | _ALWAYS | (_HAS_RECEIVED if m.received else 0))


@inlined
def _note_rate(m: Message, rate: int, source: int) -> None:
    put_word(m.counters + 8 * C_RATE, rate)
    put_word(m.counters + 8 * C_RATE_SOURCE, source)


@inlined
def _count_unsampled(m: Message, n: int) -> None:
    at = m.counters + 8 * C_UNSAMPLED
    put_word(at, get_word(at) + n)


@inlined
def fill_rate(t: Target, m: Message, first: int, n: int, rate: int, source: int) -> None:
    """The same sampling rate for ``n`` rows."""
    if rate:
        fill32(t, _RATE, first, n, rate)
        fill8(t, _SOURCE, first, n, source)
        for r in range(first, first + n):
            _has(t, r, _HAS_RATE)
    else:
        _count_unsampled(m, n)
    _note_rate(m, rate, source)


@inlined
def mark_icmp(t: Target, first: int, n: int) -> None:
    """Type and code of ICMP are in the destination port where no field of their own carries them."""
    protocols = cell_at(t, _PROTOCOL, first)
    for j in range(n):
        protocol = get8(protocols + j)
        if protocol in (_ICMP4, _ICMP6):
            r = first + j
            port = cell_at(t, _DST_PORT, r)
            cell = cover_slot(t, _ICMP, r, 1)
            put8(cell, get8(port))
            put8(cell + 1, get8(port + 1))
            _has(t, r, _HAS_ICMP)


@inlined
def _scratch(scratch: int, j: int, value: int) -> int:
    """A scratch value of a record, capped to what all uses can compute with."""
    found = get_word(scratch_at(scratch, j, value))
    return found if 0 <= found < 1 << 62 else 1 << 62


@inlined
def _record_rate(flags: int, scratch: int, j: int) -> int:
    """The rate a record states itself, 0 if it does not: 34/50, (305+306)/305, 310/309."""
    rate = 0
    if flags & F_RATE:
        rate = _scratch(scratch, j, _S_RATE)
    if rate == 0 and flags & F_SPACING:
        interval = _scratch(scratch, j, _S_INTERVAL)
        if interval:
            rate = (interval + _scratch(scratch, j, _S_SPACE)) // interval
    if rate == 0 and flags & F_POPULATION:
        size = _scratch(scratch, j, _S_SIZE)
        if size:
            rate = _scratch(scratch, j, _S_POPULATION) // size
    return min(rate, _MAX_RATE)


@inlined
def _scoped_rate(s: Sampling, m: Message, flags: int, sampler: int, in_if: int) -> int:
    """The rate that options data gave for this record's sampler or interface, 0 if none."""
    if flags & F_SAMPLER:
        key = fact_key(FACT_SAMPLER, m.slot, sampler)
        if key:
            rate = lookup(s.facts, key)
            if rate <= 0:
                owner = get_word(m.sampling + 8 * R_EXPORTER)
                rate = lookup(s.facts, fact_key(FACT_EXPORTER_SAMPLER, owner, sampler))
            if rate > 0:
                return rate
    return max(lookup(s.facts, fact_key(FACT_INTERFACE, m.slot, in_if)), 0)


@kernel
def _each_rate(t: Target, s: Sampling, m: Message, flags: int, scratch: int, first: int, n: int) -> None:
    """Rates that differ from record to record; neighbours of the same sampler and interface are looked up once."""
    rates, sources = cover_slot(t, _RATE, first, n), cover_slot(t, _SOURCE, first, n)
    whole, whole_source = get_word(m.sampling + 8 * R_RATE), get_word(m.sampling + 8 * R_SOURCE)
    is_scoped = get_word(m.sampling + 8 * R_SCOPED) != 0
    has_interface = get_word(t.valid + 8 * _IN_IF.column) >= first + n
    interfaces = cell_at(t, _IN_IF, first)
    last_sampler, last_if, last_rate = -1, -1, 0
    rate, source = 0, 0
    for j in range(n):
        rate, source = (_record_rate(flags, scratch, j) if flags & _STATED else 0), RATE_RECORD
        if rate == 0 and is_scoped:
            sampler = _scratch(scratch, j, _S_SAMPLER) if flags & F_SAMPLER else 0
            in_if = get32_little(interfaces + 4 * j) if has_interface else 0
            if sampler != last_sampler or in_if != last_if:
                last_sampler, last_if = sampler, in_if
                last_rate = _scoped_rate(s, m, flags, sampler, in_if)
            rate, source = last_rate, RATE_OPTIONS
        if rate == 0:
            rate, source = whole, whole_source
        put32(rates + 4 * j, rate)
        put8(sources + j, source)
        if rate:
            _has(t, first + j, _HAS_RATE)
        else:
            _count_unsampled(m, 1)
    _note_rate(m, rate, source)


@inlined
def set_rates(t: Target, s: Sampling, m: Message, flags: int, scratch: int, first: int, n: int) -> None:
    """Sampling rate of ``n`` rows: the operator's override, the record, its sampler or interface, the stream."""
    forced, scoped = get_word(m.sampling + 8 * R_FORCED), get_word(m.sampling + 8 * R_SCOPED)
    if forced or not (flags & _STATED or scoped):
        fill_rate(t, m, first, n, get_word(m.sampling + 8 * R_RATE), get_word(m.sampling + 8 * R_SOURCE))
    else:
        _each_rate(t, s, m, flags, scratch, first, n)


@inlined
def _relative_times(t: Target, m: Message, flags: int, scratch: int, row: int, j: int) -> None:
    """IPFIX 22 and 21: from systemInitTimeMilliseconds; without it only their distance is used, by ``_span``."""
    init_ms = get_word(m.sampling + 8 * R_INIT_MS)
    if flags & F_INIT:
        init_ms = _scratch(scratch, j, _S_INIT) or init_ms
    if not 0 < init_ms < _MAX_MS:
        return
    if flags & F_RELATIVE_START:
        value = _scratch(scratch, j, _S_REL_START) & 0xFFFFFFFF
        put_word(cell_at(t, _START, row), relative_ns(m.exported, init_ms, value))
    if flags & F_RELATIVE_END:
        value = _scratch(scratch, j, _S_REL_END) & 0xFFFFFFFF
        put_word(cell_at(t, _END, row), relative_ns(m.exported, init_ms, value))


@inlined
def _span(flags: int, scratch: int, j: int) -> int:
    """How long the flow lasted by fields other than its start and end, ns."""
    if flags & F_DURATION_US:
        return min(_scratch(scratch, j, _S_US), _MAX_DURATION_US) * 1000
    if flags & F_DURATION_MS:
        return min(_scratch(scratch, j, _S_MS), _MAX_DURATION_US // 1000) * MILLISECOND
    if flags & F_RELATIVE_START and flags & F_RELATIVE_END:
        span = (_scratch(scratch, j, _S_REL_END) - _scratch(scratch, j, _S_REL_START)) & 0xFFFFFFFF
        return span * MILLISECOND if span < 1 << 31 else 0
    return 0


@kernel
def _complete_times(t: Target, m: Message, flags: int, scratch: int, row: int, j: int) -> None:
    """A record that lacks its start or end: one from the other and a duration, both from the export or receive time."""
    if flags & (F_RELATIVE_START | F_RELATIVE_END):
        _relative_times(t, m, flags, scratch, row, j)
    start_at, end_at = cell_at(t, _START, row), cell_at(t, _END, row)
    start, end = get_word(start_at), get_word(end_at)
    if start and end:
        return
    span = _span(flags, scratch, j)
    if start:
        put_word(end_at, start + span)
    elif end:
        put_word(start_at, max(end - span, 0))
    else:
        base = m.exported or m.received
        put_word(end_at, base)
        put_word(start_at, max(base - span, 0))
        put8(cover_slot(t, _QUALITY, row, 1), 1 if m.exported else 2)
        present = cell_at(t, PRESENT_SLOT, row)
        put_word(present, get_word(present) & ~_HAS_TIMES)


@inlined
def set_times(t: Target, m: Message, flags: int, scratch: int, first: int, n: int) -> None:
    """Complete start and end of ``n`` rows."""
    if not flags & F_START:
        fill64(t, _START, first, n, _ZERO)
    if not flags & F_END:
        fill64(t, _END, first, n, _ZERO)
    if m.exported == 0:  # otherwise it is 0, as every cell that is not written
        fill8(t, _QUALITY, first, n, _TWO)
    starts, ends = cell_at(t, _START, first), cell_at(t, _END, first)
    for j in range(n):
        if get_word(starts + 8 * j) == 0 or get_word(ends + 8 * j) == 0:
            _complete_times(t, m, flags, scratch, first + j, j)


@kernel
def finish(t: Target, s: Sampling, m: Message, flags: int, present: int, scratch: int, first: int, n: int) -> None:
    """Complete ``n`` rows whose fields are in place."""
    if flags & F_FRAME:
        present |= get_word(scratch_at(scratch, _ZERO, _S_FRAME))
        if not flags & F_PACKETS:
            fill64(t, _PACKETS, first, n, _ONE)
        if not flags & F_BYTES:
            fill64(t, _BYTES, first, n, get_word(scratch_at(scratch, _ZERO, _S_FRAME_SIZE)))
    stamp(t, m, present, first, n)
    if not flags & F_DIRECTION:
        fill8(t, _DIRECTION, first, n, _UNKNOWN_SIDE)
    set_times(t, m, flags, scratch, first, n)
    set_rates(t, s, m, flags, scratch, first, n)
    if flags & F_DST_PORT and flags & F_PROTOCOL and not flags & (F_ICMP | F_FRAME):
        mark_icmp(t, first, n)
