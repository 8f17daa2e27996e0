"""Flow rows as plain columns: what detectors of flows read, scaled by sampling, whatever the exporter left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network
from typing import Any

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

#: More networks of one's own are not told apart.
MOST_NETWORKS = 65_536
_V4 = 0xFFFF << 32


@dataclass(frozen=True, slots=True)
class FlowRows:
    """Columns of flow records, all of one length. Addresses are two uint64; times UTC seconds.

    ``packets`` and ``octets`` are what passed, as estimated; ``seen`` the packets that were looked at.
    """

    src_high: NDArray[np.uint64]
    src_low: NDArray[np.uint64]
    dst_high: NDArray[np.uint64]
    dst_low: NDArray[np.uint64]
    src_port: NDArray[np.uint16]
    dst_port: NDArray[np.uint16]
    protocol: NDArray[np.uint8]
    flags: NDArray[np.uint16]
    seen: NDArray[np.float64]
    packets: NDArray[np.float64]
    octets: NDArray[np.float64]
    rate: NDArray[np.float64]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    received_s: NDArray[np.float64]
    exporter_high: NDArray[np.uint64]
    exporter_low: NDArray[np.uint64]
    in_if: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.src_low)


def plain(rows: pa.RecordBatch, name: str, kind: Any, default: Any = 0) -> NDArray[Any]:
    """A column as numbers; what is missing or null is ``default``."""
    at = rows.schema.get_field_index(name)
    if at < 0:
        return np.full(rows.num_rows, default, kind)
    column: Any = rows.column(at)
    if column.null_count:
        column = column.fill_null(default)
    # A copy, so that kernels always see the same kind of array and are compiled once.
    return np.array(column.to_numpy(zero_copy_only=False), kind)


def _seconds(rows: pa.RecordBatch, name: str, fallback: NDArray[np.float64] | None) -> NDArray[np.float64]:
    at = rows.schema.get_field_index(name)
    if at < 0:
        return np.zeros(rows.num_rows) if fallback is None else fallback
    column: Any = rows.column(at)
    unit = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}[column.type.unit]
    told = _numbers(column).astype(np.float64) / unit
    return told if fallback is None else np.where(told > 0, told, fallback)


def _numbers(column: Any) -> NDArray[np.int64]:
    """A column of times as its integers; 0 for what is null."""
    whole = column.cast(pa.int64())
    return np.asarray((whole.fill_null(0) if whole.null_count else whole).to_numpy(zero_copy_only=False))


def address_words(rows: pa.RecordBatch, name: str) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """A column of addresses (16 octets each) as upper and lower 64 bits; zero where missing or null."""
    at = rows.schema.get_field_index(name)
    if at < 0:
        return np.zeros(rows.num_rows, np.uint64), np.zeros(rows.num_rows, np.uint64)
    column: Any = rows.column(at)
    if column.null_count:
        column = column.fill_null(bytes(16))
    data = memoryview(column.buffers()[1])
    words = np.frombuffer(data, ">u8", count=2 * len(column), offset=16 * column.offset).astype(np.uint64)
    return np.ascontiguousarray(words[0::2]), np.ascontiguousarray(words[1::2])


def flow_rows(rows: pa.RecordBatch) -> FlowRows:
    """Rows of the ``flows`` table as plain columns."""
    received = _seconds(rows, "time_received", None)
    end = np.minimum(_seconds(rows, "time_end", received), received + 1)
    start = np.minimum(_seconds(rows, "time_start", end), end)
    rate = np.maximum(plain(rows, "sampling_rate", np.float64), 1.0)
    seen = np.maximum(plain(rows, "packets", np.float64), 1.0)
    return FlowRows(
        *address_words(rows, "src_addr"), *address_words(rows, "dst_addr"),
        src_port=plain(rows, "src_port", np.uint16), dst_port=plain(rows, "dst_port", np.uint16),
        protocol=plain(rows, "protocol", np.uint8), flags=plain(rows, "tcp_flags", np.uint16),
        seen=seen, packets=seen * rate, octets=plain(rows, "bytes", np.float64) * rate, rate=rate,
        start_s=start, end_s=end, received_s=received,
        **dict(zip(("exporter_high", "exporter_low"), address_words(rows, "exporter"), strict=True)),
        in_if=plain(rows, "in_if", np.uint32),
    )  # fmt: skip


_last: tuple[pa.RecordBatch | None, FlowRows | None] = (None, None)


def same_rows(rows: pa.RecordBatch) -> FlowRows:
    """As ``flow_rows``; detectors that are given the same batch one after another share the work."""
    global _last
    batch, made = _last
    if batch is not rows or made is None:
        made = flow_rows(rows)
        _last = (rows, made)
    return made


def address_bytes(high: int, low: int) -> bytes:
    """An address of two words as 16 octets."""
    return (int(high) << 64 | int(low)).to_bytes(16, "big")


def address_text(high: int, low: int) -> str:
    """An address of two words as people write it."""
    address = IPv6Address(int(high) << 64 | int(low))
    return str(address.ipv4_mapped or address)


@numba.njit(cache=True, nogil=True, inline="always")
def network_of(edges_high, edges_low, owner, high, low):  # type: ignore[no-untyped-def]
    """Number of the network that an address is in; −1 where in none."""
    first, last = 0, len(owner)
    while first < last:
        middle = (first + last) >> 1
        if edges_high[middle] < high or (edges_high[middle] == high and edges_low[middle] <= low):
            first = middle + 1
        else:
            last = middle
    return owner[first - 1] if first else -1


@numba.njit(cache=True, nogil=True)
def _all_of(edges_high, edges_low, owner, high, low, out):  # type: ignore[no-untyped-def]
    for i in range(len(out)):
        out[i] = network_of(edges_high, edges_low, owner, high[i], low[i])


class OwnNetworks:
    """Prefixes that are one's own, for looking up whole columns. Where prefixes nest, the longest counts.

    Without any, everything is one's own: each /24 of IPv4 and /48 of IPv6 then stands for a network. ``base_high``,
    ``base_low`` and ``length`` (of 128 bits) are the networks themselves, ``outer`` the next wider one around each.
    """

    def __init__(self, networks: Sequence[IPv4Network | IPv6Network]) -> None:
        self.given = tuple(networks)
        self.networks = tuple(sorted(set(networks), key=lambda one: (one.version, one.prefixlen))[:MOST_NETWORKS])
        spans = sorted(
            ((_number(one), _number(one) + one.num_addresses - 1, -one.prefixlen, at)
             for at, one in enumerate(self.networks)),
            key=lambda span: (span[0], -span[1]),
        )  # fmt: skip
        edges: list[tuple[int, int]] = []
        open_spans: list[tuple[int, int]] = []
        self.outer = np.full(len(self.networks), -1, np.int32)

        def close(before: int) -> None:
            while open_spans and open_spans[-1][0] < before:
                last, _ = open_spans.pop()
                edges.append((last + 1, open_spans[-1][1] if open_spans else -1))

        for first, last, _, at in spans:
            close(first)
            if open_spans:
                self.outer[at] = open_spans[-1][1]
            edges.append((first, at))
            open_spans.append((last, at))
        close(1 << 129)
        word = (1 << 64) - 1
        self.high = np.array([min(at >> 64, word) for at, _ in edges], np.uint64)
        self.low = np.array([at & word for at, _ in edges], np.uint64)
        self.owner = np.array([number for _, number in edges], np.int32)
        bases = [_number(one) for one in self.networks]
        self.base_high = np.array([base >> 64 for base in bases], np.uint64)
        self.base_low = np.array([base & word for base in bases], np.uint64)
        self.length = np.array([one.prefixlen + 96 * (one.version == 4) for one in self.networks], np.int16)

    def __len__(self) -> int:
        return len(self.networks)

    def find(self, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Which network each address is in; −1 = none of ours."""
        out = np.empty(len(low), np.int32)
        _all_of(self.high, self.low, self.owner, high, low, out)
        return out


class CurrentNetworks:
    """One's own networks as they are now, and those that are it always."""

    def __init__(
        self, networks: Callable[[], Sequence[IPv4Network | IPv6Network]],
        always: Sequence[IPv4Network | IPv6Network] = (),
    ) -> None:  # fmt: skip
        self._networks = networks
        self._always = tuple(always)
        self._known = OwnNetworks(())

    def __call__(self) -> OwnNetworks:
        """The networks as of now; the same object until they change."""
        now = (*self._always, *self._networks())
        if self._known.given != now:
            self._known = OwnNetworks(now)
        return self._known


def _number(network: IPv4Network | IPv6Network) -> int:
    """The first address as 128 bits, IPv4 as ::ffff:a.b.c.d."""
    return int(network.network_address) | (_V4 if network.version == 4 else 0)
