"""Who may put what into the queue: senders told apart, garbage turned away early, the queue's memory shared fairly.

One ``Admission`` serves all listeners. Its ledger counts every datagram that came in, by sender and outcome.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

import numpy as np
from numpy.typing import NDArray

from weft.collect import kernels
from weft.collect.kernels import OK, Reason
from weft.decode.datagrams import DatagramBatch
from weft.model.addresses import address_text

#: A sender may hold this many times what is still free: one alone 8/9 of the queue, each of two 8/17, and so on.
_SHARE = 8
#: New senders entered per batch; the rest of a flood of invented addresses goes to the shared account.
_NEW_PER_BATCH = 64
#: Datagrams per second that a broken sender may still have decoded, so that its recovery is noticed.
_TRICKLE = 100
#: Malformed datagrams per second from which on a sender can be called broken; below it costs nothing to decode them.
_BROKEN_AT_LEAST = 500
_OTHERS = 0


@dataclass(slots=True)
class Admitted:
    """Datagrams that may be decoded, and the sender account of each."""

    batch: DatagramBatch
    slot: NDArray[np.int32]
    charged: int


@dataclass(slots=True)
class SenderStatus:
    """One sender as the listeners see it. Counts since start."""

    address: str
    port: int
    datagrams: int
    octets: int
    dropped: dict[str, int] = field(default_factory=dict)  # by reason
    broken: bool = False
    last_seen_ns: int = 0


class Admission:
    """Accounts of senders and of the queue's memory. Safe to use from all listener threads and the decode thread."""

    def __init__(
        self,
        *,
        queue_bytes: int,
        max_senders: int,
        allowed: tuple[IPv4Network | IPv6Network, ...] = (),
        quota: int = 0,
        broken_share: float = 0.9,
    ) -> None:
        self._capacity, self._quota, self._broken_share = queue_bytes, quota, broken_share
        self._allowed_networks = tuple(_mapped(network) for network in allowed)
        self._lock = threading.Lock()
        size = max_senders + 1
        self._size, self._count, self._garbage = size, 1, 0
        self._free_slots: list[int] = []
        self._buckets = np.full(1 << (4 * size - 1).bit_length(), -1, np.int32)
        self._key = np.zeros((size, 2), np.uint64)
        self._port = np.zeros(size, np.uint16)
        self._used = np.zeros(size, bool)
        self._known = np.zeros(size, bool)
        self._allowed = np.ones(size, np.uint8)
        self._throttle = np.full(size, OK, np.uint8)
        self._tokens = np.zeros(size, np.int64)
        self._seen = np.zeros(size, np.int64)
        self._octets = np.zeros(size, np.int64)
        self._dropped = np.zeros((size, len(Reason)), np.int64)
        self._queued = np.zeros(size, np.int64)
        self._last_ns = np.zeros(size, np.int64)
        self._decoded = np.zeros(size, np.int64)  # in this second
        self._fruitful = np.zeros(size, np.int64)  # in this second
        self.used_bytes = 0
        if allowed:  # the shared account is of senders that nobody vouched for
            self._allowed[_OTHERS] = 0
        if quota:
            self._throttle[_OTHERS], self._tokens[_OTHERS] = Reason.OVER_QUOTA, quota

    @property
    def fill(self) -> float:
        """Share of the queue's memory in use, 0 to 1."""
        return self.used_bytes / self._capacity

    def admit(self, batch: DatagramBatch) -> Admitted | None:
        """Count all datagrams of ``batch`` and return those that may be decoded (None = none of them)."""
        n = len(batch)
        slot, verdict, keep = np.empty(n, np.int32), np.empty(n, np.uint8), np.empty(n, np.int64)
        kernels.sniff(batch.data, batch.start, batch.length, verdict)
        source = batch.source.view(np.uint64)
        with self._lock:
            if kernels.find(source, batch.source_port, self._buckets, self._key, self._port, slot):
                self._enter(batch, source, slot, verdict)
            kept, charged = kernels.admit(
                batch.length, slot, verdict, self._allowed, self._throttle, self._tokens, self._seen, self._octets,
                self._dropped, self._queued, keep, self._capacity - self.used_bytes, _SHARE,
            )  # fmt: skip
            self._last_ns[slot] = batch.received_ns
            self.used_bytes += charged
        if kept == n:
            return Admitted(batch, slot, charged)
        if kept == 0:
            return None
        return Admitted(_pick(batch, keep[:kept]), slot[keep[:kept]], charged)

    def release(self, admitted: Admitted, datagrams_of_rows: NDArray[np.uint32] | None = None) -> None:
        """The datagrams were decoded (``datagrams_of_rows``: the datagram index of each record they gave)."""
        with self._lock:
            kernels.release(admitted.batch.length, admitted.slot, self._queued)
            self.used_bytes -= admitted.charged
            if datagrams_of_rows is not None:
                mark = np.zeros(len(admitted.slot), np.uint8)
                kernels.count_fruitful(datagrams_of_rows, admitted.slot, mark, self._decoded, self._fruitful)

    def second_passed(self, malformed: dict[str, int]) -> None:
        """Once a second: refill quotas, judge senders, make room for new ones.

        ``malformed`` counts what could not be decoded since the last call, by source address.
        """
        with self._lock:
            self._judge(malformed)
            self._tokens[:] = np.where(self._throttle == Reason.BROKEN_EXPORTER, _TRICKLE, self._quota)
            self._decoded[:] = 0
            self._fruitful[:] = 0
            if self._count >= self._size - self._size // 10:
                self._forget()

    def status(self) -> list[SenderStatus]:
        """Every sender's account; the first is shared by those that could not be told apart any more."""
        with self._lock:
            slots = [_OTHERS, *(int(s) for s in np.flatnonzero(self._used))]
            return [self._sender(s) for s in slots if s != _OTHERS or self._seen[_OTHERS]]

    def totals(self) -> tuple[int, int, dict[str, int]]:
        """Datagrams, bytes and drops by reason over all senders."""
        with self._lock:
            drops = self._dropped.sum(axis=0)
            reasons = {reason.name.lower(): int(drops[reason]) for reason in Reason}
            return int(self._seen.sum()), int(self._octets.sum()), reasons

    def _sender(self, s: int) -> SenderStatus:
        drops = {reason.name.lower(): int(self._dropped[s, reason]) for reason in Reason if self._dropped[s, reason]}
        broken = bool(self._throttle[s] == Reason.BROKEN_EXPORTER)
        return SenderStatus(
            "others" if s == _OTHERS else self._address(s), int(self._port[s]), int(self._seen[s]),
            int(self._octets[s]), drops, broken, int(self._last_ns[s]),
        )  # fmt: skip

    def _address(self, s: int) -> str:
        return address_text(self._key[s].tobytes(), "::")

    def _enter(
        self, batch: DatagramBatch, source: NDArray[np.uint64], slot: NDArray[np.int32], verdict: NDArray[np.uint8]
    ) -> None:
        """Open accounts for new senders, as many as there is room for; the others share one."""
        new: dict[tuple[bytes, int], bool] = {}
        for i in np.flatnonzero(slot < 0)[: 4 * _NEW_PER_BATCH].tolist():
            key = (batch.source[i].tobytes(), int(batch.source_port[i]))
            new[key] = new.get(key, False) or bool(verdict[i] == OK)
            if len(new) == _NEW_PER_BATCH:
                break
        for (address, port), known in new.items():
            allowed = self._is_allowed(address)
            if known and allowed:
                self._open(address, port, allowed=True, known=True)
            elif self._garbage < self._size // 4:  # nobody fills the table without sending telemetry
                self._garbage += 1
                self._open(address, port, allowed=allowed, known=known and allowed)
        kernels.find(source, batch.source_port, self._buckets, self._key, self._port, slot)
        slot[slot < 0] = _OTHERS

    def _open(self, address: bytes, port: int, *, allowed: bool, known: bool) -> None:
        if self._free_slots:
            s = self._free_slots.pop()
        elif self._count < self._size:
            s = self._count
        else:
            return
        self._count += 1
        self._key[s] = np.frombuffer(address, np.uint64)
        self._port[s], self._used[s], self._known[s], self._allowed[s] = port, True, known, allowed
        self._throttle[s] = Reason.OVER_QUOTA if self._quota else OK
        self._tokens[s] = self._quota
        kernels.insert_key(self._buckets, self._key, self._port, s)

    def _is_allowed(self, address: bytes) -> bool:
        if not self._allowed_networks:
            return True
        value = int.from_bytes(address, "big")
        return any(value & mask == network for network, mask in self._allowed_networks)

    def _judge(self, malformed: dict[str, int]) -> None:
        """Hold senders to a trickle that send many datagrams of which (nearly) none can be decoded; let others go."""
        resting = OK if not self._quota else Reason.OVER_QUOTA
        for s in np.flatnonzero(self._throttle == Reason.BROKEN_EXPORTER).tolist():
            if self._decoded[s] >= 10 and not self._is_barren(s):
                self._throttle[s] = resting
        for s in np.flatnonzero(self._decoded >= _BROKEN_AT_LEAST).tolist():
            errors = malformed.get(self._address(s), 0) if s != _OTHERS else sum(malformed.values())
            if self._is_barren(s) and errors >= self._decoded[s] * self._broken_share / 2:
                self._throttle[s] = Reason.BROKEN_EXPORTER

    def _is_barren(self, s: int) -> bool:
        return bool(self._fruitful[s] <= self._decoded[s] * (1 - self._broken_share))

    def _forget(self) -> None:
        """Close the accounts heard of longest ago (those that never sent telemetry first) until half are free.

        Their counts go to the shared account so that totals stay. An account with datagrams in the queue stays open.
        """
        closable = np.flatnonzero(self._used & (self._queued == 0))
        order = closable[np.lexsort((self._last_ns[closable], self._known[closable]))]
        gone = order[: self._count // 2]
        for counts in (self._seen, self._octets, self._dropped):
            counts[_OTHERS] += counts[gone].sum(axis=0)
            counts[gone] = 0
        self._used[gone] = False
        self._throttle[gone], self._allowed[gone] = OK, 1
        self._free_slots.extend(gone.tolist())
        self._count -= len(gone)
        self._garbage = int((self._used & ~self._known).sum())
        self._buckets[:] = -1
        for s in np.flatnonzero(self._used).tolist():
            kernels.insert_key(self._buckets, self._key, self._port, s)


def _mapped(network: IPv4Network | IPv6Network) -> tuple[int, int]:
    """Network and mask as 128-bit numbers, IPv4 mapped into IPv6."""
    value, length = int(network.network_address), network.prefixlen
    if isinstance(network, IPv4Network):
        value, length = value | (0xFFFF << 32), length + 96
    return value, ((1 << length) - 1) << (128 - length)


def _pick(batch: DatagramBatch, rows: NDArray[np.int64]) -> DatagramBatch:
    return DatagramBatch(
        batch.data, batch.start[rows], batch.length[rows], batch.source[rows], batch.source_port[rows],
        batch.received_ns[rows],
    )  # fmt: skip
