"""Whole-window analysis on constructed series: what is odd is found, what repeats is not."""

from __future__ import annotations

import numpy as np
import pytest

from weft.detect.shape.changes import changes
from weft.detect.shape.period import clipped, filled, period
from weft.detect.shape.residual import box, rolling_median, season_median, spread
from weft.detect.shape.subspace import spread_over
from weft.detect.shape.whole import standing_out, whole_window
from weft.errors import InvalidInput

F64 = np.ndarray


def daily(rng: np.random.Generator, days: int = 14, per_day: int = 96, noise: float = 0.1) -> F64:
    at = np.arange(days * per_day)
    return 5 + 2 * np.sin(2 * np.pi * at / per_day) + rng.normal(0, noise, len(at))


def test_the_period_is_told_in_spite_of_trend_gaps_and_spikes() -> None:
    rng = np.random.default_rng(1)
    for points in (24, 96, 288):
        values = daily(rng, 12, points)
        values += np.arange(len(values)) * 0.002
        values[rng.choice(len(values), 8, replace=False)] += 40
        values[rng.choice(len(values), len(values) // 20, replace=False)] = np.nan
        assert abs(period(values) - points) <= max(1, points // 50)
    assert period(rng.normal(size=900)) == 0
    assert period(np.ones(500)) == 0
    assert period(np.arange(9.0)) == 0


def test_gaps_are_bridged_and_outliers_brought_to_the_fence() -> None:
    assert filled(np.array([np.nan, 1, np.nan, 3, np.nan])).tolist() == [1, 1, 2, 3, 3]
    assert filled(np.full(3, np.nan)).tolist() == [0, 0, 0]
    values = np.r_[np.linspace(0, 1, 99), 1e6]
    assert clipped(values).max() < 1e5


def test_rolling_and_seasonal_medians_are_what_they_say() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=60)
    for at in range(60):
        near = [i for i in range(at - 3, at + 4) if 0 <= i < 60]
        assert rolling_median(values, 3, False)[at] == pytest.approx(np.median(values[near]))
        near.remove(at)
        assert rolling_median(values, 3, True)[at] == pytest.approx(np.median(values[near]))
    assert season_median(values, 10, 2)[30] == pytest.approx(np.median(values[[10, 20, 40, 50]]))
    assert season_median(values, 10, 2)[0] == pytest.approx(np.median(values[[10, 20, 30, 40]]))
    assert season_median(np.arange(3.0), 10, 2).tolist() == [0, 1, 2]


def test_boxes_and_spreads() -> None:
    assert box(np.array([0.0, 0, 9, 0, 0]), 3).tolist() == [0, 3, 3, 3, 0]
    assert spread_over(np.array([1.0, 3.0]), 2, 3).tolist() == [1, 2, 3]
    assert spread(np.zeros(9)) == 1.0
    assert spread(np.random.default_rng(0).normal(0, 3, 9000)) == pytest.approx(3, rel=0.05)
    assert standing_out(np.ones(9)).tolist() == [0] * 9


@pytest.mark.parametrize("what", ["spike", "shift", "shape", "dip"])
def test_what_is_odd_is_the_top_of_the_ranking(what: str) -> None:
    for seed in range(3):
        values = daily(np.random.default_rng(seed))
        begin, end = 800, 840
        if what == "spike":
            begin, end = 800, 801
            values[800] += 2.5
        elif what == "shift":
            values[begin:end] += 1.5
        elif what == "shape":
            values[begin:end] = values[begin:end].mean()
        else:
            values[begin:end] = 0
        found = whole_window(values)
        assert abs(found.period - 96) <= 1
        assert begin - 30 <= found.top(1)[0] <= end + 30


def test_scores_do_not_depend_on_unit_and_offset() -> None:
    values = daily(np.random.default_rng(7))
    first, second = whole_window(values), whole_window(values * 1e9 - 4e11)
    assert np.allclose(first.score, second.score, rtol=1e-3, atol=1e-3)


def test_gaps_score_nothing_and_constant_series_are_not_odd() -> None:
    values = daily(np.random.default_rng(3))
    values[300:340] = np.nan
    assert whole_window(values).score[300:340].max() == 0
    flat = whole_window(np.full(200, 7.0))
    assert flat.score.max() == 0
    assert flat.top(3) == []
    counted = np.zeros(400)
    counted[200] = 5
    assert abs(whole_window(counted).top(1)[0] - 200) <= 32


def test_what_cannot_be_analysed_is_refused() -> None:
    for bad in (np.zeros(3), np.full(100, np.nan), np.zeros((4, 40))):
        with pytest.raises(InvalidInput):
            whole_window(bad)
    with pytest.raises(InvalidInput):
        changes(np.zeros(30_000))


def test_steps_are_found_where_they_are() -> None:
    rng = np.random.default_rng(9)
    level = np.repeat([3.0, 9.0, 5.0, 5.0], 100)
    found = changes(level + rng.normal(0, 0.8, 400))
    assert len(found) == 2
    assert all(abs(one - true) <= 2 for one, true in zip(found, (100, 200), strict=True))
    assert changes(rng.normal(size=400)) == []
    assert changes(np.ones(50)) == []
    assert changes([1.0, 2.0]) == []
