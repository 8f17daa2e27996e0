"""Every view against the naive reference, from raw rows and from rollups."""

from __future__ import annotations

from typing import Any

import pytest
from tests.query import reference
from tests.query.conftest import DAY, FIRST, KEEP, LAST, NOW, QUIET, Row

from weft.errors import InvalidInput
from weft.model.flows import FLOWS
from weft.query.engine import QueryEngine
from weft.query.model import Query
from weft.query.names import cell_text
from weft.store.telemetry import TelemetryStore

SINCE, UNTIL = str(FIRST), str(LAST)


def ask(**more: Any) -> Query:
    return Query.model_validate({"since": SINCE, "until": UNTIL} | more)


def cells(by: tuple[str, ...], key: tuple[Any, ...]) -> list[str]:
    """What the reference's values look like in a result."""
    out = []
    for name, v in zip(by, key, strict=True):
        d = reference.DATASET.dimensions[name]
        out.append(str(v) if d.kind == "address" else cell_text(d, v))
    return out


def expected(
    rows: list[Row], by: tuple[str, ...], measures: list[str], top: int, since: int, until: int
) -> tuple[list[Any], Any]:
    """Top rows and the remainder's measures (None without remainder)."""
    inside = [r for r in rows if since <= r["time_received"] < until]
    groups = reference.group(inside, by)
    rank = {k: reference.measure(g, measures[0], until - since, (since, until)) for k, g in groups.items()}
    top_keys = sorted(groups, key=lambda k: (-(rank[k] or 0), reference.stored(k)))[:top]
    out = [
        [*cells(by, k), *(reference.measure(groups[k], m, until - since, (since, until)) for m in measures)]
        for k in top_keys
    ]
    rest = [r for k, g in groups.items() if k not in top_keys for r in g]
    return out, [reference.measure(rest, m, until - since, (since, until)) for m in measures] if rest else None


def check(result: Any, want: list[Any], rest: Any, dimensions: int) -> None:
    got = [r for i, r in enumerate(result.rows) if i != result.other]
    assert [r[dimensions] for r in got] == pytest.approx([r[dimensions] for r in want])
    assert sorted(map(repr_row, got)) == sorted(map(repr_row, want))
    if rest is None:
        assert result.other is None
    else:
        assert repr_row(result.rows[result.other][dimensions:]) == repr_row(rest)


def repr_row(row: list[Any]) -> str:
    """Floats to 12 digits: sums are exact, divisions may differ in the last bit."""
    return repr([f"{v:.12g}" if isinstance(v, float | int) else v for v in row])


ADDITIVE = ["bps", "pps", "fps", "bytes", "packets", "flows", "avg_packet_size"]


@pytest.mark.parametrize("by", [("protocol",), ("src_as",), ("src_addr",), ("exporter",), ("src_as", "protocol"),
    ("dscp",),
                                ("dst_port", "src_addr"), ("direction", "flow_type", "src_as"), ("ip_version",),
                                ("tcp_flags",)])  # fmt: skip
@pytest.mark.parametrize("top", [3, 500])
def test_table_equals_the_reference(engine: QueryEngine, rows: list[Row], by: tuple[str, ...], top: int) -> None:
    result = engine.run(ask(view="table", by=by, measures=ADDITIVE, top=top))
    want, rest = expected(rows, by, ADDITIVE, top, FIRST, LAST)
    check(result, want, rest, len(by))


@pytest.mark.parametrize("by", [("src_site",), ("src_customer", "dst_site"), ("app",), ("app_category", "protocol"),
                                ("in_if_boundary",), ("exporter_name", "src_as"), ("out_if_provider",),
                                ("src_as_name",)])  # fmt: skip
def test_names_are_looked_up_after_grouping(engine: QueryEngine, rows: list[Row], by: tuple[str, ...]) -> None:
    measures = [*ADDITIVE[:6], "p95_bps", "unique_src_addr"]
    result = engine.run(ask(view="table", by=by, measures=measures, top=3))
    want, rest = expected(rows, by, measures, 3, FIRST, LAST)
    check(result, want, rest, len(by))


@pytest.mark.parametrize(
    "measures", [["unique_src_addr", "bps"], ["p95_bps", "unique_dst_as"], ["avg_packet_size"], ["bytes", "p95_bps"]]
)
def test_measures_that_do_not_add_up(engine: QueryEngine, rows: list[Row], measures: list[str]) -> None:
    result = engine.run(ask(view="table", by=["src_as"], measures=measures, top=4))
    want, rest = expected(rows, ("src_as",), measures, 4, FIRST, LAST)
    check(result, want, rest, 1)
    stat = engine.run(ask(view="stat", measures=measures))
    assert stat.rows == [[pytest.approx(reference.measure(rows, m, LAST - FIRST, (FIRST, LAST))) for m in measures]]


@pytest.mark.parametrize("every", [60, 300, 1800, 3600, 45])
@pytest.mark.parametrize("by", [(), ("protocol",), ("src_as", "direction"), ("src_addr",), ("src_site",)])
def test_series_equal_the_reference_from_any_table(
    engine: QueryEngine, rows: list[Row], by: tuple[str, ...], every: int
) -> None:
    result = engine.run(ask(by=by, every=every, top=3))
    assert result.grid is not None
    count = (LAST - FIRST) // every
    assert (result.grid.start, result.grid.step, result.grid.count) == (FIRST, every, count)
    groups = reference.group(rows, by)
    keys = sorted(groups, key=lambda k: -sum(reference.scaled(r, "bytes") for r in groups[k]))[:3]
    chosen = {" · ".join(cells(by, k)): groups[k] for k in keys}
    rest = [r for k, g in groups.items() if k not in keys for r in g]
    if rest:
        chosen["Other"] = rest
    assert len(result.series) == len(chosen)
    for series in result.series:
        members = chosen["" if not by else " · ".join(series.key)]
        want = [0.0] * count
        for r in members:
            want[(r["time_received"] - FIRST) // every] += reference.scaled(r, "bytes") * 8 / every
        got = series.values
        for i, value in enumerate(got):
            if value is None:
                assert want[i] == 0
            else:
                assert value == pytest.approx(want[i])
    seconds = {None: every, 60: 60, 300: 300, 1800: 300, 3600: 3600, 45: 0}[every]
    if by == ("protocol",):
        assert result.provenance.resolution_s == seconds


def test_a_gap_is_where_nobody_was_heard_and_zero_where_somebody_was(engine: QueryEngine, rows: list[Row]) -> None:
    result = engine.run(ask(every=300, filter="SrcAS = AS4200000001"))
    values = result.series[0].values
    quiet = range((QUIET[0] - FIRST) // 300, (QUIET[1] - FIRST) // 300)
    assert all(values[i] is None for i in quiet)
    assert all(values[i] is not None for i in range(len(values)) if i not in quiet)
    assert 0.0 in values


def test_rollups_and_raw_rows_agree(engine: QueryEngine, store: TelemetryStore) -> None:
    forgotten = KEEP | {r.name: 0 for r in FLOWS.rollups}
    raw_only = QueryEngine(store, retention_days=forgotten, clock=lambda: float(NOW))
    for view, by, table in (
        ("table", ["src_as"], "flows_source_1h"),
        ("series", ["app"], "flows_path_1h"),
        ("sankey", ["src_site", "src_as", "in_if"], "flows_source_1h"),
        ("table", ["dst_site"], "flows_destination_1h"),
        ("stat", [], "flows_exporters"),
    ):
        question = ask(view=view, by=by, measures=["bps", "flows"], every=3600, top=3)
        one, other = engine.run(question), raw_only.run(question)
        assert (one.provenance.table, other.provenance.table) == (table, "flows")
        for field in ("rows", "series", "links", "totals", "labels", "other"):
            assert getattr(one, field) == getattr(other, field), (view, field)


@pytest.mark.parametrize("rank", ["max", "last"])
@pytest.mark.parametrize("by", [("protocol",), ("src_as",)])
@pytest.mark.parametrize("view", ["series", "table"])
def test_rank_by_highest_or_last_bucket(
    engine: QueryEngine, rows: list[Row], rank: str, by: tuple[str, ...], view: str
) -> None:
    result = engine.run(ask(view=view, by=by, every=1800, top=3, rank=rank))
    groups = reference.group(rows, by)

    def score(key: tuple[Any, ...]) -> float:
        buckets = [0] * 12
        for r in groups[key]:
            buckets[(r["time_received"] - FIRST) // 1800] += reference.scaled(r, "bytes")
        return max(buckets) if rank == "max" else buckets[-1]

    want = [cells(by, k) for k in sorted(groups, key=lambda k: (-score(k), reference.stored(k)))[:3]]
    assert [r[: len(by)] for i, r in enumerate(result.rows) if i != result.other] == want


def test_sankey_folds_each_level_by_itself(engine: QueryEngine, rows: list[Row]) -> None:
    by = ("src_as", "dst_port", "direction")
    result = engine.run(ask(view="sankey", by=by, top=2, measures=["bytes"]))
    tops = []
    for name in by:
        groups = reference.group(rows, (name,))
        best = sorted(groups, key=lambda k: -sum(reference.scaled(r, "bytes") for r in groups[k]))[:2]
        tops.append({k[0] for k in best})
    paths: dict[tuple[str, ...], int] = {}
    links: dict[tuple[int, str, str], int] = {}
    for r in rows:
        path = tuple(
            cells((name,), (reference.value(r, name),))[0] if reference.value(r, name) in tops[i] else "Other"
            for i, name in enumerate(by)
        )
        paths[path] = paths.get(path, 0) + reference.scaled(r, "bytes")
        for level in range(2):
            link = (level, path[level], path[level + 1])
            links[link] = links.get(link, 0) + reference.scaled(r, "bytes")
    assert {tuple(r[:3]): r[3] for r in result.rows} == paths
    assert {tuple(link[:3]): link[3] for link in result.links} == links


def test_the_store_ranks_and_folds_when_groups_are_many(engine: QueryEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    questions = [
        ask(view="sankey", by=["src_as", "in_if", "app"], top=3, measures=["bytes"]),
        ask(by=["direction", "app"], top=3, every=1800),
        ask(by=["app"], top=3, every=1800, rank="max"),
    ]
    here = [engine.run(q) for q in questions]
    monkeypatch.setattr("weft.query.answer.series.MAX_ROWS", 3)
    monkeypatch.setattr("weft.query.answer.sankey.MAX_ROWS", 3)
    for question, one in zip(questions, here, strict=True):
        other = engine.run(question)
        assert (one.rows, one.links, one.series, one.other) == (other.rows, other.links, other.series, other.other)
        assert one.provenance.sql != other.provenance.sql


def test_comparison_shows_the_same_groups_earlier(engine: QueryEngine, rows: list[Row]) -> None:
    since, until = FIRST + 3 * 3600, LAST
    for view in ("series", "table"):
        result = engine.run(ask(view=view, by=["protocol"], since=str(since), every=1800, top=2, compare_to="previous",
                                measures=["bps", "p95_bps"]))  # fmt: skip
        assert [c.name for c in result.columns] == ["protocol", "bps", "p95_bps", "bps_previous", "p95_bps_previous"]
        earlier = [r for r in rows if FIRST <= r["time_received"] < since]
        for row in result.rows[:2]:
            same = [r for r in earlier if cells(("protocol",), (r["protocol"],)) == row[:1]]
            assert row[3] == pytest.approx(reference.measure(same, "bps", until - since))
            assert row[4] == pytest.approx(reference.measure(same, "p95_bps", 1, (FIRST, since)))
    previous = engine.run(ask(by=["protocol"], since=str(since), every=1800, top=2, compare_to="1h")).series[0].previous
    assert previous is not None
    assert len(previous) == 6
    same = [r for r in rows if r["protocol"] == 6 and since - 3600 <= r["time_received"] < since - 1800]
    assert previous[0] == pytest.approx(reference.measure(same, "bps", 1800))


def test_records_come_newest_or_largest_first(engine: QueryEngine, rows: list[Row]) -> None:
    result = engine.run(ask(view="records", filter="SrcAS = 15169 AND DstPort = 443", limit=5))
    match = [r for r in rows if r["src_as"] == 15169 and r["dst_port"] == 443]
    names = [c.name for c in result.columns]
    assert names[:3] == ["time_received", "time_start", "time_end"]
    times = [r[0] for r in result.rows]
    assert times == sorted(times, reverse=True)
    assert len(times) == 5
    assert result.rows[0][names.index("bytes")] in [
        r["bytes"] for r in match if r["time_received"] == match[-1]["time_received"]
    ]
    assert result.provenance.table == "flows"
    largest = engine.run(ask(view="records", by=["src_addr"], order="bytes", limit=1))
    assert largest.rows[0][-2] == max(rows, key=lambda r: reference.scaled(r, "bytes"))["bytes"]


def test_provenance_tells_sampling_staleness_and_silence(engine: QueryEngine, rows: list[Row]) -> None:
    result = engine.run(ask(by=["src_as"], view="table", filter="exporter = 192.0.2.1"))
    mine = [r for r in rows if reference.value(r, "exporter_name") == "router1"]
    assert result.provenance.sampling_rates == [1, 100, 1000]
    assert result.provenance.unsampled_share == pytest.approx(sum(not r["sampling_rate"] for r in mine) / len(mine))
    assert result.provenance.newest == mine[-1]["time_received"]
    assert result.provenance.silent_exporters == []
    assert "src_as" in result.provenance.sql
    quiet = engine.run(ask(since=str(QUIET[0]), until=str(QUIET[1])))
    assert quiet.provenance.silent_exporters == ["192.0.2.1", "192.0.2.2", "2001:db8::3"]
    assert quiet.provenance.newest is None
    assert quiet.series[0].values == [None] * len(quiet.series[0].values)


def test_a_cell_quoted_is_a_filter_for_its_row(engine: QueryEngine) -> None:
    import json

    for name, d in engine.catalogue().datasets["flows"].dimensions.items():
        if not d.groupable:
            continue
        result = engine.run(ask(view="table", by=[name], measures=["flows"], top=4, other=False))
        for cell, flows in result.rows:
            again = engine.run(ask(view="stat", measures=["flows"], filter=f"{name} = {json.dumps(cell)}"))
            assert again.rows == [[flows]], (name, cell)


def test_labels_are_for_people(engine: QueryEngine) -> None:
    result = engine.run(ask(view="table", by=["in_if", "src_as", "exporter"], top=300))
    assert result.labels["src_as"]["AS15169"] == "AS15169 Google"
    assert result.labels["src_as"]["AS0"] == "unknown"
    assert result.labels["exporter"]["192.0.2.1"] == "router1"
    assert result.labels["in_if"]["router1:et-0/0/1"] == "router1: et-0/0/1"
    assert "router2:0" in {r[0] for r in result.rows}


def test_the_running_bucket_counts_for_as_long_as_it_has_lasted(store: TelemetryStore, rows: list[Row]) -> None:
    now = FIRST + 3600 + 90
    engine = QueryEngine(store, retention_days=KEEP, clock=lambda: float(now))
    result = engine.run(ask(since="now-30m", until="now", every=300))
    assert result.grid is not None
    assert result.window.until == now
    last = FIRST + 3600
    seen = [r for r in rows if last <= r["time_received"] < last + 300]
    assert result.series[0].values[-1] == pytest.approx(sum(reference.scaled(r, "bytes") for r in seen) * 8 / 90)
    just = QueryEngine(store, retention_days=KEEP, clock=lambda: float(FIRST + 3600 + 2))
    assert just.run(ask(since="now-30m", until="now", every=300)).window.until == last


def test_a_running_bucket_is_compared_with_a_whole_one(store: TelemetryStore, rows: list[Row]) -> None:
    """The last bucket has lasted 90 s so far; half an hour earlier the same bucket lasted all of its 300 s."""
    engine = QueryEngine(store, retention_days=KEEP, clock=lambda: float(FIRST + 3600 + 90))
    series = engine.run(ask(since="now-20m", until="now", every=300, compare_to="30m")).series[0]
    earlier = FIRST + 3600 - 1800
    seen = [r for r in rows if earlier <= r["time_received"] < earlier + 300]
    assert series.previous is not None
    assert series.previous[-1] == pytest.approx(sum(reference.scaled(r, "bytes") for r in seen) * 8 / 300)


def test_days_begin_at_local_midnight(store: TelemetryStore) -> None:
    from weft.query.config import QueryConfig

    engine = QueryEngine(store, QueryConfig(time_zone="Europe/Paris"), retention_days=KEEP, clock=lambda: float(NOW))
    result = engine.run(ask(since="now/d", until="now", every=86400))
    assert result.grid is not None
    assert result.grid.start == DAY - 3600


@pytest.mark.parametrize(("more", "fix"), [
    ({"by": ["src_ass"]}, "src_as"), ({"by": ["as"]}, "src_as or dst_as"), ({"measures": ["bsp"]}, "bps"),
    ({"by": ["src_as", "SrcAS"]}, "once"), ({"view": "sankey", "by": ["src_as"]}, "src_site, dst_site"),
    ({"since": "yesterday"}, "now-24h"), ({"since": UNTIL, "until": SINCE}, "before"), ({"dataset": "flow"}, "flows"),
    ({"by": ["bytes"]}, ""), ({"every": 2, "points": 10, "top": 1000, "by": ["src_as"]}, "coarser"),
    ({"compare_to": "soon"}, "1d"), ({"filter": "SrcAS = x"}, "AS64501"),
])  # fmt: skip
def test_what_cannot_be_asked_says_how_to_ask(engine: QueryEngine, more: dict[str, Any], fix: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        engine.run(ask(**more))
    assert fix in caught.value.message
    assert caught.value.where


@pytest.mark.parametrize("by", [("src_as",), ("src_site", "in_if_name"), ("exporter",), ("src_as", "dst_port")])
def test_a_window_off_the_hour_is_covered_by_several_tables(
    engine: QueryEngine, rows: list[Row], by: tuple[str, ...]
) -> None:
    since, until = FIRST + 7 * 60, LAST - 13 * 60
    measures = ["bps", "packets", "flows", "unique_exporter"]
    result = engine.run(
        ask(view="table", by=by, measures=measures, top=3, since=str(since), until=str(until), every=60)
    )
    want, rest = expected(rows, by, measures, 3, since, until)
    check(result, want, rest, len(by))
    several = by in (("src_as",), ("src_site", "in_if_name"))
    assert ("UNION ALL" in result.provenance.sql) == several
    if several:
        assert result.provenance.table == "flows_source_1h"
        assert all(f"FROM flows_source_{t}" in result.provenance.sql for t in ("1m", "5m", "1h"))
