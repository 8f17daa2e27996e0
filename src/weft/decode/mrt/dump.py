"""Entries of table dumps to rows, compiled (RFC 6396 §4.2, §4.3, RFC 8050)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.bgp.sink import Sink, add_set, attribute_head, copy, has_room, put_address, put_attribute
from weft.decode.kernels import be8, be16, be32, inlined, kernel
from weft.decode.mrt.records import R_AT, R_END, R_SUBTYPE

_REACH, _UNREACH = 14, 15
#: Columns of ``entries``: number of the peer (TABLE_DUMP_V2) or its AS; when the entry was learned, in seconds.
E_PEER, E_TIME = 0, 1


@kernel
def walk_v2(
    data: NDArray[np.uint8],
    records: NDArray[np.int64],
    resume: NDArray[np.int64],
    sink: Sink,
    entries: NDArray[np.int64],
    bad: NDArray[np.int64],
) -> bool:
    """Rows for RIB records of the plain families until all are read (True) or the sink is full.

    ``resume``: record, entries of it that are left, and where they go on; carried from call to call. ``bad[0]`` counts
    damaged records, ``bad[1]`` entries whose attributes overrun.
    """
    while resume[0] < len(records):
        record = records[resume[0]]
        subtype = record[R_SUBTYPE]
        has_id = subtype >= 8
        which = subtype - 8 if has_id else subtype - 2  # IPv4 unicast, multicast, IPv6 unicast, multicast
        is_v6 = which >= 2
        end = record[R_END]
        at = record[R_AT] + 4
        if at + 3 > end:
            bad[0] += 1
            resume[0] += 1
            resume[1] = -1
            continue
        bits = be8(data, at)
        nlri = at + 1
        at = nlri + ((bits + 7) >> 3)
        if bits > (128 if is_v6 else 32) or at + 2 > end:
            bad[0] += 1
            resume[0] += 1
            resume[1] = -1
            continue
        if resume[1] < 0:
            resume[1], resume[2] = be16(data, at), at + 2
        if not _entries(data, resume, end, nlri, bits, is_v6, 1 + (which & 1), has_id, sink, entries, bad):
            return False
        resume[0] += 1
        resume[1] = -1
    return True


@inlined
def _entries(
    data: NDArray[np.uint8],
    resume: NDArray[np.int64],
    end: int,
    nlri: int,
    bits: int,
    is_v6: bool,
    safi: int,
    has_id: bool,
    sink: Sink,
    entries: NDArray[np.int64],
    bad: NDArray[np.int64],
) -> bool:
    """The entries of a record; False = the sink is full."""
    head = 12 if has_id else 8
    while resume[1] > 0:
        at = resume[2]
        if at + head > end or at + head + be16(data, at + head - 2) > end:
            bad[0] += 1
            return True
        size = be16(data, at + head - 2)
        if not has_room(sink, size + 1):
            return False
        attributes = at + head
        group = put_set(data, attributes, attributes + size, 2 if is_v6 else 1, safi, sink)
        if group < 0:
            bad[1] += 1
        else:
            row = sink.used[0]
            _put_row(sink, row, data, nlri, bits, is_v6, safi, group)
            sink.path_id[row] = be32(data, at + 6) if has_id else 0
            entries[row, E_PEER] = be16(data, at)
            entries[row, E_TIME] = be32(data, at + 2)
        resume[1] -= 1
        resume[2] = attributes + size
    return True


@inlined
def _put_row(
    sink: Sink, row: int, data: NDArray[np.uint8], nlri: int, bits: int, is_v6: bool, safi: int, group: int
) -> None:
    put_address(sink, row, data, nlri, bits, is_v6)
    sink.withdrawn[row] = False
    sink.family[row] = (2 if is_v6 else 1) + 2 * (safi - 1)
    sink.prefix_length[row] = bits
    sink.path_id[row] = 0
    sink.group[row] = group
    sink.message[row] = row
    sink.used[0] = row + 1


@kernel
def walk_old(
    data: NDArray[np.uint8],
    records: NDArray[np.int64],
    resume: NDArray[np.int64],
    sink: Sink,
    entries: NDArray[np.int64],
    peers: NDArray[np.uint8],
    bad: NDArray[np.int64],
) -> bool:
    """Rows for records of type TABLE_DUMP, with one entry each or several, until all are read or the sink is full.

    ``resume``: record, and where its entries go on (-1 = at the first). ``peers[row]`` is the peer's address,
    ``entries[row]`` its AS (in E_PEER) and when the route was learned.
    """
    peers[:] = 0
    while resume[0] < len(records):
        record = records[resume[0]]
        is_v6 = record[R_SUBTYPE] == 2
        size = 16 if is_v6 else 4
        at, end = record[R_AT] + 4 if resume[1] < 0 else resume[1], record[R_END]
        while at < end:
            attributes = at + 2 * size + 10
            if attributes > end or attributes + be16(data, attributes - 2) > end or be8(data, at + size) > 8 * size:
                bad[0] += 1
                break
            length = be16(data, attributes - 2)
            if not has_room(sink, length + 1):
                resume[1] = at
                return False
            group = put_set(data, attributes, attributes + length, 2 if is_v6 else 1, 1, sink)
            if group < 0:
                bad[1] += 1
            else:
                row, peer = sink.used[0], at + size + 6
                _put_row(sink, row, data, at, be8(data, at + size), is_v6, 1, group)
                entries[row, E_PEER], entries[row, E_TIME] = be16(data, peer + size), be32(data, at + size + 2)
                if not is_v6:
                    peers[row, 10] = 255
                    peers[row, 11] = 255
                for place in range(size):
                    peers[row, place + (0 if is_v6 else 12)] = data[peer + place]
            at = attributes + length
        resume[0] += 1
        resume[1] = -1
    return True


@inlined
def put_set(data: NDArray[np.uint8], at: int, end: int, afi: int, safi: int, sink: Sink) -> int:
    """The set of a table's entry; -1 where a length overruns.

    MP_REACH is its next hop alone, or whole (RFC 6396 §4.3.4); its first octet tells: a length, or the zero of an AFI.
    """
    arena = sink.arena
    to = sink.starts[sink.used[1]]
    while at < end:
        value, stop = attribute_head(data, at, end)
        if value < 0:
            return -1
        flags, code = be8(data, at), be8(data, at + 1)
        if code == _REACH:
            hop_at, hop = value, stop - value
            if hop and be8(data, value) == hop - 1:
                hop_at, hop = value + 1, hop - 1
            elif hop >= 5 and value + 4 + be8(data, value + 3) <= stop:
                hop_at, hop = value + 4, be8(data, value + 3)
            to = put_attribute(arena, to, flags, code, 3 + hop)
            arena[to] = 0
            arena[to + 1] = np.uint8(afi)
            arena[to + 2] = np.uint8(safi)
            to = copy(data, hop_at, hop, arena, to + 3)
        elif code != _UNREACH:
            to = put_attribute(arena, to, flags, code, stop - value)
            to = copy(data, value, stop - value, arena, to)
        at = stop
    return add_set(sink, to)
