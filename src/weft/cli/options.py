"""Options that several commands share, and how they start a process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from weft.app import Process
    from weft.cli.client import ApiClient
    from weft.config import Settings

Command = Callable[..., Any]


def config_option(command: Command) -> Command:
    """``--config FILE``."""
    return click.option(
        "--config", "config_file", type=click.Path(path_type=Path), metavar="FILE",
        help="Settings to read. Default: WEFT_CONFIG, else ./weft.yaml where there is one.",
    )(command)  # fmt: skip


def asking_options(command: Command) -> Command:
    """``--config``, ``--url`` and ``--json``: of commands that ask a running Weft (see ``client_of``)."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Answer in JSON."),
        click.option("--url", help="Weft to ask. Default: WEFT_URL, else the one that the settings describe."),
        config_option,
    ):
        command = option(command)
    return command


def window_options(since: str) -> Callable[[Command], Command]:
    """``--since`` and ``--until``: ``since`` up to now unless said otherwise."""

    def options(command: Command) -> Command:
        begin = click.option(
            "--since", default=since, show_default=True, metavar="TIME", help="now-6h, ISO 8601, UTC seconds."
        )
        end = click.option("--until", default="now", show_default=True, metavar="TIME", help="As --since.")
        return begin(end(command))

    return options


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


def client_of(config_file: Path | None, url: str | None) -> ApiClient:
    """Who asks a running Weft: that at ``url``, else the one that the settings describe."""
    from weft.cli.client import ApiClient

    return ApiClient(settings_of(config_file), url)


def run_process(settings: Settings, role: Literal["up", "collect", "serve"], *, demo: bool = False) -> None:
    """Run a process until it is told to stop.

    Nothing of ``weft.app`` may be imported before: it brings pyarrow, which would bring pandas.
    """
    import gc

    gc.disable()  # thousands of modules are made and none is thrown away
    keep_pandas_out()
    from weft.app import Role, assemble, run
    from weft.logs import configure_logging

    gc.enable()
    gc.freeze()
    configure_logging(settings.log.level, settings.log.format)
    run(assemble(settings, Role(role), demo=demo), lambda process: _announce(process, demo=demo))


def keep_pandas_out() -> None:
    """Let pyarrow believe that pandas is not installed (the embedded store brings it along).

    pyarrow imports it, once, to ask whether a list is one of its series: a second of CPU and 60 MB at every start for
    something that never is. Others in this process may still import pandas.
    """
    import sys

    import pyarrow as pa

    class NoPandas:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "pandas":
                raise ModuleNotFoundError(name)

    if "pandas" not in sys.modules:
        blocker = NoPandas()
        sys.meta_path.insert(0, blocker)
        try:
            pa.array([0])
        finally:
            sys.meta_path.remove(blocker)


def _announce(process: Process, *, demo: bool) -> None:
    if process.api is None:
        click.echo("Weft is ready: collecting")
        return
    click.echo(f"Weft is ready: {process.api.url}")
    access = process.access
    if access is not None and access.password is not None:
        click.echo(f"Log in as {access.username} with the password {access.password} (kept in {access.file})")
    elif access is not None and access.file is not None and demo:
        click.echo(f"Log in as {access.username} with the password {access.file.read_text(encoding='utf-8').strip()}")
    elif access is not None and access.file is not None:
        click.echo(f"Log in as {access.username}; the generated password is in {access.file} until it is changed")
    if demo:
        click.echo("Everything shown is demo data. Stop with Ctrl-C.")
