"""Writes small MaxMind-format databases for tests (version 2.0): any record size, the usual aliases of IPv4."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path
from typing import Any

_MARKER = b"\xab\xcd\xefMaxMind.com"


def encode(value: Any) -> bytes:
    if isinstance(value, dict):
        return _control(7, len(value)) + b"".join(encode(k) + encode(v) for k, v in value.items())
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(map(encode, value))
    if isinstance(value, str):
        raw = value.encode()
        return _control(2, len(raw)) + raw
    if isinstance(value, bool):
        return _control(14, int(value))
    if isinstance(value, float):
        return _control(3, 8) + struct.pack(">d", value)
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return _control(6 if value < 1 << 32 else 9, len(raw)) + raw


def _control(kind: int, size: int) -> bytes:
    extended = b"" if kind <= 7 else bytes([kind - 7])
    first = (kind if kind <= 7 else 0) << 5
    if size < 29:
        return bytes([first | size]) + extended
    assert size < 285
    return bytes([first | 29]) + extended + bytes([size - 29])


def write_mmdb(
    path: Path, networks: dict[str, Any], *, record_size: int = 24, ip_version: int = 6, aliases: bool = True
) -> None:
    """``networks`` maps prefixes to records."""
    nodes: list[list[Any]] = [[None, None]]
    width = 128 if ip_version == 6 else 32

    def bits_of(text: str) -> list[int]:
        network = ipaddress.ip_network(text)
        value, length = int(network.network_address), network.prefixlen
        if network.version == 4 and ip_version == 6:
            length += 96
        return [value >> (width - 1 - i) & 1 for i in range(length)]

    def insert(bits: list[int], target: Any) -> None:
        node = 0
        for bit in bits[:-1]:
            if not isinstance(nodes[node][bit], int):
                below = nodes[node][bit]
                nodes.append([below, below])  # a record above is handed down
                nodes[node][bit] = len(nodes) - 1
            node = nodes[node][bit]
        nodes[node][bits[-1]] = target

    data, offsets = b"", {}
    for text, record in sorted(networks.items(), key=lambda item: ipaddress.ip_network(item[0]).prefixlen):
        raw = encode(record)
        if raw not in offsets:
            offsets[raw] = len(data)
            data += raw
        insert(bits_of(text), ("data", offsets[raw]))
    if aliases and ip_version == 6:
        node = 0
        for _ in range(96):
            node = nodes[node][0] if isinstance(nodes[node][0], int) else -1
            if node < 0:
                break
        if node > 0:
            insert([0] * 80 + [1] * 16, node)
            insert([int(b) for b in f"{0x2002:016b}"], node)

    count = len(nodes)

    def number(target: Any) -> int:
        return count if target is None else target if isinstance(target, int) else count + 16 + target[1]

    tree = bytearray()
    for left, right in nodes:
        a, b = number(left), number(right)
        if record_size == 28:
            tree += (
                (a & 0xFFFFFF).to_bytes(3, "big") + bytes([a >> 24 << 4 | b >> 24]) + (b & 0xFFFFFF).to_bytes(3, "big")
            )
        else:
            tree += a.to_bytes(record_size // 8, "big") + b.to_bytes(record_size // 8, "big")
    metadata = {
        "node_count": count,
        "record_size": record_size,
        "ip_version": ip_version,
        "database_type": "Test",
        "languages": ["en"],
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1,
        "description": {"en": "test"},
    }
    path.write_bytes(bytes(tree) + bytes(16) + data + _MARKER + encode(metadata))
