"""Data sets that came before their template: kept in a bounded buffer until it comes (RFC 3954 §9, RFC 7011 §8)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.columns import LATE_DATAGRAM
from weft.decode.flow.limits import DecodeLimits
from weft.decode.flow.messages import M_COLUMNS, M_DATAGRAM, M_EXPORTED, M_RECEIVED, Messages
from weft.decode.flow.sets import S_AT, S_COLUMNS, S_END, S_ID, S_MESSAGE, S_PROGRAM, S_TEMPLATE


@dataclass(frozen=True, slots=True)
class HeldSet:
    """The body of one set with its message's header: times and uptime are those of its own message."""

    number: int
    body: bytes
    head: NDArray[np.int64]
    exporter: NDArray[np.uint64]


class HeldSets:
    """Sets waiting for a template, by (stream, template id)."""

    def __init__(self, limits: DecodeLimits) -> None:
        self._limits = limits
        self._waiting: dict[tuple[int, int], list[HeldSet]] = {}
        self._sets: Counter[int] = Counter()
        self._bytes: Counter[int] = Counter()
        self._total = 0

    def count(self, slot: int) -> int:
        """Sets of a stream that wait now."""
        return self._sets[slot]

    def add(self, slot: int, held: HeldSet) -> bool:
        """Keep a set; false when the stream's share or the whole buffer is full."""
        size = len(held.body)
        limits = self._limits
        if self._sets[slot] >= limits.held_sets_per_stream or self._bytes[slot] + size > limits.held_bytes_per_stream:
            return False
        if self._total + size > limits.held_bytes:
            return False
        self._waiting.setdefault((slot, held.number), []).append(held)
        self._account(slot, 1, size)
        return True

    def take(self, slot: int, number: int) -> list[HeldSet]:
        """The sets that waited for a template, in the order they came."""
        found = self._waiting.pop((slot, number), [])
        self._account(slot, -len(found), -sum(len(held.body) for held in found))
        return found

    def expire(self, now_ns: int) -> Counter[int]:
        """Give up on sets that waited too long; returns how many per stream."""
        oldest = now_ns - int(self._limits.held_seconds * 1e9)
        lost: Counter[int] = Counter()
        for (slot, number), waiting in list(self._waiting.items()):
            fresh = [held for held in waiting if _since(held) >= oldest or _since(held) == 0]
            if len(fresh) < len(waiting):
                self.take(slot, number)
                lost[slot] += len(waiting) - len(fresh)
                for held in fresh:
                    self.add(slot, held)
        return lost

    def drop(self, slots: set[int]) -> None:
        """Forget released streams."""
        for slot, number in [key for key in self._waiting if key[0] in slots]:
            self.take(slot, number)

    def _account(self, slot: int, sets: int, size: int) -> None:
        self._sets[slot] += sets
        self._bytes[slot] += size
        self._total += size
        if not self._sets[slot]:
            del self._sets[slot], self._bytes[slot]


def _since(held: HeldSet) -> int:
    return int(held.head[M_RECEIVED] or held.head[M_EXPORTED])


def hold(messages: Messages, row: NDArray[np.int64]) -> HeldSet:
    """Copy a set out of its batch."""
    message = int(row[S_MESSAGE])
    head = messages.info[message].copy()
    head[M_DATAGRAM] = LATE_DATAGRAM
    body = messages.data[row[S_AT] : row[S_END]].tobytes()
    return HeldSet(int(row[S_ID]), body, head, messages.exporter[message].copy())


def release(held: list[HeldSet], template: int, program: int) -> tuple[Messages, NDArray[np.int64]]:
    """Held sets as messages of their own, bound to the template that came."""
    data = np.frombuffer(b"".join(one.body for one in held) or b"\0", np.uint8)
    info = np.array([one.head for one in held], np.int64).reshape(-1, M_COLUMNS)
    exporter = np.array([one.exporter for one in held], np.uint64).reshape(-1, 2)
    sets = np.zeros((len(held), S_COLUMNS), np.int64)
    ends = np.cumsum([len(one.body) for one in held])
    sets[:, S_MESSAGE] = np.arange(len(held))
    sets[:, S_AT], sets[:, S_END] = ends - [len(one.body) for one in held], ends
    sets[:, S_ID] = [one.number for one in held]
    sets[:, S_TEMPLATE], sets[:, S_PROGRAM] = template, program
    return Messages(data, info, exporter), sets
