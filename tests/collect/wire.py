"""NetFlow v5 datagrams by hand, straight from the layout in the Cisco documentation."""

from __future__ import annotations

import socket
import struct
import time

_HEADER = struct.Struct(">HHIIIIBBH")
_RECORD = struct.Struct(">4s4s4sHHIIIIHHBBBBHHBBH")


def v5(octets: list[int], sequence: int = 0, engine: int = 0, sampling: int = 0) -> bytes:
    """A datagram with one record per value of ``octets`` (its byte count; one packet each)."""
    now = time.time()
    head = _HEADER.pack(5, len(octets), 3_600_000, int(now), 0, sequence, 0, engine, sampling)
    return head + b"".join(
        _RECORD.pack(
            socket.inet_aton("192.0.2.1"), socket.inet_aton("198.51.100.7"), socket.inet_aton("203.0.113.1"), 3, 7, 1,
            count, 3_590_000, 3_595_000, 40_000, 443, 0, 0x1B, 6, 0, 64501, 64502, 24, 16, 0,
        )
        for count in octets
    )  # fmt: skip


def v5_stream(records: int, per_datagram: int = 30, first: int = 0) -> list[bytes]:
    """``records`` records whose byte counts are ``first``, ``first`` + 1 …, with right sequence numbers."""
    return [
        v5(list(range(at, min(at + per_datagram, first + records))), sequence=at - first)
        for at in range(first, first + records, per_datagram)
    ]


def v9(records: list[int], template: bool, sequence: int, domain: int = 5) -> bytes:
    """A NetFlow v9 datagram: template 256 (addresses, ports, protocol, bytes, packets) and/or records of it."""
    fields = ((8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (1, 4), (2, 4))
    sets = b""
    if template:
        body = b"".join(struct.pack(">HH", *field) for field in fields)
        sets += struct.pack(">HHHH", 0, 8 + len(body), 256, len(fields)) + body
    if records:
        one = struct.Struct(">4s4sHHBII")
        body = b"".join(
            one.pack(socket.inet_aton("192.0.2.1"), socket.inet_aton("198.51.100.7"), 40_000, 443, 6, count, 1)
            for count in records
        )
        body += bytes(-len(body) % 4)
        sets += struct.pack(">HH", 256, 4 + len(body)) + body
    count = len(records) + template
    return struct.pack(">HHIIII", 9, count, 3_600_000, int(time.time()), sequence, domain) + sets


def pcap(datagrams: list[bytes], at_s: float) -> bytes:
    """A capture of ``datagrams`` from 192.0.2.1 to UDP port 2055, link type raw IP."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)]
    for datagram in datagrams:
        udp = struct.pack(">HHHH", 50_000, 2055, 8 + len(datagram), 0) + datagram
        ip = struct.pack(
            ">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, socket.inet_aton("192.0.2.1"),
            socket.inet_aton("192.0.2.2"),
        )  # fmt: skip
        size = len(ip) + len(udp)
        out.append(struct.pack("<IIII", int(at_s), int(at_s % 1 * 1e6), size, size) + ip + udp)
    return b"".join(out)
