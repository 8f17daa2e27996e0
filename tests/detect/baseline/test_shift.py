"""Whether a lasting deviation is another level, and since when."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detect.baseline.made import MONDAY
from weft.detect.baseline.shift import BUCKETS, began, note
from weft.detect.baseline.state import SCALARS, WINDOW

STEP = 60.0


def noted(deviations: NDArray[np.float64], step_s: float = STEP) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    sc, window = np.zeros(SCALARS), np.zeros(WINDOW, np.float32)
    for at, one in enumerate(deviations.tolist()):
        if np.isfinite(one):
            note(sc, window, one, MONDAY + at * step_s, step_s)
    return sc, window


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_step_is_another_level_since_it_came(sign: float) -> None:
    deviations = np.random.default_rng(1).normal(0, 1, 720)
    deviations[600:] += 2 * sign
    sc, window = noted(deviations)
    assert began(sc, window, sign, STEP) == pytest.approx(MONDAY + 600 * STEP, abs=600)
    assert began(sc, window, -sign, STEP) == 0


def test_noise_a_spike_and_what_is_over_are_none() -> None:
    deviations = np.random.default_rng(2).normal(0, 1, 720)
    assert began(*noted(deviations), 1.0, STEP) == 0
    spiked = deviations.copy()
    spiked[650:652] = 1e6
    assert began(*noted(spiked), 1.0, STEP) == 0
    over = deviations.copy()
    over[300:400] += 4
    assert began(*noted(over), 1.0, STEP) == 0
    assert began(*noted(deviations[:60] + 4), 1.0, STEP) == 0  # too little is known


def test_gaps_and_the_past_are_forgotten() -> None:
    deviations = np.random.default_rng(3).normal(0, 1, 1500)
    deviations[:600] += 9
    deviations[700:900] = np.nan
    deviations[1300:] += 3
    sc, window = noted(deviations)
    assert int(np.isfinite(window).sum()) < BUCKETS
    assert began(sc, window, 1.0, STEP) == pytest.approx(MONDAY + 1300 * STEP, abs=600)
    hourly = np.concatenate([np.zeros(100), np.full(40, 3.0)]) + np.random.default_rng(4).normal(0, 0.5, 140)
    assert began(*noted(hourly, 3600.0), 1.0, 3600.0) == MONDAY + 100 * 3600
