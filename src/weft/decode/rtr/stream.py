"""The RPKI-to-Router protocol: what a cache sends, PDU by PDU, and what is sent to it.

Versions 0 (RFC 6810), 1 (RFC 8210) and 2 (which adds ASPA). Payloads, of which a cache sends a million, come out in
runs as columns; everything else one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import be8, be32, kernel
from weft.decode.rtr.payloads import Vrps
from weft.errors import InvalidInput

NEWEST_VERSION = 2
SERIAL_NOTIFY, SERIAL_QUERY, RESET_QUERY, CACHE_RESPONSE = 0, 1, 2, 3
IPV4_PREFIX, IPV6_PREFIX, END_OF_DATA, CACHE_RESET, ROUTER_KEY, ERROR_REPORT, ASPA = 4, 6, 7, 8, 9, 10, 11
#: Codes of Error Report that change what is done next (RFC 8210 §12).
NO_DATA, UNSUPPORTED_VERSION = 2, 4
ERROR_CODES = {
    0: "corrupt_data", 1: "internal_error", 2: "no_data_available", 3: "invalid_request", 4: "unsupported_version",
    5: "unsupported_pdu_type", 6: "withdrawal_of_unknown_record", 7: "duplicate_announcement", 8: "unexpected_version",
    9: "aspa_provider_list_error", 10: "transport_failed", 11: "ordering_error",
}  # fmt: skip
_HEADER = 8
_FIXED = {SERIAL_NOTIFY: 12, CACHE_RESPONSE: 8, IPV4_PREFIX: 20, IPV6_PREFIX: 32, CACHE_RESET: 8}
_LONGEST = 65_536  # an Error Report holds the PDU it is about and a text; an ASPA its providers
_LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Prefixes:
    """A run of payloads, in the order they came; ``announced`` is false for those withdrawn."""

    vrps: Vrps
    announced: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SerialNotify:
    """There is something new."""

    session: int
    serial: int


@dataclass(frozen=True, slots=True)
class CacheResponse:
    """The payloads that were asked for follow."""

    session: int


@dataclass(frozen=True, slots=True)
class EndOfData:
    """All payloads have come. Intervals are seconds, as sent or (version 0) as RFC 8210 §6 recommends."""

    session: int
    serial: int
    refresh_s: int = 3600
    retry_s: int = 600
    expire_s: int = 7200


@dataclass(frozen=True, slots=True)
class CacheReset:
    """The cache cannot tell what changed: ask for everything."""


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """The cache complains, and closes unless ``code`` is no data. ``version`` is the newest that it speaks."""

    version: int
    code: int
    text: str

    @property
    def reason(self) -> str:
        """The code as a word."""
        return ERROR_CODES.get(self.code, f"error_{self.code}")


@dataclass(frozen=True, slots=True)
class Other:
    """A PDU that Weft has no use for: router keys, ASPA."""

    kind: int


Message: TypeAlias = Prefixes | SerialNotify | CacheResponse | EndOfData | CacheReset | ErrorReport | Other


class RtrStream:
    """What one connection brings. After ``InvalidInput`` nothing can be made of it any more: close it."""

    def __init__(self) -> None:
        self._rest = b""
        self.version: int | None = None
        """That of the first PDU; every later one has the same, errors apart."""

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete now. Raises ``InvalidInput``: the reason is the first word."""
        data, at = self._rest + data, 0
        octets = np.frombuffer(data, np.uint8)
        messages: list[Message] = []
        while len(data) - at >= _HEADER:
            version, kind = data[at], data[at + 1]
            self._check_version(version, kind)
            if kind in (IPV4_PREFIX, IPV6_PREFIX):
                at = self._run(octets, at, version, messages)
                if len(data) - at < _HEADER or data[at + 1] in (IPV4_PREFIX, IPV6_PREFIX):
                    break  # the rest of it is on the way
                continue
            length = int.from_bytes(data[at + 4 : at + 8], "big")
            if not _HEADER <= length <= _LONGEST or length != _FIXED.get(kind, length):
                raise InvalidInput(f"bad_length: a PDU of type {kind} and {length} octets", where="RTR")
            if len(data) - at < length:
                break
            messages.append(_message(version, kind, data[at : at + length]))
            at += length
        self._rest = data[at:]
        return messages

    def _check_version(self, version: int, kind: int) -> None:
        if version > NEWEST_VERSION or (self.version not in (None, version) and kind != ERROR_REPORT):
            raise InvalidInput(f"unexpected_version: version {version}", where="RTR")
        if self.version is None and kind != ERROR_REPORT:
            self.version = version

    def _run(self, octets: NDArray[np.uint8], at: int, version: int, messages: list[Message]) -> int:
        """Take the payloads from ``at`` on; returns where they end."""
        most = (len(octets) - at) // _FIXED[IPV4_PREFIX]
        words, lengths = np.empty((most, 2), np.uint64), np.empty((most, 2), np.uint8)
        asn, announced = np.empty(most, np.uint32), np.empty(most, np.bool_)
        count, end = _prefixes(octets, at, version, words, lengths, asn, announced)
        if end < 0:
            raise InvalidInput("corrupt_data: a prefix PDU whose lengths cannot be", where="RTR")
        if count:
            run = slice(count)
            vrps = Vrps(
                words[run, 0].copy(), words[run, 1].copy(), lengths[run, 0].copy(), lengths[run, 1].copy(), asn[run]
            )
            messages.append(Prefixes(vrps, announced[run]))
        return int(end)


def serial_query(version: int, session: int, serial: int) -> bytes:
    """Ask for what changed since ``serial``."""
    return bytes((version, SERIAL_QUERY)) + session.to_bytes(2, "big") + b"\0\0\0\x0c" + serial.to_bytes(4, "big")


def reset_query(version: int) -> bytes:
    """Ask for everything."""
    return bytes((version, RESET_QUERY)) + b"\0\0\0\0\0\x08"


def _message(version: int, kind: int, pdu: bytes) -> Message:
    session = int.from_bytes(pdu[2:4], "big")
    if kind == SERIAL_NOTIFY:
        return SerialNotify(session, int.from_bytes(pdu[8:12], "big"))
    if kind == CACHE_RESPONSE:
        return CacheResponse(session)
    if kind == CACHE_RESET:
        return CacheReset()
    if kind == END_OF_DATA:
        return _end_of_data(version, session, pdu)
    if kind == ERROR_REPORT:
        return ErrorReport(version, session, _text(pdu))
    if kind in (ROUTER_KEY, ASPA):
        return Other(kind)
    raise InvalidInput(f"unsupported_pdu_type: type {kind}", where="RTR")


def _end_of_data(version: int, session: int, pdu: bytes) -> EndOfData:
    if len(pdu) != (12 if version == 0 else 24):
        raise InvalidInput(f"bad_length: End of Data of {len(pdu)} octets", where="RTR")
    numbers = [int.from_bytes(pdu[at : at + 4], "big") for at in range(8, len(pdu), 4)]
    return EndOfData(session, *numbers)


def _text(pdu: bytes) -> str:
    """The text of an Error Report, fit to be shown; empty where there is none."""
    inner = int.from_bytes(pdu[8:12], "big")
    at = 12 + inner + 4
    if len(pdu) < at:
        return ""
    raw = pdu[at : at + min(int.from_bytes(pdu[at - 4 : at], "big"), _LONGEST_TEXT)]
    return "".join(c if c.isprintable() else " " for c in raw.decode("utf-8", "replace")).strip()


@kernel
def _prefixes(
    data: NDArray[np.uint8], at: int, version: int, words: NDArray[np.uint64], lengths: NDArray[np.uint8],
    asn: NDArray[np.uint32], announced: NDArray[np.bool_],
) -> tuple[int, int]:  # fmt: skip
    """Payload PDUs from ``at`` on, while they are whole and of one version: (how many, where they end or -1)."""
    count = 0
    while at + 8 <= len(data):
        kind = be8(data, at + 1)
        if (kind != 4 and kind != 6) or be8(data, at) != version:
            break
        size = 20 if kind == 4 else 32
        if be32(data, at + 4) != size:
            return count, -1
        if at + size > len(data):
            break
        bits = 32 if kind == 4 else 128
        length, most = be8(data, at + 9), be8(data, at + 10)
        if length > most or most > bits:
            return count, -1
        high, low = np.uint64(0), np.uint64(be32(data, at + 12))
        if kind == 6:
            high = low << np.uint64(32) | np.uint64(be32(data, at + 16))
            low = np.uint64(be32(data, at + 20)) << np.uint64(32) | np.uint64(be32(data, at + 24))
        else:
            low |= np.uint64(0xFFFF00000000)
        low_bits = 32 if kind == 4 else 64
        if kind == 6 and length < 64:  # bits behind the prefix do not count
            high = np.uint64(0) if length == 0 else high >> np.uint64(64 - length) << np.uint64(64 - length)
        inside = length if kind == 4 else max(0, length - 64)
        if inside < low_bits:
            drop = np.uint64(low_bits - inside)
            low = np.uint64(0) if low_bits - inside == 64 else low >> drop << drop
        words[count, 0], words[count, 1] = high, low
        lengths[count, 0], lengths[count, 1] = length, most
        asn[count] = be32(data, at + size - 4)
        announced[count] = be8(data, at + 8) & 1 != 0
        count += 1
        at += size
    return count, at
