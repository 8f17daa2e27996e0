"""Spoofed sources: what never came in by an interface, in numbers."""

from __future__ import annotations

from ipaddress import IPv4Address

import numpy as np
import pyarrow as pa
from tests.detect.security.records import T0, context, play, records, v4

from weft.detect.security.spoofing import SpoofingDetector

OURS, OUTER, INNER = v4("203.0.113.0"), 1, 2


def minute(rng, k, **more):
    """What always passes: others to us by the outer port, ours to others by the inner."""
    others = rng.integers(v4("1.0.0.0"), v4("9.0.0.0"), 300)
    ours = OURS + rng.integers(1, 200, 300)
    return [records(300, at_s=T0 + 60 * k, src=others, dst=ours, in_if=OUTER),
            records(300, at_s=T0 + 60 * k, src=ours, dst=others, in_if=INNER)]  # fmt: skip


def run(strange):
    rng = np.random.default_rng(1)
    detector = SpoofingDetector(context(learn_h=0.1))
    batches = [one for k in range(20) for one in minute(rng, k)]
    assert not play(detector, batches)
    return play(detector, [*strange(rng), *minute(rng, 22)])


def test_our_own_sources_from_outside():
    found = run(lambda rng: [records(60, at_s=T0 + 1230, src=OURS + rng.integers(1, 200, 60),
                                     dst=OURS + 5, in_if=OUTER)])  # fmt: skip
    assert [(one.kind, one.entity.text) for one in found] == [("spoofing", "interface:192.0.2.1|if1")]
    assert "of our own networks" in found[0].text


def test_sources_of_others_from_inside():
    found = run(lambda rng: [records(60, at_s=T0 + 1230, src=rng.integers(v4("1.0.0.0"), v4("9.0.0.0"), 60),
                                     dst=v4("9.9.9.9"), in_if=INNER)])  # fmt: skip
    assert [one.entity.text for one in found] == ["interface:192.0.2.1|if2"]


def test_sources_that_nobody_routes():
    found = run(lambda rng: [records(60, at_s=T0 + 1230, src=v4("172.16.0.0") + rng.integers(1, 60000, 60),
                                     dst=OURS + 5, in_if=OUTER)])  # fmt: skip
    assert "nobody routes" in found[0].text


def test_a_few_strays_are_none():
    assert not run(lambda _: [records(5, at_s=T0 + 1230, src=OURS + 7, dst=OURS + 5, in_if=OUTER)])


def test_another_way_to_us_is_none():
    assert not run(lambda rng: [records(200, at_s=T0 + 1230, src=rng.integers(v4("1.0.0.0"), v4("9.0.0.0"), 200),
                                        dst=OURS + 5, in_if=INNER)])  # fmt: skip


def test_nothing_is_said_where_own_networks_are_not_known():
    detector = SpoofingDetector(context(()))
    rng = np.random.default_rng(2)
    assert not play(detector, [one for k in range(5) for one in minute(rng, k)])


def routes(*prefixes, event=1, vrf=""):
    """Rows of routes: prefixes as text."""
    told = [one.split("/") for one in prefixes]
    return pa.record_batch({
        "prefix": pa.array([bytes(10) + b"\xff\xff" + IPv4Address(base).packed for base, _ in told], pa.binary(16)),
        "prefix_length": pa.array([int(length) for _, length in told], pa.uint8()),
        "family": pa.array([1] * len(told), pa.uint8()), "event": pa.array([event] * len(told), pa.uint8()),
        "vrf": pa.array([vrf] * len(told), pa.string()),
    })  # fmt: skip


#: Nearly all that the Internet routes: half of IPv4, in /8, 128.0.0.0/3 not among them.
FULL = [f"{first}.0.0.0/8" for first in (*range(1, 128), *range(192, 224))]


def unrouted(rng):
    return [records(60, at_s=T0 + 1230, src=v4("140.0.0.0") + rng.integers(0, 1 << 20, 60), dst=OURS + 5, in_if=OUTER)]


def spoofed(*told):
    """What is found of sources without a route, after these routes were told."""
    rng = np.random.default_rng(3)
    detector = SpoofingDetector(context(learn_h=0.1))
    for rows in told:
        assert detector.take("routes", rows) == []
    before = detector.bytes_used
    assert not play(detector, [one for k in range(20) for one in minute(rng, k)])
    assert detector.bytes_used == before
    return play(detector, [*unrouted(rng), *minute(rng, 22)])


def test_sources_to_which_no_route_leads():
    found = spoofed(routes(*FULL), routes("0.0.0.0/0"))  # a default route proves nothing
    assert [one.entity.text for one in found] == ["interface:192.0.2.1|if1"]
    assert "nobody routes" in found[0].text


def test_a_route_to_them_makes_them_sources_as_others():
    assert not spoofed(routes(*FULL), routes("140.0.0.0/9"))


def test_of_a_table_that_is_not_full_nothing_follows():
    assert not spoofed(routes("1.0.0.0/8", "9.0.0.0/8"))
    assert not spoofed(routes(*FULL, event=3))
    assert not spoofed(routes(*FULL, vrf="inside"))
