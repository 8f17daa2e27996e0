"""Inventory files: read when they change; a bad one keeps what it said before it went bad."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from weft.collect.intake.book import SourceBook
from weft.collect.inventory.yamlfile import load_file
from weft.collect.ports import Facts
from weft.errors import InvalidInput

log = structlog.get_logger(__name__)

ORIGIN = "file"
_SUFFIXES = (".yaml", ".yml")
_MOST_FILES = 10_000
_AGAIN_S = 3600.0  # what is not changed is told again now and then: it is still so

_Mark = tuple[int, int, int]


class Books(Protocol):
    """The intake, as far as sources open books there."""

    def open_source(
        self, kind: str, name: str, target: str = "", *, exporter: str = "", expected_s: float = 0.0
    ) -> SourceBook:
        """A new row of the Sources page."""

    def close_source(self, book: SourceBook) -> None:
        """The source is no more."""


@dataclass(slots=True)
class _File:
    mark: _Mark | None = None
    told: float = 0.0  # monotonic
    facts: int = 0
    error: str = ""


class FileSource:
    """One configured file or directory. Not for several threads at once."""

    def __init__(self, path: Path, facts: Facts, books: Books) -> None:
        self.path = path
        self._facts, self._books = facts, books
        self._files: dict[str, _File] = {}
        self._book: SourceBook | None = None
        self._missing = ""

    def open(self) -> None:
        """Appear on the Sources page."""
        self._book = self._books.open_source("inventory", self.path.name or str(self.path), str(self.path))

    def close(self) -> None:
        """Disappear from it."""
        if self._book is not None:
            self._books.close_source(self._book)
            self._book = None

    def owns(self, scope: str) -> bool:
        """Whether facts of that scope can be of this file or directory."""
        return scope == str(self.path) or Path(scope).parent == self.path

    def look(self) -> None:
        """Read what changed, withdraw what is gone."""
        assert self._book is not None
        found = dict(self._listed())
        read = 0
        if not self._missing:  # a directory's file that is gone is withdrawn; a named one that is away may come back
            for scope in [scope for scope in self._files if scope not in found]:
                del self._files[scope]
                self._facts.observe(ORIGIN, scope, [], complete=True)
                log.info("inventory_file_gone", file=scope)
        for scope, mark in found.items():
            one = self._files.setdefault(scope, _File())
            if one.mark != mark or (not one.error and time.monotonic() - one.told >= _AGAIN_S):
                self._read(Path(scope), one, mark)
                read += 1
        bad = [one for one in self._files.values() if one.error]
        if read and len(bad) < len(self._files):
            self._book.came(sum(one.facts for one in self._files.values()), messages=read)
        for one in bad:  # told again without being counted again: it is still so
            self._book.error("bad_file", one.error, count=0, failing=len(bad) == len(self._files))
        self._book.note(files=len(self._files), facts=sum(one.facts for one in self._files.values()))

    def _listed(self) -> Iterator[tuple[str, _Mark]]:
        """Files with what changes when they do. One that cannot be looked at is counted."""
        try:
            paths: Sequence[Path] = [self.path]
            if self.path.is_dir():
                paths = sorted(path for path in self.path.iterdir() if path.suffix in _SUFFIXES)[:_MOST_FILES]
            marks = [(str(path), path.stat()) for path in paths]
        except OSError as error:
            self._away(f"{self.path}: cannot be read: {error.strerror}")
            return
        self._missing = ""
        for scope, found in marks:
            yield scope, (found.st_mtime_ns, found.st_size, found.st_ino)

    def _away(self, message: str) -> None:
        assert self._book is not None
        count = 0 if message == self._missing else 1
        if count:
            log.error("inventory_file_bad", error=message)
        self._missing = message
        self._book.error("unreadable", message, count=count, failing=True)

    def _read(self, path: Path, one: _File, mark: _Mark) -> None:
        assert self._book is not None
        again, one.mark, one.told = one.mark == mark, mark, time.monotonic()
        try:
            loaded = load_file(path)
        except InvalidInput as error:
            one.error = error.message
            self._book.error("bad_file", error.message)
            log.error("inventory_file_bad", error=error.message, keeps_facts=one.facts)
            return
        one.error, one.facts = "", len(loaded.facts)
        self._facts.observe(ORIGIN, str(path), loaded.facts, complete=True)
        if not again:
            log.info("inventory_file_read", file=str(path), **loaded.counts)
            for warning in loaded.warnings[:20]:
                log.warning("inventory_file_reference", reference=warning)
