"""Ping: round trips of ICMP echoes (RFC 792, RFC 4443), or of TCP handshakes."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import struct
import time

from weft.collect.agent.echo import Echoes, EchoRefused, Unreachable
from weft.collect.agent.lookups import family_of
from weft.collect.agent.outcome import Outcome, failed, not_done, round_trips
from weft.model.synthetics import SyntheticTest

#: ``struct tcp_info`` (linux/tcp.h): where ``tcpi_rtt`` is, microseconds.
_RTT_OFFSET, _TCP_INFO_BYTES = 68, 104
_LINGER_RESET = struct.pack("ii", 1, 0)
#: What says that this machine, and not the target, is at fault.
_OURS = {errno.ENETUNREACH, errno.EPERM, errno.EACCES, errno.EADDRNOTAVAIL, errno.EMFILE, errno.ENFILE, errno.ENOBUFS,
         errno.EINVAL, errno.EMSGSIZE}  # fmt: skip


async def ping(test: SyntheticTest, address: str, echoes: Echoes) -> Outcome:
    """``test.count`` echoes, ``test.interval_ms`` apart."""
    try:
        one = echoes.of(address)
    except EchoRefused as error:
        return not_done(error.message)
    except OSError as error:
        return not_done(f"no ICMP socket: {error.strerror}")
    loop = asyncio.get_running_loop()
    sent: list[asyncio.Future[float]] = []
    began, refused = loop.time(), ""
    try:
        for number in range(test.count):
            if number:
                await asyncio.sleep(max(0.0, began + number * test.interval_ms / 1e3 - loop.time()))
            try:
                sent.append(one.send(address, test.size))
            except OSError as error:
                refused = os.strerror(error.errno) if error.errno else str(error)
        if sent:
            await asyncio.wait(sent, timeout=test.timeout_ms / 1e3)
        return _echoed(test, sent, refused)
    finally:
        for future in sent:
            future.cancel()


def _echoed(test: SyntheticTest, sent: list[asyncio.Future[float]], refused: str) -> Outcome:
    if not sent:
        return not_done(f"cannot be sent: {refused}")
    rtts: list[float | None] = []
    complaint = ""
    for future in sent:
        if not future.done():
            rtts.append(None)
        elif isinstance(error := future.exception(), Unreachable):
            complaint = error.reason
            rtts.append(None)
        else:
            rtt = future.result()
            rtts.append(rtt if rtt <= test.timeout_ms else None)
    fields = round_trips(len(sent), rtts)
    if not fields["received"]:
        return failed(complaint or "no reply", **fields)
    return Outcome(fields=fields)


async def tcp_ping(test: SyntheticTest, address: str, port: int) -> Outcome:
    """``test.count`` handshakes, each ended with a reset at once so that nothing lingers on either side."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    rtts: list[float | None] = []
    complaint, source = "", ""
    for number in range(test.count):
        if number:
            await asyncio.sleep(max(0.0, began + number * test.interval_ms / 1e3 - loop.time()))
        try:
            rtt, source = await handshake(address, port, test.timeout_ms / 1e3)
            rtts.append(rtt)
        except TimeoutError:
            rtts.append(None)
            complaint = complaint or "no answer to the SYN"
        except OSError as error:
            rtts.append(None)
            complaint = os.strerror(error.errno).lower() if error.errno else str(error)
            if error.errno in _OURS:
                return not_done(complaint)
    fields = round_trips(test.count, rtts)
    if source:
        fields["source_address"] = source
    if not fields["received"]:
        return failed(complaint, **fields)
    fields["connect_ms"] = fields["rtt_ms"]
    return Outcome(fields=fields)


async def handshake(address: str, port: int, timeout_s: float) -> tuple[float, str]:
    """(round trip in ms of SYN and SYN-ACK, our address). Raises ``TimeoutError`` or ``OSError``."""
    loop = asyncio.get_running_loop()
    with contextlib.closing(socket.socket(family_of(address), socket.SOCK_STREAM | socket.SOCK_NONBLOCK)) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        began = time.monotonic()
        await asyncio.wait_for(loop.sock_connect(one, (address, port)), timeout_s)
        return tcp_rtt_ms(one, time.monotonic() - began), str(one.getsockname()[0])


def tcp_rtt_ms(one: socket.socket, measured_s: float) -> float:
    """The kernel's own measure of a fresh connection's handshake, which no busy process blurs; else ours."""
    with contextlib.suppress(OSError, AttributeError):
        info = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        (rtt_us,) = struct.unpack_from("=I", info, _RTT_OFFSET)
        if 0 < rtt_us <= measured_s * 1e6:
            return float(rtt_us) / 1e3
    return measured_s * 1e3
