"""Hijacks and RPKI."""

from __future__ import annotations

import random
from ipaddress import ip_network

import numpy as np
import pytest
from tests.detect.routing.helpers import ANNOUNCE, CHANGE, CHECKPOINT, DOWN, T0, UP, WITHDRAW, batch, context, play, row

from weft.detect.routing.origins import OriginDetector
from weft.detect.routing.own import OwnSpace
from weft.detect.routing.rows import block
from weft.errors import InvalidInput
from weft.model.events import Severity

OWN = ("203.0.113.0/24", "2001:db8:10::/48", "10.0.0.0/8")
VALID, INVALID, NOT_FOUND = 1, 2, 3


def _begin() -> list[dict[str, object]]:
    return [row(0, UP, reason="already up"), row(0, UP, reason="already up", rib=3, peer="", asn=64500)]


@pytest.mark.parametrize(
    ("prefix", "kind"),
    [("203.0.113.0/24", "origin_hijack"), ("203.0.113.128/25", "subprefix_hijack"),
     ("2001:db8:10:ff::/64", "subprefix_hijack")],
)  # fmt: skip
def test_somebody_else_announces_what_is_ours(prefix: str, kind: str) -> None:
    rows = [*_begin(), row(100, ANNOUNCE, prefix, "64496 64666", rpki=NOT_FOUND), row(700, WITHDRAW, prefix)]
    found = play(OriginDetector(context(OWN)), rows)
    assert [(one.kind, one.ends) for one in found] == [(kind, False), (kind, True)]
    assert found[0].entity.text == f"prefix:{prefix}"
    assert found[0].severity is Severity.CRITICAL
    assert found[0].at_s == T0 + 100
    assert "AS 64666" in found[0].text
    assert "192.0.2.1" in found[0].text


def test_what_is_no_hijack() -> None:
    rows = [
        *_begin(),
        row(100, ANNOUNCE, "203.0.113.0/24", "64496 64500", rpki=NOT_FOUND),  # ours, by way of a neighbour
        row(100, ANNOUNCE, "203.0.112.0/23", "64496", rpki=NOT_FOUND),  # a provider's aggregate
        row(100, ANNOUNCE, "203.0.113.0/25", "64496 64501", rpki=VALID),  # entitled
        row(100, ANNOUNCE, "203.0.113.64/26", "64496 64502", rpki=NOT_FOUND),  # allowed by settings
        row(100, ANNOUNCE, "10.1.0.0/16", "64496 64666", rpki=NOT_FOUND),  # nobody's space
        row(100, ANNOUNCE, "198.51.100.0/24", "64496 64666", rpki=NOT_FOUND),
        row(100, ANNOUNCE, "2001:db8:11::/48", "64496 64666", rpki=NOT_FOUND),
    ]
    assert not play(OriginDetector(context(OWN, allowed_origins=["AS64502"])), rows)


def test_an_aggregate_that_is_invalid_is_one() -> None:
    rows = [*_begin(), row(100, ANNOUNCE, "203.0.112.0/23", "64496 64666", rpki=INVALID)]
    (found,) = play(OriginDetector(context(OWN)), rows)
    assert found.kind == "origin_hijack"


def test_origins_that_stood_when_weft_began_are_known() -> None:
    rows = [
        *_begin(), row(1, CHECKPOINT, "203.0.113.0/24", "64496 64520", rpki=NOT_FOUND),
        row(1, CHECKPOINT, "198.51.100.0/24", "64496 64666", rpki=INVALID),
        row(200, WITHDRAW, "198.51.100.0/24"), row(300, ANNOUNCE, "198.51.100.0/24", "64496 64666", rpki=INVALID),
        row(310, ANNOUNCE, "203.0.113.0/24", "64499 64520", rpki=NOT_FOUND, peer="192.0.2.9"),
    ]  # fmt: skip
    assert not play(OriginDetector(context(OWN)), rows)
    ours = row(1, CHECKPOINT, "203.0.113.0/24", "64496 64666", rpki=INVALID)
    assert len(play(OriginDetector(context(OWN)), [*_begin(), ours])) == 1


def test_invalid_routes_of_others_are_worse_when_used() -> None:
    invalid = row(100, ANNOUNCE, "198.51.100.0/24", "64496 64666", rpki=INVALID)
    found = play(OriginDetector(context(OWN)), [*_begin(), invalid])
    assert [(one.kind, one.severity) for one in found] == [("rpki_invalid", Severity.MINOR)]
    used = row(101, CHANGE, "198.51.100.0/24", "64496 64666", rpki=INVALID, rib=3, peer="", asn=64500)
    found = play(OriginDetector(context(OWN)), [*_begin(), invalid, used], 200)
    assert found[-1].severity is Severity.MAJOR
    assert "chi-border1" in found[-1].text


def test_it_ends_when_the_last_neighbour_has_another_route() -> None:
    bad = {"rpki": INVALID, "prefix": "198.51.100.0/24"}
    rows = [
        *_begin(), row(0, UP, reason="already up", peer="192.0.2.2"),
        row(100, ANNOUNCE, path="64496 64666", **bad), row(101, ANNOUNCE, path="64511 64666", peer="192.0.2.2", **bad),
        row(400, CHANGE, "198.51.100.0/24", "64496 64497", rpki=VALID), row(500, DOWN, peer="192.0.2.2", reason="x"),
    ]  # fmt: skip
    found = play(OriginDetector(context(OWN)), rows)
    assert [one.ends for one in found] == [False, False, True]
    assert found[-1].at_s >= T0 + 500
    assert found[-1].labels == found[0].labels


def test_a_flood_of_invalid_routes_is_few_events() -> None:
    rows = [row(100 + i / 100, ANNOUNCE, f"100.{64 + i // 256}.{i % 256}.0/24", f"64496 {64600 + i % 90}",
                rpki=INVALID) for i in range(900)]  # fmt: skip
    found = play(OriginDetector(context(OWN)), [*_begin(), *rows])
    assert len({(one.kind, one.entity.text) for one in found}) <= 31 + 90
    one_origin = [{**one, "origin_as": 64666} for one in rows]
    found = play(OriginDetector(context(OWN)), [*_begin(), *one_origin])
    assert len({(one.kind, one.entity.text) for one in found}) == 11


def test_state_is_kept() -> None:
    first = OriginDetector(context(OWN))
    play(first, [*_begin(), row(100, ANNOUNCE, "203.0.113.0/24", "64496 64666", rpki=INVALID)])
    again = OriginDetector(context(OWN))
    again.load(first.save())
    found = play(again, [row(200, WITHDRAW, "203.0.113.0/24")], 210)
    assert [one.ends for one in found] == [True]
    with pytest.raises(InvalidInput):
        again.load(b"nothing")


def test_own_space_meets_what_the_standard_library_says() -> None:
    dice = random.Random(5)
    for _ in range(60):
        nets = [_random(dice) for _ in range(dice.randint(1, 6))]
        asked = [_random(dice) for _ in range(40)]
        space = OwnSpace(nets)
        meets = space.meets(block(batch([row(0, ANNOUNCE, str(one), "64496") for one in asked])))
        right = [any(one.version == other.version and one.overlaps(other) for other in nets) for one in asked]
        assert np.array_equal(meets, right)
        assert [bool(space.relation(one)) for one in asked] == right


def _random(dice: random.Random):
    if dice.random() < 0.5:
        return ip_network((0xC6330000 | dice.getrandbits(16), dice.randint(16, 32)), strict=False)
    return ip_network(((0x20010DB8 << 96) | dice.getrandbits(24) << 72, dice.randint(33, 64)), strict=False)
