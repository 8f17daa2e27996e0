"""A store with a day of routes, written by routers that came, went and changed their minds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.doubles.routes import batch, story

from weft.model.dictionaries import ASNS
from weft.model.routes import ROUTES
from weft.query.routing.questions import RoutingQuestions
from weft.store.config import StoreConfig
from weft.store.open import open_store

#: 2026-11-16 00:00 UTC, and the hour that is "now".
DAY = int(datetime(2026, 11, 16, tzinfo=UTC).timestamp())
NOW = DAY + 20 * 3600
H = 3600


@pytest.fixture(scope="package")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    folder: Path = tmp_path_factory.mktemp("routes")
    store = open_store(StoreConfig(data_dir=folder, retention_days={"routes": 20000}))
    store.start()
    rows = story(DAY)
    # In several parts, as they arrive: what belongs together is not always stored together.
    for part in range(4):
        store.insert(ROUTES, batch(rows[part::4]))
    store.upsert_dictionary(ASNS, [{"asn": 64511, "name": "Example Net"}])
    yield store
    store.stop()


@pytest.fixture
def ask(store) -> RoutingQuestions:
    return RoutingQuestions(store, clock=lambda: NOW)
