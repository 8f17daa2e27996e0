"""MRT files into the RIB and the history: table dumps and updates of route collectors, in the order of their times."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from weft.collect.intake.book import SourceBook
from weft.collect.routing.feed import ALREADY_UP, Feed
from weft.collect.routing.rib import Session
from weft.collect.routing.rows import SessionKey
from weft.decode.mrt import MrtBlock, MrtReader, SessionChange, file_chunks
from weft.errors import InvalidInput
from weft.model.addresses import NO_ADDRESS

MRT = 2  # model.routes.ROUTE_SOURCES
_PRE = 1  # model.routes.RIBS: what a collector's peers sent
_ESTABLISHED = 6  # RFC 4271 §8.2.2
_HEADER = 12
_SECOND = 1_000_000_000
#: Damage after which a table dump may lack routes: nothing is taken back because it is not in it.
_INCOMPLETE = {"truncated", "damaged_record", "record_length", "unknown_peer", "attribute_length"}


class MrtImport:
    """Reads files into ``feed``. ``exporter``: whose routes they are; zeros = the collector that each file names.

    ``shift_ns`` is added to all times.
    """

    def __init__(self, feed: Feed, book: SourceBook, *, exporter: bytes = NO_ADDRESS, shift_ns: int = 0) -> None:
        self._feed, self._book, self._exporter, self._shift_ns = feed, book, exporter, shift_ns
        self._sessions: dict[tuple[bytes, bytes], Session] = {}  # by collector and peer: see ``SessionKey``
        self._dumped: dict[int, tuple[Session, int]] = {}  # sessions of the table that is being read, and its time
        self.records = 0
        self.prefixes = 0
        self.errors: Counter[str] = Counter()

    def read(self, path: Path) -> None:
        """One file. Raises ``InvalidInput`` where it is not MRT or cannot be read."""
        reader = MrtReader(self._feed.rib.paths)
        self._dumped.clear()
        blocks = reader.blocks(file_chunks(path))
        try:
            while self._next(blocks):
                self._feed.flush()
                self._feed.rib.sweep()
            if not _INCOMPLETE & reader.errors.keys():
                self._end_dump()
        finally:
            self.records += reader.records
            self.errors.update(reader.errors)
            for reason, count in reader.errors.items():
                self._book.error(reason, f"MRT: {reason.replace('_', ' ')}", count=count)
            self._feed.flush()

    def _next(self, blocks: Iterator[MrtBlock]) -> bool:
        """Decode and apply a block under the lock of the RIB that its paths are in; False at the end."""
        with self._feed.rib.lock:
            block = next(blocks, None)
            if block is not None:
                self._block(block)
        return block is not None

    def _block(self, block: MrtBlock) -> None:
        exporter = self._exporter if self._exporter != NO_ADDRESS else block.collector
        for change in block.changes:
            self._change(exporter, change)
        routes = block.routes
        if not len(routes):
            self._book.came(messages=block.records)
            return
        self.prefixes += len(routes)
        times = np.full(len(routes), block.dump_ns, np.int64) if block.is_table else block.time_ns
        times = times + self._shift_ns
        for rows in _by_session(block):
            peer, peer_as = block.peer[rows[0]].tobytes(), int(block.peer_as[rows[0]])
            session = self._session(exporter, peer, peer_as, block.view, int(times[rows[0]]))
            if block.is_table and id(session) not in self._dumped:
                self._dumped[id(session)] = session, int(times[rows[0]])
                self._feed.rib.begin_dump(session)
            dump = np.ones(len(rows), np.bool_) if block.is_table else None
            self._feed.take(
                session, self._book, routes.ordered(rows), times[rows], received_ns=time.time_ns(), dump=dump,
                restate=True, messages=0,
            )  # fmt: skip
        self._book.came(messages=block.records)

    def _session(self, exporter: bytes, peer: bytes, peer_as: int, view: str, time_ns: int) -> Session:
        found = self._sessions.get((exporter, peer))
        if found is None:
            key = SessionKey(exporter, MRT, _PRE, peer, peer_as, view)
            found = self._sessions[exporter, peer] = self._feed.up(
                key, self._book, received_ns=time.time_ns(), time_ns=time_ns - 1000, reason=ALREADY_UP
            )
        return found

    def _change(self, exporter: bytes, change: SessionChange) -> None:
        known = exporter, change.peer
        now_ns, at_ns = time.time_ns(), change.time_ns + self._shift_ns
        if change.new_state == _ESTABLISHED:
            if (session := self._sessions.pop(known, None)) is not None:
                self._feed.down(session, self._book, "came up again", received_ns=now_ns, time_ns=at_ns)
            key = SessionKey(exporter, MRT, _PRE, change.peer, change.peer_as)
            self._sessions[known] = self._feed.up(key, self._book, received_ns=now_ns, time_ns=at_ns)
        elif change.old_state == _ESTABLISHED and (session := self._sessions.pop(known, None)) is not None:
            self._feed.down(session, self._book, "the collector lost the session", received_ns=now_ns, time_ns=at_ns)

    def _end_dump(self) -> None:
        """Routes that a whole table does not have any more are gone."""
        for session, time_ns in self._dumped.values():
            self._feed.end_dump(session, self._book, time_ns)
        self._feed.flush()


def first_time(path: Path) -> int:
    """When a file begins, UTC nanoseconds. Raises ``InvalidInput``."""
    head = next(file_chunks(path), b"")
    if len(head) < _HEADER:
        raise InvalidInput("holds no MRT record", where=str(path))
    return int.from_bytes(head[:4], "big") * _SECOND


def newest_time(paths: Iterable[Path]) -> int:
    """The newest time of any record in files, UTC nanoseconds: reads every record's header."""
    newest = 0
    for path in paths:
        rest, at = b"", 0
        for chunk in file_chunks(path):
            data = rest + chunk
            while at + _HEADER <= len(data):
                newest = max(newest, int.from_bytes(data[at : at + 4], "big"))
                at += _HEADER + int.from_bytes(data[at + 8 : at + 12], "big")
            rest, at = data[at:], max(0, at - len(data))
    return newest * _SECOND


def _by_session(block: MrtBlock) -> list[NDArray[np.int64]]:
    """Rows of each neighbour, in their order."""
    _, number = np.unique(np.ascontiguousarray(block.peer).view("V16").ravel(), return_inverse=True)
    order = np.argsort(number, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(number[order])) + 1)
