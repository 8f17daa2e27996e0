"""Paths that change: hops, routes of BGP, round trips before and after; what is gone is forgotten."""

from __future__ import annotations

import json
import random
from typing import Any

from tests.detect.paths.helpers import context, http, ping, play, rounds, trace
from tests.detect.routing.helpers import CHANGE, CHECKPOINT, DOWN, T0, row

from weft.detect.paths.detector import PathDetector
from weft.detect.paths.series import HTTP, Key, Limits, Series

BEGIN, END = 3600.0, 4800.0
Rows = list[dict[str, Any]]


def _late(site: str = "chi", more_ms: float = 30.0) -> Rows:
    return [
        http(at_s, one, 1.0 + noise / 40, **({"rtt_ms": 100.0 + more_ms} if at_s >= BEGIN and one == site else {}))
        for one in ("ams", "chi") for at_s, noise in rounds(END, 60.0, len(one))
    ]  # fmt: skip


def _route(at_s: float, event: int, path: str, **more: Any) -> dict[str, Any]:
    return row(at_s, event, "198.51.100.0/24", path, rib=3, peer="", **more)


def test_bgp_says_why_a_path_is_longer() -> None:
    routes = [_route(100, CHECKPOINT, "64496 64497"), _route(BEGIN - 20, CHANGE, "64499 64498 64497")]
    found = play(PathDetector(context()), _late(), routes=routes)
    first = found[0]
    assert (first.kind, first.entity.text) == ("path_change", "path:chi-agent|shop.example.com")
    assert "BGP changed the route to 198.51.100.0/24 at" in first.text
    assert "64496 64497 → 64499 64498 64497" in first.text
    told = {one.title: one for one in first.evidence}
    assert told["BGP changes in these minutes"].rows[0][4:] == ["64496 64497", "64499 64498 64497"]
    before, after = told["Round trips"].rows[0][2:4]
    assert isinstance(before, float)
    assert isinstance(after, float)
    assert 95 < before < 105 < 125 < after < 135


def test_a_session_that_ends_takes_its_routes_along() -> None:
    routes = [row(100, CHECKPOINT, "198.51.100.0/24", "64496 64497"), row(BEGIN - 5, DOWN, reason="hold timer expired")]
    assert "64496 64497 → no route" in play(PathDetector(context()), _late(), routes=routes)[0].text


def test_only_routers_of_its_own_site_count_where_they_tell() -> None:
    routes = [_route(100, CHECKPOINT, "64496 64497"), _route(BEGIN - 20, CHANGE, "64499 64498 64497")]
    assert play(PathDetector(context()), _late("ams", 80.0), routes=routes)[0].kind == "path_change"
    near = _route(100, CHECKPOINT, "64496 64497", exporter="198.51.100.9")
    assert play(PathDetector(context()), _late("ams", 80.0), routes=[near, *routes])[0].kind == "path_latency"


def test_bgp_of_another_prefix_or_time_is_no_reason() -> None:
    routes = [
        _route(100, CHECKPOINT, "64496 64497"), _route(1200, CHANGE, "64499 64497"),
        row(BEGIN, CHANGE, "203.0.113.0/24", "64499 64498", rib=3, peer=""),
    ]  # fmt: skip
    first = play(PathDetector(context()), _late(more_ms=80.0), routes=routes)[0]
    assert first.kind == "path_latency"
    assert "No router told of a change" in next(one.text for one in first.evidence if one.title == "BGP")


def test_a_little_more_that_nothing_accounts_for_must_last() -> None:
    small, large = (play(PathDetector(context()), _late(more_ms=more))[0] for more in (35.0, 80.0))
    assert large.at_s - T0 - BEGIN < 300
    assert 600 <= small.at_s - T0 - BEGIN < 720


def test_ways_with_a_common_end_are_one_trouble() -> None:
    rows = [
        ping(at_s, "ams", other, 20 + noise + (80 if other in ("chi", "lon") and at_s >= BEGIN else 0), target=other)
        for k, other in enumerate(("chi", "fra", "lon", "ber", "sin")) for at_s, noise in rounds(6000, 60.0, k)
    ]  # fmt: skip
    found = [one for one in play(PathDetector(context()), rows) if not one.ends]
    assert len({one.entity.text for one in found}) == 1
    assert "The same shows at" in found[-1].text
    assert {"site:chi", "site:lon"} <= {one.text for one in found[-1].others}


def test_how_often_a_round_is_bad_is_learned_from_those_that_came_to_nothing() -> None:
    limits = Limits()
    calm = Series(Key("Shop", HTTP, "ams-agent", "https://shop.example.com/"))
    dice = random.Random(5)
    for n in range(2000):
        one = http(60.0 * n, "ams", rtt_ms=200.0 if n % 20 == 0 and n > 50 else 100.0 + dice.expovariate(2.0))
        filled = {name: one.get(name, 0.0) for name in ("jitter_ms", "throughput_bps")} | one
        said = calm.judge(filled, 60.0 * n, limits)
        assert said is not None
        calm.learn(filled, said, in_event=False)
    assert 0.03 < calm.share < 0.07
    assert said is not None
    bad = calm.judge({**filled, "rtt_ms": 400.0}, 60.0 * 2001, limits)
    usual = calm.judge({**filled, "rtt_ms": 195.0}, 60.0 * 2001, limits)
    assert bad is not None
    assert usual is not None
    assert calm.chance_of(bad) < calm.chance_of(usual) / 2
    waiting = len(calm.waiting)
    calm.explained(60.0 * 1990)
    assert len(calm.waiting) < waiting


def test_what_is_not_tested_any_more_is_forgotten() -> None:
    detector = PathDetector(context())
    way = [("192.0.2.1", 1.0), ("192.0.2.2", 3.0)]
    hops = [one for at_s, _ in rounds(3000, 300.0) for one in trace(at_s, "ams", "shop.example.com", way)]
    play(detector, [http(at_s, "ams") for at_s, _ in rounds(3000, 60.0)], hops)
    assert len(json.loads(detector.save())["series"]) == 1
    assert detector.size() == {"series": 1, "groups": 3, "ways": 1}
    detector.tick(T0 + 3000 + 90_000)
    assert detector.size() == {"series": 0, "groups": 0, "ways": 0}
    assert json.loads(detector.save())["services"] == {}


def test_who_is_gone_makes_room(monkeypatch: Any) -> None:
    monkeypatch.setattr("weft.detect.paths.detector._MOST_SERIES", 10)
    detector = PathDetector(context())
    play(detector, [http(n, "ams", target=f"https://a.example.com/{n}") for n in range(20)])
    assert "https://a.example.com/9" in detector.save().decode()
    assert "https://a.example.com/10" not in detector.save().decode()
    play(detector, [http(9000 + n, "ams", target=f"https://b.example.com/{n}") for n in range(5)])
    assert "https://b.example.com/4" in detector.save().decode()
    assert detector.size()["series"] == 10


def test_routes_are_kept_over_a_restart() -> None:
    first, second = PathDetector(context()), PathDetector(context())
    rows = _late()
    routes = [_route(100, CHECKPOINT, "64496 64497"), _route(BEGIN - 20, CHANGE, "64499 64497")]
    play(first, [one for one in rows if one["time"] < 3000], routes=routes[:1])
    second.load(first.save())
    found = play(second, [one for one in rows if one["time"] >= 3000], routes=routes[1:])
    assert "64496 64497 → 64499 64497" in found[0].text
