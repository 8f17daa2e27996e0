"""What happened to rows after decoding, by exporter: the part of the loss ledger behind the decoder."""

from __future__ import annotations

import threading

import pyarrow as pa
import pyarrow.compute as pc

from weft.model.addresses import NO_ADDRESS, address_text

#: Exporters counted apart; losses of further ones are counted together.
_MOST_EXPORTERS = 4096
OTHERS = "others"

SPOOL_FULL = "spool_full"  # the store was away for longer than the spool could hold
DISK = "disk"  # neither the store nor the disk took the batch
REJECTED = "rejected"  # the store refused the batch for good
ENRICH = "internal_error"  # enrichment failed


class RowLedger:
    """Rows that were lost or set aside, by exporter and reason. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, dict[str, int]] = {}
        self._totals: dict[str, int] = {}

    def count(self, batch: pa.RecordBatch, reason: str) -> None:
        """All rows of ``batch`` met with ``reason``."""
        groups = pc.value_counts(batch.column("exporter"))
        names = [address_text(value or NO_ADDRESS, "::") for value in groups.field(0).to_pylist()]
        counts: list[int] = groups.field(1).to_numpy().tolist()
        with self._lock:
            self._totals[reason] = self._totals.get(reason, 0) + batch.num_rows
            for name, rows in zip(names, counts, strict=True):
                full = name not in self._counts and len(self._counts) >= _MOST_EXPORTERS
                of_exporter = self._counts.setdefault(OTHERS if full else name, {})
                of_exporter[reason] = of_exporter.get(reason, 0) + rows

    def count_rows(self, rows: int, reason: str) -> None:
        """``rows`` whose exporters cannot be told any more met with ``reason``."""
        with self._lock:
            self._totals[reason] = self._totals.get(reason, 0) + rows
            of_others = self._counts.setdefault(OTHERS, {})
            of_others[reason] = of_others.get(reason, 0) + rows

    def by_exporter(self) -> dict[str, dict[str, int]]:
        """Exporter → reason → rows."""
        with self._lock:
            return {name: dict(reasons) for name, reasons in self._counts.items()}

    def totals(self) -> dict[str, int]:
        """Reason → rows."""
        with self._lock:
            return dict(self._totals)
