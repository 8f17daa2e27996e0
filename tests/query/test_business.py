"""Business series: each value once, as told last; summed by series first; named by reference tables of their labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.query.conftest import DAY, NOW

from weft.collect.business import rows_of, value_of
from weft.model.business import BUSINESS
from weft.model.dictionaries import REFERENCES, Attribute
from weft.query.engine import QueryEngine
from weft.query.model import Query
from weft.store.config import StoreConfig
from weft.store.open import open_store
from weft.store.telemetry import TelemetryStore

HOUR = DAY + 6 * 3600
S = 10**9
NEW = HOUR + 1800  # when fra came to be somebody else's


def orders(site: str, second: int, value: float) -> object:
    return value_of("orders_per_minute", (HOUR + second) * S, value, {"site": site}, "orders/min")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueryEngine]:
    path: Path = tmp_path_factory.mktemp("business")
    store: TelemetryStore = open_store(StoreConfig(data_dir=path, retention_days={"business": 20000}))
    store.start()
    values = [orders("fra", 60 * i, 10.0 + i) for i in range(60)] + [orders("nyc", 60 * i, 5.0) for i in range(60)]
    values += [value_of("tickets", (HOUR + 600 * i) * S, 2.0, {"asn": "AS64501"}) for i in range(6)]
    store.insert(BUSINESS, rows_of(values, "push", "shop", HOUR * S))
    store.insert(BUSINESS, rows_of([orders("nyc", 0, 65.0)], "file", "corrections", (HOUR + 9000) * S))
    site, asn = REFERENCES["site"], REFERENCES["asn"]
    store.ensure_dictionary_columns(site, [Attribute("owner", "Who.")])
    store.ensure_dictionary_columns(asn, [Attribute("customer", "")])
    store.upsert_dictionary(site, [
        {"site": "fra", "valid_from": 0, "listed": 1, "owner": "Anne"},
        {"site": "fra", "valid_from": NEW, "listed": 1, "owner": "Zoe"},
    ])  # fmt: skip
    store.upsert_dictionary(asn, [{"asn": 64501, "valid_from": 0, "listed": 1, "customer": "Globex"}])
    try:
        yield QueryEngine(store, retention_days={"business": 20000}, clock=lambda: float(NOW))
    finally:
        store.stop()


def ask(engine: QueryEngine, by: list[str], *measures: str, where: str = "", view: str = "table") -> list[list[object]]:
    question = Query(
        dataset="business", view=view, by=by, measures=list(measures), filter=where,  # type: ignore[arg-type]
        since=str(HOUR), until=str(HOUR + 3600),
    )  # fmt: skip
    return engine.run(question).rows


ONE = "series = orders_per_minute"


def test_series_are_summed_up_by_themselves_first(engine: QueryEngine) -> None:
    fra, nyc = sum(10.0 + i for i in range(60)) / 60, (65 + 59 * 5) / 60  # the correction counts, what it corrects not
    assert ask(engine, [], "sum", "avg", where=ONE, view="stat") == [
        [pytest.approx(fra + nyc), pytest.approx((fra + nyc) / 2)]
    ]
    assert ask(engine, ["label_site"], "avg", "min", "max", "last", "total", "values", where=ONE) == [
        ["fra", pytest.approx(fra), 10.0, 69.0, 69.0, pytest.approx(fra * 60), 60.0],
        ["nyc", pytest.approx(nyc), 5.0, 65.0, 5.0, pytest.approx(nyc * 60), 60.0],
    ]
    assert ask(engine, ["label_site"], "p95", where=ONE) == [["fra", 66.0], ["nyc", 5.0]]
    assert ask(engine, ["series"], "series_count") == [["orders_per_minute", 2.0], ["tickets", 1.0]]


def test_origin_and_unit_are_those_of_the_last_word(engine: QueryEngine) -> None:
    assert ask(engine, ["origin", "source", "unit"], "values", where=ONE) == [
        ["shop", "push", "orders/min", 119.0], ["corrections", "file", "orders/min", 1.0],
    ]  # fmt: skip


def test_labels_lead_to_reference_tables_as_of_the_time_of_the_value(engine: QueryEngine) -> None:
    assert ask(engine, ["label_site_owner"], "values", where=ONE) == [["", 60.0], ["Anne", 30.0], ["Zoe", 30.0]]
    assert ask(engine, [], "values", where="label_site_owner = Zoe", view="stat") == [[30.0]]
    assert ask(engine, ["label_asn_customer"], "total", where="series = tickets") == [["Globex", 12.0]]


def test_a_series_over_time_and_its_records(engine: QueryEngine) -> None:
    question = Query(
        dataset="business", by=["label_site"], filter=ONE, since=str(HOUR), until=str(HOUR + 3600), every=1800
    )
    shown = engine.run(question)
    assert ([s.label for s in shown.series], shown.unit) == (["fra", "nyc"], "orders/min")
    assert shown.series[0].values == [pytest.approx(24.5), pytest.approx(54.5)]
    records = engine.run(Query(dataset="business", view="records", since=str(HOUR), until=str(HOUR + 60), limit=10))
    assert len(records.rows) == 4  # what was corrected is still to be seen
