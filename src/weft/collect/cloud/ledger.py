"""What was read of which file, on disk, so that a file read twice counts once, whenever the process dies.

A file is taken up before the first of its rows goes to the store and let go when the last is there. In between the
ledger knows up to which of its batches the store has it; the one after that may be there or not, and is sent again
under the same name, by which the store knows it.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from weft.errors import Failed

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    location TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, content BLOB NOT NULL,
    state TEXT NOT NULL, begin INTEGER NOT NULL, until INTEGER NOT NULL, consumed INTEGER NOT NULL,
    batches INTEGER NOT NULL, memo TEXT NOT NULL, anchor BLOB NOT NULL, groups TEXT NOT NULL, changed REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_content ON files (content);
CREATE TABLE IF NOT EXISTS loggers (key INTEGER PRIMARY KEY, seen REAL NOT NULL) WITHOUT ROWID;
"""
_COLUMNS = "location, size, mtime_ns, content, state, begin, until, consumed, batches, memo, anchor, groups"
READING, DONE, FAILED, DUPLICATE = "reading", "done", "failed", "duplicate"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one file."""

    location: str
    size: int  # as last seen
    mtime_ns: int
    content: bytes = b""  # digest by which copies are known
    state: str = READING
    begin: int = 0  # the part that is being read
    until: int = 0
    consumed: int = 0  # bytes whose records are stored
    batches: int = 0  # of the part that is being read, those stored
    memo: str = ""  # what the decoder found the file to be
    anchor: bytes = b""  # digest of what stands before ``consumed``
    group: str = ""  # files that are stored in one batch have its name

    def but(self, **changes: object) -> Entry:
        """The same with other values."""
        return replace(self, **changes)  # type: ignore[arg-type]


class FileLedger:
    """One SQLite file. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None

    def open(self) -> None:
        """Raises ``Failed`` where the file cannot be used."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=30)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")  # what the store has must not be forgotten
            self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            fix = "Make it writable, or set another one."
            raise Failed(f"cannot be used: {error}", where=f"cloud.ledger {self._path}", fix=fix) from error

    def close(self) -> None:
        """May be called twice."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def entries(self, locations: Sequence[str]) -> dict[str, Entry]:
        """What is known of some files."""
        found: dict[str, Entry] = {}
        with self._lock:
            for first in range(0, len(locations), 500):
                part = list(locations[first : first + 500])
                marks = ",".join("?" * len(part))
                query = f"SELECT {_COLUMNS} FROM files WHERE location IN ({marks})"  # noqa: S608  only marks
                for row in self._connection().execute(query, part):
                    found[row[0]] = Entry(*row)
        return found

    def copy_of(self, content: bytes, location: str) -> str:
        """Another file with the same content that was read; empty = none."""
        query = "SELECT location FROM files WHERE content = ? AND location != ? AND state IN (?, ?) LIMIT 1"
        with self._lock:
            row = self._connection().execute(query, (content, location, DONE, READING)).fetchone()
        return str(row[0]) if row else ""

    def write(self, entries: Iterable[Entry], loggers: Iterable[int] = ()) -> None:
        """Write all, or nothing."""
        now = time.time()
        rows = [
            (e.location, e.size, e.mtime_ns, e.content, e.state, e.begin, e.until, e.consumed, e.batches, e.memo,
             e.anchor, e.group, now)
            for e in entries
        ]  # fmt: skip
        with self._lock:
            db = self._connection()
            db.execute("BEGIN IMMEDIATE")
            try:
                db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
                db.executemany("INSERT OR REPLACE INTO loggers VALUES (?, ?)", [(key, now) for key in loggers])
                db.execute("COMMIT")
            except BaseException:
                db.execute("ROLLBACK")
                raise

    def loggers(self, most: int) -> list[int]:
        """Keys of the interfaces that log, those heard last first."""
        with self._lock:
            query = "SELECT key FROM loggers ORDER BY seen DESC LIMIT ?"
            return [int(row[0]) for row in self._connection().execute(query, (most,))]

    def forget(self, before_ns: int, before_s: float) -> None:
        """Drop what is known of files that changed so long ago that nobody reads them, and of silent interfaces."""
        with self._lock:
            db = self._connection()
            db.execute("DELETE FROM files WHERE mtime_ns > 0 AND mtime_ns < ? AND changed < ?", (before_ns, before_s))
            db.execute("DELETE FROM loggers WHERE seen < ?", (before_s,))

    def _connection(self) -> sqlite3.Connection:
        if self._db is None:
            raise Failed("is not open", where="cloud.ledger")
        return self._db
