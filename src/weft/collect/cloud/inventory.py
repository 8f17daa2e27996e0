"""What is in the clouds, from JSON files that the providers' CLIs wrote: read when they change, then told as facts."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson
import structlog

from weft.collect.cloud.bucket import Bucket, Listed
from weft.collect.cloud.config import CloudInventoryConfig
from weft.collect.cloud.facts import facts_of
from weft.collect.intake.book import SourceBook
from weft.collect.inventory.files import Books
from weft.collect.ports import Facts
from weft.errors import InvalidInput, WeftError
from weft.model.inventory import Fact

log = structlog.get_logger(__name__)

ORIGIN = "cloud"
_MOST_FILES, _MOST_BYTES = 10_000, 512 << 20
_AGAIN_S = 3600.0  # what is not changed is told again now and then: it is still so


@dataclass(slots=True)
class _File:
    mark: tuple[int, int] = (0, 0)
    told: float = 0.0  # monotonic
    facts: Sequence[Fact] = field(default_factory=tuple)
    error: str = ""


class CloudInventory:
    """One configured directory or bucket. Not for several threads at once."""

    def __init__(self, config: CloudInventoryConfig, facts: Facts, books: Books) -> None:
        self._config, self._facts, self._books = config, facts, books
        self._bucket = Bucket(config)
        self._files: dict[str, _File] = {}
        self._book: SourceBook | None = None

    def open(self) -> None:
        """Appear on the Sources page."""
        self._book = self._books.open_source("inventory", self._config.name, self._config.path)

    def close(self) -> None:
        """Disappear from it."""
        if self._book is not None:
            self._books.close_source(self._book)
            self._book = None

    def look(self) -> None:
        """Read what changed, withdraw what is gone. Never raises."""
        assert self._book is not None
        try:
            listed, more = self._bucket.files(time.time(), math.inf, _MOST_FILES)
        except WeftError as error:
            self._book.error("away", error.message, failing=True)
            return
        except Exception:
            self._book.error("bug", "internal error", failing=True)
            log.exception("cloud_inventory_failed", source=self._config.name)
            return
        if more:
            self._book.error("too_many_files", f"more than {_MOST_FILES} files")
        found = {one.location: one for one in listed if one.path.endswith(".json")}
        for location in [location for location in self._files if location not in found]:
            del self._files[location]
            self._facts.observe(ORIGIN, location, [], complete=True)
        for location, one in sorted(found.items()):
            self._one(self._files.setdefault(location, _File()), one)
        bad = [one.error for one in self._files.values() if one.error]
        count = sum(len(one.facts) for one in self._files.values())
        if len(bad) < len(self._files):
            self._book.came(count, messages=len(found))
        for error_text in bad[:20]:  # told again without being counted again
            self._book.error("bad_file", error_text, count=0, failing=len(bad) == len(self._files))
        self._book.note(files=len(self._files), facts=count)

    def _one(self, file: _File, one: Listed) -> None:
        assert self._book is not None
        mark = (one.mtime_ns, one.size)
        if file.mark != mark:
            try:
                facts = self._read(one)
            except WeftError as error:
                file.mark, file.error = mark, f"{one.path}: {error.what}"
                self._book.error("bad_file", file.error)
                return
            except Exception:
                self._book.error("bug", "internal error")
                log.exception("cloud_inventory_failed", source=self._config.name, file=one.path)
                return
            file.mark, file.error, file.facts, file.told = mark, "", facts, 0.0
            log.debug("cloud_inventory_read", file=one.path, facts=len(facts))
        if not file.error and (not file.told or time.monotonic() - file.told > _AGAIN_S):
            file.told = time.monotonic()
            self._facts.observe(ORIGIN, one.location, file.facts, complete=True)

    def _read(self, one: Listed) -> list[Fact]:
        if one.size > _MOST_BYTES:
            raise InvalidInput(f"is larger than {_MOST_BYTES >> 20} MiB")
        with self._bucket.open(one.path) as file:
            try:
                document = orjson.loads(file.read())
            except (orjson.JSONDecodeError, OSError) as error:
                raise InvalidInput(f"is not JSON: {str(error)[:100]}") from None
        return facts_of(document, one.path)
