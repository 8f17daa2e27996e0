"""Sets of path attributes, each kept once: routes hold an index (RFC 4271 §5)."""

from __future__ import annotations

import hashlib
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.decode.bgp.attributes import PathAttributes, canonical, parse, without_first_as
from weft.decode.bgp.codes import Malformed
from weft.decode.bgp.sink import Sink

_FIRST_PLACES = 1 << 12
#: Reasons of malformed sets that are remembered, so that a sender of rubbish does not have it read again and again.
_REMEMBERED = 1 << 12
#: Octets of attribute sets that are kept at most, beside their number: hostile sets are long.
_OCTETS = 512 << 20

_COLUMNS: dict[str, tuple[Any, object, tuple[int, ...]]] = {
    "as_path": (object, "", ()),
    "as_path_length": (np.uint16, 0, ()),
    "origin_as": (np.uint32, 0, ()),
    "neighbor_as": (np.uint32, 0, ()),
    "next_hop": (np.uint8, 0, (16,)),
    "bgp_origin": (np.uint8, 255, ()),
    "local_pref": (np.uint32, 0, ()),
    "med": (np.uint32, 0, ()),
    "originator": (np.uint32, 0, ()),
    "cluster_length": (np.uint8, 0, ()),
    "communities": (object, "", ()),
    "attributes": (object, "", ()),
    "fingerprint": (np.uint64, 0, ()),
}


class Paths:
    """Interned path-attribute sets with columns over them; one thread at a time.

    The columns are arrays over all places: ``paths.as_path[routes.path]`` reads a column for many routes at once, and
    index -1 (no path) reads as empty. Fetch a column anew after adding: it moves when it grows. The caller knows which
    paths are still in use and gives the others back with ``drop``; an index is used again after that.
    """

    # Columns, [places + 1], the last one blank; what they mean stands in model/routes.py.
    as_path: NDArray[np.object_]  # str: "64500 64501 {64502 64503} (64512)"
    as_path_length: NDArray[np.uint16]
    origin_as: NDArray[np.uint32]
    neighbor_as: NDArray[np.uint32]
    next_hop: NDArray[np.uint8]  # [places + 1, 16]
    bgp_origin: NDArray[np.uint8]  # 255 = none
    local_pref: NDArray[np.uint32]  # 0 = not sent
    med: NDArray[np.uint32]  # 0 = not sent
    originator: NDArray[np.uint32]  # ORIGINATOR_ID as a number; 0 = none (best path, RFC 4456 §9)
    cluster_length: NDArray[np.uint8]  # length of CLUSTER_LIST
    communities: NDArray[np.object_]  # str
    attributes: NDArray[np.object_]  # str
    fingerprint: NDArray[np.uint64]  # of AS path and communities, the same in every run; never 0

    def __init__(self, limit: int = 4_000_000) -> None:
        """``limit``: most sets kept at once; routes of further ones are withdrawn and counted."""
        self.limit = limit
        self._known: dict[bytes, int] = {}
        self._keys: list[bytes | None] = []  # [used] the set at each place; none where it was dropped
        self._free: list[int] = []
        self._octets = 0
        self._malformed: dict[bytes, str] = {}
        self._sink: Sink | None = None
        for name, (kind, blank, shape) in _COLUMNS.items():
            setattr(self, name, np.full((_FIRST_PLACES, *shape), blank, kind))

    def __len__(self) -> int:
        """How many sets are kept."""
        return len(self._known)

    @property
    def places(self) -> int:
        """Every index is below it: the length of the columns without the blank at their end."""
        return len(self.origin_as) - 1

    @property
    def sink(self) -> Sink:
        """Where kernels write routes that refer to these sets."""
        if self._sink is None:
            self._sink = Sink.new()
        return self._sink

    def index(self, attributes: bytes, as4: bool) -> int:
        """The place of an attribute block as in an UPDATE (MP_REACH and MP_UNREACH count by their next hop only).

        ``as4``: AS numbers take four octets. Raises ``Malformed`` with the reason.
        """
        return self.intern(canonical(attributes), as4)

    def intern(self, block: bytes, as4: bool) -> int:
        """The place of a set in its canonical form (``attributes.canonical``). Raises ``Malformed``."""
        key = block + (b"\x04" if as4 else b"\x02")
        at = self._known.get(key)
        return at if at is not None else self._add(key, as4)

    def without_first_as(self, at: int) -> int:
        """The place of a set like that at ``at`` but for the first AS of its path; ``at`` where it cannot be made."""
        key = self._keys[at]
        if key is None or key[-1:] != b"\x04":
            return at
        try:
            return self.intern(without_first_as(key[:-1]), as4=True)
        except Malformed:  # there are too many
            return at

    def drop(self, indices: NDArray[np.int32]) -> None:
        """Forget sets that no route uses any more."""
        for at in np.unique(indices).tolist():
            if not 0 <= at < len(self._keys) or (key := self._keys[at]) is None:
                continue
            del self._known[key]
            self._keys[at] = None
            self._octets -= len(key)
            self._free.append(at)
            for name, (_, blank, _) in _COLUMNS.items():
                getattr(self, name)[at] = blank

    def _add(self, key: bytes, as4: bool) -> int:
        if (reason := self._malformed.get(key)) is not None:
            raise Malformed(reason)
        if len(self._known) >= self.limit or self._octets + len(key) > _OCTETS:
            raise Malformed("too_many_paths")
        try:
            path = parse(key[:-1], as4)
        except Malformed as error:
            if len(self._malformed) >= _REMEMBERED:
                self._malformed.clear()
            self._malformed[key] = error.what
            raise
        at = self._place(key)
        self._known[key] = at
        self._octets += len(key)
        self._write(at, path)
        return at

    def _place(self, key: bytes) -> int:
        if self._free:
            at = self._free.pop()
            self._keys[at] = key
            return at
        at = len(self._keys)
        if at >= self.places:
            for name, (kind, blank, shape) in _COLUMNS.items():
                old = getattr(self, name)
                column = np.full((2 * len(old), *shape), blank, kind)
                column[:at] = old[:at]
                setattr(self, name, column)
        self._keys.append(key)
        return at

    def _write(self, at: int, path: PathAttributes) -> None:
        self.as_path_length[at], self.origin_as[at] = path.as_path_length, path.origin_as
        self.neighbor_as[at], self.bgp_origin[at] = path.neighbor_as, path.bgp_origin
        self.local_pref[at], self.med[at] = path.local_pref, path.med
        self.originator[at], self.cluster_length[at] = path.originator, path.cluster_length
        self.as_path[at] = sys.intern(path.as_path)
        self.communities[at] = sys.intern(path.communities)
        self.attributes[at] = sys.intern(path.attributes)
        self.next_hop[at] = np.frombuffer(path.next_hop, np.uint8)
        self.fingerprint[at] = fingerprint(path.as_path, path.communities)


def fingerprint(as_path: str, communities: str) -> int:
    """What stands for an AS path with communities in other tables: the same in every run, 0 where both are empty."""
    if not as_path and not communities:
        return 0
    digest = hashlib.blake2b(f"{as_path}\0{communities}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1
