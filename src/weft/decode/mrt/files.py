"""The octets of an MRT file, plain or packed with gzip, bzip2 or zstd."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pyarrow as pa

from weft.errors import InvalidInput

_CHUNK = 1 << 20
_Packing = Literal["gzip", "bz2", "zstd"]
_PACKED: tuple[tuple[bytes, _Packing], ...] = ((b"\x1f\x8b", "gzip"), (b"BZh", "bz2"), (b"\x28\xb5\x2f\xfd", "zstd"))
_TYPES = {5, 11, 12, 13, 16, 17}
_SINCE = 600_000_000  # 1989: smaller numbers are other kinds of file


def file_chunks(path: Path) -> Iterator[bytes]:
    """The file's octets, unpacked, a mebibyte at a time. Raises ``InvalidInput`` where it cannot be read (further)."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
            file.seek(0)
            packing = next((name for magic, name in _PACKED if head.startswith(magic)), None)
            if packing is None:
                while chunk := file.read(_CHUNK):
                    yield chunk
                return
            with pa.CompressedInputStream(pa.PythonFile(file), packing) as stream:
                while chunk := stream.read(_CHUNK):
                    yield chunk
    except OSError as error:
        raise InvalidInput(error.strerror or str(error)[:200], where=str(path)) from None


def is_mrt(head: bytes) -> bool:
    """Whether a file that begins so may be MRT: a time after 1989, a type and subtype that exist, a length."""
    if len(head) < 12:
        return False
    time, kind, subtype = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:6], "big"), head[6:8]
    return time > _SINCE and kind in _TYPES and subtype < b"\x00\x10" and head[8] < 2
