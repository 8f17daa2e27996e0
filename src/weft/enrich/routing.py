"""Flows and the routes of their own exporter: AS path, communities, next hop, prefix length, origin AS.

``RouteLookups`` turns the routes that a router uses into lookup tables, in a thread of its own whenever they changed,
and puts all of them in place with one assignment. ``find`` is what the decode thread calls: with no routes known for
any exporter of a batch it gives None and has cost a comparison per exporter.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from weft.enrich.lpm import PrefixIndex
from weft.enrich.merge import ranges_of
from weft.enrich.routing_kernels import assign, describe
from weft.model.addresses import packed
from weft.model.inventory import KnownDevice

log = structlog.get_logger(__name__)

_LOOK_S = 2.0
#: Building tables may take this share of one core; a router whose routes never rest is looked at less often.
_SHARE = 0.05
_IPV4, _IPV6 = 1, 2  # model.routes.FAMILIES
#: How often new paths are named in the store: each time its dictionary is read anew.
_NAMES_S = 10.0
_DAY_S = 86_400.0
_MOST_NAMED = 1_000_000
_ALL, _NO_HOPS = np.zeros(0, np.int64), np.zeros((0, 2), np.uint64)

Row = dict[str, Any]


class PathAttributes(Protocol):
    """Attributes of paths: parallel columns."""

    @property
    def fingerprint(self) -> NDArray[np.uint64]:
        """Of AS path and communities, the same in every run; never 0."""

    @property
    def as_path(self) -> NDArray[np.object_]:
        """In words."""

    @property
    def as_path_length(self) -> NDArray[np.uint16]:
        """As best-path selection counts."""

    @property
    def origin_as(self) -> NDArray[np.uint32]:
        """Last AS; 0 = own, or a set."""

    @property
    def neighbor_as(self) -> NDArray[np.uint32]:
        """First AS; 0 = own."""

    @property
    def next_hop(self) -> NDArray[np.uint8]:
        """[n, 16]."""

    @property
    def communities(self) -> NDArray[np.object_]:
        """In words."""


class UsedRoutes(Protocol):
    """The routes that a router uses, one per prefix: parallel columns. ``path`` indexes ``paths``."""

    @property
    def prefix(self) -> NDArray[np.uint8]:
        """[n, 16], IPv4-mapped."""

    @property
    def length(self) -> NDArray[np.uint8]:
        """In the family's own bits."""

    @property
    def family(self) -> NDArray[np.uint8]:
        """``model.routes.FAMILIES``."""

    @property
    def path(self) -> NDArray[np.int32]:
        """Index into ``paths``."""

    @property
    def paths(self) -> PathAttributes:
        """Attributes of the paths."""


class Ribs(Protocol):
    """The routes of every router, as far as enrichment needs them. Thread-safe."""

    def exporters(self) -> Sequence[bytes]:
        """Routers that have routes."""

    def version(self, exporter: bytes, /) -> int:
        """Changes whenever that router's routes do."""

    def best(self, exporter: bytes, /) -> UsedRoutes:
        """The routes that it uses: a copy."""


@dataclass(frozen=True, slots=True)
class RouteTable:
    """One router's routes, ready for lookups: address → entry; an entry is a path at a prefix length. Entry 0: none."""

    version: int
    index: PrefixIndex
    path: NDArray[np.int32]  # [entries]
    entries: NDArray[np.uint64]  # [entries, 4] as ``routing_kernels.describe`` reads them
    used: NDArray[np.bool_]  # [entries] whether a flow met it since names were last asked for
    paths: PathAttributes

    @property
    def nbytes(self) -> int:
        """Memory held by what lookups read, bytes."""
        return self.index.nbytes + sum(column.nbytes for column in (self.path, self.entries, self.used))


@dataclass(frozen=True, slots=True)
class _Tables:
    """All routers' tables at one moment. ``keys`` are exporters' addresses, sorted; ``place`` leads to ``tables``."""

    keys: NDArray[np.uint64]  # [k, 2] in memory order
    place: NDArray[np.int64]  # [k]
    tables: tuple[RouteTable, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """Columns of one side: what the routes say, zero where nothing; masks and next hops that were sent stay."""

    origin_as: NDArray[np.uint32]
    path: NDArray[np.uint64]
    mask: NDArray[np.uint8]
    next_hop: NDArray[np.uint64]  # [n, 2] in memory order, or empty


def build_table(routes: UsedRoutes, version: int = 0) -> RouteTable:
    """Lay a router's routes out for lookups."""
    unicast = (routes.family == _IPV4) | (routes.family == _IPV6)
    key = (routes.path.astype(np.int64) << 8 | routes.length)[unicast]
    distinct, number = np.unique(key, return_inverse=True)
    path, length = (distinct >> 8).astype(np.int32), (distinct & 255).astype(np.uint8)
    words = np.ascontiguousarray(routes.prefix[unicast]).view(">u8").reshape(-1, 2).astype(np.uint64)
    index, codes = ranges_of(
        words[:, 0], words[:, 1], routes.length[unicast], (number + 1).astype(np.uint32),
        (routes.family == _IPV4)[unicast],
    )  # fmt: skip
    entries = codes[1:].astype(np.int64) - 1  # places in `distinct`; entry 0 is none
    path, length = path[entries], length[entries]
    told = np.zeros((len(path) + 1, 4), np.uint64)
    told[1:, 0] = routes.paths.fingerprint[path]
    # A default route does not say who is behind it.
    told[1:, 1] = np.where(length == 0, 0, routes.paths.origin_as[path]).astype(np.uint64)
    told[1:, 1] |= length.astype(np.uint64) << np.uint64(32)
    told[1:, 2:] = np.ascontiguousarray(routes.paths.next_hop[path]).view(np.uint64).reshape(-1, 2)
    return RouteTable(version, index, np.append(np.int32(-1), path), told, np.zeros(len(told), np.bool_), routes.paths)


class RouteLookups:
    """Keeps the lookup tables of every router as its routes change. ``memory`` bounds them all, bytes."""

    def __init__(self, memory: int = 1 << 30) -> None:
        self._ribs: Ribs | None = None
        self._memory = memory
        self._lock = threading.Lock()
        self._tables: dict[bytes, RouteTable] = {}
        self._due: dict[bytes, float] = {}
        self._left_out: set[bytes] = set()
        self._retired: list[RouteTable] = []
        self._aliases: Mapping[bytes, tuple[bytes, ...]] = {}
        self._current: _Tables | None = None
        self._named: set[int] = set()
        self._named_since = self._named_at = 0.0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def use(self, ribs: Ribs) -> None:
        """Take routes from ``ribs`` from now on."""
        self._ribs = ribs

    def start(self) -> None:
        """Begin to follow the routes, where there are any to follow."""
        if self._ribs is not None and self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._follow, name="weft-routes", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop following."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def use_inventory(self, devices: Mapping[str, KnownDevice]) -> None:
        """Learn under which other addresses a router may export its flows."""
        aliases: dict[bytes, tuple[bytes, ...]] = {}
        for device in devices.values():
            all_ = tuple(dict.fromkeys(map(packed, (device.address, *device.addresses))))
            if len(all_) > 1:
                aliases.update(dict.fromkeys(all_, all_))
        with self._lock:
            self._aliases = aliases
            self._publish()

    def _follow(self) -> None:
        while not self._stopping.wait(_LOOK_S):
            try:
                self.look()
            except Exception:
                log.exception("routes_not_followed")

    def look(self) -> None:
        """Build anew the tables of routers whose routes changed, those that changed longest ago first."""
        assert self._ribs is not None
        routers = set(self._ribs.exporters())
        gone = [router for router in self._tables if router not in routers]
        if gone:
            with self._lock:
                for router in gone:
                    self._retired.append(self._tables.pop(router))
                self._publish()
        self._left_out &= routers
        for router in sorted(routers, key=lambda one: self._due.get(one, 0.0)):
            began = time.monotonic()
            held = self._tables.get(router)
            version = self._ribs.version(router)
            if self._stopping.is_set() or self._due.get(router, 0.0) > began or (held and held.version == version):
                continue
            table = build_table(self._ribs.best(router), version)
            _warm(table)
            self._due[router] = time.monotonic() + (time.monotonic() - began) / _SHARE
            self._put(router, table)

    def _put(self, router: bytes, table: RouteTable) -> None:
        with self._lock:
            others = sum(one.nbytes for name, one in self._tables.items() if name != router)
            old = self._tables.pop(router, None)
            if old is not None:
                self._retired.append(old)
            if others + table.nbytes > self._memory:
                if router not in self._left_out:
                    log.warning("routes_left_out", reason="enrich.routes_memory is full")
                self._left_out.add(router)
            else:
                self._left_out.discard(router)
                if len(table.path) > 1:
                    self._tables[router] = table
            self._publish()

    def _publish(self) -> None:
        """Put the tables as they are now in place."""
        if not self._tables:
            self._current = None
            return
        tables = tuple(self._tables.values())
        place: dict[bytes, int] = {}
        for number, router in enumerate(self._tables):
            for address in self._aliases.get(router, ()):
                place.setdefault(address, number)
        place.update({router: number for number, router in enumerate(self._tables)})
        keys = sorted(place, key=lambda address: np.frombuffer(address, np.uint64).tolist())
        self._current = _Tables(
            np.frombuffer(b"".join(keys), np.uint64).reshape(-1, 2),
            np.array([place[key] for key in keys], np.int64),
            tables,
        )

    def find(self, exporters: NDArray[np.uint64]) -> Found | None:
        """Whose routes each row is looked up in; ``exporters`` [n, 2] in memory order. None: no row has any."""
        current = self._current
        if current is None:
            return None
        chosen = np.empty(len(exporters), np.int32)
        matched, first = assign(exporters, current.keys, current.place, chosen)
        if not matched:
            return None
        if first >= 0:  # all rows are of one router
            return Found(len(exporters), [(current.tables[first], None)])
        order = np.argsort(chosen, kind="stable")
        edges = np.searchsorted(chosen[order], np.arange(len(current.tables) + 1))
        parts = [
            (table, order[edges[number] : edges[number + 1]])
            for number, table in enumerate(current.tables)
            if edges[number] < edges[number + 1]
        ]
        return Found(len(exporters), parts)

    def status(self) -> tuple[int, int, int]:
        """(routers with tables, memory of the tables in bytes, routers left out for lack of it)."""
        with self._lock:
            return len(self._tables), sum(table.nbytes for table in self._tables.values()), len(self._left_out)

    def rows(self) -> list[Row]:
        """Rows of the paths dictionary for paths that flows took and that were not named today."""
        now = time.monotonic()
        if now - self._named_at < _NAMES_S and self._named_at:
            return []
        if now - self._named_since > _DAY_S:  # told again daily: the store forgets what nobody told for long
            self._named, self._named_since = set(), now
        with self._lock:
            tables, self._retired = [*self._tables.values(), *self._retired], []
        rows = [row for table in tables for row in self._names_of(table)]
        if rows:
            self._named_at = now
        return rows

    def _names_of(self, table: RouteTable) -> Iterable[Row]:
        used = np.flatnonzero(table.used)
        table.used[used] = False
        paths = table.paths
        for path in np.unique(table.path[used]).tolist():
            fingerprint = int(paths.fingerprint[path])
            if fingerprint in self._named or len(self._named) >= _MOST_NAMED:
                continue
            self._named.add(fingerprint)
            yield {
                "path": fingerprint, "as_path": str(paths.as_path[path]),
                "as_path_length": int(paths.as_path_length[path]), "neighbor_as": int(paths.neighbor_as[path]),
                "communities": str(paths.communities[path]),
            }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """A batch and the tables of its exporters: each with its rows, None where all rows are its."""

    rows: int
    parts: Sequence[tuple[RouteTable, NDArray[np.int64] | None]]

    def side(
        self, addresses: NDArray[np.uint64], masks: NDArray[np.uint8], next_hops: NDArray[np.uint64] | None = None
    ) -> Side:
        """Look one side's addresses up ([n, 2] in memory order) beside the masks and next hops that were sent."""
        n = self.rows
        hops = _NO_HOPS if next_hops is None else next_hops.copy()
        side = Side(np.zeros(n, np.uint32), np.zeros(n, np.uint64), masks.copy(), hops)
        for table, rows in self.parts:
            entry = table.index.lookup(addresses if rows is None else addresses[rows])
            describe(
                entry, _ALL if rows is None else rows, table.entries, table.used, side.origin_as, side.path,
                side.mask, side.next_hop,
            )  # fmt: skip
        return side


def _warm(table: RouteTable) -> None:
    """Have the kernels compiled here, so that the decode thread does not wait for that."""
    words, masks = np.zeros((1, 2), np.uint64), np.zeros(1, np.uint8)
    words.flags.writeable = masks.flags.writeable = False  # as columns of batches are
    assign(words, np.frombuffer(bytes(16), np.uint64).reshape(1, 2), np.zeros(1, np.int64), np.empty(1, np.int32))
    Found(1, [(table, None), (table, np.zeros(1, np.int64))]).side(words, masks, words)
