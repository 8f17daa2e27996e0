"""Flow records to wire bytes: NetFlow v5, v9, IPFIX and sFlow v5, whole columns at a time.

An ``Encoder`` is the export side of one device: it keeps the sequence numbers and the boot time that the protocol's
header carries. ``encode`` packs records into datagrams; ``announce`` makes the datagrams that describe them (templates,
sampler options, interface names) and that real exporters repeat every few minutes.

Sources: Cisco NetFlow v5 export format; RFC 3954 (v9); RFC 7011/7012 (IPFIX); sFlow version 5 (sflow.org).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from weft.twin.records import FlowRecords


@dataclass(slots=True)
class Datagrams:
    """Encoded datagrams in one buffer; ``sent_ms[i]`` is the export time of datagram ``i`` (UTC milliseconds)."""

    data: NDArray[np.uint8]
    start: NDArray[np.int64]
    length: NDArray[np.int32]
    sent_ms: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.start)

    def payloads(self) -> list[bytes]:
        """Each datagram's bytes, for a socket."""
        raw = self.data.tobytes()
        return [raw[s : s + n] for s, n in zip(self.start.tolist(), self.length.tolist(), strict=True)]


def concat(parts: Iterable[Datagrams]) -> Datagrams:
    """All datagrams one after another."""
    kept = [p for p in parts if len(p)]
    offsets = np.cumsum([0, *(len(p.data) for p in kept)])
    return Datagrams(
        np.concatenate([p.data for p in kept]) if kept else np.zeros(0, np.uint8),
        np.concatenate([p.start + o for p, o in zip(kept, offsets, strict=False)]) if kept else np.zeros(0, np.int64),
        np.concatenate([p.length for p in kept]) if kept else np.zeros(0, np.int32),
        np.concatenate([p.sent_ms for p in kept]) if kept else np.zeros(0, np.int64),
    )


def from_payloads(payloads: Sequence[bytes], sent_ms: int) -> Datagrams:
    """Datagrams that were put together one by one (templates, options, counters)."""
    length = np.array([len(p) for p in payloads], np.int32)
    start = np.concatenate([[0], np.cumsum(length)[:-1]]).astype(np.int64) if payloads else np.zeros(0, np.int64)
    return Datagrams(
        np.frombuffer(b"".join(payloads), np.uint8), start, length, np.full(len(payloads), sent_ms, np.int64)
    )


class Encoder(Protocol):
    """The export side of one device."""

    boot_ms: int  # when the device booted by its own clock, UTC milliseconds

    def encode(self, records: FlowRecords) -> Datagrams:
        """Datagrams that carry ``records``, in the order of their end time."""

    def announce(self, now_ms: int) -> Datagrams:
        """Datagrams that describe the stream: templates, sampling, interface names, if any."""


def _pack(body: NDArray[np.void], header: NDArray[np.void], per_datagram: int, sent_ms: NDArray[np.int64]) -> Datagrams:
    """Lay ``header[i]`` before each run of ``per_datagram`` records of ``body``."""
    n, rec, head = len(body), body.dtype.itemsize, header.dtype.itemsize
    count = len(header)
    row = head + per_datagram * rec
    matrix = np.zeros((count, row), np.uint8)
    matrix[:, :head] = header.view(np.uint8).reshape(count, head)
    padded = np.zeros((count * per_datagram, rec), np.uint8)
    padded[:n] = np.ascontiguousarray(body).view(np.uint8).reshape(n, rec)
    matrix[:, head:] = padded.reshape(count, per_datagram * rec)
    in_datagram = np.full(count, per_datagram)
    if count:
        in_datagram[-1] = n - (count - 1) * per_datagram
    return Datagrams(
        matrix.reshape(-1),
        np.arange(count, dtype=np.int64) * row,
        (head + in_datagram * rec).astype(np.int32),
        sent_ms,
    )


def _runs(records: FlowRecords, per_datagram: int) -> tuple[FlowRecords, NDArray[np.int64], NDArray[np.int64]]:
    """Records by end time, how many each datagram holds, and when each is sent (just after its last record ended)."""
    ordered = records.take(np.argsort(records.end_ms, kind="stable"))
    n = len(ordered)
    last = np.minimum(np.arange(per_datagram, n + per_datagram, per_datagram), n) - 1
    counts = np.diff(np.concatenate([[-1], last]))
    return ordered, counts, ordered.end_ms[last] + 50 if n else np.zeros(0, np.int64)


_V5_RECORD = np.dtype(
    [("src", "V4"), ("dst", "V4"), ("next_hop", ">u4"), ("in_if", ">u2"), ("out_if", ">u2"), ("packets", ">u4"),
     ("octets", ">u4"), ("first", ">u4"), ("last", ">u4"), ("src_port", ">u2"), ("dst_port", ">u2"), ("pad1", "u1"),
     ("tcp_flags", "u1"), ("protocol", "u1"), ("tos", "u1"), ("src_as", ">u2"), ("dst_as", ">u2"), ("src_mask", "u1"),
     ("dst_mask", "u1"), ("pad2", ">u2")]
)  # fmt: skip
_V5_HEADER = np.dtype(
    [("version", ">u2"), ("count", ">u2"), ("uptime", ">u4"), ("secs", ">u4"), ("nsecs", ">u4"), ("sequence", ">u4"),
     ("engine_type", "u1"), ("engine_id", "u1"), ("sampling", ">u2")]
)  # fmt: skip
_AS_TRANS = 23456  # RFC 6793: what a 16-bit field says of a 32-bit AS


def _v4(address: NDArray[np.uint8]) -> NDArray[np.void]:
    return np.ascontiguousarray(address[:, 12:]).view("V4")[:, 0]


def _v6(address: NDArray[np.uint8]) -> NDArray[np.void]:
    return np.ascontiguousarray(address).view("V16")[:, 0]


def _uptime(at_ms: NDArray[np.int64], boot_ms: int) -> NDArray[np.uint32]:
    return ((at_ms - boot_ms) & 0xFFFFFFFF).astype(np.uint32)


class NetflowV5:
    """NetFlow v5: IPv4 only, 16-bit interfaces and AS numbers, sampling rate in every header."""

    def __init__(self, boot_ms: int, sampling_rate: int, engine_id: int = 0) -> None:
        self.boot_ms, self._rate, self._engine = boot_ms, sampling_rate, engine_id
        self._sequence = 0

    def encode(self, records: FlowRecords) -> Datagrams:
        """IPv4 records in datagrams of up to 30; IPv6 cannot be told in v5 and is left out."""
        ordered, counts, sent = _runs(records.take(records.is_v4), 30)
        body = np.zeros(len(ordered), _V5_RECORD)
        body["src"], body["dst"] = _v4(ordered.src), _v4(ordered.dst)
        body["first"], body["last"] = _uptime(ordered.start_ms, self.boot_ms), _uptime(ordered.end_ms, self.boot_ms)
        for name in ("src_port", "dst_port", "tcp_flags", "protocol", "tos"):
            body[name] = getattr(ordered, name)
        for name, limit in (("in_if", 0xFFFF), ("out_if", 0xFFFF), ("packets", 0xFFFFFFFF), ("octets", 0xFFFFFFFF)):
            body[name] = np.minimum(getattr(ordered, name), limit)
        for name in ("src_as", "dst_as"):
            number = getattr(ordered, name)
            body[name] = np.where(number > 0xFFFF, _AS_TRANS, number)
        header = np.zeros(len(counts), _V5_HEADER)
        header["version"], header["count"] = 5, counts
        header["uptime"], header["secs"] = _uptime(sent, self.boot_ms), sent // 1000
        header["nsecs"] = sent % 1000 * 1_000_000
        header["sequence"] = (self._sequence + np.cumsum(counts) - counts) & 0xFFFFFFFF
        header["engine_id"] = self._engine
        header["sampling"] = (1 << 14) | self._rate if self._rate > 1 else 0
        self._sequence += int(counts.sum())
        return _pack(body, header, 30, sent)

    def announce(self, now_ms: int) -> Datagrams:
        """Nothing: v5 has no templates."""
        return from_payloads([], now_ms)
