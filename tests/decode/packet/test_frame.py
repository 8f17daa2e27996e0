"""Frame headers to columns: every encapsulation, cut anywhere."""

from __future__ import annotations

import struct

import pytest
from frames import ARP, IPV6, MPLS, ethernet, extension, ipv4, ipv6, label, parse, tcp, udp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weft.decode.packet import LINK_IP, LINK_IPV4, LINK_IPV6, LINK_MPLS, LINK_PPP

PAIR4 = {"src_addr": "10.0.0.1", "dst_addr": "10.0.0.2"}
PAIR6 = {"src_addr": "2001:db8::1", "dst_addr": "2001:db8::2"}
MACS = {"src_mac": "02:00:00:00:00:01", "dst_mac": "02:00:00:00:00:02"}
INNER = ipv4(tcp(5, 6), 6, "192.0.2.1", "192.0.2.2")
INNER_PAIR = {
    "inner_src_addr": "192.0.2.1",
    "inner_dst_addr": "192.0.2.2",
    "inner_src_port": 5,
    "inner_dst_port": 6,
    "inner_protocol": 6,
}


def has(record: dict[str, object], **wanted: object) -> None:
    assert {name: record.get(name) for name in wanted} == wanted


def test_tcp_over_ipv4() -> None:
    record = parse(ethernet(ipv4(tcp(flags=0x1FF), 6, tos=0xB8, ttl=7)))
    assert record == {
        **MACS,
        **PAIR4,
        "src_port": 1234,
        "dst_port": 443,
        "protocol": 6,
        "tcp_flags": 0x1FF,
        "tos": 0xB8,
        "ttl": 7,
    }


def test_udp_over_ipv6() -> None:
    record = parse(ethernet(ipv6(udp(), 17, traffic_class=0x2E, label=0x12345, hops=9), IPV6))
    has(record, **PAIR6, protocol=17, src_port=1234, dst_port=53, tos=0x2E, ipv6_flow_label=0x12345, ttl=9)
    assert "tcp_flags" not in record


def test_padding_and_check_sequence_are_not_payload() -> None:
    record = parse(ethernet(ipv4(b"", 6) + bytes(26)))
    has(record, protocol=6)
    assert "src_port" not in record


def test_total_length_of_zero_is_segmentation_offload() -> None:
    has(parse(ethernet(ipv4(tcp(), 6, total=0))), src_port=1234, tcp_flags=0x12)


@pytest.mark.parametrize("protocol", [6, 17, 33, 132, 136])
def test_protocols_with_ports(protocol: int) -> None:
    has(parse(ethernet(ipv4(udp(bytes(20)), protocol))), src_port=1234, dst_port=53, protocol=protocol)


@pytest.mark.parametrize(("protocol", "packet"), [(1, ipv4), (58, ipv6)])
def test_icmp(protocol: int, packet: object) -> None:
    kind = IPV6 if packet is ipv6 else 0x0800
    record = parse(ethernet(packet(b"\x03\x04\0\0", protocol), kind))  # type: ignore[operator]
    has(record, icmp_type_code=0x0304, protocol=protocol)
    assert "src_port" not in record


class TestLinks:
    @pytest.mark.parametrize("tpid", [0x8100, 0x88A8, 0x9100, 0x9200])
    def test_one_tag(self, tpid: int) -> None:
        record = parse(ethernet(ipv4(tcp(), 6), tags=((tpid, 0xE000 | 77),)))
        has(record, src_vlan=77, dst_port=443)
        assert "inner_vlan" not in record

    def test_two_tags(self) -> None:
        has(parse(ethernet(ipv4(tcp(), 6), tags=((0x88A8, 100), (0x8100, 200)))), src_vlan=100, inner_vlan=200, **PAIR4)

    def test_many_tags(self) -> None:
        tags = ((0x88A8, 1), (0x8100, 2), (0x8100, 3), (0x8100, 4), (0x8100, 5))
        has(parse(ethernet(ipv4(tcp(), 6), tags=tags)), src_vlan=1, inner_vlan=2, dst_port=443)

    def test_priority_tag_is_vlan_0(self) -> None:
        has(parse(ethernet(ipv4(tcp(), 6), tags=((0x8100, 0),))), src_vlan=0, dst_port=443)

    def test_arp_has_its_macs(self) -> None:
        assert parse(ethernet(bytes(28), ARP)) == MACS

    def test_length_and_snap(self) -> None:
        snap = bytes.fromhex("aaaa03000000") + struct.pack(">H", 0x0800) + ipv4(tcp(), 6)
        has(parse(ethernet(snap, len(snap))), dst_port=443, **MACS)
        assert parse(ethernet(bytes.fromhex("424203") + bytes(35), 38)) == MACS

    def test_pppoe(self) -> None:
        session = struct.pack(">BBHHH", 0x11, 0, 7, 60, 0x0021) + ipv4(tcp(), 6)
        has(parse(ethernet(session, 0x8864)), dst_port=443, **PAIR4)

    def test_ppp_plain_framed_and_compressed(self) -> None:
        for head in (b"\x00\x21", b"\xff\x03\x00\x21", b"\x21"):
            has(parse(head + ipv4(tcp(), 6), LINK_PPP), dst_port=443)
        has(parse(b"\x00\x57" + ipv6(udp(), 17), LINK_PPP), **PAIR6)

    def test_bare_ip(self) -> None:
        has(parse(ipv4(tcp(), 6), LINK_IPV4), dst_port=443)
        has(parse(ipv6(udp(), 17), LINK_IPV6), dst_port=53)
        for packet in (ipv4(tcp(), 6), ipv6(tcp(), 6)):
            has(parse(packet, LINK_IP), dst_port=443)

    def test_a_bare_packet_of_the_other_version_is_not_read(self) -> None:
        assert parse(ipv6(udp(), 17), LINK_IPV4) == {}
        assert parse(ipv4(tcp(), 6), LINK_IPV6) == {}

    def test_an_unknown_link_type_gives_nothing(self) -> None:
        assert parse(bytes(60), 5) == {}

    def test_service_header(self) -> None:
        header = struct.pack(">HBBI", 0x0FC6, 1, 1, 0) + bytes(16)
        has(parse(ethernet(header + ipv4(tcp(), 6), 0x894F)), dst_port=443, **PAIR4)
        assert parse(ethernet(struct.pack(">HBBI", 0x0FC0, 1, 1, 0) + bytes(40), 0x894F)) == MACS


class TestMpls:
    def test_stack(self) -> None:
        record = parse(ethernet(label(100, bottom=False) + label(200) + ipv4(tcp(), 6), MPLS))
        has(record, mpls_label=100, encapsulation="mpls", dst_port=443, **PAIR4)

    def test_ipv6_by_first_nibble(self) -> None:
        has(parse(label(17) + ipv6(udp(), 17), LINK_MPLS), mpls_label=17, **PAIR6)

    @pytest.mark.parametrize(("null", "packet", "pair"), [(0, ipv4(tcp(), 6), PAIR4), (2, ipv6(tcp(), 6), PAIR6)])
    def test_explicit_null(self, null: int, packet: bytes, pair: dict[str, str]) -> None:
        has(parse(ethernet(label(null) + packet, MPLS)), mpls_label=null, **pair)

    def test_pseudowire_with_control_word(self) -> None:
        record = parse(ethernet(label(9) + bytes(4) + ethernet(INNER, tags=((0x8100, 55),)), MPLS, ((0x8100, 7),)))
        has(record, src_vlan=7, src_addr="192.0.2.1", mpls_label=9, encapsulation="mpls")
        assert "inner_vlan" not in record

    def test_pseudowire_without_control_word(self) -> None:
        has(parse(ethernet(label(9) + ethernet(INNER), MPLS)), src_addr="192.0.2.1")

    def test_associated_channel_is_not_a_packet(self) -> None:
        record = parse(ethernet(label(13) + b"\x10\x00\x00\x21" + ipv4(tcp(), 6), MPLS))
        assert record == {**MACS, "mpls_label": 13, "encapsulation": "mpls"}

    def test_stack_without_bottom(self) -> None:
        record = parse(ethernet(label(1, bottom=False) * 3, MPLS))
        assert record == {**MACS, "mpls_label": 1, "encapsulation": "mpls"}

    def test_tunnel_below_labels_is_the_encapsulation(self) -> None:
        gre = struct.pack(">HH", 0, 0x0800) + INNER
        has(parse(ethernet(label(3) + ipv4(gre, 47), MPLS)), encapsulation="gre", mpls_label=3, **PAIR4, **INNER_PAIR)


class TestIpv4:
    def test_options(self) -> None:
        has(parse(ethernet(ipv4(tcp(), 6, options=bytes(24)))), dst_port=443)

    def test_first_fragment_has_ports(self) -> None:
        record = parse(ethernet(ipv4(udp(bytes(8)), 17, fragment=0x2000)))
        has(record, src_port=1234)
        assert "fragment_offset" not in record

    def test_later_fragment_has_none(self) -> None:
        record = parse(ethernet(ipv4(udp(bytes(8)), 17, fragment=0x2000 | 185)))
        has(record, fragment_offset=185, protocol=17)
        assert "src_port" not in record

    def test_bad_header_length(self) -> None:
        frame = bytearray(ethernet(ipv4(tcp(), 6)))
        frame[14] = 0x42
        record = parse(bytes(frame))
        has(record, protocol=6, **PAIR4)
        assert "src_port" not in record

    def test_not_version_4(self) -> None:
        frame = bytearray(ethernet(ipv4(tcp(), 6)))
        frame[14] = 0x55
        assert parse(bytes(frame)) == MACS


class TestIpv6Extensions:
    @pytest.mark.parametrize("kind", [0, 43, 60])
    def test_skipped(self, kind: int) -> None:
        has(parse(ethernet(ipv6(extension(6, bytes(14)) + tcp(), kind), IPV6)), protocol=6, dst_port=443)

    def test_all_in_a_row(self) -> None:
        chain = extension(60) + extension(43) + extension(44) + struct.pack(">BBHI", 51, 0, 1, 9)
        chain += struct.pack(">BBHII", 60, 4, 0, 1, 2) + bytes(12) + extension(17) + udp()
        has(parse(ethernet(ipv6(chain, 0), IPV6)), protocol=17, src_port=1234)

    def test_later_fragment(self) -> None:
        record = parse(ethernet(ipv6(struct.pack(">BBHI", 17, 0, 185 << 3 | 1, 9) + udp(), 44), IPV6))
        has(record, protocol=17, fragment_offset=185)
        assert "src_port" not in record

    def test_first_fragment(self) -> None:
        has(parse(ethernet(ipv6(struct.pack(">BBHI", 17, 0, 1, 9) + udp(), 44), IPV6)), protocol=17, src_port=1234)

    def test_esp_stops(self) -> None:
        record = parse(ethernet(ipv6(extension(50) + bytes(40), 0), IPV6))
        has(record, protocol=50)
        assert "src_port" not in record

    def test_mobility(self) -> None:
        has(parse(ethernet(ipv6(extension(59), 135), IPV6)), protocol=135)
        has(parse(ethernet(ipv6(extension(17) + udp(), 135), IPV6)), protocol=17, dst_port=53)

    def test_no_next_header(self) -> None:
        has(parse(ethernet(ipv6(b"", 59), IPV6)), protocol=59)

    def test_length_beyond_the_packet(self) -> None:
        record = parse(ethernet(ipv6(bytes((6, 255)) + bytes(6) + tcp(), 0), IPV6))
        has(record, protocol=6, **PAIR6)
        assert "src_port" not in record

    def test_jumbogram(self) -> None:
        has(parse(ethernet(ipv6(udp(), 17, length=0), IPV6)), dst_port=53)


def gre(flags: int, kind: int, *words: int) -> bytes:
    return struct.pack(f">HH{len(words)}I", flags, kind, *words)


class TestTunnels:
    @pytest.mark.parametrize(
        ("header", "key"),
        [
            (gre(0, 0x0800), None),
            (gre(0x8000, 0x0800, 1), None),
            (gre(0x2000, 0x0800, 77), 77),
            (gre(0x1000, 0x0800, 5), None),
            (gre(0xB000, 0x0800, 1, 77, 5), 77),
        ],
    )
    def test_gre(self, header: bytes, key: int | None) -> None:
        record = parse(ethernet(ipv4(header + INNER, 47)))
        has(record, encapsulation="gre", tunnel_id=key, protocol=47, **PAIR4, **INNER_PAIR)
        assert "src_port" not in record

    def test_gre_bridging(self) -> None:
        has(parse(ethernet(ipv4(gre(0x2000, 0x6558, 5) + ethernet(INNER, tags=((0x8100, 3),)), 47))), **INNER_PAIR)

    def test_gre_routed_by_the_source_is_named_only(self) -> None:
        record = parse(ethernet(ipv4(gre(0x4000, 0x0800, 0) + INNER, 47)))
        has(record, encapsulation="gre")
        assert "inner_src_addr" not in record

    def test_pptp(self) -> None:
        header = struct.pack(">HHHHII", 0x3081, 0x880B, 50, 9, 1, 2)
        has(parse(ethernet(ipv4(header + b"\xff\x03\x00\x21" + INNER, 47))), tunnel_id=9, **INNER_PAIR)

    @pytest.mark.parametrize(
        ("header", "session"),
        [
            (gre(0, 0x88BE), None),
            (gre(0x1000, 0x88BE, 1) + struct.pack(">HHI", 0x1000, 0x0C00 | 9, 0), 9),
            (gre(0x1000, 0x22EB, 1) + struct.pack(">HHIHH", 0x2000, 9, 0, 0, 0), 9),
            (gre(0x1000, 0x22EB, 1) + struct.pack(">HHIHHII", 0x2000, 9, 0, 0, 1, 0, 0), 9),
        ],
        ids=["I", "II", "III", "III with subheader"],
    )
    def test_erspan(self, header: bytes, session: int | None) -> None:
        has(parse(ethernet(ipv4(header + ethernet(INNER), 47))), encapsulation="gre", tunnel_id=session, **INNER_PAIR)

    def test_ip_in_ip(self) -> None:
        has(parse(ethernet(ipv4(INNER, 4))), encapsulation="ipip", protocol=4, **PAIR4, **INNER_PAIR)
        has(parse(ethernet(ipv6(INNER, 4), IPV6)), encapsulation="ipip", protocol=4, **PAIR6, **INNER_PAIR)
        inner = ipv6(udp(), 17, "2001:db8::5", "2001:db8::6")
        has(parse(ethernet(ipv4(inner, 41))), encapsulation="ipip", inner_src_addr="2001:db8::5", inner_dst_port=53)

    def test_segment_routing(self) -> None:
        srh = struct.pack(">BBBBBBH", 4, 2, 4, 0, 0, 0, 0) + bytes(16)
        has(parse(ethernet(ipv6(srh + INNER, 43), IPV6)), encapsulation="srv6", protocol=4, **PAIR6, **INNER_PAIR)
        has(parse(ethernet(ipv6(ethernet(INNER), 143), IPV6)), encapsulation="srv6", **INNER_PAIR)

    @pytest.mark.parametrize("port", [4789, 8472])
    def test_vxlan(self, port: int) -> None:
        header = struct.pack(">II", 0x08000000, 0x123456 << 8)
        record = parse(ethernet(ipv4(udp(header + ethernet(INNER), dst=port), 17)))
        has(record, encapsulation="vxlan", tunnel_id=0x123456, src_port=1234, dst_port=port, **PAIR4, **INNER_PAIR)

    def test_not_vxlan_without_its_flag(self) -> None:
        record = parse(ethernet(ipv4(udp(bytes(8) + ethernet(INNER), dst=4789), 17)))
        has(record, dst_port=4789)
        assert "encapsulation" not in record

    def test_vxlan_generic(self) -> None:
        header = struct.pack(">II", 0x0C000001, 7 << 8)
        has(parse(ethernet(ipv4(udp(header + INNER, dst=4790), 17))), encapsulation="vxlan", tunnel_id=7, **INNER_PAIR)

    @pytest.mark.parametrize("options", [0, 3])
    def test_geneve(self, options: int) -> None:
        header = struct.pack(">BBHI", options, 0, 0x6558, 42 << 8) + bytes(4 * options)
        record = parse(ethernet(ipv4(udp(header + ethernet(INNER), dst=6081), 17)))
        has(record, encapsulation="geneve", tunnel_id=42, **INNER_PAIR)

    @pytest.mark.parametrize(
        "header",
        [
            struct.pack(">BBHI", 0x30, 255, 60, 99),
            struct.pack(">BBHIHBB", 0x32, 255, 60, 99, 1, 0, 0),
            struct.pack(">BBHIHBB", 0x34, 255, 60, 99, 0, 0, 0x85) + b"\x01\x10\x09\x00",
        ],
        ids=["plain", "sequence", "extension"],
    )
    def test_gtp_u(self, header: bytes) -> None:
        record = parse(ethernet(ipv4(udp(header + INNER, dst=2152), 17)))
        has(record, encapsulation="gtp_u", tunnel_id=99, **INNER_PAIR)

    def test_gtp_control_messages_are_no_tunnel(self) -> None:
        assert "encapsulation" not in parse(ethernet(ipv4(udp(struct.pack(">BBHI", 0x32, 1, 4, 0), dst=2152), 17)))

    def test_mpls_over_udp(self) -> None:
        record = parse(ethernet(ipv4(udp(label(5) + INNER, dst=6635), 17)))
        has(record, encapsulation="mpls", **PAIR4, **INNER_PAIR)

    def test_the_first_of_two_tunnels(self) -> None:
        nested = ipv4(INNER, 4, "198.51.100.1", "198.51.100.2")
        record = parse(ethernet(ipv4(nested, 4)))
        has(record, inner_src_addr="198.51.100.1", inner_protocol=4, **PAIR4)

    def test_inner_later_fragment_has_no_ports(self) -> None:
        record = parse(ethernet(ipv4(ipv4(udp(), 17, "192.0.2.1", "192.0.2.2", fragment=9), 4)))
        has(record, inner_protocol=17)
        assert "inner_src_port" not in record


SAMPLES = (
    ethernet(ipv4(tcp(), 6), tags=((0x88A8, 100), (0x8100, 200))),
    ethernet(label(100, bottom=False) + label(200) + ipv6(extension(6) + tcp(), 0), MPLS),
    ethernet(ipv4(udp(struct.pack(">II", 0x08000000, 7 << 8) + ethernet(INNER), dst=4789), 17)),
    ethernet(ipv4(gre(0xB000, 0x88BE, 1, 2, 3) + struct.pack(">HHI", 0x1000, 9, 0) + ethernet(INNER), 47)),
    ethernet(ipv6(struct.pack(">BBBBBBH", 4, 2, 4, 0, 0, 0, 0) + bytes(16) + INNER, 43), IPV6),
    ethernet(
        ipv4(udp(struct.pack(">BBHIHBB", 0x34, 255, 60, 99, 0, 0, 0x85) + b"\x01\x10\x09\x00" + INNER, dst=2152), 17)
    ),
)


@pytest.mark.parametrize("frame", SAMPLES, ids=range(len(SAMPLES)))
def test_cut_anywhere_gives_what_it_holds(frame: bytes) -> None:
    """Each byte more can only add columns, and what was read stays as it was (the protocol excepted: it is the last
    header's that could be read)."""
    whole = parse(frame)
    before: dict[str, object] = {}
    for size in range(len(frame) + 1):
        record = parse(frame[:size])
        assert set(before) <= set(record) <= set(whole)
        for name, value in record.items():
            if name not in ("protocol", "inner_protocol"):
                assert value == whole[name]
        before = record
    assert before == whole


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    frame=st.one_of(st.binary(max_size=200), st.sampled_from(SAMPLES)),
    changes=st.lists(st.tuples(st.integers(0, 199), st.integers(0, 255)), max_size=6),
    link=st.sampled_from([1, 7, 11, 12, 13, 14, 256, 99]),
)
def test_any_bytes(frame: bytes, changes: list[tuple[int, int]], link: int) -> None:
    """Nothing crashes, and what lies around the frame never shows."""
    mutated = bytearray(frame)
    for at, value in changes:
        if at < len(mutated):
            mutated[at] = value
    record = parse(bytes(mutated), link)
    for name in ("src_addr", "dst_addr", "inner_src_addr", "inner_dst_addr"):
        text = str(record.get(name, ""))
        if b"\xa5\xa5\xa5" not in mutated and b"\x5a\x5a\x5a" not in mutated:
            assert "165.165.165" not in text
            assert "90.90.90" not in text
            assert "5a5a:5a5a" not in text
