"""Runs of tests with known answers, in the hours before now."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa

from weft.model.addresses import NO_ADDRESS, packed
from weft.model.probes import HOPS, PROBES
from weft.model.rows import batch_of

Row = dict[str, Any]
AGENTS = ("ams", "fra", "sin")


def probes(now: int, hours: int = 4) -> list[Row]:
    """A run a minute: of a mesh, and of a test of two targets. ``now`` in UTC seconds."""
    rng = random.Random(5)
    rows: list[Row] = []
    for at in range(now - hours * 3600, now, 60):
        for agent in AGENTS:
            others = [other for other in AGENTS if other != agent]
            rows += [
                _probe(rng, at, "mesh", 1, agent, f"192.0.2.{AGENTS.index(other)}", target_agent=other)
                for other in others
            ]
            for target in ("a.example", "b.example"):
                # b.example does not answer sin in the last half hour
                broken = agent == "sin" and target == "b.example" and at >= now - 1800
                rows.append(_probe(rng, at, "web", 4, agent, target, broken=broken))
    return rows


def _probe(
    rng: random.Random, at: int, test: str, kind: int, agent: str, target: str, *, broken: bool = False, **more: Any
) -> Row:
    received = 0 if broken else 10 - (rng.random() < 0.1)
    return {
        "time": at, "test": test, "kind": kind, "agent": agent, "target": target, "run": rng.getrandbits(63),
        "state": 3 if broken else 1, "error": "no answer" if broken else "", "sent": 10, "received": received,
        "rtt_ms": 0.0 if broken else rng.uniform(5, 50), "target_agent": "", "resolver": "", "path": 0, "hops": 0,
        "branches": 0, "target_as": 64501, "address": packed("203.0.113.5"),
    } | more  # fmt: skip


def traces(now: int) -> tuple[list[Row], list[Row]]:
    """Three runs of a trace over two branches; at the last the upper branch goes another way, and one hop is silent."""
    runs, hops = [], []
    for number, at in enumerate((now - 3000, now - 2400, now - 600)):
        far = number == 2
        runs.append(
            {"time": at, "test": "trace", "kind": 3, "agent": "ams", "target": "b.example", "run": number + 1,
             "state": 1, "path": 200 if far else 100, "hops": 4, "branches": 2, "sent": 4, "received": 4,
             "rtt_ms": 9.0, "error": "", "target_agent": "", "resolver": "", "target_as": 0,
             "address": packed("203.0.113.9")}
        )  # fmt: skip
        for flow in range(4):
            middle = ("10.0.0.77" if far else "10.0.0.2") if flow < 2 else ""
            for ttl, hop in enumerate(("10.0.0.1", middle, f"10.0.1.{flow // 2}", "203.0.113.9"), 1):
                hops.append(
                    {"time": at, "test": "trace", "agent": "ams", "target": "b.example", "run": number + 1,
                     "flow_id": flow, "ttl": ttl, "hop": packed(hop) if hop else NO_ADDRESS, "sent": 1,
                     "received": int(bool(hop)), "rtt_ms": float(ttl + number) if hop else 0.0,
                     "reached": int(ttl == 4), "hop_as": 64501 if ttl == 4 else 0,
                     "hop_device": "r1" if ttl == 1 else ""}
                )  # fmt: skip
    return runs, hops


def as_batch(table: Any, rows: list[Row]) -> pa.RecordBatch:
    """Rows as a batch of ``probes`` or ``hops``."""
    assert table in (PROBES, HOPS)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    times = pa.array([at * 10**9 for at in columns.pop("time")], pa.int64())
    return batch_of(table, len(rows), time=times.cast(pa.timestamp("ns")).cast(table.by_name["time"].arrow), **columns)
