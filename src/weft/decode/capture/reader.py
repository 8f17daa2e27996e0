"""One file to batches of datagrams, whatever kind of file it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from weft.decode.capture import messages
from weft.decode.capture.chunks import Chunk, FileBytes
from weft.decode.capture.fragments import Reassembly, Whole
from weft.decode.capture.packets import P_TIME
from weft.decode.capture.pcap import PcapIndex
from weft.decode.capture.pcapng import PcapngIndex
from weft.decode.capture.udp import (
    FRAGMENT_V4,
    FRAGMENT_V6,
    PAYLOAD,
    U_AT,
    U_COLUMNS,
    U_DST_PORT,
    U_IP,
    U_KIND,
    U_SIZE,
    U_SRC_PORT,
    U_STATED,
    choose,
    find_udp,
)
from weft.decode.datagrams import DatagramBatch
from weft.errors import InvalidInput

#: Ports whose datagrams are always telemetry, so that what is broken in them is counted and not overlooked.
KNOWN_PORTS = (2055, 4739, 6343)
BATCH = 8192  # datagrams
BATCH_BYTES = 8 << 20  # a batch ends soon after: what decoding it takes grows with its bytes


@dataclass(slots=True)
class CaptureTally:
    """What was found in a file."""

    packets: int = 0
    datagrams: int = 0
    errors: Counter[str] = field(default_factory=Counter)


class CaptureFile:
    """Iterates over the flow telemetry of a file as batches of datagrams, in the order of the file.

    Knows pcap, pcapng, plain flow messages and IPFIX files (RFC 5655), each also compressed with gzip. Of captures it
    takes datagrams to one of ``ports``, or without ``ports`` those to the well-known ones and all that look like
    telemetry. A file that ends early gives what it holds; ``tally`` says what was found and what was wrong.

    Raises:
        InvalidInput: the file cannot be read, or is of no known kind.
    """

    def __init__(self, path: Path, ports: Iterable[int] = ()) -> None:
        self.path = path
        self.tally = CaptureTally()
        self._narrowed = bool(tuple(ports))
        self._ports = np.array(sorted(set(ports)) or KNOWN_PORTS, np.int64)
        self._reassembly = Reassembly()

    def __iter__(self) -> Iterator[DatagramBatch]:
        source = FileBytes(self.path)
        index: PcapIndex | PcapngIndex | None = None
        is_first = True
        for chunk in source:
            if is_first:
                index = self._kind(chunk.data[:64].tobytes())
                is_first = False
            rest = yield from self._packets(chunk, index) if index else self._messages(chunk)
            if rest < 0:
                break
            source.keep(chunk.data[rest:])
        if is_first:
            raise InvalidInput("the file is empty", where=str(self.path))
        if source.damage:
            self.tally.errors[source.damage] += 1
        lost = self._reassembly.finish()
        if lost:
            self.tally.errors["fragments_incomplete"] += lost

    def _kind(self, head: bytes) -> PcapIndex | PcapngIndex | None:
        """What indexes the packets of a file that begins so; None where it holds plain messages."""
        if PcapIndex.knows(head):
            return PcapIndex(head)
        if PcapngIndex.knows(head):
            return PcapngIndex()
        if messages.knows(head):
            return None
        raise InvalidInput(
            "neither a capture (pcap, pcapng) nor flow messages (NetFlow v5, v9, IPFIX, sFlow v5)",
            where=str(self.path),
        )

    def _messages(self, chunk: Chunk) -> Generator[DatagramBatch, None, int]:
        at = 0
        while at < len(chunk.data):
            rows, after, reason = messages.split(chunk.data, at, BATCH, chunk.is_last)
            if reason:
                self.tally.errors[reason] += 1
            if len(rows):
                self.tally.datagrams += len(rows)
                for part in _parts(rows, rows[:, 1]):
                    yield DatagramBatch(
                        chunk.data,
                        part[:, 0].copy(),
                        part[:, 1].astype(np.int32),
                        np.zeros((len(part), 16), np.uint8),
                        np.zeros(len(part), np.uint16),
                        np.zeros(len(part), np.int64),
                    )
            if after == at:
                break
            at = after
        return at

    def _packets(self, chunk: Chunk, index: PcapIndex | PcapngIndex) -> Generator[DatagramBatch, None, int]:
        at = 0
        while True:
            found = index.index(chunk.data, at, BATCH, chunk.is_last)
            self.tally.packets += len(found.rows)
            if len(found.rows):
                yield from self._datagrams(chunk.data, found.rows)
            if found.reason:
                self.tally.errors[found.reason] += 1
                return -1
            if len(found.rows) == 0:
                return found.next_at
            at = found.next_at

    def _datagrams(self, data: NDArray[np.uint8], packets: NDArray[np.int64]) -> Iterator[DatagramBatch]:
        """The telemetry among some packets; datagrams put together from fragments stand where their last piece came."""
        rows = np.empty((len(packets), U_COLUMNS), np.int64)
        source = np.zeros((len(packets), 2), np.uint64)
        find_udp(data, packets, rows, source)
        is_fragment = (rows[:, U_KIND] == FRAGMENT_V4) | (rows[:, U_KIND] == FRAGMENT_V6)
        if is_fragment.any():
            data = self._put_together(data, rows, np.flatnonzero(is_fragment))
        taken = np.empty(len(packets), np.bool_)
        choose(data, rows, self._ports, self._narrowed, taken)
        wanted = np.flatnonzero(taken)
        if len(wanted) == 0:
            return
        cut = int((rows[wanted, U_SIZE] < rows[wanted, U_STATED]).sum())
        if cut:
            self.tally.errors["datagram_cut_short"] += cut
        self.tally.datagrams += len(wanted)
        for part in _parts(wanted, rows[wanted, U_SIZE]):
            yield DatagramBatch(
                data,
                rows[part, U_AT],
                rows[part, U_SIZE].astype(np.int32),
                source[part].view(np.uint8).reshape(-1, 16),
                rows[part, U_SRC_PORT].astype(np.uint16),
                packets[part, P_TIME],
            )

    def _put_together(
        self, data: NDArray[np.uint8], rows: NDArray[np.int64], fragments: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        """Complete datagrams from fragments: fills the row of the last piece; returns the buffer the rows now refer to.

        The buffer is the bytes that the batch needs, copied: a mapped capture cannot be written to.
        """
        whole: dict[int, Whole] = {}
        for i in fragments:
            at, size = int(rows[i, U_IP]), int(rows[i, U_SIZE])
            datagram = self._reassembly.add(data[at : at + size].tobytes())
            if datagram is not None:
                whole[int(i)] = datagram
        pieces, at = [], 0
        for i in np.flatnonzero(rows[:, U_KIND] == PAYLOAD):
            first, size = int(rows[i, U_AT]), int(rows[i, U_SIZE])
            pieces.append(data[first : first + size])
            rows[i, U_AT], at = at, at + size
        for i, datagram in whole.items():
            size = len(datagram.payload)
            pieces.append(np.frombuffer(datagram.payload, np.uint8))
            rows[i, U_KIND], rows[i, U_AT], rows[i, U_SIZE], rows[i, U_STATED] = PAYLOAD, at, size, size
            rows[i, U_SRC_PORT], rows[i, U_DST_PORT] = datagram.source_port, datagram.destination_port
            at += size
        return np.concatenate(pieces) if pieces else np.empty(0, np.uint8)


def _parts(items: NDArray[np.int64], sizes: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Items in stretches of about ``BATCH_BYTES``."""
    stretch = np.cumsum(sizes) // BATCH_BYTES
    return np.split(items, np.flatnonzero(np.diff(stretch)) + 1)
