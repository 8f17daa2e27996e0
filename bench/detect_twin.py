"""Detection against the truth of the twin: precision, recall and delay of every class of faults, at default settings.

    python -m bench.detect_twin [--folder RUN | --scenario scoring-month --seed 101 --hours 672] [--learn 336]
        [--rows-learn HOURS] [--detector NAME ...] [--grace 300] [--processes 2] [--list]

Settings were fixed on seeds 1 to 9; seeds from 101 on are for scoring. Every row of the run goes through the detectors
in order of arrival, with a tick each second, by the code that runs live. An event is true between one sample before a
fault's start and ``grace`` seconds after its end, at an entity that is at fault or shows it; each fault counts once,
duplicates and decoys are noise, nothing is adjusted. ``by chance`` is the same events moved in time by hours, all of
them alike: what precision would be if they had nothing to do with the faults. CPU is that of one core.

Detectors that read the same tables go through a run together, each such group in a process of its own. Those of series
learn for ``--learn`` hours; with ``--rows-learn`` those of rows are shown fewer hours before the scored ones, which
takes something from them and saves most of the time.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from weft.detect import registry
from weft.detect.backtest import Nameless, backtest
from weft.detect.context import Context
from weft.detect.detector import SeriesDetector
from weft.detect.replay import Replayed, Span
from weft.detect.runfolder import SERIES, RunFolder, series_of
from weft.detect.runstore import opened
from weft.detect.scoring.matching import Verdict, match
from weft.detect.scoring.score import Score, score
from weft.detect.scoring.truth import Fault, read_truth
from weft.model.events import Event
from weft.twin.run.runner import run as play
from weft.twin.scenario import load

#: Of the bars, by case.
_PRECISION = _RECALL = 0.95
_FALSE, _SAMPLES = 1.0, 2.0
_SHIFTS = 24
_TUNED_ON = range(1, 10)


def emit(case: str, value: float | None, unit: str, bar: float | None = None, **more: Any) -> None:
    """One result line."""
    shown = None if value is None else float(f"{value:.4g}")
    line = {"bench": "detect_twin", "case": case, "value": shown, "unit": unit,
            "peer": None if bar is None else "bar", "peer_value": bar}  # fmt: skip
    print(json.dumps(line | more), flush=True)


def by_chance(events: Sequence[Event], faults: Sequence[Fault], span: Span, samples: dict[str, float]) -> float | None:
    """Share of true events when all are moved in time alike, around the end of the span."""
    length = span.until_s - span.since_s
    true = judged = 0
    for shift in np.linspace(0.1, 0.9, _SHIFTS) * length:
        moved = [_moved(event, span.since_s, length, float(shift)) for event in events]
        for one in match(moved, faults, samples=samples):
            true += one.verdict is Verdict.TRUE
            judged += one.verdict is not Verdict.TOLD
    return true / judged if judged else None


def _moved(event: Event, since_s: float, length: float, shift: float) -> Event:
    at = since_s + (event.detected_s - since_s + shift) % length
    return event.model_copy(update={"detected_s": at, "started_s": at + event.started_s - event.detected_s})


def tell(result: Score, done: Replayed, chance: float | None, every: bool) -> None:
    """Print everything."""
    told = result.document()
    for case, bar, unit in (
        ("precision", _PRECISION, "share"), ("recall", _RECALL, "share"),
        ("false_per_1000_series_days", _FALSE, "events"), ("samples", _SAMPLES, "samples to detect, median"),
    ):  # fmt: skip
        emit(f"all: {case}", told[case], unit, bar)
    counts = {verdict.value: told[verdict.value] for verdict in Verdict}
    emit("all: events", told["events"], "events", days=told["days"], series_days=told["series_days"],
         precision_low=told["precision_low"], precision_high=told["precision_high"], faults=told["faults"],
         found=told["found"], **counts)  # fmt: skip
    emit("all: precision by chance", chance, "share")
    for one in told["classes"]:
        emit(f"{one.pop('kind')}: recall", one["recall"], "share", _RECALL, **one)
    for one in told["detectors"]:
        emit(f"{one.pop('detector')}/{one.pop('kind')}: precision", one["precision"], "share", _PRECISION, **one)
    for name, reason in done.failed.items():
        emit(f"{name}: failed", None, reason)
    if every:
        for found in result.matches:
            print(json.dumps({
                "verdict": found.verdict.value, "fault": found.fault.id if found.fault else None,
                "detected": found.event.detected_s, "kind": found.event.kind, "entity": found.event.entity.text,
                "text": found.event.text,
            }))  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What to replay: hours that series and rows are learned from, and how many hours of the run in all."""

    learn_h: float
    rows_learn_h: float | None = None
    hours: float | None = None
    grace_s: float = 300.0
    processes: int = 2
    every: bool = False


def groups(names: Sequence[str]) -> dict[str, list[str]]:
    """Detectors by what they read: series, or their first table."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        one = registry.make(name, Context(Nameless()))
        found["series" if isinstance(one, SeriesDetector) else one.tables[0]].append(name)
    return dict(found)


def replayed(path: Path, names: Sequence[str], span: Span) -> tuple[Replayed, float]:
    """One group through the run, and the CPU seconds of that."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    used = time.process_time()
    with opened(RunFolder(path), names, span.until_s) as history:
        return backtest(names, history, span), time.process_time() - used


def together(parts: Sequence[Replayed], span: Span) -> Replayed:
    """Groups as if they had been replayed at once."""
    whole = Replayed(span)
    for part in parts:
        whole.events.extend(part.events)
        whole.findings.update(part.findings)
        whole.rows |= part.rows  # several groups read the same ones
        for mine, other in ((whole.series, part.series), (whole.cpu_s, part.cpu_s), (whole.failed, part.failed),
                            (whole.samples, part.samples)):  # fmt: skip
            mine.update(other)  # type: ignore[arg-type]
    return replace(whole, events=sorted(whole.events, key=lambda event: (event.detected_s, event.id)))


def measure(run: RunFolder, names: Sequence[str], asked: Asked) -> None:
    """Replay and score one run, or its first hours."""
    faults = read_truth(run.truth)
    until_s = run.until_s if asked.hours is None else min(run.until_s, run.since_s + asked.hours * 3600)
    span = Span(run.since_s, run.since_s + asked.learn_h * 3600, until_s)
    rows_h = asked.learn_h if asked.rows_learn_h is None else min(asked.rows_learn_h, asked.learn_h)
    short = Span(span.since_s - rows_h * 3600, span.since_s, until_s)
    emit("run", run.seed, "seed", scenario=run.name, since=run.since_s, hours=(until_s - run.since_s) / 3600,
         learned_hours=asked.learn_h, rows_learned_hours=rows_h, tuned_on_this_seed=run.seed in _TUNED_ON,
         detectors=list(names))  # fmt: skip
    began, used, parts = time.perf_counter(), 0.0, []
    with ProcessPoolExecutor(asked.processes, mp_context=get_context("spawn")) as pool:
        waiting = {group: pool.submit(replayed, run.path, some, span if group == "series" else short)
                   for group, some in groups(names).items()}  # fmt: skip
        for group, one in waiting.items():
            part, cpu = one.result()
            used += cpu
            parts.append(part)
            hours = (part.span.until_s - part.span.learn_from_s) / 3600
            emit(f"{group}: cpu", cpu / hours, "s an hour of telemetry", detectors=len(part.cpu_s))
            for name, own in sorted(part.cpu_s.items()):
                emit(f"{name}: cpu", own / hours, "s an hour of telemetry")
    done = together(parts, span)
    series = sum(series_of(run, list(SERIES), span.since_s, min(span.until_s, span.since_s + 3600)).values())
    result = score(
        done.events, faults, span.since_s, span.until_s, series=series, grace_s=asked.grace_s, samples=done.samples
    )
    tell(result, done, by_chance(done.events, faults, span, done.samples), asked.every)
    emit("replay: cpu", used, "s", wall_s=round(time.perf_counter() - began, 1), rows=sum(done.rows.values()),
         series=series)  # fmt: skip


def main() -> None:
    """Prints one line per case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--scenario", default="scoring-month")
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--hours", type=float)
    parser.add_argument("--learn", type=float, default=336.0)
    parser.add_argument("--rows-learn", type=float)
    parser.add_argument("--grace", type=float, default=300.0)
    parser.add_argument("--detector", action="append")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--list", action="store_true")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    names = given.detector or registry.names()
    asked = Asked(given.learn, given.rows_learn, given.hours, given.grace, given.processes, given.list)
    if given.folder is not None:
        measure(RunFolder(given.folder), names, asked)
        return
    scenario = load(given.scenario)
    changed = {"seed": given.seed} | ({"hours": given.hours} if given.hours else {})
    scenario = type(scenario).model_validate({**scenario.model_dump(), **changed})
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as folder:
        play(scenario, Path(folder) / "run", processes=given.processes)
        measure(RunFolder(Path(folder) / "run"), names, asked)


if __name__ == "__main__":
    main()
