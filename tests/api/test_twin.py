"""The scenario of a demo over HTTP: what can go wrong and does, triggering, ending, acting; who may; only in a demo."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from weft.api.application import create_app
from weft.api.scenario import TwinScenario
from weft.twin.actions import KINDS as ACTIONS
from weft.twin.control import MOST_TRIGGERED, Control
from weft.twin.faults.catalogue import KINDS
from weft.twin.faults.schedule import SLOT_S, slots
from weft.twin.pace import PacedSchedule
from weft.twin.timeline import Timeline

CUT = {"kind": "link_cut", "place": "chi-border1--nyc-border1", "duration_s": 600}


class Clock:
    """Time as the test wants it."""

    def __init__(self):
        self.now = 1_790_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def control(clock):
    schedule = PacedSchedule(slots, SLOT_S, 0.0)
    return Control(Timeline(7, schedule, SLOT_S), schedule, KINDS, clock)


@pytest.fixture
def deps(deps, control):
    return replace(deps, scenario=TwinScenario(control, "Acme"))


@pytest.fixture
def operator(as_role):
    return as_role("operator")


def test_the_scenario_says_what_can_go_wrong_and_what_can_be_done(as_role, clock):
    view = as_role("viewer").get("/api/v1/twin").json()
    assert (view["organisation"], view["seed"], view["now"]) == ("Acme", 7, clock.now)
    assert (view["scheduled"], view["pace"], view["faults"], view["actions"]) == (False, 0, [], [])
    assert {one["name"] for one in view["kinds"]} == set(KINDS)
    cut = next(one for one in view["kinds"] if one["name"] == "link_cut")
    assert cut["group"] == "link"
    assert cut["default_duration_s"] > 0
    assert {"id": "chi-border1--nyc-border1", "title": cut["places"][0]["title"]} in cut["places"]
    assert {one["name"] for one in view["action_kinds"]} == set(ACTIONS)


def test_a_fault_is_triggered_shown_with_its_truth_and_ended(operator, clock, state):
    made = operator.post("/api/v1/twin/faults", json=CUT)
    assert made.status_code == 201, made.text
    fault = made.json()
    assert (fault["state"], fault["triggered"], fault["is_benign"]) == ("active", True, False)
    assert fault["where"] == "chi-border1 et-2/0/0 – nyc-border1 et-2/0/0"
    assert fault["end"] == clock.now + 600
    assert fault["root_cause"]
    assert fault["symptoms"]
    clock.now += 60
    assert operator.get("/api/v1/twin").json()["faults"] == [fault]
    ended = operator.post(f"/api/v1/twin/faults/{fault['id']}/end").json()
    assert (ended["state"], ended["end"]) == ("over", clock.now)
    assert [one.action for one in state.audit_log(10)][:2] == ["twin.end", "twin.trigger"]


def test_the_right_action_ends_its_fault_after_a_while(operator, clock):
    body = {"kind": "exporter_silent", "place": "chi-border1", "duration_s": 3600}
    fault = operator.post("/api/v1/twin/faults", json=body).json()
    right = {"kind": fault["action"]["kind"], "parameters": fault["action"]["parameters"]}
    for _ in range(10):  # a few percent fail
        clock.now += 30
        action = operator.post("/api/v1/twin/actions", json=right).json()
        assert action["state"] == "waiting"
        if action["ended"]:
            break
    assert action["ended"] == [fault["id"]]
    clock.now = action["effective"] - 0.5
    assert operator.get("/api/v1/twin").json()["faults"][0]["state"] == "active"
    clock.now = action["effective"] + 0.5
    view = operator.get("/api/v1/twin").json()
    assert view["faults"][0]["state"] == "over"
    assert view["actions"][0]["state"] == "done"


def test_what_stays_in_force_is_undone_by_its_opposite_or_a_reset(operator, clock):
    shut = {"kind": "shut", "parameters": {"device": "chi-border1", "interface": "et-2/0/0"}}
    while operator.post("/api/v1/twin/actions", json=shut).json()["until"] is not None:
        clock.now += 1  # it failed
    clock.now += 60
    assert operator.get("/api/v1/twin").json()["actions"][0]["state"] == "active"
    operator.post("/api/v1/twin/faults", json=CUT)
    view = operator.post("/api/v1/twin/reset").json()
    clock.now += 1
    assert [one["state"] for one in view["faults"]] == ["over"]
    assert operator.get("/api/v1/twin").json()["actions"][0]["state"] == "undone"


def test_the_pace_brings_faults_and_takes_them_away(operator, clock):
    view = operator.put("/api/v1/twin/pace", json={"pace": 10}).json()
    assert (view["scheduled"], view["pace"]) == (True, 10)
    assert len([one for one in view["faults"] if one["state"] == "planned"]) >= 5
    assert all(one["start"] >= clock.now for one in view["faults"])
    view = operator.put("/api/v1/twin/pace", json={"pace": 0}).json()
    assert [one for one in view["faults"] if one["state"] == "planned"] == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("faults", {"kind": "meteor"}, 400),
        ("faults", {**CUT, "place": "mars"}, 400),
        ("faults", {**CUT, "duration_s": 1}, 400),
        ("faults", {**CUT, "duration_s": 1e9}, 400),
        ("faults", {**CUT, "severity": 2}, 400),
        ("faults", {**CUT, "more": 1}, 400),
        ("faults/none/end", {}, 404),
        ("actions", {"kind": "explode"}, 400),
        ("actions", {"kind": "shut"}, 400),
        ("actions", {"kind": "drain", "parameters": {"device": ["a"]}}, 400),
        ("actions", {"kind": "drain", "parameters": {f"p{i}": "x" for i in range(20)}}, 400),
    ],
)
def test_what_makes_no_sense_is_refused(operator, path, body, status):
    answer = operator.post(f"/api/v1/twin/{path}", json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["message"]


def test_triggered_faults_are_bounded(operator):
    for _ in range(MOST_TRIGGERED):
        assert operator.post("/api/v1/twin/faults", json=CUT).status_code == 201
    assert operator.post("/api/v1/twin/faults", json=CUT).status_code == 400


def test_who_may_look_may_change_nothing(as_role, client):
    viewer = as_role("viewer")
    for method, path, body in (
        ("POST", "faults", CUT), ("POST", "faults/x/end", {}), ("PUT", "pace", {"pace": 1}), ("POST", "reset", {}),
        ("POST", "actions", {"kind": "drain"}),
    ):  # fmt: skip
        assert viewer.request(method, f"/api/v1/twin/{path}", json=body).status_code == 403
        assert client.request(method, f"/api/v1/twin/{path}", json=body).status_code == 401
    assert client.get("/api/v1/twin").status_code == 401


def test_a_real_network_has_no_scenario(deps, as_role):
    app = create_app(replace(deps, scenario=None, registry=CollectorRegistry()))
    plain = TestClient(app, base_url="http://localhost", client=("127.0.0.1", 1))
    plain.headers.update(as_role("admin").headers)
    for answer in (plain.get("/api/v1/twin"), plain.post("/api/v1/twin/faults", json=CUT)):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_the_page_is_told_quickly(operator, clock):
    operator.put("/api/v1/twin/pace", json={"pace": 10})
    clock.now += 6 * 3600
    operator.get("/api/v1/twin")
    began = time.process_time()
    view = operator.get("/api/v1/twin").json()
    assert time.process_time() - began < 1.0
    assert len(view["faults"]) > 50
