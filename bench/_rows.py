"""Flow rows as an organisation with 24 exporters would store them, made column by column.

What matters for cost and size is in: rows come in runs of one datagram; popularity of hosts, ASes and applications is
Zipf-like; a remote AS is reached over one or two external interfaces of an exporter, own hosts over internal ones; a
fifth of the flows is IPv6; start times spread over the active time-out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.model.flows import FLOWS

EXPORTERS = 24
INTERFACES = 10  # of each exporter: the first four are external
REMOTE_HOSTS = 2_000_000
OWN_HOSTS = 20_000
ASES = 20_000
OWN_AS = 64_500
RUN = 25  # records of a datagram
_PORTS = np.array([443, 80, 53, 22, 25, 123, 8080, 3306, 993, 5060, 3389, 1194, 8443, 5432, 6379], np.uint16)

Columns = dict[str, NDArray[Any]]


class Organisation:
    """Makes batches of rows. The same seed gives the same rows."""

    def __init__(self, seed: int = 1) -> None:
        self._rng = np.random.default_rng(seed)
        fixed = np.random.default_rng(7)
        self._remote = _popularity(REMOTE_HOSTS, 1.05)
        self._own = _popularity(OWN_HOSTS, 0.9)
        self._exporter = _popularity(EXPORTERS, 0.6)
        self._port = _popularity(len(_PORTS), 1.2)
        self._host_as = np.searchsorted(_popularity(ASES, 1.0), fixed.random(REMOTE_HOSTS)).astype(np.uint32) + 1
        self._way_out = fixed.integers(0, 4, ASES + 2, dtype=np.uint32)

    def batch(self, rows: int, start: int, seconds: float) -> pa.RecordBatch:
        """Rows received evenly from ``start`` (UTC seconds) on for ``seconds``."""
        rng, runs = self._rng, rows // RUN + 1
        columns: Columns = {}
        received = np.repeat(start * 10**9 + np.sort(rng.random(runs)) * seconds * 1e9, RUN)[:rows].astype(np.int64)
        exporter = np.repeat(_draw(rng, self._exporter, runs), RUN)[:rows].astype(np.uint32)
        columns["time_received"] = received
        columns["time_end"] = received - rng.integers(0, 5 * 10**9, rows)
        columns["time_start"] = columns["time_end"] - (rng.random(rows) ** 3 * 60e9).astype(np.int64)
        columns["exporter"] = _addresses(exporter + 1, np.zeros(rows, bool), 10)
        kind = exporter % 4
        columns["flow_type"] = (kind + 1).astype(np.uint8)
        columns["protocol_version"] = np.array([5, 9, 10, 5], np.uint8)[kind]
        columns["sampling_rate"] = np.array([1, 1000, 2048, 4096], np.uint32)[kind]
        columns["sampling_source"] = np.array([3, 2, 2, 1], np.uint8)[kind]
        self._ends(columns, exporter, rows)
        self._volume(columns, rows)
        return _batch(columns, rows)

    def _ends(self, columns: Columns, exporter: NDArray[np.uint32], rows: int) -> None:
        """Both ends of each flow, and what follows from them."""
        rng = self._rng
        inbound = rng.random(rows) < 0.55
        six = rng.random(rows) < 0.2
        remote, own = _draw(rng, self._remote, rows), _draw(rng, self._own, rows)
        far, near = _addresses(remote, six, 100), _addresses(own, six, 10)
        asn = self._host_as[remote]
        outside = exporter * 100 + self._way_out[asn] + 1
        inside = exporter * 100 + 5 + (own % 6).astype(np.uint32)
        far_net, near_net = (asn % 300 + 100).astype(np.uint32), (own % 60 + 1).astype(np.uint32)
        port = _PORTS[_draw(rng, self._port, rows)]
        high = rng.integers(32768, 60999, rows, dtype=np.uint16)
        for name, when_in, when_out in (
            ("src_addr", far, near), ("dst_addr", near, far), ("src_as", asn, OWN_AS), ("dst_as", OWN_AS, asn),
            ("src_net", far_net, near_net), ("dst_net", near_net, far_net), ("in_if", outside, inside),
            ("out_if", inside, outside), ("src_port", port, high), ("dst_port", high, port),
        ):  # fmt: skip
            side = inbound[:, None] if np.ndim(when_in) == 2 else inbound
            columns[name] = np.where(side, when_in, when_out)
        columns["next_hop"] = _addresses(asn % 40, np.zeros(rows, bool), 172)
        columns["app"] = (port % 40).astype(np.uint32)
        columns["src_mask"], columns["dst_mask"] = (16 + columns["src_as"] % 9), (16 + columns["dst_as"] % 9)

    def _volume(self, columns: Columns, rows: int) -> None:
        rng = self._rng
        protocol = np.array([6, 17, 1], np.uint8)[np.minimum(rng.geometric(0.75, rows) - 1, 2)]
        packets = np.minimum(rng.pareto(1.2, rows) * 3 + 1, 1e6).astype(np.uint64)
        columns["protocol"] = protocol
        columns["packets"] = packets
        columns["bytes"] = packets * rng.integers(40, 1500, rows, dtype=np.uint64)
        columns["tcp_flags"] = np.where(protocol == 6, np.array([27, 24, 2, 18, 16])[rng.integers(0, 5, rows)], 0)
        columns["tos"] = np.array([0, 0, 0, 0, 0, 184, 40])[rng.integers(0, 7, rows)]


def _popularity(size: int, exponent: float) -> NDArray[np.float64]:
    weights = np.cumsum(1 / np.arange(1, size + 1) ** exponent)
    return np.asarray(weights / weights[-1])


def _draw(rng: np.random.Generator, popularity: NDArray[np.float64], size: int) -> NDArray[np.int64]:
    return np.searchsorted(popularity, rng.random(size))


def _addresses(number: NDArray[Any], six: NDArray[np.bool_], first: int) -> NDArray[np.uint8]:
    """16 bytes each: IPv4 below ``first``/8, or an address in a /64 of its own network."""
    number = np.asarray(number).astype(np.uint64)
    scattered = (number * np.uint64(2654435761)) & np.uint64(0xFFFFFF)
    words = np.empty((len(number), 2), ">u8")
    words[:, 0] = np.where(six, np.uint64(0x20010DB800000000) + (scattered >> np.uint64(4)), np.uint64(0))
    words[:, 1] = np.where(six, number + np.uint64(1), np.uint64(0xFFFF00000000 | first << 24) + scattered)
    return words.view(np.uint8)


def _batch(columns: Columns, rows: int) -> pa.RecordBatch:
    arrays = []
    for column in FLOWS.columns:
        width = column.arrow.bit_width // 8
        values = columns.get(column.name)
        if values is None:
            raw = np.zeros(rows * width, np.uint8)
        elif width == 16:
            raw = np.ascontiguousarray(values).reshape(-1)
        else:
            raw = np.ascontiguousarray(values, dtype=f"u{width}").view(np.uint8)
        arrays.append(pa.Array.from_buffers(column.arrow, rows, [None, pa.py_buffer(raw.data)]))
    return pa.RecordBatch.from_arrays(arrays, schema=FLOWS.schema)
