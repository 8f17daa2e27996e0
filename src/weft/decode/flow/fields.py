"""Kernels that move one field of one or many records into its column."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.columns import ADDR, SLOTS, U8, U16, U32, Matrices, zero_gap
from weft.decode.flow.elements import Op, Scratch
from weft.decode.flow.messages import M_EXPORTED, M_UPTIME
from weft.decode.flow.times import MILLISECOND, absolute_ns, uptime_age_ms
from weft.decode.kernels import be8, be16, be32, be64, ipv4_word, kernel, word
from weft.decode.packet import FRAME_COLUMNS, LINK_ETHERNET, LINK_IP, parse_frame

#: Columns of an operation.
(
    O_OFFSET,  # in the record, for templates of fixed length
    O_FIELD,  # index of the field in the template
    O_LENGTH,  # bytes, -1 = variable
    O_OP,
    O_WIDTH,  # destination matrix
    O_ROW,  # destination row in it, or the scratch value
    O_COLUMN,  # index in Matrices.valid
    O_IF_ZERO,  # write only where the destination is still zero
) = range(8)
O_COLUMNS = 8

_UINT, _ADDR4, _ADDR6, _MPLS, _SEGMENT = int(Op.UINT), int(Op.ADDR4), int(Op.ADDR6), int(Op.MPLS), int(Op.SEGMENT)
_ICMP_TYPE, _ICMP_CODE, _ZERO = int(Op.ICMP_TYPE), int(Op.ICMP_CODE), int(Op.ZERO)
_UPTIME, _SCRATCH, _FRAME, _PACKET = int(Op.UPTIME), int(Op.SCRATCH), int(Op.FRAME), int(Op.PACKET)
_FRAME_PRESENT, _FRAME_SIZE = int(Scratch.FRAME_PRESENT), int(Scratch.FRAME_SIZE)
_ENCAPSULATION = SLOTS["encapsulation"]
_FRAME_SLOTS = np.array([SLOTS[name] for name in FRAME_COLUMNS], np.int64)
_VXLAN, _NVGRE = 1, 2  # layer2SegmentId types; flows.encapsulation says 3 and 1
_MAPPED_ANY = np.uint64(0xFFFF0000)  # second word of ::ffff:0.0.0.0
_MAX_UINT = 8


@kernel
def load_uint(data: NDArray[np.uint8], at: int, length: int) -> np.uint64:
    """Unsigned number of 1 to 8 bytes (reduced-size encoding, RFC 7011 §6.2); 0 for any other length."""
    if length == 4:
        return np.uint64(be32(data, at))
    if length == 8:
        return be64(data, at)
    value = np.uint64(0)
    if length <= _MAX_UINT:
        for i in range(length):
            value = value << np.uint64(8) | np.uint64(data[at + i])
    return value


@kernel
def _cell(m: Matrices, width: int, row: int, r: int) -> np.uint64:
    if width == U8:
        return np.uint64(m.u8[row, r])
    if width == U16:
        return np.uint64(m.u16[row, r])
    if width == U32:
        return np.uint64(m.u32[row, r])
    return m.u64[row, r]


@kernel
def _put(m: Matrices, width: int, row: int, r: int, value: np.uint64) -> None:
    """Store a number, saturating where the column is narrower."""
    if width == U8:
        m.u8[row, r] = min(value, np.uint64(0xFF))
    elif width == U16:
        m.u16[row, r] = min(value, np.uint64(0xFFFF))
    elif width == U32:
        m.u32[row, r] = min(value, np.uint64(0xFFFFFFFF))
    else:
        m.u64[row, r] = value


@kernel
def _put_uints(
    data: NDArray[np.uint8], m: Matrices, op: NDArray[np.int64], at: int, length: int, stride: int, n: int, first: int
) -> None:
    """``UINT`` for ``n`` records; the pairs of width and length that exporters really use have loops of their own."""
    width, row = op[O_WIDTH], op[O_ROW]
    if width == U8 and length == 1:
        for j in range(n):
            m.u8[row, first + j] = be8(data, at + j * stride)
    elif width == U16 and length == 2:
        for j in range(n):
            m.u16[row, first + j] = be16(data, at + j * stride)
    elif width == U16 and length == 1:
        for j in range(n):
            m.u16[row, first + j] = be8(data, at + j * stride)
    elif width == U32 and length == 4:
        for j in range(n):
            m.u32[row, first + j] = be32(data, at + j * stride)
    elif width == U32 and length == 2:
        for j in range(n):
            m.u32[row, first + j] = be16(data, at + j * stride)
    elif width > U32 and length == 4:
        for j in range(n):
            m.u64[row, first + j] = be32(data, at + j * stride)
    elif width > U32 and length == 8:
        for j in range(n):
            m.u64[row, first + j] = be64(data, at + j * stride)
    else:
        for j in range(n):
            _put(m, width, row, first + j, load_uint(data, at + j * stride, length))


@kernel
def _put_uints_if_zero(
    data: NDArray[np.uint8], m: Matrices, op: NDArray[np.int64], at: int, length: int, stride: int, n: int, first: int
) -> None:
    width, row = op[O_WIDTH], op[O_ROW]
    for j in range(n):
        if _cell(m, width, row, first + j) == np.uint64(0):
            _put(m, width, row, first + j, load_uint(data, at + j * stride, length))


@kernel
def _put_addresses(
    data: NDArray[np.uint8], m: Matrices, op: NDArray[np.int64], at: int, length: int, stride: int, n: int, first: int
) -> None:
    """IPv4 as ::ffff:a.b.c.d, IPv6 as it is; a length that is neither leaves the address unset."""
    row, if_zero, is_v4 = op[O_ROW], op[O_IF_ZERO], op[O_OP] == _ADDR4
    if length != (4 if is_v4 else 16):
        if not if_zero:
            m.addr[row, first : first + n, :] = 0
        return
    for j in range(n):
        r, here = first + j, at + j * stride
        low = m.addr[row, r, 1]
        if if_zero and (m.addr[row, r, 0] != np.uint64(0) or (low != np.uint64(0) and low != _MAPPED_ANY)):
            continue
        if is_v4:
            m.addr[row, r, 0] = np.uint64(0)
            m.addr[row, r, 1] = ipv4_word(data, here)
        elif not if_zero or word(data, here) != np.uint64(0) or word(data, here + 8) != np.uint64(0):
            m.addr[row, r, 0] = word(data, here)
            m.addr[row, r, 1] = word(data, here + 8)


@kernel
def _put_times(
    data: NDArray[np.uint8],
    m: Matrices,
    op: NDArray[np.int64],
    at: int,
    length: int,
    stride: int,
    n: int,
    first: int,
    head: NDArray[np.int64],
    base: int,
) -> None:
    code, row = op[O_OP], op[O_ROW]
    if code == _UPTIME:
        uptime = head[M_UPTIME]
        for j in range(n):
            then = np.int64(load_uint(data, at + j * stride, length))
            m.u64[row, first + j] = base - uptime_age_ms(uptime, then) * MILLISECOND
        return
    exported = head[M_EXPORTED]
    for j in range(n):
        m.u64[row, first + j] = absolute_ns(code, load_uint(data, at + j * stride, length), exported)


@kernel
def _put_special(
    data: NDArray[np.uint8], m: Matrices, op: NDArray[np.int64], at: int, length: int, stride: int, n: int, first: int
) -> None:
    """Encodings that are rare enough to share one loop."""
    code, width, row = op[O_OP], op[O_WIDTH], op[O_ROW]
    for j in range(n):
        r = first + j
        value = load_uint(data, at + j * stride, length)
        if code == _MPLS:
            m.u32[row, r] = value >> np.uint64(max(8 * length - 20, 0)) & np.uint64(0xFFFFF)
        elif code == _ICMP_TYPE:
            m.u16[row, r] |= (value & np.uint64(0xFF)) << np.uint64(8)
        elif code == _ICMP_CODE:
            m.u16[row, r] |= value & np.uint64(0xFF)
        elif code == _SEGMENT:
            m.u32[row, r] = value & np.uint64(0xFFFFFF)
            kind = value >> np.uint64(56)
            tunnel = 3 if kind == np.uint64(_VXLAN) else 1 if kind == np.uint64(_NVGRE) else 0
            zero_gap(m, U8, _ENCAPSULATION.row, _ENCAPSULATION.column, r)
            m.valid[_ENCAPSULATION.column] = max(m.valid[_ENCAPSULATION.column], r + 1)
            m.u8[_ENCAPSULATION.row, r] = tunnel
        else:  # ZERO
            _put(m, width, row, r, np.uint64(0))


@kernel
def put_frame(
    data: NDArray[np.uint8], m: Matrices, code: int, at: int, length: int, r: int, scratch: NDArray[np.uint64]
) -> None:
    """A sampled frame or packet section into one row; its columns are cleared first."""
    for k in range(len(_FRAME_SLOTS)):
        width, row, column = _FRAME_SLOTS[k, 0], _FRAME_SLOTS[k, 1], _FRAME_SLOTS[k, 2]
        zero_gap(m, width, row, column, r)
        m.valid[column] = max(m.valid[column], r + 1)
        if width == ADDR:
            m.addr[row, r, :] = 0
        else:
            _put(m, width, row, r, np.uint64(0))
    link = LINK_ETHERNET if code == _FRAME else LINK_IP
    scratch[_FRAME_PRESENT, 0] = np.uint64(parse_frame(data, at, at + length, link, m, r))
    scratch[_FRAME_SIZE, 0] = length


@kernel
def apply(
    data: NDArray[np.uint8],
    m: Matrices,
    op: NDArray[np.int64],
    at: int,
    length: int,
    stride: int,
    n: int,
    first: int,
    scratch: NDArray[np.uint64],
    head: NDArray[np.int64],
    base: int,
) -> None:
    """Move a field of ``n`` records, ``stride`` bytes apart from ``at`` on, into rows from ``first`` on.

    ``head`` is the message's row of ``Messages.info``; ``base`` the UTC ns that its uptime stands for.
    """
    code = op[O_OP]
    if code == _SCRATCH:
        for j in range(n):
            scratch[op[O_ROW], j] = load_uint(data, at + j * stride, length)
        return
    if code == _FRAME or code == _PACKET:
        put_frame(data, m, code, at, length, first, scratch)
        return
    column = op[O_COLUMN]
    zero_gap(m, op[O_WIDTH], op[O_ROW], column, first)
    m.valid[column] = first + n
    if code == _UINT:
        if op[O_IF_ZERO]:
            _put_uints_if_zero(data, m, op, at, length, stride, n, first)
        else:
            _put_uints(data, m, op, at, length, stride, n, first)
    elif code == _ADDR4 or code == _ADDR6:
        _put_addresses(data, m, op, at, length, stride, n, first)
    elif code == _MPLS or code == _ICMP_TYPE or code == _ICMP_CODE or code == _SEGMENT or code == _ZERO:
        _put_special(data, m, op, at, length, stride, n, first)
    else:
        _put_times(data, m, op, at, length, stride, n, first, head, base)
