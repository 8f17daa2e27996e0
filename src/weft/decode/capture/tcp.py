"""From captured packets to what each end of a TCP connection sent, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.capture.chunks import FileBytes
from weft.decode.capture.packets import P_AT, P_LINK, P_SIZE, P_TIME
from weft.decode.capture.pcap import PcapIndex
from weft.decode.capture.pcapng import PcapngIndex
from weft.decode.capture.udp import link_to_ethertype
from weft.decode.kernels import kernel
from weft.decode.memory import address_of, get8, get16, get32, get_ipv4_word, get_word
from weft.decode.packet.link import ET_IPV4, ET_IPV6, find_ip
from weft.decode.packet.network import ipv4_extent, ipv6_extent

_TCP = 6
_SYN, _FIN, _RST = 2, 1, 4
_BATCH = 8192
_CONNECTIONS = 4096  # directions that are followed at once; the longest silent one makes room
_AHEAD = 4 << 20  # octets of one direction that wait for a missing segment: then it is taken for lost
_SEGMENTS = 1 << 13  # and so many segments, however short: each that comes is held against them
_HALF = 1 << 31

#: Columns of what is said of each packet.
T_AT, T_SIZE, T_SEQ, T_FLAGS, T_SRC_PORT, T_DST_PORT = range(6)


class Segment(NamedTuple):
    """Octets that one end sent, in order; ``is_new`` where nothing of the connection came before, or some was lost."""

    source: bytes  # 16 octets
    source_port: int
    destination: bytes
    destination_port: int
    time_ns: int
    is_new: bool
    octets: bytes


@kernel
def find_tcp(
    data: NDArray[np.uint8], packets: NDArray[np.int64], rows: NDArray[np.int64], ends: NDArray[np.uint64]
) -> None:
    """Fill ``rows`` and ``ends`` (both addresses as memory words) for every packet; T_AT -1 where it is not TCP."""
    base = address_of(data)
    for i in range(len(packets)):
        row = rows[i]
        row[T_AT] = -1
        begin = base + packets[i, P_AT]
        end = begin + packets[i, P_SIZE]
        at, ethertype = link_to_ethertype(begin, end, packets[i, P_LINK])
        at, ethertype, _, _, _, _ = find_ip(at, end, ethertype)
        payload, last, protocol, fragment = -1, end, 0, 0
        if ethertype == ET_IPV4 and at + 20 <= end:
            protocol, payload, last, fragment = ipv4_extent(at, end)
            ends[i, 0], ends[i, 1] = np.uint64(0), np.uint64(get_ipv4_word(at + 12))
            ends[i, 2], ends[i, 3] = np.uint64(0), np.uint64(get_ipv4_word(at + 16))
        elif ethertype == ET_IPV6 and at + 40 <= end:
            protocol, payload, last, fragment, _ = ipv6_extent(at, end)
            for word in range(4):
                ends[i, word] = np.uint64(get_word(at + 8 + 8 * word))
        if protocol != _TCP or payload < 0 or fragment > 0 or payload + 20 > last:
            continue
        head = (get8(payload + 12) >> 4) * 4
        if head < 20 or payload + head > last:
            continue
        row[T_AT], row[T_SIZE], row[T_SEQ] = payload + head - base, last - payload - head, get32(payload + 4)
        row[T_FLAGS], row[T_SRC_PORT], row[T_DST_PORT] = get8(payload + 13), get16(payload), get16(payload + 2)


@dataclass(slots=True)
class _Direction:
    """What one end of a connection has sent."""

    expected: int
    is_new: bool = True
    counts_syn: bool = True  # captures that tools put together have data in the SYN and do not count it
    waiting: dict[int, bytes] = field(default_factory=dict)
    held: int = 0


class TcpFile:
    """Iterates over what TCP carried in a pcap or pcapng file, also with .gz, in the order of the file.

    A connection that was under way as the capture began is followed from its first segment on. ``errors`` counts
    stretches that were not captured; a file of another kind holds none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.errors: Counter[str] = Counter()
        self._directions: dict[bytes, _Direction] = {}

    def __iter__(self) -> Iterator[Segment]:
        source = FileBytes(self.path)
        index: PcapIndex | PcapngIndex | None = None
        for chunk in source:
            head = chunk.data[:64].tobytes()
            if index is None and PcapIndex.knows(head):
                index = PcapIndex(head)
            elif index is None and PcapngIndex.knows(head):
                index = PcapngIndex()
            if index is None:
                return
            at = 0
            while True:
                found = index.index(chunk.data, at, _BATCH, chunk.is_last)
                yield from self._segments(chunk.data, found.rows)
                if found.reason:
                    return
                if not len(found.rows):
                    break
                at = found.next_at
            source.keep(chunk.data[found.next_at :])

    def _segments(self, data: NDArray[np.uint8], packets: NDArray[np.int64]) -> Iterator[Segment]:
        rows = np.empty((len(packets), 6), np.int64)
        ends = np.zeros((len(packets), 4), np.uint64)
        find_tcp(data, packets, rows, ends)
        for i in np.flatnonzero(rows[:, T_AT] >= 0).tolist():
            at, size, seq, flags, source_port, destination_port = rows[i].tolist()
            key = ends[i].tobytes() + source_port.to_bytes(2, "big") + destination_port.to_bytes(2, "big")
            octets = data[at : at + size].tobytes()
            for is_new, whole in self._put(key, seq, flags, octets):
                yield Segment(
                    key[:16], source_port, key[16:32], destination_port, int(packets[i, P_TIME]), is_new, whole
                )

    def _put(self, key: bytes, seq: int, flags: int, octets: bytes) -> list[tuple[bool, bytes]]:
        """What a segment completes."""
        if flags & _SYN:
            opened = self._open(key, (seq + 1) & 0xFFFFFFFF)
            found = self._take(opened, opened.expected, octets) if octets else []
            opened.counts_syn = not octets
            return found
        one = self._directions.get(key)
        if one is None:
            if not octets:
                return []
            one = self._open(key, seq)
        found = self._take(one, seq, octets) if octets else []
        if flags & (_FIN | _RST):
            self._directions.pop(key, None)
        return found

    def _open(self, key: bytes, expected: int) -> _Direction:
        self._directions.pop(key, None)
        if len(self._directions) >= _CONNECTIONS:
            self._directions.pop(next(iter(self._directions)))
        one = self._directions[key] = _Direction(expected)
        return one

    def _take(self, one: _Direction, seq: int, octets: bytes) -> list[tuple[bool, bytes]]:
        behind = (one.expected - seq) & 0xFFFFFFFF
        if behind == 1 and not one.counts_syn:
            one.expected, behind = seq, 0
        one.counts_syn = True
        if behind >= _HALF:  # ahead of what is expected
            if seq not in one.waiting:
                one.waiting[seq] = octets
                one.held += len(octets)
            if one.held <= _AHEAD and len(one.waiting) <= _SEGMENTS:
                return []
            self.errors["tcp_segment_missing"] += 1
            one.is_new = True
            seq = min(one.waiting, key=lambda each: (each - one.expected) & 0xFFFFFFFF)
            octets, behind = one.waiting.pop(seq), 0
            one.held -= len(octets)
            one.expected = seq
        parts = [octets[behind:]] if behind < len(octets) else []
        one.expected = (one.expected + sum(map(len, parts))) & 0xFFFFFFFF
        for each in sorted(one.waiting, key=lambda seq: (seq - one.expected + _HALF) & 0xFFFFFFFF) if parts else ():
            if (one.expected - each) & 0xFFFFFFFF >= _HALF:
                break
            more = one.waiting.pop(each)
            one.held -= len(more)
            more = more[(one.expected - each) & 0xFFFFFFFF :]
            parts.append(more)
            one.expected = (one.expected + len(more)) & 0xFFFFFFFF
        if not parts:
            return []
        is_new, one.is_new = one.is_new, False
        return [(is_new, b"".join(parts))]
