"""BMP streams like those of a border router with full tables: made once, sent over loopback by a process of its own.

    python -m bench._bmp FILE PORT

sends FILE and stays connected until it is killed.
"""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

_MARKER = b"\xff" * 16
_ROUTER_AS = 64496
_LENGTHS = np.array([24, 23, 22, 21, 20, 19, 18, 17, 16])
_SHARES = np.array([0.60, 0.09, 0.11, 0.05, 0.05, 0.03, 0.02, 0.02, 0.03])


def message(kind: int, body: bytes) -> bytes:
    """One BMP message (RFC 7854 §4.1)."""
    return struct.pack("!BIB", 3, 6 + len(body), kind) + body


def peer_header(peer: int, seconds: int, flags: int = 0x40) -> bytes:
    """The per-peer header (§4.2) of neighbour number ``peer``, after policy."""
    address = bytes(12) + bytes([192, 0, 2, peer])
    return struct.pack("!BB8s16sI4sII", 0, flags, bytes(8), address, 64500 + peer, bytes([192, 0, 2, peer]), seconds, 0)


def bgp(kind: int, body: bytes) -> bytes:
    """One BGP message."""
    return _MARKER + struct.pack("!HB", 19 + len(body), kind) + body


def peer_up(peer: int, seconds: int) -> bytes:
    """Peer Up with both OPENs; AS numbers of four octets."""
    opens = b""
    for asn, address in ((_ROUTER_AS, 254), (64500 + peer, peer)):
        capabilities = bytes([2, 6, 65, 4]) + asn.to_bytes(4, "big")
        body = struct.pack("!BHH4sB", 4, asn, 90, bytes([192, 0, 2, address]), len(capabilities)) + capabilities
        opens += bgp(1, body)
    local = bytes(12) + bytes([192, 0, 2, 254])
    return message(3, peer_header(peer, seconds) + local + struct.pack("!HH", 179, 40_000 + peer) + opens)


def prefixes(count: int, rng: np.random.Generator) -> tuple[list[bytes], list[int]]:
    """Distinct prefixes as NLRI, lengths as on the Internet; and the first number of each group of one path."""
    nlri: list[bytes] = []
    for length, share in zip(_LENGTHS.tolist(), _SHARES.tolist(), strict=True):
        first, last = 1 << (length - 8), 223 << (length - 8)
        chosen = rng.choice(last - first, round(count * share), replace=False) + first
        octets = (length + 7) // 8
        nlri += [bytes([length]) + (int(one) << (8 * octets - length)).to_bytes(octets, "big") for one in chosen]
    rng.shuffle(nlri)
    groups = np.flatnonzero(rng.random(count) < 0.2).tolist()  # five prefixes share a path on average
    return nlri, [0, *[g for g in groups if g]]


def attributes(peer: int, rng: np.random.Generator, number: int) -> bytes:
    """A path's attributes: some four ASes and as many communities."""
    hops = [64500 + peer, 64600 + number % 97, *(rng.integers(65_536, 400_000, rng.integers(1, 5))).tolist()]
    path = bytes([2, len(hops)]) + b"".join(int(asn).to_bytes(4, "big") for asn in hops)
    marks = b"".join(struct.pack("!HH", 64500 + peer, int(c)) for c in rng.integers(1, 900, rng.integers(1, 7)))
    return (
        b"\x40\x01\x01\x00\x40\x02" + bytes([len(path)]) + path + b"\x40\x03\x04" + bytes([192, 0, 2, peer])
        + b"\x80\x04\x04" + (number % 50).to_bytes(4, "big") + b"\xc0\x08" + bytes([len(marks)]) + marks
    )  # fmt: skip


def table(peer: int, count: int, *, single: bool) -> Iterator[bytes]:
    """A neighbour's whole table: Peer Up, Route Monitoring, End-of-RIB. ``single``: a message per route."""
    rng, seconds = np.random.default_rng(peer), int(time.time()) - 3600
    yield peer_up(peer, seconds)
    header = peer_header(peer, seconds)
    nlri, groups = prefixes(count, np.random.default_rng(7))
    for number, (first, last) in enumerate(zip(groups, [*groups[1:], count], strict=True)):
        block = attributes(peer, rng, number)
        start = b"\x00\x00" + len(block).to_bytes(2, "big") + block
        for routes in nlri[first:last] if single else [b"".join(nlri[first:last])]:
            yield message(0, header + bgp(2, start + routes))
    yield message(0, header + bgp(2, bytes(4)))


def write(path: Path, peers: int, count: int, *, single: bool) -> int:
    """A router's stream into a file; its octets."""
    with path.open("wb") as file:
        file.write(message(4, struct.pack("!HH", 2, 4) + b"edge"))
        for peer in range(1, peers + 1):
            file.writelines(table(peer, count, single=single))
        return file.tell()


def send(path: Path, port: int) -> subprocess.Popen[bytes]:
    """Send the file from a process of its own."""
    return subprocess.Popen([sys.executable, "-m", "bench._bmp", str(path), str(port)])


def main() -> None:
    """Send, then stay."""
    with socket.create_connection(("127.0.0.1", int(sys.argv[2]))) as sock, Path(sys.argv[1]).open("rb") as file:
        sock.sendfile(file)
        time.sleep(3600)


if __name__ == "__main__":
    main()
