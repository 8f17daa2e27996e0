"""NetBox: what its objects become, what is asked again when, and that its trouble is shown and stops nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from pydantic import ValidationError
from tests.collect.intake.fakes import FakeFacts, FakeIntake
from tests.waiting import until

from doubles.netbox import TOKEN, NetBox, example, serving
from weft.collect.inventory.config import InventoryConfig, NetBoxConfig
from weft.collect.inventory.netbox import NetBoxSource
from weft.collect.inventory.sources import InventorySources
from weft.component import Config


@pytest.fixture
def netbox() -> Iterator[NetBox]:
    with serving(NetBox()) as server:
        yield server


def source(netbox: NetBox, told: FakeFacts, books: FakeIntake, **more: object) -> NetBoxSource:
    given = {"name": "nb", "url": netbox.url, "token": TOKEN, "page_size": 10, **more}
    one = NetBoxSource(NetBoxConfig.model_validate(given), told, books)
    one._book = books.open_source("inventory", "nb", netbox.url)
    return one


@pytest.mark.parametrize("old", [True, False], ids=["3.5", "4.x"])
def test_objects_become_facts(netbox: NetBox, old: bool) -> None:
    example(netbox, old=old)
    told, books = FakeFacts(), FakeIntake()
    fields = {"circuit": {"cost_per_month": "mrc"}, "device": {"owner": "owner"}}
    source(netbox, told, books, custom_fields=fields).sync()
    facts = told.filled("netbox", "nb")
    assert facts["site", "fra-1"] == {
        "name": "fra-1", "address": "Somewhere 1", "region": "Europe", "latitude": 50.11, "longitude": 8.68,
        "description": "Frankfurt", "tags": ["core-site"],
    }  # fmt: skip
    assert facts["device", "fra-border1"] == {
        "name": "fra-border1", "addresses": ["192.0.2.1/32", "192.0.2.1/32", "198.51.100.1/31"], "site": "fra-1",
        "role": "border", "vendor": "Juniper", "model": "MX204", "os": "Junos", "serial": "S1", "location": "R7",
        "owner": "Net team",
    }  # fmt: skip
    assert "192.0.2.4" in [key[1] for key in facts if key[0] == "device"]  # without a name it is called by its address
    assert ("device", "later") not in facts  # planned
    assert ("interface", "later", "et-9/9/9") not in facts
    assert facts["interface", "fra-border1", "xe-0/1/0"] == {
        "name": "xe-0/1/0", "speed_bps": 10**10, "mtu": 9192, "type": "ethernet", "enabled": True, "circuit": "LUM-1",
        "provider": "Lumen", "description": "Transit",
    }  # fmt: skip
    port = facts["interface", "fra-border1", "et-0/0/0"]
    assert (port["speed_bps"], port["addresses"]) == (10**11, ["198.51.100.1/31", "198.51.100.9/24"])
    assert facts["interface", "fra-border1", "lo0.0"]["type"] == "loopback"
    assert facts["link", "fra-border1", "et-0/0/0", "ams-border1", "et-0/0/0"] == {
        "label": "X-17",
        "capacity_bps": 10**11,
    }
    assert facts["provider", "Lumen"]["asn"] == 3356
    assert facts["circuit", "LUM-1"] == {
        "name": "LUM-1", "provider": "Lumen", "type": "Transit", "status": "active", "capacity_bps": 10**10,
        "commit_bps": 10**9, "ends": "2027-01-31", "cost_per_month": 4200,
    }  # fmt: skip
    assert facts["customer", "Globex"]["description"] == "Pays"
    assert facts["prefix", "10.1.0.0/16"] == {
        "prefix": "10.1.0.0/16", "site": "fra-1", "customer": "Globex", "role": "Servers", "vlan": 7,
    }  # fmt: skip
    assert facts["service", "dns"] == {
        "name": "dns", "prefixes": ["192.0.2.1/32"], "ports": ["udp/53"], "devices": ["fra-border1"],
    }  # fmt: skip
    status = books.open[0].status()
    assert (status.state, status.errors, status.detail["devices"]) == ("ok", {}, 4)


def test_later_only_what_changed_is_read(netbox: NetBox) -> None:
    example(netbox)
    told = FakeFacts()
    one = source(netbox, told, FakeIntake())
    one.sync()
    netbox.requests.clear()
    one.sync()
    assert all("last_updated__gte" in asked or asked.get("limit") == ["1"] for _, asked in netbox.requests)
    netbox.put("dcim/devices", 1, serial="NEW")
    one.sync()
    assert told.filled("netbox", "nb")["device", "fra-border1"]["serial"] == "NEW"
    del netbox.objects["dcim/sites"][2]
    one.sync()
    assert ("site", "ams-1") not in told.filled("netbox", "nb")
    # A cable changes what interfaces say of their other end, though nobody touched them.
    netbox.put("dcim/cables", 1, label="X-18")
    netbox.objects["dcim/interfaces"][11]["description"] = "not stamped"
    one.sync()
    facts = told.filled("netbox", "nb")
    assert facts["interface", "fra-border1", "et-0/0/0"]["description"] == "not stamped"
    assert facts["link", "fra-border1", "et-0/0/0", "ams-border1", "et-0/0/0"]["label"] == "X-18"
    # One goes and another comes between two looks.
    del netbox.objects["dcim/devices"][4]
    netbox.put("dcim/devices", 5, **(netbox.objects["dcim/devices"][2] | {"id": 5, "name": "new"}))
    one.sync()
    assert {"new", "fra-border1", "ams-border1"} == {k[1] for k in told.filled("netbox", "nb") if k[0] == "device"}


def test_filters_and_kinds_left_out(netbox: NetBox) -> None:
    example(netbox)
    told = FakeFacts()
    source(netbox, told, FakeIntake(), filters={"devices": {"status": ["planned"]}}, leave_out=["cables"],
           site_names="name").sync()  # fmt: skip
    facts = told.filled("netbox", "nb")
    assert {key[1] for key in facts if key[0] == "device"} == {"later"}
    assert ("site", "FRA 1") in facts
    assert not any(path == "dcim/cables" for path, _ in netbox.requests)


@pytest.mark.parametrize(
    ("refuse", "reason"),
    [((403, {}), "refused"), ((503, {}), "away"), ((301, {"location": "http://127.0.0.1:1/api/"}), "failed"),
     ((404, {}), "failed"), ((429, {"retry-after": "77"}), "away")],
)  # fmt: skip
def test_trouble_is_shown_and_what_was_known_stays(
    netbox: NetBox, refuse: tuple[int, dict[str, str]], reason: str
) -> None:
    example(netbox)
    told, books = FakeFacts(), FakeIntake()
    one = source(netbox, told, books)
    one.sync()
    said = told.times
    netbox.refuse.append(refuse)
    pause = one.sync()
    status = books.open[0].status()
    assert (status.state, status.errors, told.times) == ("failing", {reason: 1}, said)
    assert TOKEN not in status.last_error
    assert pause >= (77 if "retry-after" in refuse[1] else 1)
    one.sync()
    assert books.open[0].status().state == "degraded"


@pytest.mark.parametrize(
    "raw",
    [b"", b"<html>", b"[]", b'{"results": 7}',
     b'{"count": "x", "results": [null, 7, {"id": "a"}, {"id": 1, "name": {}}]}',
     json.dumps({"count": 1, "results": [{"id": 1, "name": "r", "tags": 7, "primary_ip": [], "device": [], "site": 3,
                                          "custom_fields": 9, "status": "x", "connected_endpoints": {"a": 1},
                                          "a_terminations": [[]], "asns": {}, "ports": 3, "ipaddresses": 7,
                                          "prefix": 7, "cid": {}, "last_updated": 7}]}).encode()],
)  # fmt: skip
def test_answers_of_any_shape_are_survived(netbox: NetBox, raw: bytes) -> None:
    told, books = FakeFacts(), FakeIntake()
    netbox.raw = raw
    source(netbox, told, books).sync()
    assert "bug" not in books.open[0].status().errors


def test_too_many_objects_are_refused(netbox: NetBox) -> None:
    for number in range(150):
        netbox.put("dcim/sites", number, name=f"s{number}", slug=f"s{number}")
    told, books = FakeFacts(), FakeIntake()
    source(netbox, told, books, max_objects=100).sync()
    assert books.open[0].status().errors == {"limit_exceeded": 1}
    assert "150 sites" in books.open[0].status().last_error


def test_nothing_answers_and_back_off() -> None:
    told, books = FakeFacts(), FakeIntake()
    away = NetBox()
    away.url = "http://127.0.0.1:1"
    one = source(away, told, books, interval_seconds=300)
    pauses = [one.sync() for _ in range(8)]
    assert pauses[0] < 10 < pauses[3] < pauses[7] <= 360
    assert books.open[0].status().errors == {"away": 8}


def test_tokens_of_both_kinds_and_from_files(netbox: NetBox, tmp_path) -> None:
    (tmp_path / "token").write_text("nbt_abc.secret\n")
    told, books = FakeFacts(), FakeIntake()
    source(netbox, told, books, token={"file": str(tmp_path / "token")}).sync()
    assert set(netbox.headers) == {"Bearer nbt_abc.secret"}
    source(netbox, told, books, token={"env": "NO_SUCH_VARIABLE_HERE"}).sync()
    assert books.open[1].status().errors == {"config": 1}
    source(netbox, told, books, ca_file=tmp_path / "token").sync()
    assert books.open[2].status().errors == {"config": 1}


def test_settings_refuse_what_cannot_be() -> None:
    def refused(**given: object) -> None:
        with pytest.raises(ValidationError):
            NetBoxConfig.model_validate({"name": "nb", "url": "https://nb.example", "token": "x", **given})

    for url in ("nb.example", "ftp://nb.example", "https://user:pass@nb.example", "https://nb.example?token=x"):
        refused(url=url)
    refused(leave_out=["nothing"])
    two = [{"name": "nb", "url": "https://nb.example", "token": "x"}] * 2
    with pytest.raises(ValidationError, match="same name"):
        InventoryConfig.model_validate({"netbox": two})
    assert NetBoxConfig.model_validate(two[0] | {"url": "https://nb.example/sub/api/"}).url == "https://nb.example/sub"
    assert issubclass(NetBoxConfig, Config)


def test_the_component(netbox: NetBox) -> None:
    example(netbox)
    told, books = FakeFacts(), FakeIntake()
    told.said["netbox", "former"] = []
    told.said["file", "gone.yaml"] = []
    config = {"netbox": [{"name": "nb", "url": netbox.url, "token": TOKEN}]}
    sources = InventorySources(InventoryConfig.model_validate(config), told, books)
    sources.start()
    until(lambda: ("netbox", "nb") in told.said, 60)
    sources.stop()
    assert told.filled("netbox", "nb")["device", "fra-border1"]
    assert told.times == 3  # what is not configured any more was withdrawn
    assert books.open == []
