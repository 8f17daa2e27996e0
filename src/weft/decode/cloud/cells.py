"""The columns that the kernels fill, and words as numbers with their texts: what providers' readers work on."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from weft.decode.cloud.scan import REASONS, Table, table_of
from weft.model.metrics import WORD as WORD_TYPE

Numbers: TypeAlias = NDArray[np.int64]

NUMBERS = (
    "src_port", "dst_port", "protocol", "tcp_flags", "bytes", "packets", "start", "end", "src_as", "dst_as",
    "bytes_back", "packets_back", "path", "lost_1", "lost_2", "lost_3", "lost_4",
)  # fmt: skip
ADDRESSES = ("src", "dst", "packet_src", "packet_dst")
ROWS = 1 << 16
_FEW_PAIRS = 1 << 20
_FIRST_SLOTS, _MOST_SLOTS = 1 << 13, 1 << 20


@dataclass(slots=True)
class Word:
    """A column of texts: the number of each row's text, and the texts; number 0 is the empty one."""

    codes: NDArray[np.int32]
    texts: list[str]

    def map(self, values: Mapping[str, int], default: int = 0) -> NDArray[np.uint8]:
        """Each text as the number that it stands for."""
        return np.array([values.get(text, default) for text in self.texts], np.uint8)[self.codes]

    def changed(self, how: Callable[[str], str]) -> Word:
        """Each distinct text changed."""
        return Word(self.codes, [how(text) if text else "" for text in self.texts])

    def filled(self, other: Word) -> Word:
        """``other``'s text where there is none here."""
        return choose(self.codes != 0, self, other)

    def at(self, rows: NDArray[Any]) -> Word:
        """The chosen rows."""
        return Word(self.codes[rows], self.texts)

    def array(self) -> pa.Array[Any]:
        """As the store takes it."""
        return pa.DictionaryArray.from_arrays(pa.array(self.codes, pa.int32()), pa.array(self.texts, pa.string())).cast(
            WORD_TYPE
        )

    @property
    def empty(self) -> bool:
        """Whether no row has a text."""
        return not self.codes.any()


def constant(text: str, rows: int) -> Word:
    """One text for all rows."""
    return Word(np.full(rows, 1 if text else 0, np.int32), ["", text] if text else [""])


def choose(which: NDArray[Any], one: Word, other: Word) -> Word:
    """``one`` where ``which`` holds, else ``other``."""
    if one.texts is other.texts:
        return Word(np.where(which, one.codes, other.codes), one.texts)
    shifted = np.where(other.codes > 0, other.codes + np.int32(len(one.texts) - 1), np.int32(0))
    return Word(np.where(which, one.codes, shifted).astype(np.int32), [*one.texts, *other.texts[1:]])


def joined(one: Word, separator: str, other: Word) -> Word:
    """Both texts with the separator between them; only the second where there is no first, nothing without a second."""
    first, first_rank = _used(one)
    second, second_rank = _used(other)
    pairs = first_rank[one.codes] * np.int64(len(second)) + second_rank[other.codes]
    if len(first) * len(second) <= _FEW_PAIRS:
        found = np.flatnonzero(np.bincount(pairs, minlength=1))
        rank = np.zeros(len(first) * len(second), np.int32)
        rank[found] = np.arange(1, len(found) + 1)
        codes = rank[pairs]
    else:
        found, inverse = np.unique(pairs, return_inverse=True)
        codes = inverse.astype(np.int32) + np.int32(1)
    texts = [""]
    for pair in found.tolist():
        head, tail = one.texts[first[pair // len(second)]], other.texts[second[pair % len(second)]]
        texts.append(f"{head}{separator}{tail}" if head and tail else tail)
    return Word(np.where(other.codes == 0, np.int32(0), codes), texts)


def _used(word: Word) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers of texts that occur, and the rank of each among them."""
    used = np.flatnonzero(np.bincount(word.codes, minlength=1))
    rank = np.zeros(len(word.texts), np.int64)
    rank[used] = np.arange(len(used))
    return used, rank


class Cells:
    """Columns of one batch, used again for the next."""

    def __init__(self, words: Sequence[str], rows: int = ROWS) -> None:
        self._seed = secrets.randbits(62)  # nobody can choose texts that collide
        self._names = {name: i for i, name in enumerate(words)}
        self.numbers = np.zeros((len(NUMBERS), rows), np.int64)
        self.words = np.zeros((len(words), rows), np.int32)
        self.addresses = np.zeros((len(ADDRESSES), rows, 16), np.uint8)
        self.lines = np.zeros(rows, np.int64)
        self.bad = np.zeros(len(REASONS) + 1, np.int64)
        self._make_slots(_FIRST_SLOTS)
        self._texts: list[str] = []

    def _make_slots(self, slots: int) -> None:
        self.slots, self.codes = np.zeros(slots, np.int64), np.zeros(slots, np.int32)
        self.spans = np.zeros((slots // 2 + 1, 2), np.int64)
        self.spans[0, 0] = 1

    def begin(self, rows: int) -> None:
        """Empty what the last batch of ``rows`` left."""
        self.numbers[:, :rows] = 0
        self.words[:, :rows] = 0
        self.addresses[:, :rows] = 0
        if int(self.spans[0, 0]) > len(self.slots) // 4 and len(self.slots) < _MOST_SLOTS:
            self._make_slots(len(self.slots) * 4)
        else:
            self.slots[:] = 0
            self.spans[0, 0] = 1

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many columns there are of numbers, words and addresses."""
        return len(self.numbers), len(self.words), len(self.addresses)

    def table(self, data: NDArray[np.uint8]) -> Table:
        """The columns as kernels see them, for text in ``data``, which must stay while they are filled."""
        return table_of(
            data, self._seed, self.numbers, self.words, self.addresses, self.slots, self.codes, self.spans
        )  # fmt: skip

    def read_texts(self, data: bytes, base: int, *, escaped: bool = False) -> None:
        """Take the distinct texts of the batch from the data that they are in, which begins at that address."""
        spans = (self.spans[1 : int(self.spans[0, 0])] - base).tolist()
        view = memoryview(data)
        self._texts = ["", *(_text(bytes(view[begin:end]), escaped) for begin, end in spans)]

    def word(self, name: str, rows: int) -> Word:
        """A column of words; a copy, as the columns are used again."""
        return Word(self.words[self._names[name], :rows].copy(), self._texts)

    def number(self, name: str, rows: int) -> Numbers:
        """A column of numbers; a copy."""
        return self.numbers[NUMBERS.index(name), :rows].copy()

    def address(self, name: str, rows: int) -> NDArray[np.uint8]:
        """A column of addresses, 16 bytes each; a copy."""
        return self.addresses[ADDRESSES.index(name), :rows].copy()

    def take_errors(self) -> Counter[str]:
        """Records left out since the last time, by reason."""
        found = Counter({REASONS[i]: int(count) for i, count in enumerate(self.bad[:-1].tolist()) if i and count})
        self.bad[:] = 0
        return found


def _text(raw: bytes, escaped: bool) -> str:
    if escaped and b"\\" in raw:
        try:
            return str(orjson.loads(b'"' + raw + b'"'))
        except orjson.JSONDecodeError:
            pass
    text = raw.decode("utf-8", "replace")
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
