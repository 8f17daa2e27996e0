"""``weft up``: everything in one process."""

from __future__ import annotations

from pathlib import Path

import click

from weft.cli.options import listen_options, run_process, settings_of


@click.command("up")
@listen_options
def up_command(config_file: Path | None, host: str | None, port: int | None, data_dir: Path | None) -> None:
    """Run Weft: collect, store, answer.

    Listens for NetFlow, IPFIX and sFlow, keeps them in the data directory, and serves the web UI and the API. Stops on
    Ctrl-C or SIGTERM, storing what it has received.
    """
    run_process(settings_of(config_file, host, port, data_dir), "up")
