"""Reads the golden files beside public NetFlow and IPFIX datagrams into the columns of Weft."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from public import Reading, Record, iso_ns, read

_SIDES = {0: "ingress", 1: "egress"}
_PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1}
_END_REASONS = {"idle timeout": 1, "active timeout": 2, "end of flow": 3, "forced end": 4}
_FLAGS = "CEUAPRSF"


def _same(value: Any) -> Any:
    return value


def _names(*names: str, convert: Callable[[Any], Any] = _same, if_zero: bool = True) -> Reading:
    return Reading(names, convert, if_zero)


def _ms(text: str) -> int | None:
    """``2015-05-02T18:38:08.476#{micros}Z``; what the placeholder stands for is not known."""
    return iso_ns(re.sub(r"#\{\w+\}", "", text))


def _forwarding(value: Any) -> Any:
    return value["status"] << 6 | value["reason"] if isinstance(value, dict) else value


#: Column → names of the logstash codec for NetFlow and for IPFIX. Seconds and milliseconds are compared as they are.
LOGSTASH: dict[str, Reading] = {
    "src_addr": _names("ipv4_src_addr", "sourceIPv4Address", "ipv6_src_addr", "sourceIPv6Address"),
    "dst_addr": _names("ipv4_dst_addr", "destinationIPv4Address", "ipv6_dst_addr", "destinationIPv6Address"),
    "next_hop": _names("ipv4_next_hop", "ipNextHopIPv4Address", "bgp_ipv4_next_hop", "ipNextHopIPv6Address"),
    "src_port": _names("l4_src_port", "sourceTransportPort", "tcp_src_port"),
    "dst_port": _names("l4_dst_port", "destinationTransportPort", "udp_dst_port"),
    "protocol": _names("protocol", "protocolIdentifier"),
    "bytes": _names(
        "in_bytes", "octetDeltaCount", "in_permanent_bytes", "octetTotalCount", "fwd_flow_delta_bytes", if_zero=False
    ),
    "packets": _names("in_pkts", "packetDeltaCount", "packetTotalCount", if_zero=False),
    "in_if": _names("input_snmp", "ingressInterface", "ingressPhysicalInterface"),
    "out_if": _names("output_snmp", "egressInterface", "egressPhysicalInterface"),
    "tcp_flags": _names("tcp_flags", "tcpControlBits"),
    "src_as": _names("src_as", "bgpSourceAsNumber"),
    "dst_as": _names("dst_as", "bgpDestinationAsNumber"),
    "direction": _names("direction", "flowDirection", convert=_SIDES.get),
    "tos": _names("src_tos", "ipClassOfService"),
    "src_mask": _names("src_mask"),
    "dst_mask": _names("dst_mask"),
    "src_vlan": _names("src_vlan", "vlanId"),
    "dst_vlan": _names("dst_vlan"),
    "src_mac": _names("in_src_mac", "sourceMacAddress", "out_src_mac"),
    "dst_mac": _names("in_dst_mac", "out_dst_mac"),
    "mpls_label": _names("mpls_label_stack_octets", convert=lambda entry: entry["label"]),
    "in_vrf": _names("ingressVRFID"),
    "out_vrf": _names("egressVRFID"),
    "forwarding_status": _names("forwarding_status", convert=_forwarding),
    "flow_end_reason": _names("flow_end_reason", "flowEndReason"),
    "tunnel_id": _names("layer2SegmentId", convert=lambda value: value & 0xFFFFFF),
    "icmp_type_code": _names("icmpTypeCodeIPv4"),
    "time_start": _names(
        "first_switched", "flow_start_msec", "flowStartMilliseconds", "flowStartSeconds", "flowStartMicroseconds",
        convert=lambda value: _time(value),
    ),
    "time_end": _names(
        "last_switched", "flowEndMilliseconds", "flowEndSeconds", "flowEndMicroseconds", "event_time_msec",
        convert=lambda value: _time(value),
    ),
}  # fmt: skip


def _time(value: int | str) -> int | None:
    if isinstance(value, str):
        return _ms(value)
    return value * (10**6 if value > 10**11 else 10**9)


class Case(NamedTuple):
    """Files to be read in order, and the flow records that are among what they hold."""

    name: str
    files: tuple[Path, ...]
    golden: list[Record]


def logstash(folder: Path) -> list[Case]:
    """The cases of the logstash codec's golden file; without the events that are options data."""
    cases = []
    for case in json.loads((folder / "golden-from-netflow_spec.json").read_text()):
        events = [event["netflow"] for event in case["golden_events"] if "netflow" in event]
        golden = [record for fields in events for record in _both(fields, _known(fields, LOGSTASH))]
        cases.append(Case(case["context"].strip(), tuple(folder / name for name in case["inputs"]), golden))
    return cases


def _known(fields: Record, readings: dict[str, Reading]) -> Record:
    """The columns that some of the fields carry; nothing for options data, which have no address."""
    if not fields.keys() & {*readings["src_addr"].names}:
        return {}
    return {column: read(fields, reading) for column, reading in readings.items() if fields.keys() & {*reading.names}}


def _both(fields: Record, record: Record) -> Iterator[Record]:
    """A record, and the one of the other direction if it has counters of it."""
    if not record:
        return
    yield record
    octets = fields.get("reverseOctetTotalCount", fields.get("rev_flow_delta_bytes", fields.get("type_29305_85")))
    if octets:
        packets = fields.get("reversePacketTotalCount", fields.get("type_29305_86"))
        back = {
            "src_addr": record["dst_addr"],
            "dst_addr": record["src_addr"],
            "src_port": record["dst_port"],
            "dst_port": record["src_port"],
            "protocol": record["protocol"],
            "bytes": octets,
            "time_end": record["time_end"],
        }
        yield back | ({"packets": packets} if packets is not None else {})


# -- Telegraf ----------------------------------------------------------------------------------------------------------

#: Column → names of Telegraf's netflow input.
TELEGRAF: dict[str, Reading] = {
    "src_addr": _names("src"),
    "dst_addr": _names("dst"),
    "next_hop": _names("next_hop"),
    "src_port": _names("src_port"),
    "dst_port": _names("dst_port"),
    "protocol": _names("protocol", convert=_PROTOCOLS.get),
    "bytes": _names("in_bytes", "in_total_bytes"),
    "packets": _names("in_packets", "in_total_packets"),
    "in_if": _names("in_snmp"),
    "out_if": _names("out_snmp"),
    "tcp_flags": _names(
        "tcp_flags", convert=lambda text: sum(1 << 7 - i for i, c in enumerate(text) if c == _FLAGS[i])
    ),
    "src_as": _names("bgp_src_as"),
    "dst_as": _names("bgp_dst_as"),
    "direction": _names("direction"),
    "tos": _names("src_tos", convert=lambda text: int(text, 16)),
    "src_mask": _names("src_mask"),
    "dst_mask": _names("dst_mask"),
    "src_vlan": _names("vlan_src"),
    "src_mac": _names("in_src_mac"),
    "dst_mac": _names("out_dst_mac"),
    "flow_end_reason": _names("flow_end_reason", convert=_END_REASONS.get),
    "time_start": _names("flow_start_ms", convert=_time),
    "time_end": _names("flow_end_ms", convert=_time),
}

_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|(\d+)u)')


def telegraf(folder: Path) -> list[Case]:
    """Telegraf's NetFlow and IPFIX cases; without the lines that are options data."""
    cases = []
    for expected in sorted(folder.glob("*/expected.out")):
        files = tuple(sorted(expected.parent.glob("*.bin")))
        if "sflow" in expected.parent.name or not files:
            continue
        golden: list[Record] = []
        for line in expected.read_text().splitlines():
            if line.startswith("netflow,"):
                fields = {name: int(number) if number else text for name, text, number in _FIELD.findall(line)}
                for name in ("type_29305_85", "type_29305_86"):
                    if name in fields:
                        fields[name] = int(fields[name], 16)
                golden += _both(fields, _known(fields, TELEGRAF))
        cases.append(Case(expected.parent.name, files, golden))
    return cases


# -- NetGauze ----------------------------------------------------------------------------------------------------------

_NETGAUZE_PROTOCOLS = {"ICMP": 1, "IPv4": 4, "TCP": 6, "UDP": 17, "IPv6": 41, "IPv6ICMP": 58, "VRRP": 112}
_NETGAUZE_REASONS = {"idletimeout": 1, "activetimeout": 2, "endofflow": 3, "forcedend": 4, "lackofresources": 5}
_NETGAUZE_FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")

#: Column → names of NetGauze, those of IANA.
NETGAUZE: dict[str, Reading] = {
    "src_addr": _names("sourceIPv4Address", "sourceIPv6Address"),
    "dst_addr": _names("destinationIPv4Address", "destinationIPv6Address"),
    "src_port": _names("sourceTransportPort"),
    "dst_port": _names("destinationTransportPort"),
    "protocol": _names("protocolIdentifier", convert=_NETGAUZE_PROTOCOLS.get),
    "bytes": _names("octetDeltaCount"),
    "packets": _names("packetDeltaCount"),
    "in_if": _names("ingressInterface"),
    "out_if": _names("egressInterface"),
    "tcp_flags": _names(
        "tcpControlBits", convert=lambda set_: sum(set_[f] << i for i, f in enumerate(_NETGAUZE_FLAGS))
    ),
    "src_as": _names("bgpSourceAsNumber"),
    "dst_as": _names("bgpDestinationAsNumber"),
    "direction": _names("flowDirection", convert=lambda side: side if isinstance(side, str) else None),
    "tos": _names("ipClassOfService"),
    "src_mask": _names("sourceIPv4PrefixLength", "sourceIPv6PrefixLength"),
    "dst_mask": _names("destinationIPv4PrefixLength", "destinationIPv6PrefixLength"),
    "src_vlan": _names("vlanId", "dot1qVlanId"),
    "dst_vlan": _names("postVlanId"),
    "inner_vlan": _names("dot1qCustomerVlanId"),
    "src_mac": _names("sourceMacAddress", convert=lambda octets: bytes(octets).hex(":")),
    "dst_mac": _names("destinationMacAddress", convert=lambda octets: bytes(octets).hex(":")),
    "ttl": _names("minimumTTL"),
    "ipv6_flow_label": _names("flowLabelIPv6"),
    "mpls_label": _names("mplsTopLabelStackSection", convert=lambda octets: int.from_bytes(bytes(octets)) >> 4),
    "in_vrf": _names("ingressVRFID"),
    "out_vrf": _names("egressVRFID"),
    "flow_end_reason": _names("flowEndReason", convert=_NETGAUZE_REASONS.get),
    "time_start": _names("flowStartMilliseconds", convert=iso_ns),
    "time_end": _names("flowEndMilliseconds", convert=iso_ns),
}


def netgauze(path: Path) -> list[Record]:
    """The flow records of NetGauze's JSON of a capture, one message per line."""
    found: list[Record] = []
    for line in path.read_text().splitlines():
        for message in json.loads(line).values():
            for records in (one["Data"]["records"] for one in message["sets"] if "Data" in one):
                for record in records:
                    if not record["scope_fields"]:
                        fields: Record = {}
                        for name, value in (item for one in record["fields"] for item in one.items()):
                            fields.setdefault(name, value)
                        found.append(_known(fields, NETGAUZE))
    return found
