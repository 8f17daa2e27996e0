"""The model of what the inventory knows: traffic begins and ends at hosts, and passes through none."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter
from tests.api.networks import device, interface, link

from weft.api.topology_network import Network as Inventory
from weft.api.topology_network import network_of
from weft.network.build import PortState, build
from weft.network.changes import Change
from weft.network.demands import demands
from weft.network.estimate import estimate
from weft.network.evaluate import evaluate
from weft.network.paths import path
from weft.network.snapshot import edge_totals, measured_loads
from weft.network.state import Network
from weft.network.topology import END_SYSTEMS
from weft.network.whatif import what_if

LEAVES = ("leaf-1", "leaf-2")


@pytest.fixture(params=sorted(END_SYSTEMS))
def rails(request: pytest.FixtureRequest) -> Inventory:
    """Two hosts, each with a line to two leaves; these meet over two spines in a row, farther than over a host."""
    machines = [
        *(device(name, f"192.0.2.{at}", role="leaf") for at, name in enumerate(LEAVES, 1)),
        *(device(f"spine-{at}", f"192.0.2.1{at}", role="spine") for at in (1, 2)),
        *(device(f"host-{at}", f"192.0.2.2{at}", role=request.param) for at in (1, 2)),
    ]
    lines = [
        *((f"host-{host}", f"eth{leaf}", f"leaf-{leaf}", f"down{host}") for host in (1, 2) for leaf in (1, 2)),
        ("leaf-1", "up", "spine-1", "down"), ("spine-1", "over", "spine-2", "over"),
        ("leaf-2", "up", "spine-2", "down"),
    ]  # fmt: skip
    ends = [end for a, x, b, y in lines for end in ((a, x), (b, y))]
    ports = [interface(name, port, at) for at, (name, port) in enumerate(ends, 1)]
    return network_of([*machines, *ports, *(link((a, x), (b, y), metric=10) for a, x, b, y in lines)])


def test_nothing_passes_through_a_host_with_several_lines(rails: Inventory) -> None:
    made = build(rails, {}, {})
    hosts = np.array([node.name.startswith("host") for node in made.nodes])
    first, second = np.nonzero(~np.eye(len(hosts), dtype=np.bool_))
    network = Network(made, demands=demands(first, second, np.ones(len(first))))
    found = evaluate(network)
    assert found.reachable.all()
    # Of each host's lines go what it sends and gets, over both of them, and nothing else.
    others = len(hosts) - 1
    for host in np.flatnonzero(hosts):
        assert found.load_bps[made.source == host].sum() == pytest.approx(others)
        assert found.load_bps[made.target == host].sum() == pytest.approx(others)
    start, end = (made.positions[name] for name in LEAVES)
    there = path(network, found, start, end)
    assert [made.nodes[made.source[hop.arc]].name for hop in there.forward.hops] == ["leaf-1", "spine-1", "spine-2"]
    assert not there.asymmetric


def test_without_its_spines_a_leaf_is_not_reached_over_hosts(rails: Inventory) -> None:
    cut = build(rails, {("spine-1", "over"): PortState(up=False)}, {})
    start, end, host = (cut.positions[name] for name in (*LEAVES, "host-1"))
    network = Network(cut, demands=demands(np.array([start, host]), np.array([end, end]), np.ones(2)))
    assert evaluate(network).reachable.tolist() == [False, True]


def test_hosts_send_what_their_lines_carry(rails: Inventory) -> None:
    sent = {"host-1": 3e9, "host-2": 1e9}  # of each over both lines alike, all to the other
    states = {
        (name, f"eth{leaf}"): PortState(True, None, (4e9 - bps) / 2, bps / 2)
        for name, bps in sent.items() for leaf in (1, 2)
    }  # fmt: skip
    made = build(rails, states, {})
    measured = measured_loads(made, states)
    entering, leaving = edge_totals(made, rails, states, measured)
    for name, bps in sent.items():
        assert (entering[made.positions[name]], leaving[made.positions[name]]) == (bps, 4e9 - bps)
    assert [entering[made.positions[name]] for name in LEAVES] == [0.0, 0.0]
    found = estimate(made, measured, entering, leaving)
    one, two = made.positions["host-1"], made.positions["host-2"]
    assert found.matrix[one, two] == pytest.approx(3e9, rel=0.01)
    assert found.matrix[two, one] == pytest.approx(1e9, rel=0.01)


@pytest.mark.parametrize(
    "change", [{"kind": "fail_link", "link": "spine-1:over--spine-2:over"}, {"kind": "overload", "node": "spine-1"}]
)
def test_hosts_and_overloaded_nodes_join_no_parts(rails: Inventory, change: dict[str, str]) -> None:
    made = build(rails, {}, {})
    found = what_if(Network(made), [TypeAdapter(Change).validate_python(change)]).difference
    (part,) = found.cut_off
    assert [made.nodes[at].name for at in part.nodes] == ["leaf-2", "spine-2"]
