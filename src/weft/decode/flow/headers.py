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
    M_COLUMNS,
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
from weft.decode.kernels import inlined, kernel
from weft.decode.memory import address_of, get16, get32, get32_little, get_ipv4_word, get_word, put_word

_SHORT_HEADER = int(Reason.SHORT_HEADER)
_UNKNOWN_VERSION = int(Reason.UNKNOWN_VERSION)
_LENGTH_MISMATCH = int(Reason.LENGTH_MISMATCH)
_COUNT_MISMATCH = int(Reason.COUNT_MISMATCH)
_TOO_MANY_STREAMS = int(Reason.TOO_MANY_STREAMS)
_BAD_AGENT = int(Reason.BAD_AGENT)
_MAPPED = np.uint64(int.from_bytes(b"\0\0\xff\xff\0\0\0\0", "little"))
_SECOND = 1_000_000_000
_KEY_WORDS = 5
_V5_MOST_RECORDS = 30  # Cisco, NetFlow export datagram format: "number of flows exported in this packet (1-30)"


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
    base, rows = address_of(data), address_of(info)
    senders, exporters = address_of(source), address_of(exporter)
    words, table = address_of(keys.words), address_of(keys.table)
    mask, seed = np.uint64(len(keys.table) - 1), keys.seed[0]
    key = np.zeros(_KEY_WORDS, np.uint64)
    wanted, slot = address_of(key), -1
    for i in range(len(start)):
        row, who = rows + 8 * M_COLUMNS * i, exporters + 16 * i
        begin, end = base + start[i], base + start[i] + np.int64(length[i])
        _put(row, M_START, start[i])
        _put(row, M_BODY, end - base)
        _put(row, M_END, end - base)
        _put(row, M_RECEIVED, received[i])
        _put(row, M_DATAGRAM, i)
        put_word(who, get_word(senders + 16 * i))
        put_word(who + 8, get_word(senders + 16 * i + 8))
        reason = _read_header(begin, end, base, row, who)
        kind = get_word(row + 8 * M_KIND) << 32 | get_word(row + 8 * M_DOMAIN)
        if slot < 0 or not _is_key(wanted, senders + 16 * i, who, kind):
            for k in range(2):
                put_word(wanted + 8 * k, get_word(senders + 16 * i + 8 * k))
                put_word(wanted + 16 + 8 * k, get_word(who + 8 * k))
            put_word(wanted + 32, kind)
            slot = _known_stream(wanted, words, table, mask, seed)
            if slot < 0:
                slot = find_stream(keys, key)
        _put(row, M_SLOT, slot)
        if slot == 0:
            errors[0, _TOO_MANY_STREAMS] += 1
        if reason >= 0:
            errors[slot, reason] += 1
        counters[slot, C_DATAGRAMS] += 1
        counters[slot, C_OCTETS] += length[i]
        seen = received[i] or get_word(row + 8 * M_EXPORTED)
        if counters[slot, C_FIRST_SEEN] == 0:
            counters[slot, C_FIRST_SEEN] = seen
        counters[slot, C_LAST_SEEN] = max(seen, counters[slot, C_LAST_SEEN])


@inlined
def _put(row: int, column: int, value: int) -> None:
    """Write a column of the ``info`` row at address ``row``."""
    put_word(row + 8 * column, value)


@inlined
def _is_key(key: int, sender: int, exporter: int, kind: int) -> bool:
    """Whether the five words at ``key`` are these."""
    return (
        get_word(key + 32) == kind
        and get_word(key + 8) == get_word(sender + 8)
        and get_word(key) == get_word(sender)
        and get_word(key + 24) == get_word(exporter + 8)
        and get_word(key + 16) == get_word(exporter)
    )


@inlined
def _known_stream(key: int, words: int, table: int, mask: np.uint64, seed: np.uint64) -> int:
    """The slot of a stream seen before, or -1; the same walk as ``find_stream``, by address."""
    value = seed
    for k in range(_KEY_WORDS):
        value = mix(value ^ np.uint64(get_word(key + 8 * k)))
    at = value & mask
    while True:
        slot = get32_little(table + 4 * int(np.int64(at)))
        if slot == 0:
            return -1
        there = words + 8 * _KEY_WORDS * slot
        if _is_key(there, key, key + 16, get_word(key + 32)):
            return slot
        at = (at + np.uint64(1)) & mask


@inlined
def _read_header(at: int, end: int, base: int, row: int, exporter: int) -> int:
    """Fill a row from the header at ``at``; returns the reason it could not be read in full, or -1."""
    if end - at < 4:
        return _SHORT_HEADER
    version = get16(at)
    if version == 0 and get16(at + 2) == 5:
        return _read_sflow(at, end, base, row, exporter)
    size = 24 if version == 5 else 20 if version == 9 else 16 if version == 10 else 0
    if size == 0:
        return _UNKNOWN_VERSION
    if end - at < size:
        return _SHORT_HEADER
    _put(row, M_BODY, at + size - base)
    if version == 10:
        _put(row, M_KIND, IPFIX)
        _put(row, M_EXPORTED, get32(at + 4) * _SECOND)
        _put(row, M_SEQUENCE, get32(at + 8))
        _put(row, M_DOMAIN, get32(at + 12))
        stated = get16(at + 2)
        if stated < size or at + stated > end:
            return _LENGTH_MISMATCH
        _put(row, M_END, at + stated - base)
        return _LENGTH_MISMATCH if at + stated < end else -1
    exported = get32(at + 8) * _SECOND
    _put(row, M_COUNT, get16(at + 2))
    _put(row, M_UPTIME, get32(at + 4))
    if version == 9:
        _put(row, M_KIND, V9)
        _put(row, M_EXPORTED, exported)
        _put(row, M_SEQUENCE, get32(at + 12))
        _put(row, M_DOMAIN, get32(at + 16))
        return -1
    _put(row, M_KIND, V5)
    _put(row, M_EXPORTED, exported + min(get32(at + 12), _SECOND - 1) if exported else 0)
    _put(row, M_SEQUENCE, get32(at + 16))
    _put(row, M_DOMAIN, get16(at + 20))
    _put(row, M_SAMPLING, get16(at + 22))
    if get16(at + 2) > _V5_MOST_RECORDS:  # not a v5 exporter, or a damaged one: nothing in it can be trusted
        _put(row, M_COUNT, 0)
        return _COUNT_MISMATCH
    return -1


@inlined
def _read_sflow(at: int, end: int, base: int, row: int, exporter: int) -> int:
    """Header of an sFlow datagram; the agent becomes the exporter unless it is not set."""
    if end - at < 28:
        return _SHORT_HEADER
    kind = get32(at + 4)
    if kind not in (1, 2):
        return _BAD_AGENT
    size = 4 if kind == 1 else 16
    if end - at < 24 + size:
        return _SHORT_HEADER
    if kind == 1 and get32(at + 8) != 0:
        put_word(exporter, 0)
        put_word(exporter + 8, get_ipv4_word(at + 8))
    elif kind == 2 and get_word(at + 8) | get_word(at + 16) != 0:
        put_word(exporter, get_word(at + 8))
        put_word(exporter + 8, get_word(at + 16))
    rest = at + 8 + size
    _put(row, M_KIND, SFLOW)
    _put(row, M_DOMAIN, get32(rest))
    _put(row, M_SEQUENCE, get32(rest + 4))
    _put(row, M_UPTIME, get32(rest + 8))
    _put(row, M_COUNT, get32(rest + 12))
    _put(row, M_BODY, rest + 16 - base)
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
            return int(slot)
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
    return int(slot)


@kernel
def _source(keys: StreamKeys, address: NDArray[np.uint64]) -> int:
    """Index of a UDP source; there is always room because no source is without a stream."""
    mask = np.uint64(len(keys.source_table) - 1)
    at = _hash(address, keys.seed[0]) & mask
    while keys.source_table[at]:
        source = keys.source_table[at] - 1
        if keys.sources[source, 0] == address[0] and keys.sources[source, 1] == address[1]:
            return int(source)
        at = (at + np.uint64(1)) & mask
    source = keys.state[1]
    keys.state[1] += 1
    keys.sources[source, 0], keys.sources[source, 1] = address[0], address[1]
    keys.source_streams[source] = 0
    keys.source_table[at] = source + 1
    return int(source)


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
