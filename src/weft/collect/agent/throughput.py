r"""Throughput between agents: one TCP connection, bytes sent for a while at no more than a rate, counted at the end.

    → {"weft": 1, "agent": "a", "seconds": 5.0}\\n
    ← {"go": true}\\n            or {"go": false, "why": "busy"}
    → bytes …, and the end of our half of the connection
    ← {"bytes": 62500000, "seconds": 5.002}\\n

The rate is kept by the kernel (``SO_MAX_PACING_RATE``), so that no burst fills a queue. Who answers throws everything
away; it takes one test at a time, of those it knows, for as long as was said.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import json
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog

from weft.collect.agent.config import ThroughputConfig
from weft.collect.agent.lookups import family_of
from weft.collect.agent.outcome import Outcome, failed, not_done
from weft.errors import Unavailable
from weft.model.synthetics import SyntheticTest

log = structlog.get_logger(__name__)

_SO_MAX_PACING_RATE = 47
_BLOCK = os.urandom(1 << 18)  # what nothing on the way can compress
_MOST_LINE = 512
_GRACE_S = 5.0
_BUSY = "busy with another test"
_LONGEST_S = 60.0
_MOST_CONNECTIONS = 16


class Busy(Exception):
    """The other agent is at another test; it may be free soon."""


def send(test: SyntheticTest, name: str, address: str, port: int, most_bps: float) -> Outcome:
    """Blocking, for a thread of its own: send to the agent at ``address`` for ``test.duration_s``. Raises ``Busy``."""
    rate = min(test.most_bps, most_bps)
    try:
        with socket.create_connection((address, port), timeout=test.timeout_ms / 1e3) as one:
            one.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, min(int(rate / 8), (1 << 32) - 1))
            source = str(one.getsockname()[0])
            hello = {"weft": 1, "agent": name, "seconds": test.duration_s}
            one.sendall(json.dumps(hello).encode() + b"\n")
            said = _line(one, time.monotonic() + test.timeout_ms / 1e3)
            if said.get("go") is not True and said.get("why") == _BUSY:
                raise Busy
            if said.get("go") is not True:
                return not_done(f"the other agent refuses: {str(said.get('why', 'no reason given'))[:100]}")
            _pour(one, test.duration_s, rate)
            one.shutdown(socket.SHUT_WR)
            result = _line(one, time.monotonic() + test.duration_s + _GRACE_S)
    except (TimeoutError, ValueError) as error:
        return failed(str(error) or "timed out", address=address)
    except OSError as error:
        return failed(os.strerror(error.errno).lower() if error.errno else str(error), address=address)
    count, seconds = result.get("bytes"), result.get("seconds")
    if not (
        isinstance(count, int) and isinstance(seconds, int | float)
        and 0 <= count < 1 << 62 and 0 < seconds <= test.duration_s + _LONGEST_S
    ):  # fmt: skip
        return failed("the other agent's result is not one", address=address)
    fields = {"address": address, "source_address": source, "sent": 1, "received": 1, "bytes": count,
              "throughput_bps": count * 8 / seconds, "transfer_ms": seconds * 1e3}  # fmt: skip
    return Outcome(fields=fields)


def _pour(one: socket.socket, seconds: float, rate: float) -> None:
    """Send until the time is over. What is written at once stays small beside the rate, so that it ends in time."""
    block = memoryview(_BLOCK)[: max(1448, min(len(_BLOCK), int(rate / 8 * 0.05)))]
    began = time.monotonic()
    one.settimeout(seconds + _GRACE_S)
    sent = 0
    while (now := time.monotonic()) < began + seconds:
        ahead_s = sent * 8 / rate - (now - began)
        if ahead_s > 0.1:  # the send buffer would take more than the rate lets out
            time.sleep(ahead_s - 0.05)
            continue
        sent += one.send(block)


def _line(one: socket.socket, deadline: float) -> dict[str, Any]:
    """One line of JSON, an object. Raises ``TimeoutError``, ``OSError``, or ``ValueError``."""
    text = b""
    while not text.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the other agent does not answer")
        one.settimeout(left)
        more = one.recv(_MOST_LINE - len(text))
        if not more:
            raise ValueError("the other agent ended the connection")
        text += more
        if len(text) >= _MOST_LINE:
            raise ValueError("the other agent does not speak our protocol")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("the other agent does not speak our protocol") from None
    if not isinstance(said, dict):
        raise ValueError("the other agent does not speak our protocol")
    return said


class ThroughputServer:
    """Answers other agents. A connection that says nothing is a TCP ping: it is let be and ended."""

    def __init__(self, config: ThroughputConfig, peers: Callable[[], set[str]]) -> None:
        self._config, self._peers = config, peers
        self._listeners: list[socket.socket] = []
        self._thread: threading.Thread | None = None
        self._done = threading.Event()
        self._busy = threading.Lock()
        self._connections = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        self.port = 0
        self.counts = {"tests": 0, "refused": 0, "bytes": 0}

    def start(self) -> None:
        """Listen. Raises ``Unavailable`` where the port is taken."""
        if self._config.port is None:
            return
        wanted = ["::", "0.0.0.0"] if self._config.address is None else [str(self._config.address)]  # noqa: S104
        try:
            for address in wanted:
                try:
                    self._listeners.append(_listening(address, self.port or self._config.port))
                except OSError as error:
                    if len(wanted) == 1 or error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                        raise
                    continue
                self.port = self._listeners[-1].getsockname()[1]
        except OSError as error:
            self.stop()
            said = os.strerror(error.errno or 0).lower()
            raise Unavailable(said, where=f"agent.throughput.port {self._config.port}") from None
        self._thread = threading.Thread(target=self._accept, name="agent-throughput", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening. A test under way ends by itself, soon."""
        self._done.set()
        if self._thread is not None:
            self._thread.join(2)
            self._thread = None
        while self._listeners:
            self._listeners.pop().close()

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            for listener in self._listeners:
                selector.register(listener, selectors.EVENT_READ)
            while not self._done.is_set():
                for key, _ in selector.select(0.5):
                    try:
                        one, sender = key.fileobj.accept()  # type: ignore[union-attr]
                    except OSError:
                        time.sleep(0.05)  # no file descriptor left: not a reason to spin
                        continue
                    if not self._connections.acquire(blocking=False):
                        one.close()
                        continue
                    threading.Thread(target=self._serve, args=(one, sender[0]), daemon=True).start()

    def _serve(self, one: socket.socket, sender: str) -> None:
        try:
            with contextlib.closing(one), contextlib.suppress(OSError, ValueError):
                self._test(one, sender)
        finally:
            self._connections.release()

    def _test(self, one: socket.socket, sender: str) -> None:
        asked = _line(one, time.monotonic() + _GRACE_S)
        seconds = asked.get("seconds")
        if not self.allows(sender):
            why = "this agent does not know you"
        elif asked.get("weft") != 1 or not isinstance(seconds, int | float) or not 0 < seconds <= _LONGEST_S:
            why = "not a test that is known here"
        elif not self._busy.acquire(blocking=False):
            why = _BUSY
        else:
            try:
                self._take(one, seconds)
            finally:
                self._busy.release()
            return
        self.counts["refused"] += 1
        one.sendall(json.dumps({"go": False, "why": why}).encode() + b"\n")

    def _take(self, one: socket.socket, seconds: float) -> None:
        one.settimeout(_GRACE_S)
        one.sendall(b'{"go": true}\n')
        space = memoryview(bytearray(1 << 18))
        count, first = 0, 0.0
        last = deadline = time.monotonic()
        deadline += seconds + 2 * _GRACE_S
        while not self._done.is_set() and last < deadline:
            got = one.recv_into(space)
            last = time.monotonic()
            if not got:
                break
            first = first or last
            count += got
        self.counts["tests"] += 1
        self.counts["bytes"] += count
        took = max(last - first, 1e-6) if first else 1e-6
        one.sendall(json.dumps({"bytes": count, "seconds": took}).encode() + b"\n")

    def allows(self, sender: str) -> bool:
        """Whether a test may come from there."""
        one = ipaddress.ip_address(sender.partition("%")[0])
        mapped = getattr(one, "ipv4_mapped", None)
        one = mapped or one
        return str(one) in self._peers() or any(
            one.version == network.version and one in network for network in self._config.allowed
        )


def _listening(address: str, port: int) -> socket.socket:
    one = socket.socket(family_of(address), socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if one.family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind((address, port))
        one.listen(_MOST_CONNECTIONS)
    except BaseException:
        one.close()
        raise
    return one
