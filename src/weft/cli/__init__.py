"""The command line: verbs that match the packages. No logic of its own; each verb is imported when it is called."""

from __future__ import annotations

import importlib
import sys

import click

from weft import __version__
from weft.errors import WeftError

#: verb → module that defines a click command of the same name, and its one-line help.
VERBS = {
    "up": ("weft.cli.up", "Run Weft: collect, store, answer."),
    "demo": ("weft.cli.demo", "Run Weft with live demo traffic."),
    "collect": ("weft.cli.roles", "Run only the collector, against a store server."),
    "serve": ("weft.cli.roles", "Run only the API and the web UI, against a store server."),
    "decode": ("weft.cli.decode", "Decode captures to normalised records."),
    "import": ("weft.cli.import_", "Load captures into the store."),
    "query": ("weft.cli.query", "Ask a question of the telemetry."),
    "sources": ("weft.cli.sources", "Show what sends telemetry and how well it arrives."),
    "routes": ("weft.cli.routes", "Ask about BGP routes, now or as of any time."),
    "network": ("weft.cli.network", "Ask the network model: paths, loads, what changes if."),
    "inventory": ("weft.cli.inventory", "Show what the network is made of, and check inventory files."),
    "logs": ("weft.cli.logs", "Show how log messages are understood."),
    "synthetics": ("weft.cli.synthetics", "Show synthetic tests, their paths, and agents."),
    "gnmi": ("weft.cli.gnmi", "Ask gNMI targets what they have."),
    "snmp": ("weft.cli.snmp", "Look at SNMP agents and device profiles."),
    "detect": ("weft.cli.detect", "List detectors, try them on history, score them."),
    "twin": ("weft.cli.twin", "Play a synthetic organisation, live or into files."),
    "agent": ("weft.cli.agent", "Run synthetic tests for a Weft elsewhere."),
    "doctor": ("weft.cli.doctor", "Check the machine, the settings and the store."),
    "config": ("weft.cli.config", "Check or print the settings."),
    "user": ("weft.cli.user", "Manage people and API tokens."),
}


class _Verbs(click.Group):
    """Lists verbs from the table above without importing them, so that ``weft --help`` is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(VERBS[cmd_name][0])
        command = getattr(module, cmd_name.rstrip("_") + "_command")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(verb, text) for verb, (_, text) in VERBS.items()])


@click.command(cls=_Verbs)
@click.version_option(__version__, prog_name="weft")
def weft() -> None:
    """Weft: self-hosted network intelligence."""


def main() -> None:
    """Entry point of the ``weft`` command. Exit codes: 0 done, 1 failed, 2 bad usage or input."""
    try:
        code = weft.main(prog_name="weft", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)  # what a command ends with, click returns here
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        sys.exit(130)
    except WeftError as error:
        click.echo(f"weft: {error.message}", err=True)
        sys.exit(2 if error.code in {"invalid_input", "config"} else 1)
    except BrokenPipeError:
        sys.exit(0)
