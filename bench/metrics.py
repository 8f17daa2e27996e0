"""How long questions about metrics take: 1 000 interfaces, a value of each counter every minute, for 24 hours.

    ./dev bench metrics [INTERFACES]

The rows (ten counters per interface, one of them from two sources) are made and loaded once into ``bench/.cache``;
later runs reuse them. Prints one JSON line per question: the 95th percentile of repeated runs and what the bar allows.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from bench._measure import ask, emit, settle

from weft.model.dictionaries import EXPORTERS, INTERFACES
from weft.model.metrics import METRICS
from weft.model.rows import batch_of
from weft.query.engine import QueryEngine
from weft.query.model import Query
from weft.store.config import StoreConfig
from weft.store.open import open_store
from weft.store.telemetry import TelemetryStore

PORTS, HOURS, MINUTE = 50, 24, 60
CACHE = Path(__file__).parent / ".cache"
END = 1_793_491_200
KEEP = {METRICS.name: 20000}
NAMES = (
    "in_octets", "out_octets", "in_unicast_pkts", "out_unicast_pkts", "in_errors", "out_errors", "in_discards",
    "out_discards", "in_multicast_pkts", "out_multicast_pkts",
)  # fmt: skip


def cases() -> dict[str, tuple[Query, float]]:
    """Question and the time it may take, ms."""

    def day(where: str, *by: str, **more: Any) -> Query:
        since, until = str(END - HOURS * 3600), str(END)
        return Query(dataset="metrics", by=list(by), filter=where, since=since, until=until, **more)

    one = "metric = in_octets AND interface = router3:et-0/0/7"
    return {
        "top 10 interfaces by rate, series with Other": (day("metric = in_octets", "interface"), 1000),
        "top 10 interfaces by rate, table": (day("metric = in_octets", "interface", view="table"), 1000),
        "top 10 by utilisation, both directions": (
            day("metric IN (in_octets, out_octets)", "interface", "metric", view="table", measures=["utilisation"]),
            1000,
        ),
        "one interface, series": (day(one), 300),
        "one interface, both directions": (
            day("metric IN (in_octets, out_octets) AND interface = router3:et-0/0/7", "metric"), 300,
        ),
        "errors and discards by interface": (
            day("metric IN (in_errors, out_errors, in_discards, out_discards)", "interface", "metric", view="table"),
            1000,
        ),
        "95th percentile of 5 minutes by interface": (
            day("metric = in_octets", "interface", view="table", measures=["p95_bps"]), 1000,
        ),
    }  # fmt: skip


def load(store: TelemetryStore, interfaces: int) -> None:
    """An hour of all devices per batch, as pollers' rows come together in the writer."""
    store.upsert_dictionary(EXPORTERS, [
        {"exporter": f"10.0.{d // 250}.{d % 250 + 1}", "valid_from": datetime.fromtimestamp(0, tz=UTC),
         "name": f"router{d}", "site": f"site{d % 5}", "role": "core"}
        for d in range(-(-interfaces // PORTS))
    ])  # fmt: skip
    store.upsert_dictionary(INTERFACES, [
        {"exporter": f"10.0.{d // 250}.{d % 250 + 1}", "if_index": i + 1, "name": f"et-0/0/{i}",
         "valid_from": datetime.fromtimestamp(0, tz=UTC), "speed_bps": 10**10, "boundary": "internal"}
        for d in range(-(-interfaces // PORTS)) for i in range(PORTS)
    ])  # fmt: skip
    have = int(store.query("SELECT count() AS n FROM metrics").table["n"][0].as_py())
    if have:
        return
    rng = np.random.default_rng(5)
    number = np.arange(interfaces)
    base = rng.pareto(1.2, interfaces) * 1e6
    for hour in range(HOURS):
        start = END - (HOURS - hour) * 3600
        for name in NAMES:
            for source in (2, 3) if name == "out_octets" else (2,):
                minutes = np.tile(np.arange(60), interfaces)
                port = np.repeat(number, 60)
                time_ns = (start + minutes * MINUTE + port % 60) * 10**9 + rng.integers(0, 10**9, len(port))
                address = np.zeros((len(port), 16), np.uint8)
                address[:, 10:12] = 255
                address[:, 12], address[:, 14] = 10, port // PORTS // 250
                address[:, 15] = port // PORTS % 250 + 1
                grown = np.round(base[port] * MINUTE * rng.random(len(port)))
                store.insert(METRICS, batch_of(
                    METRICS, len(port), time=time_ns, time_received=time_ns,
                    exporter=[a.tobytes() for a in address], source=source, metric_type=1, metric=name,
                    component=[f"et-0/0/{p}" for p in port % PORTS], if_index=(port % PORTS + 1).astype(np.uint32),
                    value=np.cumsum(grown), increase=grown,
                    interval_ms=np.full(len(port), 60_000, np.uint32),
                ))  # fmt: skip
        print(f"loaded {hour + 1} of {HOURS} hours", file=sys.stderr, end="\r")


def main() -> None:
    """Print one JSON line per question."""
    interfaces = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    store = open_store(StoreConfig(data_dir=CACHE / f"metrics-{interfaces}", retention_days=KEEP))
    store.start()
    load(store, interfaces)
    settle(store)
    engine = QueryEngine(store, retention_days=KEEP, clock=lambda: float(END))
    for case, (query, bar) in cases().items():
        asked = ask(engine, query)
        read = asked.result.provenance.rows_read
        emit("metrics", f"{case} p95 ({read} rows read)", asked.p95, "ms", bar=bar, p50=asked.p50, cpu=asked.cpu)
    store.stop()


if __name__ == "__main__":
    main()
