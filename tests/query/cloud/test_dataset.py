"""Questions about cloud flows on the real store: each packet once, sampling, rejected traffic, lost intervals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.query.conftest import DAY

from weft.model.addresses import packed
from weft.model.cloud import CLOUD_FLOWS
from weft.model.rows import batch_of
from weft.query.cloud.dataset import build_cloud
from weft.query.engine import QueryEngine
from weft.query.model import Query
from weft.store.config import StoreConfig
from weft.store.open import open_store

AT = DAY + 6 * 3600


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueryEngine]:
    store = open_store(StoreConfig(data_dir=tmp_path_factory.mktemp("cloud"), retention_days={"cloud_flows": 20000}))
    store.start()
    rows: list[dict[str, Any]] = [
        {"vpc": "vpc-1", "direction": 2, "destination": 8, "bytes": 1000, "packets": 10, "verdict": 1},
        {"vpc": "vpc-1", "direction": 2, "destination": 1, "bytes": 500, "packets": 5, "verdict": 1},
        {"vpc": "vpc-2", "direction": 1, "bytes": 500, "packets": 5, "verdict": 1, "counted": 0},
        {"vpc": "vpc-3", "direction": 2, "destination": 5, "bytes": 100, "packets": 1, "verdict": 1,
         "sampling_rate": 2, "provider": 3},
        {"vpc": "vpc-1", "direction": 1, "bytes": 40, "packets": 1, "verdict": 2, "dst_port": 22},
        {"vpc": "vpc-1", "log_state": 2}, {"vpc": "vpc-1", "log_state": 3}, {"vpc": "vpc-1", "log_state": 3},
    ]  # fmt: skip
    names = {name for row in rows for name in row} | {"provider", "counted", "log_state"}
    columns = {
        name: [
            row.get(name, "" if name == "vpc" else int(name in {"provider", "counted", "log_state"})) for row in rows
        ]
        for name in names
    }
    stamp = (AT + 60) * 10**9
    store.insert(CLOUD_FLOWS, batch_of(
        CLOUD_FLOWS, len(rows), time=stamp, time_start=stamp, time_received=stamp, src_addr=packed("10.0.0.1"),
        dst_addr=packed("192.0.2.1"), **columns,
    ))  # fmt: skip
    yield QueryEngine(store)
    store.stop()


def ask(engine: QueryEngine, **asked: Any) -> list[list[Any]]:
    query = Query(dataset="cloud_flows", view="table", since=str(AT), until=str(AT + 600), **asked)
    return [list(row) for row in engine.run(query).rows]


def test_each_packet_counts_once_and_sampling_is_made_good(engine: QueryEngine) -> None:
    found = ask(engine, by=["vpc"], measures=["bytes", "logged_bytes", "packets", "records"])
    assert {row[0]: row[1:] for row in found} == {
        "vpc-1": [1540.0, 1540.0, 16.0, 3.0], "vpc-2": [0.0, 500.0, 0.0, 1.0], "vpc-3": [200.0, 200.0, 2.0, 1.0],
    }  # fmt: skip


def test_rejected_lost_and_empty(engine: QueryEngine) -> None:
    measures = ["rejected", "rejected_share", "intervals_skipped", "intervals_without_data"]
    found = {row[0]: row[1:] for row in ask(engine, by=["vpc"], measures=measures)}
    assert found["vpc-1"] == [1.0, pytest.approx(100 / 3), 2.0, 1.0]
    rejected = ask(engine, by=["dst_port", "verdict"], measures=["rejected"], filter="verdict = reject")
    assert rejected == [["22", "reject", 1.0]]


def test_egress_by_where_it_goes(engine: QueryEngine) -> None:
    found = ask(engine, by=["destination"], measures=["bytes"], filter="direction = egress")
    assert found == [["internet", 1000.0], ["same_zone", 500.0], ["cloud_service", 200.0]]


def test_every_example_and_measure_can_be_asked(engine: QueryEngine) -> None:
    dataset = build_cloud({})
    for example in dataset.examples:
        query = Query.model_validate(
            {"dataset": "cloud_flows", "since": str(AT), "until": str(AT + 600), "view": "series"} | dict(example.query)
        )
        engine.run(query)
    for name in dataset.measures:
        assert ask(engine, by=["vpc"], measures=[name])
    records = engine.run(Query(dataset="cloud_flows", view="records", since=str(AT), until=str(AT + 600), limit=3))
    assert len(records.rows) == 3
