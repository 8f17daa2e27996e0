"""Increases of counters: an independent reference keeps every series in a dictionary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.collect.intake.counters import MOST_INTERVAL_MS, CounterBook
from weft.model.addresses import packed
from weft.model.metrics import BEGINS_ANEW, METRICS
from weft.model.rows import batch_of

_MS = 1_000_000
_ROUTER = packed("192.0.2.1")


def rows(*values, component="eth0", metric_type=1, **more):
    """Values as (milliseconds, value)."""
    times = [ms * _MS for ms, _ in values]
    return batch_of(
        METRICS, len(values), time=times, exporter=_ROUTER, source=2, metric_type=metric_type, metric="in_octets",
        component=component, value=[float(value) for _, value in values], **more,
    )  # fmt: skip


def grown(book, batch):
    out = book.apply(batch)
    assert out.schema.equals(METRICS.schema)
    return list(zip(out.column("increase").to_pylist(), out.column("interval_ms").to_pylist(), strict=True))


def test_a_counter_grows_from_its_second_value_on():
    book = CounterBook()
    assert grown(book, rows((1000, 5), (11_000, 105))) == [(0, 0), (100, 10_000)]
    assert grown(book, rows((21_000, 105))) == [(0, 10_000)]
    assert book.counts.series == 1


def test_gauges_and_what_is_not_a_number_pass_through():
    book = CounterBook()
    assert grown(book, rows((1000, 5), (2000, 9), metric_type=2)) == [(0, 0), (0, 0)]
    assert grown(book, rows((1000, float("nan")), (2000, 9), (3000, 10))) == [(0, 0), (0, 0), (1, 1000)]


@pytest.mark.parametrize(
    ("last", "now", "increase", "counted"),
    [
        (2**32 - 100, 50, 150, "wraps"),
        (2**31 + 5, 10, 10, "resets"),  # half of the numbers in one interval is no wrap
        (2**40, 700, 700, "resets"),
        (1000, 20, 20, "resets"),
        (1_000_000, 999_999, 0, None),  # an agent's caches disagree
    ],
)
def test_a_fall_is_a_wrap_a_reset_or_a_step_back(last, now, increase, counted):
    book = CounterBook()
    _, (found, _) = grown(book, rows((0, last), (60_000, now)))
    assert found == increase
    for name in ("wraps", "resets"):
        assert getattr(book.counts, name) == (name == counted)


def test_late_values_and_duplicates_add_nothing():
    book = CounterBook()
    assert grown(book, rows((1000, 5), (3000, 9), (2000, 7), (3000, 9), (4000, 10))) == [
        (0, 0), (4, 2000), (0, 0), (0, 0), (1, 1000)
    ]  # fmt: skip
    assert (book.counts.late, book.counts.duplicates) == (1, 1)


def test_a_source_may_know_better():
    book = CounterBook()
    assert grown(book, rows((1000, 500), (2000, 700))) == [(0, 0), (200, 1000)]
    assert grown(book, rows((3000, 800), interval_ms=BEGINS_ANEW)) == [(0, 0)]
    assert grown(book, rows((4000, 850))) == [(50, 1000)]
    assert book.counts.resets == 1
    assert grown(book, rows((5000, 3), increase=3.0, interval_ms=750)) == [(3, 750)]
    assert grown(book, rows((6000, 10))) == [(7, 1000)]


def test_a_long_silence_begins_anew():
    book = CounterBook()
    assert grown(book, rows((0, 5), (MOST_INTERVAL_MS + 1, 9), (MOST_INTERVAL_MS + 2, 10)))[1:] == [(0, 0), (1, 1)]


def test_series_differ_in_every_part_of_their_name():
    book = CounterBook()
    base = rows((0, 1))
    variants = [
        rows((0, 1), component="eth1"), rows((0, 1), host="a"), rows((0, 1), labels='queue="1"'),
        rows((0, 1), if_index=7),
    ]  # fmt: skip
    for batch in (base, *variants):
        book.apply(batch)
    assert book.counts.series == 5


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_agrees_with_a_dictionary(data):
    n_series, n = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 300))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    which = rng.integers(0, n_series, n)
    times = np.cumsum(rng.integers(0, 3, n)) * 1000 * _MS
    values = np.floor(rng.random(n) * 10 ** rng.integers(1, 12, n))
    batch = batch_of(
        METRICS, n, time=times, exporter=_ROUTER, source=2, metric_type=1, metric="in_octets",
        component=[f"eth{i}" for i in which], value=values,
    )  # fmt: skip
    expected, last = [], {}
    for key, time, value in zip(which, times // _MS, values, strict=True):
        if key not in last:
            last[key] = (time, value)
            expected.append((0, 0))
            continue
        before, was = last[key]
        step = value - was
        if time <= before or (step < 0 and step > -0.01 * was):
            expected.append((0, 0))
            continue
        if step < 0:
            step = step + 2**32 if 2**31 <= was < 2**32 and step + 2**32 < 2**31 else value
        last[key] = (time, value)
        expected.append((step, time - before))
    book, cut = CounterBook(), data.draw(st.integers(0, n))
    found = [pair for part in (batch.slice(0, cut), batch.slice(cut)) if len(part) for pair in grown(book, part)]
    assert found == expected


def test_room_is_made_for_many_series():
    book, n = CounterBook(), 20_000
    for second in range(2):
        batch = batch_of(
            METRICS, n, time=np.full(n, second * 1000 * _MS), exporter=_ROUTER, source=2, metric_type=1, metric="x",
            component=[f"c{i}" for i in range(n)], value=np.full(n, second * 3.0),
        )  # fmt: skip
        out = book.apply(batch)
    assert book.counts.series == n
    assert set(out.column("increase").to_pylist()) == {3.0}
