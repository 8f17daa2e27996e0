"""Sampled packet headers to flow columns.

Comes in: the bytes of one frame (often cut short by the sampler) and its link type. Goes out: one row of the flow
columns, and which of them the frame carried. Must never allocate, raise, or read outside the frame.

``parse_frame(data, start, end, link, m, row)`` is a compiled function that other kernels call::

    out.claim(FRAME_COLUMNS, rows)  # these must be zero in the rows that follow
    ...
    present = parse_frame(data, at, at + captured, LINK_ETHERNET, m, row)  # in a kernel

A kernel that parses many frames takes addresses once, which saves most of the time::

    base, cells = address_of(data), cells_of(m)
    ...
    present = read_frame(base + at, base + at + captured, LINK_ETHERNET, cells, row)

``m`` are the ``Matrices`` of ``decode.flow.columns.FlowColumns``. A frame writes at most: the MAC addresses,
``src_vlan`` (outermost tag) and ``inner_vlan`` (second tag), ``mpls_label`` (top), the outermost IP header's addresses,
``protocol``, ``tos``, ``ttl``, ``ipv6_flow_label``, ``fragment_offset`` (later fragments only; they have no ports),
ports, ``tcp_flags``, ``icmp_type_code``, and of a tunnel ``encapsulation``, ``tunnel_id`` and the pair just inside it
in ``inner_*``. It writes neither bytes nor packets, nor anything about interfaces, time or sampling. Columns other than
``FRAME_COLUMNS`` are extended when they are first needed; the caller leaves them alone.

Link types are sFlow's ``header_protocol`` numbers: ``LINK_ETHERNET`` 1 (IPFIX 104 and 315), ``LINK_PPP`` 7,
``LINK_IPV4`` 11, ``LINK_IPV6`` 12, ``LINK_MPLS`` 13 (IPFIX 316), ``LINK_POS`` 14, and ``LINK_IP`` 256 for a packet
whose version nibble tells (IPFIX 313). Frames of other link types, and frames without IP in them, give the link-layer
columns they have.

``encapsulation`` is ``mpls`` for a packet below labels that is in no other tunnel: its addresses are then in
``src_addr`` and ``dst_addr``, for MPLS has none of its own.
"""

from weft.decode.packet.cells import Cells, cells_of
from weft.decode.packet.frame import FRAME_COLUMNS, parse_frame, read_frame
from weft.decode.packet.link import (
    LINK_ETHERNET,
    LINK_IP,
    LINK_IPV4,
    LINK_IPV6,
    LINK_MPLS,
    LINK_POS,
    LINK_PPP,
)

__all__ = [
    "FRAME_COLUMNS",
    "LINK_ETHERNET",
    "LINK_IP",
    "LINK_IPV4",
    "LINK_IPV6",
    "LINK_MPLS",
    "LINK_POS",
    "LINK_PPP",
    "Cells",
    "cells_of",
    "parse_frame",
    "read_frame",
]
