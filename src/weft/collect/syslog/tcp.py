"""TCP and TLS listeners: one thread with an event loop for all connections."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import ssl
import time
from collections.abc import Coroutine
from typing import Any

import structlog

from weft.collect.intake.book import SourceBook
from weft.collect.loop import LoopThread
from weft.collect.sockets import keep_alive, open_stream
from weft.collect.syslog.config import SyslogConfig, SyslogListenerConfig
from weft.collect.syslog.queue import Batch, MessageQueue
from weft.collect.syslog.senders import Account, Senders, count
from weft.collect.syslog.tls import TlsContext
from weft.decode.syslog import Framer
from weft.model.addresses import packed

log = structlog.get_logger(__name__)

TCP, TLS = 2, 3  # model.logs.LOG_SOURCES
_HANDSHAKE_S = 10.0
_FULL, _FULL_S = 0.5, 0.05  # of the queue; a sender then waits so long before it is looked at again
_LONGEST_WAIT_S = 30.0
_SWEEP_S = 10.0


class StreamListener:
    """One listening socket: TCP or TLS."""

    def __init__(self, settings: SyslogListenerConfig, book: SourceBook) -> None:
        self.settings, self.book = settings, book
        self.port = settings.port
        self.tls = TlsContext(settings) if settings.protocol == "tls" else None
        self.sock: socket.socket | None = None

    def open(self) -> None:
        """Bind. Raises ``Unavailable`` and ``ConfigError``."""
        if self.tls is not None:
            self.tls.load()
        self.sock = open_stream(self.settings.address, self.settings.port, "syslog.listeners")
        self.port = self.sock.getsockname()[1]

    def close(self) -> None:
        """Release the socket."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None


class StreamServer:
    """All connections of all TCP and TLS listeners."""

    def __init__(
        self, listeners: list[StreamListener], config: SyslogConfig, senders: Senders, queue: MessageQueue
    ) -> None:
        self._listeners, self.config, self.senders, self.queue = listeners, config, senders, queue
        self._running: LoopThread | None = None
        self.connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to accept."""
        if not self._listeners:
            return
        self._running = LoopThread("weft-syslog-tcp", self._main)
        self._running.start()

    def stop(self) -> None:
        """Close listeners and connections, handing over what they hold."""
        if self._running is not None:
            self._running.stop()
            self._running = None
        for listener in self._listeners:
            listener.close()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine beside the others."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _main(self, running: LoopThread) -> None:
        loop = asyncio.get_running_loop()
        servers = [
            await loop.create_server(functools.partial(Connection, self, one), sock=one.sock)
            for one in self._listeners
            if one.sock is not None
        ]
        running.ready()
        while not running.done.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(running.done.wait(), _SWEEP_S)
            self._sweep()
        for server in servers:
            server.close()
        for connection in list(self.connections):
            connection.abandon()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.sleep(0)

    def _sweep(self) -> None:
        oldest = time.monotonic() - self.config.idle_seconds
        for connection in list(self.connections):
            if connection.last < oldest:
                connection.end("idle", "nothing came over the connection for too long")


class Connection(asyncio.Protocol):
    """One sender's stream."""

    def __init__(self, server: StreamServer, listener: StreamListener) -> None:
        self._server, self._listener = server, listener
        self._framer = Framer(server.config.longest_message, listener.settings.framing)
        self._transport: asyncio.Transport | None = None
        self._account: Account | None = None
        self._source = TCP if listener.tls is None else TLS
        self.last = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody connected: is there room, and may they."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        try:
            account = self._server.senders.account(packed(peer[0]))
        except (TypeError, ValueError, IndexError):
            account = None
        config, book = self._server.config, self._listener.book
        if account is None:
            book.error("not_allowed", "senders outside syslog.allowed_senders")
        elif len(self._server.connections) >= config.max_connections:
            account.book.error("too_many_connections", "more than max_connections")
        elif account.connections >= config.max_connections_per_sender:
            account.book.error("too_many_connections", "more than max_connections_per_sender")
        else:
            account.connections += 1
            self._account = account
            self._server.connections.add(self)
            keep_alive(transport.get_extra_info("socket"))
            if self._listener.tls is not None:
                transport.pause_reading()
                self._server.spawn(self._shake_hands())
            elif (wait_s := account.charge(0, time.monotonic())) > 0:
                self._hold(min(wait_s, _LONGEST_WAIT_S))
            return
        transport.abort()

    def data_received(self, data: bytes) -> None:
        """Octets came."""
        if self._account is None:
            return
        self.last = time.monotonic()
        self._take(self._framer.feed(data))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        """The stream ended."""
        if self._account is None:
            return
        self._take(self._framer.close())
        self._server.connections.discard(self)
        self._account.connections -= 1
        self._account = None

    def end(self, reason: str, message: str) -> None:
        """Close, and say why."""
        if self._account is not None:
            self._account.book.error(reason, message)
        if self._transport is not None:
            self._transport.close()

    def abandon(self) -> None:
        """Weft stops: keep what came."""
        if self._account is not None:
            self._take(self._framer.close())
        if self._transport is not None:
            self._transport.abort()

    async def _shake_hands(self) -> None:
        assert self._listener.tls is not None
        assert self._transport is not None
        try:
            upgraded = await asyncio.get_running_loop().start_tls(
                self._transport, self, self._listener.tls.context(), server_side=True,
                ssl_handshake_timeout=_HANDSHAKE_S,
            )  # fmt: skip
        except (OSError, ssl.SSLError, TimeoutError, ConnectionError) as error:
            account = self._account
            self.connection_lost(None)
            if account is not None:
                account.book.error("tls", f"handshake failed: {_why(error)}")
            self._transport.abort()
            return
        if upgraded is not None:
            self._transport = upgraded
            if self._account is None:
                upgraded.abort()

    def _take(self, messages: list[bytes]) -> None:
        account = self._account
        assert account is not None
        if self._framer.counts:
            count(account, self._listener.book, self._framer.counts)
            self._framer.counts.clear()
        if not messages:
            return
        wait_s = account.charge(len(messages), time.monotonic())
        now = time.time_ns()
        batch = Batch(self._source, messages, [now] * len(messages), [account] * len(messages))
        dropped = self._server.queue.put(batch, is_fair=False)
        if dropped:
            account.book.error("queue_full", "the decoder was behind", count=len(dropped))
        if self._server.queue.fill > _FULL:
            wait_s = max(wait_s, _FULL_S)
        if wait_s > 0:
            self._hold(min(wait_s, _LONGEST_WAIT_S))

    def _hold(self, wait_s: float) -> None:
        """Let the sender wait: TCP passes the pressure on."""
        transport = self._transport
        if transport is not None and not transport.is_closing():
            transport.pause_reading()
            asyncio.get_running_loop().call_later(wait_s, self._go_on)

    def _go_on(self) -> None:
        transport = self._transport
        if self._account is None or transport is None or transport.is_closing():
            return
        if self._server.queue.fill > _FULL:
            asyncio.get_running_loop().call_later(_FULL_S, self._go_on)
        else:
            transport.resume_reading()


def _why(error: BaseException) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
    return str(reason).replace("_", " ").lower()
