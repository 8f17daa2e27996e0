"""Columns of batches as detectors read them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from weft.detect.devices.columns import coded, groups, having


def test_combinations_are_told_apart_however_many_there_could_be() -> None:
    rng = np.random.default_rng(1)
    parts = [(rng.integers(0, 2, 100), [str(at) for at in range(1000)]) for _ in range(30)]
    named, number = groups(parts)
    for row in range(100):
        assert named[number[row]] == tuple(values[codes[row]] for codes, values in parts)
    assert len(set(named)) == len(named)


def test_rows_with_words() -> None:
    rows = pa.record_batch({"event": ["UP", "DOWN", "", "UP"], "at": [1, 2, 3, 4]})
    chosen = having(rows, "event", {"UP"})
    assert chosen is not None
    assert chosen.column("at").to_pylist() == [1, 4]
    assert having(rows, "event", {"ELSE"}) is None
    assert having(rows, "other", {"UP"}) is None
    codes, words = coded(rows, "other")
    assert codes.tolist() == [0, 0, 0, 0]
    assert words == [""]
