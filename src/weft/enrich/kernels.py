"""The loops that turn the entry an address matched into AS and network."""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import NDArray

from weft.enrich.config import ASOrigin

_FLOW, _FLOW_PUBLIC, _TABLE, _ROUTING = 1, 2, 3, 4
_ORIGINS: dict[ASOrigin, int] = {
    "flow": _FLOW, "flow-except-private": _FLOW_PUBLIC, "table": _TABLE, "routing": _ROUTING,
}  # fmt: skip


def origin_codes(as_from: Sequence[ASOrigin]) -> NDArray[np.int64]:
    """``as_from`` as ``fill`` reads it."""
    return np.array([_ORIGINS[origin] for origin in as_from], np.int64)


@numba.njit(cache=True, nogil=True)
def is_special_as(number):  # type: ignore[no-untyped-def]
    """Whether an AS number is AS_TRANS, reserved, private or documentation (RFC 6793, 7607, 7300, 6996, 5398)."""
    return number == 0 or number == 23456 or 64496 <= number <= 65551 or number >= 4200000000


@numba.njit(cache=True, nogil=True)
def fill(entry, entries, flow_as, route_as, origins, out_as, out_net):  # type: ignore[no-untyped-def]
    """Write AS and network id of each row; returns how many rows have an AS and how many a network.

    ``route_as`` is empty where no routes are known.
    """
    with_as = with_net = 0
    for i in range(len(entry)):
        e = entry[i]
        net = entries[e, 1]
        out_net[i] = net
        sent, found = flow_as[i], np.uint32(0)
        for k in range(len(origins)):
            origin = origins[k]
            if origin == 3:
                found = entries[e, 0]
            elif origin == 4:
                found = route_as[i] if len(route_as) else np.uint32(0)
            elif origin == 1 or not is_special_as(sent):
                found = sent
            if found:
                break
        out_as[i] = found
        with_net += net != 0
        with_as += found != 0
    return with_as, with_net
