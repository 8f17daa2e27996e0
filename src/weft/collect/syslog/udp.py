"""One UDP socket: emptied many datagrams at a time, each sender held to its allowance."""

from __future__ import annotations

import os
import select
import socket
import threading
import time

import numpy as np
import structlog

from weft.collect.config import ListenerConfig
from weft.collect.intake.book import SourceBook
from weft.collect.receive import receiver_for
from weft.collect.slab import Slab, sources
from weft.collect.sockets import KernelCounters, open_listener
from weft.collect.syslog.config import SyslogConfig, SyslogListenerConfig
from weft.collect.syslog.queue import Batch, MessageQueue
from weft.collect.syslog.senders import Account, Senders
from weft.decode.syslog import datagram
from weft.errors import Unavailable

log = structlog.get_logger(__name__)

UDP = 1  # model.logs.LOG_SOURCES
_ROWS = 1024
_MOST_SLABS = 64  # before counters are looked at and a stop is noticed
_NAP_S = 0.01
_COUNTERS_S = 1.0


class UdpListener:
    """Receives in a thread of its own. ``open`` first (may raise), then ``start``, then ``stop``."""

    def __init__(
        self, settings: SyslogListenerConfig, config: SyslogConfig, senders: Senders, queue: MessageQueue,
        book: SourceBook,
    ) -> None:  # fmt: skip
        self._settings, self._config = settings, config
        self._senders, self._queue, self._book = senders, queue, book
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._sock: socket.socket | None = None
        self.port = settings.port

    def open(self) -> None:
        """Bind. Raises ``Unavailable``."""
        settings = ListenerConfig(port=self._settings.port, address=self._settings.address)
        try:
            self._sock = open_listener(settings, self._config.receive_buffer)
        except Unavailable as error:
            raise Unavailable(error.what, where="syslog.listeners", fix=error.fix) from error.__cause__
        self.port = self._sock.getsockname()[1]
        self._wake_read, self._wake_write = os.pipe()

    def start(self) -> None:
        """Begin to receive."""
        self._thread = threading.Thread(target=self._run, name=f"weft-syslog-udp-{self.port}", daemon=True)
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

    def _run(self) -> None:
        assert self._sock is not None
        slab, receiver = Slab(_ROWS), receiver_for(self._sock)
        receiver.prepare(slab)
        kernel, looked = KernelCounters(self._sock), 0.0
        poll = select.poll()
        poll.register(self._sock.fileno(), select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        last, got = False, 0
        while not last:
            last = self._stopping.is_set()
            if not last:
                poll.poll(_COUNTERS_S * 1000)
            try:
                for _ in range(_MOST_SLABS):
                    got = receiver.receive(slab, 0)
                    if not got:
                        break
                    self._hand_over(slab, got)
                    slab.reset()
                    receiver.prepare(slab)
            except Exception:  # a listener that ends would be silent loss; errors here pass (ENOBUFS, ENOMEM)
                log.exception("syslog_listener_failed", port=self.port)
                self._stopping.wait(0.5)
            if time.monotonic() - looked >= _COUNTERS_S or last:
                looked = time.monotonic()
                if dropped := kernel.read():
                    self._book.error("kernel_dropped", "the kernel's receive buffer was full", count=dropped)
            if not last and not got:
                time.sleep(_NAP_S)  # let more come: fewer, larger batches cost less per message

    def _hand_over(self, slab: Slab, got: int) -> None:
        assert self._sock is not None
        addresses, _ = sources(slab.names[:got], self._sock.family == socket.AF_INET)
        unique, row_sender, counts = np.unique(addresses, axis=0, return_inverse=True, return_counts=True)
        now = time.monotonic()
        accounts: list[Account | None] = []
        granted: list[int] = []
        for one, wanted in zip(unique, counts.tolist(), strict=True):
            account = self._senders.account(one.tobytes())
            allowed = account.admit(wanted, now) if account is not None else 0
            if account is None:
                self._book.error("not_allowed", "senders outside syslog.allowed_senders", count=wanted)
            elif allowed < wanted:
                account.book.error("over_quota", "more messages than its quota", count=wanted - allowed)
            accounts.append(account)
            granted.append(allowed)
        batch = Batch(UDP)
        view = slab.data.data
        longest, received = self._config.longest_message, slab.received_ns[:got].tolist()
        starts, lengths = slab.start[:got].tolist(), slab.length[:got].tolist()
        for row, who in enumerate(np.ravel(row_sender).tolist()):
            if granted[who] <= 0:
                continue
            granted[who] -= 1
            account = accounts[who]
            assert account is not None
            message = datagram(bytes(view[starts[row] : starts[row] + lengths[row]]))
            if len(message) > longest:
                account.book.error("oversize", "messages longer than longest_message were cut")
                message = message[:longest]
            batch.messages.append(message)
            batch.received_ns.append(received[row])
            batch.accounts.append(account)
        for account in self._queue.put(batch):
            account.book.error("queue_full", "the decoder was behind")
