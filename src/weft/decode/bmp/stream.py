"""One router's BMP stream: octets as they arrive to messages."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from weft.decode.bgp.codes import HEADER, UPDATE
from weft.decode.bgp.nlri import is_read
from weft.decode.bgp.paths import Paths
from weft.decode.bgp.routes import Routes
from weft.decode.bgp.update import AddPath, decode_update, decode_updates
from weft.decode.bmp.frames import COMMON, PER_PEER, ROUTE_MONITORING, cut
from weft.decode.bmp.messages import BmpMessage, Monitoring, PeerDown, PeerKey, PeerUp
from weft.decode.bmp.peers import PeerHeader, read_header
from weft.decode.bmp.rare import INITIATION, KINDS, TERMINATION, agreement, read_rare
from weft.errors import InvalidInput

_FRAMES = 1 << 14  # messages that are cut at once
_PEERS = 1 << 16  # sessions of one router whose agreements are kept
_STAMP = COMMON + PER_PEER - 8  # where a message's time stamp lies
_BODY = COMMON + PER_PEER
_MARKER = b"\xff" * 16


class BmpStream:
    """State of one TCP connection: what is not yet a whole message, and what each peer's session agreed on."""

    def __init__(self, paths: Paths, *, max_message: int = 1 << 20) -> None:
        """``paths`` is shared by all streams of a process; a message longer than ``max_message`` is framing lost."""
        self.errors: Counter[str] = Counter()  # reason → messages; the caller takes and clears them
        self._paths = paths
        self._longest = max_message
        self._rest = b""
        self._add_path: dict[tuple[PeerKey, bool], AddPath] = {}
        self._start = np.empty(_FRAMES + 1, np.int64)
        self._kind = np.empty(_FRAMES, np.uint8)
        self._same = np.empty(_FRAMES, np.bool_)

    def feed(self, data: bytes, now_ns: int) -> list[BmpMessage]:
        """Messages that are whole by now, in order; those that say no time have ``now_ns``.

        Raises ``InvalidInput`` where the framing is lost (version, length): the caller closes the connection.
        """
        octets = self._rest + data if self._rest else data
        array = np.frombuffer(octets, np.uint8)
        found: list[BmpMessage] = []
        at, held = 0, True
        while held:
            count, stop, held = cut(array, at, self._longest, self._start, self._kind, self._same)
            self._read(octets, array, count, found, now_ns)
            at = stop
            if not held:
                self._rest = b""
                raise InvalidInput(
                    "not BMP version 3 or a message out of bounds", where=f"octet {at}", fix="Is the peer a BMP router?"
                )
            if count < _FRAMES:
                break
        self._rest = octets[at:]
        return found

    def close(self) -> int:
        """The connection ended: octets of a message that was cut off (0 = clean)."""
        rest = len(self._rest)
        self._rest = b""
        return rest

    def _read(self, octets: bytes, array: NDArray[np.uint8], count: int, found: list[BmpMessage], now_ns: int) -> None:
        """The messages that were cut: a run of Route Monitoring of one peer at once, others one by one."""
        if not count:
            return
        begins = np.flatnonzero(~self._same[:count])
        for first, last in zip(begins.tolist(), [*begins[1:].tolist(), count], strict=True):
            start, end = int(self._start[first]), int(self._start[first + 1])
            kind = int(self._kind[first])
            try:
                if kind != ROUTE_MONITORING:
                    self._rare(kind, octets[start:end], found, now_ns)
                elif last - first > 1 or _is_one_update(octets, start, end):
                    found.append(self._run(octets, array, first, last, now_ns))
                else:
                    found.append(self._several(octets[start:end], now_ns))
            except InvalidInput as error:
                self.errors[error.what] += 1

    def _rare(self, kind: int, message: bytes, found: list[BmpMessage], now_ns: int) -> None:
        header = None
        if kind not in (INITIATION, TERMINATION):
            if len(message) < _BODY:
                raise InvalidInput("short_message")
            header = read_header(message, COMMON, now_ns)
        try:
            one = read_rare(kind, header, message[COMMON if header is None else _BODY :])
        except InvalidInput:
            raise InvalidInput(f"malformed_{KINDS[kind]}") from None
        if one is None:
            self.errors["unknown_type"] += 1
            return
        if isinstance(one, PeerUp):
            if len(self._add_path) >= _PEERS:
                raise InvalidInput("too_many_peers")
            for is_out in (False, True):
                ids = agreement(one, is_out=is_out)[1]
                self._add_path[one.peer, is_out] = frozenset(pair for pair in ids if is_read(pair))
        elif isinstance(one, PeerDown):
            for is_out in (False, True):
                self._add_path.pop((one.peer, is_out), None)
        found.append(one)

    def _run(self, octets: bytes, array: NDArray[np.uint8], first: int, last: int, now_ns: int) -> Monitoring:
        """Messages of one UPDATE each, all of the same peer and table."""
        header = read_header(octets, int(self._start[first]) + COMMON, now_ns)
        starts = self._start[first:last]
        routes, numbers = decode_updates(
            array, starts + (_BODY + HEADER), self._start[first + 1 : last + 1], as4=header.as4,
            add_path=self._agreed(header), paths=self._paths,
        )  # fmt: skip
        return Monitoring(*header.about, routes, _stamps(array, starts, now_ns)[numbers], last - first)

    def _several(self, message: bytes, now_ns: int) -> Monitoring:
        """A message that does not hold exactly one UPDATE: those that it does hold. TLVs may follow (path marking)."""
        if len(message) < _BODY:
            raise InvalidInput("short_message")
        header = read_header(message, COMMON, now_ns)
        parts, at = [], _BODY
        while message[at : at + 16] == _MARKER and at + HEADER <= len(message):
            length = int.from_bytes(message[at + 16 : at + 18], "big")
            if length < HEADER or at + length > len(message):
                break
            if message[at + 18] == UPDATE:
                body = message[at + HEADER : at + length]
                parts.append(decode_update(body, as4=header.as4, add_path=self._agreed(header), paths=self._paths))
            at += length
        routes = Routes.concat(parts)
        if not parts:
            routes.errors["not_an_update"] += 1
        return Monitoring(*header.about, routes, np.full(len(routes), header.time_ns))

    def _agreed(self, header: PeerHeader) -> AddPath:
        return self._add_path.get((header.key, header.is_out), frozenset())


def _is_one_update(octets: bytes, start: int, end: int) -> bool:
    message = start + _BODY
    return (
        end - message >= HEADER
        and int.from_bytes(octets[message + 16 : message + 18], "big") == end - message
        and octets[message + 18] == UPDATE
    )


def _stamps(array: NDArray[np.uint8], starts: NDArray[np.int64], now_ns: int) -> NDArray[np.int64]:
    """The time stamps of messages, UTC nanoseconds; ``now_ns`` where there is none."""
    words = array[starts[:, None] + np.arange(_STAMP, _STAMP + 8)].view(">u4").astype(np.int64)
    times = words[:, 0] * 1_000_000_000 + words[:, 1] * 1_000
    return np.where(words[:, 0] == 0, now_ns, times)
