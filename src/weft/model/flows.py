"""The ``flows`` table: one row per flow record or sampled packet, as its exporter sent it plus what was true then.

Byte and packet counts are stored as exported; ``sampling_rate`` says what to multiply them by (0 = unknown, counted as
1 and marked). Names that can be looked up later (interface, site, customer, application) are *not* here: the row holds
their ids and ``query`` resolves them as of the row's own time.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from weft.model.tables import Column, Kind, Role, Rollup, Table

ADDRESS = pa.binary(16)
TIME_NS = pa.timestamp("ns", tz="UTC")

FLOW_TYPES = {1: "netflow_v5", 2: "netflow_v9", 3: "ipfix", 4: "sflow"}
SAMPLING_SOURCES = {0: "unknown", 1: "record", 2: "options", 3: "header", 4: "configured", 5: "none"}
DIRECTIONS = {0: "ingress", 1: "egress", 255: "unknown"}
ENCAPSULATIONS = {0: "none", 1: "gre", 2: "ipip", 3: "vxlan", 4: "geneve", 5: "gtp_u", 6: "mpls", 7: "srv6"}
TIME_QUALITIES = {0: "exporter", 1: "export_time", 2: "receive_time"}


#: Codecs, by CPU per row at insert and size on disk (docs/decisions/0004-flow-table-layout.md). T64 crops 64 values to
#: the bits they use: cheaper than LZ4 *and* smaller for numbers. LZ4 wins for long runs of one value, NONE for ports.
_CODECS = {
    "T64": (
        "tcp_flags", "src_as", "dst_as", "src_net", "dst_net", "app", "src_mask", "dst_mask", "ttl", "icmp_type_code",
    ),
    "T64, LZ4": ("in_if", "out_if", "src_mac", "dst_mac"),
    "NONE": ("src_port", "dst_port", "inner_src_port", "inner_dst_port"),
}  # fmt: skip


def _codec(name: str) -> str:
    return next((codec for codec, names in _CODECS.items() if name in names), "LZ4")


def _time(name: str, sql: str, meaning: str, codec: str) -> Column:
    return Column(name, TIME_NS, sql, Role.TIME, Kind.TIMESTAMP, meaning, unit="ns", codec=codec)


def _dim(
    name: str,
    arrow: pa.DataType,
    sql: str,
    kind: Kind,
    meaning: str,
    *,
    unit: str = "",
    values: Mapping[int, str] | None = None,
    optional: bool = False,
    wire: bool = True,
) -> Column:
    return Column(
        name, arrow, sql, Role.DIMENSION, kind, meaning, unit, _codec(name), dict(values or {}), optional, wire
    )


def _sum(name: str, meaning: str, unit: str) -> Column:
    return Column(name, pa.uint64(), "UInt64", Role.MEASURE, Kind.NUMBER, meaning, unit=unit)


_U8, _U16, _U32, _U64 = pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()

#: Three families of rollups instead of one wide one: a key with both ends of a flow is nearly as long as the raw table.
#: Each answers for one side: where traffic passes, where it comes from, where it goes.
_COMMON = ("exporter", "sampling_rate", "direction")
_PATH = (*_COMMON, "flow_type", "in_if", "out_if", "protocol", "app")
_SOURCE = (*_COMMON, "in_if", "src_as", "src_net")
_DESTINATION = (*_COMMON, "out_if", "dst_as", "dst_net")


def _family(name: str, dimensions: tuple[str, ...]) -> tuple[Rollup, ...]:
    return (
        Rollup(f"flows_{name}_1m", 60, dimensions, source="flows", ttl_days=30),
        Rollup(f"flows_{name}_5m", 300, dimensions, source=f"flows_{name}_1m", ttl_days=120),
        Rollup(f"flows_{name}_1h", 3600, dimensions, source=f"flows_{name}_5m", ttl_days=800),
    )


FLOWS = Table(
    name="flows",
    meaning="One row per flow record or sampled packet, as exported.",
    order_by=("time_received",),
    ttl_days=15,
    searched=("src_addr", "dst_addr"),
    columns=(
        _time("time_received", "DateTime('UTC')", "When the datagram reached Weft.", "T64"),
        _time("time_start", "DateTime64(3, 'UTC')", "First packet of the flow.", "T64, LZ4"),
        _time("time_end", "DateTime64(3, 'UTC')", "Last packet of the flow.", "T64, LZ4"),
        _dim("exporter", ADDRESS, "IPv6", Kind.ADDRESS, "Address of the exporter (sFlow: the agent)."),
        _dim("observation_domain", _U32, "UInt32", Kind.NUMBER, "Observation domain, source id, engine or sub-agent."),
        _dim("flow_type", _U8, "UInt8", Kind.ENUM, "Protocol the record came in.", values=FLOW_TYPES),
        _dim("protocol_version", _U8, "UInt8", Kind.NUMBER, "Version number on the wire: 5, 9, 10; sFlow 5."),
        _dim("src_addr", ADDRESS, "IPv6", Kind.ADDRESS, "Source address."),
        _dim("dst_addr", ADDRESS, "IPv6", Kind.ADDRESS, "Destination address."),
        _dim("src_port", _U16, "UInt16", Kind.PORT, "Source port."),
        _dim("dst_port", _U16, "UInt16", Kind.PORT, "Destination port."),
        _dim("protocol", _U8, "UInt8", Kind.PROTOCOL, "IP protocol number."),
        _sum("bytes", "Bytes as exported, not scaled by sampling.", "B"),
        _sum("packets", "Packets as exported, not scaled by sampling.", "packets"),
        _dim("sampling_rate", _U32, "UInt32", Kind.NUMBER, "One in how many packets was seen; 0 = unknown."),
        _dim("sampling_source", _U8, "UInt8", Kind.ENUM, "Where the sampling rate came from.", values=SAMPLING_SOURCES),
        _dim("in_if", _U32, "UInt32", Kind.INTERFACE, "ifIndex the packets came in by; 0 = unknown or local."),
        _dim("out_if", _U32, "UInt32", Kind.INTERFACE, "ifIndex the packets left by; 0 = unknown, local or dropped."),
        _dim("tcp_flags", _U16, "UInt16", Kind.NUMBER, "All TCP control bits seen, or-ed together."),
        _dim("src_as", _U32, "UInt32", Kind.ASN, "Source AS; 0 = unknown."),
        _dim("dst_as", _U32, "UInt32", Kind.ASN, "Destination AS; 0 = unknown."),
        _dim("next_hop", ADDRESS, "IPv6", Kind.ADDRESS, "IP or BGP next hop.", optional=True),
        _dim("direction", _U8, "UInt8", Kind.ENUM, "Side of the interface the flow was metered on.", values=DIRECTIONS),
        _dim("tos", _U8, "UInt8", Kind.NUMBER, "Type of service / traffic class byte (DSCP and ECN)."),
        _dim("src_mask", _U8, "UInt8", Kind.NUMBER, "Prefix length of the source route.", optional=True),
        _dim("dst_mask", _U8, "UInt8", Kind.NUMBER, "Prefix length of the destination route.", optional=True),
        _dim("time_quality", _U8, "UInt8", Kind.ENUM, "Whose clock time_start and time_end rest on.",
             values=TIME_QUALITIES, optional=True),
        _dim("src_vlan", _U16, "UInt16", Kind.NUMBER, "VLAN on the way in (outer tag).", optional=True),
        _dim("dst_vlan", _U16, "UInt16", Kind.NUMBER, "VLAN on the way out (outer tag).", optional=True),
        _dim("inner_vlan", _U16, "UInt16", Kind.NUMBER, "Customer VLAN under an 802.1ad tag.", optional=True),
        _dim("src_mac", _U64, "UInt64", Kind.MAC, "Source MAC address.", optional=True),
        _dim("dst_mac", _U64, "UInt64", Kind.MAC, "Destination MAC address.", optional=True),
        _dim("icmp_type_code", _U16, "UInt16", Kind.NUMBER, "ICMP type × 256 + code.", optional=True),
        _dim("ttl", _U8, "UInt8", Kind.NUMBER, "Smallest IP TTL or hop limit seen.", optional=True),
        _dim("ipv6_flow_label", _U32, "UInt32", Kind.NUMBER, "IPv6 flow label.", optional=True),
        _dim("fragment_offset", _U16, "UInt16", Kind.NUMBER, "Offset of a non-first fragment, in 8-byte units.",
             optional=True),
        _dim("mpls_label", _U32, "UInt32", Kind.NUMBER, "Top MPLS label.", optional=True),
        _dim("in_vrf", _U32, "UInt32", Kind.NUMBER, "Ingress VRF id.", optional=True),
        _dim("out_vrf", _U32, "UInt32", Kind.NUMBER, "Egress VRF id.", optional=True),
        _dim("forwarding_status", _U8, "UInt8", Kind.NUMBER,
             "RFC 7270 forwardingStatus; for sFlow worked out from the reason for a discard.", optional=True),
        _dim("flow_end_reason", _U8, "UInt8", Kind.NUMBER, "RFC 5102 flowEndReason.", optional=True),
        _dim("encapsulation", _U8, "UInt8", Kind.ENUM, "Outermost tunnel around the inner packet.",
             values=ENCAPSULATIONS, optional=True),
        _dim("tunnel_id", _U32, "UInt32", Kind.NUMBER, "VNI, GRE key or TEID of that tunnel.", optional=True),
        _dim("inner_src_addr", ADDRESS, "IPv6", Kind.ADDRESS, "Source address inside the tunnel.", optional=True),
        _dim("inner_dst_addr", ADDRESS, "IPv6", Kind.ADDRESS, "Destination address inside the tunnel.", optional=True),
        _dim("inner_src_port", _U16, "UInt16", Kind.PORT, "Source port inside the tunnel.", optional=True),
        _dim("inner_dst_port", _U16, "UInt16", Kind.PORT, "Destination port inside the tunnel.", optional=True),
        _dim("inner_protocol", _U8, "UInt8", Kind.PROTOCOL, "IP protocol inside the tunnel.", optional=True),
        _dim("src_net", _U32, "UInt32", Kind.NETWORK, "Row of `networks` that the source address matched.", wire=False),
        _dim("dst_net", _U32, "UInt32", Kind.NETWORK, "Row of `networks` that the destination matched.", wire=False),
        _dim("src_path", _U64, "UInt64", Kind.ROUTE, "The exporter's BGP route to the source.", optional=True,
             wire=False),
        _dim("dst_path", _U64, "UInt64", Kind.ROUTE, "The exporter's BGP route to the destination.", optional=True,
             wire=False),
        _dim("app", _U32, "UInt32", Kind.APPLICATION, "Row of `applications` for ports and protocol.", wire=False),
    ),
    rollups=(
        *_family("path", _PATH),
        *_family("source", _SOURCE),
        *_family("destination", _DESTINATION),
        # Who sent, when, at which sampling rate: tiny, so that every answer can say which exporters were silent.
        Rollup("flows_exporters", 60, ("exporter", "flow_type", "sampling_rate"), source="flows_path_1m", ttl_days=120),
    ),
)  # fmt: skip

#: What the decoder hands over: the wire columns, then which of them the record really carried (bit i = column i of
#: ``WIRE_COLUMNS``) and the index in the batch of the datagram it came from. Enrich drops the last two.
WIRE_COLUMNS = tuple(c for c in FLOWS.columns if c.wire)
PRESENT = "present"
DATAGRAM = "datagram"
DECODED_SCHEMA = pa.schema(
    [pa.field(c.name, c.arrow, nullable=False) for c in WIRE_COLUMNS]
    + [pa.field(PRESENT, pa.uint64(), nullable=False), pa.field(DATAGRAM, pa.uint32(), nullable=False)]
)
PRESENT_BIT = {c.name: i for i, c in enumerate(WIRE_COLUMNS)}
