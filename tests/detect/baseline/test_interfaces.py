"""Interfaces that carry other than usual: what is one disturbance, what is none, how it is told."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detect.baseline.made import frame, office, times
from weft.detect.backtest import Nameless
from weft.detect.baseline import disturbance
from weft.detect.baseline.catalogue import make
from weft.detect.baseline.interfaces import InterfaceTraffic
from weft.detect.context import Context
from weft.detect.detector import Finding
from weft.detect.frame import SeriesKey
from weft.detect.lines import Line, LineEnd
from weft.errors import InvalidInput
from weft.model.events import Entity, Severity

DAYS, BEGIN = 9, 8 * 1440 + 600
#: a–b over two lines by c; d–e hang together with neither.
PORTS = ("a|1", "b|1", "a|2", "c|1", "c|2", "b|2", "d|1", "e|1")
A_B, B_A, A_C, C_A, C_B, B_C, D_E, E_D = range(8)
LINES = (
    Line(LineEnd("a", "1", speed_bps=40e9), LineEnd("b", "1")),
    Line(LineEnd("a", "2", speed_bps=40e9), LineEnd("c", "1", speed_bps=40e9)),
    Line(LineEnd("c", "2", speed_bps=40e9), LineEnd("b", "2", speed_bps=40e9)),
    Line(LineEnd("d", "1", speed_bps=40e9), LineEnd("e", "1", speed_bps=40e9)),
)


def detector(lines: tuple[Line, ...] = LINES) -> InterfaceTraffic:
    made = make("traffic_interface", Context(Nameless(), facts={"lines": lambda: lines}))
    assert isinstance(made, InterfaceTraffic)
    return made


def traffic() -> NDArray[np.float64]:
    """What each port sends: every line carries 4 Gbit/s or so, whatever its size was made."""
    values = office(times(DAYS), series=len(PORTS))
    scaled: NDArray[np.float64] = values / values.mean(axis=1, keepdims=True) * 4e9
    return scaled


def keys() -> list[SeriesKey]:
    return [SeriesKey(Entity(kind="interface", id=port), {"metric": "out_octets"}) for port in PORTS]


def fed(one: InterfaceTraffic, values: NDArray[np.float64], minutes: int = 12, since: int = BEGIN) -> list[Finding]:
    """Learned up to ``since``, then fed minute by minute."""
    at, named = times(DAYS), keys()
    if since == BEGIN:
        one.learn(frame(at[:since], values[:, :since], named=named))
    out = []
    for column in range(since, since + minutes):
        out += one.feed(frame(at[column : column + 1], values[:, column : column + 1], named=named))
    return out


def test_a_line_that_fails_is_one_finding_with_all_that_moved() -> None:
    values = traffic()
    values[[A_C, C_A, C_B, B_C], BEGIN:] += values[[A_B, B_A, A_B, B_A], BEGIN:]
    values[[A_B, B_A], BEGIN:] = 0.0
    found = fed(detector(), values)
    assert {(one.kind, one.entity.id) for one in found} in (
        {("traffic_moved", "a|1")}, {("traffic_moved", "b|1")},
        {("drop", "a|1"), ("traffic_moved", "a|1")}, {("drop", "b|1"), ("traffic_moved", "b|1")},
    )  # fmt: skip
    last = found[-1]
    assert {one.id for one in (last.entity, *last.others)} == set(PORTS[:6])
    assert "2 interfaces carry less" in last.text
    assert "4 interfaces carry more" in last.text
    assert "more than" in last.text  # how full they are
    assert last.severity is Severity.INFO
    assert not last.ends
    assert abs((last.started_s or 0.0) - times(DAYS)[BEGIN]) <= 300
    assert last.evidence[0].rows[0][1] == "out_octets"


def test_what_only_falls_becomes_what_moved_by_going_on() -> None:
    values = traffic()
    values[A_B, BEGIN:] = 0.0
    values[A_C, BEGIN + 4 :] *= 3.0
    found = fed(detector(), values)
    kinds = list(dict.fromkeys(one.kind for one in found))
    assert kinds == ["drop", "traffic_moved"]
    grown = next(one for one in found if one.kind == "traffic_moved")
    assert [(kind, entity.id) for kind, entity in grown.was] == [("drop", "a|1")]
    assert next(one for one in found if one.kind == "drop").severity is Severity.MAJOR


def test_lines_that_do_not_hang_together_are_told_apart() -> None:
    values = traffic()
    values[[A_B, B_A, D_E, E_D], BEGIN:] *= 0.1
    found = fed(detector(), values)
    by_name = {one.entity.id: {each.id for each in one.others} for one in found}
    assert sorted(sorted({name, *others}) for name, others in by_name.items()) == [["a|1", "b|1"], ["d|1", "e|1"]]


def test_what_begins_much_later_is_another_disturbance() -> None:
    values = traffic()
    values[A_B, BEGIN:] *= 0.1
    values[A_C, BEGIN + 20 :] *= 0.1
    found = fed(detector(), values, minutes=30)
    assert {one.entity.id for one in found} == {"a|1", "a|2"}


@pytest.mark.parametrize(("factor", "minutes", "told"), [(2.2, 2, 0), (2.2, 6, 1), (6.0, 1, 0), (6.0, 3, 1)])
def test_a_minute_is_no_news(factor: float, minutes: int, told: int) -> None:
    values = traffic()
    values[A_B, BEGIN : BEGIN + minutes] *= factor
    assert len({one.entity.id for one in fed(detector(), values)}) == told


def test_more_than_the_line_carries_was_not_measured() -> None:
    values = traffic()
    values[[A_B, B_A], BEGIN : BEGIN + 5] = 6e12  # only one end's speed is known
    assert fed(detector(), values) == []


def test_more_is_told_with_how_full_the_line_is() -> None:
    values = traffic()
    values[A_B, BEGIN:] = 36e9
    full = fed(detector(), values)[-1]
    assert (full.kind, full.severity) == ("spike", Severity.INFO)  # whether it loses packets, others tell
    assert "a|1 is 90 % full" in full.text
    values[A_B, BEGIN:] = 20e9
    assert "None of them is more than 5" in fed(detector(), values)[-1].text
    assert {one.severity for one in fed(detector(()), values)} == {Severity.MINOR}  # how full it is, nobody knows


def test_what_is_gone_is_a_trouble_unless_it_is_a_line_out_of_use() -> None:
    values = traffic()
    values[[A_B, B_A], BEGIN:] = 0.0
    assert {one.severity for one in fed(detector(), values)} == {Severity.INFO}
    values[B_A] = traffic()[B_A]
    assert {one.severity for one in fed(detector(), values)} == {Severity.MAJOR}
    values[A_B, BEGIN:] = traffic()[A_B, BEGIN:] * 0.4
    assert {one.severity for one in fed(detector(), values)} == {Severity.MINOR}


def test_it_is_over_when_all_is_as_usual() -> None:
    values = traffic()
    values[[A_B, B_A], BEGIN : BEGIN + 6] *= 0.1
    found = fed(detector(), values, minutes=20)
    assert [one.ends for one in found].count(True) == 1
    assert found[-1].ends


def test_it_goes_on_after_a_restart() -> None:
    values = traffic()
    values[[A_B, B_A], BEGIN:] *= 0.1
    one = detector()
    before = fed(one, values)
    again = detector()
    again.load(one.save())
    after = fed(again, values, since=BEGIN + 12)
    assert {(each.kind, each.entity.id, each.started_s) for each in after} == {
        (each.kind, each.entity.id, each.started_s) for each in before
    }
    with pytest.raises(InvalidInput, match="not understood"):
        detector().load(b"\0" * 7 + b"\x05{nope")


def test_a_series_that_ends_does_not_keep_it_open() -> None:
    values = traffic()
    values[A_B, BEGIN:] = 0.0
    values[A_B, BEGIN + 6 :] = np.nan
    values[D_E, BEGIN + 18 :] = 0.0
    found = fed(detector(), values, minutes=30)
    assert [one.entity.id for one in found if one.ends] == ["a|1"]


def test_places_beyond_the_most_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disturbance, "_MOST_PLACES", 1)
    values = traffic()
    values[[A_B, B_A], BEGIN:] *= 0.1
    one = detector()
    found = fed(one, values)
    assert found[-1].others == []
    assert one.left_out > 0
