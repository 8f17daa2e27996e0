"""The smallest steps that every format of a flow log shares: numbers, addresses, times and words in text.

All work on text between two addresses in memory (see ``decode.memory``; the kernels that call them hold the buffers)
and allocate nothing. Texts that repeat from record to record are interned: a cell becomes the number of its text, so
that Python looks at each distinct text once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import inlined, kernel
from weft.decode.memory import address_of, get8, get32_little, get_word, put8, put32, put_word
from weft.decode.probing import mixed

#: What a cell is read as.
SKIP, NUMBER, WORD, ADDRESS, SECONDS, MILLIS, STAMP = range(7)
#: Why a record is left out; the names are counted by source.
REASONS = ("ok", "bad_number", "bad_address", "bad_time", "too_many_words", "too_few_fields", "bad_json")
OK, BAD_NUMBER, BAD_ADDRESS, BAD_TIME, TOO_MANY_WORDS, TOO_FEW_FIELDS, BAD_JSON = range(7)
#: A word longer than this is cut.
MOST_WORD = 512

_SECOND = 1_000_000_000
_PRIME = np.uint64(0x9E3779B97F4A7C15)


class Table(NamedTuple):
    """The columns to fill and the texts met, as kernels see them: where they lie in memory."""

    limit: int  # end of the buffer that the text is in
    seed: int
    rows: int  # that the columns have room for
    numbers: int  # [column, row] of 8 bytes
    words: int  # [column, row] of 4
    addresses: int  # [column, row] of 16
    slots: int  # hashes of texts, 8 bytes each; 0 = free
    mask: int  # number of slots less one
    codes: int  # the number of each slot's text, 4 bytes
    spans: int  # begin and end of each text by its number, 8 bytes each; the first pair holds how many there are


@inlined
def tail8(at: int, end: int, limit: int) -> np.uint64:
    """The fewer than eight bytes between two addresses as a number, lowest first."""
    size = end - at
    if size <= 0:
        return np.uint64(0)
    if at + 8 <= limit:
        return np.uint64(get_word(at)) & ((np.uint64(1) << np.uint64(8 * size)) - np.uint64(1))
    word = np.uint64(0)
    for i in range(size):
        word |= np.uint64(get8(at + i)) << np.uint64(8 * i)
    return word


@inlined
def same(one: int, other: int, size: int, limit: int) -> bool:
    """Whether ``size`` bytes at two addresses are equal."""
    while size >= 8:
        if get_word(one) != get_word(other):
            return False
        one += 8
        other += 8
        size -= 8
    return bool(tail8(one, one + size, limit) == tail8(other, other + size, limit))


@inlined
def hashed(at: int, end: int, seed: int, limit: int) -> np.uint64:
    """A hash of the bytes between two addresses; never 0."""
    h = np.uint64(seed) ^ (np.uint64(end - at) * _PRIME)
    while at + 8 <= end:
        h = (h ^ np.uint64(get_word(at))) * _PRIME
        h ^= h >> np.uint64(29)
        at += 8
    return mixed(h ^ tail8(at, end, limit)) | np.uint64(1)


@inlined
def number(at: int, end: int) -> int:
    """Digits as a number; -1 where there is anything else. A fraction is dropped."""
    value = 0
    if at >= end or end - at > 20:
        return -1
    for i in range(at, end):
        digit = get8(i) - 48
        if digit < 0 or digit > 9:
            return value if digit == -2 and i > at else -1  # -2 is the point
        value = value * 10 + digit
        if value < 0 or value > 4_000_000_000_000_000_000:
            return -1
    return value


@inlined
def _two(at: int) -> int:
    high, low = get8(at) - 48, get8(at + 1) - 48
    if high < 0 or high > 9 or low < 0 or low > 9:
        return -10_000
    return high * 10 + low


@inlined
def stamp(at: int, end: int) -> int:
    """RFC 3339 text as UTC nanoseconds; -1 where it is something else."""
    if end - at < 20:
        return -1
    year = _two(at) * 100 + _two(at + 2)
    month, day = _two(at + 5), _two(at + 8)
    hour, minute, second = _two(at + 11), _two(at + 14), _two(at + 17)
    if year < 1970 or year > 2250 or month < 1 or month > 12 or day < 1 or day > 31:
        return -1
    if hour < 0 or hour > 23 or minute < 0 or minute > 59 or second < 0 or second > 60:
        return -1
    y = year - (month <= 2)  # days since 1970 by the civil calendar (H. Hinnant's algorithm)
    era = y // 400
    of_era = y - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    days = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
    ns = ((days * 24 + hour) * 60 + minute) * 60 + second
    at += 19
    fraction, digits = 0, 0
    if get8(at) == 46:
        at += 1
        while at < end and 48 <= get8(at) <= 57:
            if digits < 9:
                fraction = fraction * 10 + get8(at) - 48
                digits += 1
            at += 1
        while digits < 9:
            fraction *= 10
            digits += 1
    if at >= end:
        return -1
    zone = get8(at)
    if zone == 43 or zone == 45:
        if end - at < 6:
            return -1
        offset = _two(at + 1) * 3600 + _two(at + 4) * 60
        if offset < 0:
            return -1
        ns += offset if zone == 45 else -offset
    elif zone != 90 and zone != 122:
        return -1
    return ns * _SECOND + fraction


@inlined
def _v4(at: int, end: int) -> int:
    """Dotted quad as 32 bits; -1 where it is none."""
    value = octet = digits = dots = 0
    for i in range(at, end):
        c = get8(i)
        if 48 <= c <= 57:
            octet = octet * 10 + c - 48
            digits += 1
            if digits > 3 or octet > 255:
                return -1
        elif c == 46 and digits and dots < 3:
            value = value << 8 | octet
            octet = digits = 0
            dots += 1
        else:
            return -1
    return value << 8 | octet if dots == 3 and digits else -1


@inlined
def _hex(c: int) -> int:
    if 48 <= c <= 57:
        return c - 48
    c |= 32
    return c - 87 if 97 <= c <= 102 else -1


@inlined
def _v6(at: int, end: int, out: int) -> bool:  # noqa: C901  one pass, as a kernel reads it
    """IPv6 text into 16 bytes (RFC 4291 §2.2)."""
    filled, gap, value, digits, first = 0, -1, 0, 0, at
    while at < end:
        c = get8(at)
        if c == 58:
            if digits:
                if filled > 14:
                    return False
                put8(out + filled, value >> 8)
                put8(out + filled + 1, value & 255)
                filled += 2
                value = digits = 0
                if at + 1 >= end:
                    return False
            if at + 1 < end and get8(at + 1) == 58:
                if gap >= 0:
                    return False
                gap = filled
                at += 1
            elif at == first:
                return False
            at += 1
            first = at
            continue
        if c == 46:
            quad = _v4(first, end)
            if quad < 0 or filled > 12:
                return False
            for i in range(4):
                put8(out + filled + i, quad >> (24 - 8 * i))
            filled += 4
            digits = 0
            break
        digit = _hex(c)
        digits += 1
        if digit < 0 or digits > 4:
            return False
        value = value << 4 | digit
        at += 1
    if digits:
        if filled > 14:
            return False
        put8(out + filled, value >> 8)
        put8(out + filled + 1, value & 255)
        filled += 2
    if gap < 0:
        return filled == 16
    if filled == 16:
        return False
    moved = filled - gap
    for i in range(moved):
        put8(out + 15 - i, get8(out + filled - 1 - i))
    for i in range(gap, 16 - moved):
        put8(out + i, 0)
    return True


@inlined
def address(at: int, end: int, out: int) -> bool:
    """IPv4 or IPv6 text into 16 bytes, IPv4 mapped; false where it is neither."""
    quad = _v4(at, end)
    if quad >= 0:
        put_word(out, 0)
        put32(out + 8, 0xFFFF0000)
        for i in range(4):
            put8(out + 12 + i, quad >> (24 - 8 * i))
        return True
    if end - at > 45 or end - at < 2:
        return False
    return _v6(at, end, out)


@inlined
def intern(at: int, end: int, table: Table) -> int:
    """The number of a text; -1 = there are too many."""
    end = min(end, at + MOST_WORD)
    key = int(np.int64(hashed(at, end, table.seed, table.limit)))
    place = key & table.mask
    while True:
        met = get_word(table.slots + 8 * place)
        if met == 0:
            break
        if met == key:
            code = get32_little(table.codes + 4 * place)
            begin = get_word(table.spans + 16 * code)
            size = get_word(table.spans + 16 * code + 8) - begin
            if size == end - at and same(begin, at, size, table.limit):
                return code
        place = (place + 1) & table.mask
    code = get_word(table.spans)
    if code > table.mask >> 1:
        return -1
    put_word(table.slots + 8 * place, key)
    put32(table.codes + 4 * place, code)
    put_word(table.spans + 16 * code, at)
    put_word(table.spans + 16 * code + 8, end)
    put_word(table.spans, code + 1)
    return code


@inlined
def again(at: int, end: int, closing: int, column: int, row: int, table: Table) -> int:
    """Where the cell at ``at`` ends if it is the text of the row before, up to ``closing``; else 0. Fills it in."""
    if row == 0:
        return 0
    cell = table.words + 4 * (column * table.rows + row)
    code = get32_little(cell - 4)
    if code == 0:
        return 0
    begin = get_word(table.spans + 16 * code)
    size = get_word(table.spans + 16 * code + 8) - begin
    if at + size >= end or get8(at + size) != closing or not same(begin, at, size, table.limit):
        return 0
    put32(cell, code)
    return at + size


@inlined
def put(kind: int, column: int, row: int, at: int, end: int, table: Table) -> int:
    """Read one cell into its column; a lone ``-`` and nothing are left at zero. Returns one of the reasons."""
    if at >= end or (end - at == 1 and get8(at) == 45):
        return OK
    place = column * table.rows + row
    if kind == WORD:
        code = intern(at, end, table)
        if code < 0:
            return TOO_MANY_WORDS
        put32(table.words + 4 * place, code)
        return OK
    if kind == ADDRESS:
        return OK if address(at, end, table.addresses + 16 * place) else BAD_ADDRESS
    if kind == STAMP:
        ns = stamp(at, end)
        put_word(table.numbers + 8 * place, ns)
        return OK if ns >= 0 else BAD_TIME
    value = number(at, end)
    if value < 0:
        return BAD_NUMBER
    if kind != NUMBER:
        if value > (8_000_000_000 if kind == SECONDS else 8_000_000_000_000):
            return BAD_TIME
        value *= _SECOND if kind == SECONDS else 1_000_000
    put_word(table.numbers + 8 * place, value)
    return OK


@inlined
def clear(row: int, numbers: int, words: int, addresses: int, table: Table) -> None:
    """Empty a row of so many columns."""
    for column in range(numbers):
        put_word(table.numbers + 8 * (column * table.rows + row), 0)
    for column in range(words):
        put32(table.words + 4 * (column * table.rows + row), 0)
    for column in range(addresses):
        put_word(table.addresses + 16 * (column * table.rows + row), 0)
        put_word(table.addresses + 16 * (column * table.rows + row) + 8, 0)


@kernel
def table_of(
    data: NDArray[np.uint8], seed: int, numbers: NDArray[np.int64], words: NDArray[np.int32],
    addresses: NDArray[np.uint8], slots: NDArray[np.int64], codes: NDArray[np.int32], spans: NDArray[np.int64],
) -> Table:  # fmt: skip
    """The table of some arrays, for text in ``data``."""
    return Table(
        address_of(data) + len(data), seed, numbers.shape[1], address_of(numbers), address_of(words),
        address_of(addresses), address_of(slots), len(slots) - 1, address_of(codes), address_of(spans),
    )  # fmt: skip


@kernel
def parse_addresses(data: NDArray[np.uint8], offsets: NDArray[np.int64], out: NDArray[np.uint8]) -> int:
    """Texts one after the other in ``data``, ``offsets`` of them and one more; returns how many are no addresses."""
    base, bad = address_of(data), 0
    for i in range(len(offsets) - 1):
        at, end = base + offsets[i], base + offsets[i + 1]
        if end - at > 1 and not address(at, end, address_of(out) + 16 * i):
            out[i] = 0
            bad += 1
    return bad
