"""One part of one file, from its bytes to batches of rows: unpacked, decoded, marked with the file they are from."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from weft.collect.cloud.bucket import Bucket, Listed
from weft.collect.cloud.ledger import Entry
from weft.decode.cloud import PIECE, CloudDecoder, Options, codec_of
from weft.errors import InvalidInput, Unavailable, WeftError
from weft.model.cloud import CLOUD_FLOWS
from weft.model.rows import batch_of

_HEAD, _ANCHOR = 256 << 10, 1024
_MOST_UNPACKED = 64 << 30  # bytes: a file that unpacks to more is a bomb
_IN_PATH = re.compile(r"AWSLogs/(?:aws-account-id=)?(\d{12})/.*?(?:aws-region=)?\b([a-z]{2}(?:-[a-z]+)+-\d)/")


class Part:
    """Reads ``entry``'s part of a file. ``batches`` once; then what came of it can be asked for."""

    def __init__(self, bucket: Bucket, listed: Listed, options: Options) -> None:
        self._bucket, self._listed, self._options = bucket, listed, options
        self.decoder: CloudDecoder | None = None
        self.is_packed = False

    def content(self) -> bytes:
        """A digest by which copies of the file are known: of its beginning and its size."""
        with self._bucket.open(self._listed.path) as file:
            head = self._read(file, _HEAD)
        return hashlib.blake2b(head + self._listed.size.to_bytes(8, "big"), digest_size=16).digest()

    def anchor(self, consumed: int) -> bytes:
        """A digest of what stands before an offset: a file that has grown still has it there."""
        if consumed <= 0:
            return b""
        with self._bucket.open(self._listed.path) as file:
            file.seek(max(0, consumed - _ANCHOR))
            return hashlib.blake2b(self._read(file, min(_ANCHOR, consumed)), digest_size=16).digest()

    def batches(self, entry: Entry) -> Iterator[pa.RecordBatch]:
        """Rows of the part, with their file. Raises ``InvalidInput`` or ``Unavailable``."""
        now_ns = time.time_ns()
        # A part that begins in the middle is read as the beginning was; from the beginning anew, in case it changed.
        self.decoder = CloudDecoder(self._options, now_ns, memo=entry.memo if entry.begin else "", consumed=entry.begin)
        for batch in self._decoded(entry):
            yield marked(batch, self._listed)

    def _decoded(self, entry: Entry) -> Iterator[pa.RecordBatch]:
        decoder = self.decoder
        assert decoder is not None
        with self._bucket.open(self._listed.path) as file:
            head = self._read(file, 4)
            file.seek(entry.begin)
            if head == b"PAR1":
                self.is_packed = True
                yield from decoder.parquet(_Source(file, self._read))
                return
            codec: Any = codec_of(head)
            self.is_packed = bool(codec)
            stream: Any = pa.CompressedInputStream(file, codec) if codec else file
            left = _MOST_UNPACKED if codec else entry.until - entry.begin
            while left > 0:
                piece = self._read(stream, min(PIECE, left))
                if not piece:
                    break
                left -= len(piece)
                yield from decoder.feed(piece)
            if codec and left <= 0:
                raise InvalidInput("unpacks to more than can be")
            yield from decoder.finish()

    def _read(self, file: Any, size: int) -> bytes:
        try:
            return bytes(file.read(size))
        except (OSError, pa.ArrowException) as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> WeftError:
        """Packed content that is cut off or damaged is the file's fault; all else is the store's."""
        text = str(error).lower()
        if self.is_packed and ("truncated" in text or "zlib" in text or "zstd" in text or "compress" in text):
            return InvalidInput("is cut off or damaged")
        found = self._bucket.explained(error)
        return found if isinstance(found, InvalidInput) else Unavailable(found.what, where=found.where)


class _Source:
    """A file for a reader that takes every error for the content's fault: what fails here is the store's."""

    def __init__(self, file: Any, read: Callable[[Any, int], bytes]) -> None:
        self._file, self._read = file, read
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    @property
    def closed(self) -> bool:
        """As files have it."""
        return bool(self._file.closed)

    def read(self, size: int) -> bytes:
        """So many bytes from where it is. Raises ``Unavailable``."""
        return self._read(self._file, size)


def file_number(location: str) -> int:
    """Names a file in rows."""
    return int.from_bytes(hashlib.blake2b(location.encode(), digest_size=8).digest(), "big")


def marked(batch: pa.RecordBatch, listed: Listed) -> pa.RecordBatch:
    """The rows with the file they are from, and account and region by its path where they do not say."""
    rows = batch.num_rows
    path = _IN_PATH.search(listed.path)
    words: Any = batch
    values: dict[str, Any] = {"file": file_number(listed.location)}
    if path is not None:
        values |= {name: text for name, text in zip(("account", "region"), path.groups(), strict=True)
                   if not any(words.column(name).dictionary.to_pylist())}  # fmt: skip
    given = batch_of(CLOUD_FLOWS, rows, **values)
    columns = [
        given.column(name) if name in values else batch.column(name) for name in CLOUD_FLOWS.schema.names
    ]  # fmt: skip
    return pa.RecordBatch.from_arrays(columns, schema=CLOUD_FLOWS.schema)
