"""What a baseline hits upon in constructed series, and what it leaves alone."""

from __future__ import annotations

import io
import tracemalloc
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from detect.baseline.made import DAY, MONDAY, office, times
from weft.detect.baseline import kernel
from weft.detect.baseline.model import Baseline
from weft.detect.baseline.state import State
from weft.detect.baseline.tuning import Tuning
from weft.errors import InvalidInput

RATE = Tuning(least=1e6)
WHAT, ENDS, SEEN, EXPECTED, SINCE = 2, 3, 4, 5, 9


def names(count: int) -> list[str]:
    return [f"s{at}" for at in range(count)]


def judge(
    at: NDArray[np.int64], values: NDArray[np.float64], tuning: Tuning = RATE, model: Baseline | None = None
) -> NDArray[np.float64]:
    model = model or Baseline(tuning, int(at[1] - at[0]))
    return model.judge(names(len(values)), at, values).hits


def after(hits: NDArray[np.float64], at: NDArray[np.int64], since: float) -> NDArray[np.float64]:
    return hits[at[hits[:, 1].astype(int)] >= since]


def test_days_and_weeks_raise_nothing() -> None:
    at = times(21)
    hits = judge(at, office(at, series=20))
    assert not len(after(hits, at, MONDAY + 8 * DAY))
    assert len(np.unique(hits[:, 0])) <= 1  # while weekends are still new


@pytest.mark.parametrize("hour", [3, 14])
@pytest.mark.parametrize(("factor", "what"), [(2.5, kernel.SPIKE), (0.3, kernel.DROP)])
def test_a_jump_is_told_within_two_samples_since_when_it_began(hour: int, factor: float, what: int) -> None:
    at = times(16)
    values = office(at, series=10)
    begin = 15 * 1440 + hour * 60
    values[:, begin : begin + 30] *= factor
    hits = after(judge(at, values), at, MONDAY + 8 * DAY)
    first = [hits[hits[:, 0] == one][0] for one in range(10)]
    assert all(one[WHAT] == what for one in first)
    assert all(begin <= one[1] <= begin + 1 for one in first)
    assert all(at[begin] - 300 <= one[SINCE] <= at[begin + 1] for one in first)
    ends = hits[hits[:, ENDS] == kernel.ENDS]
    assert set(ends[:, 0]) == set(range(10))
    assert (ends[:, 1] >= begin + 30).all()
    assert (ends[:, 1] <= begin + 36).all()


def test_a_jump_at_the_same_time_each_day_is_learned() -> None:
    at = times(28)
    values = office(at, series=6)
    nightly = (at % DAY >= 2 * 3600) & (at % DAY < 2 * 3600 + 1800)
    values[:, nightly] *= 3
    hits = after(judge(at, values), at, MONDAY + 21 * DAY)
    assert not len(hits)


def test_a_level_shift_is_told_once_and_becomes_the_new_normal() -> None:
    at = times(24)
    values = office(at, series=8)
    begin = 15 * 1440 + 600
    values[:, begin:] *= 2
    hits = after(judge(at, values), at, MONDAY + 8 * DAY)
    assert set(hits[:, 0]) == set(range(8))
    assert (hits[:, 1] >= begin).all()
    absorbed = hits[hits[:, ENDS] == kernel.ABSORBED]
    assert set(absorbed[:, 0]) == set(range(8))
    assert (at[absorbed[:, 1].astype(int)] <= at[begin] + 13 * 3600).all()
    assert len(after(hits, at, MONDAY + 18 * DAY)) == 0


def test_slow_growth_is_absorbed() -> None:
    at = times(28)
    values = office(at, series=10) * np.exp(np.linspace(0, np.log(2), len(at)))
    assert len(np.unique(after(judge(at, values), at, MONDAY + 8 * DAY)[:, 0])) <= 1


def test_a_small_lasting_deviation_is_found_and_backdated() -> None:
    at = times(22)
    values = office(at, series=8, noise=0.02)
    begin = 21 * 1440 + 600
    ramp = np.clip(np.arange(len(at)) - begin, 0, 120) / 120
    values *= np.exp(-ramp * np.log(2.5))  # over two hours: no sample jumps
    hits = after(judge(at, values), at, MONDAY + 8 * DAY)
    assert len(np.unique(hits[:, 0])) >= 7
    assert (hits[:, 1] >= begin).all()
    for one in np.unique(hits[:, 0]):
        assert at[begin] <= hits[hits[:, 0] == one][0][SINCE] <= at[begin] + 2 * 3600


def test_a_holiday_is_like_a_sunday() -> None:
    at = times(24)
    values = office(at, series=6)
    holiday = (at >= MONDAY + 22 * DAY) & (at < MONDAY + 23 * DAY)  # a Tuesday
    values[:, holiday] = values[:, (at >= MONDAY + 20 * DAY) & (at < MONDAY + 21 * DAY)]
    told = Tuning(least=1e6, holidays=frozenset({date(2026, 1, 27)}))
    plain = after(judge(at, values), at, MONDAY + 22 * DAY)
    aware = after(judge(at, values, told), at, MONDAY + 22 * DAY)
    assert len(np.unique(plain[:, 0])) >= 3
    assert not len(aware)


def test_missing_values_teach_and_tell_nothing() -> None:
    at = times(16)
    values = office(at, series=10)
    rng = np.random.default_rng(5)
    values[rng.random(values.shape) < 0.1] = np.nan
    values[:, 15 * 1440 + 300 : 15 * 1440 + 700] = np.nan
    assert not len(after(judge(at, values), at, MONDAY + 8 * DAY))


def test_silence_is_told_where_it_is_wanted() -> None:
    at = times(10)
    values = office(at, series=3)
    begin = 9 * 1440 + 600
    values[1, begin : begin + 60] = np.nan
    hits = after(judge(at, values, Tuning(least=1e6, missing_after=10)), at, MONDAY + 8 * DAY)
    assert [(hit[0], hit[1], hit[WHAT], hit[ENDS]) for hit in hits] == [
        (1, begin + 9, kernel.MISSING, kernel.GOES_ON),
        (1, begin + 60, kernel.MISSING, kernel.ENDS),
    ]


def test_a_counter_that_began_anew_is_no_event() -> None:
    at = times(12)
    values = office(at, series=5)
    begin = 11 * 1440 + 600
    values[:, begin] = np.nan  # the poll that met the restart
    values[:, begin + 1] *= 30  # a wrap that was none
    values[:, begin + 20] = -1e12
    values[:, begin + 40] = 2.0**64 / 60
    hits = after(judge(at, values, Tuning(least=1e6, most=1e14)), at, MONDAY + 8 * DAY)
    assert not len(hits)


def test_what_stands_still_that_never_did() -> None:
    at = times(4)
    rng = np.random.default_rng(2)
    values = 40 + rng.normal(0, 2, (2, len(at)))
    begin = 3 * 1440 + 100
    values[0, begin : begin + 120] = values[0, begin]
    hits = judge(at, values, Tuning(least=8.0, values="level", flat_after=60))
    assert set(hits[:, 0]) == {0}
    assert set(hits[:, WHAT]) == {kernel.FLATLINE}
    assert hits[0][1] == begin + 60
    assert hits[0][SINCE] == at[begin]
    assert hits[:, ENDS].tolist() == [kernel.GOES_ON] * (len(hits) - 1) + [kernel.ENDS]
    idle = Tuning(least=8.0, flat_after=60)
    assert kernel.FLATLINE not in judge(at, np.where(np.isin(at, at[begin:]), 0.0, values), idle)[:, WHAT]


def test_little_is_not_worth_telling() -> None:
    at = times(16)
    values = office(at, series=5) * 1e-5  # some kbit/s
    values[:, 15 * 1440 + 600 : 15 * 1440 + 640] *= 8
    assert not len(judge(at, values))


def test_false_alarms_decide_how_far_is_far() -> None:
    at = times(16)
    values = office(at, series=10)
    values[:, 15 * 1440 + 600] *= 1.6
    few = judge(at, values, Tuning(least=1e6, false_alarms=0.01))
    many = judge(at, values, Tuning(least=1e6, false_alarms=1000))
    assert Baseline(Tuning(least=1e6, false_alarms=0.01), 60).wanted > Baseline(RATE, 60).wanted
    assert len(after(few, at, MONDAY + 8 * DAY)) < len(after(many, at, MONDAY + 8 * DAY))


def test_time_zones_move_the_day() -> None:
    zone = ZoneInfo("Europe/Zurich")
    at = times(30, since=1_773_014_400)  # from Monday 9 March 2026; summer time begins on the 29th
    hour = (at + np.where(at >= 1_774_746_000, 7200, 3600)) % DAY / 3600
    rng = np.random.default_rng(3)
    shape = np.where((hour >= 8) & (hour < 18), 1.0, 0.1)
    values = 1e9 * shape * np.exp(rng.normal(0, 0.03, (5, len(at))))
    after_change = 1_774_746_000 + DAY // 8
    local = after(judge(at, values, Tuning(least=1e6, zone=zone)), at, after_change)
    utc = after(judge(at, values), at, after_change)
    assert not len(local)
    assert len(utc)


def test_frames_of_any_length_teach_the_same() -> None:
    at = times(9)
    values = office(at, series=4)
    values[2, 8 * 1440 + 300 : 8 * 1440 + 330] *= 4
    whole = judge(at, values)
    model, parts = Baseline(RATE, 60), []
    for begin in range(0, len(at), 97):
        hits = model.judge(names(4), at[begin : begin + 97], np.ascontiguousarray(values[:, begin : begin + 97])).hits
        hits[:, 1] += begin
        parts.append(hits)
    split = np.concatenate(parts)
    order = np.lexsort((whole[:, 1], whole[:, 0]))
    assert np.array_equal(whole[order], split[np.lexsort((split[:, 1], split[:, 0]))], equal_nan=True)


def test_state_goes_on_where_it_was() -> None:
    at = times(10)
    values = office(at, series=4)
    values[1, 9 * 1440 + 300 : 9 * 1440 + 330] *= 4
    first, half = Baseline(RATE, 60), 9 * 1440
    first.judge(names(4), at[:half], np.ascontiguousarray(values[:, :half]))
    second = Baseline(RATE, 60)
    second.state.load(first.state.save())
    rest = np.ascontiguousarray(values[:, half:])
    one, two = (model.judge(names(4), at[half:], rest).hits for model in (first, second))
    assert len(one)
    assert np.array_equal(one, two, equal_nan=True)
    for wrong in (b"", b"PK no", State(300).save()):
        with pytest.raises(InvalidInput):
            Baseline(RATE, 60).state.load(wrong)


def test_memory_is_bounded() -> None:
    model = Baseline(RATE, 60, most=1000)
    at = times(0.01)
    tracemalloc.start()
    for block in range(20):
        keys = [f"attacker {block} {at}" for at in range(1000)]
        model.judge(keys, at, np.ones((1000, len(at))))
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(model.state.rows) == 1000
    assert model.state.dropped == 19_000
    assert model.state.bytes_per_series <= 6_000
    assert held < 12_000_000


def test_series_not_heard_of_make_room() -> None:
    model = Baseline(RATE, 60, most=10)
    model.judge(names(10), times(0.1), office(times(0.1), series=10))
    later = times(0.1, since=MONDAY + 40 * DAY)
    model.judge([f"new {at}" for at in range(10)], later, office(later, series=10))
    assert sorted(model.state.rows) == [f"new {at}" for at in range(10)]


def test_hostile_values_do_no_harm() -> None:
    at = times(2)
    rng = np.random.default_rng(9)
    values = 10.0 ** rng.uniform(-300, 300, (20, len(at)))
    values[rng.random(values.shape) < 0.1] = np.inf
    values[rng.random(values.shape) < 0.1] = -np.inf
    values[rng.random(values.shape) < 0.1] = 0
    for tuning in (RATE, Tuning(least=1.0, values="level")):
        judged = Baseline(tuning, 60).judge(names(20), at, values, scores=True, news=True, bands=True)
        assert not np.isinf(judged.scores).any()
        assert not np.isinf(judged.news).any()


@pytest.mark.parametrize("step_s", [10, 300, 3600, 86_400])
def test_other_steps(step_s: int) -> None:
    days = {10: 3, 300: 20, 3600: 40, 86_400: 120}[step_s]
    at = times(days, step_s)
    hour = at % DAY / 3600
    rng = np.random.default_rng(4)
    values = 1e8 * (1 + 0.5 * np.sin(2 * np.pi * hour / 24)) * np.exp(rng.normal(0, 0.05, (6, len(at))))
    last = len(at) - 3
    values[:, last:] *= 4
    hits = judge(at, values)
    assert set(hits[hits[:, 1] >= last][:, 0]) == set(range(6))
    assert len(hits[hits[:, 1] < last]) == 0


def test_news_rank_a_jump_above_what_is_usual_and_go_on_without_end() -> None:
    at = times(12)
    values = office(at, series=3)
    spot = 11 * 1440 + 600
    values[0, spot] *= 3
    values[1, spot] *= 30
    usual = np.arange(600, len(at), 120)
    values[2, usual] *= 3  # every two hours: usual for this one
    values[2, spot + 1] *= 3
    news = Baseline(RATE, 60).judge(names(3), at, values, news=True).news
    assert np.argmax(news[0, 1440:]) == spot - 1440
    assert news[1, spot] > 1.3 * news[0, spot] > 12
    assert news[0, spot + 1] < 0.5 * news[0, spot]  # going back to normal is none
    assert news[2, spot + 1] < 0.6 * news[0, spot]


def test_state_of_another_version_is_refused() -> None:
    model = Baseline(RATE, 60)
    model.judge(names(2), times(0.1), office(times(0.1), series=2))
    saved = io.BytesIO(model.state.save())
    with np.load(saved) as told:
        arrays = dict(told)
    arrays["head"][0] -= 1
    older = io.BytesIO()
    np.savez(older, **arrays)
    with pytest.raises(InvalidInput, match="version"):
        State(60).load(older.getvalue())
