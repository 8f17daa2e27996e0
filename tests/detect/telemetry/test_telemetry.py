"""Sources that fall silent, alone and all together, and clocks that are off."""

from __future__ import annotations

from typing import Any

import pytest
from tests.detect.telling import START_S, context, gauge, opened, play

from weft.detect.telemetry.clocks import ClockDetector
from weft.detect.telemetry.silence import SilenceDetector
from weft.model.addresses import packed
from weft.model.flows import FLOWS
from weft.model.logs import LOGS
from weft.model.metrics import METRICS


def _flows(last: int, times: list[float], ahead_s: float = 0.0) -> list[dict[str, Any]]:
    told = {"exporter": packed(f"192.0.2.{last}")}
    return [
        told | {"time_received": at, "time_start": at - 30 + ahead_s, "time_end": at - (n % 20) + ahead_s}
        for n, at in enumerate(times)
    ]  # fmt: skip


def _every(step_s: float, until_s: float, from_s: float = 0.0) -> list[float]:
    return [from_s + step_s * n for n in range(int((until_s - from_s) / step_s))]


def test_an_exporter_that_falls_silent_is_missed_by_its_own_measure() -> None:
    told = _flows(1, _every(2, 600)) + _flows(2, _every(60, 1800)) + _flows(1, _every(2, 1800, 1200))
    found = play(SilenceDetector(context()), FLOWS, told, key="time_received")
    events = opened(found)
    assert [(one.kind, one.entity.text) for one in events] == [("exporter_silent", "device:192.0.2.1")]
    assert events[0].at_s <= START_S + 640
    assert events[0].started_s == START_S + 598
    assert [one.at_s for one in found if one.ends] == [START_S + 1200]


def test_all_at_once_is_the_feed() -> None:
    told = [one for last in range(1, 9) for one in _flows(last, _every(2, 600))]
    events = opened(play(SilenceDetector(context()), FLOWS, told, key="time_received", until_s=900))
    assert [(one.kind, one.entity.text) for one in events] == [("feed_silent", "source:flows")]


def test_a_feed_that_stays_silent_is_never_said_to_be_heard_of_again() -> None:
    told = [one for last in range(1, 9) for one in _flows(last, _every(10, 600))]
    found = play(SilenceDetector(context()), FLOWS, told, key="time_received", step_s=60.0, until_s=3 * 86_400.0)
    assert {one.kind for one in found} == {"feed_silent"}
    assert not any(one.ends for one in found)


def test_all_at_once_is_the_feed_however_often_each_tells() -> None:
    told = [one for last in range(1, 13) for one in _flows(last, _every(1.0 + 7 * (last - 1), 2400))]
    events = opened(play(SilenceDetector(context()), FLOWS, told, key="time_received", until_s=3000))
    assert [(one.kind, one.entity.text) for one in events] == [("feed_silent", "source:flows")]
    assert events[0].at_s <= START_S + 2500


def test_one_of_many_is_missed_once_the_others_are_heard_of() -> None:
    told = [one for last in range(1, 9) for one in _flows(last, _every(10, 2400))] + _flows(9, _every(1, 1200))
    events = opened(play(SilenceDetector(context()), FLOWS, told, key="time_received"))
    assert [(one.kind, one.entity.text) for one in events] == [("exporter_silent", "device:192.0.2.9")]
    assert events[0].at_s <= START_S + 1225


def test_devices_that_are_not_measured_any_more() -> None:
    told = gauge("a", "cpu_percent", [1.0] * 30) + gauge("b", "cpu_percent", [1.0] * 60)
    events = opened(play(SilenceDetector(context()), METRICS, told))
    assert [(one.kind, one.entity.text) for one in events] == [("metrics_silent", "device:a")]
    assert events[0].at_s <= START_S + 29 * 60 + 150


def test_a_busy_hour_does_not_make_the_quiet_one_after_it_a_silence() -> None:
    told = _flows(1, _every(60, 1800)) + _flows(1, _every(1, 3600, 1800)) + _flows(1, _every(60, 7200, 3600))
    assert play(SilenceDetector(context()), FLOWS, told, key="time_received") == []


def test_who_told_too_little_is_not_missed() -> None:
    assert play(SilenceDetector(context()), FLOWS, _flows(1, [1, 2, 3]), key="time_received", until_s=900) == []


def test_sources_are_bounded() -> None:
    detector = SilenceDetector(context(most_sources=5))
    told = [one for last in range(1, 30) for one in _flows(last, _every(2, 60))]
    assert len(opened(play(detector, FLOWS, told, key="time_received", until_s=600))) <= 5


@pytest.mark.parametrize(("ahead_s", "word"), [(90.0, "ahead"), (-90.0, "behind")])
def test_a_clock_that_is_off_is_found_by_flows(ahead_s: float, word: str) -> None:
    told = _flows(1, _every(1, 300)) + _flows(1, _every(1, 600, 300), ahead_s) + _flows(1, _every(1, 900, 600))
    found = play(ClockDetector(context()), FLOWS, told, key="time_received")
    events = opened(found)
    assert [(one.kind, one.entity.text) for one in events] == [("clock_skew", "device:192.0.2.1")]
    assert word in events[0].text
    assert events[0].at_s <= START_S + 380
    assert found[-1].ends


def test_flows_that_come_late_are_no_clock_that_is_off() -> None:
    told = _flows(1, _every(1, 300))
    late = [one | {"time_end": one["time_end"] - 240} if n % 20 else one
            for n, one in enumerate(_flows(1, _every(1, 900, 300)))]  # fmt: skip
    assert play(ClockDetector(context()), FLOWS, told + late, key="time_received") == []


def test_a_clock_that_is_off_is_found_by_logs() -> None:
    right = [{"time": 10.0 * n, "time_device": 10.0 * n - 0.4, "host": "a", "message": "x"} for n in range(30)]
    wrong = [{"time": 300 + 10.0 * n, "time_device": 177 + 10.0 * n, "host": "a", "message": "x"} for n in range(30)]
    none = [{"time": 10.0 * n, "time_device": -START_S, "host": "b", "message": "x"} for n in range(60)]
    events = opened(play(ClockDetector(context()), LOGS, right + wrong + none))
    assert [(one.entity.text, round(one.seen or 0)) for one in events] == [("device:a", -123)]
    assert events[0].at_s <= START_S + 360
