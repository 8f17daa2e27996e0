"""Reading MRT: chunks of a file to blocks of routes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from weft.decode.bgp.paths import Paths
from weft.decode.mrt.blocks import MrtBlock


class MrtReader:
    """One MRT file (plain octets: the caller opens .gz, .bz2, .zst): ``errors`` says what could not be read."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.records = 0
        self.errors: Counter[str] = Counter()

    def blocks(self, chunks: Iterable[bytes]) -> Iterator[MrtBlock]:
        """Blocks in the order of the file. A file that ends inside a record is counted as ``truncated``."""
        raise NotImplementedError


def read_mrt(chunks: Iterable[bytes], paths: Paths) -> Iterator[MrtBlock]:
    """Blocks of an MRT file."""
    return MrtReader(paths).blocks(chunks)
