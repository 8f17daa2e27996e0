"""JSON objects one after the other, of which a few members are wanted: flow logs of GCP and OCI.

A walk over the text, not a parse: what is not wanted is skipped eight bytes at a time. Members are found by a hash of
the path that leads to them. It is lenient about what it does not read, and bounded by the text.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.cloud.scan import BAD_JSON, OK, WORD, Table, again, clear, hashed, put, same
from weft.decode.kernels import inlined, kernel
from weft.decode.memory import address_of, get8, get_word, put_word
from weft.decode.probing import mixed

#: Members met in a text, to be expected again after the one before them: words of 8 bytes each.
_MOST_MEMBERS, _WIDTH = 512, 64
_BEGIN, _SIZE, _KIND, _COLUMN, _NEXT, _KEY, _PARENT = range(0, 56, 8)
_NAMES = 4 * _MOST_MEMBERS  # places to find them by their keys
#: Kind of a member that is an object with wanted members of its own.
BRANCH = 64
MOST_DEPTH = 16
#: Results of a walk besides an offset: the text ends before the object does, or it is no object.
INCOMPLETE, BROKEN = -1, -2

_QUOTE, _BACKSLASH, _OPEN, _CLOSE, _LIST, _END, _COMMA, _COLON = 34, 92, 123, 125, 91, 93, 44, 58
_QUOTES, _BACKSLASHES = np.uint64(0x2222222222222222), np.uint64(0x5C5C5C5C5C5C5C5C)
_ONES, _HIGHS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_ROOT = 0x243F6A8885A308D3


@inlined
def _first(marks: np.uint64) -> int:
    """Which of eight bytes is the first whose high bit is set."""
    lowest, found = marks & (~marks + np.uint64(1)), 0
    if not lowest & np.uint64(0xFFFFFFFF):
        lowest >>= np.uint64(32)
        found = 4
    if not lowest & np.uint64(0xFFFF):
        lowest >>= np.uint64(16)
        found += 2
    return found + int(not lowest & np.uint64(0xFF))


@inlined
def _string_end(at: int, end: int) -> int:
    """Address of the quote that ends the string whose first character is at ``at``; ``end`` where there is none."""
    while at + 8 <= end:
        word = np.uint64(get_word(at))
        quotes, slashes = word ^ _QUOTES, word ^ _BACKSLASHES
        marks = ((quotes - _ONES) & ~quotes | (slashes - _ONES) & ~slashes) & _HIGHS
        if not marks:
            at += 8
            continue
        at += _first(marks)
        if get8(at) == _QUOTE:
            return at
        at += 2
    while at < end and get8(at) != _QUOTE:
        at += 2 if get8(at) == _BACKSLASH else 1
    return min(at, end)


@inlined
def _blank(at: int, end: int) -> int:
    """The first character from ``at`` on that is not white space."""
    while at < end and get8(at) <= 32:
        at += 1
    return at


@inlined
def _scalar_end(at: int, end: int) -> int:
    while at < end:
        c = get8(at)
        if c <= 32 or c in (_COMMA, _CLOSE, _END):
            return at
        at += 1
    return at


@inlined
def skip_nested(at: int, end: int) -> int:
    """Past the object or list that begins at ``at``; ``INCOMPLETE`` where the text ends before."""
    depth = 0
    while at < end:
        c = get8(at)
        if c == _QUOTE:
            at = _string_end(at + 1, end)
        elif c in (_OPEN, _LIST):
            depth += 1
        elif c in (_CLOSE, _END):
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return INCOMPLETE


@inlined
def _place(keys: int, mask: int, key: int) -> int:
    """Where a key is in a table of pairs at ``keys``, or the free place where it belongs."""
    at = key & mask
    while True:
        met = get_word(keys + 16 * at)
        if met == 0 or met == key:
            return keys + 16 * at
        at = (at + 1) & mask


class Wanted(NamedTuple):
    """What is read of an object, and what was met so far, as kernels see them: where they lie in memory."""

    cells: int  # pairs of a path's key and kind << 32 | column
    mask: int
    members: int
    names: int  # pairs of a path's key and the address of its member


def path_key(path: str) -> int:
    """The key of a member by its path in dots, as the walk makes it."""
    return int(_path_key(np.frombuffer(path.encode(), np.uint8)))


@kernel
def _path_key(path: NDArray[np.uint8]) -> int:
    base = address_of(path)
    key, start, end = _ROOT, base, base + len(path)
    for at in range(base, end + 1):
        if at == end or get8(at) == 46:
            key = int(np.int64(mixed(np.uint64(key) ^ hashed(start, at, _ROOT, end)) | np.uint64(1)))
            start = at + 1
    return key


@inlined
def _remember(wanted: Wanted, key: int, parent: int, before: int, begin: int, size: int) -> int:
    """Note that a member follows the one ``before``; returns it, or the first of all where no more can be noted."""
    name = _place(wanted.names, _NAMES - 1, key)
    member = get_word(name + 8)
    if get_word(name) != key:
        count = get_word(wanted.members) + 1
        if count >= _MOST_MEMBERS:
            return wanted.members
        put_word(wanted.members, count)
        member = wanted.members + _WIDTH * count
        cell = _place(wanted.cells, wanted.mask, key)
        what = get_word(cell + 8) if get_word(cell) == key else 0
        put_word(name, key)
        put_word(name + 8, member)
        put_word(member + _BEGIN, begin)
        put_word(member + _SIZE, size)
        put_word(member + _KIND, what >> 32)
        put_word(member + _COLUMN, what & 0xFFFFFFFF)
        put_word(member + _KEY, key)
        put_word(member + _PARENT, parent)
    put_word(before + _NEXT, member)
    return member


@inlined
def _member(at: int, end: int, parent: int, last: int, wanted: Wanted, limit: int) -> tuple[int, int, int]:
    """The member whose name begins at ``at``: itself, what it is read as, and past its name; 0 where that has no end.

    Objects of a log are alike: the one that followed the ``last`` one before is tried first.
    """
    member = get_word(last + _NEXT)
    if member:
        size = get_word(member + _SIZE)
        if (
            get_word(member + _PARENT) == parent and at + size < end and get8(at + size) == _QUOTE
            and same(get_word(member + _BEGIN), at, size, limit)
        ):  # fmt: skip
            return member, get_word(member + _KEY), at + size + 1
    stop = _string_end(at, end)
    if stop >= end:
        return member, 0, 0
    key = int(np.int64(mixed(np.uint64(parent) ^ hashed(at, stop, _ROOT, limit)) | np.uint64(1)))
    return _remember(wanted, key, parent, last, at, stop - at), key, stop + 1


@inlined
def _walk(at: int, end: int, row: int, stack: int, wanted: Wanted, table: Table) -> tuple[int, int]:  # noqa: C901  one walk
    """Read the object at ``at`` into ``row``. Returns past its end, ``INCOMPLETE`` or ``BROKEN``, and what is wrong."""
    depth, reason, last, parent = 0, OK, wanted.members, _ROOT
    at += 1
    while True:
        at = _blank(at, end)
        if at >= end:
            return INCOMPLETE, reason
        c = get8(at)
        if c == _COMMA:
            at += 1
            continue
        if c == _CLOSE:
            at += 1
            if depth == 0:
                return at, reason
            depth -= 1
            parent = get_word(stack + 8 * depth)
            continue
        if c != _QUOTE:
            return BROKEN, reason
        last, key, at = _member(at + 1, end, parent, last, wanted, table.limit)
        if at == 0:
            return INCOMPLETE, reason
        at = _blank(at, end)
        if at >= end:
            return INCOMPLETE, reason
        if get8(at) != _COLON:
            return BROKEN, reason
        at = _blank(at + 1, end)
        if at >= end:
            return INCOMPLETE, reason
        # Without room to be noted a member is not read: a log has a few dozen.
        kind, column = (0, 0) if last == wanted.members else (get_word(last + _KIND), get_word(last + _COLUMN))
        c = get8(at)
        if c == _OPEN and kind == BRANCH and depth + 1 < MOST_DEPTH:
            put_word(stack + 8 * depth, parent)
            depth += 1
            parent = key
            at += 1
            continue
        if c in (_OPEN, _LIST):
            at = skip_nested(at, end)
            if at == INCOMPLETE:
                return INCOMPLETE, reason
            continue
        if c == _QUOTE:
            at += 1
            if kind == WORD:
                stop = again(at, end, _QUOTE, column, row, table)
                if stop:
                    at = stop + 1
                    continue
            stop = _string_end(at, end)
            after = stop + 1
        else:
            stop = after = _scalar_end(at, end)
            if c == 110:  # null
                kind = 0
        if stop >= end:
            return INCOMPLETE, reason
        if kind != 0 and kind != BRANCH and reason == OK:
            reason = put(kind, column, row, at, stop, table)
        at = after


@inlined
def _next_line(at: int, end: int) -> int:
    while at < end and get8(at) != 10:
        at += 1
    return at


@kernel
def parse_objects(
    data: NDArray[np.uint8], start: int, stop: int, cells: NDArray[np.int64], counts: tuple[int, int, int],
    table: Table, bad: NDArray[np.int64],
) -> tuple[int, int]:  # fmt: skip
    """A row for each object at the top (or in a list there) from offset ``start`` on.

    ``cells`` are the wanted members, ``counts`` the table's columns: numbers, words, addresses. An object that the text
    cuts off is left for the next time. What is no object is skipped to the next line. Returns the offset it came to and
    how many rows it read.
    """
    base = address_of(data)
    at, end, row = base + start, base + stop, 0
    done = at  # what only stands between objects belongs to the next one: it may be the end of the file for now
    stack, members = np.empty(MOST_DEPTH, np.int64), np.zeros(_MOST_MEMBERS * _WIDTH // 8, np.int64)
    names = np.zeros(2 * _NAMES, np.int64)
    wanted = Wanted(address_of(cells), len(cells) // 2 - 1, address_of(members), address_of(names))
    most_texts = (table.mask >> 1) - counts[1]
    while row < table.rows and get_word(table.spans) < most_texts:
        while at < end and get8(at) != _OPEN:
            c = get8(at)
            if c > 32 and c != _COMMA and c != _LIST and c != _END:
                bad[BAD_JSON] += 1
                at = done = _next_line(at, end)
            else:
                at += 1
        if at >= end:
            break
        after, reason = _walk(at, end, row, address_of(stack), wanted, table)
        if after >= 0 and reason == OK:
            at, done, row = after, after, row + 1
            continue
        clear(row, counts[0], counts[1], counts[2], table)
        if after == INCOMPLETE:
            break
        bad[BAD_JSON if after == BROKEN else reason] += 1
        at = done = _next_line(at, end) if after == BROKEN else after
    # The arrays must outlive the addresses taken of them.
    return done - base, row + 0 * (len(stack) + len(members) + len(names))


@kernel
def find_objects(data: NDArray[np.uint8], start: int, stop: int, spans: NDArray[np.int64]) -> tuple[int, int]:
    """Begin and end of each whole object from offset ``start`` on; returns how far it came and how many it found.

    Whatever stands between objects is passed over.
    """
    base = address_of(data)
    at, end, found = base + start, base + stop, 0
    done = at
    while found < len(spans):
        while at < end and get8(at) != _OPEN:
            at += 1
        if at >= end:
            break
        after = skip_nested(at, end)
        if after < 0:
            break
        spans[found, 0], spans[found, 1] = at - base, after - base
        found += 1
        at = done = after
    return done - base, found
