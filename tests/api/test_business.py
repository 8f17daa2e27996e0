"""Values pushed to the API: what is taken, what is told twice, what is refused as a whole."""

import dataclasses

import pytest
from starlette.testclient import TestClient
from tests.collect.intake.fakes import FakeIntake

from weft.api.auth import secrets
from weft.collect.push import PushConfig, Pushes

URL = "/api/v1/business"
ONE = {"series": "orders", "value": 5, "time": "2026-10-05T22:00:00+02:00", "labels": {"site": "fra"}, "unit": "o/min"}


@pytest.fixture
def intake():
    return FakeIntake()


@pytest.fixture
def deps(deps, intake, tmp_path):
    pushes = Pushes(PushConfig(sender_values_per_s=5000), intake, tmp_path)
    pushes.start()
    yield dataclasses.replace(deps, pushes=pushes)
    pushes.stop()
    assert intake.open == []


@pytest.fixture
def sender(app, state):
    secret = secrets.new_token()
    state.add_token(state.user("operator").id, "shop", secrets.digest(secret), "sender", None)
    with TestClient(app, base_url="http://localhost", client=("192.0.2.7", 50000)) as client:
        client.headers["authorization"] = f"Bearer {secret}"
        yield client


def test_values_become_rows_once(sender, intake):
    assert sender.post(URL, json=ONE).json() == {"accepted": 1, "duplicates": 0}
    assert sender.post(URL, json=[ONE, ONE | {"value": 6}, ONE | {"labels": {}}]).json() == {
        "accepted": 2,
        "duplicates": 1,
    }
    rows = intake.rows("business")
    assert [(r["series"], r["labels"], r["value"], r["unit"], r["source"], r["origin"]) for r in rows] == [
        ("orders", 'site="fra"', 5.0, "o/min", 1, "shop"), ("orders", 'site="fra"', 6.0, "o/min", 1, "shop"),
        ("orders", "", 5.0, "o/min", 1, "shop"),
    ]  # fmt: skip
    assert {r["time"].isoformat() for r in rows} == {"2026-10-05T20:00:00+00:00"}
    (status,) = intake.sources()
    assert (status.kind, status.name, status.duplicates) == ("business", "shop @ 192.0.2.7", 1)


@pytest.mark.parametrize("bad", [
    {"series": ""}, {"series": "x" * 101}, {"value": "many"}, {"labels": {"0": "x"}}, {"labels": {"a": "x" * 201}},
    {"time": "soon"}, {"unit": "u" * 41}, {"more": 1}, {"labels": {f"l{i}": "" for i in range(21)}},
])  # fmt: skip
def test_nothing_of_a_bad_request_is_kept(sender, intake, bad):
    answer = sender.post(URL, json=[ONE, ONE | bad])
    assert (answer.status_code, answer.json()["error"]["code"]) in [(400, "invalid_input"), (422, "invalid_input")]
    assert intake.rows("business") == []


def test_who_may_and_when_to_try_again(client, sender, as_role, intake):
    assert client.post(URL, json=ONE).status_code == 401
    assert as_role("viewer").post(URL, json=ONE).status_code == 403
    intake.full = True
    answer = sender.post(URL, json=ONE)
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    intake.full = False
    assert sender.post(URL, json=ONE).json()["accepted"] == 1  # what could not be taken is not a duplicate
    many = [ONE | {"time": i} for i in range(10_000)]
    assert sender.post(URL, json=many).status_code == 200
    # What may be sent grows back by the second: a slow machine needs more than one more to run out.
    assert 429 in [sender.post(URL, json=many).status_code for _ in range(5)]
    assert sender.post(URL, json=[*many, ONE]).status_code == 400
