"""Answers that a page gets instead of the server's, where what is looked at must be known to the letter."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

Answer = dict[str, Any]
NOW = datetime.now(UTC).replace(microsecond=250_000)

LOG_COLUMNS = [
    "exporter", "host", "severity", "facility", "program", "process_id", "message_id", "event", "component",
    "interface", "clock", "source", "template", "fields", "message",
]  # fmt: skip
CHANGE_COLUMNS = [
    "exporter", "host", "kind", "source", "author", "component", "change_id", "reference", "title", "detail",
]  # fmt: skip
DIFF = """--- core1 before
+++ core1 after
@@ -1,3 +1,3 @@
 interface et-0/0/0
- description old
+ description <b>new</b>
 no shutdown"""


def iso(seconds_ago: float) -> str:
    """A moment as answers write it."""
    return (NOW - timedelta(seconds=seconds_ago)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _view(columns: list[Answer], rows: Sequence[Sequence[Any]], **more: Any) -> Answer:
    until = int(NOW.timestamp())
    return {
        "columns": columns, "rows": rows, "window": {"since": until - 3600, "until": until}, "unit": "messages",
        "chart": {"kind": "table", "title": "", "unit": ""}, "grid": None, "series": [], "links": [], "labels": {},
        "other": None, "totals": {}, "next_before": None, "highlight": [], "query": {},
        "provenance": {
            "sql": "SELECT 1", "table": "logs", "resolution_s": 0, "rows_read": 10, "bytes_read": 10, "elapsed_ms": 1.0,
            "exact": True, "sampling_rates": [], "unsampled_share": 0.0, "newest": until, "silent_exporters": [],
            "notes": [],
        },
    } | more  # fmt: skip


def _column(name: str, kind: str = "text") -> Answer:
    return {"name": name, "title": name.capitalize(), "kind": kind, "unit": ""}


def log(message: str, ago: float, **more: str) -> list[Any]:
    """One row of logs."""
    cells = dict.fromkeys(LOG_COLUMNS, "") | {
        "exporter": "192.0.2.1", "severity": "info", "clock": "synchronised", "source": "tcp", "program": "rpd",
        "message": message,
    }  # fmt: skip
    cells |= more
    return [iso(ago), iso(ago - 0.2), iso(ago), *cells.values()]


def logs_view(rows: Sequence[Sequence[Any]], **more: Any) -> Answer:
    """A ``records`` view of logs."""
    times = [_column(name, "timestamp") for name in ("time", "time_received", "time_device")]
    labels = {"exporter": {"192.0.2.1": "core1"}}
    return _view([*times, *map(_column, LOG_COLUMNS)], rows, labels=labels, **more)


def change(title: str, ago: float, added: int = 0, removed: int = 0, **more: str) -> list[Any]:
    """One row of changes."""
    cells = dict.fromkeys(CHANGE_COLUMNS, "") | {"exporter": "192.0.2.1", "kind": "config", "title": title} | more
    return [iso(ago), iso(ago), *cells.values(), added, removed]


def changes_view(rows: Sequence[Sequence[Any]]) -> Answer:
    """A ``records`` view of changes."""
    times = [_column(name, "timestamp") for name in ("time", "time_received")]
    counts = [_column(name, "measure") for name in ("added", "removed")]
    labels = {"exporter": {"192.0.2.1": "core1"}}
    return _view([*times, *map(_column, CHANGE_COLUMNS), *counts], rows, labels=labels)


def series_view(by: str, keys: Sequence[str], buckets: int = 60) -> Answer:
    """A ``series`` view with one message in every bucket of every key."""
    until = int(NOW.timestamp())
    return _view(
        [_column(by), {**_column("messages", "measure"), "unit": "messages"}],
        [[key, buckets] for key in keys],
        grid={"start": until - 60 * buckets, "step": 60, "count": buckets},
        series=[
            {"key": [key], "label": key, "values": [1.0] * buckets, "previous": None, "other": False} for key in keys
        ],
        totals={"messages": len(keys) * buckets},
    )


def facets_view(**values: Sequence[str]) -> Answer:
    """Facets: every value occurs five times."""
    return {
        "facets": [
            {
                "dimension": name, "title": name.capitalize(), "other": 0.0,
                "values": [{"value": value, "label": value, "count": 5.0} for value in those],
            }
            for name, those in values.items()
        ],
        "total": 10.0, "unit": "messages", "elapsed_ms": 1.0,
    }  # fmt: skip


class Questions:
    """Answers the page's questions about one dataset and remembers them; all others reach the server."""

    def __init__(self, page: Any, dataset: str, records: Callable[[Answer], Answer], series: Answer, facets: Answer):
        self.asked: list[Answer] = []
        self._dataset, self._records, self._series, self._facets = dataset, records, series, facets
        page.route("**/api/v1/query", self._answer)
        page.route("**/api/v1/query/facets", lambda route: route.fulfill(json=self._facets))

    def _answer(self, route: Any) -> None:
        query = json.loads(route.request.post_data)
        if query.get("dataset") != self._dataset:
            route.fallback()
            return
        self.asked.append(query)
        view = self._records(query) if query["view"] == "records" else self._series
        route.fulfill(json=view | {"query": query})

    def records(self) -> list[Answer]:
        """The questions for records."""
        return [query for query in self.asked if query["view"] == "records"]


def source(name: str, **more: Any) -> Answer:
    """A source as the API tells of it."""
    return {
        "id": f"snmp:{name}:161", "kind": "snmp", "name": name, "target": f"{name}:161", "exporter": "192.0.2.1",
        "state": "ok", "status": "ok", "reasons": [], "expected_s": 60.0, "first_seen": 1.0,
        "last_seen": NOW.timestamp(), "received": 5, "rows": 50, "rows_per_s": 1.5, "lag_s": 0.4,
        "clock_skew_s": None, "coverage": 1.0, "gaps": 0, "duplicates": 0, "late": 0, "errors": [], "last_error": "",
        "last_error_at": None, "detail": {"profile": "junos"},
    } | more  # fmt: skip


def sources_view(sources: Sequence[Answer]) -> Answer:
    """All sources other than flow exporters."""
    kinds: dict[str, Answer] = {}
    for one in sources:
        kind = kinds.setdefault(one["kind"], {
            "kind": one["kind"], "total": 0, "states": {}, "status": "ok", "attention": 0, "rows": 0, "rows_per_s": 0.0,
            "errors": 0, "history": {"start": 0, "step": 10, "unit": "rows/s", "values": []},
        })  # fmt: skip
        kind["total"] += 1
        kind["states"][one["state"]] = kind["states"].get(one["state"], 0) + 1
    return {
        "sources": list(sources), "total": len(sources), "kinds": list(kinds.values()), "updated": NOW.timestamp(),
        "intake": {
            "running": True, "stored": {"metrics": 50}, "lost_rows": [], "pending": 0, "store_ok": True,
            "store_error": "", "store_away_since": None, "latency_p50_ms": 100.0, "latency_p99_ms": 900.0,
            "spool_rows": 0, "spool_bytes": 0, "spool_oldest_s": 0.0, "rejected_files": 0,
        },
    }  # fmt: skip


def reconciliation_view(*rows: Answer) -> Answer:
    """Flows against counters."""
    until = int(NOW.timestamp())
    verdicts: dict[str, int] = {}
    for row in rows:
        verdicts[row["verdict"]] = verdicts.get(row["verdict"], 0) + 1
    return {
        "window": {"since": until - 3600, "until": until}, "rows": list(rows), "total": len(rows), "reasons": {},
        "verdicts": verdicts, "sql": "", "rows_read": 1, "elapsed_ms": 1.0,
    }  # fmt: skip


def reconciled(interface: str, verdict: str, ratio: float | None, **more: Any) -> Answer:
    """One direction of an interface."""
    until = int(NOW.timestamp())
    window = {"since": str(until - 3600), "until": str(until), "view": "series"}
    return {
        "exporter": "192.0.2.1", "device": "core1", "site": "", "demo": False, "if_index": 7, "interface": interface,
        "direction": "in", "speed_bps": 10**10, "verdict": verdict, "flow_bps": 1e9, "flow_bps_framed": 1.02e9,
        "counter_bps": 2e9, "counter_source": "snmp", "ratio": ratio, "adjusted": ratio, "tolerance": 0.03,
        "flow_coverage": 1.0, "counter_coverage": 0.98, "loss_share": 0.0, "sampling_rates": [1000],
        "packets_seen": 1e6, "reasons": [],
        "queries": {
            "flows": {"dataset": "flows", "measures": ["bps"], "filter": "in_if = 192.0.2.1:7", "by": []} | window,
            "counters": {"dataset": "metrics", "measures": ["rate"], "filter": "metric = in_octets", "by": ["source"]}
            | window,
        },
    } | more  # fmt: skip
