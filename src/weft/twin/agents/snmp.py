"""A simulated SNMP agent: v2c over UDP on loopback, thousands of variables, many agents in one thread.

    agent = SnmpAgent(mib, community="public")
    agent.start()          # agent.port is its UDP port
    agent.delay_s = 0.2    # and other knobs: drop, cache_s, largest, garbage, reboot()
    agent.stop()

``mib`` is called at every request, so what it gives may change at any time; a ``Mib`` is fastest. A variable's value
may be a function of the time: counters move without anyone turning them. ``snmp_mibs.mib_of`` makes a device's MIB.
"""

from __future__ import annotations

import asyncio
import bisect
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from weft.decode.snmp import ber

Oid = tuple[int, ...]
#: What a variable is: tag (of ``weft.decode.snmp.ber``) and value, or a function of the time (UTC seconds).
Variable = tuple[int, ber.Value | Callable[[float], ber.Value]]

_SYS_UPTIME: Final = (1, 3, 6, 1, 2, 1, 1, 3, 0)
_UPTIME_MODULUS: Final = 1 << 32
_LARGEST: Final = 65_507
_MOST_REPETITIONS: Final = 10_000


class Mib:
    """Variables in lexicographic order, encoded as far as they can be ahead of a request."""

    def __init__(self, variables: Mapping[Oid, Variable]) -> None:
        self.variables = variables
        self.oids: list[Oid] = sorted(variables)
        self.names: list[bytes] = [ber.pack_oid(oid) for oid in self.oids]
        self._variables = [variables[oid] for oid in self.oids]
        self._fixed: list[bytes | None] = [
            None if callable(value) else ber.variable(name, tag, value)
            for name, (tag, value) in zip(self.names, self._variables, strict=True)
        ]
        self._rows = {name: row for row, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.oids)

    def row(self, name: bytes) -> int:
        """Row of the variable so called; -1 where there is none."""
        return self._rows.get(name, -1)

    def after(self, name: bytes) -> int:
        """Row of the first variable after that name; the number of rows where there is none."""
        row = self._rows.get(name)
        if row is not None:
            return row + 1
        return bisect.bisect_right(self.oids, ber.unpack_oid(name))

    def encoded(self, row: int, now: float) -> bytes:
        """The variable binding of a row."""
        fixed = self._fixed[row]
        if fixed is not None:
            return fixed
        tag, value = self._variables[row]
        assert callable(value)
        return ber.variable(self.names[row], tag, value(now))


@dataclass
class AgentCounts:
    """What an agent met."""

    requests: int = 0
    answered: int = 0
    dropped: int = 0
    refused: int = 0  # wrong community
    undecodable: int = 0
    too_big: int = 0
    variables: int = 0


class _Loop:
    """One thread with an event loop for all agents of the process; lives as long as an agent does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def acquire(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="weft-agents", daemon=True)
                self._thread.start()
            self._users += 1
            return self._loop

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users or self._loop is None:
                return
            loop = self._loop
            loop.call_soon_threadsafe(lambda: loop.call_soon(loop.stop))  # after what is closing
            assert self._thread is not None
            self._thread.join()
            self._loop.close()
            self._loop = self._thread = None


_LOOP = _Loop()


class SnmpAgent:
    """One agent on one UDP port."""

    def __init__(
        self,
        mib: Callable[[], Mib | Mapping[Oid, Variable]],
        community: str = "public",
        address: str = "127.0.0.1",
        port: int = 0,
        booted: float | None = None,
    ) -> None:
        """An agent that is silent until started. ``booted``: UTC seconds that sysUpTime counts from; none = now."""
        self._mib, self._community = mib, community.encode()
        self.address, self.port = address, port
        self.delay_s = 0.0  # how long every answer takes
        self.drop = 0.0  # share of requests that are not answered, 0–1
        self.cache_s = 0.0  # values are this old at most, and do not move in between: as Net-SNMP's tables
        self.largest = _LARGEST  # octets of an answer; GETBULK answers less, GET says tooBig
        self.cuts = True  # whether GETBULK answers less where it does not all fit; otherwise it says tooBig
        self.garbage: bytes | None = None  # answered to everything
        self.counts = AgentCounts()
        self._booted = time.time() if booted is None else booted
        self._cached_at = 0.0
        self._random = random.Random(port)  # noqa: S311 — not for secrets
        self._made: tuple[int, Mib] | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Open the port."""
        loop = _LOOP.acquire()
        try:
            asyncio.run_coroutine_threadsafe(self._open(loop), loop).result(10)
        except BaseException:
            _LOOP.release()
            raise

    async def _open(self, loop: asyncio.AbstractEventLoop) -> None:
        agent = self

        class Protocol(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                agent._received(data, addr, loop)

        transport, _ = await loop.create_datagram_endpoint(Protocol, local_addr=(self.address, self.port))
        self._transport, self._loop = transport, loop
        self.port = transport.get_extra_info("sockname")[1]

    def stop(self) -> None:
        """Close the port. May be called twice."""
        transport, self._transport = self._transport, None
        if transport is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(transport.close)
            _LOOP.release()

    def reboot(self) -> None:
        """Let sysUpTime begin anew. What the counters do is up to the MIB."""
        self._booted = time.time()
        self._cached_at = 0.0

    @property
    def booted(self) -> float:
        """When it booted, UTC seconds."""
        return self._booted

    def _received(self, data: bytes, addr: tuple[str, int], loop: asyncio.AbstractEventLoop) -> None:
        self.counts.requests += 1
        if self.drop and self._random.random() < self.drop:
            self.counts.dropped += 1
            return
        answer = self.garbage if self.garbage is not None else self.answer(data)
        if answer is None:
            return
        if self.delay_s:
            loop.call_later(self.delay_s, self._send, answer, addr)
        else:
            self._send(answer, addr)

    def _send(self, answer: bytes, addr: tuple[str, int]) -> None:
        if self._transport is not None:
            self.counts.answered += 1
            self._transport.sendto(answer, addr)

    def answer(self, data: bytes) -> bytes | None:
        """The answer to a request; none where an agent says nothing."""
        try:
            message = ber.decode_message(data)
        except ber.BerError:
            self.counts.undecodable += 1
            return None
        if message.community != self._community:
            self.counts.refused += 1
            return None
        pdu, mib, now = message.pdu, self._variables(), self._now()
        names = pdu.varbinds.oids
        if pdu.kind == ber.GET:
            found = [self._get(mib, name, now) for name in names]
        elif pdu.kind == ber.GET_NEXT:
            found = self._bulk(mib, names, now, 1, len(names))
        elif pdu.kind == ber.GET_BULK:
            fixed = max(0, min(pdu.error_status, len(names)))
            found = self._bulk(mib, names[:fixed], now, 1, fixed)
            repetitions = max(0, min(pdu.error_index, _MOST_REPETITIONS))
            found += self._bulk(mib, names[fixed:], now, repetitions, len(names) - fixed)
        else:
            return None
        return self._encoded(message, found, bulk=pdu.kind == ber.GET_BULK)

    def _variables(self) -> Mib:
        given = self._mib()
        if isinstance(given, Mib):
            return given
        if self._made is None or self._made[0] != id(given):
            self._made = (id(given), Mib(given))
        return self._made[1]

    def _now(self) -> float:
        now = time.time()
        if not self.cache_s:
            return now
        if now - self._cached_at > self.cache_s:
            self._cached_at = now
        return self._cached_at

    def _variable(self, mib: Mib, row: int, now: float) -> bytes:
        if mib.oids[row] == _SYS_UPTIME:
            hundredths = int((time.time() - self._booted) * 100) % _UPTIME_MODULUS
            return ber.variable(mib.names[row], ber.TIMETICKS, hundredths)
        return mib.encoded(row, now)

    def _get(self, mib: Mib, name: bytes, now: float) -> bytes:
        row = mib.row(name)
        return ber.variable(name, ber.NO_SUCH_INSTANCE, None) if row < 0 else self._variable(mib, row, now)

    def _bulk(self, mib: Mib, names: list[bytes], now: float, repetitions: int, columns: int) -> list[bytes]:
        """Variables after ``names``, column by column in each repetition, until the answer is full."""
        try:
            rows = [mib.after(name) for name in names]
        except ber.BerError:
            rows = [len(mib)] * columns
        found: list[bytes] = []
        size, last = 0, len(mib)
        for _ in range(repetitions):
            for column, row in enumerate(rows):
                if row < last:
                    variable = self._variable(mib, row, now)
                    names[column] = mib.names[row]
                    rows[column] = row + 1
                else:
                    variable = ber.variable(names[column], ber.END_OF_MIB_VIEW, None)
                found.append(variable)
                size += len(variable)
            if size > self.largest or all(row >= last for row in rows):
                break
        return found

    def _encoded(self, message: ber.Message, found: list[bytes], *, bulk: bool) -> bytes:
        room = self.largest - 64 - len(message.community)
        status = 0
        size = sum(map(len, found))
        if size > room and bulk and self.cuts:
            while found and size > room:
                size -= len(found.pop())
        if size > room or (bulk and not found and message.pdu.varbinds.oids):
            found, status = [], ber.TOO_BIG
            self.counts.too_big += 1
        self.counts.variables += len(found)
        head = ber.integer(message.pdu.request_id) + ber.integer(status) + ber.integer(0)
        pdu = ber.tlv(ber.RESPONSE, head + ber.tlv(ber.SEQUENCE, b"".join(found)))
        return ber.encode_message(message.version, message.community, pdu)
