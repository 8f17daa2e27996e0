"""Findings of the detectors that need a baseline and no more: words, evidence, settings."""

from __future__ import annotations

import numpy as np
import pytest

from detect.baseline.made import DAY, MONDAY, frame, keys, office, times
from weft.detect import registry, texts
from weft.detect.baseline import catalogue
from weft.detect.baseline.catalogue import make
from weft.detect.context import Context, DetectorConfig
from weft.errors import InvalidInput
from weft.model.events import Severity
from weft.query.datasets import build_catalogue


class Nobody:
    def device(self, address: bytes) -> str:
        return ""

    def interface(self, address: bytes, if_index: int) -> str:
        return ""

    def site(self, device: str) -> str:
        return ""

    def site_of_address(self, address: bytes) -> str:
        return ""


def context(false_alarms: float | None = None, **settings: object) -> Context:
    return Context(Nobody(), DetectorConfig(false_alarms=false_alarms, settings=settings))


def test_a_finding_says_why() -> None:
    detector = make("traffic_site", context())
    at = times(16)
    values = office(at, series=3)
    half, begin = 15 * 1440, 15 * 1440 + 845
    values[1, begin:] *= 4
    detector.learn(frame(at[:half], values[:, :half]))
    found = []
    for column in range(half, begin + 3):
        found += detector.feed(frame(at[column : column + 1], values[:, column : column + 1]))
    assert {(one.kind, one.entity.text) for one in found} == {("spike", "site:s1")}
    first = found[0]
    assert first.text.startswith(("Tuesdays 14:05 normally ", "Tuesdays 14:06 normally "))
    assert "; now " in first.text
    assert "the like " in first.text
    assert first.seen is not None
    assert first.lower is not None
    assert first.expected is not None
    assert first.upper is not None
    assert first.lower < first.expected < first.upper < first.seen
    assert first.severity is Severity.MAJOR
    assert first.score >= 3
    assert first.evidence[0].query is not None
    assert first.evidence[0].query["dataset"] == "flows"


def test_many_at_once_are_one_finding() -> None:
    detector = make("traffic_site", context())
    at = times(10)
    values = office(at, series=20)
    begin = 9 * 1440 + 600
    values[:, begin : begin + 5] *= 0.2
    detector.learn(frame(at[:begin], values[:, :begin]))
    found = detector.feed(frame(at[begin : begin + 3], values[:, begin : begin + 3]))
    assert {one.kind for one in found} == {"many"}
    assert "20 of 20" in found[-1].text
    assert len(found[-1].others) == 20


def test_nothing_is_found_in_what_is_new() -> None:
    detector = make("traffic_site", context())
    at = times(0.9)
    values = office(at, series=3)
    values[:, 1000:1010] *= 20
    assert detector.feed(frame(at, values)) == []
    assert detector.learning(MONDAY + 0.9 * DAY) == 3


def test_series_come_and_go() -> None:
    detector = make("traffic_site", context())
    at, named = times(12), keys(4)
    values = office(at, series=4)
    values[3, 11 * 1440 + 700 :] *= 5
    found = []
    for begin in range(0, len(at), 720):
        order = np.random.default_rng(begin).permutation(4)
        order = order[order != begin // 720 % 20]  # each is away for half a day now and then
        part = np.ascontiguousarray(values[order, begin : begin + 720])
        found += detector.feed(frame(at[begin : begin + 720], part, named=[named[one] for one in order]))
    assert {one.entity.text for one in found} == {"site:s3"}
    assert min(one.at_s for one in found) >= at[11 * 1440 + 700]


def test_state_of_a_detector_outlives_a_restart() -> None:
    at = times(10)
    values = office(at, series=3)
    half = 9 * 1440
    values[0, half + 100 : half + 130] *= 5
    one, two = (make("traffic_site", context()) for _ in range(2))
    one.learn(frame(at[:half], values[:, :half]))
    two.load(one.save())
    rest = frame(at[half:], values[:, half:])
    assert [repr(finding) for finding in one.feed(rest)] == [repr(finding) for finding in two.feed(rest)] != []


@pytest.mark.parametrize("sort", catalogue.SORTS, ids=lambda sort: sort.name)
def test_watches_can_be_asked(sort: catalogue.Sort) -> None:
    dataset = build_catalogue().datasets[sort.watch.dataset]
    assert sort.watch.measure in dataset.measures
    for name in sort.watch.by:
        assert name in dataset.dimensions or name.startswith("label_")
    assert set(sort.watch.entity_by) <= set(sort.watch.by)
    assert registry.factory(sort.name)(context()).about.name == sort.name


def test_settings_are_checked() -> None:
    assert make("traffic_site", context(least=1e9, holidays=["2026-12-25"])).tuning.least == 1e9
    assert make("traffic_site", context(7.0)).tuning.false_alarms == 7.0
    for wrong in ({"lest": 1}, {"least": -1}, {"least": "much"}, {"time_zone": "Moon/Sea"}, {"holidays": ["soon"]}):
        with pytest.raises(InvalidInput):
            make("traffic_site", context(**wrong))


def test_words() -> None:
    assert texts.amount(9.2e9, "bit/s") == "9.2 Gbit/s"
    assert texts.amount(1310.0, "orders/min") == "1310 orders/min"
    assert texts.between(3.1e9, 4.0e9, "bit/s") == "3.1–4 Gbit/s"
    assert texts.between(9e8, 1.2e9, "bit/s") == "900 Mbit/s–1.2 Gbit/s"
    assert texts.rarity(40 * 86400) == "once in 40 d"
    assert texts.rarity(1e12, 20 * 86400) == "less than once in 200 d"
    assert texts.amount(float("nan"), "%") == "–"


def test_a_sensor_that_stands_still_is_told_until_it_moves() -> None:
    detector = make("sensor_still", context())
    at = times(4, 300)
    values = 40 + np.random.default_rng(5).normal(0, 0.5, (3, len(at)))
    begin = 3 * 288 + 30
    values[1, begin : begin + 40] = values[1, begin]
    values[2] = np.round(values[2] / 40) * 40  # one that never moves much
    found = detector.feed(frame(at, values, "°C", keys(3, "device")))
    assert {(one.kind, one.entity.text) for one in found} == {("flatline", "device:s1")}
    assert found[0].at_s == at[begin + 12]
    assert found[0].started_s == at[begin]
    assert "°C for 60 min, without the least change" in found[0].text
    assert (found[0].upper, found[0].severity) == (None, Severity.MINOR)
    assert [one.ends for one in found] == [False] * (len(found) - 1) + [True]
