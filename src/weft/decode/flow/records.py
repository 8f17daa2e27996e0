"""Decoded batches to normalised records: what ``weft decode --json`` prints and people read.

One record per row, its keys the wire columns of ``model.flows`` in their order. What a record did not carry is ``None``
(by the ``present`` bits, never by the value: a next hop of 0.0.0.0 that was sent is ``"0.0.0.0"``). Counts are as
exported. Times are ISO 8601 in UTC with as many digits of the second as they need (0, 3, 6 or 9), addresses text (IPv4
as IPv4), MAC addresses ``"aa:bb:cc:dd:ee:ff"``, enumerations their names; an unknown direction is ``None``, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.model.addresses import address_text
from weft.model.flows import PRESENT, WIRE_COLUMNS
from weft.model.tables import Column, Kind

#: Keys of every record, in order.
RECORD_FIELDS = tuple(column.name for column in WIRE_COLUMNS)

_MAPPED = bytes(10) + b"\xff\xff"
_UNKNOWN = "unknown"
_TEXTS = (Kind.ADDRESS, Kind.TIMESTAMP, Kind.MAC, Kind.ENUM)  # none of their texts needs escaping
_SECOND = 10**9


def records(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """The rows of a batch of ``DECODED_SCHEMA`` as records."""
    columns = [_values(batch, bit, column) for bit, column in enumerate(WIRE_COLUMNS)]
    for row in zip(*columns, strict=True):
        yield dict(zip(RECORD_FIELDS, row, strict=True))


def json_lines(batch: pa.RecordBatch) -> bytes:
    """The rows of a batch as JSON, one object per line."""
    if batch.num_rows == 0:
        return b""
    members: list[str] = []
    columns: list[list[Any]] = []
    for bit, column in enumerate(WIRE_COLUMNS):
        values, is_text = _values(batch, bit, column), column.kind in _TEXTS
        absent = values.count(None)
        if absent == len(values):  # most columns of most batches: part of the template, no work per row
            members.append(f'"{column.name}":null')
            continue
        if absent:
            values = ["null" if one is None else f'"{one}"' if is_text else one for one in values]
        members.append(f'"{column.name}":"%s"' if is_text and not absent else f'"{column.name}":%s')
        columns.append(values)
    line = "{" + ",".join(members) + "}\n"
    rows = zip(*columns, strict=True) if columns else [()] * batch.num_rows
    return "".join([line % row for row in rows]).encode()


def _values(batch: pa.RecordBatch, bit: int, column: Column) -> list[Any]:
    """One column as texts and numbers, None where a record did not carry it."""
    present = batch.column(PRESENT).to_numpy() >> np.uint64(bit) & np.uint64(1) != 0
    if not present.any():
        return [None] * len(present)
    array = batch.column(column.name)
    if column.kind is Kind.ADDRESS:
        buffer = array.buffers()[1]
        assert buffer is not None
        cells = np.frombuffer(memoryview(buffer), "V16")[array.offset : array.offset + len(array)]
        texts = _distinct(cells, _address_or_none if column.name == "exporter" else _address)
    elif column.kind is Kind.TIMESTAMP:
        texts = _distinct(array.cast(pa.int64()).to_numpy(), time_text)
    elif column.kind is Kind.MAC:
        texts = _distinct(array.to_numpy(), mac_text)
    elif column.kind is Kind.ENUM:
        texts = _distinct(array.to_numpy(), _namer(column))
    else:
        texts = array.to_numpy().tolist()
    if present.all():
        return texts
    return [text if is_there else None for text, is_there in zip(texts, present.tolist(), strict=True)]


def _distinct(cells: NDArray[Any], text: Callable[[Any], str | None]) -> list[str | None]:
    """``text`` of every cell, worked out once per distinct value."""
    known: dict[Any, str | None] = {}
    out: list[str | None] = []
    for cell in cells.tolist():
        if cell not in known:
            known[cell] = text(cell)
        out.append(known[cell])
    return out


def _address(address: bytes) -> str:
    return address_text(address, "::")


def _address_or_none(address: bytes) -> str | None:
    """The exporter of a plain file is not known."""
    return address_text(address) or None


def time_text(nanoseconds: int) -> str:
    """ISO 8601 in UTC with no more digits than it takes, in groups of three."""
    seconds, part = divmod(nanoseconds, _SECOND)
    text = str(np.datetime64(seconds, "s"))
    if part == 0:
        return f"{text}Z"
    digits = f"{part:09d}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f"{text}.{digits}Z"


def mac_text(mac: int) -> str:
    """A MAC address in the usual notation."""
    return mac.to_bytes(8, "big")[2:].hex(":")


def _namer(column: Column) -> Callable[[int], str | None]:
    """Name of an enumeration's value, the number where it has none; an unknown direction is nothing at all."""

    def name(value: int) -> str | None:
        text = column.values.get(value, str(value))
        return None if column.name == "direction" and text == _UNKNOWN else text

    return name
