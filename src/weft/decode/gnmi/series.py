"""The series of one target: what each row's columns are, by number, so that rows are made column by column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.decode.gnmi.mapping import Match
from weft.model.labels import labels_text
from weft.model.metrics import METRIC_SOURCES, METRIC_TYPES, METRICS
from weft.model.rows import batch_of

COUNTER, GAUGE, TEXT = (next(k for k, v in METRIC_TYPES.items() if v == name) for name in ("counter", "gauge", "text"))
SOURCE = next(number for number, name in METRIC_SOURCES.items() if name == "gnmi")
_KINDS = {"counter": COUNTER, "gauge": GAUGE, "text": TEXT}
_AS_IT_IS, _AGE, _SINCE_BOOT = range(3)
_CONVERTS = {"age": _AGE, "since_boot": _SINCE_BOOT}
_METRIC, _COMPONENT, _LABELS, _HOST = range(4)
_FIRST = 256


class Words:
    """Texts by number."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of a text, a new one if it is new."""
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return number

    def __contains__(self, text: str) -> bool:
        return text in self._numbers

    def __len__(self) -> int:
        return len(self.texts)


class SeriesBook:
    """Every series met. One and the same (metric, component, labels, host) is one series, whatever path it came by."""

    def __init__(self, most: int, most_names: int) -> None:
        self._most, self._most_names = most, most_names
        self.names = Words()
        self._words = (self.names, Words(), Words(), Words())
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._of: dict[tuple[str, str], list[int]] = {}  # series by (host, component)
        self._indexes: dict[tuple[str, str], int] = {}  # ifIndex by (host, interface)
        self.count = 0
        self._make(_FIRST)

    def _make(self, rows: int) -> None:
        self._codes = np.zeros((4, rows), np.int32)
        self._kind = np.zeros(rows, np.uint8)
        self._scale = np.ones(rows, np.float64)
        self._convert = np.zeros(rows, np.uint8)
        self._if_index = np.zeros(rows, np.uint32)

    def number(self, match: Match, host: str, *, as_text: bool) -> int | str:
        """The series of a leaf, or why there is none: ``too_many_names``, ``too_many_series``.

        ``as_text``: its value is no number; the type of the row says so.
        """
        kind = TEXT if as_text else _KINDS[match.type]
        convert = _CONVERTS.get(match.convert, _AS_IT_IS)
        identity = (match.metric, match.component, match.labels, host, kind, match.scale, convert)
        known = self._numbers.get(identity)
        if known is not None:
            return known
        if match.metric not in self.names and not match.mapped and len(self.names) >= self._most_names:
            return "too_many_names"
        if self.count >= self._most:
            return "too_many_series"
        number = self.count
        if number >= len(self._kind):
            self._grow()
        self.count += 1
        self._numbers[identity] = number
        texts = (match.metric, match.component, labels_text(match.labels), host)
        for column, text in enumerate(texts):
            self._codes[column, number] = self._words[column].number(text)
        self._kind[number], self._scale[number], self._convert[number] = kind, match.scale, convert
        self._of.setdefault((host, match.component), []).append(number)
        self._if_index[number] = self._indexes.get((host, match.component), 0)
        return number

    def set_index(self, host: str, interface: str, if_index: int) -> None:
        """The ifIndex of an interface became known: rows of it carry it."""
        self._indexes[host, interface] = if_index
        self._if_index[self._of.get((host, interface), [])] = if_index

    def _grow(self) -> None:
        old = self._codes, self._kind, self._scale, self._convert, self._if_index
        n = len(self._kind)
        self._make(2 * n)
        self._codes[:, :n], self._kind[:n], self._scale[:n], self._convert[:n], self._if_index[:n] = old

    def batch(
        self, series: NDArray[np.int32], times: NDArray[np.int64], values: NDArray[np.float64], texts: list[str] | None,
        *, now_ns: int, boot_ns: float, exporter: bytes,
    ) -> pa.RecordBatch | None:  # fmt: skip
        """Rows of the metrics table, if any. ``texts``: one per row, or none if every row is a number.

        What has no series (-1) or cannot be computed (the device has not said when it started) is left out.
        """
        if not len(series):
            return None
        values = values * self._scale[series]
        convert = self._convert[series]
        good = series >= 0
        if convert.any():
            values = np.where(convert == _AGE, (times - values) / 1e9, values)
            values = np.where(convert == _SINCE_BOOT, (values - boot_ns) / 1e9 if boot_ns else np.nan, values)
            good &= (convert == _AS_IT_IS) | (np.isfinite(values) & (values >= 0))
        if not good.all():
            series, times, values = series[good], times[good], values[good]
            texts = [text for text, keep in zip(texts, good, strict=True) if keep] if texts else None
            if not len(series):
                return None
        used, rows = np.unique(series, return_inverse=True)
        metric, component, labels, host = (self._column(column, used, rows) for column in range(4))
        return batch_of(
            METRICS, len(series), time=times, time_received=now_ns, exporter=exporter, host=host, source=SOURCE,
            metric_type=self._kind[series], metric=metric, component=component, if_index=self._if_index[series],
            labels=labels, value=values, text="" if texts is None else texts,
        )  # fmt: skip

    def _column(self, column: int, used: NDArray[np.int32], rows: NDArray[np.intp]) -> Any:
        """A dictionary of only the words that occur, so that small batches stay small."""
        codes, at = np.unique(self._codes[column, used], return_inverse=True)
        words = self._words[column].texts
        indices: Any = pa.array(at[rows].astype(np.int32))
        return pa.DictionaryArray.from_arrays(indices, pa.array([words[code] for code in codes], pa.string()))
