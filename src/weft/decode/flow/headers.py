"""The kernel that reads the header of every datagram and finds its stream."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.counters import C_DATAGRAMS, C_FIRST_SEEN, C_LAST_SEEN, C_OCTETS
from weft.decode.flow.hashing import mix
from weft.decode.flow.messages import (
    IPFIX,
    M_BODY,
    M_COUNT,
    M_DATAGRAM,
    M_DOMAIN,
    M_END,
    M_EXPORTED,
    M_KIND,
    M_RECEIVED,
    M_SAMPLING,
    M_SEQUENCE,
    M_SLOT,
    M_START,
    M_UPTIME,
    SFLOW,
    V5,
    V9,
)
from weft.decode.flow.reasons import Reason
from weft.decode.kernels import be16, be32, kernel

_SHORT_HEADER = int(Reason.SHORT_HEADER)
_UNKNOWN_VERSION = int(Reason.UNKNOWN_VERSION)
_LENGTH_MISMATCH = int(Reason.LENGTH_MISMATCH)
_TOO_MANY_STREAMS = int(Reason.TOO_MANY_STREAMS)
_BAD_AGENT = int(Reason.BAD_AGENT)
_MAPPED = np.uint64(int.from_bytes(b"\0\0\xff\xff\0\0\0\0", "little"))
_SECOND = 1_000_000_000
_KEY_WORDS = 5


class StreamKeys(NamedTuple):
    """Which slot a stream has. ``words``: source (2), exporter (2), kind << 32 | domain."""

    words: NDArray[np.uint64]  # [slots, 5]
    used: NDArray[np.bool_]  # [slots]; slot 0 is the overflow stream
    table: NDArray[np.int32]  # hash → slot, 0 = empty
    sources: NDArray[np.uint64]  # [sources, 2] UDP source addresses
    source_streams: NDArray[np.int32]  # [sources] streams of that source
    source_table: NDArray[np.int32]  # hash → source + 1, 0 = empty
    state: NDArray[
        np.int64
    ]  # [0] streams used, [1] sources used, [2] most streams per source, [3] no free slot below this
    seed: NDArray[np.uint64]  # [1]

    @classmethod
    def new(cls, streams: int, per_source: int, seed: int) -> StreamKeys:
        """Room for ``streams`` streams beside the overflow stream."""
        places = 1 << (2 * streams).bit_length()
        used = np.zeros(streams + 1, np.bool_)
        used[0] = True
        return cls(
            np.zeros((streams + 1, _KEY_WORDS), np.uint64),
            used,
            np.zeros(places, np.int32),
            np.zeros((streams + 1, 2), np.uint64),
            np.zeros(streams + 1, np.int32),
            np.zeros(places, np.int32),
            np.array([1, 0, per_source, 1], np.int64),
            np.array([seed], np.uint64),
        )

    def full(self) -> bool:
        """No slot is free."""
        return int(self.state[0]) >= len(self.used)

    def release(self, slots: NDArray[np.bool_]) -> None:
        """Forget the marked streams and rebuild the tables."""
        self.used[slots] = False
        self.words[slots] = 0
        _rebuild(self)


@kernel
def identify(
    data: NDArray[np.uint8],
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    source: NDArray[np.uint8],
    received: NDArray[np.int64],
    info: NDArray[np.int64],
    exporter: NDArray[np.uint64],
    keys: StreamKeys,
    counters: NDArray[np.int64],
    errors: NDArray[np.int64],
) -> None:
    """Fill ``info`` and ``exporter`` for every datagram; count it in its stream."""
    words = source.reshape(-1).view(np.uint64).reshape(-1, 2)
    last = np.zeros(_KEY_WORDS, np.uint64)
    last_slot = -1
    for i in range(len(start)):
        row = info[i]
        begin, end = start[i], start[i] + np.int64(length[i])
        row[M_START], row[M_BODY], row[M_END] = begin, end, end
        row[M_RECEIVED], row[M_DATAGRAM] = received[i], i
        exporter[i, 0], exporter[i, 1] = words[i, 0], words[i, 1]
        reason = _read_header(data, begin, end, row, exporter[i])
        k4 = (np.uint64(row[M_KIND]) << np.uint64(32)) | np.uint64(row[M_DOMAIN])
        if (
            last_slot < 0
            or last[4] != k4
            or last[1] != words[i, 1]
            or last[0] != words[i, 0]
            or last[3] != exporter[i, 1]
            or last[2] != exporter[i, 0]
        ):
            last[0], last[1], last[2], last[3], last[4] = words[i, 0], words[i, 1], exporter[i, 0], exporter[i, 1], k4
            last_slot = find_stream(keys, last)
        slot = last_slot
        row[M_SLOT] = slot
        if slot == 0:
            errors[0, _TOO_MANY_STREAMS] += 1
        if reason >= 0:
            errors[slot, reason] += 1
        counters[slot, C_DATAGRAMS] += 1
        counters[slot, C_OCTETS] += length[i]
        seen = received[i] or row[M_EXPORTED]
        if counters[slot, C_FIRST_SEEN] == 0:
            counters[slot, C_FIRST_SEEN] = seen
        counters[slot, C_LAST_SEEN] = max(seen, counters[slot, C_LAST_SEEN])


@kernel
def _read_header(
    data: NDArray[np.uint8], at: int, end: int, row: NDArray[np.int64], exporter: NDArray[np.uint64]
) -> int:
    """Fill a row from the header at ``at``; returns the reason it could not be read in full, or -1."""
    if end - at < 4:
        return _SHORT_HEADER
    version = be16(data, at)
    if version == 0 and be16(data, at + 2) == 5:
        return _read_sflow(data, at, end, row, exporter)
    size = 24 if version == 5 else 20 if version == 9 else 16 if version == 10 else 0
    if size == 0:
        return _UNKNOWN_VERSION
    if end - at < size:
        return _SHORT_HEADER
    row[M_BODY] = at + size
    if version == 10:
        row[M_KIND] = IPFIX
        row[M_EXPORTED] = be32(data, at + 4) * _SECOND
        row[M_SEQUENCE], row[M_DOMAIN] = be32(data, at + 8), be32(data, at + 12)
        stated = be16(data, at + 2)
        if stated < size or at + stated > end:
            return _LENGTH_MISMATCH
        row[M_END] = at + stated
        return _LENGTH_MISMATCH if at + stated < end else -1
    row[M_COUNT] = be16(data, at + 2)
    row[M_UPTIME] = be32(data, at + 4)
    row[M_EXPORTED] = be32(data, at + 8) * _SECOND
    if version == 9:
        row[M_KIND] = V9
        row[M_SEQUENCE], row[M_DOMAIN] = be32(data, at + 12), be32(data, at + 16)
        return -1
    row[M_KIND] = V5
    if row[M_EXPORTED]:
        row[M_EXPORTED] += min(be32(data, at + 12), _SECOND - 1)
    row[M_SEQUENCE], row[M_DOMAIN] = be32(data, at + 16), be16(data, at + 20)
    row[M_SAMPLING] = be16(data, at + 22)
    return -1


@kernel
def _read_sflow(
    data: NDArray[np.uint8], at: int, end: int, row: NDArray[np.int64], exporter: NDArray[np.uint64]
) -> int:
    """Header of an sFlow datagram; the agent becomes the exporter unless it is not set."""
    if end - at < 28:
        return _SHORT_HEADER
    kind = be32(data, at + 4)
    if kind != 1 and kind != 2:
        return _BAD_AGENT
    size = 4 if kind == 1 else 16
    if end - at < 24 + size:
        return _SHORT_HEADER
    agent = np.zeros(16, np.uint8)
    agent[16 - size :] = data[at + 8 : at + 8 + size]
    is_set = False
    for octet in agent:
        is_set |= octet != 0
    if is_set:
        if kind == 1:
            agent[10] = agent[11] = 0xFF
        words = agent.view(np.uint64)
        exporter[0], exporter[1] = words[0], words[1]
    rest = at + 8 + size
    row[M_KIND] = SFLOW
    row[M_DOMAIN], row[M_SEQUENCE] = be32(data, rest), be32(data, rest + 4)
    row[M_UPTIME], row[M_COUNT] = be32(data, rest + 8), be32(data, rest + 12)
    row[M_BODY] = rest + 16
    return -1


@kernel
def _hash(words: NDArray[np.uint64], seed: np.uint64) -> np.uint64:
    value = seed
    for word in words:
        value = mix(value ^ word)
    return value


@kernel
def find_stream(keys: StreamKeys, key: NDArray[np.uint64]) -> int:
    """The slot of a stream, a new one if there is room, else the overflow slot 0."""
    mask = np.uint64(len(keys.table) - 1)
    at = _hash(key, keys.seed[0]) & mask
    while keys.table[at]:
        slot = keys.table[at]
        if (keys.words[slot] == key).all():
            return slot
        at = (at + np.uint64(1)) & mask
    if keys.state[0] >= len(keys.used):
        return 0
    source = _source(keys, key[:2])
    if keys.source_streams[source] >= keys.state[2]:
        return 0
    keys.source_streams[source] += 1
    keys.state[0] += 1
    slot = keys.state[3]
    while keys.used[slot]:
        slot += 1
    keys.state[3] = slot
    keys.used[slot] = True
    keys.words[slot] = key
    keys.table[at] = slot
    return slot


@kernel
def _source(keys: StreamKeys, address: NDArray[np.uint64]) -> int:
    """Index of a UDP source; there is always room because no source is without a stream."""
    mask = np.uint64(len(keys.source_table) - 1)
    at = _hash(address, keys.seed[0]) & mask
    while keys.source_table[at]:
        source = keys.source_table[at] - 1
        if keys.sources[source, 0] == address[0] and keys.sources[source, 1] == address[1]:
            return source
        at = (at + np.uint64(1)) & mask
    source = keys.state[1]
    keys.state[1] += 1
    keys.sources[source, 0], keys.sources[source, 1] = address[0], address[1]
    keys.source_streams[source] = 0
    keys.source_table[at] = source + 1
    return source


@kernel
def _rebuild(keys: StreamKeys) -> None:
    """Fill both hash tables anew from ``used`` and ``words``."""
    keys.table[:] = 0
    keys.source_table[:] = 0
    keys.state[0], keys.state[1], keys.state[3] = 1, 0, 1
    mask = np.uint64(len(keys.table) - 1)
    for slot in range(1, len(keys.used)):
        if keys.used[slot]:
            at = _hash(keys.words[slot], keys.seed[0]) & mask
            while keys.table[at]:
                at = (at + np.uint64(1)) & mask
            keys.table[at] = slot
            keys.source_streams[_source(keys, keys.words[slot, :2])] += 1
            keys.state[0] += 1
