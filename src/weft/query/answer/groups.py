"""Grouped rows as numpy columns: which group each row belongs to, and exact sums per group and bucket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Key = tuple[Any, ...]
Sums = NDArray[np.uint64]


def column(table: pa.Table, name: str) -> NDArray[Any]:
    """A numeric column as numpy."""
    chunks: Any = table[name]
    return np.asarray(chunks.to_numpy(zero_copy_only=False))


@dataclass(frozen=True)
class Groups:
    """Rows of ``table`` told apart by the columns ``names``: row i is of group ``codes[i]``, first met at ``first``."""

    table: pa.Table
    names: tuple[str, ...]
    codes: NDArray[np.int64]
    first: NDArray[np.int64]

    @property
    def count(self) -> int:
        """How many groups there are."""
        return len(self.first)

    def key(self, group: int) -> Key:
        """The group's values as the store holds them."""
        row = int(self.first[group])
        return tuple(self.table[name][row].as_py() for name in self.names)

    def total(self, name: str) -> Sums:
        """The sum of a column per group."""
        out = np.zeros(self.count, np.uint64)
        np.add.at(out, self.codes, column(self.table, name).astype(np.uint64, copy=False))
        return out

    def order(self, rank: NDArray[Any], limit: int) -> list[int]:
        """The ``limit`` largest groups, ties in the order of their keys."""
        if self.count > 4 * limit:
            edge = np.partition(rank, self.count - limit)[self.count - limit]
            candidates = np.flatnonzero(rank >= edge)
        else:
            candidates = np.arange(self.count)
        return sorted(candidates.tolist(), key=lambda g: (-rank[g].item(), self.key(g)))[:limit]


def groups(table: pa.Table, names: Sequence[str]) -> Groups:
    """Tell the rows of ``table`` apart by ``names``."""
    codes = np.zeros(table.num_rows, np.int64)
    for name in names:
        encoded: Any = pc.dictionary_encode(table[name].combine_chunks())
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        codes = codes * max(1, len(encoded.dictionary)) + encoded.indices.to_numpy(zero_copy_only=False)
        # Renumbering after each column keeps the product within 64 bits.
        _, codes = np.unique(codes, return_inverse=True)
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    return Groups(table, tuple(names), inverse.astype(np.int64), first.astype(np.int64))


def spread(
    codes: NDArray[np.int64], buckets: NDArray[np.int64], values: NDArray[Any], lines: int, count: int
) -> NDArray[Any]:
    """``values`` summed into a matrix of ``lines`` × ``count`` buckets; rows outside the grid are left out."""
    out = np.zeros((lines, count), np.uint64)
    inside = (buckets >= 0) & (buckets < count)
    np.add.at(out, (codes[inside], buckets[inside]), values[inside].astype(np.uint64, copy=False))
    return out
