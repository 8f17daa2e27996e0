"""Making batches of a declared table without naming every column: what is not given has its default."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from weft.errors import InvalidInput
from weft.model.tables import Table

#: A column as a sequence or array of values, or one value for all rows (str, bytes, int, float).
Values = Any


def batch_of(table: Table, rows: int, **columns: Values) -> pa.RecordBatch:
    """``rows`` rows of ``table``: each column an array, a sequence, or one value for every row; the others default.

    Times are UTC nanoseconds, addresses 16 bytes (IPv4 mapped). Raises ``InvalidInput`` for a column that is not
    declared; wrong types and lengths raise ``pyarrow.ArrowInvalid``.
    """
    if unknown := columns.keys() - table.by_name.keys():
        raise InvalidInput(f"no column {sorted(unknown)}", where=f"table {table.name}")
    arrays = [_array(column.arrow, columns.get(column.name), rows) for column in table.columns]
    return pa.RecordBatch.from_arrays(arrays, schema=table.schema)


def _array(kind: pa.DataType, values: Values, rows: int) -> Any:
    if values is None or isinstance(values, str | bytes | int | float):
        return _constant(kind, values, rows)
    if isinstance(values, pa.Array):
        return values if values.type == kind else values.cast(kind)
    if isinstance(values, np.ndarray):
        if pa.types.is_timestamp(kind):
            return pa.array(values.astype("datetime64[ns]", copy=False)).cast(kind)
        return pa.array(values, kind)
    if pa.types.is_dictionary(kind):
        words: Any = pa.array(values, pa.string())
        return words.dictionary_encode().cast(kind)
    return pa.array(values, kind)


def _constant(kind: pa.DataType, value: Values, rows: int) -> Any:
    if pa.types.is_dictionary(kind):
        indices: Any = pa.array(np.zeros(rows, np.int32))
        return pa.DictionaryArray.from_arrays(indices, pa.array([value or ""], pa.string()))
    if value is None:
        value = _default(kind)
    if pa.types.is_timestamp(kind):
        return pa.array(np.full(rows, value, "datetime64[ns]")).cast(kind)
    repeat: Any = pa.repeat  # its stubs list every type of scalar apart
    return repeat(pa.scalar(value, kind), rows)


def _default(kind: pa.DataType) -> Values:
    if pa.types.is_string(kind):
        return ""
    if pa.types.is_fixed_size_binary(kind):
        return bytes(kind.byte_width)
    return 0
