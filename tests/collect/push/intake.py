"""An intake that keeps what it is given, or refuses it."""

from weft.collect.intake import SourceBook
from weft.errors import Unavailable


class KeptIntake:
    def __init__(self):
        self.books, self.batches, self.full = [], [], False

    def open_source(self, kind, name, target="", *, exporter="", expected_s=0.0):
        book = SourceBook(kind, name, target, exporter=exporter, expected_s=expected_s)
        self.books.append(book)
        return book

    def close_source(self, book):
        self.books.remove(book)

    def put(self, table, rows, book=None, *, messages=1):
        rows.validate(full=True)
        assert rows.schema == table.schema
        if self.full:
            book.error("refused", "the store is too slow", count=max(1, rows.num_rows))
            raise Unavailable("the intake is full or not running", where="collect", fix="Try again later.")
        self.batches.append((table.name, rows))
        book.came(rows.num_rows, messages=messages)

    def rows(self, table):
        return [row for name, batch in self.batches if name == table for row in batch.to_pylist()]

    def sources(self):
        return [book.status() for book in self.books]
