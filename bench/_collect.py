"""A collector with the embedded store in a process of its own, for the benchmarks.

    python -m bench._collect DIRECTORY [PREFIXES]

Prints ``{"port"}`` once ready. The line ``cpu`` on standard input begins the measurement, any other ends it: everything
is flushed, merges settle, and the result is printed as one JSON line.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from weft.collect import CollectConfig, Collector, ListenerConfig
from weft.enrich.config import EnrichConfig
from weft.enrich.enricher import Enricher
from weft.store.config import StoreConfig
from weft.store.open import open_store
from weft.store.telemetry import TelemetryStore


def cpu() -> float:
    """User and system seconds of this process, merges included."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def number(store: TelemetryStore, sql: str) -> int:
    """The single number that a query gives."""
    return int(store.query(sql).table.column(0)[0].as_py())


def settle(store: TelemetryStore, seconds: float = 60) -> None:
    """Wait until no merge runs any more: their CPU is part of the price of a flow."""
    deadline = time.monotonic() + seconds
    while number(store, "SELECT count() AS n FROM system.merges") and time.monotonic() < deadline:
        time.sleep(0.3)


def main() -> None:
    """Run until told to stop."""
    directory = Path(sys.argv[1])
    prefixes = [Path(sys.argv[2])] if len(sys.argv) > 2 else []
    store = open_store(StoreConfig(data_dir=directory))
    enricher = Enricher(EnrichConfig.model_validate({"prefixes": prefixes}))
    config = CollectConfig(listeners=(ListenerConfig(port=0),))
    collector = Collector(config, store=store, enricher=enricher, data_dir=directory)
    store.start()
    enricher.start()
    collector.start()
    print(
        json.dumps({"port": collector.ports[0], "buffer": collector.status().listeners[0].receive_buffer}), flush=True
    )
    while sys.stdin.readline().strip() == "cpu":  # warmed up: the measurement begins
        collector.flush()
        settle(store)
        before, had, decoded = cpu(), collector.status().writer.rows["flows"], collector.status().decode.busy_s
        inserting = collector.status().writer.busy_s
        print(json.dumps({"ready": True}), flush=True)
    collector.flush()
    flushed = cpu()
    settle(store)
    status = collector.status()
    print(json.dumps({
        "cpu": cpu() - before, "cpu_without_last_merges": flushed - before,
        "flows": status.writer.rows["flows"] - had, "kernel_drops": status.kernel_drops,
        "dropped": sum(status.dropped.values()), "lost_rows": sum(status.lost_rows.values()),
        "spooled": status.writer.spooled_rows, "latency_ms": status.writer.latency_ms, "batches": status.writer.batches,
        "decode_wall": status.decode.busy_s - decoded, "store_wall": status.writer.busy_s - inserting,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "in_table": number(store, "SELECT count() AS n FROM flows"),
    }), flush=True)  # fmt: skip
    collector.stop()
    enricher.stop()
    store.stop()


if __name__ == "__main__":
    main()
