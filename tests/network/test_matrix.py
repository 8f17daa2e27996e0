"""What is said of a matrix that is mostly an estimate."""

from __future__ import annotations

import numpy as np

from weft.network.demands import Demands, demands
from weft.network.matrix import mostly_within
from weft.network.topology import Link, Node, topology

NODES = [Node("h1", site="hall"), Node("h2", site="hall"), Node("c1", site="chi"), Node("x")]
TOPOLOGY = topology(NODES, [Link("a", 0, 1), Link("b", 1, 2), Link("c", 2, 3)], capacity_bps=[1e9] * 3)


def asked(*rows: tuple[int, int, float]) -> Demands:
    ends = np.array([row[:2] for row in rows], np.int32)
    return demands(ends[:, 0], ends[:, 1], np.array([row[2] for row in rows]))


def test_the_site_that_most_of_the_estimate_is_within_is_named() -> None:
    estimated = asked((0, 1, 70.0), (1, 0, 20.0), (2, 0, 10.0))
    whole = asked((0, 1, 70.0), (1, 0, 20.0), (2, 0, 10.0), (2, 3, 30.0))
    assert mostly_within(TOPOLOGY, whole, estimated) == ", 90% of that within hall; elsewhere 25% is estimated"


def test_no_site_is_named_where_none_has_more_than_half_nor_what_is_at_no_site() -> None:
    spread = asked((0, 1, 10.0), (2, 0, 10.0))
    assert mostly_within(TOPOLOGY, spread, spread) == ""
    outside = asked((3, 3, 90.0), (0, 1, 10.0))
    assert mostly_within(TOPOLOGY, outside, outside) == ""
