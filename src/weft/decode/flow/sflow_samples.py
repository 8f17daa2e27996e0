"""Kernels over the samples of sFlow v5 datagrams: count them, then write a row per flow sample or discarded packet."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.columns import DATAGRAM_SLOT, PRESENT_SLOT, Matrices, slot
from weft.decode.flow.counters import C_RATE, C_RATE_SOURCE, C_RECORDS, C_UNSAMPLED
from weft.decode.flow.messages import M_BODY, M_COUNT, M_DATAGRAM, M_DOMAIN, M_END, M_RECEIVED, M_SLOT, SFLOW
from weft.decode.flow.reasons import Reason
from weft.decode.flow.sflow_records import (
    find_records,
    put_gateway,
    put_raw_header,
    put_router,
    put_sampled_ethernet,
    put_sampled_ip,
    put_switch,
)
from weft.decode.flow.sflow_sources import SampleSources, note_sample
from weft.decode.kernels import be32, kernel
from weft.decode.packet.cells import bit_of, touch

FLOW, COUNTERS, EXPANDED_FLOW, EXPANDED_COUNTERS, DISCARDED = 1, 2, 3, 4, 5
_LEAST_FLOW, _LEAST_EXPANDED, _LEAST_DISCARDED, _LEAST_COUNTERS = 32, 44, 32, 12

#: Columns of the list of counter samples that ``write_samples`` leaves for the metrics.
(K_MESSAGE, K_BODY, K_END, K_EXPANDED) = range(4)

#: Columns that every row gets, so that they need no zeroing.
SAMPLE_COLUMNS = (
    "time_received",
    "time_start",
    "time_end",
    "exporter",
    "observation_domain",
    "flow_type",
    "protocol_version",
    "bytes",
    "packets",
    "sampling_rate",
    "sampling_source",
    "in_if",
    "out_if",
    "direction",
    "time_quality",
    "present",
    "datagram",
)
_RECEIVED, _START, _END = slot("time_received"), slot("time_start"), slot("time_end")
_EXPORTER, _DOMAIN = slot("exporter"), slot("observation_domain")
_TYPE, _VERSION = slot("flow_type"), slot("protocol_version")
_BYTES, _PACKETS = slot("bytes"), slot("packets")
_RATE, _RATE_SOURCE = slot("sampling_rate"), slot("sampling_source")
_IN_IF, _OUT_IF, _DIRECTION = slot("in_if"), slot("out_if"), slot("direction")
_QUALITY, _FORWARDING = slot("time_quality"), slot("forwarding_status")

_ALWAYS = bit_of(
    "exporter",
    "observation_domain",
    "flow_type",
    "protocol_version",
    "packets",
    "sampling_rate",
    "sampling_source",
    "in_if",
    "out_if",
    "time_quality",
)
_HAS_RECEIVED, _HAS_FORWARDING = bit_of("time_received"), bit_of("forwarding_status")

_LOCAL = 0x3FFFFFFF  # "the packet began or ended in the device"
_IS_DISCARD, _IS_MULTIPLE = 1, 2  # formats of an output interface
_RATE_UNKNOWN, _RATE_FROM_RECORD, _RATE_UNSAMPLED = 0, 1, 5
_RECEIVE_TIME = 2
_INGRESS, _EGRESS, _UNKNOWN_SIDE = 0, 1, 255
_NO_REASON = -1

_SAMPLE_TRUNCATED = int(Reason.SAMPLE_TRUNCATED)
_UNKNOWN_SAMPLE = int(Reason.UNKNOWN_SAMPLE)
_BAD_FRAME = int(Reason.BAD_FRAME)


class Sample(NamedTuple):
    """What the head of a flow sample or discarded packet says."""

    sequence: int
    source_kind: int
    source_index: int
    rate: int
    rate_source: int
    drops: int
    in_if: int
    out_if: int
    discard: int  # reason, or -1
    records: int
    body: int  # offset of the first record


@kernel
def _kind(tag: int, size: int) -> int:
    """1 a flow sample or discarded packet, 2 counters, 0 a format we do not know, -1 too short to be what it says."""
    if tag == FLOW:
        return 1 if size >= _LEAST_FLOW else -1
    if tag == EXPANDED_FLOW:
        return 1 if size >= _LEAST_EXPANDED else -1
    if tag == DISCARDED:
        return 1 if size >= _LEAST_DISCARDED else -1
    if tag in (COUNTERS, EXPANDED_COUNTERS):
        return 2 if size >= _LEAST_COUNTERS else -1
    return 0


@kernel
def count_samples(data: NDArray[np.uint8], info: NDArray[np.int64], index: NDArray[np.int64]) -> tuple[int, int]:
    """(rows that ``write_samples`` will write, counter samples it will list) for the datagrams ``index``."""
    rows, counters = 0, 0
    for i in index:
        at, end = info[i, M_BODY], info[i, M_END]
        for _ in range(info[i, M_COUNT]):
            if at + 8 > end:
                break
            size = be32(data, at + 4)
            if at + 8 + size > end:
                break
            kind = _kind(be32(data, at), size)
            if kind == 1:
                rows += 1
            elif kind == 2:
                counters += 1
            at += 8 + ((size + 3) & ~3)
    return rows, counters


@kernel
def _interface(form: int, value: int) -> int:
    """The ifIndex of an interface; 0 where it is none: the device itself, several ones, or a reason for a discard."""
    return value if form == 0 and value != _LOCAL else 0


@kernel
def _read_flow(data: NDArray[np.uint8], at: int) -> Sample:
    """flow_sample: interfaces carry their format in the two top bits."""
    source, came, went = be32(data, at + 4), be32(data, at + 20), be32(data, at + 24)
    rate = be32(data, at + 8)
    return Sample(
        be32(data, at),
        source >> 24,
        source & 0xFFFFFF,
        rate,
        _RATE_FROM_RECORD if rate else _RATE_UNKNOWN,
        be32(data, at + 16),
        _interface(came >> 30, came & _LOCAL),
        _interface(went >> 30, went & _LOCAL),
        went & _LOCAL if went >> 30 == _IS_DISCARD else _NO_REASON,
        be32(data, at + 28),
        at + _LEAST_FLOW,
    )


@kernel
def _read_expanded(data: NDArray[np.uint8], at: int) -> Sample:
    """flow_sample_expanded: interfaces have a format word of their own."""
    rate = be32(data, at + 12)
    return Sample(
        be32(data, at),
        be32(data, at + 4),
        be32(data, at + 8),
        rate,
        _RATE_FROM_RECORD if rate else _RATE_UNKNOWN,
        be32(data, at + 20),
        _interface(be32(data, at + 24), be32(data, at + 28)),
        _interface(be32(data, at + 32), be32(data, at + 36)),
        be32(data, at + 36) if be32(data, at + 32) == _IS_DISCARD else _NO_REASON,
        be32(data, at + 40),
        at + _LEAST_EXPANDED,
    )


@kernel
def _read_discarded(data: NDArray[np.uint8], at: int) -> Sample:
    """discarded_packet (sflow.org/sflow_drops.txt): every discard is reported, there is no sampling."""
    return Sample(
        be32(data, at),
        be32(data, at + 4),
        be32(data, at + 8),
        1,
        _RATE_UNSAMPLED,
        be32(data, at + 12),
        _interface(0, be32(data, at + 16)),
        _interface(0, be32(data, at + 20)),
        be32(data, at + 24),
        be32(data, at + 28),
        at + _LEAST_DISCARDED,
    )


@kernel
def _forwarding_status(reason: int) -> int:
    """RFC 7270 forwardingStatus of a discard reason (sFlow v5 §5.3, sflow_drops.txt)."""
    if reason in (0, 1, 5, 6, 7, 8, 11, 12, 269, 281):
        return 131  # unroutable
    if reason == 279:
        return 132  # adjacency
    if reason in (4, 262):
        return 133  # larger than the next link takes
    if reason in (9, 10, 13, 14, 15, 258):
        return 130  # access list
    if reason == 257:
        return 137  # TTL
    if reason == 260:
        return 139  # early detection
    if reason == 261:
        return 138  # policer
    if reason == 280:
        return 140  # reverse path
    return 128  # dropped, unknown why


@kernel
def _side(sample: Sample) -> int:
    """Direction of metering, told by which of the packet's interfaces is the source of the sample."""
    if sample.source_kind != 0 or sample.in_if == sample.out_if:
        return _UNKNOWN_SIDE
    if sample.source_index == sample.in_if:
        return _INGRESS
    return _EGRESS if sample.source_index == sample.out_if else _UNKNOWN_SIDE


@kernel
def _put_sample(m: Matrices, row: int, sample: Sample) -> int:
    """The columns that the head of a sample gives. Returns their ``present`` bits."""
    m.u32[_RATE.row, row] = sample.rate
    m.u8[_RATE_SOURCE.row, row] = sample.rate_source
    m.u32[_IN_IF.row, row] = sample.in_if
    m.u32[_OUT_IF.row, row] = sample.out_if
    m.u8[_DIRECTION.row, row] = _side(sample)
    m.u64[_PACKETS.row, row] = np.uint64(1)
    m.u64[_BYTES.row, row] = np.uint64(0)
    if sample.discard == _NO_REASON:
        return _ALWAYS
    touch(m, _FORWARDING, row)
    m.u8[_FORWARDING.row, row] = _forwarding_status(sample.discard)
    return _ALWAYS | _HAS_FORWARDING


@kernel
def _put_datagram(m: Matrices, row: int, info: NDArray[np.int64], exporter: NDArray[np.uint64]) -> int:
    """The columns that a datagram gives all its rows. Returns the ``present`` bit of the time received."""
    received = np.uint64(info[M_RECEIVED])
    m.u64[_RECEIVED.row, row] = received
    m.u64[_START.row, row] = received
    m.u64[_END.row, row] = received
    m.addr[_EXPORTER.row, row, 0] = exporter[0]
    m.addr[_EXPORTER.row, row, 1] = exporter[1]
    m.u32[_DOMAIN.row, row] = info[M_DOMAIN]
    m.u32[DATAGRAM_SLOT.row, row] = info[M_DATAGRAM]
    m.u8[_TYPE.row, row] = SFLOW
    m.u8[_VERSION.row, row] = 5
    m.u8[_QUALITY.row, row] = _RECEIVE_TIME
    return _HAS_RECEIVED if received else 0


@kernel
def _put_records(data: NDArray[np.uint8], end: int, sample: Sample, m: Matrices, row: int) -> tuple[int, int]:
    """The flow records of a sample: (``present`` bits, reason for an error or -1)."""
    found, whole = find_records(data, sample.body, end, sample.records)
    reason = _NO_REASON if whole else _SAMPLE_TRUNCATED
    present = 0
    if found.raw >= 0:
        present |= put_raw_header(data, found.raw, m, row)
        if present == 0:
            reason = _BAD_FRAME
    if found.ethernet >= 0:
        present |= put_sampled_ethernet(data, found.ethernet, present, m, row)
    if found.ipv4 >= 0:
        present |= put_sampled_ip(data, found.ipv4, 4, present, m, row)
    if found.ipv6 >= 0:
        present |= put_sampled_ip(data, found.ipv6, 16, present, m, row)
    if found.switch >= 0:
        present |= put_switch(data, found.switch, m, row)
    if found.router >= 0:
        present |= put_router(data, found.router, m, row)
    if found.gateway >= 0:
        present |= put_gateway(data, found.gateway, present, m, row)
    return present, reason


@kernel
def write_samples(
    data: NDArray[np.uint8],
    info: NDArray[np.int64],
    exporter: NDArray[np.uint64],
    index: NDArray[np.int64],
    m: Matrices,
    row: int,
    counters: NDArray[np.int64],
    errors: NDArray[np.int64],
    sources: SampleSources,
    listed: NDArray[np.int64],
) -> int:
    """Write rows from ``row`` on, list the counter samples in ``listed``, account; returns the next row."""
    n_listed = 0
    for i in index:
        stream, at, end = info[i, M_SLOT], info[i, M_BODY], info[i, M_END]
        first = row
        for _ in range(info[i, M_COUNT]):
            if at + 8 > end:
                errors[stream, _SAMPLE_TRUNCATED] += 1
                break
            tag, size = be32(data, at), be32(data, at + 4)
            body = at + 8
            stop = body + size
            if stop > end:
                errors[stream, _SAMPLE_TRUNCATED] += 1
                break
            kind = _kind(tag, size)
            if kind == 1:
                if tag == FLOW:
                    sample = _read_flow(data, body)
                elif tag == EXPANDED_FLOW:
                    sample = _read_expanded(data, body)
                else:
                    sample = _read_discarded(data, body)
                present = _put_datagram(m, row, info[i], exporter[i]) | _put_sample(m, row, sample)
                added, reason = _put_records(data, stop, sample, m, row)
                m.u64[PRESENT_SLOT.row, row] = np.uint64(present | added)
                if reason >= 0:
                    errors[stream, reason] += 1
                if tag != DISCARDED:
                    note_sample(
                        sources,
                        counters,
                        stream,
                        sample.source_kind,
                        sample.source_index,
                        sample.sequence,
                        sample.drops,
                    )
                    counters[stream, C_RATE], counters[stream, C_RATE_SOURCE] = sample.rate, sample.rate_source
                    counters[stream, C_UNSAMPLED] += sample.rate_source == _RATE_UNKNOWN
                row += 1
            elif kind == 2:
                listed[n_listed, K_MESSAGE], listed[n_listed, K_BODY], listed[n_listed, K_END] = i, body, stop
                listed[n_listed, K_EXPANDED] = tag == EXPANDED_COUNTERS
                n_listed += 1
            else:
                errors[stream, _UNKNOWN_SAMPLE if kind == 0 else _SAMPLE_TRUNCATED] += 1
            at = body + ((size + 3) & ~3)
        counters[stream, C_RECORDS] += row - first
    return row
