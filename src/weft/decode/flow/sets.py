"""Kernels over the sets of v9 and IPFIX messages (a v5 datagram counts as one set): find them, give each its template.

Sets are handled in wire order. A data set is bound to the program that its template has at that point, so a template
that is redefined in the middle of a batch applies to later sets only, without decoding piecemeal.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.hashing import Map, lookup, mix
from weft.decode.flow.messages import IPFIX, M_BODY, M_END, M_KIND, M_RECEIVED, M_RECORDS, M_SLOT, V5, V9
from weft.decode.flow.reasons import Reason
from weft.decode.kernels import be8, be16, kernel

#: Columns of a set.
(
    S_MESSAGE,
    S_AT,  # offset of the body
    S_END,
    S_ID,
    S_TEMPLATE,  # index in TemplateTable, or one of the values below
    S_PROGRAM,
) = range(6)
S_COLUMNS = 6

UNRESOLVED = -1  # no template yet
SKIP = -2  # template sets, options data, what is done or given up
WHOLE_V5 = -3  # a v5 datagram

#: Why ``resolve`` stopped.
DONE, TEMPLATES, OPTIONS = range(3)

MAX_ID, FIRST_DATA_ID = 65535, 256
_SET_TOO_SHORT, _SET_TRUNCATED = int(Reason.SET_TOO_SHORT), int(Reason.SET_TRUNCATED)
_RESERVED_SET = int(Reason.RESERVED_SET)
#: Added to M_RECORDS when the number of records cannot be known; large enough to stay negative.
UNCOUNTABLE = -(1 << 40)


@kernel
def count_sets(data: NDArray[np.uint8], info: NDArray[np.int64]) -> int:
    """Upper bound of the sets in a batch."""
    total = 0
    for i in range(len(info)):
        kind = info[i, M_KIND]
        if kind == V5:
            total += 1
        elif kind in (V9, IPFIX):
            total += 1  # even without a set there is something to say of the message
            at, end = info[i, M_BODY], info[i, M_END]
            while at + 4 <= end:
                length = be16(data, at + 2)
                if length < 4:
                    break
                total += 1
                at += length
    return total


@kernel
def _all_zero(data: NDArray[np.uint8], at: int, end: int) -> bool:
    for i in range(at, end):
        if be8(data, i):
            return False
    return True


@kernel
def index_sets(
    data: NDArray[np.uint8], info: NDArray[np.int64], sets: NDArray[np.int64], errors: NDArray[np.int64]
) -> int:
    """List the sets of all messages; returns how many. A set cut short by the end of its message keeps what it has."""
    n = 0
    for i in range(len(info)):
        kind, slot = info[i, M_KIND], info[i, M_SLOT]
        if kind == V5:
            sets[n, S_MESSAGE], sets[n, S_AT], sets[n, S_END] = i, info[i, M_BODY], info[i, M_END]
            sets[n, S_ID], sets[n, S_TEMPLATE] = 0, WHOLE_V5
            n += 1
            continue
        if kind != V9 and kind != IPFIX:
            continue
        at, end = info[i, M_BODY], info[i, M_END]
        while at + 4 <= end:
            number, length = be16(data, at), be16(data, at + 2)
            if length < 4:
                if not _all_zero(data, at, end):  # some exporters fill their datagrams up with zeros
                    errors[slot, _SET_TOO_SHORT] += 1
                break
            stop = at + length
            if stop > end:
                errors[slot, _SET_TRUNCATED] += 1
                stop = end
            sets[n, S_MESSAGE], sets[n, S_AT], sets[n, S_END], sets[n, S_ID] = i, at + 4, stop, number
            sets[n, S_TEMPLATE] = UNRESOLVED
            n += 1
            at += length
    return n


@kernel
def template_key(slot: int, number: int) -> int:
    """Key of a template in ``TemplateTable.index``: the stream already stands for exporter, version and domain."""
    return (slot + 1) << 16 | number


@kernel
def digest(data: NDArray[np.uint8], at: int, end: int) -> np.uint64:
    """Fingerprint of a template record."""
    value = np.uint64(end - at)
    for i in range(at, end):
        value = (value ^ np.uint64(be8(data, i))) * np.uint64(0x100000001B3)
    return mix(value)


@kernel
def template_extent(data: NDArray[np.uint8], at: int, end: int, kind: int, options: bool) -> int:
    """Where the template record at ``at`` ends, or -1 when it runs beyond its set."""
    head = 6 if options else 4
    if at + head > end:
        return -1
    if kind == V9:
        stop = at + 6 + be16(data, at + 2) + be16(data, at + 4) if options else at + 4 + 4 * be16(data, at + 2)
        return stop if stop <= end else -1
    fields = be16(data, at + 2)
    if fields == 0:
        return at + 4  # a withdrawal is four bytes, of options templates too (RFC 7011 §8.1)
    at += head
    for _ in range(fields):
        if at + 4 > end:
            return -1
        at += 8 if be16(data, at) & 0x8000 else 4
    return at if at <= end else -1


@kernel
def _is_refresh(
    data: NDArray[np.uint8],
    at: int,
    end: int,
    kind: int,
    slot: int,
    options: bool,
    index: Map,
    digests: NDArray[np.uint64],
    seen: NDArray[np.int64],
    now: int,
) -> bool:
    """Every template of the set is known and unchanged; they are marked as seen."""
    while end - at >= 4 and not _all_zero(data, at, min(at + 4, end)):
        stop = template_extent(data, at, end, kind, options)
        if stop < 0:
            return False
        known = lookup(index, template_key(slot, be16(data, at)))
        if known < 0 or digests[known] != digest(data, at, stop):
            return False
        seen[known] = max(seen[known], now)
        at = stop
    return True


@kernel
def resolve(
    data: NDArray[np.uint8],
    info: NDArray[np.int64],
    sets: NDArray[np.int64],
    first: int,
    index: Map,
    digests: NDArray[np.uint64],
    seen: NDArray[np.int64],
    programs: NDArray[np.int64],
    is_options: NDArray[np.bool_],
    errors: NDArray[np.int64],
) -> tuple[int, int]:
    """Bind sets to templates from ``first`` on until one needs Python; returns (its index, why)."""
    for i in range(first, len(sets)):
        if sets[i, S_TEMPLATE] == WHOLE_V5:
            continue
        message, number = sets[i, S_MESSAGE], sets[i, S_ID]
        kind, slot = info[message, M_KIND], info[message, M_SLOT]
        if number >= FIRST_DATA_ID:
            known = lookup(index, template_key(slot, number))
            if known >= 0:
                sets[i, S_TEMPLATE], sets[i, S_PROGRAM] = known, programs[known]
                if is_options[known]:
                    return i, OPTIONS
            else:
                info[message, M_RECORDS] = UNCOUNTABLE
            continue
        sets[i, S_TEMPLATE] = SKIP
        plain, options = (0, 1) if kind == V9 else (2, 3)
        if number != plain and number != options:
            errors[slot, _RESERVED_SET] += 1
        elif not _is_refresh(
            data, sets[i, S_AT], sets[i, S_END], kind, slot, number == options, index, digests, seen,
            info[message, M_RECEIVED],
        ):  # fmt: skip
            return i, TEMPLATES
    return len(sets), DONE
