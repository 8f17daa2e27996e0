"""Columns of record batches as numpy arrays and words, and what devices are called: what detectors of rows read by.

A batch is given to one detector after another, and often holds few rows: what each of them needs of a column is worked
out once. Nothing is kept but the last few batches, and the words of some dictionaries.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.detect.context import Names

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
_NOBODY = bytes(16)
_MOST_NAMES = 200_000
_MOST_KEY = 1 << 62
_MOST_BATCHES, _MOST_DICTIONARIES = 8, 64
_T = TypeVar("_T")


class _Remembered(threading.local):
    """What was made of the last batches and dictionaries, by thread. Held with what it was made of: ids stay theirs."""

    def __init__(self) -> None:
        self.batches: OrderedDict[int, tuple[pa.RecordBatch, dict[Hashable, Any]]] = OrderedDict()
        self.words: OrderedDict[tuple[int, int, int], tuple[Any, list[Any]]] = OrderedDict()


_remembered = _Remembered()


def _once(rows: pa.RecordBatch, what: Hashable, make: Callable[[], _T]) -> _T:
    """Something of a batch, made when it is asked for first."""
    batches = _remembered.batches
    kept = batches.get(id(rows))
    if kept is None:
        kept = batches[id(rows)] = rows, {}
        if len(batches) > _MOST_BATCHES:
            batches.popitem(last=False)
    else:
        batches.move_to_end(id(rows))
    made = kept[1]
    if what not in made:
        made[what] = make()
    found: _T = made[what]
    return found


def _words(dictionary: Any) -> list[Any]:
    """What a dictionary holds: slices of a batch have the same one, which may be long."""
    buffers = [one.address for one in dictionary.buffers() if one is not None]
    key = buffers[-1] if buffers else 0, len(dictionary), dictionary.offset
    known = _remembered.words
    kept = known.get(key)
    if kept is None:
        kept = known[key] = dictionary, dictionary.to_pylist()
        if len(known) > _MOST_DICTIONARIES:
            known.popitem(last=False)
    else:
        known.move_to_end(key)
    return kept[1]


def has(rows: pa.RecordBatch, *columns: str) -> bool:
    """Whether the rows have all these columns."""
    return all(rows.schema.get_field_index(name) >= 0 for name in columns)


def seconds(rows: pa.RecordBatch, column: str) -> F64:
    """A column of times, UTC seconds; not to be written to."""

    def make() -> F64:
        nanoseconds: I64 = rows.column(column).cast(pa.int64()).to_numpy(zero_copy_only=False)
        return nanoseconds / 1e9

    return _once(rows, ("seconds", column), make)


def numbers(rows: pa.RecordBatch, column: str) -> NDArray[Any]:
    """A column of numbers."""
    values: NDArray[Any] = rows.column(column).to_numpy(zero_copy_only=False)
    return values


def coded(rows: pa.RecordBatch, column: str) -> tuple[I64, list[Any]]:
    """A column as a code per row and the values that the codes stand for; empty text where there is no such column.

    Neither is to be written to.
    """
    return _once(rows, ("coded", column), lambda: _coded(rows, column))


def _coded(rows: pa.RecordBatch, column: str) -> tuple[I64, list[Any]]:
    if not has(rows, column):
        return np.zeros(rows.num_rows, np.int64), [""]
    values: Any = rows.column(column)
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    indices = values.indices.fill_null(0) if values.indices.null_count else values.indices
    return indices.to_numpy(zero_copy_only=False).astype(np.int64), _words(values.dictionary) or [""]


def groups(parts: Sequence[tuple[I64, list[Any]]]) -> tuple[list[tuple[Any, ...]], I64]:
    """Distinct combinations of coded columns, and for each row the number of its combination."""
    key, size = np.zeros(len(parts[0][0]), np.int64), 1
    for codes, values in parts:
        if size > _MOST_KEY // max(len(values), 1):  # the product of all would be no number of 64 bits
            distinct, key = np.unique(key, return_inverse=True)
            size = len(distinct)
        key, size = key * max(len(values), 1) + codes, size * max(len(values), 1)
    _, first, number = np.unique(key, return_index=True, return_inverse=True)
    told = [[values[code] for code in codes[first].tolist()] for codes, values in parts]
    return list(zip(*told, strict=True)), number


def having(rows: pa.RecordBatch, column: str, words: Collection[str]) -> pa.RecordBatch | None:
    """Those rows of which a column has one of some words; None where none has."""
    codes, told = coded(rows, column)
    known = np.fromiter((word in words for word in told), np.bool_, len(told))
    if not known.any():
        return None
    wanted = known[codes]
    if wanted.all():
        return rows
    return rows.filter(pa.array(wanted)) if wanted.any() else None


class Devices:
    """Names of devices by the address and the name that rows give, remembered."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self._known: dict[tuple[bytes, str], str] = {}

    def name(self, address: bytes | None, host: str = "") -> str:
        """What the inventory calls it; else the name that it gives itself; else its address."""
        key = (address or _NOBODY, host or "")
        found = self._known.get(key)
        if found is None:
            found = key[1]
            if key[0] != _NOBODY:
                told = self.names.device(key[0])
                found = told if told and not (host and _is_address(told)) else host or told
            if len(self._known) >= _MOST_NAMES:
                self._known.clear()
            self._known[key] = found
        return found

    def told(self, rows: pa.RecordBatch, *columns: str) -> Iterator[tuple[float, str, dict[str, Any]]]:
        """Of each row when it was, the device that it is of, and some of its columns."""
        picked = rows.select(["exporter", "host", *columns]).to_pylist()
        for at_s, one in zip(seconds(rows, "time").tolist(), picked, strict=True):
            yield at_s, self.name(one["exporter"], one["host"]), one


def _is_address(text: str) -> bool:
    return ":" in text or text.replace(".", "").isdigit()
