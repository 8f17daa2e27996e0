"""The ``cloud_flows`` table: one row per record of a cloud provider's flow log, accepted and rejected alike.

Apart from ``flows``: what matters of a cloud's traffic (account, VPC, subnet, interface id, gateway, verdict) is named
by words that no router exports, and both ends may log one connection. ``counted`` says which of the two adds up.
"""

from __future__ import annotations

import pyarrow as pa

from weft.model.flows import ADDRESS, TIME_NS
from weft.model.metrics import WORD
from weft.model.tables import Column, Kind, Role, Table

PROVIDERS = {1: "aws", 2: "azure", 3: "gcp", 4: "oci"}
VERDICTS = {0: "unknown", 1: "accept", 2: "reject"}
CLOUD_DIRECTIONS = {0: "unknown", 1: "ingress", 2: "egress"}
#: NODATA: nothing passed in the interval; SKIPDATA: the provider lost records of it. Neither holds a flow.
LOG_STATES = {1: "ok", 2: "nodata", 3: "skipdata"}
#: Where traffic that leaves goes, because that is what it is billed by.
DESTINATIONS = {
    0: "unknown", 1: "same_zone", 2: "same_region", 3: "other_region", 4: "other_vpc", 5: "cloud_service",
    6: "on_premises", 7: "other_cloud", 8: "internet",
}  # fmt: skip


def _word(name: str, meaning: str) -> Column:
    return Column(name, WORD, "LowCardinality(String)", Role.DIMENSION, Kind.TEXT, meaning)


def _enum(name: str, meaning: str, values: dict[int, str]) -> Column:
    return Column(name, pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, meaning, values=values)


def _address(name: str, meaning: str, *, optional: bool = False) -> Column:
    return Column(name, ADDRESS, "IPv6", Role.DIMENSION, Kind.ADDRESS, meaning, optional=optional)


def _number(name: str, arrow: pa.DataType, sql: str, kind: Kind, meaning: str, *, optional: bool = False) -> Column:
    return Column(name, arrow, sql, Role.DIMENSION, kind, meaning, optional=optional)


def _sum(name: str, meaning: str, unit: str, *, optional: bool = False) -> Column:
    return Column(name, pa.uint64(), "UInt64", Role.MEASURE, Kind.NUMBER, meaning, unit=unit, optional=optional)


CLOUD_FLOWS = Table(
    name="cloud_flows",
    meaning="One row per record of a cloud provider's flow log.",
    order_by=("provider", "account", "vpc", "time"),
    ttl_days=90,
    searched=("src_addr", "dst_addr"),
    columns=(
        Column("time", TIME_NS, "DateTime64(3, 'UTC')", Role.TIME, Kind.TIMESTAMP,
               "End of the provider's aggregation interval: when the traffic is known to have passed.", unit="ns",
               codec="Delta(8), LZ4"),
        Column("time_start", TIME_NS, "DateTime64(3, 'UTC')", Role.TIME, Kind.TIMESTAMP, "Its beginning.", unit="ns",
               codec="Delta(8), LZ4"),
        Column("time_received", TIME_NS, "DateTime64(3, 'UTC')", Role.TIME, Kind.TIMESTAMP, "When Weft read it.",
               unit="ns", codec="Delta(8), LZ4"),
        _enum("provider", "Cloud.", PROVIDERS),
        _word("account", "Account, subscription, project or tenancy."),
        _word("region", "Region."),
        _word("zone", "Availability zone."),
        _word("vpc", "VPC, virtual network or VCN."),
        _word("subnet", "Subnet."),
        _word("interface_id", "Network interface, NIC or VNIC that logged the record."),
        _word("instance", "Instance or VM behind it."),
        _word("gateway", "Gateway the traffic passed: transit gateway, NAT, internet, VPN, Direct Connect …"),
        _word("peer_vpc", "VPC at the other end, where known."),
        _word("peer_subnet", "Subnet at the other end, where known."),
        _word("peer_instance", "Instance at the other end, where known."),
        _word("peer_region", "Region at the other end, where known."),
        _word("service", "Cloud service at the other end, where the provider names it: S3, EC2 …"),
        _word("rule", "Security group rule, network security rule or firewall rule that decided."),
        _enum("verdict", "Whether the traffic was let through.", VERDICTS),
        _enum("direction", "As seen from the interface that logged it.", CLOUD_DIRECTIONS),
        _enum("destination", "Where the traffic goes: what leaving traffic is billed by.", DESTINATIONS),
        _enum("log_state", "Whether the record holds a flow.", LOG_STATES),
        _enum("counted", "no: the other end logs the same traffic and is counted.", {0: "no", 1: "yes"}),
        _address("src_addr", "Source address: of the packet itself where the provider tells it."),
        _address("dst_addr", "Destination address: of the packet itself where the provider tells it."),
        _address("interface_src_addr", "Source address as the interface saw it, where it differs (NAT, gateways).",
                 optional=True),
        _address("interface_dst_addr", "Destination address as the interface saw it, where it differs.", optional=True),
        _number("src_port", pa.uint16(), "UInt16", Kind.PORT, "Source port."),
        _number("dst_port", pa.uint16(), "UInt16", Kind.PORT, "Destination port."),
        _number("protocol", pa.uint8(), "UInt8", Kind.PROTOCOL, "IP protocol number."),
        _number("tcp_flags", pa.uint16(), "UInt16", Kind.NUMBER, "TCP control bits, or-ed together.", optional=True),
        _number("sampling_rate", pa.uint32(), "UInt32", Kind.NUMBER, "One in how many was logged; 0 = unknown."),
        _number("src_as", pa.uint32(), "UInt32", Kind.ASN, "Source AS; 0 = unknown."),
        _number("dst_as", pa.uint32(), "UInt32", Kind.ASN, "Destination AS; 0 = unknown."),
        Column("src_net", pa.uint32(), "UInt32", Role.DIMENSION, Kind.NETWORK,
               "Row of `networks` that the source address matched.", wire=False),
        Column("dst_net", pa.uint32(), "UInt32", Role.DIMENSION, Kind.NETWORK,
               "Row of `networks` that the destination matched.", wire=False),
        Column("file", pa.uint64(), "UInt64", Role.DIMENSION, Kind.NUMBER, "Names the log file the record is from."),
        _sum("bytes", "Bytes as logged, not scaled by sampling.", "B"),
        _sum("packets", "Packets as logged, not scaled by sampling.", "packets"),
        _sum("packets_lost", "Packets that a transit gateway dropped: no route, blackhole, too large, out of time.",
             "packets", optional=True),
    ),
)  # fmt: skip
