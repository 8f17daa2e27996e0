"""``weft import routes``: MRT files of route collectors into the store, through the RIB that live routes go through."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weft.cli.options import config_option, settings_of

if TYPE_CHECKING:
    from weft.config import Settings


@click.command("routes")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--exporter", help="Address of the router that routes are of. Default: the collector that each file names."
)
@click.option("--shift-to-now", is_flag=True, help="Move times so that the newest record of all files came just now.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where the data is kept (WEFT_DATA_DIR, data_dir).")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object on standard output.")
@config_option
def import_routes(
    files: tuple[Path, ...], exporter: str | None, shift_to_now: bool, data_dir: Path | None, as_json: bool,
    config_file: Path | None,
) -> None:  # fmt: skip
    """Store the routes of FILES: MRT table dumps and updates, also packed with gzip, bzip2 or zstd.

    Files are read in the order of their first records, whatever order they are named in. A table dump says what stood
    at its time; updates say what changed. Rows older than the store keeps routes are left out, and counted. No other
    process may have the store open.
    """
    from weft.logs import configure_logging
    from weft.model.addresses import NO_ADDRESS, packed

    try:
        address = packed(exporter) if exporter else NO_ADDRESS
    except ValueError as error:
        raise click.BadParameter(f"{exporter!r} is no address", param_hint="--exporter") from error
    settings = settings_of(config_file, data_dir=data_dir)
    configure_logging("warning", settings.log.format)
    summary = store_routes(settings, files, exporter=address, shift_to_now=shift_to_now)
    if as_json:
        click.echo(json.dumps(summary.as_dict()))
    else:
        summary.show()


@dataclass
class RouteSummary:
    """What an import did."""

    files: int = 0
    records: int = 0
    prefixes: int = 0  # announced and withdrawn, of tables and updates
    rows: int = 0
    sent_again: int = 0
    sessions: int = 0
    standing: int = 0  # routes at the end
    errors: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return self.__dict__ | {"seconds": round(self.seconds, 3)}

    def show(self) -> None:
        """For people, on standard error."""
        rate = f", {self.prefixes / self.seconds:,.0f} prefixes/s" if self.seconds > 0.5 else ""
        click.echo(
            f"{self.rows:,} rows stored from {self.files} file{'s' if self.files != 1 else ''}: {self.prefixes:,}"
            f" prefixes in {self.records:,} records, {self.sent_again:,} sent again unchanged; {self.standing:,} routes"
            f" of {self.sessions:,} sessions stand at the end ({self.seconds:.1f} s{rate}).",
            err=True,
        )
        if self.errors:
            click.echo("errors: " + ", ".join(f"{name} {count:,}" for name, count in self.errors.items()), err=True)
        if self.errors.get("too_old"):
            click.echo(
                "warning: some rows are older than the store keeps routes. Use --shift-to-now, or a longer"
                " store.retention_days.", err=True,
            )  # fmt: skip


def store_routes(
    settings: Settings, files: tuple[Path, ...], *, exporter: bytes, shift_to_now: bool = False
) -> RouteSummary:
    """Store the routes of ``files``. Raises ``StoreUnavailable`` when another process owns the store."""
    from weft.collect.intake import Intake
    from weft.collect.routing.feed import Feed
    from weft.collect.routing.mrt import MrtImport, first_time, newest_time
    from weft.collect.routing.rib import Rib
    from weft.component import Running
    from weft.model.routes import ROUTES
    from weft.store.open import open_store

    ordered = sorted(files, key=first_time)
    shift_ns = time.time_ns() - newest_time(ordered) if shift_to_now else 0
    summary, began = RouteSummary(files=len(files)), time.monotonic()
    store = open_store(settings.store, visiting=True)
    intake = Intake(
        settings.collect, store=store, data_dir=settings.data_dir, retention_days=settings.store.retention_days
    )
    rib = Rib(max_routes=settings.routing.max_routes)
    running = Running([store, intake])
    running.start()
    try:
        book = intake.open_source("mrt", "import", "files")
        importer = MrtImport(Feed(rib, intake, is_history=True), book, exporter=exporter, shift_ns=shift_ns)
        for path in ordered:
            importer.read(path)
        intake.flush(3600)
        status = book.status()
        summary.errors, summary.sent_again = dict(status.errors), status.duplicates
        summary.rows = intake.writer().rows.get(ROUTES.name, 0)
    finally:
        running.stop()
    summary.records, summary.prefixes = importer.records, importer.prefixes
    summary.sessions, summary.standing = len(rib.sessions()), len(rib)
    summary.seconds = time.monotonic() - began
    return summary
