"""NetFlow v5: a fixed header of 24 bytes, then records of 48."""

from __future__ import annotations

from weft.decode.flow.cells import Target, cover_slot, fill8
from weft.decode.flow.columns import SLOTS
from weft.decode.flow.finish import (
    R_FORCED,
    R_RATE,
    R_SOURCE,
    RATE_HEADER,
    Message,
    fill_rate,
    mark_icmp,
    stamp,
)
from weft.decode.flow.times import MILLISECOND, uptime_age_ms
from weft.decode.kernels import inlined, kernel
from weft.decode.memory import get8, get16, get32, get_ipv4_word, get_word, put8, put16, put32, put_word
from weft.model.flows import PRESENT_BIT

RECORD_SIZE = 48
_RATE_BITS = 0x3FFF  # the two bits above are the sampling mode

_SRC, _DST, _NEXT_HOP = SLOTS["src_addr"], SLOTS["dst_addr"], SLOTS["next_hop"]
_PACKETS, _BYTES, _START, _END = SLOTS["packets"], SLOTS["bytes"], SLOTS["time_start"], SLOTS["time_end"]
_SRC_PORT, _DST_PORT = SLOTS["src_port"], SLOTS["dst_port"]
_IN_IF, _OUT_IF, _SRC_AS, _DST_AS = SLOTS["in_if"], SLOTS["out_if"], SLOTS["src_as"], SLOTS["dst_as"]
_PROTOCOL, _TOS, _SRC_MASK, _DST_MASK = SLOTS["protocol"], SLOTS["tos"], SLOTS["src_mask"], SLOTS["dst_mask"]
_FLAGS, _QUALITY, _DIRECTION = SLOTS["tcp_flags"], SLOTS["time_quality"], SLOTS["direction"]
_CARRIED = (
    "time_start", "time_end", "src_addr", "dst_addr", "next_hop", "in_if", "out_if", "packets", "bytes", "src_port",
    "dst_port", "tcp_flags", "protocol", "tos", "src_as", "dst_as", "src_mask", "dst_mask", "sampling_rate",
)  # fmt: skip
PRESENT = sum(1 << PRESENT_BIT[name] for name in _CARRIED)


@inlined
def _octets(dst: int, at: int, n: int) -> None:
    for j in range(n):
        put8(dst + j, get8(at + j * RECORD_SIZE))


@inlined
def _numbers(dst: int, at: int, n: int) -> None:
    """16-bit numbers in 32-bit columns."""
    for j in range(n):
        put32(dst + 4 * j, get16(at + j * RECORD_SIZE))


@inlined
def _counters(dst: int, at: int, n: int) -> None:
    for j in range(n):
        put_word(dst + 8 * j, get32(at + j * RECORD_SIZE))


@inlined
def _addresses(dst: int, at: int, n: int) -> None:
    for j in range(n):
        put_word(dst + 16 * j, 0)
        put_word(dst + 16 * j + 8, get_ipv4_word(at + j * RECORD_SIZE))


@inlined
def _times(dst: int, at: int, n: int, base: int, uptime: int) -> None:
    for j in range(n):
        age = uptime_age_ms(uptime, get32(at + j * RECORD_SIZE))
        put_word(dst + 8 * j, max(base - age * MILLISECOND, 0))


@kernel
def decode_v5(at: int, n: int, t: Target, first: int, m: Message, header_rate: int) -> None:
    """Decode ``n`` records from address ``at`` into rows from ``first``, column by column within the datagram."""
    _addresses(cover_slot(t, _SRC, first, n), at, n)
    _addresses(cover_slot(t, _DST, first, n), at + 4, n)
    _addresses(cover_slot(t, _NEXT_HOP, first, n), at + 8, n)
    _numbers(cover_slot(t, _IN_IF, first, n), at + 12, n)
    _numbers(cover_slot(t, _OUT_IF, first, n), at + 14, n)
    _counters(cover_slot(t, _PACKETS, first, n), at + 16, n)
    _counters(cover_slot(t, _BYTES, first, n), at + 20, n)
    base = m.exported or m.received
    _times(cover_slot(t, _START, first, n), at + 24, n, base, m.uptime)
    _times(cover_slot(t, _END, first, n), at + 28, n, base, m.uptime)
    for place, offset in ((_SRC_PORT, 32), (_DST_PORT, 34)):
        ports = cover_slot(t, place, first, n)
        for j in range(n):
            put16(ports + 2 * j, get16(at + offset + j * RECORD_SIZE))
    flags = cover_slot(t, _FLAGS, first, n)
    for j in range(n):
        put16(flags + 2 * j, get8(at + 37 + j * RECORD_SIZE))
    _octets(cover_slot(t, _PROTOCOL, first, n), at + 38, n)
    _octets(cover_slot(t, _TOS, first, n), at + 39, n)
    _numbers(cover_slot(t, _SRC_AS, first, n), at + 40, n)
    _numbers(cover_slot(t, _DST_AS, first, n), at + 42, n)
    _octets(cover_slot(t, _SRC_MASK, first, n), at + 44, n)
    _octets(cover_slot(t, _DST_MASK, first, n), at + 45, n)
    stamp(t, m, PRESENT, first, n)
    if m.exported == 0:
        fill8(t, _QUALITY, first, n, 2)
    fill8(t, _DIRECTION, first, n, 255)
    rate, source = header_rate & _RATE_BITS, RATE_HEADER
    if rate == 0 or get_word(m.sampling + 8 * R_FORCED):
        rate, source = get_word(m.sampling + 8 * R_RATE), get_word(m.sampling + 8 * R_SOURCE)
    fill_rate(t, m, first, n, rate, source)
    mark_icmp(t, first, n)
