"""The per-peer header (RFC 7854 §4.2, 8671, 9069)."""

from __future__ import annotations

from dataclasses import dataclass

from weft.decode.bmp.messages import PeerKey
from weft.model.addresses import NO_ADDRESS

_V6, _POST, _AS2, _OUT = 0x80, 0x40, 0x20, 0x10
_V4_MAPPED = b"\0" * 10 + b"\xff\xff"
LOC_RIB = 3


@dataclass(frozen=True, slots=True)
class PeerHeader:
    """Whose message it is."""

    key: PeerKey
    rib: int  # model.routes.RIBS
    asn: int
    bgp_id: int
    time_ns: int
    as4: bool

    @property
    def is_out(self) -> bool:
        """What the router tells the peer, rather than the other way round."""
        return self.rib in (4, 5)

    @property
    def about(self) -> tuple[PeerKey, int, int, int, int]:
        """What every message of a peer begins with."""
        return self.key, self.asn, self.bgp_id, self.rib, self.time_ns


def read_header(octets: bytes, at: int, now_ns: int) -> PeerHeader:
    """The 42 octets at ``at``; a time that is not said is ``now_ns``."""
    kind, flags = octets[at], octets[at + 1]
    address = octets[at + 10 : at + 26]
    if kind == LOC_RIB:
        rib, address, as4 = 3, NO_ADDRESS, True
    else:
        rib = (5 if flags & _POST else 4) if flags & _OUT else (2 if flags & _POST else 1)
        as4 = not flags & _AS2
        if not flags & _V6 and not any(address[:12]):
            address = _V4_MAPPED + address[12:] if any(address[12:]) else NO_ADDRESS
    seconds, micros = int.from_bytes(octets[at + 34 : at + 38], "big"), int.from_bytes(octets[at + 38 : at + 42], "big")
    return PeerHeader(
        PeerKey(kind, octets[at + 2 : at + 10], address),
        rib,
        int.from_bytes(octets[at + 26 : at + 30], "big"),
        int.from_bytes(octets[at + 30 : at + 34], "big"),
        seconds * 1_000_000_000 + micros * 1_000 if seconds else now_ns,
        as4,
    )
