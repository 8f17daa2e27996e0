"""One configured file: read when it changes, kept when a newer version of it is bad."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from weft.enrich.report import Report
from weft.errors import InvalidInput

log = structlog.get_logger(__name__)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class TableStatus:
    """A reference table as people see it."""

    name: str
    kind: str
    path: str
    rows: int
    """Rows in use."""
    skipped: int
    """Rows that could not be used."""
    columns: list[str]
    """Columns that some row fills."""
    filled: dict[str, int]
    """How many rows fill each column."""
    loaded: float | None
    """When it was last read well, UTC seconds; None = never."""
    ok: bool
    error: str = ""
    """Why the file as it is now cannot be used; the rows of its last good version stay in use."""
    problems: list[str] = field(default_factory=list)
    """The first complaints about rows: file, line, column, what to write."""
    priority: int = 0
    resting: int = 0
    """Good rows that do not hold now, by their ``valid_from`` and ``valid_to``."""


class Source(Generic[_T]):
    """A file and what was last read from it."""

    def __init__(
        self, kind: str, path: Path, name: str, empty: _T, load: Callable[[Path], tuple[_T, Report]], priority: int = 0
    ) -> None:
        self.kind, self.path, self.name, self.priority = kind, path, name or path.name, priority
        self.data = empty
        self._load = load
        self._report = Report()
        self._mark: tuple[int, int, int] | None = None
        self._error = ""
        self._loaded: float | None = None

    def refresh(self) -> bool:
        """Read the file if it changed since the last look; True if ``data`` is new."""
        mark = self._look()
        due = time.time() >= self._report.until_s
        if mark == self._mark and (mark is not None or self._error) and not due:
            return False
        self._mark = mark
        try:
            data, report = self._load(self.path)
        except InvalidInput as error:
            self._fail(error.message)
            return False
        except Exception as error:
            self._fail(f"{self.path}: cannot be read: {error}")
            log.exception("table_failed", table=self.name)
            return False
        self.data, self._report, self._error, self._loaded = data, report, "", time.time()
        log.info("table_loaded", table=self.name, kind=self.kind, rows=report.rows, skipped=report.skipped)
        for problem in report.problems:
            log.warning("table_row_skipped", table=self.name, problem=problem)
        return True

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    @property
    def read(self) -> bool:
        """Whether it could be read since the start."""
        return self._loaded is not None

    def _fail(self, message: str) -> None:
        self._report.until_s = float("inf")
        self._error = message
        log.error("table_bad", table=self.name, error=message, keeps_rows=self._report.rows - self._report.skipped)

    def status(self) -> TableStatus:
        """How it is."""
        report = self._report
        return TableStatus(
            name=self.name,
            kind=self.kind,
            path=str(self.path),
            rows=report.rows - report.skipped - report.resting,
            skipped=report.skipped,
            columns=[name for name, count in report.filled.items() if count],
            filled=dict(report.filled),
            loaded=self._loaded,
            ok=not self._error,
            error=self._error,
            problems=list(report.problems),
            priority=self.priority,
            resting=report.resting,
        )
