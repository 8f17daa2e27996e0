"""Loss from sequence numbers, told apart from reordering and from an exporter that started anew.

What a number counts differs: v5 flows, v9 export packets, IPFIX data records (RFC 7011 §3.1), sFlow datagrams. Some
exporters count the other thing, or give an IPFIX message the count *after* its own records (softflowd); when the
numbers keep fitting that, the stream is switched and the false loss taken back. All arithmetic is modulo 2^32. When an
IPFIX message held records that could not be counted (no template), the number expected next is unknown: the stream
takes the next one as it comes instead of inventing a loss.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.counters import (
    C_LOST,
    C_REORDERED,
    C_RESTARTS,
    S_AFTER_LOST,
    S_AFTER_REORDERED,
    S_AFTER_RESTARTS,
    S_AFTER_VOTES,
    S_BACK,
    S_GAP_END,
    S_GAP_START,
    S_LAST,
    S_NEXT,
    S_OTHER,
    S_SEEN,
    S_UNIT,
    S_UPTIME,
    S_VOTED_LOSS,
    S_VOTES,
)
from weft.decode.flow.messages import IPFIX, M_COUNT, M_KIND, M_RECORDS, M_SEQUENCE, M_SLOT, M_UPTIME, SFLOW, V5
from weft.decode.kernels import kernel

_MASK = 0xFFFFFFFF
_HALF = 1 << 31
_WINDOW = 1 << 24  # a larger jump is a restart, not a loss
_VOTES = 4
_STANDARD, _OTHER, _AFTER = 0, 1, 2  # readings of a sequence number, values of S_UNIT
_REBOOT_MS = 10_000  # uptime going back by more than reordering explains


@kernel
def _steps(head: NDArray[np.int64]) -> tuple[int, int]:
    """How far this message moves the sequence number: by its standard, and by the other reading. -1 = unknown."""
    kind = head[M_KIND]
    if kind == V5:
        return head[M_COUNT], 1
    if kind == IPFIX:
        return max(head[M_RECORDS], -1), 1
    if kind == SFLOW:
        return 1, 1
    return 1, head[M_COUNT]


@kernel
def _distance(later: int, earlier: int) -> int:
    """Signed difference modulo 2^32."""
    return ((later - earlier + _HALF) & _MASK) - _HALF


@kernel
def _rebooted(head: NDArray[np.int64], state: NDArray[np.int64]) -> bool:
    """The exporter's uptime went back, and not because it wrapped. IPFIX headers have none."""
    if head[M_KIND] == IPFIX:
        return False
    back = state[S_UPTIME] - head[M_UPTIME]
    return bool(_REBOOT_MS < back < _HALF)


@kernel
def _judge(head: NDArray[np.int64], state: NDArray[np.int64], counters: NDArray[np.int64], step: int) -> bool:
    """Compare a number with the one expected; returns whether the stream goes on from it."""
    number = head[M_SEQUENCE]
    gap = _distance(number, state[S_NEXT])
    if gap == 0:
        state[S_BACK] = -1
        return True
    if gap < 0 and _distance(number, state[S_GAP_START]) >= 0 and _distance(state[S_GAP_END], number) > 0:
        counters[C_REORDERED] += 1
        counters[C_LOST] -= min(max(step, 1), counters[C_LOST])
        return False
    if _rebooted(head, state) or abs(gap) > _WINDOW or number == state[S_BACK]:
        counters[C_RESTARTS] += 1
        if number == state[S_BACK]:
            counters[C_REORDERED] -= min(1, counters[C_REORDERED])
        state[S_GAP_START], state[S_GAP_END], state[S_BACK] = 0, 0, -1
        return True
    if gap < 0:  # late, a duplicate, or the first message after an unnoticed restart: the next one tells
        counters[C_REORDERED] += 1
        state[S_BACK] = (number + step) & _MASK if step > 0 else -1
        return False
    counters[C_LOST] += gap
    state[S_GAP_START], state[S_GAP_END], state[S_BACK] = state[S_NEXT], number, -1
    return True


@kernel
def _vote(head: NDArray[np.int64], state: NDArray[np.int64], counters: NDArray[np.int64], lost: int) -> None:
    """Count how often the other reading fits where the present one does not; switch when it is clear."""
    if head[M_SEQUENCE] == state[S_NEXT]:
        if state[S_NEXT] != state[S_OTHER]:
            state[S_VOTES], state[S_VOTED_LOSS] = 0, 0
        return
    if head[M_SEQUENCE] != state[S_OTHER]:
        return
    state[S_VOTES] += 1
    state[S_VOTED_LOSS] += lost
    if state[S_VOTES] >= _VOTES:
        counters[C_LOST] -= min(state[S_VOTED_LOSS], counters[C_LOST])
        state[S_UNIT] = _OTHER if state[S_UNIT] == _STANDARD else _STANDARD
        state[S_VOTES], state[S_VOTED_LOSS] = 0, 0


@kernel
def _reads_after(head: NDArray[np.int64], state: NDArray[np.int64], counters: NDArray[np.int64]) -> None:
    """Watch for numbers that include the message's own records; switch when that is clear."""
    if head[M_KIND] != IPFIX or head[M_RECORDS] < 0 or not state[S_SEEN] or state[S_UNIT] != _STANDARD:
        return
    fits = (head[M_SEQUENCE] - head[M_RECORDS]) & _MASK == state[S_LAST]
    if fits and head[M_SEQUENCE] != state[S_NEXT]:
        if state[S_AFTER_VOTES] == 0:
            state[S_AFTER_LOST], state[S_AFTER_REORDERED] = counters[C_LOST], counters[C_REORDERED]
            state[S_AFTER_RESTARTS] = counters[C_RESTARTS]
        state[S_AFTER_VOTES] += 1
    elif not fits:
        state[S_AFTER_VOTES] = 0
    if state[S_AFTER_VOTES] >= _VOTES:
        counters[C_LOST], counters[C_REORDERED] = state[S_AFTER_LOST], state[S_AFTER_REORDERED]
        counters[C_RESTARTS] = state[S_AFTER_RESTARTS]
        state[S_UNIT], state[S_NEXT] = _AFTER, state[S_LAST]
        state[S_GAP_START], state[S_GAP_END], state[S_BACK] = 0, 0, -1


@kernel
def account(info: NDArray[np.int64], sequence: NDArray[np.int64], counters: NDArray[np.int64]) -> None:
    """Check the sequence number of every message of a known protocol against its stream."""
    for i in range(len(info)):
        head = info[i]
        slot = head[M_SLOT]
        if head[M_KIND] == 0 or slot == 0:
            continue
        state, count = sequence[slot], counters[slot]
        standard, other = _steps(head)
        _reads_after(head, state, count)
        state[S_LAST] = head[M_SEQUENCE]
        if state[S_UNIT] == _AFTER:
            if standard < 0:  # what it held is unknown, but the number says where the next one begins
                state[S_NEXT] = head[M_SEQUENCE]
                continue
            head[M_SEQUENCE] = (head[M_SEQUENCE] - standard) & _MASK
        number = head[M_SEQUENCE]
        goes_on = True
        if state[S_SEEN]:
            lost = count[C_LOST]
            step = other if state[S_UNIT] == _OTHER else standard
            goes_on = _judge(head, state, count, step)
            if state[S_UNIT] != _AFTER:
                _vote(head, state, count, count[C_LOST] - lost)
        else:
            state[S_BACK] = -1
        if not goes_on:
            continue
        mine, theirs = (other, standard) if state[S_UNIT] == _OTHER else (standard, other)
        state[S_SEEN] = mine >= 0
        state[S_NEXT] = (number + mine) & _MASK
        state[S_OTHER] = (number + theirs) & _MASK if theirs >= 0 else -1
        state[S_UPTIME] = head[M_UPTIME]
