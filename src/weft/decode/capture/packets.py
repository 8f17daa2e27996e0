"""What the packet lists of pcap and pcapng have in common: one row per captured packet."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Columns of ``Packets.rows``.
(P_AT, P_SIZE, P_TIME, P_LINK) = range(4)
P_COLUMNS = 4

#: Longest packet believed; libpcap itself stops at 256 KiB for most link types.
LONGEST = 16 << 20


class Packets(NamedTuple):
    """Packets found in a stretch of a capture, and where to go on."""

    rows: NDArray[np.int64]  # [n, P_COLUMNS]: offset, captured bytes, UTC ns, DLT/LINKTYPE
    next_at: int
    reason: str | None  # why the list ends here for good
