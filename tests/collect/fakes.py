"""Stand-ins for the stages around the collector: a decoder of v5-sized dummies, a store in memory, state in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

import numpy as np
import pyarrow as pa

from weft.decode.datagrams import DatagramBatch
from weft.decode.flow.decoded import Decoded
from weft.errors import StoreUnavailable
from weft.model.dictionaries import Dictionary
from weft.model.exporters import InterfaceFact, StreamStatus
from weft.model.flows import DECODED_SCHEMA, FLOWS
from weft.model.metrics import METRICS
from weft.model.tables import Table


def rows_of(schema: pa.Schema, n: int, **given: Any) -> pa.RecordBatch:
    """``n`` rows of zeros but for the given numpy columns."""
    arrays = []
    for field in schema:
        if field.name in given:
            data = np.ascontiguousarray(given[field.name])
            arrays.append(pa.Array.from_buffers(field.type, n, [None, pa.py_buffer(data)]))
        elif pa.types.is_dictionary(field.type):
            arrays.append(pa.DictionaryArray.from_arrays(pa.array([0] * n, pa.int32()), pa.array(["x"])))
        elif pa.types.is_string(field.type):
            arrays.append(pa.array([""] * n, pa.string()))
        else:
            size = n * (field.type.bit_width // 8)
            arrays.append(pa.Array.from_buffers(field.type, n, [None, pa.py_buffer(np.zeros(size, np.uint8))]))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


class FakeDecoder:
    """One row per datagram that starts with version 5: exporter = sender, bytes = the number in bytes 8–15."""

    def __init__(self) -> None:
        self.errors: dict[str, int] = {}
        self.streams_seen: dict[str, StreamStatus] = {}
        self.ticks: list[int] = []
        self.gate = threading.Event()
        self.gate.set()

    def decode(self, batch: DatagramBatch) -> Decoded:
        self.gate.wait(10)
        values, exporters, index = [], [], []
        for i in range(len(batch)):
            raw = batch.data[batch.start[i] : batch.start[i] + batch.length[i]].tobytes()
            source = str(_unmapped(batch.source[i].tobytes()))
            stream = self.streams_seen.setdefault(
                source, StreamStatus(source, source, 1, 0, first_seen_ns=1, lost_unit="flows")
            )
            stream.datagrams += 1
            stream.octets += len(raw)
            if raw[2:4] == b"\xff\xff":
                stream.errors["set_truncated"] = stream.errors.get("set_truncated", 0) + 1
                continue
            stream.records += 1
            values.append(int.from_bytes(raw[8:16], "big"))
            exporters.append(batch.source[i])
            index.append(i)
        n = len(values)
        received = batch.received_ns[index] if n else np.zeros(0, np.int64)
        flows = rows_of(
            DECODED_SCHEMA, n, bytes=np.array(values, np.uint64), datagram=np.array(index, np.uint32),
            exporter=np.array(exporters, np.uint8).reshape(n, 16), time_received=received,
        )  # fmt: skip
        return Decoded(flows, rows_of(METRICS.schema, 0))

    def tick(self, now_ns: int) -> None:
        self.ticks.append(now_ns)

    def streams(self) -> list[StreamStatus]:
        return list(self.streams_seen.values())

    def export_state(self) -> list[Any]:
        return []

    def import_state(self, state: list[Any]) -> None:
        pass


class FakeEnricher:
    def __init__(self) -> None:
        self.changes: dict[str, list[dict[str, Any]]] = {}

    def enrich(self, flows: pa.RecordBatch) -> pa.RecordBatch:
        zeros = pa.array(np.zeros(flows.num_rows, np.uint32))
        columns = [flows.column(name) if name in flows.schema.names else zeros for name in FLOWS.schema.names]
        return pa.RecordBatch.from_arrays(columns, schema=FLOWS.schema)

    def dictionary_rows(self) -> dict[str, list[dict[str, Any]]]:
        changes, self.changes = self.changes, {}
        return changes

    def learn(self, facts: Iterable[InterfaceFact]) -> None:
        rows = self.changes.setdefault("interfaces", [])
        rows += [
            {"exporter": f.exporter, "if_index": f.if_index, "name": f.name, "speed_bps": f.speed_bps} for f in facts
        ]

    def user_columns(self, dictionary: str) -> dict[str, str]:
        return {}

    def saw(self, exporters: Iterable[str]) -> None:
        self.changes.setdefault("exporters", []).extend({"exporter": name, "name": name} for name in exporters)


class FakeStore:
    """Keeps batches in lists; can be away, slow, or refuse."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, pa.RecordBatch, str | None]] = []
        self.tokens: set[str | None] = set()
        self.dictionaries: dict[str, list[Mapping[str, Any]]] = {}
        self.away = False
        self.gate = threading.Event()
        self.gate.set()
        self.refuse: Exception | None = None
        self.refuse_above = 0
        self.attempts = 0

    def insert(self, table: Table, batch: pa.RecordBatch, token: str | None = None) -> None:
        self.attempts += 1
        self.gate.wait(20)
        if self.away:
            raise StoreUnavailable("away")
        if self.refuse is not None and batch.num_rows > self.refuse_above:
            raise self.refuse
        if token not in self.tokens:
            self.tokens.add(token)
            self.batches.append((table.name, batch, token))

    def upsert_dictionary(self, dictionary: Dictionary, rows: Sequence[Mapping[str, Any]]) -> None:
        if self.away:
            raise StoreUnavailable("away")
        self.dictionaries.setdefault(dictionary.name, []).extend(rows)

    def values(self) -> list[int]:
        """``bytes`` of all stored flows, in the order stored."""
        stored = [batch for name, batch, _ in self.batches if name == "flows"]
        return [value for batch in stored for value in batch.column("bytes").to_pylist()]


class FakeState:
    def __init__(self) -> None:
        self.saved: list[Mapping[str, Any]] = []

    def save_decoder_state(self, state: Sequence[Mapping[str, Any]]) -> None:
        self.saved = list(state)

    def load_decoder_state(self) -> Sequence[Mapping[str, Any]]:
        return self.saved


def datagram(value: int, size: int = 72) -> bytes:
    """A datagram that sniffs as NetFlow v5 and that ``FakeDecoder`` reads ``value`` from."""
    return (b"\0\x05\0\x01" + bytes(4) + value.to_bytes(8, "big")).ljust(size, b"\0")


def batch_of(datagrams: Sequence[bytes], source: str = "192.0.2.1", port: int = 9995, at_ns: int = 1) -> DatagramBatch:
    """A batch of datagrams from one sender."""
    return batch_from([(source, port, one) for one in datagrams], at_ns)


def batch_from(datagrams: Sequence[tuple[str, int, bytes]], at_ns: int = 1) -> DatagramBatch:
    """A batch of (source, port, payload)."""
    n = len(datagrams)
    length = np.array([len(raw) for _, _, raw in datagrams], np.int32)
    start = np.cumsum(length, dtype=np.int64) - length
    source = np.frombuffer(b"".join(_mapped(address) for address, _, _ in datagrams), np.uint8).reshape(n, 16)
    return DatagramBatch(
        np.frombuffer(b"".join(raw for _, _, raw in datagrams), np.uint8), start, length, source.copy(),
        np.array([port for _, port, _ in datagrams], np.uint16), np.full(n, at_ns, np.int64),
    )  # fmt: skip


def _mapped(address: str) -> bytes:
    parsed = ip_address(address)
    return parsed.packed if parsed.version == 6 else bytes(10) + b"\xff\xff" + parsed.packed


def _unmapped(address: bytes) -> object:
    parsed = ip_address(address)
    return getattr(parsed, "ipv4_mapped", None) or parsed
