"""One route of any family, and a reader over its octets that cannot run past them."""

from __future__ import annotations

from typing import Any, NamedTuple

from weft.decode.bgp.codes import Malformed
from weft.decode.bgp.words import ip_text
from weft.model.addresses import NO_ADDRESS

_V4_MAPPED = b"\0" * 10 + b"\xff\xff"


class Nlri(NamedTuple):
    """What an NLRI says."""

    family: int  # model.routes.FAMILIES
    prefix: bytes = NO_ADDRESS  # 16 octets, IPv4-mapped
    length: int = 0
    path_id: int = 0
    words: str = ""  # what tells the route apart beside prefix, length and rd
    rd: str = ""
    labels: str = ""
    fields: dict[str, Any] = {}  # noqa: RUF012 - for JSON; never written to


class Octets:
    """Reads from the front. Raises ``Malformed`` past the end."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def __len__(self) -> int:
        return len(self.data) - self.at

    def take(self, count: int) -> bytes:
        """The next octets."""
        if count > len(self.data) - self.at:
            raise Malformed("nlri")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, octets: int) -> int:
        """The next octets as a number."""
        return int.from_bytes(self.take(octets), "big")

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self))

    def tlvs(self) -> list[tuple[int, bytes]]:
        """What is left as TLVs of two octets of type and two of length."""
        found = []
        while len(self):
            kind, length = self.number(2), self.number(2)
            found.append((kind, self.take(length)))
        return found


def address_of(octets: bytes) -> bytes:
    """Four or sixteen octets as rows hold addresses."""
    return _V4_MAPPED + octets if len(octets) == 4 else octets


def padded(octets: bytes, bits: int, is_v6: bool) -> bytes:
    """A prefix's octets as a whole address of four or sixteen, what is behind ``bits`` cleared."""
    size = 16 if is_v6 else 4
    if bits > 8 * size:
        raise Malformed("nlri")
    number = int.from_bytes(octets.ljust(size, b"\0")[:size], "big")
    free = 8 * size - bits
    return (number >> free << free).to_bytes(size, "big")


def prefix_text(address: bytes, bits: int) -> str:
    """``192.0.2.0/24`` of a whole address."""
    return f"{ip_text(address)}/{bits}"
