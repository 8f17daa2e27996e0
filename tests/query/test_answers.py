"""What surrounds an answer: completion, checks, export, text, limits, concurrency."""

from __future__ import annotations

import csv
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.query.conftest import DAY, FIRST, KEEP, LAST, NOW

from weft.errors import LimitExceeded, StoreUnavailable
from weft.model.views import ViewResult
from weft.query.config import QueryConfig
from weft.query.engine import QueryEngine
from weft.query.filter.complete import complete
from weft.query.model import Query
from weft.query.text import footer, render, sparkline, visible
from weft.query.times import auto_step, lay_grid, parse_duration, parse_time
from weft.store.telemetry import TelemetryStore


def ask(**more: Any) -> Query:
    return Query.model_validate({"since": str(FIRST), "until": str(LAST)} | more)


def offered(engine: QueryEngine, text: str) -> tuple[str, list[str]]:
    """What would be replaced at ``|``, and with what."""
    cursor = text.index("|")
    found = engine.complete(text.replace("|", ""), cursor)
    return text.replace("|", "")[found.from_ : found.to], [o.insert for o in found.options]


@pytest.mark.parametrize(("text", "replaced", "first"), [
    ("|", "", ["exporter"]), ("srca|", "srca", ["src_addr", "src_as"]), ("Src.A|S = 1", "Src.AS", ["src_addr",
    "src_as"]),
    ("src_as |", "", ["=", "!=", "IN ("]), ("src_as !|", "!", ["!="]), ("src_as not |", "", ["IN ("]),
    ("src_as = |", "", ["AS15169", "AS64501"]), ("src_as = AS64|", "AS64", ["AS64501"]), ("src_as = goo|", "goo",
    ["AS15169"]),
    ("proto = |", "", ["tcp", "udp"]), ("proto = ic|", "ic", ["icmp", "icmpv6"]), ("direction = |", "", ["ingress",
    "egress"]),
    ("SrcSite = |", "", ["lyon", '"new york"', "paris"]), ('SrcSite = "ne|', '"ne', ['"new york"']), ("site = pa|",
    "pa", ["paris"]),
    ("app = ht|", "ht", ["https"]), ("exporter = rou|", "rou", ["192.0.2.1", "192.0.2.2", "2001:db8::3"]),
    ("InIf = router1:|", "router1:", ["router1:et-0/0/1", "router1:et-0/0/2"]), ("SrcAddr << |", "", ["10.0.0.0/8"]),
    ("DstPort IN (80, 44|", "44", ["443"]), ("DstPort IN (80|", "80", ["80", "8080"]), ("DstPort IN (80 |", "",
    [",", ")"]),
    ("src_as = 1 |", "", ["AND", "OR"]), ("(src_as = 1 o|", "o", ["OR"]), ("(src_as = 1 |", "", ["AND", "OR", ")"]),
    ("src_as = 1 AND dst_a|", "dst_a", ["dst_addr", "dst_as"]), ("tcpflags has |", "", ["fin", "syn"]),
    ("src_as in |", "", ["("]),
    ("src_as = dst_|", "dst_", ["dst_as"]), ("InIf.speed > |", "", ["1G", "10G"]), ("NOT srca|", "srca", ["src_addr"]),
    ("nonsense = |", "", []), ("src_as = 1)) garbage |", "", ["AND"]),
])  # fmt: skip
def test_completion(engine: QueryEngine, text: str, replaced: str, first: list[str]) -> None:
    at, options = offered(engine, text)
    assert at == replaced
    assert options[: len(first)] == first


def test_completion_needs_no_store(engine: QueryEngine) -> None:
    class Away:
        def query(self, *_: Any, **__: Any) -> Any:
            raise StoreUnavailable("away")

    from weft.query.known import KnownValues

    dataset = engine.catalogue().datasets["flows"]
    assert complete("src_site = ", 11, dataset, KnownValues(Away(), NOW)).options == []  # type: ignore[arg-type]
    assert complete("proto = ", 8, dataset, KnownValues(Away(), NOW)).options  # type: ignore[arg-type]


def test_a_check_says_how_the_filter_is_written_or_what_is_wrong(engine: QueryEngine) -> None:
    assert engine.check("SrcAS=1 && proto=TCP").canonical == "src_as = AS1 AND protocol = tcp"
    wrong = engine.check("SrcAS = x")
    assert (wrong.ok, wrong.error and (wrong.error.position, wrong.error.end)) == (False, (8, 9))


def test_csv_is_the_rows_and_runs_no_formula(engine: QueryEngine) -> None:
    text = b"".join(engine.export(ask(view="table", by=["src_as"], measures=["bps", "flows"], top=2), "csv")).decode()
    lines = list(csv.reader(io.StringIO(text)))
    result = engine.run(ask(view="table", by=["src_as"], measures=["bps", "flows"], top=2))
    assert lines[0] == ["src_as", "bps", "flows"]
    assert [line[0] for line in lines[1:]] == [r[0] for r in result.rows]
    assert [float(line[2]) for line in lines[1:]] == [r[2] for r in result.rows]

    from weft.query.export import _cell

    assert [_cell(v) for v in ("=1+1", "@x", "-2", "ok", None, 3.0)] == ["'=1+1", "'@x", "'-2", "ok", "", 3]


def test_parquet_keeps_types_units_and_gaps(engine: QueryEngine) -> None:
    data = b"".join(engine.export(ask(by=["protocol"], every=1800, top=1, compare_to="1h"), "parquet"))
    table = pq.read_table(io.BytesIO(data))
    assert table.schema.names == ["time", "protocol", "bps", "bps_previous"]
    assert table.num_rows == 24
    assert table["bps"].null_count == 2
    assert table.schema.metadata[b"unit:bps"] == b"bit/s"
    records = pq.read_table(io.BytesIO(b"".join(engine.export(ask(view="records", limit=3), "parquet"))))
    assert str(records.schema.field("time_start").type) == "timestamp[ms, tz=UTC]"
    assert str(records.schema.field("bytes").type) == "uint64"


@pytest.mark.parametrize("view", ["series", "table", "sankey", "records", "stat"])
def test_every_view_reads_well_in_a_terminal(engine: QueryEngine, view: str) -> None:
    result = engine.run(ask(view=view, by=["src_site", "dst_site"] if view != "stat" else [], every=1800, top=2))
    lines = list(render(result))
    assert len(lines) == len(result.rows) + 2
    assert len({len(line.rstrip()) for line in lines[1:2]}) == 1
    assert "rows read" in "\n".join(footer(result))
    assert "unknown" in "\n".join(footer(result))
    assert ViewResult.model_validate_json(result.model_dump_json()) == result


def test_courses_and_names_for_people() -> None:
    assert sparkline([0, None, 4, 8]) == "▁·▅█"
    assert visible("a\x1b[31mb\u202e") == "a\\x1b[31mb\\u202e"


def test_limits_end_in_advice(store: TelemetryStore) -> None:
    hasty = QueryEngine(store, QueryConfig(timeout_s=0.0001), retention_days=KEEP, clock=lambda: float(NOW))
    with pytest.raises(LimitExceeded, match="shorter time range"):
        hasty.run(ask(by=["src_addr", "dst_addr", "src_port"], view="table"))


def test_memory_limit_ends_in_advice(store: TelemetryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise LimitExceeded("the query needs too much memory")

    monkeypatch.setattr(type(store), "query", full)
    with pytest.raises(LimitExceeded, match="fewer dimensions"):
        QueryEngine(store, retention_days=KEEP, clock=lambda: float(NOW)).run(ask(view="stat"))


def test_many_at_once(engine: QueryEngine) -> None:
    questions = [ask(by=["src_as"], top=n % 5 + 1, every=1800, view=v) for n in range(4) for v in ("series", "table")]
    want = [engine.run(q).rows for q in questions]
    barrier = threading.Barrier(4)

    def run(part: int) -> list[Any]:
        barrier.wait(10)
        return [engine.run(q).rows for q in questions[part::4]]

    with ThreadPoolExecutor(4) as pool:
        for part, rows in enumerate(pool.map(run, range(4))):
            assert rows == want[part::4]


def test_rows_older_than_a_table_keeps_are_said_to_be_gone(store: TelemetryStore) -> None:
    engine = QueryEngine(store, clock=lambda: float(NOW + 20 * 86400))
    by_address = engine.run(ask(view="table", by=["src_addr"]))
    assert (by_address.provenance.table, by_address.provenance.notes) == (
        "flows", ["flows is kept for 15 days: nothing older can be shown for this question"],
    )  # fmt: skip
    by_protocol = engine.run(ask(view="table", by=["protocol"]))
    assert by_protocol.provenance.notes == []


# --- times ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "want"), [
    ("now", NOW), ("now-24h", NOW - 86400), ("now - 1h30m", NOW - 5400), ("now+1m", NOW + 60), ("now/d", DAY),
    ("now-1d/d", DAY - 86400), ("now/w", DAY), ("NOW/h", NOW), ("2026-11-16", DAY), ("2026-11-16T06:00:00Z", FIRST),
    ("2026-11-16T07:00:00+01:00", FIRST), (str(FIRST), FIRST), (f"{FIRST}.9", FIRST),
])  # fmt: skip
def test_times(text: str, want: int) -> None:
    assert parse_time(text, NOW, "since") == want
    assert parse_duration("1h30m", "x") == 5400


@pytest.mark.parametrize(("span", "step"), [
    (900, 10), (3600, 15), (6 * 3600, 120), (86400, 300), (7 * 86400, 3600), (30 * 86400, 10800), (365 * 86400, 172800),
])  # fmt: skip
def test_steps_read_well(span: int, step: int) -> None:
    assert auto_step(span, 240) == step
    grid = lay_grid(NOW - span + 7, NOW, NOW, step=None, points=240)
    assert grid.start % min(step, 86400) == 0
    assert grid.start <= NOW - span + 7 < grid.start + step
    assert grid.until == NOW


def test_local_days_and_weeks() -> None:
    paris = lay_grid(FIRST, FIRST + 86400, NOW + 10**6, step=86400, points=10, zone="Europe/Paris")
    assert paris.start == DAY - 3600
    assert lay_grid(FIRST, LAST, NOW, step=7 * 86400, points=10).start == DAY
    assert lay_grid(FIRST, LAST, NOW, step=3600, points=10, zone="Asia/Kolkata").start == FIRST - 1800
