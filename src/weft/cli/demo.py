"""``weft demo``: everything in one process, with a synthetic organisation that sends real datagrams."""

from __future__ import annotations

from pathlib import Path

import click

from weft.cli.options import listen_options, run_process, settings_of


@click.command("demo")
@listen_options
def demo_command(config_file: Path | None, host: str | None, port: int | None, data_dir: Path | None) -> None:
    """Run Weft with live demo traffic.

    An organisation of sixteen sites and an AI cluster sends flows and routes, answers SNMP, streams gNMI and logs, all
    over loopback into Weft's own listeners; more than a day of history is filled in through the same decoders. What
    goes wrong can be triggered. All that is shown is marked as demo data.
    """
    run_process(settings_of(config_file, host, port, data_dir), "up", demo=True)
