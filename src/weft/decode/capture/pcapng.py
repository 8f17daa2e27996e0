"""Packets of a pcapng file (draft-ietf-opsawg-pcapng): several sections and interfaces, any clock resolution."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from weft.decode.capture.packets import LONGEST, P_AT, P_COLUMNS, P_LINK, P_SIZE, P_TIME, Packets
from weft.decode.kernels import be16, be32, kernel, le32, u32

_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
_MAGIC = 0x1A2B3C4D
_OPTION_RESOLUTION, _OPTION_OFFSET = 9, 14
_MAX_INTERFACES = 4096
_DECIMAL, _FINER, _BINARY = 0, 1, 2

#: Columns of the interface table: link type, kind of clock, its factor or exponent, seconds to add, snap length.
(_I_LINK, _I_CLOCK, _I_SCALE, _I_OFFSET, _I_SNAP) = range(5)

# What the walk stopped for.
_MORE, _BLOCK, _CUT, _BAD, _FULL = range(5)


class PcapngIndex:
    """Finds the packets of a pcapng file; section and interface blocks are read here, packets in the kernel."""

    def __init__(self) -> None:
        self._is_little = True
        self._interfaces = np.zeros((_MAX_INTERFACES, 5), np.int64)
        self._count = 0

    @staticmethod
    def knows(head: bytes) -> bool:
        """Whether a file that begins so is a pcapng file."""
        return head[:4] == b"\x0a\x0d\x0d\x0a" and _MAGIC in (
            int.from_bytes(head[8:12], "little"),
            int.from_bytes(head[8:12], "big"),
        )

    def index(self, data: NDArray[np.uint8], at: int, most: int, is_last: bool) -> Packets:
        """Up to ``most`` packets from ``at`` on; ``is_last`` when no bytes will follow ``data``."""
        rows = np.empty((most, P_COLUMNS), np.int64)
        count = 0
        while True:
            count, at, stop = _walk(data, at, self._is_little, is_last, self._interfaces[: self._count], rows, count)
            if stop == _BLOCK:
                at = self._read_block(data, at)
                if at < 0:
                    return Packets(rows[:count], len(data), "block_bad")
                continue
            reason = {_CUT: "packet_cut_short", _BAD: "block_bad"}.get(stop)
            return Packets(rows[:count], at, reason)

    def _read_block(self, data: NDArray[np.uint8], at: int) -> int:
        """Read a whole section or interface block; returns the offset after it, or -1."""
        head = data[at : at + 12].tobytes()
        if head[:4] == b"\x0a\x0d\x0d\x0a":
            self._is_little = head[8:12] == _MAGIC.to_bytes(4, "little")
            if not self._is_little and head[8:12] != _MAGIC.to_bytes(4, "big"):
                return -1
            self._count = 0
        order = "<" if self._is_little else ">"
        size = struct.unpack_from(order + "I", head, 4)[0]
        block = data[at : at + size].tobytes()
        if len(block) != size:
            return -1
        if head[:4] != b"\x0a\x0d\x0d\x0a":
            if self._count >= _MAX_INTERFACES or size < 20:
                return -1
            self._interfaces[self._count] = _interface(block, order)
            self._count += 1
        return at + int(size)


def _interface(block: bytes, order: str) -> tuple[int, int, int, int, int]:
    """A row of the interface table from an interface description block."""
    link, _, snap = struct.unpack_from(order + "HHI", block, 8)
    clock, scale, offset = _DECIMAL, 1000, 0  # microseconds unless it says otherwise
    at, end = 16, len(block) - 4
    while at + 4 <= end:
        code, size = struct.unpack_from(order + "HH", block, at)
        value = block[at + 4 : at + 4 + size]
        if code == 0:
            break
        if code == _OPTION_RESOLUTION and len(value) == 1:
            clock, scale = _clock(value[0])
        elif code == _OPTION_OFFSET and len(value) == 8:
            offset = struct.unpack(order + "q", value)[0]
        at += 4 + size + (-size) % 4
    limit = 1 << 33  # seconds; a clock further off than that is not one
    return link, clock, scale, offset if -limit < offset < limit else 0, snap


def _clock(resolution: int) -> tuple[int, int]:
    """if_tsresol: a negative power of ten, or of two when the top bit is set."""
    exponent = resolution & 0x7F
    if resolution & 0x80:
        return _BINARY, min(exponent, 63)
    if exponent <= 9:
        return _DECIMAL, int(10 ** (9 - exponent))
    return _FINER, int(10 ** min(exponent - 9, 18))


@kernel
def _nanoseconds(ticks: np.uint64, clock: int, scale: int, offset: int) -> int:
    """A time stamp in ns UTC."""
    if clock == _BINARY:
        bits = np.uint64(scale)
        part = ticks & ((np.uint64(1) << bits) - np.uint64(1))
        if bits > np.uint64(34):
            part >>= bits - np.uint64(34)
        shift = min(bits, np.uint64(34))
        nanoseconds = np.int64(ticks >> bits) * 1_000_000_000 + np.int64((part * np.uint64(1_000_000_000)) >> shift)
    elif clock == _FINER:
        nanoseconds = np.int64(ticks // np.uint64(scale))
    else:
        nanoseconds = np.int64(ticks * np.uint64(scale))
    return int(nanoseconds + offset * 1_000_000_000)


@kernel
def _packet(
    data: NDArray[np.uint8],
    at: int,
    size: int,
    kind: int,
    is_little: bool,
    interfaces: NDArray[np.int64],
    row: NDArray[np.int64],
) -> bool:
    """Fill a row from a packet block; false if it names no interface or lies about its length."""
    if kind == _SIMPLE:
        interface, body = 0, at + 12
        captured = u32(data, at + 8, is_little)
        if len(interfaces) > 0 and interfaces[0, _I_SNAP] > 0:
            captured = min(captured, interfaces[0, _I_SNAP])
        captured = min(captured, size - 16)
    else:
        body = at + 28
        if size < 32:
            return False
        interface = u32(data, at + 8, is_little)
        if kind == _OLD_PACKET:
            interface = be16(data, at + 8) if not is_little else interface & 0xFFFF
        captured = u32(data, at + 20, is_little)
    if interface >= len(interfaces) or captured > size - (body - at) - 4:
        return False
    row[P_AT], row[P_SIZE], row[P_LINK] = body, captured, interfaces[interface, _I_LINK]
    row[P_TIME] = 0
    if kind != _SIMPLE:
        high, low = np.uint64(u32(data, at + 12, is_little)), np.uint64(u32(data, at + 16, is_little))
        row[P_TIME] = _nanoseconds(
            high << np.uint64(32) | low,
            interfaces[interface, _I_CLOCK],
            interfaces[interface, _I_SCALE],
            interfaces[interface, _I_OFFSET],
        )
    return True


@kernel
def _walk(
    data: NDArray[np.uint8],
    at: int,
    is_little: bool,
    is_last: bool,
    interfaces: NDArray[np.int64],
    rows: NDArray[np.int64],
    count: int,
) -> tuple[int, int, int]:
    """(packets so far, offset, why it stopped): enough packets, a block for Python, the end, or nonsense."""
    end = len(data)
    while count < len(rows):
        if at + 12 > end:
            return count, at, _CUT if is_last and at < end else _MORE
        kind, size = u32(data, at, is_little), u32(data, at + 4, is_little)
        if kind == _SECTION:  # its own byte order decides how long it is
            magic = be32(data, at + 8)
            size = be32(data, at + 4) if magic == _MAGIC else int(np.int64(le32(data, at + 4)))
        if size < 12 or size % 4 != 0 or size > LONGEST + 4096:
            return count, at, _BAD
        if at + size > end:
            return count, at, _CUT if is_last else _MORE
        if kind in (_SECTION, _INTERFACE):
            return count, at, _BLOCK
        if kind in (_ENHANCED, _OLD_PACKET, _SIMPLE) and size >= 16:
            count += _packet(data, at, size, kind, is_little, interfaces, rows[count])
        at += size
    return count, at, _FULL
