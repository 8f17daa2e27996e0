"""What a network refuses to be made of."""

from __future__ import annotations

import numpy as np
import pytest

from weft.errors import InvalidInput
from weft.network.demands import Demands, demands
from weft.network.routing import Entry, EntryAction, ExternalRoute, PrefixGroup, Routing, Tunnel
from weft.network.state import MOST_RULES, Network
from weft.network.topology import Link, Node, NodeKind, topology

LINE = topology(
    [Node("a"), Node("b"), Node("AS1", NodeKind.AS)], [Link("ab", 0, 1), Link("out", 1, 2)], capacity_bps=[1e9, 1e9]
)
GROUPS = (PrefixGroup("g"),)


def asked(ingress: int, egress: int, group: int = -1, traffic_class: int = 0) -> Demands:
    return demands(
        np.array([ingress], np.int32), np.array([egress], np.int32), np.ones(1), group=np.array([group], np.int32),
        traffic_class=np.array([traffic_class], np.int16),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        (asked(3, 0), "ingress"), (asked(-1, 0), "ingress"), (asked(0, 3), "egress"), (asked(0, -1), "egress"),
        (asked(0, 1, 0), "egress"), (asked(0, -1, 1), "group"), (asked(0, 1, traffic_class=1), "traffic_class"),
    ],
)  # fmt: skip
def test_demands_name_what_is_there(wanted: Demands, where: str) -> None:
    with pytest.raises(InvalidInput, match=rf"demands\.{where}"):
        Network(LINE, Routing(GROUPS), wanted)


HOP, LIMIT, REDIRECT = EntryAction.NEXT_HOP, EntryAction.RATE_LIMIT, EntryAction.REDIRECT


@pytest.mark.parametrize(
    ("routing", "where"),
    [
        (Routing(GROUPS, (ExternalRoute(1, 1, 1),)), r"routes\[0\]\.group"),
        (Routing(GROUPS, (ExternalRoute(0, 1, 2),)), r"routes\[0\]\.link"),
        (Routing(GROUPS, (ExternalRoute(0, 0, 1),)), r"routes\[0\]"),
        (Routing(GROUPS, entries=(Entry(HOP, node=0),)), r"entries\[0\]\.link"),
        (Routing(GROUPS, entries=(Entry(HOP, link=0),)), r"entries\[0\]\.node"),
        (Routing(GROUPS, entries=(Entry(HOP, node=0, link=1),)), r"entries\[0\]"),
        (Routing(GROUPS, entries=(Entry(REDIRECT),)), r"entries\[0\]\.via"),
        (Routing(GROUPS, entries=(Entry(REDIRECT, via=9),)), r"entries\[0\]\.via"),
        (Routing(GROUPS, entries=(Entry(LIMIT, rate_bps=-1.0),)), r"rate_bps"),
        (Routing(GROUPS, entries=(Entry(LIMIT, share=0.0),)), r"share"),
        (Routing(GROUPS, entries=(Entry(LIMIT),) * (MOST_RULES + 1)), r"entries"),
        (Routing(GROUPS, tunnels=(Tunnel("t", 5, (("node", 1),)),)), r"head"),
        (Routing(GROUPS, tunnels=(Tunnel("t", 0, ()),)), r"segments"),
        (Routing(GROUPS, tunnels=(Tunnel("t", 0, (("hop", 1),)),)), r"segments"),
        (Routing(GROUPS, tunnels=(Tunnel("t", 0, (("arc", 4),)),)), r"arc"),
        (Routing(GROUPS, tunnels=(Tunnel("t", 0, (("node", 1),), share=1.5),)), r"share"),
    ],
)
def test_routing_names_what_is_there(routing: Routing, where: str) -> None:
    with pytest.raises(InvalidInput, match=where):
        Network(LINE, routing)


def test_what_is_outside_is_not_passed_through() -> None:
    network = Network(LINE)
    assert network.outside.tolist() == [False, False, True]
    assert network.graph.transit.tolist() == [True, True, False]
    assert network.topology.transit.all()
    assert network.changed(routing=Routing(GROUPS)).topology is LINE
