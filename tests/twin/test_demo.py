"""The demo source: history first, then live datagrams from every exporter, stopped cleanly."""

from __future__ import annotations

import csv
import itertools
import json
import socket
import threading
import time
from pathlib import Path

import numpy as np
from tests.waiting import until

from weft.decode.datagrams import DatagramBatch
from weft.decode.flow.decoder import FlowDecoder
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


class StoppingSink(FakeSink):
    """Has the demo stopped once it told the second piece of what is older than an hour."""

    demo: DemoSource

    def ingest(self, batch: DatagramBatch) -> None:
        super().ingest(batch)
        if len(older(self.batches)) == 2:
            threading.Thread(target=self.demo.stop).start()
            time.sleep(0.1)


def older(batches: list[DatagramBatch]) -> list[DatagramBatch]:
    return [batch for batch in batches if batch.received_ns.max() / 1e9 < time.time() - 3590]


def missing(folder: Path) -> list[list[float]]:
    return json.loads((folder / "missing.json").read_text())


def source(sink: FakeSink, port: int, folder: Path, newest: float | None = None, hours: float = 1.0) -> DemoSource:
    targets = dict.fromkeys(("netflow", "ipfix", "sflow"), ("127.0.0.1", port))
    config = DemoConfig(backfill_hours=hours, records_per_s=2)
    return DemoSource(config, acme_timeline(config.seed), sink, targets=lambda: targets,
                      newest_s=lambda: newest, missing=folder / "missing.json")  # fmt: skip


def test_backfills_the_missing_history_then_sends_live(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        sink = FakeSink()
        demo = source(sink, listener.getsockname()[1], tmp_path)
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


def test_only_the_gap_is_filled_after_a_restart(tmp_path: Path) -> None:
    sink = FakeSink()
    now = time.time()
    demo = source(sink, 9, tmp_path, newest=now - 600, hours=24)
    demo.start()
    demo.stop()
    assert min(int(b.received_ns.min()) for b in sink.batches) / 1e9 >= now - 601


def test_what_is_older_is_told_beside_the_live_stream(tmp_path: Path) -> None:
    sink, started = FakeSink(), time.time()
    demo = source(sink, 9, tmp_path, hours=1.5)
    demo.start()
    try:
        assert until(lambda: sink.flushed == 2)
    finally:
        demo.stop()
    assert missing(tmp_path) == []
    past = older(sink.batches)
    assert min(batch.received_ns.min() for batch in past) / 1e9 < started - 5300
    decoder = FlowDecoder()
    # The past comes while newer things are told: neither takes the other's sequence numbers for losses.
    live = [batch for batch in sink.batches if all(batch is not one for one in past)]
    for pair in zip(live, [*past, *[None] * len(live)], strict=False):
        for batch in pair:
            if batch is not None:
                decoder.decode(batch)
    lossy = {one.address for one in org.EXPORTERS if one.loss}
    streams = decoder.streams()
    assert len(streams) == 2 * len(org.EXPORTERS)
    assert [one for one in streams if one.restarts or sum(one.errors.values())] == []
    assert {one.exporter for one in streams if one.lost} <= lossy


def test_a_past_that_was_not_told_to_the_end_is_told_after_the_next_start(tmp_path: Path) -> None:
    sink, again, started = StoppingSink(), FakeSink(), time.time()
    sink.demo = source(sink, 9, tmp_path, hours=2)
    sink.demo.start()
    assert until(lambda: sink.flushed == 2)
    ((since_s, until_s),) = missing(tmp_path)
    assert started - 7200 < since_s < until_s - 600
    demo = source(again, 9, tmp_path, newest=time.time(), hours=2)
    demo.start()
    try:
        assert until(lambda: missing(tmp_path) == [])
    finally:
        demo.stop()
    pieces = [batch.received_ns / 1e9 for batch in (*older(sink.batches), *older(again.batches))]
    for before, after in itertools.pairwise(pieces):
        assert -1 < after.min() - before.max() < 30  # none twice, none left out
    assert pieces[0].min() < started - 7100
    assert pieces[-1].max() > started - 3700


def test_a_file_that_says_nothing_of_the_past_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "missing.json").write_text("[[1,")
    sink = FakeSink()
    demo = source(sink, 9, tmp_path, newest=time.time() - 1, hours=2)
    demo.start()
    demo.stop()
    assert missing(tmp_path) == []


def test_reference_tables_name_every_exporter_and_interface(tmp_path: Path) -> None:
    tables = write_reference_tables(tmp_path)
    with tables.interfaces.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(org.all_ports(e)) for e in org.EXPORTERS)
    with tables.exporters.open() as file:
        assert {row["name"] for row in csv.DictReader(file)} == {e.name for e in org.EXPORTERS}
    with tables.prefixes.open() as file:
        assert {row["cloud"] for row in csv.DictReader(file)} == {"", "AWS", "Azure"}
