"""``weft import cloud``: flow logs of clouds into the store, through the reader and ledger of the service."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weft.cli.options import config_option, settings_of
from weft.errors import InvalidInput

if TYPE_CHECKING:
    from weft.collect.cloud.config import CloudLogsConfig
    from weft.config import Settings


@click.command("cloud")
@click.argument("places", nargs=-1, required=True, metavar="PLACE...")
@click.option("--format", "format_", type=click.Choice(["auto", "aws", "azure", "gcp", "oci"]), default="auto",
              help="Whose flow logs they are. Default: found out by each file.")  # fmt: skip
@click.option("--fields", default="", help="AWS: fields of files whose first line does not name them.")
@click.option("--sampling-rate", type=click.IntRange(min=0), default=0, help="One in how many records was logged.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where the data is kept (WEFT_DATA_DIR, data_dir).")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object on standard output.")
@config_option
def import_cloud(
    places: tuple[str, ...], format_: str, fields: str, sampling_rate: int, data_dir: Path | None, as_json: bool,
    config_file: Path | None,
) -> None:  # fmt: skip
    """Store the flow logs of PLACEs: files, directories, buckets (s3://…), or names of `cloud.logs` in the settings.

    However old; what was read before, by this command or by the service, is not read again. No other process may have
    the store open.
    """
    from weft.logs import configure_logging

    settings = settings_of(config_file, data_dir=data_dir)
    configure_logging("warning", settings.log.format)
    own = {"format": format_, "fields": fields, "sampling_rate": sampling_rate}
    summary = store_flow_logs(settings, [_source(settings, place, own) for place in places])
    if as_json:
        click.echo(json.dumps(summary.as_dict()))
    else:
        summary.show()


def _source(settings: Settings, place: str, own: dict[str, Any]) -> CloudLogsConfig:
    from weft.collect.cloud.config import CloudLogsConfig

    named = next((one for one in settings.cloud.logs if one.name == place), None)
    if named is None:
        if "://" not in place and not Path(place).exists():
            raise InvalidInput("there is no such file, directory or name in cloud.logs", where=place)
        named = CloudLogsConfig.model_validate({"name": "import", "path": place, **own})
    return named.model_copy(update={"lookback_days": math.inf, "settle_seconds": 0.0})


@dataclass
class CloudSummary:
    """What an import did."""

    files: int = 0
    rows: int = 0
    duplicates: int = 0  # files that were read before under another name
    seconds: float = 0.0
    errors: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return self.__dict__ | {"seconds": round(self.seconds, 3)}

    def show(self) -> None:
        """For people, on standard error."""
        copies = f", {self.duplicates} copies left out" if self.duplicates else ""
        click.echo(f"{self.rows:,} rows stored from {self.files} files{copies} ({self.seconds:.1f} s).", err=True)
        if self.errors:
            click.echo("errors: " + ", ".join(f"{name} {count:,}" for name, count in self.errors.items()), err=True)
        if self.errors.get("too_old"):
            click.echo(
                "warning: some rows are older than the store keeps flow logs, and were left out. Set a longer"
                " store.retention_days for cloud_flows; files that are read already are not read again.", err=True,
            )  # fmt: skip


def store_flow_logs(settings: Settings, sources: list[CloudLogsConfig]) -> CloudSummary:
    """Store what is new in ``sources``. Raises ``StoreUnavailable`` when another process owns the store."""
    from weft.collect.cloud.collector import CloudCollector
    from weft.collect.cloud.reader import LogReader
    from weft.collect.intake import Intake
    from weft.component import Running
    from weft.enrich.enricher import Enricher
    from weft.store.inventory import Inventory
    from weft.store.known import known
    from weft.store.open import open_store
    from weft.store.state import open_state

    summary, began = CloudSummary(), time.monotonic()
    store, state = open_store(settings.store, visiting=True), open_state(settings.store)
    inventory = Inventory(settings.inventory, state, follows=True)
    enricher = Enricher(settings.enrich, known=lambda: known(store))
    intake = Intake(
        settings.collect, store=store, data_dir=settings.data_dir, retention_days=settings.store.retention_days
    )
    # Nothing but what is asked for is read: the service's own sources stay closed.
    config = settings.cloud.model_copy(update={"logs": (), "inventory": ()})
    cloud = CloudCollector(config, intake, inventory, enricher, settings.data_dir)
    running = Running([store, state, inventory, enricher, intake])
    running.start()
    try:
        cloud.open()
        for source in sources:
            book = intake.open_source("cloud", "import", source.path)
            reader = LogReader(source, cloud.ledger, intake, cloud.placer, book)
            reader.look()
            status = book.status()
            summary.files += reader.files
            summary.rows += status.rows
            summary.duplicates += status.duplicates
            for reason, count in status.errors.items():
                summary.errors[reason] = summary.errors.get(reason, 0) + count
    finally:
        cloud.stop()
        running.stop()
    summary.seconds = time.monotonic() - began
    return summary
