"""Lines that are down, that flap, that are worked on; states that are no news."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.detect.telling import START_S, context, opened, play_all

from weft.detect.devices.links import LinkDetector
from weft.model.changes import CHANGES
from weft.model.events import Severity
from weft.model.logs import LOGS
from weft.model.metrics import METRICS
from weft.model.tables import Table


def _log(at: float, up: bool, host: str = "chi-border1", port: str = "et-0/0/0") -> tuple[Table, dict[str, Any]]:
    return LOGS, {"time": at, "host": host, "event": "INTERFACE_UP" if up else "INTERFACE_DOWN", "component": port,
                  "message": f"link {'up' if up else 'down'}"}  # fmt: skip


def _state(at: float, state: int, metric: str = "oper_status") -> tuple[Table, dict[str, Any]]:
    return METRICS, {"time": at, "host": "chi-border1", "metric": metric, "component": "et-0/0/0", "value": state,
                     "metric_type": 2}  # fmt: skip


def test_a_line_that_stays_down_is_told_of_once_it_settled_and_ends_when_it_is_up() -> None:
    found = play_all(LinkDetector(context()), [_log(100, up=False), _log(400, up=True)])
    assert [one.kind for one in opened(found)] == ["link_down"]
    first = found[0]
    assert first.entity.text == "interface:chi-border1|et-0/0/0"
    assert first.started_s == START_S + 100
    assert 8 <= first.at_s - START_S - 100 <= 20
    assert "link down" in first.text
    assert found[-1].ends
    assert found[-1].at_s == START_S + 400


def test_a_bounce_is_no_event_and_three_are_a_flap() -> None:
    once = [_log(100, up=False), _log(104, up=True)]
    assert play_all(LinkDetector(context()), once, until_s=900) == []
    often = [row for at in (100, 160, 220, 280) for row in (_log(at, up=False), _log(at + 4, up=True))]
    found = play_all(LinkDetector(context()), often, until_s=1200)
    events = opened(found)
    assert [one.kind for one in events] == ["link_flap"]
    assert events[0].at_s - START_S <= 240
    assert found[-1].ends


def test_states_of_counters_are_news_only_where_they_change() -> None:
    never_up = [_state(at, 2) for at in range(0, 900, 300)]
    assert play_all(LinkDetector(context()), never_up) == []
    falls = [_state(0, 1), _state(300, 2), _state(600, 2)]
    assert [one.kind for one in opened(play_all(LinkDetector(context()), falls))] == ["link_down"]


def test_a_port_that_was_switched_off_is_no_event() -> None:
    told = [_state(0, 1), _state(299, 2, "admin_status"), _state(300, 2)]
    assert play_all(LinkDetector(context()), told, until_s=700) == []


def test_announced_work_is_a_note_at_both_ends() -> None:
    work = {"time": 99.0, "host": "chi-border1", "kind": 1, "title": "commit: CHG1 maintenance begins"}
    told = [(CHANGES, work), _log(100, up=False), _log(100.5, up=False, host="nyc-border1", port="et-2/0/0")]
    events = opened(play_all(LinkDetector(context()), told, until_s=200))
    assert {one.kind for one in events} == {"link_maintenance"}
    assert {one.severity for one in events} == {Severity.INFO}
    assert len(events) == 2


def _wired(*lines: tuple[tuple[str, str], tuple[str, str]]) -> LinkDetector:
    far = {one: other for a, b in lines for one, other in ((a, b), (b, a))}
    return LinkDetector(replace(context(), facts={"neighbour": lambda device, port: far.get((device, port))}))


def _wires(*names: str, hub: str = "hub") -> list[tuple[tuple[str, str], tuple[str, str]]]:
    return [((name, "et-1"), (hub, f"et-{number}")) for number, name in enumerate(names)]


def test_both_ends_of_a_line_are_one_event_until_both_are_back() -> None:
    line = ("chi-border1", "et-2"), ("nyc-border1", "et-7")
    told = [_log(100, up=False, port="et-2"), _log(100.4, up=False, host="nyc-border1", port="et-7"),
            _log(300, up=True, port="et-2"), _log(302, up=True, host="nyc-border1", port="et-7")]  # fmt: skip
    found = play_all(_wired(line), told, until_s=600)
    (event,) = opened(found)
    assert event.title == "chi-border1 et-2 – nyc-border1 et-7 is down"
    assert (event.entity.id, event.others[0].id) == ("chi-border1|et-2", "nyc-border1|et-7")
    assert [one.at_s - START_S for one in found if one.ends] == [302]
    late = [*told[:2], told[2]]  # one end stays down: the event stays open
    assert not any(one.ends for one in play_all(_wired(line), late, until_s=600))


def test_parallel_lines_are_one_event_and_so_are_all_lines_of_a_device() -> None:
    bundle = [(("leaf", f"e{number}"), ("spine", f"e{number}")) for number in range(4)]
    told = [_log(100 + number / 10, up=False, host=host, port=f"e{number}")
            for number in range(4) for host in ("leaf", "spine")]  # fmt: skip
    (event,) = opened(play_all(_wired(*bundle), told, until_s=300))
    assert event.title == "4 lines between leaf and spine are down"
    assert len(event.others) == 7
    told = [_log(100 + number, up=False, host=name, port="et-1") for number, name in enumerate("abc")]
    (event,) = opened(play_all(_wired(*_wires("a", "b", "c")), told, until_s=300))
    assert (event.entity.text, event.title) == ("device:hub", "3 lines of hub are down")
    assert "restarts, lost power or was cut off" in event.text


def test_lines_without_anything_in_common_are_events_of_their_own() -> None:
    wires = [*_wires("a", hub="x"), *_wires("b", hub="y"), *_wires("c", hub="z")]
    told = [_log(100, up=False, host=name, port="et-1") for name in "abc"]
    assert len(opened(play_all(_wired(*wires), told, until_s=300))) == 3
    apart = [_log(100 + 30 * number, up=False, host=name, port="et-1") for number, name in enumerate("abc")]
    assert len(opened(play_all(_wired(*_wires("a", "b", "c")), apart, until_s=300))) == 3


def test_a_flapping_line_is_one_event() -> None:
    line = ("chi-border1", "et-2"), ("nyc-border1", "et-7")
    told = [_log(at + up * 4, up=up, host=host, port=port)
            for at in (100, 160, 220, 280, 340) for up in (False, True) for host, port in line]  # fmt: skip
    (event,) = opened(play_all(_wired(line), told, until_s=2400))
    assert (event.kind, event.others[0].id) == ("link_flap", "nyc-border1|et-7")


def test_a_port_that_somebody_has_just_shut_is_a_note() -> None:
    edit = {"time": 99.0, "host": "chi-border1", "kind": 1, "author": "mchen", "title": "configured system.interface",
            "detail": 'cfgobj="et-0/0/0" msg="Edit"'}  # fmt: skip
    (event,) = opened(play_all(LinkDetector(context()), [(CHANGES, edit), _log(100, up=False)], until_s=200))
    assert (event.kind, event.severity) == ("link_maintenance", Severity.INFO)
    assert "mchen changed chi-border1 et-0/0/0" in event.text
    other = [(CHANGES, edit | {"detail": 'cfgobj="et-0/0/1"'}), _log(100, up=False)]
    assert [one.kind for one in opened(play_all(LinkDetector(context()), other, until_s=200))] == ["link_down"]


def test_interfaces_are_bounded() -> None:
    detector = LinkDetector(context(most_interfaces=10))
    told = [_log(float(number), up=False, port=f"et-{number}") for number in range(50)]
    assert len(opened(play_all(detector, told, until_s=100))) == 10
