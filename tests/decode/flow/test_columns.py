"""The buffers behind decoded batches: handed over without copying, reused only when nothing reads them any more."""

from __future__ import annotations

import gc

from weft.decode.flow.columns import FlowColumns, slot


def fill(columns: FlowColumns, value: int, rows: int = 10) -> None:
    matrices = columns.claim(["bytes"], rows)
    matrices.u64[slot("bytes").row, columns.rows : columns.rows + rows] = value
    columns.commit(rows)


def test_a_batch_keeps_its_values_while_later_ones_are_decoded() -> None:
    columns = FlowColumns(capacity=64)
    batches = []
    for value in range(8):
        fill(columns, value)
        batches.append(columns.to_batch())
    assert [batch.column("bytes").to_pylist() for batch in batches] == [[value] * 10 for value in range(8)]


def test_memory_comes_back_when_the_last_view_of_a_batch_is_gone() -> None:
    columns = FlowColumns(capacity=64)
    fill(columns, 7)
    batch = columns.to_batch()
    one_column = batch.column("bytes")
    free = columns._blocks._free
    del batch
    gc.collect()
    assert len(free) == 0
    assert one_column.to_pylist() == [7] * 10
    del one_column
    gc.collect()
    assert len(free) == 1


def test_columns_grow_without_losing_rows() -> None:
    columns = FlowColumns(capacity=16)
    for value in range(5):
        fill(columns, value)
    assert columns.to_batch().column("bytes").to_pylist() == [value for value in range(5) for _ in range(10)]
