"""What of RPKI is known now: validated payloads from caches and files, and the state of routes by them.

Writers of routes call ``Payloads.states``; whoever holds routes listens with ``on_change`` and judges them anew.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from weft.collect.intake.book import SourceBook
from weft.collect.intake.intake import Intake
from weft.collect.loop import LoopThread
from weft.collect.routing.rpki_config import RpkiConfig
from weft.collect.routing.rtr import CacheSession
from weft.collect.routing.validity import UNCHECKED, ValidityIndex
from weft.decode.rtr import Vrp, Vrps
from weft.decode.rtr.files import VrpFile, read_vrps
from weft.errors import InvalidInput

log = structlog.get_logger(__name__)

_MOST_BYTES = 1 << 29


class Payloads:
    """The payloads in force. Any thread may ask; they change whole, and ``version`` says that they did."""

    def __init__(self) -> None:
        self._index: ValidityIndex | None = None
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self.version = 0

    def __len__(self) -> int:
        index = self._index
        return 0 if index is None else len(index)

    @property
    def known(self) -> bool:
        """Whether any source has told its payloads; until then, and after all have gone stale, nothing is judged."""
        return self._index is not None

    def states(
        self, prefix: NDArray[np.uint8], length: NDArray[np.uint8], origin_as: NDArray[np.uint32]
    ) -> NDArray[np.uint8]:
        """``model.routes.RPKI_STATES`` of each route: prefixes (n, 16), lengths in the family's own bits, origin AS."""
        index = self._index
        if index is None:
            return np.full(len(length), UNCHECKED, np.uint8)
        return index.states(prefix, length, origin_as)

    def covering(self, prefix: NDArray[np.uint8], length: int) -> list[Vrp]:
        """The payloads that a route is judged by, longest prefix first; ``prefix`` is 16 bytes."""
        index = self._index
        return [] if index is None else index.covering(prefix, length)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called after the payloads changed, in the thread that changed them."""
        self._listeners.append(listener)

    def replace(self, vrps: Vrps | None) -> None:
        """Put other payloads in force; None where no source knows any."""
        index = None if vrps is None else ValidityIndex(vrps)
        with self._lock:
            self._index = index
            self.version += 1
        for listener in self._listeners:
            try:
                listener()
            except Exception:  # one that fails must not keep the others from judging
                log.exception("rpki_listener_failed")


class Rpki:
    """Keeps ``payloads`` current from the caches and files of the settings. Opens nothing where there are none."""

    def __init__(self, config: RpkiConfig, intake: Intake) -> None:
        self._config, self._intake = config, intake
        self._books: list[SourceBook] = []
        self._thread: LoopThread | None = None
        self._changed = asyncio.Event()
        self.payloads = Payloads()

    def start(self) -> None:
        """Begin to ask caches and to read files."""
        if self._config.caches or self._config.files:
            self._thread = LoopThread("weft-rpki", self._main)
            self._thread.start()

    def stop(self) -> None:
        """Close every connection. The payloads stay as they are."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
        for book in self._books:
            self._intake.close_source(book)
        self._books.clear()

    async def _main(self, thread: LoopThread) -> None:
        self._changed = asyncio.Event()
        caches = [
            CacheSession(cache, self._config, self._book(cache.host, cache.target), self._changed.set)
            for cache in self._config.caches
        ]
        files = [
            _File(path, self._config, self._book(path.name, str(path)), self._changed.set)
            for path in self._config.files
        ]
        sources = (*(file.run() for file in files), *(cache.run() for cache in caches), self._merge(caches, files))
        tasks = [asyncio.create_task(source) for source in sources]
        thread.ready()
        await thread.done.wait()
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                log.error("rpki_source_ended", error=str(ended))

    def _book(self, name: str, target: str) -> SourceBook:
        book = self._intake.open_source("rpki", name, target)
        self._books.append(book)
        return book

    async def _merge(self, caches: list[CacheSession], files: list[_File]) -> None:
        """Put in force what the preferred cache that is current and the files say, whenever that changes."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            chosen = next((cache.payloads for cache in caches if cache.payloads is not None), None)
            parts = [one for one in (chosen, *(file.payloads for file in files)) if one is not None]
            vrps = None if not parts else parts[0] if len(parts) == 1 else await asyncio.to_thread(Vrps.joined, parts)
            await asyncio.to_thread(self.payloads.replace, vrps)
            log.info("rpki_payloads", payloads=len(self.payloads), sources=len(parts))


class _File:
    """Keeps the payloads of one file. ``payloads`` is None while there are none to go by."""

    def __init__(self, path: Path, config: RpkiConfig, book: SourceBook, changed: Callable[[], None]) -> None:
        self._path, self._config, self._book, self._changed = path, config, book, changed
        self._seen: tuple[float, int, int] | None = None
        self.payloads: Vrps | None = None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._look()
            await asyncio.sleep(self._config.reload_interval_s)

    async def _look(self) -> None:
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime, stat.st_size, stat.st_ino)
            old = time.time() - stat.st_mtime > self._config.file_expires_hours * 3600
            if old:
                self._expire()
            elif seen != self._seen:
                self._take(await asyncio.to_thread(self._read, stat.st_size))
                self._seen = seen
        except OSError as error:  # what was read stays until it is out of date
            self._book.error("unreadable", error.strerror or "cannot be read", failing=self.payloads is None)
        except InvalidInput as error:
            self._book.error("not_understood", error.message, failing=self.payloads is None)
            self._seen = seen

    def _read(self, size: int) -> VrpFile:
        if size > _MOST_BYTES:
            raise InvalidInput(f"is larger than {_MOST_BYTES >> 20} MiB", where="VRP file")
        return read_vrps(self._path.read_bytes(), most=self._config.max_payloads)

    def _take(self, file: VrpFile) -> None:
        for reason, count in file.errors.items():
            self._book.error(reason, "entries left out", count=count)
        self.payloads = file.vrps
        self._book.came(len(file.vrps))
        self._book.note(payloads=len(file.vrps), built=file.built)
        self._changed()

    def _expire(self) -> None:
        if self.payloads is not None or self._seen is None:
            hours = self._config.file_expires_hours
            self._book.error("expired", f"was not written for {hours:g} hours and no longer counts", failing=True)
            self.payloads, self._seen = None, (0.0, 0, 0)
            self._changed()
