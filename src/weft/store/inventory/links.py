"""Which facts are about the same link.

Both ends' word on it is one link, parallel links stay apart, and what is written down wins over what was overheard.
Must do no I/O.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from weft.model.inventory import MANUAL_ORIGINS, Claim, Conflict, InventoryObject, ObjectKind
from weft.model.naming import interface_token
from weft.store.inventory.fuse import Fuser
from weft.store.inventory.statements import LINK_ENDS, Statement

#: A device's name and, where known, its interface's.
End = tuple[str, str]
Ends = tuple[End, End]
#: Finds the end that a source means by (its origin, its scope, device, interface), and whether the device is known to
#: have that interface.
FindEnd = Callable[[str, str, str, str], tuple[End, bool]]


@dataclass(frozen=True, slots=True)
class _Word:
    """One fact about a link; its ends are resolved and in order, as are its attributes."""

    rank: int
    fact: Statement
    ends: Ends
    unresolved: int  # ends whose device is not known to have such an interface


@dataclass(slots=True)
class _Link:
    """A link and all that is said of it."""

    ends: Ends
    words: list[_Word]

    @property
    def written(self) -> bool:
        """Whether people say so."""
        return any(word.fact.origin in MANUAL_ORIGINS for word in self.words)


def merge_links(
    statements: Sequence[Statement], find: FindEnd, fuser: Fuser
) -> tuple[list[InventoryObject], list[Conflict]]:
    """Links that ``statements`` (best first) are about, and ends that are said to lead to several places."""
    groups: dict[Ends, _Link] = {}
    for rank, one in enumerate(statements):
        word = _word(rank, one, find)
        if word is not None:
            groups.setdefault(word.ends, _Link(word.ends, [])).words.append(word)
    pairs: dict[tuple[str, str], list[_Link]] = defaultdict(list)
    for link in groups.values():
        pairs[link.ends[0][0], link.ends[1][0]].append(link)
    joined = [link for several in pairs.values() for link in _join(several)]
    kept, conflicts = _without_contradicted(joined)
    return [_object(link, fuser) for link in kept], conflicts


def _word(rank: int, one: Statement, find: FindEnd) -> _Word | None:
    a, a_known = find(one.origin, one.scope, one.key[0], one.key[1])
    b, b_known = find(one.origin, one.scope, one.key[2], one.key[3])
    if a == b:
        return None  # a port that hears itself
    attributes = {name: value for name, value in one.attributes.items() if name not in LINK_ENDS}
    if _order(b) < _order(a):
        a, b = b, a
        attributes = {_other_side(name): value for name, value in attributes.items()}
    attributes |= {"a_device": a[0], "b_device": b[0]}
    return _Word(rank, replace(one, attributes=attributes), (a, b), 2 - a_known - b_known)


def _order(end: End) -> tuple[str, str, str, str]:
    return end[0].casefold(), interface_token(end[1]), end[0], end[1]


def _other_side(name: str) -> str:
    return {"a_": "b_", "b_": "a_"}.get(name[:2], name[:2]) + name[2:]


def _join(several: Sequence[_Link]) -> list[_Link]:
    """Of the links between two devices, join those that share an end, where no source holds them for two."""
    if len(several) == 1:
        return list(several)
    best: dict[str, int] = {}  # of each origin, its best rank
    for word in (word for link in several for word in link.words):
        best[word.fact.origin] = min(best.get(word.fact.origin, word.rank), word.rank)

    def order(link: _Link) -> tuple[int, int, int, int]:
        first = link.words[0]
        return _unsaid(link.ends), best[first.fact.origin], min(w.unresolved for w in link.words), first.rank

    found: list[_Link] = []
    for link in sorted(several, key=order):
        homes = [one for one in found if _is_one(one, link)]
        if not homes and _unsaid(link.ends) == 2 and len(found) == 1:
            homes = found  # only the devices are named, and there is one link between them
        if homes and (len(homes) == 1 or _unsaid(link.ends) < 2):
            homes[0].words += link.words
        else:
            found.append(link)
    return found


def _unsaid(ends: Ends) -> int:
    return sum(not port for _, port in ends)


def _is_one(one: _Link, other: _Link) -> bool:
    """Whether both have an interface in common and no source holds them for two links."""
    sides = zip(one.ends, other.ends, strict=True)
    if not any(a[1] and interface_token(a[1]) == interface_token(b[1]) for a, b in sides):
        return False
    sources = {(word.fact.origin, word.fact.scope) for word in one.words}
    return sources.isdisjoint((word.fact.origin, word.fact.scope) for word in other.words)


def _without_contradicted(links: Sequence[_Link]) -> tuple[list[_Link], list[Conflict]]:
    """Leave out what was overheard of an interface that is written down to lead elsewhere."""
    written: dict[End, _Link] = {}
    for link in links:
        if link.written:
            for end in link.ends:
                if end[1]:
                    written.setdefault(end, link)
    kept, conflicts = [], []
    for link in links:
        against = next((written[end] for end in link.ends if written.get(end, link) is not link), None)
        if against is not None:
            said = f"{_text(against.ends)} says {against.words[0].fact.origin}"
            text = f"{said}, {_text(link.ends)} says {link.words[0].fact.origin}"
            conflicts.append(Conflict(ObjectKind.LINK, "end", (_key(against.ends), _key(link.ends)), text))
        if against is None or link.written:
            kept.append(link)
    return kept, conflicts


def _key(ends: Ends) -> tuple[str, ...]:
    return (*ends[0], *ends[1])


def _text(ends: Iterable[End]) -> str:
    return " – ".join(" ".join(filter(None, end)) for end in ends)


def _object(link: _Link, fuser: Fuser) -> InventoryObject:
    words = sorted(link.words, key=lambda word: word.rank)
    one = fuser.object(ObjectKind.LINK, _key(link.ends), [word.fact for word in words])
    return replace(one, claims={**one.claims, **_ends(link, words)})


def _ends(link: _Link, words: Sequence[_Word]) -> Mapping[str, Claim]:
    """The link's interfaces, who says so, and who names others."""
    claims: dict[str, Claim] = {}
    for side, name in enumerate(("a_interface", "b_interface")):
        port = link.ends[side][1]
        said = [(word.fact.origin, word.ends[side][1]) for word in words if word.ends[side][1]]
        same = [origin for origin, text in said if interface_token(text) == interface_token(port)]
        if same:
            others = {o: t for o, t in reversed(said) if o not in same}
            claims[name] = Claim(port, same[0], others)
    return claims
