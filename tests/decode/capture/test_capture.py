"""Capture files to batches of datagrams."""

from __future__ import annotations

import gzip
import random
import struct
from collections.abc import Callable
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path

import pytest
from frames import ethernet, ipv4, ipv6, udp

from weft.decode.capture import CaptureFile, fragments
from weft.errors import InvalidInput

NS = 1_700_000_000_123_456_789
V5 = struct.pack(">HHIIIIBBH", 5, 1, 1000, 1_700_000_000, 0, 7, 0, 0, 0) + bytes(48)
SFLOW = (
    struct.pack(">III4s4I", 5, 1, 0, b"\0\0\0\0", 0, 1, 2, 0)[:8]
    + bytes((192, 0, 2, 1))
    + struct.pack(">4I", 0, 1, 2, 0)
)
IPFIX = struct.pack(">HHIIIHH", 10, 24, 1_700_000_000, 0, 1, 256, 8) + b"abcd"
V9 = struct.pack(">HHIIIIHH", 9, 1, 0, 1_700_000_000, 0, 1, 256, 8) + b"abcd"
OTHER = b"\x12\x34\x01\x00\x00\x01" + bytes(30)  # a DNS query
FRAME = ethernet(ipv4(udp(V5, 4000, 2055), 17))


def pcap(*frames: bytes, order: str = "<", nano: bool = False, link: int = 1, ns: int = NS) -> bytes:
    out = struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    for frame in frames:
        part = ns % 10**9 if nano else ns % 10**9 // 1000
        out += struct.pack(order + "4I", ns // 10**9, part, len(frame), len(frame)) + frame
    return out


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(order: str = "<", link: int = 1, options: bytes = b"") -> bytes:
    return block(1, struct.pack(order + "HHI", link, 0, 0) + options, order)


def enhanced(frame: bytes, ticks: int, order: str = "<", number: int = 0) -> bytes:
    head = struct.pack(order + "5I", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
    return block(6, head + frame, order)


def resolution(value: int, order: str = "<") -> bytes:
    return struct.pack(order + "HHB3x", 9, 1, value)


class Read:
    """All of a file: payloads, sources, times, and the tally."""

    def __init__(self, path: Path, content: bytes, ports: tuple[int, ...] = ()) -> None:
        path.write_bytes(content)
        capture = CaptureFile(path, ports)
        self.payloads: list[bytes] = []
        self.sources: list[tuple[str, int]] = []
        self.times: list[int] = []
        for batch in capture:
            for i in range(len(batch)):
                start, length = int(batch.start[i]), int(batch.length[i])
                self.payloads.append(batch.data[start : start + length].tobytes())
                address = ip_address(batch.source[i].tobytes())
                self.sources.append((str(address.ipv4_mapped or address), int(batch.source_port[i])))  # type: ignore[union-attr]
                self.times.append(int(batch.received_ns[i]))
        self.tally = capture.tally
        self.errors = dict(capture.tally.errors)


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Read]:
    return lambda content, ports=(): Read(tmp_path / "capture", content, ports)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_pcap(read: Callable[..., Read], order: str, nano: bool) -> None:
    found = read(pcap(FRAME, FRAME, order=order, nano=nano))
    assert found.payloads == [V5, V5]
    assert found.sources == [("10.0.0.1", 4000)] * 2
    assert found.times == [NS if nano else NS // 1000 * 1000] * 2
    assert (found.tally.packets, found.tally.datagrams, found.errors) == (2, 2, {})


def test_patched_pcap(read: Callable[..., Read]) -> None:
    content = struct.pack("<IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, 65535, 1)
    content += struct.pack("<6I", 1, 0, len(FRAME), len(FRAME), 0, 0) + FRAME
    assert read(content).payloads == [V5]


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng(read: Callable[..., Read], order: str) -> None:
    content = section(order) + interface(order) + enhanced(FRAME, NS // 1000, order)
    found = read(content)
    assert found.payloads == [V5]
    assert found.times == [NS // 1000 * 1000]


@pytest.mark.parametrize(
    ("option", "ticks", "wanted"),
    [
        (9, NS, NS),
        (0, NS // 10**9, NS // 10**9 * 10**9),
        (3, NS // 10**6, NS // 10**6 * 10**6),
        (12, 1_234_567_890_123_456_789, 1_234_567_890_123_456),
        (0x80 | 20, (NS // 10**9 << 20) + (1 << 19), NS // 10**9 * 10**9 + 500_000_000),
        (0x80 | 32, (NS // 10**9 << 32) + (1 << 31), NS // 10**9 * 10**9 + 500_000_000),
    ],
)
def test_pcapng_clocks(read: Callable[..., Read], option: int, ticks: int, wanted: int) -> None:
    assert read(section() + interface(options=resolution(option)) + enhanced(FRAME, ticks)).times == [wanted]


def test_pcapng_time_offset(read: Callable[..., Read]) -> None:
    options = resolution(9) + struct.pack("<HHq", 14, 8, 3600) + bytes(4)
    assert read(section() + interface(options=options) + enhanced(FRAME, NS)).times == [NS + 3600 * 10**9]


def test_pcapng_sections_and_interfaces(read: Callable[..., Read]) -> None:
    content = section("<") + interface("<", 113) + interface("<", 1, resolution(9))
    content += (
        enhanced(FRAME, NS, number=1) + block(5, bytes(12)) + block(0xBAD, bytes(8)) + enhanced(FRAME, 5, number=9)
    )
    content += section(">") + interface(">", 101) + enhanced(FRAME[14:], NS // 1000, ">")
    content += block(3, struct.pack(">I", len(FRAME) - 14) + FRAME[14:], ">")
    content += block(2, struct.pack(">HH4I", 0, 0, 0, 7, len(FRAME) - 14, len(FRAME) - 14) + FRAME[14:], ">")
    found = read(content)
    assert found.payloads == [V5] * 4
    assert found.times == [NS, NS // 1000 * 1000, 0, 7000]


@pytest.mark.parametrize(
    ("link", "head"),
    [
        (101, b""),
        (12, b""),
        (228, b""),
        (0, struct.pack("<I", 2)),
        (0, struct.pack(">I", 2)),
        (108, struct.pack(">I", 2)),
        (113, struct.pack(">HHH8sH", 0, 1, 6, bytes(8), 0x0800)),
        (276, struct.pack(">HHIHBB8s", 0x0800, 0, 1, 1, 0, 6, bytes(8))),
        (9, b"\xff\x03\x00\x21"),
        (1, ethernet(b"", tags=((0x88A8, 5), (0x8100, 6)))),
    ],
)
def test_link_types(read: Callable[..., Read], link: int, head: bytes) -> None:
    assert read(pcap(head + FRAME[14:], link=link)).payloads == [V5]


@pytest.mark.parametrize("family", [10, 24, 28, 30])
def test_loopback_ipv6(read: Callable[..., Read], family: int) -> None:
    found = read(pcap(struct.pack("<I", family) + ipv6(udp(V5, 9, 2055), 17, "2001:db8::5"), link=0))
    assert found.sources == [("2001:db8::5", 9)]


class TestChoice:
    def test_telemetry_on_any_port(self, read: Callable[..., Read]) -> None:
        frames = [ethernet(ipv4(udp(one, 1, 9999), 17)) for one in (V5, OTHER, V9, IPFIX, SFLOW, b"", b"\0\5")]
        assert read(pcap(*frames)).payloads == [V5, V9, IPFIX, SFLOW]

    def test_everything_on_known_ports(self, read: Callable[..., Read]) -> None:
        assert (
            read(pcap(*(ethernet(ipv4(udp(OTHER, 1, port), 17)) for port in (2055, 53, 4739, 6343)))).payloads
            == [OTHER] * 3
        )

    def test_ports_narrow(self, read: Callable[..., Read]) -> None:
        frames = [ethernet(ipv4(udp(one, 1, port), 17)) for one, port in ((V5, 2055), (OTHER, 7777), (V9, 7777))]
        assert read(pcap(*frames), (7777,)).payloads == [OTHER, V9]

    def test_other_packets(self, read: Callable[..., Read]) -> None:
        found = read(pcap(ethernet(bytes(40), 0x0806), ethernet(ipv4(bytes(40), 6)), b"", b"\1\2", FRAME))
        assert found.payloads == [V5]
        assert found.tally.packets == 5


class TestFragments:
    DATAGRAM = udp(struct.pack(">HHIIIHH", 10, 3016, 1, 0, 1, 256, 3000) + (bytes(range(250)) * 12)[:2996], 7, 4739)

    def pieces(self, ident: int = 1) -> list[bytes]:
        cut = (0, 1480, 2960, len(self.DATAGRAM))
        out = []
        for first, last in pairwise(cut):
            flags = first // 8 | (0x2000 if last < len(self.DATAGRAM) else 0)
            packet = bytearray(ipv4(self.DATAGRAM[first:last], 17, fragment=flags))
            packet[4:6] = struct.pack(">H", ident)
            out.append(ethernet(bytes(packet)))
        return out

    def test_in_order_and_in_any_order(self, read: Callable[..., Read]) -> None:
        first, second, third = self.pieces()
        for order in ((first, second, third), (third, first, second), (second, third, first, first)):
            found = read(pcap(FRAME, *order, FRAME))
            assert found.payloads == [V5, self.DATAGRAM[8:], V5]
            assert found.sources[1] == ("10.0.0.1", 7)

    def test_two_at_once(self, read: Callable[..., Read]) -> None:
        mixed = [piece for pair in zip(self.pieces(1), self.pieces(2), strict=True) for piece in pair]
        assert read(pcap(*mixed)).payloads == [self.DATAGRAM[8:]] * 2

    def test_one_missing(self, read: Callable[..., Read]) -> None:
        first, _, third = self.pieces()
        found = read(pcap(first, third, FRAME))
        assert found.payloads == [V5]
        assert found.errors == {"fragments_incomplete": 1}

    def test_ipv6(self, read: Callable[..., Read]) -> None:
        def piece(first: int, last: int) -> bytes:
            fragment = struct.pack(">BBHI", 17, 0, first | (last < len(self.DATAGRAM)), 77)
            return ethernet(ipv6(fragment + self.DATAGRAM[first:last], 44), 0x86DD)

        found = read(pcap(piece(2896, len(self.DATAGRAM)), piece(0, 1448), piece(1448, 2896)))
        assert found.payloads == [self.DATAGRAM[8:]]
        assert found.sources == [("2001:db8::1", 7)]

    def test_a_flood_is_bounded(self) -> None:
        reassembly = fragments.Reassembly()
        for ident in range(fragments.MAX_DATAGRAMS + 100):
            packet = bytearray(ipv4(bytes(64), 17, fragment=0x2000))
            packet[4:6] = struct.pack(">H", ident)
            assert reassembly.add(bytes(packet)) is None
        assert reassembly.given_up == 100
        assert reassembly.finish() == fragments.MAX_DATAGRAMS + 100

    def test_many_pieces_of_one_datagram_are_bounded(self) -> None:
        reassembly = fragments.Reassembly()
        for offset in range(fragments.MAX_PIECES + 1):
            reassembly.add(ipv4(bytes(8), 17, fragment=0x2000 | 2 * offset))
        assert reassembly.given_up == 1


class TestDamage:
    def test_cut_at_every_byte(self, read: Callable[..., Read]) -> None:
        for content in (pcap(FRAME, FRAME), section() + interface() + enhanced(FRAME, 1) + enhanced(FRAME, 2)):
            counts = []
            for size in range(24, len(content), 7):
                found = read(content[:size])
                counts.append(len([one for one in found.payloads if one == V5]))
            assert counts == sorted(counts)
            assert counts[-1] == 1

    def test_a_packet_cut_by_the_end_of_the_file(self, read: Callable[..., Read]) -> None:
        found = read(pcap(FRAME, FRAME)[:-10])
        assert found.payloads == [V5, V5[:-10]]
        assert found.errors == {"packet_cut_short": 1, "datagram_cut_short": 1}

    def test_a_snap_length(self, read: Callable[..., Read]) -> None:
        head = pcap()
        found = read(
            head + struct.pack("<4I", 1, 0, 60, len(FRAME)) + FRAME[:60] + struct.pack("<4I", 1, 0, 60, 99) + FRAME[:60]
        )
        assert found.payloads == [V5[:18]] * 2
        assert found.errors == {"datagram_cut_short": 2}

    def test_an_impossible_length(self, read: Callable[..., Read]) -> None:
        found = read(pcap(FRAME) + struct.pack("<4I", 1, 0, 0xFFFFFFF0, 5) + bytes(100))
        assert found.payloads == [V5]
        assert found.errors == {"packet_bad_length": 1}

    def test_a_bad_block(self, read: Callable[..., Read]) -> None:
        found = read(section() + interface() + enhanced(FRAME, 1) + struct.pack("<III", 6, 3, 0) + bytes(64))
        assert found.payloads == [V5]
        assert found.errors == {"block_bad": 1}

    @pytest.mark.parametrize("content", [b"", b"hello world", b"\x89PNG\r\n\x1a\n", bytes(100), b"\0"])
    def test_not_a_capture(self, read: Callable[..., Read], content: bytes) -> None:
        with pytest.raises(InvalidInput):
            read(content)

    def test_no_such_file(self, tmp_path: Path) -> None:
        for path in (tmp_path / "none", tmp_path):
            with pytest.raises(InvalidInput, match=str(path)):
                list(CaptureFile(path))

    def test_noise_after_a_good_start(self, read: Callable[..., Read]) -> None:
        noise = random.Random(3)
        for _ in range(60):
            body = noise.randbytes(noise.randrange(400))
            assert read(pcap(FRAME) + body).payloads[0] == V5
            read(section() + interface() + body)
            read(section() + body)
            read(pcap(*(ethernet(noise.randbytes(60), kind) for kind in (0x0800, 0x86DD, 0x8847, 0x8864))))


class TestPlainFiles:
    @pytest.mark.parametrize("message", [V5, V9, SFLOW, V5 + bytes(99), b"\0\5\0", b"\0\x09garbage"])
    def test_one_datagram(self, read: Callable[..., Read], message: bytes) -> None:
        found = read(message)
        assert found.payloads == [message]
        assert found.times == [0]
        assert found.sources == [("::", 0)]

    def test_ipfix_messages_in_a_row(self, read: Callable[..., Read]) -> None:
        found = read(IPFIX * 20000)
        assert found.payloads == [IPFIX] * 20000
        assert found.errors == {}

    def test_a_cut_ipfix_file(self, read: Callable[..., Read]) -> None:
        found = read(IPFIX * 3 + IPFIX[:20])
        assert found.payloads == [IPFIX] * 3 + [IPFIX[:20]]
        assert found.errors == {"message_bad_length": 1}

    def test_an_ipfix_length_that_lies(self, read: Callable[..., Read]) -> None:
        found = read(IPFIX + b"\0\x0a\0\0" + bytes(40))
        assert found.payloads == [IPFIX]
        assert found.errors == {"message_bad_length": 1}


def test_batches_are_bounded_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.decode.capture.reader.BATCH_BYTES", 1000)
    for content, wanted in ((pcap(*[FRAME] * 100), len(V5) * 100), (IPFIX * 200, len(IPFIX) * 200)):
        path = tmp_path / "capture"
        path.write_bytes(content)
        sizes = [int(batch.length.sum()) for batch in CaptureFile(path)]
        assert sum(sizes) == wanted
        assert max(sizes) <= 1100


class TestGzip:
    def test_all_kinds(self, read: Callable[..., Read]) -> None:
        for content in (pcap(FRAME), section() + interface() + enhanced(FRAME, 1), V5):
            assert read(gzip.compress(content)).payloads == [V5]

    def test_larger_than_a_piece(self, read: Callable[..., Read], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("weft.decode.capture.chunks.PIECE", 1000)
        blocks = section() + interface() + enhanced(FRAME, 1) * 500
        for content, wanted in ((pcap(*[FRAME] * 500), V5), (blocks, V5), (IPFIX * 500, IPFIX)):
            found = read(gzip.compress(content))
            assert found.payloads == [wanted] * 500
            assert found.errors == {}

    def test_damaged(self, read: Callable[..., Read]) -> None:
        found = read(gzip.compress(pcap(*[FRAME] * 50), 0)[:-200])
        assert len(found.payloads) >= 47
        assert found.errors["gzip_damaged"] == 1
