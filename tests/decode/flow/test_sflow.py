"""sFlow v5 flow samples and discarded packets."""

from __future__ import annotations

import random
import struct

import pytest
import sflow_wire as wire
from frames import IPV6, ethernet, ipv4, ipv6, label, tcp, udp
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.decode.flow.decoder import FlowDecoder
from weft.decode.flow.limits import DecodeLimits, SamplingOverrides, SamplingRule

FRAME = ethernet(ipv4(tcp(), 6), tags=((0x8100, 30),))
PAIR = {"src_addr": "10.0.0.1", "dst_addr": "10.0.0.2", "src_port": 1234, "dst_port": 443, "protocol": 6}
LOCAL = 0x3FFFFFFF
SWITCH = wire.record(1001, struct.pack(">4I", 10, 0, 20, 0))
ROUTER = wire.record(1002, wire.address("203.0.113.1") + struct.pack(">II", 24, 16))


def gateway(hop: str, own: int, source: int, *segments: tuple[int, list[int]]) -> bytes:
    body = wire.address(hop) + struct.pack(">4I", own, source, 65010, len(segments))
    for kind, hops in segments:
        body += struct.pack(f">II{len(hops)}I", kind, len(hops), *hops)
    return wire.record(1003, body + struct.pack(">II", 0, 100))


def only(*messages: bytes) -> dict[str, object]:
    (found,) = wire.decode(*messages)
    return found


def has(record: dict[str, object], **wanted: object) -> None:
    assert {name: record.get(name) for name in wanted} == wanted


def test_raw_header() -> None:
    found = only(wire.datagram(wire.flow(wire.raw(FRAME, length=1500))))
    assert found == {
        **PAIR,
        "time_received": "2023-11-14T22:13:20.123456789Z",
        "exporter": "192.0.2.9",
        "observation_domain": 3,
        "flow_type": "sflow",
        "protocol_version": 5,
        "bytes": 1500,
        "packets": 1,
        "sampling_rate": 512,
        "sampling_source": "record",
        "in_if": 1,
        "out_if": 2,
        "tcp_flags": 0x12,
        "tos": 0,
        "ttl": 64,
        "time_quality": "receive_time",
        "src_vlan": 30,
        "src_mac": "02:00:00:00:00:01",
        "dst_mac": "02:00:00:00:00:02",
    }


def test_times_are_those_of_the_datagram() -> None:
    row = wire.new_decoder().decode(wire.to_batch(wire.datagram(wire.flow(wire.raw(FRAME))))).flows.to_pylist()[0]
    assert row["time_received"].value == row["time_start"].value == row["time_end"].value == wire.RECEIVED


def test_agents_and_sub_agents_behind_one_source() -> None:
    decoder = wire.new_decoder()
    found = wire.decode(
        wire.datagram(wire.flow(wire.raw(FRAME)), agent="192.0.2.1"),
        wire.datagram(wire.flow(wire.raw(FRAME)), agent="2001:db8::99"),
        wire.datagram(wire.flow(wire.raw(FRAME)), agent="2001:db8::99", sub_agent=8),
        decoder=decoder,
    )
    assert [(r["exporter"], r["observation_domain"]) for r in found] == [
        ("192.0.2.1", 3),
        ("2001:db8::99", 3),
        ("2001:db8::99", 8),
    ]
    assert {stream.source for stream in decoder.streams()} == {"198.51.100.7"}
    assert len(decoder.streams()) == 3


@pytest.mark.parametrize(
    ("protocol", "frame"),
    [(11, ipv4(tcp(), 6)), (13, label(5) + ipv4(tcp(), 6)), (7, b"\xff\x03\x00\x21" + ipv4(tcp(), 6))],
)
def test_other_header_protocols(protocol: int, frame: bytes) -> None:
    has(only(wire.datagram(wire.flow(wire.raw(frame, protocol)))), **PAIR)


def test_ipv6_header_protocol() -> None:
    has(only(wire.datagram(wire.flow(wire.raw(ipv6(udp(), 17), 12)))), src_addr="2001:db8::1", dst_port=53)


def test_header_without_a_packet_is_kept() -> None:
    found = only(wire.datagram(wire.flow(wire.raw(ethernet(bytes(28), 0x0806)))))
    has(found, bytes=46, packets=1, src_mac="02:00:00:00:00:01")
    assert "src_addr" not in found


class TestInterfaces:
    @pytest.mark.parametrize(("value", "wanted"), [(7, 7), (0, 0), (LOCAL, 0), (LOCAL - 1, LOCAL - 1)])
    def test_compact(self, value: int, wanted: int) -> None:
        has(only(wire.datagram(wire.flow(wire.raw(FRAME), in_if=value, out_if=value))), in_if=wanted, out_if=wanted)

    def test_compact_several(self) -> None:
        found = only(wire.datagram(wire.flow(wire.raw(FRAME), out_if=2 << 30 | 5)))
        has(found, out_if=0)
        assert "forwarding_status" not in found

    def test_compact_discard(self) -> None:
        has(only(wire.datagram(wire.flow(wire.raw(FRAME), out_if=1 << 30 | 258))), out_if=0, forwarding_status=130)

    def test_expanded(self) -> None:
        found = only(wire.datagram(wire.expanded(wire.raw(FRAME), came=(0, 0xFFFFFF01), went=(0, LOCAL))))
        has(found, in_if=0xFFFFFF01, out_if=0, **PAIR)

    @pytest.mark.parametrize(("went", "status"), [((1, 257), 137), ((1, 0), 131), ((2, 0), None), ((2, 9), None)])
    def test_expanded_formats(self, went: tuple[int, int], status: int | None) -> None:
        has(only(wire.datagram(wire.expanded(wire.raw(FRAME), went=went))), out_if=0, forwarding_status=status)

    @pytest.mark.parametrize(("source", "side"), [(1, 0), (2, 1), (3, 255), (3 << 24 | 1, 255)])
    def test_direction_is_worked_out_but_not_claimed(self, source: int, side: int) -> None:
        decoded = wire.new_decoder().decode(wire.to_batch(wire.datagram(wire.flow(wire.raw(FRAME), source=source))))
        assert decoded.flows.column("direction").to_pylist() == [side]
        assert "direction" not in only(wire.datagram(wire.flow(wire.raw(FRAME), source=source)))


@pytest.mark.parametrize(
    ("reason", "status"),
    [(256, 128), (257, 137), (258, 130), (260, 139), (261, 138), (262, 133), (279, 132), (280, 140)],
)
def test_discarded_packets(reason: int, status: int) -> None:
    found = only(wire.datagram(wire.discarded(wire.raw(FRAME), reason=reason)))
    has(found, **PAIR, forwarding_status=status, sampling_rate=1, sampling_source="none", in_if=1, out_if=0)


def test_discard_without_a_header_is_no_error() -> None:
    message = wire.datagram(wire.discarded(wire.record(1037, bytes(4))))
    assert "bytes" not in only(message)
    assert wire.errors(message) == {}


def test_rate_of_zero_is_kept_and_marked() -> None:
    decoder = wire.new_decoder()
    (found,) = wire.decode(wire.datagram(wire.flow(wire.raw(FRAME), rate=0)), decoder=decoder)
    has(found, sampling_rate=0, sampling_source="unknown", **PAIR)
    assert decoder.streams()[0].unsampled_records == 1


@pytest.mark.parametrize(
    ("rule", "stated", "wanted"),
    [
        (SamplingRule("192.0.2.0/24", override=100), 512, (100, "configured")),
        (SamplingRule("192.0.2.0/24", override=100), 0, (100, "configured")),
        (SamplingRule("192.0.2.9", default=100), 512, (512, "record")),
        (SamplingRule("192.0.2.9", default=100), 0, (100, "configured")),
        (SamplingRule("203.0.113.0/24", override=100), 512, (512, "record")),
    ],
)
def test_the_operators_rules(rule: SamplingRule, stated: int, wanted: tuple[int, str]) -> None:
    decoder = FlowDecoder(DecodeLimits(max_streams=8), SamplingOverrides((rule,)))
    message = wire.datagram(wire.flow(wire.raw(FRAME), rate=stated), wire.discarded(wire.raw(FRAME)))
    sampled, dropped = wire.decode(message, decoder=decoder)
    assert (sampled["sampling_rate"], sampled["sampling_source"]) == wanted
    assert (dropped["sampling_rate"], dropped["sampling_source"]) == (1, "none")


class TestOtherRecords:
    def test_sampled_ethernet(self) -> None:
        body = struct.pack(">I", 700) + b"\x02\0\0\0\0\x0a\0\0" + b"\x02\0\0\0\0\x0b\0\0" + struct.pack(">I", 0x800)
        found = only(wire.datagram(wire.flow(wire.record(2, body))))
        has(found, bytes=700, src_mac="02:00:00:00:00:0a", dst_mac="02:00:00:00:00:0b")

    def test_sampled_ipv4(self) -> None:
        body = struct.pack(">II4s4s4I", 900, 6, bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2)), 80, 999, 0x18, 0x48)
        found = only(wire.datagram(wire.flow(wire.record(3, body))))
        has(found, bytes=900, src_addr="192.0.2.1", dst_addr="192.0.2.2", protocol=6, src_port=80, dst_port=999)
        has(found, tcp_flags=0x18, tos=0x48)

    def test_sampled_ipv6(self) -> None:
        body = struct.pack(">II16s16s4I", 900, 17, bytes(15) + b"\1", bytes(15) + b"\2", 80, 999, 0, 7)
        found = only(wire.datagram(wire.flow(wire.record(4, body))))
        has(found, src_addr="::1", dst_addr="::2", protocol=17, src_port=80, dst_port=999, tos=7)
        assert "tcp_flags" not in found

    def test_the_sampled_header_wins_in_any_order(self) -> None:
        ours = wire.record(3, struct.pack(">II4s4s4I", 900, 17, bytes(4), bytes(4), 80, 999, 0, 0))
        for records in ((ours, wire.raw(FRAME, length=1400)), (wire.raw(FRAME, length=1400), ours)):
            has(only(wire.datagram(wire.flow(*records))), bytes=1400, **PAIR)

    def test_the_agents_reading_fills_what_the_header_lacks(self) -> None:
        ours = wire.record(3, struct.pack(">II4s4s4I", 900, 17, bytes((9, 9, 9, 9)), bytes(4), 80, 999, 0, 0))
        found = only(wire.datagram(wire.flow(wire.raw(FRAME[:14], length=1400), ours)))
        has(found, bytes=1400, src_addr="9.9.9.9", protocol=17, src_mac="02:00:00:00:00:01")

    def test_switch(self) -> None:
        for records in ((SWITCH, wire.raw(FRAME)), (wire.raw(FRAME), SWITCH)):
            has(only(wire.datagram(wire.flow(*records))), src_vlan=10, dst_vlan=20)

    def test_switch_that_does_not_know(self) -> None:
        unknown = wire.record(1001, struct.pack(">4I", 0xFFFFFFFF, 0, 0xFFFFFFFF, 0))
        found = only(wire.datagram(wire.flow(wire.raw(FRAME), unknown)))
        has(found, src_vlan=30)
        assert "dst_vlan" not in found

    def test_router(self) -> None:
        has(only(wire.datagram(wire.flow(wire.raw(FRAME), ROUTER))), next_hop="203.0.113.1", src_mask=24, dst_mask=16)

    @pytest.mark.parametrize(("hop", "text"), [("0.0.0.0", "0.0.0.0"), ("::", "::"), ("2001:db8::7", "2001:db8::7")])
    def test_next_hops(self, hop: str, text: str) -> None:
        router = wire.record(1002, wire.address(hop) + struct.pack(">II", 0, 0))
        has(only(wire.datagram(wire.flow(wire.raw(FRAME), router))), next_hop=text, src_mask=0, dst_mask=0)

    def test_router_without_next_hop(self) -> None:
        router = wire.record(1002, struct.pack(">III", 0, 24, 16))
        found = only(wire.datagram(wire.flow(wire.raw(FRAME), router)))
        has(found, src_mask=24, dst_mask=16)
        assert "next_hop" not in found

    def test_gateway(self) -> None:
        path = gateway("203.0.113.9", 65000, 4200000001, (2, [65010, 65020]), (1, [65030, 4200000002]))
        found = only(wire.datagram(wire.flow(wire.raw(FRAME), path)))
        has(found, next_hop="203.0.113.9", src_as=4200000001, dst_as=4200000002)

    def test_gateway_with_an_empty_path_leaves_the_destination_open(self) -> None:
        found = only(wire.datagram(wire.flow(wire.raw(FRAME), gateway("203.0.113.9", 65000, 0))))
        has(found, src_as=0)
        assert "dst_as" not in found

    def test_the_routers_next_hop_wins(self) -> None:
        for records in ((ROUTER, gateway("2001:db8::1", 1, 2)), (gateway("2001:db8::1", 1, 2), ROUTER)):
            has(only(wire.datagram(wire.flow(wire.raw(FRAME), *records))), next_hop="203.0.113.1", src_as=2)

    def test_unknown_and_enterprise_records_are_skipped(self) -> None:
        odd = (wire.record(1004, bytes(24)), wire.record(4413 << 12 | 1, bytes(13)), wire.record(9999, b""))
        message = wire.datagram(wire.flow(*odd, wire.raw(FRAME)))
        has(only(message), **PAIR)
        assert wire.errors(message) == {}

    def test_rare_columns_do_not_leak_into_other_rows(self) -> None:
        plain, rich = wire.flow(wire.raw(ethernet(ipv4(udp(), 17)))), wire.flow(wire.raw(FRAME), SWITCH, ROUTER)
        found = wire.decode(wire.datagram(plain, rich, plain, plain, rich, plain))
        assert ["next_hop" in record for record in found] == [False, True, False, False, True, False]
        assert [record.get("src_vlan") for record in found] == [None, 10, None, None, 10, None]
        decoder = wire.new_decoder()
        for _ in range(3):
            batch = decoder.decode(wire.to_batch(wire.datagram(plain, rich, plain))).flows
            assert batch.column("src_mask").to_pylist() == [0, 24, 0]
            assert batch.column("src_vlan").to_pylist() == [0, 10, 0]


class TestMalformed:
    GOOD = wire.flow(wire.raw(FRAME))

    def test_a_sample_cut_short_does_not_take_the_others(self) -> None:
        message = wire.datagram(self.GOOD, self.GOOD, self.GOOD)[:-40]
        assert len(wire.decode(message)) == 2
        assert wire.errors(message) == {"sample_truncated": 1}

    def test_fewer_samples_than_announced(self) -> None:
        message = wire.datagram(self.GOOD, count=4_000_000_000)
        assert len(wire.decode(message)) == 1
        assert wire.errors(message) == {"sample_truncated": 1}

    def test_a_record_beyond_its_sample(self) -> None:
        bad = wire.flow(wire.raw(FRAME), wire.record(1001, bytes(16), size=4000))
        message = wire.datagram(bad, self.GOOD)
        assert [record["dst_port"] for record in wire.decode(message)] == [443, 443]
        assert wire.errors(message) == {"sample_truncated": 1}

    def test_more_records_announced_than_there_are(self) -> None:
        message = wire.datagram(wire.flow(wire.raw(FRAME), count=4_000_000_000), self.GOOD)
        assert len(wire.decode(message)) == 2
        assert wire.errors(message) == {"sample_truncated": 1}

    def test_a_sample_too_short_for_its_kind(self) -> None:
        message = wire.datagram(wire.sample(1, bytes(8)), wire.sample(3, bytes(40)), wire.sample(5, b""), self.GOOD)
        assert len(wire.decode(message)) == 1
        assert wire.errors(message) == {"sample_truncated": 3}

    def test_unknown_samples_are_counted_and_skipped(self) -> None:
        message = wire.datagram(wire.sample(77, bytes(8)), wire.sample(4413 << 12 | 1, bytes(12)), self.GOOD)
        assert len(wire.decode(message)) == 1
        assert wire.errors(message) == {"unknown_sample": 2}

    def test_a_header_longer_than_its_record(self) -> None:
        lying = wire.record(1, struct.pack(">4I", 1, 60, 4, 4000) + FRAME)
        has(only(wire.datagram(wire.flow(lying))), **PAIR)

    def test_an_empty_header(self) -> None:
        message = wire.datagram(wire.flow(wire.record(1, bytes(8))), self.GOOD)
        assert len(wire.decode(message)) == 2
        assert wire.errors(message) == {"bad_frame": 1}

    def test_an_agent_of_no_known_kind(self) -> None:
        message = struct.pack(">II", 5, 9) + bytes(60)
        assert wire.decode(message) == []
        assert wire.errors(message) == {"bad_agent": 1}

    @pytest.mark.parametrize("size", range(0, 28, 3))
    def test_a_datagram_shorter_than_its_header(self, size: int) -> None:
        assert wire.decode(wire.datagram(self.GOOD)[:size]) == []

    def test_an_as_path_that_lies(self) -> None:
        for body in (
            wire.address("1.1.1.1") + struct.pack(">4I", 1, 2, 3, 0xFFFFFFFF),
            wire.address("1.1.1.1") + struct.pack(">6I", 1, 2, 3, 1, 2, 0xFFFFFFFF),
            wire.address("1.1.1.1") + struct.pack(">II", 1, 2),
            struct.pack(">II", 99, 1),
            b"",
        ):
            found = only(
                wire.datagram(wire.flow(wire.raw(FRAME), wire.record(1003, body), wire.record(1002, body[:6])))
            )
            has(found, **PAIR)
            assert "dst_as" not in found


class TestAccounting:
    def status(self, *messages: bytes) -> object:
        decoder = wire.new_decoder()
        for message in messages:
            decoder.decode(wire.to_batch(message))
        (stream,) = decoder.streams()
        return stream

    def dropped(self, *pairs: tuple[int, int]) -> int:
        """Agent drops after samples with these (sequence number, drops)."""
        samples = [wire.flow(wire.raw(FRAME), sequence=sequence, drops=drops) for sequence, drops in pairs]
        return self.status(*(wire.datagram(one, sequence=n) for n, one in enumerate(samples))).agent_drops  # type: ignore[attr-defined,no-any-return]

    def test_drops_are_differences(self) -> None:
        assert self.dropped((1, 1000), (2, 1000), (3, 1005), (4, 1007)) == 7

    def test_drops_wrap(self) -> None:
        assert self.dropped((0xFFFFFFFF, 0xFFFFFFFE), (0, 3)) == 5

    def test_a_restarted_agent_drops_nothing(self) -> None:
        assert self.dropped((900000, 1000), (1, 0), (2, 4)) == 4

    def test_late_and_repeated_samples_change_nothing(self) -> None:
        assert self.dropped((5, 10), (7, 12), (6, 11), (7, 12), (8, 13)) == 3

    def test_sources_are_told_apart(self) -> None:
        samples = [
            wire.flow(wire.raw(FRAME), sequence=n, source=source, drops=drops)
            for n, source, drops in ((1, 1, 100), (1, 2, 9000), (2, 1, 101), (2, 2, 9002))
        ]
        assert self.status(wire.datagram(*samples)).agent_drops == 3  # type: ignore[attr-defined]

    def test_records_and_rate(self) -> None:
        stream = self.status(wire.datagram(wire.flow(wire.raw(FRAME)), wire.flow(wire.raw(FRAME), rate=2048)))
        assert (stream.records, stream.sampling_rate, stream.sampling_source) == (2, 2048, 1)  # type: ignore[attr-defined]

    def test_lost_datagrams(self) -> None:
        messages = [wire.datagram(wire.flow(wire.raw(FRAME)), sequence=n, uptime=n) for n in (10, 11, 14, 15)]
        stream = self.status(*messages)
        assert (stream.lost, stream.lost_unit, stream.restarts) == (2, "datagrams", 0)  # type: ignore[attr-defined]

    def test_a_restart_is_no_loss(self) -> None:
        messages = [
            wire.datagram(wire.flow(wire.raw(FRAME)), sequence=n, uptime=uptime)
            for n, uptime in ((100_000, 9_000_000), (100_001, 9_001_000), (1, 500), (2, 1500), (3, 2500))
        ]
        stream = self.status(*messages)
        assert (stream.lost, stream.restarts) == (0, 1)  # type: ignore[attr-defined]


WHOLE = wire.datagram(
    wire.flow(wire.raw(FRAME), SWITCH, ROUTER, gateway("2001:db8::1", 1, 2, (2, [3, 4]))),
    wire.expanded(wire.raw(ethernet(ipv6(udp(), 17), IPV6))),
    wire.discarded(wire.raw(FRAME)),
    wire.counters(wire.record(1, bytes(88)), wire.record(1005, b"\0\0\0\x04eth0")),
)


def test_cut_at_every_byte() -> None:
    counts = [len(wire.decode(WHOLE[:size])) for size in range(0, len(WHOLE) + 1, 2)]
    assert counts == sorted(counts)
    assert counts[-1] == 3


@settings(max_examples=300, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=4)), max_size=8))
def test_any_change_is_survived(changes: list[tuple[int, bytes]]) -> None:
    mutated = bytearray(WHOLE)
    for at, value in changes:
        mutated[at : at + len(value)] = value
    decoder = wire.new_decoder()
    good = wire.datagram(wire.flow(wire.raw(FRAME)), agent="192.0.2.200")
    found = wire.decode(bytes(mutated[: len(WHOLE)]), good, decoder=decoder)
    assert len(found) <= len(WHOLE) // 48 + 1  # a changed version may make it NetFlow
    assert any(record["exporter"] == "192.0.2.200" and record.get("dst_port") == 443 for record in found)
    assert not any("internal" in stream.errors for stream in decoder.streams())


def test_random_datagrams() -> None:
    noise = random.Random(4)
    decoder = wire.new_decoder()
    for _ in range(300):
        body = noise.randbytes(noise.randrange(1400))
        wire.decode(struct.pack(">II4s", 5, 1, bytes(4)) + body, decoder=decoder)
    assert not any("internal" in stream.errors for stream in decoder.streams())
