"""Synthetic tests over HTTP: agents register and report, people look and define; who may do what."""

import gzip
import json
import time

import pytest
from starlette.testclient import TestClient
from tests.collect.intake.fakes import FakeIntake
from tests.collect.synthetics.kit import Places, hop, probe, report

from weft.api.auth import secrets
from weft.api.ports import ApiDependencies
from weft.collect.synthetics import Synthetics, SyntheticsConfig
from weft.store.telemetry import QueryResult

TOKEN = "0123456789abcdef"
WEB = {"name": "web", "kind": "ping", "targets": ["a.example"]}
RESULTS = "/api/v1/agents/self/results"


class NoRows:
    """A telemetry store in which nothing was measured."""

    def query(self, sql, parameters=None, limits=None):
        import pyarrow as pa

        return QueryResult(pa.table({}), 0, 0, 0.0)


@pytest.fixture
def intake():
    return FakeIntake()


@pytest.fixture
def deps(deps, state, intake):
    config = SyntheticsConfig.model_validate({"token": TOKEN, "tests": [WEB], "max_body_bytes": 100_000})
    synthetics = Synthetics(config, state, intake=intake, places=Places())
    synthetics.start()
    return ApiDependencies(
        deps.config, deps.data_dir, state=state, questions=deps.questions, registry=deps.registry,
        synthetics=synthetics, store=NoRows(),
    )  # fmt: skip


@pytest.fixture
def agent(app):
    """A client with the key of an agent that has registered."""
    client = TestClient(app, base_url="http://localhost", client=("198.51.100.7", 50000))
    answer = client.post("/api/v1/agents/register", json={"token": TOKEN, "name": "ams", "version": "1", "port": 862})
    assert answer.status_code == 201, answer.text
    assert answer.json()["agent"] == "ams"
    client.headers["authorization"] = f"Bearer {answer.json()['key']}"
    return client


def test_an_agent_registers_asks_and_reports(agent, intake):
    told = agent.get("/api/v1/agents/self/tests")
    assert told.status_code == 200
    assert [test["name"] for test in told.json()["tests"]] == ["web"]
    again = agent.get("/api/v1/agents/self/tests", headers={"if-none-match": told.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    body = gzip.compress(report(probe(1), hops=[hop(1, 1, "203.0.113.1")]))
    for stored, duplicates in ((2, 0), (0, 2)):
        answer = agent.post(RESULTS, content=body, headers={"content-encoding": "gzip"})
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"stored": stored, "duplicates": duplicates, "refused": {}}
    assert [row["agent"] for row in intake.rows("probes")] == ["ams"]


def test_who_has_no_token_or_key_is_no_agent(client, agent, as_role):
    for token in ("wrong", "weft_" + "x" * 43, TOKEN + "x"):
        answer = client.post("/api/v1/agents/register", json={"token": token, "name": "ams"})
        assert (answer.status_code, answer.json()["error"]["where"]) == (401, "token")
        assert token not in answer.text
    for call in (client, as_role("admin")):
        assert call.get("/api/v1/agents/self/tests").status_code == 401
        assert call.post(RESULTS, content=report()).status_code == 401
    assert agent.get("/api/v1/agents").status_code == 401, "an agent's key opens nothing else"
    assert agent.get("/api/v1/synthetics/tests").status_code == 401


@pytest.mark.parametrize(("role", "status"), [("sender", 201), ("operator", 201), ("viewer", 401)])
def test_tokens_of_senders_let_agents_in(client, state, role, status):
    secret = secrets.new_token()
    state.add_token(state.user("admin").id, "agents", secrets.digest(secret), role, None)
    answer = client.post("/api/v1/agents/register", json={"token": secret, "name": "fra"})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "news",
    [{"name": ""}, {"name": "a\nb"}, {"name": "x" * 101}, {"addresses": ["nowhere"]}, {"addresses": ["::1"] * 33},
     {"port": 70000}, {"version": "\x00"}, {"other": 1}],
)  # fmt: skip
def test_a_registration_that_makes_no_sense_is_refused(client, news):
    answer = client.post("/api/v1/agents/register", json={"token": TOKEN, "name": "ams"} | news)
    assert answer.status_code == 400
    assert TOKEN not in answer.text


def test_bad_reports_are_answered_and_counted(agent, intake):
    assert agent.post(RESULTS, content=b"{").status_code == 400
    assert agent.post(RESULTS, content=b"x", headers={"content-encoding": "gzip"}).status_code == 400
    assert agent.post(RESULTS, content=b"x", headers={"content-encoding": "br"}).status_code == 415
    assert agent.post(RESULTS, content=b" " * 100_001).status_code == 413
    assert agent.post(RESULTS, content=report(probe(1, state="?"))).json()["refused"] == {"bad_word": 1}
    intake.full = True
    busy = agent.post(RESULTS, content=report(probe(2)))
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "5")
    assert intake.errors()["malformed"] == 2


def test_people_define_tests(as_role, agent):
    operator, viewer = as_role("operator"), as_role("viewer")
    test = {"name": "mine/1", "kind": "tcp", "targets": ["b.example"]}
    assert viewer.post("/api/v1/synthetics/tests", json=test).status_code == 403
    assert operator.post("/api/v1/synthetics/tests", json=test).status_code == 201
    assert operator.post("/api/v1/synthetics/tests", json=test).status_code == 400
    changed = operator.put("/api/v1/synthetics/test", params={"name": "mine/1"}, json=test | {"name": "mine/2"})
    assert changed.json()["name"] == "mine/2"
    assert [one["name"] for one in agent.get("/api/v1/agents/self/tests").json()["tests"]] == ["mine/2", "web"]
    rows = {row["name"]: row for row in viewer.get("/api/v1/synthetics/tests").json()["tests"]}
    assert (rows["mine/2"]["origin"], rows["mine/2"]["author"], rows["web"]["origin"]) == (
        "people",
        "operator",
        "settings",
    )
    view = viewer.get("/api/v1/synthetics/test", params={"name": "mine/2"}).json()
    assert (view["test"]["kind"], [one["state"] for one in view["series"]]) == ("tcp", ["waiting"])
    assert operator.put("/api/v1/synthetics/test", params={"name": "web"}, json=WEB).status_code == 400
    assert viewer.delete("/api/v1/synthetics/test", params={"name": "mine/2"}).status_code == 403
    assert operator.delete("/api/v1/synthetics/test", params={"name": "mine/2"}).status_code == 200
    assert operator.delete("/api/v1/synthetics/test", params={"name": "mine/2"}).status_code == 404
    assert viewer.get("/api/v1/synthetics/test", params={"name": "mine/2"}).status_code == 404


def test_a_definition_can_be_tried(as_role):
    viewer = as_role("viewer")
    assert viewer.post("/api/v1/synthetics/check", json=WEB).status_code == 200
    bad = viewer.post("/api/v1/synthetics/check", json=WEB | {"kind": "http"})
    assert (bad.status_code, "must begin with http" in bad.text) == (400, True)


def test_a_mesh_without_results_is_a_matrix_that_waits(as_role, client, agent):
    operator = as_role("operator")
    operator.post("/api/v1/synthetics/tests", json={"name": "mesh", "kind": "ping", "mesh": True})
    client.post("/api/v1/agents/register", json={"token": TOKEN, "name": "fra"})
    mesh = operator.get("/api/v1/synthetics/mesh", params={"name": "mesh"}).json()
    assert mesh["agents"] == ["ams", "fra"]
    assert [(one["agent"], one["target_agent"], one["state"]) for one in mesh["cells"]] == [
        ("ams", "fra", "waiting"), ("fra", "ams", "waiting"),
    ]  # fmt: skip
    assert operator.get("/api/v1/synthetics/mesh", params={"name": "web"}).status_code == 400


def test_a_path_that_was_never_traced_is_empty(as_role):
    asked = {"name": "web", "agent": "ams", "target": "a.example"}
    path = as_role("viewer").get("/api/v1/synthetics/path", params=asked).json()
    assert (path["at"], path["hops"], path["changes"]) == (None, [], [])
    assert as_role("viewer").get("/api/v1/synthetics/path", params=asked | {"at": "yesterday"}).status_code == 400


def test_agents_are_listed_and_removed(as_role, agent):
    (one,) = as_role("viewer").get("/api/v1/agents").json()
    assert (one["name"], one["live"], one["tests"], one["addresses"]) == ("ams", True, 1, ["198.51.100.7"])
    assert abs(one["seen"] - time.time()) < 60
    assert as_role("viewer").delete("/api/v1/agents/ams").status_code == 403
    assert as_role("operator").delete("/api/v1/agents/ams").status_code == 200
    assert as_role("operator").delete("/api/v1/agents/ams").status_code == 404
    assert agent.get("/api/v1/agents/self/tests").status_code == 401


def test_credentials_never_show(as_role, agent, deps, state):
    state_text = json.dumps([one.detail for one in state.audit_log(100)], default=str)
    assert TOKEN not in state_text
    assert TOKEN not in as_role("admin").get("/api/v1/synthetics/tests").text
