"""One UDP listener: a thread that empties its socket into slabs and hands them to the queue."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import structlog

from weft.collect import kernels
from weft.collect.admission import Admission
from weft.collect.config import CollectConfig, ListenerConfig
from weft.collect.queue import DatagramQueue, Item
from weft.collect.receive import Receiver, receiver_for
from weft.collect.slab import Slab, SlabPool, sources
from weft.collect.sockets import KernelCounters, open_listener
from weft.decode.datagrams import DatagramBatch

log = structlog.get_logger(__name__)

#: The fastest a sender on a fast link fills a socket buffer: how long a nap may be is worked out from it.
_WORST_BYTES_PER_S = 1 << 30
_LONGEST_NAP_S = 0.02
#: A slab less full than this is copied out rather than queued whole, so that quiet links do not tie up slabs.
_COPY_BELOW = 1 / 8


@dataclass(slots=True)
class ListenerStatus:
    """One socket. Counts since start."""

    address: str
    port: int
    datagrams: int = 0
    octets: int = 0
    calls: int = 0  # receive calls that brought at least one datagram
    kernel_drops: int | None = 0  # None: this machine does not tell
    kernel_waiting: int = 0  # bytes in the socket buffer, kernel overhead included
    receive_buffer: int = 0  # bytes granted


class Listener:
    """Receives on one socket in a thread of its own. ``open`` first (may raise), then ``start``, then ``stop``."""

    def __init__(
        self,
        config: ListenerConfig,
        collect: CollectConfig,
        admission: Admission,
        queue: DatagramQueue,
        pool: SlabPool,
        receiver: Callable[[socket.socket], Receiver] = receiver_for,
    ) -> None:
        self._config, self._collect = config, collect
        self._admission, self._queue, self._pool, self._make_receiver = admission, queue, pool, receiver
        self._stopping = threading.Event()
        self._flushed: threading.Event | None = None  # set it once the socket is empty and its content queued
        self._flushing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._sock: socket.socket | None = None
        self._kernel: KernelCounters | None = None
        self._status = ListenerStatus(str(config.address or "*"), config.port)

    def open(self) -> None:
        """Bind. Raises ``Unavailable``."""
        self._sock = open_listener(self._config, self._collect.receive_buffer)
        self._kernel = KernelCounters(self._sock)
        self._status.port = self._sock.getsockname()[1]
        self._status.receive_buffer = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)

    def start(self) -> None:
        """Begin to receive."""
        self._thread = threading.Thread(target=self._run, name=f"weft-udp-{self._status.port}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take what already waits in the socket, then close it."""
        self._stopping.set()
        if self._thread is not None:
            os.write(self._wake_write, b"x")
            self._thread.join()
            self._thread = None
        if self._sock is not None:
            self._sock.close()
            self._sock = None
            os.close(self._wake_read)
            os.close(self._wake_write)

    def flush(self, timeout_s: float) -> None:
        """Wait until what the socket holds now is in the queue."""
        with self._flushing:
            if self._thread is None:
                return
            flushed = self._flushed = threading.Event()
            os.write(self._wake_write, b"x")
            flushed.wait(timeout_s)

    @property
    def port(self) -> int:
        """The bound port."""
        return self._status.port

    def status(self) -> ListenerStatus:
        """Counters now; reads the kernel's."""
        if self._kernel is not None and self._sock is not None:
            self._kernel.read()
            self._status.kernel_drops = self._kernel.dropped if self._kernel.supported else None
            self._status.kernel_waiting = self._kernel.waiting
        return self._status

    def _run(self) -> None:
        assert self._sock is not None
        receiver = self._make_receiver(self._sock)
        poll = select.poll()
        poll.register(self._sock.fileno(), select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        while not self._stopping.is_set():
            try:
                self._receive_until_stopped(receiver, poll)
            except Exception:  # a listener that ends would be silent loss; errors here are transient (ENOBUFS, ENOMEM)
                log.exception("listener_failed", port=self._status.port)
                self._stopping.wait(0.5)
        self._drain(receiver)
        if self._flushed is not None:
            self._flushed.set()

    def _receive_until_stopped(self, receiver: Receiver, poll: select.poll) -> None:
        wait_s = self._collect.receive_ms / 1000
        nap_s = min(_LONGEST_NAP_S, wait_s / 4, self._status.receive_buffer / 2 / _WORST_BYTES_PER_S)
        slab, filled, first_at = self._take(receiver), 0, 0.0
        while not self._stopping.is_set():
            patience = None if not filled else max(0.0, first_at + wait_s - time.monotonic()) * 1000
            ready, got = poll.poll(patience), 0
            flushed = self._flushed
            if ready and not self._stopping.is_set():
                got = receiver.receive(slab, filled)
                self._status.calls += got > 0
                first_at = first_at if filled else time.monotonic()
                filled += got
                if filled < slab.rows and got < slab.rows // 4 and flushed is None:
                    time.sleep(nap_s)  # let the kernel collect more: fewer calls, less CPU per datagram
            is_due = flushed is not None or time.monotonic() - first_at >= wait_s
            if filled == slab.rows or (filled and is_due):
                self._hand_over(slab, filled)
                slab, filled = self._take(receiver), 0
            if flushed is not None and not got:
                self._woken(flushed)
        if filled:
            self._hand_over(slab, filled)

    def _woken(self, flushed: threading.Event) -> None:
        """The socket is empty: whoever waits for that may go on."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 4096)  # before anyone can ask again
        self._flushed = None
        flushed.set()

    def _drain(self, receiver: Receiver) -> None:
        """Hand over what the kernel still holds, at most one buffer full."""
        most = max(1, self._status.receive_buffer // self._collect.receive_rows // 512)
        for _ in range(most):
            slab = self._take(receiver)
            got = receiver.receive(slab, 0)
            if not got:
                return
            self._hand_over(slab, got)

    def _take(self, receiver: Receiver) -> Slab:
        slab = self._pool.take()
        receiver.prepare(slab)
        return slab

    def _hand_over(self, slab: Slab, filled: int) -> None:
        """Let the datagrams through admission and queue them."""
        assert self._sock is not None
        source, port = sources(slab.names[:filled], self._sock.family == socket.AF_INET)
        batch = DatagramBatch(
            slab.data, slab.start[:filled], slab.length[:filled], source, port, slab.received_ns[:filled]
        )
        self._status.datagrams += filled
        self._status.octets += int(batch.length.sum())
        admitted = self._admission.admit(batch)
        if admitted is None:
            self._pool.give(slab)
        elif len(admitted.batch) < slab.rows * _COPY_BELOW:
            admitted.batch = compact(admitted.batch)
            self._queue.put(Item(admitted.batch, admitted))
            self._pool.give(slab)
        else:
            self._queue.put(Item(admitted.batch, admitted, slab))


def compact(batch: DatagramBatch) -> DatagramBatch:
    """The same datagrams in memory of their own, as tightly as they fit."""
    data = np.empty(int(batch.length.sum()), np.uint8)
    start = np.empty(len(batch), np.int64)
    kernels.copy_datagrams(batch.data, batch.start, batch.length, data, start)
    return DatagramBatch(data, start, batch.length.copy(), batch.source, batch.source_port, batch.received_ns.copy())
