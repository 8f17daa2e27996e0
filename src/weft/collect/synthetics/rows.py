"""From an agent's JSON to columns of ``probes`` and ``hops``: every value checked, none believed.

A row is an object with the columns' names as keys: addresses as text, enums by name, times as UTC nanoseconds. What is
not given has its default; what is not a column is passed over. A row with one bad value is refused as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import pyarrow as pa

from weft.model.addresses import NO_ADDRESS, packed
from weft.model.tables import Column, Kind, Table

#: What the server knows better than an agent.
SERVER_FILLS = frozenset({"time_received", "agent"})
_NEEDED = {"probes": ("time", "test", "kind", "run", "state"), "hops": ("time", "test", "run", "flow_id", "ttl")}
_MOST_TEXT = 2000
_MOST_ADDRESS = 100
_MOST_NUMBER = 1e15  # of milliseconds, days, bit/s
#: Latest time that is taken: in 2116, so that it can be corrected by any difference of clocks.
LATEST_NS = 1 << 62
_CONTROLS = dict.fromkeys((*range(32), 127), " ")

Reader = Callable[[Any], Any]


class _Refused(ValueError):
    """Why a value is not taken, as a word."""


@dataclass(slots=True)
class RowsRead:
    """Rows that were taken, by column, and how many were refused, by reason."""

    columns: dict[str, list[Any]]
    refused: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.columns["run"])

    def select(self, kept: Sequence[int]) -> RowsRead:
        """Only the rows at these positions."""
        if len(kept) == len(self):
            return self
        return RowsRead({name: [values[i] for i in kept] for name, values in self.columns.items()}, self.refused)


class RowReader:
    """Reads rows of one table."""

    def __init__(self, table: Table) -> None:
        self._readers: dict[str, Reader] = {
            column.name: _reader(column) for column in table.columns if column.wire and column.name not in SERVER_FILLS
        }
        self._defaults = {name: _default(table.by_name[name]) for name in self._readers}
        self._needed = frozenset(_NEEDED[table.name])

    def read(self, rows: Any, tests: AbstractSet[str], most: int) -> RowsRead:
        """At most ``most`` rows, of tests that are among ``tests``."""
        read = RowsRead({name: [] for name in self._readers})
        if not isinstance(rows, list):
            return read
        if len(rows) > most:
            read.refused["too_many_rows"] = len(rows) - most
        for row in rows[:most]:
            try:
                values = self._row(row, tests)
            except _Refused as error:
                reason = str(error)
                read.refused[reason] = read.refused.get(reason, 0) + 1
                continue
            for name, value in values.items():
                read.columns[name].append(value)
        return read

    def _row(self, row: Any, tests: AbstractSet[str]) -> Mapping[str, Any]:
        if not isinstance(row, dict) or not row.keys() >= self._needed:
            raise _Refused("not_a_row")
        values = dict(self._defaults)
        for name, value in row.items():
            reader = self._readers.get(name)
            if reader is not None and value is not None:
                values[name] = reader(value)
        if values["test"] not in tests:
            raise _Refused("unknown_test")
        return values


def _default(column: Column) -> Any:
    if column.kind is Kind.ADDRESS:
        return NO_ADDRESS
    return "" if column.kind is Kind.TEXT else 0


def _reader(column: Column) -> Reader:
    if column.kind is Kind.ENUM:
        return _enum({name: number for number, name in column.values.items()})
    if column.kind is Kind.ADDRESS:
        return _address
    if column.kind is Kind.TEXT:
        return _text
    if pa.types.is_floating(column.arrow):
        return _float
    if column.kind is Kind.TIMESTAMP:
        return _whole(LATEST_NS, "bad_time")
    return _whole((1 << column.arrow.bit_width) - 1, "bad_number")


def _enum(numbers: Mapping[str, int]) -> Reader:
    def read(value: Any) -> int:
        number = numbers.get(value) if isinstance(value, str) else None
        if number is None:
            raise _Refused("bad_word")
        return number

    return read


def _address(value: Any) -> bytes:
    if value == "":
        return NO_ADDRESS
    if not isinstance(value, str):
        raise _Refused("bad_address")
    try:
        return _packed(value[:_MOST_ADDRESS])
    except ValueError:
        raise _Refused("bad_address") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Refused("bad_text")
    return _clean(value[:_MOST_TEXT])


#: The same names and addresses come with every row of a report.
_packed = lru_cache(8192)(packed)


@lru_cache(2048)
def _clean(text: str) -> str:
    return text.translate(_CONTROLS).encode("utf-8", "replace").decode()


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST_NUMBER:
        raise _Refused("bad_number")
    return float(value)


def _whole(most: int, reason: str) -> Reader:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise _Refused(reason)
        return value

    return read
