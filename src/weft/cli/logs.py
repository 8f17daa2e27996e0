"""``weft logs``: how log messages are understood, and which events the rules know."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from weft.cli.options import config_option, settings_of

if TYPE_CHECKING:
    from weft.collect.syslog.files import FileBatch
    from weft.decode.syslog import RuleTable

_WIDTH = 11


def _rules_option(command: Any) -> Any:
    return click.option(
        "--rules", type=click.Path(path_type=Path), metavar="DIR",
        help="Directory with own rule files. Default: syslog.rules of the settings.",
    )(command)  # fmt: skip


@click.group("logs")
def logs_command() -> None:
    """Show how log messages are understood."""


@logs_command.command("parse")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object per message.")
@click.option("--timezone", help="Zone of stamps that name none, such as Europe/Berlin. Default: UTC.")
@click.option("--unknown", is_flag=True, help="Only messages that no rule knows, as templates with their number.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after this many messages.")
@_rules_option
@config_option
def parse_command(
    files: tuple[Path, ...], as_json: bool, timezone: str | None, unknown: bool, limit: int | None, rules: Path | None,
    config_file: Path | None,
) -> None:  # fmt: skip
    """Show what is read from each message of FILES: header, time, rule, event, fields, template.

    FILES hold a message a line, also gzipped, or are captures of datagrams to port 514 or 5514; without FILES, lines
    are read from standard input. Nothing is stored. Exit codes: 0 done, 2 a file or a rule cannot be read.
    """
    rows = _rows(files, timezone, _table(rules, config_file), limit)
    if unknown:
        _show_unknown(rows, as_json)
        return
    for row in rows:
        if as_json:
            sys.stdout.buffer.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        else:
            click.echo(_block(row))
    sys.stdout.flush()


@logs_command.command("events")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per rule.")
@_rules_option
@config_option
def events_command(as_json: bool, rules: Path | None, config_file: Path | None) -> None:
    """List the events that the rules tell, and of which systems; checks own rule files."""
    events = _table(rules, config_file).events()
    for event, known in sorted(events.items()):
        if as_json:
            for rule in known:
                document = {"event": event, "rule": rule.name, "os": rule.os, "id": rule.ids, "program": rule.programs}
                click.echo(orjson.dumps(document).decode())
        else:
            systems = ", ".join(sorted({rule.os or rule.name for rule in known}))
            click.echo(f"{event:<32}{len(known):>3} rule{'s' if len(known) != 1 else ' '}  {systems}")


def _table(rules: Path | None, config_file: Path | None) -> RuleTable:
    from weft.collect.syslog.server import read_rule_files

    return read_rule_files(rules or settings_of(config_file).syslog.rules)


def _batches(files: tuple[Path, ...], timezone: str | None) -> Iterator[FileBatch]:
    from weft.collect.syslog.files import LogFiles

    try:
        reader = LogFiles(timezone=timezone)
    except Exception as error:  # whatever the zone database says of a name
        raise click.BadParameter(f"there is no time zone {timezone!r}", param_hint="--timezone") from error
    if not files:
        yield from reader.lines(sys.stdin.buffer, time.time_ns())
    for path in files:
        yield from reader.read(path)


def _rows(
    files: tuple[Path, ...], timezone: str | None, table: RuleTable, limit: int | None
) -> Iterator[dict[str, Any]]:
    """A row for every message, as people read it, and the rule that took it."""
    from weft.collect.syslog.files import FILE
    from weft.decode.syslog import SyslogDecoder, readable
    from weft.model.addresses import address_text
    from weft.model.logs import CLOCKS, FACILITIES, SEVERITIES

    decoder, left = SyslogDecoder(table), limit
    for batch in _batches(files, timezone):
        decoded = decoder.decode(batch.messages, batch.received_ns, batch.senders, FILE)
        for number, row in zip(decoded.messages, decoded.logs.to_pylist(), strict=True):
            if left is not None:
                left -= 1
                if left < 0:
                    return
            raw = readable(batch.messages[number])
            header, found = decoder.read(raw, batch.received_ns[number])
            yield {
                "raw": raw,
                "layout": header.dialect,
                "time": _time(row["time"]),
                "time_device": _time(row["time_device"]),
                "clock": CLOCKS[row["clock"]],
                "exporter": address_text(row["exporter"]),
                "facility": FACILITIES[row["facility"]],
                "severity": SEVERITIES[row["severity"]],
                **{name: row[name] for name in ("host", "program", "process_id", "message_id")},
                "rule": found.rule.name if found else "",
                **{name: row[name] for name in ("event", "component")},
                "fields": orjson.loads(row["fields"]) if row["fields"] else {},
                **{name: row[name] for name in ("template", "message")},
            }


def _time(moment: Any) -> str | None:
    from weft.decode.flow.records import time_text

    return time_text(moment.value) if moment.value else None


def _block(row: dict[str, Any]) -> str:
    """One message for people."""
    names = [
        ("layout", f"{row['layout']}, {row['facility']}.{row['severity']}"),
        ("time", f"{row['time']} (clock: {row['clock']})" if row["time_device"] else "none given"),
        ("host", row["host"]), ("program", row["program"]), ("process", row["process_id"]), ("id", row["message_id"]),
        ("rule", row["rule"] or "none knows it"), ("event", row["event"]), ("component", row["component"]),
    ]  # fmt: skip
    lines = [row["raw"], *(f"  {name:<{_WIDTH}}{value}" for name, value in names if value)]
    lines += [f"  {'field':<{_WIDTH}}{name} = {orjson.dumps(value).decode()}" for name, value in row["fields"].items()]
    lines += [f"  {'template':<{_WIDTH}}{row['template']}", f"  {'message':<{_WIDTH}}{row['message']}", ""]
    return "\n".join(lines)


def _show_unknown(rows: Iterator[dict[str, Any]], as_json: bool) -> None:
    """What rules could be written for, most frequent first."""
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    for row in rows:
        if not row["event"]:
            key = row["program"], row["template"]
            counts[key] += 1
            examples[key] = row["raw"]
    for (program, template), number in counts.most_common():
        if as_json:
            document = {
                "number": number,
                "program": program,
                "template": template,
                "example": examples[program, template],
            }
            click.echo(orjson.dumps(document).decode())
        else:
            click.echo(f"{number:>8}  {program}: {template}")
