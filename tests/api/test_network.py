"""The network model by API: from the inventory, readings, routes and flows to loads, paths, failures and what-if."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.api.fakes import FakeQuestions, answer
from tests.api.networks import device, interface, known, link, site

from weft.api.devices_readings import Reading
from weft.api.network import NetworkPages
from weft.api.network_states import port_states
from weft.api.topology_network import network_of
from weft.errors import StoreUnavailable
from weft.model.inventory import InventoryObject, ObjectKind
from weft.network.build import PortState, build
from weft.network.snapshot import EARLIER, NetworkSource
from weft.query.routing.exits import Exit

NOW = 1_795_000_020.0
G = 1e9
EAST = "chi-b:et-0--nyc-b:et-0"
SEA = "chi-b:et-1--ams-b:et-0"
FAR = "nyc-b:et-1--ams-b:et-1"


def inventory() -> list[InventoryObject]:
    """Chicago with a core behind its border, New York, Amsterdam; Lumen at two of them, an exchange at one."""
    transit = {"boundary": "external", "connectivity": "transit"}
    return [
        site("chi", 41.88, -87.63, description="Chicago"), site("nyc", 40.71, -74.01, description="New York"),
        site("ams", 52.37, 4.9, description="Amsterdam"),
        device("chi-c", "192.0.2.1", "chi", "core"), device("chi-b", "192.0.2.2", "chi", "border"),
        device("nyc-b", "192.0.2.3", "nyc", "border"), device("ams-b", "192.0.2.4", "ams", "border"),
        device("printer", "192.0.2.77", "chi"),
        interface("chi-c", "e1", 1, 100 * G), interface("chi-c", "rows", 2, 100 * G),
        interface("chi-b", "e1", 1, 100 * G), interface("chi-b", "et-0", 2), interface("chi-b", "et-1", 3),
        interface("nyc-b", "et-0", 1), interface("nyc-b", "et-1", 2),
        interface("nyc-b", "up", 3, 20 * G, provider="Lumen", circuit="L-1", **transit),
        interface("ams-b", "et-0", 1), interface("ams-b", "et-1", 2), interface("ams-b", "office", 4, 1 * G),
        interface("ams-b", "up", 3, 20 * G, provider="Lumen", addresses=["198.51.100.9/30"], **transit),
        interface("ams-b", "ix", 5, 20 * G, boundary="external", provider="AMS-IX", connectivity="ix"),
        known(ObjectKind.PROVIDER, "Lumen", name="Lumen", asn=3356),
        known(ObjectKind.CIRCUIT, "L-1", name="L-1", provider="Lumen", capacity_bps=20 * G, cost_per_month=900),
        known(ObjectKind.PREFIX, "203.0.113.64/27", prefix="203.0.113.64/27", site="ams", service="public services"),
        known(ObjectKind.SERVICE, "Search", name="Search", prefixes=["142.250.0.0/15"]),
        link(("chi-c", "e1"), ("chi-b", "e1")),
        link(("chi-b", "et-0"), ("nyc-b", "et-0"), delay_ms=9.0, circuit="Z-1", srlg=["east"]),
        link(("chi-b", "et-1"), ("ams-b", "et-0"), metric=500, delay_ms=45.0),
        link(("nyc-b", "et-1"), ("ams-b", "et-1"), delay_ms=35.0, srlg=["sea"]),
    ]  # fmt: skip


def told(exporter: str, peer: str, peer_as: int, origin: int, *, post: bool = False, **more: Any) -> Exit:
    said = {"neighbor_as": peer_as, "as_path_length": 2, "bgp_origin": 0, "local_pref": 0, "med": 0} | more
    return Exit(exporter, post, peer, peer_as, origin, False, 3, ("142.250.0.0/15",), **said)


class Routes:
    """Google by Lumen at both borders, by the exchange too, preferred there; session of our own beside them."""

    def __init__(self) -> None:
        self.failure: Exception | None = None

    def exits(self, at: str = "now") -> Any:
        if self.failure:
            raise self.failure
        return SimpleNamespace(found=[
            told("192.0.2.3", "198.51.100.1", 3356, 15169), told("192.0.2.4", "198.51.100.10", 3356, 15169),
            told("192.0.2.4", "198.51.100.99", 64499, 15169, as_path_length=1),
            told("192.0.2.4", "198.51.100.99", 64499, 15169, as_path_length=1, local_pref=90, post=True),
            told("192.0.2.4", "192.0.2.3", 64500, 15169),
        ])  # fmt: skip

    def look_up(self, *_: Any) -> Any:
        return SimpleNamespace(found=SimpleNamespace(prefixes=[]))

    def as_names(self, _: Any) -> dict[str, str]:
        return {"15169": "Google", "3356": "Lumen"}


class Flows(FakeQuestions):
    """What borders and the core export."""

    def run(self, query: Any) -> Any:
        if self.failure:
            raise self.failure
        rows = [
            ["chi-c", "rows", "e1", "ingress", "chi", "ams", "0", 6 * G],
            ["chi-c", "rows", "e1", "ingress", "chi", "", "AS15169", 5 * G],
            ["chi-b", "e1", "et-0", "ingress", "chi", "", "AS15169", 5 * G],  # seen a second time: on a link of ours
            ["ams-b", "office", "et-1", "ingress", "ams", "chi", "0", 0.5 * G],
            ["nyc-b", "up", "et-0", "ingress", "", "chi", "0", 2 * G],
        ]
        return answer(query, rows)


@dataclass
class World:
    objects: list[InventoryObject] = field(default_factory=inventory)
    states: dict[tuple[str, str], PortState] = field(default_factory=dict)
    routes: Routes = field(default_factory=Routes)
    flows: Flows = field(default_factory=Flows)
    now: float = NOW

    def source(self) -> NetworkSource:
        def objects(at: float | None) -> Any:
            stood = self.objects if at is None or at > NOW - 7200 else []
            return SimpleNamespace(objects=lambda kind: [one for one in stood if one.kind is kind], all=stood)

        return NetworkSource(
            lambda at: network_of(objects(at).all), objects, lambda _, __: self.states, self.flows, self.routes,
            clock=lambda: self.now,
        )  # fmt: skip


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def deps(deps: Any, world: World) -> Any:
    return replace(deps, network=NetworkPages(world.source, clock=lambda: world.now))


@pytest.fixture
def client(as_role: Any) -> TestClient:
    found: TestClient = as_role("viewer")
    return found


def get(client: TestClient, path: str, **asked: Any) -> Any:
    found = client.get(f"/api/v1/network{path}", params=asked)
    assert found.status_code == 200, found.text
    return found.json()


def post(client: TestClient, path: str, code: int = 200, **asked: Any) -> Any:
    found = client.post(f"/api/v1/network/{path}", json=asked)
    assert found.status_code == code, found.text
    return found.json()


def test_the_model_in_short(client: TestClient) -> None:
    view = get(client, "")
    assert {node["name"]: node["kind"] for node in view["nodes"]} == {
        "chi-b": "device", "chi-c": "device", "nyc-b": "device", "ams-b": "device", "AS3356": "as", "AMS-IX": "as",
    }  # fmt: skip
    assert (view["links"], view["links_down"], view["srlgs"]) == (7, 0, {"east": 1, "sea": 1})
    assert (view["providers"], view["prefix_groups"]) == (["AMS-IX", "Lumen"], 1)
    assert view["demand"]["kind"] == "flows"
    assert view["demand"]["bps"] == pytest.approx(13.5 * G)
    assert view["worst_link"] == EAST
    assert "1 device without a known link left out" in view["notes"]


def test_loads_beside_what_counters_say(world: World, client: TestClient) -> None:
    world.states[("chi-b", "et-0")] = PortState(True, 10 * G, 2.4 * G, 10.8 * G)
    view = get(client, "/load")
    links = {one["id"]: one for one in view["links"]}
    assert next(iter(links)) == EAST
    assert links[EAST]["forward"]["bps"] == pytest.approx(11 * G)  # six to Amsterdam by New York, five to Google
    assert links[EAST]["backward"]["bps"] == pytest.approx(2.5 * G)
    assert (links[EAST]["measured_forward_bps"], links[EAST]["measured_backward_bps"]) == (10.8 * G, 2.4 * G)
    assert links[SEA]["forward"]["bps"] == 0
    up = links["nyc-b:up--AS3356"]
    assert (up["kind"], up["provider"], up["circuit"], up["capacity_bps"]) == ("transit", "Lumen", "L-1", 20 * G)
    assert up["forward"]["bps"] == pytest.approx(5 * G)
    assert up["backward"]["bps"] == pytest.approx(2 * G)


def test_the_traffic_matrix(client: TestClient) -> None:
    rows = get(client, "/demands")["rows"]
    assert [(one["source"], one["destination"], round(one["bps"] / G, 3)) for one in rows] == [
        ("chi", "ams", 6), ("chi", "AS15169", 5), ("AS3356", "chi", 2), ("ams", "chi", 0.5),
    ]  # fmt: skip
    assert get(client, "/demands", by="class")["rows"][0]["share"] == pytest.approx(1)
    assert get(client, "/demands", by="ingress", limit=1)["truncated"]
    pair = get(client, "/demands", by="pair")["rows"][0]
    assert (pair["source"], pair["destination"]) == ("chi-c", "ams-b")
    assert 0 < pair["delivered"] < 1  # its way is overfull
    assert get(client, "/demands", by="egress")["rows"][0]["destination"] == "ams-b"


def test_paths_by_what_people_call_places(client: TestClient) -> None:
    view = post(client, "path", source="chi", destination="203.0.113.70")
    assert [hop["node"] for hop in view["forward"]["hops"]] == ["chi-c", "chi-b", "nyc-b", "ams-b"]
    assert view["source"]["title"] == "Chicago, at chi-c"
    assert view["destination"]["node"] == "ams-b"
    assert [hop["out"]["link"] for hop in view["forward"]["hops"][1:3]] == [EAST, FAR]
    assert (view["forward"]["bottleneck"], view["asymmetric"]) == (EAST, False)
    outside = post(client, "path", source="chi-b", destination="Search")
    assert (outside["destination"]["kind"], outside["destination"]["prefix"]) == ("service", "AS15169")
    assert outside["forward"]["exit_link"] == "nyc-b:up--AS3356"
    assert outside["backward"]["hops"][0]["node"] == "AS3356"
    under = post(client, "path", source="chi", destination="Amsterdam", changes=[{"kind": "fail_link", "link": EAST}])
    assert [hop["node"] for hop in under["forward"]["hops"]] == ["chi-c", "chi-b", "ams-b"]
    assert [hop["node"] for hop in under["usual_forward"]["hops"]] == ["chi-c", "chi-b", "nyc-b", "ams-b"]
    assert under["changes"] == [f"{EAST} fails"]
    error = post(client, "path", 400, source="chi", destination="Amsterdem")["error"]
    assert "Did you mean amsterdam" in error["fix"]
    assert "behind several" in post(client, "path", 400, source="Search", destination="chi")["error"]["message"]
    assert post(client, "path", 400, source="chi", destination="ams", traffic_class="gold")


def test_what_if_by_the_ids_of_the_topology_page(client: TestClient) -> None:
    view = post(client, "what-if", changes=[{"kind": "fail_link", "link": EAST}])
    assert view["newly_over"] == [SEA]
    assert view["relieved"] == [EAST]
    assert view["links"][0]["id"] == SEA
    assert {one["id"]: one["what"] for one in view["links"]}[EAST] == "down"
    moved = {one["destination"]: one for one in view["moved"]}
    assert moved["ams-b"]["after"] == ["chi-c", "chi-b", "ams-b"]
    assert moved["ams-b"]["left_links"] == [EAST, FAR]
    # Amsterdam hears Google from Lumen and at the exchange; the exchange's routes have the lower preference.
    assert (moved["AS15169"]["outcome"], moved["AS15169"]["exit_after"]) == ("exit", "ams-b:up--AS3356")
    assert view["moved_bps"] == pytest.approx(13.5 * G)
    assert (view["lost_bps"], view["cut_off"], view["broken"]) == (0, [], [])
    assert {(one["source"], one["destination"]) for one in view["delays"]} >= {("chi", "ams"), ("chi", "AS15169")}
    bundle = post(client, "what-if", changes=[{"kind": "fail_link", "link": "site:chi--site:nyc"}])
    assert bundle["moved_count"] == view["moved_count"]


def test_what_if_more(client: TestClient) -> None:
    cut = post(client, "what-if", changes=[{"kind": "fail_node", "node": "chi-b"}])
    assert cut["cut_off"][0]["text"] == "chi-c cut off from the other 2 nodes"
    assert {one["why"].removeprefix("no way from ") for one in cut["broken"]} == {
        "chi-c to ams-b", "chi-c to AS15169", "ams-b to chi-c", "AS3356 to chi-c",
    }  # fmt: skip
    assert cut["after"]["delivered_bps"] == 0
    drained = post(client, "what-if", changes=[{"kind": "maintenance", "nodes": ["nyc"]}])
    assert drained["drained"]["still_carries_bps"] > 0  # what leaves by Lumen and comes in there
    more = post(client, "what-if", changes=[
        {"kind": "add_demand", "ingress": "ams", "egress": "chi", "bps": 1e9, "traffic_class": "gold"},
        {"kind": "set_metric", "link": SEA, "metric": 100},
        {"kind": "add_link", "a": "chi-c", "b": "nyc-b", "capacity_bps": 1e10, "delay_ms": 9},
    ])  # fmt: skip
    assert {one["traffic_class"] for one in more["classes"]} == {"", "gold"}
    assert {one["what"] for one in more["links"]} >= {"metric", "new"}
    error = post(client, "what-if", 400, changes=[{"kind": "fail_link", "link": "Z-2"}])["error"]
    assert error["where"] == "changes.0.link"
    assert client.post("/api/v1/network/what-if", json={"changes": [{"kind": "burn"}]}).status_code in {400, 422}
    assert client.post("/api/v1/network/what-if", json={"changes": []}).status_code in {400, 422}


@pytest.mark.parametrize("kind", ["link", "node", "srlg"])
def test_failures_worst_first(client: TestClient, kind: str) -> None:
    view = get(client, "/failures", kind=kind)
    names = [one["name"] for one in view["failures"]]
    assert view["count"] == {"link": 7, "node": 4, "srlg": 2}[kind]
    lost = [one["lost_bps"] for one in view["failures"]]
    assert lost == sorted(lost, reverse=True)
    assert names[0] in {"chi-c:e1--chi-b:e1", "chi-b", "chi-c", "east"}


def test_a_line_that_goes_down_shows_within_seconds(world: World, client: TestClient) -> None:
    assert get(client, "")["links_down"] == 0
    world.states[("nyc-b", "et-0")] = PortState(up=False)
    world.now += 6
    assert get(client, "")["links_down"] == 1
    loads = {one["id"]: one["forward"]["bps"] for one in get(client, "/load")["links"]}
    assert loads[EAST] == 0
    assert get(client, "", at=str(int(NOW) - 3600))["links_down"] == 1  # states of then are asked of the same double


def test_what_is_away_is_said(world: World, client: TestClient) -> None:
    world.flows.failure = world.routes.failure = StoreUnavailable("the store is away")
    view = get(client, "")
    assert view["demand"]["kind"] == "none"
    assert sum("the store is away" in note for note in view["notes"]) == 2
    world.now += 6
    assert sum("the store is away" in note for note in get(client, "")["notes"]) == 2  # as long as it holds
    long_ago = get(client, "", at=str(int(NOW) - 86_400))
    assert EARLIER in long_ago["notes"]
    assert long_ago["links"] == 7


def test_what_is_asked_at_once_is_made_once(world: World) -> None:
    made, source = [], world.source()
    known = source._known

    def slow(at: float | None) -> Any:
        made.append(at)
        time.sleep(0.2)
        return known(at)

    source._known = slow
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: source.at(None), range(4)))
    assert made == [None]
    assert all(one is found[0] for one in found)


def test_without_flows_counters_tell_of_the_traffic(world: World, client: TestClient) -> None:
    world.flows.failure = StoreUnavailable("away")
    for near, far, bps in ((("chi-b", "e1"), ("chi-c", "e1"), (2.0, 6.0)), (("chi-b", "et-0"), ("nyc-b", "et-0"),
                                                                          (6.0, 2.0))):  # fmt: skip
        world.states[near] = PortState(True, None, bps[1] * G, bps[0] * G)
        world.states[far] = PortState(True, None, bps[0] * G, bps[1] * G)
    world.states[("chi-c", "rows")] = PortState(True, None, 6 * G, 2 * G)
    world.states[("nyc-b", "up")] = PortState(True, None, 2 * G, 6 * G)
    for port in ("et-0", "et-1", "up", "ix", "office"):
        world.states[("ams-b", port)] = PortState(True, None, 0.0, 0.0)
    view = get(client, "/load")
    assert view["demand"]["kind"] == "counters"
    assert view["demand"]["link_error"] < 0.05
    rows = {(one["source"], one["destination"]): one["bps"] for one in get(client, "/demands")["rows"]}
    assert rows["chi", "AS3356"] == pytest.approx(6 * G, rel=0.05)


def test_what_has_to_be_assumed_is_said() -> None:
    network = network_of([
        device("a", "192.0.2.1"), device("b", "192.0.2.2"), interface("a", "x", 1, 0),
        interface("a", "out", 2, 0, boundary="external"), link(("a", "x"), ("b", "y")),
    ])  # fmt: skip
    made = build(network, {}, {})
    assert made.capacity_bps.tolist() == [10 * G, 10 * G]
    assert made.notes == (
        "capacity of 1 link not known: taken as 10 Gbit/s",
        "delay of 1 link not stated: by distance where their sites differ, 0 within one",
        "IGP metric of 1 link not stated: by delay, 1 for each tenth of a millisecond",
        "1 link of external ports left out: nobody says who is behind them",
    )


def test_interfaces_are_read_lately_first() -> None:
    class Telemetry:
        def interfaces(self, _: Any, __: Any, ___: float, window_s: float) -> Any:
            long = {("a", "x"): {"in_octets": Reading(1, 1, 100.0)}, ("a", "y"): {"in_octets": Reading(1, 1, 50.0)}}
            late = {("a", "x"): {"in_octets": Reading(2, 2, 10.0), "out_octets": Reading(2, 2, None)}}
            return late if window_s < 300 else long

        def states(self, *_: Any) -> Any:
            return {("a", "y"): {"oper_status": Reading(2, 1), "speed_bps": Reading(1e9, 1)}}

    found = port_states(Telemetry(), network_of([]), NOW)  # type: ignore[arg-type]
    assert found == {
        ("a", "x"): PortState(None, None, 80.0, None), ("a", "y"): PortState(False, 1e9, 400.0, None)
    }  # fmt: skip
