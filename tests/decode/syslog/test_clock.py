"""Stamps: years, zones, offsets, and what a clock is worth."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.decode.syslog.clock import (
    COARSE,
    NONE,
    SECOND,
    SYNCHRONISED,
    UNSYNCHRONISED,
    UPTIME,
    WRONG,
    SenderClock,
    Tolerances,
    resolve,
)
from weft.decode.syslog.times import Stamp, StampReader, nanos

TOLERANCES = Tolerances(30, 3600)
NOW = int(datetime(2026, 8, 3, 12, 30, 45, tzinfo=UTC).timestamp())


def at(text, now=NOW):
    read = StampReader().any(text, 0, now)
    return None if read is None else datetime.fromtimestamp(read[0].seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("Aug  3 12:30:45", "2026-08-03 12:30:45"),
        ("Aug 03 12:30:45.123", "2026-08-03 12:30:45"),
        ("Aug  9 12:30:45", "2026-08-09 12:30:45"),  # a clock that is a little ahead
        ("Aug 20 12:30:45", "2025-08-20 12:30:45"),  # logs tell of the past
        ("Dec 31 23:59:59", "2025-12-31 23:59:59"),
        ("Aug 3 2024 12:30:45", "2024-08-03 12:30:45"),
        ("Aug  3 12:30:45 2024", "2024-08-03 12:30:45"),
        ("Aug  3 2024 02:30:45 PM.282", "2024-08-03 14:30:45"),
        ("2024 Aug  3 12:30:45", "2024-08-03 12:30:45"),
        ("2024-08-03T12:30:45+02:00", "2024-08-03 12:30:45"),
        ("2024-8-3 01:02:03.270.1", "2024-08-03 01:02:03"),
        ("2018-Nov- 9 15:41:30", "2018-11-09 15:41:30"),
        ("2024/08/03 12:30:45", "2024-08-03 12:30:45"),
        ("08/03/2026:12:30:45", "2026-08-03 12:30:45"),
        ("03/08/2026:12:30:45", "2026-08-03 12:30:45"),
        ("25/07/2026:12:30:45", "2026-07-25 12:30:45"),
        ("Mon Aug 03 12:30:45 2026", "2026-08-03 12:30:45"),
        ("2016-12-31T23:59:60Z", "2016-12-31 23:59:59"),
        ("Feb 30 12:30:45", None),
        ("Aug  3 25:30:45", None),
        ("2024-13-03T12:30:45", None),
        ("soon", None),
    ],
)
def test_written_stamps(text, means):
    assert at(text) == means


def test_the_29th_of_february_without_a_year_was_in_a_leap_year():
    assert at("Feb 29 10:00:00", int(datetime(2025, 1, 10, tzinfo=UTC).timestamp())) == "2024-02-29 10:00:00"
    assert at("Feb 29 10:00:00", int(datetime(2026, 8, 3, tzinfo=UTC).timestamp())) is None


def test_the_turn_of_the_year():
    new_year = int(datetime(2027, 1, 1, 0, 0, 5, tzinfo=UTC).timestamp())
    assert at("Dec 31 23:59:58", new_year) == "2026-12-31 23:59:58"
    assert at("Jan  1 00:00:02", new_year - 10) == "2027-01-01 00:00:02"


@given(st.text("0123456789", min_size=1, max_size=9))
def test_fractions(digits):
    assert nanos(digits) == int(digits.ljust(9, "0"))


def judge(ahead_s, *, clock=None, zone=0, digits=3, mark="", arrival=NOW):
    clock = clock or SenderClock()
    whole = int(arrival + ahead_s // 1)
    stamp = Stamp(whole + (zone if isinstance(zone, int) else 0) * 60, int(ahead_s % 1 * SECOND), digits, zone)
    return resolve(stamp, mark, arrival * SECOND, clock, TOLERANCES)


@pytest.mark.parametrize(
    ("given_", "worth"),
    [
        ({"ahead_s": -0.5}, SYNCHRONISED), ({"ahead_s": -0.5, "digits": 0}, COARSE),
        ({"ahead_s": 29}, SYNCHRONISED), ({"ahead_s": 31}, WRONG), ({"ahead_s": -31}, WRONG),
        ({"ahead_s": -1, "mark": "*"}, UNSYNCHRONISED), ({"ahead_s": -1, "mark": "."}, UNSYNCHRONISED),
        ({"ahead_s": -1, "digits": 0, "mark": "synchronised"}, SYNCHRONISED),
        ({"ahead_s": -600, "mark": "synchronised"}, SYNCHRONISED),  # it says it is good: the message is late
        ({"ahead_s": -7200, "mark": "synchronised"}, WRONG), ({"ahead_s": 7200, "mark": "synchronised"}, WRONG),
        ({"ahead_s": -1, "zone": 120}, SYNCHRONISED), ({"ahead_s": -1, "zone": -570}, SYNCHRONISED),
    ],
)  # fmt: skip
def test_what_a_stamp_is_worth(given_, worth):
    time_ns, device_ns, found = judge(**given_)
    assert found == worth
    assert time_ns == (NOW * SECOND if worth == WRONG else device_ns)


def test_no_stamp():
    assert resolve(None, "", NOW * SECOND, SenderClock(), TOLERANCES) == (NOW * SECOND, 0, NONE)
    assert resolve(None, "uptime", NOW * SECOND, SenderClock(), TOLERANCES) == (NOW * SECOND, 0, UPTIME)


def test_a_good_clock_is_believed_when_a_message_is_late():
    clock = SenderClock()
    for second in range(6):
        judge(-0.1, clock=clock, arrival=NOW + second)
    assert abs(clock.offset_s + 0.1) < 0.01
    assert judge(-900, clock=clock, arrival=NOW + 10)[2] == SYNCHRONISED
    assert judge(-4000, clock=clock, arrival=NOW + 11)[2] == WRONG


def test_a_slow_clock_is_not_taken_for_late_messages():
    clock = SenderClock()
    assert [judge(-500, clock=clock, arrival=NOW + second)[2] for second in range(6)] == [WRONG] * 6
    assert clock.offset_s == -500
    assert judge(-0.1, clock=clock, arrival=NOW + 10)[2] == SYNCHRONISED  # it was set


def test_a_burst_of_late_messages_is_one_reading():
    clock = SenderClock()
    for second in range(8):
        judge(0, clock=clock, arrival=NOW + second)
    for _ in range(1000):
        judge(-900, clock=clock, arrival=NOW + 9)
    assert abs(clock.offset_s) < 0.01


@pytest.mark.parametrize("offset_s", [7200, -18000, 20700, 5400, 45 * 60])
def test_whole_quarter_hours_are_a_zone(offset_s):
    clock = SenderClock()
    worth = [judge(offset_s, clock=clock, zone=None, arrival=NOW + second)[2] for second in range(8)]
    assert worth[0] == WRONG
    assert worth[-1] == SYNCHRONISED
    assert clock.quarter_s == offset_s
    time_ns, device_ns, _ = judge(offset_s, clock=clock, zone=None, arrival=NOW + 20)
    assert time_ns == device_ns == (NOW + 20) * SECOND


def test_what_is_no_quarter_hour_is_no_zone():
    clock = SenderClock()
    assert {judge(7400, clock=clock, zone=None, arrival=NOW + second)[2] for second in range(8)} == {WRONG}
    assert clock.quarter_s == 0


def test_a_configured_zone_with_its_summer_time():
    clock = SenderClock(ZoneInfo("Europe/Berlin"))
    for arrival, offset in ((NOW, 7200), (int(datetime(2026, 1, 5, 10, tzinfo=UTC).timestamp()), 3600)):
        assert judge(offset, clock=clock, zone=None, arrival=arrival)[:2] == (arrival * SECOND, arrival * SECOND)
    for arrival in (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)):
        seconds = int(arrival.timestamp())  # both are 02:30 in Berlin
        stamp = Stamp(int(datetime(2026, 10, 25, 2, 30, tzinfo=UTC).timestamp()), 0, 3)
        assert resolve(stamp, "", seconds * SECOND, clock, TOLERANCES)[0] == seconds * SECOND


@pytest.mark.parametrize(("name", "minutes"), [("IST", 330), ("IST", 60), ("CST", 480), ("CST", -360), ("EST", 600),
                                               ("BST", 60), ("CEST", 120), ("ET", -240)])  # fmt: skip
def test_abbreviations_mean_what_agrees_with_the_arrival(name, minutes):
    stamp = Stamp(NOW + minutes * 60, 0, 3, name)
    assert resolve(stamp, "", NOW * SECOND, SenderClock(), TOLERANCES)[:2] == (NOW * SECOND, NOW * SECOND)


def test_files_are_believed():
    clock = SenderClock(is_live=False)
    time_ns, device_ns, worth = judge(-9_000_000, clock=clock)
    assert time_ns == device_ns
    assert worth == SYNCHRONISED


@given(st.integers(-(10**13), 10**13), st.integers(-2000, 2000) | st.none() | st.sampled_from(["IST", "QQQ"]))
def test_no_stamp_is_too_odd(seconds, zone):
    for given_zone in (None, ZoneInfo("Asia/Kolkata")):
        try:
            clock = SenderClock(given_zone)
            time_ns, _, worth = resolve(Stamp(seconds, 0, 0, zone), "", NOW * SECOND, clock, TOLERANCES)
        except (OverflowError, ValueError, OSError):
            assert given_zone is not None
            assert not -62135596800 < seconds < 253402300800  # years beyond 1–9999 are never read from a message
            continue
        assert worth in range(6)
        assert time_ns > 0
