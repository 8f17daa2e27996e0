"""The data sources of sFlow agents: what each says of its own sequence and of the samples it had to drop.

A source (an interface, usually) numbers its samples and counts those it could not send. The counts only mean something
as differences, so the last ones are remembered per source, within bounds that no sender can exceed or fill for others.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.hashing import mix
from weft.decode.kernels import inlined, kernel
from weft.decode.memory import address_of, get_word, put_word

_PLACES = 1 << 18
_PER_STREAM = 8192
_MASK = (1 << 32) - 1
_REORDER = 64  # a sequence number this little behind is a late sample, not a restart
_JUMP = 1 << 24  # a counter that advances by more at once was reset


class SampleSources(NamedTuple):
    """Arrays that kernels read and write; ``last`` holds sequence number and drops of each source."""

    keys: NDArray[np.uint64]  # [places] open addressing, 0 = empty
    last: NDArray[np.int64]  # [places, 2]
    tracked: NDArray[np.int64]  # [stream slots] sources of that stream
    total: NDArray[np.int64]  # [1]
    seed: NDArray[np.uint64]  # [1]

    @classmethod
    def new(cls, streams: int) -> SampleSources:
        """Nothing known yet, for that many stream slots."""
        return cls(
            np.zeros(_PLACES, np.uint64),
            np.zeros((_PLACES, 2), np.int64),
            np.zeros(streams, np.int64),
            np.zeros(1, np.int64),
            np.array([secrets.randbits(64)], np.uint64),
        )

    def forget(self) -> None:
        """Take every source anew: a stream was given up, and its slot may become another agent's."""
        for array in (self.keys, self.last, self.tracked, self.total):
            array.fill(0)


class SourceCells(NamedTuple):
    """``SampleSources`` as addresses."""

    keys: int
    last: int
    tracked: int
    total: int
    seed: np.uint64
    mask: np.uint64


@inlined
def source_cells(sources: SampleSources) -> SourceCells:
    """Addresses of the arrays; they hold as long as the arrays do."""
    return SourceCells(
        address_of(sources.keys),
        address_of(sources.last),
        address_of(sources.tracked),
        address_of(sources.total),
        sources.seed[0],
        np.uint64(len(sources.keys) - 1),
    )


@kernel
def _place(sources: SourceCells, slot: int, key: int) -> tuple[int, bool]:
    """(place of a source, whether it is new); -1 where it is not tracked."""
    at = np.uint64(mix(np.uint64(key) ^ sources.seed)) & sources.mask
    while True:
        found = get_word(sources.keys + 8 * int(np.int64(at)))
        if found == key:
            return int(np.int64(at)), False
        if found == 0:
            break
        at = (at + np.uint64(1)) & sources.mask
    tracked = sources.tracked + 8 * slot
    if get_word(tracked) >= _PER_STREAM or get_word(sources.total) >= _PLACES // 2:
        return -1, False
    put_word(tracked, get_word(tracked) + 1)
    put_word(sources.total, get_word(sources.total) + 1)
    put_word(sources.keys + 8 * int(np.int64(at)), key)
    return int(np.int64(at)), True


@inlined
def note_sample(sources: SourceCells, slot: int, kind: int, index: int, sequence: int, drops: int) -> int:
    """Account one sample of source ``kind``:``index``; returns how many the agent dropped since the one before."""
    key = 1 << 62 | slot << 40 | (kind & 0xFF) << 32 | index
    place, is_new = _place(sources, slot, key)
    if place < 0:
        return 0
    last = sources.last + 16 * place
    ahead = (sequence - get_word(last)) & _MASK
    dropped = (drops - get_word(last + 8)) & _MASK
    if not is_new and (ahead == 0 or ahead > _MASK - _REORDER):
        return 0
    put_word(last, sequence)
    put_word(last + 8, drops)
    return dropped if not is_new and ahead < _JUMP and dropped < _JUMP else 0
