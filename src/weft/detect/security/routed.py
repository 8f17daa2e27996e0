"""Which IPv4 space is routed at all, as far as routers tell: a bit for each /24, set by every route that was seen.

Loose reverse path forwarding that ignores default routes (RFC 3704, section 2.4) needs a full table: nothing is said
before nearly as much is routed as on the Internet. What is withdrawn counts as routed all the same.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.detect.routing.rows import ANNOUNCE, CHANGE, CHECKPOINT
from weft.detect.security.rows import address_words, plain

#: So many /24 are routed in a full table at least: the Internet's is of about 12 million.
FULL = 8_000_000
_V4_FAMILY = 1  # model.routes.FAMILIES
_SHORTEST = 8  # shorter is a default route, or a part of one


@numba.njit(cache=True, nogil=True)
def _mark(bits, prefix, length):  # type: ignore[no-untyped-def]
    """Set the bits of these prefixes (IPv4 as integers); how many of them were not set."""
    new = 0
    for i in range(len(prefix)):
        if length[i] < _SHORTEST:
            continue
        first = np.int64(prefix[i]) >> 8
        for at in range(first, first + (1 << max(24 - int(length[i]), 0))):
            bit = np.uint8(1) << np.uint8(at & 7)
            if not bits[at >> 3] & bit:
                bits[at >> 3] |= bit
                new += 1
    return new


@numba.njit(cache=True, nogil=True, inline="always")
def is_unrouted(bits, high, low):  # type: ignore[no-untyped-def]
    """Whether no route was ever seen for an address. ``bits`` is empty where that is not known; IPv6 never is."""
    if not len(bits) or high or low >> np.uint64(32) != np.uint64(0xFFFF):
        return False
    at = np.int64(low & np.uint64(0xFFFFFFFF)) >> 8
    return not bits[at >> 3] & (np.uint8(1) << np.uint8(at & 7))


class RoutedSpace:
    """What is routed, learned from rows of ``routes``. Memory: 2 MB."""

    def __init__(self) -> None:
        self._bits = np.zeros(1 << 21, np.uint8)
        self._none = np.zeros(0, np.uint8)
        self.networks = 0
        """How many /24 are routed."""

    def take(self, rows: pa.RecordBatch) -> None:
        """Routes that are announced, in the global table."""
        told = np.isin(plain(rows, "event", np.uint8), (ANNOUNCE, CHANGE, CHECKPOINT))
        told &= plain(rows, "family", np.uint8) == _V4_FAMILY
        at = rows.schema.get_field_index("vrf")
        if at >= 0:
            vrf: Any = rows.column(at)
            vrf = vrf.cast(pa.string())
            told &= vrf.fill_null("").to_numpy(zero_copy_only=False) == ""
        length = plain(rows, "prefix_length", np.uint8)
        prefix = (address_words(rows, "prefix")[1][told] & np.uint64(0xFFFFFFFF)).astype(np.int64)
        self.networks += _mark(self._bits, prefix, length[told])

    @property
    def known(self) -> NDArray[np.uint8]:
        """The bits for ``is_unrouted``; empty as long as there is no full table."""
        return self._bits if self.networks >= FULL else self._none

    @property
    def bytes_used(self) -> int:
        """Octets of memory."""
        return self._bits.nbytes
