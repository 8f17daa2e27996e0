"""``weft import logs``: log files into the store, through the receiver's own decoder and the intake."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weft.cli.options import config_option, settings_of

if TYPE_CHECKING:
    from weft.config import Settings


@click.command("logs")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--exporter", help="Address of the device that the messages are of. Default: whoever each message names.")
@click.option("--timezone", help="Zone of stamps that name none, such as Europe/Berlin. Default: UTC.")
@click.option("--port", "ports", multiple=True, type=click.IntRange(1, 65535), metavar="PORT",
              help="Of captures take datagrams to this UDP port (514 and 5514). May be repeated.")  # fmt: skip
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where the data is kept (WEFT_DATA_DIR, data_dir).")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object on standard output.")
@config_option
def import_logs(
    files: tuple[Path, ...], exporter: str | None, timezone: str | None, ports: tuple[int, ...],
    data_dir: Path | None, as_json: bool, config_file: Path | None,
) -> None:  # fmt: skip
    """Store the log messages of FILES: one a line, also gzipped, or captures (pcap, pcapng).

    They are understood as the receiver understands them; stamps are believed. A missing year is told from when the
    file was last written. No other process may have the store open.
    """
    from weft.logs import configure_logging
    from weft.model.addresses import NO_ADDRESS, packed

    try:
        address = packed(exporter) if exporter else NO_ADDRESS
    except ValueError as error:
        raise click.BadParameter(f"{exporter!r} is no address", param_hint="--exporter") from error
    settings = settings_of(config_file, data_dir=data_dir)
    configure_logging("warning", settings.log.format)
    summary = store_logs(settings, files, exporter=address, timezone=timezone, ports=ports)
    if as_json:
        click.echo(json.dumps(summary.as_dict()))
    else:
        summary.show()


@dataclass
class LogSummary:
    """What an import did."""

    files: int = 0
    messages: int = 0
    rows: int = 0
    changes: int = 0
    events: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return self.__dict__ | {"seconds": round(self.seconds, 3)}

    def show(self) -> None:
        """For people, on standard error."""
        known = sum(self.events.values())
        click.echo(
            f"{self.rows:,} messages stored from {self.files} file{'s' if self.files != 1 else ''}: {known:,} with an"
            f" event, {self.changes:,} changes of configurations ({self.seconds:.1f} s).",
            err=True,
        )
        for title, counts in (("events", self.events), ("errors", self.errors)):
            if counts:
                parts = [f"{name} {count:,}" for name, count in Counter(counts).most_common(12)]
                click.echo(f"{title}: {', '.join(parts)}", err=True)


def store_logs(
    settings: Settings, files: tuple[Path, ...], *, exporter: bytes, timezone: str | None, ports: tuple[int, ...]
) -> LogSummary:
    """Store the messages of ``files``. Raises ``StoreUnavailable`` when another process owns the store."""
    from weft.collect.intake import Intake
    from weft.collect.syslog.files import FILE, LogFiles
    from weft.collect.syslog.server import read_rule_files
    from weft.component import Running
    from weft.decode.syslog import SyslogDecoder
    from weft.model.changes import CHANGES
    from weft.model.logs import LOGS
    from weft.store.open import open_store

    reader = LogFiles(
        ports=ports, timezone=timezone, exporter=exporter, longest=settings.syslog.longest_message
    )  # fmt: skip
    decoder = SyslogDecoder(read_rule_files(settings.syslog.rules))
    summary, began = LogSummary(files=len(files)), time.monotonic()
    store = open_store(settings.store, visiting=True)
    days = settings.store.retention_days.get(LOGS.name, LOGS.ttl_days)
    intake = Intake(settings.collect, store=store, data_dir=settings.data_dir, oldest_days=days)
    events: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    running = Running([store, intake])
    running.start()
    try:
        book = intake.open_source("syslog", "import", "files")
        for path in files:
            for batch in reader.read(path):
                decoded = decoder.decode(batch.messages, batch.received_ns, batch.senders, FILE)
                errors.update(reason for _, reason in decoded.notes)
                events.update(filter(None, decoded.logs.column("event").to_pylist()))
                if decoded.messages:
                    intake.put(LOGS, decoded.logs, book, messages=len(decoded.messages))
                if decoded.changes is not None:
                    intake.put(CHANGES, decoded.changes, book)
                    summary.changes += decoded.changes.num_rows
        intake.flush(3600)
        errors.update(book.status().errors)
        summary.rows = intake.writer().rows.get(LOGS.name, 0)
    finally:
        running.stop()
    summary.messages, summary.events, summary.errors = reader.messages, dict(events), dict(errors)
    summary.seconds = time.monotonic() - began
    return summary
