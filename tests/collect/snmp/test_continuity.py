"""Resets, wraps and cached answers, seen by the intake's own counters."""

from __future__ import annotations

import numpy as np
import pytest

from weft.collect.snmp.continuity import Continuity
from weft.decode.snmp import ber
from weft.decode.snmp.columns import ColumnData
from weft.decode.snmp.layout import layout
from weft.decode.snmp.library import load
from weft.decode.snmp.rows import RowMaker

S = 1_000_000_000
PROFILE = load().profiles["generic"]


class Device:
    """A device with one interface, polled by hand."""

    def __init__(self, *, wide: bool = True, cache_s: float = 30.0, speed: int = 10_000) -> None:
        self.wide, self.continuity, self.speed = wide, Continuity(cache_s), speed
        self.names = {
            "name": column({1: b"eth0", 2: b"eth1"}), "high_speed": column({1: speed, 2: speed}),
            "in_octets" if wide else "in_octets_32": column({1: 0, 2: 0}),
        }  # fmt: skip
        self.maker = RowMaker(layout(PROFILE, {"interfaces": self.names}))

    def poll(self, at_s, one, two=0, *, restarted=False, discontinuity=None, interval_s=10.0):
        """(values that go on, which began anew, findings)."""
        name, tag = ("in_octets", ber.COUNTER64) if self.wide else ("in_octets_32", ber.COUNTER32)
        cells = {name: ColumnData([b"\1", b"\2"], [one, two], tag, [(2, at_s * S)])}
        found = self.maker.values({"interfaces": cells}, at_s * S, slow=False)
        changed = (
            None if discontinuity is None else ColumnData([b"\1"], [discontinuity], ber.TIMETICKS, [(1, at_s * S)])
        )
        kept, findings = self.continuity.check(found, changed, restarted=restarted, interval_s=interval_s)
        rows = [(one.values.tolist(), one.anew.tolist()) for one in kept if one.name == "in_octets"]
        return (rows[0] if rows else None), findings


def column(cells):
    return ColumnData([bytes([key]) for key in cells], list(cells.values()), ber.GAUGE32, [(len(cells), S)])


def test_steady_counters_pass_untouched():
    device = Device()
    for at in range(0, 60, 10):
        rows, findings = device.poll(at, at * 1_000_000)
        assert rows == ([at * 1e6, 0], [False, False])
        assert findings.cached == findings.anew == 0


def test_a_fall_of_a_64_bit_counter_begins_anew_whatever_its_size():
    """Between 2^31 and 2^32 the intake would take the fall for a wrap of 32 bits."""
    device = Device()
    device.poll(0, 3_000_000_000)
    rows, findings = device.poll(10, 5_000)
    assert (rows, findings.anew) == (([5000, 0], [True, False]), 1)


def test_a_small_step_back_is_left_to_the_intake():
    device = Device()
    device.poll(0, 3_000_000_000)
    rows, _ = device.poll(10, 2_999_999_000)
    assert rows[1] == [False, False]


def test_a_32_bit_counter_wraps_and_after_a_restart_it_begins_anew():
    device = Device(wide=False)
    device.poll(0, 4_000_000_000)
    assert device.poll(10, 1_000_000)[0][1] == [False, False]
    device.poll(20, 4_000_000_000)
    assert device.poll(30, 1_000_000, restarted=True)[0][1] == [True, False]


def test_a_counter_that_outlives_its_agent_goes_on():
    device = Device()
    device.poll(0, 1_000_000)
    assert device.poll(10, 2_000_000, restarted=True)[0][1] == [False, False]


def test_a_discontinuity_begins_anew_only_where_it_was():
    device = Device()
    device.poll(0, 1_000_000, 1_000_000, discontinuity=100)
    rows, _ = device.poll(10, 900_000_000, 2_000_000, discontinuity=500)
    assert rows[1] == [True, False]
    assert device.poll(20, 901_000_000, 3_000_000, discontinuity=500)[0][1] == [False, False]


def test_discontinuity_times_that_always_change_mean_nothing():
    device = Device()
    marks = [device.poll(at, at * 1000, discontinuity=at)[0][1][0] for at in range(0, 80, 10)]
    assert marks == [False, True, True, False, False, False, False, False]


def test_answers_from_a_cache_are_left_out_until_they_move():
    """A busy device whose octets stand still for less than a cache's age did not stand still."""
    device = Device()
    came = [device.poll(at, int(octets))[0] for at, octets in
            [(0, 1e9), (1, 1e9), (2, 1e9), (3, 4e9), (4, 4e9), (5, 4e9), (6, 7e9)]]  # fmt: skip
    assert [row and row[0][0] for row in came] == [1e9, None, None, 4e9, None, None, 7e9]


def test_an_idle_device_is_believed():
    device = Device(cache_s=5)
    assert [device.poll(at, 10**9)[0] is None for at in (0, 2, 4, 6, 8, 10)] == [False, True, True, False, False, False]
    quiet = Device()
    quiet.poll(0, 1000)
    quiet.poll(10, 1100)
    assert quiet.poll(20, 1100)[0] is not None, "so little traffic may well be none for a while"


def test_caches_can_be_turned_off():
    device = Device(cache_s=0)
    assert all(device.poll(at, 10**9)[0] for at in range(5))


def test_narrow_counters_of_fast_interfaces_are_counted():
    device = Device(wide=False, speed=100_000)
    device.poll(0, 1)
    assert device.poll(60, 1000, interval_s=60)[1].narrow == 2
    assert Device().poll(60, 1000, interval_s=60)[1].narrow == 0


@pytest.mark.parametrize(
    ("before", "after", "elapsed", "restarted"),
    [(1000, 1060, 60, False), (1000, 5, 60, True), (42_949_600, 20, 60, False), (42_949_600, 20, 3600, True),
     (100, 98, 60, False)],
)  # fmt: skip
def test_a_restart_is_told_from_the_wrap_of_sysuptime(before, after, elapsed, restarted):
    continuity = Continuity(30)
    assert continuity.restarted(before, 0, 0) is False
    assert continuity.restarted(after, 0, elapsed * S) is restarted


def test_more_engine_boots_are_a_restart():
    continuity = Continuity(30)
    continuity.restarted(1000, 5, 0)
    assert continuity.restarted(1060, 5, 60 * S) is False
    assert continuity.restarted(1120, 6, 120 * S) is True


def test_rows_that_come_and_go_keep_their_history():
    device = Device()
    device.poll(0, 3_000_000_000)
    names = dict(device.names)
    names["name"] = column({1: b"eth0", 2: b"eth1", 3: b"eth2"})
    device.maker = RowMaker(layout(PROFILE, {"interfaces": names}))
    rows, _ = device.poll(10, 100)
    assert rows[1][0] is True
    assert np.isnan(rows[0][2])
