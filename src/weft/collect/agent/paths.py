"""What a trace's flows say together: how many branches there are, and a name for the set of them.

A hop that kept silent (routers limit how many ICMP errors they send) may be any hop: a flow with one counts as the
branch that it fits, not as a branch of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

#: Addresses of the hops of one path, first hop first; none = silent.
Branch = tuple[str | None, ...]


def fits(a: Branch, b: Branch) -> bool:
    """Whether both may be the same path."""
    return len(a) == len(b) and all(x is None or y is None or x == y for x, y in zip(a, b, strict=True))


def branches_of(flows: Iterable[Sequence[str | None]]) -> list[Branch]:
    """The distinct branches, those with most hops known first; each silent hop filled by a flow that fits and knows."""
    found: list[Branch] = []
    for flow in sorted(map(tuple, flows), key=lambda one: (sum(hop is None for hop in one), _key(one))):
        for at, known in enumerate(found):
            if fits(flow, known):
                found[at] = tuple(a if a is not None else b for a, b in zip(known, flow, strict=True))
                break
        else:
            found.append(flow)
    return sorted(found, key=_key)


def name_of(branches: Sequence[Branch]) -> int:
    """A number of 63 bits for a set of branches, the same for the same set; 0 = no branch."""
    if not branches:
        return 0
    text = "\n".join(sorted(_key(branch) for branch in branches))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1 | 1


def same(a: Sequence[Branch], b: Sequence[Branch]) -> bool:
    """Whether both sets may be one: each branch of either fits one of the other."""
    return all(any(fits(x, y) for y in b) for x in a) and all(any(fits(x, y) for y in a) for x in b)


class KnownPaths:
    """The last set of branches of each series, so that a hop that is silent for once does not look like a new route."""

    def __init__(self) -> None:
        self._last: dict[object, tuple[int, list[Branch]]] = {}

    def name(self, series: object, branches: list[Branch]) -> int:
        """The number of this set: the last one's where it may be the same."""
        last = self._last.get(series)
        if last is not None and same(last[1], branches):
            number = last[0]
            if _silent(branches) > _silent(last[1]):
                branches = last[1]
        else:
            number = name_of(branches)
        self._last[series] = (number, branches)
        return number

    def keep(self, series: Iterable[object]) -> None:
        """Forget all others."""
        wanted = set(series)
        self._last = {one: last for one, last in self._last.items() if one in wanted}


def _silent(branches: Iterable[Branch]) -> int:
    return sum(hop is None for branch in branches for hop in branch)


def _key(branch: Branch) -> str:
    return " ".join(hop or "*" for hop in branch)
