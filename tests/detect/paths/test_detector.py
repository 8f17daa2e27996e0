"""Synthetic tests that are slow, lossy, failing."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from tests.detect.paths.helpers import AGENTS, ERROR, FAILED, broken, context, dns, http, ping, play, rounds, trace
from tests.detect.routing.helpers import T0

from weft.detect.paths.detector import PathDetector
from weft.errors import InvalidInput
from weft.model.events import Severity

BEGIN, END = 3600.0, 4800.0
Rows = list[dict[str, Any]]


def _mesh(until_s: float, spoil: Callable[[float, str, str], dict[str, Any]] | None = None) -> Rows:
    rows = []
    for k, site in enumerate(AGENTS):
        for n, other in enumerate(AGENTS):
            if site == other:
                continue
            for at_s, noise in rounds(until_s, 60.0, 10 * k + n):
                row = {"rtt_ms": 20.0 + 5 * abs(k - n) + noise}
                if spoil and BEGIN <= at_s < END:
                    row |= spoil(at_s, site, other)
                rows.append(ping(at_s, site, other, **row))
    return rows


def _shop(
    until_s: float, spoil: Callable[[float, str], dict[str, Any] | None] | None = None, every_s: float = 120.0
) -> Rows:
    rows = []
    for k, site in enumerate(AGENTS):
        for at_s, noise in rounds(until_s, 120.0, 50 + k):
            odd = spoil(at_s, site) if spoil and BEGIN <= at_s < END else None
            rows.append(odd or http(at_s, site, 1 + noise / 40))
    return rows


def test_nothing_wrong() -> None:
    assert not play(PathDetector(context()), [*_mesh(6000), *_shop(6000)])


def test_a_service_that_is_slow_for_everybody() -> None:
    rows = _shop(6000, lambda at_s, site: http(at_s, site, 6.0))
    found = play(PathDetector(context()), rows)
    assert {(one.kind, one.entity.text) for one in found} == {("service_slow", "service:Shop")}
    first, last = found[0], found[-1]
    assert first.at_s - T0 - BEGIN < 240
    assert BEGIN <= (first.started_s or 0) - T0 < BEGIN + 120
    assert "TCP handshake" in first.text
    assert "usually 100 ms" in first.text
    assert last.ends
    assert last.at_s - T0 < END


def test_by_one_way_of_two() -> None:
    dice = random.Random(3)
    rows = _shop(6500, lambda at_s, site: http(at_s, site, 6.0) if dice.random() < 0.45 else None)
    found = play(PathDetector(context()), rows)
    assert [one.entity.text for one in found if not one.ends][:1] == ["service:Shop"]
    assert sum(one.ends for one in found) == 1


def test_one_bad_round_is_no_finding() -> None:
    rows = [*_shop(6000), broken(4000, "ams"), broken(5000, "ams"), broken(5500, "fra")]
    assert not play(PathDetector(context()), rows)


def test_one_agent_alone_is_its_own_trouble() -> None:
    rows = _shop(6000, lambda at_s, site: broken(at_s, site) if site == "ams" else None)
    found = play(PathDetector(context()), rows)
    assert {one.entity.text for one in found} == {"path:ams-agent|shop.example.com"}
    assert "service:Shop" in [one.text for one in found[0].others]


def test_a_service_that_fails() -> None:
    found = play(PathDetector(context()), _shop(6000, lambda at_s, site: broken(at_s, site)))
    assert (found[0].kind, found[0].entity.text) == ("service_failing", "service:Shop")
    assert found[0].severity is Severity.MAJOR
    assert "status 503" in found[0].text


@pytest.mark.parametrize("state", [FAILED, ERROR])
def test_a_name_that_is_not_found_is_dns(state: int) -> None:
    def gone(at_s: float, site: str) -> dict[str, Any]:
        return broken(at_s, site, "cannot resolve shop.example.com", state)

    found = play(PathDetector(context()), _shop(6000, gone))
    assert {(one.kind, one.entity.text) for one in found} == {("dns_failure", "name:shop.example.com")}


def test_a_resolver_that_fails_is_told_apart_from_the_name() -> None:
    rows = []
    for k, site in enumerate(AGENTS):
        for number, resolver in enumerate(("192.0.2.53", "198.51.100.53")):
            for at_s, noise in rounds(6000, 120.0, 10 * k + number):
                fails = number == 0 and BEGIN <= at_s < END
                odd = {"state": FAILED, "received": 0, "rtt_ms": 0.0, "error": "no answer"} if fails else {}
                rows.append(dns(at_s, site, resolver, **({"rtt_ms": 12 + noise} | odd)))
    found = play(PathDetector(context()), rows)
    assert {(one.kind, one.entity.text) for one in found} == {("dns_failure", "target:192.0.2.53")}


def test_a_pair_of_sites() -> None:
    rows = _mesh(6000, lambda _at, a, b: {"received": 2} if {a, b} == {"ams", "chi"} else {})
    found = play(PathDetector(context()), rows)
    assert {(one.kind, one.entity.text) for one in found} == {("path_loss", "path:ams-agent|chi-agent")}
    assert found[0].at_s - T0 - BEGIN < 150
    assert {"site:ams", "site:chi"} <= {one.text for one in found[0].others}
    assert "60% of packets lost" in found[0].text


def test_a_site_that_everybody_loses() -> None:
    rows = _mesh(6000, lambda _at, a, b: {"received": 0} if "fra" in (a, b) else {})
    found = play(PathDetector(context()), rows)
    assert {(one.kind, one.entity.text) for one in found} == {("unreachable", "site:fra")}


def test_a_detour_is_for_information_and_becomes_usual() -> None:
    rows = [
        ping(at_s, "ams", "chi", 20.0 + noise + (15.0 if at_s >= BEGIN else 0.0))
        for at_s, noise in rounds(16_000, 60.0)
    ]
    found = play(PathDetector(context()), rows)
    assert found[0].severity is Severity.INFO
    assert found[-1].ends
    assert found[-1].at_s - T0 < BEGIN + 3.5 * 3600


def test_traces_say_where() -> None:
    way = [("192.0.2.1", 1.0), ("192.0.2.2", 3.0), ("", 0.0), ("198.51.100.7", 9.0)]
    late = [("192.0.2.1", 1.0), ("192.0.2.2", 63.0), ("", 0.0), ("198.51.100.7", 69.0)]
    devices = {"192.0.2.1": "ams-core1", "192.0.2.2": "ams-border1"}
    hops = [row for at_s, _ in rounds(END, 300.0)
            for row in trace(at_s, "ams", "shop.example.com", late if at_s >= BEGIN else way, devices)]  # fmt: skip
    rows = [
        row if row["time"] < BEGIN else http(row["time"], "ams", 4.0)
        for row in _shop(END)
        if row["agent"] == "ams-agent"
    ]
    found = play(PathDetector(context()), rows, hops)
    assert "From hop 2 (ams-border1) on." in found[-1].text
    assert "device:ams-border1" in [one.text for one in found[-1].others]


def test_another_path_is_told() -> None:
    way, other = [("192.0.2.1", 1.0), ("192.0.2.2", 3.0), ("10.2.0.10", 20.0)], [
        ("192.0.2.1", 1.0), ("192.0.2.8", 9.0), ("192.0.2.9", 50.0), ("10.2.0.10", 80.0)]  # fmt: skip
    hops = [row for at_s, _ in rounds(5000, 300.0)
            for row in trace(at_s, "ams", "10.2.0.10", other if at_s >= BEGIN else way)]  # fmt: skip
    rows = [ping(at_s, "ams", "chi", (80.0 if at_s >= BEGIN else 20.0) + noise) for at_s, noise in rounds(5000, 60.0)]
    found = play(PathDetector(context()), rows, hops)
    assert "The path changed" in found[-1].text
    assert "192.0.2.8" in found[-1].text
    assert "instead of 192.0.2.2" in found[-1].text


def test_certificates() -> None:
    days = [30.0, 13.0, 12.9, 2.5, 0.5, 90.0]
    rows = [http(3600.0 * n, "ams", certificate_days=left) for n, left in enumerate(days)]
    found = play(PathDetector(context()), rows)
    assert [one.severity for one in found[:-1]] == [Severity.MINOR, Severity.MAJOR, Severity.CRITICAL]
    assert found[-1].ends
    assert found[0].entity.text == "service:Shop"
    assert not play(PathDetector(context(certificate_days=5)), rows[:3])


def test_what_never_worked_cannot_fail() -> None:
    rows = [broken(at_s, site) for k, site in enumerate(AGENTS) for at_s, _ in rounds(3000, 60.0, k)]
    assert not play(PathDetector(context()), rows)


def test_state_is_kept() -> None:
    first = PathDetector(context())
    play(first, _shop(3500))
    again = PathDetector(context())
    again.load(first.save())
    assert len(again.save()) == len(first.save())
    found = play(again, [row for row in _shop(END, lambda at_s, site: http(at_s, site, 6.0)) if row["time"] > 3500])
    assert found[0].kind == "service_slow"
    assert found[0].at_s - T0 - BEGIN < 240
    with pytest.raises(InvalidInput):
        again.load(b'{"series": [1], "services": {}}')


def test_series_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.detect.paths.detector._MOST_SERIES", 100)
    detector = PathDetector(context())
    play(detector, [http(n / 100, "ams", target=f"https://shop.example.com/{n}") for n in range(2000)])
    assert len(json.loads(detector.save())["series"]) == 100
