"""The data sources of sFlow agents: what each says of its own sequence and of the samples it had to drop.

A source (an interface, usually) numbers its samples and counts those it could not send. The counts only mean something
as differences, so the last ones are remembered per source, within bounds that no sender can exceed or fill for others.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.counters import C_AGENT_DROPS
from weft.decode.flow.hashing import mix
from weft.decode.kernels import kernel

_PLACES = 1 << 18
_PER_STREAM = 8192
_WRAP = 1 << 32
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


@kernel
def _place(sources: SampleSources, slot: int, key: np.uint64) -> tuple[int, bool]:
    """(place of a source, whether it is new); -1 where it is not tracked."""
    mask = np.uint64(len(sources.keys) - 1)
    at = mix(key ^ sources.seed[0]) & mask
    while sources.keys[at] != np.uint64(0):
        if sources.keys[at] == key:
            return int(np.int64(at)), False
        at = (at + np.uint64(1)) & mask
    if sources.tracked[slot] >= _PER_STREAM or 2 * sources.total[0] >= len(sources.keys):
        return -1, False
    sources.tracked[slot] += 1
    sources.total[0] += 1
    sources.keys[at] = key
    return int(np.int64(at)), True


@kernel
def note_sample(
    sources: SampleSources,
    counters: NDArray[np.int64],
    slot: int,
    kind: int,
    index: int,
    sequence: int,
    drops: int,
) -> None:
    """Account one sample of source ``kind``:``index``: adds what the agent dropped since the one before."""
    key = np.uint64(1 << 63) | np.uint64(slot) << np.uint64(40) | np.uint64((kind & 0xFF) << 32 | index)
    place, is_new = _place(sources, slot, key)
    if place < 0:
        return
    last = sources.last[place]
    ahead = (sequence - last[0]) % _WRAP
    if not is_new:
        if ahead == 0 or ahead > _WRAP - _REORDER:
            return
        dropped = (drops - last[1]) % _WRAP
        if ahead < _JUMP and dropped < _JUMP:
            counters[slot, C_AGENT_DROPS] += dropped
    last[0], last[1] = sequence, drops
