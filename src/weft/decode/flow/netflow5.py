"""NetFlow v5: a fixed header of 24 bytes, then records of 48."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.columns import SLOTS, Matrices
from weft.decode.flow.finish import (
    R_FORCED,
    R_RATE,
    R_SOURCE,
    RATE_HEADER,
    Sampling,
    cover,
    fill8,
    fill_rate,
    mark_icmp,
    stamp,
)
from weft.decode.flow.messages import M_EXPORTED, M_RECEIVED, M_SAMPLING, M_UPTIME
from weft.decode.flow.times import MILLISECOND, uptime_age_ms
from weft.decode.kernels import be8, be16, be32, ipv4_word, kernel
from weft.model.flows import PRESENT_BIT

RECORD_SIZE = 48
_RATE_BITS = 0x3FFF  # the two bits above are the sampling mode

_ADDRESSES = ((SLOTS["src_addr"], 0), (SLOTS["dst_addr"], 4), (SLOTS["next_hop"], 8))
_COUNTERS = ((SLOTS["packets"], 16), (SLOTS["bytes"], 20))
_TIMES = ((SLOTS["time_start"], 24), (SLOTS["time_end"], 28))
_PORTS = ((SLOTS["src_port"], 32), (SLOTS["dst_port"], 34))
_NUMBERS = ((SLOTS["in_if"], 12), (SLOTS["out_if"], 14), (SLOTS["src_as"], 40), (SLOTS["dst_as"], 42))
_OCTETS = ((SLOTS["protocol"], 38), (SLOTS["tos"], 39), (SLOTS["src_mask"], 44), (SLOTS["dst_mask"], 45))
_FLAGS, _QUALITY, _DIRECTION = SLOTS["tcp_flags"], SLOTS["time_quality"], SLOTS["direction"]
_CARRIED = (
    "time_start", "time_end", "src_addr", "dst_addr", "next_hop", "in_if", "out_if", "packets", "bytes", "src_port",
    "dst_port", "tcp_flags", "protocol", "tos", "src_as", "dst_as", "src_mask", "dst_mask", "sampling_rate",
)  # fmt: skip
PRESENT = np.uint64(sum(1 << PRESENT_BIT[name] for name in _CARRIED))


@kernel
def decode_v5(
    data: NDArray[np.uint8],
    at: int,
    n: int,
    m: Matrices,
    first: int,
    head: NDArray[np.int64],
    exporter: NDArray[np.uint64],
    s: Sampling,
    slot: int,
    counters: NDArray[np.int64],
) -> None:
    """Decode ``n`` records from ``at`` into rows from ``first``, column by column: a datagram stays in the cache."""
    for place, offset in _ADDRESSES:
        cover(m, place, first, n)
        for j in range(n):
            m.addr[place.row, first + j, 0] = np.uint64(0)
            m.addr[place.row, first + j, 1] = ipv4_word(data, at + offset + j * RECORD_SIZE)
    for place, offset in _COUNTERS:
        cover(m, place, first, n)
        for j in range(n):
            m.u64[place.row, first + j] = be32(data, at + offset + j * RECORD_SIZE)
    base, uptime = head[M_EXPORTED] or head[M_RECEIVED], head[M_UPTIME]
    for place, offset in _TIMES:
        cover(m, place, first, n)
        for j in range(n):
            age = uptime_age_ms(uptime, be32(data, at + offset + j * RECORD_SIZE))
            m.u64[place.row, first + j] = max(base - age * MILLISECOND, 0)
    for place, offset in _PORTS:
        cover(m, place, first, n)
        for j in range(n):
            m.u16[place.row, first + j] = be16(data, at + offset + j * RECORD_SIZE)
    for place, offset in _NUMBERS:
        cover(m, place, first, n)
        for j in range(n):
            m.u32[place.row, first + j] = be16(data, at + offset + j * RECORD_SIZE)
    for place, offset in _OCTETS:
        cover(m, place, first, n)
        for j in range(n):
            m.u8[place.row, first + j] = be8(data, at + offset + j * RECORD_SIZE)
    cover(m, _FLAGS, first, n)
    for j in range(n):
        m.u16[_FLAGS.row, first + j] = be8(data, at + 37 + j * RECORD_SIZE)
    stamp(m, head, exporter, PRESENT, first, n)
    fill8(m, _QUALITY, first, n, 0 if head[M_EXPORTED] else 2)
    fill8(m, _DIRECTION, first, n, 255)
    rate, source = head[M_SAMPLING] & _RATE_BITS, RATE_HEADER
    if rate == 0 or s.streams[slot, R_FORCED]:
        rate, source = s.streams[slot, R_RATE], s.streams[slot, R_SOURCE]
    fill_rate(m, counters, first, n, rate, source)
    mark_icmp(m, first, n)
