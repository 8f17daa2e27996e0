"""Reference tables as dimensions: wherever a key occurs, as of each row's own time, whichever table answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.query.conftest import (
    APPS,
    CUSTOMERS,
    EXPORTER_NAMES,
    FIRST,
    INTERFACES_OF,
    KEEP,
    LAST,
    NOW,
    SITES,
    Row,
    batch_of,
    packed,
    write_names,
)

from weft.enrich.config import EnrichConfig
from weft.enrich.enricher import Enricher
from weft.model.dictionaries import REFERENCES, Attribute
from weft.model.flows import FLOWS
from weft.query.catalogue import Either
from weft.query.compile import statements
from weft.query.datasets import build_catalogue
from weft.query.engine import QueryEngine
from weft.query.model import Query
from weft.store.config import StoreConfig
from weft.store.known import known
from weft.store.open import open_store

MOVED = FIRST + 2 * 3600 + 60  # when acme came to be gold
NAMES = {packed(address): site for address, (_, site, _) in EXPORTER_NAMES.items()}
ADDRESSES = {packed(address): address for address in EXPORTER_NAMES}
TABLES = {
    "sites": "site,owner\nparis,Anne\nlyon,Bob\n",
    "customers": "customer,tier,valid_from,valid_to\nacme,silver,,@\nacme,gold,@,\n",
    "asns": "asn,name,customer\n64501,Example,acme\n",
    "vlans": "vlan,use\n10,guests\n",
    "applications": "name,owner\nhttps,Web\n",
    "interfaces": "exporter,if_index,contract\n192.0.2.1,1,C-1\n",
    "exporters": "address,name,rack\n2001:db8::3,router3,R7\n",
    "providers": "provider,phone\ntransit-x,555\n",
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> Iterator[QueryEngine]:
    """A store with the rows, and tables that the enricher read and the keeper would write."""
    path: Path = tmp_path_factory.mktemp("references")
    moved = datetime.fromtimestamp(MOVED, UTC).isoformat()
    for name, text in TABLES.items():
        (path / f"{name}.csv").write_text(text.replace("@", moved))
    store = open_store(StoreConfig(data_dir=path / "store", retention_days=KEEP))
    store.start()
    try:
        store.insert(FLOWS, batch_of(rows))
        write_names(store)
        config = EnrichConfig.model_validate({name: [path / f"{name}.csv"] for name in TABLES})
        enricher = Enricher(config, known=lambda: known(store))
        found = enricher.dictionary_rows()
        for dictionary in REFERENCES.values():
            columns = [Attribute(n, m) for n, m in enricher.user_columns(dictionary.name).items()]
            store.ensure_dictionary_columns(dictionary, columns)
            store.upsert_dictionary(dictionary, found.get(dictionary.name, []))
        yield QueryEngine(store, retention_days=KEEP, clock=lambda: float(NOW))
    finally:
        store.stop()


def tier(row: Row, customer: str) -> str:
    if customer != "acme":
        return ""
    return "gold" if row["time_received"] // 60 * 60 >= MOVED else "silver"


#: Dimension → its value of a row.
WANTED = {
    "src_site_owner": lambda r: {"paris": "Anne", "lyon": "Bob"}.get(SITES[r["src_net"]], ""),
    "exporter_site_owner": lambda r: {"paris": "Anne", "lyon": "Bob"}.get(NAMES[r["exporter"]], ""),
    "src_as_customer": lambda r: "acme" if r["src_as"] == 64501 else "",
    "src_customer_tier": lambda r: tier(r, CUSTOMERS[r["src_net"]]),
    "src_as_customer_tier": lambda r: tier(r, "acme" if r["src_as"] == 64501 else ""),
    "src_vlan_use": lambda r: "guests" if r["src_vlan"] == 10 else "",
    "app_owner": lambda r: "Web" if APPS[r["app"]][0] == "https" else "",
    "in_if_contract": lambda r: "C-1" if (ADDRESSES[r["exporter"]], r["in_if"]) == ("192.0.2.1", 1) else "",
    "exporter_rack": lambda r: "R7" if r["exporter"] == packed("2001:db8::3") else "",
    "in_if_provider_phone": lambda r: (
        "555" if INTERFACES_OF.get((ADDRESSES[r["exporter"]], r["in_if"]), ("", "", ""))[2] else ""
    ),
}


@pytest.mark.parametrize("slices", [100, 0])
@pytest.mark.parametrize("name", WANTED)
def test_groups_are_those_of_the_rows_own_time(
    engine: QueryEngine, rows: list[Row], name: str, slices: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "MAX_SLICES", slices)
    result = engine.run(Query(view="table", by=[name], measures=["flows"], since=str(FIRST), until=str(LAST)))
    want: dict[str, int] = {}
    for row in rows:
        want[WANTED[name](row)] = want.get(WANTED[name](row), 0) + 1
    assert {r[0]: r[1] for r in result.rows} == want


@pytest.mark.parametrize("name", WANTED)
def test_filters_mean_the_same(engine: QueryEngine, rows: list[Row], name: str) -> None:
    for value in {WANTED[name](row) for row in rows} - {""}:
        query = Query(view="stat", measures=["flows"], filter=f"{name} = {value}", since=str(FIRST), until=str(LAST))
        assert engine.run(query).rows == [[sum(WANTED[name](row) == value for row in rows)]]


def test_either_side_records_and_completion(engine: QueryEngine, rows: list[Row]) -> None:
    query = Query(view="stat", measures=["flows"], filter="as_customer = acme", since=str(FIRST), until=str(LAST))
    assert engine.run(query).rows == [[sum(64501 in (r["src_as"], r["dst_as"]) for r in rows)]]
    shown = engine.run(Query(view="records", by=["src_as_customer_tier"], filter="src_as = AS64501", limit=3,
                             since=str(FIRST), until=str(MOVED - 120)))  # fmt: skip
    at = [c.name for c in shown.columns].index("src_as_customer_tier")
    assert {row[at] for row in shown.rows} == {"silver"}
    done = engine.complete("src_site_owner = An", 19)
    assert "Anne" in repr(done)


def test_without_tables_the_catalogue_is_as_it_was() -> None:
    assert (
        build_catalogue({}).dataset("flows").dimensions.keys() == build_catalogue().dataset("flows").dimensions.keys()
    )
    extra = {"ref_site": (Attribute("owner", ""),), "ref_asn": (Attribute("site_owner", ""),)}
    flows = build_catalogue(extra).dataset("flows")
    assert isinstance(flows.field("site_owner"), Either)
    assert "ref_site" in {d.name for d in flows.dimensions["src_site_owner"].dictionaries}
    # What is reached by way of a name keeps to a few steps: a site's own site leads nowhere.
    extra = {
        "ref_site": (Attribute("site", ""), Attribute("customer", "")),
        "ref_customer": (Attribute("site", ""), Attribute("tier", "")),
    }
    loop = build_catalogue(extra).dataset("flows")
    made = {name for name in loop.dimensions if name.startswith("src_site_")}
    assert made == {"src_site_site", "src_site_customer", "src_site_customer_site", "src_site_customer_tier"}
