"""ICMP echo (ping) over one socket per family: the kernel's unprivileged kind where it is allowed, else a raw one.

Many runs share a socket; each probe is told by its sequence number, the address that it was sent to and a random mark
in its data, so that nobody else's reply counts.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from dataclasses import dataclass

from weft.collect.agent import errqueue
from weft.errors import NotAllowed

_ICMP_FILTER, _ICMP6_FILTER, _SOL_RAW = 1, 1, 255
_ECHO = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}
_PROTOCOL = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}
_HEADER = struct.Struct("!BBHHH")
_MARK = 8
_BURST = 256
_RECEIVE_BUFFER = 1 << 20
_HOW = (
    "Let anyone ping (sysctl net.ipv4.ping_group_range='0 2147483647'), or give the agent CAP_NET_RAW "
    "(docs/synthetics-agent.md)."
)


class EchoRefused(NotAllowed):
    """The system lets this user open no ICMP socket."""


def open_icmp(family: socket.AddressFamily, identifier: int | None = None) -> tuple[socket.socket, bool, int]:
    """(socket, whether it is raw, identifier of its echoes). Raises ``EchoRefused`` or ``OSError``."""
    protocol = _PROTOCOL[family]
    try:
        one = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, protocol)
    except OSError as error:
        if not isinstance(error, PermissionError) and family == socket.AF_INET6:
            raise
        return _open_raw(family, identifier)
    try:
        one.bind(("" if family == socket.AF_INET else "::", identifier or 0))
        errqueue.watch(one)
    except BaseException:
        one.close()
        raise
    return one, False, int(one.getsockname()[1])


def _open_raw(family: socket.AddressFamily, identifier: int | None) -> tuple[socket.socket, bool, int]:
    try:
        one = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _PROTOCOL[family])
    except PermissionError:
        raise EchoRefused("this user may not send ICMP", fix=_HOW) from None
    reply = _ECHO[family][1]
    if family == socket.AF_INET:
        one.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF & ~(1 << reply)))
    else:
        blocked = [0xFFFFFFFF] * 8
        blocked[reply >> 5] &= ~(1 << (reply & 31)) & 0xFFFFFFFF
        one.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, struct.pack("=8I", *blocked))
    errqueue.watch(one)
    return one, True, identifier if identifier is not None else int.from_bytes(os.urandom(2), "big")


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def request(family: socket.AddressFamily, identifier: int, sequence: int, data: bytes) -> bytes:
    """An echo request. The kernel puts identifier and checksum in where it knows better."""
    kind = _ECHO[family][0]
    if family == socket.AF_INET6:
        return _HEADER.pack(kind, 0, 0, identifier, sequence) + data
    unsigned = _HEADER.pack(kind, 0, 0, identifier, sequence) + data
    return unsigned[:2] + struct.pack("!H", checksum(unsigned)) + unsigned[4:]


def reply_of(packet: bytes, family: socket.AddressFamily, *, raw: bool, identifier: int) -> tuple[int, bytes] | None:
    """(sequence number, data) of a reply to us; none where it is something else or damaged."""
    if raw and family == socket.AF_INET:  # comes with its IP header
        if len(packet) < 20:
            return None
        packet = packet[(packet[0] & 15) * 4 :]
    if len(packet) < _HEADER.size:
        return None
    kind, _, _, whose, sequence = _HEADER.unpack_from(packet)
    if kind != _ECHO[family][1] or (raw and whose != identifier):
        return None
    return sequence, packet[_HEADER.size :]


def plain(address: str) -> str:
    """An address without its zone."""
    return address.partition("%")[0]


@dataclass(slots=True)
class _Waiting:
    future: asyncio.Future[float]
    address: str
    mark: bytes
    sent: float


class Unreachable(Exception):
    """An ICMP error came instead of a reply: ``reason`` in words."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class EchoSocket:
    """Sends echoes of one family and tells the round trip of each."""

    def __init__(self, family: socket.AddressFamily) -> None:
        self._family = family
        self._socket, self.raw, self._identifier = open_icmp(family)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._waiting: dict[int, _Waiting] = {}
        self._next = int.from_bytes(os.urandom(2), "big")
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Release the socket; what is waited for is cancelled."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        for one in list(self._waiting.values()):
            one.future.cancel()

    def send(self, address: str, size: int) -> asyncio.Future[float]:
        """Send one with ``size`` bytes of data. The future gives its round trip, milliseconds, or ``Unreachable``.

        Raises ``OSError`` where it cannot be sent. Cancel the future when it is waited for no longer.
        """
        sequence = self._free()
        mark = os.urandom(_MARK)[:size]
        data = mark + bytes(size - len(mark))
        packet = request(self._family, self._identifier, sequence, data)
        future: asyncio.Future[float] = self._loop.create_future()
        waiting = _Waiting(future, address, mark, time.monotonic())
        try:
            self._socket.sendto(packet, (address, 0))
        except BlockingIOError:
            raise
        except OSError:
            # An error of an earlier packet comes up here; once it is taken, this one can be sent.
            self._complaints()
            waiting.sent = time.monotonic()
            self._socket.sendto(packet, (address, 0))
        self._waiting[sequence] = waiting
        future.add_done_callback(lambda _: self._waiting.pop(sequence, None))
        return future

    def _free(self) -> int:
        for _ in range(1 << 16):
            self._next = (self._next + 1) & 0xFFFF
            if self._next not in self._waiting:
                return self._next
        raise BlockingIOError("every sequence number is in use")

    def _read(self) -> None:
        for _ in range(_BURST):
            try:
                packet, control, _flags, sender = self._socket.recvmsg(9216, 128)
            except BlockingIOError:
                break
            except OSError:
                continue  # an error of a packet: it is in the queue of errors
            parsed = reply_of(packet, self._family, raw=self.raw, identifier=self._identifier)
            if parsed is not None:
                self._answered(parsed[0], parsed[1], sender[0], errqueue.arrival(control))
        self._complaints()

    def _answered(self, sequence: int, data: bytes, sender: str, at: float) -> None:
        one = self._waiting.get(sequence)
        if one is None or one.future.done() or plain(sender) != plain(one.address) or not data.startswith(one.mark):
            return
        one.future.set_result(max(0.0, at - one.sent) * 1e3)

    def _complaints(self) -> None:
        for complaint in errqueue.complaints(self._socket):
            if len(complaint.quote) < _HEADER.size or complaint.to[0] == "":
                continue
            kind, _, _, whose, sequence = _HEADER.unpack_from(complaint.quote)
            one = self._waiting.get(sequence)
            if kind != _ECHO[self._family][0] or (self.raw and whose != self._identifier) or one is None:
                continue
            if not one.future.done() and plain(complaint.to[0]) == plain(one.address):
                by = f", says {complaint.hop}" if complaint.hop else ""
                one.future.set_exception(Unreachable(f"{complaint.reason or 'hop limit exceeded'}{by}"))


class Echoes:
    """The sockets of both families, opened when first needed."""

    def __init__(self) -> None:
        self._sockets: dict[socket.AddressFamily, EchoSocket] = {}

    def of(self, address: str) -> EchoSocket:
        """The socket for an address. Raises ``EchoRefused`` or ``OSError``."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        if family not in self._sockets:
            self._sockets[family] = EchoSocket(family)
        return self._sockets[family]

    def close(self) -> None:
        """Close both."""
        for one in self._sockets.values():
            one.close()
        self._sockets.clear()
