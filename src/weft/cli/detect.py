"""``weft detect``: which detectors there are, what they would have found, and how right they would have been."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weft.cli.oddest import oddest_command
from weft.cli.options import config_option
from weft.errors import InvalidInput

if TYPE_CHECKING:
    from weft.detect.config import DetectConfig
    from weft.detect.replay import Replayed
    from weft.detect.runfolder import RunFolder


#: Seconds between two looks at how far a back-test is.
_ASK_S = 0.5


@click.group("detect")
def detect_command() -> None:
    """See which detectors there are, and try them on history before they wake anybody up."""


detect_command.add_command(oddest_command)


@detect_command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def list_command(as_json: bool) -> None:
    """List detectors and the kinds of events that each raises."""
    from weft.detect.backtest import abouts

    found = list(abouts())
    if as_json:
        click.echo(json.dumps([
            {"name": name, "title": one.title, "group": one.group.value, "description": one.description,
             "kinds": dict(one.kinds)}
            for name, one in found
        ]))  # fmt: skip
        return
    for name, one in found:
        click.echo(f"{name:20} {one.group.value:10} {one.title}")
        for kind, meaning in one.kinds.items():
            click.echo(f"    {kind:24} {meaning}")


def _replay_options(command: Any) -> Any:
    for option in (
        config_option,
        click.option("--json", "as_json", is_flag=True, help="Answer in JSON."),
        click.option("--step", default=1.0, show_default=True, help="Detectors are told the time every so many s."),
        click.option("--until", default="", metavar="TIME", help="As --since. Default: the end of the run, or now."),
        click.option("--since", default="", metavar="TIME",
                     help="Find from here on. Default: a quarter of an hour after the run's begin, or now-1d."),
        click.option("--learn", default="", metavar="DURATION",
                     help="Learn from so much before. Default: from the run's begin, or 1d."),
        click.option("--detector", "-d", multiple=True, metavar="NAME",
                     help="Only this one; repeat for more. Default: all."),
        click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False),
    ):  # fmt: skip
        command = option(command)
    return command


@detect_command.command("backtest")
@_replay_options
@click.option("--examples", default=3, show_default=True, type=click.IntRange(0, 1000), help="Events told per kind.")
@click.option("--all", "whole", is_flag=True, help="With --json: every event in full, too.")
def backtest_command(
    folder: Path | None, detector: tuple[str, ...], since: str, until: str, learn: str, step: float, as_json: bool,
    config_file: Path | None, examples: int, whole: bool,
) -> None:  # fmt: skip
    """Tell which events would have fired over history.

    That of FOLDER (of `weft twin run`), else what a Weft that runs has stored (it does the work, with three examples
    per kind; see docs/api.md), else what the store of the settings holds.
    """
    from weft.detect.backtest import report

    document = None if folder is not None or whole else _by_server(detector, since, until, learn, config_file)
    if document is None:
        if folder is None:
            done = _stored(detector, since, until, learn, step, config_file)
        else:
            _, done = _replayed(folder, detector, since, until, learn, step, config_file)
        document = report(done, examples=examples, whole=whole)
    if as_json:
        click.echo(json.dumps(document))
        return
    click.echo(f"{document['since']} to {document['until']}: {document['events']} events, "
               f"{document['events_per_day']:g} a day")  # fmt: skip
    for one in document["kinds"]:
        click.echo(f"{one['kind']:24} {one['detector']:16} {one['events']:6} events, {one['entities']} entities")
        for example in one["examples"]:
            click.echo(f"    {example['detected']} {example['severity']:8} {example['entity']}: {example['text']}")
    _tell_failed(document["failed"])


@detect_command.command("score")
@_replay_options
@click.option("--grace", default=300.0, show_default=True, type=click.FloatRange(min=0),
              help="An event is still of a fault so many seconds after its end.")  # fmt: skip
@click.option("--matches", is_flag=True, help="With --json: what each event was found to be, too.")
def score_command(
    folder: Path | None, detector: tuple[str, ...], since: str, until: str, learn: str, step: float, as_json: bool,
    config_file: Path | None, grace: float, matches: bool,
) -> None:  # fmt: skip
    """Score what would have fired over FOLDER against what really happened (its truth.jsonl).

    Events count only in the time of a fault and at its entities, each once; nothing is adjusted afterwards.
    """
    from weft.detect.backtest import iso
    from weft.detect.runfolder import SERIES, series_of
    from weft.detect.scoring.score import score
    from weft.detect.scoring.truth import read_truth

    if folder is None:
        raise click.UsageError("name the FOLDER of a run: only of that it is known what really happened")
    run, done = _replayed(folder, detector, since, until, learn, step, config_file)
    span = done.span
    series = sum(series_of(run, list(SERIES), span.since_s, min(span.until_s, span.since_s + 3600)).values())
    result = score(
        done.events, read_truth(run.truth), span.since_s, span.until_s, series=series, grace_s=grace,
        samples=done.samples,
    )  # fmt: skip
    document = {"folder": run.name, "seed": run.seed, "since": iso(span.since_s), "until": iso(span.until_s),
                "series": series, **result.document(), "failed": done.failed}  # fmt: skip
    if as_json:
        if matches:
            document["matches"] = [
                {"verdict": one.verdict.value, "fault": one.fault.id if one.fault else None, "named": one.named,
                 "exact": one.exact, "kind": one.event.kind, "entity": one.event.entity.text,
                 "severity": one.event.severity.value, "detected": iso(one.event.detected_s), "text": one.event.text}
                for one in result.matches
            ]  # fmt: skip
        click.echo(json.dumps(document))
        return
    _show_score(document)
    _tell_failed(document["failed"])


def _show_score(document: Mapping[str, Any]) -> None:
    click.echo(
        f"{document['events']} events: {document['true']} true, {document['false']} false, {document['decoy']} of "
        f"decoys, {document['duplicate']} again, {document['told']} told; precision {_share(document['precision'])}"
    )
    click.echo(
        f"{document['found']} of {document['faults']} faults found, recall {_share(document['recall'])}; "
        f"{_share(document['false_per_1000_series_days'])} false events per 1000 series and day"
    )
    for one in document["classes"]:
        delay = "" if one["delay_s"] is None else f"  {one['delay_s']:g} s, {one['samples']:g} samples"
        click.echo(
            f"  {one['kind']:24} {one['found']:3} of {one['faults']:3}  severe {one['severe_found']:3} of "
            f"{one['severe']:3}  precision {_share(one['precision'])} of {one['claimed']:4}{delay}"
        )
    for one in document["detectors"]:
        click.echo(
            f"  {one['detector']:16} {one['kind']:24} {one['events']:5} events: {one['true']} true, {one['false']} "
            f"false, {one['decoy']} of decoys, {one['duplicate']} again, {one['told']} told"
        )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _tell_failed(failed: Mapping[str, str]) -> None:
    for name, reason in failed.items():
        click.echo(f"weft: detector {name} was given up: {reason}", err=True)


def _replayed(
    folder: Path, detector: tuple[str, ...], since: str, until: str, learn: str, step: float, config_file: Path | None
) -> tuple[RunFolder, Replayed]:
    """What detectors find in a run."""
    from weft.detect.backtest import backtest
    from weft.detect.config import DetectConfig
    from weft.detect.replay import Span
    from weft.detect.runfolder import RunFolder
    from weft.detect.runstore import opened

    _quietly()
    run = RunFolder(folder)
    config = DetectConfig() if config_file is None else _detect_config(config_file)
    begin, end = _times(since or str(run.since_s + 900.0), until or str(run.until_s), run.until_s)
    if not run.since_s <= begin < end <= run.until_s:
        raise InvalidInput("lies outside of the run", where="--since", fix=f"It is from {run.since_s:.0f} on.")
    span = Span(max(run.since_s, begin - _duration(learn)) if learn else run.since_s, begin, end)
    names = _names(detector, config)
    with opened(run, names, span.until_s) as history:
        return run, backtest(names, history, span, config, step_s=step)


def _by_server(
    detector: tuple[str, ...], since: str, until: str, learn: str, config_file: Path | None
) -> dict[str, Any] | None:
    """What a Weft that runs finds in what it has stored; None where none runs."""
    import time

    from weft.cli.client import ApiClient
    from weft.cli.options import settings_of
    from weft.errors import Failed, Unavailable

    client = ApiClient(settings_of(config_file))
    body = {"detectors": list(detector), "since": since or "now-1d", "until": until or "now", "learn": learn or "1d"}
    try:
        one = client.post("/backtests", body)
    except Unavailable:
        return None
    path = f"/backtests/{one['id']}"
    try:
        while one["state"] == "running":
            click.echo(f"\r{one['progress']:.0%} ", nl=False, err=True)
            time.sleep(_ASK_S)
            one = client.get(path)
    except KeyboardInterrupt:
        client.delete(path)
        raise
    click.echo("\r", nl=False, err=True)
    if one["state"] != "done":
        raise Failed(one["error"] or "was cancelled", where="back-test")
    found: dict[str, Any] = one["report"]
    return found


def _stored(
    detector: tuple[str, ...], since: str, until: str, learn: str, step: float, config_file: Path | None
) -> Replayed:
    """What detectors find in the store of these settings."""
    import time

    from weft.cli.options import settings_of
    from weft.detect.backtest import backtest
    from weft.detect.replay import Span
    from weft.detect.storerows import opened

    _quietly()
    settings = settings_of(config_file)
    config = settings.detect
    begin, end = _times(since or "now-1d", until or "now", time.time())
    span = Span(begin - _duration(learn or "1d"), begin, end)
    with opened(settings.store, settings.inventory, settings.query, config.threat_lists) as history:
        return backtest(_names(detector, config), history, span, config, step_s=step)


def _quietly() -> None:
    from weft.cli.options import keep_pandas_out
    from weft.logs import configure_logging

    keep_pandas_out()
    configure_logging("warning")


def _names(detector: tuple[str, ...], config: DetectConfig) -> list[str]:
    """Those that are asked for, else all that are switched on."""
    from weft.detect import registry

    on = (name for name in registry.names() if name not in config.detectors or config.detectors[name].enabled)
    return list(detector) or list(on)


def _times(since: str, until: str, now_s: float) -> tuple[float, float]:
    from weft.query.times import parse_time

    return float(parse_time(since, now_s, "--since")), float(parse_time(until, now_s, "--until"))


def _duration(text: str) -> float:
    from weft.query.times import parse_duration

    return float(parse_duration(text, "--learn"))


def _detect_config(config_file: Path | None) -> DetectConfig:
    from weft.cli.options import settings_of

    return settings_of(config_file).detect
