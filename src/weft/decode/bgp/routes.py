"""Routes as columns: what UPDATE messages and table dumps say, one row per prefix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

#: (AFI, SAFI) → ``model.routes.FAMILIES``; what is not here is 13, ``other``.
FAMILY_OF: dict[tuple[int, int], int] = {
    (1, 1): 1, (2, 1): 2, (1, 2): 3, (2, 2): 4, (1, 4): 5, (2, 4): 6, (1, 128): 7, (2, 128): 8,
    (1, 133): 9, (2, 133): 10, (25, 70): 11, (16388, 71): 12,
}  # fmt: skip
OTHER = 13


@dataclass(slots=True)
class Routes:
    """``n`` routes in the order they were sent.

    A route is told apart by family, prefix, length, ``path_id``, ``rd`` and ``nlri``; ``labels`` may change without
    making it another route. An unfeasible UPDATE (RFC 7606) is withdrawals here and a reason in ``errors``.
    """

    withdrawn: NDArray[np.bool_]  # [n]
    family: NDArray[np.uint8]  # [n] model.routes.FAMILIES
    prefix: NDArray[np.uint8]  # [n, 16] first address, IPv4-mapped; zeros where a family has none
    prefix_length: NDArray[np.uint8]  # [n] in the family's own bits
    path_id: NDArray[np.uint32]  # [n] RFC 7911; 0 = none
    path: NDArray[np.int32]  # [n] index into Paths; -1 for withdrawals
    nlri: list[str] | None = None  # [n] the route in words where prefix and rd do not tell it apart (EVPN, FlowSpec …)
    rd: list[str] | None = None  # [n] route distinguisher; "" = none
    labels: list[str] | None = None  # [n] MPLS labels or VNI (and EVPN's ESI) in words; "" = none
    errors: Counter[str] = field(default_factory=Counter)  # reason → messages
    end_of_rib: list[int] = field(default_factory=list)  # families whose End-of-RIB marker (RFC 4724) came

    def __len__(self) -> int:
        return len(self.withdrawn)

    @classmethod
    def empty(cls) -> Routes:
        """No routes."""
        return cls(
            np.zeros(0, np.bool_), np.zeros(0, np.uint8), np.zeros((0, 16), np.uint8), np.zeros(0, np.uint8),
            np.zeros(0, np.uint32), np.zeros(0, np.int32),
        )  # fmt: skip

    def ordered(self, order: NDArray[np.int64]) -> Routes:
        """The rows in another order, errors and markers kept."""
        return Routes(
            self.withdrawn[order], self.family[order], self.prefix[order], self.prefix_length[order],
            self.path_id[order], self.path[order], _picked(self.nlri, order), _picked(self.rd, order),
            _picked(self.labels, order), self.errors, self.end_of_rib,
        )  # fmt: skip

    @classmethod
    def concat(cls, parts: Sequence[Routes]) -> Routes:
        """All rows of ``parts`` in order, errors and markers added up."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls.empty()
        errors: Counter[str] = Counter()
        for part in parts:
            errors.update(part.errors)
        return cls(
            np.concatenate([part.withdrawn for part in parts]),
            np.concatenate([part.family for part in parts]),
            np.concatenate([part.prefix for part in parts]),
            np.concatenate([part.prefix_length for part in parts]),
            np.concatenate([part.path_id for part in parts]),
            np.concatenate([part.path for part in parts]),
            _words([(part.nlri, len(part)) for part in parts]),
            _words([(part.rd, len(part)) for part in parts]),
            _words([(part.labels, len(part)) for part in parts]),
            errors,
            [family for part in parts for family in part.end_of_rib],
        )


def _picked(words: list[str] | None, order: NDArray[np.int64]) -> list[str] | None:
    return None if words is None else [words[one] for one in order.tolist()]


def _words(parts: Sequence[tuple[list[str] | None, int]]) -> list[str] | None:
    if all(words is None for words, _ in parts):
        return None
    return [word for words, rows in parts for word in (words if words is not None else [""] * rows)]
