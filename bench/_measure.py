"""What benchmarks share: CPU and time of repeated questions, a store at rest, one JSON line per result."""

from __future__ import annotations

import json
import resource
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:  # what only receives or polls shall not load the store
    from weft.model.views import ViewResult
    from weft.query.engine import QueryEngine
    from weft.query.model import Query
    from weft.store.telemetry import TelemetryStore

RUNS = 12


def cpu() -> float:
    """User and system seconds of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def settle(store: TelemetryStore, seconds: float = 150) -> None:
    """Wait for merges, so that what is measured is the resting state."""
    quiet, deadline = 0, time.monotonic() + seconds
    while quiet < 4 and time.monotonic() < deadline:
        running = store.query("SELECT count() AS n FROM system.merges").table["n"][0].as_py()
        quiet = 0 if running else quiet + 1
        time.sleep(0.5)


class Asked(NamedTuple):
    """A question that was asked repeatedly: milliseconds, and the last answer."""

    p95: float
    p50: float
    cpu: float
    result: ViewResult


def ask(engine: QueryEngine, query: Query) -> Asked:
    """Ask as the UI would, again and again."""
    times, used = [], []
    for _ in range(RUNS):
        began, before = time.perf_counter(), time.process_time()
        result = engine.run(query)
        times.append((time.perf_counter() - began) * 1000)
        used.append((time.process_time() - before) * 1000)
    return Asked(float(np.quantile(times, 0.95)), float(np.median(times)), float(np.median(used)), result)


def emit(bench: str, case: str, value: float, unit: str, *, bar: float, **more: Any) -> None:
    """One result line; the peer is what is allowed."""
    line = {"bench": bench, "case": case, "value": round(value, 1), "unit": unit, "peer": "bar", "peer_value": bar,
            "ratio": round(value / bar, 2)}  # fmt: skip
    print(json.dumps(line | {name: round(one, 1) for name, one in more.items()}), flush=True)
