"""One log file, in pieces, to batches: finds out what it is, keeps what a piece cuts off for the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from weft.decode.cloud import aws, gcp, oci
from weft.decode.cloud.azure import AzureReader
from weft.decode.cloud.cells import Cells
from weft.decode.cloud.lines import parse_lines
from weft.decode.cloud.objects import find_objects, parse_objects
from weft.decode.cloud.rows import Found
from weft.errors import InvalidInput

FORMATS = ("auto", "aws", "azure", "gcp", "oci")
#: A record that does not end within so many bytes is none.
MOST_RECORD = 64 << 20
#: Size of a piece worth feeding: a batch of rows costs the same whether it is small or large.
PIECE = 16 << 20
_HEAD = 1 << 16
_SPACE = 32
_AZURE_RECORDS = 512
_LONGEST_LINE = 1 << 16
_PACKED = ((b"\x1f\x8b", "gzip"), (b"BZh", "bz2"), (b"\x28\xb5\x2f\xfd", "zstd"))
_MARKS = (
    ("azure", (b'"flowTuples"', b'"flowRecords"', b"FlowLogFlowEvent", b"NetworkSecurityGroupFlowEvent")),
    ("gcp", (b'"jsonPayload"',)),
    ("oci", (b"com.oraclecloud", b'"vnicocid"', b'"logContent"')),
)


def codec_of(head: bytes) -> str:
    """How a file is packed, by its first four bytes, as Arrow calls it; empty = not."""
    return next((name for mark, name in _PACKED if head.startswith(mark)), "")


def provider_in(text: bytes) -> str:
    """Whose flow log JSON is, by words that only its records have; empty = nobody's."""
    return next((name for name, marks in _MARKS if any(mark in text for mark in marks)), "")


@dataclass(frozen=True, slots=True)
class Options:
    """What a file does not say itself."""

    format: str = "auto"
    fields: str = ""  # of an AWS file without a first line that names them
    sampling_rate: int = 0  # one in how many records or packets was logged


class CloudDecoder:
    """Decodes one file. ``feed`` it pieces in order, then ``finish``; or ``parquet``. Raises ``InvalidInput``.

    ``errors`` counts records left out by reason. ``consumed`` is how many bytes of the file, as fed, belong to records
    that were given out: a decoder with the same ``memo`` can go on from there when the file has grown.
    """

    def __init__(self, options: Options, now_ns: int, *, memo: str = "", consumed: int = 0) -> None:
        self._options, self._now_ns = options, now_ns
        self._reader: _Reader | None = _reader_of(memo, options) if memo else None
        self._rest = b""
        self.memo = memo
        self.consumed = consumed
        self.records = 0
        self.errors: Counter[str] = Counter()

    @property
    def kind(self) -> str:
        """The format that was found; empty before."""
        return self.memo.partition(" ")[0]

    def feed(self, piece: bytes) -> Iterator[pa.RecordBatch]:
        """Batches of the records that end in this piece."""
        data = self._rest + piece if self._rest else piece
        if self._reader is None:
            if len(data) < _HEAD and b"\n" not in data:
                self._rest = data
                return
            data = self._begin(data)
        yield from self._read(data, last=False)

    def finish(self) -> Iterator[pa.RecordBatch]:
        """Batches of what is left."""
        data, self._rest = self._rest, b""
        if self._reader is None:
            if not data.strip():
                return
            data = self._begin(data)
        yield from self._read(data, last=True)

    def parquet(self, source: Any) -> Iterator[pa.RecordBatch]:
        """Batches of a Parquet file (AWS), given as a buffer or an open file."""
        import pyarrow.parquet as pq  # only what is kept as Parquet needs it

        self.memo = "aws parquet"
        try:
            file = pq.ParquetFile(source)
            wanted = [name for name in file.schema_arrow.names if name.replace("_", "-") in aws.FIELDS]
            texts = [name for name in wanted if pa.types.is_string(file.schema_arrow.field(name).type)]
            file = pq.ParquetFile(source, read_dictionary=texts)
            for table in file.iter_batches(1 << 16, columns=wanted):
                found, bad = aws.found_in_table(table)
                if bad:
                    self.errors["bad_address"] += bad
                yield self._batch(found)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise InvalidInput(f"is no Parquet file that can be read: {str(error)[:200]}") from None

    def _begin(self, data: bytes) -> bytes:
        self.memo, skip = _recognise(data, self._options)
        self._reader = _reader_of(self.memo, self._options)
        self.consumed += skip
        return data[skip:]

    def _read(self, data: bytes, *, last: bool) -> Iterator[pa.RecordBatch]:
        reader = self._reader
        assert reader is not None
        at = 0
        while True:
            after, found = reader.read(data, at, last)
            self.consumed += after - at
            self.errors.update(reader.take_errors())
            for one in found:
                yield self._batch(one)
            if after == at:
                break
            at = after
        self._rest = data[at:]
        if last and self._rest.strip(b"]} \t\r\n,"):
            self.errors["truncated"] += 1
        elif len(self._rest) > MOST_RECORD:
            raise InvalidInput(f"holds a record of more than {MOST_RECORD >> 20} MiB")

    def _batch(self, found: Found) -> pa.RecordBatch:
        self.records += found.rows
        return found.batch(self._now_ns, self._options.sampling_rate)


class _Reader(Protocol):
    def read(self, data: bytes, at: int, last: bool) -> tuple[int, list[Found]]:
        """Rows of some whole records from an offset on, and how far it came; no farther where there is none."""

    def take_errors(self) -> Counter[str]:
        """Records left out since the last time, by reason."""


def _recognise(data: bytes, options: Options) -> tuple[str, int]:
    """What a file is by its beginning, as a memo, and how many bytes of that are no record."""
    head = data[:_HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")
    skip = len(data[:_HEAD]) - len(head)
    kind = options.format
    if kind == "auto" and head[:1] in (b"{", b"["):
        kind = provider_in(data[: 1 << 20])
        if not kind:
            raise InvalidInput("is JSON, but no flow log of a provider known", fix="See docs/cloud.md for the formats.")
    if kind in {"auto", "aws"}:
        line = head.split(b"\n", 1)[0].rstrip(b"\r")
        if len(line) > _LONGEST_LINE or b"\0" in line:
            raise InvalidInput("is no flow log of a provider known", fix="See docs/cloud.md for the formats.")
        names, is_heading = aws.fields_of(line, options.fields)
        if is_heading:
            skip += min(len(head), head.find(b"\n") + 1 or len(head))
        return "aws " + ",".join(names), skip
    if kind == "azure" and (wrapped := head[:200].find(b"[")) >= 0 and b'"records"' in head[:wrapped]:
        skip += wrapped + 1
    return kind, skip


def _reader_of(memo: str, options: Options) -> _Reader:  # noqa: ARG001
    kind, _, rest = memo.partition(" ")
    if kind == "aws":
        return _Lines(rest.split(","))
    if kind == "azure":
        return _Records()
    return _Objects(gcp if kind == "gcp" else oci)


class _Lines:
    def __init__(self, names: list[str]) -> None:
        self._kinds, self._columns = aws.program_of(names)
        self._cells, self._last = Cells(aws.WORDS), 0

    def read(self, data: bytes, at: int, last: bool) -> tuple[int, list[Found]]:
        end = len(data) if last else data.rfind(b"\n", at) + 1
        if end <= at:
            return at, []
        cells = self._cells
        cells.begin(self._last)
        buffer = np.frombuffer(data, np.uint8)
        cells.bad[-1] = len(self._kinds)
        at, rows, _ = parse_lines(
            buffer,
            at,
            end,
            _SPACE,
            self._kinds,
            self._columns,
            cells.counts,
            cells.table(buffer),
            cells.lines,
            cells.bad,
        )
        self._last = rows
        if not rows:
            return at, []
        cells.read_texts(data, buffer.ctypes.data)
        return at, [aws.found_in(cells, rows)]

    def take_errors(self) -> Counter[str]:
        return self._cells.take_errors()


class _Objects:
    def __init__(self, provider: Any) -> None:
        self._program, self._found = provider.PROGRAM, provider.found_in
        self._program.prepare()
        self._cells, self._last = Cells(self._program.words), 0

    def read(self, data: bytes, at: int, last: bool) -> tuple[int, list[Found]]:  # noqa: ARG002
        if at >= len(data):
            return at, []
        cells, program = self._cells, self._program
        cells.begin(self._last)
        buffer = np.frombuffer(data, np.uint8)
        at, rows = parse_objects(buffer, at, len(data), program.cells, cells.counts, cells.table(buffer), cells.bad)
        self._last = rows
        if not rows:
            return at, []
        cells.read_texts(data, buffer.ctypes.data, escaped=True)
        return at, [self._found(cells, rows)]

    def take_errors(self) -> Counter[str]:
        return self._cells.take_errors()


class _Records:
    def __init__(self) -> None:
        self._azure = AzureReader()
        self._spans = np.zeros((_AZURE_RECORDS, 2), np.int64)

    def read(self, data: bytes, at: int, last: bool) -> tuple[int, list[Found]]:  # noqa: ARG002
        at_end, count = find_objects(np.frombuffer(data or b" ", np.uint8), at, len(data), self._spans)
        if not count:
            return at, []
        view = memoryview(data)
        return at_end, self._azure.read([view[begin:end] for begin, end in self._spans[:count].tolist()])

    def take_errors(self) -> Counter[str]:
        found, self._azure.errors = self._azure.errors, Counter()
        return found
