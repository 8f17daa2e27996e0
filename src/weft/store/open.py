"""Which store a configuration means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from weft.errors import ConfigError
from weft.model.tables import Table
from weft.store.clickhouse import TABLES, ClickHouseStore
from weft.store.config import StoreConfig
from weft.store.embedded import EmbeddedEngine
from weft.store.engine import Engine
from weft.store.telemetry import TelemetryStore


def open_store(config: StoreConfig, tables: Sequence[Table] = TABLES, *, visiting: bool = False) -> TelemetryStore:
    """The store that ``config`` describes, not started: a server by URL, else the embedded engine.

    ``visiting``: a command that looks in for a moment. It leaves what is kept how long as it is: run with other
    settings than the service, it would otherwise let telemetry expire that the service means to keep.
    """
    data = config.data_dir or Path("data")
    journal = data / "rollups.journal"
    if config.url is not None:
        return ClickHouseStore(_server(config), config, tables, journal=journal, visiting=visiting)
    if config.cluster is not None:
        raise ConfigError("needs a ClickHouse server", where="store.cluster", fix="Set store.url.")
    engine = EmbeddedEngine(data / "telemetry", config)
    return ClickHouseStore(engine, config, tables, journal=journal, visiting=visiting)


def _server(config: StoreConfig) -> Engine:
    from weft.store.server import ServerEngine  # an embedded store needs no HTTP client

    return ServerEngine(config)
