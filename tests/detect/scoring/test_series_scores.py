"""Scores of series: against published values where the data are at hand, and against what must hold by definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bench import _public
from bench._others import spectral_residual, windowed_gaussian

from weft.detect.scoring import changes, nab, points
from weft.detect.scoring.vus import buffer_period, ranges, vus_pr
from weft.errors import InvalidInput

F64 = np.ndarray


def needs(folder: str) -> None:
    if not (_public.DATA / folder).is_dir():
        pytest.skip(f"no public data at {_public.DATA / folder} (set WEFT_TEST_DATA)")


def slow_vus(label: F64, score: F64, widest: int) -> float:
    """The definition, a threshold and a buffer at a time."""
    found, areas = ranges(label), []
    cuts = np.sort(score)[::-1][np.linspace(0, len(score) - 1, 250).astype(int)]
    for window in range(widest + 1):
        soft = (label > 0).astype(float)
        for first, last in found:
            for at in range(len(soft)):
                near = max(first - at, at - last)
                if 0 < near <= window // 2:
                    soft[at] += math.sqrt(1 - near / window)
        soft = np.minimum(soft, 1)
        buffers = ranges(soft > 0)
        area = before = 0.0
        for cut in cuts:
            on = score >= cut
            true, extra = (soft * on).sum(), (soft * on)[label == 0].sum()
            recall = min(true / (label.sum() + extra / 2), 1) * np.mean([on[a : b + 1].any() for a, b in buffers])
            area += (recall - before) * true / on.sum()
            before = recall
        areas.append(area)
    return float(np.mean(areas))


def test_vus_pr_of_spectral_residual_is_as_published() -> None:
    needs("tsb-ad-u")
    series = [one for one in _public.tsb() if len(one.values) < 9000][::3]
    assert len(series) >= 8
    for one in series:
        found = vus_pr(one.label, spectral_residual(one.values), buffer_period(one.values))
        assert found == pytest.approx(one.published["SR"], abs=0.002), one.name


def test_vus_pr_is_what_its_definition_says() -> None:
    rng = np.random.default_rng(4)
    for _ in range(6):
        label = np.zeros(160)
        for begin in rng.choice(np.arange(12, 140, 26), 2, replace=False):
            label[begin : begin + rng.integers(1, 6)] = 1
        score = rng.normal(size=160) + label * rng.uniform(0, 3)
        assert vus_pr(label, score, 9) == pytest.approx(slow_vus(label, score, 9), abs=1e-9)


def test_perfect_scores_of_points_have_all_of_the_surface_and_order_is_all_that_counts() -> None:
    label = np.zeros(500)
    label[[100, 300]] = 1
    rng = np.random.default_rng(1)
    score = rng.random(500)
    assert vus_pr(label, label + 0.0, 0) == pytest.approx(1.0)
    assert vus_pr(label, score, 20) == pytest.approx(vus_pr(label, np.exp(9 * score), 20))


def test_scores_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(InvalidInput):
        vus_pr([0, 1, 0], [0.0, math.nan, 1.0], 1)
    with pytest.raises(InvalidInput):
        vus_pr([0, 0, 0], [0.0, 1.0, 1.0], 1)


def test_nab_score_of_the_null_and_of_the_perfect_detector() -> None:
    windows = np.array([[400, 449], [700, 749]])
    null = [nab.Scored(np.full(1000, 0.5), windows)]
    perfect = np.zeros(1000)
    perfect[[400, 700]] = 1
    for profile in nab.PROFILES.values():
        assert nab.at(null, profile, 0.9) == 0.0
        assert nab.best([nab.Scored(perfect, windows)], profile) == (pytest.approx(100.0), 1.0)
        assert nab.at([nab.Scored(perfect, windows)], profile, 0.5) == pytest.approx(100.0)


def test_nab_rewards_early_detections_and_the_start_is_not_scored() -> None:
    windows, profile = np.array([[400, 499]]), nab.PROFILES["standard"]
    found = []
    for place in (405, 450, 499):
        score = np.zeros(1000)
        score[place] = 1
        found.append(nab.at([nab.Scored(score, windows)], profile, 0.5))
    assert found[0] > found[1] > found[2] > 50
    score[:150] = 1
    assert nab.at([nab.Scored(score, windows)], profile, 0.5) == found[2]
    score[150] = 1
    assert nab.at([nab.Scored(score, windows)], profile, 0.5) == pytest.approx(found[2] - 100 * 0.11 / 2)


def test_nab_score_of_the_windowed_gaussian_is_as_published() -> None:
    needs("nab")
    corpus = [nab.Scored(windowed_gaussian(one.values), windows) for one, windows in _public.nab()]
    assert len(corpus) == 58
    for name, told in _public.nab_published()["windowedGaussian"].items():
        assert nab.best(corpus, nab.PROFILES[name])[0] == pytest.approx(told, abs=0.001), name


def test_an_event_counts_once_and_more_alarms_about_it_are_noise() -> None:
    label, alarm = np.zeros(100), np.zeros(100)
    label[20:30] = label[60:70] = 1
    alarm[[22, 26, 45, 71]] = 1
    score = points.score_events(label, alarm)
    assert (score.events, score.found, score.false, score.duplicates, score.delays) == (2, 1, 2, 1, (2,))
    assert score.precision == 1 / 4
    late = points.score_events(label, alarm, grace=2)
    assert (late.found, late.false, late.delays) == (2, 1, (2, 11))
    held = points.score_events(label, points.merged(alarm, 3))
    assert (held.found, held.duplicates, held.false) == (1, 0, 2)
    assert points.together([score, late]).events == 4


def test_one_alarm_over_two_events_finds_both() -> None:
    label = np.zeros(50)
    label[10:12] = label[20:22] = 1
    alarm = np.zeros(50)
    alarm[9:25] = 1
    score = points.score_events(label, alarm)
    assert (score.found, score.duplicates, score.false, score.delays) == (2, 0, 0, (0, 0))


def test_chance_and_best_f1_of_points() -> None:
    label = np.array([0, 0, 1, 0, 1])
    assert points.auc(label, [0, 1, 2, 3, 4]) == pytest.approx(5 / 6)
    assert points.auc(label, np.zeros(5)) == 0.5
    assert points.best_point_f1(label, [0, 1, 2, 3, 4]) == pytest.approx(0.8)
    assert points.best_point_f1(label, np.zeros(5)) == pytest.approx(4 / 7)


def test_no_change_at_all_scores_as_published() -> None:
    """F1 and cover of the row called zero of TCPDBench."""
    needs("tcpd-changepoint")
    told = {"nile": (0.8235294, 0.75808), "brent_spot": (0.3146067, 0.2658176), "bank": (1.0, 1.0),
            "seatbelts": (0.6206897, 0.5283637), "gdp_japan": (0.8888889, 0.8021403)}  # fmt: skip
    seen = {name: (values, people) for name, values, people in _public.tcpd()}
    for name, (score, overlap) in told.items():
        values, people = seen[name]
        assert changes.f1(people, []) == pytest.approx(score, abs=1e-6)
        assert changes.cover(people, [], len(values)) == pytest.approx(overlap, abs=1e-6)


def test_changes_that_all_agree_on_are_perfect_within_the_margin() -> None:
    people = [[50, 120], [50, 120], [52, 118]]
    assert changes.f1(people, [50, 120]) == 1.0
    assert changes.f1(people, [50, 120, 80]) < 1.0
    assert changes.cover([[50, 120]], [50, 120], 200) == 1.0
