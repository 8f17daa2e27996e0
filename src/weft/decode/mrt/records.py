"""MRT records and the heads of BGP4MP messages, compiled (RFC 6396 §2, §4.4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import be8, be16, be32, inlined, kernel

HEADER = 12
BGP, TABLE_DUMP, TABLE_DUMP_V2, BGP4MP, BGP4MP_ET = 5, 12, 13, 16, 17
#: Longest record believed: a table's record has at most 65 535 entries of some hundred octets.
LONGEST = 16 << 20
_LONGEST_MESSAGE = 65_535 + 64
_DAY = 86_400

#: Columns of what ``cut`` finds.
R_AT, R_END, R_TYPE, R_SUBTYPE, R_TIME = range(5)
#: Columns of what ``heads`` finds; M_KIND: 2 an UPDATE, other BGP types, 0 a state change, -1 damaged.
M_KIND, M_START, M_END, M_PEER_AS, M_OLD, M_NEW = range(6)


@kernel
def cut(
    data: NDArray[np.uint8], first: int, is_last: bool, near: int, rows: NDArray[np.int64]
) -> tuple[int, int, int, int]:
    """Whole records from ``first`` on: how many, where to go on, damaged stretches, and the seconds of the last header.

    ``rows[i]``: where the record's content begins and ends, type, subtype, UTC ns. The microseconds of an extended time
    stamp are part of the time. A record that no header follows was damaged when it was written (collectors died in the
    middle of one): reading goes on at the next header within a day of ``near``, the last one's seconds (0 = none yet).
    """
    count, at, damaged = 0, first, 0
    while count < len(rows) and at + HEADER <= len(data):
        after = _after(data, at)
        is_whole = after >= 0 and after <= len(data)
        if after >= 0 and not is_whole and not is_last:
            break
        if is_whole and after + HEADER > len(data) and not is_last:
            break
        if is_whole and (after + HEADER > len(data) or _after(data, after) >= 0):
            kind, start, time = be16(data, at + 4), at + HEADER, be32(data, at) * 1_000_000_000
            if kind == BGP4MP_ET and after - start >= 4:
                time += be32(data, start) * 1_000
                start += 4
            row = rows[count]
            row[R_AT], row[R_END], row[R_TYPE], row[R_SUBTYPE] = start, after, kind, be16(data, at + 6)
            row[R_TIME] = time
            near = be32(data, at)
            count += 1
            at = after
            continue
        if after > len(data) and not _is_followed(data, at, near):
            break  # the file ends inside a record
        damaged += 1
        at += 1
        while at + HEADER <= len(data) and (_after(data, at) < 0 or abs(be32(data, at) - near) > _DAY):
            at += 1
        if near == 0:
            return count, at, damaged, near
    return count, at, damaged, near


@inlined
def _is_followed(data: NDArray[np.uint8], at: int, near: int) -> bool:
    """Headers follow inside a record that runs past the end: its length is damaged, not the file cut off."""
    found = 0
    for place in range(at + 1, len(data) - HEADER + 1):
        if _after(data, place) >= 0 and abs(be32(data, place) - near) <= _DAY:
            found += 1
            if found > 1:
                return True
    return False


@inlined
def _after(data: NDArray[np.uint8], at: int) -> int:
    """Where the record whose header is at ``at`` ends; -1 where that is not a header."""
    kind, subtype, length = be16(data, at + 4), be16(data, at + 6), be32(data, at + 8)
    if (kind != BGP and (kind < 11 or kind > 64)) or subtype > 64 or length > LONGEST:
        return -1
    if kind in (BGP, BGP4MP, BGP4MP_ET) and length > _LONGEST_MESSAGE:
        return -1
    if kind == TABLE_DUMP:
        length = _table_length(data, at + HEADER, length, subtype)
    return at + HEADER + length


@inlined
def _table_length(data: NDArray[np.uint8], start: int, length: int, subtype: int) -> int:
    """Octets of a TABLE_DUMP record. Dumps of 1999 and 2000 leave the four octets before its entries out of the length.

    Where the entries end exactly four octets later than the record, it is one of those.
    """
    head = 42 if subtype == 2 else 18
    at, end = start + 4, start + length
    while at < end and at + head <= len(data):
        at += head + be16(data, at + head - 2)
    return length + 4 if at == end + 4 else length


@kernel
def heads(
    data: NDArray[np.uint8], records: NDArray[np.int64], found: NDArray[np.int64], addresses: NDArray[np.uint8]
) -> None:
    """Who sent the message or changed state in records of BGP4MP and of the old type BGP, and where its content is.

    ``addresses[i]``: 16 octets of the peer and 16 of the collector.
    """
    addresses[:] = 0
    for one in range(len(records)):
        record = records[one]
        at, end = record[R_AT], record[R_END]
        if record[R_TYPE] == BGP:
            _old(data, at, end, record[R_SUBTYPE], found[one], addresses[one])
        else:
            _message(data, at, end, record[R_SUBTYPE], found[one], addresses[one])


@inlined
def _put(data: NDArray[np.uint8], at: int, is_v6: bool, to: NDArray[np.uint8], first: int) -> None:
    if is_v6:
        for place in range(16):
            to[first + place] = data[at + place]
    else:
        to[first + 10] = 255
        to[first + 11] = 255
        for place in range(4):
            to[first + 12 + place] = data[at + place]


@inlined
def _message(
    data: NDArray[np.uint8], at: int, end: int, subtype: int, row: NDArray[np.int64], addresses: NDArray[np.uint8]
) -> None:
    row[M_KIND] = -1
    is_change = subtype == 0 or subtype == 5
    width = 4 if subtype == 4 or subtype == 5 or subtype == 7 or subtype == 9 or subtype == 11 else 2
    if at + 2 * width + 4 > end:
        return
    row[M_PEER_AS] = be32(data, at) if width == 4 else be16(data, at)
    at += 2 * width + 2
    family = be16(data, at)
    size = 16 if family == 2 else 4
    at += 2
    if (family != 1 and family != 2) or at + 2 * size + (4 if is_change else 19) > end:
        return
    _put(data, at, family == 2, addresses, 0)
    _put(data, at + size, family == 2, addresses, 16)
    at += 2 * size
    if is_change:
        row[M_KIND], row[M_OLD], row[M_NEW] = 0, be16(data, at), be16(data, at + 2)
        return
    length = be16(data, at + 16)
    if length < 19 or at + length > end:
        return
    row[M_KIND], row[M_START], row[M_END] = be8(data, at + 18), at + 19, at + length


@inlined
def _old(
    data: NDArray[np.uint8], at: int, end: int, subtype: int, row: NDArray[np.int64], addresses: NDArray[np.uint8]
) -> None:
    """Records of type BGP (RFC 6396 appendix B.2): the message without its header."""
    row[M_KIND] = -1
    if subtype == 3:
        if at + 10 > end:
            return
        row[M_PEER_AS] = be16(data, at)
        _put(data, at + 2, False, addresses, 0)
        row[M_KIND], row[M_OLD], row[M_NEW] = 0, be16(data, at + 6), be16(data, at + 8)
        return
    if at + 12 > end:
        return
    row[M_PEER_AS] = be16(data, at)
    _put(data, at + 2, False, addresses, 0)
    _put(data, at + 8, False, addresses, 16)
    row[M_START], row[M_END] = at + 12, end
    if subtype == 1:
        row[M_KIND] = 2
    elif subtype == 5:
        row[M_KIND] = 1
    elif subtype == 6:
        row[M_KIND] = 3
    else:
        row[M_KIND] = 4
