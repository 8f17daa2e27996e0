"""Sequence numbers: loss, reordering and restarts are told apart."""

from __future__ import annotations

from typing import Any

import pytest
from flow_wire import a_set, decode, ip4, ipfix, new_decoder, stream, template9, template10, v5, v5_record, v9

ADDRESS = ip4("192.0.2.1")


def v5_of(sequence: int, n: int = 3, **header: Any) -> bytes:
    return v5(*[v5_record()] * n, sequence=sequence & 0xFFFFFFFF, **header)


def v9_of(sequence: int, **header: Any) -> bytes:
    return v9(template9(256, (8, 4)), a_set(256, ADDRESS * 5), sequence=sequence & 0xFFFFFFFF, count=6, **header)


def ipfix_of(sequence: int, n: int = 5) -> bytes:
    return ipfix(template10(256, (8, 4)), a_set(256, ADDRESS * n), sequence=sequence & 0xFFFFFFFF)


def ledger(*messages: bytes) -> tuple[int, int, int]:
    decoder = new_decoder()
    for message in messages:
        decode(message, decoder=decoder)
    status = stream(decoder)
    return status.lost, status.reordered, status.restarts


KINDS = pytest.mark.parametrize(("make", "step"), [(v5_of, 3), (v9_of, 1), (ipfix_of, 5)])


@KINDS
@pytest.mark.parametrize("start", [0, 1000, 0xFFFFFFF8])
def test_in_order(make: Any, step: int, start: int) -> None:
    assert ledger(*[make(start + i * step) for i in range(8)]) == (0, 0, 0)


@KINDS
@pytest.mark.parametrize("start", [1000, 0xFFFFFFF0])
def test_loss_in_the_unit_of_the_protocol(make: Any, step: int, start: int) -> None:
    messages = [make(start + i * step) for i in (0, 1, 2, 6, 7)]
    assert ledger(*messages) == (3 * step, 0, 0)


@KINDS
def test_late_datagrams_are_not_lost(make: Any, step: int) -> None:
    assert ledger(*[make(1000 + i * step) for i in (0, 1, 4, 2, 3, 5)]) == (0, 2, 0)


@KINDS
def test_a_duplicate_is_neither_loss_nor_restart(make: Any, step: int) -> None:
    assert ledger(*[make(1000 + i * step) for i in (0, 1, 1, 2, 3)]) == (0, 1, 0)


@KINDS
def test_a_restart_is_not_a_loss(make: Any, step: int) -> None:
    messages = [make(50_000_000 + i * step) for i in range(3)] + [make(i * step) for i in range(3)]
    assert ledger(*messages) == (0, 0, 1)
    messages = [make(500 + i * step) for i in range(3)] + [make(i * step) for i in range(3)]
    assert ledger(*messages) == (0, 0, 1)


@pytest.mark.parametrize("make", [v5_of, v9_of])
def test_a_reboot_shows_in_the_uptime(make: Any) -> None:
    assert ledger(make(1000, uptime=90_000_000), make(0xFF, uptime=4000)) == (0, 0, 1)
    assert ledger(make(1000, uptime=90_000_000), make(5000, uptime=4000)) == (0, 0, 1)


def test_an_uptime_that_wraps_is_no_reboot() -> None:
    lost, _, restarts = ledger(v9_of(1000, uptime=0xFFFFFF00), v9_of(1003, uptime=0x100))
    assert (lost, restarts) == (2, 0)


def test_v9_exporters_that_count_flows_are_recognised() -> None:
    decoder = new_decoder()
    for i in range(20):
        decode(v9_of(1000 + i * 6), decoder=decoder)
    assert stream(decoder).lost == 0
    decode(v9_of(1000 + 22 * 6), decoder=decoder)
    assert stream(decoder).lost == 12


def test_ipfix_exporters_that_count_messages_are_recognised() -> None:
    decoder = new_decoder()
    for i in range(20):
        decode(ipfix_of(1000 + i), decoder=decoder)
    assert stream(decoder).lost == 0


@pytest.mark.parametrize("start", [0, 0xFFFFFFE0])
def test_ipfix_exporters_that_count_a_messages_own_records_are_recognised(start: int) -> None:
    """softflowd announces the count after the message; RFC 7011 §3.1 wants the one before it."""
    counts = [3, 7, 1, 5, 2, 6, 4, 9, 1, 8]
    after = [start + sum(counts[: i + 1]) for i in range(len(counts))]
    messages = [ipfix_of(number, n) for number, n in zip(after, counts, strict=True)]
    assert ledger(*messages) == (0, 0, 0)
    assert ledger(*messages[:6], *messages[8:]) == (counts[6] + counts[7], 0, 0)


def test_ipfix_is_taken_anew_where_records_could_not_be_counted() -> None:
    unknown = ipfix(a_set(999, bytes(40)), sequence=1005)
    assert ledger(ipfix_of(1000), unknown, ipfix_of(1017), ipfix_of(1022)) == (0, 0, 0)
    assert ledger(ipfix_of(1000), unknown, ipfix_of(1017), ipfix_of(1025)) == (3, 0, 0)


def test_options_data_counts_in_ipfix_and_templates_do_not() -> None:
    from flow_wire import number, options10

    options = ipfix(options10(300, [(149, 4)], [(34, 4)]), a_set(300, number(7, 4) + number(1, 4)), sequence=1005)
    assert ledger(ipfix_of(1000), options, ipfix_of(1006)) == (0, 0, 0)


def test_the_unit_is_named() -> None:
    decoder = new_decoder()
    decode(v5_of(1), v9_of(1), ipfix_of(1), decoder=decoder)
    assert [s.lost_unit for s in decoder.streams()] == ["flows", "datagrams", "records"]
