"""Kernels that move one field of one or many records into its column."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from weft.decode.flow.cells import Target, constant, cover, cover_slot, is_zero, put_uint, zero
from weft.decode.flow.columns import SLOTS, U8, U16, U32, U64
from weft.decode.flow.elements import Op, Scratch
from weft.decode.flow.times import MILLISECOND, absolute_ns, milliseconds_ns, uptime_age_ms
from weft.decode.kernels import inlined, kernel
from weft.decode.memory import (
    get8,
    get16,
    get32,
    get64,
    get_ipv4_word,
    get_word,
    put8,
    put16,
    put32,
    put_word,
)
from weft.decode.packet import FRAME_COLUMNS, LINK_ETHERNET, LINK_IP
from weft.decode.packet.cells import Cells
from weft.decode.packet.frame import read_frame

#: Columns of an operation.
(
    O_OFFSET,  # in the record, for templates of fixed length
    O_FIELD,  # index of the field in the template
    O_LENGTH,  # bytes, -1 = variable
    O_OP,
    O_WIDTH,  # width class of the destination
    O_COLUMN,  # destination in DECODED_SCHEMA, or the scratch value
    O_IF_ZERO,  # write only where the destination is still zero
) = range(7)
O_COLUMNS = 8  # a power of two

#: Values of a record's scratch space.
SCRATCH_VALUES = 16
_SCRATCH_STRIDE = 8 * SCRATCH_VALUES

_UINT, _ADDR4, _ADDR6, _MPLS, _SEGMENT = int(Op.UINT), int(Op.ADDR4), int(Op.ADDR6), int(Op.MPLS), int(Op.SEGMENT)
_ICMP_TYPE, _ICMP_CODE, _ZERO = int(Op.ICMP_TYPE), int(Op.ICMP_CODE), int(Op.ZERO)
_UPTIME, _SCRATCH, _MILLISECONDS = int(Op.UPTIME), int(Op.SCRATCH), int(Op.MILLISECONDS)
FRAME_OPS = (int(Op.FRAME), int(Op.PACKET))
_FRAME = int(Op.FRAME)
_FRAME_PRESENT, _FRAME_SIZE = constant(Scratch.FRAME_PRESENT), constant(Scratch.FRAME_SIZE)
_ENCAPSULATION = SLOTS["encapsulation"]
_FRAME_SLOTS = np.array([SLOTS[name] for name in FRAME_COLUMNS], np.int64)
_ZEROTH = constant(0)
_VXLAN, _NVGRE = 1, 2  # layer2SegmentId types; flows.encapsulation says 3 and 1
_MAPPED_ANY = 0xFFFF0000  # second word of ::ffff:0.0.0.0
_MAX_UINT = 8


class Source(NamedTuple):
    """Where the field of the first record lies, its length, and how far apart records are."""

    at: int
    length: int
    stride: int


class Clock(NamedTuple):
    """Times of the message: its export time (ns, 0 = none), its uptime (ms), and the UTC ns that the uptime means."""

    exported: int
    uptime: int
    base: int


@inlined
def load_uint(at: int, length: int) -> int:
    """Unsigned number of 1 to 8 bytes (reduced-size encoding, RFC 7011 §6.2); 0 for any other length."""
    if length == 4:
        return get32(at)
    if length == 8:
        return get64(at)
    value = 0
    if length <= _MAX_UINT:
        for i in range(length):
            value = value << 8 | get8(at + i)
    return value


@inlined
def scratch_at(scratch: int, record: int, value: int) -> int:
    """Address of a scratch value of a record."""
    return scratch + record * _SCRATCH_STRIDE + 8 * value


@inlined
def _put_small(width: int, dst: int, at: int, length: int, stride: int, n: int) -> bool:
    """One or two bytes into columns of one or two; false for any other pair."""
    if width == U8 and length == 1:
        for j in range(n):
            put8(dst + j, get8(at + j * stride))
    elif width == U16 and length == 2:
        for j in range(n):
            put16(dst + 2 * j, get16(at + j * stride))
    elif width == U16 and length == 1:
        for j in range(n):
            put16(dst + 2 * j, get8(at + j * stride))
    else:
        return False
    return True


@kernel
def _put_uints(width: int, dst: int, at: int, length: int, stride: int, n: int) -> None:
    """``UINT`` for ``n`` records; the pairs of width and length that exporters really use have loops of their own."""
    if width == U32 and length == 4:
        for j in range(n):
            put32(dst + 4 * j, get32(at + j * stride))
    elif _put_small(width, dst, at, length, stride, n):
        return
    elif width == U32 and length == 2:
        for j in range(n):
            put32(dst + 4 * j, get16(at + j * stride))
    elif width == U64 and length == 4:
        for j in range(n):
            put_word(dst + 8 * j, get32(at + j * stride))
    elif width == U64 and length == 8:
        for j in range(n):
            put_word(dst + 8 * j, get64(at + j * stride))
    else:
        for j in range(n):
            put_uint(width, dst + (j << width), load_uint(at + j * stride, length))


@kernel
def _put_if_zero(width: int, dst: int, at: int, length: int, stride: int, n: int) -> None:
    for j in range(n):
        cell = dst + (j << width)
        if is_zero(width, cell):
            put_uint(width, cell, load_uint(at + j * stride, length))


@inlined
def _is_unset(cell: int) -> bool:
    low = get_word(cell + 8)
    return get_word(cell) == 0 and (low in (0, _MAPPED_ANY))


@kernel
def _put_addresses(is_v4: bool, if_zero: bool, dst: int, at: int, length: int, stride: int, n: int) -> None:
    """IPv4 as ::ffff:a.b.c.d, IPv6 as it is; a length that is neither leaves the address unset."""
    if length != (4 if is_v4 else 16):
        if not if_zero:
            zero(dst, dst + 16 * n)
        return
    for j in range(n):
        cell, here = dst + 16 * j, at + j * stride
        if if_zero and not _is_unset(cell):
            continue
        if is_v4:
            put_word(cell, 0)
            put_word(cell + 8, get_ipv4_word(here))
        elif not if_zero or get_word(here) or get_word(here + 8):
            put_word(cell, get_word(here))
            put_word(cell + 8, get_word(here + 8))


@kernel
def _put_times(op: int, dst: int, at: int, length: int, stride: int, n: int, clock: Clock) -> None:
    if op == _UPTIME:
        for j in range(n):
            age = uptime_age_ms(clock.uptime, load_uint(at + j * stride, length))
            put_word(dst + 8 * j, max(clock.base - age * MILLISECOND, 0))
        return
    if op == _MILLISECONDS and length == 8:
        for j in range(n):
            put_word(dst + 8 * j, milliseconds_ns(get64(at + j * stride)))
        return
    for j in range(n):
        put_word(dst + 8 * j, absolute_ns(op, load_uint(at + j * stride, length), clock.exported))


@kernel
def _put_special(t: Target, op: int, width: int, first: int, dst: int, source: Source, n: int) -> None:
    """Encodings that are rare enough to share one loop."""
    for j in range(n):
        cell = dst + (j << width)
        value = load_uint(source.at + j * source.stride, source.length)
        if op == _MPLS:
            put32(cell, value >> max(8 * source.length - 20, 0) & 0xFFFFF)
        elif op == _ICMP_TYPE:
            put8(cell + 1, value)  # little-endian: the high byte
        elif op == _ICMP_CODE:
            put8(cell, value)
        elif op == _SEGMENT:
            kind = value >> 56
            put32(cell, value & 0xFFFFFF)
            tunnel = cover_slot(t, _ENCAPSULATION, first + j, 1)
            put8(tunnel, 3 if kind == _VXLAN else 1 if kind == _NVGRE else 0)
        else:  # ZERO
            put_uint(width, cell, 0)


@inlined
def _packet_size(at: int, length: int) -> int:
    """Bytes of the IP packet whose first ``length`` ones lie at ``at``, by its header."""
    version = get8(at) >> 4 if length > 0 else 0
    if version == 4 and length >= 20:
        return get16(at + 2)
    if version == 6 and length >= 40:
        return 40 + get16(at + 4)
    return length


@kernel
def put_frame(t: Target, c: Cells, op: int, at: int, length: int, row: int, scratch: int) -> None:
    """A sampled frame or packet section into one row; its columns are cleared first."""
    for k in range(len(_FRAME_SLOTS)):
        width, column = _FRAME_SLOTS[k, 0], _FRAME_SLOTS[k, 2]
        cell = cover(t, column, width, row, 1)
        zero(cell, cell + (1 << width))
    link = LINK_ETHERNET if op == _FRAME else LINK_IP
    put_word(scratch_at(scratch, _ZEROTH, _FRAME_PRESENT), read_frame(at, at + length, link, c, row))
    size = length if op == _FRAME else _packet_size(at, length)
    put_word(scratch_at(scratch, _ZEROTH, _FRAME_SIZE), size)


@kernel
def apply(
    t: Target, op: int, width: int, column: int, if_zero: int, source: Source, first: int, n: int, scratch: int,
    clock: Clock,
) -> None:  # fmt: skip
    """Move a field of ``n`` records into rows from ``first`` on; not for sampled frames."""
    if op == _SCRATCH:
        for j in range(n):
            put_word(scratch_at(scratch, j, column), load_uint(source.at + j * source.stride, source.length))
        return
    dst = cover(t, column, width, first, n)
    if op == _UINT and not if_zero:
        _put_uints(width, dst, source.at, source.length, source.stride, n)
    elif op == _UINT:
        _put_if_zero(width, dst, source.at, source.length, source.stride, n)
    elif op in (_ADDR4, _ADDR6):
        _put_addresses(op == _ADDR4, if_zero != 0, dst, source.at, source.length, source.stride, n)
    elif op in (_MPLS, _ICMP_TYPE, _ICMP_CODE, _SEGMENT, _ZERO):
        _put_special(t, op, width, first, dst, source, n)
    else:
        _put_times(op, dst, source.at, source.length, source.stride, n, clock)
