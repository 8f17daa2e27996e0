"""CPU per flow stored, by batch size: raw row, rollups and merges included.

    ./dev bench insert [ROWS]

Runs each batch size in a store of its own, one after the other, and waits until no merge runs any more.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench._measure import cpu, settle
from bench._rows import Organisation

from weft.model.flows import FLOWS
from weft.model.tables import Table
from weft.store.config import StoreConfig
from weft.store.open import open_store

SIZES = (10_000, 100_000, 500_000, 1_000_000)
ROWS = 4_000_000
RATE = 200_000  # rows per second of the simulated stream: how much time a batch spans


def measure(size: int, rows: int, directory: Path, table: Table = FLOWS) -> dict[str, float]:
    """µs of CPU per row with batches of ``size``."""
    store = open_store(StoreConfig(data_dir=directory), [table])
    store.start()
    organisation, start = Organisation(), int(time.time()) - 3600
    store.insert(table, organisation.batch(size, start, size / RATE))  # kernels compile or load here
    spent, count, walls = 0.0, 0, []
    while count < rows:
        batch = organisation.batch(size, start + count // RATE, size / RATE)
        before, wall = cpu(), time.perf_counter()
        store.insert(table, batch)
        spent += cpu() - before
        walls.append(time.perf_counter() - wall)
        count += size
    before = cpu()
    settle(store)
    merges = cpu() - before
    sizes = store.query(
        "SELECT table = 'flows' AS raw, sum(bytes_on_disk) AS b, count() AS parts FROM system.parts "
        "WHERE active AND database = 'weft' GROUP BY raw ORDER BY raw DESC"
    ).table.to_pylist()
    total = count + size
    store.stop()
    middle = sorted(walls)[len(walls) // 2] * 1e3
    return {
        "insert": spent / count * 1e6, "settled": (spent + merges) / count * 1e6, "p50_ms": middle,
        "raw_bytes": sizes[0]["b"] / total, "rollup_bytes": sizes[1]["b"] / total if len(sizes) > 1 else 0.0,
        "parts": sizes[0]["parts"],
    }  # fmt: skip


def main() -> None:
    """Print one JSON line per figure."""
    if len(sys.argv) == 4:  # one size, in a process of its own
        raw = measure(
            int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]) / "raw", dataclasses.replace(FLOWS, rollups=())
        )
        whole = measure(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]) / "whole")
        print(json.dumps({"raw_only": raw["settled"]} | whole))
        return
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    for size in SIZES:
        count = max(min(rows, size * 40), size * 2)
        with tempfile.TemporaryDirectory(prefix="weft-bench-") as directory:
            command = [
                sys.executable,
                "-m",
                "bench.insert",
                str(size),
                str(count),
                directory,
            ]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        result = json.loads(done.stdout.splitlines()[-1])
        units = {"p50_ms": "ms", "raw_bytes": "B/row", "rollup_bytes": "B/row", "parts": "parts"}
        for case, value in result.items():
            line = {"bench": "insert", "case": f"{case} batch={size}", "value": round(value, 3),
                    "unit": units.get(case, "µs CPU/row"),
                    "peer": None, "peer_value": None, "ratio": None}  # fmt: skip
            print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
