"""What a store promises, the same on the embedded engine and on a server."""

import threading
import time

import numpy as np
import pyarrow as pa
import pytest
from storekit import NOON, flows_of, one, random_flows, rows_of

from weft.errors import Failed, InvalidInput, LimitExceeded
from weft.model.flows import FLOWS
from weft.model.metrics import METRICS
from weft.model.rows import batch_of
from weft.model.tables import Column, Kind, Role, Table
from weft.store.telemetry import Limits

V4 = b"\0" * 10 + b"\xff\xff\x0a\x00\x00\x01"
V6 = bytes.fromhex("20010db8000000000000000000000001")

KINDS = Table(
    "kinds",
    "Every type that a column can have.",
    columns=(
        Column("at", pa.timestamp("ns", "UTC"), "DateTime('UTC')", Role.TIME, Kind.TIMESTAMP, ""),
        Column("at_ms", pa.timestamp("ns", "UTC"), "DateTime64(3, 'UTC')", Role.DIMENSION, Kind.TIMESTAMP, ""),
        Column("at_us", pa.timestamp("ns", "UTC"), "DateTime64(6, 'UTC')", Role.DIMENSION, Kind.TIMESTAMP, ""),
        Column("address", pa.binary(16), "IPv6", Role.DIMENSION, Kind.ADDRESS, ""),
        Column("u8", pa.uint8(), "UInt8", Role.DIMENSION, Kind.NUMBER, ""),
        Column("u16", pa.uint16(), "UInt16", Role.DIMENSION, Kind.NUMBER, ""),
        Column("u32", pa.uint32(), "UInt32", Role.DIMENSION, Kind.NUMBER, ""),
        Column("u64", pa.uint64(), "UInt64", Role.MEASURE, Kind.NUMBER, ""),
        Column("i64", pa.int64(), "Int64", Role.DIMENSION, Kind.NUMBER, "", optional=True),
        Column("real", pa.float64(), "Float64", Role.DIMENSION, Kind.NUMBER, ""),
        Column("flag", pa.bool_(), "Bool", Role.DIMENSION, Kind.NUMBER, ""),
        Column("text", pa.string(), "String", Role.DIMENSION, Kind.TEXT, ""),
        Column("word", pa.dictionary(pa.int32(), pa.string()), "LowCardinality(String)", Role.DIMENSION, Kind.TEXT, ""),
    ),
    order_by=("at",),
    ttl_days=20000,
)


def _kinds(rows):
    arrays = []
    for column in KINDS.columns:
        values = [row.get(column.name) for row in rows]
        if pa.types.is_dictionary(column.arrow):
            arrays.append(pa.array(values, pa.string()).dictionary_encode().cast(column.arrow))
        else:
            arrays.append(pa.array(values, column.arrow))
    schema = pa.schema([pa.field(c.name, c.arrow) for c in KINDS.columns])
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def test_every_type_comes_back_as_it_went_in(open_any):
    store = open_any((KINDS,))
    store.start()
    at = NOON * 10**9 + 123_456_789
    rows = [
        {"at": at, "at_ms": at, "at_us": at, "address": V4, "u8": 255, "u16": 65535, "u32": 2**32 - 1, "u64": 2**64 - 1,
         "i64": -5, "real": -0.5, "flag": True, "text": "x" * 200 + "ü\0'\\", "word": "a"},
        {"at": at, "at_ms": -1, "at_us": 0, "address": V6, "u8": 0, "u16": 1, "u32": 2, "u64": 3, "i64": 2**62,
         "real": 1e300, "flag": False, "text": "", "word": ""},
        {"at": at, "word": "a"},  # nulls are stored as the default
    ]  # fmt: skip
    store.insert(KINDS, _kinds(rows))
    found = rows_of(
        store,
        "SELECT toUnixTimestamp(at) AS at, toUnixTimestamp64Milli(at_ms) AS at_ms, "
        "toUnixTimestamp64Micro(at_us) AS at_us, * EXCEPT (at, at_ms, at_us) FROM kinds ORDER BY u64 DESC",
    )
    assert found[0] == rows[0] | {"at": NOON, "at_ms": NOON * 1000 + 123, "at_us": NOON * 10**6 + 123_456}
    assert found[1] == rows[1] | {"at": NOON, "at_ms": -1, "at_us": 0}
    names = ("address", "u8", "i64", "real", "flag", "text", "word")
    assert [found[2][name] for name in names] == [
        bytes(16),
        0,
        0,
        0.0,
        False,
        "",
        "a",
    ]
    store.insert(KINDS, _kinds(rows).slice(1, 1))  # a slice: the buffers start elsewhere
    assert one(store, "SELECT count() FROM kinds WHERE address = {a:IPv6} AND text = ''", a="2001:db8::1") == 2
    store.stop()


def test_flows_keep_every_column(store):
    row = {c.name: 200 + i if c.arrow == pa.uint8() and i < 50 else i + 1 for i, c in enumerate(FLOWS.columns)}
    row |= {c.name: V6 for c in FLOWS.columns if c.arrow == pa.binary(16)}
    row |= {c.name: (NOON + 1) * 10**9 for c in FLOWS.columns if pa.types.is_timestamp(c.arrow)}
    row |= {c.name: 7 for c in FLOWS.columns if c.arrow == pa.uint8()}
    store.insert(FLOWS, flows_of([row]))
    (found,) = rows_of(store, "SELECT * REPLACE (toUnixTimestamp(time_received) AS time_received) FROM flows")
    assert found.pop("time_received") == NOON + 1
    for name, value in found.items():
        if not name.startswith("time_") or name == "time_quality":
            assert value == row[name], name


def test_columns_left_out_have_their_default(store):
    store.insert(
        FLOWS, flows_of([{"time_received": NOON * 10**9, "bytes": 1, "ttl": 0}, {"time_received": NOON * 10**9}])
    )
    store.insert(FLOWS, flows_of([{"time_received": NOON * 10**9, "ttl": 9}]))
    assert rows_of(store, "SELECT ttl, next_hop, src_mac FROM flows ORDER BY ttl DESC LIMIT 1") == [
        {"ttl": 9, "next_hop": bytes(16), "src_mac": 0}
    ]
    assert one(store, "SELECT count() FROM flows") == 3


def test_metrics_with_a_shared_vocabulary(store):
    words = pa.DictionaryArray.from_arrays(pa.array([1, 0, 1], pa.int32()), pa.array(["in_octets", "out_octets"]))
    batch = batch_of(
        METRICS, 3, time=[NOON * 10**9] * 3, exporter=V4, source=1, metric_type=1, metric=words, value=[0.5, 1.5, 2.5]
    )
    store.insert(METRICS, batch)
    store.insert(METRICS, batch.slice(2))
    assert rows_of(store, "SELECT metric, sum(value) AS v FROM metrics GROUP BY metric ORDER BY metric") == [
        {"metric": "in_octets", "v": 1.5},
        {"metric": "out_octets", "v": 5.5},
    ]


def test_a_batch_that_does_not_fit_is_refused(store):
    with pytest.raises(InvalidInput, match="no column `x`"):
        store.insert(FLOWS, pa.RecordBatch.from_pydict({"x": [1]}))
    with pytest.raises(InvalidInput, match="not uint64"):
        store.insert(FLOWS, pa.RecordBatch.from_arrays([pa.array(["a"])], names=["bytes"]))
    store.insert(FLOWS, flows_of([]))
    assert one(store, "SELECT count() FROM flows") == 0


def _sums(store, table):
    count = "count()" if table == "flows" else "sum(flows)"
    return rows_of(store, f"SELECT sum(bytes) AS b, sum(packets) AS p, {count} AS n FROM {table}")


@pytest.mark.parametrize("seed", [1, 2])
def test_rollups_are_exactly_the_sum_of_the_rows(store, seed):
    for part in range(3):
        store.insert(FLOWS, random_flows(5000, seed * 10 + part, start=NOON + part * 1700, seconds=4000))
    for rollup in FLOWS.rollups:
        assert _sums(store, rollup.name) == _sums(store, "flows")
        keys = ", ".join(rollup.dimensions)
        raw = (
            f"SELECT toStartOfInterval(time_received, INTERVAL {rollup.seconds} SECOND) AS t, {keys}, "
            "sum(bytes) AS b, sum(packets) AS p, count() AS n FROM flows GROUP BY ALL"
        )
        kept = (
            f"SELECT time_received AS t, {keys}, sum(bytes) AS b, sum(packets) AS p, sum(flows) AS n "
            f"FROM {rollup.name} GROUP BY ALL"
        )
        assert one(store, f"SELECT count() FROM ({raw} EXCEPT {kept})") == 0
        assert one(store, f"SELECT count() FROM ({kept} EXCEPT {raw})") == 0


def test_a_replayed_batch_is_counted_once_in_rollups_too(store):
    batch = random_flows(1000)
    store.insert(FLOWS, batch, token="batch-1")
    store.insert(FLOWS, batch, token="batch-2")  # the same rows again are other rows
    store.insert(FLOWS, batch, token="batch-1")
    store.insert(FLOWS, batch)
    store.insert(FLOWS, batch)
    assert one(store, "SELECT count() FROM flows") == 4000
    for rollup in FLOWS.rollups:
        assert one(store, f"SELECT sum(flows) FROM {rollup.name}") == 4000


def test_limits_stop_a_query_and_say_what_to_do(store):
    endless = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) % 7 = 1"
    with pytest.raises(LimitExceeded, match="shorter time range"):
        store.query(endless, limits=Limits(seconds=0.3))
    with pytest.raises(LimitExceeded, match="fewer groups"):
        store.query("SELECT uniqExact(number) FROM numbers(100000000)", limits=Limits(memory_bytes=20 << 20))
    with pytest.raises(LimitExceeded):
        store.query("SELECT number FROM numbers(1000)", limits=Limits(result_rows=10))
    with pytest.raises(Failed, match="nosuch"):
        store.query("SELECT nosuch FROM flows")
    assert one(store, "SELECT 1") == 1, "the store answers on after errors"


def test_a_running_query_can_be_cancelled(store):
    endless = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) % 7 = 1"
    failed: list[BaseException] = []

    def ask():
        try:
            store.query(endless, query_id="q-1")
        except LimitExceeded as error:
            failed.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    deadline = time.monotonic() + 15
    while thread.is_alive() and time.monotonic() < deadline:
        store.cancel("q-1")
        thread.join(0.2)
    assert not thread.is_alive()
    assert "cancelled" in failed[0].message


def test_parameters_are_values_never_sql(store):
    nasty = "a'b\\c\n\t\"; DROP TABLE flows"
    assert one(store, "SELECT {x:String}", x=nasty) == nasty
    assert one(store, "SELECT {x:Array(UInt32)}", x=[1, 2]) == [1, 2]


def test_queries_run_beside_each_other_and_beside_inserts(store):
    batch = random_flows(20_000)
    store.insert(FLOWS, batch)
    errors: list[BaseException] = []

    def work(job):
        try:
            for _ in range(5):
                job()
        except BaseException as error:  # noqa: BLE001  # the main thread looks at it
            errors.append(error)

    jobs = [lambda: store.insert(FLOWS, batch)] + [
        lambda: store.query("SELECT src_addr, sum(bytes) FROM flows GROUP BY 1")
    ] * 6
    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert one(store, "SELECT count() FROM flows") == 120_000


def test_provenance_says_what_was_read(store):
    store.insert(FLOWS, random_flows(5000))
    result = store.query("SELECT sum(bytes) AS b FROM flows")
    assert result.rows_read == 5000
    assert result.bytes_read > 5000
    assert result.elapsed_ms > 0
    assert isinstance(np.asarray(result.table["b"]), np.ndarray)
