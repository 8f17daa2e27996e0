"""JSON objects one after the other, of which a few members are wanted: flow logs of GCP and OCI.

A walk over the text, not a parse: what is not wanted is skipped eight bytes at a time. Members are found by a hash of
the path that leads to them. It is lenient about what it does not read, and bounded by the text.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.cloud.scan import BAD_JSON, OK, Bytes, hashed, load8, put
from weft.decode.kernels import inlined, kernel
from weft.decode.probing import mixed, place

#: Kind of a member that is an object with wanted members of its own.
BRANCH = 64
MOST_DEPTH = 16
#: Results of a walk besides an offset: the text ends before the object does, or it is no object.
INCOMPLETE, BROKEN = -1, -2

_QUOTE, _BACKSLASH, _OPEN, _CLOSE, _LIST, _END, _COMMA, _COLON = 34, 92, 123, 125, 91, 93, 44, 58
_QUOTES, _BACKSLASHES = np.uint64(0x2222222222222222), np.uint64(0x5C5C5C5C5C5C5C5C)
_ONES, _HIGHS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_ROOT = np.uint64(0x243F6A8885A308D3)


@inlined
def _string_end(data: Bytes, at: int, end: int) -> int:
    """Offset of the quote that ends the string whose first character is at ``at``; ``end`` where there is none."""
    while True:
        while at + 8 <= end:
            word = load8(data, at)
            quotes, slashes = word ^ _QUOTES, word ^ _BACKSLASHES
            if ((quotes - _ONES) & ~quotes | (slashes - _ONES) & ~slashes) & _HIGHS:
                break
            at += 8
        while at < end and data[np.uint64(at)] != _QUOTE and data[np.uint64(at)] != _BACKSLASH:
            at += 1
        if at >= end or data[np.uint64(at)] == _QUOTE:
            return min(at, end)
        at += 2


@inlined
def _blank(data: Bytes, at: int, end: int) -> int:
    """The first character from ``at`` on that is not white space."""
    while at < end and data[np.uint64(at)] <= 32:
        at += 1
    return at


@inlined
def _scalar_end(data: Bytes, at: int, end: int) -> int:
    while at < end:
        c = data[np.uint64(at)]
        if c <= 32 or c == _COMMA or c == _CLOSE or c == _END:
            return at
        at += 1
    return at


@inlined
def skip_nested(data: Bytes, at: int, end: int) -> int:
    """Past the object or list that begins at ``at``; ``INCOMPLETE`` where the text ends before."""
    depth = 0
    while at < end:
        c = data[np.uint64(at)]
        if c == _QUOTE:
            at = _string_end(data, at + 1, end)
        elif c == _OPEN or c == _LIST:
            depth += 1
        elif c == _CLOSE or c == _END:
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return INCOMPLETE


def path_key(path: str) -> int:
    """The key of a member by its path in dots, as the walk makes it."""
    return int(_path_key(np.frombuffer(path.encode(), np.uint8)))


@kernel
def _path_key(path: Bytes) -> np.uint64:
    key, start = _ROOT, 0
    for i in range(len(path) + 1):
        if i == len(path) or path[i] == 46:
            key = mixed(key ^ hashed(path, start, i, _ROOT)) | np.uint64(1)
            start = i + 1
    return key


@inlined
def _walk(
    data: Bytes, at: int, end: int, row: int, keys: NDArray[np.uint64], kinds: NDArray[np.int8],
    columns: NDArray[np.int32], stack: NDArray[np.uint64], seed: np.uint64, numbers: NDArray[np.int64],
    words: NDArray[np.int32], addresses: NDArray[np.uint8], slots: NDArray[np.uint64], codes: NDArray[np.int32],
    spans: NDArray[np.int64], bad: NDArray[np.int64],
) -> int:  # fmt: skip
    """Read the object at ``at`` into ``row``. Returns past its end, or ``INCOMPLETE`` or ``BROKEN``.

    The last cell of ``bad`` gets the reason for which the row must be left out.
    """
    depth, reason = 0, OK
    stack[0] = _ROOT
    at += 1
    while True:
        at = _blank(data, at, end)
        if at >= end:
            return INCOMPLETE
        c = data[np.uint64(at)]
        if c == _COMMA:
            at += 1
            continue
        if c == _CLOSE:
            at += 1
            if depth == 0:
                bad[-1] = reason
                return at
            depth -= 1
            continue
        if c != _QUOTE:
            return BROKEN
        stop = _string_end(data, at + 1, end)
        if stop >= end:
            return INCOMPLETE
        key = mixed(stack[depth] ^ hashed(data, at + 1, stop, _ROOT)) | np.uint64(1)
        at = _blank(data, stop + 1, end)
        if at >= end:
            return INCOMPLETE
        if data[np.uint64(at)] != _COLON:
            return BROKEN
        at = _blank(data, at + 1, end)
        if at >= end:
            return INCOMPLETE
        found = place(keys, key)
        kind = kinds[found] if keys[found] == key else np.int8(0)
        c = data[np.uint64(at)]
        if c == _OPEN and kind == BRANCH and depth + 1 < len(stack):
            depth += 1
            stack[depth] = key
            at += 1
            continue
        if c == _OPEN or c == _LIST:
            at = skip_nested(data, at, end)
            if at == INCOMPLETE:
                return INCOMPLETE
            continue
        if c == _QUOTE:
            at += 1
            stop = _string_end(data, at, end)
            after = stop + 1
        else:
            stop = after = _scalar_end(data, at, end)
            if c == 110:  # null
                kind = np.int8(0)
        if stop >= end:
            return INCOMPLETE
        if kind != 0 and kind != BRANCH and reason == OK:
            reason = put(
                kind, columns[found], row, data, at, stop, seed, numbers, words, addresses, slots, codes, spans
            )
        at = after


@kernel
def parse_objects(
    data: Bytes, at: int, end: int, keys: NDArray[np.uint64], kinds: NDArray[np.int8], columns: NDArray[np.int32],
    seed: np.uint64, numbers: NDArray[np.int64], words: NDArray[np.int32], addresses: NDArray[np.uint8],
    slots: NDArray[np.uint64], codes: NDArray[np.int32], spans: NDArray[np.int64], bad: NDArray[np.int64],
) -> tuple[int, int]:  # fmt: skip
    """A row for each object at the top (or in a list there). Returns how far it came and how many rows it read.

    An object that the text cuts off is left for the next time. What is no object is skipped to the next line.
    """
    row = 0
    most_rows, most_words = numbers.shape[1], len(slots) // 2
    stack = np.empty(MOST_DEPTH, np.uint64)
    while row < most_rows and spans[0, 0] < most_words - len(kinds):
        while at < end and data[np.uint64(at)] != _OPEN:
            c = data[np.uint64(at)]
            if c > 32 and c != _COMMA and c != _LIST and c != _END:
                bad[BAD_JSON] += 1
                while at < end and data[np.uint64(at)] != 10:
                    at += 1
                break
            at += 1
        if at >= end:
            break
        if data[np.uint64(at)] != _OPEN:
            continue
        after = _walk(
            data, at, end, row, keys, kinds, columns, stack, seed, numbers, words, addresses, slots, codes, spans, bad
        )
        if after >= 0 and bad[-1] == OK:
            at, row = after, row + 1
            continue
        numbers[:, row] = 0
        words[:, row] = 0
        addresses[:, row] = 0
        if after == INCOMPLETE:
            break
        if after == BROKEN:
            bad[BAD_JSON] += 1
            while at < end and data[np.uint64(at)] != 10:
                at += 1
        else:
            bad[bad[-1]] += 1
            at = after
    return at, row


@kernel
def find_objects(data: Bytes, at: int, end: int, spans: NDArray[np.int64]) -> tuple[int, int]:
    """Begin and end of each whole object from ``at`` on; returns how far it came and how many it found.

    Whatever stands between objects is passed over.
    """
    found = 0
    while found < len(spans):
        while at < end and data[np.uint64(at)] != _OPEN:
            at += 1
        if at >= end:
            break
        after = skip_nested(data, at, end)
        if after < 0:
            break
        spans[found, 0], spans[found, 1] = at, after
        found += 1
        at = after
    return at, found
