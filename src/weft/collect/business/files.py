"""CSV files of business series: what is appended is read on, what changed otherwise is read again."""

from __future__ import annotations

import csv
import hashlib
import io
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from weft.collect.business.config import BusinessFiles
from weft.collect.business.marks import Marks
from weft.collect.business.source import Problem, Taker
from weft.collect.business.times import time_ns_of
from weft.collect.business.values import Value, value_of
from weft.errors import InvalidInput

_SUFFIXES = (".csv", ".tsv")
_MOST_FILES = 10_000
_CHUNK = 4 << 20
_HEAD = 64 << 10
#: A last line without an end is taken when nothing was written for this long.
_SETTLED_S = 2.0


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far a file was read: ``offset`` bytes, which began with ``head`` and had ``stamp`` at their end."""

    offset: int
    head: str
    stamp: tuple[int, int, int]  # mtime ns, size, inode


class CsvFiles:
    """One setting. A ``Reads``."""

    def __init__(self, config: BusinessFiles, marks: Marks) -> None:
        self.config, self._marks = config, marks
        self.every_s = config.every_s
        self._complained: set[Path] = set()

    def read(self, taker: Taker) -> None:
        """Look at every file."""
        paths = self._listed()
        for path in paths:
            try:
                self._file(path, taker)
                self._complained.discard(path)
            except OSError as error:
                self._complain(taker, path, "unreadable", error.strerror or "cannot be read")
            except InvalidInput as error:
                self._complain(taker, path, "bad_file", error.message)
            except csv.Error as error:  # the first line
                self._complain(taker, path, "bad_file", str(error))
        taker.book.note(files=len(paths), values=taker.taken)

    def _complain(self, taker: Taker, path: Path, reason: str, message: str) -> None:
        taker.book.error(reason, f"{path.name}: {message}", count=int(path not in self._complained))
        self._complained.add(path)

    def _listed(self) -> list[Path]:
        path = self.config.path
        try:
            if not path.is_dir():
                return [path]
            found = sorted(p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES and not p.name.startswith("."))
        except OSError as error:
            raise Problem("unreadable", f"{path}: {error.strerror}") from None
        return found[:_MOST_FILES]

    def _file(self, path: Path, taker: Taker) -> None:
        info = path.stat()
        stamp = (info.st_mtime_ns, info.st_size, info.st_ino)
        last = self._mark(path)
        if last is not None and last.stamp == stamp and last.offset >= info.st_size:
            return
        with path.open("rb") as file:
            head = _digest(file, last.offset) if last is not None and 0 < last.offset <= info.st_size else ""
            file.seek(0)
            header = file.readline(_HEAD)
            body = file.tell()
            grown = last is not None and head == last.head and stamp[1] > last.offset
            start = last.offset if last is not None and grown else body
            columns = _Columns(self.config, path, header)
            file.seek(start)
            settled = time.time() - info.st_mtime > _SETTLED_S
            offset = self._rows(file, columns, taker, start, whole=settled)
            if offset > start or not grown:
                self._remember(path, _Mark(offset, _digest(file, offset), stamp))

    def _rows(self, file: BinaryIO, columns: _Columns, taker: Taker, offset: int, *, whole: bool) -> int:
        """Take rows from ``offset`` on; returns up to where. An incomplete last line waits unless ``whole``."""
        while True:
            chunk = file.read(_CHUNK)
            cut = chunk.rfind(b"\n") + 1
            last = len(chunk) < _CHUNK
            if not cut and not last:
                raise InvalidInput(f"has a line of more than {_CHUNK >> 20} MiB")
            part = chunk if last and whole else chunk[:cut]
            if part:
                taker.take(list(columns.values(part, taker)))
            offset += len(part)
            if last:
                return offset
            file.seek(offset)

    def _mark(self, path: Path) -> _Mark | None:
        kept = self._marks.get(f"file {path}")
        try:
            return _Mark(int(kept["offset"]), str(kept["head"]), tuple(kept["stamp"]))
        except (TypeError, KeyError, ValueError):
            return None

    def _remember(self, path: Path, mark: _Mark) -> None:
        self._marks.put(f"file {path}", {"offset": mark.offset, "head": mark.head, "stamp": list(mark.stamp)})


class _Columns:
    """What the columns of one file are, and its lines as values."""

    def __init__(self, config: BusinessFiles, path: Path, header: bytes) -> None:
        self._config, self._path = config, path
        line = _text(header).lstrip("\ufeff").rstrip("\r\n")
        self._delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=line.count)
        self._names = [n.strip() for n in next(csv.reader([line], delimiter=self._delimiter), [])]
        needed = [config.time, *(config.values or [config.value])]
        if not config.series and not config.values:
            needed.append("series")
        for name in needed:
            if name not in self._names:
                raise InvalidInput(f"has no column '{name}', only {', '.join(self._names)[:200] or 'nothing'}")
        used = {config.time, "" if config.values else config.value, *config.values}
        used |= set() if config.series or config.values else {"series"}
        used |= set() if config.unit else {"unit"}
        self._labels = [n for n in self._names if n and n not in used] if config.labels is None else config.labels

    def values(self, part: bytes, taker: Taker) -> Iterator[Value]:
        """Values of the lines in ``part``; those that cannot be used are counted."""
        try:
            lines = io.StringIO(_text(part), newline=None)  # other characters that end a line for str stay in cells
        except InvalidInput:
            taker.book.error("bad_file", f"{self._path.name}: is not UTF-8 text", count=1)
            return
        for row in self._split(lines, taker):
            if not any(row) or row[0].startswith("#"):
                continue
            try:
                yield from self._row(dict(zip(self._names, row, strict=False)))
            except InvalidInput as error:
                taker.book.error("bad_row", f"{self._path.name}: {error.message}: {','.join(row)[:100]}")

    def _split(self, lines: io.StringIO, taker: Taker) -> Iterator[list[str]]:
        """Lines as cells; one that is no CSV (a quote that never ends) is counted."""
        reader = csv.reader(lines, delimiter=self._delimiter)
        while True:
            try:
                yield next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                taker.book.error("bad_row", f"{self._path.name}: {error}")

    def _row(self, cells: Mapping[str, str]) -> Iterator[Value]:
        config = self._config
        time_ns = time_ns_of(cells.get(config.time, ""), config.time_zone)
        labels = {name: text for name in self._labels if (text := cells.get(name, "").strip())}
        unit = config.unit or cells.get("unit", "")
        columns = config.values or {config.value: config.series or cells.get("series", "")}
        for column, series in columns.items():
            if text := cells.get(column, "").strip():
                yield value_of(series, time_ns, number_of(text), labels, config.units.get(column, unit))


def number_of(text: object) -> float:
    """A number as written. Raises ``InvalidInput``."""
    try:
        return float(str(text).replace("_", "x"))
    except ValueError:
        raise InvalidInput(f"'{str(text)[:40]}' is not a number", fix="Write it like 1234.5") from None


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput("is not UTF-8 text") from None


def _digest(file: BinaryIO, offset: int) -> str:
    """What the first ``offset`` bytes of a file are known by: their beginning and their end."""
    file.seek(0)
    found = hashlib.sha256(file.read(min(offset, _HEAD)))
    file.seek(max(0, offset - _HEAD))
    found.update(file.read(min(offset, _HEAD)))
    return found.hexdigest()
