"""Members of an aggregate that do not share its load."""

from __future__ import annotations

from dataclasses import replace

from tests.detect.telling import START_S, context, counter, opened, play

from weft.detect.devices.lags import LagDetector
from weft.model.metrics import METRICS

_KNOWN = {("a", f"x{number}"): "ae1" for number in range(3)}


def _found(*after: float, before: tuple[float, ...] = (1e8, 1e8, 1e8)) -> list[tuple[str, str]]:
    told = [
        one
        for number, rate in enumerate(after)
        for one in counter("a", "out_octets", [before[number]] * 20 + [rate] * 6, component=f"x{number}")
    ]
    detector = LagDetector(replace(context(), facts={"aggregates": lambda: _KNOWN}))
    events = opened(play(detector, METRICS, told))
    assert all(one.at_s == START_S + 22 * 60 for one in events)
    return [(one.kind, one.entity.text) for one in events]


def test_a_member_that_carries_most_and_one_that_carries_nothing() -> None:
    assert _found(2e8, 0.5e8, 0.5e8) == [("lag_imbalance", "interface:a|ae1")]
    assert _found(1.5e8, 1.5e8, 0.0) == [("lag_imbalance", "interface:a|ae1")]


def test_more_of_all_and_a_spread_that_is_usual_are_no_event() -> None:
    assert _found(3e8, 3e8, 3e8) == []
    assert _found(2.1e8, 0.45e8, 0.45e8, before=(2e8, 0.5e8, 0.5e8)) == []


def test_without_an_inventory_nothing_is_watched() -> None:
    told = counter("a", "out_octets", [1e8] * 30, component="x0") + counter(
        "a", "out_octets", [0.0] * 30, component="x1"
    )
    assert play(LagDetector(context()), METRICS, told) == []
