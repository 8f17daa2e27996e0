"""Frames from the store: what a detector of series watches, every series named, silence told from nothing.

A series is remembered while it is silent, so that its end is seen: in buckets in which its sender was heard it is
zero, else not known. Memory is bounded by the watch's most series; the longest silent are forgotten first.
"""

from __future__ import annotations

from collections.abc import Callable
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
#: Seats of groups that have no name, and of those not met before.
_NOWHERE, _NEW = -1, -2


class Matrices(Protocol):
    """The query engine, as far as frames need it."""

    def matrix(self, query: Query, since_s: int, until_s: int, *, most: int) -> Matrix:
        """One measure of all groups over a grid."""


class _Book:
    """Series of one watch, each with a seat that it keeps while it is remembered; those that are new come last.

    ``keys`` is another list whenever it changes, so that who has worked something out of it can tell.
    """

    def __init__(self) -> None:
        self.keys: list[SeriesKey] = []
        self.seen_s: NDArray[np.int64] = np.empty(0, np.int64)
        self.named_s = 0
        self._sent_by: NDArray[np.int64] = np.empty(0, np.int64)
        self._senders: dict[str, int] = {}
        self._by_text: dict[str, int] = {}
        self._seats: dict[tuple[str, ...], int] = {}  # of groups as the store calls them

    def rename(self, now_s: int) -> None:
        """Look all names up anew."""
        self._seats, self.named_s = {}, now_s

    def find(self, matrix: Matrix, named: Callable[[tuple[str, ...]], SeriesKey | None]) -> NDArray[np.int64]:
        """The seat of each group; ``_NOWHERE`` of what has no name."""
        seats = np.fromiter((self._seats.get(raw, _NEW) for raw in matrix.keys), np.int64, len(matrix.keys))
        new = np.flatnonzero(seats == _NEW).tolist()
        if not new:
            return seats
        keys, sent_by = list(self.keys), self._sent_by.tolist()
        for at in new:
            key = named(matrix.keys[at])
            if key is not None:
                seat = self._by_text.setdefault(key.text, len(keys))
                code = self._senders.setdefault(matrix.sender(matrix.keys[at]), len(self._senders))
                if seat == len(keys):
                    keys.append(key)
                    sent_by.append(code)
                sent_by[seat] = code
            seats[at] = self._seats[matrix.keys[at]] = _NOWHERE if key is None else seat
        if len(keys) > len(self.keys):
            self.seen_s = np.concatenate([self.seen_s, np.zeros(len(keys) - len(self.keys), np.int64)])
            self.keys = keys
        self._sent_by = np.array(sent_by, np.int64)
        return seats

    def silence(self, matrix: Matrix, seats: NDArray[np.int64]) -> NDArray[np.float64]:
        """What series that sent nothing are worth in each bucket: zero where their sender was heard."""
        heard = np.zeros((len(self._senders), len(matrix.times_s)), np.bool_)
        for sender, told in matrix.heard.items():
            if sender in self._senders:
                heard[self._senders[sender]] = told
        return np.where(heard[self._sent_by[seats]], 0.0, np.nan)

    def forget(self, before_s: int, most: int) -> None:
        """What was silent since then, and the longest silent of too many."""
        keep = self.seen_s >= before_s
        if int(keep.sum()) > most:
            keep[np.argsort(-np.where(keep, self.seen_s, -1), kind="stable")[most:]] = False
        if not keep.all() or len(self._senders) > 2 * len(self.keys) + 64:
            moved = np.where(keep, np.cumsum(keep) - 1, _NEW)
            self.keys = [self.keys[at] for at in np.flatnonzero(keep).tolist()]
            self._by_text = {text: int(moved[at]) for text, at in self._by_text.items() if keep[at]}
            self._seats = {raw: int(moved[at]) if at >= 0 else at for raw, at in self._seats.items()}
            self._seats = {raw: at for raw, at in self._seats.items() if at != _NEW}
            self.seen_s = self.seen_s[keep]
            used, codes = np.unique(self._sent_by[keep], return_inverse=True)
            names = list(self._senders)
            self._sent_by, self._senders = codes, {names[code]: at for at, code in enumerate(used.tolist())}
        if len(self._seats) > 2 * most:
            self._seats = {}


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
            book.rename(since_s)
        return self._frame(watch, matrix, book, until_s)

    def _frame(self, watch: Watch, matrix: Matrix, book: _Book, until_s: int) -> Frame:
        seats = book.find(matrix, lambda raw: self._key(watch, matrix, raw))
        keys = book.keys
        values = np.full((len(keys), len(matrix.times_s)), np.nan)
        rows = np.flatnonzero(seats >= 0)
        there, first = np.unique(seats[rows], return_index=True)
        values[there] = matrix.values[rows[first]]
        for row in np.delete(rows, first).tolist():  # the same thing under another name
            values[seats[row]] = _joined(values[seats[row]], matrix.values[row], matrix.absent_is_zero)
        silent = np.setdiff1d(np.arange(len(keys)), there, assume_unique=True)
        if matrix.absent_is_zero and len(silent):
            values[silent] = book.silence(matrix, silent)
        book.seen_s[there] = until_s
        book.forget(until_s - max(_RETURNS_S, 2 * watch.step_s), watch.most_series)
        return Frame(keys, matrix.times_s, values, matrix.step_s, matrix.unit, matrix.left_out)

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
