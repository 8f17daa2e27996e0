"""The bytes of a file, whole if it can be mapped, piece by piece if it must be decompressed."""

from __future__ import annotations

import gzip
import mmap
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.errors import InvalidInput

GZIP_MAGIC = b"\x1f\x8b"
PIECE = 16 << 20


class Chunk(NamedTuple):
    """A stretch of the file. What the reader did not consume comes again, at the front of the next one."""

    data: NDArray[np.uint8]
    is_last: bool


class FileBytes:
    """Iterates over the chunks of one file; ``damage`` says what ended it early. ``rewind`` sets what to see again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: str | None = None
        self._rest: NDArray[np.uint8] = np.empty(0, np.uint8)

    def keep(self, rest: NDArray[np.uint8]) -> None:
        """Bytes to put before the next chunk."""
        self._rest = rest

    def __iter__(self) -> Iterator[Chunk]:
        try:
            with self.path.open("rb") as file:
                head = file.read(2)
                file.seek(0)
                if head == GZIP_MAGIC:
                    yield from self._unpacked()
                elif head:
                    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                    yield Chunk(np.frombuffer(mapped, np.uint8), True)
        except OSError as error:
            raise InvalidInput(error.strerror or str(error), where=str(self.path)) from error

    def _unpacked(self) -> Iterator[Chunk]:
        """A gzip file, never held as a whole: it may expand a thousandfold."""
        with gzip.open(self.path, "rb") as file:
            while True:
                try:
                    piece = file.read(PIECE)
                except (EOFError, zlib.error, gzip.BadGzipFile):
                    self.damage = "gzip_damaged"
                    piece = b""
                fresh = np.frombuffer(piece, np.uint8)
                rest, self._rest = self._rest, np.empty(0, np.uint8)
                yield Chunk(np.concatenate([rest, fresh]) if len(rest) else fresh, len(piece) == 0)
                if not piece:
                    return
