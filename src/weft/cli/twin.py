"""``weft twin``: play scenarios into files; see, trigger and mend what goes wrong in a running demo."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from weft.cli.options import asking_options, client_of
from weft.errors import InvalidInput

_MARKS = {"planned": "·", "active": "✗", "over": " "}


@click.group("twin")
def twin_command() -> None:
    """Play the synthetic organisation Acme, and look at the truth behind it.

    `run`, `scenarios` and `faults` need nothing running. The others ask a running demo (weft demo); changing anything
    needs the token of an operator in WEFT_TOKEN.
    """


@twin_command.command("scenarios")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def scenarios_command(as_json: bool) -> None:
    """List the scenarios that come along."""
    from weft.twin.scenario import built_in, load

    found = [load(name) for name in built_in()]
    if as_json:
        click.echo(json.dumps([one.model_dump(mode="json") for one in found]))
        return
    width = max(len(one.name) for one in found)
    for one in found:
        click.echo(f"{one.name:{width}}  {one.hours:7g} h  {one.title}")


@twin_command.command("run")
@click.argument("scenario")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Directory to write; made if missing.")
@click.option("--seed", type=click.IntRange(0, (1 << 31) - 1), help="Another organisation, other dice.")
@click.option("--since", metavar="TIME", help="When it begins, ISO 8601; without a zone: UTC.")
@click.option("--hours", type=click.FloatRange(min=0, min_open=True), help="How long it lasts.")
@click.option(
    "--format", "form", type=click.Choice(["parquet", "wire"]), default="parquet", show_default=True,
    help="Rows as they would be stored, or captures, log lines, BMP streams and cloud logs.",
)  # fmt: skip
@click.option("--processes", type=click.IntRange(1, 16), default=2, show_default=True, help="How many work at a time.")
@click.option("--json", "as_json", is_flag=True, help="Print the report in JSON.")
def run_command(
    scenario: str, out: Path, seed: int | None, since: str | None, hours: float | None, form: str, processes: int,
    as_json: bool,
) -> None:  # fmt: skip
    """Play SCENARIO (a name, or a YAML file) into files: telemetry, reference tables, truth.jsonl.

    The same seed makes the same bytes. A directory that holds an earlier run is written anew.
    """
    from weft.cli.options import keep_pandas_out

    keep_pandas_out()
    from weft.logs import configure_logging
    from weft.twin.run.runner import run
    from weft.twin.scenario import load

    configure_logging("warning")
    given = {"seed": seed, "since": _time(since) if since else None, "hours": hours}
    changed = {name: value for name, value in given.items() if value is not None}
    wanted = load(scenario)
    wanted = type(wanted).model_validate({**wanted.model_dump(), **changed}) if changed else wanted
    report = run(wanted, out, form="wire" if form == "wire" else "parquet", processes=processes)
    document = report.document()
    if as_json:
        click.echo(json.dumps(document))
        return
    rows = ", ".join(f"{count:,} {name}" for name, count in document["rows"].items())
    truth = document["truth"]
    click.echo(f"{out}: {document['since']} to {document['until']}, seed {document['seed']}")
    click.echo(f"{rows}; {document['bytes'] / 1e6:,.1f} MB")
    click.echo(f"{truth['faults']} faults, {truth['decoys']} decoys, {truth['actions']} actions: {out / 'truth.jsonl'}")
    click.echo(f"{document['wall_s']:g} s, {document['times_real']:,.0f} times real time")


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput("is not an ISO 8601 time", where="--since") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


@twin_command.command("faults")
@click.argument("kind", required=False)
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def faults_command(kind: str | None, as_json: bool) -> None:
    """List kinds of faults and decoys, or the places where KIND can happen."""
    from weft.twin.faults.catalogue import KINDS

    if kind is not None and kind not in KINDS:
        raise InvalidInput(f"there is no fault {kind[:60]!r}", fix="See `weft twin faults`.")
    kinds = [KINDS[kind]] if kind else list(KINDS.values())
    seed = 7
    if as_json:
        click.echo(json.dumps([
            {"name": one.name, "title": one.title, "group": one.group.value, "description": one.description,
             "lasts_s": list(one.lasts_s),
             "places": [{"id": place.id, "title": place.title} for place in one.places(seed)]}
            for one in kinds
        ]))  # fmt: skip
        return
    for one in kinds:
        click.echo(f"{one.name:22} {one.group.value:12} {one.title}")
    if kind:
        click.echo(kinds[0].description)
        for place in kinds[0].places(seed):
            click.echo(f"  {place.id:36} {place.title}")


@twin_command.command("status")
@asking_options
def status_command(config_file: Path | None, url: str | None, as_json: bool) -> None:
    """Show what goes wrong in a running demo, what did lately, and what was done about it."""
    view = client_of(config_file, url).get("/twin")
    if as_json:
        click.echo(json.dumps(view))
        return
    click.echo(f"{view['organisation']}, seed {view['seed']}, pace {view['pace']:g}")
    for line in _faults(view):
        click.echo(line)
    for one in view["actions"]:
        click.echo(f"  {_clock(one['asked'])} {one['id']:24} {one['state']:8} {one['text']}")


def _faults(view: Mapping[str, Any]) -> Iterator[str]:
    for one in view["faults"]:
        mark = _MARKS[one["state"]]
        decoy = " (decoy)" if one["is_benign"] else ""
        yield f"{mark} {_clock(one['start'])}–{_clock(one['end'])} {one['id']:28} {one['where']}: {one['text']}{decoy}"
        if one["state"] == "active":
            yield f"    right: {one['action']['kind']} {_told(one['action']['parameters'])} {one['action']['text']}"


@twin_command.command("trigger")
@click.argument("kind")
@click.option("--place", default="", help="Where: an id as `weft twin faults KIND` lists them. Default: anywhere.")
@click.option("--duration", type=click.FloatRange(5, 21_600), help="How long, seconds. Default: as its kind says.")
@click.option("--severity", type=click.FloatRange(0, 1), help="How bad, 0 to 1. Default: as its kind says.")
@asking_options
def trigger_command(
    kind: str, place: str, duration: float | None, severity: float | None, config_file: Path | None, url: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Begin a fault of KIND in a running demo."""
    body = {"kind": kind, "place": place, "duration_s": duration, "severity": severity}
    fault = client_of(config_file, url).post("/twin/faults", {k: v for k, v in body.items() if v is not None})
    click.echo(json.dumps(fault) if as_json else f"{fault['id']} until {_clock(fault['end'])}: {fault['text']}")


@twin_command.command("end")
@click.argument("fault")
@asking_options
def end_command(fault: str, config_file: Path | None, url: str | None, as_json: bool) -> None:
    """End FAULT (its id) in a running demo, as if it had been repaired."""
    if "/" in fault:
        raise InvalidInput("is no id of a fault", where="fault")
    ended = client_of(config_file, url).post(f"/twin/faults/{fault}/end", {})
    click.echo(json.dumps(ended) if as_json else f"{ended['id']} ended at {_clock(ended['end'])}")


@twin_command.command("act")
@click.argument("kind", required=False)
@click.argument("parameters", nargs=-1, metavar="[NAME=VALUE]...")
@asking_options
def act_command(
    kind: str | None, parameters: tuple[str, ...], config_file: Path | None, url: str | None, as_json: bool
) -> None:
    """Do KIND to the network of a running demo, or list what can be done.

    For example: weft twin act shut device=chi-border1 interface=et-2/0/0
    """
    if kind is None:
        _list_actions(as_json)
        return
    given = dict(part.split("=", 1) for part in parameters if "=" in part)
    if len(given) < len(parameters):
        raise InvalidInput("are written NAME=VALUE", where="parameters")
    action = client_of(config_file, url).post("/twin/actions", {"kind": kind, "parameters": given})
    text = f"{action['id']}: takes effect at {_clock(action['effective'])}"
    click.echo(json.dumps(action) if as_json else text)


def _list_actions(as_json: bool) -> None:
    from weft.twin.actions import KINDS

    if as_json:
        click.echo(json.dumps([
            {"name": one.name, "title": one.title, "description": one.description, "takes_s": list(one.takes_s),
             "parameters": [{"name": p.name, "meaning": p.meaning, "required": p.required} for p in one.parameters]}
            for one in KINDS.values()
        ]))  # fmt: skip
        return
    for one in KINDS.values():
        told = " ".join(p.name if p.required else f"[{p.name}]" for p in one.parameters)
        click.echo(f"{one.name:18} {told:40} {one.description}")


@twin_command.command("pace")
@click.argument("pace", type=click.FloatRange(0, 10))
@asking_options
def pace_command(pace: float, config_file: Path | None, url: str | None, as_json: bool) -> None:
    """Set how often things go wrong by themselves in a running demo: 1 = as usual, 0 = only what is triggered."""
    view = client_of(config_file, url).put("/twin/pace", {"pace": pace})
    click.echo(json.dumps(view) if as_json else f"pace {view['pace']:g}")


@twin_command.command("reset")
@asking_options
def reset_command(config_file: Path | None, url: str | None, as_json: bool) -> None:
    """End every fault and undo every action in a running demo."""
    view = client_of(config_file, url).post("/twin/reset", {})
    click.echo(json.dumps(view) if as_json else "Nothing is wrong.")


@twin_command.command("truth")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@asking_options
def truth_command(folder: Path | None, config_file: Path | None, url: str | None, as_json: bool) -> None:
    """Print the ground truth of a run (its FOLDER) or of a running demo; with --json a fault or action a line."""
    for row in _truth(folder, config_file, url):
        if as_json:
            click.echo(json.dumps(row, ensure_ascii=False))
        elif row["type"] == "fault":
            decoy = " (decoy)" if row["is_benign"] else ""
            click.echo(
                f"{_clock(row['start'])}–{_clock(row['end'])} {row['kind']:22} {row['where']}: {row['text']}{decoy}"
            )
            for one in row["symptoms"]:
                click.echo(f"    {one['dataset']:12} {one['entity']:40} {one['text']}")
            click.echo(f"    right: {row['action']['kind']} {_told(row['action']['parameters'])}")
        else:
            click.echo(f"{_clock(row['asked'])} {row['kind']} {_told(row['parameters'])}: {row['text']}")


def _truth(folder: Path | None, config_file: Path | None, url: str | None) -> Iterator[dict[str, Any]]:
    if folder is not None:
        try:
            with (folder / "truth.jsonl").open(encoding="utf-8") as file:
                yield from map(json.loads, file)
        except (OSError, ValueError):
            raise InvalidInput("holds no run of a scenario", where=str(folder)) from None
        return
    view = client_of(config_file, url).get("/twin")
    yield from ({"type": "fault"} | one for one in reversed(view["faults"]) if one["state"] != "planned")
    yield from ({"type": "action"} | one for one in reversed(view["actions"]))


def _told(parameters: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in parameters.items())


def _clock(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%m-%d %H:%M:%S}"
