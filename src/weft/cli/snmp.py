"""``weft snmp``: look at agents with the settings' credentials, and at device profiles."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weft.cli.options import Command, config_option, settings_of

if TYPE_CHECKING:
    from weft.collect.snmp.config import SnmpConfig


def _asking(command: Command) -> Command:
    """Options of the commands that ask an agent."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Answer in JSON."),
        click.option("--timeout", type=click.FloatRange(0.05, 60), help="Seconds to wait (snmp.timeout_s)."),
        click.option(
            "--credentials", "names", multiple=True, metavar="NAME", help="Name in snmp.credentials. Default: try all."
        ),
        click.option("--port", type=click.IntRange(1, 65535), default=161, help="UDP port of the agent. Default: 161."),
        config_option,
    ):
        command = option(command)
    return command


def _settings(config_file: Path | None, timeout: float | None) -> SnmpConfig:
    found = settings_of(config_file).snmp
    return found if timeout is None else found.model_copy(update={"timeout_s": timeout})


def _endpoint(address: str, port: int) -> tuple[str, int]:
    from weft.errors import InvalidInput

    try:
        return str(ipaddress.ip_address(address)), port
    except ValueError:
        pass
    try:
        return str(socket.getaddrinfo(address, None, type=socket.SOCK_DGRAM)[0][4][0]), port
    except OSError as error:
        raise InvalidInput(f"no address: {error.strerror}", where=address, fix="Give an IP address.") from None


@click.group("snmp")
def snmp_command() -> None:
    """Look at SNMP agents and device profiles.

    Credentials are those of the settings (snmp.credentials), by name: they are never given on the command line.
    """


@snmp_command.command("test")
@click.argument("address")
@click.option(
    "--profile", default="", metavar="NAME", help="Device profile to use, whatever the device says of itself."
)
@_asking
def test_command(
    address: str, profile: str, config_file: Path | None, port: int, names: tuple[str, ...], timeout: float | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Say what would be collected from a device, and what fails and why.

    Exit codes: 0 it answers, 1 it does not, 2 the settings or arguments are wrong.
    """
    from weft.collect.snmp.check import check

    told = asyncio.run(check(_settings(config_file, timeout), _endpoint(address, port), names, profile))
    click.echo(json.dumps(told) if as_json else "\n".join(_lines(told)))
    if not told["ok"]:
        raise click.exceptions.Exit(1)


def _lines(told: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{'✓' if one['result'] == 'ok' else '✗'} credentials {one['credentials']} ({one['security']})"
        + (f": {one['message']}" if one["message"] else "")
        for one in told["tried"]
    ]
    if not told["ok"]:
        return lines
    device, ports = told["device"], told["interfaces"]
    made = " ".join(str(device[key]) for key in ("vendor", "model", "os", "os_version", "serial") if key in device)
    again = f", {told['retried']} of them again" if told["retried"] else ""
    values = sum(told["metrics"].values())
    more = " …" if len(ports) > 8 else ""
    lines += [
        f"  name        {told['name']}",
        f"  description {told['description'][:100]}",
        f"  profile     {told['profile']} ({told['object_id']})",
        f"  device      {made}",
        f"  read        {values} values, {told['requests']} requests{again}, {told['seconds']} s",
        f"  interfaces  {len(ports)}: {', '.join(ports[:8])}{more}",
    ]
    lines += [f"  neighbour   {a} {b} – {c} {d}" for a, b, c, d in told["links"][:20]]
    lines += [f"  {count:6} × {metric}" for metric, count in told["metrics"].items()]
    lines += [f"✗ {table}: {one['message']}" for table, one in told["failures"].items()]
    return lines


@snmp_command.command("walk")
@click.argument("address")
@click.argument("oid", default="1.3.6.1.2.1")
@_asking
def walk_command(
    address: str, oid: str, config_file: Path | None, port: int, names: tuple[str, ...], timeout: float | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Print every variable of an agent below OID (digits and dots; default: all of MIB-2)."""
    from weft.collect.snmp.check import walk_all

    async def walk() -> None:
        async for one in walk_all(_settings(config_file, timeout), _endpoint(address, port), names, oid):
            click.echo(json.dumps(one) if as_json else f"{one['oid']} = {one['type']}: {one['value']}")

    asyncio.run(walk())


@snmp_command.command("discover")
@click.argument("prefix")
@_asking
def discover_command(
    prefix: str, config_file: Path | None, port: int, names: tuple[str, ...], timeout: float | None, as_json: bool
) -> None:
    """List the devices that answer in PREFIX, such as 192.0.2.0/24."""
    from pydantic import ValidationError

    from weft.collect.snmp.check import sweep
    from weft.collect.snmp.config import TargetConfig
    from weft.errors import InvalidInput

    try:
        target = TargetConfig.model_validate({"address": ipaddress.ip_network(prefix, strict=False), "port": port})
    except ValidationError as error:
        raise InvalidInput(error.errors()[0]["msg"].removeprefix("Value error, "), where=prefix) from None
    except ValueError as error:
        raise InvalidInput(str(error), where="PREFIX", fix="Write it as 192.0.2.0/24.") from None
    found = asyncio.run(sweep(_settings(config_file, timeout), target, names))
    if as_json:
        click.echo(json.dumps(found))
        return
    for one in found["devices"]:
        same = f"  same device as {one['same_as']}" if one["same_as"] else ""
        click.echo(f"{one['address']:15} {one['name']:20} {one['profile']:18} {one['credentials']:10} "
                   f"{one['description'][:60]}{same}")  # fmt: skip
    for reason, count in found["errors"].items():
        click.echo(f"{count} addresses answered with {reason}", err=True)
    click.echo(f"{len(found['devices'])} devices", err=True)


@snmp_command.command("profiles")
@click.argument("name", required=False)
@config_option
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def profiles_command(name: str | None, config_file: Path | None, as_json: bool) -> None:
    """List the device profiles, or show what NAME collects. Checks those in snmp.profiles_dir."""
    from weft.collect.snmp.config import PROFILES
    from weft.decode.snmp.library import load
    from weft.errors import InvalidInput
    from weft.rulefile import read_folder

    library = load(read_folder(settings_of(config_file).snmp.profiles_dir, PROFILES))
    if name is not None and name not in library.profiles:
        raise InvalidInput(f"no profile {name!r}", fix=f"Known: {', '.join(sorted(library.profiles))}.")
    shown: list[dict[str, Any]] = []
    for key in [name] if name else sorted(library.profiles):
        profile = library.profiles[key]
        tables = {**profile.tables, **profile.scalars}
        metrics = {table: sorted({m.metric for m in spec.metrics}) for table, spec in tables.items() if spec.metrics}
        shown.append({"name": key, "title": profile.title, "extends": list(profile.parents), "metrics": metrics,
                      "file": library.files[key]})  # fmt: skip
    if as_json:
        click.echo(json.dumps(shown))
        return
    for one in shown:
        click.echo(f"{one['name']:20} {one['title']}")
        if name:
            for table, listed in one["metrics"].items():
                click.echo(f"  {table:18} {' '.join(listed)}")
            click.echo(f"  {one['file']}")
