"""Kernels over the samples of sFlow v5 datagrams: a row per flow sample or discarded packet, a list of the counters."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.columns import DATAGRAM_SLOT, PRESENT_SLOT, Matrices, slot
from weft.decode.flow.counters import C_AGENT_DROPS, C_RATE, C_RATE_SOURCE, C_RECORDS, C_UNSAMPLED
from weft.decode.flow.finish import R_FORCED, R_RATE, R_SOURCE
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
from weft.decode.flow.sflow_sources import SampleSources, note_sample, source_cells
from weft.decode.kernels import inlined, kernel
from weft.decode.memory import address_of, get32
from weft.decode.packet.cells import Cells, add8, bit_of, cells_of, set8, set32, set64, set_words

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
_RATE_UNKNOWN, _RATE_FROM_RECORD, _RATE_CONFIGURED, _RATE_UNSAMPLED = 0, 1, 4, 5
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
    drops: int
    in_if: int
    out_if: int
    discard: int  # reason, or -1
    records: int
    body: int  # offset of the first record


class Head(NamedTuple):
    """What a datagram gives all its rows."""

    received: int
    domain: int
    datagram: int
    first_word: int  # of the exporter's address
    second_word: int


@inlined
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


def most_samples(info: NDArray[np.int64], index: NDArray[np.int64]) -> int:
    """How many samples the datagrams ``index`` can hold at most: as many as announced and as fit."""
    rows = info[index]
    room = (rows[:, M_END] - rows[:, M_BODY]) // (8 + min(_LEAST_FLOW, _LEAST_DISCARDED, _LEAST_COUNTERS))
    return int(np.minimum(rows[:, M_COUNT], room).sum())


@inlined
def _interface(form: int, value: int) -> int:
    """The ifIndex of an interface; 0 where it is none: the device itself, several ones, or a reason for a discard."""
    return value if form == 0 and value != _LOCAL else 0


@inlined
def _read_flow(at: int) -> Sample:
    """flow_sample: interfaces carry their format in the two top bits."""
    source, came, went = get32(at + 4), get32(at + 20), get32(at + 24)
    return Sample(
        get32(at),
        source >> 24,
        source & 0xFFFFFF,
        get32(at + 8),
        get32(at + 16),
        _interface(came >> 30, came & _LOCAL),
        _interface(went >> 30, went & _LOCAL),
        went & _LOCAL if went >> 30 == _IS_DISCARD else _NO_REASON,
        get32(at + 28),
        at + _LEAST_FLOW,
    )


@inlined
def _read_expanded(at: int) -> Sample:
    """flow_sample_expanded: interfaces have a format word of their own."""
    return Sample(
        get32(at),
        get32(at + 4),
        get32(at + 8),
        get32(at + 12),
        get32(at + 20),
        _interface(get32(at + 24), get32(at + 28)),
        _interface(get32(at + 32), get32(at + 36)),
        get32(at + 36) if get32(at + 32) == _IS_DISCARD else _NO_REASON,
        get32(at + 40),
        at + _LEAST_EXPANDED,
    )


@inlined
def _read_discarded(at: int) -> Sample:
    """discarded_packet (sflow.org/sflow_drops.txt): every discard is reported, there is no sampling."""
    return Sample(
        get32(at),
        get32(at + 4),
        get32(at + 8),
        1,
        get32(at + 12),
        _interface(0, get32(at + 16)),
        _interface(0, get32(at + 20)),
        get32(at + 24),
        get32(at + 28),
        at + _LEAST_DISCARDED,
    )


@inlined
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


@inlined
def _side(sample: Sample) -> int:
    """Direction of metering, told by which of the packet's interfaces is the source of the sample."""
    if sample.source_kind != 0 or sample.in_if == sample.out_if:
        return _UNKNOWN_SIDE
    if sample.source_index == sample.in_if:
        return _INGRESS
    return _EGRESS if sample.source_index == sample.out_if else _UNKNOWN_SIDE


@inlined
def _put_sample(c: Cells, row: int, sample: Sample, rate: int, rate_source: int) -> int:
    """The columns that the head of a sample gives. Returns their ``present`` bits."""
    set32(c, _RATE, row, rate)
    set8(c, _RATE_SOURCE, row, rate_source)
    set32(c, _IN_IF, row, sample.in_if)
    set32(c, _OUT_IF, row, sample.out_if)
    set8(c, _DIRECTION, row, _side(sample))
    set64(c, _PACKETS, row, 1)
    set64(c, _BYTES, row, 0)
    if sample.discard == _NO_REASON:
        return _ALWAYS
    add8(c, _FORWARDING, row, _forwarding_status(sample.discard))
    return _ALWAYS | _HAS_FORWARDING


@inlined
def _put_head(c: Cells, row: int, head: Head) -> int:
    """The columns that a datagram gives all its rows. Returns the ``present`` bit of the time received."""
    set64(c, _RECEIVED, row, head.received)
    set64(c, _START, row, head.received)
    set64(c, _END, row, head.received)
    set_words(c, _EXPORTER, row, head.first_word, head.second_word)
    set32(c, _DOMAIN, row, head.domain)
    set32(c, DATAGRAM_SLOT, row, head.datagram)
    set8(c, _TYPE, row, SFLOW)
    set8(c, _VERSION, row, 5)
    set8(c, _QUALITY, row, _RECEIVE_TIME)
    return _HAS_RECEIVED if head.received else 0


@inlined
def _put_records(end: int, sample: Sample, c: Cells, row: int) -> tuple[int, int]:
    """The flow records of a sample: (``present`` bits, reason for an error or -1)."""
    found, whole = find_records(sample.body, end, sample.records)
    reason = _NO_REASON if whole else _SAMPLE_TRUNCATED
    present = 0
    if found.raw >= 0:
        present |= put_raw_header(found.raw, c, row)
        if present == 0:
            reason = _BAD_FRAME
    if found.ethernet >= 0:
        present |= put_sampled_ethernet(found.ethernet, present, c, row)
    if found.ipv4 >= 0:
        present |= put_sampled_ip(found.ipv4, 4, present, c, row)
    if found.ipv6 >= 0:
        present |= put_sampled_ip(found.ipv6, 16, present, c, row)
    if found.switch >= 0:
        present |= put_switch(found.switch, c, row)
    if found.router >= 0:
        present |= put_router(found.router, c, row)
    if found.gateway >= 0:
        present |= put_gateway(found.gateway, present, c, row)
    return present, reason


@inlined
def _read(tag: int, at: int) -> Sample:
    """The head of a flow sample or discarded packet."""
    if tag == FLOW:
        return _read_flow(at)
    if tag == EXPANDED_FLOW:
        return _read_expanded(at)
    return _read_discarded(at)


@inlined
def _rate(tag: int, stated: int, configured: int, forced: int) -> tuple[int, int]:
    """(sampling rate, its source): the operator's word where it overrides, the sample's, the operator's default."""
    if tag == DISCARDED:
        return stated, _RATE_UNSAMPLED
    if forced:
        return configured, _RATE_CONFIGURED
    if stated:
        return stated, _RATE_FROM_RECORD
    return configured, _RATE_CONFIGURED if configured else _RATE_UNKNOWN


@inlined
def _put_row(sample: Sample, rate: int, rate_source: int, stop: int, head: Head, c: Cells, row: int) -> int:
    """A whole row; returns the reason for an error or -1."""
    present = _put_head(c, row, head) | _put_sample(c, row, sample, rate, rate_source)
    added, reason = _put_records(stop, sample, c, row)
    set64(c, PRESENT_SLOT, row, present | added)
    return reason


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
    rates: NDArray[np.int64],
    sources: SampleSources,
    listed: NDArray[np.int64],
) -> tuple[int, int]:
    """Write rows from ``row`` on, list the counter samples in ``listed``, account; returns (next row, samples listed).

    ``rates`` are the rows of ``SamplingState``: what the operator says of each stream's sampling.
    """
    base, cells, known, n_listed = address_of(data), cells_of(m), source_cells(sources), 0
    for i in index:
        stream, at, end = info[i, M_SLOT], base + info[i, M_BODY], base + info[i, M_END]
        head = Head(
            info[i, M_RECEIVED],
            info[i, M_DOMAIN],
            info[i, M_DATAGRAM],
            int(np.int64(exporter[i, 0])),
            int(np.int64(exporter[i, 1])),
        )
        configured = rates[stream, R_RATE] if rates[stream, R_SOURCE] == _RATE_CONFIGURED else 0
        first, dropped, unsampled, last_rate, last_source = row, 0, 0, -1, 0
        for _ in range(info[i, M_COUNT]):
            if at + 8 > end or at + 8 + get32(at + 4) > end:
                errors[stream, _SAMPLE_TRUNCATED] += 1
                break
            tag, body, stop = get32(at), at + 8, at + 8 + get32(at + 4)
            kind = _kind(tag, stop - body)
            if kind == 1:
                sample = _read(tag, body)
                rate, rate_source = _rate(tag, sample.rate, configured, rates[stream, R_FORCED])
                reason = _put_row(sample, rate, rate_source, stop, head, cells, row)
                if reason >= 0:
                    errors[stream, reason] += 1
                if tag != DISCARDED:
                    dropped += note_sample(
                        known, stream, sample.source_kind, sample.source_index, sample.sequence, sample.drops
                    )
                    last_rate, last_source = rate, rate_source
                    unsampled += rate_source == _RATE_UNKNOWN
                row += 1
            elif kind == 2:
                listed[n_listed, K_MESSAGE] = i
                listed[n_listed, K_BODY], listed[n_listed, K_END] = body - base, stop - base
                listed[n_listed, K_EXPANDED] = tag == EXPANDED_COUNTERS
                n_listed += 1
            else:
                errors[stream, _UNKNOWN_SAMPLE if kind == 0 else _SAMPLE_TRUNCATED] += 1
            at += 8 + ((stop - body + 3) & ~3)
        counters[stream, C_RECORDS] += row - first
        counters[stream, C_AGENT_DROPS] += dropped
        counters[stream, C_UNSAMPLED] += unsampled
        if last_rate >= 0:
            counters[stream, C_RATE], counters[stream, C_RATE_SOURCE] = last_rate, last_source
    return row, n_listed
