"""``weft import``: captures into the store, through the collector's own path."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from weft.cli.import_cloud import import_cloud
from weft.cli.import_logs import import_logs
from weft.cli.import_routes import import_routes
from weft.cli.options import config_option, settings_of
from weft.errors import InvalidInput

if TYPE_CHECKING:
    from weft.collect import Collector, CollectStatus
    from weft.config import Settings
    from weft.decode.datagrams import DatagramBatch

_PROGRESS_S = 1.0


@click.group("import")
def import_command() -> None:
    """Load telemetry from files into the store."""


import_command.add_command(import_logs)
import_command.add_command(import_routes)
import_command.add_command(import_cloud)


@import_command.command("flows")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--port", "ports", multiple=True, type=click.IntRange(1, 65535), metavar="PORT",
              help="Take only datagrams to this UDP port. May be repeated.")  # fmt: skip
@click.option("--shift-to-now", is_flag=True,
              help="Move receive times so that the newest datagram of all files came just now.")  # fmt: skip
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where the data is kept (WEFT_DATA_DIR, data_dir).")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object on standard output.")
@config_option
def import_flows(
    files: tuple[Path, ...],
    ports: tuple[int, ...],
    shift_to_now: bool,
    data_dir: Path | None,
    as_json: bool,
    config_file: Path | None,
) -> None:
    """Decode FILES (pcap, pcapng, flow messages, IPFIX files; also gzipped) and store their flows.

    Uses the decoders, reference tables and store that `weft up` uses; no other process may have the store open.
    A flow's receive time is that of its packet in the capture, or its export time in files that keep none.
    """
    from weft.logs import configure_logging

    settings = settings_of(config_file, data_dir=data_dir)
    configure_logging("warning", settings.log.format)
    summary = import_captures(settings, files, ports, shift_to_now=shift_to_now, progress=not as_json)
    if as_json:
        click.echo(json.dumps(summary.as_dict()))
    else:
        summary.show()
    if summary.lost_rows:
        sys.exit(1)


@dataclass
class Summary:
    """What an import did."""

    files: int = 0
    packets: int = 0
    datagrams: int = 0
    flows: int = 0
    metrics: int = 0
    stored: int = 0
    expired: int = 0  # flows received before the store's retention begins
    seconds: float = 0.0
    exporters: int = 0
    losses: dict[str, int] = field(default_factory=dict)  # by unit, from sequence numbers
    errors: dict[str, int] = field(default_factory=dict)  # by reason
    lost_rows: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return self.__dict__ | {"seconds": round(self.seconds, 3)}

    def show(self) -> None:
        """For people, on standard error."""
        rate = f", {self.flows / self.seconds:,.0f} flows/s" if self.seconds > 0.5 else ""
        click.echo(
            f"{self.stored:,} rows stored from {self.files} file{'s' if self.files != 1 else ''}: {self.flows:,} flows"
            f" and {self.metrics:,} counters of {self.exporters} exporters in {self.datagrams:,} datagrams"
            f" ({self.seconds:.1f} s{rate}).",
            err=True,
        )
        for title, counts in (
            ("missing by sequence number", self.losses), ("errors", self.errors), ("not stored", self.lost_rows),
        ):  # fmt: skip
            if counts:
                click.echo(f"{title}: " + ", ".join(f"{count:,} {name}" for name, count in counts.items()), err=True)
        if self.expired:
            click.echo(
                f"warning: {self.expired:,} datagrams are older than the store keeps flows, and their flows will be"
                " removed. Use --shift-to-now, or a longer store.retention_days.",
                err=True,
            )


def import_captures(
    settings: Settings, files: Iterable[Path], ports: Iterable[int] = (), *, shift_to_now: bool = False,
    progress: bool = False,
) -> Summary:  # fmt: skip
    """Store the flows of ``files``. Raises ``StoreUnavailable`` when another process owns the store."""
    from weft.collect import Collector
    from weft.component import Running
    from weft.enrich.enricher import Enricher
    from weft.model.flows import FLOWS
    from weft.store.known import known
    from weft.store.open import open_store

    files, ports = list(files), tuple(ports)
    _check(files)
    shift_ns = time.time_ns() - _newest(files, ports) if shift_to_now else 0
    days = settings.store.retention_days.get(FLOWS.name, FLOWS.ttl_days)
    kept_since = time.time_ns() - days * 86_400 * 10**9
    summary, began = Summary(files=len(files)), time.monotonic()
    store = open_store(settings.store, visiting=True)
    enricher = Enricher(settings.enrich, known=lambda: known(store))
    collector = Collector(
        settings.collect.model_copy(update={"listeners": ()}), store=store, enricher=enricher,
        data_dir=settings.data_dir,
    )  # fmt: skip
    running = Running([store, enricher, collector])
    running.start()
    try:
        shown = time.monotonic()
        for batch in _batches(files, ports, summary):
            batch.received_ns += shift_ns
            summary.expired += int((batch.received_ns < kept_since).sum())
            collector.ingest(batch)
            if progress and time.monotonic() - shown >= _PROGRESS_S:
                shown = time.monotonic()
                _show_progress(collector, shown - began)
        collector.flush(timeout_s=3600)
        _conclude(summary, collector.status())
    finally:
        running.stop()
    summary.seconds = time.monotonic() - began
    return summary


def _check(files: list[Path]) -> None:
    """Complain about files that cannot be opened before the first one is stored."""
    for path in files:
        try:
            with open(path, "rb"):
                pass
        except OSError as error:
            raise InvalidInput(f"cannot be read: {error.strerror}", where=str(path)) from error


def _batches(files: Iterable[Path], ports: tuple[int, ...], summary: Summary | None = None) -> Iterator[DatagramBatch]:
    """The datagrams of all files, every one with a receive time."""
    from weft.decode.capture import CaptureFile

    for path in files:
        capture = CaptureFile(path, ports)
        for batch in capture:
            unknown = np.flatnonzero(batch.received_ns == 0)
            if len(unknown):
                batch.received_ns = batch.received_ns.copy()
                batch.received_ns[unknown] = _export_times(batch, unknown)
            yield batch
        if summary is not None:
            summary.packets += capture.tally.packets
            summary.datagrams += capture.tally.datagrams
            summary.errors = dict(Counter(summary.errors) + capture.tally.errors)


def _export_times(batch: DatagramBatch, rows: np.ndarray[Any, np.dtype[np.int64]]) -> list[int]:
    """Export time in the headers of NetFlow and IPFIX datagrams, UTC nanoseconds; now where there is none (sFlow)."""
    times = []
    for row in rows.tolist():
        start = int(batch.start[row])
        head = batch.data[start : start + min(12, int(batch.length[row]))].tobytes()
        version = int.from_bytes(head[:2], "big")
        at = {5: 8, 9: 8, 10: 4}.get(version)
        seconds = int.from_bytes(head[at : at + 4], "big") if at is not None and len(head) >= at + 4 else 0
        times.append(seconds * 10**9 or time.time_ns())
    return times


def _newest(files: Iterable[Path], ports: tuple[int, ...]) -> int:
    """Receive time of the newest datagram in all files."""
    return max((int(batch.received_ns.max()) for batch in _batches(files, ports)), default=time.time_ns())


def _show_progress(collector: Collector, seconds: float) -> None:
    status = collector.status()
    flows = status.decode.flows
    click.echo(f"{flows:,} flows decoded, {sum(status.writer.rows.values()):,} rows stored, {seconds:.0f} s", err=True)


def _conclude(summary: Summary, status: CollectStatus) -> None:
    """Read the totals off the collector."""
    summary.flows, summary.metrics = status.decode.flows, status.decode.metrics
    summary.stored = sum(status.writer.rows.values())
    summary.lost_rows = status.lost_rows
    summary.exporters = len({book.exporter for book in status.ledger})
    losses: Counter[str] = Counter()
    errors = Counter(summary.errors)
    for book in status.ledger:
        losses.update(book.lost)
        errors.update(book.errors)
    summary.losses = {unit: count for unit, count in losses.items() if count}
    summary.errors = dict(errors)
