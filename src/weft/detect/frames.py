"""Frames from the store: what a detector of series watches, every series named, silence told from nothing.

A series is remembered while it is silent, so that its end is seen: in buckets in which its sender was heard it is
zero, else not known. Memory is bounded by the watch's most series; the longest silent are forgotten first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from weft.detect.context import Names
from weft.detect.detector import Watch
from weft.detect.frame import Frame, SeriesKey
from weft.model.addresses import NO_ADDRESS, packed
from weft.model.events import Entity
from weft.query.matrix import Matrix
from weft.query.model import Query

#: Entity of a watch that tells no things apart.
EVERYTHING = "all"
#: How long a name is believed before it is looked up anew, seconds of the telemetry's time.
_NAMES_S = 3600
_RETURNS_S = 2 * 86_400


class Matrices(Protocol):
    """The query engine, as far as frames need it."""

    def matrix(self, query: Query, since_s: int, until_s: int, *, most: int) -> Matrix:
        """One measure of all groups over a grid."""


@dataclass(slots=True)
class _Known:
    key: SeriesKey
    raw: tuple[str, ...]
    seen_s: int


@dataclass(slots=True)
class _Book:
    """Series of one watch: by their text, and the names found for what the store calls them."""

    series: dict[str, _Known] = field(default_factory=dict)
    named: dict[tuple[str, ...], SeriesKey | None] = field(default_factory=dict)
    named_s: int = 0


class MatrixFrames:
    """Frames of any watch. Not thread-safe."""

    def __init__(self, questions: Matrices, names: Names) -> None:
        self._questions, self._names = questions, names
        self._books: dict[tuple[Watch, str], _Book] = {}

    def frame(self, watch: Watch, filter_text: str, since_s: int, until_s: int) -> Frame:
        """What is watched between two times, whole buckets. Raises what ``QueryEngine.run`` raises."""
        query = Query(
            dataset=watch.dataset, measures=[watch.measure], by=list(watch.by), every=watch.step_s,
            filter=both(watch.filter, filter_text),
        )  # fmt: skip
        matrix = self._questions.matrix(query, since_s, until_s, most=watch.most_series)
        book = self._books.setdefault((watch, filter_text), _Book())
        if abs(since_s - book.named_s) > _NAMES_S:
            book.named, book.named_s = {}, since_s
        return self._frame(watch, matrix, book, until_s)

    def _frame(self, watch: Watch, matrix: Matrix, book: _Book, until_s: int) -> Frame:
        keys: list[SeriesKey] = []
        lines: list[NDArray[np.float64]] = []
        at: dict[str, int] = {}
        for raw, values in zip(matrix.keys, matrix.values, strict=True):
            key = self._named(watch, matrix, book, raw)
            if key is None:
                continue
            text = key.text
            if text in at:
                lines[at[text]] = _joined(lines[at[text]], values, matrix.absent_is_zero)
                continue
            at[text] = len(keys)
            keys.append(key)
            lines.append(values)
            book.series[text] = _Known(key, raw, until_s)
        for text, known in book.series.items():
            if text not in at:
                keys.append(known.key)
                lines.append(matrix.silence(known.raw))
        _forget(book, watch, until_s)
        values = np.vstack(lines) if lines else np.empty((0, len(matrix.times_s)))
        return Frame(keys, matrix.times_s, values, matrix.step_s, matrix.unit, matrix.left_out)

    def _named(self, watch: Watch, matrix: Matrix, book: _Book, raw: tuple[str, ...]) -> SeriesKey | None:
        if raw not in book.named:
            if len(book.named) > 2 * watch.most_series:
                book.named.clear()
            book.named[raw] = self._key(watch, matrix, raw)
        return book.named[raw]

    def _key(self, watch: Watch, matrix: Matrix, raw: tuple[str, ...]) -> SeriesKey | None:
        """What a group is called; None where what it is about has no name."""
        told = dict(zip(matrix.by, raw, strict=True))
        kinds = dict(zip(matrix.by, matrix.kinds, strict=True))
        parts: list[str] = []
        for name in watch.entity_by:
            if name == "component" and any(kinds[other] == "interface" for other in watch.entity_by):
                continue  # it names the same, where the index is not known
            text = self._text(kinds[name], name, told)
            if not text:
                return None
            if parts and text.startswith(f"{parts[-1]}|"):
                parts.pop()
            parts.append(text)
        entity = Entity(kind=watch.entity_kind, id="|".join(parts)[:400] or EVERYTHING)
        labels = {name: self._text(kinds[name], name, told) for name in matrix.by if name not in watch.entity_by}
        return SeriesKey(entity, labels)

    def _text(self, kind: str, name: str, told: dict[str, str]) -> str:
        """A dimension's value as entities are called."""
        if kind == "interface":
            address, _, index = told[name].partition("|")
            device, number = self._device(address, told), int(index or 0)
            if number:
                return f"{device}|{self._names.interface(packed(address), number)}" if device else ""
            part = told.get("component", "")
            return f"{device}|{part}" if device and part else ""
        return self._device(told[name], told) if kind == "exporter" else told[name]

    def _device(self, address: str, told: dict[str, str]) -> str:
        sender = packed(address) if address else NO_ADDRESS
        return told.get("host", "") if sender == NO_ADDRESS else self._names.device(sender)


def both(one: str, other: str) -> str:
    """What both filters let through."""
    told = [text for text in (one.strip(), other.strip()) if text]
    return f"({told[0]}) AND ({told[1]})" if len(told) == 2 else "".join(told)


def _joined(one: NDArray[np.float64], other: NDArray[np.float64], adds: bool) -> NDArray[np.float64]:
    """Two groups that are the same thing under two names."""
    if not adds:
        return np.where(np.isnan(one), other, one)
    return np.where(np.isnan(one), other, np.where(np.isnan(other), one, one + other))


def _forget(book: _Book, watch: Watch, now_s: int) -> None:
    """What was silent for days, and the longest silent of too many."""
    oldest = now_s - max(_RETURNS_S, 2 * watch.step_s)
    for text in [text for text, known in book.series.items() if known.seen_s < oldest]:
        del book.series[text]
    if len(book.series) > watch.most_series:
        longest = sorted(book.series, key=lambda text: book.series[text].seen_s)
        for text in longest[: len(book.series) - watch.most_series]:
            del book.series[text]
