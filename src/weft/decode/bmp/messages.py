"""What a BMP stream says, message by message (RFC 7854 §4, 8671, 9069)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from weft.decode.bgp.routes import Routes
from weft.decode.bgp.words import rd_text


@dataclass(frozen=True, slots=True)
class PeerKey:
    """Which peer of the router (RFC 7854 §4.2); hashable."""

    kind: int  # 0 global instance, 1 RD instance, 2 local instance, 3 Loc-RIB instance
    distinguisher: bytes  # 8 octets; zeros for the global instance
    address: bytes  # 16 octets as telemetry rows hold them; zeros for Loc-RIB

    @property
    def vrf(self) -> str:
        """The distinguisher in words; empty for the global table."""
        return rd_text(self.distinguisher)


@dataclass(slots=True)
class Initiation:
    """The router names itself (RFC 7854 §4.3)."""

    sys_name: str = ""
    sys_descr: str = ""
    strings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Termination:
    """The router ends the stream (§4.5)."""

    reason: str = ""  # "administratively closed", "out of resources" …
    strings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _OfPeer:
    peer: PeerKey
    peer_as: int
    bgp_id: int  # as a number
    rib: int  # model.routes.RIBS
    time_ns: int  # what the router says, else when it came; UTC


@dataclass(slots=True)
class PeerUp(_OfPeer):
    """A session came up, or is up as the stream begins (§4.10)."""

    local_address: bytes = bytes(16)
    local_port: int = 0
    remote_port: int = 0
    as4: bool = True  # both ends sent the capability
    add_path: frozenset[tuple[int, int]] = frozenset()  # (AFI, SAFI) whose NLRI carry identifiers
    table: str = ""  # VRF or table name (RFC 9069)
    strings: list[str] = field(default_factory=list)
    sent_open: bytes = b""  # whole OPEN messages; ``bgp.open.decode_open`` reads them
    received_open: bytes = b""


@dataclass(slots=True)
class PeerDown(_OfPeer):
    """A session went away, and with it all routes of the peer (§4.9)."""

    reason: str = ""  # in words, with the NOTIFICATION's code, subcode and text
    code: int = 0  # §4.9: 1 local NOTIFICATION, 2 local FSM event, 3 remote NOTIFICATION, 4 remote, 5 de-configured, 6


@dataclass(slots=True)
class Statistics(_OfPeer):
    """Counters of a peer (§4.8): statistic type → value; those per family under (type, AFI, SAFI)."""

    values: dict[int, int] = field(default_factory=dict)
    per_family: dict[tuple[int, int, int], int] = field(default_factory=dict)


@dataclass(slots=True)
class Monitoring(_OfPeer):
    """Routes of one peer and one RIB: consecutive Route Monitoring messages together (§4.6)."""

    routes: Routes = field(default_factory=Routes.empty)
    row_time_ns: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))  # [n] of each route's message
    messages: int = 1


@dataclass(slots=True)
class Mirroring(_OfPeer):
    """A message as it was received, verbatim (§4.7): ``what`` is its type or why it is here."""

    what: str = ""
    message: bytes = b""


BmpMessage = Initiation | Termination | PeerUp | PeerDown | Statistics | Monitoring | Mirroring
