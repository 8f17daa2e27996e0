"""Ethernet VPN routes (RFC 7432, 9136, 9251)."""

from __future__ import annotations

from typing import Any

from weft.decode.bgp.codes import Malformed
from weft.decode.bgp.nlri.base import Nlri, Octets, address_of, padded, prefix_text
from weft.decode.bgp.words import esi_text, ip_text, rd_text

_FAMILY = 11
_NAMES = {1: "Ethernet Auto-Discovery", 2: "MAC/IP advertisement", 3: "Inclusive Multicast", 4: "Ethernet Segment",
          5: "IP Prefix"}  # fmt: skip
_WORDS = {1: "auto-discovery", 2: "mac-ip", 3: "multicast", 4: "segment", 5: "ip-prefix"}


def read_evpn(afi: int, safi: int, octets: Octets) -> Nlri:  # noqa: ARG001 - readers are alike
    """One EVPN route; of a type that nothing here knows, its octets."""
    kind, length = octets.number(1), octets.number(1)
    value = octets.take(length)
    fields: dict[str, Any] = {"code": kind, "parsed": kind in _NAMES, "raw": bytes([kind, length]).hex().upper()}
    fields["raw"] += value.hex().upper()
    if kind not in _NAMES or length < 8:
        return Nlri(_FAMILY, words=f"type-{kind} 0x{value.hex()}", fields=fields)
    fields["name"] = _NAMES[kind]
    inner = Octets(value)
    rd = fields["rd"] = rd_text(inner.take(8)) or "0:0"
    read = (_discovery, _mac_ip, _multicast, _segment, _ip_prefix)[kind - 1]
    words, labels, address, bits = read(inner, fields)
    return Nlri(_FAMILY, address_of(address) if address else bytes(16), bits, 0, f"{_WORDS[kind]} {words}", rd, labels,
                fields)  # fmt: skip


_Read = tuple[str, str, bytes, int]


def _discovery(inner: Octets, fields: dict[str, Any]) -> _Read:
    esi, tag = inner.take(10), inner.number(4)
    fields.update({"esi": esi_text(esi) or "-", "ethernet-tag": tag})
    labels = _labels(inner, fields)
    return f"esi {esi.hex(':')} tag {tag}", labels, b"", 0


def _mac_ip(inner: Octets, fields: dict[str, Any]) -> _Read:
    esi, tag = esi_text(inner.take(10)), inner.number(4)
    if inner.number(1) != 48:
        raise Malformed("nlri")
    mac = inner.take(6)
    fields.update({"esi": esi or "-", "ethernet-tag": tag, "mac": mac.hex(":").upper()})
    address = _address(inner)
    labels = _labels(inner, fields)
    if address:
        fields["ip"] = ip_text(address)
    words = f"tag {tag} mac {mac.hex(':')}" + (f" ip {ip_text(address)}" if address else "")
    return words, f"{labels} esi {esi}".strip() if esi else labels, address, 8 * len(address)


def _multicast(inner: Octets, fields: dict[str, Any]) -> _Read:
    tag, address = inner.number(4), _address(inner)
    fields.update({"ethernet-tag": tag, "ip": ip_text(address) if address else None})
    return f"tag {tag} ip {ip_text(address) if address else '-'}", "", address, 8 * len(address)


def _segment(inner: Octets, fields: dict[str, Any]) -> _Read:
    esi, address = inner.take(10), _address(inner)
    fields.update({"esi": esi_text(esi) or "-", "ip": ip_text(address) if address else None})
    return f"esi {esi.hex(':')} ip {ip_text(address) if address else '-'}", "", address, 8 * len(address)


def _ip_prefix(inner: Octets, fields: dict[str, Any]) -> _Read:
    esi, tag, bits = esi_text(inner.take(10)), inner.number(4), inner.number(1)
    size = 4 if len(inner) == 11 else 16
    address, gateway = padded(inner.take(size), bits, size == 16), inner.take(size)
    fields.update({"esi": esi or "-", "ethernet-tag": tag, "ip": prefix_text(address, bits)})
    if any(gateway):
        fields["gateway"] = ip_text(gateway)
    labels = _labels(inner, fields)
    further = [labels, f"esi {esi}" if esi else "", f"gateway {ip_text(gateway)}" if any(gateway) else ""]
    return f"tag {tag} {prefix_text(address, bits)}", " ".join(filter(None, further)), address, bits


def _address(inner: Octets) -> bytes:
    bits = inner.number(1)
    if bits not in (0, 32, 128):
        raise Malformed("nlri")
    return inner.take(bits // 8)


def _labels(inner: Octets, fields: dict[str, Any]) -> str:
    """One or two labels; for VXLAN all 24 bits are the VNI (RFC 8365 §5.1.3), for MPLS the upper twenty."""
    words = [inner.number(3) for _ in range(len(inner) // 3)]
    fields["label"] = [[word >> 4, word] if word & 0xF else [word >> 4] for word in words]
    return "/".join(str(word >> 4) if word & 1 else f"{word >> 4}(vni {word})" for word in words if word)
