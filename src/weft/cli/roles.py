"""``weft collect`` and ``weft serve``: the two halves of ``weft up``, each in a process of its own."""

from __future__ import annotations

from pathlib import Path

import click

from weft.cli.options import config_option, listen_options, run_process, settings_of


@click.command("collect")
@config_option
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Where to keep spool and state (WEFT_DATA_DIR, data_dir)."
)
def collect_command(config_file: Path | None, data_dir: Path | None) -> None:
    """Run only the collector, against a store server (store.url)."""
    run_process(settings_of(config_file, data_dir=data_dir), "collect")


@click.command("serve")
@listen_options
def serve_command(config_file: Path | None, host: str | None, port: int | None, data_dir: Path | None) -> None:
    """Run only the API and the web UI, against a store server (store.url)."""
    run_process(settings_of(config_file, host, port, data_dir), "serve")
