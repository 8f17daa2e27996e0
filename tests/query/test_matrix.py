"""The matrix of all groups holds what a series of each shows, and tells silence from nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.query.conftest import FIRST, LAST, QUIET
from tests.query.metric_rows import make_metrics, metric_batch

from weft.errors import InvalidInput, LimitExceeded
from weft.model.metrics import METRICS
from weft.query import matrix as matrices
from weft.query.engine import QueryEngine
from weft.query.matrix import ANYBODY
from weft.query.model import Query
from weft.store.telemetry import TelemetryStore


@pytest.fixture(scope="module", autouse=True)
def _metrics(store: TelemetryStore) -> None:
    store.insert(METRICS, metric_batch(make_metrics()), token="metrics of the tests")


def query(**more: Any) -> Query:
    return Query.model_validate({"every": 300, "top": 1000, "since": str(FIRST), "until": str(LAST)} | more)


def lines(engine: QueryEngine, asked: Query) -> dict[tuple[str, ...], list[float | None]]:
    return {tuple(map(str, s.key)): s.values for s in engine.run(asked).series if not s.other}


@pytest.mark.parametrize(
    "more",
    [
        {"by": ["app"]},
        {"by": ["exporter"], "measures": ["pps"]},
        {"by": ["src_as", "protocol"], "filter": "dst_port = 443"},
        {"by": [], "measures": ["unique_src_addr"]},
        {"by": ["exporter"], "measures": ["avg_packet_size"], "every": 900},
        {"by": ["exporter_site"], "measures": ["bps"], "every": 3600},
    ],
)
def test_flows_are_as_their_series_show_them(engine: QueryEngine, more: dict[str, Any]) -> None:
    asked = query(**more)
    matrix = engine.matrix(asked, FIRST, LAST)
    shown = lines(engine, asked)
    assert matrix.values.shape == (len(matrix.keys), len(matrix.times_s))
    assert matrix.times_s[0] == FIRST
    assert matrix.step_s == asked.every
    keys = {key: i for i, key in enumerate(matrix.keys)}
    assert set(keys) == set(shown)
    for key, values in shown.items():
        got = matrix.values[keys[key]]
        for mine, theirs in zip(got, values, strict=True):
            if theirs is not None and not np.isnan(mine):
                assert mine == pytest.approx(theirs)


@pytest.mark.parametrize("by", [["exporter", "component", "metric"], ["exporter", "metric"]])
@pytest.mark.parametrize("measure", ["rate", "avg", "utilisation"])
def test_metrics_are_as_their_series_show_them(engine: QueryEngine, by: list[str], measure: str) -> None:
    asked = query(dataset="metrics", by=by, measures=[measure], filter="metric IN (in_octets, out_octets)")
    matrix = engine.matrix(asked, FIRST, LAST)
    shown = lines(engine, asked)
    # In single buckets a source may be the best that knows an interface by its index alone.
    assert {key for key in matrix.keys if key[1]} == set(shown)
    for key, values in zip(matrix.keys, matrix.values, strict=True):
        if key not in shown:
            continue
        theirs = np.array([np.nan if v is None else v for v in shown[key]])
        np.testing.assert_allclose(values, theirs, rtol=1e-9)
    assert not matrix.absent_is_zero
    assert matrix.unit == ("%" if measure == "utilisation" else "bit/s")


def test_a_group_without_rows_is_zero_only_while_its_sender_is_heard(engine: QueryEngine) -> None:
    matrix = engine.matrix(query(by=["exporter", "src_addr"], filter="dst_port = 443"), FIRST, LAST)
    quiet = (matrix.times_s >= QUIET[0]) & (matrix.times_s < QUIET[1])
    assert np.isnan(matrix.values[:, quiet]).all()
    assert not matrix.heard[ANYBODY][quiet].any()
    assert (matrix.values == 0).any()
    sender = matrix.keys[0][0]
    assert matrix.sender(matrix.keys[0]) == sender
    assert np.isnan(matrix.values[0]).tolist() == (~matrix.heard[sender]).tolist()


def test_interfaces_are_told_by_address_and_index(engine: QueryEngine) -> None:
    matrix = engine.matrix(query(by=["in_if"], every=3600), FIRST, LAST)
    assert matrix.kinds == ("interface",)
    assert all("|" in key[0] for key in matrix.keys)
    assert {key[0].split("|")[0] for key in matrix.keys} <= {"192.0.2.1", "192.0.2.2", "2001:db8::3"}


@pytest.mark.parametrize(
    "more", [{"by": ["src_addr"]}, {"dataset": "metrics", "by": ["exporter", "component"], "measures": ["rate"]}]
)
def test_of_too_many_groups_the_largest_stay(engine: QueryEngine, more: dict[str, Any]) -> None:
    everything, some = (engine.matrix(query(**more), FIRST, LAST, most=most) for most in (1000, 4))
    assert not everything.left_out
    assert some.left_out
    assert len(some.keys) == 4
    sums = dict(zip(everything.keys, np.nansum(everything.values, axis=1), strict=True))
    least = min(sums[key] for key in some.keys)
    assert sum(value > least * 1.001 for value in sums.values()) < 4 or more.get("dataset") == "metrics"


def test_what_no_matrix_can_hold(engine: QueryEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match="whole window"):
        engine.matrix(query(measures=["p95_bps"]), FIRST, LAST)
    monkeypatch.setattr(matrices, "MOST_CELLS", 100)
    with pytest.raises(LimitExceeded, match="too many"):
        engine.matrix(query(by=["app"]), FIRST, LAST)
