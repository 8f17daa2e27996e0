"""Stand-ins: an inventory that only remembers what it is told, an intake that only keeps books."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from weft.collect.intake.book import SourceBook
from weft.model.inventory import Fact, InventoryObject, ObjectKind


class Told:
    """What sources said last, by origin and scope."""

    def __init__(self) -> None:
        self.said: dict[tuple[str, str], list[Fact]] = {}
        self.times = 0
        self.shared = False

    def observe(self, origin: str, scope: str, facts: Sequence[Fact], /, *, complete: bool = True) -> None:
        assert complete
        self.times += 1
        self.said[origin, scope] = list(facts)

    def objects(self, _: ObjectKind, /) -> Sequence[InventoryObject]:
        return ()

    def scopes(self, origin: str) -> list[str]:
        return [scope for one, scope in self.said if one == origin]

    def facts(self, origin: str, scope: str) -> dict[tuple[str, ...], dict[str, Any]]:
        """Attributes that are not empty, by kind and key."""
        return {
            (fact.kind.value, *fact.key): {k: v for k, v in fact.attributes.items() if v not in (None, "", [])}
            for fact in self.said[origin, scope]
        }


class Books:
    """The intake's books."""

    def __init__(self) -> None:
        self.open: list[SourceBook] = []

    def open_source(
        self, kind: str, name: str, target: str = "", *, exporter: str = "", expected_s: float = 0.0
    ) -> SourceBook:
        book = SourceBook(kind, name, target, exporter=exporter, expected_s=expected_s)
        self.open.append(book)
        return book

    def close_source(self, book: SourceBook) -> None:
        self.open.remove(book)
