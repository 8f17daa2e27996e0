"""Packets of a pcap file: micro- or nanoseconds, either byte order, and the patched format with longer headers."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from weft.decode.capture.packets import LONGEST, P_AT, P_COLUMNS, P_LINK, P_SIZE, P_TIME, Packets
from weft.decode.kernels import kernel, u32
from weft.errors import InvalidInput

_HEADER = 24
#: magic → (record header bytes, nanoseconds per tick)
_MAGICS = {0xA1B2C3D4: (16, 1000), 0xA1B23C4D: (16, 1), 0xA1B2CD34: (24, 1000)}


class PcapIndex:
    """Finds the packets of a pcap file."""

    def __init__(self, head: bytes) -> None:
        magic = int.from_bytes(head[:4], "little")
        self._is_little = magic in _MAGICS
        if not self._is_little:
            magic = int.from_bytes(head[:4], "big")
        self._record, self._tick = _MAGICS[magic]
        if len(head) < _HEADER:
            raise InvalidInput("the file ends within its pcap header", fix="Copy it again")
        self._link = struct.unpack_from("<I" if self._is_little else ">I", head, 20)[0] & 0xFFFF
        self._at_start = True

    @staticmethod
    def knows(head: bytes) -> bool:
        """Whether a file that begins so is a pcap file."""
        return int.from_bytes(head[:4], "little") in _MAGICS or int.from_bytes(head[:4], "big") in _MAGICS

    def index(self, data: NDArray[np.uint8], at: int, most: int, is_last: bool) -> Packets:
        """Up to ``most`` packets from ``at`` on; ``is_last`` when no bytes will follow ``data``."""
        if self._at_start:
            at, self._at_start = _HEADER, False
        rows = np.empty((most, P_COLUMNS), np.int64)
        count, at, code = _index(data, at, self._record, self._tick, self._is_little, is_last, self._link, rows)
        reason = {0: None, 1: "packet_cut_short", 2: "packet_bad_length"}[code]
        return Packets(rows[:count], at, reason)


@kernel
def _index(
    data: NDArray[np.uint8],
    at: int,
    header: int,
    tick: int,
    is_little: bool,
    is_last: bool,
    link: int,
    rows: NDArray[np.int64],
) -> tuple[int, int, int]:
    """(packets found, offset to go on at, 0 fine · 1 cut short · 2 an impossible length)."""
    count = 0
    end = len(data)
    while count < len(rows):
        if at + header > end:
            return count, at, 1 if is_last and at < end else 0
        seconds, part, size = u32(data, at, is_little), u32(data, at + 4, is_little), u32(data, at + 8, is_little)
        if size > LONGEST:
            return count, at, 2
        body = at + header
        if body + size > end and not is_last:
            return count, at, 0
        rows[count, P_AT] = body
        rows[count, P_SIZE] = size if body + size <= end else end - body
        rows[count, P_TIME], rows[count, P_LINK] = seconds * 1_000_000_000 + part * tick, link
        count += 1
        at = body + size
        if at > end:
            return count, end, 1
    return count, at, 0
