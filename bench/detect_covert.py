"""Covert traffic: beacons, data theft and DNS tunnels on the twin and on public captures; rows a second of a core.

    python -m bench.detect_covert [twin public speed] [--data DIR] [--folder RUN] [--seed 101] [--hours 10]

``twin``: attacks and decoys of any strength, one every twelve minutes after the first hour, at default settings, which
were fixed on seeds 1 to 9; seeds from 101 on score. ``public``: sub-scores of RITA on its capture behind a proxy (the
largest difference from what RITA expects), tunnels in two captures, ordinary DNS queries that are called one.
``--data``: folder of captures. ``speed``: rows that one core takes in a second, each detector by itself, CPU time.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from bench import _attacks
from bench._measure import cpu
from tests.detect.security import covert_rows as rows
from tests.detect.security import test_beacon

from weft.detect import registry
from weft.detect.detector import RowsDetector
from weft.twin.scenario import Scenario

DETECTORS = ("beacon", "exfiltration", "dns_tunnel", "lateral_movement", "long_connection")
_ATTACKS = ("c2_beacon", "data_exfiltration", "dns_tunnelling")
_DECOYS = ("backup_burst", "flash_crowd", "scanner_approved", "benign_surge")
_EVERY_MIN = 12
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
    _attacks.on_twin(emit, scenario(seed, hours), DETECTORS, folder)


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
        emit(f"rita: {one['fqdn']}: largest difference of a sub-score", apart, "of 1", 0.05, calls=count,
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
    parser.add_argument("cases", nargs="*", default=["twin", "public", "speed"], choices=["twin", "public", "speed"])
    parser.add_argument("--data", type=Path, default=rows.DATA)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--hours", type=float, default=10.0)
    told = parser.parse_args()
    rows.DATA = told.data
    for case in told.cases:
        if case == "twin":
            twin(told.seed, told.hours, told.folder)
        else:
            {"public": public, "speed": speed}[case]()


if __name__ == "__main__":
    main()
