"""Routing over the API: look-ups, timelines, sessions, churn, policy and origin validation, and what is refused."""

from __future__ import annotations

import dataclasses

import pytest
from starlette.testclient import TestClient
from tests.api.networks import device
from tests.doubles.routes import EDGE1, PARTNER, batch, story

from weft.api.application import create_app
from weft.api.topology_network import network_of
from weft.model.dictionaries import ASNS
from weft.model.routes import ROUTES
from weft.query.routing.questions import RoutingQuestions
from weft.store.config import StoreConfig
from weft.store.open import open_store

DAY = 1_794_960_000
NOW = DAY + 20 * 3600
WEB = "203.0.113.0/24"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = open_store(StoreConfig(data_dir=tmp_path_factory.mktemp("store"), retention_days={"routes": 20000}))
    store.start()
    store.insert(ROUTES, batch(story(DAY)))
    store.upsert_dictionary(ASNS, [{"asn": 64511, "name": "Example Net"}])
    yield store
    store.stop()


@pytest.fixture
def app(deps, store):
    network = network_of([device("edge1", EDGE1), device("partner", PARTNER)])
    routes = RoutingQuestions(store, clock=lambda: NOW)
    return create_app(dataclasses.replace(deps, routes=routes, networks=lambda _: network))


@pytest.fixture
def get(as_role):
    client = as_role("viewer")

    def get(what, code=200, **parameters):
        answer = client.get(f"/api/v1/routing/{what}", params=parameters)
        assert answer.status_code == code, answer.text
        return answer.json()

    return get


def test_a_look_up_names_devices_and_ases_and_says_why(get):
    view = get("lookup", prefix=WEB, at=str(DAY + 11 * 3600), match="exact")
    assert view["asked"] == WEB
    assert view["as_names"] == {"64511": "Example Net"}
    (prefix,) = [one for one in view["prefixes"] if not one["vrf"]]
    router = next(one for one in prefix["routers"] if one["exporter"] == EDGE1)
    assert (router["name"], router["used"], router["told"]) == ("edge1", True, True)
    assert router["why"] == "higher local preference: 200 against 100"
    best, *others = router["paths"]
    assert (best["best"], best["rib"], best["next_hop_name"]) == (True, "loc_rib", "partner")
    assert {path["peer_name"] for path in others} == {"", "partner"}
    accepted = next(path for path in others if path["rib"] == "adj_rib_in_post" and path["peer"] == PARTNER)
    assert accepted["communities"] == ["64496:100"]
    assert "FROM routes" in view["sql"]
    assert view["rows_read"] > 0


def test_routers_and_neighbours_are_named_as_people_do(get):
    at = str(DAY + 11 * 3600)
    by_name = get("lookup", prefix=WEB, at=at, match="exact", exporter="edge1", peer="partner")
    by_address = get("lookup", prefix=WEB, at=at, match="exact", exporter=EDGE1, peer=PARTNER)
    assert by_name["prefixes"] == by_address["prefixes"] != []
    assert get("lookup", prefix=WEB, at=at, vrf="64496:7")["prefixes"][0]["vrf"] == "64496:7"
    assert {one["vrf"] for one in get("lookup", prefix=WEB, at=at, vrf="global")["prefixes"]} == {""}


def test_where_nothing_stands_it_is_said_when_something_did(get):
    view = get("lookup", prefix="203.0.113.128/25", match="exact")
    assert [one["standing"] for one in view["prefixes"]] == [False]
    assert view["last_heard"] == DAY + 10 * 3600 + 600
    assert get("lookup", prefix="192.0.2.99", match="exact")["last_heard"] is None


def test_timeline_sessions_churn_policy_validity(get):
    window = {"since": str(DAY + 9 * 3600), "until": str(NOW)}
    timeline = get("timeline", prefix=WEB, **window)
    assert timeline["lanes"][0]["segments"][0]["path"]["as_path"] == "64501 64505 64511"
    changed = next(event for event in timeline["events"] if event["changed"])
    assert changed["changed"][0] == {"attribute": "as_path", "before": "64501 64505 64511", "after": "64501 64511"}

    sessions = get("sessions", **window)["sessions"]
    partner = next(one for one in sessions if one["peer"] == PARTNER and one["rib"] == "adj_rib_in_pre")
    assert (partner["name"], partner["peer_name"], partner["state"], partner["routes"]) == ("edge1", "partner", "up", 1)
    assert get("sessions", count="false", **window)["sessions"][0]["routes"] is None

    rows = get("churn", by="prefix", limit="1", **window)["rows"]
    assert [(row["prefix"], row["flaps"]) for row in rows] == [("192.0.2.0/25", 10)]

    policy = get("policy", exporter="edge1", peer="partner", at=str(DAY + 11 * 3600))
    assert (policy["name"], policy["told"], policy["changed"]) == ("edge1", True, 1)
    assert policy["by_attribute"] == {"local_pref": 1, "communities": 1}

    judged = get("validity", at=str(NOW))
    assert [(one["prefix"], one["name"], one["rpki"]) for one in judged["routes"]] == [
        ("192.0.2.128/25", "edge1", "invalid")
    ]


@pytest.mark.parametrize(
    ("what", "parameters", "where"),
    [
        ("lookup", {"prefix": "example.com"}, "prefix"),
        ("lookup", {"prefix": WEB, "at": "yesterday"}, "at"),
        ("lookup", {"prefix": WEB, "exporter": "nobody"}, "exporter"),
        ("timeline", {"prefix": WEB, "since": "now", "until": "now-1h"}, "since"),
        ("policy", {"exporter": EDGE1}, "exporter, peer"),
        ("validity", {"state": "odd"}, "state"),
    ],
)
def test_what_cannot_be_answered_says_where_and_how_to_mend_it(get, what, parameters, where):
    error = get(what, 400, **parameters)["error"]
    assert error["where"] == where
    assert error["message"]


def test_bounds_are_kept(get):
    for what, parameters in (("lookup", {"prefix": WEB, "limit": "100000"}), ("lookup", {"prefix": "1" * 70}),
                             ("churn", {"by": "everything"}), ("lookup", {})):  # fmt: skip
        assert "error" in get(what, 400, **parameters)


def test_nobody_asks_without_a_login(app):
    assert TestClient(app, base_url="http://localhost").get("/api/v1/routing/sessions").status_code == 401


def test_without_a_store_it_is_unavailable(deps, as_role, app):
    app.state.deps = dataclasses.replace(deps, routes=None)
    assert as_role("viewer").get("/api/v1/routing/sessions").status_code == 503
