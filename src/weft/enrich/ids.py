"""Stable ids: the same name or set of attributes has the same 32-bit id on every start and on every machine.

An id is a hash of the content. Should two contents collide, the one known first keeps the id and the other takes the
next free number; ids that were given out before (they are in the store) are told to us at start, so none changes hands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

#: The canonical form of a content: its non-empty attributes, by name.
Content = tuple[tuple[str, str], ...]

_LIMIT = 1 << 32


def content_of(attributes: Mapping[str, str]) -> Content:
    """The canonical form of ``attributes``: empty values left out, sorted by name."""
    return tuple(sorted((name, value) for name, value in attributes.items() if value))


def hash32(content: Content) -> int:
    """A 32-bit hash of ``content`` that depends on nothing else."""
    text = "\x1e".join(f"{name}\x1f{value}" for name, value in content)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")


class IdRegistry:
    """Gives contents their ids. 0 is the id of no content at all."""

    def __init__(self, known: Mapping[int, Content] | None = None) -> None:
        self._by_id: dict[int, Content] = {}
        self._ids: dict[Content, int] = {(): 0}
        for number, content in (known or {}).items():
            if 0 < number < _LIMIT and content:
                self._by_id[number] = content
                self._ids.setdefault(content, number)

    def __len__(self) -> int:
        return len(self._by_id)

    def id_of(self, content: Content) -> int:
        """The id of ``content``, given out now if it is new."""
        number = self._ids.get(content)
        if number is None:
            number = hash32(content)
            while number == 0 or number in self._by_id:
                number = (number + 1) % _LIMIT
            self._by_id[number] = content
            self._ids[content] = number
        return number

    def ids_of(self, contents: Iterable[Content]) -> dict[Content, int]:
        """Ids of many contents, given out in their own order so that colliding ones do not depend on file order."""
        return {content: self.id_of(content) for content in sorted(set(contents))}
