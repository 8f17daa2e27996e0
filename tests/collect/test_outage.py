"""The store as a server that goes away and comes back: nothing is lost, nothing is stored twice."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from doubles.clickhouse_http import ClickHouseDouble
from weft.collect import CollectConfig, Collector
from weft.enrich.config import EnrichConfig
from weft.enrich.enricher import Enricher
from weft.store.config import StoreConfig
from weft.store.open import open_store

from .fakes import batch_of
from .wire import v5_stream

pytestmark = pytest.mark.slow


def test_a_server_that_is_away_costs_time_but_no_flow(compiled: None, tmp_path: Path) -> None:
    with ClickHouseDouble() as server:
        store = open_store(StoreConfig(url=server.url, data_dir=tmp_path))
        store.start()
        config = CollectConfig(listeners=(), batch_rows=600, batch_ms=100, retry_ms=200)
        collector = Collector(config, store=store, enricher=Enricher(EnrichConfig()), data_dir=tmp_path)
        collector.start()
        stream = v5_stream(30_000)

        def feed(first: int, last: int) -> None:
            for at in range(first, last, 20):
                collector.ingest(batch_of(stream[at : at + 20], at_ns=time.time_ns()))

        feed(0, 300)
        with server.paused():
            feed(300, 700)
            deadline = time.monotonic() + 10
            while not collector.status().spool.files and time.monotonic() < deadline:
                time.sleep(0.1)
            away = collector.status()
            assert not away.writer.available
            assert away.spool.files > 0
        feed(700, 1000)
        collector.flush()
        deadline = time.monotonic() + 60
        while collector.status().spool.files and time.monotonic() < deadline:
            time.sleep(0.2)
        status = collector.status()
        assert (status.spool.files, status.lost_rows, status.writer.available) == (0, {}, True)
        stored = store.query("SELECT count() AS n, sum(bytes) AS total FROM flows").table
        collector.stop()
        store.stop()
    assert (stored["n"][0].as_py(), int(stored["total"][0].as_py())) == (30_000, sum(range(30_000)))
