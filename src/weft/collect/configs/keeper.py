"""What is done with a configuration that came, however it came: mask, keep, compare, tell."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections import deque
from dataclasses import dataclass

import pyarrow as pa

from weft.collect.configs.diffs import Difference
from weft.collect.configs.history import ConfigHistory, Version
from weft.collect.configs.masking import Masker
from weft.collect.configs.platforms import Platform
from weft.collect.intake import Intake, SourceBook
from weft.collect.ports import Facts
from weft.model.addresses import NO_ADDRESS, address_of_host
from weft.model.changes import CHANGE_KINDS, CHANGES
from weft.model.inventory import Fact, ObjectKind
from weft.model.rows import batch_of

_CONFIG = next(number for number, name in CHANGE_KINDS.items() if name == "config")
#: Changes that wait for an intake that is full; beyond it the oldest are only in the history.
_MOST_WAITING = 1000
_END = re.compile(r"[ \t]+$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Came:
    """A configuration as it came, secrets and all."""

    device: str
    text: str
    platform: Platform
    source: str  # ssh or directory
    time: float  # UTC seconds
    address: str = ""
    author: str = ""
    reference: str = ""
    title: str = ""


class Keeper:
    """Masks, keeps, compares, tells. Thread-safe."""

    def __init__(self, intake: Intake, facts: Facts, history: ConfigHistory, masker: Masker) -> None:
        self._intake, self._facts, self._history, self._masker = intake, facts, history, masker
        self._told: dict[str, tuple[str, str]] = {}
        self._lock = threading.Lock()
        self._waiting: deque[tuple[pa.RecordBatch, SourceBook]] = deque(maxlen=_MOST_WAITING)

    def take(self, came: Came, book: SourceBook) -> Version | None:
        """Keep what is new; None where nothing changed. Raises ``Unavailable`` where the change cannot be told."""
        self.flush()
        author = came.author or came.platform.author_of(came.text)
        own_name = came.platform.name_of(came.text)
        masked = self._masker.mask(tidy(came.text, came.platform), came.platform)
        title = self._masker.line(came.title, came.platform) if came.title else ""
        self._observe(came, own_name)
        kept = self._history.add(
            came.device, masked, at=came.time, source=came.source, author=author, reference=came.reference, title=title,
            platform=came.platform.name, also=(came.address, own_name),
        )  # fmt: skip
        if kept is None:
            book.came(0)
            return None
        version, change = kept
        if version.number == 1:  # nothing is known of what was before
            book.came(0)
        else:
            self._tell(came, version, change, book)
        book.note(versions=version.number, lines=version.lines)
        return version

    def _tell(self, came: Came, version: Version, change: Difference, book: SourceBook) -> None:
        where = change.component or "formatting"
        by = f" by {version.author}" if version.author else ""
        self._waiting.append((batch_of(
            CHANGES, 1, time=[int(version.time * 1e9)], time_received=time.time_ns(),
            exporter=[address_of_host(came.address)], host=[came.device], kind=_CONFIG, source=came.source,
            author=[version.author], component=[where],
            change_id=[f"config:{came.device}:{version.digest}:{version.number}"],
            reference=[version.reference], title=[version.title or f"Configuration changed{by}: {where}"],
            detail=[change.text], added=[change.added], removed=[change.removed],
        ), book))  # fmt: skip
        self.flush()

    def flush(self) -> None:
        """Hand over what the intake could not take before. Raises ``Unavailable`` while it still cannot."""
        while True:
            with self._lock:
                if not self._waiting:
                    return
                rows, book = self._waiting[0]
            self._intake.put(CHANGES, rows, book)
            with self._lock, contextlib.suppress(IndexError):
                self._waiting.popleft()

    def _observe(self, came: Came, own_name: str) -> None:
        """Tell the inventory what the configuration says of the device, when that is new."""
        with self._lock:
            if self._told.get(came.device) == (own_name, came.platform.name):
                return
            self._told[came.device] = (own_name, came.platform.name)
        known: dict[str, object] = {"name": own_name or came.device}
        if came.platform.name != "generic":
            known["platform"] = came.platform.name
        key = came.device
        if address_of_host(came.address) != NO_ADDRESS:
            key, known["addresses"] = came.address, [came.address]
        self._facts.observe("configs", came.device, [Fact(ObjectKind.DEVICE, (key,), known)])


def tidy(text: str, platform: Platform) -> str:
    """The text without lines that say nothing of the configuration, and without white space that nobody sees."""
    lines = _END.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    ignore = platform.ignore
    kept = [line for line in lines if ignore is None or not ignore.match(line)]
    return "\n".join(kept).strip("\n") + "\n"
