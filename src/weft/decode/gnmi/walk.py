"""A walk over SubscribeResponses as they came off the wire: every update to one entry, numbers read, paths looked up.

The messages are protobuf (gnmi.proto); only the tags that matter are followed, so that neither a message object nor a
path is made for a counter whose path is known. What is not a plain number (text, JSON, leaf-lists) and what is not
known yet is left to the caller as spans of bytes. A ``GetResponse`` has the same layout as far as it is read here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.gnmi.slots import SEED, Slots, find, grow, hashed, insert, slots, word
from weft.decode.kernels import inlined, kernel

#: What an entry is. Up to 14 the number of the field within ``TypedValue``; 0 = an update without a value.
NO_VALUE, STRING, INT, UINT, BOOL, BYTES, FLOAT, DECIMAL, LEAF_LIST = range(9)
ANY, JSON, JSON_IETF, ASCII, PROTO_BYTES, DOUBLE = range(9, 15)
OLD_VALUE = 15  # the deprecated message Value
JSON_NUMBER = 16  # a JSON value that is nothing but an integer, quoted or not
DELETE, ATOMIC, SYNC = 32, 33, 34  # not updates: events, in the order in which they came

#: Why the walk stopped: at the end, for want of room, at a message that defines an alias.
DONE, FULL, ALIAS = range(3)
#: Columns of ``Entries.spans``.
PATH_AT, PATH_LEN, PREFIX_AT, PREFIX_LEN, VALUE_AT, VALUE_LEN, MESSAGE = range(7)
_N_SPANS = 7
#: Counts that a walk returns.
MALFORMED, ERRORS, DUPLICATES, UPDATES = range(4)
N_COUNTS = 4


class Room(NamedTuple):
    """Room for the result of one walk, used again and again; one row per entry."""

    entry: NDArray[np.int32]  # number of the path in the caller's table; -1 = not known
    key: NDArray[np.uint64]  # what it is found by
    kind: NDArray[np.uint8]
    value: NDArray[np.float64]
    stamp: NDArray[np.int64]  # of the notification, as it came
    spans: NDArray[np.int32]
    counts: NDArray[np.int64]
    double: NDArray[np.float64]  # one number, seen as its bits by ``double_bits``
    double_bits: NDArray[np.uint64]
    single: NDArray[np.float32]
    single_bits: NDArray[np.uint32]


def room(rows: int) -> Room:
    """Room for ``rows`` entries."""
    double, single = np.zeros(1, np.float64), np.zeros(1, np.float32)
    return Room(
        np.empty(rows, np.int32), np.empty(rows, np.uint64), np.empty(rows, np.uint8), np.empty(rows, np.float64),
        np.empty(rows, np.int64), np.empty((rows, _N_SPANS), np.int32), np.zeros(N_COUNTS, np.int64),
        double, double.view(np.uint64), single, single.view(np.uint32),
    )  # fmt: skip


@inlined
def _varint(data: NDArray[np.uint8], at: int, end: int) -> tuple[np.uint64, int]:
    """(value, offset behind it); the offset is -1 where it is cut off or longer than ten bytes."""
    value = np.uint64(0)
    shift = np.uint64(0)
    for i in range(10):
        if at + i >= end:
            return value, -1
        byte = np.uint64(data[np.uint64(at + i)])
        value |= (byte & np.uint64(0x7F)) << shift
        if byte < np.uint64(0x80):
            return value, at + i + 1
        shift += np.uint64(7)
    return value, -1


@inlined
def _span(data: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """(offset, length) of a length-delimited field whose length is at ``at``; length -1 where it is cut off."""
    size, body = _varint(data, at, end)
    if body < 0 or size > np.uint64(end - body):
        return 0, -1
    return body, int(np.int64(size))


@inlined
def _skip(data: NDArray[np.uint8], wire: int, at: int, end: int) -> int:
    """Offset behind a field that is not wanted; -1 where it is cut off or of a wire type that proto3 lacks."""
    if wire == 0:
        _, after = _varint(data, at, end)
        return after
    if wire == 2:
        body, size = _span(data, at, end)
        return body + size if size >= 0 else -1
    size = 8 if wire == 1 else 4 if wire == 5 else -1
    return at + size if 0 < size <= end - at else -1


@inlined
def _decimal(data: NDArray[np.uint8], at: int, end: int) -> tuple[float, bool]:
    """Decimal64: digits × 10 ** -precision."""
    digits, precision = np.int64(0), np.uint64(0)
    while at < end:
        tag, at = _varint(data, at, end)
        if at < 0:
            return 0.0, False
        if tag == np.uint64(8) or tag == np.uint64(16):
            number, at = _varint(data, at, end)
            if tag == np.uint64(8):
                digits = np.int64(number)
            else:
                precision = number
        else:
            at = _skip(data, int(np.int64(tag & np.uint64(7))), at, end)
        if at < 0:
            return 0.0, False
    return float(digits) / 10.0 ** float(min(precision, np.uint64(400))), True


@inlined
def _json_integer(data: NDArray[np.uint8], at: int, size: int) -> tuple[float, bool]:
    """A JSON text that is an integer of up to 15 digits, quoted (RFC 7951: 64 bit) or not."""
    end = at + size
    if size > 2 and data[at] == 34 and data[end - 1] == 34:
        at, end = at + 1, end - 1
    negative = at < end and data[at] == 45
    at += int(negative)
    if not 0 < end - at <= 15:
        return 0.0, False
    number = np.int64(0)
    for i in range(at, end):
        if not 48 <= data[i] <= 57:
            return 0.0, False
        number = number * 10 + np.int64(data[i]) - 48
    if data[at] == 48 and end - at > 1:  # not a number in JSON, and a text that means something else when quoted
        return 0.0, False
    return float(-number if negative else number), True


@inlined
def _typed_value(data: NDArray[np.uint8], at: int, end: int, out: Room) -> tuple[int, float, int, int]:
    """(kind, number, offset and length of what is not a number); kind -1 = malformed. The last field given wins."""
    kind, number, body, size = 0, 0.0, 0, 0
    while at < end:
        tag, at = _varint(data, at, end)
        if at < 0:
            return -1, 0.0, 0, 0
        field, wire = int(np.int64(tag >> np.uint64(3))), int(np.int64(tag & np.uint64(7)))
        if wire == 0 and 2 <= field <= 4:
            raw, at = _varint(data, at, end)
            if at < 0:
                return -1, 0.0, 0, 0
            kind = field
            number = float(np.int64(raw)) if field == 2 else float(raw)
        elif wire == 5 and field == 6 and at + 4 <= end:
            out.single_bits[0] = np.uint32(word(data, at, 4))
            kind, number, at = 6, float(out.single[0]), at + 4
        elif wire == 1 and field == 14 and at + 8 <= end:
            out.double_bits[0] = word(data, at, 8)
            kind, number, at = 14, out.double[0], at + 8
        elif wire == 2 and (field == 1 or field == 5 or 7 <= field <= 13):
            body, size = _span(data, at, end)
            if size < 0:
                return -1, 0.0, 0, 0
            at, kind = body + size, field
            if field == 7:
                number, good = _decimal(data, body, at)
                if not good:
                    return -1, 0.0, 0, 0
            elif field == 10 or field == 11:
                number, good = _json_integer(data, body, size)
                if good:
                    kind = 16
        else:
            at = _skip(data, wire, at, end)
            if at < 0:
                return -1, 0.0, 0, 0
    return kind, number, body, size


@kernel
def walk(
    data: NDArray[np.uint8], starts: NDArray[np.int64], first: int, alias_seen: int, table: Slots, out: Room
) -> tuple[int, int, int]:
    """Walk the messages from number ``first`` on; message i is ``data[starts[i]:starts[i + 1]]``.

    Returns (entries made, number of the first message not walked, why it stopped). A malformed message makes no entry.
    The alias of message ``alias_seen`` is known by now and does not stop the walk.
    """
    n = 0
    counts, before = out.counts, np.zeros(N_COUNTS, np.int64)
    for m in range(first, len(starts) - 1):
        kept = n
        before[:] = counts
        at, end = starts[m], starts[m + 1]
        while at < end and at >= 0:
            tag, at = _varint(data, at, end)
            if at < 0:
                break
            field, wire = tag >> np.uint64(3), int(np.int64(tag & np.uint64(7)))
            if field == np.uint64(1) and wire == 2:
                body, size = _span(data, at, end)
                if size < 0:
                    at = -1
                    break
                at = body + size
                n, state = _notification(data, body, at, m, alias_seen == m, table, n, out)
                if state == 1 or state == 2:
                    counts[:] = before
                    return kept, m, state
                if state == 3:
                    at = -1
            elif field == np.uint64(3) and wire == 0:
                said, at = _varint(data, at, end)
                if at >= 0 and said != np.uint64(0):
                    if n >= len(out.entry):
                        counts[:] = before
                        return kept, m, 1
                    out.entry[n], out.kind[n], out.stamp[n], out.spans[n, MESSAGE] = -1, SYNC, 0, m
                    n += 1
            else:
                if field == np.uint64(4) and wire == 2:
                    counts[ERRORS] += 1
                at = _skip(data, wire, at, end)
        if at < 0:
            n = kept
            counts[:] = before
            counts[MALFORMED] += 1
    return n, len(starts) - 1, 0


@inlined
def _survey(
    data: NDArray[np.uint8], start: int, end: int, alias_known: bool
) -> tuple[int, np.int64, bool, int, int, int, int]:
    """(state as below, time stamp, atomic, offset and length of the prefix, deletes, updates) of a notification."""
    when, prefix_at, prefix_len, deletes, updates, atomic = np.int64(0), 0, 0, 0, 0, False
    at = start
    while at < end:
        tag, at = _varint(data, at, end)
        if at < 0:
            return 3, when, atomic, 0, 0, 0, 0
        if tag == np.uint64(0x08) or tag == np.uint64(0x30):
            raw, at = _varint(data, at, end)
            if tag == np.uint64(0x08):
                when = np.int64(raw)
            else:
                atomic = raw != np.uint64(0)
        else:
            body = at
            at = _skip(data, int(np.int64(tag & np.uint64(7))), at, end)
            if at < 0:
                return 3, when, atomic, 0, 0, 0, 0
            if tag == np.uint64(0x12):
                prefix_at, prefix_len = _span(data, body, end)
            elif tag == np.uint64(0x1A) and at - body > 1 and not alias_known:
                return 2, when, atomic, 0, 0, 0, 0
            elif tag == np.uint64(0x22):
                updates += 1
            elif tag == np.uint64(0x2A):
                deletes += 1
        if at < 0:
            return 3, when, atomic, 0, 0, 0, 0
    return 0, when, atomic, prefix_at, prefix_len, deletes, updates


@kernel
def _notification(
    data: NDArray[np.uint8], start: int, end: int, m: int, alias_known: bool, table: Slots, n: int, out: Room
) -> tuple[int, int]:
    """One notification: (entries so far, 0 = good, 1 = no room, 2 = defines an alias, 3 = malformed)."""
    state, when, atomic, prefix_at, prefix_len, deletes, updates = _survey(data, start, end, alias_known)
    if state != 0:
        return n, state
    if n + updates + deletes + int(atomic) > len(out.entry):
        return n, 1
    seed = hashed(data, prefix_at, prefix_len, np.uint64(SEED))
    spans = out.spans
    if atomic:
        out.entry[n], out.kind[n], out.stamp[n] = -1, ATOMIC, when
        spans[n] = 0
        spans[n, PREFIX_AT], spans[n, PREFIX_LEN], spans[n, MESSAGE] = prefix_at, prefix_len, m
        n += 1
    # What is deleted goes first, whatever the order on the wire (gNMI specification, section 2.1).
    for wanted in (0x2A, 0x22):
        if wanted == 0x2A and not deletes:
            continue
        at = start
        while at < end:
            tag, at = _varint(data, at, end)
            if tag == np.uint64(wanted):
                body, size = _span(data, at, end)
                spans[n] = 0
                spans[n, PREFIX_AT], spans[n, PREFIX_LEN], spans[n, MESSAGE] = prefix_at, prefix_len, m
                out.stamp[n], out.value[n], out.entry[n] = when, 0.0, -1
                if wanted == 0x2A:
                    out.kind[n], spans[n, PATH_AT], spans[n, PATH_LEN] = DELETE, body, size
                elif not _update(data, body, body + size, seed, table, n, out):
                    return n, 3
                n += 1
            at = _skip(data, int(np.int64(tag & np.uint64(7))), at, end)
    out.counts[UPDATES] += updates
    return n, 0


@inlined
def _update(data: NDArray[np.uint8], at: int, end: int, seed: np.uint64, table: Slots, n: int, out: Room) -> bool:
    """One update into row ``n``; False where it is malformed."""
    kind, spans = out.kind, out.spans
    kind[n] = NO_VALUE
    while at < end:
        tag, at = _varint(data, at, end)
        if at < 0:
            return False
        if tag == np.uint64(0x20):
            times, at = _varint(data, at, end)
            if at < 0:
                return False
            out.counts[DUPLICATES] += int(np.int64(min(times, np.uint64(0xFFFFFFFF))))
            continue
        body = at
        at = _skip(data, int(np.int64(tag & np.uint64(7))), at, end)
        if at < 0:
            return False
        if tag == np.uint64(0x0A):
            spans[n, PATH_AT], spans[n, PATH_LEN] = _span(data, body, end)
        elif tag == np.uint64(0x12) and kind[n] == NO_VALUE:
            spans[n, VALUE_AT], spans[n, VALUE_LEN] = _span(data, body, end)
            kind[n] = OLD_VALUE
        elif tag == np.uint64(0x1A):
            body, size = _span(data, body, end)
            what, number, body, size = _typed_value(data, body, body + size, out)
            if what < 0:
                return False
            kind[n], out.value[n] = what, number
            spans[n, VALUE_AT], spans[n, VALUE_LEN] = body, size
    out.key[n] = hashed(data, spans[n, PATH_AT], spans[n, PATH_LEN], seed)
    out.entry[n] = find(table, out.key[n])
    return True


def warm() -> None:
    """Have the machine code ready: the first walk compiles it, or loads it from the cache."""
    walk(np.frombuffer(b"", np.uint8), np.zeros(1, np.int64), 0, -1, slots(2), room(1))
    insert(slots(2), np.uint64(1), 0)
    grow(slots(2), slots(4))
