"""Schema versions, columns and rollups that come later, retention."""

import dataclasses
import time

import pyarrow as pa
import pytest
from storekit import KEEP, flows_of, one, random_flows, rows_of

from weft.errors import ConfigError, Failed
from weft.model.flows import FLOWS
from weft.model.logs import LOGS
from weft.model.metrics import METRICS
from weft.model.rows import batch_of
from weft.model.tables import Column, Kind, Role
from weft.store import ddl
from weft.store.config import StoreConfig
from weft.store.engine import error_from
from weft.store.lookups import full_text_sql
from weft.store.open import open_store
from weft.store.schema import STEPS, Schema, Step


def _older(extra_gone, rollups):
    """FLOWS as it was before some columns and rollup dimensions were declared."""
    columns = tuple(c for c in FLOWS.columns if c.name not in extra_gone)
    kept = tuple(
        dataclasses.replace(r, dimensions=tuple(d for d in r.dimensions if d not in extra_gone)) for r in FLOWS.rollups
    )
    return dataclasses.replace(FLOWS, columns=columns, rollups=kept if rollups else ())


def _without(batch, names):
    return batch.select([n for n in batch.schema.names if n not in names])


def test_declared_columns_and_dimensions_are_added_to_an_older_store(open_any):
    gone = ("app", "ttl", "dst_net")
    old_table = _older(gone, rollups=True)
    old = open_any((old_table,))
    old.start()
    batch = random_flows(2000)
    old.insert(old_table, _without(batch, gone))
    old.stop()
    new = open_any()
    new.start()
    new.insert(FLOWS, batch)
    assert one(new, "SELECT count() FROM flows") == 4000
    assert one(new, "SELECT sum(app) FROM flows") == sum(batch.column("app").to_pylist())
    assert one(new, "SELECT sum(flows) FROM flows_path_1h") == 4000
    assert one(new, "SELECT sum(flows) FROM flows_path_1h WHERE app > 0") == sum(
        a > 0 for a in batch.column("app").to_pylist()
    )
    per_net = "SELECT dst_net, sum(flows) AS n FROM flows_destination_5m GROUP BY dst_net ORDER BY dst_net"
    assert rows_of(new, per_net) == rows_of(
        new, "SELECT dst_net, count() AS n FROM flows GROUP BY dst_net ORDER BY dst_net"
    )
    new.stop()


def test_rollups_declared_later_start_with_the_next_row(open_any):
    old_table = _older((), rollups=False)
    old = open_any((old_table,))
    old.start()
    old.insert(old_table, random_flows(100))
    old.stop()
    new = open_any()
    new.start()
    new.insert(FLOWS, random_flows(50))
    assert one(new, "SELECT sum(flows) FROM flows_source_1m") == 50
    new.stop()


def test_metrics_of_the_first_layout_move_to_the_present_one(open_any):
    def first(table=METRICS):
        shape = {"instance": "UInt64", "metric": "LowCardinality(String)", "value": "Float64", "exporter": "IPv6"}
        shape |= {"time_received": "DateTime64(3, 'UTC')", "source": "UInt8", "metric_type": "UInt8"}
        columns = ", ".join(f"{name} {kind}" for name, kind in shape.items())
        return f"CREATE TABLE {table.name} ({columns}) ENGINE = MergeTree ORDER BY metric"

    old = open_any((FLOWS,))
    old.start()
    old._engine.execute("TRUNCATE TABLE weft_schema")
    old._engine.execute("INSERT INTO weft_schema (version, weft) VALUES (1, '0.1')")
    old._engine.execute(first())
    old._engine.execute(
        "INSERT INTO metrics (time_received, exporter, source, metric_type, metric, instance, value) "
        "SELECT now64(3), toIPv6('192.0.2.1'), 1, 1, 'in_octets', 7, number FROM numbers(5)"
    )
    old.stop()
    for _ in range(2):
        new = open_any()
        new.start()
        assert rows_of(
            new, "SELECT if_index, sum(value) AS v, min(time) = min(time_received) AS same FROM metrics GROUP BY 1"
        ) == [{"if_index": 7, "v": 10.0, "same": 1}]
        assert (
            one(new, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'metrics_1'") == 0
        )
        new.stop()


def test_a_newer_store_is_refused(open_any):
    store = open_any()
    store.start()
    store._engine.execute("INSERT INTO weft_schema (version, weft) VALUES (99, '9.9')")
    with pytest.raises(Failed, match=r"written by Weft 9\.9 \(schema 99\).*Upgrade"):
        open_any().start()


def test_steps_run_once_and_in_order(open_any):
    store = open_any()
    store.start()
    store.insert(FLOWS, flows_of([{"time_received": 1_790_000_000 * 10**9, "bytes": 5}]))
    steps = (
        *STEPS,
        Step(3, "a note", lambda _: ["CREATE TABLE notes (n UInt32) ENGINE = MergeTree ORDER BY n"]),
        Step(4, "two rows", lambda _: ["INSERT INTO notes VALUES (1)", "INSERT INTO notes VALUES (2)"]),
    )
    for _ in range(2):
        Schema(store._engine, store._config, (FLOWS,), (), steps).update()
    assert one(store, "SELECT count() FROM notes") == 2
    assert one(store, "SELECT groupArray(version) FROM (SELECT version FROM weft_schema ORDER BY version)") == [2, 3, 4]
    store.stop()


def test_a_visitor_with_other_settings_lets_nothing_expire(open_any):
    engine = "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = 'flows'"
    for settings in ({"retention_days": {"flows": 90}}, {"retention_days": {"flows": 1}, "visiting": True}):
        store = open_any(**settings)
        store.start()
        assert "toIntervalDay(90)" in one(store, engine)
        store.stop()


def test_retention_is_by_table_and_follows_the_configuration(open_any):
    def ttl(name):
        return one(
            store, f"SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = '{name}'"
        )

    store = open_any(retention_days={"flows": 7})
    store.start()
    assert "toIntervalDay(7)" in ttl("flows")
    assert "ttl_only_drop_parts = 1" in ttl("flows")
    assert "toIntervalDay(120)" in ttl("flows_path_5m")
    store.stop()
    store = open_any(retention_days=KEEP | {"flows": 9, "flows_path_5m": 50})
    store.start()
    assert "toIntervalDay(9)" in ttl("flows")
    assert "toIntervalDay(50)" in ttl("flows_path_5m")
    store.insert(FLOWS, flows_of([{"time_received": 1_000_000_000 * 10**9, "bytes": 1}]))
    store._engine.execute("OPTIMIZE TABLE flows FINAL")
    assert one(store, "SELECT count() FROM flows") == 0, "rows past their time go"
    store.stop()


def test_settings_that_cannot_work_are_refused():
    with pytest.raises(ConfigError, match=r"store\.cluster"):
        open_store(StoreConfig(cluster="c1"))
    for wrong in (
        {"url": "clickhouse:9000"},
        {"retention_days": {"flows": 99999}},
        {"database": "x; DROP"},
        {"nosuch": 1},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            StoreConfig.model_validate(wrong)


def test_cluster_ddl_replicates_and_distributes():
    config = StoreConfig(url="http://x", cluster="main")
    statements = ddl.create_statements(FLOWS, config)
    assert "flows_local ON CLUSTER 'main'" in statements[0]
    assert "ReplicatedMergeTree('/clickhouse/tables/{shard}/weft/flows', '{replica}')" in statements[0]
    assert "ENGINE = Distributed('main', weft, flows_local, cityHash64(time_received))" in statements[1]
    assert (
        "ReplicatedSummingMergeTree('/clickhouse/tables/{shard}/weft/flows_path_1m', '{replica}', "
        "(bytes, packets, flows))" in statements[2]
    )
    column = Column("new", pa.uint8(), "UInt8", Role.DIMENSION, Kind.NUMBER, "")
    assert len(ddl.add_column("flows", column, config)) == 2


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("Code: 241. DB::Exception: Memory limit exceeded. Stack trace: x", "limit_exceeded", "fewer groups"),
        ("Code: 252. DB::Exception: Too many parts", "store_unavailable", "Too many parts"),
        ("Code: 47. DB::Exception: Unknown identifier", "failed", "Unknown identifier"),
        ("something else", "failed", "something else"),
    ],
)
def test_engine_errors_say_what_the_caller_should_do(text, kind, says):
    error = error_from(text)
    assert error.code == kind
    assert says in error.message
    assert "Stack trace" not in error.message


def test_words_are_indexed_in_a_table_that_was_made_before_they_were(open_any):
    def rows(text):
        return batch_of(LOGS, 50, time=time.time_ns(), message=[f"{text} Word{n}" for n in range(50)])

    plain = dataclasses.replace(LOGS, full_text=())
    old = open_any((plain,))
    old.start()
    old.insert(plain, rows("before"))
    old.stop()
    new = open_any((LOGS,))
    new.start()
    new.insert(LOGS, rows("After"))
    indexes = "SELECT count() FROM system.data_skipping_indices WHERE database = currentDatabase() AND type = 'text'"
    assert one(new, indexes) == 1
    search = f"SELECT message FROM logs WHERE hasAllTokens({full_text_sql('message')}, 'word7') ORDER BY message"
    assert [row["message"] for row in rows_of(new, search)] == ["After Word7", "before Word7"]
    new.stop()
