"""The table of known series: what each is to Weft, found by the hash of its labels, so that labels are read only once.

Bounded: when it is full the half that was not heard of for longest is forgotten (and read again when it comes back).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import kernel
from weft.decode.probing import place
from weft.decode.prometheus.rules import Meaning

#: Texts of a series, each kept once: the sender's own name of the metric, then columns of the table.
WORDS = ("name", "metric", "host", "component", "labels")
NAME, METRIC, HOST, COMPONENT, LABELS = range(5)
_FIRST = 1 << 10
UNKNOWN = -1


@kernel
def _look_up(
    keys: NDArray[np.uint64], slots: NDArray[np.uint64], ids: NDArray[np.int32], used: NDArray[np.int64], now: int,
    out: NDArray[np.int32],
) -> int:  # fmt: skip
    """Ids of ``keys`` into ``out``, -1 for the unknown; answers how many those are."""
    unknown = 0
    for i in range(len(keys)):
        key = keys[i] | np.uint64(1)  # zero marks a free slot
        at = place(slots, key)
        if slots[at] == np.uint64(0):
            out[i] = -1
            unknown += 1
        else:
            out[i] = ids[at]
            used[ids[at]] = now
    return unknown


@kernel
def _insert(keys: NDArray[np.uint64], first: int, slots: NDArray[np.uint64], ids: NDArray[np.int32]) -> None:
    for i in range(len(keys)):
        key = keys[i] | np.uint64(1)
        at = place(slots, key)
        slots[at], ids[at] = key, first + i


@dataclass
class Words:
    """Texts with numbers."""

    texts: list[str] = field(default_factory=lambda: [""])
    numbers: dict[str, int] = field(default_factory=lambda: {"": 0})

    def number(self, text: str) -> int:
        """The number of a text."""
        found = self.numbers.get(text)
        if found is None:
            found = self.numbers[text] = len(self.texts)
            self.texts.append(text)
        return found


class SeriesTable:
    """Known series as arrays by their id. Not for several threads at once."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.generation = 0  # grows when numbers of texts change
        self._clear(_FIRST)

    def _clear(self, room: int) -> None:
        self.count = 0
        self._slots: NDArray[np.uint64] = np.zeros(4 * room, np.uint64)
        self._ids: NDArray[np.int32] = np.zeros(4 * room, np.int32)
        self.key: NDArray[np.uint64] = np.zeros(room, np.uint64)
        self.words: list[Words] = [Words() for _ in WORDS]
        self.word: NDArray[np.int32] = np.zeros((len(WORDS), room), np.int32)
        self.exporter: NDArray[Any] = np.zeros(room, "V16")
        self.if_index: NDArray[np.uint32] = np.zeros(room, np.uint32)
        self.type: NDArray[np.uint8] = np.zeros(room, np.uint8)  # by rule; 0 = by metadata or name
        self.scale: NDArray[np.float64] = np.ones(room, np.float64)
        self.offset: NDArray[np.float64] = np.zeros(room, np.float64)
        self.last_ms: NDArray[np.int64] = np.full(room, np.iinfo(np.int64).min, np.int64)
        self.last_value: NDArray[np.float64] = np.zeros(room, np.float64)
        self.start_ms: NDArray[np.int64] = np.zeros(room, np.int64)
        self.used: NDArray[np.int64] = np.zeros(room, np.int64)

    def ids(self, keys: NDArray[np.uint64], now: int) -> tuple[NDArray[np.int32], int]:
        """Ids by hash (-1 = unknown), and how many are unknown. ``now`` is a number that grows with every request."""
        out = np.empty(len(keys), np.int32)
        return out, int(_look_up(keys, self._slots, self._ids, self.used, now, out))

    def add(self, keys: NDArray[np.uint64], names: list[str], meanings: list[Meaning], now: int) -> None:
        """Take new series; there must be room (``make_room``)."""
        first, n = self.count, len(keys)
        span = slice(first, first + n)
        columns = (
            names, [m.metric for m in meanings], [m.host for m in meanings], [m.component for m in meanings],
            [m.labels for m in meanings],
        )  # fmt: skip
        for row, (words, texts) in enumerate(zip(self.words, columns, strict=True)):
            self.word[row, span] = [words.number(text) for text in texts]
        self.key[span] = keys
        self.exporter[span] = np.frombuffer(b"".join(m.exporter for m in meanings), "V16")
        self.if_index[span] = [m.if_index for m in meanings]
        self.type[span] = [m.type for m in meanings]
        self.scale[span] = [m.scale for m in meanings]
        self.offset[span] = [m.offset for m in meanings]
        self.last_ms[span] = np.iinfo(np.int64).min
        self.start_ms[span] = 0
        self.used[span] = now
        _insert(keys, first, self._slots, self._ids)
        self.count += n

    def make_room(self, wanted: int) -> int:
        """Room for ``wanted`` new series, forgetting old ones if need be; answers for how many there is."""
        if self.count + wanted > self.most:
            keep = max(0, min(self.count, self.most - wanted, self.most // 2))
            order = np.argsort(self.used[: self.count], kind="stable")[self.count - keep :]
            self._rebuild(np.sort(order), max(_FIRST, keep + wanted))
        elif self.count + wanted > len(self.key):
            self._rebuild(np.arange(self.count), max(2 * len(self.key), self.count + wanted))
        return min(wanted, self.most - self.count)

    def _rebuild(self, kept: NDArray[np.int64], room: int) -> None:
        """The same table with ``kept`` series and more room; texts that nobody uses any more are dropped."""
        old_words, forgets = self.words, len(kept) < self.count
        arrays = ("key", "exporter", "if_index", "type", "scale", "offset", "last_ms", "last_value", "start_ms", "used")
        old = {name: getattr(self, name)[kept] for name in arrays}
        word = self.word[:, kept]
        self._clear(1 << max(10, (min(room, self.most) - 1).bit_length()))
        n = len(kept)
        for name, values in old.items():
            getattr(self, name)[:n] = values
        self.generation += forgets
        if forgets:
            for row, words in enumerate(old_words):
                texts, again = np.unique(word[row], return_inverse=True)
                numbers = np.array([self.words[row].number(words.texts[code]) for code in texts], np.int32)
                self.word[row, :n] = numbers[again] if n else 0
        else:
            self.words = old_words
            self.word[:, :n] = word
        _insert(self.key[:n], 0, self._slots, self._ids)
        self.count = n
