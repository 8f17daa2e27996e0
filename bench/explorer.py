"""How long the questions of the Traffic Explorer take over 50 M stored flows of 24 hours.

    ./dev bench explorer [ROWS]

The rows are made and loaded once into ``bench/.cache`` (minutes, 2.5 GB at 50 M); later runs reuse them. Each question
is asked repeatedly through the query engine, as the UI would ask it, while nothing else runs in this process.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from bench._measure import ask, emit, settle
from bench._rows import Organisation

from weft.model.flows import FLOWS
from weft.query.engine import QueryEngine
from weft.query.model import Query
from weft.store.config import StoreConfig
from weft.store.open import open_store
from weft.store.telemetry import TelemetryStore

ROWS, BATCH, HOURS = 50_000_000, 1_000_000, 24
CACHE = Path(__file__).parent / ".cache"
#: The rows fill the 24 hours before this; retention is lifted so that they stay.
END = 1_793_491_200
KEEP = dict.fromkeys((FLOWS.name, *(rollup.name for rollup in FLOWS.rollups)), 20000)


def cases(usual: str, busiest: str) -> dict[str, tuple[Query, float]]:
    """Question and the time it may take, ms."""
    since, until, hour = str(END - HOURS * 3600), str(END), str(END - 3600)

    def day(*by: str, where: str = "") -> Query:
        return Query(by=list(by), filter=where, since=since, until=until)

    def last_hour(*by: str, where: str = "") -> Query:
        return Query(by=list(by), filter=where, since=hour, until=until)

    return {
        "24h rollup top10 src_as": (day("src_as"), 300),
        "24h rollup top10 dst_site": (day("dst_site"), 300),
        "24h rollup top10 app": (day("app"), 300),
        "24h rollup top10 in_if": (day("exporter", "in_if"), 300),
        "24h rollup top10 src_as of one interface": (day("src_as", where="in_if = 1"), 300),
        "1h raw top10 src_addr": (last_hour("src_addr"), 500),
        "1h raw top10 dst_as, port 443": (last_hour("dst_as", where="dst_port = 443"), 500),
        "24h one address by port": (day("dst_port", where=f"src_addr = {usual}"), 2000),
        "24h the busiest address by port": (day("dst_port", where=f"src_addr = {busiest}"), 2000),
        "24h one address, records": (
            Query(view="records", filter=f"src_addr = {usual}", limit=100, since=since, until=until),
            2000,
        ),
    }


def load(store: TelemetryStore, rows: int) -> None:
    """Make and insert the rows that are missing; hours differ as day and night do."""
    have = int(store.query("SELECT count() AS n FROM flows").table["n"][0].as_py())
    weights = 1.2 + np.sin(np.linspace(-2.2, 4.1, rows // BATCH))
    edges = END - HOURS * 3600 + np.concatenate([[0], np.cumsum(1 / weights)]) / (1 / weights).sum() * HOURS * 3600
    for number in range(have // BATCH, rows // BATCH):
        since, until = edges[number], edges[number + 1]
        batch = Organisation(1000 + number).batch(BATCH, int(since), until - since - 1)
        store.insert(FLOWS, batch, token=f"bench-{number}")
        print(f"loaded {number + 1} of {rows // BATCH} M rows", file=sys.stderr, end="\r")


def _address(store: TelemetryStore, which: str) -> str:
    """An IPv4 source address by how often it is seen in the last ten minutes, most often first."""
    sql = (
        f"SELECT toString(src_addr) AS a FROM flows WHERE time_received >= {END - 600} AND a LIKE '::ffff:%' "
        f"GROUP BY a ORDER BY count() DESC, a {which}"
    )
    return str(store.query(sql).table["a"][0].as_py()).removeprefix("::ffff:")


def main() -> None:
    """Print one JSON line per question: p95 and what the bar allows as its peer value."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    store = open_store(StoreConfig(data_dir=CACHE / f"explorer-{rows}", retention_days=KEEP))
    store.start()
    load(store, rows)
    settle(store)
    usual, busiest = _address(store, "LIMIT 1 OFFSET 2000"), _address(store, "LIMIT 1")
    engine = QueryEngine(store, retention_days=KEEP, clock=lambda: float(END))
    for case, (query, bar) in cases(usual, busiest).items():
        asked = ask(engine, query)
        read = asked.result.provenance
        name = f"{case} p95 ({read.table}, {read.rows_read} rows)"
        emit("explorer", name, asked.p95, "ms", bar=bar, p50=asked.p50, cpu=asked.cpu)
    store.stop()


if __name__ == "__main__":
    main()
