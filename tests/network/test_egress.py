"""Where traffic leaves, against routers that each decide anew (``hop_by_hop``); and rules one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.network.hop_by_hop import HopByHop, random_network
from tests.network.reference import close

from weft.network.demands import Demands, demands
from weft.network.evaluate import Evaluation, evaluate, response
from weft.network.forwarding import LOOPED
from weft.network.routing import Entry, EntryAction, ExternalRoute, PrefixGroup, Routing, Tunnel
from weft.network.state import Network
from weft.network.topology import Link, Node, NodeKind, Topology, topology

A, B, C, D, E, AS1, AS2 = range(7)


def ladder(**arrays: object) -> Topology:
    """a-b-d and a-c-d at the same cost, d-e behind; AS1 behind d and b, AS2 behind e."""
    ends = [(A, B), (A, C), (B, D), (C, D), (D, E), (D, AS1), (B, AS1), (E, AS2)]
    made = topology(
        [*(Node(name) for name in "abcde"), Node("AS1", NodeKind.AS), Node("AS2", NodeKind.AS)],
        [Link(f"l{at}", a, b) for at, (a, b) in enumerate(ends)], capacity_bps=[1e9] * 8, delay_s=[0.001] * 8,
    )  # fmt: skip
    return made.changed(**arrays)  # type: ignore[arg-type]


AT_D, AT_B, AT_E = ExternalRoute(0, D, 5), ExternalRoute(0, B, 6), ExternalRoute(0, E, 7)


def to_group(*ingress: int, bps: float = 100.0, traffic_class: int = 0) -> Demands:
    count = len(ingress)
    none = np.full(count, -1, np.int32)
    return demands(
        np.array(ingress, np.int32), none, np.full(count, bps), group=np.zeros(count, np.int32),
        traffic_class=np.full(count, traffic_class, np.int16), classes=("gold", "bulk"),
    )  # fmt: skip


def to_node(ingress: int, egress: int, bps: float = 100.0) -> Demands:
    return demands(np.array([ingress], np.int32), np.array([egress], np.int32), np.array([bps]))


def run(
    asked: Demands, *routes: ExternalRoute, entries: tuple[Entry, ...] = (), tunnels: tuple[Tunnel, ...] = (),
    on: Topology | None = None,
) -> Evaluation:  # fmt: skip
    return evaluate(Network(on or ladder(), Routing((PrefixGroup("g"),), routes, entries, tunnels), asked))


def exits(found: Evaluation) -> list[int]:
    return found.exit_node.tolist()


def check(network: Network) -> bool:
    """Compares with the reference; False where traffic loops, whose numbers depend on when it is given up."""
    found, bps = evaluate(network), network.demands.bps
    expected = HopByHop(network, found.delay_s, found.loss)
    followed = found.resolved.followed
    share = followed.rules.share * followed.fate[:, LOOPED]
    looped = np.bincount(followed.rules.demand, share, len(bps))
    ends = found.delivered_bps + found.lost_bps + found.blackholed_bps + found.limited_bps + found.unrouted_bps
    close(ends, bps)
    close(response(network) @ bps, found.load_bps)
    if looped.max() > 1e-13:
        assert (expected.fate["looped"][looped > 0.5] > 0.4).all()
        return False
    close(found.load_bps, expected.load)
    fate = expected.fate
    for name, values in (
        ("survived", found.delivered_bps), ("blackholed", found.blackholed_bps), ("limited", found.limited_bps),
        ("unrouted", found.unrouted_bps),
    ):  # fmt: skip
        close(values, fate[name] * bps)
    arrives = fate["delivered"] > 1e-12
    close(found.demand_delay_s[arrives], fate["late"][arrives] / fate["delivered"][arrives])
    assert np.isnan(found.demand_delay_s[~arrives]).all()
    assert (found.reachable == arrives).all()
    return True


@pytest.mark.parametrize("seed", range(16))
def test_exits_are_those_that_routers_choose_hop_by_hop(seed: int) -> None:
    assert check(random_network(seed, rules=False))


def test_rules_act_as_they_do_hop_by_hop() -> None:
    compared = sum(check(random_network(seed, rules=True)) for seed in range(30))
    assert compared > 10  # the others loop


def test_the_nearest_exit_is_taken_and_a_border_takes_its_own() -> None:
    assert exits(run(to_group(A, B, C, D, E), AT_D, AT_B)) == [B, B, D, D, D]


@pytest.mark.parametrize(
    ("better", "name"),
    [({"local_pref": 200}, "preference"), ({"as_path_length": 0}, "path"), ({"origin": -1}, "origin")],
)
def test_what_comes_before_distance_draws_all(better: dict[str, int], name: str) -> None:
    found = run(to_group(A, B, D), AT_B, AT_D, replace(AT_E, **better))
    assert exits(found) == [E, E, E], name
    assert found.exit_link.tolist() == [7, 7, 7]


def test_med_counts_between_routes_of_one_neighbour_only() -> None:
    far, near = replace(AT_D, neighbor_as=64501, med=5), replace(AT_B, neighbor_as=64501, med=10)
    assert exits(run(to_group(A, B), far, near)) == [D, D]
    assert exits(run(to_group(A, B), far, replace(near, neighbor_as=64502))) == [B, B]
    unknown = replace(far, neighbor_as=0), replace(near, neighbor_as=0)
    assert exits(run(to_group(A), *unknown)) == [B]


def test_med_removes_a_route_only_while_the_lower_one_stands() -> None:
    far, near = replace(AT_D, neighbor_as=64501, med=5), replace(AT_B, neighbor_as=64501, med=10)
    up = ladder().up.copy()
    up[10] = False  # d to AS1
    assert exits(run(to_group(A), far, near, on=ladder(up=up))) == [B]


def test_of_equal_exits_the_lowest_name_is_taken() -> None:
    found = run(to_group(A), replace(AT_D, link=5), replace(ExternalRoute(0, C, 1), link=1), AT_B)
    assert exits(found) == [B]
    assert found.load_bps[[0, 12]].tolist() == [100, 100]


def test_nothing_leads_back_to_the_neighbour_that_it_came_from() -> None:
    assert exits(run(to_group(AS1), AT_D, AT_B, AT_E)) == [E]
    assert not run(to_group(AS1), AT_D, AT_B).reachable.any()


def test_other_networks_are_not_passed_through() -> None:
    up = ladder().up.copy()
    up[:8] = False  # all that joins a, b, c and d: b and d have only AS1 in common
    found = run(to_node(B, D), on=ladder(up=up))
    assert not found.reachable.any()
    assert found.unrouted_bps.tolist() == [100]
    assert run(to_node(B, AS1), on=ladder(up=up)).reachable.all()


def test_an_overloaded_border_still_sends_out_what_is_its_own() -> None:
    transit = np.array([True, False, True, True, True, True, True])
    assert exits(run(to_group(A), AT_B, AT_D, on=ladder(transit=transit))) == [B]


def test_a_group_without_routes_goes_nowhere() -> None:
    found = run(to_group(A, B))
    assert found.unrouted_bps.tolist() == [100, 100]
    assert not found.load_bps.any()
    assert exits(found) == [-1, -1]
    assert found.exit_link.tolist() == [-1, -1]


def test_a_blackhole_takes_what_passes_its_node() -> None:
    found = run(to_node(A, D), entries=(Entry(EntryAction.BLACKHOLE, node=B, egress=D),))
    assert found.blackholed_bps.tolist() == [50]
    assert found.delivered_bps.tolist() == [50]
    assert found.load_bps[[0, 2, 4, 6]].tolist() == [50, 50, 0, 50]
    narrow = run(to_group(A), AT_D, entries=(Entry(EntryAction.BLACKHOLE, group=0, share=0.3),))
    assert narrow.blackholed_bps.tolist() == pytest.approx([30])
    assert narrow.load_bps[10] == pytest.approx(70)


def test_a_rule_of_one_class_leaves_the_others() -> None:
    rule = Entry(EntryAction.BLACKHOLE, group=0, traffic_class=1)
    assert run(to_group(A, traffic_class=1), AT_D, entries=(rule,)).blackholed_bps.tolist() == [100]
    assert run(to_group(A, traffic_class=0), AT_D, entries=(rule,)).blackholed_bps.tolist() == [0]


def test_a_rate_limit_is_shared_by_all_that_comes_to_it() -> None:
    found = run(to_group(A, C, D), AT_D, entries=(Entry(EntryAction.RATE_LIMIT, node=D, group=0, rate_bps=90.0),))
    assert found.limited_bps.tolist() == pytest.approx([70, 70, 70])
    assert found.load_bps[10] == pytest.approx(90)
    everywhere = run(to_group(A, C, D), AT_D, entries=(Entry(EntryAction.RATE_LIMIT, group=0, rate_bps=90.0),))
    assert everywhere.load_bps[10] == pytest.approx(90)
    assert everywhere.load_bps[0] + everywhere.load_bps[2] == pytest.approx(90)
    discarded = run(to_group(A, bps=0.0), AT_D, entries=(Entry(EntryAction.RATE_LIMIT, group=0),))
    assert discarded.resolved.limited.tolist() == [1]


def test_limits_one_behind_the_other_agree() -> None:
    limits = (
        Entry(EntryAction.RATE_LIMIT, node=A, group=0, rate_bps=60.0),
        Entry(EntryAction.RATE_LIMIT, node=D, group=0, rate_bps=80.0),
    )
    found = run(to_group(A, C), AT_D, entries=limits)
    assert found.delivered_bps.tolist() == pytest.approx([80 * 60 / 160, 80 * 100 / 160])


def test_static_routes_and_redirects_lead_elsewhere() -> None:
    static = run(to_group(D), AT_D, entries=(Entry(EntryAction.NEXT_HOP, node=D, group=0, link=4),))
    assert static.unrouted_bps.tolist() == pytest.approx([100])  # e sends it back: a loop, and it loads the line
    assert static.load_bps[8] == pytest.approx(3200)
    out = run(to_group(D), AT_D, entries=(Entry(EntryAction.NEXT_HOP, node=D, group=0, link=5),))
    assert exits(out) == [D]
    assert out.delivered_bps.tolist() == [100]
    up = ladder().up.copy()
    up[8] = False
    withdrawn = run(
        to_group(D), AT_D, entries=(Entry(EntryAction.NEXT_HOP, node=D, group=0, link=4),), on=ladder(up=up)
    )
    assert withdrawn.delivered_bps.tolist() == [100]
    scrubbed = run(to_group(A), AT_D, entries=(Entry(EntryAction.REDIRECT, group=0, via=E),))
    assert scrubbed.delivered_bps.tolist() == pytest.approx([100])
    assert scrubbed.load_bps[[8, 9, 10]].tolist() == pytest.approx([100, 100, 100])


def test_a_tunnel_goes_over_its_segments_and_falls_away_with_them() -> None:
    tunnel = Tunnel("t", A, (("node", C), ("arc", 6)), egress=D)
    steered = run(to_node(A, D), tunnels=(tunnel,))
    assert steered.load_bps[[0, 2, 6]].tolist() == [0, 100, 100]
    half = run(to_node(A, D), tunnels=(replace(tunnel, share=0.5),))
    assert half.load_bps[[0, 2, 6]].tolist() == pytest.approx([25, 75, 75])
    up = ladder().up.copy()
    up[6] = False
    fallen = run(to_node(A, D), tunnels=(tunnel,), on=ladder(up=up))
    assert fallen.load_bps[[0, 2, 4]].tolist() == [100, 0, 100]


def test_a_tunnel_hides_traffic_from_rules_on_its_way() -> None:
    tunnel = Tunnel("t", A, (("node", B), ("node", E)), group=0)
    found = run(to_group(A), AT_E, entries=(Entry(EntryAction.BLACKHOLE, node=D, group=0),), tunnels=(tunnel,))
    assert found.delivered_bps.tolist() == [100]
    assert exits(found) == [E]


def test_classes_have_loads_of_their_own() -> None:
    asked = replace(to_group(A, C), traffic_class=np.array([0, 1], np.int16))
    found = run(asked, AT_D, entries=(Entry(EntryAction.BLACKHOLE, node=D, traffic_class=1, share=0.5),))
    assert found.class_load_bps[:, 10].tolist() == pytest.approx([100, 50])
    close(found.class_load_bps.sum(axis=0), found.load_bps)


def test_response_takes_many_moments_at_once() -> None:
    network = random_network(3, rules=False)
    rates = np.random.default_rng(5).uniform(0, 1e9, (len(network.demands), 4))
    found = response(network) @ rates
    for at in range(4):
        asked = replace(network.demands, bps=rates[:, at].copy())
        close(found[:, at], evaluate(network.changed(demands=asked)).load_bps)


def test_what_is_known_of_another_state_is_taken_over_only_where_it_is_the_same() -> None:
    before = run(to_group(A), AT_D, AT_B)
    more = evaluate(before.network.changed(demands=to_group(C)), before)
    assert more.resolved.trees is before.resolved.trees
    assert exits(more) == [D]
    metric = ladder().metric.copy()
    metric[:2] = 9
    other = evaluate(before.network.changed(topology=before.network.topology.changed(metric=metric)), before)
    assert other.resolved.trees is not before.resolved.trees
    assert exits(other) == [D]
