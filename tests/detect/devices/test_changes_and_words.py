"""Changes that do harm and those that do none; failed logins, refusals, alarms."""

from __future__ import annotations

from typing import Any

from tests.detect.telling import START_S, context, counter, noise, opened, play, play_all

from weft.detect.devices.changes import ChangesDetector
from weft.detect.devices.words import WordsDetector
from weft.detect.tracker import Tracker
from weft.model.changes import CHANGES
from weft.model.events import Severity
from weft.model.logs import LOGS
from weft.model.metrics import METRICS
from weft.model.tables import Table

_WOBBLE = noise(0.01)


def _load(port: str, rates: list[float]) -> list[tuple[Table, dict[str, Any]]]:
    moved = [rate * (1 + _WOBBLE(n)) for n, rate in enumerate(rates)]
    return [(METRICS, one) for one in counter("chi-core1", "in_octets", moved, component=port)]


def _commit(at: float, title: str = "commit: none") -> tuple[Table, dict[str, Any]]:
    return CHANGES, {"time": at, "host": "chi-core1", "kind": 1, "author": "jdoe", "title": title}


def test_load_that_steps_after_a_change_is_put_down_to_it_where_it_moved_most() -> None:
    told = [
        *_load("Ethernet1/1", [4e8] * 30 + [1e8] * 20 + [4e8] * 20),
        *_load("Ethernet2/1", [1e8] * 30 + [0.5e8] * 20 + [1e8] * 20),
        *_load("Ethernet3/1", [1e8] * 70),
        _commit(1790), _commit(2990, "commit: rollback 1"),
    ]  # fmt: skip
    found = play_all(ChangesDetector(context()), told)
    events = [one for one in opened(found) if one.kind == "change_impact"]
    assert [one.entity.text for one in events] == ["interface:chi-core1|Ethernet1/1"]
    assert events[0].started_s == START_S + 1790
    assert "jdoe" in events[0].text
    assert "interface:chi-core1|Ethernet2/1" in {one.text for one in events[0].others}
    assert [one.at_s <= START_S + 3200 for one in found if one.ends] == [True]


def test_a_change_that_does_nothing_is_a_note() -> None:
    found = play_all(ChangesDetector(context()), [*_load("Ethernet1/1", [4e8] * 60), _commit(1790)])
    assert [(one.kind, one.severity) for one in opened(found)] == [("config_change", Severity.INFO)]


def test_a_change_and_taking_it_back_are_one_note_that_says_both() -> None:
    told = [_commit(1790), _commit(3000, "commit: rollback 1"), _commit(9000, "commit: none")]
    changes = [one for one in play_all(ChangesDetector(context()), told) if one.kind == "config_change"]
    tracker, detector = Tracker(), ChangesDetector(context())
    for one in changes:
        tracker.advance("changes", one.at_s)
        tracker.take(detector.about, [one], one.at_s)
        if one is changes[1]:
            (event,) = tracker.open
            assert "rollback 1" in event.text
            assert len(event.evidence) == 2
            assert event.detected_s == START_S + 1790
    assert [one.detected_s for one in tracker.open] == [START_S + 9000]


def test_load_that_steps_without_a_change_and_announced_work_are_not_put_down_to_one() -> None:
    steps = _load("Ethernet1/1", [4e8] * 30 + [1e8] * 30)
    assert play_all(ChangesDetector(context()), steps) == []
    work = [*steps, _commit(1790, "commit: CHG1 maintenance begins")]
    assert [one.kind for one in opened(play_all(ChangesDetector(context()), work))] == ["config_change"]


def test_a_port_that_was_shut_by_hand_is_no_harm_done_and_one_that_carries_less_is() -> None:
    edit = _commit(1750, "configured system.interface")
    edit[1]["detail"] = 'cfgobj="port20" msg="Edit"'
    shut = [*_load("port20", [4e8] * 30 + [2e8] + [0.0] * 20), *_load("port21", [1e8] * 30 + [3e8] * 21), edit]
    assert [one.kind for one in opened(play_all(ChangesDetector(context()), shut))] == ["config_change"]
    again = [*_load("port20", [0.0] * 30 + [2e8] + [4e8] * 20), *_load("port21", [3e8] * 30 + [1e8] * 21), edit]
    assert [one.kind for one in opened(play_all(ChangesDetector(context()), again))] == ["config_change"]
    less = [*_load("port20", [4e8] * 30 + [1e8] * 21), edit]
    assert [one.kind for one in opened(play_all(ChangesDetector(context()), less))] == [
        "config_change",
        "change_impact",
    ]


def test_refusals_that_surge_after_a_change() -> None:
    told = [_commit(600)] + [
        (LOGS, {"time": 605 + 4.0 * n, "host": "chi-core1", "event": "ACL_DENY", "message": "denied"})
        for n in range(60)
    ]  # fmt: skip
    found = [one for one in play_all(ChangesDetector(context()), told) if one.kind == "change_denies"]
    assert found
    assert found[0].at_s <= START_S + 660
    assert "jdoe" in found[0].text


def _logins(host: str, times: list[float], source: str) -> list[dict[str, Any]]:
    fields = f'{{"source_address":"{source}"}}'
    return [{"time": at, "host": host, "event": "LOGIN_FAILED", "component": "root", "fields": fields} for at in times]


def test_guessed_passwords_are_found_and_a_mistyped_one_is_not() -> None:
    guesses = _logins("a", [100 + 3.0 * n for n in range(30)], "198.51.100.9")
    typos = _logins("b", [100, 109, 121], "10.0.0.4")
    events = opened(play(WordsDetector(context()), LOGS, guesses + typos))
    assert [(one.kind, one.entity.text) for one in events] == [("login_failures", "device:a")]
    assert events[0].others[0].text == "host:198.51.100.9"
    assert events[0].at_s <= START_S + 130


def test_refusals_are_compared_with_the_hours_before() -> None:
    usual = [{"time": 3.0 * n, "host": "a", "event": "ACL_DENY"} for n in range(4800)]
    assert play(WordsDetector(context(denies=150)), LOGS, usual, step_s=60.0) == []
    surge = [{"time": 14_400 + 0.1 * n, "host": "a", "event": "ACL_DENY"} for n in range(600)]
    events = opened(play(WordsDetector(context(denies=150)), LOGS, usual + surge, step_s=60.0))
    assert [one.kind for one in events] == ["acl_denies"]


def test_alarms_and_what_ends_them() -> None:
    told = [
        {"time": 10, "host": "a", "event": "FAN_ALARM", "component": "Fan 1", "message": "Fan 1 failed"},
        {"time": 90, "host": "a", "event": "FAN_ALARM", "component": "Fan 1", "message": "Fan 1 recovered"},
        {"time": 20, "host": "a", "event": "DUPLEX_MISMATCH", "component": "Gi0/1", "message": "duplex mismatch"},
        {"time": 30, "host": "a", "event": "LOGIN", "message": "hello"},
    ]
    found = play(WordsDetector(context()), LOGS, told)
    assert [(one.kind, one.entity.text) for one in opened(found)] == [
        ("hardware_alarm", "device:a"), ("duplex_mismatch", "interface:a|Gi0/1")]  # fmt: skip
    assert [one.ends for one in found if one.kind == "hardware_alarm"] == [False, True]


def test_fields_that_are_no_fields_do_no_harm() -> None:
    told = [{"time": 1.0 * n, "host": "a", "event": "LOGIN_FAILED", "fields": bad}
            for n, bad in enumerate(["{", "[1]", "null", '{"source_address": 7}'] * 10)]  # fmt: skip
    assert {one.kind for one in play(WordsDetector(context()), LOGS, told)} == {"login_failures"}
