"""Of several processes one does what only one may, and another goes on when it ends or dies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from weft.errors import StoreUnavailable
from weft.store.config import StoreConfig
from weft.store.state import StateStore, open_state
from weft.store.state.leases import Lease


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    state = open_state(StoreConfig(data_dir=tmp_path))
    state.start()
    yield state
    state.stop()


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_one_holds_it_and_goes_on_holding_it(state: StateStore) -> None:
    first, second = Lease(state, "detect", "a", clock=Clock(0)), Lease(state, "detect", "b", clock=Clock(1e9))
    assert (first.renew(), second.renew()) == (True, False)
    assert (first.held, second.held, second.holder) == (True, False, "a")
    assert (first.renew(), second.renew()) == (True, False)
    assert Lease(state, "other", "b").renew()


def test_who_releases_it_leaves_it_to_others_at_once(state: StateStore) -> None:
    first, second = Lease(state, "detect", "a"), Lease(state, "detect", "b")
    first.renew()
    second.release()  # what one does not hold cannot be released
    assert not second.renew()
    first.release()
    assert not first.held
    assert second.renew()
    assert not first.renew()


def test_who_dies_is_followed_once_its_count_stands_still(state: StateStore) -> None:
    mine, other = Clock(0), Clock(5_000)  # clocks need not agree
    first, second = Lease(state, "detect", "a", clock=mine), Lease(state, "detect", "b", clock=other)
    first.renew()
    for _ in range(5):
        other.now += 19
        assert not second.renew()
        first.renew()
    other.now += 19
    assert not second.renew()  # the count went on
    other.now += 19
    assert not second.renew()
    other.now += 2
    assert second.renew()
    assert not first.renew()
    assert not first.held


def test_a_holder_that_cannot_reach_the_store_stops_before_another_begins(state: StateStore) -> None:
    mine = Clock(0)
    first = Lease(state, "detect", "a", patience_s=20, clock=mine)
    first.renew()
    state.stop()
    mine.now = 11.9
    with pytest.raises(StoreUnavailable):
        first.renew()
    assert first.held
    mine.now = 12.1
    assert not first.held
