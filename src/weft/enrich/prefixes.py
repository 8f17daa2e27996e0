"""Prefixes as numbers: parsing, printing and the column layout that tables of prefixes share.

An address is two 64-bit numbers. An IPv6 address fills both; an IPv4 address stands in the upper 32 bits of the first.
The families never mix: ``::/0`` says nothing about IPv4, and ``::ffff:192.0.2.0/120`` *is* ``192.0.2.0/24``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

import numpy as np
from numpy.typing import NDArray

from weft.enrich.values import FOREVER
from weft.errors import InvalidInput

_MAPPED = b"\0" * 10 + b"\xff\xff"
_ONES = (1 << 64) - 1
_LENGTHS = {str(length): length for length in range(129)}
#: Stands in a column of codes for "here this attribute has no value, whatever a wider prefix says" (written ``-``).
CLEARED = 0xFFFFFFFF

Prefix = tuple[int, int, int, int]  # family (4 or 6), high and low 64 bits, prefix length


def parse_prefix(text: str) -> Prefix:
    """Read ``192.0.2.0/24``, ``2001:db8::/32`` or a bare address.

    Raises:
        InvalidInput: it is not a prefix, or has bits set to the right of its length.
    """
    text = text.strip()
    address, slash, bits = text.partition("/")
    try:
        if ":" not in address:
            number, width = int.from_bytes(inet_pton(AF_INET, address), "big"), 32
            high, low = number << 32, 0
        else:
            number, width = int.from_bytes(inet_pton(AF_INET6, address), "big"), 128
            high, low = number >> 64, number & _ONES
    except (OSError, ValueError):
        raise InvalidInput(f"'{text}' is not a prefix", fix="Write it like 192.0.2.0/24 or 2001:db8::/32") from None
    length = _LENGTHS.get(bits, 999) if slash else width
    if length > width:
        raise InvalidInput(f"'{text}' is not a prefix", fix=f"Its length is a number from 0 to {width}")
    if width == 32 and not number & (0xFFFFFFFF >> length):
        return 4, high, 0, length  # nearly all rows of a large table
    if high & (_ONES >> min(length, 64)) or (length < 128 and low & (_ONES >> max(length - 64, 0))):
        family = 4 if width == 32 else 6
        kept = format_prefix(_masked(family, high, low, length))
        raise InvalidInput(f"'{text}' has bits set after its length", fix=f"Write {kept}")
    if width == 128 and length >= 96 and high == 0 and low >> 32 == 0xFFFF:
        return 4, (low & 0xFFFFFFFF) << 32, 0, length - 96
    return (4 if width == 32 else 6), high, low, length


def _masked(family: int, high: int, low: int, length: int) -> Prefix:
    return family, high & ~(_ONES >> min(length, 64)) & _ONES, low & ~(_ONES >> max(length - 64, 0)) & _ONES, length


def parse_address(text: str) -> Prefix:
    """Read one address.

    Raises:
        InvalidInput: it is not an address.
    """
    if "/" in text:
        raise InvalidInput(f"'{text}' is not an address", fix="Write it like 192.0.2.1 or 2001:db8::1")
    return parse_prefix(text)


def format_prefix(prefix: Prefix) -> str:
    """The usual text of a prefix."""
    family, high, low, length = prefix
    if family == 4:
        return f"{inet_ntop(AF_INET, struct.pack('>I', high >> 32))}/{length}"
    return f"{inet_ntop(AF_INET6, struct.pack('>QQ', high, low))}/{length}"


def packed_address(text: str) -> bytes:
    """The 16 bytes of an address as flow columns hold it."""
    family, high, low, _ = parse_address(text)
    return _MAPPED + struct.pack(">I", high >> 32) if family == 4 else struct.pack(">QQ", high, low)


@dataclass(frozen=True, slots=True)
class PrefixRows:
    """Prefixes of one family with the codes of their attributes: 0 = says nothing, ``CLEARED`` = says there is none."""

    high: NDArray[np.uint64]  # [n]
    low: NDArray[np.uint64]  # [n]; all zero for IPv4
    length: NDArray[np.uint8]  # [n]
    codes: NDArray[np.uint32]  # [n, attributes]
    since: NDArray[np.uint32] | None = None  # [n] when each holds, UTC seconds, `until` excluded; None = always
    until: NDArray[np.uint32] | None = None

    def __len__(self) -> int:
        return len(self.high)

    def at(self, second: int) -> PrefixRows:
        """Those that hold at a time."""
        if self.since is None or self.until is None:
            return self
        holds = (self.since <= second) & (self.until > second)
        return PrefixRows(self.high[holds], self.low[holds], self.length[holds], self.codes[holds])

    def edges(self) -> set[int]:
        """When one of them begins or ends to hold."""
        if self.since is None or self.until is None:
            return set()
        found = np.unique(np.concatenate([self.since, self.until]))
        return set(found[(found > 0) & (found < FOREVER)].tolist())


def no_rows(attributes: int) -> PrefixRows:
    """No prefixes at all."""
    none = np.zeros(0, np.uint64)
    return PrefixRows(none, none, np.zeros(0, np.uint8), np.zeros((0, attributes), np.uint32))


@dataclass(frozen=True)
class PrefixTable:
    """What one file says: prefixes of both families and, per attribute, what the codes mean.

    ``columns[k]`` names the attribute of ``codes[:, k]``. The code of ``asn`` is the AS number itself; the code of any
    other attribute is 1 + the index of its text in ``texts[k]``.
    """

    columns: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]
    v4: PrefixRows
    v6: PrefixRows
    priority: int = 100
    names: dict[int, str] = field(default_factory=dict)  # AS number → name, where the file has them

    def __len__(self) -> int:
        return len(self.v4) + len(self.v6)

    def at(self, second: int) -> PrefixTable:
        """With the prefixes that hold at a time."""
        v4, v6 = self.v4.at(second), self.v6.at(second)
        return self if v4 is self.v4 and v6 is self.v6 else replace(self, v4=v4, v6=v6)

    def edges(self) -> set[int]:
        """When a prefix begins or ends to hold."""
        return self.v4.edges() | self.v6.edges()


def prefix_table(rows: Iterable[tuple[str, Mapping[str, str]]], columns: Sequence[str], priority: int) -> PrefixTable:
    """A table of rows that are not from a file; those whose prefix is none are left out."""
    texts: list[dict[str, int]] = [{} for _ in columns]
    found: dict[int, list[tuple[int, int, int, list[int]]]] = {4: [], 6: []}
    for prefix, attributes in rows:
        try:
            family, high, low, length = parse_prefix(prefix)
        except InvalidInput:
            continue
        values = [attributes.get(name, "") for name in columns]
        codes = [known.setdefault(v, len(known) + 1) if v else 0 for v, known in zip(values, texts, strict=True)]
        found[family].append((high, low, length, codes))
    v4, v6 = (_rows(found[family], len(columns)) for family in (4, 6))
    return PrefixTable(tuple(columns), tuple(map(tuple, texts)), v4, v6, priority)


def _rows(found: Sequence[tuple[int, int, int, list[int]]], width: int) -> PrefixRows:
    if not found:
        return no_rows(width)
    high, low, length, codes = zip(*found, strict=True)
    return PrefixRows(
        np.array(high, np.uint64), np.array(low, np.uint64), np.array(length, np.uint8),
        np.array(codes, np.uint32).reshape(len(found), width),
    )  # fmt: skip
