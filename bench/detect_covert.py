"""Covert traffic: beacons, data theft and DNS tunnels on the twin and on public captures; rows a second of a core.

    python -m bench.detect_covert [twin planted public speed] [--data DIR] [--folder RUN] [--seed 101] [--hours 10]

``twin``: attacks and decoys of any strength, one every twelve minutes after the first hour, at default settings, which
were fixed on seeds 1 to 9; seeds from 101 on score. ``planted``: the same, and over it what the twin does not do
(movement inside, made-up domains, listed peers, connections open for hours) and decoys of it.
``public``: sub-scores of RITA on its capture behind a proxy (the
largest difference from what RITA expects), tunnels in two captures, ordinary DNS queries that are called one.
``--data``: folder of captures. ``speed``: rows that one core takes in a second, each detector by itself, CPU time.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from bench import _attacks, _planted
from bench._measure import cpu
from tests.detect.security import covert_rows as rows
from tests.detect.security import test_beacon

from weft.detect import registry
from weft.detect.backtest import backtest
from weft.detect.config import DetectConfig
from weft.detect.detector import RowsDetector
from weft.detect.replay import Replayed, Span
from weft.detect.runfolder import RunFolder
from weft.detect.runstore import opened
from weft.detect.scoring.matching import Verdict
from weft.detect.scoring.score import Score, score
from weft.detect.scoring.truth import Fault, read_truth
from weft.twin.attacks.covert import beacon_every_s
from weft.twin.attacks.strands import Attack
from weft.twin.run.runner import run
from weft.twin.scenario import Scenario

DETECTORS = ("beacon", "exfiltration", "dns_tunnel", "lateral_movement", "long_connection")
_ATTACKS = ("c2_beacon", "data_exfiltration", "dns_tunnelling")
_DECOYS = ("backup_burst", "flash_crowd", "scanner_approved", "benign_surge")
_EVERY_MIN = 12
_CASES = ["twin", "planted", "public", "speed"]
_LASTS_MIN = {"c2_beacon": (90, 130)}
emit = partial(_attacks.emit, "detect_covert")


def scenario(seed: int, hours: float) -> Scenario:
    """Attacks and decoys in turn."""
    rng = np.random.default_rng(seed)
    kinds = [kind for pair in zip((*_ATTACKS, _ATTACKS[0]), _DECOYS, strict=True) for kind in pair]
    faults = []
    for number, at in enumerate(range(64, int(hours * 60) - 20, _EVERY_MIN)):
        kind = kinds[number % len(kinds)]
        low, high = _LASTS_MIN.get(kind, (12, 40))
        lasts = min(int(rng.integers(low, high)), int(hours * 60) - at)
        faults.append({"kind": kind, "at": f"{at}m", "severity": round(float(rng.uniform(0.1, 1)), 2),
                       "duration": f"{lasts}m"})  # fmt: skip
    return Scenario.model_validate({
        "name": "covert", "seed": seed, "since": "2026-03-03T06:00:00Z", "hours": hours, "pace": 0,
        "parts": ["flows", "logs"], "faults": faults,
    })  # fmt: skip


def twin(seed: int, hours: float, folder: Path | None) -> None:
    """Score on a run of the twin."""
    _attacks.on_twin(emit, scenario(seed, hours), DETECTORS, folder, _delays)


def _delays(_where: Path, faults: Sequence[Fault], result: Score, _done: Replayed) -> None:
    """After how long each beacon was found, by its interval."""
    first: dict[str, float] = {}
    for match in result.matches:
        if match.verdict is Verdict.TRUE and match.fault is not None:
            first.setdefault(match.fault.id, match.event.detected_s)
    for fault in faults:
        if fault.kind == "c2_beacon":
            every = beacon_every_s(Attack(fault.kind, fault.id, fault.start_s, severity=fault.severity))
            after = first[fault.id] - fault.start_s if fault.id in first else None
            emit(f"twin: beacon every {every:.0f} s for {(fault.end_s - fault.start_s) / 60:.0f} min: found after",
                 None if after is None else after / 60, "min", 60)  # fmt: skip


def planted(seed: int, hours: float, folder: Path | None) -> None:
    """Score on what was laid over a run."""
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as made:
        where = folder or Path(made) / "run"
        if not (where / "truth.jsonl").exists():
            run(scenario(seed, hours), where, processes=1)
        kept, names = RunFolder(where), (*DETECTORS, "threat_list")
        config = DetectConfig.model_validate({
            "detectors": {"threat_list": {"settings": {"entries": [_planted.LISTED]}}}
        })  # fmt: skip
        with opened(kept, names) as history:
            laid = _planted.Overlaid(kept, _planted.planted(seed, hours))
            span = Span(kept.since_s, kept.since_s, kept.until_s)
            done = backtest(names, replace(history, rows=laid), span, config)
        mine = laid.truth()
        result = score(done.events, [*read_truth(kept.truth), *mine], kept.since_s, kept.until_s, samples=done.samples,
                       speaks_of=lambda kind: _planted.CLAIMS.get(kind, ()))  # fmt: skip
        for one in result.document()["classes"]:
            emit(f"planted: {one.pop('kind')}: recall", one["recall"], "share", 0.95, **one)
        _delays(where, read_truth(kept.truth), result, done)
        for match in result.matches:
            if match.verdict in (Verdict.FALSE, Verdict.DECOY, Verdict.TOLD):
                emit(f"planted: {match.verdict.value}", match.event.score, "score", text=match.event.text)
        false = sum(match.verdict in (Verdict.FALSE, Verdict.DECOY) for match in result.matches)
        emit("planted: false events", false, "events", 0, events=len(result.matches), decoys=len(_planted.DECOYS))


def public() -> None:
    """Public captures, as far as they are there."""
    for part in (_rita, _tunnels, _ordinary):
        try:
            part()
        except pytest.skip.Exception as missing:
            emit(f"public: {part.__name__[1:]}", None, "", missing=str(missing))


def _rita() -> None:
    expected = json.loads(rows.public_data("rita", "expected_beacon_scores.json").read_text())
    for one in (row for row in expected if row["dataset"] == "proxy"):
        told, count = test_beacon.rita_of(one["fqdn"])
        apart = max(abs(told[part] - one[part]) for part in ("ts", "ds", "dur", "hist"))
        emit(f"rita: {one['fqdn']}: largest difference of a sub-score", apart, "of 1", 0.005, calls=count,
             score=told["score"], expected=one["score"])  # fmt: skip


def _tunnels() -> None:
    captures = ("iodine-cname.pcap", "dnscat2-txt/dnscat2-txt_00001_20230903183304.pcap")
    for name in captures:
        packets = [one for one in rows.dns_packets(rows.public_data("dns-tunnel", name)) if one.dst_port == 53]
        lines = [(one.at - packets[0].at, f"query[A] {one.name} from {one.src}") for one in packets]
        found = _named(lines)
        emit(f"dns tunnel: {name}: found after", found[0] if found else None, "s", queries=len(lines))


def _ordinary() -> None:
    files = [*sorted(rows.public_data("rita", "test_data", "missing_host").glob("*/dns.*.gz")),
             rows.public_data("rita", "test_data", "proxy", "dns.log")]  # fmt: skip
    asked = sorted((float(row["ts"]), f"query[A] {row['query']} from {row['id.orig_h']}")
                   for path in files for row in rows.zeek(path) if "." in row.get("query", ""))  # fmt: skip
    emit("dns tunnel: ordinary queries: events", len(_named([(at - rows.START_S, said) for at, said in asked])),
         "events", 0, queries=len(asked))  # fmt: skip


def _named(lines: Sequence[tuple[float, str]]) -> list[float]:
    """When tunnels were found, seconds after the start."""
    detector = registry.make("dns_tunnel", rows.context())
    assert isinstance(detector, RowsDetector)
    found = []
    for first in range(0, len(lines), 1000):
        found += detector.take("logs", rows.log_rows(lines[first : first + 1000]))
    return [one.at_s - rows.START_S for one in found if one.kind == "dns_tunnel"]


def speed() -> None:
    """A million rows of ten thousand hosts and twenty thousand peers, in batches as collectors make them."""
    rng = np.random.default_rng(1)
    flows = [
        rows.Flow(i / 100, f"10.0.{a}.{b}", f"198.{18 + c % 2}.{c}.{d}", int(port), int(rng.integers(20000, 65000)))
        for i, (a, b, c, d, port) in enumerate(rng.integers(1, 200, (20_000, 5)))
    ]  # fmt: skip
    batch = rows.flow_rows(flows)
    for name in DETECTORS:
        detector = registry.make(name, rows.context())
        assert isinstance(detector, RowsDetector)
        detector.take("flows", batch)
        told = []
        for _ in range(5):
            used = cpu()
            for _ in range(10):
                detector.take("flows", batch.slice(0, batch.num_rows - 1))
            told.append(10 * batch.num_rows / (cpu() - used))
        emit(f"speed: {name}", float(np.median(told)), "rows/s of a core", worst=round(min(told)))


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=_CASES, choices=_CASES)
    parser.add_argument("--data", type=Path, default=rows.DATA)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--hours", type=float, default=10.0)
    told = parser.parse_args()
    rows.DATA = told.data
    for case in told.cases:
        if case in ("twin", "planted"):
            {"twin": twin, "planted": planted}[case](told.seed, told.hours, told.folder)
        else:
            {"public": public, "speed": speed}[case]()


if __name__ == "__main__":
    main()
