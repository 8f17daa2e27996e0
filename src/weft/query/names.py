"""Stored values to text and back: the text is what a result's cell holds *and* what a filter accepts.

``cell_text`` and ``read_value`` are inverses for every kind of dimension (see ``ViewResult``). Labels, which only
people read, are made in ``answer/naming.py``.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from weft.model.addresses import address_text
from weft.model.tables import Kind
from weft.query.catalogue import Dimension

#: IANA protocol numbers that a network sees, by the names people write.
PROTOCOLS: Mapping[int, str] = {
    0: "hopopt", 1: "icmp", 2: "igmp", 4: "ipip", 6: "tcp", 8: "egp", 9: "igp", 17: "udp", 27: "rdp", 33: "dccp",
    41: "ipv6", 43: "ipv6-route", 44: "ipv6-frag", 46: "rsvp", 47: "gre", 50: "esp", 51: "ah", 58: "icmpv6",
    59: "ipv6-nonxt", 60: "ipv6-opts", 88: "eigrp", 89: "ospf", 97: "etherip", 98: "encap", 103: "pim", 108: "ipcomp",
    112: "vrrp", 115: "l2tp", 124: "isis", 132: "sctp", 133: "fc", 136: "udplite", 137: "mpls-in-ip", 143: "ethernet",
}  # fmt: skip
_PROTOCOL_NUMBERS = {name: number for number, name in PROTOCOLS.items()} | {"icmp6": 58, "ipv6-icmp": 58, "ospfigp": 89}

#: TCP control bits, lowest first.
TCP_FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns")

_SCALES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15,
           "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}  # fmt: skip
_NUMBER = re.compile(r"(\d{1,20})(?:\.(\d{1,9}))?([kmgtp]i?)?", re.IGNORECASE)
_REAL = re.compile(r"([+-]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(?:e[+-]?\d{1,3})?)([kmgtp]i?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Range:
    """``low`` to ``high``, both included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface: by name or by ifIndex (all digits), of one exporter (name or address) or, if empty, of any."""

    exporter: str
    name: str


Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Prefix = ipaddress.IPv4Network | ipaddress.IPv6Network
Value = int | float | str | Range | Interface | Address | Prefix


def address_cell(packed: bytes) -> str:
    """16 stored bytes as a filter reads them: ``::`` where there is no address."""
    return address_text(packed, "::")


def flags_text(bits: int) -> str:
    """``18`` → ``syn+ack``; bits without a name as one number at the end; no bits: ``none``."""
    parts = [name for i, name in enumerate(TCP_FLAGS) if bits >> i & 1]
    if rest := bits >> len(TCP_FLAGS) << len(TCP_FLAGS):
        parts.append(str(rest))
    return "+".join(parts) or "none"


def real_text(value: float) -> str:
    """A number with fractions, as the filter reads it."""
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def number_text(value: int) -> str:
    """The shortest exact way to write a number: ``10000000000`` → ``10G``."""
    for unit in ("P", "T", "G", "M"):
        if value and value % _SCALES[unit.lower()] == 0:
            return f"{value // _SCALES[unit.lower()]}{unit}"
    return str(value)


def cell_text(dimension: Dimension, value: Any) -> str:
    """A stored or looked-up value as filterable text. Interfaces are named in ``answer/naming.py``."""
    kind = dimension.kind
    if kind is Kind.ADDRESS:
        return address_cell(value)
    if kind is Kind.ASN:
        return f"AS{value}"
    if kind is Kind.PROTOCOL:
        return PROTOCOLS.get(value, str(value))
    if kind is Kind.ENUM:
        return dimension.values.get(value, str(value))
    if kind is Kind.MAC:
        return ":".join(f"{value:012x}"[i : i + 2] for i in range(0, 12, 2))
    if dimension.name == "tcp_flags":
        return flags_text(value)
    return str(value)


def value_text(dimension: Dimension, value: Value) -> str:
    """A value of a parsed filter as text that reads back as the same value."""
    if isinstance(value, Range):
        if dimension.kind is Kind.PROTOCOL:  # names may hold dashes
            return f"{value.low}-{value.high}"
        return f"{value_text(dimension, value.low)}-{value_text(dimension, value.high)}"
    if isinstance(value, Interface):
        exporter = f"[{value.exporter}]" if ":" in value.exporter else value.exporter
        return f"{exporter}:{value.name}" if value.exporter else value.name
    if isinstance(value, float):
        return real_text(value)
    if isinstance(value, int):
        if dimension.kind is Kind.NUMBER and dimension.name != "tcp_flags":
            return number_text(value)
        return cell_text(dimension, value)
    return str(value)


# --- reading --------------------------------------------------------------------------------------------------------


def read_value(dimension: Dimension, text: str) -> Value:
    """What a person wrote as a value of ``dimension``. Raises ValueError that says what was expected."""
    return _READERS[dimension.kind](dimension, text)


def read_prefix(text: str) -> Prefix:
    """``10.0.0.0/8`` or one address. Host bits are an error that names the prefix that was meant."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError("expected a prefix such as 10.0.0.0/8 or 2001:db8::/32") from None
    if "/" in text and str(network.network_address) != str(ipaddress.ip_address(text.split("/")[0])):
        raise ValueError(f"expected a prefix without host bits, such as {network}")
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96 and network[0].ipv4_mapped:
        return ipaddress.IPv4Network((network[0].ipv4_mapped, network.prefixlen - 96))
    return network


def _read_address(_: Dimension, text: str) -> Value:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        if "/" in text:
            raise ValueError("expected one address; to match a prefix use <<") from None
        raise ValueError("expected an address such as 192.0.2.1 or 2001:db8::1") from None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id:
            raise ValueError("expected an address without a zone such as 2001:db8::1")
        return address.ipv4_mapped or address
    return address


def _bounded(number: int, bits: int) -> int:
    if number >= 1 << bits:
        raise ValueError(f"expected a number up to {(1 << bits) - 1}")
    return number


def _read_asn(_: Dimension, text: str) -> Value:
    body = text[2:] if text[:2].lower() == "as" else text
    if re.fullmatch(r"\d{1,5}\.\d{1,5}", body):  # RFC 5396 asdot
        high, low = map(int, body.split("."))
        return _bounded(high, 16) << 16 | _bounded(low, 16)
    if range_ := _try_range(body.replace("AS", "").replace("as", ""), 32):
        return range_
    if not (body.isascii() and body.isdigit()) or len(body) > 12:
        raise ValueError("expected an AS number such as AS64501 or 64501")
    return _bounded(int(body), 32)


def _try_range(text: str, bits: int) -> Range | None:
    match = re.fullmatch(r"(\d{1,20})\s*-\s*(\d{1,20})", text)
    if not match:
        return None
    low, high = _bounded(int(match[1]), bits), _bounded(int(match[2]), bits)
    if low > high:
        raise ValueError(f"expected a range from low to high such as {high}-{low}")
    return Range(low, high)


def _read_port(_: Dimension, text: str) -> Value:
    if range_ := _try_range(text, 16):
        return range_
    if not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise ValueError("expected a port such as 443 or a range such as 8000-8999")
    return _bounded(int(text), 16)


def _read_protocol(_: Dimension, text: str) -> Value:
    if text.lower() in _PROTOCOL_NUMBERS:
        return _PROTOCOL_NUMBERS[text.lower()]
    if range_ := _try_range(text, 8):
        return range_
    if not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise ValueError("expected a protocol such as tcp, udp, icmp or a number")
    return _bounded(int(text), 8)


def _read_enum(dimension: Dimension, text: str) -> Value:
    for number, name in dimension.values.items():
        if text.lower().replace("-", "_") == name:
            return number
    if text.isascii() and text.isdigit() and len(text) < 6:
        return int(text)
    raise ValueError(f"expected one of {', '.join(dimension.values.values())}")


def _read_mac(_: Dimension, text: str) -> Value:
    digits = re.sub(r"[:.\-]", "", text)
    if not re.fullmatch(r"[0-9a-fA-F]{12}", digits):
        raise ValueError("expected a MAC address such as 00:00:5e:00:53:01")
    return int(digits, 16)


def _read_flags(text: str) -> int:
    bits = 0
    for part in text.lower().split("+"):
        if part in TCP_FLAGS:
            bits |= 1 << TCP_FLAGS.index(part)
        elif part.isascii() and part.isdigit() and len(part) < 6:
            bits |= _bounded(int(part), 16)
        elif part != "none":
            raise ValueError(f"expected TCP flags such as syn or syn+ack (of {', '.join(TCP_FLAGS)})")
    return bits


def _read_number(dimension: Dimension, text: str) -> Value:
    if dimension.real:
        return _read_real(text)
    if dimension.name == "tcp_flags" and not re.fullmatch(r"0x[0-9a-fA-F]+", text):
        return _read_flags(text)
    if re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}", text):
        return int(text, 16)
    if "-" in text and all(_NUMBER.fullmatch(part) for part in text.split("-", 1)):
        low, high = (_scaled(part) for part in text.split("-", 1))
        if low > high:
            raise ValueError("expected a range from low to high")
        return Range(low, high)
    return _scaled(text)


def _read_real(text: str) -> float:
    match = _REAL.fullmatch(text)
    number = float(match[1]) * _SCALES[(match[2] or "").lower()] if match else math.inf
    if not math.isfinite(number):
        raise ValueError("expected a number such as -3.5, 0.01 or 10M")
    return number


def _scaled(text: str) -> int:
    match = _NUMBER.fullmatch(text)
    if not match:
        raise ValueError("expected a number such as 1500, 10M or 1.5G")
    whole, fraction, unit = match[1], match[2] or "", (match[3] or "").lower()
    scaled, rest = divmod(int(whole + fraction) * _SCALES[unit], 10 ** len(fraction))
    if rest:
        raise ValueError("expected a whole number such as 1500 or 10M")
    return _bounded(scaled, 64)


def _read_interface(_: Dimension, text: str) -> Value:
    match = re.fullmatch(r"(?:\[([^\]]+)\]|([^:]*)):(.*)", text, re.DOTALL)
    exporter, name = ((match[1] or match[2] or ""), match[3]) if match else ("", text)
    if not name:
        raise ValueError("expected an interface such as router1:et-0/0/1, et-0/0/1 or an ifIndex")
    return Interface(exporter, name)


def _read_text(_: Dimension, text: str) -> Value:
    return text


def _read_timestamp(_: Dimension, __: str) -> Value:
    raise ValueError("expected no filter on time: use since and until")


_READERS = {
    Kind.TIMESTAMP: _read_timestamp, Kind.ADDRESS: _read_address, Kind.ASN: _read_asn, Kind.PORT: _read_port,
    Kind.PROTOCOL: _read_protocol, Kind.INTERFACE: _read_interface, Kind.NETWORK: _read_number,
    Kind.ROUTE: _read_number, Kind.APPLICATION: _read_text, Kind.ENUM: _read_enum, Kind.MAC: _read_mac,
    Kind.NUMBER: _read_number, Kind.TEXT: _read_text,
}  # fmt: skip
