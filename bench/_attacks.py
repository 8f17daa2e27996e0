"""Detectors of attacks on a run of the twin: recall, precision, and what was false or missed, a line each."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from weft.detect.backtest import backtest
from weft.detect.replay import Replayed, Span
from weft.detect.runfolder import RunFolder
from weft.detect.runstore import opened
from weft.detect.scoring.matching import Verdict
from weft.detect.scoring.score import Score, score
from weft.detect.scoring.truth import Fault, read_truth
from weft.twin.run.runner import run
from weft.twin.scenario import Scenario

Emit = Callable[..., None]


def emit(bench: str, case: str, value: float | None, unit: str, bar: float | None = None, **more: Any) -> None:
    """One result line."""
    shown = None if value is None else float(f"{value:.4g}")
    line = {"bench": bench, "case": case, "value": shown, "unit": unit,
            "peer": None if bar is None else "bar", "peer_value": bar}  # fmt: skip
    print(json.dumps(line | more), flush=True)


def on_twin(
    told: Emit, scenario: Scenario, detectors: Sequence[str], folder: Path | None,
    besides: Callable[[Path, Sequence[Fault], Score, Replayed], None] | None = None,
) -> None:  # fmt: skip
    """Score detectors on a run: the one in ``folder``, made where it is not there yet. ``besides`` tells the rest."""
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as made:
        where = folder or Path(made) / "run"
        if not (where / "truth.jsonl").exists():
            run(scenario, where, processes=1)
        kept = RunFolder(where)
        with opened(kept, detectors, kept.until_s) as history:
            done = backtest(detectors, history, Span(kept.since_s, kept.since_s, kept.until_s))
        faults = read_truth(kept.truth)
        result = score(done.events, faults, kept.since_s, kept.until_s, samples=done.samples)
        _tell(told, result, faults)
        if besides is not None:
            besides(where, faults, result, done)


def _tell(told: Emit, result: Score, faults: Sequence[Fault]) -> None:
    for one in result.document()["classes"]:
        told(f"twin: {one.pop('kind')}: recall", one["recall"], "share", 0.95, **one)
    for one in result.document()["detectors"]:
        told(f"twin: {one.pop('detector')}/{one.pop('kind')}: precision", one["precision"], "share", 0.95, **one)
    for match in result.matches:
        if match.verdict is not Verdict.TRUE:
            told(f"twin: {match.verdict.value}", match.event.score, "score", text=match.event.text,
                 fault=match.fault.id if match.fault else None)  # fmt: skip
    found = {match.fault.id for match in result.matches if match.verdict is Verdict.TRUE and match.fault}
    for fault in faults:
        if not fault.is_benign and fault.id not in found:
            told("twin: missed", fault.severity, "severity", fault=fault.id, root=str(fault.root_cause))
