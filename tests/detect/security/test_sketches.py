"""Sketches: right about what matters, and of one size whatever arrives."""

from __future__ import annotations

import numpy as np

from weft.detect.security.sketches import CountMin, HeavyKeys, HyperLogLogs, hash_keys

TEN_MILLION = 10_000_000


def test_counts_are_never_too_small_and_seldom_too_large() -> None:
    rng = np.random.default_rng(1)
    values = rng.zipf(1.3, 50_000).astype(np.uint64) % np.uint64(20_000)
    sketch = CountMin(1 << 12)
    sketch.add(hash_keys(values), np.ones(len(values)))
    which, truth = np.unique(values, return_counts=True)
    told = sketch.estimate(hash_keys(which))
    assert (told >= truth).all()
    assert (told - truth <= 2 / 4096 * len(values)).mean() > 0.99


def test_counts_fade() -> None:
    sketch = CountMin(64)
    keys = hash_keys(np.array([7], np.uint64))
    sketch.add(keys, np.array([8.0]))
    sketch.fade(0.5)
    assert sketch.estimate(keys)[0] == 4.0


def test_distinct_counts_are_within_their_error() -> None:
    sketch = HyperLogLogs(3, 1024)
    for row, count in enumerate((3, 500, 200_000)):
        keys = hash_keys(np.arange(count, dtype=np.uint64))
        sketch.add(np.full(count, row, np.int64), keys)
        sketch.add(np.full(count, row, np.int64), keys)  # once more: no others
    told = sketch.estimate(np.arange(3))
    assert np.allclose(told, [3, 500, 200_000], rtol=0.1)
    sketch.clear(np.array([1]))
    assert sketch.estimate(np.array([1]))[0] == 0


def test_heavy_keys_stay_among_ten_million_that_come_once() -> None:
    """Made-up sources neither take more memory nor drive out those that one is after."""
    table, before = HeavyKeys(4096), HeavyKeys(4096).bytes_used
    distinct = HyperLogLogs(1, 64)
    counts = CountMin(1 << 14)
    fixed = counts.bytes_used + distinct.bytes_used
    heavy = hash_keys(np.arange(1, 21, dtype=np.uint64))
    rng = np.random.default_rng(5)
    for start in range(0, TEN_MILLION, 500_000):
        keys = hash_keys(np.arange(start, start + 500_000, dtype=np.uint64) + np.uint64(1 << 40))
        keys[rng.integers(0, len(keys), 4000)] = heavy[rng.integers(0, 20, 4000)]
        table.claim(keys, np.ones(len(keys)))
        distinct.add(np.zeros(len(keys), np.int64), keys)
        counts.add(keys, np.ones(len(keys)))
    slots, fresh = table.claim(heavy, np.ones(20))
    assert (slots >= 0).all()
    assert not fresh.any()
    assert table.bytes_used == before
    assert counts.bytes_used + distinct.bytes_used == fixed
    assert 0.6 < distinct.estimate(np.zeros(1, np.int64))[0] / TEN_MILLION < 1.5


def test_a_slot_is_one_keys_until_it_is_dropped() -> None:
    table = HeavyKeys(8)
    keys = hash_keys(np.arange(8, dtype=np.uint64))
    slots, fresh = table.claim(keys, np.ones(8))
    assert sorted(slots) == list(range(8))
    assert fresh.all()
    again, fresh = table.claim(keys, np.ones(8))
    assert (again == slots).all()
    assert not fresh.any()
    table.drop(slots[:1])
    slot, fresh = table.claim(hash_keys(np.array([99], np.uint64)), np.ones(1))
    assert slot[0] == slots[0]
    assert fresh[0]
