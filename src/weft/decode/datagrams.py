"""A batch of datagrams in one flat buffer: what ``collect`` hands to ``decode``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(slots=True)
class DatagramBatch:
    """``n`` datagrams that lie anywhere in ``data``; datagram ``i`` is ``data[start[i] : start[i] + length[i]]``.

    The buffer may be the receive matrix of a socket or a mapped capture file: decoders never copy it, never keep it
    beyond the call (what must be kept, e.g. data before its template, is copied), and never read past a length.
    """

    data: NDArray[np.uint8]  # [bytes]
    start: NDArray[np.int64]  # [n] offset of each datagram's payload
    length: NDArray[np.int32]  # [n] payload bytes
    source: NDArray[np.uint8]  # [n, 16] sender address, network order, IPv4-mapped
    source_port: NDArray[np.uint16]  # [n]
    received_ns: NDArray[np.int64]  # [n] UTC nanoseconds; 0 = not known

    def __len__(self) -> int:
        return len(self.start)
