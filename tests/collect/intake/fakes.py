"""Stand-ins for what every source speaks to: an intake and an inventory that remember, and can be slow or refuse."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from weft.collect.intake.book import SourceBook
from weft.collect.spool import SpoolStatus
from weft.collect.writer import WriterStatus
from weft.errors import Unavailable
from weft.model.inventory import Fact, InventoryObject, ObjectKind
from weft.model.sources import SourceStatus
from weft.model.tables import Table


class FakeIntake:
    """Keeps what it is given. ``full`` refuses as the real one does; a cleared ``gate`` holds up whoever gives.

    ``books`` are all that were opened, ``closed`` those that were closed; ``now`` are statuses beside those of books.
    """

    def __init__(self, sources: Iterable[SourceStatus] = ()) -> None:
        self.batches: list[tuple[Table, pa.RecordBatch]] = []
        self.books: list[SourceBook] = []
        self.closed: list[SourceBook] = []
        self.now = list(sources)
        self.rows_lost: dict[str, int] = {}
        self.full = False
        self.gate = threading.Event()
        self.gate.set()
        self._lock = threading.Lock()

    # --- what sources see -------------------------------------------------------------------------------------------

    def open_source(
        self, kind: str, name: str, target: str = "", *, exporter: str = "", expected_s: float = 0.0
    ) -> SourceBook:
        book = SourceBook(kind, name, target, exporter=exporter, expected_s=expected_s)
        self.books.append(book)
        return book

    def close_source(self, book: SourceBook) -> None:
        assert book in self.open
        self.closed.append(book)

    def put(self, table: Table, rows: pa.RecordBatch, book: SourceBook | None = None, *, messages: int = 1) -> None:
        rows.validate(full=True)
        assert rows.schema == table.schema
        self.gate.wait(20)
        if self.full:
            if book is not None:
                book.error("refused", "the store is too slow", count=max(1, rows.num_rows))
            raise Unavailable("the intake is full or not running", where="collect", fix="Try again later.")
        with self._lock:
            self.batches.append((table, rows))
        if book is not None:
            book.came(rows.num_rows, messages=messages)

    # --- what the API sees ------------------------------------------------------------------------------------------

    def sources(self) -> list[SourceStatus]:
        return [*self.now, *(book.status() for book in self.open)]

    def writer(self) -> WriterStatus:
        return WriterStatus()

    def spool(self) -> SpoolStatus:
        return SpoolStatus()

    def lost(self) -> dict[str, int]:
        return self.rows_lost

    # --- what tests see ---------------------------------------------------------------------------------------------

    @property
    def open(self) -> list[SourceBook]:
        """Books that were not closed."""
        return [book for book in self.books if book not in self.closed]

    def rows(self, table: Table | str = "metrics") -> list[dict[str, Any]]:
        """What came of a table, in order."""
        name = table if isinstance(table, str) else table.name
        with self._lock:
            came = [batch for one, batch in self.batches if one.name == name]
        return [row for batch in came for row in batch.to_pylist()]

    def logs(self) -> list[dict[str, Any]]:
        return self.rows("logs")

    def changes(self) -> list[dict[str, Any]]:
        return self.rows("changes")

    def metric(self, name: str, component: str | None = None) -> list[dict[str, Any]]:
        return [row for row in self.rows() if row["metric"] == name and component in (None, row["component"])]

    def book(self, called: str = "") -> SourceBook:
        """The book with this name, target or device; the first one."""
        described = ((one, one.status()) for one in self.books)
        return next(one for one, now in described if not called or called in (now.name, now.target, now.exporter))

    def status(self, called: str = "") -> SourceStatus:
        return self.book(called).status()

    def errors(self) -> dict[str, int]:
        """Errors of all books by reason."""
        found: Counter[str] = Counter()
        for book in self.books:
            found.update(book.status().errors)
        return dict(found)


class FakeFacts:
    """An inventory: what was said last by origin and scope, and the objects that it knows itself."""

    def __init__(self, *objects: InventoryObject) -> None:
        self.known = objects
        self.said: dict[tuple[str, str], list[Fact]] = {}
        self.times = 0
        self.shared = False

    def observe(self, origin: str, scope: str, facts: Sequence[Fact], /, *, complete: bool = True) -> None:
        assert complete
        self.times += 1
        self.said[origin, scope] = list(facts)

    def objects(self, kind: ObjectKind, /) -> Sequence[InventoryObject]:
        return [one for one in self.known if one.kind is kind]

    def scopes(self, origin: str) -> list[str]:
        """Scopes an origin spoke of: what starts asks, to withdraw what is configured no more."""
        return [scope for one, scope in self.said if one == origin]

    def facts(self, origin: str) -> list[Fact]:
        """What an origin says, all its scopes together."""
        return [fact for (one, _), facts in self.said.items() if one == origin for fact in facts]

    def of(self, origin: str, kind: ObjectKind) -> dict[tuple[str, ...], dict[str, Any]]:
        """Attributes by key of what an origin says of a kind."""
        return {fact.key: dict(fact.attributes) for fact in self.facts(origin) if fact.kind is kind}

    def filled(self, origin: str, scope: str) -> dict[tuple[str, ...], dict[str, Any]]:
        """Attributes that are not empty, by kind and key."""
        return {
            (fact.kind.value, *fact.key): {k: v for k, v in fact.attributes.items() if v not in (None, "", [])}
            for fact in self.said[origin, scope]
        }
