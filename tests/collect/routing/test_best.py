"""Best paths: each step of RFC 4271 §9.1.2.2 decides in its turn."""

from __future__ import annotations

import random

import pytest
from tests.collect.routing.wire import attributes, routes

from weft.collect.routing.rib import Rib
from weft.collect.routing.rows import SessionKey
from weft.model.addresses import address_text, packed

T = 1_800_000_000_000_000_000
EDGE, OWN_AS = packed("192.0.2.254"), 64496


def best(*offers, rib: int = 2) -> str:
    """The path that wins among (neighbour, AS, BGP identifier, attributes), all to one prefix."""
    held = Rib()
    for peer, asn, identifier, path in offers:
        session = held.open(SessionKey(EDGE, 1, rib, packed(peer), asn), T, local_as=OWN_AS, bgp_id=identifier)
        held.apply(session, routes(held.paths, "198.51.100.0/24", path=path), T)
    found = held.best(EDGE)
    assert len(found) == 1
    return str(found.paths.as_path[found.path[0]])


A, B, C = ("192.0.2.1", 64501, 1), ("192.0.2.2", 64502, 2), ("192.0.2.3", 64503, 3)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((*B, attributes(64502, 1, 2, 3, local_pref=200)), (*A, attributes(64501, local_pref=100))),
        ((*B, attributes(64502, 1)), (*A, attributes(64501, 1, 1))),
        ((*B, attributes(64502, 1, origin=0)), (*A, attributes(64501, 1, origin=2))),
        ((*B, attributes(64502, 7, med=10)), ("192.0.2.1", 64502, 1, attributes(64502, 8, med=20))),
        ((*A, attributes(64501, 7, med=20)), (*B, attributes(64502, 8, med=10))),  # MEDs of other ASes: not compared
        ((*B, attributes(64502, 1)), ("192.0.2.1", OWN_AS, 1, attributes(64501, 2))),  # external over internal
        ((*A, attributes(64501, 1)), (*B, attributes(64502, 1))),  # the lower identifier
        (("192.0.2.8", 64501, 5, attributes(64501, 1)), ("192.0.2.9", 64502, 5, attributes(64502, 1))),  # the address
    ],
)
def test_each_step_decides(first, second):
    expected = best(first)
    assert best(first, second) == best(second, first) == expected


def test_the_med_decides_before_what_comes_after_it_whatever_the_order():
    """A lower MED of the same neighbour AS takes a route out that would have won against a third."""
    offers = [
        ("192.0.2.1", 64501, 1, attributes(64501, 7, med=50)), ("192.0.2.3", 64501, 3, attributes(64501, 8, med=10)),
        ("192.0.2.2", 64502, 2, attributes(64502, 9)),
    ]  # fmt: skip
    for seed in range(6):
        random.Random(seed).shuffle(offers)
        assert best(*offers) == "64502 9"


def test_what_the_router_says_that_it_uses_counts_before_all():
    rib = Rib()
    for kind, peer, path in ((1, A, 1), (2, B, 2), (3, ("::", OWN_AS, 0), 3)):
        session = rib.open(SessionKey(EDGE, 1, kind, packed(peer[0]), peer[1]), T)
        rib.apply(session, routes(rib.paths, "198.51.100.0/24", path=attributes(64500, path)), T)
        found = rib.best(EDGE)
        assert found.paths.as_path[found.path[0]] == f"64500 {path}"  # before policy, then after it, then Loc-RIB


def test_routes_that_policy_rejected_are_not_used():
    rib = Rib()
    for kind, peer, prefix in ((1, A, "198.51.100.0/24"), (2, A, "203.0.113.0/24"), (1, B, "192.0.2.0/25")):
        session = rib.open(SessionKey(EDGE, 1, kind, packed(peer[0]), peer[1]), T)
        rib.apply(session, routes(rib.paths, prefix), T)
    assert [address_text(one.tobytes()) for one in rib.best(EDGE).prefix] == ["203.0.113.0"]


def test_of_a_router_that_tells_nothing_there_is_nothing():
    assert len(Rib().best(EDGE)) == 0
