"""How often things go wrong by themselves: thinned, thickened, changed while it runs; the past stays as it was."""

from __future__ import annotations

import numpy as np
import pytest

from weft.errors import InvalidInput
from weft.twin.faults.model import Fault
from weft.twin.pace import PacedSchedule
from weft.twin.timeline import Timeline

SLOT_S = 1800.0
NOW = 1_000_000 * SLOT_S


def slots(seed, slot):
    rng = np.random.default_rng([seed, slot])
    at = slot * SLOT_S + float(rng.uniform(0, SLOT_S))
    return (Fault(f"link_cut-{slot}", "link_cut", at, at + 300),)


def begun(schedule, since_s, until_s):
    found = Timeline(7, schedule, SLOT_S).faults(since_s, until_s)
    return [one for one in found if since_s <= one.start_s < until_s]


@pytest.mark.parametrize(("pace", "expected"), [(0, 0), (0.5, 0.5), (1, 1), (2.5, 2.5), (10, 10)])
def test_pace_says_how_many_there_are(pace, expected):
    many = begun(PacedSchedule(slots, SLOT_S, pace), NOW, NOW + 400 * SLOT_S)
    assert len(many) == pytest.approx(400 * expected, rel=0.15)
    assert len({one.id for one in many}) == len(many)


def test_pace_of_one_is_the_schedule_itself():
    plain = [fault for slot in range(1_000_000, 1_000_020) for fault in slots(7, slot)]
    assert begun(PacedSchedule(slots, SLOT_S), NOW, NOW + 20 * SLOT_S) == plain


def test_a_change_holds_from_then_on_and_leaves_the_past():
    schedule = PacedSchedule(slots, SLOT_S)
    before = begun(schedule, NOW, NOW + 40 * SLOT_S)
    schedule.set(0, NOW + 20 * SLOT_S)
    assert begun(schedule, NOW, NOW + 40 * SLOT_S) == [one for one in before if one.start_s < NOW + 20 * SLOT_S]
    schedule.set(5, NOW + 30 * SLOT_S)
    assert not begun(schedule, NOW + 20 * SLOT_S, NOW + 30 * SLOT_S)
    assert len(begun(schedule, NOW + 30 * SLOT_S, NOW + 40 * SLOT_S)) == 50
    assert [schedule.pace(NOW + at * SLOT_S) for at in (0, 25, 35)] == [1, 0, 5]


@pytest.mark.parametrize("pace", [-0.1, 10.1, float("nan")])
def test_other_paces_are_refused(pace):
    with pytest.raises(InvalidInput):
        PacedSchedule(slots).set(pace, NOW)
