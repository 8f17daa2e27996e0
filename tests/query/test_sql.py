"""The SQL of typical questions, as files that a person can read (``tests/query/golden``).

When the compiler changes on purpose: ``WEFT_UPDATE_GOLDEN=1 ./dev test tests/query/test_sql.py``, then read the diff.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from tests.query.conftest import FIRST, LAST, packed

from weft.model.metrics import METRICS
from weft.model.rows import batch_of
from weft.query.compile.sql import literal
from weft.query.engine import QueryEngine
from weft.query.model import Query
from weft.store.telemetry import TelemetryStore

GOLDEN = Path(__file__).parent / "golden"

QUESTIONS: dict[str, dict[str, Any]] = {
    "totals": {"view": "stat", "measures": ["bps", "pps", "flows"]},
    "top_as_table": {"view": "table", "by": ["src_as"], "measures": ["bps", "avg_packet_size"], "top": 5},
    "top_as_series": {"by": ["src_as"], "top": 3, "every": 3600},
    "protocol_series_compared": {"by": ["protocol"], "top": 3, "every": 300, "compare_to": "1h"},
    "site_table": {"view": "table", "by": ["src_site", "dst_port"], "filter": "InIf.boundary = external", "top": 5},
    "one_address": {"by": ["dst_port"], "filter": "Addr = 10.0.0.1 AND NOT Port IN (53, 8000-8999)", "every": 300},
    "percentile": {"view": "table", "by": ["out_if"], "measures": ["p95_bps"], "top": 3},
    "unique": {"view": "table", "by": ["app"], "measures": ["unique_src_addr", "bps"], "top": 3},
    "sankey": {"view": "sankey", "by": ["src_as", "in_if", "exporter_name"], "top": 5},
    "highest_bucket": {"view": "table", "by": ["src_as"], "rank": "max", "every": 3600, "top": 3},
    "records": {"view": "records", "filter": "SrcAddr << 10.0.0.0/8 AND SrcSite LIKE p%", "order": "bytes",
    "limit": 20},
    "either_side": {"view": "stat", "measures": ["bytes"],
    "filter": "AS != 64501 AND (Site = paris OR tcp_flags HAS syn)"},
    "metrics_top_interfaces": {"dataset": "metrics", "by": ["interface"], "top": 3, "every": 3600,
    "filter": "metric = golden_octets AND exporter = 203.0.113.8"},
    "metrics_two_sources": {"dataset": "metrics", "view": "table", "by": ["exporter_name", "component"], "top": 3,
    "measures": ["max", "utilisation"], "filter": "metric = golden_octets"},
    "metrics_label": {"dataset": "metrics", "view": "stat", "measures": ["last"],
    "filter": "metric = golden_octets AND label_queue = 3 AND interface = router1:et-0/0/1 AND source = snmp"},
    "metrics_percentile": {"dataset": "metrics", "view": "table", "by": ["exporter"], "measures": ["p95_bps"],
    "filter": "metric = golden_octets AND source = gnmi"},
    "logs_search": {"dataset": "logs", "view": "records", "limit": 20, "before": "1794823200123456:2",
    "filter": "message ~ 'ge-0/0/1 down inter*' AND severity <= error AND NOT program MATCHES '^rpd'"},
    "logs_by_event": {"dataset": "logs", "by": ["event"], "every": 3600, "top": 3},
    "changes_by_author": {"dataset": "changes", "view": "table", "by": ["author"], "measures": ["added", "changes"]},
}  # fmt: skip


@pytest.fixture(scope="module")
def two_sources(store: TelemetryStore) -> None:
    """One metric that two sources tell of: how it is asked for depends on that."""
    at = (FIRST + 100) * 10**9
    store.insert(METRICS, batch_of(
        METRICS, 2, time=at, time_received=at, exporter=packed("203.0.113.9"), source=[2, 3], metric_type=1,
        metric="golden_octets", component="et-0/0/1", if_index=1, value=1.0,
    ), token="two sources")  # fmt: skip


@pytest.mark.usefixtures("two_sources")
@pytest.mark.parametrize("name", QUESTIONS)
def test_sql(engine: QueryEngine, name: str) -> None:
    question = Query.model_validate({"since": str(FIRST), "until": str(LAST)} | QUESTIONS[name])
    sql = engine.run(question).provenance.sql + "\n"
    file = GOLDEN / f"{name}.sql"
    if os.environ.get("WEFT_UPDATE_GOLDEN"):
        file.write_text(sql, encoding="utf-8")
    assert sql == file.read_text(encoding="utf-8")


def test_every_golden_file_has_its_question() -> None:
    assert {f.stem for f in GOLDEN.glob("*.sql")} == set(QUESTIONS)


def test_literals() -> None:
    assert literal("it's \\ \n") == "'it\\'s \\\\ \\n'"
    assert literal([(1, b"\0" * 10 + b"\xff\xff\x0a\0\0\1")]) == "((1, toIPv6('::ffff:10.0.0.1')))"
