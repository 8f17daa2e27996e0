"""The list of devices, and the pages of one device and one interface."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient
from tests.api.networks import counters, device, gauge, interface, known, link, metric_rows, site, small

from weft.api.devices import Devices, feeds_of
from weft.api.devices_bgp import labels_of
from weft.api.devices_detail import DeviceDetails
from weft.api.devices_readings import Telemetry
from weft.api.errors import NotFound
from weft.api.models.sources import ExportersView, IntakeView, SourcesView
from weft.api.source_views import source_views
from weft.api.sources import pipeline_view
from weft.api.topology_network import network_of
from weft.errors import InvalidInput
from weft.model.addresses import packed
from weft.model.changes import CHANGES
from weft.model.inventory import Claim, InventoryObject, ObjectKind
from weft.model.logs import LOGS
from weft.model.metrics import METRICS
from weft.model.rows import batch_of
from weft.model.sources import SourceStatus
from weft.query.engine import QueryEngine
from weft.query.model import Query
from weft.store.config import StoreConfig
from weft.store.open import open_store

NOW = 1_795_000_020
G = 1e9
KEEP = dict.fromkeys(("metrics", "logs", "changes"), 20000)


def family(name):
    return {"component": "192.0.2.3", "labels": f'afi_safi="{name}",remote_as="64501"'}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = open_store(StoreConfig(data_dir=tmp_path_factory.mktemp("store"), retention_days=KEEP))
    store.start()
    since = NOW - 600
    peer = {"component": "192.0.2.3", "labels": 'remote_as="64501"'}
    rows = [
        *counters("192.0.2.1", 1, "et-0/0/0", {"in_octets": 1 * G, "out_octets": 9.7 * G, "in_errors": 40}, since, NOW),
        *counters("192.0.2.1", 4, "Gi0/3", {"in_octets": 2 * G, "out_octets": 0.5 * G}, since, NOW),
        # A second source of the same counters.
        *counters("192.0.2.1", 1, "et-0/0/0", {"in_octets": 1 * G, "out_octets": 9.7 * G}, since, NOW, source=3),
        # The same device, named only by host.
        gauge("::", "cpu_percent", 12.0, NOW - 20, "RP0", host="FRA-1"),
        gauge("192.0.2.1", "oper_status", 1, NOW - 60, "et-0/0/0"),
        gauge("192.0.2.1", "oper_status", 2, NOW - 60, "et-0/0/1"),
        gauge("192.0.2.1", "optical_rx_dbm", -4, NOW - 50, "et-0/0/0", labels='lane="1"'),
        gauge("192.0.2.1", "optical_rx_dbm", -5, NOW - 50, "et-0/0/0", labels='lane="2"'),
        gauge("192.0.2.1", "temperature_celsius", 41.5, NOW - 60, "Inlet"),
        gauge("192.0.2.1", "bgp_peer_state", 6, NOW - 60, **peer),
        gauge("192.0.2.1", "bgp_peer_uptime_s", 3600, NOW - 60, **peer),
        gauge("192.0.2.1", "bgp_prefixes_received", 900, NOW - 60, **family("ipv4_unicast")),
        gauge("192.0.2.1", "bgp_prefixes_received", 90, NOW - 60, **family("ipv6_unicast")),
    ]  # fmt: skip
    store.insert(METRICS, metric_rows(rows))
    at = (NOW - 100) * 10**9
    errors = batch_of(LOGS, 2, time=at, time_received=at, exporter=packed("192.0.2.1"), severity=3, message="x")
    store.insert(LOGS, errors)
    store.insert(CHANGES, batch_of(CHANGES, 1, time=at, time_received=at, host="fra-1"))
    yield store
    store.stop()


def sources(*statuses):
    views = source_views(statuses, NOW)
    intake = IntakeView.model_construct()
    return SourcesView.model_construct(sources=views, total=len(views), kinds=[], intake=intake, updated=NOW)


NO_EXPORTERS = ExportersView(exporters=[], pipeline=pipeline_view(None, 0), updated=NOW)
SNMP = SourceStatus("snmp", "fra-1", "192.0.2.1:161", "192.0.2.1", state="ok", last_seen_ns=(NOW - 30) * 10**9)
DEAD = SourceStatus("gnmi", "ams-1", "192.0.2.3:9339", "192.0.2.3", state="failing", last_error="refused")


@pytest.fixture
def devices(store):
    network = network_of(small())
    return Devices(
        lambda _: network, Telemetry(store), lambda n: feeds_of(n, sources(SNMP, DEAD), NO_EXPORTERS),
        clock=lambda: float(NOW),
    )  # fmt: skip


@pytest.fixture
def details(devices):
    return DeviceDetails(devices)


def test_list(devices):
    rows = {row.name: row for row in devices.view().devices}
    fra = rows["fra-1"]
    assert (fra.site, fra.role, fra.vendor, fra.sources) == ("fra", "border", "Example", ["snmp"])
    assert (fra.interfaces, fra.interfaces_up, fra.interfaces_down) == (4, 1, 1)
    assert fra.in_bps == pytest.approx(3 * G)
    assert (round(fra.busiest, 2), fra.busiest_interface) == (0.97, "et-0/0/0")
    assert fra.last_change == NOW - 100
    assert fra.status.value == "warning"
    assert "et-0/0/1 to chi/1 is down" in fra.reasons
    assert rows["ams-1"].status.value in ("warning", "critical")
    assert (rows["lost"].status.value, rows["lost"].reasons) == (
        "unknown",
        ["nothing feeds it: no source has heard it"],
    )


def test_device(details):
    view = details.device("192.0.2.1", "now-1h", "now")
    assert (view.name, view.title, view.site_title) == ("fra-1", "", "Frankfurt")
    assert {claim.attribute: (claim.value, claim.origin) for claim in view.attributes}["vendor"] == ("Example", "file")
    assert [source.kind for source in view.sources] == ["snmp"]
    ports = {row.name: row for row in view.interfaces}
    port = ports["et-0/0/0"]
    assert (port.oper, port.errors_per_s, port.discards_per_s) == ("up", 40.0, None)
    assert (port.peer.device, port.peer.interface, port.peer.site) == ("ams-1", "et-0/0/0", "ams")
    assert (port.optics.rx_dbm, port.optics.lanes) == (-5.0, 2)
    assert ports["GigabitEthernet0/3"].in_bps == pytest.approx(2 * G)
    assert {(g.name, g.component, g.value, g.unit) for g in view.gauges} >= {
        ("cpu_percent", "RP0", 12.0, "%"), ("temperature_celsius", "Inlet", 41.5, "°C"),
    }  # fmt: skip
    assert (view.happened.logs, view.happened.log_severities, view.happened.changes) == (2, {"error": 2}, 1)
    assert {"cpu", "temperature", "received"} <= view.queries.keys()
    assert view.queries["cpu"]["filter"].startswith("exporter = 192.0.2.1")


def test_bgp(details):
    peers = details.device("fra-1", "now-1h", "now").bgp
    assert [(p.afi_safi, p.state, p.remote_as, p.uptime_s, p.received, p.device) for p in peers] == [
        ("ipv4_unicast", "established", "64501", 3600, 900, "ams-1"),
        ("ipv6_unicast", "established", "64501", 3600, 90, "ams-1"),
    ]
    assert labels_of(r'a="x\"y",b="z\\"') == {"a": 'x"y', "b": "z\\"}


def test_interface(details):
    view = details.interface("fra-1", "et-0/0/0", "now-1h", "now")
    assert (view.device, view.interface.name, view.status.value) == ("fra-1", "et-0/0/0", "warning")
    assert view.reasons == ["97% utilised", "40 errors/s"]
    assert {"traffic", "utilisation", "errors", "light", "state"} <= view.queries.keys()
    assert view.flow_filter == "exporter = 192.0.2.1 AND if = 1"
    assert view.queries["traffic"]["filter"].endswith(
        '(component = "et-0/0/0" OR interface = 1) AND metric IN (in_octets, out_octets)'
    )


def test_short_names_and_names_with_slashes(details):
    assert details.interface("fra-1", "Gi0/3", "now-1h", "now").interface.name == "GigabitEthernet0/3"
    assert details.device("chi/1", "now-1h", "now").name == "chi/1"


def test_what_is_not_there(details):
    with pytest.raises(NotFound):
        details.device("nobody", "now-1h", "now")
    with pytest.raises(NotFound):
        details.interface("fra-1", "et-9/9/9", "now-1h", "now")
    with pytest.raises(InvalidInput):
        details.device("fra-1", "now", "now-1h")


def test_disagreements_and_bad_attributes_are_shown_not_fatal(store):
    claims = {
        "name": Claim("odd", "file"), "vendor": Claim("A", "file", {"snmp": "B"}),
        "addresses": Claim(["not an address", "192.0.2.50/24", None], "file"), "site": Claim(None, "file"),
    }  # fmt: skip
    odd = InventoryObject(ObjectKind.DEVICE, ("odd",), claims, ("file", "snmp"), 0.0, 0.0)
    port = known(ObjectKind.INTERFACE, "odd", "x", name="x", if_index="seven", speed_bps="fast", addresses=None)
    network = network_of([odd, port])
    devices = Devices(lambda _: network, Telemetry(store), lambda n: feeds_of(n, sources(), NO_EXPORTERS), lambda: NOW)
    view = DeviceDetails(devices).device("odd", "now-1h", "now")
    assert view.addresses == ["192.0.2.50"]
    assert {c.attribute: c.others for c in view.attributes}["vendor"] == {"snmp": "B"}
    assert view.interfaces[0].speed_bps == 0


def test_every_question_that_a_page_hands_out_can_be_asked(details, store):
    """Also of a device that two sources tell of."""
    engine = QueryEngine(store, clock=lambda: float(NOW), retention_days=KEEP)
    device = details.device("fra-1", "now-1h", "now")
    port = details.interface("fra-1", "et-0/0/0", "now-1h", "now")
    asked = [
        *device.queries.values(), *port.queries.values(), *(row.query for row in device.interfaces),
        *(gauge.query for gauge in device.gauges), *(peer.query for peer in device.bgp),
    ]  # fmt: skip
    assert len(asked) > 15
    for body in asked:
        result = engine.run(Query.model_validate(body))
        assert result.window.until == NOW
    traffic = engine.run(Query.model_validate(port.queries["traffic"]))
    assert {series.key[0] for series in traffic.series} == {"in_octets", "out_octets"}
    assert max(value or 0 for series in traffic.series for value in series.values) == pytest.approx(9.7 * G, rel=0.01)
    for body in ({"dataset": "logs", "filter": port.log_filter}, {"dataset": "changes", "filter": port.change_filter}):
        engine.run(Query.model_validate({**body, "view": "records"}))


def test_an_aggregate_is_not_counted_twice(store):
    network = network_of([
        site("s"), device("fra-1", "192.0.2.1", "s"),
        interface("fra-1", "et-0/0/0", 1), interface("fra-1", "Gi0/3", 4, lag="et-0/0/0"),
        link(("fra-1", "Gi0/3"), ("fra-1", "Gi0/3")),
    ])  # fmt: skip
    devices = Devices(lambda _: network, Telemetry(store), lambda n: feeds_of(n, sources(), NO_EXPORTERS), lambda: NOW)
    assert devices.view().devices[0].in_bps == pytest.approx(2 * G)
    assert DeviceDetails(devices).device("fra-1", "now-1h", "now").in_bps == pytest.approx(2 * G)
    assert network.wires == ()


def test_over_http(client: TestClient, login):
    assert client.get("/api/v1/devices").status_code == 401
    login()
    assert client.get("/api/v1/devices").status_code == 503  # the test's application has no store
    for path in ("a%2Fb", "r1.example.net", "r1/interfaces/ge-0/0/1.0", "a%2Fb/interfaces/Gi0%2F1"):
        assert client.get(f"/api/v1/devices/{path}").json()["error"]["code"] == "not_found"
