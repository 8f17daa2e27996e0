"""Changes that people and programs report: to rows, each once."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import structlog

from weft.model.addresses import NO_ADDRESS, packed
from weft.model.changes import CHANGE_KINDS, CHANGES
from weft.model.rows import batch_of

log = structlog.get_logger(__name__)

_KINDS = {name: number for number, name in CHANGE_KINDS.items()}
#: Names of changes that are remembered, so that a second report is known for one.
MOST_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """A change as told by a sender. ``time_ns`` 0 = now; ``change_id`` empty = made of everything else."""

    title: str
    time_ns: int = 0
    kind: str = "other"
    host: str = ""
    address: str = ""
    source: str = "push"
    author: str = ""
    component: str = ""
    change_id: str = ""
    reference: str = ""
    detail: str = ""
    added: int = 0
    removed: int = 0

    @property
    def name(self) -> str:
        """What a second report of the same change is known by."""
        if self.change_id:
            return self.change_id
        parts = (self.title, str(self.time_ns), self.kind, self.host, self.address, self.source, self.author,
                 self.component, self.reference, self.detail)  # fmt: skip
        return "auto-" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class ChangesTaken:
    """What became of a report."""

    accepted: int
    duplicates: int
    change_ids: tuple[str, ...]


def rows_of(reports: Sequence[ChangeReport], now_ns: int) -> pa.RecordBatch:
    """Rows of the changes table."""
    return batch_of(
        CHANGES, len(reports), time=[one.time_ns or now_ns for one in reports], time_received=now_ns,
        exporter=[packed(one.address) if one.address else NO_ADDRESS for one in reports],
        host=[one.host for one in reports], kind=[_KINDS[one.kind] for one in reports],
        source=[one.source for one in reports], author=[one.author for one in reports],
        component=[one.component for one in reports], change_id=[one.name for one in reports],
        reference=[one.reference for one in reports], title=[one.title for one in reports],
        detail=[one.detail for one in reports], added=[one.added for one in reports],
        removed=[one.removed for one in reports],
    )  # fmt: skip


class Remembered:
    """Names of the last changes, kept in a file so that a restart does not forget them. Thread-safe."""

    def __init__(self, file: Path | None, most: int = MOST_REMEMBERED) -> None:
        self._file, self._most = file, most
        self._names: OrderedDict[str, None] = OrderedDict()
        self._lines = 0
        self.lock = threading.Lock()

    def load(self) -> None:
        """Read the file; one that cannot be read is as none."""
        if self._file is None:
            return
        with self.lock, contextlib.suppress(OSError, UnicodeDecodeError):
            for line in self._file.read_text(encoding="ascii").split():
                self._names[line] = None
                self._lines += 1
            self._trim()

    def has(self, name: str) -> bool:
        """Whether the change is known. Call with the lock held."""
        return _digest(name) in self._names

    def add(self, names: Sequence[str]) -> None:
        """Remember changes. Call with the lock held."""
        digests = [_digest(name) for name in names]
        self._names.update(dict.fromkeys(digests))
        self._lines += len(digests)
        self._trim()
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            if self._lines > 2 * self._most:
                fresh = self._file.with_suffix(".new")
                fresh.write_text("".join(f"{one}\n" for one in self._names), encoding="ascii")
                fresh.replace(self._file)
                self._lines = len(self._names)
            else:
                with self._file.open("a", encoding="ascii") as file:
                    file.writelines(f"{one}\n" for one in digests)
        except OSError as error:
            log.warning("changes_not_remembered", file=str(self._file), reason=error.strerror)

    def _trim(self) -> None:
        while len(self._names) > self._most:
            self._names.popitem(last=False)


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]
