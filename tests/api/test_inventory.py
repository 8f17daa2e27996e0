"""The inventory over HTTP: lists, single objects, history, the past, and who may see it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from weft.api.application import create_app
from weft.api.auth import secrets
from weft.api.inventory import InventoryPages
from weft.model.inventory import Fact, ObjectKind
from weft.store.inventory import FactsConfig, Inventory

D, I, L = ObjectKind.DEVICE, ObjectKind.INTERFACE, ObjectKind.LINK  # noqa: E741


@pytest.fixture
def inventory(state) -> Iterator[Inventory]:
    one = Inventory(FactsConfig(), state)
    one.start()
    one.observe("file", "a.yaml", [
        Fact(D, ("fra-1",), {"addresses": ["192.0.2.1"], "site": "fra", "role": "border", "tags": ["edge"],
                             "serial": "A"}),
        Fact(I, ("fra-1", "et-0/0/0"), {"if_index": 1, "description": "to Amsterdam"}),
        Fact(L, ("fra-1", "et-0/0/0", "ams-1", "Ethernet1/1"), {"circuit": "C-1"}),
        Fact(D, ("ams-1",), {"addresses": ["192.0.2.2"], "site": "ams", "role": "core"}),
        Fact(I, ("ams-1", "Ethernet1/1"), {"if_index": 7}),
    ])  # fmt: skip
    one.observe("snmp", "192.0.2.1", [Fact(D, ("fra-1.example",), {"addresses": ["192.0.2.1"], "role": "router"})])
    assert one.flush()
    yield one
    one.stop()


@pytest.fixture
def ask(deps, state, inventory) -> Iterator[Any]:
    pages = InventoryPages(inventory)
    app = create_app(dataclasses.replace(deps, inventory=pages, networks=pages.network))
    secret = secrets.new_token()
    state.add_token(state.user("viewer").id, "test", secrets.digest(secret), "viewer", None)
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50000)) as client:
        client.headers["authorization"] = f"Bearer {secret}"

        def get(path: str, status: int = 200, **asked: Any) -> Any:
            answer = client.get(f"/api/v1/inventory{path}", params=asked)
            assert answer.status_code == status, answer.text
            return answer.json()

        yield get


def ids(view: Any) -> list[str]:
    return [one["id"] for one in view["objects"]]


def test_summary(ask: Any) -> None:
    view = ask("")
    assert view["counts"] | {"device": 2, "interface": 2, "link": 1, "site": 2, "circuit": 1} == view["counts"]
    assert [(one["origin"], one["facts"]) for one in view["origins"] if one["facts"]] == [("file", 5), ("snmp", 1)]
    assert view["conflicts"] == []


def test_lists(ask: Any) -> None:
    assert ids(ask("/device")) == ["ams-1", "fra-1"]
    view = ask("/device", limit=1, offset=1)
    assert (ids(view), view["total"]) == (["fra-1"], 2)
    assert view["objects"][0]["attributes"]["role"] == "border"
    assert ids(ask("/device", search="192.0.2.2")) == ["ams-1"]
    assert ids(ask("/device", search="FRA edge")) == ["fra-1"]
    assert ids(ask("/device", site="FRA")) == ["fra-1"]
    assert ids(ask("/device", role="core", site="fra")) == []
    assert ids(ask("/device", tag="edge")) == ids(ask("/device", origin="snmp")) == ["fra-1"]
    assert ids(ask("/interface", site="ams", role="core")) == ["ams-1|Ethernet1/1"]
    assert ids(ask("/interface", search="amsterdam")) == ["fra-1|et-0/0/0"]
    assert ids(ask("/link")) == ["ams-1|Ethernet1/1|fra-1|et-0/0/0"]
    ask("/planet", status=400)
    ask("/device", status=400, limit=0)


def test_one_object(ask: Any) -> None:
    for name in ("fra-1", "FRA-1", "fra-1.example", "192.0.2.1"):
        view = ask(f"/device/{name}")
        assert view["id"] == "fra-1"
    attributes = {one["name"]: one for one in view["attributes"]}
    assert [one["name"] for one in view["attributes"]][:2] == ["name", "addresses"]
    role = attributes["role"]
    assert (role["value"], role["origin"]) == ("border", "file")
    assert role["others"] == [{"origin": "snmp", "value": "router"}]
    assert role["meaning"].startswith("border, core")
    assert [(f["origin"], f["scope"], f["key"]) for f in view["facts"]] == [
        ("file", "a.yaml", ["fra-1"]), ("snmp", "192.0.2.1", ["fra-1.example"]),
    ]  # fmt: skip
    assert view["last_seen"] >= view["first_seen"] > time.time() - 60
    assert ask("/interface/fra-1|et-0/0/0")["key"] == ask("/interface/fra-1/et-0/0/0")["key"] == ["fra-1", "et-0/0/0"]
    assert ask("/link/ams-1|Ethernet1/1|fra-1|et-0/0/0")["attributes"][0]["name"] == "a_device"
    error = ask("/device/nobody", status=404)["error"]
    assert (error["code"], "lists them" in error["fix"]) == ("not_found", True)


def test_history_and_the_past(ask: Any, inventory: Inventory) -> None:
    time.sleep(0.02)
    then = time.time()
    time.sleep(0.02)
    inventory.observe("file", "a.yaml", [Fact(D, ("fra-1",), {"site": "fra", "role": "spine"})])
    assert inventory.flush()
    assert [e["what"] for e in ask("/device/ams-1/history")["entries"]] == ["withdrawn", "stated"]
    entries = ask("/device/192.0.2.1/history")["entries"]
    assert [(e["what"], e["origin"]) for e in entries[:1]] == [("changed", "file")]
    changes = {one["name"]: (one["before"], one["after"]) for one in entries[0]["attributes"]}
    assert changes == {"addresses": (["192.0.2.1"], None), "role": ("border", "spine"), "serial": ("A", None),
                       "tags": (["edge"], None)}  # fmt: skip
    assert ids(ask("/device")) == ["fra-1"]
    # A moment within the last two seconds is now: the page was just loaded.
    assert ids(ask("/device", at="now-1h")) == []
    inventory_then = inventory.snapshot(then)
    assert sorted(one.key for one in inventory_then.objects(D)) == [("ams-1",), ("fra-1",)]
    ask("/device", status=400, at="yesterdayish")
    assert ask("/device/fra-1", status=404, at="now-1d")
    ask("/device/never-was/history", status=404)


def test_the_network_of_the_topology_page(inventory: Inventory) -> None:
    pages = InventoryPages(inventory)
    network = pages.network(None)
    assert set(network.machines) == {"fra-1", "ams-1"}
    assert [(w.a.device, w.b.device) for w in network.wires] == [("ams-1", "fra-1")]
    assert pages.network(None) is network
    inventory.observe("file", "a.yaml", [])
    assert inventory.flush()
    assert pages.network(None) is not network
    assert pages.network(0.0).machines == {}


def test_without_an_inventory_it_says_so(client, login) -> None:
    login()
    answer = client.get("/api/v1/inventory")
    assert (answer.status_code, "no inventory" in answer.json()["error"]["message"]) == (503, True)
