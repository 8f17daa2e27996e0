"""Tables of heaviest keys: those that stay are kept, in one size, whatever arrives."""

from __future__ import annotations

import numba
import numpy as np

from weft.detect.security.sketches import claim, mix_two, seek

TEN_MILLION = 10_000_000


@numba.njit(nogil=True)
def _stream(keys, weights, turns, once, heavy):  # type: ignore[no-untyped-def]
    """``once`` keys that come once, and after each five hundred of them one of the heavy ones in turn."""
    for i in range(once):
        claim(keys, weights, turns, mix_two(np.uint64(1), np.uint64(i)), 1.0)
        if i % 500 == 0:
            claim(keys, weights, turns, heavy[i // 500 % len(heavy)], 1.0)


def _table(slots: int):  # type: ignore[no-untyped-def]
    return np.zeros(slots, np.uint64), np.zeros(slots, np.float32), np.zeros(1, np.uint64)


def _keys(count: int) -> list[np.uint64]:
    return [np.uint64(mix_two(np.uint64(0), np.uint64(i))) for i in range(count)]


def test_heavy_keys_stay_among_ten_million_that_come_once() -> None:
    """Made-up sources do not drive out those that one is after."""
    keys, weights, turns = _table(4096)
    heavy = np.array(_keys(20), np.uint64)
    _stream(keys, weights, turns, TEN_MILLION, heavy)
    assert all(seek(keys, key) >= 0 for key in heavy)


def test_a_slot_is_one_keys_as_long_as_it_is_the_heavier() -> None:
    keys, weights, turns = _table(8)
    known = _keys(8)
    slots = [claim(keys, weights, turns, key, 100.0) for key in known]
    assert sorted(slot for slot, _ in slots) == list(range(8))
    assert all(fresh for _, fresh in slots)
    assert [claim(keys, weights, turns, key, 100.0) for key in known] == [(slot, False) for slot, _ in slots]
    newcomer = np.uint64(mix_two(np.uint64(7), np.uint64(7)))
    assert seek(keys, newcomer) == -1
    let_in = [claim(keys, weights, turns, newcomer, 1.0)[0] >= 0 for _ in range(20)]
    assert not all(let_in)  # one in about two hundred gets in
    assert claim(keys, weights, turns, newcomer, 1e9)[0] >= 0
