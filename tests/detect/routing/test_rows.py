"""Rows of ``routes`` as columns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from tests.detect.routing.helpers import ANNOUNCE, T0, UP, WITHDRAW, batch, context, row, table

from weft.detect.detector import RowsDetector
from weft.detect.routing.counts import CountDetector
from weft.detect.routing.flaps import FlapDetector
from weft.detect.routing.leaks import LeakDetector
from weft.detect.routing.origins import OriginDetector
from weft.detect.routing.rows import Loading, block
from weft.detect.routing.sessions import SessionDetector

DETECTORS = (SessionDetector, CountDetector, OriginDetector, LeakDetector, FlapDetector)


def test_a_part_of_a_batch_is_read_as_what_it_is() -> None:
    rows = batch([*table(0, 20, ANNOUNCE), *table(5, 20, WITHDRAW, peer="192.0.2.2")])
    whole, part = block(rows), block(rows.slice(15, 10))
    assert np.array_equal(part.prefix_id, whole.prefix_id[15:25])
    assert [part.prefix_text(i) for i in range(10)] == [whole.prefix_text(i) for i in range(15, 25)]
    assert [part.sessions[n] for n in part.session] == [whole.sessions[n] for n in whole.session[15:25]]


def test_words_need_not_be_dictionaries_and_columns_may_be_missing() -> None:
    rows = batch(table(0, 5, ANNOUNCE))
    plain = pa.RecordBatch.from_arrays(
        [one.cast(pa.string()) if pa.types.is_dictionary(one.type) else one for one in rows.columns],
        names=rows.schema.names,
    ).drop_columns(["path_id", "nlri", "med"])
    assert np.array_equal(block(plain).prefix_id, block(rows).prefix_id)


@pytest.mark.parametrize("make", DETECTORS)
def test_nothing_and_garbage_are_taken(make: type[RowsDetector]) -> None:
    detector = make(context(("203.0.113.0/24",)))  # type: ignore[call-arg]
    rows = batch([row(0, ANNOUNCE, "203.0.113.0/24", "1 x {2} 3 \u00e9"), row(1, ANNOUNCE, "::/0", "")])
    assert not detector.take("routes", rows.slice(0, 0))
    detector.take("routes", rows)
    detector.tick(T0 + 10)
    detector.load(b"")
    detector.load(detector.save())


def test_a_table_is_told_until_it_pauses() -> None:
    loading = Loading()
    first = block(batch([row(0, UP), *table(1, 80, ANNOUNCE)]))
    assert loading.rows(first)[1:].all()
    assert loading.is_loading(first.sessions[0], T0 + 15)
    late = block(batch(table(60, 3, ANNOUNCE)))
    assert not loading.rows(late).any()
    assert not loading.is_loading(first.sessions[0], T0 + 61)
