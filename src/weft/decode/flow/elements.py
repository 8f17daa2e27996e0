"""What the fields of NetFlow v9 and IPFIX mean to Weft: information element → column and encoding.

A column may be fed by several elements. They are listed in order of preference; ``When`` says how a later one
relates to those before it. Elements that are listed nowhere here are skipped by their length.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

#: Private enterprise number under which RFC 5103 puts the reverse direction of a biflow.
REVERSE_PEN = 29305
VMWARE_PEN = 6876

#: Identifiers that IANA has assigned (or reserved for NetFlow v9); others count as unknown fields.
IANA_LAST = 510


class Op(IntEnum):
    """How the bytes of a field become a value."""

    UINT = 0  # unsigned, 1 to 8 bytes, saturating in narrower columns
    ADDR4 = 1
    ADDR6 = 2
    MPLS = 3  # label stack entry: the first 20 bits
    ICMP_TYPE = 4  # into the high byte
    ICMP_CODE = 5  # into the low byte
    SEGMENT = 6  # layer2SegmentId: type, then 24 bits of VNI or VSID
    SECONDS = 7
    MILLISECONDS = 8
    NTP_MICRO = 9  # RFC 7011 §6.1.9
    NTP_NANO = 10  # RFC 7011 §6.1.10
    DELTA_MICRO = 11  # µs before the export time
    UPTIME = 12  # ms since the exporter booted
    SCRATCH = 13  # kept beside the row until the record is finished
    FRAME = 14  # link-layer frame section
    PACKET = 15  # IP packet section
    ZERO = 16  # not on the wire: clears a column that later operations or into


class Scratch(IntEnum):
    """Values of a record that are no column but decide others."""

    SAMPLER = 0
    RATE = 1
    INTERVAL = 2
    SPACE = 3
    SIZE = 4
    POPULATION = 5
    INIT_MS = 6  # systemInitTimeMilliseconds
    DURATION_US = 7
    RELATIVE_START = 8
    RELATIVE_END = 9
    FRAME_SIZE = 10
    DURATION_MS = 11
    FRAME_PRESENT = 12  # columns that the sampled frame filled


class When(IntEnum):
    """When an element feeds its column."""

    FIRST = 0  # if no element before it in the list is in the template
    ZERO = 1  # also if one is, for records where that one is zero


@dataclass(frozen=True, slots=True)
class Source:
    """One element that can feed a column or scratch value."""

    element: int
    op: Op
    when: When = When.FIRST
    pen: int = 0


def _uint(*elements: int, when: When = When.FIRST) -> tuple[Source, ...]:
    return tuple(Source(e, Op.UINT, when) for e in elements)


def _address(v4: tuple[int, ...], v6: tuple[int, ...], pen: int = 0) -> tuple[Source, ...]:
    return tuple(Source(e, Op.ADDR4, When.ZERO, pen) for e in v4) + tuple(
        Source(e, Op.ADDR6, When.ZERO, pen) for e in v6
    )


_MICRO, _NANO, _MS, _S = Op.NTP_MICRO, Op.NTP_NANO, Op.MILLISECONDS, Op.SECONDS

#: Column → elements that can feed it, best first.
COLUMN_SOURCES: dict[str, tuple[Source, ...]] = {
    "time_start": (
        Source(156, _NANO), Source(154, _MICRO), Source(152, _MS), Source(158, Op.DELTA_MICRO), Source(150, _S),
        Source(22, Op.UPTIME), Source(325, _NANO), Source(324, _MICRO), Source(323, _MS), Source(322, _S),
    ),
    "time_end": (
        Source(157, _NANO), Source(155, _MICRO), Source(153, _MS), Source(159, Op.DELTA_MICRO), Source(151, _S),
        Source(21, Op.UPTIME), Source(325, _NANO), Source(324, _MICRO), Source(323, _MS), Source(322, _S),
    ),
    # An exporter that keeps only prefixes (aggregated caches) says 44/45 or 169/170 instead of the address.
    "src_addr": (*_address((8,), (27,)), *_address((44,), (170,))),
    "dst_addr": (*_address((12,), (28,)), *_address((45,), (169,))),
    "next_hop": _address((15, 18), (62, 63)),
    "src_port": _uint(7, 180, 182, when=When.ZERO),
    "dst_port": _uint(11, 181, 183, when=When.ZERO),
    "protocol": _uint(4),
    # Delta, else total, else initiator, else post (egress) counters; layer-2 octets only when nothing else is there.
    "bytes": _uint(1, 85, 231, 23, 171, 352, 353),
    "packets": _uint(2, 86, 298, 24, 172),
    "in_if": _uint(10, 252, when=When.ZERO),
    "out_if": _uint(14, 253, when=When.ZERO),
    "tcp_flags": _uint(6),
    "src_as": _uint(16),
    "dst_as": _uint(17),
    "direction": _uint(61),
    "tos": _uint(5, 55),
    "src_mask": _uint(9, 29, when=When.ZERO),
    "dst_mask": _uint(13, 30, when=When.ZERO),
    "src_vlan": _uint(58, 243, when=When.ZERO),
    "dst_vlan": _uint(59, 254, when=When.ZERO),
    "inner_vlan": _uint(245, 255, when=When.ZERO),
    "src_mac": _uint(56, 81, when=When.ZERO),
    "dst_mac": _uint(80, 57, when=When.ZERO),
    "ttl": _uint(52, 192),
    "ipv6_flow_label": _uint(31),
    "fragment_offset": _uint(88),
    "mpls_label": (Source(70, Op.MPLS),),
    "in_vrf": _uint(234),
    "out_vrf": _uint(235),
    "forwarding_status": _uint(89),
    "flow_end_reason": _uint(136),
    "tunnel_id": (Source(351, Op.SEGMENT),),
    "inner_src_addr": _address((881,), (883,), VMWARE_PEN),
    "inner_dst_addr": _address((882,), (884,), VMWARE_PEN),
    "inner_src_port": (Source(886, Op.UINT, pen=VMWARE_PEN),),
    "inner_dst_port": (Source(887, Op.UINT, pen=VMWARE_PEN),),
    "inner_protocol": (Source(880, Op.UINT, pen=VMWARE_PEN),),
}  # fmt: skip

#: Elements that are or-ed into ``icmp_type_code``: the combined ones, else type and code apart.
ICMP_COMBINED = (32, 139)
ICMP_PARTS = (
    Source(176, Op.ICMP_TYPE), Source(177, Op.ICMP_CODE), Source(178, Op.ICMP_TYPE), Source(179, Op.ICMP_CODE),
)  # fmt: skip

SCRATCH_SOURCES: dict[Scratch, tuple[int, ...]] = {
    Scratch.SAMPLER: (302, 48),
    Scratch.RATE: (34, 50),
    Scratch.INTERVAL: (305,),
    Scratch.SPACE: (306,),
    Scratch.SIZE: (309,),
    Scratch.POPULATION: (310,),
    Scratch.INIT_MS: (160,),
    Scratch.DURATION_MS: (161,),
    Scratch.DURATION_US: (162,),
    Scratch.FRAME_SIZE: (312,),
}

#: In IPFIX 22 and 21 count from systemInitTimeMilliseconds, which may come later in the record or by options.
RELATIVE = {22: Scratch.RELATIVE_START, 21: Scratch.RELATIVE_END}

#: Sections of the sampled packet itself (RFC 7133, RFC 5477).
SECTIONS = (Source(315, Op.FRAME), Source(104, Op.FRAME), Source(313, Op.PACKET))

#: Counters of the other direction within one record, and where they go in the record made for it.
RESPONDER = {"bytes": 232, "packets": 299}

#: Columns that change sides in the record made for the other direction. The rest is shared unless ONE_WAY.
SWAPPED = {
    "src_addr": "dst_addr",
    "src_port": "dst_port",
    "in_if": "out_if",
    "src_as": "dst_as",
    "src_mask": "dst_mask",
    "src_mac": "dst_mac",
    "src_vlan": "dst_vlan",
    "in_vrf": "out_vrf",
    "inner_src_addr": "inner_dst_addr",
    "inner_src_port": "inner_dst_port",
}
SWAPPED |= {b: a for a, b in SWAPPED.items()}

#: Columns that say nothing of the other direction.
ONE_WAY = frozenset(
    {"bytes", "packets", "tcp_flags", "tos", "ttl", "next_hop", "direction", "icmp_type_code", "mpls_label",
     "ipv6_flow_label", "fragment_offset", "forwarding_status"}
)  # fmt: skip


def is_known(pen: int, element: int) -> bool:
    """Whether a field is one we can name: assigned by IANA, its reverse, or an enterprise element listed here."""
    if pen in (0, REVERSE_PEN):
        return 0 < element <= IANA_LAST
    return any(s.pen == pen and s.element == element for sources in COLUMN_SOURCES.values() for s in sources)
