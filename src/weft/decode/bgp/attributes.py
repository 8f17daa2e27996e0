"""Path attributes to what a route says of its path (RFC 4271 §5, 4456, 6793, 7606, 9234).

``parse`` takes the canonical form of an attribute block: each attribute with a two-octet length, without the NLRI of
MP_REACH and MP_UNREACH; MP_REACH holds AFI, SAFI and next hop only. Of an attribute that comes twice the first counts
(RFC 7606 §3 g).
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from weft.decode.bgp import communities
from weft.decode.bgp.codes import (
    AGGREGATOR,
    AS4_PATH,
    AS_PATH,
    AS_TRANS,
    COMMUNITIES,
    EXTENDED,
    IPV6_EXTENDED,
    LARGE,
    LOCAL_PREF,
    MED,
    MP_REACH,
    MP_UNREACH,
    NEXT_HOP,
    ORIGIN,
    TEXT_LIMIT,
    Malformed,
)  # fmt: skip
from weft.decode.bgp.further import further
from weft.model.addresses import NO_ADDRESS

_V4_MAPPED = b"\0" * 10 + b"\xff\xff"
_SET, _SEQUENCE, _CONFED_SEQUENCE, _CONFED_SET = 1, 2, 3, 4
_MARKS = {_SET: ("{", "}"), _CONFED_SEQUENCE: ("(", ")"), _CONFED_SET: ("[", "]")}

Segments = list[tuple[int, tuple[int, ...]]]


class PathAttributes:
    """What a set of path attributes says, as the columns of ``Paths`` hold it."""

    __slots__ = (
        "as_path", "as_path_length", "attributes", "bgp_origin", "cluster_length", "communities", "local_pref", "med",
        "neighbor_as", "next_hop", "origin_as", "originator",
    )  # fmt: skip

    def __init__(self) -> None:
        self.as_path = self.communities = self.attributes = ""
        self.as_path_length = self.origin_as = self.neighbor_as = 0
        self.local_pref = self.med = self.originator = self.cluster_length = 0
        self.next_hop = NO_ADDRESS
        self.bgp_origin = 255


def split(block: bytes) -> dict[int, bytes]:
    """Attribute code → value of a canonical block."""
    values: dict[int, bytes] = {}
    at, end = 0, len(block)
    while at + 4 <= end:
        code = block[at + 1]
        stop = at + 4 + (block[at + 2] << 8 | block[at + 3])
        if code not in values:
            values[code] = block[at + 4 : stop]
        at = stop
    return values


def canonical(block: bytes) -> bytes:
    """The canonical form of an attribute block as an UPDATE has it. Raises ``Malformed`` for lengths that overrun."""
    parts = []
    for flags, code, value in each(block):
        if code == MP_UNREACH:
            continue
        kept = value
        if code == MP_REACH:
            if len(value) < 5 or 4 + value[3] > len(value):
                raise Malformed("mp_reach")
            kept = value[:3] + value[4 : 4 + value[3]]
        parts.append(struct.pack(">BBH", flags & 0xE0, code, len(kept)) + kept)
    return b"".join(parts)


def without_first_as(block: bytes) -> bytes:
    """A canonical block of AS numbers of four octets without the first one of its path."""
    at, end = 0, len(block)
    while at + 4 <= end:
        stop = at + 4 + (block[at + 2] << 8 | block[at + 3])
        value = block[at + 4 : stop]
        if block[at + 1] == AS_PATH and len(value) >= 6 and value[0] == _SEQUENCE:
            rest = value[6:] if value[1] == 1 else bytes([_SEQUENCE, value[1] - 1]) + value[6:]
            return block[: at + 2] + len(rest).to_bytes(2, "big") + rest + block[stop:]
        at = stop
    return block


def each(block: bytes) -> list[tuple[int, int, bytes]]:
    """Flags, code and value of every attribute of a block. Raises ``Malformed``."""
    found = []
    at, end = 0, len(block)
    while at < end:
        flags = block[at]
        head = 4 if flags & 0x10 else 3
        if at + head > end:
            raise Malformed("attribute_length")
        length = block[at + 2] << 8 | block[at + 3] if flags & 0x10 else block[at + 2]
        if at + head + length > end:
            raise Malformed("attribute_length")
        found.append((flags, block[at + 1], block[at + head : at + head + length]))
        at += head + length
    return found


def parse(block: bytes, as4: bool) -> PathAttributes:
    """What a canonical block says. Raises ``Malformed`` where RFC 7606 treats the routes as withdrawn."""
    values = split(block)
    path = PathAttributes()
    if (value := values.pop(AS_PATH, None)) is not None:
        _as_path(path, value, values.pop(AS4_PATH, None), as4, values.get(AGGREGATOR))
    words: list[str] = []
    said: list[str] = []
    for code, value in values.items():
        if (reader := _READERS.get(code)) is not None:
            reader(path, value)
        elif (lister := _COMMUNITIES.get(code)) is not None:
            step, name, texts = lister
            if len(value) % step or not value:
                raise Malformed(name)
            words.extend(texts(value))
        elif (text := further(path, code, value, values)) is not None:
            said.append(text)
    path.communities = cut(" ".join(words))
    path.attributes = cut("; ".join(said))
    return path


def cut(text: str) -> str:
    """``text`` within the bound of a column."""
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"


def segments(value: bytes, width: int) -> Segments | None:
    """Segments of an AS_PATH with AS numbers of ``width`` octets; none where the lengths do not add up."""
    found: Segments = []
    at, end = 0, len(value)
    letter = "I" if width == 4 else "H"
    while at < end:
        if at + 2 > end:
            return None
        kind, count = value[at], value[at + 1]
        stop = at + 2 + count * width
        if stop > end or not 1 <= kind <= 4 or not count:
            return None
        found.append((kind, struct.unpack_from(f">{count}{letter}", value, at + 2)))
        at = stop
    return found


def path_segments(value: bytes, as4_path: bytes | None, as4: bool, aggregator: bytes | None) -> Segments:
    """The AS path of a route, with AS4_PATH put in where the session has two octets (RFC 6793 §4.2.3).

    Routers exist that get the width of their own BMP or MRT records wrong: where the octets only add up in the other
    width, that one is taken. Raises ``Malformed``.
    """
    found = segments(value, 4 if as4 else 2)
    if found is None:
        found = segments(value, 2 if as4 else 4)
        if found is None:
            raise Malformed("as_path")
    elif not as4 and as4_path and not _aggregated_by_old(aggregator):
        newer = segments(as4_path, 4)
        if newer is not None:  # a malformed AS4_PATH is left out (RFC 6793 §6)
            return _merged(found, [one for one in newer if one[0] in (_SEQUENCE, _SET)])
    return found


def _aggregated_by_old(aggregator: bytes | None) -> bool:
    """An AGGREGATOR that is not AS_TRANS: someone in between did not know AS4_PATH, which is stale."""
    return aggregator is not None and len(aggregator) == 6 and aggregator[:2] != AS_TRANS.to_bytes(2, "big")


def _merged(old: Segments, new: Segments) -> Segments:
    surplus = _hops(old) - _hops(new)
    if surplus < 0:
        return old
    kept: Segments = []
    for kind, numbers in old:
        if kind in (_CONFED_SEQUENCE, _CONFED_SET):
            kept.append((kind, numbers))
        elif surplus > 0:
            take = numbers[:surplus] if kind == _SEQUENCE else numbers
            kept.append((kind, take))
            surplus -= len(take) if kind == _SEQUENCE else 1
        else:
            break
    if kept and new and kept[-1][0] == new[0][0] == _SEQUENCE:
        joined = kept[-1][1] + new[0][1]
        return [*kept[:-1], (_SEQUENCE, joined), *new[1:]]
    return kept + new


def _hops(path: Segments) -> int:
    return sum(len(numbers) if kind == _SEQUENCE else 1 for kind, numbers in path if kind in (_SEQUENCE, _SET))


def _as_path(path: PathAttributes, value: bytes, newer: bytes | None, as4: bool, aggregator: bytes | None) -> None:
    found = path_segments(value, newer, as4, aggregator)
    if not found:
        return
    path.as_path_length = min(_hops(found), 0xFFFF)
    path.as_path = cut(segments_text(found))
    kind, numbers = found[-1]
    path.origin_as = numbers[-1] if kind == _SEQUENCE else 0
    for kind, numbers in found:
        if kind in (_SEQUENCE, _SET):
            path.neighbor_as = numbers[0] if kind == _SEQUENCE else 0
            break


def segments_text(path: Segments) -> str:
    """An AS path in words: ``64500 64501 {64502 64503}``, confederations in round and square brackets."""
    words = []
    for kind, numbers in path:
        text = " ".join(map(str, numbers))
        first, last = _MARKS.get(kind, ("", ""))
        words.append(f"{first}{text}{last}")
    return " ".join(words)


def next_hop(value: bytes) -> bytes | None:
    """The global address of a next hop in any of its forms, 16 octets; none for a length that is not one."""
    size = len(value)
    if size in (12, 24, 48):  # behind a route distinguisher of zeros, maybe with a link-local one behind another
        value = value[8:24]
        size = len(value)
    if size == 4:
        return _V4_MAPPED + value
    if size in (16, 32):
        return value[:16]
    return NO_ADDRESS if size == 0 else None  # FlowSpec has none


def _read_origin(path: PathAttributes, value: bytes) -> None:
    if len(value) != 1 or value[0] > 2:
        raise Malformed("origin")
    path.bgp_origin = value[0]


def _read_next_hop(path: PathAttributes, value: bytes) -> None:
    if len(value) != 4:
        raise Malformed("next_hop")
    if path.next_hop == NO_ADDRESS:
        path.next_hop = _V4_MAPPED + value


def _read_reach(path: PathAttributes, value: bytes) -> None:
    address = next_hop(value[3:])
    if address is None:
        raise Malformed("next_hop")
    path.next_hop = address


def _word(name: str) -> Callable[[PathAttributes, bytes], None]:
    def read(path: PathAttributes, value: bytes) -> None:
        if len(value) != 4:
            raise Malformed(name)
        setattr(path, name, int.from_bytes(value, "big"))

    return read


_READERS: dict[int, Callable[[PathAttributes, bytes], None]] = {
    ORIGIN: _read_origin, NEXT_HOP: _read_next_hop, MED: _word("med"), LOCAL_PREF: _word("local_pref"),
    MP_REACH: _read_reach,
}  # fmt: skip
_COMMUNITIES: dict[int, tuple[int, str, Callable[[bytes], tuple[str, ...]]]] = {
    COMMUNITIES: (4, "communities", communities.standard),
    EXTENDED: (8, "extended_communities", communities.extended),
    LARGE: (12, "large_communities", communities.large),
    IPV6_EXTENDED: (20, "ipv6_extended_communities", communities.ipv6_extended),
}
