"""UPDATE messages to routes (RFC 4271 §4.3, 4760, 6793, 7606, 7911)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.bgp.paths import Paths
from weft.decode.bgp.routes import Routes

#: (AFI, SAFI) pairs whose NLRI carry a path identifier.
AddPath = frozenset[tuple[int, int]]


def decode_update(body: bytes, *, as4: bool, add_path: AddPath, paths: Paths) -> Routes:
    """Routes of one UPDATE, without the 19-octet header; what is wrong with it is in ``errors`` of the result."""
    raise NotImplementedError


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
    raise NotImplementedError
