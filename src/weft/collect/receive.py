"""Getting many datagrams out of a socket at once: ``recvmmsg`` on Linux, a non-blocking burst elsewhere."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import sys
import time
from typing import Protocol
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from weft.collect.slab import LONGEST, NAME, ROW, Slab

# struct mmsghdr and struct iovec of a 64-bit Linux (socket.h; the same for glibc and musl, little endian).
_MMSGHDR = np.dtype(
    {
        "names": ["name", "namelen", "iov", "iovlen", "control", "controllen", "flags", "len"],
        "formats": ["u8", "u4", "u8", "u8", "u8", "u8", "i4", "u4"],
        "offsets": [0, 8, 16, 24, 32, 40, 48, 56],
        "itemsize": 64,
    }
)
_IOVEC = np.dtype([("base", "u8"), ("len", "u8")])
_MSG_DONTWAIT = 0x40


class Receiver(Protocol):
    """Takes what waits in a socket."""

    def prepare(self, slab: Slab) -> None:
        """Make ready to receive into ``slab`` from its first row."""

    def receive(self, slab: Slab, first: int) -> int:
        """Receive into rows from ``first`` on, never waiting; returns how many datagrams came."""


def receiver_for(sock: socket.socket) -> Receiver:
    """The fastest receiver this machine has."""
    if sys.platform == "linux" and sys.byteorder == "little" and ctypes.sizeof(ctypes.c_void_p) == 8:
        return BatchReceiver(sock)
    return PortableReceiver(sock)


class BatchReceiver:
    """``recvmmsg(2)``: one system call for as many datagrams as wait, straight into the rows of a slab."""

    def __init__(self, sock: socket.socket) -> None:
        self._fd = sock.fileno()
        self._call = ctypes.CDLL(None, use_errno=True).recvmmsg
        self._call.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p]
        self._headers: WeakKeyDictionary[Slab, tuple[NDArray[np.void], NDArray[np.void]]] = WeakKeyDictionary()
        self._current: NDArray[np.void] = np.zeros(0, _MMSGHDR)
        self._address = 0

    def prepare(self, slab: Slab) -> None:
        """Point the message headers at ``slab``."""
        headers = self._headers.get(slab)
        if headers is None:
            headers = self._headers[slab] = _headers(slab)
        self._current, self._address = headers[0], headers[0].ctypes.data
        self._current["namelen"] = NAME

    def receive(self, slab: Slab, first: int) -> int:
        """Receive into rows from ``first`` on."""
        got = self._call(self._fd, self._address + first * _MMSGHDR.itemsize, slab.rows - first, _MSG_DONTWAIT, None)
        if got <= 0:
            if got < 0 and (code := ctypes.get_errno()) not in (errno.EAGAIN, errno.EINTR, errno.ECONNREFUSED):
                raise OSError(code, os.strerror(code))
            return 0
        slab.received_ns[first : first + got] = time.time_ns()
        slab.length[first : first + got] = self._current["len"][first : first + got]
        slab.settle(first, first + got)
        return int(got)


def _headers(slab: Slab) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Message headers for every row: two buffers each, the row and its overflow block after a row's length."""
    rows = np.arange(slab.rows, dtype=np.uint64)
    base = np.uint64(slab.data.ctypes.data)
    vectors = np.zeros((slab.rows, 2), _IOVEC)
    vectors["base"][:, 0] = base + rows * np.uint64(ROW)
    vectors["len"][:, 0] = ROW
    vectors["base"][:, 1] = base + np.uint64(slab.overflow_at + ROW) + rows * np.uint64(LONGEST)
    vectors["len"][:, 1] = LONGEST - ROW
    headers = np.zeros(slab.rows, _MMSGHDR)
    headers["name"] = np.uint64(slab.names.ctypes.data) + rows * np.uint64(NAME)
    headers["iov"] = np.uint64(vectors.ctypes.data) + rows * np.uint64(2 * _IOVEC.itemsize)
    headers["iovlen"] = 2
    return headers, vectors


class PortableReceiver:
    """``recvfrom`` until nothing waits. Writes the same rows as ``BatchReceiver``."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._scratch = bytearray(LONGEST)
        self._view = np.frombuffer(self._scratch, np.uint8)

    def prepare(self, slab: Slab) -> None:
        """Nothing to do."""

    def receive(self, slab: Slab, first: int) -> int:
        """Receive into rows from ``first`` on."""
        row = first
        while row < slab.rows:
            try:
                got, address = self._sock.recvfrom_into(self._scratch)
            except (BlockingIOError, InterruptedError, ConnectionError):
                break
            inline = min(got, ROW)
            slab.data[row * ROW : row * ROW + inline] = self._view[:inline]
            if got > ROW:
                block = slab.overflow_at + row * LONGEST
                slab.data[block + ROW : block + got] = self._view[ROW:got]
            slab.length[row] = got
            slab.names[row] = _sockaddr(self._sock.family, address)
            row += 1
        slab.received_ns[first:row] = time.time_ns()
        slab.settle(first, row)
        return row - first


def _sockaddr(family: int, address: tuple[str, int]) -> NDArray[np.uint8]:
    """The bytes of a Linux ``sockaddr`` that ``slab.sources`` reads."""
    raw = bytearray(NAME)
    raw[2:4] = address[1].to_bytes(2, "big")
    if family == socket.AF_INET:
        raw[4:8] = socket.inet_pton(socket.AF_INET, address[0])
    else:
        raw[8:24] = socket.inet_pton(socket.AF_INET6, address[0].partition("%")[0])
    return np.frombuffer(bytes(raw), np.uint8)
