"""What reference tables say, over HTTP: kinds with the dimensions they make, rows with the time in which they hold."""

import dataclasses

import pytest

from weft.enrich.config import EnrichConfig
from weft.enrich.enricher import Enricher
from weft.model.dictionaries import Attribute
from weft.query.datasets import build_catalogue


@pytest.fixture
def deps(deps, tmp_path, monkeypatch):
    texts = {
        "sites": "site,owner\nfra,Anne\nnyc,Bob\n",
        "customers": (
            "customer,tier,valid_from,valid_to\n"
            "Globex,silver,,2020-01-01\nGlobex,gold,2020-01-02,\nHooli,,2100-01-01,\n"
        ),
        "asns": "asn,name\n64501,x\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text)
    enricher = Enricher(EnrichConfig.model_validate({name: [tmp_path / f"{name}.csv"] for name in texts}))
    extra = {"ref_site": (Attribute("owner", ""),), "ref_customer": (Attribute("tier", ""),)}
    monkeypatch.setattr(deps.questions, "catalogue", lambda: build_catalogue(extra))
    return dataclasses.replace(deps, enricher=enricher)


def test_kinds_and_the_dimensions_they_make(as_role):
    answer = as_role("viewer").get("/api/v1/enrich/reference").json()
    assert [(one["kind"], one["tables"], one["rows"]) for one in answer] == [
        ("site", ["sites.csv"], 2), ("customer", ["customers.csv"], 3),
    ]  # fmt: skip
    assert answer[0]["columns"] == [{"name": "owner", "meaning": "Team or person who answers for it.", "filled": 2}]
    assert {"src_site_owner", "exporter_site_owner"} <= set(answer[0]["dimensions"]["flows"])
    assert "label_site_owner" in answer[0]["dimensions"]["business"]


def test_rows_and_when_they_hold(as_role):
    viewer = as_role("viewer")
    found = viewer.get("/api/v1/enrich/reference/customer").json()
    assert [(r["key"], r["values"].get("tier"), r["holds"]) for r in found["rows"]] == [
        ("Globex", "silver", "ended"), ("Globex", "gold", "now"), ("Hooli", None, "later"),
    ]  # fmt: skip
    assert (found["total"], found["rows"][0]["valid_from"]) == (3, None)
    assert found["rows"][0]["valid_to"] == 1577923200  # the day is included
    some = viewer.get("/api/v1/enrich/reference/customer", params={"text": "GLOB", "limit": 1, "offset": 1}).json()
    assert (some["total"], [r["values"]["tier"] for r in some["rows"]]) == (2, ["gold"])
    assert viewer.get("/api/v1/enrich/reference/moons").status_code == 400
    assert {one["resting"] for one in viewer.get("/api/v1/enrich/tables").json() if one["kind"] == "customers"} == {2}
