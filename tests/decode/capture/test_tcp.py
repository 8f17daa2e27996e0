"""What TCP carried, put together from captured packets."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from weft.decode.capture.tcp import TcpFile

SYN, ACK, FIN = 2, 16, 1


def packet(seq: int, octets: bytes, flags: int = ACK, port: int = 40_000) -> bytes:
    tcp = struct.pack(">HHIIBBHHH", port, 1790, seq & 0xFFFFFFFF, 0, 0x50, flags, 8192, 0, 0) + octets
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + bytes([192, 0, 2, 1, 192, 0, 2, 250])
    return bytes(12) + b"\x08\0" + ip + tcp


def capture(folder: Path, packets: list[bytes]) -> TcpFile:
    octets = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
    for at, one in enumerate(packets):
        octets += struct.pack("<IIII", 1_700_000_000 + at, 0, len(one), len(one)) + one
    path = folder / "one.pcap"
    path.write_bytes(octets)
    return TcpFile(path)


def carried(file: TcpFile) -> bytes:
    return b"".join(one.octets for one in file)


@pytest.mark.parametrize("first", [1000, 0xFFFFFFF0])
def test_segments_out_of_order_and_sent_twice(tmp_path: Path, first: int) -> None:
    rng = random.Random(first)
    text = rng.randbytes(4000)
    pieces = [(at, text[at : at + 100]) for at in range(0, 4000, 100)]
    pieces += [*rng.sample(pieces, 10), (50, text[50:250])]
    head, rest = pieces[0], pieces[1:]
    rng.shuffle(rest)
    packets = [packet(first - 1, b"", SYN), *(packet(first + at, one) for at, one in [head, *rest])]
    assert carried(capture(tmp_path, packets)) == text


def test_a_capture_may_begin_in_the_middle(tmp_path: Path) -> None:
    file = capture(tmp_path, [packet(500, b"ab"), packet(502, b"cd"), packet(504, b"", FIN | ACK)])
    found = list(file)
    assert [(one.is_new, one.octets) for one in found] == [(True, b"ab"), (False, b"cd")]
    assert (found[0].source_port, found[0].destination_port, found[1].time_ns) == (40_000, 1790, 1_700_000_001 * 10**9)


@pytest.mark.parametrize("counted", [0, 1])
def test_octets_in_the_syn(tmp_path: Path, counted: int) -> None:
    """TCP Fast Open, and captures put together by tools that do not count the SYN."""
    assert (
        carried(capture(tmp_path, [packet(1, b"ab", SYN), packet(3 + counted, b"cd"), packet(5 + counted, b"ef")]))
        == b"abcdef"
    )


def test_what_was_not_captured_is_counted(tmp_path: Path) -> None:
    packets = [packet(0, b"a")] + [packet(2 + at * 1000, bytes(1000)) for at in range(4200)]
    file = capture(tmp_path, packets)
    found = list(file)
    assert file.errors == {"tcp_segment_missing": 1}
    assert [one.is_new for one in found][:2] == [True, True]
    assert sum(len(one.octets) for one in found) == 1 + 4200 * 1000


def test_segments_that_wait_are_bounded_however_short_they_are(tmp_path: Path) -> None:
    """One octet each, all ahead of the one that is missing."""
    file = capture(tmp_path, [packet(0, b"a"), *(packet(2 + 2 * at, b"b") for at in range(8_400))])
    found = list(file)
    assert file.errors["tcp_segment_missing"] == 8_400 - 8192
    assert len(found) == 1 + 8_400 - 8192


def test_connections_are_told_apart(tmp_path: Path) -> None:
    found = list(capture(tmp_path, [packet(1, b"a", port=1), packet(9, b"b", port=2), packet(2, b"c", port=1)]))
    assert [(one.source_port, one.octets) for one in found] == [(1, b"a"), (2, b"b"), (1, b"c")]


def test_rubbish_carries_nothing(tmp_path: Path) -> None:
    rng = random.Random(1)
    packets = []
    for _ in range(500):
        one = bytearray(packet(1, b"abc"))
        for _ in range(3):
            one[rng.randrange(12, len(one))] = rng.getrandbits(8)
        packets.append(bytes(one[: rng.randint(0, len(one))]))
    carried(capture(tmp_path, packets))
