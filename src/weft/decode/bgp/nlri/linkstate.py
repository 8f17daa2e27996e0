"""Nodes, links and prefixes of an interior routing protocol as routes (BGP-LS, RFC 9552)."""

from __future__ import annotations

from typing import Any

from weft.decode.bgp.codes import Malformed
from weft.decode.bgp.nlri.base import Nlri, Octets, address_of, padded, prefix_text
from weft.decode.bgp.words import ip_text, rd_text

_FAMILY = 12
_NAMES = {1: "bgpls-node", 2: "bgpls-link", 3: "bgpls-prefix-v4", 4: "bgpls-prefix-v6", 6: "bgpls-srv6sid"}
_PROTOCOLS = {1: "isis-l1", 2: "isis-l2", 3: "ospf", 4: "direct", 5: "static", 6: "ospf3", 7: "bgp"}
_OSPF = (3, 6)


def read_link_state(afi: int, safi: int, octets: Octets) -> Nlri:  # noqa: ARG001 - readers are alike
    """One object; of a type that nothing here knows, its octets. SAFI 72 has a route distinguisher in front."""
    kind = octets.number(2)
    inner = Octets(octets.take(octets.number(2)))
    rd = rd_text(inner.take(8)) or "0:0" if safi == 72 else ""
    if kind not in _NAMES:
        value = inner.rest()
        return Nlri(_FAMILY, words=f"type-{kind} 0x{value[:256].hex()}", rd=rd,
                    fields={"code": kind, "raw": value.hex().upper()})  # fmt: skip
    protocol, topology = inner.number(1), inner.number(8)
    fields: dict[str, Any] = {"ls-nlri-type": _NAMES[kind], "l3-routing-topology": topology, "protocol-id": protocol}
    if rd:
        fields["rd"] = rd
    prefix, bits, words = b"", 0, [f"{_NAMES[kind][6:]} {_PROTOCOLS.get(protocol, protocol)} {topology}"]
    if kind == 2:
        fields.update({"local-node-descriptors": [], "remote-node-descriptors": [], "interface-addresses": []})
        fields.update({"neighbor-addresses": [], "multi-topology-ids": [], "link-identifiers": []})
    for code, value in inner.tlvs():
        if code in (256, 257):
            side = "local-" if code == 256 else "remote-"
            name = f"{side if kind == 2 else ''}node-descriptors"
            fields[name] = _node(value, protocol)
            words.append(" ".join(str(item) for one in fields[name] for item in one.values()))
        elif code == 265 and kind in (3, 4) and value:
            bits = value[0]
            whole = padded(value[1:], bits, kind == 4)
            prefix = address_of(whole)
            fields["ip-reachability-tlv"] = fields["ip-reach-prefix"] = prefix_text(whole, bits)
        else:
            words.append(_descriptor(code, value, fields))
    return Nlri(_FAMILY, prefix or bytes(16), bits, 0, " ".join(filter(None, words)), rd, fields=fields)


def _descriptor(code: int, value: bytes, fields: dict[str, Any]) -> str:
    if code == 258 and len(value) == 8:
        local, remote = int.from_bytes(value[:4], "big"), int.from_bytes(value[4:], "big")
        fields.setdefault("link-identifiers", []).append({"link-local-id": local, "link-remote-id": remote})
        return f"ids {local} {remote}"
    if code in (259, 261) and len(value) in (4, 16):
        fields.setdefault("interface-addresses", []).append(ip_text(value))
        return f"from {ip_text(value)}"
    if code in (260, 262) and len(value) in (4, 16):
        fields.setdefault("neighbor-addresses", []).append(ip_text(value))
        return f"to {ip_text(value)}"
    if code == 263 and len(value) % 2 == 0:
        numbers = [int.from_bytes(value[at : at + 2], "big") & 0xFFF for at in range(0, len(value), 2)]
        fields.setdefault("multi-topology-ids", []).extend(numbers)
        return "topology " + ",".join(map(str, numbers))
    if code == 518 and len(value) == 16:
        fields["srv6-sid"] = ip_text(value)
        return f"sid {ip_text(value)}"
    fields[f"descriptor-{code}"] = value.hex()
    return f"{code}=0x{value[:32].hex()}"


def _node(value: bytes, protocol: int) -> list[dict[str, Any]]:
    """Sub-TLVs that name a node."""
    found: list[dict[str, Any]] = []
    for code, one in Octets(value).tlvs():
        if code == 512 and len(one) == 4:
            found.append({"autonomous-system": int.from_bytes(one, "big")})
        elif code == 513 and len(one) == 4:
            found.append({"bgp-ls-identifier": str(int.from_bytes(one, "big"))})
        elif code == 514 and len(one) == 4:
            found.append({"ospf-area-id": ip_text(one)})
        elif code == 515:
            found.append(_router(one, protocol))
        else:
            found.append({f"descriptor-{code}": one.hex()})
    return found


def _router(value: bytes, protocol: int) -> dict[str, Any]:
    """IGP router id: four octets of OSPF, six of IS-IS, with those of the pseudonode behind them."""
    if len(value) == 4:
        return {"router-id": ip_text(value)}
    if len(value) == 8 and protocol in _OSPF:
        return {"router-id": ip_text(value[:4]), "designated-router-id": ip_text(value[4:])}
    if len(value) == 6:
        return {"router-id": value.hex()}
    if len(value) == 7:
        return {"router-id": value[:6].hex(), "psn": str(value[6])}
    if not value:
        raise Malformed("nlri")
    return {"router-id": value.hex()}
