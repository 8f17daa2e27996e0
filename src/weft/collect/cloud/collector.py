"""Cloud flow logs and cloud inventory as one component: each source has a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import structlog

from weft.collect.cloud.config import CloudConfig, CloudLogsConfig
from weft.collect.cloud.index import CloudIndex
from weft.collect.cloud.inventory import CloudInventory
from weft.collect.cloud.ledger import FileLedger
from weft.collect.cloud.place import Located, Placer, unsigned
from weft.collect.cloud.reader import LogReader, Once
from weft.collect.intake.book import SourceBook
from weft.collect.inventory.files import Books
from weft.collect.ports import Facts
from weft.errors import InvalidInput, NotAllowed, WeftError
from weft.model.inventory import ObjectKind

log = structlog.get_logger(__name__)

KIND = "cloud"
MOST_LOGGERS = 1_000_000
_INDEXED = (ObjectKind.NIC, ObjectKind.SUBNET, ObjectKind.VPC)
_INDEX_S = 2.0
_DAY_S = 86_400
_KEPT_DAYS = 400
_MERGE_TRIES = 15  # of a second each, for the inventory to take what was read at the start


class Intake(Once, Books, Protocol):
    """Where rows go and books are opened."""


class Inventory(Facts, Protocol):
    """The inventory, as far as names are waited for."""

    def flush(self, timeout_s: float) -> bool:
        """Wait until what was told so far is merged; False when that takes longer."""


class CloudCollector:
    """Opens nothing where nothing is configured."""

    def __init__(
        self, config: CloudConfig, intake: Intake, inventory: Inventory, located: Located | None, data_dir: Path
    ) -> None:
        self._config, self._intake, self._inventory, self._located = config, intake, inventory, located
        self.ledger = FileLedger(config.ledger or data_dir / "cloud" / "files.db")
        self.placer = Placer(located)
        self._inventories: list[CloudInventory] = []
        self._stopping = threading.Event()
        self._named = threading.Event()  # what is in the clouds was read once
        self._threads: list[threading.Thread] = []
        self._books: list[SourceBook] = []

    def start(self) -> None:
        """Begin to look; whatever is away holds up nobody. Logs wait for what is in the clouds to be read."""
        if not self._config.wanted:
            return
        self._stopping.clear()
        self._named.clear()
        self._inventories = [CloudInventory(one, self._inventory, self._intake) for one in self._config.inventory]
        for one in self._inventories:
            one.open()
        if self._config.logs:
            self.open()
            self._begin("weft-cloud-index", self._watch_index)
        if self._config.inventory:
            self._begin("weft-cloud-inventory", self._watch_inventory)
        else:
            self._named.set()
        for source in self._config.logs:
            book = self._intake.open_source(KIND, source.name, source.path, expected_s=source.interval_seconds)
            self._books.append(book)
            self._begin(f"weft-cloud-{source.name}"[:60], self._reads(source, book))

    def open(self) -> None:
        """Remember what was read, and take the inventory as it is."""
        self.ledger.open()
        oldest_s = time.time() - _KEPT_DAYS * _DAY_S
        self.ledger.forget(int(oldest_s * 1e9), oldest_s)
        self.placer = Placer(self._located, unsigned(self.ledger.loggers(MOST_LOGGERS)))
        self.reindex()

    def stop(self) -> None:
        """Stop after the batch that is being stored. May be called twice."""
        self._stopping.set()
        self._named.set()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        for one in self._inventories:
            one.close()
        for book in self._books:
            self._intake.close_source(book)
        self._inventories, self._books = [], []
        self.ledger.close()

    def reindex(self) -> None:
        """Take the inventory as it is now."""
        self.placer.use(CloudIndex({kind: self._inventory.objects(kind) for kind in _INDEXED}))

    def _begin(self, name: str, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _watch_inventory(self) -> None:
        for one in self._inventories:
            one.look()
        for _ in range(_MERGE_TRIES):  # names come before the rows that have them
            if self._stopping.is_set() or self._inventory.flush(1.0):
                break
        self.reindex()
        self._named.set()
        while not self._stopping.wait(min(one.interval_seconds for one in self._config.inventory)):
            for one in self._inventories:
                one.look()

    def _watch_index(self) -> None:
        """An index is built anew when the objects that it is made of are other ones."""
        before = [self._inventory.objects(kind) for kind in _INDEXED]
        while not self._stopping.wait(_INDEX_S):
            now = [self._inventory.objects(kind) for kind in _INDEXED]
            if any(one is not other for one, other in zip(before, now, strict=True)):
                before = now
                self.reindex()

    def _reads(self, config: CloudLogsConfig, book: SourceBook) -> Callable[[], None]:
        reader = LogReader(config, self.ledger, self._intake, self.placer, book, self._stopping.is_set)

        def run() -> None:
            self._named.wait()
            while not self._stopping.is_set():
                look(reader, config.name, book)
                self._stopping.wait(config.interval_seconds)

        return run


def look(reader: LogReader, name: str, book: SourceBook) -> None:
    """One look; what goes wrong is told, never raised."""
    try:
        reader.look()
    except WeftError as error:
        reason = "refused" if isinstance(error, NotAllowed) else "bad" if isinstance(error, InvalidInput) else "away"
        book.error(reason, error.message, failing=True)
        log.warning("cloud_source_failed", source=name, error=error.message)
    except Exception as error:
        book.error("bug", type(error).__name__, failing=True)
        log.exception("cloud_source_failed", source=name)
