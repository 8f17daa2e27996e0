"""Builds frames layer by layer, and parses one into the columns that it carries."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import Any

import numpy as np

from weft.decode.flow.columns import PRESENT_SLOT, FlowColumns
from weft.decode.flow.records import records
from weft.decode.packet import FRAME_COLUMNS, LINK_ETHERNET, parse_frame

MAC_A, MAC_B = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
IPV4, IPV6, MPLS, ARP = 0x0800, 0x86DD, 0x8847, 0x0806


def ethernet(payload: bytes, kind: int = IPV4, tags: tuple[tuple[int, int], ...] = ()) -> bytes:
    """A frame from MAC_A to MAC_B; ``tags`` are (TPID, VLAN)."""
    stack = b"".join(struct.pack(">HH", tpid, vlan) for tpid, vlan in tags)
    return MAC_B + MAC_A + stack + struct.pack(">H", kind) + payload


def ipv4(
    payload: bytes,
    protocol: int,
    src: str = "10.0.0.1",
    dst: str = "10.0.0.2",
    *,
    options: bytes = b"",
    fragment: int = 0,
    tos: int = 0,
    ttl: int = 64,
    total: int | None = None,
) -> bytes:
    header = 20 + len(options)
    length = header + len(payload) if total is None else total
    return (
        struct.pack(">BBHHHBBH", 0x40 | header // 4, tos, length, 1, fragment, ttl, protocol, 0)
        + ip_address(src).packed
        + ip_address(dst).packed
        + options
        + payload
    )


def ipv6(
    payload: bytes,
    following: int,
    src: str = "2001:db8::1",
    dst: str = "2001:db8::2",
    *,
    traffic_class: int = 0,
    label: int = 0,
    hops: int = 60,
    length: int | None = None,
) -> bytes:
    return (
        struct.pack(
            ">IHBB",
            6 << 28 | traffic_class << 20 | label,
            len(payload) if length is None else length,
            following,
            hops,
        )
        + ip_address(src).packed
        + ip_address(dst).packed
        + payload
    )


def tcp(src: int = 1234, dst: int = 443, flags: int = 0x12) -> bytes:
    return struct.pack(">HHIIHHHH", src, dst, 1, 2, 0x5000 | flags, 1000, 0, 0)


def udp(payload: bytes = b"", src: int = 1234, dst: int = 53) -> bytes:
    return struct.pack(">HHHH", src, dst, 8 + len(payload), 0) + payload


def label(value: int, bottom: bool = True) -> bytes:
    return struct.pack(">I", value << 12 | bottom << 8 | 64)


def extension(following: int, body: bytes = bytes(6)) -> bytes:
    """A hop-by-hop, routing or destination header; ``body`` fills it to a multiple of eight."""
    return bytes((following, (len(body) + 2) // 8 - 1)) + body


def parse(frame: bytes, link: int = LINK_ETHERNET) -> dict[str, Any]:
    """The record of a frame: only the columns it carried. The frame lies between guard bytes, in the second row."""
    columns = FlowColumns(64)
    matrices = columns.claim((*FRAME_COLUMNS, "present"), 2)
    data = np.frombuffer(b"\xa5" * 64 + frame + b"\x5a" * 64, np.uint8)
    present = parse_frame(data, 64, 64 + len(frame), link, matrices, 1)
    matrices.u64[PRESENT_SLOT.row, 1] = present
    columns.commit(2)
    batch = columns.to_batch()
    first, second = records(batch)
    assert set(first.values()) == {None}
    raw = batch.to_pylist()[0]
    assert not any(raw[name] for name in FRAME_COLUMNS if not isinstance(raw[name], bytes))
    return {name: value for name, value in second.items() if value is not None}
