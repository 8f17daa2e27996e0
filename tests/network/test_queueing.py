"""The queue's formula against a Markov chain solved step by step; its bounds."""

from __future__ import annotations

import numpy as np
import pytest

from weft.errors import InvalidInput
from weft.network.queueing import Queue, wait_and_loss


def chain(ratio: float, room: int) -> tuple[float, float]:
    """Loss and mean number in the system of M/M/1/K from its states' probabilities."""
    state = ratio ** np.arange(room + 1, dtype=float)
    state /= state.sum()
    return float(state[-1]), float(state @ np.arange(room + 1))


@pytest.mark.parametrize("ratio", [0.05, 0.5, 0.9, 0.999, 1.0, 1.001, 1.3, 4.0])
def test_wait_and_loss_are_those_of_the_chain(ratio: float) -> None:
    queue = Queue(packet_bytes=125, burst=1, buffer_s=0.020)  # 1 000 bit: 1 ms at 1 Mbit/s, room for 20
    wait, loss = wait_and_loss(np.array([ratio * 1e6]), np.array([1e6]), queue)
    expected_loss, inside = chain(ratio, 20)
    assert loss[0] == pytest.approx(expected_loss, rel=1e-6, abs=1e-15)
    in_system = inside / (ratio * (1 - expected_loss))
    assert wait[0] == pytest.approx(min(0.020, max(0.0, in_system - 1) * 0.001), rel=1e-6)


def test_an_idle_line_adds_nothing_and_an_overfull_one_its_buffer() -> None:
    load, capacity = np.array([0.0, 1e6, 5e11, 2e11, 1e30]), np.array([1e9, 1e12, 1e12, 1e11, 1e9])
    wait, loss = wait_and_loss(load, capacity)
    assert wait[:2].tolist() == pytest.approx([0, 0], abs=1e-9)
    assert loss[:3].tolist() == pytest.approx([0, 0, 0], abs=1e-12)
    assert loss[3:].tolist() == pytest.approx([0.5, 1.0])
    assert wait[3] == pytest.approx(0.05, rel=1e-3)
    assert (np.isfinite(wait) & (wait <= 0.05)).all()


def test_both_grow_with_the_load() -> None:
    load = np.linspace(0, 3e9, 3001)
    wait, loss = wait_and_loss(load, np.full(len(load), 1e9))
    assert (np.diff(wait) >= -1e-12).all()
    assert (np.diff(loss) >= -1e-12).all()
    assert loss[-1] == pytest.approx(2 / 3)


def test_a_queue_of_nothing_is_refused() -> None:
    for bad in ({"packet_bytes": 0.0}, {"burst": -1.0}, {"buffer_s": float("nan")}):
        with pytest.raises(InvalidInput, match="queue"):
            Queue(**bad)
