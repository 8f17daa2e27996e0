"""What decoding a batch of datagrams gives."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from weft.model.exporters import InterfaceFact


@dataclass(slots=True)
class Decoded:
    """The records of one batch.

    ``flows`` holds NetFlow and IPFIX records in datagram and wire order, then sFlow samples likewise, then records
    whose template came later than they did (``held_back`` of them, ``datagram`` = 0xFFFFFFFF).
    """

    flows: pa.RecordBatch  # model.flows.DECODED_SCHEMA
    metrics: pa.RecordBatch  # model.metrics.METRICS.schema
    interfaces: list[InterfaceFact] = field(default_factory=list)
    held_back: int = 0
