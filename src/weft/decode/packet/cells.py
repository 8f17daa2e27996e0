"""Cells of the flow columns: where they lie, and how a kernel makes one writable."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.columns import Matrices, Slot, zero_gap
from weft.decode.kernels import ipv4_word, kernel, word
from weft.model.flows import PRESENT_BIT


def bit_of(*names: str) -> int:
    """Mask of the columns in ``present``."""
    return sum(1 << PRESENT_BIT[name] for name in names)


@kernel
def touch(m: Matrices, place: Slot, row: int) -> None:
    """Make a rarely written column valid up to and including ``row``; the cell itself is the caller's to write."""
    if m.valid[place.column] <= row:
        zero_gap(m, place.width, place.row, place.column, row)
        m.valid[place.column] = row + 1


@kernel
def put_ipv4(m: Matrices, place: Slot, row: int, data: NDArray[np.uint8], at: int) -> None:
    """Write an IPv4 address as ``::ffff:a.b.c.d``."""
    m.addr[place.row, row, 0] = np.uint64(0)
    m.addr[place.row, row, 1] = ipv4_word(data, at)


@kernel
def put_ipv6(m: Matrices, place: Slot, row: int, data: NDArray[np.uint8], at: int) -> None:
    """Write an IPv6 address."""
    m.addr[place.row, row, 0] = word(data, at)
    m.addr[place.row, row, 1] = word(data, at + 8)
