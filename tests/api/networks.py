"""A small network as the inventory would state it, and counters of its interfaces as a source would send them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from weft.model.addresses import packed
from weft.model.inventory import Claim, InventoryObject, ObjectKind
from weft.model.metrics import METRICS
from weft.model.rows import batch_of

G = 1_000_000_000
COUNTER, GAUGE = 1, 2


def known(kind: ObjectKind, *key: str, origin: str = "file", **attributes: Any) -> InventoryObject:
    """An object of which one source states everything."""
    claims = {name: Claim(value, origin) for name, value in attributes.items()}
    return InventoryObject(kind, key, claims, (origin,), 1000.0, 2000.0)


def site(name: str, latitude: float | None = None, longitude: float | None = None, **more: Any) -> InventoryObject:
    where = {} if latitude is None else {"latitude": latitude, "longitude": longitude}
    return known(ObjectKind.SITE, name, name=name, **where, **more)


def device(name: str, address: str, site: str = "", role: str = "", **more: Any) -> InventoryObject:
    return known(ObjectKind.DEVICE, name, name=name, addresses=[address], site=site, role=role, **more)


def interface(device: str, name: str, if_index: int, speed: float = 10 * G, **more: Any) -> InventoryObject:
    return known(ObjectKind.INTERFACE, device, name, name=name, if_index=if_index, speed_bps=speed, **more)


def link(a: tuple[str, str], b: tuple[str, str], **more: Any) -> InventoryObject:
    ends = {"a_device": a[0], "a_interface": a[1], "b_device": b[0], "b_interface": b[1]}
    return known(ObjectKind.LINK, *a, *b, **ends, **more)


def small() -> list[InventoryObject]:
    """Three sites; two links between the first two, one of them named short and known by LLDP; one device nowhere."""
    return [
        site("fra", 50.1, 8.7, description="Frankfurt"), site("ams", 52.4, 4.9), site("chi", 41.9, -87.6),
        device("fra-1", "192.0.2.1", "fra", "border", vendor="Example", model="X1"),
        device("fra-2", "192.0.2.2", "fra", "core"),
        device("ams-1", "192.0.2.3", "ams", "border"), device("chi/1", "192.0.2.4", "chi", "border"),
        device("lost", "192.0.2.9"),
        interface("fra-1", "et-0/0/0", 1), interface("fra-1", "et-0/0/1", 2), interface("fra-1", "et-0/0/2", 3),
        interface("fra-1", "GigabitEthernet0/3", 4, short_name="Gi0/3"),
        interface("fra-2", "Ethernet1/1", 1), interface("ams-1", "et-0/0/0", 1), interface("ams-1", "et-0/0/1", 2),
        interface("chi/1", "et-0/0/0", 1),
        known(ObjectKind.CIRCUIT, "C-1", name="C-1", provider="Lumen", capacity_bps=5 * G),
        link(("fra-1", "et-0/0/0"), ("ams-1", "et-0/0/0"), circuit="C-1"),
        link(("fra-1", "Gi0/3"), ("ams-1", "et-0/0/1"), origin="lldp"),
        link(("ams-1", "et-0/0/1"), ("fra-1", "GigabitEthernet0/3"), origin="netbox"),
        link(("chi/1", "et-0/0/0"), ("fra-1", "et-0/0/1"), capacity_bps=10 * G, provider="Arelion"),
        link(("fra-1", "et-0/0/2"), ("fra-2", "Ethernet1/1")),
        link(("fra-2", "Ethernet1/2"), ("ghost", "eth0")),
    ]  # fmt: skip


def counters(
    address: str,
    if_index: int,
    name: str,
    bps: dict[str, float],
    since: int,
    until: int,
    every: int = 60,
    source: int = 2,
) -> Iterable[dict[str, Any]]:
    """Rows of counters that grow by ``bps`` bit/s (octets) or as many a second, one a ``every`` seconds."""
    for at in range(since + every, until + 1, every):
        for metric, per_s in bps.items():
            grown = per_s / 8 * every if metric.endswith("octets") else per_s * every
            yield {
                "time": at, "exporter": packed(address), "metric": metric, "metric_type": COUNTER, "source": source,
                "component": name, "if_index": if_index, "increase": grown, "interval_ms": every * 1000,
            }  # fmt: skip


def gauge(address: str, metric: str, value: float, at: int, component: str = "", **more: Any) -> dict[str, Any]:
    """One row of a gauge."""
    return {
        "time": at, "exporter": packed(address), "metric": metric, "metric_type": GAUGE, "source": 2, "value": value,
        "component": component, **more,
    }  # fmt: skip


def metric_rows(rows: Sequence[dict[str, Any]]) -> pa.RecordBatch:
    """A batch of the metrics table."""

    def column(name: str, default: Any) -> list[Any]:
        return [row.get(name, default) for row in rows]

    times = np.array([math.floor(row["time"] * 1e9) for row in rows], "datetime64[ns]")
    return batch_of(
        METRICS, len(rows), time=times, time_received=times,
        exporter=column("exporter", bytes(16)), host=column("host", ""), source=np.array(column("source", 0), np.uint8),
        metric_type=np.array(column("metric_type", 0), np.uint8), metric=column("metric", ""),
        component=column("component", ""), if_index=np.array(column("if_index", 0), np.uint32),
        labels=column("labels", ""), value=np.array(column("value", 0.0), np.float64),
        increase=np.array(column("increase", 0.0), np.float64),
        interval_ms=np.array(column("interval_ms", 0), np.uint32),
    )  # fmt: skip
