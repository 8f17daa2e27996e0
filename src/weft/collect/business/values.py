"""Values of business series: checked, made rows, and known again when they come a second time."""

from __future__ import annotations

import math
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa

from weft.errors import InvalidInput
from weft.model.business import BUSINESS, BUSINESS_SOURCES
from weft.model.labels import labels_text
from weft.model.rows import batch_of

SOURCES = {name: number for number, name in BUSINESS_SOURCES.items()}
MOST_LABELS, _LONGEST = 20, 200
#: Values that are remembered so that a second telling is known for one.
MOST_REMEMBERED = 500_000
#: Times that are stored are from 1970 on and before this, in 2106: the store keeps days and expiry in 32 bits.
_TOO_LATE_NS = (1 << 32) * 1_000_000_000
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_:.\-]{0,99}")


class Value(NamedTuple):
    """One value. ``labels`` is the text of the column; ``time_ns`` UTC."""

    series: str
    labels: str
    time_ns: int
    value: float
    unit: str = ""

    @property
    def key(self) -> tuple[str, str, int]:
        """What of it can be only once."""
        return self[:3]


class ValuesTaken(NamedTuple):
    """What became of values."""

    accepted: int
    duplicates: int


def value_of(series: str, time_ns: int, value: float, labels: Mapping[str, str] | None = None, unit: str = "") -> Value:
    """A value, checked. Raises ``InvalidInput``."""
    series = series.strip()
    if not series or len(series) > 100 or not series.isprintable():
        raise InvalidInput("is not a name of 1 to 100 printable characters", where="series")
    check_time(time_ns)
    if not math.isfinite(value):
        raise InvalidInput("is not a finite number", where=f"value of {series}")
    if len(unit) > 40 or not unit.isprintable():
        raise InvalidInput("is longer than 40 characters", where=f"unit of {series}")
    return Value(series, label_text(labels or {}), time_ns, value, unit.strip())


def check_time(time_ns: int) -> None:
    """Raises ``InvalidInput`` where a time cannot be stored."""
    if not 0 <= time_ns < _TOO_LATE_NS:
        raise InvalidInput("is not between 1970 and 2106", where="time")


def label_text(labels: Mapping[str, str]) -> str:
    """Labels as the column holds them. Raises ``InvalidInput``."""
    if len(labels) > MOST_LABELS:
        raise InvalidInput(f"more than {MOST_LABELS} labels", where="labels")
    for name, text in labels.items():
        if not _LABEL.fullmatch(name):
            raise InvalidInput(
                f"'{name[:40]}' is not a name of a label", where="labels", fix="Write a letter, then letters, digits, _"
            )
        if len(text) > _LONGEST:
            raise InvalidInput(f"is longer than {_LONGEST} characters", where=f"label {name}")
    return labels_text((name, text.strip()) for name, text in labels.items())


def rows_of(values: Sequence[Value], source: str, origin: str, now_ns: int) -> pa.RecordBatch:
    """Rows of the business table; ``source`` is one of ``BUSINESS_SOURCES``."""
    return batch_of(
        BUSINESS, len(values), time=[one.time_ns for one in values], time_received=now_ns,
        series=[one.series for one in values], labels=[one.labels for one in values],
        unit=[one.unit for one in values], source=SOURCES[source], origin=origin,
        value=[one.value for one in values],
    )  # fmt: skip


class Recent:
    """The last values of one sender or source, so that what is told again is not stored again. Thread-safe."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._values: OrderedDict[tuple[str, str, int], float] = OrderedDict()
        self.lock = threading.Lock()

    def fresh(self, values: Iterable[Value]) -> list[Value]:
        """Values that are new or another than before; of several for one moment the last. Call with the lock held."""
        last = {one.key: one for one in values}
        return [one for key, one in last.items() if self._values.get(key) != one.value]

    def add(self, values: Iterable[Value]) -> None:
        """They were taken. Call with the lock held."""
        for one in values:
            self._values[one.key] = one.value
            self._values.move_to_end(one.key)
        while len(self._values) > self._most:
            self._values.popitem(last=False)
