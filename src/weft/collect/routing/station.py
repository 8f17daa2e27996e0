"""The BMP listeners: sockets and connections in one thread, decoding in another, fair to every router."""

from __future__ import annotations

import asyncio
import functools
import socket
import threading
import time
from collections import deque
from ipaddress import IPv6Address

import structlog

from weft.collect.intake.book import SourceBook
from weft.collect.intake.identity import Identity
from weft.collect.loop import LoopThread
from weft.collect.routing.bmp import Router
from weft.collect.routing.config import BmpConfig
from weft.collect.routing.feed import Feed
from weft.collect.sockets import keep_alive, open_stream
from weft.decode.bmp import BmpStream
from weft.errors import InvalidInput
from weft.model.addresses import NO_ADDRESS, address_text, mapped_network, packed

log = structlog.get_logger(__name__)

_TURN = 256 << 10  # octets of one router that are decoded before it is another's turn
_SHARE = 1 << 20  # a connection with more than this waiting is not read from
_TICK_S = 2.0
_MOST_BOOKS = 4096


class BmpStation:
    """Everything that speaks BMP to us. ``identity`` tells which device an address or a name is."""

    def __init__(self, config: BmpConfig, feed: Feed, identity: Identity) -> None:
        self._config, self._feed, self._identity = config, feed, identity
        self._allowed = [mapped_network(network) for network in config.allowed_routers]
        self._proxies = [mapped_network(network) for network in config.proxies]
        self._sockets: list[tuple[socket.socket, SourceBook]] = []
        self._books: dict[bytes, list[SourceBook]] = {}  # by address: those of no connection now
        self._opened: list[SourceBook] = []
        self._running: LoopThread | None = None
        self._connections: set[_Connection] = set()
        self._ready: deque[_Connection] = deque()
        self._queued = 0
        self._changed = threading.Condition()
        self._closing = self._stopping = False
        self._thread: threading.Thread | None = None
        self._version = -1
        self._judge = False
        self.ports: list[int] = []

    def start(self) -> None:
        """Open the listeners. Raises ``Unavailable``; then nothing is left open."""
        if not self._config.listeners:
            return
        try:
            for one in self._config.listeners:
                sock = open_stream(one.address, one.port, "routing.bmp.listeners")
                port = sock.getsockname()[1]
                name = f"bmp {one.address or '*'}:{port}"
                book = self._feed.intake.open_source("bmp", f"listener {name}", name)
                book.came(messages=0)
                self._sockets.append((sock, book))
                self.ports.append(port)
        except BaseException:
            self._close()
            raise
        self._closing = self._stopping = False
        self._thread = threading.Thread(target=self._work, name="weft-bmp-decode", daemon=True)
        self._thread.start()
        self._running = LoopThread("weft-bmp", self._main)
        self._running.start()

    def stop(self) -> None:
        """Close listeners and connections; what was told over them ends in the history, too."""
        self._closing = True
        if self._running is not None:
            self._running.stop()
            self._running = None
        if self._thread is not None:
            with self._changed:
                self._stopping = True
                self._changed.notify_all()
            self._thread.join()
            self._thread = None
        self._close()

    def judge_again(self) -> None:
        """RPKI says something else now. From any thread; the work is done in the decoding thread."""
        with self._changed:
            self._judge = True
            self._changed.notify_all()

    def _close(self) -> None:
        for sock, book in self._sockets:
            sock.close()
            self._feed.intake.close_source(book)
        for book in self._opened:
            self._feed.intake.close_source(book)
        self._sockets, self._opened, self.ports = [], [], []
        self._books.clear()

    # The thread of the sockets.

    async def _main(self, running: LoopThread) -> None:
        loop = asyncio.get_running_loop()
        servers = [
            await loop.create_server(functools.partial(_Connection, self, loop, book), sock=sock)
            for sock, book in self._sockets
        ]
        running.ready()
        await running.done.wait()
        for server in servers:
            server.close()
        for connection in list(self._connections):
            connection.abort()
        await asyncio.sleep(0)

    def admit(self, connection: _Connection, peer: object, listener: SourceBook) -> bool:
        """Whether somebody who connected may stay; says why where not."""
        try:
            address = packed(str(peer[0]))  # type: ignore[index]
        except (TypeError, ValueError, IndexError):
            return False
        number = IPv6Address(address)
        if self._allowed and not any(number in network for network in self._allowed):
            listener.error("not_allowed", "routers outside routing.bmp.allowed_routers")
            return False
        of_router = sum(1 for one in self._connections if one.address == address)
        if len(self._connections) >= self._config.max_connections:
            listener.error("too_many_connections", "more than routing.bmp.max_connections")
            return False
        if of_router >= self._config.max_connections_per_router:
            listener.error("too_many_connections", "more than routing.bmp.max_connections_per_router")
            return False
        connection.address = address
        stream = BmpStream(self._feed.rib.paths, max_message=self._config.longest_message)
        connection.router = Router(
            stream, self._feed, self._book(address), address,
            max_peers=self._config.max_peers, exporter_of=self._exporter_of,
        )  # fmt: skip
        self._connections.add(connection)
        return True

    def came(self, connection: _Connection, data: bytes) -> None:
        """Octets of a router. It is not read from while much of it waits."""
        with self._changed:
            connection.chunks.append(data)
            connection.queued += len(data)
            self._queued += len(data)
            if connection.queued > _SHARE or self._queued > self._config.queue_bytes:
                connection.hold()
            self._line_up(connection)

    def left(self, connection: _Connection, reason: str) -> None:
        """A connection ended; what came over it is decoded first."""
        with self._changed:
            self._connections.discard(connection)
            connection.ended = "Weft stopped" if self._closing else reason
            self._line_up(connection)

    def _line_up(self, connection: _Connection) -> None:
        if not connection.is_waiting:
            connection.is_waiting = True
            self._ready.append(connection)
            self._changed.notify_all()

    def _book(self, address: bytes) -> SourceBook:
        """The router's place on the Sources page: the one it had before, if it was here."""
        text = address_text(address)
        with self._changed:
            free = self._books.get(address)
            if free:
                return free.pop()
            if len(self._opened) >= _MOST_BOOKS:
                return self._opened[-1]
            book = self._feed.intake.open_source("bmp", text, text, exporter=text)
            self._opened.append(book)
            return book

    def _exporter_of(self, address: bytes, name: str, router_id: int) -> bytes:
        """Where a router's rows are kept: by its address, or, behind a proxy, by its name or BGP identifier."""
        number = IPv6Address(address)
        if not any(number in network for network in self._proxies):
            return self._identity.primary_address(address)
        named = self._identity.address_of(name) if name else NO_ADDRESS
        if named != NO_ADDRESS:
            return named
        if router_id:
            return self._identity.primary_address(bytes(10) + b"\xff\xff" + router_id.to_bytes(4, "big"))
        return address

    # The thread that decodes.

    def _work(self) -> None:
        ticked = time.monotonic()
        while True:
            with self._changed:
                if not self._ready and not self._stopping and not self._judge:
                    self._changed.wait(_TICK_S)
                if self._stopping and not self._ready:
                    break
                connection = self._ready.popleft() if self._ready else None
                data, ended = self._turn(connection) if connection is not None else (b"", "")
            try:
                if connection is not None:
                    self._decode(connection, data, ended)
                if time.monotonic() - ticked >= _TICK_S or self._judge:
                    ticked = time.monotonic()
                    self._tick()
            except Exception:  # one router's fault must not silence the others
                log.exception("bmp_failed")
        for connection in list(self._connections):  # those that the sockets' thread did not see end
            self._end(connection, "Weft stopped")

    def _turn(self, connection: _Connection) -> tuple[bytes, str]:
        """Take what is to be decoded of a connection now, and whether it is the last."""
        parts, taken = [], 0
        while connection.chunks and taken < _TURN:
            parts.append(connection.chunks.popleft())
            taken += len(parts[-1])
        connection.queued -= taken
        self._queued -= taken
        connection.is_waiting = bool(connection.chunks)
        if connection.is_waiting:
            self._ready.append(connection)
        if self._queued <= self._config.queue_bytes:
            for one in self._connections:
                if one.queued <= _SHARE // 2:
                    one.release()
        return b"".join(parts), "" if connection.chunks else connection.ended

    def _decode(self, connection: _Connection, data: bytes, ended: str) -> None:
        router = connection.router
        if router is None:
            return
        try:
            if data and not connection.is_lost:
                router.take(data, time.time_ns())
                self._feed.rib.sweep()
        except InvalidInput as error:
            connection.is_lost = True
            router.book.error("framing_lost", f"the stream cannot be followed: {error.what}")
            connection.close()
        except Exception:
            log.exception("bmp_router_failed", router=address_text(connection.address))
            router.book.error("internal_error", "its messages could not be taken; the connection is closed")
            connection.is_lost = True
            connection.close()
        if ended:
            self._end(connection, ended)

    def _end(self, connection: _Connection, reason: str) -> None:
        router, connection.router = connection.router, None
        if router is None:
            return
        router.end(reason)
        router.note()
        router.book.error("disconnected", router.terminated or reason, failing=True)
        with self._changed:
            self._books.setdefault(connection.address, []).append(router.book)

    def _tick(self) -> None:
        """Checkpoints that are due, routers that are known by another address, new judgements, the Sources page."""
        if judge := self._judge:  # cleared only where it was seen: it may be set meanwhile
            self._judge = False
        version = self._identity.version
        moved, self._version = version != self._version, version
        for connection in list(self._connections):
            router = connection.router
            if router is None:
                continue
            if moved:
                router.move()
            for session in router.sessions():
                if judge:
                    self._feed.judge_again(session, router.book)
                    self._feed.flush()
                if self._feed.is_due(session):
                    self._feed.checkpoint(session, router.book)
            router.note()


class _Connection(asyncio.Protocol):
    """One router's TCP connection."""

    def __init__(self, station: BmpStation, loop: asyncio.AbstractEventLoop, listener: SourceBook) -> None:
        self._station, self._loop, self._listener = station, loop, listener
        self._transport: asyncio.Transport | None = None
        self._is_held = False
        self.address = NO_ADDRESS
        self.router: Router | None = None
        self.chunks: deque[bytes] = deque()
        self.queued = 0
        self.is_waiting = self.is_lost = False
        self.ended = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not self._station.admit(self, transport.get_extra_info("peername"), self._listener):
            transport.abort()
            return
        keep_alive(transport.get_extra_info("socket"))

    def data_received(self, data: bytes) -> None:
        """Octets came."""
        if self.router is not None and not self.is_lost:
            self._station.came(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection ended."""
        if self.router is not None:
            self._station.left(self, f"the connection was lost: {exc}" if exc else "the router closed the connection")

    def hold(self) -> None:
        """Read no further: TCP passes the pressure on. In the thread of the sockets."""
        if self._transport is not None and not self._is_held:
            self._is_held = True
            self._transport.pause_reading()

    def release(self) -> None:
        """Read again. From any thread."""
        if self._is_held:
            self._is_held = False
            self._soon(self._resume)

    def close(self) -> None:
        """End the connection. From any thread."""
        self._soon(self.abort)

    def abort(self) -> None:
        """End it now, in the thread of the sockets."""
        if self._transport is not None:
            self._transport.abort()

    def _resume(self) -> None:
        if self._transport is not None and not self._is_held and not self._transport.is_closing():
            self._transport.resume_reading()

    def _soon(self, function: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function)  # type: ignore[arg-type]
        except RuntimeError:  # the loop has ended, and the connection with it
            return
