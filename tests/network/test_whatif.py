"""What-if on small networks whose answers can be worked out by hand, and on random ones against plain evaluation."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter

from weft.errors import InvalidInput
from weft.network.changes import Change, text_of
from weft.network.demands import demands
from weft.network.difference import main_way, uses
from weft.network.evaluate import Evaluation, evaluate
from weft.network.places import Names, Owner, Places
from weft.network.routing import ExternalRoute, PrefixGroup, Routing
from weft.network.state import Network
from weft.network.topology import Link, Node, NodeKind, topology
from weft.network.whatif import WhatIf, what_if

G = 1e9
CHANGE: TypeAdapter[Change] = TypeAdapter(Change)
NAMES = Names(
    sites={"chi": "Chicago", "nyc": "New York"}, providers={"Lumen": 3356, "Arelion": 1299},
    ases={3356: "Lumen", 15169: "Google"},
    owners=[
        Owner("10.1.0.0/16", site="chi", service="people"), Owner("203.0.113.0/24", site="fra", service="web"),
        Owner("10.1.2.0/24", customer="Initech"), Owner("142.250.0.0/15", service="Google Search", asn=15169),
    ],
    device_of={"192.0.2.1": "chi-b"}.get,  # type: ignore[arg-type]
)  # fmt: skip


@pytest.fixture
def network() -> Network:
    """Four sites in a square with a diagonal of high metric; Lumen at two of them, Arelion at one.

    chi-c - chi-b - nyc-b - Lumen, chi-b - ams-b, nyc-b - fra-b - Lumen, ams-b - fra-b, fra-b - Arelion.
    """
    nodes = [
        Node("chi-c", site="chi", role="core"), Node("chi-b", site="chi", role="border"),
        Node("nyc-b", site="nyc", role="border"), Node("ams-b", site="ams", role="border"),
        Node("fra-b", site="fra", role="border"),
        Node("AS3356", NodeKind.AS, asn=3356), Node("AS1299", NodeKind.AS, asn=1299),
    ]  # fmt: skip
    lines = [
        Link("in", 0, 1, kind="core"), Link("chi-nyc", 1, 2, srlgs=("east",), circuit="Z-1"),
        Link("chi-ams", 1, 3, srlgs=("sea",)), Link("nyc-fra", 2, 4, srlgs=("sea",)), Link("ams-fra", 3, 4),
        Link("nyc-t", 2, 5, kind="transit", provider="Lumen"), Link("fra-t", 4, 5, kind="transit", provider="Lumen"),
        Link("fra-a", 4, 6, kind="transit", provider="Arelion"),
    ]  # fmt: skip
    made = topology(
        nodes, lines, capacity_bps=[40 * G, 10 * G, 10 * G, 10 * G, 10 * G, 20 * G, 20 * G, 20 * G],
        delay_s=[0, 0.01, 0.05, 0.04, 0.004, 0, 0, 0], metric=[1, 10, 50, 40, 4, 1, 1, 1],
    )  # fmt: skip
    routes = (
        ExternalRoute(0, 2, 5, as_path_length=2, neighbor_as=3356), ExternalRoute(0, 4, 6, as_path_length=2,
                                                                                  neighbor_as=3356),
        ExternalRoute(0, 4, 7, as_path_length=3, neighbor_as=1299),
    )  # fmt: skip
    asked = demands(
        np.array([0, 0, 4, 2]), np.array([4, -1, 0, 3]), np.array([6 * G, 5 * G, 2 * G, 1 * G]),
        group=np.array([-1, 0, -1, -1]),
    )  # fmt: skip
    return Network(made, Routing((PrefixGroup("AS15169", ("142.250.0.0/15",)),), routes), asked)


def ask(network: Network, *changes: dict, threshold: float = 0.8) -> WhatIf:
    parsed = [CHANGE.validate_python(one) for one in changes]
    assert all(text_of(one) for one in parsed)
    return what_if(network, parsed, threshold, places=Places(network, NAMES))


def names(network: Network, arcs) -> list[str]:
    return [f"{network.topology.links[arc // 2].id}{'<' if arc % 2 else '>'}" for arc in arcs]


def only_links_failed(was: Network, now: Network) -> bool:
    one, other = was.topology, now.topology
    same = all(getattr(one, name) is getattr(other, name) or np.array_equal(getattr(one, name), getattr(other, name))
               for name in ("capacity_bps", "delay_s", "metric", "transit"))  # fmt: skip
    return same and bool((other.up <= one.up).all()) and now.routing is was.routing and now.demands is was.demands


def way_of(evaluation: Evaluation, demand: int) -> tuple[int, ...]:
    """Arcs of the most used way of a demand."""
    found = uses(evaluation, np.array([demand]))
    start = int(evaluation.network.demands.ingress[demand])
    return main_way(evaluation.network.topology, start, found.arc, found.share)


def test_the_network_as_it_is(network: Network) -> None:
    load = evaluate(network).load_bps / G
    # chi → fra goes by nyc (10 + 40 < 54: 51 against 55); Google leaves at nyc, nearest to Chicago.
    assert load.reshape(-1, 2)[:, 0].tolist() == [11, 11, 0, 7, 0, 5, 0, 0]
    assert load.reshape(-1, 2)[:, 1].tolist() == [2, 2, 0, 2, 1, 0, 0, 0]


def test_a_failed_link_moves_traffic_and_overfills_another(network: Network) -> None:
    found = ask(network, {"kind": "fail_link", "link": "chi-nyc"})
    one = found.difference
    assert only_links_failed(network, found.applied.network)
    assert found.applied.down_links == (1,)
    assert names(network, one.newly_over) == ["chi-ams>", "ams-fra>"]
    assert names(network, one.relieved) == ["chi-nyc>"]
    assert one.moved.tolist() == [0, 1, 2]
    assert one.share_moved.tolist() == [1, 1, 1, 0]
    assert (one.moved_bps, one.lost_bps, one.broken.tolist(), one.cut_off) == (13 * G, 0, [], ())
    # Google now leaves by Lumen at Frankfurt: there is no nearer one.
    assert one.before.exit_link[1] == 5
    assert one.after.exit_link[1] == 6
    assert [names(network, way_of(each, 0)) for each in (one.before, one.after)] == [
        ["in>", "chi-nyc>", "nyc-fra>"], ["in>", "chi-ams>", "ams-fra>"]
    ]  # fmt: skip
    sites = np.array([0, 0, 3, 1]), np.array([3, 9, 0, 2])
    delays = one.delays(*sites)
    assert (delays.source[0], delays.destination[0]) == (0, 9)
    assert delays.after_s[0] > delays.before_s[0] + 0.05 > 0.06


def test_cut_off_and_broken(network: Network) -> None:
    one = ask(network, {"kind": "fail_srlg", "srlg": "sea"}).difference
    assert [(c.nodes, c.others) for c in one.cut_off] == [((3, 4), 3)]
    assert one.broken.tolist() == [0, 2, 3]
    assert one.lost_bps == 9 * G
    assert one.after.reachable.tolist() == [False, True, False, False]
    node = ask(network, {"kind": "fail_node", "node": "nyc"}).difference
    assert node.cut_off == ()
    assert node.failed_nodes == (2,)
    assert node.broken.tolist() == [3]


def test_maintenance_drains_first(network: Network) -> None:
    found = ask(network, {"kind": "maintenance", "nodes": ["ams-b"], "links": ["Z-1"]})
    assert found.drained is not None
    drained = names(network, np.flatnonzero(found.drained.load_bps > 0))
    assert "chi-nyc>" in drained  # there is no other way: the metric is high, yet it is the only one left
    assert found.still_carried_bps == pytest.approx(14 * G)
    assert found.difference.lost_bps == pytest.approx(14 * G)
    assert [c.nodes for c in found.difference.cut_off] == [(2, 4)]
    calm = ask(network, {"kind": "maintenance", "links": ["nyc-fra"]})
    assert calm.still_carried_bps == 0
    assert calm.difference.lost_bps == 0


def test_demands_added_and_scaled(network: Network) -> None:
    found = ask(
        network, {"kind": "add_demand", "ingress": "Chicago", "egress": "203.0.113.7", "bps": 3 * G},
        {"kind": "add_demand", "ingress": "AS1299", "egress": "chi-b", "bps": 1 * G, "traffic_class": "gold"},
        {"kind": "scale_demand", "factor": 2, "ingress": "chi", "egress": "Google"},
    )  # fmt: skip
    after = found.difference.after.network.demands
    assert after.ingress.tolist() == [0, 0, 4, 2, 0, 6]
    assert after.egress.tolist() == [4, -1, 0, 3, 4, 1]
    assert after.bps.tolist() == [6 * G, 10 * G, 2 * G, 1 * G, 3 * G, 1 * G]
    assert after.classes == ("", "gold")
    assert found.difference.same_ways
    assert found.difference.moved.tolist() == [1, 4, 5]
    assert names(network, found.difference.newly_over) == ["nyc-fra>"]
    with pytest.raises(InvalidInput, match="behind several neighbours"):
        ask(network, {"kind": "add_demand", "ingress": "142.250.0.1", "egress": "chi", "bps": 1})


def test_metrics_capacity_overload_and_new_links(network: Network) -> None:
    metric = ask(network, {"kind": "set_metric", "link": "nyc-fra", "metric": 60, "direction": "forward"}).difference
    assert metric.moved.tolist() == [0, 3]
    assert names(network, metric.relieved) == ["chi-nyc>"]
    assert [(a.a, a.b, names(network, a.forward), names(network, a.backward)) for a in metric.asymmetric] == [
        (0, 4, ["in>", "chi-ams>", "ams-fra>"], ["nyc-fra<", "chi-nyc<", "in<"]),
        (2, 3, ["chi-nyc<", "chi-ams>"], ["ams-fra>", "nyc-fra<"]),
    ]  # fmt: skip
    wide = ask(network, {"kind": "set_capacity", "link": "chi -- nyc", "capacity_bps": 100 * G}).difference
    assert names(network, wide.relieved) == ["chi-nyc>"]
    assert not len(wide.moved)
    over = ask(network, {"kind": "overload", "node": "nyc-b"}).difference
    assert over.share_moved.tolist() == [1, 0, 1, 0]  # Google still leaves there: it is reached
    new = ask(network, {"kind": "add_link", "a": "chi-b", "b": "fra-b", "capacity_bps": 1 * G, "delay_ms": 1})
    after = new.difference.after
    assert new.difference.after.network.topology.links[-1].id == "chi-b:new0--fra-b"
    assert after.load_bps[16] == 12 * G  # also nyc to ams: 10 + 10 + 4
    assert names(after.network, new.difference.newly_over) == ["chi-b:new0--fra-b>", "chi-b:new0--fra-b<"]


def test_withdrawn_routes(network: Network) -> None:
    lumen = ask(network, {"kind": "withdraw", "provider": "lumen"}).difference
    assert lumen.after.exit_link[1] == 7
    assert lumen.share_moved[1] == 1
    here = ask(network, {"kind": "withdraw", "node": "nyc", "prefixes": ["142.250.3.0/24"]})
    assert here.difference.after.exit_link[1] == 6
    assert "all of AS15169" in here.applied.notes[0]
    everywhere = ask(network, {"kind": "withdraw", "prefixes": ["AS15169"]}).difference
    assert everywhere.broken.tolist() == [1]
    assert everywhere.lost_bps == 5 * G
    nothing = ask(network, {"kind": "withdraw", "provider": "AS1299", "node": "nyc"})
    assert nothing.applied.notes == ("nothing is withdrawn: no known route is of that kind",)
    with pytest.raises(InvalidInput, match="not outside"):
        ask(network, {"kind": "withdraw", "prefixes": ["10.1.0.0/16"]})


@pytest.mark.parametrize(
    ("change", "fix"),
    [
        ({"kind": "fail_link", "link": "chi-nyx"}, "Did you mean chi-nyc"),
        ({"kind": "fail_node", "node": "chicagoo"}, "Did you mean chicago"),
        ({"kind": "fail_node", "node": "192.0.2.200"}, "no way to 192.0.2.200 is known"),
        ({"kind": "fail_srlg", "srlg": "moon"}, "Known are east, sea"),
        ({"kind": "maintenance"}, "names neither"), ({"kind": "withdraw"}, "names nothing"),
        ({"kind": "add_link", "a": "chi-b", "b": "192.0.2.1", "capacity_bps": 1}, "the same device"),
        ({"kind": "scale_demand", "factor": 2, "traffic_class": "gold"}, "only one"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said(network: Network, change: dict, fix: str) -> None:
    with pytest.raises(InvalidInput, match=fix):
        ask(network, change)


def test_places(network: Network) -> None:
    places = Places(network, NAMES)
    told = {text: (place.kind, place.title, place.node, place.group) for text in (
        "chi", "site:nyc", "CHI-B", "192.0.2.1", "10.1.2.3", "initech", "people", "as3356", "Arelion", "142.250.1.1",
        "google", "Google Search",
    ) for place in (places.find(text),)}  # fmt: skip
    assert told == {
        "chi": ("site", "Chicago, at chi-c", 0, -1), "site:nyc": ("site", "New York, at nyc-b", 2, -1),
        "CHI-B": ("device", "chi-b", 1, -1), "192.0.2.1": ("address", "192.0.2.1, of chi-b", 1, -1),
        "10.1.2.3": ("address", "10.1.2.3 (Initech), at chi-c", 0, -1),
        "initech": ("service", "initech: 10.1.2.0/24 (Initech), at chi-c", 0, -1),
        "people": ("service", "people: 10.1.0.0/16 (people), at chi-c", 0, -1),
        "as3356": ("as", "AS3356 Lumen", 5, -1), "Arelion": ("as", "AS1299", 6, -1),
        "142.250.1.1": ("address", "142.250.1.1, routed as AS15169", -1, 0), "google": ("as", "AS15169 Google", -1, 0),
        "Google Search": ("service", "Google Search: 142.250.0.0/15, routed as AS15169", -1, 0),
    }  # fmt: skip


def test_what_moved_agrees_with_two_evaluations_on_random_networks() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        n = int(rng.integers(5, 14))
        ends = [(at, int(rng.integers(at))) for at in range(1, n)]
        ends += [(int(a), int(b)) for a, b in rng.integers(0, n, (n, 2)) if a != b]
        made = topology(
            [Node(f"n{at}") for at in range(n)], [Link(f"l{at}", a, b) for at, (a, b) in enumerate(ends)],
            capacity_bps=np.full(len(ends), 1e3), metric=rng.integers(1, 4, len(ends)),
        )  # fmt: skip
        pairs = rng.integers(0, n, (30, 2))
        net = Network(made, demands=demands(pairs[:, 0], pairs[:, 1], rng.uniform(1, 10, 30)))
        failed = int(rng.integers(len(ends)))
        one = ask(net, {"kind": "fail_link", "link": f"l{failed}"}).difference
        for at in range(30):
            alone = Network(net.topology, demands=net.demands.take(np.array([at])))
            was = evaluate(alone).load_bps / net.demands.bps[at]
            now = evaluate(alone.changed(topology=one.after.network.topology)).load_bps / net.demands.bps[at]
            assert one.share_moved[at] == pytest.approx(max(0.0, (was - now).max()), abs=1e-12)
        change = one.after.load_bps - one.before.load_bps
        untouched = one.share_moved == 0
        still = net.demands.take(untouched)
        kept = [evaluate(Network(each.network.topology, demands=still)).load_bps for each in (one.before, one.after)]
        assert np.allclose(*kept)
        assert untouched.all() == bool(np.allclose(change, 0))
