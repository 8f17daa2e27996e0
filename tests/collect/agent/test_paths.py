"""Branches of a trace's flows, and the name of a set of them."""

from __future__ import annotations

import random

from weft.collect.agent.paths import KnownPaths, branches_of, name_of

A = ("10.0.0.1", "10.0.1.1", "192.0.2.9")
B = ("10.0.0.1", "10.0.2.1", "192.0.2.9")


def test_flows_of_one_way_are_one_branch():
    assert branches_of([A, B, A, A, B]) == [A, B]


def test_a_silent_hop_is_no_branch_of_its_own():
    assert branches_of([A, B, ("10.0.0.1", None, "192.0.2.9"), (None, "10.0.2.1", None)]) == [A, B]
    assert branches_of([("10.0.0.1", None), (None, "10.0.0.2")]) == [("10.0.0.1", "10.0.0.2")]


def test_ways_of_different_lengths_are_different():
    assert len(branches_of([A, A[:2]])) == 2


def test_a_set_of_branches_has_one_name_whatever_the_order():
    assert name_of(branches_of([A, B])) == name_of(branches_of([B, A, B])) != name_of(branches_of([A]))
    assert name_of([]) == 0
    assert 0 < name_of([A]) < 1 << 63


def test_silence_is_no_new_route_and_a_new_hop_is():
    known = KnownPaths()
    first = known.name("t", branches_of([A, B]))
    assert known.name("t", branches_of([A, ("10.0.0.1", "10.0.2.1", None)])) == first
    assert known.name("t", branches_of([A, ("10.0.0.1", "10.0.3.1", "192.0.2.9")])) != first
    assert known.name("other", branches_of([A])) == name_of([A])
    known.keep(["other"])
    assert known.name("t", branches_of([A, B])) == first


def test_a_hop_that_was_silent_and_then_spoke_is_remembered():
    known = KnownPaths()
    first = known.name("t", [("10.0.0.1", None)])
    assert known.name("t", [("10.0.0.1", "10.0.0.2")]) == first
    assert known.name("t", [("10.0.0.1", None)]) == first
    assert known.name("t", [("10.0.0.1", "10.0.0.3")]) != first


def test_every_flow_fits_a_branch_whatever_keeps_silent():
    chance = random.Random(7)
    for _ in range(200):
        ways = [tuple(f"10.{ttl}.{chance.randrange(3)}.1" for ttl in range(4)) for _ in range(3)]
        flows = [tuple(hop if chance.random() > 0.2 else None for hop in chance.choice(ways)) for _ in range(16)]
        found = branches_of(flows)
        assert len(found) <= 16
        for flow in flows:
            assert any(all(x is None or y is None or x == y for x, y in zip(flow, one, strict=True)) for one in found)
