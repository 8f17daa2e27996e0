"""Puts fragmented UDP datagrams together again, within fixed bounds (RFC 791 §3.2, RFC 8200 §4.5)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_DATAGRAMS = 1024  # being put together at once; the oldest is given up on
MAX_PIECES = 256  # of one datagram
_LONGEST = 65535
_FRAGMENT_HEADER = 44
_UDP = 17


class Whole(NamedTuple):
    """A datagram put together."""

    payload: bytes
    source_port: int
    destination_port: int


@dataclass(slots=True)
class _Parts:
    pieces: dict[int, bytes] = field(default_factory=dict)  # offset → bytes
    total: int = -1  # known once the last piece came


class Reassembly:
    """Collects fragments; ``given_up`` counts datagrams that never became whole."""

    def __init__(self) -> None:
        self.given_up = 0
        self._waiting: OrderedDict[bytes, _Parts] = OrderedDict()

    def add(self, packet: bytes) -> Whole | None:
        """Add an IP packet that is a fragment; returns the datagram that it completes."""
        found = _split_v4(packet) if packet[0] >> 4 == 4 else _split_v6(packet)
        if found is None:
            return None
        key, offset, is_last, piece = found
        parts = self._waiting.get(key)
        if parts is None:
            parts = self._waiting[key] = _Parts()
            if len(self._waiting) > MAX_DATAGRAMS:
                self._waiting.popitem(last=False)
                self.given_up += 1
        if offset + len(piece) > _LONGEST or len(parts.pieces) >= MAX_PIECES:
            del self._waiting[key]
            self.given_up += 1
            return None
        parts.pieces.setdefault(offset, piece)
        if is_last:
            parts.total = offset + len(piece)
        datagram = _join(parts)
        if datagram is None:
            return None
        del self._waiting[key]
        return _udp(datagram)

    def finish(self) -> int:
        """Give up on what is not whole; returns how many datagrams were lost in all."""
        self.given_up += len(self._waiting)
        self._waiting.clear()
        return self.given_up


def _split_v4(packet: bytes) -> tuple[bytes, int, bool, bytes] | None:
    """(key, offset, is last, bytes) of an IPv4 fragment."""
    header = (packet[0] & 15) * 4
    flags = int.from_bytes(packet[6:8], "big")
    if header < 20 or len(packet) <= header:
        return None
    return packet[12:20] + packet[4:6], (flags & 0x1FFF) * 8, not flags & 0x2000, packet[header:]


def _split_v6(packet: bytes) -> tuple[bytes, int, bool, bytes] | None:
    """(key, offset, is last, bytes) of an IPv6 fragment whose payload is UDP; walks the headers before it."""
    header, at = packet[6], 40
    while header in (0, 43, 60) and at + 8 <= len(packet):
        header, at = packet[at], at + (packet[at + 1] + 1) * 8
    if header != _FRAGMENT_HEADER or at + 8 >= len(packet) or packet[at] != _UDP:
        return None
    flags = int.from_bytes(packet[at + 2 : at + 4], "big")
    return packet[8:40] + packet[at + 4 : at + 8], flags & 0xFFF8, not flags & 1, packet[at + 8 :]


def _join(parts: _Parts) -> bytes | None:
    """The datagram, if no byte of it is missing. Overlaps keep what came first in the datagram."""
    if parts.total < 0:
        return None
    joined = bytearray()
    for offset in sorted(parts.pieces):
        piece = parts.pieces[offset]
        if offset > len(joined):
            return None
        joined += piece[len(joined) - offset :]
    return bytes(joined[: parts.total]) if len(joined) >= parts.total else None


def _udp(datagram: bytes) -> Whole | None:
    if len(datagram) < 8:
        return None
    size = int.from_bytes(datagram[4:6], "big")
    return Whole(
        datagram[8 : max(size, 8)],
        int.from_bytes(datagram[0:2], "big"),
        int.from_bytes(datagram[2:4], "big"),
    )
