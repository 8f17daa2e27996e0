import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.waiting import until

from weft.collect.batcher import Batch, Batcher, joined
from weft.collect.gather import Gatherer
from weft.collect.ledger import RowLedger
from weft.collect.spool import Spool
from weft.collect.writer import Writer
from weft.errors import Failed, LimitExceeded
from weft.model.addresses import packed
from weft.model.flows import FLOWS
from weft.model.metrics import METRICS

from .fakes import FakeStore, rows_of


class Rig:
    """A writer over a fake store, with small times."""

    def __init__(self, path: Path, spool_bytes: int = 1 << 30, **given: Any) -> None:
        self.store, self.ledger = FakeStore(), RowLedger()
        self.spool = Spool(path, spool_bytes, 1 << 20)
        self.spool.open()
        settings: dict[str, Any] = {"pending": 2, "spool_after_s": 0.05, "retry_s": 0.02}
        self.writer = Writer(self.store, self.spool, self.ledger, (FLOWS, METRICS), **(settings | given))
        self.writer.start()

    def send(self, *values: int) -> None:
        exporter = np.tile(np.frombuffer(packed("192.0.2.1"), np.uint8), (len(values), 1))
        rows = rows_of(FLOWS.schema, len(values), bytes=np.array(values, np.uint64), exporter=exporter)
        self.writer.submit(Batch(FLOWS, rows, time.time_ns()))


@pytest.fixture
def rig(tmp_path: Path):  # type: ignore[no-untyped-def]
    one = Rig(tmp_path / "spool")
    yield one
    one.store.gate.set()
    one.writer.stop()


def test_batches_are_stored_in_order_and_counted(rig: Rig) -> None:
    began = time.monotonic()
    for i in range(5):
        rig.send(i)
    assert rig.writer.flush(5)
    assert rig.store.values() == [0, 1, 2, 3, 4]
    status = rig.writer.status()
    assert status.rows == {"flows": 5, "metrics": 0}
    assert 0 < status.latency_ms["max"] <= (time.monotonic() - began) * 1000


def test_a_store_that_is_away_loses_nothing(rig: Rig) -> None:
    rig.store.away = True
    for i in range(20):
        rig.send(i)
    rig.writer.flush(5)
    assert rig.store.values() == []
    assert len(rig.spool) == 20
    assert not rig.writer.status().available
    rig.store.away = False
    rig.send(20)
    until(lambda: len(rig.spool) == 0)
    rig.writer.flush(5)
    assert sorted(rig.store.values()) == list(range(21))
    spooled = [value for value in rig.store.values() if value < 20]
    assert spooled == list(range(20))  # drained in order
    assert rig.writer.status().available
    assert rig.ledger.totals() == {}
    assert rig.store.attempts < 60  # retried now and then, not in a loop


def test_a_store_that_hangs_does_not_hold_up_live_traffic(rig: Rig) -> None:
    rig.store.gate.clear()
    began = time.monotonic()
    for i in range(12):
        rig.send(i)
    assert time.monotonic() - began < 30
    assert len(rig.spool) >= 8
    rig.store.gate.set()
    until(lambda: len(rig.store.values()) == 12)
    assert sorted(rig.store.values()) == list(range(12))


def test_batches_go_to_disk_at_once_when_datagrams_pile_up(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "spool", spool_after_s=60, in_a_hurry=lambda: True)
    rig.store.gate.clear()
    began = time.monotonic()
    for i in range(6):
        rig.send(i)
    assert time.monotonic() - began < 30
    assert len(rig.spool) >= 3
    rig.store.gate.set()
    until(lambda: len(rig.store.values()) == 6)
    rig.writer.stop()


def test_a_poisoned_batch_is_set_aside_once(rig: Rig) -> None:
    rig.store.refuse = Failed("type mismatch")
    rig.send(1, 2, 3)
    rig.writer.flush(5)
    rig.store.refuse = None
    rig.send(4)
    rig.writer.flush(5)
    assert rig.store.values() == [4]
    assert rig.store.attempts == 2
    assert rig.ledger.totals() == {"rejected": 3}
    assert rig.spool.status().rejected_files == 1
    assert rig.writer.status().errors == {"failed": 1}


def test_a_poisoned_spool_file_does_not_block_the_others(rig: Rig) -> None:
    rig.store.away = True
    for i in range(3):
        rig.send(i)
    rig.writer.flush(5)
    entry = rig.spool.oldest()
    assert entry is not None
    entry.path.write_bytes(b"damaged")
    rig.store.away = False
    until(lambda: len(rig.spool) == 0)
    assert rig.store.values() == [1, 2]
    assert rig.ledger.totals() == {"rejected": 1}


def test_an_unexpected_defect_is_like_a_refusal(rig: Rig) -> None:
    rig.store.refuse = ZeroDivisionError("oops")
    rig.send(1)
    rig.writer.flush(5)
    assert rig.ledger.totals() == {"rejected": 1}
    assert rig.writer.status().errors == {"internal_error": 1}


def test_a_batch_over_a_limit_is_halved(rig: Rig) -> None:
    rig.store.refuse, rig.store.refuse_above = LimitExceeded("memory"), 30_000
    rig.send(*range(80_000))
    rig.writer.flush(5)
    assert rig.store.values() == list(range(80_000))
    assert rig.ledger.totals() == {}


def test_a_full_spool_counts_what_it_gives_up(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "spool", spool_bytes=1)
    rig.store.away = True
    for i in range(4):
        rig.send(i)
    rig.writer.flush(5)
    rig.store.away = False
    until(lambda: len(rig.spool) == 0)
    rig.writer.stop()
    assert rig.store.values() == [3]
    assert rig.ledger.totals() == {"spool_full": 3}
    assert rig.ledger.by_exporter() == {"192.0.2.1": {"spool_full": 3}}


def test_neither_store_nor_disk(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "spool", spool_bytes=0)
    rig.store.away = True
    rig.send(1, 2)
    rig.writer.stop()
    assert rig.ledger.totals() == {"disk": 2}


def test_stop_leaves_nothing_in_memory_and_a_restart_continues(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "spool")
    rig.store.away = True
    rig.send(1)
    rig.send(2)
    rig.writer.stop()
    assert len(rig.spool) == 2
    again = Rig(tmp_path / "spool")
    until(lambda: again.store.values() == [1, 2])
    again.writer.stop()


def test_batcher_gives_full_and_old_batches() -> None:
    batcher = Batcher(FLOWS, rows=5, wait_s=60)
    assert batcher.take() is None
    assert batcher.due_in() == float("inf")
    batcher.add(rows_of(FLOWS.schema, 2), born_ns=7)
    assert 0 < batcher.due_in() <= 60
    batcher.add(rows_of(FLOWS.schema, 3), born_ns=5)
    assert batcher.due_in() == 0
    batch = batcher.take()
    assert batch is not None
    assert (batch.rows.num_rows, batch.born_ns, batcher.rows) == (5, 5, 0)


def test_joining_keeps_dictionary_columns() -> None:
    rows = joined([rows_of(METRICS.schema, 2), rows_of(METRICS.schema, 3)])
    assert rows.schema == METRICS.schema
    assert rows.column("metric").to_pylist() == ["x"] * 5


def test_gathered_rows_equal_concatenated_ones() -> None:
    rng = np.random.default_rng(3)
    gatherer = Gatherer(FLOWS.schema, expected_rows=100_000)
    kept: list[tuple[pa.RecordBatch, pa.RecordBatch]] = []
    for round_ in range(4):
        parts = []
        for i in range(5):
            n = int(rng.integers(1, 30_000))
            given = {"bytes": rng.integers(0, 9, n).astype(np.uint64), "protocol": np.full(n, i, np.uint8)}
            if i in (2, 4):  # a column that is zero at first, and in between
                given["inner_vlan"] = np.arange(n, dtype=np.uint16)
            if round_ % 2:
                given["src_addr"] = rng.integers(0, 256, (n, 16)).astype(np.uint8)
            parts.append(rows_of(FLOWS.schema, n, **given).slice(int(rng.integers(0, 2))))
        for part in parts:
            gatherer.add(part)
        kept.append((gatherer.take(), joined(parts)))
    for ours, plain in kept:  # none was overwritten while still in use
        assert ours.equals(plain)


def test_gathered_memory_is_used_again() -> None:
    gatherer = Gatherer(FLOWS.schema, expected_rows=100_000)
    places = set()
    for _ in range(10):
        gatherer.add(rows_of(FLOWS.schema, 40_000, bytes=np.ones(40_000, np.uint64)))
        places.add(gatherer.take().column("bytes").buffers()[1].address)
    assert len(places) <= 2
