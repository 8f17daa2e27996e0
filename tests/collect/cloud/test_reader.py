"""A file counts once: read twice, copied, grown, or broken off in the middle by the end of the process."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.collect.cloud.logs import OnceIntake, aws, azure, azure_record, line, many

from weft.collect.cloud import reader as reader_module
from weft.collect.cloud.bucket import Bucket
from weft.collect.cloud.config import CloudLogsConfig
from weft.collect.cloud.ledger import FileLedger
from weft.collect.cloud.place import Placer
from weft.collect.cloud.reader import LogReader
from weft.collect.intake.book import SourceBook
from weft.errors import NotAllowed, Unavailable


class Bench:
    """A directory, its ledger and an intake; ``read`` looks once, as a process that starts anew would."""

    def __init__(self, path: Path) -> None:
        self.logs, self.intake = path / "logs", OnceIntake()
        self.logs.mkdir()
        self.ledger_path = path / "files.db"
        self.book = SourceBook("cloud", "x")
        self.path = str(self.logs)

    def read(self, **settings: object) -> LogReader:
        config = CloudLogsConfig.model_validate({"name": "x", "path": self.path, "settle_seconds": 0} | settings)
        ledger = FileLedger(self.ledger_path)
        ledger.open()
        try:
            one = LogReader(config, ledger, self.intake, Placer(), self.book)
            one.look()
            return one
        finally:
            ledger.close()

    @property
    def errors(self) -> dict[str, int]:
        return self.book.status().errors


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_file_is_read_once_and_only_when_it_is_done(bench: Bench) -> None:
    (bench.logs / "a.log").write_bytes(many(3))
    (bench.logs / "sub").mkdir()
    (bench.logs / "sub" / "b.log.gz").write_bytes(gzip.compress(many(4, 100)))
    for name in (".hidden", "c.tmp", "_SUCCESS"):
        (bench.logs / name).write_bytes(many(5, 500))
    bench.read(settle_seconds=3600)
    assert bench.intake.sums == (0, 0)
    bench.read()
    bench.read()
    assert bench.intake.sums == (7, 6 + 101 + 102 + 103 + 104)
    assert len(bench.intake.batches) == 1  # small files are stored together
    files = {row["file"] for row in bench.intake.rows}
    assert len(files) == 2
    assert bench.errors == {}


def test_what_is_too_old_is_left_to_the_import(bench: Bench) -> None:
    path = bench.logs / "a.log"
    path.write_bytes(many(3))
    old = time.time() - 10 * 86_400
    os.utime(path, (old, old))
    bench.read()
    assert bench.intake.sums[0] == 0
    bench.read(lookback_days=20)
    assert bench.intake.sums[0] == 3


def test_a_copy_counts_as_a_duplicate(bench: Bench) -> None:
    (bench.logs / "a.log").write_bytes(many(3))
    bench.read()
    (bench.logs / "b.log").write_bytes(many(3))
    (bench.logs / "c.log").write_bytes(many(2, 50))
    (bench.logs / "d.log").write_bytes(many(2, 50))
    bench.read()
    bench.read()
    assert bench.intake.sums[0] == 5
    assert bench.book.status().duplicates == 2
    os.utime(bench.logs / "a.log", (time.time() - 5, time.time() - 5))  # touched, not changed
    bench.read()
    assert bench.intake.sums[0] == 5
    assert bench.errors == {}


def test_a_file_that_grows_is_read_on(bench: Bench) -> None:
    path, blob = bench.logs / "a.log", bench.logs / "PT1H.json"
    path.write_bytes(many(3))
    tuples = [f"16631460035{n:02d},10.0.0.{n},192.0.2.1,5000,443,6,O,E,NX,3,{n},0,0" for n in range(30)]
    blob.write_bytes(azure(*(azure_record(t) for t in tuples[:10])))
    bench.read()
    path.write_bytes(many(5))
    blob.write_bytes(azure(*(azure_record(t) for t in tuples[:20])))
    bench.read()
    blob.write_bytes(azure(*(azure_record(t) for t in tuples)))
    bench.read()
    bench.read()
    rows = bench.intake.rows
    assert sorted(row["bytes"] for row in rows if row["provider"] == 1) == [1, 2, 3, 4, 5]
    assert sorted(row["bytes"] for row in rows if row["provider"] == 2) == list(range(30))
    assert bench.errors == {}


def test_a_file_that_was_rewritten_is_not_counted_again(bench: Bench) -> None:
    path, packed = bench.logs / "a.log", bench.logs / "b.log.gz"
    path.write_bytes(many(3))
    packed.write_bytes(gzip.compress(many(3, 10)))
    bench.read()
    path.write_bytes(many(9, 700))
    packed.write_bytes(gzip.compress(many(9, 800)))
    bench.read()
    bench.read()
    assert bench.intake.sums[0] == 6
    assert bench.errors == {"rewritten": 2}


def test_a_damaged_file_is_told_and_read_when_it_is_whole(bench: Bench) -> None:
    whole = gzip.compress(many(50))
    (bench.logs / "a.log.gz").write_bytes(whole[: len(whole) // 2])
    (bench.logs / "b.json").write_bytes(b'{"what": 1}')
    (bench.logs / "c.log").write_bytes(aws(line("10.0.0.1", "nonsense", 1), line("10.0.0.1", "192.0.2.1", 1)))
    bench.read()
    bench.read()
    assert bench.errors == {"bad_file": 2, "bad_address": 1}
    assert bench.intake.sums[0] == 1
    (bench.logs / "a.log.gz").write_bytes(whole)
    bench.read()
    assert bench.intake.sums[0] == 51


def test_one_file_that_may_not_be_read_holds_up_no_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        (bench.logs / f"{n}.log").write_bytes(many(1, n))
    original = Bucket.open

    def denied(self: Bucket, path: str) -> object:
        if path.endswith("1.log"):
            raise NotAllowed("Permission denied", where=path)
        return original(self, path)

    monkeypatch.setattr(Bucket, "open", denied)
    bench.read()
    assert bench.errors == {"unreadable": 1}
    monkeypatch.setattr(Bucket, "open", original)
    bench.read()
    assert sorted(row["bytes"] for row in bench.intake.rows) == [1, 2, 3]


def test_a_parquet_file_whose_store_breaks_off_is_not_taken_for_damaged(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, cells = ["srcaddr", "dstaddr", "bytes"], [["10.0.0.1"] * 3, ["192.0.2.1"] * 3, [1, 2, 3]]
    pq.write_table(pa.table(dict(zip(names, cells, strict=True))), bench.logs / "a.parquet")
    (bench.logs / "damaged.parquet").write_bytes((bench.logs / "a.parquet").read_bytes()[:-20] + b"x" * 20)
    original = Bucket.open
    monkeypatch.setattr(Bucket, "open", lambda self, path: _BreaksOff(original(self, path)))
    with pytest.raises(Unavailable, match="reset"):
        bench.read()
    assert bench.errors == {}
    monkeypatch.setattr(Bucket, "open", original)
    bench.read()
    assert bench.errors == {"bad_file": 1}
    assert [row["bytes"] for row in bench.intake.rows] == [1, 2, 3]


class _BreaksOff:
    """A file that can be looked at as the reader does to know it, and no more."""

    def __init__(self, file: pa.NativeFile) -> None:
        self._file = file
        self.seek, self.tell, self.close, self.closed = file.seek, file.tell, file.close, False

    def read(self, size: int) -> bytes:
        if size not in (4, 256 << 10):
            raise OSError("connection reset by the store")
        return bytes(self._file.read(size))

    def __enter__(self) -> _BreaksOff:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def test_a_small_file_of_many_rows_is_stored_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a few bytes unpack to is not held in memory with what all the others do."""
    monkeypatch.setattr(reader_module, "_SMALL_ROWS", 100)
    (bench.logs / "bomb.log.gz").write_bytes(gzip.compress(many(150)))
    for n in range(2):
        (bench.logs / f"small{n}.log").write_bytes(many(2, 1000 + 2 * n))
    bench.intake.dies_after = 1
    with pytest.raises(Unavailable):
        bench.read()
    bench.read()
    bench.read()
    assert sorted(row["bytes"] for row in bench.intake.rows) == [*range(1, 151), *range(1001, 1005)]
    assert bench.errors == {}


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("dies_after", [0, 1, 2, 3])
def test_the_end_of_the_process_in_the_middle(
    bench: Bench, dies_after: int, stored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether or not the store took the last batch: all counts once when the process is back."""
    monkeypatch.setattr(reader_module, "_SMALL", 2000)
    monkeypatch.setattr(reader_module, "_BATCH_ROWS", 100)
    monkeypatch.setattr("weft.decode.cloud.decoder._Lines.read", _in_small_steps())
    (bench.logs / "large.log").write_bytes(many(350))
    for n in range(5):
        (bench.logs / f"small{n}.log").write_bytes(many(2, 1000 + 2 * n))
    bench.intake.dies_after, bench.intake.stored = dies_after, stored
    with pytest.raises(Unavailable):
        bench.read()
    (bench.logs / "late.log").write_bytes(many(1, 5000))
    bench.read()
    bench.read()
    expected = [*range(1, 351), *range(1001, 1011), 5001]
    assert sorted(row["bytes"] for row in bench.intake.rows) == expected
    assert bench.intake.again == int(stored)


def _in_small_steps() -> object:
    """Reads a hundred rows at a time, as a large file would."""
    from weft.decode.cloud import decoder
    from weft.decode.cloud.cells import Cells

    original = decoder._Lines.read

    def read(self: object, data: bytes, at: int, last: bool) -> object:
        cells = self._cells  # type: ignore[attr-defined]
        if cells.numbers.shape[1] != 100:
            self._cells = Cells(decoder.aws.WORDS, 100)  # type: ignore[attr-defined]
        return original(self, data, at, last)  # type: ignore[arg-type]

    return read


def test_a_file_that_grew_while_the_process_was_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "_SMALL", 100)
    (bench.logs / "a.log").write_bytes(many(20))
    bench.intake.dies_after = 0
    with pytest.raises(Unavailable):
        bench.read()
    (bench.logs / "a.log").write_bytes(many(33))
    bench.read()
    bench.read()
    assert sorted(row["bytes"] for row in bench.intake.rows) == list(range(1, 34))


def test_account_and_region_by_the_path(bench: Bench) -> None:
    folder = bench.logs / "AWSLogs" / "111122223333" / "vpcflowlogs" / "eu-central-1" / "2026" / "01" / "02"
    folder.mkdir(parents=True)
    (folder / "x.log").write_bytes(b"srcaddr dstaddr bytes interface-id\n10.0.0.1 10.0.0.2 7 eni-1\n")
    bench.path = str(bench.logs / "AWSLogs" / "*" / "vpcflowlogs" / "*" / "2026")
    bench.read()
    row = bench.intake.rows[0]
    assert (row["account"], row["region"]) == ("111122223333", "eu-central-1")


def test_lost_and_empty_intervals_are_counted(bench: Bench) -> None:
    empty = "5 123456789010 eni-1 - - - - - - - 1794999940 1795000000 - NODATA vpc-1 -"
    (bench.logs / "a.log").write_bytes(aws(empty, empty.replace("NODATA", "SKIPDATA"), empty))
    bench.read()
    status = bench.book.status()
    assert status.gaps == 1
    assert status.detail["intervals_without_data"] == 2
    assert len(bench.intake.rows) == 3


def test_more_files_than_may_be(bench: Bench) -> None:
    for n in range(8):
        (bench.logs / f"{n}.log").write_bytes(many(1, n))
        os.utime(bench.logs / f"{n}.log", (time.time() - 100 + n, time.time() - 100 + n))
    bench.read(max_files=3)
    assert bench.errors == {"too_many_files": 1}
    assert sorted(row["bytes"] for row in bench.intake.rows) == [6, 7, 8]
