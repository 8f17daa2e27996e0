"""How long it takes to find words among 10 million log messages, and to count them.

    ./dev bench logs [MESSAGES]

The messages (of 24 hours, from templates as devices have them, with rare words here and there) are made and loaded
once into ``bench/.cache``; later runs reuse them. Prints one JSON line per question: the 95th percentile of repeated
runs and what the bar allows; and what storing a message costs.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from bench._measure import ask, cpu, emit, settle

from weft.model.logs import LOGS
from weft.model.rows import batch_of
from weft.query.engine import QueryEngine
from weft.query.model import Query
from weft.store.config import StoreConfig
from weft.store.open import open_store
from weft.store.telemetry import TelemetryStore

MESSAGES, BATCH, HOURS = 10_000_000, 500_000, 24
CACHE = Path(__file__).parent / ".cache"
END = 1_793_491_200
KEEP = {LOGS.name: 20000}
RARE = "qfp0 parity error recovered"
_TEMPLATES = (
    ("%LINEPROTO-5-UPDOWN: Line protocol on Interface GigabitEthernet0/0/{}, changed state to down", "INTERFACE_DOWN"),
    ("%LINK-3-UPDOWN: Interface TenGigE0/1/0/{}, changed state to up", "INTERFACE_UP"),
    ("bgp_event: peer 10.20.30.{} (External AS 64512) old state Established event HoldTime new state Idle", "BGP_DOWN"),
    ("Accepted publickey for netops from 192.0.2.{} port 50122 ssh2", "LOGIN"),
    ("%SEC-6-IPACCESSLOGP: list 110 denied tcp 198.51.100.{}(51512) -> 192.0.2.10(23), 1 packet", "ACL_DENY"),
    ("SNMP_TRAP_LINK_DOWN: ifIndex {}, ifAdminStatus up(1), ifOperStatus down(2), ifName xe-0/0/1", "INTERFACE_DOWN"),
    ("%PLATFORM-4-ELEMENT_WARNING: SIP{}: process utilisation above threshold", ""),
    ("UI_COMMIT: User 'ann' requested 'commit' operation (comment: ticket {})", "CONFIG_COMMIT"),
)  # fmt: skip


def cases() -> dict[str, tuple[Query, float]]:
    """Question and the time it may take, ms."""

    def day(where: str, **more: Any) -> Query:
        since, until = str(END - HOURS * 3600), str(END)
        return Query(dataset="logs", filter=where, since=since, until=until, **more)

    return {
        "rare words, newest records": (day(f'message ~ "{RARE}"', view="records"), 1000),
        "rare words, per hour": (day(f'message ~ "{RARE}"', every=3600), 1000),
        "a word that is nowhere": (day("message ~ zyzzyva", view="records"), 1000),
        "a term with signs, newest records": (day('message ~ "198.51.100.77 denied"', view="records"), 1000),
        "a frequent word, newest records": (day("message ~ down", view="records"), 1000),
        "a frequent word by severity": (day("message ~ down", by=["severity"]), 1000),
        "newest records": (day("", view="records"), 1000),
        "by event": (day("", by=["event"]), 1000),
    }  # fmt: skip


def load(store: TelemetryStore, messages: int) -> None:
    """Messages in the order of their time, as batches of the writer; says what storing one costs."""
    have = int(store.query("SELECT count() AS n FROM logs").table["n"][0].as_py())
    rng, spent = np.random.default_rng(9), 0.0
    for number in range(have // BATCH, messages // BATCH):
        batch = _batch(rng, number, messages)
        before = cpu()
        store.insert(LOGS, batch)
        spent += cpu() - before
        print(f"loaded {(number + 1) * BATCH:,} messages", file=sys.stderr, end="\r")
    if made := messages - have:
        emit("logs", "CPU of storing a message, index of words included", spent / made * 1e6, "us", bar=20.0)


def _batch(rng: np.random.Generator, number: int, messages: int) -> pa.RecordBatch:
    kind = rng.integers(0, len(_TEMPLATES), BATCH)
    heads = pa.array([t.partition("{}")[0] for t, _ in _TEMPLATES]).take(kind)
    tails = pa.array([t.partition("{}")[2] for t, _ in _TEMPLATES]).take(kind)
    words: Any = pc
    numbers = words.cast(pa.array(rng.integers(0, 256, BATCH)), pa.string())
    rare = pa.array(np.where(rng.random(BATCH) < 5e-6, f" {RARE}", ""))
    text = words.binary_join_element_wise(heads, numbers, tails, rare, "")
    span = HOURS * 3600 * 10**9 / (messages // BATCH)
    at = END * 10**9 - HOURS * 3600 * 10**9 + int(number * span) + np.sort(rng.random(BATCH) * span).astype(np.int64)
    address = np.zeros((BATCH, 16), np.uint8)
    address[:, 10:12], address[:, 12], address[:, 15] = 255, 10, rng.integers(1, 200, BATCH)
    exporter = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), BATCH, [None, pa.py_buffer(address.tobytes())])
    events: Any = pa.array([event for _, event in _TEMPLATES]).take(kind)
    return batch_of(
        LOGS, BATCH, time=at, time_received=at, time_device=at, exporter=exporter, source=1, facility=23,
        severity=rng.integers(2, 8, BATCH).astype(np.uint8), event=events.dictionary_encode(), message=text,
    )  # fmt: skip


def main() -> None:
    """Print one JSON line per question."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else MESSAGES
    store = open_store(StoreConfig(data_dir=CACHE / f"logs-{messages}", retention_days=KEEP))
    store.start()
    load(store, messages)
    settle(store)
    engine = QueryEngine(store, retention_days=KEEP, clock=lambda: float(END))
    for case, (query, bar) in cases().items():
        asked = ask(engine, query)
        found = len(asked.result.rows)
        emit("logs", f"{case} p95 ({found} rows)", asked.p95, "ms", bar=bar, p50=asked.p50, cpu=asked.cpu)
    store.stop()


if __name__ == "__main__":
    main()
