"""Prefixes and addresses as people ask for them, and which rows of the ``routes`` table they mean."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from weft.errors import InvalidInput
from weft.model.addresses import address_text, packed
from weft.query.compile.sql import literal

_MAPPED_FIRST, _MAPPED_LAST = packed("0.0.0.0"), packed("255.255.255.255")  # noqa: S104
_FIX = "use 192.0.2.0/24, 192.0.2.1 or 2001:db8::/32"


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prefix: first address (16 bytes, IPv4 mapped) and length in the family's own bits (0–32 or 0–128)."""

    first: bytes
    length: int

    @property
    def version(self) -> int:
        """4 or 6."""
        return 4 if _MAPPED_FIRST <= self.first <= _MAPPED_LAST else 6

    @property
    def bits(self) -> int:
        """How many bits an address of the family has."""
        return 32 if self.version == 4 else 128

    @property
    def last(self) -> bytes:
        """Its last address."""
        spread = (1 << (self.bits - self.length)) - 1
        return (int.from_bytes(self.first, "big") | spread).to_bytes(16, "big")

    def covering(self) -> list[Prefix]:
        """Itself and every shorter prefix that holds it, the shortest first."""
        number = int.from_bytes(self.first, "big")
        out = []
        for length in range(self.length + 1):
            free = self.bits - length
            out.append(Prefix((number >> free << free).to_bytes(16, "big"), length))
        if self.version == 4:
            # Shifting out all 32 bits of the address leaves those that mark it as IPv4.
            out[0] = Prefix(_MAPPED_FIRST, 0)
        return out

    def holds(self, other: Prefix) -> bool:
        """Whether ``other`` is this prefix or lies inside it."""
        return self.version == other.version and self.length <= other.length and self.first <= other.first <= self.last

    def __str__(self) -> str:
        return prefix_text(self.first, self.length)


def prefix_text(first: bytes, length: int) -> str:
    """``192.0.2.0/24``, ``2001:db8::/32``."""
    return f"{address_text(first, '::')}/{length}"


def parse_prefix(text: str) -> Prefix:
    """The prefix; an address is one of all its bits. Host bits are dropped. Raises ``InvalidInput``."""
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise InvalidInput(f"{text[:60]!r} is neither a prefix nor an address", where="prefix", fix=_FIX) from None
    first = packed(str(network.network_address))
    if first[:12] == _MAPPED_FIRST[:12] and network.version == 6:
        return Prefix(first, network.prefixlen - 96)
    return Prefix(first, network.prefixlen)


def exactly(prefixes: list[Prefix]) -> str:
    """The rows of these very prefixes, as SQL."""
    pairs = ", ".join(f"({literal(p.first)}, {p.length})" for p in prefixes)
    return f"(prefix, prefix_length) IN ({pairs})"


def around(prefix: Prefix) -> str:
    """The rows of ``prefix`` and all that covers it, as SQL; a few that begin where one of those does, too.

    Of the 129 prefixes around an IPv6 address most begin with the same one: naming each takes longer than reading.
    """
    firsts = sorted({one.first for one in prefix.covering()})
    return f"prefix IN {literal(firsts)} AND prefix_length <= {prefix.length}"


def inside(prefix: Prefix) -> str:
    """The rows of longer prefixes inside ``prefix``, as SQL."""
    where = f"prefix BETWEEN {literal(prefix.first)} AND {literal(prefix.last)} AND prefix_length > {prefix.length}"
    if prefix.version == 6 and prefix.first == bytes(16):
        where += f" AND NOT prefix BETWEEN {literal(_MAPPED_FIRST)} AND {literal(_MAPPED_LAST)}"
    return where
