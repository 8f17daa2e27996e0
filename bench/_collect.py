"""A collector with the embedded store in a process of its own, for the benchmarks.

    python -m bench._collect DIRECTORY STREAM [PREFIXES]

Prints ``{"port"}`` once it is compiled. The first line on standard input ends the warm-up (buffers are in use, nothing
is pending), the second one the measurement: its result, background merges included, is printed as one JSON line.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from pathlib import Path

import numpy as np
from bench._measure import cpu

from weft.collect import CollectConfig, Collector, ListenerConfig
from weft.collect.admission import Admission
from weft.decode.datagrams import DatagramBatch
from weft.enrich.config import EnrichConfig
from weft.enrich.enricher import Enricher
from weft.logs import configure_logging
from weft.store.config import StoreConfig
from weft.store.open import open_store
from weft.store.telemetry import TelemetryStore


def number(store: TelemetryStore, sql: str) -> int:
    """The single number that a query gives."""
    return int(store.query(sql).table.column(0)[0].as_py())


def settle(store: TelemetryStore, seconds: float = 60) -> None:
    """Wait until no merge runs any more: their CPU is part of the price of a flow."""
    deadline = time.monotonic() + seconds
    while number(store, "SELECT count() AS n FROM system.merges") and time.monotonic() < deadline:
        time.sleep(0.3)


def thread_cpu() -> dict[str, float]:
    """CPU seconds by thread of the collector; all of the engine's own threads together."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    used: dict[str, float] = {}
    for task in Path("/proc/self/task").iterdir():
        try:
            fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        name = names.get(int(task.name), "engine")
        used[name] = used.get(name, 0.0) + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


def warm_up(collector: Collector, stream: Path) -> None:
    """Compile everything and learn the template: a collector that runs for a week does that once."""
    with np.load(stream) as file:
        start, length, data = file["start"][:200], file["length"][:200].astype(np.int32), file["data"]
    n = len(start)
    source = np.zeros((n, 16), np.uint8)
    batch = DatagramBatch(data, start, length, source, np.zeros(n, np.uint16), np.full(n, time.time_ns(), np.int64))
    Admission(queue_bytes=1 << 30, max_senders=16).admit(batch)
    collector.start()
    collector.ingest(batch)
    collector.flush(timeout_s=600)
    collector.stop()


def main() -> None:
    """Run until told to stop."""
    configure_logging("warning")
    directory, stream, *prefixes = (Path(argument) for argument in sys.argv[1:])
    store = open_store(StoreConfig(data_dir=directory))
    enricher = Enricher(EnrichConfig.model_validate({"prefixes": prefixes}))
    store.start()
    enricher.start()
    quiet = CollectConfig(listeners=())
    warm_up(Collector(quiet, store=store, enricher=enricher, data_dir=directory), stream)
    config = CollectConfig(listeners=(ListenerConfig(port=0),))
    collector = Collector(config, store=store, enricher=enricher, data_dir=directory)
    collector.start()
    print(json.dumps({"port": collector.ports[0]}), flush=True)
    sys.stdin.readline()
    collector.flush(timeout_s=600)
    settle(store)
    began, before, threads, first = time.time_ns(), cpu(), thread_cpu(), collector.status()
    print(json.dumps({"ready": True}), flush=True)
    sys.stdin.readline()
    collector.flush(timeout_s=600)
    flushed = cpu()
    settle(store)
    last = collector.status()
    spent = {name: round(used - threads.get(name, 0.0), 2) for name, used in thread_cpu().items()}
    latencies = sorted(collector.latencies(began))
    print(json.dumps({
        "cpu": cpu() - before, "cpu_without_last_merges": flushed - before, "cpu_by_thread": spent,
        "flows": last.writer.rows["flows"] - first.writer.rows["flows"],
        "datagrams": last.listeners[0].datagrams - first.listeners[0].datagrams,
        "kernel_drops": last.kernel_drops, "dropped": sum(last.dropped.values()),
        "lost_rows": sum(last.lost_rows.values()), "spooled": last.writer.spooled_rows,
        "latency_p50_ms": round(latencies[len(latencies) // 2]),
        "latency_p99_ms": round(latencies[min(len(latencies) - 1, int(0.99 * len(latencies)))]),
        "batches": last.writer.batches - first.writer.batches,
        "decode_wall": last.decode.busy_s - first.decode.busy_s, "store_wall": last.writer.busy_s - first.writer.busy_s,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "receive_buffer": last.listeners[0].receive_buffer,
        "in_table": number(store, "SELECT count() AS n FROM flows"),
    }), flush=True)  # fmt: skip
    collector.stop()
    enricher.stop()
    store.stop()


if __name__ == "__main__":
    main()
