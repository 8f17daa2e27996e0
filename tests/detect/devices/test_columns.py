"""Columns of batches as detectors read them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from weft.detect.devices.columns import coded, groups, having, seconds


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


def test_what_was_worked_out_of_a_batch_is_not_mistaken_for_that_of_another() -> None:
    words = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0, 2]), pa.array(["a", "b", "c"]))
    times = pa.array([at * 10**9 for at in (1, 2, 3, 4)], pa.timestamp("ns", "UTC"))
    whole = pa.record_batch({"host": words, "time": times})
    for _ in range(3):
        for first in range(40):  # more than are remembered, of the same words
            part = whole.slice(first % 4, 1)
            codes, told = coded(part, "host")
            assert told[codes[0]] == whole.column("host")[first % 4].as_py()
            assert seconds(part, "time").tolist() == [1.0 + first % 4]
    assert coded(whole, "host")[0] is coded(whole, "host")[0]
    other = pa.record_batch({"host": pa.DictionaryArray.from_arrays(pa.array([0]), pa.array(["z"]))})
    assert coded(other, "host")[1] == ["z"]
