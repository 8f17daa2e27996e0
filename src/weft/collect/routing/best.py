"""Which of several routes to a prefix a router uses: best-path selection (RFC 4271 §9.1.2.2) over whole tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.collect.routing.table import Standing
from weft.decode.bgp.paths import Paths
from weft.decode.kernels import kernel
from weft.decode.probing import mixed

_DEFAULT_PREFERENCE = 100  # what routers take where LOCAL_PREF was not sent, as over eBGP
_UNICAST = (1, 2)  # model.routes.FAMILIES


@dataclass(frozen=True, slots=True)
class PathColumns:
    """Attributes of some paths: copies, parallel."""

    fingerprint: NDArray[np.uint64]
    as_path: NDArray[np.object_]
    as_path_length: NDArray[np.uint16]
    origin_as: NDArray[np.uint32]
    neighbor_as: NDArray[np.uint32]
    next_hop: NDArray[np.uint8]  # [n, 16]
    communities: NDArray[np.object_]

    @classmethod
    def of(cls, paths: Paths, chosen: NDArray[np.int32]) -> PathColumns:
        """Those of ``chosen``."""
        return cls(*(getattr(paths, name)[chosen] for name in cls.__dataclass_fields__))


@dataclass(frozen=True, slots=True)
class Best:
    """One route per prefix; ``path`` indexes ``paths``."""

    prefix: NDArray[np.uint8]  # [n, 16]
    length: NDArray[np.uint8]  # of IPv4 in its own bits
    family: NDArray[np.uint8]
    path: NDArray[np.int32]
    paths: PathColumns

    def __len__(self) -> int:
        return len(self.path)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Routes of several tables, with what decides between them."""

    prefix: NDArray[np.uint8]
    length: NDArray[np.uint8]
    family: NDArray[np.uint8]
    path: NDArray[np.int32]  # index into ``paths``
    table: NDArray[np.int32]
    ranks: NDArray[np.int64]  # [paths, 6] lower is better: −LOCAL_PREF, length, origin, MED, neighbour, cluster length
    originator: NDArray[np.int64]  # [paths] 0 = none
    tables: NDArray[np.int64]  # [tables, 2] internal, BGP identifier
    peer_rank: NDArray[np.int64]  # [tables] place of the neighbour's address
    paths: PathColumns

    @classmethod
    def of(cls, tables: Sequence[tuple[Standing, bool, int, bytes]], paths: Paths) -> Candidates:
        """Unicast routes of tables: (routes, of another AS, BGP identifier, address of the neighbour)."""
        kept = [np.flatnonzero(np.isin(one[0].family, _UNICAST)) for one in tables]
        path = _joined([one[0].path[rows] for one, rows in zip(tables, kept, strict=True)], np.int32)
        used, at = np.unique(path, return_inverse=True)
        preference = np.where(paths.local_pref[used] == 0, _DEFAULT_PREFERENCE, paths.local_pref[used])
        columns = (
            -preference.astype(np.int64), paths.as_path_length[used], paths.bgp_origin[used], paths.med[used],
            paths.neighbor_as[used], paths.cluster_length[used],
        )  # fmt: skip
        order = {peer: place for place, peer in enumerate(sorted({one[3] for one in tables}))}
        return cls(
            _joined([one[0].prefix[rows] for one, rows in zip(tables, kept, strict=True)], np.uint8, 16),
            _joined([one[0].length[rows] for one, rows in zip(tables, kept, strict=True)], np.uint8),
            _joined([one[0].family[rows] for one, rows in zip(tables, kept, strict=True)], np.uint8),
            at.astype(np.int32), np.repeat(np.arange(len(kept), dtype=np.int32), [len(rows) for rows in kept]),
            np.ascontiguousarray(np.stack(columns, axis=1), np.int64), paths.originator[used].astype(np.int64),
            np.array([(not one[1], one[2]) for one in tables], np.int64).reshape(-1, 2),
            np.array([order[one[3]] for one in tables], np.int64), PathColumns.of(paths, used),
        )  # fmt: skip


def choose(candidates: Candidates) -> Best:
    """The best route to each prefix. A next hop's IGP cost and the age of routes are not known, and not compared."""
    count = len(candidates.path)
    words = np.ascontiguousarray(candidates.prefix).view(">u8").reshape(-1, 2).astype(np.uint64)
    following, heads = np.full(count, -1, np.int32), np.empty(count, np.int32)
    buckets = np.full(1 << max(4, (2 * count).bit_length()), -1, np.int32)
    group: Any = _group
    found = group(words, candidates.length, candidates.family, buckets, following, heads)
    winners = np.empty(found, np.int32)
    decide: Any = _decide
    decide(
        heads[:found], following, candidates.path, candidates.table, candidates.ranks, candidates.originator,
        candidates.tables, candidates.peer_rank, winners,
    )  # fmt: skip
    return Best(
        candidates.prefix[winners], candidates.length[winners], candidates.family[winners], candidates.path[winners],
        candidates.paths,
    )  # fmt: skip


@kernel
def _group(
    words: NDArray[np.uint64], length: NDArray[np.uint8], family: NDArray[np.uint8], buckets: NDArray[np.int32],
    following: NDArray[np.int32], heads: NDArray[np.int32],
) -> int:  # fmt: skip
    """Chain the routes to each prefix: ``heads`` begins each chain, ``following`` leads on. Returns the chains."""
    mask, found = np.uint64(len(buckets) - 1), 0
    for i in range(len(words)):
        h = mixed(mixed(words[i, 0] ^ np.uint64(0x9E3779B97F4A7C15)) ^ words[i, 1])
        at = mixed(h ^ np.uint64(length[i]) ^ np.uint64(family[i]) << np.uint64(8)) & mask
        while True:
            chain = buckets[at]
            if chain < 0:
                buckets[at], heads[found] = found, i
                found += 1
                break
            other = heads[chain]
            if (
                words[other, 0] == words[i, 0] and words[other, 1] == words[i, 1]
                and length[other] == length[i] and family[other] == family[i]
            ):  # fmt: skip
                following[i], heads[chain] = other, i
                break
            at = (at + np.uint64(1)) & mask
    return found


@kernel
def _beats(
    a: int, b: int, path: NDArray[np.int32], table: NDArray[np.int32], ranks: NDArray[np.int64],
    originator: NDArray[np.int64], tables: NDArray[np.int64], peer_rank: NDArray[np.int64],
) -> bool:  # fmt: skip
    """Whether ``a`` is preferred where all up to the MED is equal: (d) to (g), with RFC 4456 §9."""
    of_a, of_b, in_a, in_b = path[a], path[b], table[a], table[b]
    if tables[in_a, 0] != tables[in_b, 0]:
        return bool(tables[in_a, 0] < tables[in_b, 0])
    id_a = originator[of_a] or tables[in_a, 1]
    id_b = originator[of_b] or tables[in_b, 1]
    if id_a != id_b:
        return bool(id_a < id_b)
    if ranks[of_a, 5] != ranks[of_b, 5]:
        return bool(ranks[of_a, 5] < ranks[of_b, 5])
    if peer_rank[in_a] != peer_rank[in_b]:
        return bool(peer_rank[in_a] < peer_rank[in_b])
    return a < b


@kernel
def _decide(
    heads: NDArray[np.int32], following: NDArray[np.int32], path: NDArray[np.int32], table: NDArray[np.int32],
    ranks: NDArray[np.int64], originator: NDArray[np.int64], tables: NDArray[np.int64], peer_rank: NDArray[np.int64],
    winners: NDArray[np.int32],
) -> None:  # fmt: skip
    """§9.1.2.2 for each chain: the equal best by preference, length and origin; without worse MEDs; then the rest."""
    equal = np.empty(256, np.int32)  # routes to one prefix that are held against each other, at most
    for chain in range(len(heads)):
        best = i = heads[chain]
        while i >= 0:
            for rank in range(3):
                if ranks[path[i], rank] != ranks[path[best], rank]:
                    if ranks[path[i], rank] < ranks[path[best], rank]:
                        best = i
                    break
            i = following[i]
        i, count = heads[chain], 0
        while i >= 0 and count < 256:
            if (
                ranks[path[i], 0] == ranks[path[best], 0] and ranks[path[i], 1] == ranks[path[best], 1]
                and ranks[path[i], 2] == ranks[path[best], 2]
            ):  # fmt: skip
                equal[count] = i
                count += 1
            i = following[i]
        winner = -1
        for m in range(count):
            one, beaten = equal[m], False
            for n in range(count):
                other = path[equal[n]]
                if ranks[other, 4] == ranks[path[one], 4] and ranks[other, 3] < ranks[path[one], 3]:
                    beaten = True
                    break
            if not beaten and (
                winner < 0 or _beats(one, winner, path, table, ranks, originator, tables, peer_rank)
            ):  # fmt: skip
                winner = one
        winners[chain] = winner


def _joined(parts: Sequence[NDArray[Any]], kind: type, width: int = 0) -> NDArray[Any]:
    """All parts, also where there are none."""
    empty: NDArray[Any] = np.zeros((0, width) if width else 0, kind)
    return np.concatenate([empty, *parts])
