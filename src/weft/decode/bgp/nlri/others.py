"""Families that are told in words: VPLS, multicast VPN, mobile user plane, segment routing policies, route targets."""

from __future__ import annotations

from typing import Any

from weft.decode.bgp.codes import Malformed
from weft.decode.bgp.communities import extended_text
from weft.decode.bgp.nlri.base import Nlri, Octets, address_of, padded, prefix_text
from weft.decode.bgp.words import ip_text, rd_text

_OTHER = 13
_MVPN = {1: "Intra-AS I-PMSI A-D route", 2: "Inter-AS I-PMSI A-D route", 3: "S-PMSI A-D route", 4: "Leaf A-D route",
         5: "Source Active A-D Route", 6: "C-Multicast Shared Tree Join route",
         7: "C-Multicast Source Tree Join route"}  # fmt: skip
_MUP = {1: "InterworkSegmentDiscoveryRoute", 2: "DirectSegmentDiscoveryRoute", 3: "Type1SessionTransformedRoute",
        4: "Type2SessionTransformedRoute"}  # fmt: skip
_SHOWN = 256  # octets of a route that nothing here knows


def read_opaque(afi: int, safi: int, octets: Octets) -> Nlri:
    """All NLRI of an unknown family as one route."""
    value = octets.rest()
    text = value[:_SHOWN].hex() + ("…" if len(value) > _SHOWN else "")
    return Nlri(_OTHER, words=f"afi {afi} safi {safi} 0x{text}", fields={"raw": text.upper()})


def read_target(afi: int, safi: int, octets: Octets) -> Nlri:  # noqa: ARG001 - readers are alike
    """Membership of a route target (RFC 4684)."""
    bits = octets.number(1)
    value = octets.take((bits + 7) // 8)
    if bits > 96:
        raise Malformed("nlri")
    if bits == 0:
        return Nlri(_OTHER, words="route-target default", fields={"nlri": "default"})
    origin = int.from_bytes(value[:4], "big")
    target = extended_text(value[4:12]) if len(value) == 12 else f"0x{value[4:].hex()}/{bits - 32}"
    return Nlri(_OTHER, words=f"route-target {origin} {target}", fields={"origin-as": origin, "target": target})


def read_vpls(afi: int, safi: int, octets: Octets) -> Nlri:  # noqa: ARG001
    """A block of labels of a VPLS edge (RFC 4761 §3.2.2)."""
    inner = Octets(octets.take(octets.number(2)))
    rd, endpoint, offset, size = rd_text(inner.take(8)) or "0:0", inner.number(2), inner.number(2), inner.number(2)
    base = inner.number(3)
    fields = {"rd": rd, "endpoint": endpoint, "base": base >> 4, "offset": offset, "size": size}
    return Nlri(_OTHER, words=f"vpls edge {endpoint} offset {offset}", rd=rd, labels=f"{base >> 4}+{size}",
                fields=fields)  # fmt: skip


def read_mvpn(afi: int, safi: int, octets: Octets) -> Nlri:  # noqa: ARG001
    """A multicast VPN route (RFC 6514 §4)."""
    kind, length = octets.number(1), octets.number(1)
    value = octets.take(length)
    raw = bytes([kind, length]) + value
    fields: dict[str, Any] = {"code": kind, "parsed": kind in (5, 6, 7), "raw": raw.hex().upper()}
    if kind not in (5, 6, 7):
        name = _MVPN.get(kind, f"type {kind}")
        return Nlri(_OTHER, words=f"mvpn {name} 0x{value[:_SHOWN].hex()}", fields=fields)
    inner = Octets(value)
    fields["name"], fields["rd"] = _MVPN[kind], rd_text(inner.take(8)) or "0:0"
    if kind != 5:
        fields["source-as"] = str(inner.number(4))
    fields["source"] = ip_text(_sized(inner))
    fields["group"] = ip_text(_sized(inner))
    words = f"mvpn {fields['name']} source {fields['source']} group {fields['group']}"
    return Nlri(_OTHER, words=words, rd=fields["rd"], fields=fields)


def _sized(inner: Octets) -> bytes:
    bits = inner.number(1)
    if bits not in (32, 128):
        raise Malformed("nlri")
    return inner.take(bits // 8)


def read_policy(afi: int, safi: int, octets: Octets) -> Nlri:  # noqa: ARG001
    """A candidate path of a segment routing policy (RFC 9830 §2.1)."""
    bits = octets.number(1)
    if bits != (96 if afi == 1 else 192):
        raise Malformed("nlri")
    distinguisher, color = octets.number(4), octets.number(4)
    endpoint = octets.take(bits // 8 - 8)
    fields = {"distinguisher": distinguisher, "color": color, "endpoint": ip_text(endpoint)}
    words = f"sr-policy {distinguisher} color {color}"
    return Nlri(_OTHER, address_of(endpoint), 8 * len(endpoint), words=words, fields=fields)


def read_mup(afi: int, safi: int, octets: Octets) -> Nlri:  # noqa: ARG001
    """A route of the mobile user plane (draft-ietf-bess-mup-safi)."""
    architecture, kind, length = octets.number(1), octets.number(2), octets.number(1)
    value = octets.take(length)
    raw = bytes([architecture]) + kind.to_bytes(2, "big") + bytes([length]) + value
    fields: dict[str, Any] = {"arch": architecture, "code": kind, "raw": raw.hex().upper()}
    if kind not in _MUP or architecture != 1:
        return Nlri(_OTHER, words=f"mup {architecture}/{kind} 0x{value[:_SHOWN].hex()}", fields=fields)
    inner = Octets(value)
    fields["name"], rd = _MUP[kind], rd_text(inner.take(8)) or "0:0"
    fields["rd"] = rd
    words = (_segment, _direct, _session_one, _session_two)[kind - 1](afi, inner, fields)
    return Nlri(_OTHER, words=f"mup {words}", rd=rd, fields=fields)


def _prefix(afi: int, inner: Octets) -> tuple[bytes, int]:
    bits = inner.number(1)
    return padded(inner.take((bits + 7) // 8), bits, afi == 2), bits


def _segment(afi: int, inner: Octets, fields: dict[str, Any]) -> str:
    address, bits = _prefix(afi, inner)
    fields.update({"prefix_ip_len": bits, "prefix_ip": ip_text(address)})
    return f"segment {prefix_text(address, bits)}"


def _direct(afi: int, inner: Octets, fields: dict[str, Any]) -> str:
    fields["ip"] = ip_text(inner.take(4 if afi == 1 else 16))
    return f"direct {fields['ip']}"


def _session_one(afi: int, inner: Octets, fields: dict[str, Any]) -> str:
    address, bits = _prefix(afi, inner)
    fields.update({"prefix_ip_len": bits, "prefix_ip": ip_text(address)})
    fields.update({"teid": str(inner.number(4)), "qfi": str(inner.number(1))})
    for name in ("endpoint", "source"):
        size = inner.number(1) if len(inner) else 0
        one = inner.take(size // 8)
        if size not in (0, 32, 128):
            raise Malformed("nlri")
        fields.update({f"{name}_ip_len": size, f"{name}_ip": ip_text(one) if one else ""})
    return f"session-1 {prefix_text(address, bits)}"


def _session_two(afi: int, inner: Octets, fields: dict[str, Any]) -> str:
    bits, size = inner.number(1), 4 if afi == 1 else 16
    if not 8 * size <= bits <= 8 * size + 32:
        raise Malformed("nlri")
    endpoint, rest = inner.take(size), bits - 8 * size
    teid = int.from_bytes(inner.take((rest + 7) // 8), "big")
    fields.update({"endpoint_len": bits, "endpoint_ip": ip_text(endpoint), "teid": str(teid)})
    return f"session-2 {ip_text(endpoint)} teid {teid}/{rest}"
