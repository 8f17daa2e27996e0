"""Processors, restarts, light, errors and full lines against what is usual for each of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.detect.telling import START_S, context, counter, gauge, noise, opened, play, rows

from weft.detect.devices.board import Board
from weft.detect.devices.errors import ErrorsDetector
from weft.detect.devices.health import HealthDetector
from weft.detect.devices.optics import OpticsDetector, slope
from weft.errors import InvalidInput
from weft.model.events import Severity
from weft.model.metrics import METRICS

_WOBBLE = noise(2.0)


def test_a_busy_processor_is_found_with_its_first_reading_and_ends() -> None:
    values = [25 + _WOBBLE(n) for n in range(30)] + [55, 60] + [25 + _WOBBLE(n) for n in range(10)]
    found = play(HealthDetector(context()), METRICS, gauge("sjc-border1", "cpu_percent", values, every_s=300))
    events = opened(found)
    assert [(one.kind, one.entity.text) for one in events] == [("cpu_high", "device:sjc-border1")]
    assert events[0].at_s == START_S + 30 * 300
    assert "usually 25 %" in events[0].text
    assert found[-1].ends


def test_a_processor_that_wobbles_or_is_always_busy_is_no_event() -> None:
    wobbles = gauge("a", "cpu_percent", [40 + 3 * _WOBBLE(n) for n in range(200)])
    busy = gauge("b", "cpu_percent", [96 + _WOBBLE(n) / 2 for n in range(200)])
    found = play(HealthDetector(context()), METRICS, wobbles + busy)
    assert {one.entity.id for one in opened(found)} <= {"b"}  # told of once, when nothing was known of it
    assert len([one for one in found if one.at_s > START_S + 1200]) == 0


def test_a_lasting_shift_becomes_usual() -> None:
    values = [20 + _WOBBLE(n) for n in range(48)] + [50 + _WOBBLE(n) for n in range(300)]
    found = play(HealthDetector(context()), METRICS, gauge("a", "cpu_percent", values))
    assert found[-1].ends


def test_memory_is_a_share_of_what_there_is() -> None:
    told = gauge("a", "memory_total_bytes", [100e9] * 30) + gauge("a", "memory_used_bytes", [40e9] * 25 + [80e9] * 5)
    events = opened(play(HealthDetector(context()), METRICS, told))
    assert [(one.kind, one.seen) for one in events] == [("memory_high", 80.0)]


def test_a_restart_is_told_of_by_the_time_that_a_device_is_up() -> None:
    up = [86_400 + 300.0 * n for n in range(5)] + [120.0, 420.0]
    events = opened(play(HealthDetector(context()), METRICS, gauge("a", "uptime_s", up, every_s=300)))
    assert [one.kind for one in events] == ["device_restart"]
    assert events[0].started_s == START_S + 5 * 300 - 120


def test_fading_light_is_found_early_and_its_end_is_forecast() -> None:
    light = [-3 + noise(0.03)(n) for n in range(40)] + [-3 - 0.5 * n for n in range(1, 9)]
    found = play(OpticsDetector(context()), METRICS, gauge("a", "optical_rx_dbm", light, every_s=300, component="x"))
    events = opened(found)
    assert [(one.kind, one.entity.text) for one in events] == [("optic_fading", "interface:a|x")]
    assert events[0].at_s <= START_S + 43 * 300
    assert any("below -8 dBm in" in one.text for one in found)
    assert found[-1].seen == -7.0


def test_light_of_a_line_that_is_down_and_slow_wobble_are_no_event() -> None:
    dark = gauge("a", "optical_rx_dbm", [-3.0] * 30 + [-40.0] * 10, component="x")
    wobble = gauge("b", "optical_rx_dbm", [-3 + 0.3 * np.sin(n / 30) for n in range(300)], component="x")
    assert play(OpticsDetector(context()), METRICS, dark + wobble) == []


def test_light_that_is_lost_over_weeks_is_told_of_before_it_is_too_little() -> None:
    light = [-4 - 0.1 * day for day in range(30)]
    found = play(
        OpticsDetector(context()), METRICS, gauge("a", "optical_rx_dbm", light, every_s=86_401, component="x"),
        step_s=40_000.0,
    )  # fmt: skip
    ages = [one for one in found if one.kind == "optic_ageing"]
    assert ages
    assert "0.10 dB a day" in ages[0].text
    assert ages[0].severity is Severity.INFO


def test_slope_is_not_moved_by_outliers() -> None:
    times = np.arange(20.0)
    values = 3 - 0.5 * times
    values[7] = 100
    assert slope(times, values) == pytest.approx(-0.5)


def test_errors_are_told_of_where_they_are_new() -> None:
    packets = counter("a", "in_unicast_pkts", [1e5] * 40, component="x")
    fresh = counter("a", "in_errors", [0.0] * 30 + [40.0] * 10, component="x")
    always = counter("b", "in_errors", [40.0] * 40, component="x")
    few = counter("c", "in_errors", [0.0] * 30 + [0.01] * 10, component="x")
    events = opened(play(ErrorsDetector(context()), METRICS, packets + fresh + always + few))
    assert [(one.kind, one.entity.text) for one in events] == [("interface_errors", "interface:a|x")]
    assert "0.04 %" in events[0].text


def _discards(rates: list[float], every: float = 300.0) -> list[dict[str, Any]]:
    packets = counter("a", "out_unicast_pkts", [1e4] * len(rates), component="x", every_s=every)
    return packets + counter("a", "out_discards", rates, component="x", every_s=every)


def test_a_few_packets_thrown_away_once_are_no_event() -> None:
    assert play(ErrorsDetector(context()), METRICS, _discards([0.0] * 30 + [0.2] + [0.0] * 9)) == []
    events = opened(play(ErrorsDetector(context()), METRICS, _discards([0.0] * 30 + [0.2] * 9)))
    assert [one.at_s for one in events] == [START_S + 31 * 300]
    many = opened(play(ErrorsDetector(context()), METRICS, _discards([0.0] * 30 + [50.0] + [0.0] * 9)))
    assert [one.kind for one in many] == ["interface_discards"]


def test_a_line_that_is_too_small_each_day_is_told_once() -> None:
    day = [0.0] * 6 + [100.0] * 6 + [0.0] * 36  # half an hour each
    found = opened(play(ErrorsDetector(context()), METRICS, _discards([*day, *day, *day], 1800.0), step_s=900.0))
    assert [one.at_s for one in found] == [START_S + 6 * 1800]
    worse = [*day, *(5 * one for one in day)]
    found = opened(play(ErrorsDetector(context()), METRICS, _discards(worse, 1800.0), step_s=900.0))
    assert len(found) == 2


def test_a_line_that_fills_is_an_event_and_one_that_is_always_full_is_none() -> None:
    speed = gauge("a", "speed_bps", [1e9] * 60, component="x") + gauge("b", "speed_bps", [1e9] * 60, component="x")
    fills = counter("a", "out_octets", [0.4e9 / 8] * 50 + [0.96e9 / 8] * 10, component="x")
    full = counter("b", "out_octets", [0.93e9 / 8] * 60, component="x")
    events = opened(play(ErrorsDetector(context()), METRICS, speed + fills + full))
    late = [one for one in events if one.at_s > START_S + 600]
    assert [(one.kind, one.entity.id) for one in late] == [("interface_full", "a|x")]
    assert late[0].severity is Severity.MAJOR


def test_counters_that_reset_and_readings_that_are_late_are_left_out() -> None:
    board = Board(context().names, ("in_errors",))
    told = counter("a", "in_errors", [1.0] * 5, component="x")
    told[3]["interval_ms"] = 0  # a counter that began anew has no increase
    given = list(board.take(rows(METRICS, told)))
    assert len(given) == 3  # neither the first nor the one that began anew
    assert list(board.take(rows(METRICS, told[:2]))) == []


def test_a_board_is_bounded_and_goes_on_after_a_restart() -> None:
    board = Board(context().names, ("cpu_percent",), most=4)
    told = [one for number in range(9) for one in gauge(f"d{number}", "cpu_percent", [1.0, 2.0, 3.0])]
    for one in board.take(rows(METRICS, told)):
        board.learn(one.at, one.values)
    assert len(board.series) == 4
    assert board.refused > 0
    again = Board(context().names, ("cpu_percent",), most=4)
    again.load(board.save())
    assert again.series == board.series
    assert again.history(2).tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(InvalidInput):
        again.load(b"no board")
    assert board.forget(START_S + 60) is False
    assert board.forget(START_S + 86_400) is True
    assert board.series == []
