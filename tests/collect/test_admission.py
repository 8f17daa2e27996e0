from ipaddress import ip_network

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.collect.admission import Admission

from .fakes import batch_from, batch_of, datagram

V9 = b"\0\x09" + bytes(30)
IPFIX = b"\0\x0a" + bytes(30)
SFLOW = b"\0\0\0\x05" + bytes(30)


def admission(**given: object) -> Admission:
    return Admission(**({"queue_bytes": 1 << 20, "max_senders": 64} | given))  # type: ignore[arg-type]


def test_the_four_protocols_are_let_in_and_anything_else_is_counted() -> None:
    gate = admission()
    kept = gate.admit(batch_of([datagram(1), V9, IPFIX, SFLOW]))
    assert kept is not None
    assert len(kept.batch) == 4
    garbage = [b"", b"\0", bytes(100), b"GET / HTTP/1.1\r\n" + bytes(20), b"\0\x09", b"\0\0\0\x05short", b"\xff" * 1400]
    assert gate.admit(batch_of(garbage)) is None
    old = [b"\0\x07\0\x01" + bytes(60), b"\0\x01\0\x02" + bytes(60), b"\0\0\0\x02" + bytes(60)]
    assert gate.admit(batch_of(old)) is None
    (sender,) = gate.status()
    assert (sender.address, sender.datagrams) == ("192.0.2.1", 14)
    assert sender.dropped == {"not_telemetry": 7, "unsupported_version": 3}


def test_kept_datagrams_keep_their_content_and_order() -> None:
    gate = admission()
    kept = gate.admit(batch_from([("10.0.0.1", 1, datagram(1)), ("10.0.0.2", 2, b"junk"), ("2001:db8::1", 3, V9)]))
    assert kept is not None
    places = zip(kept.batch.start, kept.batch.length, strict=True)
    assert [kept.batch.data[s : s + n].tobytes() for s, n in places] == [datagram(1), V9]
    assert kept.batch.source_port.tolist() == [1, 3]
    assert {s.address for s in gate.status()} == {"10.0.0.1", "10.0.0.2", "2001:db8::1"}


def test_a_flood_cannot_take_the_room_of_others() -> None:
    gate = admission(queue_bytes=1 << 20)
    flood = [gate.admit(batch_of([datagram(i)] * 1000, "10.0.0.66")) for i in range(3)]
    taken = sum(len(one.batch) for one in flood if one)
    assert taken < 512  # of 512 rows of 2,048 bytes
    quiet = gate.admit(batch_of([datagram(1)] * 20, "10.0.0.1"))
    assert quiet is not None
    assert len(quiet.batch) == 20
    by_address = {s.address: s for s in gate.status()}
    assert by_address["10.0.0.66"].dropped == {"queue_full": 3000 - taken}
    assert not by_address["10.0.0.1"].dropped


def test_memory_is_given_back() -> None:
    gate = admission()
    for _ in range(10):
        kept = gate.admit(batch_of([datagram(1, 1400)] * 100 + [datagram(2, 9000)]))
        assert kept is not None
        assert len(kept.batch) == 101
        assert gate.fill > 0
        gate.release(kept)
    assert gate.used_bytes == 0


def test_allow_list() -> None:
    gate = admission(allowed=(ip_network("10.1.0.0/16"), ip_network("2001:db8::/32")))
    mixed = [("10.1.2.3", 1, V9), ("10.2.0.1", 1, V9), ("2001:db8::7", 1, V9), ("2001:db9::7", 1, V9)]
    kept = gate.admit(batch_from(mixed))
    assert kept is not None
    assert len(kept.batch) == 2
    assert gate.totals()[2]["not_allowed"] == 2


def test_quota_is_per_second_and_per_sender() -> None:
    gate = admission(quota=50)
    for address in ("10.0.0.1", "10.0.0.2"):
        kept = gate.admit(batch_of([V9] * 80, address))
        assert kept is not None
        assert len(kept.batch) == 50
    gate.second_passed({})
    kept = gate.admit(batch_of([V9] * 30))
    assert kept is not None
    assert len(kept.batch) == 30
    assert gate.totals()[2]["over_quota"] == 60


def _second(gate: Admission, address: str, count: int, fruitful: bool, malformed: int) -> int:
    """One second of a sender; returns how many of its datagrams were let in."""
    kept = gate.admit(batch_of([V9] * count, address))
    n = len(kept.batch) if kept else 0
    if kept:
        gate.release(kept, np.arange(n if fruitful else 0, dtype=np.uint32))
    gate.second_passed({address: malformed})
    return n


def test_a_broken_exporter_is_held_to_a_trickle_until_it_recovers() -> None:
    gate = admission(queue_bytes=64 << 20)
    assert _second(gate, "10.0.0.66", 1000, fruitful=False, malformed=1000) == 1000
    assert _second(gate, "10.0.0.66", 1000, fruitful=False, malformed=100) == 100
    assert gate.status()[0].broken
    assert _second(gate, "10.0.0.1", 1000, fruitful=True, malformed=0) == 1000
    assert _second(gate, "10.0.0.66", 1000, fruitful=True, malformed=0) == 100
    assert _second(gate, "10.0.0.66", 1000, fruitful=True, malformed=0) == 1000
    assert not gate.status()[0].broken


def test_waiting_for_templates_is_not_broken() -> None:
    gate = admission(queue_bytes=64 << 20)
    _second(gate, "10.0.0.1", 2000, fruitful=False, malformed=0)
    assert not gate.status()[0].broken


def test_more_senders_than_accounts_share_one_and_totals_stay() -> None:
    gate = admission(max_senders=16, queue_bytes=64 << 20)
    total = 0
    for round_ in range(5):
        many = [(f"10.{round_}.{i // 250}.{i % 250}", i, V9) for i in range(300)]
        kept = gate.admit(batch_from(many, at_ns=round_ + 1))
        assert kept is not None
        gate.release(kept)
        gate.second_passed({})
        total += 300
        assert len(gate.status()) <= 17
    assert gate.totals()[0] == total == sum(s.datagrams for s in gate.status())


def test_garbage_senders_leave_room_for_real_ones() -> None:
    gate = admission(max_senders=16)
    gate.admit(batch_from([(f"10.9.0.{i}", i, b"junk") for i in range(200)]))
    for i in range(8):
        gate.admit(batch_of([V9], f"10.0.0.{i}"))
    assert {f"10.0.0.{i}" for i in range(8)} <= {s.address for s in gate.status()}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3), st.binary(max_size=80)), min_size=1, max_size=60))
def test_every_datagram_is_either_kept_or_counted(datagrams: list[tuple[int, int, bytes]]) -> None:
    gate = admission(queue_bytes=20 * 2048, max_senders=16)
    kept = gate.admit(batch_from([(f"10.0.0.{a}", p, raw) for a, p, raw in datagrams]))
    seen, _, dropped = gate.totals()
    assert seen == len(datagrams) == (len(kept.batch) if kept else 0) + sum(dropped.values())
    if kept:
        gate.release(kept)
    assert gate.used_bytes == 0
