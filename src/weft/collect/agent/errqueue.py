"""ICMP errors that the kernel keeps for the socket whose packet they are about (``IP_RECVERR``): no privilege needed.

Linux only. Comes in: a socket. Goes out: who complained, about what, when, and the MPLS labels that it told of
(RFC 4884, RFC 4950).
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from typing import NamedTuple

# Names that Python's socket module lacks (include/uapi/linux/in.h, in6.h, errqueue.h, asm-generic/socket.h).
SO_TIMESTAMPNS = 35
IP_RECVERR, IP_RECVERR_RFC4884 = 11, 26
IPV6_RECVERR, IPV6_RECVERR_RFC4884, IPV6_AUTOFLOWLABEL = 25, 31, 70
_ORIGIN_LOCAL, _ORIGIN_ICMP, _ORIGIN_ICMP6 = 1, 2, 3

_EXTENDED = struct.Struct("=IBBBBIHBB")  # sock_extended_err; its last word is sock_ee_data_rfc4884
_TIMESPEC = struct.Struct("=qq")
_MOST_QUOTE, _MOST_CONTROL, _MOST_ERRORS = 1500, 512, 64
_MOST_LABELS = 16
_LONGEST_AGO_S = 5.0  # beyond it the clock was set, rather than we were slow


class Complaint(NamedTuple):
    """One ICMP error."""

    hop: str
    """Who sent it; empty = this machine."""
    expired: bool
    """Whether the hop limit ran out on the way; otherwise the destination is unreachable."""
    port_closed: bool
    """Whether what is unreachable is only the port: it is the target itself that answers."""
    reason: str
    """What is unreachable, in words."""
    quote: bytes
    """What the hop quoted of our packet, from its transport header (ICMP, TCP) or from its data (UDP) on."""
    labels: tuple[int, ...]
    """MPLS labels that our packet carried, outermost first."""
    at: float
    """When it came (``time.monotonic``)."""
    to: tuple[str, int]
    """Where our packet was headed."""


_REASONS_V4 = {
    0: "network unreachable", 1: "host unreachable", 2: "protocol unreachable", 3: "port unreachable",
    4: "fragmentation needed", 9: "network prohibited", 10: "host prohibited", 13: "administratively prohibited",
}  # fmt: skip
_REASONS_V6 = {
    0: "no route", 1: "administratively prohibited", 2: "beyond scope", 3: "address unreachable", 4: "port unreachable",
    5: "source address refused", 6: "route rejected",
}  # fmt: skip


def watch(one: socket.socket) -> None:
    """Have the kernel keep ICMP errors and the times at which packets came."""
    one.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    if one.family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        # Linux would give each socket a flow label of its own; routers hash by it, and a flow may be many sockets.
        one.setsockopt(socket.IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 0)
        optional = socket.IPPROTO_IPV6, IPV6_RECVERR_RFC4884
    else:
        one.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        optional = socket.IPPROTO_IP, IP_RECVERR_RFC4884
    with contextlib.suppress(OSError):  # Linux before 5.9: no labels
        one.setsockopt(*optional, 1)


def set_hop_limit(one: socket.socket, limit: int) -> None:
    """TTL, or hop limit, of what the socket sends."""
    if one.family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, limit)
    else:
        one.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, limit)


def hop_limit_of_packet(family: int, limit: int) -> list[tuple[int, int, bytes]]:
    """The same for one packet, as control data of ``sendmsg``."""
    v6 = family == socket.AF_INET6
    level, kind = (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT) if v6 else (socket.IPPROTO_IP, socket.IP_TTL)
    return [(level, kind, struct.pack("=i", limit))]


def complaints(one: socket.socket) -> list[Complaint]:
    """What has come for this socket. Never blocks."""
    found: list[Complaint] = []
    for _ in range(_MOST_ERRORS):
        try:
            quote, control, _flags, to = one.recvmsg(
                _MOST_QUOTE, _MOST_CONTROL, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT
            )
        except OSError:
            break
        complaint = _complaint(quote, control, to)
        if complaint is not None:
            found.append(complaint)
    return found


def arrival(control: list[tuple[int, int, bytes]]) -> float:
    """When a packet came (``time.monotonic``), by the kernel's stamp where there is one.

    The stamp is of the wall clock: what matters is how long ago that was, so that a step of the clock does no harm.
    """
    now = time.monotonic()
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(data) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            ago = time.time() - seconds - nanoseconds / 1e9
            return now - ago if 0 <= ago < _LONGEST_AGO_S else now
    return now


def _complaint(quote: bytes, control: list[tuple[int, int, bytes]], to: tuple[str, int]) -> Complaint | None:
    for level, kind, data in control:
        if (level, kind) not in {(socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR)}:
            continue
        if len(data) < _EXTENDED.size:
            return None
        _errno, origin, icmp_type, code, _pad, _info, length, _flags, _reserved = _EXTENDED.unpack_from(data)
        if origin not in (_ORIGIN_ICMP, _ORIGIN_ICMP6):
            return None if origin != _ORIGIN_LOCAL else _local(quote, control, to)
        v6 = origin == _ORIGIN_ICMP6
        hop = _address(data[_EXTENDED.size :])
        expired = icmp_type == (3 if v6 else 11)
        closed = (icmp_type, code) == ((1, 4) if v6 else (3, 3))
        if not expired and icmp_type != (1 if v6 else 3):
            return None  # packet too big, parameter problem: not about whether it arrives
        reason = "" if expired else (_REASONS_V6 if v6 else _REASONS_V4).get(code, f"unreachable, code {code}")
        labels = mpls_labels(quote[length:]) if 0 < length < len(quote) else ()
        return Complaint(hop, expired, closed, reason, quote, labels, arrival(control), to)
    return None


def _local(quote: bytes, control: list[tuple[int, int, bytes]], to: tuple[str, int]) -> Complaint:
    return Complaint("", False, False, "this machine cannot send it", quote, (), arrival(control), to)


def _address(raw: bytes) -> str:
    """The address in a ``sockaddr``; empty where there is none."""
    if len(raw) < 8:
        return ""
    (family,) = struct.unpack_from("=H", raw)
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, raw[4:8])
    if family == socket.AF_INET6 and len(raw) >= 24:
        return socket.inet_ntop(socket.AF_INET6, raw[8:24])
    return ""


def mpls_labels(extension: bytes) -> tuple[int, ...]:
    """Labels of the MPLS stack object (class 1, type 1) in an ICMP extension structure; none where it is damaged."""
    if len(extension) < 4 or extension[0] >> 4 != 2:
        return ()
    at = 4
    while at + 4 <= len(extension):
        length, class_, kind = struct.unpack_from("!HBB", extension, at)
        if length < 4 or at + length > len(extension):
            return ()
        if (class_, kind) == (1, 1):
            words = extension[at + 4 : at + length]
            entries = [int.from_bytes(words[i : i + 4], "big") for i in range(0, len(words) - 3, 4)]
            return tuple(entry >> 12 for entry in entries[:_MOST_LABELS])
        at += length
    return ()
