"""UPDATE messages of the plain families (IPv4 and IPv6, unicast and multicast) to rows, compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.bgp.codes import LONGEST
from weft.decode.bgp.sink import (
    BAD_ATTRIBUTES,
    BAD_LENGTH,
    BAD_NEXT_HOP,
    BAD_NLRI,
    END_OF_RIB,
    FINE,
    MISSING,
    OTHER_FAMILY,
    Sink,
    add_set,
    attribute_head,
    copy,
    has_room,
    put_attribute,
    put_prefixes,
)  # fmt: skip
from weft.decode.kernels import be8, be16, inlined, kernel

_NEXT_HOP, _REACH, _UNREACH = 3, 14, 15
_ORIGIN_AND_PATH = 0b110


@kernel
def walk(
    data: NDArray[np.uint8],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    first: int,
    with_ids: int,
    status: NDArray[np.uint8],
    sink: Sink,
) -> int:
    """Read messages from ``first`` on until the sink is full or one is of another family; the first not read.

    ``with_ids``: bit ``family`` set = its NLRI carry identifiers. ``status[i]`` is what became of message ``i``; for an
    End-of-RIB marker its family is in the high four bits.
    """
    one = first
    while one < len(start):
        if end[one] - start[one] > LONGEST:
            status[one] = BAD_LENGTH
            one += 1
            continue
        if not has_room(sink, end[one] - start[one]):
            return one
        rows = sink.used[0]
        became = _message(data, start[one], end[one], one, with_ids, sink)
        status[one] = became
        if became == OTHER_FAMILY:
            sink.used[0] = rows
            return one
        if BAD_LENGTH <= became <= BAD_NLRI:
            sink.used[0] = rows  # its sets stay: they are sets all the same
        elif became >= BAD_ATTRIBUTES and became < 16:
            for row in range(rows, sink.used[0]):
                sink.withdrawn[row] = True
                sink.group[row] = -1
        one += 1
    return one


@inlined
def _family(data: NDArray[np.uint8], at: int) -> int:
    """The plain family of the AFI and SAFI at ``at``; 0 = another."""
    afi, safi = be16(data, at), be8(data, at + 2)
    if (afi != 1 and afi != 2) or (safi != 1 and safi != 2):
        return 0
    return afi + 2 * (safi - 1)


@inlined
def _message(data: NDArray[np.uint8], start: int, end: int, number: int, with_ids: int, sink: Sink) -> int:
    if end - start < 4:
        return BAD_LENGTH
    withdrawn_end = start + 2 + be16(data, start)
    if withdrawn_end + 2 > end:
        return BAD_LENGTH
    first = withdrawn_end + 2
    last = first + be16(data, withdrawn_end)
    if last > end:
        return BAD_LENGTH
    became, seen = FINE, 0
    reach, reach_end, unreach, unreach_end = -1, -1, -1, -1
    at = first
    while at < last:
        value, stop = attribute_head(data, at, last)
        if value < 0:
            became = BAD_ATTRIBUTES
            last = at
            break
        code = be8(data, at + 1)
        if code < 4:
            seen |= 1 << code
        elif code == _REACH:
            if reach >= 0 or stop - value < 5 or value + 5 + be8(data, value + 3) > stop:
                return BAD_NLRI
            reach, reach_end = value, stop
        elif code == _UNREACH:
            if unreach >= 0 or stop - value < 3:
                return BAD_NLRI
            unreach, unreach_end = value, stop
        at = stop
    return _rows(
        data, (start + 2, withdrawn_end, first, last, end), (reach, reach_end, unreach, unreach_end), became, seen,
        number, with_ids, sink,
    )  # fmt: skip


@inlined
def _rows(  # noqa: C901 - one step for each part of a message
    data: NDArray[np.uint8],
    body: tuple[int, int, int, int, int],
    multi: tuple[int, int, int, int],
    became: int,
    seen: int,
    number: int,
    with_ids: int,
    sink: Sink,
) -> int:
    """The rows of a message whose parts are found: withdrawn, attributes from-to, end; MP_REACH and MP_UNREACH."""
    gone, gone_end, first, last, end = body
    reach, reach_end, unreach, unreach_end = multi
    reach_family = _family(data, reach) if reach >= 0 else 1
    unreach_family = _family(data, unreach) if unreach >= 0 else 1
    if reach_family == 0 or unreach_family == 0:
        return OTHER_FAMILY
    nlri = last
    if became == BAD_ATTRIBUTES:  # the lengths inside the attributes are wrong, where the NLRI begin is not
        nlri = gone_end + 2 + be16(data, gone_end)
    if gone == gone_end and nlri == end:
        if first == last and became == FINE:
            return END_OF_RIB | 1 << 4
        if reach < 0 and unreach >= 0 and unreach_end - unreach == 3:
            return END_OF_RIB | unreach_family << 4
    if not put_prefixes(sink, data, gone, gone_end, 1, (with_ids >> 1) & 1 != 0, -1, number):
        return BAD_NLRI
    if unreach >= 0 and not put_prefixes(
        sink, data, unreach + 3, unreach_end, unreach_family, (with_ids >> unreach_family) & 1 != 0, -1, number
    ):
        return BAD_NLRI
    if nlri < end:
        if seen & _ORIGIN_AND_PATH != _ORIGIN_AND_PATH and became == FINE:
            became = MISSING  # without a next hop it is a route all the same: FRR tells of IPv4 over IPv6 so
        group = _set(data, first, last, -1, sink)
        if not put_prefixes(sink, data, nlri, end, 1, (with_ids >> 1) & 1 != 0, group, number):
            return BAD_NLRI
    if reach >= 0:
        hop = be8(data, reach + 3)
        if became == FINE:
            if seen & _ORIGIN_AND_PATH != _ORIGIN_AND_PATH:
                became = MISSING
            elif hop != 4 and hop != 16 and hop != 32:
                became = BAD_NEXT_HOP
        group = _set(data, first, last, reach, sink)
        if not put_prefixes(
            sink, data, reach + 5 + hop, reach_end, reach_family, (with_ids >> reach_family) & 1 != 0, group, number
        ):
            return BAD_NLRI
    return became


@inlined
def _set(data: NDArray[np.uint8], at: int, end: int, reach: int, sink: Sink) -> int:
    """The attributes in canonical form: for the NLRI of MP_REACH (at ``reach``) with its next hop, else without."""
    arena = sink.arena
    to = sink.starts[sink.used[1]]
    while at < end:
        value, stop = attribute_head(data, at, end)
        flags, code = be8(data, at), be8(data, at + 1)
        if code == _REACH:
            if reach >= 0:
                hop = be8(data, reach + 3)
                to = put_attribute(arena, to, flags, code, 3 + hop)
                to = copy(data, reach, 3, arena, to)
                to = copy(data, reach + 4, hop, arena, to)
        elif code != _UNREACH and (code != _NEXT_HOP or reach < 0):
            to = put_attribute(arena, to, flags, code, stop - value)
            to = copy(data, value, stop - value, arena, to)
        at = stop
    return add_set(sink, to)
