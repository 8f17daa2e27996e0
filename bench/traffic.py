"""Datagrams for the decoder benches: varied records of many exporters, encoded whole columns at a time.

Only what the benches need and the demo's encoders do not offer: records of 25 and more fields in every protocol.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from weft.decode.datagrams import DatagramBatch

V5_RECORD = np.dtype(
    [("src", ">u4"), ("dst", ">u4"), ("next_hop", ">u4"), ("in_if", ">u2"), ("out_if", ">u2"), ("packets", ">u4"),
     ("bytes", ">u4"), ("first", ">u4"), ("last", ">u4"), ("src_port", ">u2"), ("dst_port", ">u2"), ("pad", "u1"),
     ("flags", "u1"), ("protocol", "u1"), ("tos", "u1"), ("src_as", ">u2"), ("dst_as", ">u2"), ("src_mask", "u1"),
     ("dst_mask", "u1"), ("pad2", ">u2")]
)  # fmt: skip

#: (element, octets, value of ``_columns``): a router's full IPv4 record.
_COMMON = (
    (8, 4, "src"), (12, 4, "dst"), (15, 4, "next_hop"), (10, 4, "in_if"), (14, 4, "out_if"), (2, 4, "packets"),
    (1, 4, "bytes"), (7, 2, "src_port"), (11, 2, "dst_port"), (6, 1, "flags"), (4, 1, "protocol"), (5, 1, "tos"),
    (16, 4, "src_as"), (17, 4, "dst_as"), (9, 1, "src_mask"), (13, 1, "dst_mask"), (61, 1, "direction"),
    (58, 2, "vlan"), (59, 2, "vlan"), (32, 2, "zero"), (48, 1, "sampler"), (18, 4, "next_hop"), (52, 1, "ttl"),
    (136, 1, "one"),
)  # fmt: skip
V9_FIELDS = (*_COMMON, (22, 4, "first"), (21, 4, "last"))
IPFIX_FIELDS = (*_COMMON, (152, 8, "first_ms"), (153, 8, "last_ms"))
TEMPLATE, OPTIONS_TEMPLATE = 256, 257
_EXPORTED_S, _UPTIME = 1_790_000_000, 3_600_000


def _columns(rng: np.random.Generator, n: int) -> dict[str, NDArray[np.int64]]:
    out = rng.random(n) < 0.5
    client, server = rng.integers(1024, 65536, n), rng.choice([443, 443, 443, 80, 53, 22, 25, 8443, 3306, 123], n)
    host = (rng.zipf(1.2, n).astype(np.uint64) * np.uint64(2654435761)).astype(np.int64) & 0xFFFFF
    peer = rng.integers(0x01000000, 0xDFFFFFFF, n)
    packets, first = rng.geometric(0.05, n), rng.integers(3_000_000, 3_500_000, n)
    last = first + rng.integers(0, 60_000, n)
    zero = np.zeros(n, np.int64)
    base_ms = _EXPORTED_S * 1000 - _UPTIME
    return {
        "src": np.where(out, 0x0A000000 + host, peer), "dst": np.where(out, peer, 0x0A000000 + host),
        "next_hop": 0xC0000200 + rng.integers(0, 40, n), "in_if": rng.integers(1, 240, n),
        "out_if": rng.integers(1, 240, n), "packets": packets, "bytes": packets * rng.integers(40, 1500, n),
        "first": first, "last": last, "first_ms": base_ms + first, "last_ms": base_ms + last,
        "src_port": np.where(out, client, server), "dst_port": np.where(out, server, client),
        "flags": rng.choice([0x1B, 0x18, 0x02, 0], n), "protocol": rng.choice([6, 6, 6, 17], n),
        "tos": rng.choice([0, 0, 0xB8, 0x28], n), "src_as": 64496 + rng.zipf(1.3, n) % 500,
        "dst_as": 64496 + rng.zipf(1.3, n) % 500, "src_mask": zero + 24, "dst_mask": zero + 20,
        "direction": rng.integers(0, 2, n), "vlan": rng.integers(1, 200, n), "zero": zero, "sampler": zero + 1,
        "ttl": rng.integers(40, 64, n), "one": zero + 1,
    }  # fmt: skip


def _records(rng: np.random.Generator, n: int, dtype: np.dtype[np.void], names: dict[str, str]) -> NDArray[np.void]:
    values, body = _columns(rng, n), np.zeros(n, dtype)
    for name in dtype.names or ():
        source = names.get(name, name)
        if source in values:
            body[name] = values[source]
    return body


def v5(datagrams: int, exporters: int, seed: int = 1) -> list[tuple[int, bytes]]:
    """(exporter, datagram) with 30 records each."""
    body = _records(np.random.default_rng(seed), datagrams * 30, V5_RECORD, {})
    out = []
    for i in range(datagrams):
        head = struct.pack(">HHIIIIBBH", 5, 30, _UPTIME, _EXPORTED_S, 0, i // exporters * 30, 0, 0, 0x4000 | 1000)
        out.append((i % exporters, head + body[i * 30 : i * 30 + 30].tobytes()))
    return out


def templated(
    version: int, datagrams: int, exporters: int, seed: int = 1, per_datagram: int = 18
) -> list[tuple[int, bytes]]:
    """(exporter, datagram): every exporter's templates and sampler first, then data of 26 fields a record."""
    fields = V9_FIELDS if version == 9 else IPFIX_FIELDS
    dtype = np.dtype([(f"f{i}", f">u{octets}" if octets > 1 else "u1") for i, (_, octets, _) in enumerate(fields)])
    names = {f"f{i}": name for i, (_, _, name) in enumerate(fields)}
    body = _records(np.random.default_rng(seed), datagrams * per_datagram, dtype, names)
    out = [(e, _message(version, 0, 1, _templates(version, fields))) for e in range(exporters)]
    sampler = _set(OPTIONS_TEMPLATE, struct.pack(">IBI", 0, 1, 1000))
    out += [(e, _message(version, 1 if version == 9 else 0, 1, sampler)) for e in range(exporters)]
    for i in range(datagrams):
        turn = i // exporters
        sequence = 2 + turn if version == 9 else 1 + turn * per_datagram
        data = _set(TEMPLATE, body[i * per_datagram : (i + 1) * per_datagram].tobytes())
        out.append((i % exporters, _message(version, sequence, per_datagram, data)))
    return out


def _templates(version: int, fields: tuple[tuple[int, int, str], ...]) -> bytes:
    spec = b"".join(struct.pack(">HH", element, octets) for element, octets, _ in fields)
    plain = _set(0 if version == 9 else 2, struct.pack(">HH", TEMPLATE, len(fields)) + spec)
    if version == 9:
        return plain + _set(1, struct.pack(">HHHHHHHHH", OPTIONS_TEMPLATE, 4, 8, 1, 4, 48, 1, 50, 4))
    return plain + _set(3, struct.pack(">HHHHHHHHH", OPTIONS_TEMPLATE, 3, 1, 149, 4, 48, 1, 50, 4))


def _message(version: int, sequence: int, count: int, sets: bytes) -> bytes:
    if version == 9:
        return struct.pack(">HHIIII", 9, count, _UPTIME, _EXPORTED_S, sequence, 7) + sets
    return struct.pack(">HHIII", 10, 16 + len(sets), _EXPORTED_S, sequence, 7) + sets


def _set(number: int, body: bytes) -> bytes:
    padding = -len(body) % 4
    return struct.pack(">HH", number, 4 + len(body) + padding) + body + bytes(padding)


def batch(datagrams: list[tuple[int, bytes]]) -> DatagramBatch:
    """A batch as a receiver hands it over; exporter ``i`` is 10.0.0.i."""
    length = np.array([len(payload) for _, payload in datagrams], np.int32)
    source = np.zeros((len(datagrams), 16), np.uint8)
    source[:, 10:12] = 0xFF
    source[:, 12] = 10
    source[:, 15] = [exporter + 1 for exporter, _ in datagrams]
    return DatagramBatch(
        np.frombuffer(b"".join(payload for _, payload in datagrams), np.uint8),
        np.cumsum(length, dtype=np.int64) - length,
        length,
        source,
        np.full(len(datagrams), 2055, np.uint16),
        np.full(len(datagrams), _EXPORTED_S * 10**9, np.int64),
    )
