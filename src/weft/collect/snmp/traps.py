"""Traps and informs to rows of ``logs``: one UDP socket, communities and users checked, every sender counted.

Rows wait a fifth of a second for others, so that a storm is a few batches. A sender that sends more than its allowance
is held to it; senders beyond the most that are told apart share one book.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import ipaddress
import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast

import structlog

from weft.collect.intake import SourceBook
from weft.collect.loop import LoopThread
from weft.collect.snmp.config import PROFILES, Network, SnmpConfig, TrapConfig
from weft.collect.snmp.device import Rows
from weft.collect.snmp.errors import SecurityError
from weft.collect.snmp.informs import Engine
from weft.collect.snmp.session import Credential
from weft.decode.snmp import ber, traps
from weft.decode.snmp.library import load
from weft.decode.snmp.profile import TrapSpec
from weft.errors import Unavailable
from weft.model.addresses import address_text, packed
from weft.model.logs import LOGS
from weft.rulefile import read_folder

log = structlog.get_logger(__name__)

_WAIT_S = 0.2
_MOST_WAITING = 20_000
_MOST_SENDERS = 2000
_BUFFER = 8 << 20


@dataclass(slots=True)
class _Sender:
    book: SourceBook
    allowance: float
    at: float


class TrapListener:
    """Receives notifications. Nothing is opened where the settings have no ``traps``."""

    def __init__(self, config: SnmpConfig, intake: Rows) -> None:
        self._config, self._intake = config, intake
        self._rules: Mapping[bytes, TrapSpec] = {}
        self._communities: list[bytes] = []
        self._engine: Engine | None = None
        self._senders: dict[str, _Sender] = {}
        self._others: _Sender | None = None
        self._waiting: list[tuple[_Sender, traps.Received]] = []
        self._socket: socket.socket | None = None
        self._running: LoopThread | None = None
        self._storing: ThreadPoolExecutor | None = None
        self.port = 0

    def start(self) -> None:
        """Open the socket. Raises ``ConfigError``, ``Unavailable``."""
        settings = self._config.traps
        if settings is None:
            return
        self._rules = load(read_folder(self._config.profiles_dir, PROFILES)).traps
        names = settings.credentials or tuple(self._config.credentials)
        credentials = [Credential.of(name, self._config.credentials[name]) for name in names]
        self._communities = [one.community for one in credentials if one.user is None]
        self._engine = Engine([one.user for one in credentials if one.user is not None], settings.engine_id)
        self._socket = _open(settings)
        self.port = self._socket.getsockname()[1]
        self._storing = ThreadPoolExecutor(1, thread_name_prefix="weft-traps-store")
        self._running = LoopThread("weft-traps", self._main)
        self._running.start()

    def stop(self) -> None:
        """Close the socket and hand over what waits."""
        if self._running is not None:
            self._running.stop()
            self._running = None
        if self._storing is not None:
            self._storing.shutdown()

    async def _main(self, running: LoopThread) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Receiver(self), sock=self._socket)
        running.ready()
        try:
            while not running.done.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(running.done.wait(), _WAIT_S)
                await self._flush()
        finally:
            transport.close()
            await asyncio.sleep(0)
            await self._flush()

    async def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            await asyncio.get_running_loop().run_in_executor(self._storing, self._store, waiting)

    def _store(self, waiting: list[tuple[_Sender, traps.Received]]) -> None:
        """One batch for each sender's book."""
        by_sender: dict[int, tuple[_Sender, list[traps.Received]]] = {}
        for sender, one in waiting:
            by_sender.setdefault(id(sender), (sender, []))[1].append(one)
        for sender, found in by_sender.values():
            with contextlib.suppress(Unavailable):  # counted in the book by the intake
                self._intake.put(LOGS, traps.batch(found), sender.book, messages=len(found))

    # --- one datagram ------------------------------------------------------------------------------------------------

    def received(self, data: bytes, host: str) -> bytes | None:
        """Take a datagram; what is to be answered to it."""
        settings = self._config.traps
        assert settings is not None
        host = address_text(packed(host), "::")
        sender = self._sender(host)
        if not _within(host, settings.allowed_senders, otherwise=True):
            sender.book.error("not_allowed", "a sender outside snmp.traps.allowed_senders")
            return None
        if not self._allow(sender, settings.max_per_s):
            sender.book.error("rate_limited", f"more than {settings.max_per_s:g} notifications per second")
            return None
        try:
            return self._taken(data, host, sender, settings)
        except ber.BerError as error:
            sender.book.error("decode", error.what)
        except SecurityError as error:
            reason, report = error.args
            sender.book.error(reason, f"SNMPv3: {str(reason).replace('_', ' ')}")
            return report if isinstance(report, bytes) else None
        return None

    def _taken(self, data: bytes, host: str, sender: _Sender, settings: TrapConfig) -> bytes | None:
        answer: bytes | None = None
        if ber.message_version(data) == ber.VERSION_3:
            assert self._engine is not None
            opened = self._engine.open(data)
            pdu = opened.pdu
            if pdu.kind == ber.INFORM:
                answer = self._engine.acknowledge(opened)
        else:
            message = ber.decode_message(data)
            pdu = message.pdu
            if not any(hmac.compare_digest(message.community, one) for one in self._communities):
                sender.book.error("wrong_community", "a community that is not among snmp.credentials")
                return None
            if pdu.kind == ber.INFORM:
                response = ber.Pdu(ber.RESPONSE, pdu.request_id, varbinds=pdu.varbinds)
                answer = ber.encode_message(message.version, message.community, ber.encode_pdu(response))
        if pdu.kind not in (ber.TRAP_V1, ber.TRAP, ber.INFORM):
            sender.book.error("decode", "a message that is no notification")
            return None
        if len(self._waiting) >= _MOST_WAITING:
            sender.book.error("overflow", "notifications come faster than they can be stored")
            return None  # an inform that is not acknowledged comes again
        self._take(pdu, host, sender, settings)
        return answer

    def _take(self, pdu: ber.Pdu, host: str, sender: _Sender, settings: TrapConfig) -> None:
        notice = traps.notification(pdu)
        exporter = traps.exporter_of(host, notice, _within(host, settings.relays, otherwise=False))
        program = "inform" if pdu.kind == ber.INFORM else "trap"
        row = traps.read(notice, self._rules)
        self._waiting.append((sender, traps.Received(row, exporter, program, time.time_ns())))

    def _sender(self, host: str) -> _Sender:
        known = self._senders.get(host)
        if known is not None:
            return known
        if len(self._senders) >= _MOST_SENDERS:
            if self._others is None:
                self._others = self._opened("other senders", "")
            return self._others
        self._senders[host] = self._opened(host, host)
        return self._senders[host]

    def _opened(self, name: str, exporter: str) -> _Sender:
        assert self._config.traps is not None
        book = self._intake.open_source("trap", name, f"port {self.port}", exporter=exporter)
        return _Sender(book, self._config.traps.max_per_s, time.monotonic())

    def _allow(self, sender: _Sender, per_s: float) -> bool:
        now = time.monotonic()
        sender.allowance = min(per_s, sender.allowance + (now - sender.at) * per_s)
        sender.at = now
        if sender.allowance < 1 and per_s >= 1:
            return False
        sender.allowance -= 1
        return True


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, listener: TrapListener) -> None:
        self._listener = listener
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._listener.received(data, addr[0])
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)


def _open(settings: TrapConfig) -> socket.socket:
    address = str(settings.address) if settings.address is not None else "::"
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        opened = socket.socket(family, socket.SOCK_DGRAM)
    except OSError:  # no IPv6 on this machine
        address = "0.0.0.0"  # noqa: S104 — it is what was asked for
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        with contextlib.suppress(OSError):
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        if opened.family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        opened.bind((address, settings.port))
    except OSError as error:
        opened.close()
        raise Unavailable(
            f"UDP port {settings.port} cannot be opened: {error.strerror}", where="snmp.traps.port",
            fix="Choose a free port; below 1024 privileges are needed, or net.ipv4.ip_unprivileged_port_start.",
        ) from None  # fmt: skip
    opened.setblocking(False)
    return opened


def _within(host: str, networks: tuple[Network, ...], *, otherwise: bool) -> bool:
    if not networks:
        return otherwise
    address = ipaddress.ip_address(host)
    return any(address in network for network in networks)
