"""Flow specifications (RFC 8955, 8956): filters that travel as routes."""

from __future__ import annotations

from typing import Any

from weft.decode.bgp.codes import Malformed
from weft.decode.bgp.nlri.base import Nlri, Octets, address_of, padded
from weft.decode.bgp.words import ip_text, rd_text

_NUMERIC = {3: ("protocol", "next-header"), 4: ("port",) * 2, 5: ("destination-port",) * 2, 6: ("source-port",) * 2,
            7: ("icmp-type",) * 2, 8: ("icmp-code",) * 2, 10: ("packet-length",) * 2, 11: ("dscp", "traffic-class"),
            13: ("", "flow-label")}  # fmt: skip
_BITS = {9: "tcp-flags", 12: "fragment"}
_FLAGS = {1: "fin", 2: "syn", 4: "rst", 8: "push", 16: "ack", 32: "urg", 64: "ece", 128: "cwr", 256: "ns"}
_FRAGMENT = {1: "dont-fragment", 2: "is-fragment", 4: "first-fragment", 8: "last-fragment"}
_PROTOCOLS = {1: "icmp", 2: "igmp", 4: "ipip", 6: "tcp", 8: "egp", 17: "udp", 46: "rsvp", 47: "gre", 50: "esp",
              51: "ah", 58: "icmpv6", 89: "ospf", 103: "pim", 132: "sctp"}  # fmt: skip
_ICMP = {0: "echo-reply", 3: "unreachable", 4: "source-quench", 5: "redirect", 8: "echo-request",
         9: "router-advertisement", 10: "router-solicit", 11: "time-exceeded", 12: "parameter-problem",
         13: "timestamp", 14: "timestamp-reply"}  # fmt: skip
_COMPARE = {0: "false", 1: "=", 2: ">", 3: ">=", 4: "<", 5: "<=", 6: "!=", 7: "true"}


def read_flow(afi: int, safi: int, octets: Octets) -> Nlri:
    """One filter; its destination is the prefix of the row. A component of an unknown type ends it in octets."""
    length = octets.number(1)
    if length >= 0xF0:
        length = (length & 0xF) << 8 | octets.number(1)
    inner = Octets(octets.take(length))
    rd = rd_text(inner.take(8)) or "0:0" if safi == 134 else ""
    fields: dict[str, Any] = {}
    prefix, bits = bytes(16), 0
    while len(inner):
        kind = inner.number(1)
        if kind in (1, 2):
            name, text, address, size = _prefix(kind, inner, afi == 2)
            fields.setdefault(name, []).append(text)
            if kind == 1:
                prefix, bits = address_of(address), size
        elif kind in _NUMERIC and _NUMERIC[kind][afi - 1]:
            fields[_NUMERIC[kind][afi - 1]] = _operations(kind, inner)
        elif kind in _BITS:
            fields[_BITS[kind]] = _operations(kind, inner)
        else:
            fields[f"component-{kind}"] = [f"0x{inner.rest().hex()}"]
    words = " ".join(f"{name} {_listed(values)}" for name, values in fields.items())
    if rd:
        fields["rd"] = rd
    fields["string"] = f"flow {words}" + (f" rd {rd}" if rd else "")
    return Nlri(13 if safi == 134 else 8 + afi, prefix, bits, 0, words, rd, fields=fields)


def _listed(values: list[str]) -> str:
    return values[0] if len(values) == 1 else f"[ {' '.join(values)} ]"


def _prefix(kind: int, inner: Octets, is_v6: bool) -> tuple[str, str, bytes, int]:
    bits = inner.number(1)
    offset = inner.number(1) if is_v6 else 0
    if bits > (128 if is_v6 else 32) or offset > bits:
        raise Malformed("nlri")
    pattern = inner.take((bits - offset + 7) // 8)
    if offset:
        shifted = int.from_bytes(pattern.ljust(16, b"\0"), "big") >> offset
        address = padded(shifted.to_bytes(16, "big"), bits, True)
    else:
        address = padded(pattern, bits, is_v6)
    name = f"{'destination' if kind == 1 else 'source'}-{'ipv6' if is_v6 else 'ipv4'}"
    return name, f"{ip_text(address)}/{bits}" + (f"/{offset}" if is_v6 else ""), address, bits


def _operations(kind: int, inner: Octets) -> list[str]:
    """Comparisons of a component: those joined by *and* are one text."""
    found: list[str] = []
    while True:
        operator = inner.number(1)
        value = inner.number(1 << (operator >> 4 & 3))
        text = _masked(kind, operator, value) if kind in _BITS else _compared(kind, operator, value)
        if operator & 0x40 and found:
            found[-1] += f"&{text}"
        else:
            found.append(text)
        if operator & 0x80:
            return found


def _compared(kind: int, operator: int, value: int) -> str:
    sign = _COMPARE[operator & 7]
    if operator & 7 in (0, 7):
        return sign
    names = {3: _PROTOCOLS, 7: _ICMP}.get(kind, {})
    return f"{sign}{names.get(value, str(value))}"


def _masked(kind: int, operator: int, value: int) -> str:
    names = _FLAGS if kind == 9 else _FRAGMENT
    known = [name for bit, name in names.items() if value & bit]
    rest = value & ~sum(names)
    text = "+".join(known + ([str(rest)] if rest or not known else []))
    return f"{'!' if operator & 2 else ''}{'=' if operator & 1 else ''}{text}"
