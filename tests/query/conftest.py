"""A small store with known rows, and the same rows as plain Python for the naive reference."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from weft.model.dictionaries import APPLICATIONS, ASNS, EXPORTERS, INTERFACES, NETWORKS
from weft.model.flows import FLOWS
from weft.query.engine import QueryEngine
from weft.store.config import StoreConfig
from weft.store.open import open_store
from weft.store.telemetry import TelemetryStore

#: Monday 2026-11-16 00:00 UTC; the rows fill the six hours from 06:00.
DAY = int(datetime(2026, 11, 16, tzinfo=UTC).timestamp())
FIRST, LAST = DAY + 6 * 3600, DAY + 12 * 3600
#: Rows of any age are kept.
KEEP = dict.fromkeys(("flows", "metrics", "logs", "changes", *(r.name for r in FLOWS.rollups)), 20000)
#: Nobody sent anything in this half hour.
QUIET = (DAY + 9 * 3600, DAY + 9 * 3600 + 1800)
NOW = DAY + 14 * 3600

Row = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

EXPORTER_NAMES = {"192.0.2.1": ("router1", "paris", "border"), "192.0.2.2": ("router2", "lyon", "core"),
                  "2001:db8::3": ("router3", "paris", "access")}  # fmt: skip
SITES = {0: "", 1: "paris", 2: "lyon", 3: "paris", 4: "new york"}
CUSTOMERS = {0: "", 1: "acme", 2: "", 3: 'o\'neil "co"', 4: "acme"}
APPS = {0: ("", ""), 1: ("https", "web"), 2: ("dns", "infrastructure"), 3: ("bgp", "infrastructure")}
AS_NAMES = {64501: "Example", 15169: "Google"}
INTERFACES_OF = {
    (e, i): (f"et-0/0/{i}", "external" if i == 1 else "internal", "transit-x" if i == 1 else "", 10**10 * i)
    for e in EXPORTER_NAMES
    for i in (1, 2, 3)
}


def packed(address: str) -> bytes:
    """16 bytes as stored."""
    ip = ipaddress.ip_address(address)
    return ip.packed if ip.version == 6 else b"\0" * 10 + b"\xff\xff" + ip.packed


def make_rows(count: int, seed: int = 7) -> list[Row]:
    """Random but skewed rows, some without a sampling rate, with a quiet half hour."""
    rng = random.Random(seed)
    addresses = [f"10.0.{i // 8}.{i % 8 + 1}" for i in range(40)] + [f"2001:db8:1::{i:x}" for i in range(1, 20)]
    defaults: Row = {c.name: (bytes(16) if c.arrow == pa.binary(16) else 0) for c in FLOWS.columns}
    rows = []
    while len(rows) < count:
        at = rng.randrange(FIRST, LAST)
        if QUIET[0] <= at < QUIET[1]:
            continue
        exporter = rng.choice(list(EXPORTER_NAMES))
        rows.append(
            defaults
            | {
                "time_received": at, "time_start": at - 20, "time_end": at - 1, "exporter": packed(exporter),
                "observation_domain": rng.choice((0, 1)), "flow_type": rng.choice((2, 3, 4)), "protocol_version": 9,
                "src_addr": packed(rng.choice(addresses)), "dst_addr": packed(rng.choice(addresses)),
                "src_port": rng.choice((53, 443, 1024, 40000, 65535)), "dst_port": rng.choice((53, 80, 443, 8080)),
                "protocol": rng.choice((6, 6, 6, 17, 1, 253)),
                "bytes": rng.choice((0, 40, 1500, rng.randrange(1 << 34))),
                "packets": rng.randrange(0, 1000), "sampling_rate": rng.choice((0, 1, 100, 1000)),
                "in_if": rng.randrange(0, 4), "out_if": rng.randrange(0, 4), "tcp_flags": rng.choice((0, 2, 18, 24)),
                "src_as": rng.choice((0, 64501, 64501, 15169, 4200000001, *range(100, 120))),
                "dst_as": rng.choice((0, 64501, 15169)), "direction": rng.choice((0, 1, 255)),
                "tos": rng.choice((0, 184)),
                "src_mac": rng.choice((0, 0x00005E005301)), "src_net": rng.randrange(0, 5),
                "dst_net": rng.randrange(0, 5),
                "app": rng.randrange(0, 4), "src_vlan": rng.choice((0, 10)),
            }
        )  # fmt: skip
    rows.sort(key=lambda r: r["time_received"])
    return rows


def batch_of(rows: list[Row]) -> pa.RecordBatch:
    """Rows as a batch of the flows table."""
    arrays = []
    for f in FLOWS.schema:
        values = [r[f.name] for r in rows]
        if pa.types.is_timestamp(f.type):
            values = [v * 10**9 for v in values]
        arrays.append(pa.array(values, f.type))
    return pa.record_batch(arrays, schema=FLOWS.schema)


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    return make_rows(4000)


# Of a file, not of the session: a process has one embedded engine, and some files open a store of their own.
@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> Iterator[TelemetryStore]:
    """The embedded engine with the rows and their dictionaries."""
    path: Path = tmp_path_factory.mktemp("store")
    store = open_store(StoreConfig(data_dir=path, retention_days=KEEP))
    store.start()
    try:
        half = len(rows) // 2
        store.insert(FLOWS, batch_of(rows[:half]))
        store.insert(FLOWS, batch_of(rows[half:]))
        write_names(store)
        yield store
    finally:
        store.stop()


def write_names(store: TelemetryStore) -> None:
    """The names of everything, valid from the beginning."""
    store.upsert_dictionary(EXPORTERS, [
        {"exporter": a, "valid_from": EPOCH, "name": n, "site": s, "role": r, "demo": ""}
        for a, (n, s, r) in EXPORTER_NAMES.items()
    ])  # fmt: skip
    store.upsert_dictionary(INTERFACES, [
        {"exporter": e, "if_index": i, "valid_from": EPOCH, "name": n, "description": "",
        "speed_bps": speed, "boundary": b,
         "provider": p, "connectivity": ""}
        for (e, i), (n, b, p, speed) in INTERFACES_OF.items()
    ])  # fmt: skip
    store.upsert_dictionary(NETWORKS, [
        {"id": i, "site": SITES[i], "service": "", "customer": CUSTOMERS[i], "cloud": "", "region": "", "country": ""}
        for i in SITES if i
    ])  # fmt: skip
    store.upsert_dictionary(APPLICATIONS, [{"id": i, "name": n, "category": c} for i, (n, c) in APPS.items() if i])
    store.upsert_dictionary(ASNS, [{"asn": a, "name": n} for a, n in AS_NAMES.items()])


@pytest.fixture(scope="module")
def engine(store: TelemetryStore) -> QueryEngine:
    return QueryEngine(store, retention_days=KEEP, clock=lambda: float(NOW))
