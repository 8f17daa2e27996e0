"""Routes to rows of the ``routes`` table: attributes are written once per path and batch, as dictionaries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.decode.bgp.paths import Paths
from weft.model.addresses import NO_ADDRESS, address_text
from weft.model.routes import ROUTE_EVENTS, ROUTES
from weft.model.rows import batch_of

CHECKPOINT, PEER_UP, PEER_DOWN = (
    next(number for number, name in ROUTE_EVENTS.items() if name == word)
    for word in ("checkpoint", "peer_up", "peer_down")
)
_NO_ORIGIN = 255


@dataclass(frozen=True, slots=True)
class SessionKey:
    """One table of one neighbour, as rows name it: all of its rows carry these. The AS does not tell two apart."""

    exporter: bytes  # 16 octets
    source: int  # model.routes.ROUTE_SOURCES
    rib: int  # model.routes.RIBS
    peer: bytes  # 16 octets; zeros for Loc-RIB
    peer_as: int = field(compare=False)
    vrf: str = ""

    def columns(self) -> dict[str, Any]:
        """Values of its columns."""
        return {
            "exporter": self.exporter, "source": self.source, "rib": self.rib, "peer": self.peer,
            "peer_as": self.peer_as, "vrf": self.vrf,
        }  # fmt: skip


def session_row(key: SessionKey, event: int, time_ns: int, received_ns: int, reason: str = "") -> pa.RecordBatch:
    """A session came up, or went away and all its routes with it."""
    return batch_of(
        ROUTES, 1, **key.columns(), event=event, time=time_ns, time_received=received_ns, bgp_origin=_NO_ORIGIN,
        reason=reason,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RouteColumns:
    """What is to be written of some routes: parallel."""

    prefix: NDArray[np.uint8]
    length: NDArray[np.uint8]
    family: NDArray[np.uint8]
    path_id: NDArray[np.uint32]
    path: NDArray[np.int32]
    rpki: NDArray[np.uint8]
    nlri: list[str] | None


def route_rows(
    key: SessionKey, routes: RouteColumns, event: NDArray[np.uint8] | int, times_ns: NDArray[np.int64] | int,
    received_ns: int, paths: Paths,
) -> pa.RecordBatch:  # fmt: skip
    """Rows of routes of one session. A withdrawal's row carries the path that is gone."""
    used, at = np.unique(routes.path, return_inverse=True)
    at = at.astype(np.int32)
    words = {name: _words(getattr(paths, name), used, at) for name in ("as_path", "communities", "attributes")}
    numbers = {
        name: getattr(paths, name)[routes.path]
        for name in ("as_path_length", "origin_as", "neighbor_as", "bgp_origin", "local_pref", "med")
    }
    return batch_of(
        ROUTES, len(routes.path), **key.columns(), **words, **numbers, event=event, time=times_ns,
        time_received=received_ns, family=routes.family, prefix=addresses(routes.prefix), prefix_length=routes.length,
        path_id=routes.path_id, nlri=routes.nlri, next_hop=addresses(paths.next_hop[routes.path]), rpki=routes.rpki,
    )  # fmt: skip


def in_words(rd: str, nlri: str, prefix: bytes, length: int) -> str:
    """What the column ``nlri`` holds: nothing where prefix and length tell the route apart."""
    if not rd:
        return nlri
    return f"rd:{rd} {nlri or address_text(prefix, '::') + f'/{length}'}"


def addresses(column: NDArray[np.uint8]) -> Any:
    """A column of 16-octet addresses."""
    packed = np.ascontiguousarray(column, np.uint8)
    return pa.Array.from_buffers(pa.binary(len(NO_ADDRESS)), len(packed), [None, pa.py_buffer(packed.data)])


def _words(column: NDArray[np.object_], used: NDArray[Any], at: NDArray[Any]) -> Any:
    words: Any = pa.array(column[used].tolist(), pa.string())
    indices: Any = pa.array(at)
    return pa.DictionaryArray.from_arrays(indices, words)
