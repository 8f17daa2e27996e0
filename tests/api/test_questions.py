"""The catalogue of every dataset, facets, and flows against counters, over HTTP."""

import pytest

from weft.errors import InvalidInput
from weft.model.views import Window
from weft.query.reconcile import Reason, Reconciliation, Side, Verdict
from weft.query.reconcile.types import Counters, Device, Flows, Port


def test_the_catalogue_describes_every_dataset(as_role):
    view = as_role("viewer").get("/api/v1/catalogue").json()
    datasets = {d["name"]: d for d in view["datasets"]}
    assert list(datasets) == [
        "flows", "metrics", "logs", "changes", "routes", "cloud_flows", "probes", "hops", "business",
        "events",
    ]  # fmt: skip
    for name, dataset in datasets.items():
        measures = {m["name"] for m in dataset["measures"]}
        dimensions = {d["name"] for d in dataset["dimensions"]}
        assert dataset["default_measure"] in measures
        assert set(dataset["records"]) <= dimensions
        assert all(e["query"]["dataset"] == name for e in dataset["examples"])
        assert "records" in dataset["views"]
    assert datasets["flows"]["default_measure"] == "bps"
    assert datasets["flows"]["orders"] == ["time", "bytes"]
    assert not datasets["flows"]["pages"]
    assert datasets["logs"]["pages"]
    assert [f["prefix"] for f in datasets["metrics"]["families"]] == ["label"]
    message = next(d for d in datasets["logs"]["dimensions"] if d["name"] == "message")
    assert message["operators"][:2] == ["~", "!~"]
    rate = next(m for m in datasets["metrics"]["measures"] if m["name"] == "rate")
    assert (rate["stacks"], rate["follows_metric"]) == (True, True)
    metrics = {m["name"]: m for m in view["metrics"]}
    assert (metrics["in_octets"]["rate_unit"], metrics["oper_status"]["states"]["2"]) == ("bit/s", "down")


def test_facets_of_a_filter(as_role, deps):
    body = {"by": ["severity", "event"], "filter": "message ~ down", "since": "now-6h", "top": 5}
    found = as_role("viewer").post("/api/v1/query/facets", json=body).json()
    assert [f["dimension"] for f in found["facets"]] == ["severity", "event"]
    assert found["facets"][0]["values"][1] == {"value": "", "label": "unknown", "count": 1.0}
    asked = deps.questions.asked[-1]
    assert (asked.dataset, asked.view, asked.top, asked.filter) == ("logs", "table", 5, "message ~ down")
    assert as_role("viewer").post("/api/v1/query/facets", json={"by": []}).status_code == 400


@pytest.fixture
def reconciled(deps):
    sides = [
        Side(
            "192.0.2.1", 7, "in", Port("et-0/0/7", 10**10), Device("router1", "paris", heard=1.0, lost=0.1),
            Flows(rates=(0, 1000), seen=5000), Counters(1e9, 3600, 2), 1e9, 1.1e9, 2e9, 0.5, 0.55, 0.05, 1.0,
            Verdict.OFF, [Reason("lost_datagrams", "Lost", "Look", 0.8, 0.9)], {"flows": {"dataset": "flows"}},
        ),
        Side("192.0.2.2", 3, "out", verdict=Verdict.NO_COUNTERS),
        Side("192.0.2.2", 4, "out", verdict=Verdict.AGREES),
    ]  # fmt: skip
    deps.questions.reconciled = Reconciliation(
        Window(since=0, until=3600), sides, {"off": 1, "no_counters": 1, "agrees": 1}, {"lost_datagrams": 1},
        "SELECT 1", 10, 5.0,
    )  # fmt: skip


@pytest.mark.usefixtures("reconciled")
def test_reconciliation_is_paged_and_filtered(as_role, deps):
    client = as_role("viewer")
    view = client.get("/api/v1/quality/reconciliation?since=now-6h&device=router1&limit=1").json()
    assert (view["total"], len(view["rows"]), view["verdicts"]["agrees"]) == (3, 1, 1)
    row = view["rows"][0]
    assert (row["device"], row["interface"], row["verdict"], row["counter_source"]) == (
        "router1", "et-0/0/7", "off", "snmp",
    )  # fmt: skip
    assert row["reasons"] == [
        {"code": "lost_datagrams", "title": "Lost", "fix": "Look", "confidence": 0.8, "expected": 0.9}
    ]
    assert deps.questions.asked[-1] == ("now-6h", "now", "router1", {})
    second = client.get("/api/v1/quality/reconciliation?limit=1&offset=1").json()["rows"][0]
    assert (second["device"], second["interface"], second["counter_bps"]) == ("192.0.2.2", "3", None)
    only = client.get("/api/v1/quality/reconciliation?verdict=agrees&verdict=off").json()
    assert [r["verdict"] for r in only["rows"]] == ["off", "agrees"]
    assert client.get("/api/v1/quality/reconciliation?verdict=maybe").status_code == 400
    deps.questions.failure = InvalidInput("no time", where="since")
    assert client.get("/api/v1/quality/reconciliation").json()["error"]["where"] == "since"


def test_quality_needs_a_login(client):
    assert client.get("/api/v1/quality/reconciliation").status_code == 401
    assert client.post("/api/v1/query/facets", json={"by": ["event"]}).status_code == 401
