"""Many small deviations, mixes that shift, who is new among the largest, budgets that burn."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detect.baseline.made import DAY, MONDAY, office, times
from detect.baseline.test_detector import context
from weft.detect import registry
from weft.detect.baseline.burn import BurnRate
from weft.detect.baseline.catalogue import make
from weft.detect.baseline.churn import TopChurn
from weft.detect.baseline.groups import MixShift, SiteTogether, distance
from weft.detect.frame import Frame, SeriesKey
from weft.errors import InvalidInput
from weft.model.events import Entity, Severity


def apps(site: str, count: int) -> list[SeriesKey]:
    return [SeriesKey(Entity(kind="site", id=site), {"app": f"app{at}"}) for at in range(count)]


def fed(frame: Frame, first: int, last: int) -> Frame:
    return frame.part(first, last)


def test_many_small_deviations_are_one_event() -> None:
    at = times(13)
    values = office(at, series=16, noise=0.05)
    begin = 12 * 1440 + 600
    values[:, begin : begin + 20] *= 1.22
    whole = Frame(apps("chi", 16), at, values, 60, "bit/s")
    detector = SiteTogether(context())
    detector.learn(fed(whole, 0, 9 * 1440))
    assert detector.feed(fed(whole, 9 * 1440, begin)) == []
    found = detector.feed(fed(whole, begin, begin + 20))
    assert found
    assert {(one.kind, one.entity.text) for one in found} == {("together", "site:chi")}
    assert found[0].at_s <= at[begin + 3]
    assert "app" in found[0].text
    again = SiteTogether(context())
    again.load(detector.save())
    assert again.save() == detector.save()


def test_a_mix_that_shifts() -> None:
    at = times(16, 300)
    hour = at % DAY / 3600
    rng = np.random.default_rng(6)
    shares = np.array([0.5, 0.3, 0.15, 0.05])[:, None] * np.exp(rng.normal(0, 0.1, (4, len(at))))
    shares[1] *= 1 + 0.3 * np.sin(2 * np.pi * hour / 24)
    values = 1e9 * (1 + 0.6 * np.sin(2 * np.pi * (hour - 7) / 24)) * shares
    begin = 15 * 288 + 120
    values[3, begin : begin + 12] *= 20
    whole = Frame(apps("fra", 4), at, values, 300, "bit/s")
    detector = MixShift(context())
    detector.learn(fed(whole, 0, 10 * 288))
    assert detector.feed(fed(whole, 10 * 288, begin)) == []
    found = detector.feed(fed(whole, begin, begin + 12))
    assert {(one.kind, one.entity.text) for one in found} == {("mix_shift", "site:fra")}
    assert "app3" in found[0].text
    assert found[0].at_s <= at[begin + 1]
    again = MixShift(context())
    again.load(detector.save())
    assert again.save() == detector.save()


def test_distance() -> None:
    one = np.array([0.5, 0.5, 0.0])
    assert distance(one, one) == 0
    assert distance(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(1)
    assert distance(one, np.array([0.4, 0.4, 0.2])) == pytest.approx(distance(np.array([0.4, 0.4, 0.2]), one))


def networks(count: int) -> list[SeriesKey]:
    return [SeriesKey(Entity(kind="asn", id=str(64496 + at)), {}) for at in range(count)]


def test_more_business_is_good_news_and_more_tickets_are_not() -> None:
    at = times(16)
    values = office(at, series=3)
    half, begin = 15 * 1440, 15 * 1440 + 845
    values[:2, begin:] *= 4
    values[2, begin:] /= 4
    names = ("orders_per_minute", "tickets", "sign_ins")
    site = Entity(kind="site", id="fra")
    whole = Frame([SeriesKey(site, {"series": name}) for name in names], at, values, 60)
    detector = make("business_site", context())
    detector.learn(fed(whole, 0, half))
    found = detector.feed(fed(whole, half, begin + 3))
    told = {(one.labels["series"], one.kind, one.severity) for one in found if one.seen}
    assert ("orders_per_minute", "spike", Severity.INFO) in told
    assert {severity for name, _, severity in told if name != "orders_per_minute"} == {Severity.MAJOR}
    assert {name for name, _, _ in told} == set(names)


def test_who_is_new_among_the_largest() -> None:
    at = times(9, 300)
    rng = np.random.default_rng(7)
    values = 1e9 * np.exp(-np.arange(30) / 8)[:, None] * np.exp(rng.normal(0, 0.1, (30, len(at))))
    begin = 8 * 288 + 50
    values[29, begin:] = 2e9
    values[28, 8 * 288 + 20] = 2e9  # a single bucket
    whole = Frame(networks(30), at, values, 300, "bit/s")
    detector = TopChurn(context())
    detector.learn(fed(whole, 0, 5 * 288))
    found = detector.feed(fed(whole, 5 * 288, len(at)))
    assert {one.entity.text for one in found} == {"asn:64525"}
    assert found[0].at_s == at[begin + 1]
    assert found[0].started_s == at[begin]
    assert max(one.at_s for one in found) <= at[begin] + 3600
    again = TopChurn(context())
    again.load(detector.save())
    assert again.save() == detector.save()


def budget(bad: NDArray[np.float64], at: NDArray[np.int64]) -> Frame:
    key = SeriesKey(Entity(kind="test", id="shop"), {})
    return Frame([key], at, 100.0 * (1 - bad[None, :]), 60, "%")


def test_budgets_that_burn() -> None:
    at = times(5)
    bad = np.zeros(len(at))
    bad[::2000] = 1.0  # half of what is allowed
    begin = 4 * 1440
    bad[begin : begin + 30] = 0.5
    detector = BurnRate(context(objective=0.999))
    detector.learn(budget(bad[: 3 * 1440], at[: 3 * 1440]))
    assert detector.feed(budget(bad[3 * 1440 : begin], at[3 * 1440 : begin])) == []
    found = detector.feed(budget(bad[begin:], at[begin:]))
    burning = [one for one in found if not one.ends]
    assert burning[0].at_s <= at[begin + 6]
    assert Severity.CRITICAL in {one.severity for one in burning}
    assert "99.9 %" in burning[0].text
    ended = [one for one in found if one.ends]
    assert ended
    assert at[begin + 30] <= ended[0].at_s
    again = BurnRate(context())
    again.load(detector.save())
    assert again.save() == detector.save()


def test_a_slow_burn_is_minor_and_silence_is_none() -> None:
    at = times(4)
    slow = np.zeros(len(at))
    slow[::250] = 1.0  # four times too much
    detector = BurnRate(context())
    found = detector.feed(budget(slow, at))
    assert {one.severity for one in found if not one.ends} == {Severity.MINOR}
    silent = np.full(len(at), np.nan)
    assert BurnRate(context()).feed(budget(silent, at)) == []


def runs(at: NDArray[np.int64], bad: dict[SeriesKey, list[int]], all_of: list[SeriesKey]) -> Frame:
    """Runs that fail by series and minute; all others work."""
    values = np.full((len(all_of), len(at)), 100.0)
    for row, key in enumerate(all_of):
        for minute in bad.get(key, []):
            values[row, minute] = 0.0
    return Frame(all_of, at, values, 60, "%")


class OfTest(SeriesKey):
    """A series that can be looked up."""

    def __hash__(self) -> int:
        return hash(self.text)


def run_of(test: str, agent: str, target: str, kind: str = "http") -> OfTest:
    return OfTest(Entity(kind="test", id=test), {"agent": agent, "target": target, "kind": kind})


AGENTS = ("ams-1", "fra-1", "nyc-1", "sin-1")


def test_tests_that_an_agent_fails_are_one_event_and_it_is_named() -> None:
    at, begin = times(1), 1000
    keys = [run_of(test, agent, f"https://{test}.example.com/") for test in ("shop", "mail") for agent in AGENTS]
    bad = {key: list(range(begin, begin + 10)) for key in keys if key.labels["agent"] == "fra-1"}
    found = BurnRate(context()).feed(runs(at, bad, keys))
    assert {one.entity.text for one in found} == {"agent:fra-1"}
    first = found[0]
    assert first.at_s <= at[begin + 6]
    assert {"service:mail", "service:shop"} <= {one.text for one in found[2].others}
    assert "fra-1" in first.text


def test_tests_whose_name_is_not_found_are_one_event_of_the_service() -> None:
    at, begin = times(1), 1000
    keys = [run_of("Shop", agent, "https://shop.example.com/cart") for agent in AGENTS]
    keys += [run_of("Names", agent, "shop.example.com", "dns") for agent in AGENTS]
    bad = {key: list(range(begin + n // 4, begin + 10)) for n, key in enumerate(keys)}
    found = BurnRate(context()).feed(runs(at, bad, keys))
    assert {one.entity.text for one in found} == {"service:Shop"}
    assert "target:shop.example.com" in {one.text for one in found[0].others}


def test_a_run_that_fails_by_chance_burns_no_budget() -> None:
    at = times(4)
    keys = [run_of("shop", agent, "https://shop.example.com/") for agent in AGENTS]
    bad = {keys[n % 4]: list(range(1000 + 7 * n, len(at), 4000)) for n in range(4)}  # four within half an hour
    assert BurnRate(context()).feed(runs(at, bad, keys)) == []


def test_what_was_told_is_not_told_again_when_a_run_fails_hours_later() -> None:
    at, begin = times(3), 1000
    keys = [run_of("shop", agent, "https://shop.example.com/") for agent in AGENTS]
    bad = {key: list(range(begin, begin + 10)) for key in keys[:2]}
    bad[keys[0]] += [begin + 200, begin + 900]
    found = BurnRate(context()).feed(runs(at, bad, keys))
    assert max(one.at_s for one in found) < at[begin + 40]


def test_tests_that_are_gone_make_room() -> None:
    detector = BurnRate(context())
    for block in range(5):
        at = times(4, since=MONDAY + 4 * block * DAY)[::10]
        keys = [SeriesKey(Entity(kind="test", id=f"{block} {one}"), {}) for one in range(800)]
        for column in (0, len(at) - 1):
            detector.learn(Frame(keys, at[column : column + 1], np.full((800, 1), 100.0), 60, "%"))
    assert len(detector._budget.rows) <= 1600
    assert {key.split()[0] for key in detector._budget.rows} <= {"3", "4"}


@pytest.mark.parametrize("name", ["site_together", "application_mix", "top_churn", "slo_burn"])
def test_they_are_registered_and_check_their_state_and_settings(name: str) -> None:
    detector = registry.make(name, context())
    assert detector.about.name == name
    for wrong in (b"x" * 40, b"\0" * 8 + b"{}", b"[]"):
        with pytest.raises(InvalidInput):
            detector.load(wrong)
    with pytest.raises(InvalidInput):
        registry.make(name, context(nonsense=1))


def test_random_keys_do_not_fill_memory() -> None:
    detector = TopChurn(context(warm_s=0))
    for block in range(300):
        keys = [SeriesKey(Entity(kind="asn", id=f"{block} {at}"), {}) for at in range(500)]
        frame = Frame(keys, np.array([MONDAY + 300 * block]), np.ones((500, 1)), 300)
        detector.learn(frame)
    assert len(detector._known) <= 4 * detector.watch.most_series
