"""The bytes of a file, whole if it can be mapped, piece by piece if it must be decompressed."""

from __future__ import annotations

import mmap
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.errors import InvalidInput

GZIP_MAGIC = b"\x1f\x8b"
PIECE = 16 << 20
_PACKED = 1 << 20
_GZIP = 16 + zlib.MAX_WBITS


class Chunk(NamedTuple):
    """A stretch of the file. What the reader did not consume comes again, at the front of the next one."""

    data: NDArray[np.uint8]
    is_last: bool


class FileBytes:
    """Iterates over the chunks of one file; ``damage`` says what ended it early."""

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
                    yield from self._unpacked(file)
                elif head:
                    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                    yield Chunk(np.frombuffer(mapped, np.uint8), True)
        except OSError as error:
            raise InvalidInput(error.strerror or str(error), where=str(self.path)) from error

    def _unpacked(self, file: BinaryIO) -> Iterator[Chunk]:
        """A gzip file, never held as a whole: it may expand a thousandfold."""
        for piece in self._pieces(file):
            yield self._chunk(piece, False)
        yield self._chunk(b"", True)

    def _chunk(self, piece: bytes, is_last: bool) -> Chunk:
        rest, self._rest = self._rest, np.empty(0, np.uint8)
        fresh = np.frombuffer(piece, np.uint8)
        return Chunk(np.concatenate([rest, fresh]) if len(rest) else fresh, is_last)

    def _pieces(self, file: BinaryIO) -> Iterator[bytes]:
        """Decompressed pieces of all members; a damaged or cut file gives what comes before the damage."""
        unpack, is_begun = zlib.decompressobj(_GZIP), False
        packed = file.read(_PACKED)
        try:
            while packed:
                piece = unpack.decompress(packed, PIECE)
                is_begun = True
                if piece:
                    yield piece
                packed = unpack.unconsumed_tail
                if unpack.eof:
                    packed, unpack, is_begun = unpack.unused_data, zlib.decompressobj(_GZIP), False
                packed = packed or file.read(_PACKED)
        except zlib.error:
            self.damage = "gzip_damaged"
            return
        if is_begun:
            self.damage = "gzip_damaged"
