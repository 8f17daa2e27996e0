"""Where the kernels write routes, and the steps that BGP messages and table dumps share.

A *set* is a block of path attributes in its canonical form (``attributes.canonical``), written to ``arena`` once per
call and found again by content, so that the interpreter sees each set of a call once. Nothing is written past what
``has_room`` promised.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.hashing import mix
from weft.decode.kernels import be8, be16, be32, inlined, kernel
from weft.decode.memory import address_of, get_word

#: Rows, octets of sets and sets of one call. A message of 65 535 octets fits by itself.
ROWS, ARENA, SETS = 1 << 17, 1 << 20, 1 << 13
_SPARE = 1 << 17  # octets that the sets of one message may need: two, and their headers grow by one octet each
_SEED = np.uint64(secrets.randbits(64))

#: What became of a message; from 3 on it is no routes at all, from 5 on its routes are withdrawn (RFC 7606).
FINE, OTHER_FAMILY, END_OF_RIB, BAD_LENGTH, BAD_NLRI, BAD_ATTRIBUTES, MISSING, BAD_NEXT_HOP = range(8)
REASONS = ("", "", "", "update_length", "nlri", "attribute_length", "missing_attribute", "next_hop")


class Sink(NamedTuple):
    """Columns of routes and the sets that they refer to."""

    withdrawn: NDArray[np.bool_]  # [ROWS]
    family: NDArray[np.uint8]
    prefix: NDArray[np.uint8]  # [ROWS, 16]
    prefix_length: NDArray[np.uint8]
    path_id: NDArray[np.uint32]
    group: NDArray[np.int32]  # set of the row; -1 = none
    message: NDArray[np.int32]  # which message the row is of
    arena: NDArray[np.uint8]  # [ARENA + 8] canonical sets
    starts: NDArray[np.int64]  # [SETS + 1] set i is arena[starts[i]:starts[i + 1]]
    table: NDArray[np.int32]  # [2 * SETS] hash table: number of a set + 1
    used: NDArray[np.int64]  # [2] rows, sets
    seed: np.uint64

    @classmethod
    def new(cls) -> Sink:
        """An empty one."""
        return cls(
            np.empty(ROWS, np.bool_), np.empty(ROWS, np.uint8), np.empty((ROWS, 16), np.uint8),
            np.empty(ROWS, np.uint8), np.empty(ROWS, np.uint32), np.empty(ROWS, np.int32), np.empty(ROWS, np.int32),
            np.empty(ARENA + 8, np.uint8), np.zeros(SETS + 1, np.int64), np.zeros(2 * SETS, np.int32),
            np.zeros(2, np.int64), _SEED,
        )  # fmt: skip


@kernel
def clear(sink: Sink) -> None:
    """Make the sink empty."""
    if sink.used[1]:
        sink.table[:] = 0
    sink.used[:] = 0


@inlined
def has_room(sink: Sink, octets: int) -> bool:
    """A message of that many octets fits, whatever it holds."""
    sets = sink.used[1]
    fits = sink.used[0] + octets <= ROWS and sink.starts[sets] + _SPARE + 2 * octets <= ARENA
    return bool(fits and sets + 2 <= SETS)


@inlined
def add_set(sink: Sink, end: int) -> int:
    """The number of the set written from ``starts[sets]`` up to ``end``: its own, or that of its like."""
    sets = sink.used[1]
    start = sink.starts[sets]
    base = address_of(sink.arena)
    h = sink.seed ^ np.uint64(end - start)
    at = start
    while at + 8 <= end:
        h = mix(h ^ np.uint64(get_word(base + at)))
        at += 8
    tail = np.uint64(0)
    while at < end:
        tail = (tail << np.uint64(8)) | np.uint64(sink.arena[at])
        at += 1
    mask = np.uint64(len(sink.table) - 1)
    place = mix(h ^ tail) & mask
    while sink.table[place] != 0:
        known = sink.table[place] - 1
        if _is_same(sink.arena, sink.starts[known], sink.starts[known + 1], start, end):
            return int(known)
        place = (place + np.uint64(1)) & mask
    sink.table[place] = sets + 1
    sink.starts[sets + 1] = end
    sink.used[1] = sets + 1
    return int(sets)


@inlined
def _is_same(arena: NDArray[np.uint8], one: int, one_end: int, two: int, two_end: int) -> bool:
    if one_end - one != two_end - two:
        return False
    for at in range(two_end - two):
        if arena[one + at] != arena[two + at]:
            return False
    return True


@inlined
def put_attribute(arena: NDArray[np.uint8], to: int, flags: int, code: int, length: int) -> int:
    """The header of an attribute in canonical form; where its value goes."""
    arena[to] = np.uint8(flags & 0xE0)
    arena[to + 1] = np.uint8(code)
    arena[to + 2] = np.uint8(length >> 8)
    arena[to + 3] = np.uint8(length & 0xFF)
    return to + 4


@inlined
def copy(data: NDArray[np.uint8], at: int, length: int, arena: NDArray[np.uint8], to: int) -> int:
    """Octets to the arena; where the next go."""
    for offset in range(length):
        arena[to + offset] = data[at + offset]
    return to + length


@inlined
def attribute_head(data: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """Where the value of the attribute at ``at`` begins and ends; (-1, -1) where it does not fit."""
    if at + 3 > end:
        return -1, -1
    if be8(data, at) & 0x10:
        if at + 4 > end:
            return -1, -1
        first, length = at + 4, be16(data, at + 2)
    else:
        first, length = at + 3, be8(data, at + 2)
    if first + length > end:
        return -1, -1
    return first, first + length


@inlined
def put_address(sink: Sink, row: int, data: NDArray[np.uint8], at: int, bits: int, is_v6: bool) -> None:
    """A prefix of ``bits`` bits whose octets lie at ``at``; the bits behind it are cleared."""
    first = 0 if is_v6 else 12
    octets = (bits + 7) >> 3
    for place in range(16):
        sink.prefix[row, place] = 0
    if not is_v6:
        sink.prefix[row, 10] = 255
        sink.prefix[row, 11] = 255
    for place in range(octets):
        sink.prefix[row, first + place] = data[at + place]
    if bits & 7:
        sink.prefix[row, first + octets - 1] &= np.uint8((0xFF00 >> (bits & 7)) & 0xFF)


@inlined
def put_prefixes(
    sink: Sink, data: NDArray[np.uint8], at: int, end: int, family: int, has_id: bool, group: int, message: int
) -> bool:
    """Rows for the NLRI between ``at`` and ``end`` (RFC 4271 §4.3, 7911); ``group`` -1 = withdrawn. False = damaged."""
    is_v6 = family == 2 or family == 4
    most = 128 if is_v6 else 32
    row = sink.used[0]
    while at < end:
        path_id = 0
        if has_id:
            if at + 5 > end:
                return False
            path_id = be32(data, at)
            at += 4
        bits = be8(data, at)
        octets = (bits + 7) >> 3
        if bits > most or at + 1 + octets > end:
            return False
        put_address(sink, row, data, at + 1, bits, is_v6)
        sink.withdrawn[row] = group < 0
        sink.family[row] = family
        sink.prefix_length[row] = bits
        sink.path_id[row] = path_id
        sink.group[row] = group
        sink.message[row] = message
        row += 1
        at += 1 + octets
    sink.used[0] = row
    return True
