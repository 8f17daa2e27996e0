"""Detection on public data, a line per row of the tables in docs/benchmarks-detect.md.

    python -m bench.detect_public tsb-ad-u | nab | kpi | cisco-telemetry | optical | tcpd | all

Every row says which settings it ran with: ours are the defaults, the same for all series. Rows called random and
one-liner are what a metric gives away for nothing; published ones are read from the data or its own scoreboard. Points
are never adjusted. What settings were fixed on is said in the docs.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from bench import _public
from bench._discord import MOST_WINDOWS, discord_score
from bench._others import spectral_residual, windowed_gaussian
from bench._public import F64, Series
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from weft.detect.backtest import Nameless
from weft.detect.baseline import kernel
from weft.detect.baseline.model import Baseline
from weft.detect.baseline.tuning import Tuning
from weft.detect.burst import BurstDetector
from weft.detect.context import Context
from weft.detect.frame import Frame, SeriesKey
from weft.detect.scoring import changes as change_scores
from weft.detect.scoring import nab as nab_scores
from weft.detect.scoring.points import EventScore, auc, best_point_f1, merged, score_events, together
from weft.detect.scoring.vus import buffer_period, vus_pr
from weft.detect.shape.changes import changes
from weft.detect.shape.period import filled, period
from weft.detect.shape.subspace import spread_over
from weft.detect.shape.whole import whole_window
from weft.model.events import Entity

SEED = 11
#: Points that are looked at for what repeats, where less than that is given to learn from.
_CLOCK_LEAST = 500
#: Points for which an indicator's trouble is not told twice.
_QUIET = 9
Scorer = Callable[[Series], F64]


def emit(bench: str, case: str, value: float, unit: str, **more: Any) -> None:
    """One result line."""
    told = {name: round(one, 4) if isinstance(one, float) else one for name, one in more.items()}
    line = {"bench": f"detect_public {bench}", "case": case, "value": round(float(value), 4), "unit": unit}
    print(json.dumps(line | told), flush=True)


def at_random(series: Series) -> F64:
    """Scores that know nothing."""
    return np.asarray(np.random.default_rng([SEED, len(series.values)]).random(len(series.values)), np.float64)


def far_from_median(series: Series) -> F64:
    """The one-liner: distance from the median."""
    return np.asarray(np.abs(series.values - np.median(series.values)), np.float64)


def steps(series: Series) -> F64:
    """The other one-liner: difference from the value before."""
    return np.asarray(np.abs(np.diff(series.values, prepend=series.values[0])), np.float64)


def streaming(series: Series) -> F64:
    """What the live baseline says is new, causally, with its defaults; 0 while it has no idea."""
    step = max(1, round(series.step_s))
    model = Baseline(Tuning(least=1e-9, values="level", ratio=1.0), step, 1)
    begin = int(series.start_s) // step * step
    times = begin + step * np.arange(len(series.values), dtype=np.int64)
    told = model.judge(["x"], times, series.values[None, :], news=True).news[0]
    return np.asarray(np.nan_to_num(told.astype(np.float64), nan=0.0), np.float64)


def ranked(series: Series) -> F64:
    """The same, smoothed over four points. What repeats in the training part, if anything, is taken for a day."""
    repeats = period(series.values[: max(series.train, _CLOCK_LEAST)])
    clock = replace(series, step_s=86400 // repeats if repeats else series.step_s)
    out, level = streaming(clock), 0.0
    for at, told in enumerate(out.tolist()):
        level += (told - level) / 4.0
        out[at] = level
    return out


def discord(series: Series) -> F64:
    """Distance of each shape to its nearest like, alone."""
    data = filled(series.values)
    repeats = period(data)
    width = min(repeats if 8 <= repeats <= 512 else 64, len(data) // 8)
    if len(data) > MOST_WINDOWS:
        return np.zeros(len(data))
    return spread_over(discord_score(data, width), width, len(data))


def whole(series: Series) -> F64:
    """Whole-window analysis: all of the series in view."""
    return np.asarray(whole_window(series.values).score, np.float64)


def _means(found: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: float(np.mean(values)) for name, values in found.items()}


def tsb() -> None:
    """VUS-PR of TSB-AD-U, mean over series; ``oracle`` takes the best published detector of each series."""
    held = list(_public.tsb())
    rows: dict[str, Scorer] = {
        "weft whole window": whole, "weft streaming, causal": ranked, "weft shapes (discord) alone": discord,
        "Spectral Residual, re-made": lambda one: spectral_residual(one.values),
        "one-liner |x - median|": far_from_median, "one-liner |x - before|": steps, "random": at_random,
    }  # fmt: skip
    for case, scorer in rows.items():
        began = time.process_time()
        found: dict[str, list[float]] = {}
        for one in held:
            found.setdefault(one.family, []).append(vus_pr(one.label, scorer(one), buffer_period(one.values)))
        every = [value for values in found.values() for value in values]
        emit("tsb-ad-u", case, float(np.mean(every)), "VUS-PR", series=len(every), cpu_s=time.process_time() - began,
             **_means(found))  # fmt: skip
    for name in [*sorted(held[0].published, key=lambda name: -sum(one.published[name] for one in held))[:5], "SR"]:
        found = {}
        for one in held:
            found.setdefault(one.family, []).append(one.published[name])
        emit("tsb-ad-u", f"published {name}", float(np.mean([one.published[name] for one in held])), "VUS-PR",
             **_means(found))  # fmt: skip
    emit("tsb-ad-u", "oracle of 32 published", float(np.mean([max(one.published.values()) for one in held])), "VUS-PR")


def first_alarms(score: F64, quiet: int) -> F64:
    """Only scores that are the highest of the last ``quiet`` points stay: one alarm per trouble, known as it comes."""
    past = sliding_window_view(np.concatenate([np.full(quiet, -np.inf), score[:-1]]), quiet)
    return np.where(score > past.max(axis=1), score, 0.0)


def nab() -> None:
    """NAB's score of its three profiles; the threshold is the best one of each profile, as on its scoreboard."""
    held = list(_public.nab())
    rows: dict[str, Scorer] = {
        "weft streaming": lambda one: first_alarms(streaming(one), quiet_of(one)),
        "windowedGaussian, re-made": lambda one: windowed_gaussian(one.values),
        "one-liner |x - before|": lambda one: first_alarms(steps(one), quiet_of(one)), "random": at_random,
    }  # fmt: skip
    for case, scorer in rows.items():
        began = time.process_time()
        scores = [nab_scores.Scored(scorer(one), windows) for one, windows in held]
        for name, profile in nab_scores.PROFILES.items():
            best, threshold = nab_scores.best(scores, profile)
            fixed: dict[str, float] = {}
            if case == "weft streaming":
                fixed = cross_checked(scores, profile)
            emit("nab", f"{case}, {name}", best, "NAB score", series=len(held), threshold=threshold,
                 cpu_s=time.process_time() - began, **fixed)  # fmt: skip
    for case in ("ARTime", "contextOSE", "numenta", "randomCutForest", "windowedGaussian", "random"):
        for name, value in _public.nab_published().get(case, {}).items():
            emit("nab", f"published {case}, {name}", value, "NAB score")


def quiet_of(series: Series) -> int:
    """A twelfth of a series: for so long the same trouble is not told twice."""
    return max(1, len(series.values) // 12)


def cross_checked(scores: list[nab_scores.Scored], profile: nab_scores.Profile) -> dict[str, float]:
    """Score of each half of the files at the threshold that was best for the other one."""
    halves = scores[::2], scores[1::2]
    found = [
        nab_scores.at(mine, profile, nab_scores.best(other, profile)[1])
        for mine, other in (halves, halves[::-1])
    ]  # fmt: skip
    return {"threshold_of_the_other_half": float(np.mean(found))}


def live_events(series: Series) -> NDArray[np.bool_]:
    """Points at which the live baseline holds an event open, with its default rate of false alarms."""
    step = max(1, round(series.step_s))
    times = int(series.start_s) // step * step + step * np.arange(len(series.values), dtype=np.int64)
    model = Baseline(Tuning(least=1e-9, values="level", ratio=1.0), step, 1)
    hits = model.judge(["x"], times, series.values[None, :], most_hits=len(times)).hits
    open_at = np.zeros(len(times), bool)
    open_at[hits[hits[:, 3] == kernel.GOES_ON, 1].astype(np.int64)] = True
    return open_at


def alarms_at(scores: F64, train: F64, budget: float, points_per_day: float) -> NDArray[np.bool_]:
    """Points above the quantile of the learnt part that the budget of alarms (per series and day) allows."""
    share = min(0.5, budget / points_per_day)
    return np.asarray(scores > max(float(np.quantile(train, 1 - share)), 1e-9), bool)


def kpi() -> None:
    """AIOPS 2018: event F1 on the second half of each series, threshold fixed on the first without its labels."""
    rows: dict[str, Scorer] = {
        "weft streaming": lambda one: first_alarms(streaming(one), _QUIET),
        "one-liner |x - before|": lambda one: first_alarms(steps(one), _QUIET),
        "one-liner |x - before|, every point": steps,
        "one-liner |x - median|": lambda one: first_alarms(far_from_median(one), _QUIET), "random": at_random,
    }  # fmt: skip
    held = list(_public.kpi())
    for case, scorer in rows.items():
        began = time.process_time()
        scores = [scorer(one) for one in held]
        spent = time.process_time() - began
        points = [
            best_point_f1(one.label[one.train :], told[one.train :]) for one, told in zip(held, scores, strict=True)
        ]
        for budget in (0.1, 0.2, 0.5, 1.0):
            parts, days = [], 0.0
            for one, told in zip(held, scores, strict=True):
                day = 86400 / one.step_s
                alarm = alarms_at(told, told[one.train // 4 : one.train], budget, day)[one.train :]
                parts.append(score_events(one.label[one.train :], merged(alarm, round(3600 / one.step_s)), grace=0))
                days += len(alarm) / day
            _kpi_line(f"{case}, {budget} alarms per series and day allowed", parts, days, held, spent, points)
    began = time.process_time()
    opened = [merged(live_events(one)[one.train :], round(3600 / one.step_s)) for one in held]
    parts = [score_events(one.label[one.train :], told, grace=0) for one, told in zip(held, opened, strict=True)]
    days = sum(len(told) * one.step_s / 86400 for one, told in zip(held, opened, strict=True))
    _kpi_line("weft's own events, nothing set", parts, days, held, time.process_time() - began, [])


def _kpi_line(
    case: str, parts: list[EventScore], days: float, held: list[Series], spent: float, points: list[float]
) -> None:
    all_of = together(parts)
    minutes = [delay * one.step_s / 60 for one, part in zip(held, parts, strict=True) for delay in part.delays]
    emit("kpi", case, all_of.f1, "event F1", precision=all_of.precision, recall=all_of.recall, events=all_of.events,
         alarms_per_series_day=(all_of.found + all_of.false + all_of.duplicates) / days,
         false_per_series_day=all_of.false / days, delay_median_min=float(np.median(minutes or [math.nan])),
         cpu_s=spent, **({"best_point_f1_upper_bound": float(np.mean(points))} if points else {}))  # fmt: skip


def rates(values: F64) -> F64:
    """Growth per sample of what never falls (counters), other columns as they are."""
    grown = np.diff(values, axis=0, prepend=values[:1])
    counter = (grown.min(axis=0) >= 0) & (values.max(axis=0) > values.min(axis=0))
    return np.where(counter, np.maximum(grown, 0), values)


def cisco() -> None:
    """BGP sessions cleared by hand in a real fabric: are they seen, how soon, where, and what else is."""
    nodes, events = _public.cisco()
    _cisco_rows("weft device_burst", _cisco_bursts(nodes), nodes, events)
    rng = np.random.default_rng(SEED)
    every = [(node.name, float(at), 0.5) for node in nodes for at in rng.choice(node.times_s[48:], 20, replace=False)]
    _cisco_rows("random, 20 alarms per node", every, nodes, events)
    emit("cisco-telemetry", "published DenStream, 12 other events of the same fabric, features chosen by hand", 1.0,
         "precision and recall", delay_s=6.1)  # fmt: skip


def _cisco_bursts(nodes: Iterable[_public.Node]) -> list[tuple[str, float, float]]:
    """(device, time, share) of all findings, each node by itself."""
    found, spent, points = [], 0.0, 0
    for node in nodes:
        keys = [SeriesKey(Entity(kind="device", id=node.name), {"metric": name}) for name in node.names]
        values = np.ascontiguousarray(rates(node.values).T)
        # Samples come every 4 to 5 s; the grid of a frame is that of their numbers.
        frame = Frame(keys, 5 * np.arange(len(node.times_s), dtype=np.int64), values, 5)
        detector = BurstDetector(Context(Nameless()))
        began = time.process_time()
        told = detector.feed(frame)
        spent, points = spent + time.process_time() - began, points + values.size
        found += [(node.name, float(node.times_s[round(one.at_s / 5)]), float(one.seen or 0)) for one in told]
    emit("cisco-telemetry", "weft device_burst, speed", points / spent, "points/s/core", points=points)
    return found


def _cisco_rows(
    case: str, found: list[tuple[str, float, float]], nodes: list[_public.Node], events: list[tuple[str, float, float]]
) -> None:
    """One incident per group of clears that overlap; findings of any node within it (or 30 s after) belong to it."""
    groups: list[list[tuple[str, float, float]]] = []
    for event in sorted(events, key=lambda one: one[1]):
        if groups and event[1] < max(end for _, _, end in groups[-1]):
            groups[-1].append(event)
        else:
            groups.append([event])
    inside = np.zeros(len(found), bool)
    delays, first, right, seen = [], 0, 0, 0
    for group in groups:
        begin, end = min(one[1] for one in group), max(one[2] for one in group)
        mine = [at for at, one in enumerate(found) if begin <= one[1] <= end + 30]
        inside[mine] = True
        if not mine:
            continue
        seen += 1
        delays.append(min(found[at][1] for at in mine) - begin)
        peak: dict[str, float] = {}
        for at in mine:
            if found[at][1] <= begin + 60:
                peak[found[at][0]] = max(peak.get(found[at][0], 0.0), found[at][2])
        ranked = sorted(peak, key=lambda name: -peak[name])
        true = {name for name, _, _ in group}
        first += bool(ranked) and ranked[0] in true
        right += len(true & set(ranked[: len(true)]))
    outside = [one for one, hit in zip(found, inside, strict=True) if not hit]
    bursts = sum(
        1 for at, one in enumerate(outside) if not any(p[0] == one[0] and 0 < one[1] - p[1] < 60 for p in outside[:at])
    )
    hours = sum(float(node.times_s[-1] - node.times_s[0]) for node in nodes) / 3600
    emit("cisco-telemetry", case, seen / len(groups), "incidents seen", incidents=len(groups), false_bursts=bursts,
         node_hours=hours, delay_median_s=float(np.median(delays or [math.nan])),
         delay_worst_s=max(delays, default=math.nan), origin_first=f"{first}/{len(groups)}",
         origins_found=f"{right}/{len(events)}")  # fmt: skip


def optical() -> None:
    """Soft failures of an optical line: single features, and one score of all; the first half (no failures) teaches."""
    names, times, values, failed = _public.optical()
    half = int(np.searchsorted(times, 1624471536))
    data = np.stack([filled(column) for column in values.T], axis=1)
    middle = np.median(data[:half], axis=0)
    unit = np.median(np.abs(data[:half] - middle), axis=0) * 1.4826 + 1e-12
    # One direction each: less light and a lower ratio are bad, more errors are.
    sign = np.array([1.0 if name.endswith("BER") else -1.0 for name in names])
    far = sign * (data - middle) / unit
    for at, name in enumerate(names):
        _optical_row(f"one feature: {name}", far[:, at], failed, times, half)
    _optical_row("weft, mean of all features (0 to 10 each)", np.clip(far, 0, 10).mean(axis=1), failed, times, half)
    _optical_row("random", np.random.default_rng(SEED).random(len(times)), failed, times, half)


def _optical_row(case: str, score: F64, failed: _public.U8, times: F64, half: int) -> None:
    """Threshold: as many samples of the half without failures are above it as it has hours. Pauses of 3 are none."""
    allowed = max(1, int((times[half] - times[0]) / 3600))
    alarm, label = score[half:] > np.sort(score[:half])[-allowed], merged(failed[half:], 3)
    told = score_events(label, merged(alarm, 10), grace=3)
    hours = (times[-1] - times[half]) / 3600
    emit("optical", case, auc(failed[half:], score[half:]), "AUC", events=told.events, recall=told.recall,
         false_per_h=told.false / hours, delay_median_samples=float(np.median(told.delays or (math.nan,))))  # fmt: skip


def tcpd() -> None:
    """Change points: F1 and cover, mean over series, settings fixed on every second series."""
    held = list(_public.tcpd())
    rows: dict[str, Callable[[F64], list[int]]] = {
        "weft changes": changes,
        "one-liner: none at all": lambda _: [],
        "random, three": lambda values: sorted(np.random.default_rng(len(values)).choice(len(values), 3).tolist()),
    }
    for case, finder in rows.items():
        f1 = [change_scores.f1(people, finder(values)) for _, values, people in held]
        cover = [change_scores.cover(people, finder(values), len(values)) for _, values, people in held]
        emit("tcpd", case, float(np.mean(f1)), "F1", cover=float(np.mean(cover)), series=len(held),
             f1_held_out=float(np.mean(f1[1::2])), cover_held_out=float(np.mean(cover[1::2])))  # fmt: skip


BENCHES = {"tsb-ad-u": tsb, "nab": nab, "kpi": kpi, "cisco-telemetry": cisco, "optical": optical, "tcpd": tcpd}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("which", choices=[*BENCHES, "all"])
    which = parser.parse_args().which
    for name, run in BENCHES.items():
        if which in (name, "all"):
            run()


if __name__ == "__main__":
    main()
