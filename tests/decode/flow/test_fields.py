"""How fields of v9 and IPFIX become columns."""

from __future__ import annotations

from typing import Any

import pytest
from flow_wire import (
    EXPORTED,
    a_set,
    decode,
    ip4,
    ipfix,
    new_decoder,
    number,
    options10,
    rows,
    template9,
    template10,
    v9,
)
from frames import ethernet, ipv4, tcp

NTP = EXPORTED + 2_208_988_800
MS = EXPORTED * 1000


def one(*parts: tuple[int, bytes], version: int = 10, **message: Any) -> dict[str, Any]:
    """The record of a template with these fields."""
    spec = [(element, len(value)) for element, value in parts]
    body = b"".join(value for _, value in parts)
    if version == 9:
        (record,) = decode(v9(template9(256, *spec), a_set(256, body), **message))
    else:
        (record,) = decode(ipfix(template10(256, *spec), a_set(256, body), **message))
    return record


def times(record: dict[str, Any]) -> tuple[Any, Any]:
    return record.get("time_start"), record.get("time_end")


@pytest.mark.parametrize(
    ("element", "value", "column", "wanted"),
    [
        (4, number(17, 1), "protocol", 17),
        (5, number(0xB8, 1), "tos", 0xB8),
        (6, number(0x1B, 1), "tcp_flags", 0x1B),
        (6, number(0x11B, 2), "tcp_flags", 0x11B),
        (7, number(53, 2), "src_port", 53),
        (180, number(53, 2), "src_port", 53),
        (11, number(53, 2), "dst_port", 53),
        (183, number(53, 2), "dst_port", 53),
        (10, number(70000, 4), "in_if", 70000),
        (10, number(7, 2), "in_if", 7),
        (14, number(0x3FFFFFFF, 4), "out_if", 0x3FFFFFFF),
        (16, number(65001, 2), "src_as", 65001),
        (17, number(4200000001, 4), "dst_as", 4200000001),
        (8, ip4("192.0.2.1"), "src_addr", "192.0.2.1"),
        (12, ip4("192.0.2.1"), "dst_addr", "192.0.2.1"),
        (27, ip4("2001:db8::1"), "src_addr", "2001:db8::1"),
        (28, ip4("2001:db8::1"), "dst_addr", "2001:db8::1"),
        (15, ip4("192.0.2.1"), "next_hop", "192.0.2.1"),
        (18, ip4("192.0.2.1"), "next_hop", "192.0.2.1"),
        (62, ip4("2001:db8::1"), "next_hop", "2001:db8::1"),
        (63, ip4("2001:db8::1"), "next_hop", "2001:db8::1"),
        (44, ip4("192.0.2.0"), "src_addr", "192.0.2.0"),
        (45, ip4("192.0.2.0"), "dst_addr", "192.0.2.0"),
        (170, ip4("2001:db8::"), "src_addr", "2001:db8::"),
        (169, ip4("2001:db8::"), "dst_addr", "2001:db8::"),
        (9, number(24, 1), "src_mask", 24),
        (30, number(64, 1), "dst_mask", 64),
        (58, number(100, 2), "src_vlan", 100),
        (243, number(100, 2), "src_vlan", 100),
        (59, number(100, 2), "dst_vlan", 100),
        (254, number(100, 2), "dst_vlan", 100),
        (245, number(100, 2), "inner_vlan", 100),
        (56, bytes.fromhex("0200c0ffee01"), "src_mac", "02:00:c0:ff:ee:01"),
        (81, bytes.fromhex("0200c0ffee01"), "src_mac", "02:00:c0:ff:ee:01"),
        (57, bytes.fromhex("0200c0ffee01"), "dst_mac", "02:00:c0:ff:ee:01"),
        (80, bytes.fromhex("0200c0ffee01"), "dst_mac", "02:00:c0:ff:ee:01"),
        (32, number(0x0803, 2), "icmp_type_code", 0x0803),
        (139, number(0x8000, 2), "icmp_type_code", 0x8000),
        (176, number(8, 1), "icmp_type_code", 0x0800),
        (52, number(57, 1), "ttl", 57),
        (192, number(57, 1), "ttl", 57),
        (31, number(0xABCDE, 3), "ipv6_flow_label", 0xABCDE),
        (31, number(0xABCDE, 4), "ipv6_flow_label", 0xABCDE),
        (88, number(185, 2), "fragment_offset", 185),
        (70, number(16 << 4 | 1, 3), "mpls_label", 16),
        (234, number(9, 4), "in_vrf", 9),
        (235, number(9, 4), "out_vrf", 9),
        (89, number(66, 1), "forwarding_status", 66),
        (136, number(3, 1), "flow_end_reason", 3),
        (61, number(0, 1), "direction", "ingress"),
        (61, number(1, 1), "direction", "egress"),
        (351, number(1 << 56 | 5000, 8), "tunnel_id", 5000),
        (351, number(1 << 56 | 5000, 8), "encapsulation", "vxlan"),
    ],
)
def test_columns(element: int, value: bytes, column: str, wanted: Any) -> None:
    assert one((element, value))[column] == wanted


@pytest.mark.parametrize("length", range(1, 9))
def test_reduced_size(length: int) -> None:
    value = (1 << 8 * length) - 2
    record = one((1, number(value, length)), (2, number(value, length)), (10, number(value, length)))
    assert (record["bytes"], record["packets"]) == (value, value)
    assert record["in_if"] == min(value, 0xFFFFFFFF)


def test_a_field_of_a_length_that_makes_no_sense_is_not_taken() -> None:
    record = one((8, bytes(3)), (12, bytes(16)), (1, bytes(9)), (154, bytes(4)), (7, number(9, 2)))
    assert record["src_port"] == 9
    assert not {"src_addr", "dst_addr", "bytes"} & record.keys()


@pytest.mark.parametrize(
    ("parts", "octets", "packets"),
    [
        (((1, 100), (2, 1), (23, 5), (24, 5), (85, 9), (86, 9)), 100, 1),
        (((85, 900), (86, 9)), 900, 9),
        (((23, 50), (24, 5)), 50, 5),
        (((352, 64),), 64, None),
        (((85, 900), (23, 50)), 900, None),
    ],
)
def test_counters(parts: Any, octets: int, packets: int | None) -> None:
    record = one(*((element, number(value, 4)) for element, value in parts))
    assert (record["bytes"], record.get("packets")) == (octets, packets)


def test_duplicates_feed_their_column_once() -> None:
    record = one((8, ip4("192.0.2.1")), (8, ip4("192.0.2.2")), (1, number(5, 4)), (1, number(6, 4)))
    assert (record["src_addr"], record["bytes"]) == ("192.0.2.1", 5)


def test_both_families_in_one_template() -> None:
    spec = (8, 4), (27, 16)
    v4 = ip4("192.0.2.1") + bytes(16)
    v6 = bytes(4) + ip4("2001:db8::1")
    found = decode(v9(template9(256, *spec), a_set(256, v4, v6, bytes(20))))
    assert [r["src_addr"] for r in found] == ["192.0.2.1", "2001:db8::1", "0.0.0.0"]


def test_the_bgp_next_hop_where_there_is_no_other() -> None:
    spec = (15, 4), (18, 4)
    found = decode(v9(template9(256, *spec), a_set(256, bytes(4) + ip4("192.0.2.1"), ip4("192.0.2.2") * 2)))
    assert [r["next_hop"] for r in found] == ["192.0.2.1", "192.0.2.2"]


def test_icmp_from_parts_and_from_the_port() -> None:
    assert one((178, b"\x87"), (179, b"\x01"))["icmp_type_code"] == 0x8701
    found = decode(v9(template9(256, (4, 1), (11, 2)), a_set(256, b"\x01\x03\x01", b"\x3a\x80\x00", b"\x06\x00\x50")))
    assert [r.get("icmp_type_code") for r in found] == [0x0301, 0x8000, None]


@pytest.mark.parametrize(
    ("parts", "start", "end"),
    [
        (
            ((150, number(EXPORTED - 9, 4)), (151, number(EXPORTED - 8, 4))),
            "2023-11-14T22:13:11Z",
            "2023-11-14T22:13:12Z",
        ),
        (
            ((152, number(MS - 9001, 8)), (153, number(MS - 1, 8))),
            "2023-11-14T22:13:10.999Z",
            "2023-11-14T22:13:19.999Z",
        ),
        (
            ((154, number(NTP << 32 | 1 << 31, 8)), (155, number((NTP + 1) << 32 | 530242871, 8))),
            "2023-11-14T22:13:20.500Z",
            "2023-11-14T22:13:21.123456789Z",
        ),
        (
            ((156, number(NTP << 32 | 1 << 31, 8)), (157, number((NTP + 1) << 32 | 530242871, 8))),
            "2023-11-14T22:13:20.500Z",
            "2023-11-14T22:13:21.123456789Z",
        ),
        (
            ((154, number(EXPORTED * 10**6 + 5, 8)), (157, number(EXPORTED * 10**9 + 7, 8))),  # not NTP at all
            "2023-11-14T22:13:20.000005Z",
            "2023-11-14T22:13:20.000000007Z",
        ),
        (((158, number(2_500_000, 4)), (159, number(1, 4))), "2023-11-14T22:13:17.500Z", "2023-11-14T22:13:19.999999Z"),
        (((323, number(MS + 5, 8)),), "2023-11-14T22:13:20.005Z", "2023-11-14T22:13:20.005Z"),
        (
            ((152, number(MS - 5000, 8)), (323, number(MS, 8))),
            "2023-11-14T22:13:15Z",
            "2023-11-14T22:13:20Z",
        ),
        (((325, number(NTP << 32, 8)),), "2023-11-14T22:13:20Z", "2023-11-14T22:13:20Z"),
        (((152, number(MS, 8)), (161, number(1500, 4))), "2023-11-14T22:13:20Z", "2023-11-14T22:13:21.500Z"),
        (((153, number(MS, 8)), (162, number(1500, 4))), "2023-11-14T22:13:19.998500Z", "2023-11-14T22:13:20Z"),
        (
            ((22, number(5000, 4)), (21, number(7000, 4)), (160, number((EXPORTED - 60) * 1000, 8))),
            "2023-11-14T22:12:25Z",
            "2023-11-14T22:12:27Z",
        ),
    ],
)
def test_times(parts: Any, start: str, end: str) -> None:
    record = one(*parts)
    assert times(record) == (start, end)
    assert record["time_quality"] == "exporter"


def test_relative_times_of_v9() -> None:
    record = one((22, number(999_000, 4)), (21, number(1_000_000, 4)), version=9)
    assert times(record) == ("2023-11-14T22:13:19Z", "2023-11-14T22:13:20Z")
    record = one((22, number(0xFFFFFF00, 4)), (21, number(0x10, 4)), version=9, uptime=0x100)
    assert times(record) == ("2023-11-14T22:13:19.488Z", "2023-11-14T22:13:19.760Z")


def test_relative_times_after_more_than_49_days() -> None:
    init = MS - (1 << 32) - 10_000
    record = one((160, number(init, 8)), (22, number(8000, 4)), (21, number(9000, 4)))
    assert times(record) == ("2023-11-14T22:13:18Z", "2023-11-14T22:13:19Z")


def test_relative_times_without_a_reference() -> None:
    message = ipfix(template10(256, (22, 4), (21, 4)), a_set(256, number(5000, 4) + number(7000, 4)))
    (row,) = rows(message)
    assert (row["time_end"].value - row["time_start"].value, row["time_end"].value) == (2 * 10**9, EXPORTED * 10**9)
    assert row["time_quality"] == 1
    assert times(decode(message)[0]) == (None, None)


def test_the_reference_may_come_by_options() -> None:
    decoder = new_decoder()
    options = options10(300, [(149, 4)], [(160, 8)]), a_set(300, number(7, 4) + number((EXPORTED - 60) * 1000, 8))
    decode(ipfix(*options), decoder=decoder)
    data = ipfix(template10(256, (22, 4), (21, 4)), a_set(256, number(5000, 4) + number(7000, 4)), sequence=1)
    assert times(decode(data, decoder=decoder)[0]) == ("2023-11-14T22:12:25Z", "2023-11-14T22:12:27Z")


@pytest.mark.parametrize("element", [150, 152, 154, 156])
@pytest.mark.parametrize("value", [0, 0xFFFFFFFFFFFFFFFF])
def test_times_that_cannot_be(element: int, value: int) -> None:
    length = 4 if element == 150 else 8
    (row,) = rows(ipfix(template10(256, (element, length)), a_set(256, number(value & (1 << 8 * length) - 1, length))))
    if value == 0:
        assert (row["time_start"].value, row["time_quality"]) == (EXPORTED * 10**9, 1)


def test_sampled_frames() -> None:
    frame = ethernet(ipv4(tcp(1234, 443), 6))
    spec = (10, 4), (312, 2), (315, 65535), (305, 4), (306, 4)
    body = number(7, 4) + number(1500, 2) + bytes([len(frame)]) + frame + number(1, 4) + number(99, 4)
    decoder = new_decoder()
    first, second = decode(ipfix(template10(256, *spec), a_set(256, body, body)), decoder=decoder)
    assert first == second
    assert (first["src_port"], first["dst_port"], first["protocol"]) == (1234, 443, 6)
    assert (first["bytes"], first["packets"], first["sampling_rate"], first["in_if"]) == (1500, 1, 100, 7)
    assert {"src_addr", "dst_addr", "src_mac", "ttl", "tcp_flags"} <= first.keys()


def test_a_sampled_packet_of_fixed_length() -> None:
    packet = ipv4(tcp(1, 2), 6)
    (record,) = decode(ipfix(template10(256, (313, len(packet)), (4, 1)), a_set(256, packet, b"\x11")))
    assert (record["src_port"], record["protocol"], record["bytes"]) == (1, 17, len(packet))  # the template's own wins


def test_columns_that_other_records_have_are_zero_here() -> None:
    """Rows of different templates share columns: what one does not carry must not shine through."""
    full = template9(256, (8, 4), (11, 2), (58, 2), (1, 4)), a_set(256, ip4("192.0.2.1") + b"\1\2\3\4" + number(9, 4))
    bare = template9(257, (12, 4)), a_set(257, ip4("192.0.2.2") * 3)
    decoder = new_decoder()
    for _ in range(2):
        found = rows(v9(*full, *bare, a_set(256, ip4("192.0.2.1") + b"\1\2\3\4" + number(9, 4))), decoder=decoder)
        assert [(r["dst_port"], r["src_vlan"], r["bytes"]) for r in found] == [
            (0x0102, 0x0304, 9), *[(0, 0, 0)] * 3, (0x0102, 0x0304, 9),
        ]  # fmt: skip
