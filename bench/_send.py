"""Sends prepared datagrams over loopback at a given rate: ``sendmmsg`` from Python, in a process of its own.

    python -m bench._send FILE PORT RATE COUNT [SOURCE]

FILE is an ``.npz`` with ``data`` (uint8), ``start``, ``length``, ``records`` and ``version`` (5, 9, 10: sequence
numbers and export times are kept right over repetitions). Prints ``{"sent", "seconds", "records"}``.
"""

from __future__ import annotations

import ctypes
import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MMSGHDR = np.dtype(
    {
        "names": ["name", "namelen", "iov", "iovlen", "control", "controllen", "flags", "len"],
        "formats": ["u8", "u4", "u8", "u8", "u8", "u8", "i4", "u4"],
        "offsets": [0, 8, 16, 24, 32, 40, 48, 56],
        "itemsize": 64,
    }
)
_BURST = 64


class Stream:
    """A stream of datagrams that can be repeated for as long as wanted."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as file:
            self.data: NDArray[np.uint8] = file["data"].copy()
            self.start, self.length = file["start"], file["length"]
            self.records, self.version = file["records"], int(file["version"])
        self.n = len(self.start)
        self._sequence_at = {5: 16, 9: 12, 10: 8}.get(self.version)
        self._step = np.ones(self.n, np.int64) if self.version == 9 else self.records.astype(np.int64)
        self._sequence = 0

    def stamp(self) -> None:
        """Set sequence numbers and export times for the next repetition."""
        if self._sequence_at is None:
            return
        before = self._sequence + np.cumsum(self._step) - self._step
        self._sequence += int(self._step.sum())
        self._put(self._sequence_at, before.astype(np.uint32))
        self._put(4 if self.version == 10 else 8, np.full(self.n, int(time.time()), np.uint32))

    def _put(self, offset: int, values: NDArray[np.uint32]) -> None:
        raw = values.astype(">u4").view(np.uint8).reshape(self.n, 4)
        self.data[self.start[:, None] + offset + np.arange(4)] = raw


def send(path: Path, port: int, rate: float, count: int, source: str = "127.0.0.1") -> dict[str, Any]:
    """Send ``count`` datagrams at ``rate`` per second (0 = as fast as possible)."""
    stream = Stream(path)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((source, 0))
    sock.connect(("127.0.0.1", port))
    vectors = np.zeros((stream.n, 2), np.uint64)
    vectors[:, 0] = stream.data.ctypes.data + stream.start.astype(np.uint64)
    vectors[:, 1] = stream.length
    headers = np.zeros(stream.n, _MMSGHDR)
    headers["iov"] = vectors.ctypes.data + 16 * np.arange(stream.n, dtype=np.uint64)
    headers["iovlen"] = 1
    call = ctypes.CDLL(None, use_errno=True).sendmmsg
    call.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int]
    base, fd = headers.ctypes.data, sock.fileno()
    sent = at = 0
    began = time.perf_counter()
    stream.stamp()
    while sent < count:
        if rate:
            ahead = sent / rate - (time.perf_counter() - began)
            if ahead > 0:
                time.sleep(ahead)
        done = call(fd, base + at * 64, min(_BURST, stream.n - at, count - sent), 0)
        if done <= 0:
            time.sleep(0.0005)
            continue
        sent, at = sent + done, at + done
        if at == stream.n:
            at = 0
            stream.stamp()
    whole, rest = divmod(sent, stream.n)
    records = whole * int(stream.records.sum()) + int(stream.records[:rest].sum())
    return {"sent": sent, "seconds": time.perf_counter() - began, "records": records}


def sender(path: Path, port: int, rate: float, count: int, source: str = "127.0.0.1") -> subprocess.Popen[str]:
    """``send`` in a process of its own; read its standard output for the result."""
    command = [sys.executable, "-m", "bench._send", str(path), str(port), str(rate), str(count), source]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent)


if __name__ == "__main__":
    _, file_, port_, rate_, count_, *rest_ = sys.argv
    print(json.dumps(send(Path(file_), int(port_), float(rate_), int(count_), *rest_)))
