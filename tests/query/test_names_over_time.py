"""A renamed interface keeps its history: rows have the names of their own minute, whichever table answers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.query.conftest import FIRST, KEEP, LAST, NOW, Row, batch_of, packed

from weft.model.dictionaries import INTERFACES
from weft.model.flows import FLOWS
from weft.query.compile import statements
from weft.query.engine import QueryEngine
from weft.query.model import Query
from weft.store.telemetry import TelemetryStore

#: Two days later, so that other tests do not see it; the change is in the middle of a minute.
LATER = 2 * 86400
FIRST, LAST, NOW = FIRST + LATER, LAST + LATER, NOW + LATER
RENAMED = FIRST + 2 * 3600 + 1234
ROUTER = "192.0.2.9"


@pytest.fixture(scope="module")
def late_rows(rows: list[Row]) -> list[Row]:
    """The rows once more, later, from a router of their own."""
    times = ("time_received", "time_start", "time_end")
    return [r | {t: r[t] + LATER for t in times} | {"exporter": packed(ROUTER)} for r in rows]


@pytest.fixture(scope="module")
def renamed(store: TelemetryStore, late_rows: list[Row]) -> QueryEngine:
    """The second interface gets another name."""
    store.insert(FLOWS, batch_of(late_rows))
    store.upsert_dictionary(INTERFACES, [
        {"exporter": ROUTER, "if_index": index, "valid_from": datetime.fromtimestamp(at, tz=UTC), "name": name}
        for index, at, name in ((1, 0, "et-0/0/1"), (2, 0, "et-0/0/2"), (2, RENAMED, "xe-9/9/9"))
    ])  # fmt: skip
    return QueryEngine(store, retention_days=KEEP, clock=lambda: float(NOW))


def name_then(row: Row) -> str:
    if row["in_if"] == 2 and row["time_received"] // 60 * 60 >= RENAMED:
        return "xe-9/9/9"
    return {1: "et-0/0/1", 2: "et-0/0/2"}.get(row["in_if"], "")


@pytest.mark.parametrize("slices", [100, 0])
@pytest.mark.parametrize("retention", [KEEP, dict.fromkeys(KEEP, 0) | {"flows": 20000}])
def test_groups_by_the_name_of_the_time(
    renamed: QueryEngine, store: TelemetryStore, late_rows: list[Row], retention: dict[str, int], slices: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(statements, "MAX_SLICES", slices)
    engine = QueryEngine(store, retention_days=retention, clock=lambda: float(NOW))
    result = engine.run(
        Query(view="table", by=["in_if_name"], measures=["flows"], since=str(FIRST), until=str(LAST), every=3600)
    )
    want: dict[str, int] = {}
    for row in late_rows:
        want[name_then(row)] = want.get(name_then(row), 0) + 1
    assert {r[0]: r[1] for r in result.rows} == want
    assert result.provenance.table == ("flows_path_1h" if retention is KEEP else "flows")
    assert ("FROM flows_path_1m" in result.provenance.sql) == (retention is KEEP)  # around the change


def count(engine: QueryEngine, filter_: str) -> int:
    question = Query(view="stat", measures=["flows"], filter=filter_, since=str(FIRST), until=str(LAST), every=3600)
    return int(engine.run(question).rows[0][0])


def test_filters_by_the_name_of_the_time(renamed: QueryEngine, late_rows: list[Row]) -> None:
    for name in ("xe-9/9/9", "et-0/0/2"):
        assert count(renamed, f"InIf.name = {name}") == sum(name_then(r) == name for r in late_rows)


def test_an_interface_is_the_same_whatever_it_was_called(renamed: QueryEngine, late_rows: list[Row]) -> None:
    assert count(renamed, f"InIf = {ROUTER}:xe-9/9/9") == sum(r["in_if"] == 2 for r in late_rows)
    assert count(renamed, f"InIf = {ROUTER}:et-0/0/2") == 0


def test_a_window_without_changes_uses_the_coarsest_table(renamed: QueryEngine) -> None:
    result = renamed.run(
        Query(view="table", by=["in_if_name"], since=str(FIRST + 3 * 3600), until=str(LAST), every=3600)
    )
    assert result.provenance.table == "flows_path_1h"
    assert "xe-9/9/9" in {r[0] for r in result.rows}
