"""Values: names and labels that are allowed, times in every form, and what is told twice."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from weft.collect.business import Recent, value_of
from weft.collect.business.times import time_ns_of
from weft.errors import InvalidInput

S = 10**9


@pytest.mark.parametrize(("given", "zone", "expected"), [
    ("2026-03-31T14:00:00Z", "UTC", 1774965600 * S),
    ("2026-03-31 14:00", "Europe/Zurich", 1774958400 * S),
    ("2026-03-31T14:00:00+02:00", "America/New_York", 1774958400 * S),
    ("20260331", "UTC", 1774915200 * S),
    (date(2026, 3, 31), "UTC", 1774915200 * S),
    (datetime(2026, 3, 31, 14, tzinfo=UTC), "Asia/Tokyo", 1774965600 * S),
    (1774965600, "UTC", 1774965600 * S),
    ("1774965600.25", "UTC", 1774965600 * S + 250_000_000),
    (1774965600_123, "UTC", 1774965600 * S + 123_000_000),
    (1774965600_123_456, "UTC", 1774965600 * S + 123_456_000),
    (1774965600_123_456_789, "UTC", 1774965600_123_456_789),
])  # fmt: skip
def test_times_in_every_form(given, zone, expected):
    assert time_ns_of(given, zone) == expected


@pytest.mark.parametrize("given", ["", "yesterday", "14:00", None, "9" * 40, float("nan"), float("inf"), [], b"1"])
def test_what_is_no_time_is_refused(given):
    with pytest.raises(InvalidInput, match="is not a time"):
        time_ns_of(given)


def test_labels_are_sorted_and_escaped():
    value = value_of(" orders ", 0, 1.5, {"site": "fra", "a": 'x"y', "empty": " "}, "orders/min")
    assert (value.series, value.labels, value.unit) == ("orders", 'a="x\\"y",site="fra"', "orders/min")


@pytest.mark.parametrize(("series", "value", "labels", "unit"), [
    ("", 1.0, {}, ""), ("x" * 101, 1.0, {}, ""), ("a\nb", 1.0, {}, ""), ("x", float("nan"), {}, ""),
    ("x", float("inf"), {}, ""), ("x", 1.0, {"0bad": "v"}, ""), ("x", 1.0, {"a=b": "v"}, ""),
    ("x", 1.0, {"a": "v" * 201}, ""), ("x", 1.0, {f"l{i}": "v" for i in range(21)}, ""), ("x", 1.0, {}, "u" * 41),
])  # fmt: skip
def test_what_cannot_be_kept_is_refused(series, value, labels, unit):
    with pytest.raises(InvalidInput):
        value_of(series, 0, value, labels, unit)


@pytest.mark.parametrize("time", ["3000-01-01", "1600-01-01", "-1", 9e10])
def test_times_that_cannot_be_stored_are_refused(time):
    with pytest.raises(InvalidInput, match="between 1970 and 2106"):
        value_of("x", time_ns_of(time), 1.0)
    assert value_of("x", time_ns_of("2106-01-01"), 1.0).time_ns > 0


def test_a_value_told_twice_counts_once_and_a_correction_counts():
    recent = Recent(most=3)
    one, other = value_of("a", 1, 5.0), value_of("a", 2, 6.0)
    with recent.lock:
        assert recent.fresh([one, other, one]) == [one, other]
        recent.add([one, other])
        assert recent.fresh([one, other]) == []
        assert recent.fresh([one._replace(value=7.0)]) == [one._replace(value=7.0)]
        recent.add([value_of("a", i, 0.0) for i in range(3, 6)])
        assert recent.fresh([one]) == [one]  # forgotten: the oldest go first
