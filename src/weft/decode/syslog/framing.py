"""Octets of a stream to messages: octet counting and line ends, as they come (RFC 6587, RFC 5425).

Senders are not consistent, so each message's framing is told from its first octets: ``123 <`` begins a counted one,
anything else runs to the next LF or NUL. What cannot be either is counted and skipped up to where a message can begin.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

Framing = Literal["auto", "octets", "lines"]

#: ``MSG-LEN SP`` of RFC 6587 §3.4.1; a longer count is no count.
_COUNT = re.compile(rb"([1-9][0-9]{0,7}) ")
_COUNT_BEGUN = re.compile(rb"[1-9][0-9]{0,7} ?\Z")
_COUNTED = re.compile(rb"[1-9][0-9]{0,7} <[0-9]{1,3}>")
#: Where a message may begin after octets that make no sense.
_AGAIN = re.compile(rb"[1-9][0-9]{0,7} <[0-9]{1,3}>|[\n\0]")
_END = re.compile(rb"[\n\0]")
_TRAILERS = b"\n\r\0"


class Framer:
    """Messages of one stream. ``feed`` what arrives, ``close`` at its end; ``counts`` tells what went wrong.

    ``longest`` bounds a message, octets: of a longer one the beginning is kept (``oversize``). ``bad_framing``: octets
    that were no message, or a counted message cut off by the end of the stream.
    """

    def __init__(self, longest: int = 65536, framing: Framing = "auto") -> None:
        self._longest, self._framing = longest, framing
        self._rest = b""
        self._skip = 0  # octets of a too long counted message that are still to come
        self._skip_line = False  # the rest of a too long line is still to come
        self._was_counted = False
        self.counts: Counter[str] = Counter()

    def feed(self, data: bytes) -> list[bytes]:
        """Messages that are complete now, without their framing."""
        buffer = self._rest + data if self._rest else data
        at, out = 0, []
        if self._framing == "lines" and not self._skip_line and b"\0" not in buffer:
            return self._lines(buffer)
        while True:
            at, message = self._next(buffer, at)
            if message is None:
                break
            if message:
                out.append(message)
        self._rest = buffer[at:]
        return out

    def close(self) -> list[bytes]:
        """What the end of the stream leaves: a last line without its end, or a counted message that was cut off."""
        rest, self._rest = self._rest.strip(_TRAILERS), b""
        if not rest or self._skip or self._skip_line:
            return []
        counted = _COUNT.match(rest) if self._framing != "lines" else None
        if counted is not None and (self._framing == "octets" or rest[counted.end() : counted.end() + 1] == b"<"):
            self.counts["bad_framing"] += 1
            rest = rest[counted.end() :]
        elif self._framing == "octets" or (self._was_counted and not rest.startswith(b"<")):
            self.counts["bad_framing"] += 1
            return []
        return [rest[: self._longest]] if rest else []

    def _lines(self, buffer: bytes) -> list[bytes]:
        """The common case at once: lines that end with LF."""
        lines = buffer.split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > self._longest:
            self.counts["oversize"] += 1
            lines.append(self._rest[: self._longest])
            self._rest, self._skip_line = b"", True
        if max(map(len, lines), default=0) > self._longest:
            self.counts["oversize"] += sum(len(line) > self._longest for line in lines)
            lines = [line[: self._longest] for line in lines]
        return [line for line in (line.rstrip(_TRAILERS) for line in lines) if line]

    def _next(self, buffer: bytes, at: int) -> tuple[int, bytes | None]:
        """The message at ``at`` and where the next begins; None = not complete, empty = nothing but framing."""
        if self._skip:
            skipped = min(self._skip, len(buffer) - at)
            self._skip -= skipped
            return (at + skipped, b"") if not self._skip else (at + skipped, None)
        if self._skip_line:
            end = _END.search(buffer, at)
            if end is None:
                return len(buffer), None
            self._skip_line = False
            return end.end(), b""
        while at < len(buffer) and buffer[at] in _TRAILERS:
            at += 1
        if at == len(buffer):
            return at, None
        if self._framing == "lines" or buffer[at] == 0x3C:  # <
            return self._line(buffer, at) if self._framing != "octets" else self._resynchronise(buffer, at)
        return self._counted(buffer, at)

    def _counted(self, buffer: bytes, at: int) -> tuple[int, bytes | None]:
        count = _COUNT.match(buffer, at)
        if count is None or (self._framing == "auto" and buffer[count.end() : count.end() + 1] not in (b"<", b"")):
            if _COUNT_BEGUN.match(buffer, at):
                return at, None  # more digits may come
            if self._framing == "octets" or self._was_counted:
                return self._resynchronise(buffer, at)
            return self._line(buffer, at)
        if self._framing == "auto" and count.end() == len(buffer):
            return at, None  # whether `<` follows decides
        self._was_counted = True
        length, begin = int(count[1]), count.end()
        if length > self._longest:
            if len(buffer) - begin < self._longest:
                return at, None
            self.counts["oversize"] += 1
            self._skip = length - self._longest
            return begin + self._longest, buffer[begin : begin + self._longest]
        if len(buffer) - begin < length:
            return at, None
        return begin + length, buffer[begin : begin + length].rstrip(_TRAILERS)

    def _line(self, buffer: bytes, at: int) -> tuple[int, bytes | None]:
        end = _END.search(buffer, at)
        last = len(buffer) if end is None else end.start()
        if last - at > self._longest:
            self.counts["oversize"] += 1
            self._skip_line = end is None
            return (last if end is None else end.end()), buffer[at : at + self._longest]
        if end is None:
            return at, None
        self._was_counted = False
        return end.end(), buffer[at : end.start()].rstrip(_TRAILERS)

    def _resynchronise(self, buffer: bytes, at: int) -> tuple[int, bytes | None]:
        """Skip to where a message may begin; the octets before it count as one bad frame."""
        again = _AGAIN.search(buffer, at + 1) if not _COUNTED.match(buffer, at) else None
        if again is None:
            if len(buffer) - at <= self._longest:
                return at, None
            self.counts["bad_framing"] += 1
            return len(buffer), None
        self.counts["bad_framing"] += 1
        return (again.start() if again[0][0] not in _TRAILERS else again.end()), b""


def datagram(payload: bytes) -> bytes:
    """The message of a UDP datagram (RFC 5426: one each), without the trailers that some senders add."""
    return payload.rstrip(b"\n\r\0")
