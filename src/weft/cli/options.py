"""Options that several commands share, and how they start a process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from weft.app import Process, Role
    from weft.config import Settings

Command = Callable[..., Any]


def config_option(command: Command) -> Command:
    """``--config FILE``."""
    return click.option(
        "--config", "config_file", type=click.Path(path_type=Path), metavar="FILE",
        help="Settings to read. Default: WEFT_CONFIG, else ./weft.yaml where there is one.",
    )(command)  # fmt: skip


def listen_options(command: Command) -> Command:
    """``--host``, ``--port`` and ``--data-dir``, which win over file and environment."""
    for option in (
        click.option(
            "--data-dir", type=click.Path(path_type=Path), help="Where to keep data (WEFT_DATA_DIR, data_dir)."
        ),
        click.option("--port", type=click.IntRange(0, 65535), help="TCP port of the web UI (WEFT_PORT, api.port)."),
        click.option("--host", help="Address of the web UI (WEFT_HOST, api.host)."),
        config_option,
    ):
        command = option(command)
    return command


def settings_of(
    config_file: Path | None, host: str | None = None, port: int | None = None, data_dir: Path | None = None
) -> Settings:
    """The settings, with the command line's own on top. Raises ``ConfigError``."""
    import os

    from weft.config import load_settings

    given = {"WEFT_HOST": host, "WEFT_PORT": port, "WEFT_DATA_DIR": data_dir}
    environment = {**os.environ, **{name: str(value) for name, value in given.items() if value is not None}}
    return load_settings(config_file, environment)


def run_process(settings: Settings, role: Role, *, demo: bool = False) -> None:
    """Run a process until it is told to stop."""
    from weft.app import assemble, run
    from weft.logs import configure_logging

    configure_logging(settings.log.level, settings.log.format)
    run(assemble(settings, role, demo=demo), lambda process: _announce(process, demo=demo))


def _announce(process: Process, *, demo: bool) -> None:
    if process.api is None:
        click.echo("Weft is ready: collecting")
        return
    click.echo(f"Weft is ready: {process.api.url}")
    first = process.first_start
    if first is not None and first.password is not None:
        click.echo(f"Log in as {first.username} with the password {first.password} (kept in {first.file})")
    elif first is not None and first.file is not None:
        password = first.file.read_text(encoding="utf-8").strip() if demo else None
        click.echo(
            f"Log in as {first.username} with the password {password}" if password
            else f"Log in as {first.username}; the generated password is in {first.file} until it is changed"
        )  # fmt: skip
    if demo:
        click.echo("Everything shown is demo data. Stop with Ctrl-C.")
