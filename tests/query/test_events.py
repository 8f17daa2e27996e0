"""Events as a dataset: counted by what became of them, filtered by how bad, read as records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from weft.model.events import EVENTS
from weft.model.rows import batch_of
from weft.query.engine import QueryEngine
from weft.query.model import Query
from weft.store.config import StoreConfig
from weft.store.open import open_store

HOUR = 1_800_000_000 // 3600 * 3600
S = 1_000_000_000
KEEP = {"events": 20000}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueryEngine]:
    path: Path = tmp_path_factory.mktemp("events")
    store = open_store(StoreConfig(data_dir=path, retention_days=KEEP))
    store.start()
    try:
        # Two links: one went down and came back after a minute, the other went down, got worse and is down.
        rows = [(0, "a", 1, 3, 0.0), (60, "a", 3, 3, 60.0), (10, "b", 1, 2, 0.0), (20, "b", 2, 4, 0.0)]
        store.insert(
            EVENTS,
            batch_of(
                EVENTS, len(rows), time=[(HOUR + at) * S for at, *_ in rows], time_received=(HOUR + 99) * S,
                event_id=[e for _, e, *_ in rows], transition=[t for _, _, t, *_ in rows], detector="links",
                kind="link_down", event_group=1, severity=[s for *_, s, _ in rows], entity_kind="interface",
                entity=[f"edge1|{e}" for _, e, *_ in rows], site="chi", title="down", detail="it says so",
                lasted_s=[lasted for *_, lasted in rows],
            ),
        )  # fmt: skip
        yield QueryEngine(store, retention_days=KEEP, clock=lambda: HOUR + 3600.0)
    finally:
        store.stop()


def ask(engine: QueryEngine, **more: Any) -> Any:
    return engine.run(Query.model_validate({"dataset": "events", "since": str(HOUR), "until": str(HOUR + 600)} | more))


def test_events_are_counted_by_what_became_of_them(engine: QueryEngine) -> None:
    measures = ["events_opened", "events_closed", "events_worse", "event_duration", "transitions", "unique_event_id"]
    (row,) = ask(engine, view="table", by=["kind"], measures=measures).rows
    assert row == ["link_down", 2.0, 1.0, 1.0, 60.0, 4.0, 2.0]
    (row,) = ask(engine, view="table", by=["entity"], filter="severity >= critical AND site = chi",
                 measures=["events_worse"]).rows  # fmt: skip
    assert row == ["edge1|b", 1.0]


def test_events_are_read_as_records(engine: QueryEngine) -> None:
    found = ask(engine, view="records", filter="transition = opened")
    names = [column.name for column in found.columns]
    rows = [dict(zip(names, row, strict=True)) for row in found.rows]
    assert [(row["entity"], row["severity"], row["event_group"]) for row in rows] == [
        ("edge1|b", "minor", "link"), ("edge1|a", "major", "link"),
    ]  # fmt: skip
