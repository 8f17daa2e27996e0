"""What the headers of a batch's datagrams say: one row of numbers per datagram, filled by one kernel.

Everything later (records, held data, sequence accounting) works from these rows; only set and sample bodies are read
from the datagrams again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.decode.datagrams import DatagramBatch

#: Columns of ``Messages.info``.
(
    M_KIND,  # flow type (key of FLOW_TYPES), 0 = none we know
    M_SLOT,  # row of StreamTable
    M_START,  # offset of the datagram in the data
    M_BODY,  # offset of what follows the header
    M_END,  # offset of the first byte after the message
    M_RECEIVED,  # ns UTC, 0 = not known
    M_EXPORTED,  # ns UTC by the exporter's clock, 0 = the header has none
    M_UPTIME,  # ms since the exporter booted (v5, v9, sFlow)
    M_SEQUENCE,
    M_COUNT,  # records (v5, v9) or samples (sFlow) announced
    M_DOMAIN,  # observation domain, source id, engine or sub-agent
    M_SAMPLING,  # v5: the sampling field of the header
    M_RECORDS,  # data records found (v5, v9, IPFIX); -1 = cannot be known
    M_DATAGRAM,  # index in the batch, LATE_DATAGRAM for held data
) = range(14)
M_COLUMNS = 14

V5, V9, IPFIX, SFLOW = 1, 2, 3, 4


@dataclass(slots=True)
class Messages:
    """The headers of a batch."""

    data: NDArray[np.uint8]  # read-only view of the batch's buffer
    info: NDArray[np.int64]  # [n, M_COLUMNS]
    exporter: NDArray[np.uint64]  # [n, 2] address as two memory words: UDP source, or the sFlow agent

    def of_kind(self, kind: int) -> NDArray[np.int64]:
        """Indices of the datagrams of a flow type."""
        return np.flatnonzero(self.info[:, M_KIND] == kind)


def new_messages(batch: DatagramBatch) -> Messages:
    """Rows for the datagrams of a batch, to be filled by ``StreamTable.identify``."""
    data = np.ascontiguousarray(batch.data, np.uint8).reshape(-1).view()
    data.flags.writeable = False  # kernels are compiled for one kind of array: mapped captures are read-only
    return Messages(data, np.zeros((len(batch), M_COLUMNS), np.int64), np.zeros((len(batch), 2), np.uint64))
