"""The ledger of rows: by exporter and reason, whoever that is."""

from __future__ import annotations

from weft.collect.ledger import DISK, RowLedger
from weft.model.addresses import NO_ADDRESS, packed
from weft.model.metrics import METRICS
from weft.model.rows import batch_of


def test_rows_of_nobody_have_a_name_too():
    book = RowLedger()
    book.count(batch_of(METRICS, 3, exporter=[NO_ADDRESS, packed("192.0.2.1"), NO_ADDRESS]), DISK)
    assert book.by_exporter() == {"::": {DISK: 2}, "192.0.2.1": {DISK: 1}}
    assert book.totals() == {DISK: 3}
