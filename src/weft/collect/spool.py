"""Batches on disk while the store is away: Arrow files, oldest out first, bounded, kept over a restart.

One file per batch: ``<number>-<table>-<rows>-<token>.arrow``. It is written under another name, flushed to the disk and
renamed, so a file with the final name is whole. The token makes writing a batch to the store twice harmless.
"""

from __future__ import annotations

import os
import threading
import time
from bisect import insort
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import structlog

from weft.errors import Failed

log = structlog.get_logger(__name__)

_SUFFIX, _UNFINISHED = ".arrow", ".tmp"
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch on disk."""

    number: int
    path: Path
    table: str
    rows: int
    token: str
    size: int
    written: float  # UTC seconds


@dataclass(slots=True)
class SpoolStatus:
    """What waits on disk."""

    files: int = 0
    rows: int = 0
    size: int = 0  # bytes
    oldest_s: float = 0.0  # age of the oldest file, seconds
    rejected_files: int = 0
    rejected_size: int = 0  # bytes


class Spool:
    """First in, first out on disk. Thread-safe. Nothing here raises for a full or broken disk but ``open``."""

    def __init__(self, directory: Path, max_bytes: int, rejected_bytes: int) -> None:
        self._directory, self._max_bytes, self._rejected_bytes = directory, max_bytes, rejected_bytes
        self._rejected = directory / "rejected"
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._size = 0
        self._next = 0
        self._rejected_files = 0
        self._rejected_size = 0

    def open(self) -> None:
        """Find what an earlier run left. Raises ``Failed`` when the directory cannot be used."""
        try:
            self._rejected.mkdir(parents=True, exist_ok=True)
            for unfinished in self._directory.glob("*" + _UNFINISHED):
                unfinished.unlink(missing_ok=True)
            entries = sorted(filter(None, map(_entry, self._directory.glob("*" + _SUFFIX))), key=lambda e: e.number)
            rejected = list(self._rejected.glob("*" + _SUFFIX))
            self._rejected_files, self._rejected_size = len(rejected), sum(path.stat().st_size for path in rejected)
        except OSError as error:
            fix = "Make the directory writable or set another one"
            raise Failed(
                f"cannot use {self._directory}: {error.strerror}", where="collect.spool_dir", fix=fix
            ) from error
        with self._lock:
            self._entries = entries
            self._size = sum(entry.size for entry in entries)
            self._next = 1 + max((entry.number for entry in entries), default=-1)

    def __len__(self) -> int:
        return len(self._entries)

    def number(self) -> int:
        """The place in line of a batch, whether or not it will ever come here."""
        with self._lock:
            number, self._next = self._next, self._next + 1
        return number

    def put(self, table: str, batch: pa.RecordBatch, token: str, number: int | None = None) -> tuple[bool, list[Entry]]:
        """Add a batch at its place in line (last unless given). Returns whether it was kept, and which gave way to it.

        The entries given up still exist on disk: read them for the ledger if need be, then ``drop`` them.
        """
        if not self._max_bytes:
            return False, []
        number = self.number() if number is None else number
        path = self._directory / f"{number:012d}-{table}-{batch.num_rows}-{token}{_SUFFIX}"
        try:
            size = _write(path, batch)
        except OSError as error:
            log.error("spool_write_failed", path=str(path), error=str(error))
            return False, []
        with self._lock:
            entry = Entry(number, path, table, batch.num_rows, token, size, time.time())
            insort(self._entries, entry, key=lambda one: one.number)
            self._size += size
            gone = []
            while self._size > self._max_bytes and len(self._entries) > 1:
                gone.append(self._entries.pop(0))
                self._size -= gone[-1].size
        return True, gone

    def oldest(self) -> Entry | None:
        """The entry to write to the store next; it stays until ``drop``."""
        with self._lock:
            return self._entries[0] if self._entries else None

    def read(self, entry: Entry) -> pa.RecordBatch:
        """The batch of an entry. Raises ``Failed`` when the file cannot be read."""
        try:
            with pa.OSFile(str(entry.path), "rb") as file, pa.ipc.open_file(file) as reader:
                return reader.get_batch(0)
        except (OSError, pa.ArrowException) as error:
            raise Failed(f"cannot read {entry.path.name}: {error}", where=str(self._directory)) from error

    def drop(self, entry: Entry) -> None:
        """The entry is stored, or given up: remove it."""
        self._forget(entry)
        try:
            entry.path.unlink(missing_ok=True)
        except OSError as error:
            log.error("spool_remove_failed", path=str(entry.path), error=str(error))

    def set_aside(self, entry: Entry) -> None:
        """The store refuses the entry for good: move it to ``rejected`` for inspection."""
        self._forget(entry)
        try:
            if self._rejected_size + entry.size > self._rejected_bytes:
                entry.path.unlink(missing_ok=True)
                return
            os.replace(entry.path, self._rejected / entry.path.name)
            self._rejected_files += 1
            self._rejected_size += entry.size
        except OSError as error:
            log.error("spool_set_aside_failed", path=str(entry.path), error=str(error))

    def reject(self, table: str, batch: pa.RecordBatch, token: str) -> None:
        """Keep a batch that never was in the spool in ``rejected``, if there is room."""
        if self._rejected_size >= self._rejected_bytes:
            return
        path = self._rejected / f"{time.time_ns() // 1_000_000:012d}-{table}-{batch.num_rows}-{token}{_SUFFIX}"
        try:
            self._rejected_size += _write(path, batch)
            self._rejected_files += 1
        except OSError as error:
            log.error("spool_set_aside_failed", path=str(path), error=str(error))

    def status(self) -> SpoolStatus:
        """What waits."""
        with self._lock:
            return SpoolStatus(
                files=len(self._entries),
                rows=sum(entry.rows for entry in self._entries),
                size=self._size,
                oldest_s=max(0.0, time.time() - self._entries[0].written) if self._entries else 0.0,
                rejected_files=self._rejected_files,
                rejected_size=self._rejected_size,
            )

    def _forget(self, entry: Entry) -> None:
        with self._lock:
            if entry in self._entries:
                self._entries.remove(entry)
                self._size -= entry.size


def _write(path: Path, batch: pa.RecordBatch) -> int:
    """Write ``batch`` whole or not at all; returns the size of the file."""
    unfinished = path.with_name(path.name + _UNFINISHED)
    try:
        with open(unfinished, "wb") as file:
            with pa.ipc.new_file(file, batch.schema, options=_OPTIONS) as writer:
                writer.write_batch(batch)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return size


def _entry(path: Path) -> Entry | None:
    """The entry of a file name, or None when it is not one of ours."""
    parts = path.name.removesuffix(_SUFFIX).split("-", 3)
    if len(parts) != 4 or not parts[0].isdigit() or not parts[2].isdigit():
        return None
    stat = path.stat()
    return Entry(int(parts[0]), path, parts[1], int(parts[2]), parts[3], stat.st_size, stat.st_mtime)
