"""Reads one source of flow logs: finds what is new, stores it once, remembers that it did.

Small files are stored together, one batch for many; a large one in several, each under a name that it has again when
it is read again. See ``ledger`` for why nothing counts twice.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import pyarrow as pa
import structlog

from weft.collect.batcher import joined
from weft.collect.cloud.bucket import Bucket, Listed
from weft.collect.cloud.config import CloudLogsConfig
from weft.collect.cloud.ledger import DONE, DUPLICATE, FAILED, READING, Entry, FileLedger
from weft.collect.cloud.part import Part, file_number
from weft.collect.intake.book import SourceBook
from weft.decode.cloud import Options
from weft.errors import InvalidInput, NotAllowed, Unavailable, WeftError
from weft.model.cloud import CLOUD_FLOWS, LOG_STATES
from weft.model.tables import Table

log = structlog.get_logger(__name__)

_SMALL, _GROUP_BYTES, _GROUP_FILES = 256 << 10, 2 << 20, 200
_BATCH_ROWS = 200_000
_SMALL_ROWS = 25_000  # a small file that unpacks to more is stored alone
_SKIPDATA = next(number for number, name in LOG_STATES.items() if name == "skipdata")
_NODATA = next(number for number, name in LOG_STATES.items() if name == "nodata")


class Once(Protocol):
    """The intake, as far as it stores named batches."""

    def put_once(
        self, table: Table, rows: pa.RecordBatch, token: str, book: SourceBook | None = None, *, messages: int = 0
    ) -> None:
        """Store, or know to be stored."""


class Places(Protocol):
    """What ties rows to the inventory."""

    def place(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The rows with what is known of their ends."""

    def new_loggers(self) -> list[int]:
        """Interfaces met for the first time since the last call."""


class LogReader:
    """One configured source. Not for several threads at once."""

    def __init__(
        self, config: CloudLogsConfig, ledger: FileLedger, intake: Once, places: Places, book: SourceBook,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        self._config, self._ledger, self._intake, self._places = config, ledger, intake, places
        self._book, self._stopping = book, stopping
        self._bucket = Bucket(config)
        self._options = Options(config.format, config.fields, config.sampling_rate)
        self._no_data = 0
        self.files = 0

    def look(self) -> None:
        """Read what is new. Raises ``WeftError`` where the place cannot be listed or the store takes nothing."""
        now_s = time.time()
        listed, more = self._bucket.files(now_s, self._config.lookback_days, self._config.max_files)
        if more:
            self._book.error("too_many_files", f"more than {self._config.max_files} files; the newest are read")
        known = self._ledger.entries([one.location for one in listed])
        due = [one for one in listed if self._is_due(one, known.get(one.location), now_s)]
        due.reverse()  # oldest first
        self._again([one for one in listed if (e := known.get(one.location)) and e.state == READING], known)
        waiting = len(due)
        self._book.note(waiting=waiting)
        for group in _groups(due):
            if self._stopping():
                return
            waiting -= len(group)
            self._take(group, known)
            self._book.note(files=self.files, waiting=waiting, intervals_without_data=self._no_data)
        self._book.came(0, messages=0)

    def _is_due(self, one: Listed, entry: Entry | None, now_s: float) -> bool:
        if entry is not None:
            return entry.state != READING and (entry.size, entry.mtime_ns) != (one.size, one.mtime_ns)
        age_s = now_s - one.mtime_ns / 1e9
        if one.mtime_ns and age_s > self._config.lookback_days * 86_400:
            return False
        return not (self._bucket.is_local and age_s < self._config.settle_seconds)

    def _again(self, listed: Sequence[Listed], known: dict[str, Entry]) -> None:
        """Finish what was begun before the process ended."""
        groups: dict[str, list[Listed]] = {}
        for one in listed:
            groups.setdefault(known[one.location].group or one.location, []).append(one)
        for name, group in groups.items():
            entries = [known[one.location] for one in group]
            if entries[0].group:
                self._store_group(name, list(zip(group, entries, strict=True)))
            else:
                self._store(group[0], entries[0])

    def _take(self, group: Sequence[Listed], known: dict[str, Entry]) -> None:
        taken: list[tuple[Listed, Entry]] = []
        seen: set[bytes] = set()
        for one in group:
            entry = self._taken_up(one, known.get(one.location))
            if entry is None:
                continue
            if entry.content in seen and not entry.begin:
                entry = self._duplicate(entry)
            seen.add(entry.content)
            if entry.state == READING:
                taken.append((one, entry))
            else:
                self._ledger.write([entry])
        if not taken:
            return
        if len(taken) == 1:
            self._ledger.write([taken[0][1]])
            self._store(*taken[0])
            return
        name = uuid.uuid4().hex
        taken = [(one, entry.but(group=name)) for one, entry in taken]
        self._ledger.write([entry for _, entry in taken])
        self._store_group(name, taken)

    def _taken_up(self, one: Listed, entry: Entry | None) -> Entry | None:
        """What is to be read of a file that is new or has changed."""
        part = Part(self._bucket, one, self._options)
        try:
            content = part.content()
            new = Entry(one.location, one.size, one.mtime_ns, content, READING, 0, one.size)
            if entry is None or entry.state == DUPLICATE:
                return self._duplicate(new) if self._ledger.copy_of(content, one.location) else new
            tried = entry.batches if entry.state == FAILED else 0  # what the store has of a part that went wrong
            if entry.state == FAILED and not entry.begin:
                return new.but(batches=tried)
            if content == entry.content or one.size == entry.consumed:
                return entry.but(size=one.size, mtime_ns=one.mtime_ns)
            if entry.anchor and one.size > entry.consumed and part.anchor(entry.consumed) == entry.anchor:
                return new.but(
                    begin=entry.consumed, consumed=entry.consumed, memo=entry.memo, anchor=entry.anchor, batches=tried
                )
        except (Unavailable, NotAllowed) as error:  # one file's fault must not hold up the others
            self._book.error("unreadable", f"{one.path}: {error.what}")
            return None
        self._book.error("rewritten", f"{one.path}: changed after it was read; what is new in it is not told apart")
        return entry.but(size=one.size, mtime_ns=one.mtime_ns, content=content)

    def _duplicate(self, entry: Entry) -> Entry:
        self._book.duplicate(1)
        return entry.but(state=DUPLICATE)

    def _store_group(self, name: str, taken: Sequence[tuple[Listed, Entry]]) -> None:
        """Read small files and store them as one batch."""
        batches: list[pa.RecordBatch] = []
        done: list[Entry] = []
        alone: list[tuple[Listed, Entry]] = []
        for one, entry in taken:
            part = Part(self._bucket, one, self._options)
            try:
                found = _at_most(_SMALL_ROWS, part.batches(entry))
            except InvalidInput as error:
                done.append(self._failed(one, entry, error))
                continue
            if found is None:
                alone.append((one, entry.but(group="")))
                continue
            batches += [self._placed(batch) for batch in found]
            done.append(self._finished(one, entry, part))
        if batches:
            messages = len(taken) - len(alone)
            self._intake.put_once(CLOUD_FLOWS, joined(batches), f"cloud-{name}", self._book, messages=messages)
        done += [entry for _, entry in alone]
        self._ledger.write([entry.but(group="") for entry in done], self._places.new_loggers())
        self.files += len(taken) - len(alone)
        for one, entry in alone:
            self._store(one, entry)

    def _store(self, one: Listed, entry: Entry) -> None:
        """Read a file and store it in batches, each remembered."""
        part = Part(self._bucket, one, self._options)
        name = f"cloud-{file_number(one.location):016x}-{entry.begin}"
        try:
            for number, rows in enumerate(_large(map(self._placed, part.batches(entry)))):
                if number < entry.batches:
                    continue  # the store has it since before
                self._intake.put_once(CLOUD_FLOWS, rows, f"{name}-{number}", self._book)
                entry = entry.but(batches=number + 1)
                self._ledger.write([entry], self._places.new_loggers())
                if self._stopping():
                    return
        except InvalidInput as error:
            self._ledger.write([self._failed(one, entry, error)])
            return
        self._ledger.write([self._finished(one, entry, part)])
        self._book.came(0, messages=1)
        self.files += 1

    def _placed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        states = batch.column("log_state").to_numpy()
        self._no_data += int((states == _NODATA).sum())
        if skipped := int((states == _SKIPDATA).sum()):
            self._book.gap(skipped)
        return self._places.place(batch)

    def _finished(self, one: Listed, entry: Entry, part: Part) -> Entry:
        decoder = part.decoder
        assert decoder is not None
        for reason, count in decoder.errors.items():
            self._book.error(reason, f"{one.path}: records left out", count=count)
        anchor = b"" if part.is_packed else part.anchor(decoder.consumed)
        consumed = entry.size if part.is_packed else decoder.consumed
        return entry.but(state=DONE, consumed=consumed, memo=decoder.memo, anchor=anchor)

    def _failed(self, one: Listed, entry: Entry, error: WeftError) -> Entry:
        self._book.error("bad_file", f"{one.path}: {error.what}")
        log.warning("cloud_file_bad", source=self._config.name, file=one.path, error=error.what)
        return entry.but(state=FAILED)


def _groups(due: Iterable[Listed]) -> Iterator[list[Listed]]:
    """Files to be stored together: small ones by the dozen, each large one alone."""
    group: list[Listed] = []
    size = 0
    for one in due:
        if one.size > _SMALL:
            yield [one]
            continue
        if group and (size + one.size > _GROUP_BYTES or len(group) >= _GROUP_FILES):
            yield group
            group, size = [], 0
        group.append(one)
        size += one.size
    if group:
        yield group


def _at_most(rows: int, batches: Iterable[pa.RecordBatch]) -> list[pa.RecordBatch] | None:
    """All of the batches; none where they have more rows than that."""
    found: list[pa.RecordBatch] = []
    for batch in batches:
        rows -= batch.num_rows
        if rows < 0:
            return None
        found.append(batch)
    return found


def _large(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Batches put together until they are worth an insert; the same every time."""
    parts: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        parts.append(batch)
        rows += batch.num_rows
        if rows >= _BATCH_ROWS:
            yield joined(parts)
            parts, rows = [], 0
    if parts:
        yield joined(parts)
