"""UPDATE messages to routes (RFC 4271 §4.3, 4760, 6793, 7606, 7911).

Messages of the plain families are read by compiled code, many at a time; one that speaks of another family is read
here, by the same rules.
"""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from weft.decode.bgp.attributes import canonical, each, next_hop
from weft.decode.bgp.codes import AS_PATH, MP_REACH, MP_UNREACH, NEXT_HOP, ORIGIN, TEXT_LIMIT, Malformed
from weft.decode.bgp.nlri import Nlri, read_nlri
from weft.decode.bgp.paths import Paths
from weft.decode.bgp.routes import FAMILY_OF, OTHER, Routes
from weft.decode.bgp.sink import BAD_LENGTH, END_OF_RIB, FINE, OTHER_FAMILY, REASONS, Sink, clear
from weft.decode.bgp.walk import walk

#: (AFI, SAFI) pairs whose NLRI carry a path identifier.
AddPath = frozenset[tuple[int, int]]
_PLAIN = {(1, 1): 1, (2, 1): 2, (1, 2): 3, (2, 2): 4}


def decode_update(body: bytes, *, as4: bool, add_path: AddPath, paths: Paths) -> Routes:
    """Routes of one UPDATE, without the 19-octet header; what is wrong with it is in ``errors`` of the result."""
    data = np.frombuffer(body, np.uint8)
    start, end = np.zeros(1, np.int64), np.full(1, len(body), np.int64)
    return decode_updates(data, start, end, as4=as4, add_path=add_path, paths=paths)[0]


def decode_updates(
    data: NDArray[np.uint8],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    *,
    as4: bool,
    add_path: AddPath,
    paths: Paths,
) -> tuple[Routes, NDArray[np.int32]]:
    """Routes of many UPDATE bodies ``data[start[i]:end[i]]`` in order, and the ``i`` that each row is of."""
    with_ids = sum(1 << family for pair, family in _PLAIN.items() if pair in add_path)
    status = np.zeros(len(start), np.uint8)
    parts: list[Routes] = []
    numbers: list[NDArray[np.int32]] = []
    sink, done = paths.sink, 0
    while done < len(start):
        clear(sink)
        stopped = walk(data, start, end, done, with_ids, status, sink)
        part, number = taken(sink, as4, paths)
        _note(status[done:stopped], part)
        parts.append(part)
        numbers.append(number)
        done = stopped
        if done < len(start) and status[done] == OTHER_FAMILY:
            body = data[start[done] : end[done]].tobytes()
            parts.append(_other(body, as4, add_path, paths))
            numbers.append(np.full(len(parts[-1]), done, np.int32))
            status[done] = FINE
            done += 1
    return Routes.concat(parts), np.concatenate(numbers) if numbers else np.zeros(0, np.int32)


def _note(status: NDArray[np.uint8], routes: Routes) -> None:
    """Errors and End-of-RIB markers of the messages."""
    if not status.any():
        return
    ends = status[(status & 15) == END_OF_RIB]
    routes.end_of_rib.extend((ends >> 4).tolist())
    for became, count in zip(*np.unique(status[(status & 15) >= BAD_LENGTH], return_counts=True), strict=True):
        routes.errors[REASONS[became]] += int(count)


def taken(sink: Sink, as4: bool, paths: Paths) -> tuple[Routes, NDArray[np.int32]]:
    """The rows of the sink as routes, their sets found or added in ``paths``; and the message of each."""
    rows, sets = sink.used.tolist()
    errors: Counter[str] = Counter()
    where = np.full(sets + 1, -1, np.int32)  # the last one for rows without a set
    bad: list[tuple[int, str]] = []
    octets = sink.arena[: sink.starts[sets]].tobytes()
    stops = sink.starts[: sets + 1].tolist()
    for one in range(sets):
        try:
            where[one] = paths.intern(octets[stops[one] : stops[one + 1]], as4)
        except Malformed as error:
            bad.append((one, error.what))
    group, message = sink.group[:rows], sink.message[:rows].copy()
    path = where[group]
    for one, reason in bad:
        if count := len(np.unique(message[group == one])):
            errors[reason] += count
    return Routes(
        sink.withdrawn[:rows] | (path < 0), sink.family[:rows].copy(), sink.prefix[:rows].copy(),
        sink.prefix_length[:rows].copy(), sink.path_id[:rows].copy(), path, errors=errors,
    ), message  # fmt: skip


def _other(body: bytes, as4: bool, add_path: AddPath, paths: Paths) -> Routes:
    """An UPDATE of any family. The compiled code has judged the lengths of its parts already."""
    gone_end = 2 + int.from_bytes(body[:2], "big")
    last = gone_end + 2 + int.from_bytes(body[gone_end : gone_end + 2], "big")
    block = body[gone_end + 2 : last]
    errors: Counter[str] = Counter()
    try:
        attributes = {code: value for _, code, value in reversed(each(block))}
        gone = [((1, 1), body[2:gone_end])]
        if unreach := attributes.get(MP_UNREACH):
            gone.append(((int.from_bytes(unreach[:2], "big"), unreach[2]), unreach[3:]))
        withdrawn = [one for pair, octets in gone for one in read_nlri(pair, octets, pair in add_path)]
        told = list(_announced(attributes, block, body[last:], as4, add_path, paths, errors))
    except Malformed as error:
        return _nothing(error.what)
    ends = []
    if not withdrawn and not told and unreach and len(unreach) == 3:
        ends = [FAMILY_OF.get((int.from_bytes(unreach[:2], "big"), unreach[2]), OTHER)]
    routes = routes_of(withdrawn + [one for some, _ in told for one in some])
    paths_of = [-1] * len(withdrawn) + [path for some, path in told for _ in some]
    routes.path = np.array(paths_of, np.int32)
    routes.withdrawn = routes.path < 0
    routes.errors, routes.end_of_rib = errors, ends
    return routes


def _announced(
    attributes: dict[int, bytes],
    block: bytes,
    body: bytes,
    as4: bool,
    add_path: AddPath,
    paths: Paths,
    errors: Counter[str],
) -> list[tuple[list[Nlri], int]]:
    """The announced routes, by their set; -1 where they are unfeasible. Raises ``Malformed`` for NLRI."""
    found = []
    plain = canonical(block)
    if body:
        routes = read_nlri((1, 1), body, (1, 1) in add_path)
        without = b"".join(part for code, part in _parts(plain) if code != MP_REACH)
        found.append((routes, _path(without, {ORIGIN, AS_PATH} - attributes.keys(), as4, paths, errors)))
    if reach := attributes.get(MP_REACH):
        pair = int.from_bytes(reach[:2], "big"), reach[2]
        hop = reach[3]
        routes = read_nlri(pair, reach[5 + hop :], pair in add_path)
        missing: set[int] = {ORIGIN, AS_PATH} - attributes.keys()
        if next_hop(reach[4 : 4 + hop]) is None:
            errors["next_hop"] += 1
            found.append((routes, -1))
        else:
            within = b"".join(part for code, part in _parts(plain) if code != NEXT_HOP)
            found.append((routes, _path(within, missing, as4, paths, errors)))
    return found


def _parts(block: bytes) -> list[tuple[int, bytes]]:
    """Code and octets of every attribute of a canonical block."""
    found, at = [], 0
    while at < len(block):
        stop = at + 4 + int.from_bytes(block[at + 2 : at + 4], "big")
        found.append((block[at + 1], block[at:stop]))
        at = stop
    return found


def _path(block: bytes, missing: set[int], as4: bool, paths: Paths, errors: Counter[str]) -> int:
    if missing:
        errors["missing_attribute"] += 1
        return -1
    try:
        return paths.intern(block, as4)
    except Malformed as error:
        errors[error.what] += 1
        return -1


def _nothing(reason: str) -> Routes:
    routes = Routes.empty()
    routes.errors[reason] += 1
    return routes


def routes_of(found: list[Nlri]) -> Routes:
    """Rows for NLRI that were read one by one, without their paths."""
    rows = len(found)
    prefixes = np.frombuffer(b"".join(one.prefix for one in found), np.uint8).reshape(rows, 16)
    return Routes(
        np.ones(rows, np.bool_),
        np.array([one.family for one in found], np.uint8),
        prefixes,
        np.array([one.length for one in found], np.uint8),
        np.array([one.path_id for one in found], np.uint32),
        np.full(rows, -1, np.int32),
        [_bounded(one.words) for one in found] if any(one.words for one in found) else None,
        [one.rd for one in found] if any(one.rd for one in found) else None,
        [one.labels for one in found] if any(one.labels for one in found) else None,
    )


def _bounded(words: str) -> str:
    """Words within the bound of a column. They tell routes apart: what is cut ends with a digest of all of it."""
    if len(words) <= TEXT_LIMIT:
        return words
    digest = hashlib.blake2b(words.encode(), digest_size=16).hexdigest()
    return f"{words[: TEXT_LIMIT - len(digest) - 1]}…{digest}"
