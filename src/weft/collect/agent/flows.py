"""Flows of a trace: each sends probes that every router hashes alike (Paris traceroute, Augustin et al., IMC 2006).

Within a flow nothing changes that a router may hash: addresses, protocol, ports, flow label, and checksum. What tells
probes apart is elsewhere: in the data of UDP (with its complement beside it, so that the checksum stays), in the
sequence number of ICMP (with its complement in the data); TCP has one probe under way at a time. Ports and identifiers
are the same in every run, so that a flow takes the same branch as long as the network does not change.

Needs no privilege: errors come by ``IP_RECVERR``; ICMP flows need what ping needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from weft.collect.agent import echo, errqueue
from weft.collect.agent.lookups import family_of
from weft.collect.agent.ping import tcp_rtt_ms

FIRST_PORT = 61_440  # of 128 source ports, above what systems give out by themselves
UDP_PORT = 33_434  # the port that traceroute has always used: open in many a filter, listened on by nobody
_FIRST_IDENTIFIER, _IDENTIFIERS = 0x4000, 128
_KEY = struct.Struct("!HH")
_FILL = b"weft-trace"
_LINGER_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came for a probe. ``key`` names the probe; none = the hop quoted too little to tell which it was."""

    key: int | None
    hop: str
    reached: bool
    """It is the target that answered."""
    end: bool
    """Nothing goes beyond: the target, or a hop that says so."""
    reason: str
    labels: tuple[int, ...]
    at: float


Told = Callable[[Answer], None]


class Flow(Protocol):
    """One flow. ``window``: how many probes it can tell apart at a time."""

    window: int

    def send(self, ttl: int, key: int) -> None:
        """Send a probe. Raises ``OSError``."""

    def close(self) -> None:
        """Release what it holds."""


class PortsTaken(OSError):
    """Somebody else has the source port of a flow."""


class UdpFlow:
    """UDP to a port that nobody listens on; the target says so."""

    window = 4

    def __init__(self, address: str, number: int, told: Told) -> None:
        self._told, self._address, self._family = told, echo.plain(address), family_of(address)
        self._socket = one = socket.socket(self._family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            errqueue.watch(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # traces of other targets have the same port
            _bind(one, FIRST_PORT + number)
            one.connect((address, UDP_PORT))
        except BaseException:
            one.close()
            raise
        self.source = str(one.getsockname()[0])
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(one, self._read)

    def send(self, ttl: int, key: int) -> None:
        """Send a probe."""
        data = [_KEY.pack(key, key ^ 0xFFFF) + _FILL]
        limit = errqueue.hop_limit_of_packet(self._family, ttl)
        _sent_despite_errors(lambda: self._socket.sendmsg(data, limit))

    def close(self) -> None:
        """Release the socket."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        found = errqueue.complaints(self._socket)
        for complaint in found:
            key = key_of(complaint.quote)
            reached = complaint.port_closed and echo.plain(complaint.hop) == self._address
            self._told(
                Answer(key, complaint.hop, reached, not complaint.expired, "" if reached else complaint.reason,
                       complaint.labels, complaint.at)
            )  # fmt: skip
        if found:
            return  # what else there is brings us here again
        with contextlib.suppress(OSError):
            while True:
                data, control, _flags, _sender = self._socket.recvmsg(512, 128)
                self._told(Answer(key_of(data), self._address, True, True, "", (), errqueue.arrival(control)))


def key_of(data: bytes) -> int | None:
    """The key in a probe's data, as far as it was quoted; none = too little, or not ours."""
    if len(data) < _KEY.size:
        return None
    key, complement = _KEY.unpack_from(data)
    return key if key ^ complement == 0xFFFF else None


class IcmpFlow:
    """ICMP echoes of one identifier and one checksum."""

    window = 4

    def __init__(self, address: str, number: int, told: Told, block: int) -> None:
        self._told, self._address, self._family = told, echo.plain(address), family_of(address)
        identifier = _FIRST_IDENTIFIER + block % _IDENTIFIERS * 128 + number
        self._socket, self._raw, self._identifier = echo.open_icmp(self._family, identifier)
        try:
            self._socket.connect((address, 0))
        except BaseException:
            self._socket.close()
            raise
        self.source = str(self._socket.getsockname()[0])
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._read)

    def send(self, ttl: int, key: int) -> None:
        """Send a probe."""
        errqueue.set_hop_limit(self._socket, ttl)
        data = struct.pack("!H", key ^ 0xFFFF) + _FILL
        packet = echo.request(self._family, self._identifier, key, data)
        _sent_despite_errors(lambda: self._socket.send(packet))

    def close(self) -> None:
        """Release the socket."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        for complaint in errqueue.complaints(self._socket):
            key = self._quoted(complaint.quote)
            if key is None:  # about an echo of another flow: a raw socket is told of all
                continue
            self._told(
                Answer(key, complaint.hop, False, not complaint.expired, complaint.reason, complaint.labels,
                       complaint.at)
            )  # fmt: skip
        with contextlib.suppress(OSError):
            while True:
                packet, control, _flags, sender = self._socket.recvmsg(1500, 128)
                parsed = echo.reply_of(packet, self._family, raw=self._raw, identifier=self._identifier)
                if parsed is not None and echo.plain(sender[0]) == self._address:
                    at = errqueue.arrival(control)
                    self._told(Answer(parsed[0], self._address, True, True, "", (), at))

    def _quoted(self, quote: bytes) -> int | None:
        if len(quote) < 8:
            return None
        identifier, sequence = struct.unpack_from("!HH", quote, 4)
        return sequence if identifier == self._identifier else None


class TcpFlow:
    """TCP handshakes of one source port, each begun with a socket of its own and reset as soon as it is answered."""

    window = 1

    def __init__(self, address: str, number: int, told: Told, port: int) -> None:
        self._told, self._address, self._number, self._port = told, address, number, port
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._key, self._began = 0, 0.0
        self.source = ""

    def send(self, ttl: int, key: int) -> None:
        """Send a SYN; the one before is given up."""
        self.close()
        one = socket.socket(family_of(self._address), socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            errqueue.watch(one)
            errqueue.set_hop_limit(one, ttl)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            _bind(one, FIRST_PORT + self._number)
            self._key, self._began = key, time.monotonic()
            code = one.connect_ex((self._address, self._port))
            if code not in (0, errno.EINPROGRESS, errno.ECONNREFUSED):
                raise OSError(code, "connect")
        except BaseException:
            one.close()
            raise
        self.source = str(one.getsockname()[0])
        self._socket = one
        if code == errno.EINPROGRESS:
            self._loop.add_writer(one, self._event)
        else:
            self._loop.call_soon(self._ended, code)

    def close(self) -> None:
        """Give up what is under way."""
        one, self._socket = self._socket, None
        if one is not None:
            self._loop.remove_writer(one)
            one.close()

    def _event(self) -> None:
        one = self._socket
        if one is None:
            return
        found = errqueue.complaints(one)
        if found:
            last = found[-1]
            self.close()
            self._told(Answer(self._key, last.hop, False, not last.expired, last.reason, last.labels, last.at))
            return
        self._ended(one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))

    def _ended(self, code: int) -> None:
        now = time.monotonic()
        if code == 0 and self._socket is not None:
            now = self._began + tcp_rtt_ms(self._socket, now - self._began) / 1e3
        self.close()
        if code in (0, errno.ECONNREFUSED):
            self._told(Answer(self._key, echo.plain(self._address), True, True, "", (), now))


def _bind(one: socket.socket, port: int) -> None:
    try:
        one.bind(("" if one.family == socket.AF_INET else "::", port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortsTaken(error.errno, f"source port {port} is in use by another program") from None
        raise


def _sent_despite_errors(send: Callable[[], object]) -> None:
    """Send; an error that an earlier packet left behind comes up first, at most once for each sort."""
    for _ in range(3):
        try:
            send()
        except (ConnectionRefusedError, OSError) as error:
            if error.errno not in (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES,
                                   errno.ECONNRESET, errno.ENOPROTOOPT):  # fmt: skip
                raise
            last = error
            continue
        return
    raise last
