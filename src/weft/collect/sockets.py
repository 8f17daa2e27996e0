"""Sockets for telemetry: UDP with a large buffer and what the kernel dropped of it, TCP that notices dead peers."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import sys
from ipaddress import IPv4Address, IPv6Address

from weft.collect.config import ListenerConfig
from weft.errors import Unavailable

# Linux numbers that the socket module does not name (include/uapi/asm-generic/socket.h).
_SO_RCVBUFFORCE = 33
_SO_MEMINFO = 55
_MEMINFO = struct.Struct("=9I")  # include/uapi/linux/sock_diag.h: SK_MEMINFO_RMEM_ALLOC … SK_MEMINFO_DROPS
_RMEM_ALLOC, _DROPS = 0, 8

_TAKEN = frozenset({errno.EADDRINUSE, errno.EACCES, errno.EPERM})


def open_listener(config: ListenerConfig, receive_buffer: int) -> socket.socket:
    """A bound, non-blocking UDP socket. With no address it takes IPv4 and IPv6, where the machine has both.

    Raises ``Unavailable`` when the port is taken or not permitted.
    """
    address = str(config.address) if config.address is not None else None
    try:
        if address is None:
            return _open_any(config.port, receive_buffer)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return _open(family, address, config.port, receive_buffer)
    except OSError as error:
        raise Unavailable(
            f"cannot listen on UDP {address or '*'}:{config.port}: {error.strerror or error}",
            where="collect.listeners",
            fix="Stop what uses the port, or set another one",
        ) from error


def open_stream(address: IPv4Address | IPv6Address | None, port: int, where: str) -> socket.socket:
    """A listening TCP socket; with no address for IPv4 and IPv6, where the machine has both.

    Raises ``Unavailable``, which names the setting ``where``, when the port is taken or not permitted.
    """
    try:
        return _listening(str(address) if address is not None else None, port)
    except OSError as error:
        raise Unavailable(
            f"cannot listen on TCP {address or '*'}:{port}: {error.strerror or error}",
            where=where, fix="Stop what uses the port, or set another one",
        ) from error  # fmt: skip


def _listening(address: str | None, port: int) -> socket.socket:
    if address is None and socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=256)
        except OSError as error:
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):  # this machine has no IPv6
                raise
    family = socket.AF_INET6 if address and ":" in address else socket.AF_INET
    return socket.create_server((address or "0.0.0.0", port), family=family, backlog=256)  # noqa: S104  devices send


def keep_alive(sock: socket.socket) -> None:
    """Find out about a peer that is gone within some minutes."""
    with contextlib.suppress(OSError, AttributeError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (("TCP_KEEPIDLE", 120), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 4)):
            if hasattr(socket, option):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def _open_any(port: int, receive_buffer: int) -> socket.socket:
    if socket.has_ipv6:
        try:
            return _open(socket.AF_INET6, "::", port, receive_buffer)
        except OSError as error:
            if error.errno in _TAKEN:
                raise
    return _open(socket.AF_INET, "0.0.0.0", port, receive_buffer)  # noqa: S104  telemetry comes from other machines


def _open(family: socket.AddressFamily, address: str, port: int, receive_buffer: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6 and address == "::":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        _enlarge(sock, receive_buffer)
        sock.setblocking(False)
        sock.bind((address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _enlarge(sock: socket.socket, wanted: int) -> None:
    """Ask for the buffer beyond net.core.rmem_max where we may, else for as much of it as we get."""
    if sys.platform == "linux":
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, wanted)
            return
        except PermissionError:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, wanted)  # silently capped at rmem_max
            return
    while wanted >= 65536:  # other kernels refuse what they cannot grant
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, wanted)
            return
        except OSError:
            wanted //= 2


class KernelCounters:
    """What the kernel says of one socket: datagrams it dropped (its buffer was full) and bytes waiting in it.

    ``SO_MEMINFO`` reads the counter that ``SO_RXQ_OVFL`` attaches to the *next* datagram, without waiting for one: a
    flood's last drops are seen at once. Both are 32 bits wide and wrap; ``dropped`` does not.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._last = 0
        self.dropped = 0
        self.waiting = 0
        self.supported = sys.platform == "linux"

    def read(self) -> int:
        """Drops since the last call; updates ``dropped`` and ``waiting``."""
        if not self.supported:
            return 0
        try:
            raw = self._sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        except OSError:
            self.supported = False
            return 0
        values = _MEMINFO.unpack(raw)
        new = (values[_DROPS] - self._last) & 0xFFFFFFFF
        self._last = values[_DROPS]
        self.dropped += new
        self.waiting = values[_RMEM_ALLOC]
        return int(new)
