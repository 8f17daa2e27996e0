"""What a stretch of an MRT file holds."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from weft.decode.bgp.routes import Routes


@dataclass(slots=True)
class SessionChange:
    """A state change of a peer's session (BGP4MP_STATE_CHANGE)."""

    time_ns: int
    peer: bytes  # 16 octets
    peer_as: int
    old_state: int  # RFC 4271 §8.2.2: 1 Idle … 6 Established
    new_state: int


@dataclass(slots=True)
class MrtBlock:
    """Some thousand records: their routes in order, with whose they are and when."""

    routes: Routes
    time_ns: NDArray[np.int64]  # [n] of the record, or when the entry of a table was learned; UTC
    peer: NDArray[np.uint8]  # [n, 16]
    peer_as: NDArray[np.uint32]  # [n]
    is_table: bool  # rows of a table dump (as of ``dump_ns``) rather than updates
    dump_ns: int = 0  # time of the first record of a table's stretch
    collector: bytes = bytes(16)  # collector's BGP identifier (table dump), or its address (updates); zeros = unknown
    view: str = ""
    changes: list[SessionChange] = field(default_factory=list)
    records: int = 0
