"""Rows of ``routes`` for tests, and playing them into a detector."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any

import pyarrow as pa

from weft.detect.context import Context, DetectorConfig
from weft.detect.detector import Finding, RowsDetector
from weft.model.addresses import NO_ADDRESS, address_text, packed
from weft.model.routes import ROUTES
from weft.model.rows import batch_of

T0 = 1_772_409_600.0
ANNOUNCE, CHANGE, WITHDRAW, CHECKPOINT, UP, DOWN = 1, 2, 3, 4, 5, 6
_DEVICES = {"198.51.100.1": "chi-border1", "198.51.100.2": "nyc-border1", "198.51.100.9": "ams-border1"}


class PlainNames:
    """Two routers."""

    def device(self, address: bytes) -> str:
        """Of an exporter."""
        text = address_text(address)
        return _DEVICES.get(text, text)

    def interface(self, address: bytes, if_index: int) -> str:
        """Never known."""
        return f"if{if_index}"

    def site(self, device: str) -> str:
        """From its name."""
        return device.partition("-")[0]

    def site_of_address(self, address: bytes) -> str:
        """Never known."""
        return ""


def context(networks: Iterable[str] = (), facts: dict[str, Any] | None = None, **settings: Any) -> Context:
    """A context with own prefixes."""
    own = [ip_network(one) for one in networks]
    return Context(PlainNames(), DetectorConfig(settings=settings), networks=lambda: own, facts=facts or {})


def row(
    at_s: float, event: int, prefix: str = "", path: str = "", *, peer: str = "192.0.2.1", asn: int = 64496,
    exporter: str = "198.51.100.1", rib: int = 1, rpki: int = 0, reason: str = "", source: int = 1,
) -> dict[str, Any]:  # fmt: skip
    """One row, ``at_s`` after ``T0``."""
    hops = [int(one) for one in path.split() if one.isdigit()]
    net = ip_network(prefix) if prefix else None
    return {
        "time": int((T0 + at_s) * 1e9), "time_received": int((T0 + at_s) * 1e9), "exporter": packed(exporter),
        "source": source, "rib": rib, "event": event, "peer": packed(peer) if peer else NO_ADDRESS, "peer_as": asn,
        "family": 0 if net is None else 1 if net.version == 4 else 2,
        "prefix": packed(str(net.network_address)) if net else NO_ADDRESS,
        "prefix_length": net.prefixlen if net else 0, "as_path": path, "as_path_length": len(hops),
        "origin_as": hops[-1] if hops else 0, "neighbor_as": hops[0] if hops else 0, "rpki": rpki, "reason": reason,
    }  # fmt: skip


def batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    """Rows as one batch."""
    return batch_of(ROUTES, len(rows), **{name: [one[name] for one in rows] for name in rows[0]})


def play(
    detector: RowsDetector, rows: Iterable[dict[str, Any]], until_s: float | None = None, step_s: float = 1.0
) -> list[Finding]:
    """Rows in order of time, a tick after each step; then ticks up to ``until_s``."""
    waiting = sorted(rows, key=lambda one: one["time"])
    end_s = until_s if until_s is not None else (waiting[-1]["time"] / 1e9 - T0 + 10 if waiting else 0.0)
    found: list[Finding] = []
    now, at = 0.0, 0
    while now <= end_s:
        now += step_s
        last = at
        while last < len(waiting) and waiting[last]["time"] / 1e9 - T0 < now:
            last += 1
        if last > at:
            found += detector.take("routes", batch(waiting[at:last]))
            at = last
        found += detector.tick(T0 + now)
    return found


def table(at_s: float, count: int, event: int = CHECKPOINT, **more: Any) -> list[dict[str, Any]]:
    """So many routes of a session."""
    path = more.pop("path", "64496 64497")
    return [row(at_s, event, f"100.{64 + i // 256}.{i % 256}.0/24", path, **more) for i in range(count)]
