"""How tests are and were, and the paths they saw; against plain Python over the same rows."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from typing import Any

import pytest
from tests.query.synthetics.rows import Row, as_batch, probes, traces

from weft.model.addresses import NO_ADDRESS, packed
from weft.model.probes import HOPS, PROBES
from weft.query.engine import QueryEngine
from weft.query.model import Query
from weft.query.synthetics.paths import TracedPaths, graph
from weft.query.synthetics.results import ProbeResults, SeriesKey
from weft.store.telemetry import TelemetryStore

NOW = int(time.time()) // 60 * 60
SINCE = NOW - 4 * 3600
KEY = SeriesKey("trace", "ams", "b.example")


@pytest.fixture(scope="module")
def tested(store: TelemetryStore) -> list[Row]:
    rows = probes(NOW)
    runs, hops = traces(NOW)
    store.insert(PROBES, as_batch(PROBES, rows))
    store.insert(PROBES, as_batch(PROBES, runs))
    store.insert(HOPS, as_batch(HOPS, hops))
    return rows


def by_series(rows: list[Row]) -> dict[SeriesKey, list[Row]]:
    found = defaultdict(list)
    for row in rows:
        found[SeriesKey(row["test"], row["agent"], row["target"], row["target_agent"], "")].append(row)
    return found


def test_series_over_a_window(store: TelemetryStore, tested: list[Row]) -> None:
    results = {one.key: one for one in ProbeResults(store).series(SINCE, NOW)}
    expected = by_series(tested)
    assert results.keys() == expected.keys() | {KEY}
    for key, rows in expected.items():
        one = results[key]
        answered = [row["rtt_ms"] for row in rows if row["rtt_ms"]]
        assert one.runs == len(rows)
        assert one.worked == sum(row["state"] == 1 for row in rows)
        assert one.failed == sum(row["state"] == 3 for row in rows)
        assert one.loss == pytest.approx(1 - sum(r["received"] for r in rows) / sum(r["sent"] for r in rows))
        assert one.rtt_ms == pytest.approx(statistics.mean(answered), rel=1e-5)
        assert one.rtt_p95_ms == pytest.approx(statistics.quantiles(answered, n=20)[-1], rel=0.05)
        assert one.last_at == rows[-1]["time"]
        assert one.jitter_ms is None, "it was not measured"
        assert (one.asn, one.as_name, one.address) == (64501, "Example", "203.0.113.5")
    broken = results[SeriesKey("web", "sin", "b.example")]
    assert (broken.last_state, broken.last_error, broken.last_rtt_ms, broken.last_loss) == (
        "failed",
        "no answer",
        None,
        1,
    )
    assert (results[KEY].hops, results[KEY].branches, results[KEY].paths) == (4, 2, 2)


def test_one_test_and_a_part_of_the_time(store: TelemetryStore, tested: list[Row]) -> None:
    results = ProbeResults(store).series(NOW - 1800, NOW, "web")
    assert {one.key.test for one in results} == {"web"}
    assert sum(one.runs for one in results) == sum(row["test"] == "web" and row["time"] >= NOW - 1800 for row in tested)
    dead = next(one for one in results if one.failed)
    assert dead.rtt_ms is None
    assert not ProbeResults(store).series(NOW - 1800, NOW, "no ' such {test:String}")


def test_courses(store: TelemetryStore, tested: list[Row]) -> None:
    course = ProbeResults(store).mesh_courses("mesh", SINCE, NOW, points=8)["ams", "sin"]
    assert (course.start, course.step, len(course.rtt_ms)) == (SINCE, 1800, 8)
    for bucket in range(8):
        rows = [r for r in tested if r["target_agent"] == "sin" and r["agent"] == "ams"
                and bucket == (r["time"] - SINCE) // 1800]  # fmt: skip
        assert course.rtt_ms[bucket] == pytest.approx(statistics.mean(r["rtt_ms"] for r in rows), rel=1e-5)
        assert course.loss[bucket] == pytest.approx(1 - sum(r["received"] for r in rows) / (10 * len(rows)))
    courses = ProbeResults(store).courses(SINCE - 3600, NOW)
    assert courses.keys() == {"mesh", "web", "trace"}
    assert courses["web"].rtt_ms[0] is None, "nothing was measured then"


def test_the_path_of_a_run(store: TelemetryStore, tested: list[Row]) -> None:
    path = TracedPaths(store).path(KEY, NOW, SINCE)
    assert (path.run, path.at) == (3, NOW - 600)
    assert [(hop.ttl, hop.address, hop.flows) for hop in path.hops] == [
        (1, "10.0.0.1", 4), (2, "10.0.0.77", 2), (3, "10.0.1.0", 2), (4, "203.0.113.9", 4), (2, "", 2),
        (3, "10.0.1.1", 2),
    ]  # fmt: skip
    first, _, _, last, silent, _ = path.hops
    assert (first.device, first.rtt_ms, first.usual_rtt_ms) == ("r1", 3.0, 2.0)
    assert (last.asn, last.as_name, last.reached) == (64501, "Example", True)
    assert (silent.received, silent.rtt_ms, silent.usual_loss) == (0, None, 1.0)
    assert {(step.origin, step.next, step.flows) for step in path.steps} == {
        (-1, 0, 4), (0, 1, 2), (1, 2, 2), (2, 3, 2), (0, 4, 2), (4, 5, 2), (5, 3, 2),
    }  # fmt: skip
    assert TracedPaths(store).path(KEY, NOW - 700, SINCE).run == 2, "the last run before the moment"
    assert TracedPaths(store).path(SeriesKey("trace", "fra", "b.example"), NOW, SINCE).at == 0


def test_when_the_path_was_another(store: TelemetryStore, tested: list[Row]) -> None:
    changes = TracedPaths(store).changes(KEY, SINCE, NOW)
    assert [(one.at, one.path) for one in changes] == [(NOW - 3000, 100), (NOW - 600, 200)]


def test_hops_over_time(store: TelemetryStore, tested: list[Row]) -> None:
    course = TracedPaths(store).course(KEY, NOW - 3600, NOW, points=6)
    lines = {one.address: one for one in course.lines}
    assert [one.ttl for one in course.lines] == sorted(one.ttl for one in course.lines)
    assert lines["10.0.0.1"].rtt_ms == [None, 1.0, 2.0, None, None, 3.0]
    assert lines["10.0.0.77"].rtt_ms == [None, None, None, None, None, 4.0]
    assert course.left_out == 0


def test_silent_routers_do_not_join_branches() -> None:
    def row(flow: int, ttl: int, hop: str) -> dict[str, Any]:
        return {"flow_id": flow, "ttl": ttl, "hop": packed(hop) if hop else NO_ADDRESS, "hop_as": 0, "as_name": "",
                "site": "", "country": "", "hop_device": "", "mpls": "", "reached": 0, "sent": 1, "received": bool(hop),
                "rtt_ms": 1.0}  # fmt: skip

    path = graph([row(0, 1, "192.0.2.1"), row(0, 2, ""), row(0, 3, "192.0.2.3"), row(1, 1, "192.0.2.2"), row(1, 2, ""),
                  row(1, 3, "192.0.2.4")])  # fmt: skip
    assert len(path.hops) == 6
    assert {(step.origin, step.next) for step in path.steps} == {(-1, 0), (0, 1), (1, 2), (-1, 3), (3, 4), (4, 5)}
    assert graph([]).hops == []


@pytest.mark.parametrize(
    ("dataset", "measure", "filter_"),
    [("probes", "loss", "test = mesh"), ("probes", "availability", "test = web"), ("probes", "rtt_ms", "state = ok"),
     ("probes", "runs", "kind = ping"), ("hops", "rtt_ms", "hop != ::"), ("hops", "traces", "")],
)  # fmt: skip
def test_the_explorer_answers(
    store: TelemetryStore, tested: list[Row], dataset: str, measure: str, filter_: str
) -> None:
    engine = QueryEngine(store, clock=lambda: float(NOW))
    query = Query(dataset=dataset, view="stat", measures=[measure], filter=filter_, since=str(SINCE), until=str(NOW))
    answer = engine.run(query)
    assert answer.totals
    assert answer.provenance.newest is not None
    series = engine.run(query.model_copy(update={"view": "series", "by": ["agent"]}))
    assert series.series
    records = engine.run(query.model_copy(update={"view": "records", "measures": []}))
    assert records.rows


def test_measures_of_the_explorer_agree_with_the_rows(store: TelemetryStore, tested: list[Row]) -> None:
    engine = QueryEngine(store, clock=lambda: float(NOW))
    names = ["rtt_ms", "loss", "availability", "runs", "runs_failed", "unique_target"]
    query = Query(dataset="probes", view="table", by=["agent"], measures=names, filter="test = web", since=str(SINCE),
                  until=str(NOW))  # fmt: skip
    rows = {row[0]: row[1:] for row in engine.run(query).rows}
    mine = [row for row in tested if row["test"] == "web" and row["agent"] == "sin"]
    rtt = statistics.mean(row["rtt_ms"] for row in mine if row["rtt_ms"])
    lost = 100 * sum(10 - row["received"] for row in mine) / (10 * len(mine))
    assert rows["sin"][:6] == pytest.approx([rtt, lost, 100 * (len(mine) - 30) / len(mine), len(mine), 30, 2], rel=1e-5)
