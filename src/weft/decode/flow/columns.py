"""Column buffers that every flow decoder writes into, and their way into Arrow without a copy.

Columns of one width are the rows of one matrix, so that a compiled kernel can write any column through five arrays:

    u8[column, row] · u16 · u32 · u64 (times are int64 nanoseconds, ``present`` too) · addr[column, row, 2]

An address is two ``uint64``: its 16 bytes in network order as they lie in memory, never byte-swapped.

A row need not be written in full. ``valid[column]`` says up to which row a column holds meaning; whoever writes a
column from a later row on must zero the gap first (``claim`` does it here, ``zero_gap`` inside kernels). A column that
nobody wrote in a batch costs nothing: it shares one block of zeros.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.decode.kernels import kernel
from weft.model.flows import DATAGRAM, DECODED_SCHEMA, PRESENT

#: Value of ``datagram`` for records decoded later than the batch their datagram came in.
LATE_DATAGRAM = 0xFFFFFFFF

U8, U16, U32, U64, ADDR = range(5)
_WIDTHS = (1, 2, 4, 8, 16)
_CLASS_OF_BITS = {8: U8, 16: U16, 32: U32, 64: U64, 128: ADDR}
_ALIGN = 64
#: Rows added to the capacity: columns a power of two apart would all fall into the same few lines of the caches.
_SKEW = 192


class Slot(NamedTuple):
    """Where a column lives: its matrix (U8 … ADDR), its row there, and its index in ``Matrices.valid``."""

    width: int
    row: int
    column: int


def _layout() -> tuple[dict[str, Slot], tuple[int, ...]]:
    widths = [_CLASS_OF_BITS[field.type.bit_width] for field in DECODED_SCHEMA]
    slots: dict[str, Slot] = {}
    counts = [0] * len(_WIDTHS)
    for column, (field, width) in enumerate(zip(DECODED_SCHEMA, widths, strict=True)):
        slots[field.name] = Slot(width, counts[width], column)
        counts[width] += 1
    return slots, tuple(counts)


#: Every column of ``DECODED_SCHEMA`` by name.
SLOTS, _COUNTS = _layout()
COLUMN_COUNT = len(SLOTS)
_FIELDS = tuple((field.type, SLOTS[field.name]) for field in DECODED_SCHEMA)
_WIDTH_OF = np.array([place.width for _, place in _FIELDS])
_ROW_OF = np.array([place.row for _, place in _FIELDS])
_BYTES_OF = np.array(_WIDTHS)[_WIDTH_OF]
_ROW_BYTES = sum(count * width for count, width in zip(_COUNTS, _WIDTHS, strict=True))


def slot(name: str) -> Slot:
    """The place of a column of ``DECODED_SCHEMA``."""
    return SLOTS[name]


class Matrices(NamedTuple):
    """What a kernel gets: the five matrices and, per column, the row up to which it is valid."""

    u8: NDArray[np.uint8]  # [n8, capacity]
    u16: NDArray[np.uint16]
    u32: NDArray[np.uint32]
    u64: NDArray[np.uint64]
    addr: NDArray[np.uint64]  # [n128, capacity, 2]
    valid: NDArray[np.int64]  # [COLUMN_COUNT]
    origins: NDArray[np.int64]  # [COLUMN_COUNT] address of each column's first cell


@kernel
def zero_gap(m: Matrices, width: int, row: int, column: int, first: int) -> None:
    """Zero a column from where it stops being valid up to ``first``; nothing to do in the usual case."""
    start = m.valid[column]
    if start >= first:
        return
    if width == U8:
        m.u8[row, start:first] = 0
    elif width == U16:
        m.u16[row, start:first] = 0
    elif width == U32:
        m.u32[row, start:first] = 0
    elif width == U64:
        m.u64[row, start:first] = 0
    else:
        m.addr[row, start:first, :] = 0


class _Lease:
    """Stands between a block and its views: each view keeps it alive, so it goes when the last of them does.

    A ``memoryview`` would not do: numpy wraps it in one of its own, which keeps the memory but not the object.
    """

    def __init__(self, block: NDArray[np.uint8]) -> None:
        self.__array_interface__ = block.__array_interface__


class _Blocks:
    """Memory of finished batches, kept for the next ones: fresh pages cost more than the decoding itself."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._free: deque[NDArray[np.uint8]] = deque()

    def take(self, size: int) -> NDArray[np.uint8]:
        """A block of exactly ``size`` bytes with unknown content, returned here when its last view is gone."""
        block = None
        while self._free and block is None:
            candidate = self._free.pop()  # the one used last is the likeliest to be in the processor's cache
            block = candidate if len(candidate) == size else None
        if block is None:
            block = np.empty(size, np.uint8)
        lease = _Lease(block)
        weakref.finalize(lease, self._give_back, block)
        return np.asarray(lease)

    def _give_back(self, block: NDArray[np.uint8]) -> None:
        if len(self._free) < self._keep:
            self._free.append(block)


class FlowColumns:
    """Growable columns of ``DECODED_SCHEMA`` for one batch; ``to_batch`` hands them over and starts anew."""

    def __init__(self, capacity: int = 32768) -> None:
        self.rows = 0
        self._least = self._capacity = capacity
        self._blocks = _Blocks(keep=3)
        self._matrices: Matrices | None = None
        self._block: NDArray[np.uint8] | None = None

    @property
    def matrices(self) -> Matrices:
        """Where to write; allocated when first asked for, so that memory given back since can be used again."""
        if self._matrices is None:
            self._matrices = self._allocate(self._capacity)
        return self._matrices

    def reserve(self, rows: int) -> Matrices:
        """Make room for ``rows`` more and return the matrices to write into; earlier matrices are stale."""
        wanted, old = self.rows + rows, self.matrices
        if wanted > self._capacity:
            while self._capacity < wanted:
                self._capacity *= 2
            new = self._matrices = self._allocate(self._capacity)
            for width in range(len(_WIDTHS)):
                new[width][:, : self.rows] = old[width][:, : self.rows]
            np.minimum(old.valid, self.rows, out=new.valid)
        return self.matrices

    def claim(self, names: Iterable[str], rows: int) -> Matrices:
        """``reserve`` and zero the named columns up to there, so that a kernel may write them sparsely."""
        m = self.reserve(rows)
        end = self.rows + rows
        for name in names:
            place = SLOTS[name]
            zero_gap(m, place.width, place.row, place.column, end)
            m.valid[place.column] = max(int(m.valid[place.column]), end)
        return m

    def commit(self, rows: int) -> None:
        """Count ``rows`` more rows as written; anything beyond them is forgotten."""
        self.rows += rows
        np.minimum(self.matrices.valid, self.rows, out=self.matrices.valid)

    def to_batch(self) -> pa.RecordBatch:
        """Everything written since the last call, without copying; the buffers then belong to the batch."""
        if self.rows == 0:
            return _EMPTY
        m, rows, block = self.matrices, self.rows, pa.py_buffer(self._block)  # type: ignore[arg-type]
        valid, origins, base = m.valid.tolist(), m.origins.tolist(), block.address
        arrays = []
        for kind, place in _FIELDS:
            upto = valid[place.column]
            if upto == 0:
                arrays.append(_zeros(kind, rows))
                continue
            if upto < rows:
                zero_gap(m, place.width, place.row, place.column, rows)
            buffer = block.slice(origins[place.column] - base, rows * _WIDTHS[place.width])
            arrays.append(pa.Array.from_buffers(kind, rows, [None, buffer]))
        batch = pa.RecordBatch.from_arrays(arrays, schema=DECODED_SCHEMA)
        if self._capacity > self._least and rows < self._least:
            self._capacity = self._least
        self.rows, self._matrices, self._block = 0, None, None
        return batch

    def _allocate(self, capacity: int) -> Matrices:
        capacity += _SKEW
        self._block = block = self._blocks.take(capacity * _ROW_BYTES + _ALIGN * len(_WIDTHS))
        base = block.ctypes.data
        views: list[NDArray[Any]] = []
        firsts = []
        at = 0
        for count, width in zip(_COUNTS, _WIDTHS, strict=True):
            at += -(base + at) % _ALIGN
            size = count * capacity * width
            shape = (count, capacity) if width <= 8 else (count, capacity, 2)
            views.append(block[at : at + size].view(f"u{min(width, 8)}").reshape(shape))
            firsts.append(base + at)
            at += size
        origins = np.array(firsts)[_WIDTH_OF] + _ROW_OF * _BYTES_OF * capacity
        u8, u16, u32, u64, addr = views
        return Matrices(u8, u16, u32, u64, addr, np.zeros(COLUMN_COUNT, np.int64), origins)


_zero_columns: dict[pa.DataType, pa.Array[Any]] = {}


def _zeros(kind: pa.DataType, rows: int) -> pa.Array[Any]:
    """A column of zeros; all of one type share their memory."""
    known = _zero_columns.get(kind)
    if known is None or len(known) < rows:
        length = max(1 << 16, 2 * rows)
        buffer = pa.py_buffer(bytes(length * kind.bit_width // 8))
        known = _zero_columns[kind] = pa.Array.from_buffers(kind, length, [None, buffer])
    return known.slice(0, rows)


_EMPTY = pa.RecordBatch.from_pylist([], schema=DECODED_SCHEMA)

#: Slots that every decoder writes.
PRESENT_SLOT, DATAGRAM_SLOT = SLOTS[PRESENT], SLOTS[DATAGRAM]
