"""Questions about metrics against a naive reference: gaps, resets, several sources, labels, units."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from tests.query import metric_rows as reference
from tests.query.conftest import EXPORTER_NAMES, FIRST, INTERFACES_OF, KEEP, LAST
from tests.query.metric_rows import AWAY, GNMI, LATE, SFLOW, SNMP, Row, make_metrics, metric_batch

from weft.errors import InvalidInput
from weft.model.dictionaries import INTERFACES
from weft.model.metrics import METRICS
from weft.model.rows import batch_of
from weft.query.engine import QueryEngine
from weft.query.model import Query
from weft.store.telemetry import TelemetryStore

MEASURES = ["rate", "avg", "min", "max", "last", "sum", "p95", "samples"]
OCTETS = "metric IN (in_octets, out_octets)"


@pytest.fixture(scope="module")
def readings() -> list[Row]:
    return make_metrics()


@pytest.fixture(scope="module")
def metrics(store: TelemetryStore, engine: QueryEngine, readings: list[Row]) -> QueryEngine:
    store.insert(METRICS, metric_batch(readings), token="metrics of the tests")
    return engine


def ask(**more: Any) -> Query:
    return Query.model_validate({"dataset": "metrics", "since": str(FIRST), "until": str(LAST)} | more)


def inside(readings: list[Row], since: float = FIRST, until: float = LAST) -> list[Row]:
    return [r for r in readings if since <= r["time"] < until]


def of(readings: list[Row], *names: str) -> list[Row]:
    return [r for r in readings if r["metric"] in names]


def cell(row: Row, name: str) -> str:
    """A dimension of a row as a result shows it."""
    text = next((e for e in EXPORTER_NAMES if reference.packed(e) == row["exporter"]), "::")
    known = INTERFACES_OF.get((text, row["if_index"]), ("", "", "", 0))
    match name:
        case "exporter":
            return text
        case "exporter_name":
            return EXPORTER_NAMES[text][0]
        case "exporter_site":
            return EXPORTER_NAMES[text][1]
        case "interface":
            return f"{EXPORTER_NAMES[text][0]}:{known[0] or row['if_index']}"
        case "if_boundary":
            return known[1]
        case "source":
            return {SFLOW: "sflow", SNMP: "snmp", GNMI: "gnmi", 4: "prometheus"}[row["source"]]
        case "label_queue":
            return row["labels"].partition('queue="')[2].rstrip('"')
    return str(row[name])


def grouped(readings: list[Row], by: list[str]) -> dict[tuple[str, ...], list[Row]]:
    out: dict[tuple[str, ...], list[Row]] = {}
    for row in readings:
        out.setdefault(tuple(cell(row, name) for name in by), []).append(row)
    return out


def check_table(result: Any, readings: list[Row], by: list[str], measures: list[str], scales: dict[str, float]) -> None:
    """Every shown group, the remainder and the order, against the reference."""
    one_source = "source" not in by
    groups = grouped(readings, by)

    def figures(of_group: list[Row]) -> list[float | None]:
        found = [reference.measure(of_group, m, one_source=one_source) for m in measures]
        return [None if v is None else v * scales.get(m, 1) for m, v in zip(measures, found, strict=True)]

    shown = [r for i, r in enumerate(result.rows) if i != result.other]
    for row in shown:
        assert row[len(by) :] == pytest.approx(figures(groups[tuple(row[: len(by)])])), row[: len(by)]
    first = {k: figures(g)[0] for k, g in groups.items()}
    known = sorted((v for v in first.values() if v is not None), reverse=True)
    assert [r[len(by)] for r in shown] == pytest.approx(known[: len(shown)])
    keys = {tuple(r[: len(by)]) for r in shown}
    rest = [r for k, g in groups.items() if k not in keys for r in g]
    assert (result.other is not None) == bool(rest)
    if rest:
        assert result.rows[result.other][len(by) :] == pytest.approx(figures(rest))


@pytest.mark.parametrize("by", [["interface"], ["exporter"], ["exporter_site"], ["if_boundary", "metric"],
                                ["exporter_name", "metric"], ["interface", "source"]])  # fmt: skip
@pytest.mark.parametrize("top", [2, 100])
def test_counters_of_groups(metrics: QueryEngine, readings: list[Row], by: list[str], top: int) -> None:
    result = metrics.run(ask(view="table", by=by, measures=MEASURES, filter=OCTETS, top=top))
    scales = dict.fromkeys(("rate", "avg", "min", "max", "last", "sum", "p95"), 8.0)
    check_table(result, inside(of(readings, "in_octets", "out_octets")), by, MEASURES, scales)
    assert [c.unit for c in result.columns[len(by) :]] == ["bit/s"] * 7 + ["samples"]


@pytest.mark.parametrize("by", [["exporter", "component"], ["exporter_site"], ["component"]])
def test_gauges_of_groups(metrics: QueryEngine, readings: list[Row], by: list[str]) -> None:
    measures = ["avg", "min", "max", "last", "sum", "p95", "samples", "series"]
    result = metrics.run(ask(view="table", by=by, measures=measures, filter="metric = cpu_percent", top=2))
    check_table(result, inside(of(readings, "cpu_percent")), by, measures, {})
    assert {c.unit for c in result.columns[len(by) : -2]} == {"%"}


def test_utilisation_is_the_rate_as_a_share_of_the_speed(metrics: QueryEngine, readings: list[Row]) -> None:
    result = metrics.run(ask(view="table", by=["interface", "metric"], measures=["utilisation", "bps", "increase"],
                             filter=OCTETS, top=50))  # fmt: skip
    check_table(result, inside(of(readings, "in_octets", "out_octets")), ["interface", "metric"],
                ["utilisation", "bps", "increase"], {})  # fmt: skip
    site = metrics.run(ask(view="table", by=["exporter_site"], measures=["utilisation"]))
    check_table(
        site, inside(of(readings, "in_octets", "out_octets", "in_errors")), ["exporter_site"], ["utilisation"], {}
    )


@pytest.mark.parametrize("every", [60, 300, 3600])
@pytest.mark.parametrize("measure", ["rate", "avg", "max", "last"])
def test_series_have_gaps_where_nothing_was_polled(
    metrics: QueryEngine, readings: list[Row], every: int, measure: str
) -> None:
    result = metrics.run(ask(by=["exporter"], measures=[measure], filter="metric = in_octets", every=every, top=2))
    assert result.grid is not None
    groups = grouped(inside(of(readings, "in_octets")), ["exporter"])
    shown = {s.key[0] for s in result.series if not s.other}
    for series in result.series:
        mine = (
            groups[(series.key[0],)]
            if not series.other
            else [r for (k,), g in groups.items() if k not in shown for r in g]
        )
        buckets: dict[int, list[Row]] = {}
        for row in mine:
            buckets.setdefault(int(row["time"] - FIRST) // every, []).append(row)
        for i, value in enumerate(series.values):
            want = reference.measure(buckets[i], measure) if i in buckets else None
            assert value == (None if want is None else pytest.approx(want * 8)), (series.key, i)
    if every == 300:
        away = next(s for s in result.series if "2001:db8::3" in s.key or s.other).values
        assert any(v is None for v in away) == ("2001:db8::3" in shown or len(groups) - len(shown) == 1)


def test_a_rate_over_a_gap_and_a_reset_is_exact(metrics: QueryEngine, readings: list[Row]) -> None:
    """What grew while router3 was away is in the value after it, over the time that it took."""
    mine = [r for r in inside(of(readings, "in_octets")) if r["exporter"] == reference.packed("2001:db8::3")]
    assert any(b["value"] < a["value"] for a, b in pairwise(mine) if a["if_index"] == b["if_index"])
    after = [r for r in mine if r["interval_ms"] > 1_000_000]
    assert len(after) == 3
    assert all(AWAY[1] <= r["time"] < AWAY[1] + 400 for r in after)
    result = metrics.run(
        ask(view="stat", filter="metric = in_octets AND exporter = 2001:db8::3", measures=["increase"])
    )
    assert result.rows[0][0] == pytest.approx(sum(r["increase"] for r in mine))
    assert result.columns[0].unit == "B"


def test_nothing_to_measure_is_an_empty_table(metrics: QueryEngine) -> None:
    for view in ("table", "series"):
        result = metrics.run(ask(view=view, by=["exporter"], measures=["rate"], filter="metric = cpu_percent"))
        assert (result.rows, result.series, result.totals) == ([], [], {"rate": None})
    assert metrics.run(ask(by=["exporter"], filter="metric = nothing")).rows == []


def test_two_sources_count_once_unless_they_are_told_apart(metrics: QueryEngine, readings: list[Row]) -> None:
    """In each bucket the source with most samples speaks: SNMP before the stream began, gNMI after."""
    question = {"filter": "metric = in_octets AND exporter = 192.0.2.2", "measures": ["samples"], "every": 3600}
    values = metrics.run(ask(**question)).series[0].values
    mine = [r for r in inside(of(readings, "in_octets")) if r["exporter"] == reference.packed("192.0.2.2")]
    for i, value in enumerate(values):
        source = GNMI if FIRST + i * 3600 >= LATE else SNMP
        assert value == sum(r["source"] == source for r in mine if int(r["time"] - FIRST) // 3600 == i)
    several = metrics.run(ask(view="stat", filter=question["filter"])).provenance
    assert several.notes == ["several sources report the same: in each bucket the one with most samples counts"]
    apart = metrics.run(ask(view="table", by=["source"], filter=question["filter"], measures=["samples", "rate"]))
    check_table(apart, mine, ["source"], ["samples", "rate"], {"rate": 8.0})
    one = metrics.run(ask(view="stat", filter=f"{question['filter']} AND source = snmp", measures=["samples"]))
    assert one.rows == [[sum(r["source"] == SNMP for r in mine)]]


def test_labels_are_dimensions(metrics: QueryEngine, readings: list[Row]) -> None:
    drops = inside(of(readings, "queue_dropped_pkts"))
    result = metrics.run(ask(view="table", by=["label.queue"], filter="metric = queue_dropped_pkts", measures=["rate"]))
    assert [c.name for c in result.columns] == ["label_queue", "rate"]
    check_table(result, drops, ["label_queue"], ["rate"], {})
    one = metrics.run(ask(view="stat", filter="metric = queue_dropped_pkts AND label_queue = 3", measures=["samples"]))
    assert one.rows == [[sum('queue="3"' in r["labels"] for r in drops)]]


def test_a_value_of_a_label_cannot_pass_for_another_label(metrics: QueryEngine) -> None:
    hostile = 'quoted "b", queue="3"\\'
    result = metrics.run(ask(view="table", by=["label_job", "label_queue", "host"], filter="metric = node_load"))
    assert sorted(row[:3] for row in result.rows) == [["a", "", "host-a"], [hostile, "", "host-q"]]
    again = metrics.run(
        ask(view="stat", measures=["series"], filter=f"metric = node_load AND label_job = {quoted(hostile)}")
    )
    assert again.rows == [[1]]


def quoted(text: str) -> str:
    import json

    return json.dumps(text)


def test_what_is_measured_unless_asked(metrics: QueryEngine) -> None:
    def measured(**more: Any) -> str:
        return metrics.run(ask(view="stat", **more)).columns[-1].name

    assert measured() == "samples"
    assert measured(filter="metric = in_octets") == "rate"
    assert measured(filter="metric = cpu_percent AND exporter = 192.0.2.1") == "avg"
    assert measured(filter="metric = http_requests_total") == "rate"


def test_metrics_that_do_not_go_together_are_said_to(metrics: QueryEngine) -> None:
    mixed = metrics.run(ask(view="stat", measures=["rate"], filter="metric IN (in_octets, in_errors)"))
    assert "in_octets" in mixed.provenance.notes[0]
    assert metrics.run(ask(view="stat", measures=["rate"], filter=f"{OCTETS} AND source = snmp")).provenance.notes == []
    assert (
        metrics.run(ask(view="table", by=["metric"], measures=["rate"], filter="source = gnmi")).provenance.notes == []
    )


def test_the_five_minute_percentile_adds_series_up_first(metrics: QueryEngine, readings: list[Row]) -> None:
    question = ask(view="table", by=["exporter"], measures=["p95_bps"], filter="metric = in_octets")
    result = metrics.run(question)
    for key, of_group in grouped(inside(of(readings, "in_octets")), ["exporter"]).items():
        slots: dict[int, list[Row]] = {}
        for row in of_group:
            slots.setdefault(int(row["time"] - FIRST) // 300, []).append(row)
        rates = sorted(r for s in slots.values() if (r := reference.measure(s, "rate")) is not None)
        want = rates[-(-95 * len(rates) // 100) - 1] * 8
        assert next(r[1] for r in result.rows if r[0] == key[0]) == pytest.approx(want)


@pytest.mark.parametrize("rank", ["max", "last"])
def test_rank(metrics: QueryEngine, readings: list[Row], rank: str) -> None:
    result = metrics.run(ask(view="table", by=["interface"], filter="metric = in_octets", rank=rank, every=1800, top=3))
    scores = {}
    for (name,), group in grouped(inside(of(readings, "in_octets")), ["interface"]).items():
        buckets = [inside(group, FIRST + i * 1800, FIRST + i * 1800 + 1800) for i in range(12)]
        rates = [reference.measure(b, "rate") for b in buckets]
        scores[name] = max(r for r in rates if r) if rank == "max" else rates[-1] or 0.0
    assert [r[0] for r in result.rows[:3]] == sorted(scores, key=lambda n: -scores[n])[:3]


def test_comparison(metrics: QueryEngine, readings: list[Row]) -> None:
    since = FIRST + 3 * 3600
    result = metrics.run(ask(by=["exporter"], filter="metric = in_octets", since=str(since), every=1800,
                             compare_to="previous"))  # fmt: skip
    assert [c.name for c in result.columns] == ["exporter", "rate", "rate_previous"]
    groups = grouped(inside(of(readings, "in_octets")), ["exporter"])
    for row, series in zip(result.rows, result.series, strict=True):
        earlier = inside(groups[(row[0],)], FIRST, since)
        assert row[2] == pytest.approx((reference.measure(earlier, "rate") or 0) * 8)
        assert series.previous is not None
        first = inside(earlier, FIRST, FIRST + 1800)
        assert series.previous[0] == pytest.approx((reference.measure(first, "rate") or 0) * 8)


def test_an_interface_is_grouped_by_the_names_it_had(store: TelemetryStore) -> None:
    """Renamed in the middle: each name has the growth of its own time; together nothing is counted twice.

    Four days later, so that other questions do not meet the change.
    """
    first, last, device = FIRST + 4 * 86400, LAST + 4 * 86400, "198.18.0.1"
    later = QueryEngine(store, retention_days=KEEP, clock=lambda: float(last))
    store.upsert_dictionary(INTERFACES, [
        {"exporter": device, "if_index": 1, "valid_from": datetime.fromtimestamp(at, tz=UTC), "name": name}
        for at, name in ((0, "old0"), (first + 3 * 3600, "new0"))
    ])  # fmt: skip
    times = [at * 10**9 for at in range(first + 60, last, 60)]
    store.insert(METRICS, batch_of(
        METRICS, len(times), time=times, time_received=times, exporter=reference.packed(device), source=2,
        metric_type=1, metric="renamed_octets", if_index=1, increase=600.0, interval_ms=60_000,
    ), token="renamed")  # fmt: skip
    question: dict[str, Any] = {"filter": "metric = renamed_octets", "measures": ["rate", "increase"]}
    question |= {"since": str(first), "until": str(last)}
    grouped_ = later.run(ask(view="table", by=["if_name"], **question))
    want = {"old0": 600 * 179, "new0": 600 * 180}
    assert {r[0]: r[2] for r in grouped_.rows} == want
    assert {r[0]: r[1] for r in grouped_.rows} == pytest.approx({"old0": 80, "new0": 80})
    for name, growth in want.items():
        one = later.run(ask(view="stat", **question | {"filter": f"metric = renamed_octets AND if_name = {name}"}))
        assert one.rows[0][1] == growth
    whole = later.run(ask(view="table", by=["interface"], **question))
    assert whole.rows == [["198.18.0.1:new0", pytest.approx(80), 600 * 359]]


def test_records_show_values_as_read(metrics: QueryEngine, readings: list[Row]) -> None:
    result = metrics.run(ask(view="records", filter="metric = optical_rx_dbm AND value < -8.5", limit=1000))
    names = [c.name for c in result.columns]
    low = [r for r in inside(of(readings, "optical_rx_dbm")) if r["value"] < -8.5]
    assert len(result.rows) == len(low) > 0
    assert sorted(r[names.index("value")] for r in result.rows) == pytest.approx(sorted(r["value"] for r in low))
    text = metrics.run(ask(view="records", filter="metric = version")).rows
    assert text[0][names.index("text")] == "24.2R1"


def test_silence_is_told(metrics: QueryEngine) -> None:
    since = AWAY[0] + 120
    result = metrics.run(ask(view="stat", filter="metric = in_octets", since=str(since), until=str(since + 600)))
    assert result.provenance.silent_exporters == ["2001:db8::3"]
    assert result.provenance.newest is not None
    assert since <= result.provenance.newest < since + 600


@pytest.mark.parametrize(("more", "fix"), [
    ({"view": "sankey", "by": ["exporter", "metric"]}, "series, table"), ({"measures": ["bytes"]}, "see metrics"),
    ({"by": ["src_as"]}, "metrics"), ({"order": "bytes"}, "time"), ({"by": ["label_"]}, ""),
    ({"by": ["label_a b"]}, ""), ({"filter": "value = abc"}, "-3.5"), ({"before": "x"}, "narrow"),
])  # fmt: skip
def test_what_cannot_be_asked(metrics: QueryEngine, more: dict[str, Any], fix: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        metrics.run(ask(**more))
    assert fix in caught.value.message
