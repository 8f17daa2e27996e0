"""Memory that datagrams are received into: a matrix of rows, and room for the rare datagram longer than a row."""

from __future__ import annotations

import mmap
import sys
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

ROW = 2048  # bytes: any datagram of a 1500-byte link
LONGEST = 65536  # bytes: no UDP payload is longer (65,507 over IPv4, 65,527 over IPv6)
NAME = 28  # bytes of a sockaddr_in6


class Slab:
    """Room for ``rows`` datagrams.

    Row ``i`` takes the first ``ROW`` bytes of a datagram, ``overflow`` block ``i`` the rest of a longer one; ``settle``
    then moves the first part in front of the rest so that every datagram is contiguous in ``data``. Pages that were
    never touched cost no memory: a slab of 2,048 rows is 4 MiB although it could hold as many of the longest datagrams.
    """

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.overflow_at = rows * ROW
        size = rows * (ROW + LONGEST)
        if sys.platform == "linux":
            self._map = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            self._map.madvise(mmap.MADV_NOHUGEPAGE, *self._overflow_pages())
        else:
            self._map = mmap.mmap(-1, size)
        self.data: NDArray[np.uint8] = np.frombuffer(self._map, np.uint8)
        self.start = np.arange(rows, dtype=np.int64) * ROW
        self.length = np.zeros(rows, np.int32)
        self.names = np.zeros((rows, NAME), np.uint8)
        self.received_ns = np.zeros(rows, np.int64)
        self._long = False

    def _overflow_pages(self) -> tuple[int, int]:
        first = -(-self.overflow_at // mmap.PAGESIZE) * mmap.PAGESIZE
        return first, self.rows * (ROW + LONGEST) - first

    def settle(self, first: int, end: int) -> None:
        """Make the datagrams of rows ``first`` to ``end`` contiguous (only the ones longer than a row move)."""
        if int(self.length[first:end].max(initial=0)) <= ROW:
            return
        for row in np.flatnonzero(self.length[first:end] > ROW) + first:
            block = self.overflow_at + int(row) * LONGEST
            self.data[block : block + ROW] = self.data[row * ROW : (row + 1) * ROW]
            self.start[row] = block
        self._long = True

    def reset(self) -> None:
        """Make ready for use again, giving memory of long datagrams back."""
        if self._long:
            self.start[:] = np.arange(self.rows, dtype=np.int64) * ROW
            if sys.platform == "linux":
                self._map.madvise(mmap.MADV_DONTNEED, *self._overflow_pages())
            self._long = False


@dataclass(slots=True)
class SlabPool:
    """Slabs that are free, last used first (its pages are warm); a few spare ones are kept, the others are unmapped."""

    rows: int
    keep: int = 16
    _free: list[Slab] = field(default_factory=list)

    def take(self) -> Slab:
        """A slab to receive into."""
        try:
            return self._free.pop()
        except IndexError:
            return Slab(self.rows)

    def give(self, slab: Slab) -> None:
        """Return a slab nobody reads any more."""
        if len(self._free) < self.keep:
            slab.reset()
            self._free.append(slab)


def sources(names: NDArray[np.uint8], family_inet: bool) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """IPv6 (or IPv4-mapped) address [n, 16] and port [n] of raw ``sockaddr`` rows."""
    port: NDArray[np.uint16] = np.ascontiguousarray(names[:, 2:4]).view(">u2")[:, 0].astype(np.uint16)
    if not family_inet:
        return np.ascontiguousarray(names[:, 8:24]), port
    address = np.zeros((len(names), 16), np.uint8)
    address[:, 10:12] = 0xFF
    address[:, 12:16] = names[:, 4:8]
    return address, port
