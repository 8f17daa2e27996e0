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
TEMPLATE = 256
_ANNOUNCE_EVERY = 500


def v9_stream(path: Path, datagrams: int = 20_000, seed: int = 1) -> Path:
    """Write a NetFlow v9 stream (one domain, its template announced every 500 datagrams) for ``bench._send``."""
    rng = np.random.default_rng(seed)
    records = np.zeros(datagrams * PER_DATAGRAM, RECORD)
    n = len(records)
    records["f8"], records["f12"] = _addresses(rng, n), _addresses(rng, n)
    records["f15"] = 0x0A000001 + rng.integers(0, 8, n)
    records["f10"], records["f14"] = rng.integers(1, 240, n), rng.integers(1, 240, n)
    packets = rng.geometric(0.05, n)
    records["f2"], records["f1"] = packets, packets * rng.integers(40, 1500, n)
    first = rng.integers(1_000_000, 2_000_000, n)
    records["f22"], records["f21"] = first, first + rng.integers(0, 60_000, n)
    client = rng.integers(1024, 65536, n)
    server = rng.choice([443, 443, 443, 80, 53, 22, 25, 8443, 3306, 123], n)
    out = rng.random(n) < 0.5
    records["f7"], records["f11"] = np.where(out, client, server), np.where(out, server, client)
    records["f6"], records["f4"] = rng.choice([0x1B, 0x18, 0x02, 0], n), rng.choice([6, 6, 6, 17], n)
    records["f16"], records["f17"] = 64496 + rng.zipf(1.3, n) % 500, 64496 + rng.zipf(1.3, n) % 500
    records["f9"], records["f13"] = 24, 24
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


def _addresses(rng: np.random.Generator, n: int) -> NDArray[np.uint32]:
    """Zipf-distributed addresses out of 2^20 hosts."""
    host = (rng.zipf(1.2, n) * np.uint64(2654435761)) & np.uint64(0xFFFFF)
    return (np.uint32(0x0A000000) + host.astype(np.uint32)).astype(np.uint32)
