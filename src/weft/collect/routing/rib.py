"""The routes of every session as they stand now, and what of a stream of routes is news.

One ``Rib`` holds all sessions of a process. It is shared by threads: who decodes with ``paths`` and applies holds
``lock`` over both, because an index of a path is good only until the next ``sweep``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.collect.routing.best import Best, Candidates, choose
from weft.collect.routing.rows import CHECKPOINT, RouteColumns, SessionKey, in_words, route_rows
from weft.collect.routing.table import (
    ANNOUNCE,
    CHANGE,
    REFUSED,
    UNCHANGED,
    UNKNOWN,
    WITHDRAW,
    RouteTable,
    Standing,
)  # fmt: skip
from weft.decode.bgp.paths import Paths
from weft.decode.bgp.routes import Routes

#: Validation states of routes: prefixes (n, 16), lengths, origin ASes.
States: TypeAlias = Callable[[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint32]], NDArray[np.uint8]]

_PRE, _POST, _LOC = 1, 2, 3  # model.routes.RIBS
_BGP = 3  # model.routes.ROUTE_SOURCES
_JUDGED = np.zeros(256, np.bool_)
_JUDGED[[1, 2, 5, 6]] = True  # IPv4 and IPv6, unicast and labeled: what RPKI speaks of
_SLICE = 100_000  # rows of a checkpoint at once
_SPARE_PATHS = 50_000


@dataclass(slots=True)
class Counts:
    """What became of a session's routes since it began."""

    announced: int = 0
    changed: int = 0
    withdrawn: int = 0
    unchanged: int = 0  # sent again as they were
    unknown: int = 0  # withdrawn though not there
    refused: int = 0  # over the most routes


@dataclass(slots=True, eq=False)
class Session:
    """One table of one neighbour."""

    key: SessionKey
    local_as: int = 0  # of the router; 0 = not known
    bgp_id: int = 0  # of the neighbour
    table: RouteTable = field(default_factory=RouteTable)
    counts: Counts = field(default_factory=Counts)

    @property
    def is_external(self) -> bool:
        """Whether the neighbour is of another AS."""
        return self.local_as == 0 or self.local_as != self.key.peer_as


class Rib:
    """All sessions. ``states`` tells what RPKI says of routes."""

    def __init__(self, *, max_routes: int = 10_000_000, states: States | None = None) -> None:
        self.paths = Paths()
        self.lock = threading.RLock()
        self._most, self._states = max_routes, states
        self._sessions: dict[SessionKey, Session] = {}
        self._versions: dict[bytes, int] = {}
        self._routes = 0
        self._kept_paths = 0

    def __len__(self) -> int:
        """Routes of all sessions."""
        return self._routes

    def open(self, key: SessionKey, time_ns: int, *, local_as: int = 0, bgp_id: int = 0) -> Session:
        """A session came up: its table is empty, whatever it held."""
        with self.lock:
            if key in self._sessions:
                self.drop(self._sessions[key])
            session = self._sessions[key] = Session(key, local_as, bgp_id)
            session.table.begin(time_ns)
            return session

    def apply(
        self, session: Session, routes: Routes, time_ns: NDArray[np.int64] | int, *, received_ns: int = 0,
        dump: NDArray[np.bool_] | None = None, restate: bool = False,
    ) -> pa.RecordBatch | None:  # fmt: skip
        """Take routes in their order and return the rows to store; None where nothing is news.

        ``dump`` marks rows that say what stands rather than what happens: new ones are stored as ``checkpoint``, and
        with ``restate`` those that are known already, too.
        """
        if not len(routes):
            return None
        with self.lock:
            times = np.broadcast_to(np.asarray(time_ns, np.int64), (len(routes),))
            before = len(session.table)
            applied = session.table.apply(
                routes, times, self._judged(routes), most=self._most - self._routes + before
            )  # fmt: skip
            self._routes += len(session.table) - before
            self._count(session, applied.event)
            event = applied.event
            if dump is not None:
                stands = dump & ((event == ANNOUNCE) | (restate & (event == UNCHANGED)))
                applied.path[stands], event = routes.path[stands], np.where(stands, CHECKPOINT, event)
            news = np.flatnonzero((event != UNCHANGED) & (event <= CHECKPOINT))
            if not len(news):
                return None
            if (applied.event[news] != UNCHANGED).any():
                self._versions[session.key.exporter] = self.version(session.key.exporter) + 1
            return route_rows(
                session.key, _columns(routes, news, applied.path[news], applied.rpki[news]),
                event[news].astype(np.uint8), applied.time_ns[news], received_ns or time.time_ns(), self.paths,
            )  # fmt: skip

    def drop(self, session: Session) -> int:
        """The session is gone, and its routes; how many there were."""
        with self.lock:
            if not self.holds(session):
                return 0
            del self._sessions[session.key]
            gone = len(session.table)
            self._routes -= gone
            self._versions[session.key.exporter] = self.version(session.key.exporter) + 1
            return gone

    def rename(self, session: Session, key: SessionKey) -> bool:
        """Have the session under another key; False where one lives there already."""
        with self.lock:
            if not self.holds(session) or key in self._sessions:
                return False
            del self._sessions[session.key]
            for exporter in (session.key.exporter, key.exporter):
                self._versions[exporter] = self.version(exporter) + 1
            session.key = key
            self._sessions[key] = session
            return True

    def sessions(self) -> list[Session]:
        """Every session that is up."""
        with self.lock:
            return list(self._sessions.values())

    def get(self, key: SessionKey) -> Session | None:
        """The session with that key."""
        return self._sessions.get(key)

    def holds(self, session: Session) -> bool:
        """Whether the session is still up: no other took its key."""
        return self._sessions.get(session.key) is session

    def exporters(self) -> list[bytes]:
        """Every router that has routes here."""
        return sorted({session.key.exporter for session in self.sessions()})

    def version(self, exporter: bytes) -> int:
        """Grows when a router's routes change; 0 = never had any."""
        return self._versions.get(exporter, 0)

    def checkpoint(self, session: Session, time_ns: int) -> Iterator[pa.RecordBatch]:
        """The session's standing routes as rows, in slices; the lock is free between them.

        Slices go from the last row to the first: a withdrawal moves the last row down, so none is missed.
        """
        end = len(session.table)
        while end > 0:
            with self.lock:
                if not self.holds(session):
                    return
                begin, end = max(0, end - _SLICE), min(end, len(session.table))
                at_ns = max(time_ns, session.table.newest_ns)
                session.table.begin(at_ns)
                stands = session.table.standing(begin, end)
                rows = self._standing_rows(session, stands, at_ns, time_ns) if len(stands) else None
            if rows is not None:
                yield rows
            end = begin

    def judge_again(self, session: Session, time_ns: int) -> pa.RecordBatch | None:
        """Rows of the routes whose validation state is another now; None where it is the same for all."""
        if self._states is None:
            return None
        with self.lock:
            stands = session.table.standing()
            states = self._validation(stands.prefix, stands.length, stands.family, stands.path)
            changed = np.flatnonzero(states != stands.rpki)
            if not self.holds(session) or not len(changed):
                return None
            session.table.judge(changed, states[changed])
            at_ns = max(time_ns, session.table.newest_ns)
            session.table.begin(at_ns)
            return self._standing_rows(session, _chosen(stands, changed, states[changed]), at_ns, time_ns)

    def begin_dump(self, session: Session) -> None:
        """A whole table is about to be told; ``end_dump`` then knows what is not in it."""
        session.table.next_mark()

    def end_dump(self, session: Session, time_ns: int, received_ns: int = 0) -> pa.RecordBatch | None:
        """Withdraw what was not told since ``begin_dump``."""
        with self.lock:
            gone = session.table.unmarked()
            words = [session.table.words[number] for number in gone.word.tolist()] if gone.word.any() else None
            routes = Routes(
                np.ones(len(gone), np.bool_), gone.family, gone.prefix, gone.length, gone.path_id,
                np.full(len(gone), -1, np.int32), [nlri for _, nlri in words] if words else None,
                [rd for rd, _ in words] if words else None,
            )  # fmt: skip
            return self.apply(session, routes, time_ns, received_ns=received_ns)

    def best(self, exporter: bytes) -> Best:
        """The routes that a router uses: its Loc-RIB where it tells it, else chosen from what its neighbours sent.

        IPv4 and IPv6 unicast of the global table. What is returned is a copy: it stays as it is.
        """
        with self.lock:
            own = [one for one in self._sessions.values() if one.key.exporter == exporter and not one.key.vrf]
            tables = [one for one in own if one.key.rib == _LOC and len(one.table)]
            if not tables:  # in a BGP session a router sends the routes that it uses
                tables = [one for one in own if one.key.source == _BGP and len(one.table)]
            if not tables:
                # A neighbour of which no route is left after policy has none: those before policy are not used then.
                post = [one for one in own if one.key.rib == _POST]
                tables = post if any(len(one.table) for one in post) else [one for one in own if one.key.rib == _PRE]
            candidates = Candidates.of(
                [(one.table.standing(), one.is_external, one.bgp_id, one.key.peer) for one in tables], self.paths
            )  # fmt: skip
        return choose(candidates)

    def sweep(self) -> None:
        """Forget paths that no route has, once there are many. Call it when no decoded routes wait to be applied."""
        with self.lock:
            if len(self.paths) < self._kept_paths + max(self._kept_paths // 2, _SPARE_PATHS):
                return
            used = np.zeros(self.paths.places, np.bool_)
            for session in self._sessions.values():
                session.table.used_paths(used)
            self.paths.drop(np.flatnonzero(~used).astype(np.int32))
            self._kept_paths = len(self.paths)

    def _count(self, session: Session, event: NDArray[np.uint8]) -> None:
        seen, counts = np.bincount(event, minlength=256), session.counts
        counts.announced += int(seen[ANNOUNCE])
        counts.changed += int(seen[CHANGE])
        counts.withdrawn += int(seen[WITHDRAW])
        counts.unchanged += int(seen[UNCHANGED])
        counts.unknown += int(seen[UNKNOWN])
        counts.refused += int(seen[REFUSED])

    def _judged(self, routes: Routes) -> NDArray[np.uint8]:
        return self._validation(routes.prefix, routes.prefix_length, routes.family, routes.path)

    def _validation(
        self, prefix: NDArray[np.uint8], length: NDArray[np.uint8], family: NDArray[np.uint8], path: NDArray[np.int32]
    ) -> NDArray[np.uint8]:  # fmt: skip
        states = np.zeros(len(path), np.uint8)
        if self._states is not None:
            chosen = np.flatnonzero(_JUDGED[family] & (path >= 0))
            if len(chosen):
                origins = self.paths.origin_as[path[chosen]]
                states[chosen] = self._states(prefix[chosen], length[chosen], origins)
        return states

    def _standing_rows(self, session: Session, stands: Standing, at_ns: int, received_ns: int) -> pa.RecordBatch:
        nlri = None
        if stands.word.any():
            pairs = [session.table.words[number] for number in stands.word.tolist()]
            nlri = [
                in_words(rd, words, stands.prefix[row].tobytes(), int(stands.length[row]))
                for row, (rd, words) in enumerate(pairs)
            ]
        columns = RouteColumns(
            stands.prefix, stands.length, stands.family, stands.path_id, stands.path, stands.rpki, nlri
        )  # fmt: skip
        return route_rows(session.key, columns, CHECKPOINT, at_ns, received_ns, self.paths)


def _columns(
    routes: Routes, rows: NDArray[np.int64], path: NDArray[np.int32], rpki: NDArray[np.uint8]
) -> RouteColumns:  # fmt: skip
    nlri = None
    if routes.nlri is not None or routes.rd is not None:
        nlri = [
            in_words(
                routes.rd[row] if routes.rd else "", routes.nlri[row] if routes.nlri else "",
                routes.prefix[row].tobytes(), int(routes.prefix_length[row]),
            )
            for row in rows.tolist()
        ]  # fmt: skip
    return RouteColumns(
        routes.prefix[rows], routes.prefix_length[rows], routes.family[rows], routes.path_id[rows], path, rpki, nlri
    )  # fmt: skip


def _chosen(stands: Standing, rows: NDArray[np.int64], rpki: NDArray[np.uint8]) -> Standing:
    return Standing(
        stands.prefix[rows], stands.length[rows], stands.family[rows], stands.path_id[rows], stands.word[rows],
        stands.path[rows], stands.since_ns[rows], rpki,
    )  # fmt: skip
