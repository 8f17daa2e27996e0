"""One router's BMP stream: its messages to sessions and routes (RFC 7854, 8671, 9069)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from weft.collect.intake.book import SourceBook
from weft.collect.routing.feed import ALREADY_UP, Feed
from weft.collect.routing.rib import Session
from weft.collect.routing.rows import SessionKey
from weft.decode.bgp.open import decode_open
from weft.decode.bgp.routes import Routes
from weft.decode.bmp import (
    BmpMessage,
    BmpStream,
    Initiation,
    Monitoring,
    PeerDown,
    PeerKey,
    PeerUp,
    Statistics,
    Termination,
)  # fmt: skip
from weft.errors import InvalidInput
from weft.model.addresses import NO_ADDRESS, address_text, packed
from weft.model.routes import RIBS

BMP = 1  # model.routes.ROUTE_SOURCES
_PRE, _POST, _LOC = 1, 2, 3  # model.routes.RIBS
_SECOND = 1_000_000_000
#: Sessions that a router tells of so soon after it connected were up already, if it says that they are older.
_GREETING_NS = 10 * _SECOND
#: A table is being told until its End-of-RIB, or for so long where none comes.
_LOADING_NS = 300 * _SECOND
_GLOBAL = ("", "global", "default")  # what makers call the table that is of no VRF
#: Where a neighbour's address would be in what is told of the router's own routes: none, or 0.0.0.0.
_OWN = (NO_ADDRESS, packed("0.0.0.0"))  # noqa: S104
#: So many withdrawals of routes that were never announced, and no announcement, are a router's fault.
_SUSPICIOUS = 100


@dataclass(slots=True)
class _Peer:
    """What a Peer Up said, as far as its tables need it: a hostile one is long."""

    asn: int
    bgp_id: int
    table: str
    time_ns: int
    received_ns: int
    was_up: bool
    own_as: int


@dataclass(slots=True)
class _TableOf:
    """One table of a peer; ``loading_until_ns``: until then routes tell what stands, not what happens."""

    session: Session
    loading_until_ns: int
    loaded: set[int] = field(default_factory=set)  # families
    told_hint: bool = False


class Router:
    """State of one connection. ``exporter_of`` tells the address that a router's rows are kept under.

    It is asked with the address of the connection, the router's name and its BGP identifier.
    """

    def __init__(
        self, stream: BmpStream, feed: Feed, book: SourceBook, address: bytes, *, max_peers: int,
        exporter_of: Callable[[bytes, str, int], bytes],
    ) -> None:  # fmt: skip
        self._stream, self._feed, self.book = stream, feed, book
        self._address, self._max_peers, self._exporter_of = address, max_peers, exporter_of
        self.connected_ns = time.time_ns()
        self.name, self.router_id = "", 0
        self.exporter = NO_ADDRESS
        self.terminated = ""
        self._peers: dict[PeerKey, _Peer] = {}
        self._seen: set[PeerKey] = set()
        self._tables: dict[tuple[PeerKey, int], _TableOf] = {}
        self._messages: Counter[str] = Counter()

    def take(self, data: bytes, now_ns: int) -> None:
        """Octets of the stream. Raises ``InvalidInput`` where it cannot be followed any more."""
        try:
            with self._feed.rib.lock:
                for message in self._stream.feed(data, now_ns):
                    self._message(message, now_ns)
        finally:
            for reason, count in self._stream.errors.items():
                self.book.error(reason, f"BMP: {reason.replace('_', ' ')}", count=count)
            self._stream.errors.clear()
            self._feed.flush()

    def end(self, reason: str) -> None:
        """The connection is gone: nothing that the router told holds any more."""
        with self._feed.rib.lock:
            if self._stream.close():
                self.book.error("cut_off", "the connection ended inside a message")
            now_ns = time.time_ns()
            for peer in list(self._peers):
                self._forget(peer, self.terminated or reason, now_ns)
            self._peers.clear()
        self._feed.flush()

    def sessions(self) -> list[Session]:
        """The tables that this connection tells of."""
        return [one.session for one in self._tables.values() if self._feed.holds(one.session)]

    def known_as(self) -> bytes:
        """The address that the router's rows are kept under, as of now."""
        return self._exporter_of(self._address, self.name, self.router_id)

    def move(self) -> None:
        """Keep rows under another address where the router is known by another one now."""
        exporter = self.known_as()
        if exporter == self.exporter or not self._tables:
            return
        self.exporter = exporter
        self.book.rename(exporter=address_text(exporter))
        for session in self.sessions():
            old = session.key
            key = SessionKey(exporter, old.source, old.rib, old.peer, old.peer_as, old.vrf)
            if not self._feed.move(session, key, self.book):
                self.book.error("told_twice", "two connections tell of the same session")
        self._feed.flush()

    def note(self) -> None:
        """Tell the Sources page."""
        sessions = self.sessions()
        total: Counter[str] = Counter()
        for session in sessions:
            counts = session.counts
            total.update(announced=counts.announced, changed=counts.changed, withdrawn=counts.withdrawn)
            total.update(unchanged=counts.unchanged, unknown=counts.unknown)
        self.book.note(
            peers=len(self._peers), tables=len(sessions), routes=sum(len(one.table) for one in sessions),
            announced=total["announced"], changed=total["changed"], withdrawn=total["withdrawn"],
            sent_again=total["unchanged"], withdrawn_unknown=total["unknown"],
        )  # fmt: skip

    def _message(self, message: BmpMessage, now_ns: int) -> None:
        match message:
            case Monitoring():
                self._routes(message, now_ns)
                return
            case PeerUp():
                self._peer_up(message, now_ns)
            case PeerDown():
                self._peer_down(message, now_ns)
            case Initiation():
                self._greet(message)
            case Termination():
                self.terminated = f"the router ended the stream: {message.reason}"
            case Statistics():
                if message.time_ns:
                    self.book.skew((message.time_ns - now_ns) / _SECOND)
        self.book.came()

    def _greet(self, message: Initiation) -> None:
        self.name = message.sys_name
        if message.sys_name:
            self.book.rename(name=message.sys_name)
        if message.sys_descr:
            self.book.note(system=message.sys_descr[:200])

    def _peer_up(self, up: PeerUp, now_ns: int) -> None:
        if self._tables_of(up.peer):
            self._forget(up.peer, "the session came up again", now_ns, up.time_ns)
        first = now_ns - self.connected_ns < _GREETING_NS and up.peer not in self._seen
        unstamped = up.time_ns in (0, now_ns)
        was_up = first and (unstamped or up.time_ns < self.connected_ns - _SECOND)
        if up.peer not in self._peers and len(self._peers) >= self._max_peers:
            self.book.error("too_many_peers", "more than routing.bmp.max_peers")
            return
        own = _own(up)
        self.router_id = self.router_id or own[1]
        if first:
            self._seen.add(up.peer)
        self._peers[up.peer] = _Peer(up.peer_as, up.bgp_id, up.table, up.time_ns, now_ns, was_up, own[0])
        self._open(up.peer, up.rib)

    def _own_routes(self, message: Monitoring, now_ns: int) -> None:
        """Routers tell routes of their own (FRR) without saying first that the neighbour, which is none, is up."""
        if len(self._peers) < self._max_peers:
            asn = message.peer_as
            self._peers[message.peer] = _Peer(asn, message.bgp_id, "", 0, now_ns, was_up=True, own_as=asn)

    def _peer_down(self, down: PeerDown, now_ns: int) -> None:
        if down.peer not in self._peers:
            self.book.error("not_up", "a session went down that was not up")
            return
        self._forget(down.peer, down.reason, now_ns, down.time_ns)
        del self._peers[down.peer]

    def _forget(self, peer: PeerKey, reason: str, now_ns: int, time_ns: int = 0) -> None:
        for at in self._tables_of(peer):
            table = self._tables.pop(at)
            self._feed.down(table.session, self.book, reason, received_ns=now_ns, time_ns=time_ns)

    def _tables_of(self, peer: PeerKey) -> list[tuple[PeerKey, int]]:
        return [(peer, rib) for rib in RIBS if (peer, rib) in self._tables]

    def _open(self, peer: PeerKey, rib: int) -> _TableOf | None:
        """A table of a peer that is up: its history begins when the session came up."""
        known = self._peers[peer]
        if len(self._tables) >= self._max_peers:
            self.book.error("too_many_peers", "more than routing.bmp.max_peers")
            return None
        if self.exporter == NO_ADDRESS:
            self.exporter = self.known_as()
            self.book.rename(exporter=address_text(self.exporter))
        vrf = peer.vrf or ("" if known.table in _GLOBAL else known.table)
        key = SessionKey(
            self.exporter, BMP, rib, NO_ADDRESS if peer.address in _OWN else peer.address, known.asn, vrf
        )  # fmt: skip
        session = self._feed.up(
            key, self.book, received_ns=known.received_ns, time_ns=0 if known.was_up else known.time_ns,
            local_as=known.own_as, bgp_id=known.bgp_id, reason=ALREADY_UP if known.was_up else "",
        )  # fmt: skip
        until = known.received_ns + _LOADING_NS if known.was_up else 0
        table = self._tables[peer, rib] = _TableOf(session, until)
        return table

    def _routes(self, message: Monitoring, now_ns: int) -> None:
        routes = message.routes
        for reason, count in routes.errors.items():
            self.book.error(reason, f"UPDATE: {reason.replace('_', ' ')}", count=count)
        if message.peer not in self._peers and message.peer.address in _OWN:
            self._own_routes(message, now_ns)
        if message.peer not in self._peers:
            self.book.error("no_peer_up", "routes of a session that was not said to be up", count=message.messages)
            return
        table = self._tables.get((message.peer, message.rib)) or self._open(message.peer, message.rib)
        if table is None:
            return
        if not self._feed.holds(table.session):
            self.book.error("told_twice", "two connections tell of the same session", count=message.messages)
            return
        if message.rib <= _POST:
            self._without_own_as(routes, self._peers[message.peer].own_as, message.peer_as)
        dump = None
        if now_ns < table.loading_until_ns:
            dump = ~np.isin(routes.family, list(table.loaded))
        self._feed.take(
            table.session, self.book, routes, message.row_time_ns, received_ns=now_ns, dump=dump,
            messages=message.messages,
        )  # fmt: skip
        table.loaded.update(routes.end_of_rib)
        self._hint(table)

    def _without_own_as(self, routes: Routes, own_as: int, peer_as: int) -> None:
        """Take the router's own AS off paths that came from a neighbour of another AS.

        FRR puts it there in what it tells by BMP, as if it sent the routes on. A neighbour's path begins with the
        neighbour's AS, so that one which begins with the router's own and then the neighbour's is of that kind.
        """
        if not own_as or own_as == peer_as or not len(routes):
            return
        paths = self._feed.rib.paths
        suspects = (routes.path >= 0) & (paths.neighbor_as[routes.path] == own_as)
        if not suspects.any():
            return
        used, at = np.unique(routes.path[suspects], return_inverse=True)
        begins = f"{own_as} {peer_as}"
        kept = [
            paths.without_first_as(one) if f"{paths.as_path[one]} ".startswith(begins + " ") else one
            for one in used.tolist()
        ]
        routes.path[suspects] = np.array(kept, np.int32)[at]

    def _hint(self, table: _TableOf) -> None:
        """Some routers send every route before policy as a withdrawal, unless they are told to keep them."""
        counts = table.session.counts
        if table.told_hint or table.session.key.rib != _PRE or counts.announced or counts.unknown < _SUSPICIOUS:
            return
        table.told_hint = True
        peer, hint = address_text(table.session.key.peer), "the router may need `soft-reconfiguration inbound`"
        self.book.error("only_withdrawals", f"{peer}: routes before policy come as withdrawals only; {hint}")


def _own(up: PeerUp) -> tuple[int, int]:
    """The router's own AS and identifier, of the OPEN that it sent; of a Loc-RIB, the peer's (RFC 9069 §4.1)."""
    if up.rib == _LOC:
        return up.peer_as, up.bgp_id
    try:
        sent = decode_open(up.sent_open)
    except InvalidInput:
        return 0, 0
    return sent.asn, sent.bgp_id
