"""``weft agent``: run tests where this machine is, for a Weft elsewhere; or one test, now, to see what it gives."""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weft.cli.options import config_option
from weft.errors import Failed, InvalidInput

if TYPE_CHECKING:
    from weft.collect.agent.config import AgentConfig
    from weft.collect.agent.settings import AgentSettings
    from weft.model.synthetics import SyntheticTest

KINDS = ("ping", "tcp", "trace", "http", "dns", "throughput")


def _settings(config_file: Path | None, **given: str | Path | None) -> AgentSettings:
    from weft.collect.agent.settings import AgentSettings
    from weft.configfile import load

    names = {"server": "WEFT_AGENT__SERVER", "name": "WEFT_AGENT__NAME", "data_dir": "WEFT_DATA_DIR"}
    extra = {names[key]: str(value) for key, value in given.items() if value is not None}
    return load(AgentSettings, config_file, {**os.environ, **extra})


@click.group("agent", invoke_without_command=True)
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where to keep the key and results (WEFT_DATA_DIR).")
@click.option("--name", help="Name of this agent (WEFT_AGENT__NAME). Default: the machine's.")
@click.option("--server", metavar="URL", help="The Weft to report to (WEFT_AGENT__SERVER).")
@config_option
@click.pass_context
def agent_command(
    context: click.Context, config_file: Path | None, server: str | None, name: str | None, data_dir: Path | None
) -> None:
    """Run synthetic tests for a Weft: ping, TCP, traces, HTTP, DNS, throughput.

    Registers with the token of the settings (WEFT_AGENT__TOKEN), asks which tests to run, runs them and reports. Stops
    on Ctrl-C or SIGTERM; results that could not be sent are on disk then and go first at the next start.
    """
    context.obj = settings = _settings(config_file, server=server, name=name, data_dir=data_dir)
    if context.invoked_subcommand is None:
        _run(settings)


def _run(settings: AgentSettings) -> None:
    from weft.collect.agent.agent import Agent
    from weft.logs import configure_logging

    configure_logging(settings.log.level, settings.log.format)

    async def main() -> None:
        done = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, done.set)
        agent = Agent(settings.agent, settings.directory)
        click.echo(f"Agent {settings.agent.called} runs for {settings.agent.server or 'no server'}")
        await agent.run(done)

    asyncio.run(main())


@agent_command.command("status")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@click.pass_obj
def status_command(settings: AgentSettings, as_json: bool) -> None:
    """Show what the agent of this data directory said of itself last."""
    from weft.collect.agent.agent import STATUS_FILE

    try:
        status: dict[str, Any] = json.loads((settings.directory / STATUS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Failed("no agent has run here", where=str(settings.directory), fix="Start it: weft agent.") from None
    if as_json:
        click.echo(json.dumps(status))
        return
    click.echo(f"agent    {status['agent']}, {'registered' if status['registered'] else 'not registered'}")
    click.echo(f"server   {status['server']}, heard {_when(status['heard_ns'])}")
    if status["trouble"]:
        click.echo(f"trouble  {status['trouble']}")
    click.echo(f"tests    {status['tests']} tests, {status['series']} series, {status['running']} running")
    click.echo(f"results  {status['sent']} sent, {status['waiting']} waiting ({status['buffer_bytes']} B on disk)")
    for name in ("runs", "left_out", "skipped", "dropped", "refused"):
        for reason, count in status[name].items():
            click.echo(f"{name.replace('_', ' '):8} {count} {reason}")
    click.echo(f"as of    {_when(status['time_ns'])}")


def _when(time_ns: int) -> str:
    if not time_ns:
        return "never"
    return datetime.datetime.fromtimestamp(time_ns / 1e9, datetime.UTC).strftime("%Y-%m-%d %H:%M:%SZ")


@agent_command.command("check")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def check_command(as_json: bool) -> None:
    """Show which kinds of tests this machine allows, and what to do about the others. Exit code 1 where one is not."""
    from weft.collect.agent.capabilities import abilities, icmp_kind

    found = abilities()
    if as_json:
        click.echo(json.dumps({"icmp": icmp_kind(), "kinds": found}))
    else:
        for kind, why_not in found.items():
            click.echo(f"{kind:12}{why_not or ('yes' if kind != 'ping' else f'yes ({icmp_kind()} socket)')}")
    if any(found.values()):
        raise click.exceptions.Exit(1)


@agent_command.command("try")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("target")
@click.option(
    "--set",
    "settings_given",
    multiple=True,
    metavar="NAME=VALUE",
    help="A field of the test, such as count=10 or protocol=icmp; may be repeated.",
)
@click.option("--resolver", default="", help="DNS: resolver to ask. Default: the system's first.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON: the rows as they would be reported.")
@click.pass_obj
def try_command(
    settings: AgentSettings, kind: str, target: str, settings_given: tuple[str, ...], resolver: str, as_json: bool
) -> None:  # fmt: skip
    """Run one test of TARGET now and show what it gives. Exit code 1 where it does not end well."""
    test = _test(kind, target, settings_given)
    probe, hops = asyncio.run(_once(settings.agent, test, target, resolver))
    if as_json:
        click.echo(json.dumps({"probe": probe, "hops": hops}))
    else:
        _show(probe, hops)
    if probe["state"] not in ("ok", "degraded"):
        raise click.exceptions.Exit(1)


def _test(kind: str, target: str, given: tuple[str, ...]) -> SyntheticTest:
    import yaml
    from pydantic import ValidationError

    from weft.model.synthetics import SyntheticTest

    fields: dict[str, Any] = {"name": "try", "kind": kind, "targets": [target]}
    for one in given:
        name, sign, text = one.partition("=")
        if not sign or name in fields:
            raise InvalidInput("is not NAME=VALUE of a test's field", where=f"--set {one}")
        fields[name] = yaml.safe_load(text)
    try:
        return SyntheticTest.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidInput(first["msg"].lower(), where=f"--set {where}", fix="See docs/synthetics-agent.md.") from None


async def _once(config: AgentConfig, test: SyntheticTest, target: str, resolver: str) -> tuple[Any, Any]:
    from weft.collect.agent.dns import system_resolvers
    from weft.collect.agent.plan import Series
    from weft.collect.agent.runner import Runner

    rows: list[Any] = []
    runner = Runner(config, lambda probe, hops: rows.extend((probe, hops)))
    if test.kind == "dns":
        resolver = resolver or next(iter(system_resolvers()), "127.0.0.1")
    try:
        await runner.run(Series(test, target, None, resolver if test.kind == "dns" else ""))
    finally:
        runner.close()
    return rows[0], rows[1]


def _show(probe: dict[str, Any], hops: list[dict[str, Any]]) -> None:
    reason = f": {probe['error']}" if probe.get("error") else ""
    click.echo(f"{probe['state']}{reason}")
    passed = {"time", "test", "run", "kind", "state", "error", "path", "target"}
    for name, value in probe.items():
        if name not in passed and value not in ("", None):
            click.echo(f"  {name:18}{value}")
    flows: dict[int, list[dict[str, Any]]] = {}
    for hop in hops:
        flows.setdefault(hop["flow_id"], []).append(hop)
    paths: dict[tuple[str, ...], list[int]] = {}
    for number, rows in flows.items():
        paths.setdefault(tuple(row["hop"] or "*" for row in rows), []).append(number)
    for path, numbers in sorted(paths.items(), key=lambda one: one[1]):
        click.echo(f"  flows {', '.join(map(str, numbers))}")
        for ttl, address in enumerate(path, 1):
            rtts = [flows[n][ttl - 1]["rtt_ms"] for n in numbers if "rtt_ms" in flows[n][ttl - 1]]
            took = f"{min(rtts):8.3f} ms" if rtts else ""
            labels = flows[numbers[0]][ttl - 1].get("mpls", "")
            click.echo(f"    {ttl:3}  {address:40}{took}{f'  MPLS {labels}' if labels else ''}".rstrip())
