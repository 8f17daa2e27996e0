"""Acme's routes: the same story every time, in a stream that the product reads without a fault."""

from __future__ import annotations

import ipaddress
import json
from collections import Counter
from pathlib import Path

import pytest

from weft.decode.bgp import Paths
from weft.decode.bmp import BmpStream, Monitoring, PeerDown, PeerUp, Statistics
from weft.model.addresses import address_text
from weft.twin.agents.bmp import BmpRouter
from weft.twin.faults.effects import HIJACKER_AS, LEAKER_AS
from weft.twin.faults.schedule import acme_timeline
from weft.twin.routing import (
    RouteChange,
    accepted,
    borders,
    neighbours,
    route_changes,
    table,
    write_payloads,
)  # fmt: skip

SEED, DAY = 7, 86_400
TIMELINE = acme_timeline(SEED)
THEN = 20_000 * DAY
HIJACKED = "203.0.113.128/25"  # every day
CHI = next(device for device in borders() if device.name == "chi-border1")


def test_a_span_and_its_halves_tell_the_same() -> None:
    whole = list(route_changes(TIMELINE, THEN, THEN + 7200))
    halves = [
        *route_changes(TIMELINE, THEN, THEN + 3000),
        *route_changes(TIMELINE, THEN + 3000, THEN + 7200),
    ]
    assert whole == halves
    assert [one.at_s for one in whole] == sorted(one.at_s for one in whole)
    assert len(whole) > 60


def test_sessions_end_when_faults_say_so() -> None:
    said = [(one.start_s, one.device) for one in TIMELINE.faults(THEN, THEN + DAY) if one.kind == "session_down"]
    told = {(one.at_s, one.device) for one in route_changes(TIMELINE, THEN, THEN + DAY) if one.kind == "down"}
    assert told >= {one for one in said if one[0] >= THEN}
    assert told


def test_a_hijack_and_a_leak_every_day() -> None:
    changes = [one for one in route_changes(TIMELINE, THEN, THEN + DAY) if one.kind == "routes"]
    said = [(prefix, what) for one in changes for prefix, what in one.routes]
    hijack = [what for prefix, what in said if str(prefix) == HIJACKED]
    assert {what.as_path[-1] for what in hijack if what} == {HIJACKER_AS}
    assert hijack.count(None) * 2 == len(hijack)  # all of it is taken back
    assert sum(what is not None and LEAKER_AS in what.as_path for _, what in said) > 50


def test_policy_prefers_exchanges_and_refuses_what_is_invalid(tmp_path: Path) -> None:
    transit, exchange = neighbours(CHI.name)[0], neighbours(CHI.name)[2]
    prefix, said = next(iter(table(SEED, exchange).items()))
    kept = accepted(exchange, prefix, said)
    assert kept is not None
    assert kept.local_pref == 200
    refused = [each for each, one in table(SEED, transit).items() if accepted(transit, each, one) is None]
    assert 1 <= len(refused) <= 5
    roas = json.loads(write_payloads(tmp_path / "roas.json").read_text())["roas"]
    assert {"prefix": "203.0.113.0/24", "asn": "AS64500", "maxLength": 24, "ta": "demo"} in roas
    assert all(isinstance(ipaddress.ip_network(one["prefix"]).prefixlen, int) for one in roas)


def read(octets: bytes) -> tuple[BmpStream, list[object]]:
    stream = BmpStream(Paths())
    return stream, list(stream.feed(octets, THEN * 10**9))


def test_the_stream_is_read_without_a_fault() -> None:
    router = BmpRouter(CHI, SEED)
    octets = b"".join(router.begin(THEN))
    for one in route_changes(TIMELINE, THEN, THEN + 1800):
        if one.device == CHI.name:
            octets += b"".join(router.change(one))
    octets += b"".join(router.counters(THEN))
    stream, messages = read(octets)
    assert not stream.errors
    assert stream.close() == 0
    errors: Counter[str] = Counter()
    ribs: set[int] = set()
    for message in messages:
        if isinstance(message, Monitoring):
            errors.update(message.routes.errors)
            ribs.add(message.rib)
    assert not errors
    assert ribs == {1, 2, 3}
    assert sum(isinstance(one, PeerUp) for one in messages) == 4
    assert sum(isinstance(one, Statistics) for one in messages) == 3


def test_what_is_used_follows_what_is_there() -> None:
    """A session that ends takes its routes with it; what another neighbour has is used in their place."""
    router = BmpRouter(CHI, SEED)
    b"".join(router.begin(THEN))
    _, messages = read(b"".join(router.change(RouteChange(THEN + 1, CHI.name, 3, "down"))))
    down, *told = messages
    assert isinstance(down, PeerDown)
    assert address_text(down.peer.address) == neighbours(CHI.name)[2].address
    used = [one for one in told if isinstance(one, Monitoring)]
    assert {one.rib for one in used} == {3}
    assert sum(len(one.routes) for one in used) == len(table(SEED, neighbours(CHI.name)[2]))
    gone = sum(int(one.routes.withdrawn.sum()) for one in used)
    assert gone <= 3  # transit has them, too, except where all it has is refused


def test_a_neighbour_that_is_down_says_nothing() -> None:
    router = BmpRouter(CHI, SEED)
    b"".join(router.begin(THEN))
    b"".join(router.change(RouteChange(THEN, CHI.name, 1, "down")))
    assert (
        b"".join(router.change(RouteChange(THEN + 1, CHI.name, 1, "routes", ((ipaddress.ip_network(HIJACKED), None),))))
        == b""
    )
    assert b"".join(router.change(RouteChange(THEN + 2, CHI.name, 1, "up"))) != b""


@pytest.mark.parametrize("device", [device.name for device in borders()])
def test_every_neighbour_has_a_table(device: str) -> None:
    for one in neighbours(device):
        assert len(table(SEED, one)) > 500
