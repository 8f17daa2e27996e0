"""Log messages out of files: lines, also gzipped, and captures."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from weft.decode.capture import CaptureFile
from weft.decode.syslog import Sender, SenderClock, datagram
from weft.errors import InvalidInput
from weft.model.addresses import NO_ADDRESS

FILE = 6  # model.logs.LOG_SOURCES
PORTS = (514, 5514)
_BATCH = 4096
#: First octets of pcap (both byte orders, micro- and nanoseconds) and of pcapng.
_CAPTURES = (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x0a\x0d\x0d\x0a")
_GZIP = b"\x1f\x8b"


@dataclass(slots=True)
class FileBatch:
    """Messages of a file. Parallel lists."""

    messages: list[bytes]
    received_ns: list[int]
    senders: list[Sender]


class LogFiles:
    """Reads files; senders are told apart over all of them.

    Lines arrived when the file was last written, as far as a missing year is concerned, and belong to ``exporter``, or
    to the host that each names. Messages of a capture arrived when their packet did, from its sender. Stamps are
    believed: there is no arrival to hold against them.
    """

    def __init__(
        self, *, ports: tuple[int, ...] = PORTS, timezone: str | None = None, exporter: bytes = NO_ADDRESS,
        longest: int = 16_384,
    ) -> None:  # fmt: skip
        self._ports, self._longest = ports or PORTS, longest
        self._zone = ZoneInfo(timezone) if timezone else None
        self._own = Sender(exporter, self._clock(is_live=False), is_relay=exporter == NO_ADDRESS)
        self._senders: dict[bytes, Sender] = {}
        self.messages = 0

    def read(self, path: Path) -> Iterator[FileBatch]:
        """The messages of a file. Raises ``InvalidInput`` when it cannot be read."""
        try:
            with path.open("rb") as file:
                head = file.read(8)
                if head.startswith(_GZIP):
                    with gzip.open(path) as inner:
                        head = inner.read(8)
            if head.startswith(_CAPTURES):
                yield from self._capture(path)
                return
            received_ns = path.stat().st_mtime_ns
            with gzip.open(path) if _is_gzip(path) else path.open("rb") as lines:
                yield from self.lines(lines, received_ns)
        except (OSError, EOFError) as error:
            reason = getattr(error, "strerror", None) or "ends early or is damaged"
            raise InvalidInput(f"cannot be read: {reason}", where=str(path)) from error

    def lines(self, lines: BinaryIO | gzip.GzipFile, received_ns: int) -> Iterator[FileBatch]:
        """The messages of a stream of lines."""
        batch: list[bytes] = []
        while line := lines.readline(self._longest):
            message = datagram(line)
            if message:
                batch.append(message)
            if len(batch) == _BATCH:
                yield self._batch(batch, received_ns)
                batch = []
        if batch:
            yield self._batch(batch, received_ns)

    def _batch(self, messages: list[bytes], received_ns: int) -> FileBatch:
        self.messages += len(messages)
        return FileBatch(messages, [received_ns] * len(messages), [self._own] * len(messages))

    def _capture(self, path: Path) -> Iterator[FileBatch]:
        for batch in CaptureFile(path, self._ports):
            view = batch.data.data
            out = FileBatch([], [], [])
            for row in range(len(batch)):
                begin = int(batch.start[row])
                message = datagram(bytes(view[begin : begin + int(batch.length[row])]))[: self._longest]
                if message:
                    out.messages.append(message)
                    out.received_ns.append(int(batch.received_ns[row]) or path.stat().st_mtime_ns)
                    out.senders.append(self._sender(batch.source[row].tobytes()))
            self.messages += len(out.messages)
            yield out

    def _sender(self, address: bytes) -> Sender:
        if self._own.address != NO_ADDRESS:
            return self._own
        sender = self._senders.get(address)
        if sender is None:
            sender = self._senders[address] = Sender(address, self._clock(is_live=True))
        return sender

    def _clock(self, *, is_live: bool) -> SenderClock:
        return SenderClock(self._zone, is_live=is_live)


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == _GZIP
