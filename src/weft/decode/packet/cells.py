"""Cells of the flow columns by address: where they lie, and how a kernel writes them.

Columns that nearly every row has are made valid (and zeroed) beforehand; ``set*`` writes them. The others cost nothing
until a row has them: ``add*`` first zeroes the rows that did not.
"""

from __future__ import annotations

from typing import NamedTuple

from weft.decode.flow.columns import U8, U16, U32, U64, Matrices, Slot
from weft.decode.kernels import inlined, kernel
from weft.decode.memory import address_of, get_ipv4_word, get_word, put8, put16, put32, put_word
from weft.model.flows import PRESENT_BIT


class Cells(NamedTuple):
    """The matrices of ``FlowColumns`` as addresses of their first cells."""

    u8: int
    u16: int
    u32: int
    u64: int
    addr: int
    valid: int
    capacity: int  # rows


@inlined
def cells_of(m: Matrices) -> Cells:
    """Addresses of the matrices; they hold as long as the matrices do."""
    return Cells(
        address_of(m.u8),
        address_of(m.u16),
        address_of(m.u32),
        address_of(m.u64),
        address_of(m.addr),
        address_of(m.valid),
        m.u8.shape[1],
    )


def bit_of(*names: str) -> int:
    """Mask of the columns in ``present``."""
    return sum(1 << PRESENT_BIT[name] for name in names)


@inlined
def set8(c: Cells, place: Slot, row: int, value: int) -> None:
    """Write a cell of one byte."""
    put8(c.u8 + place.row * c.capacity + row, value)


@inlined
def set16(c: Cells, place: Slot, row: int, value: int) -> None:
    """Write a cell of two bytes."""
    put16(c.u16 + 2 * (place.row * c.capacity + row), value)


@inlined
def set32(c: Cells, place: Slot, row: int, value: int) -> None:
    """Write a cell of four bytes."""
    put32(c.u32 + 4 * (place.row * c.capacity + row), value)


@inlined
def set64(c: Cells, place: Slot, row: int, value: int) -> None:
    """Write a cell of eight bytes."""
    put_word(c.u64 + 8 * (place.row * c.capacity + row), value)


@inlined
def set_words(c: Cells, place: Slot, row: int, first: int, second: int) -> None:
    """Write an address given as two memory words."""
    at = c.addr + 16 * (place.row * c.capacity + row)
    put_word(at, first)
    put_word(at + 8, second)


@kernel
def _zero(c: Cells, place: Slot, start: int, row: int) -> None:
    """Zero a column from ``start`` up to ``row``."""
    for r in range(start, row):
        if place.width == U8:
            set8(c, place, r, 0)
        elif place.width == U16:
            set16(c, place, r, 0)
        elif place.width == U32:
            set32(c, place, r, 0)
        elif place.width == U64:
            set64(c, place, r, 0)
        else:
            set_words(c, place, r, 0, 0)


@inlined
def touch(c: Cells, place: Slot, row: int) -> None:
    """Make a rarely written column valid up to and including ``row``; the cell itself is the caller's to write."""
    valid = c.valid + 8 * place.column
    start = get_word(valid)
    if start <= row:
        if start < row:
            _zero(c, place, start, row)
        put_word(valid, row + 1)


@inlined
def add8(c: Cells, place: Slot, row: int, value: int) -> None:
    """``touch`` and write a cell of one byte."""
    touch(c, place, row)
    set8(c, place, row, value)


@inlined
def add16(c: Cells, place: Slot, row: int, value: int) -> None:
    """``touch`` and write a cell of two bytes."""
    touch(c, place, row)
    set16(c, place, row, value)


@inlined
def add32(c: Cells, place: Slot, row: int, value: int) -> None:
    """``touch`` and write a cell of four bytes."""
    touch(c, place, row)
    set32(c, place, row, value)


@inlined
def put_ipv4(c: Cells, place: Slot, row: int, at: int) -> None:
    """Copy an IPv4 address as ``::ffff:a.b.c.d``."""
    set_words(c, place, row, 0, get_ipv4_word(at))


@inlined
def put_ipv6(c: Cells, place: Slot, row: int, at: int) -> None:
    """Copy an IPv6 address."""
    set_words(c, place, row, get_word(at), get_word(at + 8))
