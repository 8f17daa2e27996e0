from pathlib import Path

import numpy as np
import pytest

from weft.collect.ledger import RowLedger
from weft.collect.spool import Spool
from weft.errors import Failed
from weft.model.flows import FLOWS

from .fakes import rows_of


def flows(n: int, first: int = 0) -> object:
    return rows_of(FLOWS.schema, n, bytes=np.arange(first, first + n, dtype=np.uint64))


def spool(path: Path, limit: int = 1 << 30) -> Spool:
    one = Spool(path, limit, 1 << 20)
    one.open()
    return one


def test_batches_come_back_in_order_over_a_restart(tmp_path: Path) -> None:
    one = spool(tmp_path)
    for i in range(3):
        assert one.put("flows", flows(10, i * 10), f"token-{i}") == (True, [])
    assert one.status().rows == 30
    again = spool(tmp_path)
    again.put("flows", flows(10, 30), "token-3")
    seen = []
    while (entry := again.oldest()) is not None:
        seen.append((entry.token, again.read(entry).column("bytes").to_pylist()))
        again.drop(entry)
    assert [token for token, _ in seen] == ["token-0", "token-1", "token-2", "token-3"]
    assert [value for _, values in seen for value in values] == list(range(40))
    assert len(spool(tmp_path)) == 0
    assert again.status().size == 0


def test_unfinished_and_foreign_files_are_no_batches(tmp_path: Path) -> None:
    (tmp_path / "000000000007-flows-3-abc.arrow.tmp").write_bytes(b"half")
    (tmp_path / "notes.arrow").write_bytes(b"mine")
    one = spool(tmp_path)
    assert len(one) == 0
    assert not list(tmp_path.glob("*.tmp"))
    assert (tmp_path / "notes.arrow").exists()


def test_a_full_spool_gives_up_the_oldest(tmp_path: Path) -> None:
    one = spool(tmp_path)
    one.put("flows", flows(1000), "a")
    limit = one.status().size * 5 // 2
    small = spool(tmp_path, limit)
    gone = [entry.token for token in "bcd" for entry in small.put("flows", flows(1000), token)[1]]
    assert gone == ["a", "b"]
    assert small.status().size <= limit


def test_a_damaged_file_is_refused_and_set_aside(tmp_path: Path) -> None:
    one = spool(tmp_path)
    one.put("flows", flows(10), "a")
    entry = one.oldest()
    assert entry is not None
    entry.path.write_bytes(entry.path.read_bytes()[:40])
    with pytest.raises(Failed):
        one.read(entry)
    one.set_aside(entry)
    assert one.oldest() is None
    assert one.status().rejected_files == 1
    assert (tmp_path / "rejected" / entry.path.name).exists()


def test_a_disk_that_refuses_loses_nothing_silently(tmp_path: Path) -> None:
    one = spool(tmp_path / "spool")
    for path in [tmp_path / "spool" / "rejected", tmp_path / "spool"]:
        path.rmdir()
    assert one.put("flows", flows(10), "a") == (False, [])
    assert len(one) == 0


def test_an_unusable_directory_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Failed, match=r"collect\.spool_dir"):
        spool(tmp_path / "file" / "spool")


def test_the_ledger_counts_rows_by_exporter() -> None:
    exporters = np.zeros((5, 16), np.uint8)
    exporters[:, 10:12] = 255
    exporters[:, 15] = [1, 1, 1, 2, 2]
    book = RowLedger()
    book.count(rows_of(FLOWS.schema, 5, exporter=exporters), "rejected")
    book.count_rows(7, "spool_full")
    assert book.by_exporter() == {
        "0.0.0.1": {"rejected": 3}, "0.0.0.2": {"rejected": 2}, "others": {"spool_full": 7},
    }  # fmt: skip
    assert book.totals() == {"rejected": 5, "spool_full": 7}
