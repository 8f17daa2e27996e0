"""Rows of many small batches side by side in memory that is used again and again.

Concatenating Arrow batches would allocate a hundred megabytes per batch, and fresh pages cost more than everything else
between the decoder and the database. A column that holds nothing but zeros, as the rarely used ones do, is not copied.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.collect.kernels import all_zero

_LEAST = 32_768
_ALIGN = 64


class _Lease:
    """Stands between a block and the buffers over it: when the last of them is gone, so is the lease."""

    def __init__(self, block: NDArray[np.uint8]) -> None:
        self.__array_interface__ = block.__array_interface__


class _Blocks:
    """Blocks of memory that come back when nothing refers to them any more."""

    def __init__(self, keep: int) -> None:
        self._keep, self._size = keep, 0
        self._free: list[NDArray[np.uint8]] = []

    def take(self, size: int) -> NDArray[np.uint8]:
        """A block of at least ``size`` bytes with unknown content."""
        self._size = size
        self._free = [block for block in self._free if len(block) >= size]
        block = self._free.pop() if self._free else np.empty(size, np.uint8)
        lease = _Lease(block)
        weakref.finalize(lease, self._give_back, block)
        return np.asarray(lease)

    def _give_back(self, block: NDArray[np.uint8]) -> None:
        if len(block) >= self._size and len(self._free) < self._keep:
            self._free.append(block)


class Gatherer:
    """Collects rows of a schema whose columns all have a fixed width."""

    def __init__(self, schema: pa.Schema, expected_rows: int) -> None:
        self._schema, self._expected = schema, expected_rows
        self._widths = [field.type.bit_width // 8 for field in schema]
        self._blocks = _Blocks(keep=2)
        self._zeros = np.zeros(0, np.uint8)
        self._capacity = _LEAST
        self._columns: list[NDArray[np.uint8]] = []
        self._block: pa.Buffer | None = None
        self._valid: list[int] = []
        self.rows = 0

    @staticmethod
    def suits(schema: pa.Schema) -> bool:
        """Whether all columns have a fixed width in whole bytes."""
        kinds = [field.type for field in schema]
        return all(
            (pa.types.is_primitive(kind) and not pa.types.is_boolean(kind)) or pa.types.is_fixed_size_binary(kind)
            for kind in kinds
        )

    def add(self, batch: pa.RecordBatch) -> None:
        """Append the rows of ``batch``, which has the schema and no nulls."""
        first, end = self.rows, self.rows + batch.num_rows
        if not self._columns or end > self._capacity:
            self._grow(end)
        for i, (column, width) in enumerate(zip(batch.columns, self._widths, strict=True)):
            values = _bytes(column, width)
            if self._valid[i] == 0 and all_zero(values):
                continue
            target = self._columns[i]
            if self._valid[i] < first:
                target[self._valid[i] * width : first * width] = 0
            target[first * width : end * width] = values
            self._valid[i] = end
        self.rows = end

    def take(self) -> pa.RecordBatch:
        """All rows. Their memory is used again once nobody refers to them."""
        assert self._block is not None
        arrays = []
        for i, (field, width) in enumerate(zip(self._schema, self._widths, strict=True)):
            size = self.rows * width
            if self._valid[i] == 0:
                buffer = self._zero_buffer(size)
            else:
                self._columns[i][self._valid[i] * width : size] = 0
                at = self._columns[i].ctypes.data - self._block.address
                buffer = self._block.slice(at, size)
            arrays.append(pa.Array.from_buffers(field.type, self.rows, [None, buffer]))
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        if self.rows < self._capacity // 4:
            self._capacity = max(_LEAST, self._capacity // 2)
        self.rows, self._columns, self._block = 0, [], None
        return batch

    def _grow(self, rows: int) -> None:
        while self._capacity < rows:
            self._capacity = min(self._capacity * 2, max(self._expected, -(-rows // _LEAST) * _LEAST))
        old = self._columns
        sizes = [-(-self._capacity * width // _ALIGN) * _ALIGN for width in self._widths]
        block = self._blocks.take(sum(sizes) + _ALIGN)
        at = -block.ctypes.data % _ALIGN
        self._columns = []
        for size in sizes:
            self._columns.append(block[at : at + size])
            at += size
        self._block = pa.py_buffer(block)  # type: ignore[arg-type]
        if not old:
            self._valid = [0] * len(sizes)
        for before, after, valid, width in zip(old, self._columns, self._valid, self._widths, strict=False):
            after[: valid * width] = before[: valid * width]

    def _zero_buffer(self, size: int) -> pa.Buffer:
        if len(self._zeros) < size:
            self._zeros = np.zeros(size, np.uint8)
        return pa.py_buffer(self._zeros).slice(0, size)  # type: ignore[arg-type]


def _bytes(column: pa.Array[Any], width: int) -> NDArray[np.uint8]:
    """The values of a fixed-width column, without a copy."""
    values = column.buffers()[1]
    if values is None:
        return np.zeros(0, np.uint8)
    return np.frombuffer(values, np.uint8)[column.offset * width : (column.offset + len(column)) * width]  # type: ignore[call-overload,no-any-return]
