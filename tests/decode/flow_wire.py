"""Builds NetFlow v5, v9 and IPFIX datagrams by hand, and decodes some."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import Any

import numpy as np

from weft.decode.datagrams import DatagramBatch
from weft.decode.flow.decoder import FlowDecoder
from weft.decode.flow.limits import DecodeLimits, SamplingOverrides
from weft.decode.flow.records import records
from weft.model.exporters import StreamStatus

EXPORTED = 1_700_000_000  # seconds
RECEIVED = EXPORTED * 10**9 + 250_000_000
UPTIME = 1_000_000  # ms
SOURCE = "198.51.100.7"

V5_DEFAULTS = {
    "src": "192.0.2.1", "dst": "198.51.100.2", "next_hop": "203.0.113.3", "in_if": 3, "out_if": 4, "packets": 10,
    "bytes": 1500, "first": UPTIME - 5000, "last": UPTIME - 1000, "src_port": 1234, "dst_port": 443, "flags": 0x1B,
    "protocol": 6, "tos": 0x20, "src_as": 65001, "dst_as": 65002, "src_mask": 24, "dst_mask": 16,
}  # fmt: skip


def new_decoder(sampling: SamplingOverrides | None = None, **limits: Any) -> FlowDecoder:
    """A decoder with small tables: making one is most of what a test does."""
    return FlowDecoder(DecodeLimits(**{"max_streams": 64} | limits), sampling)


def v5_record(**fields: Any) -> bytes:
    f = V5_DEFAULTS | fields
    return struct.pack(
        ">4s4s4sHHIIIIHHxBBBHHBBxx", ip4(f["src"]), ip4(f["dst"]), ip4(f["next_hop"]), f["in_if"], f["out_if"],
        f["packets"], f["bytes"], f["first"], f["last"], f["src_port"], f["dst_port"], f["flags"], f["protocol"],
        f["tos"], f["src_as"], f["dst_as"], f["src_mask"], f["dst_mask"],
    )  # fmt: skip


def v5(
    *found: bytes, sequence: int = 1, sampling: int = 0, uptime: int = UPTIME, secs: int = EXPORTED, nsecs: int = 0,
    count: int | None = None, engine: int = 0x0102,
) -> bytes:  # fmt: skip
    n = len(found) if count is None else count
    head = struct.pack(">HHIIIIHH", 5, n, uptime, secs, nsecs, sequence, engine, sampling)
    return head + b"".join(found)


def v9(
    *sets: bytes, sequence: int = 1, domain: int = 7, count: int = 1, uptime: int = UPTIME, secs: int = EXPORTED
) -> bytes:
    return struct.pack(">HHIIII", 9, count, uptime, secs, sequence, domain) + b"".join(sets)


def ipfix(*sets: bytes, sequence: int = 1, domain: int = 7, secs: int = EXPORTED, length: int | None = None) -> bytes:
    body = b"".join(sets)
    return struct.pack(">HHIII", 10, 16 + len(body) if length is None else length, secs, sequence, domain) + body


def a_set(number: int, *bodies: bytes, length: int | None = None) -> bytes:
    body = b"".join(bodies)
    return struct.pack(">HH", number, 4 + len(body) if length is None else length) + body


def fields(*specs: tuple[int, ...]) -> bytes:
    """Field specifiers: (element, length) or (element, length, pen)."""
    return b"".join(
        struct.pack(">HHI", s[0] | 0x8000, s[1], s[2]) if len(s) == 3 else struct.pack(">HH", *s) for s in specs
    )


def template9(number: int, *specs: tuple[int, ...]) -> bytes:
    return a_set(0, struct.pack(">HH", number, len(specs)), fields(*specs))


def template10(number: int, *specs: tuple[int, ...]) -> bytes:
    return a_set(2, struct.pack(">HH", number, len(specs)), fields(*specs))


def options9(number: int, scopes: list[tuple[int, int]], specs: list[tuple[int, int]]) -> bytes:
    head = struct.pack(">HHH", number, 4 * len(scopes), 4 * len(specs))
    return a_set(1, head, fields(*scopes, *specs))


def options10(number: int, scopes: list[tuple[int, ...]], specs: list[tuple[int, ...]]) -> bytes:
    head = struct.pack(">HHH", number, len(scopes) + len(specs), len(scopes))
    return a_set(3, head, fields(*scopes, *specs))


def ip4(text: str) -> bytes:
    return ip_address(text).packed


def number(value: int, length: int) -> bytes:
    return value.to_bytes(length, "big")


def variable(value: bytes) -> bytes:
    """A variable-length value with its short or long length."""
    return (bytes([len(value)]) if len(value) < 255 else struct.pack(">BH", 255, len(value))) + value


def to_batch(*messages: bytes, received: int = RECEIVED, source: str | list[str] = SOURCE) -> DatagramBatch:
    length = np.array([len(message) for message in messages], np.int32)
    n = len(messages)
    sources = [source] * n if isinstance(source, str) else source
    packed = b"".join(
        bytes(10) + b"\xff\xff" + a.packed if a.version == 4 else a.packed for a in map(ip_address, sources)
    )
    return DatagramBatch(
        np.frombuffer(b"\xa5" * 16 + b"".join(messages) + b"\x5a" * 16, np.uint8),
        16 + np.cumsum(length, dtype=np.int64) - length,
        length,
        np.frombuffer(packed, np.uint8).reshape(n, 16),
        np.full(n, 2055, np.uint16),
        np.full(n, received, np.int64),
    )


def decode(*messages: bytes, decoder: FlowDecoder | None = None, **batch: Any) -> list[dict[str, Any]]:
    """The records of some datagrams, only the columns that they carried."""
    decoded = (decoder or new_decoder()).decode(to_batch(*messages, **batch))
    return [{k: v for k, v in found.items() if v is not None} for found in records(decoded.flows)]


def rows(*messages: bytes, decoder: FlowDecoder | None = None, **batch: Any) -> list[dict[str, Any]]:
    """The rows as they are stored."""
    return (decoder or new_decoder()).decode(to_batch(*messages, **batch)).flows.to_pylist()


def stream(decoder: FlowDecoder, domain: int | None = None, source: str = SOURCE) -> StreamStatus:
    """The one stream of an exporter (and domain)."""
    (found,) = [
        s for s in decoder.streams() if s.source == source and (domain is None or s.observation_domain == domain)
    ]
    return found
