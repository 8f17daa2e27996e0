"""Validated ROA payloads (VRPs, RFC 6811 §2) as columns."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Upper half, and top of the lower half, of an IPv4 address as IPv6 holds it.
_MAPPED = np.uint64(0xFFFF00000000)


class Vrp(NamedTuple):
    """One payload in words: ``AS64500`` may originate ``prefix`` and what is in it up to ``max_length``."""

    prefix: str
    max_length: int
    asn: int


@dataclass(frozen=True, slots=True)
class Vrps:
    """``n`` payloads. Lengths are the family's own: an IPv4 prefix (IPv4-mapped in ``high`` and ``low``) has 0–32."""

    high: NDArray[np.uint64]  # the upper 64 bits of the prefix, as a number
    low: NDArray[np.uint64]
    length: NDArray[np.uint8]
    max_length: NDArray[np.uint8]
    asn: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.asn)

    @classmethod
    def none(cls) -> Vrps:
        """No payload."""
        words, lengths = np.zeros(0, np.uint64), np.zeros(0, np.uint8)
        return cls(words, words, lengths, lengths, np.zeros(0, np.uint32))

    @property
    def is_v4(self) -> NDArray[np.bool_]:
        """Which are of IPv4."""
        return is_v4(self.high, self.low)

    def at(self, rows: NDArray[Any]) -> Vrps:
        """The chosen rows, by index or mask."""
        return Vrps(self.high[rows], self.low[rows], self.length[rows], self.max_length[rows], self.asn[rows])

    def changed(self, changes: Vrps, announced: NDArray[np.bool_]) -> tuple[Vrps, int, int]:
        """What stands after ``changes`` came one after the other, each payload once, sorted by prefix and length.

        These must be distinct, as what this returns is. Also: how many that were announced stood already, and how
        many that were withdrawn did not.
        """
        n = len(self)
        all_ = Vrps.concatenated((self, changes))
        step = np.concatenate([np.zeros(n, np.int8), np.where(announced, 1, -1).astype(np.int8)])
        order = all_._order()  # stable: what came later comes later
        same = all_.at(order)._same_as_before()
        step = step[order]
        stood = np.zeros(n + len(changes), bool)
        stood[1:] = same[1:] & (step[:-1] >= 0)
        last = np.append(~same[1:], True) if len(same) else same
        again = int((stood & (step == 1)).sum())
        unknown = int((~stood & (step == -1)).sum())
        return all_.at(order[last & (step >= 0)]), again, unknown

    @classmethod
    def concatenated(cls, parts: Sequence[Vrps]) -> Vrps:
        """One after the other."""
        if not parts:
            return cls.none()
        return cls(
            np.concatenate([part.high for part in parts]), np.concatenate([part.low for part in parts]),
            np.concatenate([part.length for part in parts]), np.concatenate([part.max_length for part in parts]),
            np.concatenate([part.asn for part in parts]),
        )  # fmt: skip

    @classmethod
    def joined(cls, parts: Sequence[Vrps]) -> Vrps:
        """All of several sets, each payload once, sorted by prefix and length."""
        filled = cls.concatenated([part for part in parts if len(part)])
        ordered = filled.at(filled._order())
        return ordered.at(~ordered._same_as_before())

    def words(self) -> list[Vrp]:
        """Each payload as people write it."""
        columns = (self.high, self.low, self.is_v4, self.length, self.max_length, self.asn)
        return [
            Vrp(f"{_address(high << 64 | low, is_four)}/{length}", most, asn)
            for high, low, is_four, length, most, asn in zip(*(column.tolist() for column in columns), strict=True)
        ]

    def _order(self) -> NDArray[np.intp]:
        rest = (self.length.astype(np.uint64) << np.uint64(40)) | (self.max_length.astype(np.uint64) << np.uint64(32))
        return np.lexsort((rest | self.asn, self.low, self.high))

    def _same_as_before(self) -> NDArray[np.bool_]:
        """Which rows equal the row before."""
        same = np.zeros(len(self), bool)
        columns = (self.high, self.low, self.length, self.max_length, self.asn)
        if len(self):
            same[1:] = np.logical_and.reduce([column[1:] == column[:-1] for column in columns])
        return same


def is_v4(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which addresses are of IPv4."""
    v4: NDArray[np.bool_] = (high == 0) & (low >> np.uint64(32) == _MAPPED >> np.uint64(32))
    return v4


def _address(number: int, is_four: bool) -> str:
    return str(ipaddress.IPv4Address(number & 0xFFFFFFFF) if is_four else ipaddress.IPv6Address(number))
