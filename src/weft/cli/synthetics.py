"""``weft synthetics``: tests, how they are, the paths they saw, and the agents that run them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from weft.cli.options import asking_options, client_of, window_options
from weft.errors import InvalidInput

_MARKS = {"ok": "✓", "unknown": "·", "warning": "!", "critical": "✗"}
_STATE_MARKS = {"ok": "✓", "degraded": "!", "failed": "✗", "error": "?", "silent": "·", "waiting": "·"}


_timed = window_options("now-6h")


@click.group("synthetics")
def synthetics_command() -> None:
    """Show synthetic tests, the paths they saw, and agents.

    All but `check` ask a running Weft with the token in WEFT_TOKEN; on its own machine none is needed.
    """


@synthetics_command.command("tests")
@_timed
@asking_options
def tests_command(config_file: Path | None, url: str | None, as_json: bool, **window: str) -> None:
    """List tests with how each is now, worst first; exit code 1 where one is critical."""
    view = client_of(config_file, url).get("/synthetics/tests", **window)
    if as_json:
        click.echo(json.dumps(view))
    else:
        for line in _list(view):
            click.echo(line)
    if any(row["status"] == "critical" for row in view["tests"]):
        raise click.exceptions.Exit(1)


def _list(view: Mapping[str, Any]) -> Iterator[str]:
    width = max((len(row["name"]) for row in view["tests"]), default=0)
    for row in view["tests"]:
        aim = "mesh" if row["mesh"] else ", ".join(row["targets"])
        more = row["target_count"] - len(row["targets"])
        aim += f" +{more}" if more > 0 else ""
        states = ", ".join(f"{count} {state}" for state, count in row["states"].items()) or "no agent runs it"
        yield (
            f"{_MARKS[row['status']]} {row['name']:{width}}  {row['kind']:10} every {row['every_s']:g} s  "
            f"{_ms(row['rtt_ms']):>10}  loss {_share(row['loss']):>6}  {states}  [{aim}]"
            f"{'' if row['enabled'] else '  (off)'}"
        )
    if not view["tests"]:
        yield "No tests. Define one in the UI (Synthetics), or under synthetics.tests of weft.yaml: docs/synthetics.md."


@synthetics_command.command("show")
@click.argument("name")
@_timed
@asking_options
def show_command(name: str, config_file: Path | None, url: str | None, as_json: bool, **window: str) -> None:
    """Show each agent and target of a test, worst first."""
    view = client_of(config_file, url).get("/synthetics/test", name=name, **window)
    if as_json:
        click.echo(json.dumps(view))
        return
    row = view["row"]
    click.echo(f"{_MARKS[row['status']]} {row['name']}: {row['kind']}, every {row['every_s']:g} s, {row['runs']} runs")
    for one in view["series"]:
        to = one["target_agent"] or one["target"]
        by = f" by {one['resolver']}" if one["resolver"] else ""
        click.echo(
            f"{_STATE_MARKS[one['state']]} {one['agent']} → {to}{by}  {_ms(one['rtt_ms'])} "
            f"(95th {_ms(one['rtt_p95_ms'])})  loss {_share(one['loss'])}  available {_share(one['availability'])}"
            f"{'  ' + one['error'] if one['error'] and one['state'] != 'ok' else ''}"
        )


@synthetics_command.command("path")
@click.argument("name")
@click.argument("agent")
@click.argument("target")
@click.option("--at", default="", metavar="TIME", help="The last run at or before this; default: --until.")
@_timed
@asking_options
def path_command(
    name: str, agent: str, target: str, config_file: Path | None, url: str | None, as_json: bool, **window: str
) -> None:
    """Show the path that AGENT saw to TARGET in a test: each hop with AS, site and device."""
    view = client_of(config_file, url).get("/synthetics/path", name=name, agent=agent, target=target, **window)
    if as_json:
        click.echo(json.dumps(view))
        return
    if view["at"] is None:
        raise InvalidInput("nothing was traced", where=name, fix="`weft synthetics show` lists agents and targets.")
    stamp = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(view["at"]))
    click.echo(f"{agent} → {target} at {stamp}; {len(view['changes'])} paths since --since")
    for hop in sorted(view["hops"], key=lambda hop: (hop["ttl"], -hop["flows"])):
        about = [hop["device"], hop["site"], f"AS{hop['asn']} {hop['as_name']}".strip() if hop["asn"] else ""]
        lost = f"  loss {hop['loss']:.0%}" if hop["loss"] and hop["address"] else ""
        click.echo(
            f"{hop['ttl']:3}  {hop['address'] or '*':39}  {_ms(hop['rtt_ms']):>10}  {hop['flows']:3} flows"
            f"{lost}  {', '.join(filter(None, about))}".rstrip()
        )


@synthetics_command.command("agents")
@asking_options
def agents_command(config_file: Path | None, url: str | None, as_json: bool) -> None:
    """List agents: version, addresses, when each was heard last."""
    view = client_of(config_file, url).get("/agents")
    if as_json:
        click.echo(json.dumps(view))
        return
    width = max((len(one["name"]) for one in view), default=0)
    for one in view:
        click.echo(
            f"{'✓' if one['live'] else '·'} {one['name']:{width}}  {one['version']:10}  {', '.join(one['addresses'])}  "
            f"{one['tests']} tests  heard {max(0.0, time.time() - one['seen']):.0f} s ago"
        )
    if not view:
        click.echo("No agent has registered. Start one with `weft agent`: docs/synthetics-agent.md.")


@synthetics_command.command("add")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@asking_options
def add_command(file: Path, config_file: Path | None, url: str | None, as_json: bool) -> None:
    """Define the tests of a YAML FILE (a list) in a running Weft, one after another. Needs an operator's token."""
    from weft.rulefile import parsed, read_file

    tests = parsed(read_file(file))
    if not isinstance(tests, list):
        raise InvalidInput("must hold a list of tests", where=str(file), fix="See docs/synthetics.md.")
    client = client_of(config_file, url)
    added = [client.post("/synthetics/tests", test) for test in tests]
    click.echo(json.dumps(added) if as_json else f"{len(added)} tests defined.")


@synthetics_command.command("remove")
@click.argument("name")
@asking_options
def remove_command(name: str, config_file: Path | None, url: str | None, as_json: bool) -> None:
    """Remove a test that was defined in a running Weft; what it measured stays. Needs an operator's token."""
    answer = client_of(config_file, url).delete("/synthetics/test", name=name)
    click.echo(json.dumps(answer) if as_json else f"{name} is removed.")


@synthetics_command.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def check_command(files: tuple[Path, ...], as_json: bool) -> None:
    """Say whether YAML files with a list of tests are understood; exit code 2 where one is not. Nothing is stored."""
    results = [{"file": str(path), "problem": _problem(path)} for path in files]
    if as_json:
        click.echo(json.dumps(results))
    else:
        for one in results:
            click.echo(f"✗ {one['file']}: {one['problem']}" if one["problem"] else f"✓ {one['file']}")
    if any(one["problem"] for one in results):
        raise click.exceptions.Exit(2)


def _problem(path: Path) -> str:
    """What is wrong with a file; empty where nothing is."""
    from pydantic import TypeAdapter, ValidationError

    from weft.collect.synthetics.config import ConfiguredTest
    from weft.rulefile import parsed, read_file

    try:
        TypeAdapter(list[ConfiguredTest]).validate_python(parsed(read_file(path)))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where or 'file'}: {first['msg'].removeprefix('Value error, ')}"
    except InvalidInput as error:
        return error.message
    return ""


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} ms"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.3g} %"
