"""Metric rows of a few devices as plain dicts, and a naive reference that measures them in plain Python."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tests.query.conftest import EXPORTER_NAMES, FIRST, INTERFACES_OF, LAST, packed

from weft.model.metrics import METRICS
from weft.model.rows import batch_of

Row = dict[str, Any]
#: What the sources are stored as.
SFLOW, SNMP, GNMI, PROMETHEUS = 1, 2, 3, 4
COUNTER, GAUGE, TEXT = 1, 2, 3
#: router2 is polled by SNMP and streams by gNMI at the same time; its gNMI stream began late.
LATE = FIRST + 4 * 3600
#: router3 was not polled in this time.
AWAY = (FIRST + 2 * 3600, FIRST + 2 * 3600 + 1500)


def make_metrics(seed: int = 11) -> list[Row]:
    """Counters with resets, gaps and two sources; gauges; labels; a host without an address; texts."""
    rng = random.Random(seed)
    rows: list[Row] = []
    for exporter in EXPORTER_NAMES:
        for index in (1, 2, 3):
            for metric in ("in_octets", "out_octets", "in_errors"):
                busy = rng.uniform(1e5, 1e7) if metric != "in_errors" else 0.2
                series = _series(exporter, metric, f"et-0/0/{index}", index)
                skip = AWAY if exporter.endswith("::3") else (0, 0)
                rows += _counter(rng, series, SNMP, FIRST - 300, LAST, 60, busy, skip)
                if exporter == "192.0.2.2":
                    rows += _counter(rng, series, GNMI, LATE, LAST, 20, busy, (0, 0))
                if exporter == "192.0.2.1" and metric != "in_errors":
                    # sFlow knows the interface by its index only.
                    rows += _counter(rng, series | {"component": ""}, SFLOW, FIRST, LAST, 90, busy, (0, 0))
            for queue in ("0", "3"):
                series = _series(exporter, "queue_dropped_pkts", f"et-0/0/{index}", index, f'queue="{queue}"')
                rows += _counter(rng, series, GNMI, FIRST, LAST, 120, 3.0, (0, 0))
        for card in ("0", "1"):
            rows += _gauge(rng, _series(exporter, "cpu_percent", card), SNMP, 60, 5, 95)
        rows += _gauge(rng, _series(exporter, "optical_rx_dbm", "et-0/0/1", 1, 'lane="1"'), SNMP, 300, -9, -1)
    for job in ("a", 'quoted "b", queue="3"\\'):
        escaped = job.replace("\\", "\\\\").replace('"', '\\"')
        host = {"exporter": bytes(16), "host": f"host-{job[0]}"}
        series = _series("192.0.2.1", "node_load", "", 0, f'instance="x",job="{escaped}"') | host
        rows += _gauge(rng, series, PROMETHEUS, 60, 0, 4)
    rows.append(_series("192.0.2.1", "version", "") | _stamp(FIRST + 60) | {
        "source": GNMI, "metric_type": TEXT, "value": math.nan, "text": "24.2R1", "increase": 0.0, "interval_ms": 0,
    })  # fmt: skip
    return rows


def _series(exporter: str, metric: str, component: str, index: int = 0, labels: str = "") -> Row:
    return {
        "exporter": packed(exporter), "host": "", "metric": metric, "component": component, "if_index": index,
        "labels": labels, "text": "",
    }  # fmt: skip


def _stamp(at: float) -> Row:
    return {"time": round(at * 1000) / 1000, "time_received": round(at * 1000) / 1000 + 0.25}


def _counter(
    rng: random.Random, series: Row, source: int, since: float, until: float, every: float, per_s: float,
    skip: tuple[float, float],
) -> list[Row]:  # fmt: skip
    """A counter that is reset now and then; what it grew by is known to whoever counts (here: us)."""
    rows, at, value, before, grown = [], since + rng.random() * every, rng.randrange(10**6), 0.0, 0
    while at < until:
        step = max(1, round(rng.expovariate(1) * per_s * every))
        value, grown = (step, grown + step) if rng.random() < 0.003 else (value + step, grown + step)
        if not skip[0] <= at < skip[1] and rng.random() > 0.05:
            first = not rows
            rows.append(series | _stamp(at) | {
                "source": source, "metric_type": COUNTER, "value": float(value),
                "increase": 0.0 if first else float(grown), "interval_ms": 0 if first else round((at - before) * 1000),
            })  # fmt: skip
            before, grown = at, 0
        at += every * rng.uniform(0.9, 1.1)
    return rows


def _gauge(rng: random.Random, series: Row, source: int, every: float, low: float, high: float) -> list[Row]:
    return [
        series | _stamp(at + rng.random()) | {
            "source": source, "metric_type": GAUGE,
            "value": math.nan if rng.random() < 0.01 else rng.uniform(low, high),
            "increase": 0.0, "interval_ms": 0,
        }
        for at in range(FIRST, LAST, int(every)) if rng.random() > 0.05
    ]  # fmt: skip


def metric_batch(rows: Sequence[Row]) -> Any:
    """Rows as a batch of the metrics table."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    for name in ("time", "time_received"):
        columns[name] = [round(at * 1e9) for at in columns[name]]
    return batch_of(METRICS, len(rows), **columns)


# --- the reference ----------------------------------------------------------------------------------------------------


def series_key(row: Row) -> tuple[Any, ...]:
    """What a value is of, whichever source told it."""
    absent = row["exporter"] == bytes(16)
    return (
        row["exporter"], row["metric"], row["if_index"], row["labels"], row["component"] if not row["if_index"] else "",
        row["host"] if absent else "",
    )  # fmt: skip


def per_series(rows: Iterable[Row], *, one_source: bool = True) -> list[list[Row]]:
    """Rows of each series: of the source with most samples (the first of them where equal)."""
    found: dict[Any, dict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        found[series_key(row)][row["source"]].append(row)
    if not one_source:
        return [part for sources in found.values() for part in sources.values()]
    return [sources[min(sources, key=lambda s: (-len(sources[s]), s))] for sources in found.values()]


def rate(rows: Sequence[Row]) -> float | None:
    """Growth per second of one series."""
    took = sum(r["interval_ms"] for r in rows)
    return sum(r["increase"] for r in rows) / took * 1000 if took else None


def samples(rows: Sequence[Row]) -> list[float]:
    """A gauge's values, a counter's rates."""
    out = []
    for r in rows:
        if r["metric_type"] == GAUGE and math.isfinite(r["value"]):
            out.append(r["value"])
        elif r["metric_type"] == COUNTER and r["interval_ms"]:
            out.append(r["increase"] / r["interval_ms"] * 1000)
    return out


def mean(rows: Sequence[Row]) -> float | None:
    """Average of one series."""
    values = samples(rows)
    return rate(rows) if rows[0]["metric_type"] == COUNTER else sum(values) / len(values) if values else None


def measure(rows: Sequence[Row], name: str, *, one_source: bool = True) -> float | None:
    """A measure over the rows of a group in a window."""
    series = per_series(rows, one_source=one_source)
    if name in _OF_SERIES:
        return _OF_SERIES[name](series)
    values = [v for s in series for v in samples(s)]
    if name == "samples":
        return float(sum(len(s) for s in series))
    if not values:
        return None
    if name == "p95":
        return sorted(values)[math.ceil(0.95 * len(values)) - 1]
    if name == "last":
        newest = [max((r for r in s if samples([r])), key=lambda r: r["time"]) for s in series if samples(s)]
        return samples([max(newest, key=lambda r: (r["time"], samples([r])[0]))])[0]
    return {"min": min, "max": max}[name](values)


def _added(parts: Iterable[float | None]) -> float | None:
    known = [p for p in parts if p is not None]
    return sum(known) if known else None


def _average(parts: Iterable[float | None]) -> float | None:
    known = [p for p in parts if p is not None]
    return sum(known) / len(known) if known else None


def _utilisation(series: list[list[Row]]) -> float | None:
    ports = [s for s in series if s[0]["metric"] in ("in_octets", "out_octets") and rate(s) is not None]
    speeds = [INTERFACES_OF[_text(s[0]["exporter"]), s[0]["if_index"]][3] for s in ports]
    return sum(rate(s) or 0 for s in ports) * 800 / sum(speeds) if ports else None


def _text(exporter: bytes) -> str:
    return next(e for e in EXPORTER_NAMES if packed(e) == exporter)


_OF_SERIES: dict[str, Callable[[list[list[Row]]], float | None]] = {
    "rate": lambda series: _added(map(rate, series)),
    "bps": lambda series: (lambda r: None if r is None else r * 8)(
        _added(rate(s) for s in series if s[0]["metric"].endswith("_octets"))
    ),
    "avg": lambda series: _average(map(mean, series)),
    "sum": lambda series: _added(map(mean, series)),
    "increase": lambda series: _added(
        sum(r["increase"] for r in s) if any(r["interval_ms"] for r in s) else None for s in series
    ),
    "series": lambda series: float(len(series)),
    "utilisation": _utilisation,
    "unique_component": lambda series: float(len({s[0]["component"] for s in series})),
    "unique_exporter": lambda series: float(len({s[0]["exporter"] for s in series})),
}
