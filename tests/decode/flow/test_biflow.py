"""Records that tell of both directions (RFC 5103, initiator and responder counters) become two."""

from __future__ import annotations

from typing import Any

from flow_wire import a_set, decode, fields, ip4, ipfix, new_decoder, number, stream, template9, template10, v9

REVERSE = 29305
KEYS = ("src_addr", "dst_addr", "src_port", "dst_port", "in_if", "out_if", "bytes", "packets")
BASE = ((8, 4), (12, 4), (7, 2), (11, 2), (10, 4), (14, 4))
BODY = ip4("192.0.2.1") + ip4("192.0.2.2") + number(1000, 2) + number(443, 2) + number(1, 4) + number(2, 4)


def told(records: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(r.get(key) for key in KEYS) for r in records]


FORWARD = ("192.0.2.1", "192.0.2.2", 1000, 443, 1, 2)
BACK = ("192.0.2.2", "192.0.2.1", 443, 1000, 2, 1)


def test_reverse_elements() -> None:
    spec = (*BASE, (1, 8), (2, 8), (1, 8, REVERSE), (2, 8, REVERSE), (6, 1), (6, 1, REVERSE), (4, 1), (152, 8), (61, 1))
    times = number(1_700_000_000_000, 8)
    body = BODY + b"".join(number(n, 8) for n in (100, 1, 5000, 7)) + b"\x02\x12\x06" + times + b"\x00"
    decoder = new_decoder()
    records = decode(ipfix(template10(256, *spec), a_set(256, body, body)), decoder=decoder)
    assert told(records) == [(*FORWARD, 100, 1), (*BACK, 5000, 7)] * 2
    forward, back = records[:2]
    assert (forward["tcp_flags"], back["tcp_flags"]) == (0x02, 0x12)
    assert (forward["protocol"], back["protocol"]) == (6, 6)
    assert forward["time_start"] == back["time_start"]
    assert (forward.get("direction"), back.get("direction")) == ("ingress", None)
    assert stream(decoder).records == 4


def test_no_second_record_where_nothing_came_back() -> None:
    spec = (*BASE, (1, 4), (2, 4), (1, 4, REVERSE), (2, 4, REVERSE))
    silent = BODY + number(100, 4) + number(1, 4) + bytes(8)
    both = BODY + number(100, 4) + number(1, 4) + number(1, 4) * 2
    records = decode(ipfix(template10(256, *spec), a_set(256, silent, both, silent)))
    assert told(records) == [(*FORWARD, 100, 1), (*FORWARD, 100, 1), (*BACK, 1, 1), (*FORWARD, 100, 1)]


def test_columns_of_one_direction_are_not_told_of_the_other() -> None:
    spec = (*BASE, (2, 4), (2, 4, REVERSE), (5, 1), (6, 1), (15, 4))
    body = BODY + number(1, 4) + number(2, 4) + b"\x20\x1b" + ip4("192.0.2.9")
    _, back = decode(ipfix(template10(256, *spec), a_set(256, body)))
    assert not {"tos", "tcp_flags", "next_hop", "bytes"} & back.keys()
    assert back["packets"] == 2


def test_initiator_and_responder() -> None:
    """Cisco ASA and AVC: 231/232 octets, 298/299 packets."""
    spec = (*BASE, (231, 4), (232, 4), (298, 4), (299, 4))
    body = BODY + b"".join(number(n, 4) for n in (100, 5000, 1, 7))
    assert told(decode(v9(template9(256, *spec), a_set(256, body)))) == [(*FORWARD, 100, 1), (*BACK, 5000, 7)]


def test_octets_without_packets() -> None:
    spec = (*BASE, (231, 4), (232, 4))
    records = decode(v9(template9(256, *spec), a_set(256, BODY + number(100, 4) + number(9, 4), BODY + bytes(8))))
    assert told(records) == [(*FORWARD, 100, None), (*BACK, 9, None), (*FORWARD, 0, None)]


def test_a_delta_counter_says_all() -> None:
    """With 1 or 85 in the template the responder counters are not made a second record: it would count twice."""
    spec = (*BASE, (1, 4), (231, 4), (232, 4))
    records = decode(v9(template9(256, *spec), a_set(256, BODY + number(600, 4) + number(100, 4) + number(500, 4))))
    assert told(records) == [(*FORWARD, 600, None)]


def test_addresses_of_version_6_change_sides_too() -> None:
    spec = fields((27, 16), (28, 16), (2, 4), (2, 4, REVERSE), (56, 6), (80, 6), (16, 4), (17, 4), (9, 1), (13, 1))
    body = ip4("2001:db8::1") + ip4("2001:db8::2") + number(1, 4) * 2 + bytes(5) + b"\x0a" + bytes(5) + b"\x0b"
    body += number(64501, 4) + number(64502, 4) + b"\x10\x18"
    (forward, back) = decode(ipfix(a_set(2, number(256, 2) + number(10, 2) + spec), a_set(256, body)))
    assert (back["src_addr"], back["dst_addr"]) == ("2001:db8::2", "2001:db8::1")
    assert (back["src_mac"], back["dst_mac"]) == (forward["dst_mac"], forward["src_mac"])
    assert (back["src_as"], back["dst_as"], back["src_mask"], back["dst_mask"]) == (64502, 64501, 0x18, 0x10)
