"""Baselines of series: points judged per second of a core, memory, false alarms, what is found and how soon.

    python -m bench.detect_baseline [--series 100000] [--days 28] [--seed 101]

``live`` feeds one bucket of every series at a time, as the engine does; ``history`` blocks of a day. Series of quality
are made: days, weekends, drift that goes together from minute to minute, noise that grows with traffic, gaps; every
series has its own size, phase and noise. After three weeks each gets one jump of 45 minutes (factor 1.5, 2 or 4, or the
same down) or none. Nothing was tuned on the seed. An event is true from the first sample of a jump to 5 minutes after
its last, all others are false; parts of one jump count once each.
"""

from __future__ import annotations

import argparse
import json
import resource
import time

import numpy as np
from bench._measure import cpu
from numpy.typing import NDArray

from weft.detect.baseline import kernel
from weft.detect.baseline.model import Baseline
from weft.detect.baseline.tuning import Tuning

DAY, STEP_S, MONDAY = 86_400, 60, 1_767_571_200
TUNING = Tuning(least=5e6, ratio=1.25)
JUMPS = (1.5, 2.0, 4.0, 1 / 1.5, 1 / 2.0, 1 / 4.0)
JUMP_MIN, GRACE_MIN = 45, 5


def emit(case: str, value: float, unit: str, bar: float | None = None, **more: float) -> None:
    """One result line."""
    ratio = None if bar is None else round(value / bar, 3)
    line = {"bench": "detect_baseline", "case": case, "value": float(f"{value:.4g}"), "unit": unit,
            "peer": None if bar is None else "bar", "peer_value": bar, "ratio": ratio}  # fmt: skip
    print(json.dumps(line | {name: float(f"{one:.4g}") for name, one in more.items()}), flush=True)


def made(rng: np.random.Generator, at: NDArray[np.int64], series: int) -> NDArray[np.float64]:
    """Traffic in bit/s [series, T]."""
    hour, day = at % DAY / 3600, (at // DAY + 3) % 7
    week = day + hour / 24
    weekend = np.clip(np.minimum((week - 5) * 6, (7 - week) * 6) + 0.5, 0, 1) * (week > 4.5)
    phase, depth = rng.uniform(0, 24, (series, 1)), rng.uniform(0.1, 0.8, (series, 1))
    shape = (1 + depth * np.sin(2 * np.pi * (hour - phase) / 24)) * (1 - rng.uniform(0, 0.6, (series, 1)) * weekend)
    drift = rng.normal(0, 1, (series, len(at))) * rng.uniform(0.002, 0.01, (series, 1))
    for column in range(1, len(at)):
        drift[:, column] += 0.985 * drift[:, column - 1]
    noise = rng.standard_t(6, (series, len(at))) * rng.uniform(0.01, 0.08, (series, 1))
    values: NDArray[np.float64] = rng.lognormal(20, 1.5, (series, 1)) * shape * np.exp(drift + noise)
    values[rng.random(values.shape) < 0.002] = np.nan
    return values


def speed(series: int) -> None:
    """Points per CPU second, live and over history; memory."""
    rng = np.random.default_rng(1)
    keys = [f"interface:router{at // 100}|et-{at % 100}?metric=in_octets" for at in range(series)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model = Baseline(TUNING, STEP_S, series)
    some = rng.lognormal(18, 1, (series, 1)) * rng.normal(1, 0.05, (series, 60))
    times = MONDAY + np.arange(60, dtype=np.int64) * STEP_S
    model.judge(keys, times[:30], np.ascontiguousarray(some[:, :30]))
    took, wall = [], []
    for column in range(30, 60):
        one = np.ascontiguousarray(some[:, column : column + 1])
        began, used = time.perf_counter(), cpu()
        model.judge(keys, times[column : column + 1], one)
        took.append(cpu() - used)
        wall.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    emit("live, one bucket of all series", series / float(np.median(took)), "points/s/core", 1e6,
         cpu_s=float(np.median(took)), worst_s=max(wall), series=series)  # fmt: skip
    emit("memory of all series", (peak - before) / 1e6, "GB", 2.0, state_bytes=model.state.bytes_per_series)
    block = min(series, 2000)
    values = np.tile(some[:block], (1, 24))
    day = MONDAY + 3600 + np.arange(values.shape[1], dtype=np.int64) * STEP_S
    used = cpu()
    model.judge(keys[:block], day, values)
    emit("history, a day at a time", values.size / (cpu() - used), "points/s/core", 1e6)


def quality(seed: int, days: int, series: int) -> None:
    """False alarms where nothing is wrong, and jumps found."""
    rng = np.random.default_rng(seed)
    at = MONDAY + np.arange(days * 1440, dtype=np.int64) * STEP_S
    watched = (days - 8) * series
    false = found = wanted = 0
    delays: list[float] = []
    made_of, found_of = dict.fromkeys(JUMPS, 0), dict.fromkeys(JUMPS, 0)
    for _ in range(0, series, 100):
        values = made(rng, at, 100)
        jumps = [JUMPS[int(rng.integers(len(JUMPS)))] if rng.random() < 0.5 else 0.0 for _ in range(100)]
        begins = rng.integers(21 * 1440, len(at) - 120, 100)
        for row in range(100):
            if jumps[row]:
                values[row, begins[row] : begins[row] + JUMP_MIN] *= jumps[row]
        hits = Baseline(TUNING, STEP_S, 100).judge([str(row) for row in range(100)], at, values).hits
        for row in range(100):
            opened = _opened(hits[hits[:, 0] == row])
            opened = opened[opened >= 8 * 1440]
            last = begins[row] + JUMP_MIN + GRACE_MIN
            true = (opened >= begins[row]) & (opened <= last) if jumps[row] else np.zeros(len(opened), bool)
            false += int((~true).sum())
            if jumps[row]:
                wanted += 1
                made_of[jumps[row]] += 1
                if true.any():
                    found += 1
                    found_of[jumps[row]] += 1
                    delays.append(float(opened[true][0] - begins[row] + 1))
    emit("false events per 1000 series and day", false * 1000 / watched, "events", 1.0, series_days=watched)
    emit("jumps found", found / wanted, "share", 0.95, jumps=wanted,
         **{f"found_x{factor:.2g}": found_of[factor] / max(1, count) for factor, count in made_of.items()})  # fmt: skip
    emit("samples until told, median", float(np.median(delays)), "samples", 2.0, p95=float(np.quantile(delays, 0.95)))


def _opened(hits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns at which events of one series opened."""
    if not len(hits):
        return np.empty(0)
    before = np.concatenate([[kernel.ENDS], hits[:-1, 3]])
    opened: NDArray[np.float64] = hits[(before != kernel.GOES_ON) & (hits[:, 3] == kernel.GOES_ON), 1]
    return opened


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--judged", type=int, default=1000, help="series of which quality is measured")
    told = parser.parse_args()
    speed(told.series)
    quality(told.seed, told.days, told.judged)


if __name__ == "__main__":
    main()
