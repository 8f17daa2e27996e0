"""Rounds of synthetic tests, and playing them into a detector."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from tests.detect.routing.helpers import T0, PlainNames
from tests.detect.routing.helpers import batch as routes_of

from weft.detect.context import Context, DetectorConfig
from weft.detect.detector import Finding
from weft.detect.paths.detector import PathDetector
from weft.model.addresses import NO_ADDRESS, packed
from weft.model.probes import HOPS, PROBES
from weft.model.rows import batch_of
from weft.model.tables import Table

PING, TCP, TRACE, HTTP, DNS, THROUGHPUT = 1, 2, 3, 4, 5, 6
OK, FAILED, ERROR = 1, 3, 4
AGENTS = ("ams", "chi", "fra", "lon")


class SiteNames(PlainNames):
    """Agents have addresses 10.<number>.0.10, by site."""

    def site_of_address(self, address: bytes) -> str:
        """By the second octet."""
        return AGENTS[address[13] - 1] if address[12] == 10 and 0 < address[13] <= len(AGENTS) else ""


def context(**settings: Any) -> Context:
    """With settings of the detector."""
    return Context(SiteNames(), DetectorConfig(settings=settings))


def address(site: str) -> str:
    """Of a site's agent."""
    return f"10.{AGENTS.index(site) + 1 if site in AGENTS else 99}.0.10"


def ping(at_s: float, site: str, other: str, rtt_ms: float = 20.0, received: int = 5, **more: Any) -> dict[str, Any]:
    """A round between two sites; none received: it failed."""
    return {
        "time": at_s, "kind": PING, "test": "Sites", "agent": f"{site}-agent", "target": address(other),
        "target_agent": f"{other}-agent", "address": packed(address(other)), "source_address": packed(address(site)),
        "state": OK if received else FAILED, "error": "" if received else "no answer", "sent": 5, "received": received,
        "rtt_ms": rtt_ms if received else 0.0, "jitter_ms": 0.5 if received else 0.0, **more,
    }  # fmt: skip


def http(at_s: float, site: str, scale: float = 1.0, **more: Any) -> dict[str, Any]:
    """A transaction of a shop: 100 ms, of which the handshake is 20 times ``scale``."""
    phases = {"dns_ms": 5.0, "connect_ms": 20.0 * scale, "tls_ms": 25.0, "first_byte_ms": 40.0, "transfer_ms": 10.0}
    return {
        "time": at_s, "kind": HTTP, "test": "Shop", "agent": f"{site}-agent", "target": "https://shop.example.com/",
        "address": packed("198.51.100.7"), "source_address": packed(address(site)), "state": OK, "error": "",
        "sent": 1, "received": 1, "rtt_ms": sum(phases.values()), "certificate_days": 60.0, **phases, **more,
    }  # fmt: skip


def broken(
    at_s: float, site: str, error: str = "status 503, expected 200 to 399", state: int = FAILED
) -> dict[str, Any]:
    """A transaction that failed."""
    return {"time": at_s, "kind": HTTP, "test": "Shop", "agent": f"{site}-agent", "sent": 1, "received": 0,
            "target": "https://shop.example.com/", "state": state, "error": error,
            "source_address": packed(address(site))}  # fmt: skip


def dns(at_s: float, site: str, resolver: str, name: str = "shop.example.com", **more: Any) -> dict[str, Any]:
    """A query."""
    return {"time": at_s, "kind": DNS, "test": "Resolvers", "agent": f"{site}-agent", "target": name,
            "resolver": resolver, "state": OK, "sent": 1, "received": 1, "rtt_ms": 12.0,
            "source_address": packed(address(site)), **more}  # fmt: skip


def trace(at_s: float, site: str, target: str, hops: list[tuple[str, float]], device: dict[str, str] | None = None,
          flows: int = 4) -> list[dict[str, Any]]:  # fmt: skip
    """Rows of ``hops`` of a run: address (empty: no answer) and round trip by TTL."""
    return [
        {"time": at_s, "test": "Ways", "agent": f"{site}-agent", "target": target, "run": int(at_s * 10) + 1,
         "flow_id": flow, "ttl": ttl, "hop": packed(hop) if hop else NO_ADDRESS, "sent": 1, "received": int(bool(hop)),
         "rtt_ms": rtt if hop else 0.0, "hop_device": (device or {}).get(hop, "")}
        for flow in range(flows) for ttl, (hop, rtt) in enumerate(hops, 1)
    ]  # fmt: skip


def rounds(until_s: float, every_s: float, seed: int = 1) -> Iterable[tuple[float, float]]:
    """(time, a little noise in ms) of regular rounds."""
    dice = random.Random(seed)
    at_s = dice.uniform(0, every_s)
    while at_s < until_s:
        yield at_s, dice.expovariate(2.0)
        at_s += every_s


def batch(table: Table, rows: list[dict[str, Any]]) -> pa.RecordBatch:
    """Rows of a table; times are seconds after ``T0``."""
    columns: dict[str, list[Any]] = {}
    for name in sorted({name for row in rows for name in row}):
        blank = NO_ADDRESS if name in ("address", "source_address", "hop") else "" if name in _TEXTS else 0
        columns[name] = [row.get(name, blank) for row in rows]
    columns["time"] = [int((T0 + at_s) * 1e9) for at_s in columns["time"]]
    return batch_of(table, len(rows), **columns)


_TEXTS = frozenset({"test", "agent", "target", "target_agent", "resolver", "error", "hop_device"})


def play(
    detector: PathDetector, probes: Iterable[dict[str, Any]], hops: Iterable[dict[str, Any]] = (), until_s: float = 0.0,
    routes: Iterable[dict[str, Any]] = (),
) -> list[Finding]:  # fmt: skip
    """In order of time, a tick each half minute."""
    waiting = sorted([*((row["time"], 1, row) for row in probes), *((row["time"], 0, row) for row in hops),
                      *((row["time"] / 1e9 - T0, 2, row) for row in routes)], key=lambda one: one[:2])  # fmt: skip
    end_s = max(until_s, waiting[-1][0] + 30.0)
    found: list[Finding] = []
    at, now = 0, waiting[0][0] // 10 * 10
    while now < end_s:
        now += 30.0
        last = at
        while last < len(waiting) and waiting[last][0] < now:
            last += 1
        for number, table in ((0, HOPS), (1, PROBES)):
            rows = [row for _, which, row in waiting[at:last] if which == number]
            if rows:
                found += detector.take(table.name, batch(table, rows))
        if rows := [row for _, which, row in waiting[at:last] if which == 2]:
            found += detector.take("routes", routes_of(rows))
        at = last
        found += detector.tick(T0 + now)
    return found
