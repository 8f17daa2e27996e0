"""Both kinds of store for the same tests.

The embedded engine allows one data directory per process, and other tests of this session may have one open: so it runs
in a spawned process behind proxies, and every test gets a database of its own in it.
"""

from __future__ import annotations

import itertools
import multiprocessing
from collections.abc import Iterator
from typing import Any

import pytest
from storekit import KEEP, EngineProcess, InDatabase

from doubles.clickhouse_http import ClickHouseDouble
from weft.model.tables import Table
from weft.store.clickhouse import TABLES, ClickHouseStore
from weft.store.config import StoreConfig
from weft.store.server import ServerEngine
from weft.store.telemetry import TelemetryStore

_numbers = itertools.count()


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The embedded engine in a process of its own."""
    manager = EngineProcess(ctx=multiprocessing.get_context("spawn"))
    manager.start()
    engine = manager.Engine(tmp_path_factory.mktemp("embedded"), StoreConfig(query_seconds=20))
    engine.start()
    yield engine
    engine.stop()
    manager.shutdown()


@pytest.fixture(scope="session")
def double() -> Iterator[ClickHouseDouble]:
    """A ClickHouse server."""
    with ClickHouseDouble() as server:
        yield server


@pytest.fixture(params=["embedded", "server"])
def open_any(request: pytest.FixtureRequest) -> Any:
    """``open_any(**settings)`` makes an unstarted store on either engine, in this test's database."""
    kind = request.param
    source = request.getfixturevalue("embedded" if kind == "embedded" else "double")
    database = f"test_{next(_numbers)}"

    def make(tables: tuple[Table, ...] = TABLES, *, visiting: bool = False, **settings: Any) -> ClickHouseStore:
        base: dict[str, Any] = {"database": database, "retention_days": KEEP, "query_seconds": 20}
        if kind == "server":
            base["url"] = source.url
        config = StoreConfig(**(base | settings))
        engine = InDatabase(source, database) if kind == "embedded" else ServerEngine(config)
        return ClickHouseStore(engine, config, tables, visiting=visiting)

    return make


@pytest.fixture
def store(open_any: Any) -> Iterator[TelemetryStore]:
    """A started, empty store."""
    store: ClickHouseStore = open_any()
    store.start()
    yield store
    store.stop()
