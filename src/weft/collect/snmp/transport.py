"""The sockets that questions leave by and answers come back to: one for each address family, for all devices.

An answer is told by its request id (v2c) or message id (v3), which are random, and must come from where the question
went. What fits nothing is counted under the sender it came from. Belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from weft.decode.snmp import ber, v3

#: Asked for; the kernel may grant less.
_BUFFER = 8 << 20


@dataclass(slots=True)
class Answer:
    """A message that came back: decoded as far as it is without keys."""

    message: ber.Message | v3.MessageV3
    data: bytes
    received_ns: int
    rtt_s: float


@dataclass(slots=True)
class _Pending:
    endpoint: tuple[str, int]
    future: asyncio.Future[Answer]
    sent: float


class Transport:
    """Sends requests and hands answers to whoever waits for them."""

    def __init__(self) -> None:
        self._pending: dict[int, _Pending] = {}
        self._sockets: dict[int, asyncio.DatagramTransport] = {}
        self._opening = asyncio.Lock()
        self.strays: Counter[str] = Counter()  # by reason
        #: Who to tell of an answer that is wrong, by the endpoint it came from.
        self.complaints: dict[tuple[str, int], Callable[[str], None]] = {}

    def new_id(self) -> int:
        """A random id that no request has now."""
        while (one := secrets.randbits(31)) in self._pending or one == 0:
            pass
        return one

    async def send(
        self, data: bytes, request_id: int, endpoint: tuple[str, int], future: asyncio.Future[Answer]
    ) -> None:
        """Send a request; its answer goes to ``future``. Raises ``OSError`` where there is no way to it."""
        sender = await self._socket(socket.AF_INET6 if ":" in endpoint[0] else socket.AF_INET)
        self._pending[request_id] = _Pending(endpoint, future, time.perf_counter())
        sender.sendto(data, endpoint)

    def forget(self, request_id: int) -> None:
        """Nobody waits for this answer any more."""
        self._pending.pop(request_id, None)

    async def _socket(self, family: int) -> asyncio.DatagramTransport:
        async with self._opening:
            if family not in self._sockets:
                loop = asyncio.get_running_loop()
                opened = socket.socket(family, socket.SOCK_DGRAM)
                with contextlib.suppress(OSError):
                    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
                opened.setblocking(False)
                opened.bind(("", 0))
                made, _ = await loop.create_datagram_endpoint(lambda: _Receiver(self), sock=opened)
                self._sockets[family] = made
            return self._sockets[family]

    def close(self) -> None:
        """Close the sockets."""
        for one in self._sockets.values():
            one.close()
        self._sockets.clear()

    def received(self, data: bytes, endpoint: tuple[str, int]) -> None:
        """A datagram came."""
        now_ns, now = time.time_ns(), time.perf_counter()
        try:
            if ber.message_version(data) == ber.VERSION_3:
                secured = v3.decode(data)
                message: ber.Message | v3.MessageV3 = secured
                request_id = secured.message_id
            else:
                plain = ber.decode_message(data)
                message, request_id = plain, plain.pdu.request_id
        except ber.BerError:
            self._stray("decode", endpoint)
            return
        pending = self._pending.get(request_id)
        if pending is None:
            self._stray("late_or_unasked", endpoint)
        elif pending.endpoint != endpoint:
            self._stray("other_address", pending.endpoint)
        else:
            del self._pending[request_id]
            if not pending.future.done():
                pending.future.set_result(Answer(message, data, now_ns, now - pending.sent))

    def _stray(self, reason: str, endpoint: tuple[str, int]) -> None:
        self.strays[reason] += 1
        tell = self.complaints.get(endpoint)
        if tell is not None:
            tell(reason)


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.received(data, (addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """An ICMP error does not say of which request it is: the request runs into its timeout."""
