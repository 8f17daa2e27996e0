"""What a provider's reader found, as a batch of ``cloud_flows``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.decode.cloud.cells import Word
from weft.model.cloud import CLOUD_DIRECTIONS, CLOUD_FLOWS, LOG_STATES, PROVIDERS, VERDICTS
from weft.model.rows import batch_of

AWS, AZURE, GCP, OCI = PROVIDERS
UNKNOWN, ACCEPT, REJECT = VERDICTS
_, INGRESS, EGRESS = CLOUD_DIRECTIONS
STATE_OK, NODATA, SKIPDATA = LOG_STATES

_UNSIGNED = {"src_port": np.uint16, "dst_port": np.uint16, "protocol": np.uint8, "tcp_flags": np.uint16,
             "src_as": np.uint32, "dst_as": np.uint32, "sampling_rate": np.uint32, "bytes": np.uint64,
             "packets": np.uint64, "packets_lost": np.uint64}  # fmt: skip


@dataclass(slots=True)
class Found:
    """Columns of some records; those that are left out have their default."""

    rows: int
    provider: int
    words: dict[str, Word] = field(default_factory=dict)
    numbers: dict[str, NDArray[Any]] = field(default_factory=dict)
    addresses: dict[str, NDArray[np.uint8]] = field(default_factory=dict)

    def at(self, chosen: NDArray[Any]) -> Found:
        """The chosen rows."""
        return Found(
            len(chosen), self.provider, {name: word.at(chosen) for name, word in self.words.items()},
            {name: numbers[chosen] for name, numbers in self.numbers.items()},
            {name: addresses[chosen] for name, addresses in self.addresses.items()},
        )  # fmt: skip

    def batch(self, now_ns: int, sampling_rate: int = 0) -> pa.RecordBatch:
        """The rows. A record without times has that of its reading."""
        end = self.numbers.pop("end", np.zeros(self.rows, np.int64))
        start = self.numbers.pop("start", end)
        end = np.where(end > 0, end, np.where(start > 0, start, now_ns))
        start = np.where(start > 0, np.minimum(start, end), end)
        columns: dict[str, Any] = {
            "time": end, "time_start": start, "time_received": now_ns, "provider": self.provider, "counted": 1,
            "log_state": STATE_OK,
        }  # fmt: skip
        if sampling_rate:
            columns["sampling_rate"] = sampling_rate
        for name, numbers in self.numbers.items():
            kind: Any = _UNSIGNED.get(name, np.uint8)
            columns[name] = np.clip(numbers, 0, np.iinfo(kind).max).astype(kind)
        for name, word in self.words.items():
            if not word.empty:
                columns[name] = word.array()
        for name, addresses in self.addresses.items():
            columns[name] = address_array(addresses)
        return batch_of(CLOUD_FLOWS, self.rows, **columns)


def address_array(addresses: NDArray[np.uint8]) -> pa.Array[Any]:
    """[n, 16] bytes as a column."""
    packed = np.ascontiguousarray(addresses)
    return pa.Array.from_buffers(pa.binary(16), len(packed), [None, pa.py_buffer(packed.data)])


def present(addresses: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which rows have an address."""
    halves = np.ascontiguousarray(addresses).view(np.uint64).reshape(-1, 2)
    found: NDArray[np.bool_] = (halves[:, 0] | halves[:, 1]) != 0
    return found


def equal(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which rows have the same address in both."""
    a, b = (np.ascontiguousarray(x).view(np.uint64).reshape(-1, 2) for x in (one, other))
    found: NDArray[np.bool_] = (a[:, 0] == b[:, 0]) & (a[:, 1] == b[:, 1])
    return found
