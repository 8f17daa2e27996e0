"""IPFIX times that count from systemInitTimeMilliseconds (160), announced by options data: elements 21 and 22."""

from __future__ import annotations

import flow_wire as wire

DAY_MS = 86_400_000
TEMPLATES = wire.template10(256, (22, 4), (21, 4), (1, 4)) + wire.options10(257, [(143, 4)], [(160, 8)])
NOW_MS = wire.EXPORTED * 1000


def booted(at_ms: int) -> bytes:
    return wire.a_set(257, wire.number(1, 4) + wire.number(at_ms, 8))


def flow(start: int, end: int) -> bytes:
    """A record whose times are ms since the exporter booted."""
    return wire.a_set(256, wire.number(start, 4) + wire.number(end, 4) + wire.number(100, 4))


def starts(*messages: bytes) -> list[int]:
    """Start of every record, in ms before the export time."""
    return [NOW_MS - int(row["time_start"].timestamp() * 1000) for row in wire.rows(*messages)]


def test_a_restart_within_a_batch_does_not_move_the_records_before_it() -> None:
    before, after = NOW_MS - 10 * DAY_MS, NOW_MS - 2000
    messages = [
        wire.ipfix(TEMPLATES, booted(before)),
        wire.ipfix(flow(10 * DAY_MS - 5000, 10 * DAY_MS - 4000)),
        wire.ipfix(booted(after), flow(500, 1000)),
    ]
    assert starts(*messages) == [5000, 1500]


def test_the_first_announcement_holds_for_records_before_it_in_the_batch() -> None:
    boot = NOW_MS - DAY_MS
    assert starts(wire.ipfix(TEMPLATES, flow(DAY_MS - 5000, DAY_MS)), wire.ipfix(booted(boot))) == [5000]


def test_announcements_a_few_milliseconds_apart_are_one_boot_time() -> None:
    boot = NOW_MS - DAY_MS
    messages = [wire.ipfix(TEMPLATES, booted(boot), flow(DAY_MS - 5000, DAY_MS)), wire.ipfix(booted(boot + 2))]
    assert abs(starts(*messages)[0] - 5000) <= 2
