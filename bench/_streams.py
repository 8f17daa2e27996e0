"""Streams of datagrams for the benchmarks of the collector: synthetic, with the shape of a border router's export."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

#: Element and length, as a router's full IPv4 record: 25 fields, 69 bytes.
FIELDS = (
    (8, 4), (12, 4), (15, 4), (10, 4), (14, 4), (2, 4), (1, 4), (22, 4), (21, 4), (7, 2), (11, 2), (6, 1), (4, 1),
    (5, 1), (16, 4), (17, 4), (9, 1), (13, 1), (61, 1), (58, 2), (59, 2), (32, 2), (48, 1), (18, 4), (52, 1),
)  # fmt: skip
RECORD = np.dtype([(f"f{element}", f">u{length}" if length > 1 else "u1") for element, length in FIELDS])
PER_DATAGRAM = 20
_PORTS = np.array([443, 80, 53, 22, 25, 123, 8080, 3306, 993, 5060, 3389, 1194, 8443, 5432, 6379], np.uint16)
TEMPLATE = 256
_ANNOUNCE_EVERY = 500


def v9_stream(path: Path, datagrams: int = 20_000, seed: int = 1) -> Path:
    """Write a NetFlow v9 stream (one domain, its template announced every 500 datagrams) for ``bench._send``."""
    rng = np.random.default_rng(seed)
    records = np.zeros(datagrams * PER_DATAGRAM, RECORD)
    n = len(records)
    out = rng.random(n) < 0.5
    # A remote host belongs to one AS and is reached over that AS's interface; own hosts sit behind six others.
    remote, own = rng.zipf(1.2, n) % 2_000_000, rng.zipf(1.3, n) % 20_000
    asn = (remote * 2654435761 >> 7) % 2_000
    remote_address = 0x14000000 + (asn << 12) + (remote & 0xFFF)
    own_address = 0x0A000000 + own
    outside, inside = 1 + asn % 4, 5 + own % 6
    for source, destination, theirs, ours in (
        ("f8", "f12", remote_address, own_address), ("f10", "f14", outside, inside), ("f16", "f17", 3000 + asn, 64500),
    ):  # fmt: skip
        records[source], records[destination] = np.where(out, ours, theirs), np.where(out, theirs, ours)
    records["f15"] = 0x0A000001 + outside
    packets = rng.geometric(0.05, n)
    records["f2"], records["f1"] = packets, packets * rng.integers(40, 1500, n)
    first = rng.integers(1_000_000, 2_000_000, n)
    records["f22"], records["f21"] = first, first + rng.integers(0, 60_000, n)
    client = rng.integers(1024, 65536, n)
    server = _PORTS[rng.zipf(1.4, n) % len(_PORTS)]
    records["f7"], records["f11"] = np.where(out, client, server), np.where(out, server, client)
    records["f6"], records["f4"] = rng.choice([0x1B, 0x18, 0x02, 0], n), np.where(server == 53, 17, 6)
    records["f9"], records["f13"], records["f61"] = 24, 24, out
    records["f52"] = 57
    body = records.tobytes()
    step = PER_DATAGRAM * RECORD.itemsize
    payloads = []
    for i in range(datagrams):
        sets = _template() if i % _ANNOUNCE_EVERY == 0 else b""
        data = body[i * step : (i + 1) * step]
        padding = -len(data) % 4
        sets += struct.pack(">HH", TEMPLATE, 4 + len(data) + padding) + data + bytes(padding)
        payloads.append(struct.pack(">HHIIII", 9, PER_DATAGRAM, 2_100_000, 0, 0, 7) + sets)
    return write(path, payloads, np.full(datagrams, PER_DATAGRAM), 9)


def plain_stream(path: Path, datagrams: int = 4096, size: int = 1373) -> Path:
    """Write datagrams that look like v9 but need not be decoded: for measuring reception alone."""
    payload = struct.pack(">HHIIII", 9, 0, 0, 0, 0, 0).ljust(size, b"\0")
    return write(path, [payload] * datagrams, np.zeros(datagrams, np.int64), 0)


def write(path: Path, payloads: list[bytes], records: NDArray[np.int64], version: int) -> Path:
    """Store a stream as ``bench._send`` reads it."""
    length = np.array([len(one) for one in payloads], np.int64)
    data = np.frombuffer(b"".join(payloads), np.uint8)
    np.savez(path, data=data, start=np.cumsum(length) - length, length=length, records=records, version=version)
    return path


def _template() -> bytes:
    fields = b"".join(struct.pack(">HH", *field) for field in FIELDS)
    return struct.pack(">HHHH", 0, 8 + len(fields), TEMPLATE, len(FIELDS)) + fields
