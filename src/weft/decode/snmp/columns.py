"""What a walk brought of one column, and how names and indexes read."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from weft.decode.snmp import ber
from weft.decode.snmp.profile import Part, Reading

_MOST_TEXT = 255
_ADDRESS_OCTETS = {1: 4, 2: 16, 3: 4, 4: 16}  # InetAddressType (RFC 4001); 3 and 4 with a zone of 4 octets
_ZONED = {3: 8, 4: 20}


@dataclass(slots=True)
class ColumnData:
    """Cells of one column in the order of the walk. ``keys`` are the octets of each row's index.

    ``read`` holds (cells, when) for every answer: UTC nanoseconds when the device read those cells, as far as known.
    """

    keys: list[bytes] = field(default_factory=list)
    values: list[ber.Value] = field(default_factory=list)
    tag: int = ber.NULL  # of the last cell
    read: list[tuple[int, int]] = field(default_factory=list)

    def numbers(self) -> NDArray[np.float64]:
        """The cells as numbers; text that holds a number counts (``laLoad`` is such), other text is NaN."""
        try:
            return np.array(self.values, np.float64)
        except (TypeError, ValueError, OverflowError):
            return np.array([number(value) for value in self.values], np.float64)

    def times(self) -> NDArray[np.int64]:
        """When each cell was read."""
        counts = [count for count, _ in self.read]
        return np.repeat(np.array([at for _, at in self.read], np.int64), counts)


def number(value: ber.Value) -> float:
    """A value as a number, NaN where it is none."""
    if isinstance(value, bytes):
        try:
            return float(value.strip(b"\0 \t%"))
        except ValueError:
            return math.nan
    return math.nan if value is None else float(value)


def text(value: ber.Value, read: Reading = "text") -> str:
    """A value as text. Octets that are no text show as hexadecimal; control characters are dropped."""
    if value is None:
        return ""
    if not isinstance(value, bytes):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if read == "oid":
        return ber.oid_text(value)
    if read == "mac":
        return mac(value)
    if read == "address":
        return address(value)
    return _words(value)


def _words(octets: bytes) -> str:
    try:
        words = octets.rstrip(b"\0").decode("utf-8")
    except UnicodeDecodeError:
        words = octets.rstrip(b"\0").decode("latin-1")
        if sum(not one.isprintable() for one in words) * 4 > len(words):
            return octets.hex(":")[:_MOST_TEXT]
    return "".join(one if one.isprintable() else " " for one in words).strip()[:_MOST_TEXT]


def mac(octets: bytes) -> str:
    """Six octets as 00:11:22:aa:bb:cc; text where they are another number."""
    return octets.hex(":") if len(octets) == 6 else _words(octets)


def address(octets: bytes) -> str:
    """4 or 16 octets (or 8 or 20, with a zone) as an IP address; empty where they are none."""
    if len(octets) in (8, 20):
        octets = octets[:-4]
    return str(ipaddress.ip_address(octets)) if len(octets) in (4, 16) else ""


def split_index(octets: bytes, parts: Sequence[tuple[str, Part]]) -> list[str] | None:
    """The parts of a row's index as text; none where the octets do not fit them."""
    try:
        arcs = ber.unpack_arcs(octets)
    except ber.BerError:
        return None
    found, at = [], 0
    for _, kind in parts:
        piece = _part(arcs, at, kind)
        if piece is None:
            return None
        shown, at = piece
        found.append(shown)
    return found if at == len(arcs) else None


def _part(arcs: tuple[int, ...], at: int, kind: Part) -> tuple[str, int] | None:
    left = len(arcs) - at
    if kind == "rest":
        return ".".join(map(str, arcs[at:])), len(arcs)
    if kind == "implied":
        return _counted(arcs, at, left, kind)
    if kind in ("ipv4", "ipv6"):
        return _counted(arcs, at, 4 if kind == "ipv4" else 16, "address")
    if left < 1:
        return None
    if kind == "number":
        return str(arcs[at]), at + 1
    if kind in ("string", "octets"):
        return _counted(arcs, at + 1, arcs[at], kind)
    if kind == "typed":
        return _counted(arcs, at + 1, _ZONED.get(arcs[at], _ADDRESS_OCTETS.get(arcs[at], 0)), "address")
    return _counted(arcs, at + 2, arcs[at + 1], "address") if left > 1 else None


def _counted(arcs: tuple[int, ...], at: int, count: int, kind: str) -> tuple[str, int] | None:
    piece = arcs[at : at + count]
    if len(piece) != count or any(arc > 0xFF for arc in piece):
        return None
    octets = bytes(piece)
    shown = address(octets) if kind == "address" else mac(octets) if kind == "octets" else _words(octets)
    return shown, at + count
