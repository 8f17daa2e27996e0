"""Builds sFlow v5 datagrams, and decodes some."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import Any

import numpy as np

from weft.decode.datagrams import DatagramBatch
from weft.decode.flow.decoder import FlowDecoder
from weft.decode.flow.limits import DecodeLimits
from weft.decode.flow.records import records

RECEIVED = 1_700_000_000_123_456_789


def new_decoder() -> FlowDecoder:
    """A decoder with small tables: making one is most of what a test does."""
    return FlowDecoder(DecodeLimits(max_streams=32))


def address(text: str) -> bytes:
    parsed = ip_address(text)
    return struct.pack(">I", 1 if parsed.version == 4 else 2) + parsed.packed


def record(kind: int, body: bytes, size: int | None = None) -> bytes:
    return struct.pack(">II", kind, len(body) if size is None else size) + body + bytes(-len(body) % 4)


def raw(frame: bytes, protocol: int = 1, length: int | None = None, stripped: int = 4) -> bytes:
    """A sampled header of a frame of ``length`` bytes."""
    head = struct.pack(">4I", protocol, len(frame) + 4 if length is None else length, stripped, len(frame))
    return record(1, head + frame + bytes(-len(frame) % 4))


def flow(
    *found: bytes,
    rate: int = 512,
    in_if: int = 1,
    out_if: int = 2,
    sequence: int = 1,
    source: int = 1,
    drops: int = 0,
    count: int | None = None,
) -> bytes:
    """A compact flow sample."""
    head = struct.pack(">8I", sequence, source, rate, 9, drops, in_if, out_if, len(found) if count is None else count)
    return sample(1, head + b"".join(found))


def expanded(*found: bytes, rate: int = 512, came: tuple[int, int] = (0, 1), went: tuple[int, int] = (0, 2)) -> bytes:
    """An expanded flow sample."""
    return sample(3, struct.pack(">11I", 1, 0, 1, rate, 9, 0, *came, *went, len(found)) + b"".join(found))


def discarded(*found: bytes, reason: int = 256, in_if: int = 1, out_if: int = 0) -> bytes:
    return sample(5, struct.pack(">8I", 1, 0, 1, 0, in_if, out_if, reason, len(found)) + b"".join(found))


def counters(*found: bytes, source: int = 7) -> bytes:
    return sample(2, struct.pack(">3I", 1, source, len(found)) + b"".join(found))


def counters_expanded(*found: bytes, source: int = 7) -> bytes:
    return sample(4, struct.pack(">4I", 1, 0, source, len(found)) + b"".join(found))


def sample(kind: int, body: bytes, size: int | None = None) -> bytes:
    return struct.pack(">II", kind, len(body) if size is None else size) + body


def datagram(
    *samples: bytes,
    agent: str = "192.0.2.9",
    sub_agent: int = 3,
    sequence: int = 1,
    uptime: int = 1000,
    count: int | None = None,
) -> bytes:
    return (
        struct.pack(">I", 5)
        + address(agent)
        + struct.pack(">4I", sub_agent, sequence, uptime, len(samples) if count is None else count)
        + b"".join(samples)
    )


def to_batch(*messages: bytes, received: int = RECEIVED, source: str = "198.51.100.7") -> DatagramBatch:
    length = np.array([len(message) for message in messages], np.int32)
    n = len(messages)
    return DatagramBatch(
        np.frombuffer(b"\xa5" * 16 + b"".join(messages) + b"\x5a" * 16, np.uint8),
        16 + np.concatenate([[0], np.cumsum(length[:-1], dtype=np.int64)]).astype(np.int64),
        length,
        np.tile(np.frombuffer(bytes(10) + b"\xff\xff" + ip_address(source).packed, np.uint8), (n, 1)),
        np.full(n, 6343, np.uint16),
        np.full(n, received, np.int64),
    )


def decode(*messages: bytes, decoder: FlowDecoder | None = None) -> list[dict[str, Any]]:
    """The records of some datagrams, only the columns that they carried."""
    decoded = (decoder or new_decoder()).decode(to_batch(*messages))
    return [{k: v for k, v in found.items() if v is not None} for found in records(decoded.flows)]


def errors(*messages: bytes) -> dict[str, int]:
    """What was counted as wrong with some datagrams of one stream."""
    decoder = new_decoder()
    decoder.decode(to_batch(*messages))
    (stream,) = decoder.streams()
    return stream.errors


def metrics(*messages: bytes, decoder: FlowDecoder | None = None) -> dict[tuple[str, int], float]:
    """The counters of some datagrams by name and lane, VLAN or interface."""
    batch = (decoder or new_decoder()).decode(to_batch(*messages)).metrics
    return {(row["metric"], row["labels"] or row["if_index"]): row["value"] for row in batch.to_pylist()}
