"""BGP messages as objects for people and scripts, in the shape that exabgp made common.

An UPDATE is ``{"attribute": {...}, "announce": {family: {next hop: [nlri]}}, "withdraw": {family: [nlri]}}``.
Attributes whose content is a language of its own (BGP-LS, prefix SID, tunnel encapsulation) are told in octets.
"""

from __future__ import annotations

import struct
from typing import Any

from weft.decode.bgp.attributes import canonical, each, next_hop, path_segments, split
from weft.decode.bgp.codes import (
    AGGREGATOR,
    AIGP,
    AS4_AGGREGATOR,
    AS4_PATH,
    AS_PATH,
    ATOMIC,
    CLUSTER_LIST,
    COMMUNITIES,
    EXTENDED,
    HEADER,
    IPV6_EXTENDED,
    KEEPALIVE,
    LARGE,
    LOCAL_PREF,
    MED,
    MP_REACH,
    MP_UNREACH,
    NEXT_HOP,
    NOTIFICATION,
    OPEN,
    ORIGIN,
    ORIGINATOR,
    OTC,
    ROUTE_REFRESH,
    UPDATE,
    Malformed,
)  # fmt: skip
from weft.decode.bgp.communities import extended_text, ipv6_extended
from weft.decode.bgp.further import OPAQUE, aggregator, aigp
from weft.decode.bgp.nlri import read_nlri
from weft.decode.bgp.open import Open, decode_open, notification_text
from weft.decode.bgp.words import ip_text
from weft.errors import InvalidInput
from weft.model.addresses import NO_ADDRESS, address_text

AddPath = frozenset[tuple[int, int]]
_AFIS = {1: "ipv4", 2: "ipv6", 25: "l2vpn", 16388: "bgp-ls"}
_SAFIS = {1: "unicast", 2: "multicast", 4: "nlri-mpls", 5: "mcast-vpn", 65: "vpls", 70: "evpn", 71: "bgp-ls",
          72: "bgp-ls-vpn", 73: "sr-policy", 85: "mup", 128: "mpls-vpn", 129: "multicast-vpn", 132: "rtc", 133: "flow",
          134: "flow-vpn"}  # fmt: skip
_ORIGINS = {0: "igp", 1: "egp", 2: "incomplete"}
_SEGMENTS = {1: "as-set", 2: "as-sequence", 3: "confed-sequence", 4: "confed-set"}
_CAPABILITIES = {1: "multiprotocol", 2: "route-refresh", 5: "extended-nexthop", 6: "extended-message", 9: "role",
                 64: "graceful-restart", 65: "asn4", 69: "add-path", 70: "enhanced-route-refresh",
                 71: "long-lived-graceful-restart", 73: "hostname", 75: "software-version",
                 128: "route-refresh-old"}  # fmt: skip
_MODES = {1: "receive", 2: "send", 3: "send/receive"}


def family_text(afi: int, safi: int) -> str:
    """``ipv4 unicast``."""
    return f"{_AFIS.get(afi, f'afi-{afi}')} {_SAFIS.get(safi, f'safi-{safi}')}"


def message_json(message: bytes, *, as4: bool = True, add_path: AddPath = frozenset()) -> dict[str, Any]:
    """A whole BGP message, header and all. What cannot be read is an ``error`` with its reason."""
    if len(message) < HEADER:
        return {"type": "unknown", "error": "message_length", "raw": message.hex()}
    kind, body = message[18], message[HEADER:]
    try:
        if kind == OPEN:
            return {"type": "open", "open": open_json(decode_open(message))}
        if kind == UPDATE:
            return {"type": "update", "update": update_json(body, as4=as4, add_path=add_path)}
        if kind == NOTIFICATION:
            code, subcode = (body[0], body[1]) if len(body) > 1 else (0, 0)
            text = notification_text(body)
            return {"type": "notification", "notification": {"code": code, "subcode": subcode, "text": text}}
        if kind == KEEPALIVE:
            return {"type": "keepalive"}
        if kind == ROUTE_REFRESH and len(body) >= 4:
            family = family_text(body[0] << 8 | body[1], body[3])
            return {"type": "route-refresh", "route-refresh": {"family": family, "subtype": body[2]}}
    except InvalidInput as error:
        return {"type": {OPEN: "open", UPDATE: "update"}.get(kind, "unknown"), "error": error.what, "raw": body.hex()}
    return {"type": "unknown", "code": kind, "raw": body.hex()}


def open_json(found: Open) -> dict[str, Any]:
    """An OPEN message with its capabilities by number."""
    capabilities: dict[str, Any] = {}
    for code, value in found.capabilities:
        entry = capabilities.setdefault(str(code), {"name": _CAPABILITIES.get(code, "unknown")})
        _capability(code, value, entry)
    return {
        "version": found.version, "asn": found.asn, "hold_time": found.hold_time,
        "router_id": ip_text(found.bgp_id.to_bytes(4, "big")), "capabilities": capabilities,
    }  # fmt: skip


def _capability(code: int, value: bytes, entry: dict[str, Any]) -> None:
    if code == 1 and len(value) == 4:
        family = family_text(value[0] << 8 | value[1], value[3]).replace(" ", "/")
        entry.setdefault("families", []).append(family)
    elif code == 65 and len(value) == 4:
        entry["asn4"] = int.from_bytes(value, "big")
    elif code == 69 and len(value) % 4 == 0:
        for at in range(0, len(value), 4):
            family = family_text(value[at] << 8 | value[at + 1], value[at + 2]).replace(" ", "/")
            entry[family] = _MODES.get(value[at + 3], str(value[at + 3]))
    elif code == 75 and value and value[0] == len(value) - 1:
        entry["software"] = value[1:].decode("utf-8", "replace")
    elif code == 9 and len(value) == 1:
        entry["role"] = value[0]
    elif value:
        entry["raw"] = value.hex()


def update_json(body: bytes, *, as4: bool = True, add_path: AddPath = frozenset()) -> dict[str, Any]:
    """An UPDATE without its header. Raises ``Malformed``."""
    if len(body) < 4:
        raise Malformed("update_length")
    gone_end = 2 + int.from_bytes(body[:2], "big")
    last = gone_end + 2 + int.from_bytes(body[gone_end : gone_end + 2], "big")
    if gone_end + 2 > len(body) or last > len(body):
        raise Malformed("update_length")
    block = body[gone_end + 2 : last]
    raw = {code: value for _, code, value in reversed(each(block))}
    withdraw: dict[str, list[Any]] = {}
    announce: dict[str, dict[str, list[Any]]] = {}
    _list(withdraw, (1, 1), body[2:gone_end], add_path)
    if (unreach := raw.get(MP_UNREACH)) is not None:
        if len(unreach) < 3:
            raise Malformed("nlri")
        _list(withdraw, (unreach[0] << 8 | unreach[1], unreach[2]), unreach[3:], add_path)
    if body[last:]:
        hop = ip_text(raw[NEXT_HOP]) if len(raw.get(NEXT_HOP, b"")) == 4 else "no-nexthop"
        announce[family_text(1, 1)] = {hop: _nlri((1, 1), body[last:], add_path)}
    if (reach := raw.get(MP_REACH)) is not None:
        if len(reach) < 5 or 5 + reach[3] > len(reach):
            raise Malformed("nlri")
        pair = reach[0] << 8 | reach[1], reach[2]
        hop = address_text(next_hop(reach[4 : 4 + reach[3]]) or NO_ADDRESS, "no-nexthop")
        announce.setdefault(family_text(*pair), {})[hop] = _nlri(pair, reach[5 + reach[3] :], add_path)
    if not block and not body[last:] and gone_end == 2:
        return {"eor": {"afi": "ipv4", "safi": "unicast"}}
    if unreach is not None and len(unreach) == 3 and not announce and not withdraw:
        afi, safi = family_text(unreach[0] << 8 | unreach[1], unreach[2]).split(" ")
        return {"eor": {"afi": afi, "safi": safi}}
    found: dict[str, Any] = {"attribute": attributes_json(block, as4), "announce": announce, "withdraw": withdraw}
    return {name: value for name, value in found.items() if value}


def _list(into: dict[str, list[Any]], pair: tuple[int, int], octets: bytes, add_path: AddPath) -> None:
    if octets:
        into[family_text(*pair)] = _nlri(pair, octets, add_path)


def _nlri(pair: tuple[int, int], octets: bytes, add_path: AddPath) -> list[dict[str, Any]]:
    found = []
    for one in read_nlri(pair, octets, pair in add_path):
        fields = dict(one.fields)
        if pair in add_path:
            fields["path-information"] = ip_text(one.path_id.to_bytes(4, "big"))
        found.append(fields)
    return found


def attributes_json(block: bytes, as4: bool) -> dict[str, Any]:
    """The path attributes of an UPDATE by name; NLRI and next hop are told with the routes. Raises ``Malformed``."""
    values = split(canonical(block))
    flags = {code: flag for flag, code, _ in reversed(each(block))}
    found: dict[str, Any] = {}
    for code, value in values.items():
        if code in (NEXT_HOP, MP_REACH, AS4_PATH, AS4_AGGREGATOR):
            continue
        try:
            known = _attribute(code, value, values, as4)
        except (ValueError, IndexError, struct.error):
            raise Malformed("attribute_length") from None
        if known is None:
            found[f"attribute-0x{code:02X}-0x{flags[code]:02X}"] = f"0x{value.hex()}"
        elif known[1] is not None:
            found[known[0]] = known[1]
    return found


def _attribute(code: int, value: bytes, values: dict[int, bytes], as4: bool) -> tuple[str, Any] | None:
    if code == AS_PATH:
        path = path_segments(value, values.get(AS4_PATH), as4, values.get(AGGREGATOR))
        listed = {
            str(at): {"element": _SEGMENTS[kind], "value": list(numbers)} for at, (kind, numbers) in enumerate(path)
        }
        return "as-path", listed or None
    if code in _NUMBERS:
        return _NUMBERS[code], int.from_bytes(value, "big")
    if code in _WORDS:
        name, size = _WORDS[code]
        words = struct.unpack(f">{len(value) // 4}I", value)
        if size == 3:
            return name, [list(words[at : at + 3]) for at in range(0, len(words), 3)]
        return name, [[word >> 16, word & 0xFFFF] for word in words]
    if code == EXTENDED:
        each_one = [value[at : at + 8] for at in range(0, len(value), 8)]
        return "extended-community", [
            {"value": int.from_bytes(one, "big"), "string": extended_text(one)} for one in each_one
        ]
    if code == IPV6_EXTENDED:
        parts = [value[at : at + 20] for at in range(0, len(value), 20)]
        listed_v6 = [{"value": int.from_bytes(one, "big"), "string": ipv6_extended(one)[0]} for one in parts]
        return "extended-community-ipv6", listed_v6
    return _rarer(code, value, values)


_NUMBERS = {MED: "med", LOCAL_PREF: "local-preference", OTC: "only-to-customer"}
_WORDS = {COMMUNITIES: ("community", 1), LARGE: ("large-community", 3)}


def _rarer(code: int, value: bytes, values: dict[int, bytes]) -> tuple[str, Any] | None:
    if code == ORIGIN:
        return "origin", _ORIGINS.get(value[0], str(value[0]))
    if code == ATOMIC:
        return "atomic-aggregate", True
    if code == AGGREGATOR:
        known = aggregator(value, values.get(AS4_AGGREGATOR))
        return "aggregator", f"{known[0]}:{known[1]}" if known else None
    if code == ORIGINATOR:
        return "originator-id", ip_text(value)
    if code == CLUSTER_LIST:
        return "cluster-list", [ip_text(value[at : at + 4]) for at in range(0, len(value), 4)]
    if code == AIGP:
        return "aigp", aigp(value)
    if code in OPAQUE:
        return OPAQUE[code].replace("_", "-"), f"0x{value.hex()}"
    return None
