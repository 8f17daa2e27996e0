"""The one way of routes into memory and history alike: sessions up and down, updates, checkpoints, new judgements.

BMP, BGP sessions and imports go through it. Memory and history must say the same: rows that cannot be taken at once are
waited for, which makes the router wait.
"""

from __future__ import annotations

import random
import threading
import time
from collections import OrderedDict, deque
from typing import Protocol

import numpy as np
import pyarrow as pa
import structlog
from numpy.typing import NDArray

from weft.collect.intake.book import SourceBook
from weft.collect.routing.rib import Rib, Session
from weft.collect.routing.rows import PEER_DOWN, PEER_UP, SessionKey, session_row
from weft.decode.bgp.routes import Routes
from weft.errors import Unavailable
from weft.model.routes import ROUTES
from weft.model.tables import Table

log = structlog.get_logger(__name__)

ALREADY_UP = "already up"
_PRE = 1  # model.routes.RIBS
_SECOND = 1_000_000_000
_STEP_NS = 1000  # stored times have microseconds
_MOST_ENDED = 65_536
_TRIES = 60
_PAUSE_S = 1.0


class RouteIntake(Protocol):
    """What is needed of the intake."""

    def put(self, table: Table, rows: pa.RecordBatch, book: SourceBook | None = None, *, messages: int = 1) -> None:
        """Take rows; ``Unavailable`` when they cannot be taken now."""

    def open_source(
        self, kind: str, name: str, target: str = "", *, exporter: str = "", expected_s: float = 0.0
    ) -> SourceBook:
        """A new row of the Sources page."""

    def close_source(self, book: SourceBook) -> None:
        """The source is no more."""


class Feed:
    """Routes of all sources into ``rib`` and the store.

    Who decodes and feeds holds ``rib.lock``, and calls ``flush`` after letting go of it: a store that is slow makes
    the routers wait, and nobody else who asks for routes.
    """

    def __init__(
        self, rib: Rib, intake: RouteIntake, *, tolerance_s: float = 30.0, checkpoint_s: float = 86_400.0,
        is_history: bool = False,
    ) -> None:  # fmt: skip
        """``is_history``: what comes happened when its stamps say, however long ago (imports)."""
        self.rib, self.intake, self._is_history = rib, intake, is_history
        self._tolerance_ns = int(tolerance_s * _SECOND)
        self._checkpoint_s = checkpoint_s
        self._ended: OrderedDict[SessionKey, int] = OrderedDict()  # the last time in the history of sessions that ended
        self._due: dict[int, float] = {}  # id of a session → monotonic time of its next checkpoint
        self._stopping = threading.Event()
        self._waiting: deque[tuple[pa.RecordBatch, SourceBook, int]] = deque()
        self._flushing = threading.Lock()
        self.lost_rows = 0

    def close(self) -> None:
        """Do not wait for the intake any more."""
        self._stopping.set()

    def up(
        self, key: SessionKey, book: SourceBook, *, received_ns: int, time_ns: int = 0, local_as: int = 0,
        bgp_id: int = 0, reason: str = "",
    ) -> Session:  # fmt: skip
        """A session came up; what it held before, whoever told it, is gone."""
        at_ns = int(self.believed(_PRE + 1, np.array([time_ns], np.int64), received_ns)[0])
        with self.rib.lock:
            if held := self.rib.get(key):
                at_ns = max(at_ns, held.table.newest_ns + _STEP_NS)
            at_ns = max(at_ns, self._ended.pop(key, 0) + _STEP_NS)
            session = self.rib.open(key, at_ns, local_as=local_as, bgp_id=bgp_id)
        self._due[id(session)] = time.monotonic() + self._checkpoint_s * random.uniform(0.7, 0.95)  # noqa: S311
        self._put(session_row(key, PEER_UP, at_ns, received_ns, reason), book, 0)
        return session

    def down(self, session: Session, book: SourceBook, reason: str, *, received_ns: int, time_ns: int = 0) -> int:
        """A session went away, and its routes with it; how many there were."""
        at_ns = int(self.believed(_PRE + 1, np.array([time_ns], np.int64), received_ns)[0])
        self._due.pop(id(session), None)
        with self.rib.lock:
            if not self.holds(session):
                return 0
            gone, at_ns = self.rib.drop(session), max(at_ns, session.table.newest_ns + _STEP_NS)
            self._remember(session.key, at_ns)
        self._put(session_row(session.key, PEER_DOWN, at_ns, received_ns, reason[:200]), book, 0)
        return gone

    def take(
        self, session: Session, book: SourceBook, routes: Routes, stamps_ns: NDArray[np.int64] | int, *,
        received_ns: int, dump: NDArray[np.bool_] | None = None, restate: bool = False, messages: int = 1,
    ) -> None:  # fmt: skip
        """Routes of a session, stamped by the router (0 = not). What is sent again unchanged is a duplicate."""
        times = self.believed(session.key.rib, np.broadcast_to(stamps_ns, (len(routes),)), received_ns)
        before = session.counts.unchanged, session.counts.refused
        rows = self.rib.apply(session, routes, times, received_ns=received_ns, dump=dump, restate=restate)
        if again := session.counts.unchanged - before[0]:
            book.duplicate(again)
        if refused := session.counts.refused - before[1]:
            book.error("too_many_routes", "more routes than routing.max_routes: the rest is left out", count=refused)
        if rows is not None:
            self._put(rows, book, messages)
        else:
            book.came(messages=messages)

    def end_dump(self, session: Session, book: SourceBook, time_ns: int) -> None:
        """A whole table was told (see ``Rib.begin_dump``): what was not in it is gone."""
        rows = self.rib.end_dump(session, time_ns, time.time_ns())
        if rows is not None:
            self._put(rows, book, 0)

    def holds(self, session: Session) -> bool:
        """Whether the session is still the one that its routes are under."""
        return self.rib.holds(session)

    def move(self, session: Session, key: SessionKey, book: SourceBook) -> bool:
        """The router is known by another address now: its history goes on there. Call it without the lock."""
        with self.rib.lock:
            old, now_ns = session.key, max(time.time_ns(), session.table.newest_ns + _STEP_NS)
            if not self.rib.rename(session, key):
                return False
            session.table.begin(now_ns)
            self._remember(old, now_ns)
            self._put(session_row(old, PEER_DOWN, now_ns, now_ns, "the router is known by another address"), book, 0)
            self._put(session_row(key, PEER_UP, now_ns, now_ns, ALREADY_UP), book, 0)
        self.checkpoint(session, book)
        return True

    def checkpoint(self, session: Session, book: SourceBook) -> None:
        """Write the session's standing routes again. Call it without the lock."""
        self._due[id(session)] = time.monotonic() + self._checkpoint_s * random.uniform(0.7, 0.95)  # noqa: S311
        for rows in self.rib.checkpoint(session, time.time_ns()):
            self._put(rows, book, 0)
            self.flush()

    def is_due(self, session: Session) -> bool:
        """Whether a checkpoint is."""
        return time.monotonic() >= self._due.get(id(session), float("inf"))

    def judge_again(self, session: Session, book: SourceBook) -> None:
        """RPKI says something else now: write the routes of which it does."""
        rows = self.rib.judge_again(session, time.time_ns())
        if rows is not None:
            self._put(rows, book, 0)

    def believed(self, rib: int, stamps_ns: NDArray[np.int64], received_ns: int) -> NDArray[np.int64]:
        """The times that count: a router's stamp where it can be, else the arrival.

        Before policy a stamp tells when the route was first received, however often it is sent again, so none of those
        is believed; nor is one that is older than the tolerance (the table as the stream begins) or ahead of our clock.
        """
        if self._is_history:
            return np.where(stamps_ns > 0, stamps_ns, received_ns)
        if rib == _PRE:
            return np.full(len(stamps_ns), received_ns, np.int64)
        good = (stamps_ns <= received_ns) & (stamps_ns >= received_ns - self._tolerance_ns)
        return np.where(good, stamps_ns, received_ns)

    def flush(self) -> None:
        """Hand over the rows made so far, in their order; waits while the intake takes none."""
        with self._flushing:
            while self._waiting:
                self._hand_over(*self._waiting.popleft())

    def _remember(self, key: SessionKey, time_ns: int) -> None:
        """When a session ended: what comes up under its key again is later."""
        self._ended[key] = time_ns
        while len(self._ended) > _MOST_ENDED:
            self._ended.popitem(last=False)

    def _put(self, rows: pa.RecordBatch, book: SourceBook, messages: int) -> None:
        self._waiting.append((rows, book, messages))

    def _hand_over(self, rows: pa.RecordBatch, book: SourceBook, messages: int) -> None:
        for _ in range(_TRIES):
            try:
                self.intake.put(ROUTES, rows, book, messages=messages)
            except Unavailable:
                if self._stopping.wait(_PAUSE_S):
                    break
            else:
                return
        self.lost_rows += rows.num_rows
        log.warning("routes_not_stored", rows=rows.num_rows)
