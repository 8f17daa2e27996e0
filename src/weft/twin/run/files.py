"""Where the rows and octets of a run go: Parquet files, captures, and what travels as text."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from weft.model.tables import Table
from weft.twin.encode import Datagrams
from weft.twin.run.jobs import Job, Rows

_GROUP_ROWS = 1 << 17
_COLLECTOR = "192.0.2.250"  # where captures say that datagrams went
_PORTS = {"netflow_v5": 2055, "netflow_v9": 2055, "ipfix": 4739, "sflow": 6343}
_RAW_IP, _NS_MAGIC = 101, 0xA1B23C4D  # LINKTYPE_RAW; pcap with nanoseconds


class TableFiles:
    """A Parquet file for each table that a job writes. ``counts``: rows by table."""

    def __init__(self, folder: Path, job: Job) -> None:
        self._folder, self._job = folder, job
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._waiting: dict[str, list[pa.RecordBatch]] = {}
        self._rows: dict[str, int] = {}
        self.counts: dict[str, int] = {}

    def __enter__(self) -> TableFiles:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for name in list(self._waiting):
            self._write(name)
        for writer in self._writers.values():
            writer.close()

    def take(self, rows: Rows) -> None:
        """Write everything."""
        for table, batch in rows:
            if not batch.num_rows:
                continue
            name = table.name
            if name not in self._writers:
                self._open(table)
            self._waiting[name].append(batch)
            self._rows[name] += batch.num_rows
            self.counts[name] += batch.num_rows
            if self._rows[name] >= _GROUP_ROWS:
                self._write(name)

    def _open(self, table: Table) -> None:
        part, name = self._job.part, self._job.name
        stem = name if part == table.name or name == "all" else f"{part}-{name}"
        path = self._folder / table.name / f"{stem}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writers[table.name] = pq.ParquetWriter(path, table.schema, compression="zstd", compression_level=1)
        self._waiting[table.name], self._rows[table.name], self.counts[table.name] = [], 0, 0

    def _write(self, name: str) -> None:
        batches = self._waiting[name]
        if batches:
            whole: Any = pa.Table.from_batches(batches).unify_dictionaries()
            self._writers[name].write_table(whole, row_group_size=_GROUP_ROWS)
        self._waiting[name], self._rows[name] = [], 0


def write_capture(path: Path, sender: str, protocol: str, sent: Iterable[Datagrams]) -> int:
    """Datagrams of an exporter as a capture of raw IP packets with nanoseconds; how many there are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", _NS_MAGIC, 2, 4, 0, 0, 65_535, _RAW_IP))
        for some in sent:
            _packets(file, sender, _PORTS[protocol], some)
            count += len(some)
    return count


def _packets(file: BinaryIO, sender: str, port: int, sent: Datagrams) -> None:
    source, target = IPv4Address(sender).packed, IPv4Address(_COLLECTOR).packed
    times: NDArray[np.int64] = sent.sent_ms
    for at_ms, payload in zip(times.tolist(), sent.payloads(), strict=True):
        whole = 28 + len(payload)
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, whole, 0, 0, 64, 17, 0, source, target)
        total = sum(struct.unpack(">10H", head))
        total = (total & 0xFFFF) + (total >> 16)
        head = head[:10] + struct.pack(">H", ~(total + (total >> 16)) & 0xFFFF) + head[12:]
        file.write(struct.pack("<IIII", at_ms // 1000, at_ms % 1000 * 1_000_000, whole, whole))
        file.write(head + struct.pack(">HHHH", 50_000, port, 8 + len(payload), 0) + payload)
