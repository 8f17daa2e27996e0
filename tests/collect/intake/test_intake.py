"""The intake: rows tied to the inventory, bounded in time and memory, stored or spooled; books of sources."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest
from tests.waiting import until

from collect.fakes import FakeStore
from weft.collect.config import CollectConfig
from weft.collect.intake import Intake, SourceBook
from weft.collect.intake import intake as module
from weft.errors import Unavailable
from weft.model.addresses import NO_ADDRESS, packed
from weft.model.cloud import CLOUD_FLOWS
from weft.model.logs import LOGS
from weft.model.metrics import METRICS
from weft.model.rows import batch_of

ROUTER, OTHER = packed("192.0.2.1"), packed("192.0.2.2")


class Known:
    """An inventory of one router with two addresses and one interface."""

    version = 1

    def address_of(self, host):
        return ROUTER if host == "r1" else NO_ADDRESS

    def primary_address(self, address):
        return ROUTER if address == OTHER else address

    def if_index_of(self, exporter, name):
        return 7 if exporter == ROUTER and name in ("Ethernet1", "Et1") else 0

    def interface_name(self, exporter, if_index):
        return "Ethernet1" if exporter == ROUTER and if_index == 7 else ""


@pytest.fixture
def store():
    return FakeStore()


@pytest.fixture
def intake(store, tmp_path):
    one = Intake(CollectConfig(batch_ms=50), store=store, identity=Known(), data_dir=tmp_path)
    one.start()
    yield one
    one.stop()


def metrics(n=1, **columns):
    now = time.time_ns()
    return batch_of(METRICS, n, **{"time": now, "time_received": now, "source": 2, "metric_type": 2} | columns)


def stored(store, table=METRICS):
    return [row for name, batch, *_ in store.batches if name == table.name for row in batch.to_pylist()]


def test_rows_are_tied_to_the_inventory(intake, store):
    intake.put(METRICS, metrics(4, exporter=[NO_ADDRESS, OTHER, ROUTER, NO_ADDRESS], host=["r1", "", "", "elsewhere"],
                                component=["Et1", "", "", "Et1"], if_index=[0, 7, 8, 0]))  # fmt: skip
    intake.flush()
    found = [(row["exporter"], row["component"], row["if_index"]) for row in stored(store)]
    assert found == [(ROUTER, "Et1", 7), (ROUTER, "Ethernet1", 7), (ROUTER, "", 8), (NO_ADDRESS, "Et1", 0)]


def test_logs_go_the_same_way(intake, store):
    now = time.time_ns()
    intake.put(LOGS, batch_of(LOGS, 1, time=now, exporter=ROUTER, message="hello", component="Ethernet1"))
    intake.flush()
    (row,) = stored(store, LOGS)
    assert (row["message"], row["if_index"]) == ("hello", 7)


def test_times_are_bounded(intake, store):
    book = intake.open_source("snmp", "r1")
    now = time.time_ns()
    day = 86_400 * 10**9
    intake.put(METRICS, metrics(3, time=[now - 400 * day, now, now + day], metric=["old", "now", "ahead"]), book)
    intake.flush()
    rows = {row["metric"]: row["time"].value for row in stored(store)}
    assert rows.keys() == {"now", "ahead"}
    assert abs(rows["ahead"] - now) < 60 * 10**9
    assert book.status().errors == {"too_old": 1, "time_in_future": 1}


@pytest.mark.parametrize(("kept", "stored_rows"), [({}, 1), ({"cloud_flows": 400}, 2)])
def test_history_is_taken_as_far_back_as_the_store_keeps_it(store, tmp_path, kept, stored_rows):
    intake = Intake(CollectConfig(), store=store, data_dir=tmp_path, retention_days=kept)
    intake.start()
    book, day = intake.open_source("cloud", "x"), 86_400 * 10**9
    rows = batch_of(CLOUD_FLOWS, 2, time=[time.time_ns() - days * day for days in (20, 300)])
    intake.put_once(CLOUD_FLOWS, rows, "a batch", book)
    intake.stop()
    assert len(stored(store, CLOUD_FLOWS)) == stored_rows
    assert book.status().errors == ({"too_old": 1} if not kept else {})


def test_what_comes_without_a_book_is_counted_all_the_same(intake):
    intake.put(METRICS, metrics(1, time=[time.time_ns() - 400 * 86_400 * 10**9]))
    assert intake.lost() == {"too_old": 1}


def test_late_values_are_counted_with_their_source(intake):
    book = intake.open_source("snmp", "r1")
    now = time.time_ns()
    for at in (now, now - 10**9):
        intake.put(METRICS, metrics(1, time=[at], metric_type=1, metric="in_octets", exporter=ROUTER), book)
    assert book.status().late == 1


def test_a_store_that_is_away_is_waited_for_on_disk(store, tmp_path):
    store.away = True
    intake = Intake(CollectConfig(batch_ms=10, retry_ms=20), store=store, data_dir=tmp_path)
    intake.start()
    intake.put(METRICS, metrics(5, metric="m"))
    intake.flush()
    assert not stored(store)
    store.away = False
    assert len(until(lambda: stored(store))) == 5
    intake.stop()


def test_what_cannot_be_taken_is_refused_and_counted(intake, monkeypatch):
    monkeypatch.setattr(module, "_MOST_WAITING_ROWS", 1)
    monkeypatch.setattr(module, "_WAIT_S", 0.01)
    book = intake.open_source("syslog", "r1")
    with pytest.raises(Unavailable, match="full"):
        intake.put(METRICS, metrics(2), book)
    assert book.status().errors == {"refused": 2}


def test_a_stopped_intake_refuses(store, tmp_path):
    intake = Intake(CollectConfig(), store=store, data_dir=tmp_path)
    with pytest.raises(Unavailable):
        intake.put(METRICS, metrics())


def test_a_book_tells_how_its_source_is():
    book = SourceBook("snmp", "r1", "192.0.2.1:161", expected_s=10)
    assert book.status().state == "starting"
    book.error("timeout", "no answer", failing=True)
    assert book.status().state == "failing"
    book.came(20, lag_s=0.25)
    status = book.status()
    assert (status.state, status.rows, status.received, status.lag_s) == ("degraded", 20, 1, 0.25)
    assert status.per_s > 0
    book.skew(-2.0)
    book.skew(-3.0)
    book.skew(500.0)
    assert book.status().clock_skew_s == -2.0


def test_a_source_that_says_nothing_is_silent(monkeypatch):
    book = SourceBook("gnmi", "r1", expected_s=10)
    book.came(1)
    later = time.time_ns() + 40 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: later)
    assert book.status().state == "silent"


def test_coverage_is_the_share_of_what_was_expected(monkeypatch):
    base, clock = time.monotonic(), [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: base + clock[0])
    book = SourceBook("snmp", "r1", expected_s=60)
    for minute in range(60):
        clock[0] = minute * 60.0
        if minute % 4:
            book.came(1)
    clock[0] = 3600.0
    assert book.status().coverage == pytest.approx(0.75, abs=0.03)


def test_reasons_are_bounded():
    book = SourceBook("syslog", "r1")
    for i in range(200):
        book.error(f"reason{i}")
    errors = book.status().errors
    assert len(errors) == 51
    assert errors["other"] == 150


def test_a_batch_of_the_wrong_schema_does_not_stop_the_intake(intake, store):
    with pytest.raises((KeyError, pa.ArrowInvalid, AttributeError, IndexError)):
        intake.put(METRICS, pa.RecordBatch.from_pydict({"time": pa.array([1], pa.timestamp("ns", "UTC"))}))
    intake.put(METRICS, metrics(1, metric="after"))
    intake.flush()
    assert stored(store)[-1]["metric"] == "after"
