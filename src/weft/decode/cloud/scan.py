"""The smallest steps that every format of a flow log shares: numbers, addresses, times and words in text.

All work on a buffer of bytes between two offsets and allocate nothing. Texts that repeat from record to record are
interned: a cell becomes the number of its text, so that Python looks at each distinct text once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import inlined, kernel
from weft.decode.probing import mixed

Bytes = NDArray[np.uint8]

#: What a cell is read as.
SKIP, NUMBER, WORD, ADDRESS, SECONDS, MILLIS, STAMP = range(7)
#: Why a record is left out; the names are counted by source.
REASONS = ("ok", "bad_number", "bad_address", "bad_time", "too_many_words", "too_few_fields", "bad_json")
OK, BAD_NUMBER, BAD_ADDRESS, BAD_TIME, TOO_MANY_WORDS, TOO_FEW_FIELDS, BAD_JSON = range(7)
#: A word longer than this is cut.
MOST_WORD = 512

_SECOND = 1_000_000_000
_PRIME = np.uint64(0x9E3779B97F4A7C15)


@inlined
def load8(data: Bytes, at: int) -> np.uint64:
    """Eight bytes as a number, lowest first; the caller knows that they are there."""
    word = np.uint64(0)
    for i in range(8):
        word |= np.uint64(data[np.uint64(at + i)]) << np.uint64(8 * i)
    return word


@inlined
def hashed(data: Bytes, at: int, end: int, seed: np.uint64) -> np.uint64:
    """A hash of the bytes between two offsets; never 0."""
    h = seed ^ (np.uint64(end - at) * _PRIME)
    while at + 8 <= end:
        h = (h ^ load8(data, at)) * _PRIME
        h ^= h >> np.uint64(29)
        at += 8
    tail = np.uint64(0)
    shift = np.uint64(0)
    while at < end:
        tail |= np.uint64(data[np.uint64(at)]) << shift
        shift += np.uint64(8)
        at += 1
    return mixed(h ^ tail) | np.uint64(1)


@inlined
def number(data: Bytes, at: int, end: int) -> int:
    """Digits as a number; -1 where there is anything else. A fraction is dropped."""
    value = 0
    if at >= end or end - at > 20:
        return -1
    for i in range(at, end):
        digit = int(data[np.uint64(i)]) - 48
        if digit < 0 or digit > 9:
            return value if digit == -2 and i > at else -1  # -2 is the point
        value = value * 10 + digit
        if value < 0 or value > 4_000_000_000_000_000_000:
            return -1
    return value


@inlined
def _two(data: Bytes, at: int) -> int:
    high, low = int(data[np.uint64(at)]) - 48, int(data[np.uint64(at + 1)]) - 48
    if high < 0 or high > 9 or low < 0 or low > 9:
        return -10_000
    return high * 10 + low


@inlined
def stamp(data: Bytes, at: int, end: int) -> int:
    """RFC 3339 text as UTC nanoseconds; -1 where it is something else."""
    if end - at < 20:
        return -1
    year = _two(data, at) * 100 + _two(data, at + 2)
    month, day = _two(data, at + 5), _two(data, at + 8)
    hour, minute, second = _two(data, at + 11), _two(data, at + 14), _two(data, at + 17)
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
    fraction, unit = 0, _SECOND
    if data[np.uint64(at)] == 46:
        at += 1
        while at < end and unit > 1 and 48 <= data[np.uint64(at)] <= 57:
            unit //= 10
            fraction += (int(data[np.uint64(at)]) - 48) * unit
            at += 1
        while at < end and 48 <= data[np.uint64(at)] <= 57:
            at += 1
    if at >= end:
        return -1
    zone = data[np.uint64(at)]
    if zone == 43 or zone == 45:
        if end - at < 6:
            return -1
        offset = _two(data, at + 1) * 3600 + _two(data, at + 4) * 60
        if offset < 0:
            return -1
        ns += offset if zone == 45 else -offset
    elif zone != 90 and zone != 122:
        return -1
    return ns * _SECOND + fraction


@inlined
def _v4(data: Bytes, at: int, end: int) -> int:
    """Dotted quad as 32 bits; -1 where it is none."""
    value = octet = digits = dots = 0
    for i in range(at, end):
        c = int(data[np.uint64(i)])
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
def _v6(data: Bytes, at: int, end: int, out: Bytes) -> bool:
    """IPv6 text into 16 bytes (RFC 4291 §2.2)."""
    filled, gap, value, digits, first = 0, -1, 0, 0, at
    while at < end:
        c = int(data[np.uint64(at)])
        if c == 58:
            if digits:
                if filled > 14:
                    return False
                out[filled], out[filled + 1] = value >> 8, value & 255
                filled += 2
                value = digits = 0
                if at + 1 >= end:
                    return False
            if at + 1 < end and data[np.uint64(at + 1)] == 58:
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
            quad = _v4(data, first, end)
            if quad < 0 or filled > 12:
                return False
            for i in range(4):
                out[filled + i] = (quad >> (24 - 8 * i)) & 255
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
        out[filled], out[filled + 1] = value >> 8, value & 255
        filled += 2
    if gap < 0:
        return filled == 16
    if filled == 16:
        return False
    moved = filled - gap
    for i in range(moved):
        out[15 - i] = out[filled - 1 - i]
    for i in range(gap, 16 - moved):
        out[i] = 0
    return True


@inlined
def address(data: Bytes, at: int, end: int, out: Bytes) -> bool:
    """IPv4 or IPv6 text into 16 bytes, IPv4 mapped; false where it is neither."""
    quad = _v4(data, at, end)
    if quad >= 0:
        for i in range(10):
            out[i] = 0
        out[10] = out[11] = 255
        for i in range(4):
            out[12 + i] = (quad >> (24 - 8 * i)) & 255
        return True
    if end - at > 45 or end - at < 2:
        return False
    return _v6(data, at, end, out)


@inlined
def intern(
    data: Bytes, at: int, end: int, seed: np.uint64, slots: NDArray[np.uint64], codes: NDArray[np.int32],
    spans: NDArray[np.int64],
) -> int:  # fmt: skip
    """The number of a text; new ones are appended to ``spans``, whose row 0 holds the count. -1 = there are too many."""
    end = min(end, at + MOST_WORD)
    key = hashed(data, at, end, seed)
    mask = np.uint64(len(slots) - 1)
    place = key & mask
    while slots[place] != np.uint64(0):
        if slots[place] == key:
            code = codes[place]
            if spans[code, 1] - spans[code, 0] == end - at:
                same = True
                for i in range(end - at):
                    if data[np.uint64(spans[code, 0] + i)] != data[np.uint64(at + i)]:
                        same = False
                        break
                if same:
                    return int(code)
        place = (place + np.uint64(1)) & mask
    code = np.int32(spans[0, 0])
    if code >= len(spans):
        return -1
    slots[place], codes[place] = key, code
    spans[code, 0], spans[code, 1] = at, end
    spans[0, 0] += 1
    return int(code)


@inlined
def put(
    kind: int, column: int, row: int, data: Bytes, at: int, end: int, seed: np.uint64,
    numbers: NDArray[np.int64], words: NDArray[np.int32], addresses: NDArray[np.uint8],
    slots: NDArray[np.uint64], codes: NDArray[np.int32], spans: NDArray[np.int64],
) -> int:  # fmt: skip
    """Read one cell into its column; a lone ``-`` and nothing are left at zero. Returns one of the reasons."""
    if at >= end or (end - at == 1 and data[np.uint64(at)] == 45):
        return OK
    if kind == WORD:
        code = intern(data, at, end, seed, slots, codes, spans)
        if code < 0:
            return TOO_MANY_WORDS
        words[column, row] = code
        return OK
    if kind == ADDRESS:
        return OK if address(data, at, end, addresses[column, row]) else BAD_ADDRESS
    if kind == STAMP:
        ns = stamp(data, at, end)
        numbers[column, row] = ns
        return OK if ns >= 0 else BAD_TIME
    value = number(data, at, end)
    if value < 0:
        return BAD_NUMBER
    if kind == NUMBER:
        numbers[column, row] = value
        return OK
    if value > 8_000_000_000_000:
        return BAD_TIME
    if kind == SECONDS and value > 8_000_000_000:
        return BAD_TIME
    numbers[column, row] = value * (_SECOND if kind == SECONDS else 1_000_000)
    return OK


@kernel
def parse_addresses(data: Bytes, offsets: NDArray[np.int64], out: NDArray[np.uint8]) -> int:
    """Texts one after the other in ``data``, ``offsets`` of them and one more; returns how many are no addresses."""
    bad = 0
    for i in range(len(offsets) - 1):
        at, end = offsets[i], offsets[i + 1]
        if end - at <= 1:
            continue
        if not address(data, at, end, out[i]):
            out[i] = 0
            bad += 1
    return bad
