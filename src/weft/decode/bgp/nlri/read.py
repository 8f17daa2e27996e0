"""Which reader a family has."""

from __future__ import annotations

from collections.abc import Callable

from weft.decode.bgp.codes import Malformed
from weft.decode.bgp.nlri.base import Nlri, Octets
from weft.decode.bgp.nlri.evpn import read_evpn
from weft.decode.bgp.nlri.flowspec import read_flow
from weft.decode.bgp.nlri.linkstate import read_link_state
from weft.decode.bgp.nlri.others import read_mup, read_mvpn, read_opaque, read_policy, read_target, read_vpls
from weft.decode.bgp.nlri.prefixes import read_labeled, read_plain, read_vpn

#: SAFI → what reads one NLRI of AFI 1 and 2.
_READERS: dict[int, Callable[[int, int, Octets], Nlri]] = {
    1: read_plain, 2: read_plain, 4: read_labeled, 5: read_mvpn, 73: read_policy, 85: read_mup, 128: read_vpn,
    132: read_target, 133: read_flow, 134: read_flow,
}  # fmt: skip
_OTHERS: dict[tuple[int, int], Callable[[int, int, Octets], Nlri]] = {
    (25, 70): read_evpn, (25, 65): read_vpls, (16388, 71): read_link_state, (16388, 72): read_link_state,
}  # fmt: skip


def is_read(pair: tuple[int, int]) -> bool:
    """Whether NLRI of an AFI and SAFI are told apart: what else was agreed on for the family matters only then."""
    return _reader(pair) is not None


def _reader(pair: tuple[int, int]) -> Callable[[int, int, Octets], Nlri] | None:
    return _OTHERS.get(pair) or (_READERS.get(pair[1]) if pair[0] in (1, 2) else None)


def read_nlri(pair: tuple[int, int], data: bytes, has_id: bool) -> list[Nlri]:
    """All NLRI of an AFI and SAFI; a family that nothing here knows is one route in octets. Raises ``Malformed``."""
    afi, safi = pair
    reader = _reader(pair)
    if reader is None:
        return [read_opaque(afi, safi, Octets(data))] if data else []
    octets, found = Octets(data), []
    while len(octets):
        path_id = octets.number(4) if has_id else 0
        at = octets.at
        one = reader(afi, safi, octets)
        if octets.at == at:
            raise Malformed("nlri")
        found.append(one._replace(path_id=path_id) if path_id else one)
    return found
