"""From A to B and back: the fan, what rules do to it, and what is said of it."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.network.hop_by_hop import random_network
from tests.network.test_egress import AS1, AS2, AT_B, AT_D, A, B, C, D, E, ladder, run, to_group, to_node

from weft.errors import InvalidInput
from weft.network.evaluate import Evaluation, evaluate
from weft.network.paths import PathAnswer, Way, path, way
from weft.network.routing import Entry, EntryAction, Tunnel


def ask(found: Evaluation, source: int, node: int = -1, group: int = -1) -> PathAnswer:
    return path(found.network, found, source, node, group)


def arcs(one: Way) -> dict[int, float]:
    return {hop.arc: round(hop.share, 9) for hop in one.hops}


def test_a_fan_has_all_equal_ways_and_the_state_of_its_lines() -> None:
    found = run(to_node(A, E, bps=8e8))
    answer = ask(found, A, E)
    one = answer.forward
    assert arcs(one) == {0: 0.5, 2: 0.5, 4: 0.5, 6: 0.5, 8: 1.0}
    assert (one.equal_ways, one.metric, one.delivered) == (2, 3, 1.0)
    assert one.main == (0, 4, 8)
    assert one.delay_s == pytest.approx(found.demand_delay_s[0])
    assert one.loss == pytest.approx(found.demand_loss[0])
    assert one.bottleneck is not None
    assert (one.bottleneck.link, one.bottleneck.utilisation) == (4, pytest.approx(0.8))
    assert one.narrowest_bps == 1e9
    assert one.why == ""
    assert answer.backward is not None
    assert arcs(answer.backward) == {9: 1.0, 5: 0.5, 7: 0.5, 1: 0.5, 3: 0.5}
    assert not answer.asymmetric
    assert answer.asymmetry == ""


def test_metrics_that_differ_by_direction_are_told_as_asymmetry() -> None:
    metric = ladder().metric.copy()
    metric[[2, 5]] = 5  # a to c, and d back to b
    answer = ask(run(to_node(A, D), on=ladder(metric=metric)), A, D)
    assert answer.asymmetric
    assert answer.asymmetry == "l0, l2 only on the way there; l1, l3 only on the way back"


def test_the_way_to_a_group_leaves_where_routing_says() -> None:
    found = run(to_group(A), AT_D, AT_B)
    answer = ask(found, A, group=0)
    assert arcs(answer.forward) == {0: 1.0, 12: 1.0}
    assert (answer.forward.exit_node, answer.forward.exit_link, answer.forward.metric) == (B, 6, 1)
    assert answer.backward is not None
    assert answer.backward.source == AS1
    assert "AS1" in answer.notes[0]


def test_nothing_comes_back_from_where_nothing_arrives() -> None:
    answer = ask(run(to_node(A, D)), A, group=0)
    assert answer.backward is None
    assert not answer.forward.reachable
    assert answer.forward.why == "no route to g"
    up = ladder().up.copy()
    up[8:10] = False
    cut = ask(run(to_node(A, D), on=ladder(up=up)), A, E)
    assert cut.forward.why == "no way from a to e"
    assert (cut.forward.delay_s, cut.forward.metric, cut.forward.equal_ways, cut.forward.hops) == (None, None, 0, ())


def test_rules_on_the_way_are_told() -> None:
    hole = Entry(EntryAction.BLACKHOLE, node=B, egress=D, name="drop it")
    one = ask(run(to_node(A, D), entries=(hole,)), A, D).forward
    assert one.why == "50% blackholed; blackhole at b (drop it)"
    assert (one.delivered, one.blackholed) == (0.5, 0.5)
    limit = Entry(EntryAction.RATE_LIMIT, node=D, group=0, rate_bps=25.0)
    found = run(to_group(A), AT_D, entries=(limit,))
    assert ask(found, A, group=0).forward.limited == pytest.approx(0.75)
    idle = run(to_node(A, D), AT_D, entries=(limit, replace(limit, node=A, rate_bps=0.0)))
    assert ask(idle, A, group=0).forward.limited == 1.0
    loop = run(to_group(D), AT_D, entries=(Entry(EntryAction.NEXT_HOP, node=D, group=0, link=4),))
    assert ask(loop, D, group=0).forward.why == "in a forwarding loop; static route to e at d"


def test_tunnels_are_named() -> None:
    tunnel = Tunnel("over c", A, (("node", C),), egress=D)
    one = ask(run(to_node(A, D), tunnels=(tunnel,)), A, D).forward
    assert arcs(one) == {2: 1.0, 6: 1.0}
    assert one.tunnels == ("over c",)
    assert one.metric is None


def test_a_node_reaches_itself_and_what_is_outside() -> None:
    found = run(to_node(A, D))
    here = ask(found, A, A)
    assert here.forward.reachable
    assert here.forward.hops == ()
    assert ask(found, A, AS2).forward.main[-1] == 14


@pytest.mark.parametrize("seed", range(8))
def test_ways_are_those_of_the_evaluation(seed: int) -> None:
    network = random_network(seed, rules=seed % 2 == 0)
    found, asked = evaluate(network), network.demands
    for at in range(0, len(asked), 5):
        ends = (int(asked.ingress[at]), int(asked.egress[at]), int(asked.group[at]))
        one = way(network, found, *ends, traffic_class=int(asked.traffic_class[at]))
        assert one.delivered == pytest.approx(found.resolved.delivered[at], abs=1e-12)
        assert one.limited == pytest.approx(found.resolved.limited[at], abs=1e-12)
        if one.reachable:
            assert one.delay_s == pytest.approx(found.demand_delay_s[at])
            assert one.exit_link == found.exit_link[at]
            assert one.equal_ways >= 1


@pytest.mark.parametrize(("source", "node", "group"), [(9, 0, -1), (0, 9, -1), (0, -1, 3), (0, -1, -1), (0, 1, 0)])
def test_ends_that_are_not_there_are_refused(source: int, node: int, group: int) -> None:
    with pytest.raises(InvalidInput):
        ask(run(to_node(A, D)), source, node, group)


def test_a_state_that_was_not_evaluated_is_asked_with_the_loads_of_one_that_was() -> None:
    found = run(to_node(A, D, bps=4e8))
    up = ladder().up.copy()
    up[:2] = False
    changed = found.network.changed(topology=ladder(up=up))
    one = path(changed, found, A, D).forward
    assert arcs(one) == {2: 1.0, 6: 1.0}
    assert np.isclose(one.hops[0].load_bps, 2e8)


def test_the_example_of_the_documentation_says_what_it_prints() -> None:
    text = (Path(__file__).parents[2] / "docs/network-model.md").read_text(encoding="utf-8")
    code = text.split("```python\n")[1].split("```")[0]
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        exec(compile(code, "network-model.md", "exec"), {})
    loads, why = told.getvalue().splitlines()
    assert loads == "[1.2e+09 1.5e+08] [       0. 50000000.]"
    assert f"# {why}" in code
