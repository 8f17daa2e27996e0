"""Who sells transit to whom: from a file, from what everybody knows of the largest, and from paths as they usually are.

A path is valley-free (Gao, 2001) where no AS passes on, to a provider or peer, what it has from another. A file is in
CAIDA's form (``provider|customer|-1``, ``peer|peer|0``). Without one an AS that is small beside both of its neighbours
in a path is taken for a customer of both; size is transit degree: neighbours that it is seen between.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from weft.errors import InvalidInput

#: Networks that buy transit of nobody.
TIER_1 = frozenset({
    174, 209, 286, 701, 1239, 1299, 2828, 2914, 3257, 3320, 3356, 3491, 3549, 5511, 6453, 6461, 6762, 6830, 7018, 12956,
})  # fmt: skip
_PROVIDER, _CUSTOMER, _PEER = 1, -1, 0
#: So many times larger is another class; who has fewer neighbours than this is not large.
_LARGER, _LARGE = 4, 6
_COUNTED = 64  # neighbours beyond this make nobody larger
_MOST_PATHS, _MOST_TRIPLES, _MOST_ASES = 200_000, 400_000, 100_000
_MOST_BYTES, _MOST_LINES = 64 << 20, 2_000_000


class Relations:
    """What is known of ASes. Bounded: what is seen beyond that teaches nothing more."""

    def __init__(self, known: dict[tuple[int, int], int] | None = None) -> None:
        """``known``: (a, b) → what a is to b: 1 its provider, −1 its customer, 0 its peer; both ways."""
        self._known = known or {}
        self._beside: dict[int, set[int]] = {}
        self._triples: set[tuple[int, int, int]] = set()

    @property
    def triples(self) -> int:
        """How many were learned."""
        return len(self._triples)

    def learn(self, path: Sequence[int]) -> None:
        """A path as it usually is; repeats taken out (``hops_of``)."""
        if len(path) > 1 and (path[0] in self._beside or len(self._beside) < _MOST_ASES):
            beside = self._beside.setdefault(path[0], set())
            if len(beside) < _COUNTED:
                beside.add(path[1])
        for left, middle, right in zip(path, path[1:], path[2:], strict=False):
            if (left, middle, right) in self._triples:
                continue
            if len(self._triples) < _MOST_TRIPLES:
                self._triples.add((left, middle, right))
            if middle in self._beside or len(self._beside) < _MOST_ASES:
                beside = self._beside.setdefault(middle, set())
                if len(beside) < _COUNTED:
                    beside |= {left, right}

    def leak(self, path: Sequence[int]) -> tuple[int, str]:
        """(AS that passes on what it should not, why) of a path; (0, "") where it is as it should be."""
        for left, middle, right in zip(path, path[1:], path[2:], strict=False):
            if (left, middle, right) in self._triples:
                continue
            why = self._why(left, middle, right)
            if why:
                return middle, why
        return 0, ""

    def _why(self, left: int, middle: int, right: int) -> str:
        to, of = self._is(left, middle), self._is(right, middle)
        if to is not None and of is not None:
            if to == _CUSTOMER or of == _CUSTOMER:
                return ""
            words = {_PROVIDER: "a provider", _PEER: "a peer"}
            return f"it has them from AS {right}, {words[of]} of it, and passes them on to AS {left}, {words[to]}"
        if middle in TIER_1:
            return ""
        size = self.size(middle)
        if any(self._class(one) < max(_LARGE, _LARGER * max(size, 1)) for one in (left, right)):
            return ""
        if left in TIER_1 and right in TIER_1:
            return (
                f"AS {left} and AS {right} buy transit of nobody, and would not reach each other by way of it "
                f"(it was seen between {size} networks)"
            )
        return (
            f"it was seen between {size} networks, AS {left} between {self._told(left)} and AS {right} between "
            f"{self._told(right)}: a customer of both"
        )

    def _class(self, asn: int) -> int:
        return _COUNTED if asn in TIER_1 else self.size(asn)

    def _is(self, one: int, other: int) -> int | None:
        return self._known.get((one, other))

    def size(self, asn: int) -> int:
        """Networks that it was seen beside in transit."""
        return len(self._beside.get(asn, ()))

    def _told(self, asn: int) -> str:
        size = self.size(asn)
        return f"{size} or more" if size >= _COUNTED else str(size)

    def state(self) -> dict[str, list[list[int]]]:
        """For ``restore``."""
        return {
            "triples": [list(one) for one in self._triples],
            "beside": [[asn, *sorted(beside)] for asn, beside in self._beside.items()],
        }

    def restore(self, state: dict[str, list[list[int]]]) -> None:
        """Go on where ``state`` was."""
        self._triples = {(int(a), int(b), int(c)) for a, b, c in state["triples"][:_MOST_TRIPLES]}
        self._beside = {int(asn): set(map(int, beside[:_COUNTED])) for asn, *beside in state["beside"][:_MOST_ASES]}


def hops_of(path: str) -> tuple[int, ...]:
    """ASes of a path, repeats taken out; empty where there is a set, of which no order is known."""
    found: list[int] = []
    for word in path.split():
        if not word.isdigit():
            return ()
        asn = int(word)
        if not found or found[-1] != asn:
            found.append(asn)
    return tuple(found)


def read_relations(lines: Iterable[str], where: str = "relations") -> dict[tuple[int, int], int]:
    """A file of relations (CAIDA's serial-1 and serial-2). Raises ``InvalidInput`` where a line is none."""
    found: dict[tuple[int, int], int] = {}
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if number > _MOST_LINES:
            raise InvalidInput(f"has more than {_MOST_LINES:,} lines", where=where)
        words = text.split("|")
        try:
            a, b, kind = int(words[0]), int(words[1]), int(words[2])
        except (ValueError, IndexError):
            kind = 9
        if kind not in (_CUSTOMER, _PEER):
            raise InvalidInput("is no relation", where=f"{where}, line {number}", fix="Write provider|customer|-1.")
        found[a, b] = _PROVIDER if kind == _CUSTOMER else _PEER
        found[b, a] = kind
    return found


def relations_from(path: str) -> Relations:
    """Of a file; of none where the path is empty. Raises ``InvalidInput`` where it cannot be read."""
    if not path:
        return Relations()
    try:
        if Path(path).stat().st_size > _MOST_BYTES:
            raise InvalidInput(f"is larger than {_MOST_BYTES >> 20} MiB", where=path)
        with Path(path).open(encoding="utf-8") as file:
            return Relations(read_relations(file, path))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"cannot be read: {error}", where=path) from error
