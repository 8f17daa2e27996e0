"""Decoded batches for tests: every wire column zero unless given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from weft.enrich.prefixes import packed_address
from weft.model.flows import ADDRESS, DECODED_SCHEMA


def addresses(texts: Sequence[str]) -> pa.Array:
    return pa.array([packed_address(text) if text else bytes(16) for text in texts], ADDRESS)


def decoded(rows: int, **columns: Sequence[Any]) -> pa.RecordBatch:
    arrays = []
    for field in DECODED_SCHEMA:
        if field.name in columns:
            values = columns[field.name]
            arrays.append(addresses(values) if field.type == ADDRESS else pa.array(values, field.type))
        else:
            width = field.type.bit_width // 8
            arrays.append(
                pa.Array.from_buffers(field.type, rows, [None, pa.py_buffer(np.zeros(rows * width, np.uint8))])
            )
    return pa.RecordBatch.from_arrays(arrays, schema=DECODED_SCHEMA)
