"""What a loaded line adds to the way through it: an approximation, stated here and capped.

A line is one first-come-first-served queue before one server: M/M/1/K (Kleinrock, Queueing Systems I, §3.6). Traffic of
the Internet is burstier than Poisson, so what arrives is taken to be bursts of ``burst`` packets. The buffer holds
``buffer_s`` of the line's rate, and the wait never exceeds it. Beyond the mean nothing is known: microbursts that fill
a queue within a second of low mean load are not seen, nor are several queues for classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.errors import InvalidInput

_LEAST_ROOM, _MOST_ROOM = 8.0, 1e6  # bursts that a buffer holds: below, the formula says more of K than of the line


@dataclass(frozen=True, slots=True)
class Queue:
    """How lines hold what they cannot send at once. Defaults: 1 000-byte packets in bursts of 16, 50 ms of buffer."""

    packet_bytes: float = 1000.0
    burst: float = 16.0
    buffer_s: float = 0.05

    def __post_init__(self) -> None:
        for name in ("packet_bytes", "burst", "buffer_s"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise InvalidInput("must be a number above 0", where=f"queue.{name}")


def wait_and_loss(
    load_bps: NDArray[np.float64], capacity_bps: NDArray[np.float64], queue: Queue | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean wait in front of each line in seconds, without its own sending, and the share that finds the buffer full.

    With load r over capacity and K bursts of room, the share lost is ``(1 - r) r^K / (1 - r^(K+1))`` and the mean
    number in the system ``r / (1 - r) - (K + 1) r^(K+1) / (1 - r^(K+1))``; Little's law gives the wait.
    """
    queue = queue or Queue()
    unit_bits = 8.0 * queue.packet_bytes * queue.burst
    room = np.clip(queue.buffer_s * capacity_bps / unit_bits, _LEAST_ROOM, _MOST_ROOM)
    ratio = np.maximum(load_bps / capacity_bps, 0.0)
    loss, inside = _finite_queue(ratio, room)
    with np.errstate(divide="ignore", invalid="ignore"):
        in_system = inside / (ratio * (1.0 - loss))  # in units of a burst's sending time
    wait = np.where(ratio > 0, np.maximum(in_system - 1.0, 0.0), 0.0) * unit_bits / capacity_bps
    return np.minimum(wait, queue.buffer_s), loss


def _finite_queue(ratio: NDArray[np.float64], room: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Loss and mean number in an M/M/1/K system; all powers as of min(r, 1/r), so that none overflows."""
    near = np.abs(ratio - 1.0) < 1e-6  # there both formulas are 0/0; at r = 1 every number inside is as likely
    heavy = ratio > 1.0
    with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="ignore"):
        small = np.where(near, 0.5, np.where(heavy, 1.0 / np.where(heavy, ratio, 1.0), ratio))
        power = small**room
        whole = 1.0 - power * small
        tail = (1.0 - small) * power / whole  # probability of the rarer end: full below 1, empty above
        mean = small / (1.0 - small) - (room + 1.0) * power * small / whole
        # Above 1 the room left over behaves as the filling does below 1; what is served is mu (1 - P(empty)).
        loss = np.where(heavy, 1.0 - (1.0 - tail) / np.where(heavy, ratio, 1.0), tail)
        inside = np.where(heavy, room - mean, mean)
    return np.where(near, 1.0 / (room + 1.0), np.clip(loss, 0.0, 1.0)), np.where(near, room / 2.0, inside)
