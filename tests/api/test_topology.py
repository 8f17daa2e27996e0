"""The picture of the network: which edges there are, how loaded by counters and by flows, where nodes stand."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient
from tests.api.fakes import FakeQuestions, answer
from tests.api.networks import counters, device, gauge, interface, link, metric_rows, site, small

from weft.api.devices_readings import Telemetry
from weft.api.errors import NotFound
from weft.api.topology import Topology
from weft.api.topology_layout import layout, stress
from weft.api.topology_network import network_of
from weft.errors import StoreUnavailable
from weft.model.metrics import METRICS
from weft.store.config import StoreConfig
from weft.store.open import open_store

NOW = 1_795_000_020
G = 1e9


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = open_store(StoreConfig(data_dir=tmp_path_factory.mktemp("store"), retention_days={"metrics": 20000}))
    store.start()
    since, out = NOW - 3600, {"out_discards": 7}
    rows = [
        *counters("192.0.2.1", 1, "et-0/0/0", out | {"in_octets": 1 * G, "out_octets": 4.9 * G}, since, NOW),
        *counters("192.0.2.3", 1, "et-0/0/0", {"in_octets": 4.8 * G, "out_octets": 1 * G, "in_errors": 3}, since, NOW),
        # Five minutes between polls, and only the far end is counted.
        *counters("192.0.2.3", 2, "et-0/0/1", {"in_octets": 2 * G, "out_octets": 3 * G}, since, NOW, every=300),
        *counters("192.0.2.1", 2, "et-0/0/1", {"in_octets": 0.0, "out_octets": 0.0}, since, NOW),
        gauge("192.0.2.1", "oper_status", 1, NOW - 30, "et-0/0/0"),
        gauge("192.0.2.1", "admin_status", 1, NOW - 30, "et-0/0/0"),
        # Told only when it changes, hours ago.
        gauge("192.0.2.1", "oper_status", 1, NOW - 40_000, "et-0/0/1", if_index=2),
        gauge("192.0.2.1", "oper_status", 2, NOW - 30_000, "et-0/0/1", if_index=2),
    ]  # fmt: skip
    store.insert(METRICS, metric_rows(rows))
    yield store
    store.stop()


class Flows(FakeQuestions):
    """Answers flow questions with fixed rates."""

    rates: dict = {"in_if": {}, "out_if": {}}  # noqa: RUF012

    def run(self, query):
        if self.failure:
            raise self.failure
        self.asked.append(query)
        return answer(query, [[cell, bps] for cell, bps in self.rates[query.by[0]].items()])


@pytest.fixture
def flows():
    return Flows()


@pytest.fixture
def pictures(store, flows):
    return Topology(lambda _: network_of(small()), Telemetry(store), flows, clock=lambda: float(NOW))


def edge(view, *nodes):
    return next(one for one in view.edges if {one.a, one.b} == set(nodes))


def test_links_are_what_sources_state_once_each_with_names_in_full():
    wires = network_of(small()).wires
    ends = {frozenset(((w.a.device, w.a.interface), (w.b.device, w.b.interface))) for w in wires}
    assert frozenset((("fra-1", "GigabitEthernet0/3"), ("ams-1", "et-0/0/1"))) in ends
    assert len(wires) == 4
    assert {w.capacity_bps for w in wires} == {5 * G, 10 * G}  # the circuit's, not the port's
    assert not any("ghost" in w.id for w in wires)


def test_sites_are_joined_by_bundles_with_load_by_direction(pictures):
    view = pictures.view("now")
    assert {node.name for node in view.nodes} == {"fra", "ams", "chi", ""}
    assert view.geographic
    bundle = edge(view, "site:ams", "site:fra")
    assert (bundle.kind, len(bundle.links), bundle.capacity_bps, bundle.measured) == ("bundle", 2, 15 * G, "counters")
    # ams → fra: what ams sent on one link, and what it sent on the other.
    assert bundle.forward.bps == pytest.approx(4 * G, rel=0.01)
    assert bundle.backward.bps == pytest.approx(6.9 * G, rel=0.01)
    assert bundle.backward.worst == pytest.approx(0.98, rel=0.01)
    assert bundle.backward.utilisation == pytest.approx(6.9 / 15, rel=0.01)
    assert bundle.status.value == "critical"
    assert any("98% utilised" in reason for reason in bundle.reasons)
    assert (bundle.backward.errors_per_s, bundle.backward.discards_per_s) == (3.0, 7.0)


def test_a_state_told_long_ago_still_holds(pictures):
    view = pictures.view("now")
    down = edge(view, "site:chi", "site:fra")
    assert (down.oper, down.status.value) == ("down", "critical")
    fra = next(node for node in view.nodes if node.name == "fra")
    assert (fra.status.value, fra.devices, fra.interfaces_up, fra.interfaces_down) == ("critical", 2, 1, 1)
    assert "chi: down" in fra.reasons[0]


def test_a_site_opens_into_devices_and_where_its_links_lead(pictures):
    view = pictures.view("now", "device", "fra")
    assert {(node.id, node.outside) for node in view.nodes} == {
        ("device:fra-1", False), ("device:fra-2", False), ("site:ams", True), ("site:chi", True),
    }  # fmt: skip
    assert len(view.edges) == 4  # two parallel links stay apart
    at = {node.id: node.y for node in view.nodes}
    assert at["site:ams"] < at["device:fra-1"] < at["device:fra-2"]
    assert edge(view, "device:fra-1", "device:fra-2").measured == "none"


def test_links_without_counters_are_measured_by_flows(store, pictures, flows):
    flows.rates = {"in_if": {"fra-2:Ethernet1/1": 2 * G}, "out_if": {"[192.0.2.1]:3": 1 * G, "192.0.2.1:3": 1 * G}}
    view = pictures.view("now", "device")
    inside = edge(view, "device:fra-1", "device:fra-2")
    assert inside.measured == "flows"
    assert inside.forward.bps == 2 * G
    assert inside.backward.bps is None
    assert flows.asked[0].filter.startswith("exporter IN (192.0.2.")


def test_flows_that_cannot_be_asked_leave_a_note(pictures, flows):
    flows.failure = StoreUnavailable("is away")
    assert "is away" in pictures.view("now", "device").notes[0]


def test_timeline_fills_what_a_slow_poll_covers(pictures):
    line = pictures.timeline("now-1h", "now", 60)
    values = line.backward[line.edges.index("site:ams--site:fra")]
    known = [v for v in values if v is not None]
    assert known == pytest.approx([0.98] * len(known), rel=0.01)
    assert len(known) >= line.count - 2
    slow = pictures.timeline("now-1h", "now", 60, "device", "fra")
    at = next(i for i, key in enumerate(slow.edges) if "GigabitEthernet0/3" in key)
    assert sum(v is None for v in slow.forward[at]) <= 1
    assert slow.measured[slow.edges.index(next(k for k in slow.edges if "Ethernet1/1" in k))] == "none"


def test_aggregates_are_one_edge():
    objects = [
        device("a", "192.0.2.1", "s"), device("b", "192.0.2.2", "s"),
        *(interface("a", f"xe-{i}", i, lag="ae0") for i in (1, 2)),
        *(interface("b", f"xe-{i}", i, lag="ae7") for i in (1, 2)),
        *(link(("a", f"xe-{i}"), ("b", f"xe-{i}")) for i in (1, 2)),
    ]  # fmt: skip
    empty = type("Store", (), {"query": lambda *_: type("R", (), {"table": metric_rows([]).slice(0, 0)})})()
    view = Topology(lambda _: network_of(objects), Telemetry(empty), Flows(), clock=lambda: float(NOW)).view(
        level="device"
    )
    assert [(one.kind, one.capacity_bps, one.status.value) for one in view.edges] == [("lag", 20 * G, "unknown")]


def test_layout_is_the_same_every_time_and_keeps_neighbours_near():
    nodes = [f"n{i}" for i in range(40)]
    links = [(f"n{i}", f"n{(i + 1) % 40}") for i in range(40)]
    one, other = stress(nodes, links), stress(list(reversed(nodes)), list(reversed(links)))
    assert one == other
    near = [abs(complex(*one[a]) - complex(*one[b])) for a, b in links]
    far = [abs(complex(*one[f"n{i}"]) - complex(*one[f"n{(i + 20) % 40}"])) for i in range(40)]
    assert max(near) < min(far)
    assert layout([], [], {}) == ("force", {})
    roles = {"b1": "border", "b2": "border", "c1": "core"}
    assert layout(list(roles), [("b1", "c1"), ("b2", "c1")], roles)[0] == "layered"
    assert layout(list(roles), [("b1", "c1"), ("b1", "b2")], roles)[0] == "force"  # links within a tier would overlap
    assert len(set(layout(["x", "y", "z"], [], {})[1].values())) == 3


def test_a_site_that_is_not_known_is_an_error(pictures):
    with pytest.raises(NotFound):
        pictures.view("now", "device", "atlantis")


def test_site_coordinates_that_are_none_do_no_harm():
    network = network_of([site("x", 91.0, "east"), site("y")])
    assert network.places["x"].longitude is None


def test_over_http(client: TestClient, login):
    assert client.get("/api/v1/topology").status_code == 401
    login()
    answer = client.get("/api/v1/topology?at=yesterday")
    assert answer.status_code == 400
    assert answer.json()["error"]["where"] == "at"
