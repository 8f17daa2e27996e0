"""Sets of path attributes, each kept once: routes hold an index (RFC 4271 §5)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.errors import InvalidInput


class Malformed(InvalidInput):
    """Path attributes that make their routes unfeasible (RFC 7606 treat-as-withdraw); ``what`` is the reason."""


class Paths:
    """Interned path-attribute sets with columns over them; one thread at a time.

    The columns are arrays over all places: ``paths.as_path[routes.path]`` reads a column for many routes at once, and
    index -1 (no path) reads as empty. Fetch a column anew after adding: it moves when it grows. The caller knows which
    paths are still in use and gives the others back with ``drop``; an index is used again after that.
    """

    def __init__(self, limit: int = 4_000_000) -> None:
        """``limit``: most sets kept at once; routes of further ones are withdrawn and counted."""
        self.limit = limit

    def __len__(self) -> int:
        """How many sets are kept."""
        raise NotImplementedError

    @property
    def places(self) -> int:
        """Length of the columns: every index is below it."""
        raise NotImplementedError

    def index(self, attributes: bytes, as4: bool) -> int:
        """The place of an attribute block as in an UPDATE (MP_REACH and MP_UNREACH count by their next hop only).

        ``as4``: AS numbers take four octets. Raises ``Malformed`` with the reason.
        """
        raise NotImplementedError

    def drop(self, indices: NDArray[np.int32]) -> None:
        """Forget sets that no route uses any more."""
        raise NotImplementedError

    # Columns, [places]; what they mean stands in model/routes.py.
    as_path: NDArray[np.object_]  # str: "64500 64501 {64502 64503} (64512)"
    as_path_length: NDArray[np.uint16]
    origin_as: NDArray[np.uint32]
    neighbor_as: NDArray[np.uint32]
    next_hop: NDArray[np.uint8]  # [places, 16]
    bgp_origin: NDArray[np.uint8]  # 255 = none
    local_pref: NDArray[np.uint32]  # 0 = not sent
    med: NDArray[np.uint32]  # 0 = not sent
    originator: NDArray[np.uint32]  # ORIGINATOR_ID as a number; 0 = none (best path, RFC 4456 §9)
    cluster_length: NDArray[np.uint8]  # length of CLUSTER_LIST
    communities: NDArray[np.object_]  # str
    attributes: NDArray[np.object_]  # str
    fingerprint: NDArray[np.uint64]  # of AS path and communities, the same in every run; never 0
