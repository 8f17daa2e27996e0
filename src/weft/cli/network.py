"""``weft network``: the network model of the running Weft, or of files: paths, loads, demands, failures, what-if."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weft.cli.network_changes import changes_of, what_if_options
from weft.cli.network_show import show_demands, show_failures, show_load, show_path, show_what_if
from weft.cli.options import Command, asking_options, client_of

if TYPE_CHECKING:
    from weft.api.network import NetworkPages


@click.group("network")
def network_command() -> None:
    """Ask the network model: paths, loads, the traffic matrix, what changes if.

    Asks a running Weft with the token in WEFT_TOKEN (on its own machine none is needed), or works on files of a
    topology and its traffic (--topology, --demands).
    """


def _common(command: Command) -> Command:
    """``--at``, ``--topology`` and ``--demands``, and those of all commands that ask a running Weft."""
    for option in (
        click.option("--demands", "demand_file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
                     metavar="FILE", help="Traffic of the network in --topology: CSV, JSON, YAML or SNDlib XML."),
        click.option("--topology", "topology_file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
                     metavar="FILE", help="Network in a file, YAML, JSON or SNDlib XML, instead of the live one."),
        click.option("--at", default="now", show_default=True, metavar="TIME", help="now-6h, ISO 8601, UTC seconds."),
    ):  # fmt: skip
        command = option(command)
    return asking_options(command)


def _pages(topology_file: Path | None, demand_file: Path | None) -> NetworkPages | None:
    """What answers from files; None where the running Weft is asked."""
    if topology_file is None:
        if demand_file is not None:
            raise click.UsageError("--demands needs --topology: whose traffic it is.")
        return None
    from weft.api.network import NetworkPages
    from weft.network.files import read_source

    source = read_source(topology_file, demand_file)
    return NetworkPages(lambda: source)


@network_command.command("path")
@click.argument("source")
@click.argument("destination")
@click.option("--class", "traffic_class", default="", metavar="NAME", help="Traffic class, where there are several.")
@what_if_options
@_common
def path_command(
    source: str, destination: str, traffic_class: str, at: str, topology_file: Path | None, demand_file: Path | None,
    config_file: Path | None, url: str | None, as_json: bool, **changes: Any,
) -> None:  # fmt: skip
    """Show the way from SOURCE to DESTINATION and back, with the load and health of each hop.

    Both are names of devices, sites, ASes, providers, clouds or services, addresses or prefixes. With changes (--fail
    and others) the way under them. Exit code 1 where there is no way.
    """
    asked = {"source": source, "destination": destination, "at": at, "traffic_class": traffic_class,
             "changes": changes_of(changes)}  # fmt: skip
    view = _ask("path", asked, _pages(topology_file, demand_file), config_file, url)
    _print(view, as_json, show_path)
    if not view["forward"]["reachable"]:
        raise click.exceptions.Exit(1)


@network_command.command("what-if")
@click.option("--threshold", type=click.FloatRange(0.01, 10), default=0.8, show_default=True,
              help="Utilisation from which a link counts as over.")  # fmt: skip
@click.option("--top", type=click.IntRange(1, 1000), default=20, show_default=True, help="Lines of each list.")
@what_if_options
@_common
def what_if_command(
    threshold: float, top: int, at: str, topology_file: Path | None, demand_file: Path | None,
    config_file: Path | None, url: str | None, as_json: bool, **changes: Any,
) -> None:  # fmt: skip
    """Show what changes if: traffic that moves, links over the threshold, broken reachability, delays.

    Every option for a change may be given often. Exit code 1 where traffic is lost or a link is newly over.
    """
    made = changes_of(changes)
    if not made:
        raise click.UsageError("Say what changes: --fail LINK, --maintenance DEVICE, --add-demand A B RATE …")
    asked = {"at": at, "changes": made, "threshold": threshold, "top": top}
    view = _ask("what-if", asked, _pages(topology_file, demand_file), config_file, url)
    _print(view, as_json, show_what_if)
    if view["newly_over"] or view["lost_bps"] > 0:
        raise click.exceptions.Exit(1)


@network_command.command("load")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Links to show.")
@_common
def load_command(
    limit: int, at: str, topology_file: Path | None, demand_file: Path | None, config_file: Path | None,
    url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Show the load of every link by the model, most utilised first, with what counters say."""
    pages = _pages(topology_file, demand_file)
    view = _dumped(pages.load(at, limit)) if pages else client_of(config_file, url).get(
        "/network/load", at=at, limit=str(limit)
    )  # fmt: skip
    _print(view, as_json, show_load)


@network_command.command("demands")
@click.option("--by", type=click.Choice(["pair", "site", "ingress", "egress", "class"]), default="site",
              show_default=True, help="What lines are of.")  # fmt: skip
@click.option("--limit", type=click.IntRange(1, 1000), default=30, show_default=True, help="Lines to show.")
@_common
def demands_command(
    by: Any, limit: int, at: str, topology_file: Path | None, demand_file: Path | None, config_file: Path | None,
    url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Show the traffic matrix: who sends how much to where, and where that is known from."""
    pages = _pages(topology_file, demand_file)
    view = _dumped(pages.demands(at, by, limit)) if pages else client_of(config_file, url).get(
        "/network/demands", at=at, by=by, limit=str(limit)
    )  # fmt: skip
    _print(view, as_json, show_demands)


@network_command.command("failures")
@click.option("--kind", type=click.Choice(["link", "node", "srlg"]), default="link", show_default=True,
              help="What fails.")  # fmt: skip
@click.option("--threshold", type=click.FloatRange(0.01, 10), default=0.8, show_default=True,
              help="Utilisation from which a link counts as over.")  # fmt: skip
@click.option("--limit", type=click.IntRange(1, 1000), default=30, show_default=True, help="Failures to show.")
@_common
def failures_command(
    kind: Any, threshold: float, limit: int, at: str, topology_file: Path | None, demand_file: Path | None,
    config_file: Path | None, url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Fail every link (device, risk group) by itself and show what that would do, worst first."""
    pages = _pages(topology_file, demand_file)
    view = _dumped(pages.failures(at, kind, threshold, limit)) if pages else client_of(config_file, url).get(
        "/network/failures", at=at, kind=kind, threshold=str(threshold), limit=str(limit)
    )  # fmt: skip
    _print(view, as_json, show_failures)


def _ask(
    what: str, asked: Mapping[str, Any], pages: NetworkPages | None, config_file: Path | None, url: str | None
) -> Any:
    """The answer to a question with changes, by the running Weft or from files."""
    if pages is None:
        return client_of(config_file, url).post(f"/network/{what}", asked)
    from pydantic import ValidationError

    from weft.api.models.network import PathAsked, WhatIfAsked
    from weft.errors import InvalidInput

    try:
        if what == "path":
            return _dumped(pages.path(PathAsked.model_validate(asked)))
        return _dumped(pages.what_if(WhatIfAsked.model_validate(asked)))
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(first["msg"], where=".".join(map(str, first["loc"]))) from None


def _dumped(view: Any) -> Any:
    return view.model_dump(mode="json")


def _print(view: Any, as_json: bool, show: Any) -> None:
    if as_json:
        click.echo(json.dumps(view))
        return
    show(view)
    for note in _notes(view):
        click.echo(click.style(f"· {note}", dim=True), err=True)


def _notes(view: Mapping[str, Any]) -> Sequence[str]:
    notes: Sequence[str] = view.get("notes", ())
    return notes
