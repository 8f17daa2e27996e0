"""Synthetics: how fast reports of agents are taken, per CPU-second of one core, and how fast the pages answer.

    python -m bench.synthetics [--tests 200] [--agents 10] [--hours 24]

Reports are those of the demo's simulated agents: a mesh, HTTP, DNS and traces of eight flows. The pages are asked of a
store that holds a run of every test and agent each minute.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from bench._measure import cpu, settle

from weft.collect.synthetics.config import SyntheticsConfig
from weft.collect.synthetics.registry import Agent, AgentNews
from weft.collect.synthetics.results import Results
from weft.model.addresses import packed
from weft.model.probes import PROBES
from weft.model.rows import batch_of
from weft.query.synthetics.results import ProbeResults
from weft.store.config import StoreConfig
from weft.store.open import open_store
from weft.twin import organisation as org
from weft.twin.agents.prober import Prober
from weft.twin.demo_synthetics import synthetics_settings
from weft.twin.faults.places import agent_name
from weft.twin.faults.schedule import acme_timeline
from weft.twin.probing import Weather


def emit(case: str, value: float, unit: str) -> None:
    """One result line."""
    print(json.dumps({"bench": "synthetics", "case": case, "value": round(value, 3), "unit": unit}), flush=True)


class Kept:
    """An intake that only counts."""

    def open_source(self, *_: Any, **__: Any) -> Any:
        """A book."""
        from weft.collect.intake import SourceBook

        return SourceBook("agent", "bench")

    def put(self, _: Any, rows: pa.RecordBatch, *__: Any, **___: Any) -> None:
        """Nothing is kept."""
        self.rows = getattr(self, "rows", 0) + rows.num_rows


class Nowhere:
    """Knows no address."""

    def locate(self, addresses: Any) -> Any:
        """Nothing."""
        nothing = np.zeros(len(addresses), np.uint32)
        return nothing, nothing


def taking() -> None:
    """An hour of the demo's agents, as one gzipped report of each."""
    config = SyntheticsConfig.model_validate(synthetics_settings())
    sites = {site.code: agent_name(site.code) for site in org.AGENT_SITES}
    names, now = frozenset(test.name for test in config.tests), time.time()
    reports = []
    for site, name in sites.items():
        prober = Prober(name, site, sites, Weather(acme_timeline(7)), now - 86400)
        peers = [other for other in sites.values() if other != name]
        runs = [run for test in config.tests for run in prober.runs(test, peers, now - 3600, now)]
        body = {"sent_ns": time.time_ns(), "probes": [one.probe for one in runs],
                "hops": [hop for one in runs for hop in one.hops]}  # fmt: skip
        reports.append((name, gzip.compress(json.dumps(body).encode(), 1)))
    kept = Kept()
    results = Results(config, kept, Nowhere(), lambda _: "", lambda *_: ())  # type: ignore[arg-type]
    began = cpu()
    for name, body_ in reports:
        taken = results.take(Agent(AgentNews(name), "", 0, 0), body_, names, gzipped=True)
        assert not taken.refused
    emit("rows taken, from gzip and JSON to columns", kept.rows / (cpu() - began), "rows/CPU-s")


def asking(tests: int, agents: int, hours: int) -> None:
    """The list of all tests, and one test, over the whole time."""
    now = int(time.time()) // 60 * 60
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(StoreConfig(data_dir=Path(directory)))
        store.start()
        try:
            for hour in range(hours):
                minutes = np.repeat(np.arange(60), tests * agents)
                n = len(minutes)
                test, agent = np.tile(np.repeat(np.arange(tests), agents), 60), np.tile(np.arange(agents), 60 * tests)
                at = (now - (hours - hour) * 3600 + minutes * 60).astype(np.int64) * 10**9
                rows = batch_of(
                    PROBES, n, time=at, time_received=at, agent=[f"agent{i}" for i in agent],
                    test=[f"test{i}" for i in test], kind=1, target="www.example.com", address=packed("192.0.2.1"),
                    run=rng.integers(0, 1 << 62, n), state=1, sent=5, received=rng.binomial(5, 0.999, n),
                    rtt_ms=rng.gamma(4, 8, n).astype(np.float32),
                )  # fmt: skip
                store.insert(PROBES, rows)
            settle(store)
            results = ProbeResults(store)
            for case, ask in (
                ("list of tests: series", lambda: results.series(now - hours * 3600, now, brief=True)),
                ("list of tests: courses", lambda: results.courses(now - hours * 3600, now)),
                ("one test: series", lambda: results.series(now - hours * 3600, now, "test7")),
            ):
                times = []
                for _ in range(12):
                    began = time.perf_counter()
                    ask()
                    times.append(1000 * (time.perf_counter() - began))
                emit(
                    f"{case}, {tests * agents * hours * 60 / 1e6:.1f} M rows", float(np.percentile(times, 95)), "ms p95"
                )
        finally:
            store.stop()


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", type=int, default=200)
    parser.add_argument("--agents", type=int, default=10)
    parser.add_argument("--hours", type=int, default=24)
    asked = parser.parse_args()
    taking()
    asking(asked.tests, asked.agents, asked.hours)


if __name__ == "__main__":
    main()
