"""Entries of table dumps of families that are not plain (RIB_GENERIC, RFC 6396 §4.3.3, RFC 8050)."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from weft.decode.bgp.attributes import each
from weft.decode.bgp.codes import MP_REACH, MP_UNREACH, Malformed
from weft.decode.bgp.nlri import Nlri, read_nlri
from weft.decode.bgp.nlri.base import Octets
from weft.decode.bgp.paths import Paths
from weft.decode.bgp.routes import Routes
from weft.decode.bgp.update import routes_of
from weft.errors import InvalidInput


def read_generic(body: bytes, has_id: bool, paths: Paths, errors: Counter[str]) -> tuple[Routes, NDArray[np.int64]]:
    """One record: its routes, and of each the peer's number and when it was learned, in seconds.

    Raises ``InvalidInput`` with the reason; a single damaged entry is counted in ``errors``.
    """
    octets = Octets(body)
    try:
        octets.take(4)
        afi, safi = octets.number(2), octets.number(1)
        pair = afi, safi
        nlri = read_nlri(pair, _one(octets, pair), False)
        entries, indices = [], []
        found: list[Nlri] = []
        for _ in range(octets.number(2)):
            peer, learned = octets.number(2), octets.number(4)
            path_id = octets.number(4) if has_id else 0
            attributes = octets.take(octets.number(2))
            try:
                path = paths.intern(_set(attributes, afi, safi), True)
            except Malformed as error:
                errors[error.what] += 1
                continue
            found.extend(one._replace(path_id=path_id) for one in nlri)
            indices.extend([path] * len(nlri))
            entries.extend([(peer, learned)] * len(nlri))
    except Malformed:
        raise InvalidInput("record_length") from None
    routes = routes_of(found)
    routes.path = np.array(indices, np.int32)
    routes.withdrawn = np.zeros(len(found), np.bool_)
    return routes, np.array(entries, np.int64).reshape(-1, 2)


def _one(octets: Octets, pair: tuple[int, int]) -> bytes:
    """The octets of the one NLRI, which says its own length in a way that depends on the family."""
    at = octets.at
    first = octets.number(1)
    if pair == (25, 70):
        octets.take(octets.number(1))
    elif pair[1] in (133, 134):
        octets.take(first if first < 0xF0 else (first & 0xF) << 8 | octets.number(1))
    elif pair in ((16388, 71), (16388, 72), (25, 65)):
        second = octets.number(1)
        octets.take(first << 8 | second if pair[0] == 25 else octets.number(2))
    else:
        octets.take((first + 7) // 8)
    return octets.data[at : octets.at]


def _set(block: bytes, afi: int, safi: int) -> bytes:
    """The canonical form of an entry's attributes; MP_REACH is its next hop alone, or whole."""
    parts = []
    for flags, code, value in each(block):
        if code == MP_UNREACH:
            continue
        kept = value
        if code == MP_REACH:
            if value and value[0] == len(value) - 1:
                hop = value[1:]
            elif len(value) >= 5:
                hop = value[4 : 4 + value[3]]
            else:
                raise Malformed("mp_reach")
            kept = afi.to_bytes(2, "big") + bytes([safi]) + hop
        parts.append(bytes([flags & 0xE0, code]) + len(kept).to_bytes(2, "big") + kept)
    return b"".join(parts)
