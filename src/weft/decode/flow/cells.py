"""Columns by address, for kernels that fill many rows of one column at a time."""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np

from weft.decode.flow.columns import U8, U16, U32, Slot
from weft.decode.kernels import inlined, kernel
from weft.decode.memory import get8, get_word, put8, put16, put32, put_word


def constant(value: int) -> int:
    """A constant that kernels hand on as any number: for plain ones numba compiles the callee anew for every value."""
    return cast("int", np.int64(value))


class Target(NamedTuple):
    """Where rows go: addresses of ``Matrices.origins`` and ``Matrices.valid``."""

    origins: int
    valid: int


@kernel
def zero(at: int, end: int) -> None:
    """Clear memory."""
    for i in range(at, end):
        put8(i, 0)


@inlined
def column_at(t: Target, column: int, width: int, row: int) -> int:
    """Address of a cell."""
    return get_word(t.origins + 8 * column) + (row << width)


@inlined
def cover(t: Target, column: int, width: int, first: int, n: int) -> int:
    """Make ``n`` rows from ``first`` on ready to be written in full; returns the address of the first."""
    base = get_word(t.origins + 8 * column)
    valid = t.valid + 8 * column
    start = get_word(valid)
    if start < first:
        zero(base + (start << width), base + (first << width))
    put_word(valid, first + n)
    return base + (first << width)


@inlined
def cover_slot(t: Target, place: Slot, first: int, n: int) -> int:
    """``cover`` for a column known beforehand."""
    return cover(t, place.column, place.width, first, n)


@inlined
def cell_at(t: Target, place: Slot, row: int) -> int:
    """``column_at`` for a column known beforehand."""
    return column_at(t, place.column, place.width, row)


@inlined
def fill8(t: Target, place: Slot, first: int, n: int, value: int) -> None:
    """The same byte in ``n`` rows."""
    at = cover_slot(t, place, first, n)
    for j in range(n):
        put8(at + j, value)


@inlined
def fill32(t: Target, place: Slot, first: int, n: int, value: int) -> None:
    """The same 32-bit number in ``n`` rows."""
    at = cover_slot(t, place, first, n)
    for j in range(n):
        put32(at + 4 * j, value)


@inlined
def fill64(t: Target, place: Slot, first: int, n: int, value: int) -> None:
    """The same 64-bit number in ``n`` rows."""
    at = cover_slot(t, place, first, n)
    for j in range(n):
        put_word(at + 8 * j, value)


@inlined
def put_uint(width: int, at: int, value: int) -> None:
    """Store an unsigned number, saturating where the column is narrower. As ``int64`` it is negative from 2^63 on."""
    if width == U8:
        put8(at, value if 0 <= value <= 0xFF else 0xFF)
    elif width == U16:
        put16(at, value if 0 <= value <= 0xFFFF else 0xFFFF)
    elif width == U32:
        put32(at, value if 0 <= value <= 0xFFFFFFFF else 0xFFFFFFFF)
    else:
        put_word(at, value)


@inlined
def is_zero(width: int, at: int) -> bool:
    """Whether the cell of a number is zero."""
    for i in range(1 << width):
        if get8(at + i):
            return False
    return True
