"""What sources that Weft asks by itself have in common: a thread, a row on the Sources page, values given on once."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa
import structlog

from weft.collect.business.values import Recent, Value, rows_of
from weft.collect.intake.book import SourceBook
from weft.errors import WeftError
from weft.model.business import BUSINESS
from weft.model.tables import Table

log = structlog.get_logger(__name__)
_BATCH = 50_000
_STOP_S = 10.0


class Intake(Protocol):
    """``weft.collect.intake.Intake``, as far as it is needed here."""

    def open_source(
        self, kind: str, name: str, target: str = "", *, exporter: str = "", expected_s: float = 0.0
    ) -> SourceBook:
        """A new row of the Sources page."""

    def close_source(self, book: SourceBook) -> None:
        """The source is no more."""

    def put(self, table: Table, rows: pa.RecordBatch, book: SourceBook | None = None, *, messages: int = 1) -> None:
        """Take rows. Raises ``Unavailable``."""


class Problem(Exception):
    """Why asking failed, by reason (a word) and in words without secrets."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


class Reads(Protocol):
    """What is read: one file setting, one query."""

    every_s: float

    def read(self, taker: Taker) -> None:
        """Give what is new to ``taker``. Raises ``Problem`` or ``WeftError``."""


@dataclass
class Taker:
    """Takes values of one source and keeps its book."""

    intake: Intake
    book: SourceBook
    source: str  # of ``BUSINESS_SOURCES``
    origin: str
    recent: Recent = field(default_factory=Recent)
    taken: int = 0

    def take(self, values: Sequence[Value], *, messages: int = 1) -> int:
        """How many were new. Raises ``Unavailable``: none of the rest was taken."""
        with self.recent.lock:
            fresh = self.recent.fresh(values)
            for first in range(0, max(len(fresh), 1), _BATCH):
                part = fresh[first : first + _BATCH]
                rows = rows_of(part, self.source, self.origin, time.time_ns())
                self.intake.put(BUSINESS, rows, self.book, messages=messages if first == 0 else 0)
                self.recent.add(part)
        if len(fresh) < len(values):
            self.book.duplicate(len(values) - len(fresh))
        self.taken += len(fresh)
        return len(fresh)


class SourceThread:
    """One source: reads each of its parts as often as that wants, in a thread of its own."""

    def __init__(self, taker: Taker, parts: Sequence[Reads]) -> None:
        self._taker, self._parts = taker, list(parts)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"weft-business-{taker.origin}"[:60], daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is being asked may outlive this for a moment."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)
        self._taker.intake.close_source(self._taker.book)

    def _run(self) -> None:
        due = [0.0] * len(self._parts)
        while not self._stop.is_set():
            for i, part in enumerate(self._parts):
                if time.monotonic() >= due[i] and not self._stop.is_set():
                    due[i] = time.monotonic() + part.every_s
                    self._read(part)
            self._stop.wait(max(0.05, min(due) - time.monotonic()))

    def _read(self, part: Reads) -> None:
        book = self._taker.book
        try:
            part.read(self._taker)
        except Problem as problem:
            book.error(problem.reason, problem.message, failing=True)
        except WeftError as error:
            book.error(error.code, error.message, failing=True)
        except Exception as error:
            book.error("defect", type(error).__name__, failing=True)
            log.exception("business_source_failed", source=self._taker.origin)
