"""Which members of an object are wanted: their paths, as the walk looks them up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from weft.decode.cloud.cells import ADDRESSES, NUMBERS
from weft.decode.cloud.objects import BRANCH, path_key
from weft.decode.cloud.scan import ADDRESS, WORD


class Program:
    """Paths in dots → what they are read as, and the column by name. Made ready by its first use."""

    def __init__(self, words: Sequence[str], cells: Mapping[str, tuple[int, str]]) -> None:
        self.words = tuple(words)
        self._cells = cells
        self._ready = False
        self.cells: NDArray[np.int64] = np.zeros(0, np.int64)

    def prepare(self) -> None:
        """Build the table; compiling the hash takes a moment the first time."""
        if self._ready:
            return
        branches = {path.rsplit(".", i)[0] for path in self._cells for i in range(1, path.count(".") + 1)}
        size = 1 << (2 * (len(self._cells) + len(branches))).bit_length()
        table: NDArray[np.int64] = np.zeros((size, 2), np.int64)
        for path in branches:
            _add(table, path, BRANCH, 0)
        for path, (kind, name) in self._cells.items():
            names = self.words if kind == WORD else ADDRESSES if kind == ADDRESS else NUMBERS
            _add(table, path, kind, names.index(name))
        self.cells = table.reshape(-1)
        self._ready = True


def _add(table: NDArray[np.int64], path: str, kind: int, column: int) -> None:
    key = path_key(path)
    at = key & (len(table) - 1)
    while table[at, 0]:
        at = (at + 1) & (len(table) - 1)
    table[at] = key, kind << 32 | column
