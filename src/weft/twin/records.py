"""Synthetic flow records as columns: what the traffic model makes and the encoders turn into datagrams."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray


@dataclass(slots=True)
class FlowRecords:
    """``n`` flow records of one exporter, as its flow cache would hold them. Counts are unscaled."""

    start_ms: NDArray[np.int64]  # [n] UTC milliseconds
    end_ms: NDArray[np.int64]  # [n]
    src: NDArray[np.uint8]  # [n, 16] network order, IPv4-mapped
    dst: NDArray[np.uint8]  # [n, 16]
    src_port: NDArray[np.uint16]  # [n]
    dst_port: NDArray[np.uint16]  # [n]
    protocol: NDArray[np.uint8]  # [n]
    tcp_flags: NDArray[np.uint8]  # [n]
    tos: NDArray[np.uint8]  # [n]
    octets: NDArray[np.uint64]  # [n]
    packets: NDArray[np.uint64]  # [n]
    in_if: NDArray[np.uint32]  # [n]
    out_if: NDArray[np.uint32]  # [n]
    src_as: NDArray[np.uint32]  # [n]
    dst_as: NDArray[np.uint32]  # [n]

    def __len__(self) -> int:
        return len(self.start_ms)

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> FlowRecords:
        """The records at ``index`` (positions or a mask), in that order."""
        return FlowRecords(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    @property
    def is_v4(self) -> NDArray[np.bool_]:
        """Which records are between IPv4 addresses."""
        mapped: NDArray[np.bool_] = (self.src[:, :10] == 0).all(axis=1) & (self.src[:, 10] == 0xFF)
        return mapped
