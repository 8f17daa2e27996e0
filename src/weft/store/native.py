"""Arrow to ClickHouse's Native block, column by column, without a copy where the layouts agree.

Comes in: a ``RecordBatch`` in a table's declared schema. Goes out: the names of the columns sent and a list of buffers
that together are one Native block. Optional columns that hold nothing but zeros are left out: the engine fills in the
default. Must never look at a row in Python.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from weft.errors import InvalidInput
from weft.model.tables import Column, Table

_SECOND = 1_000_000_000
_DATETIME64 = re.compile(r"DateTime64\((\d)")
_HAS_ADDITIONAL_KEYS = 1 << 9
_LOW_CARDINALITY_VERSION = 1
_MAX_DATETIME = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Block:
    """One Native block: ``columns`` in order, ``chunks`` to be sent one after the other."""

    columns: tuple[str, ...]
    chunks: tuple[bytes | memoryview, ...]
    rows: int

    @property
    def nbytes(self) -> int:
        """Size on the wire."""
        return sum(len(chunk) for chunk in self.chunks)


@numba.njit(cache=True, nogil=True)
def _all_zero(words: NDArray[np.uint64]) -> bool:
    # Blocks, so that a column that carries data is found out early and the inner loop still vectorises.
    step = 1024
    for start in range(0, len(words), step):
        seen = np.uint64(0)
        for i in range(start, min(start + step, len(words))):
            seen |= words[i]
        if seen:
            return False
    return True


@numba.njit(cache=True, nogil=True)
def _to_seconds(ns: NDArray[np.int64], out: NDArray[np.uint32]) -> None:
    for i in range(len(ns)):
        out[i] = min(max(ns[i] // _SECOND, 0), _MAX_DATETIME)


@numba.njit(cache=True, nogil=True)
def _to_ticks(ns: NDArray[np.int64], divisor: int, out: NDArray[np.int64]) -> None:
    for i in range(len(ns)):
        out[i] = ns[i] // divisor


@numba.njit(cache=True, nogil=True)
def _pack_strings(offsets: NDArray[np.int64], data: NDArray[np.uint8], out: NDArray[np.uint8]) -> int:
    position = 0
    for i in range(len(offsets) - 1):
        size = offsets[i + 1] - offsets[i]
        rest = size
        while rest >= 0x80:
            out[position] = (rest & 0x7F) | 0x80
            rest >>= 7
            position += 1
        out[position] = rest
        position += 1
        out[position : position + size] = data[offsets[i] : offsets[i] + size]
        position += size
    return position


def varint(number: int) -> bytes:
    """LEB128, as ClickHouse writes lengths."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _text(value: str) -> bytes:
    raw = value.encode()
    return varint(len(raw)) + raw


def encode(table: Table, batch: pa.RecordBatch) -> Block:
    """The batch as one Native block of ``table``. Raises ``InvalidInput`` where the schema does not fit."""
    names: list[str] = []
    body: list[bytes | memoryview] = []
    for field, array in zip(batch.schema, batch.columns, strict=True):
        column = table.by_name.get(field.name)
        if column is None:
            raise InvalidInput(f"no column `{field.name}`", where=f"table {table.name}")
        if column.optional and _is_default(array):
            continue
        names.append(column.name)
        body.append(_text(column.name) + _text(column.sql))
        body.extend(_column(column, array))
    head = varint(len(names)) + varint(batch.num_rows)
    return Block(tuple(names), (head, *body), batch.num_rows)


def _is_default(array: pa.Array[Any]) -> bool:
    if pa.types.is_string(array.type):
        lengths: Any = pc.binary_length(array)  # type: ignore[call-overload]
        return bool(pc.sum(lengths).as_py() in (0, None))
    data = _raw(array)
    if data is None:
        return False
    if data.ctypes.data % 8:  # a slice that starts in the middle of a word
        return not data.any()
    whole = len(data) & ~7
    return bool(_all_zero(data[:whole].view(np.uint64))) and not data[whole:].any()


def _raw(array: pa.Array[Any]) -> NDArray[np.uint8] | None:
    """The values of a fixed-width array as bytes, without a copy; None for other layouts."""
    if array.null_count or not _fixed(array.type):
        return None
    width = array.type.bit_width // 8
    values: Any = array.buffers()[1]
    if values is None:
        return np.zeros(0, np.uint8)
    start = array.offset * width
    return np.frombuffer(values, np.uint8)[start : start + len(array) * width]


def fixed_width_bytes(array: pa.Array[Any]) -> NDArray[np.uint8]:
    """The values of a fixed-width array as bytes, nulls as zeros; without a copy where there are none."""
    raw = _raw(_without_nulls(array) if array.null_count else array)
    if raw is None:
        raise InvalidInput(f"{array.type} has no fixed width", where="insert")
    return raw


def _fixed(kind: pa.DataType) -> bool:
    return (pa.types.is_primitive(kind) and not pa.types.is_boolean(kind)) or pa.types.is_fixed_size_binary(kind)


def _column(column: Column, array: pa.Array[Any]) -> list[bytes | memoryview]:
    if array.type != column.arrow:
        raise InvalidInput(f"column `{column.name}` is {array.type}, not {column.arrow}", where="insert")
    if array.null_count:
        array = _without_nulls(array)
    kind = array.type
    if pa.types.is_timestamp(kind):
        return [_timestamp(column, array)]
    if pa.types.is_dictionary(kind):
        return _low_cardinality(array)
    if pa.types.is_boolean(kind):
        return [_view(pc.cast(array, pa.uint8()))]
    if _fixed(kind):
        return [_view(array)]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return [_strings(array)]
    raise InvalidInput(f"column `{column.name}`: {kind} cannot be stored", where="insert")


def _view(array: pa.Array[Any]) -> memoryview:
    raw = _raw(array)
    assert raw is not None
    return raw.data


def _without_nulls(array: pa.Array[Any]) -> pa.Array[Any]:
    """Nulls become the column's default: zero, all-zero bytes or the empty string."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _without_nulls(array.cast(kind.value_type)).dictionary_encode().cast(kind)
    if pa.types.is_fixed_size_binary(kind):
        default: Any = pa.scalar(bytes(kind.byte_width), kind)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        default = pa.scalar("", kind)
    else:
        default = pa.scalar(0).cast(kind)
    return pc.fill_null(array, default)


def _timestamp(column: Column, array: pa.Array[Any]) -> memoryview:
    raw = _raw(array)
    assert raw is not None
    ns = raw.view(np.int64)
    if match := _DATETIME64.match(column.sql):
        ticks = np.empty(len(ns), np.int64)
        _to_ticks(ns, 10 ** (9 - int(match.group(1))), ticks)
        return ticks.view(np.uint8).data
    seconds = np.empty(len(ns), np.uint32)
    _to_seconds(ns, seconds)
    return seconds.view(np.uint8).data


def _low_cardinality(array: Any) -> list[bytes | memoryview]:
    """Keys once, then an index per row. Indices are u32 so that any dictionary of an Arrow int32 array fits."""
    values = array.dictionary.to_pylist()
    indices = np.ascontiguousarray(array.indices.to_numpy(zero_copy_only=False), dtype="<u4")
    head = np.array([_LOW_CARDINALITY_VERSION, _HAS_ADDITIONAL_KEYS | 2, len(values)], "<u8").tobytes()
    keys = b"".join(_text(value or "") for value in values)
    return [head + keys + np.array([len(indices)], "<u8").tobytes(), indices.view(np.uint8).data]


def _strings(array: Any) -> memoryview:
    array = array.cast(pa.large_string())
    buffers: Any = array.buffers()
    if len(array) == 0:
        return memoryview(b"")
    offsets = np.frombuffer(buffers[1], np.int64)[array.offset : array.offset + len(array) + 1]
    data = np.frombuffer(buffers[2], np.uint8) if buffers[2] is not None else np.zeros(0, np.uint8)
    out = np.empty(int(offsets[-1] - offsets[0]) + 10 * len(array), np.uint8)
    return out[: _pack_strings(offsets, data, out)].data
