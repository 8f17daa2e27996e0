"""``weft config check`` and ``weft config dump``."""

from __future__ import annotations

import json
from pathlib import Path

import click
import yaml

from weft.cli.options import config_option, settings_of


@click.group("config")
def config_command() -> None:
    """Check or print the settings.

    Settings come from weft.yaml (--config, WEFT_CONFIG, ./weft.yaml), overridden by WEFT_<SECTION>__<KEY>; see
    docs/configuration.md.
    """


@config_command.command("check")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def check_command(config_file: Path | None, as_json: bool) -> None:
    """Say whether the settings are understood; exit code 2 where they are not."""
    from weft.errors import ConfigError

    try:
        settings_of(config_file)
    except ConfigError as error:
        if not as_json:
            raise
        click.echo(json.dumps({"ok": False, "error": {"where": error.where, "message": error.what, "fix": error.fix}}))
        raise click.exceptions.Exit(2) from None
    click.echo(json.dumps({"ok": True}) if as_json else "The settings are fine.")


@config_command.command("dump")
@config_option
@click.option("--defaults", is_flag=True, help="Print what holds where nothing is set, without any file or variable.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def dump_command(config_file: Path | None, defaults: bool, as_json: bool) -> None:
    """Print the settings that are in effect, as weft.yaml would hold them. Secrets are masked."""
    from weft.config import Settings, dump_settings

    text = dump_settings(Settings() if defaults else settings_of(config_file))
    click.echo(json.dumps(yaml.safe_load(text), indent=2) if as_json else text, nl=as_json)
