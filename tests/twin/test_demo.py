"""The demo source: history first, then live datagrams from every exporter, stopped cleanly."""

from __future__ import annotations

import csv
import socket
import time
from pathlib import Path

import numpy as np

from weft.decode.datagrams import DatagramBatch
from weft.twin import organisation as org
from weft.twin.demo import DemoConfig, DemoSource
from weft.twin.faults.schedule import acme_timeline
from weft.twin.reference import write_reference_tables


class FakeSink:
    def __init__(self) -> None:
        self.batches: list[DatagramBatch] = []
        self.flushed = 0

    def ingest(self, batch: DatagramBatch) -> None:
        self.batches.append(batch)

    def flush(self) -> None:
        self.flushed += 1


def source(sink: FakeSink, port: int, newest: float | None = None, hours: float = 1.0) -> DemoSource:
    targets = dict.fromkeys(("netflow", "ipfix", "sflow"), ("127.0.0.1", port))
    config = DemoConfig(backfill_hours=hours, records_per_s=2)
    return DemoSource(config, acme_timeline(config.seed), sink, targets=lambda: targets, newest_s=lambda: newest)


def test_backfills_the_missing_history_then_sends_live() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        sink = FakeSink()
        demo = source(sink, listener.getsockname()[1])
        started = time.time()
        demo.start()
        try:
            versions = {listener.recv(65535)[:2].hex() for _ in range(40)}
            for _ in range(2000):  # what each has to tell comes when it has something to tell
                if versions >= {"0005", "0009", "000a", "0000"}:
                    break
                versions.add(listener.recv(65535)[:2].hex())
        finally:
            demo.stop()
    assert sink.flushed == 1
    received = np.concatenate([b.received_ns for b in sink.batches]) / 1e9
    assert received.min() < started - 3500
    assert received.max() <= time.time()
    assert len(np.unique(np.concatenate([b.source for b in sink.batches]), axis=0)) == len(org.EXPORTERS)
    assert versions >= {"0005", "0009", "000a", "0000"}


def test_only_the_gap_is_filled_after_a_restart() -> None:
    sink = FakeSink()
    now = time.time()
    demo = source(sink, 9, newest=now - 600, hours=24)
    demo.start()
    demo.stop()
    assert min(int(b.received_ns.min()) for b in sink.batches) / 1e9 >= now - 601


def test_reference_tables_name_every_exporter_and_interface(tmp_path: Path) -> None:
    tables = write_reference_tables(tmp_path)
    with tables.interfaces.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(org.all_ports(e)) for e in org.EXPORTERS)
    with tables.exporters.open() as file:
        assert {row["name"] for row in csv.DictReader(file)} == {e.name for e in org.EXPORTERS}
    with tables.prefixes.open() as file:
        assert {row["cloud"] for row in csv.DictReader(file)} == {"", "AWS", "Azure"}
