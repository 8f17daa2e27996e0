"""``weft sources``: what sends telemetry and how well it arrives, asked of the running Weft."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from weft.cli.options import config_option, settings_of

MOST_SOURCES = 20_000
MARKS = {"ok": "✓", "unknown": "·", "warning": "!", "critical": "✗"}


@click.group("sources", invoke_without_command=True)
@click.pass_context
@config_option
@click.option("--url", help="Weft to ask. Default: WEFT_URL, else the one that the settings describe.")
@click.option("--kind", help="Only sources of this kind: flow, snmp, gnmi, syslog, trap, prometheus, configs …")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def sources_command(
    context: click.Context, config_file: Path | None, url: str | None, kind: str | None, as_json: bool
) -> None:
    """Show what sends telemetry and how well it arrives.

    Flow exporters first, then every other source: polled devices, subscriptions, senders of logs and metrics,
    configurations, inventories. Asks a running Weft with the token in WEFT_TOKEN; on its own machine none is needed.
    Exit code 1 where something is critical.
    """
    from weft.cli.client import ApiClient

    if context.invoked_subcommand is not None:
        return
    client = ApiClient(settings_of(config_file), url)
    view = client.get("/exporters")
    others = client.get("/sources", limit=str(MOST_SOURCES), **({"kind": kind} if kind else {}))
    if kind not in (None, "flow"):
        view["exporters"] = []
    view |= {name: others[name] for name in ("sources", "kinds", "intake")}
    if as_json:
        click.echo(json.dumps(view))
    else:
        if kind in (None, "flow"):
            show(view)
        show_others(view["sources"])
    if any(one["status"] == "critical" for one in [*view["exporters"], *view["sources"]]):
        raise click.exceptions.Exit(1)


def show(view: Mapping[str, Any]) -> None:
    """Print one line per exporter, and below it what is wrong."""
    if not view["exporters"]:
        click.echo("Nothing has sent telemetry yet. Point a router at one of these:")
        for listener in view["pipeline"]["listeners"]:
            click.echo(f"  UDP {listener['address']}:{listener['port']}")
        return
    width = max(len(one["name"]) for one in view["exporters"])
    for one in view["exporters"]:
        sampling = "/".join("?" if rate == 0 else f"1:{rate}" for rate in one["sampling_rates"])
        click.echo(
            f"{MARKS[one['status']]} {one['name']:{width}}  {one['address']:15}  {'+'.join(one['protocols']):12} "
            f"{one['records_per_s']:9.1f} records/s  sampling {sampling:8} last seen "
            f"{max(0.0, time.time() - one['last_seen']):.0f} s ago"
        )
        for reason in one["reasons"]:
            click.echo(f"    {reason['title']}. {reason['fix']}")


def show_others(sources: Sequence[Mapping[str, Any]]) -> None:
    """Print one line per source that is no flow exporter, and below it what is wrong."""
    width = max((len(one["name"]) for one in sources), default=0)
    for one in sources:
        seen = "never" if one["last_seen"] is None else f"{max(0.0, time.time() - one['last_seen']):.0f} s ago"
        coverage = "" if one["coverage"] is None else f"  {one['coverage']:.0%} of the last hour"
        click.echo(
            f"{MARKS[one['status']]} {one['name']:{width}}  {one['kind']:10}  {one['state']:8}  {one['target']:22} "
            f"{one['rows_per_s']:9.1f} rows/s     last seen {seen}{coverage}"
        )
        for reason in one["reasons"]:
            click.echo(f"    {reason['title']}. {reason['fix']}")


@sources_command.command("reconcile")
@config_option
@click.option("--url", help="Weft to ask. Default: WEFT_URL, else the one that the settings describe.")
@click.option("--since", default="now-1h", show_default=True, metavar="TIME", help="now-6h, ISO 8601, UTC seconds.")
@click.option("--until", default="now", show_default=True, metavar="TIME", help="As --since.")
@click.option("--device", default="", metavar="NAME", help="Only of this device: its name or address.")
@click.option("--all", "everything", is_flag=True, help="Also what agrees, and what is idle.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def reconcile_command(
    config_file: Path | None, url: str | None, since: str, until: str, device: str, everything: bool, as_json: bool
) -> None:
    """Compare flows with interface counters, and say why they differ.

    One line per interface and direction, the worst first: the rate by flows (with Ethernet headers), the rate by
    counters, their ratio, and the most likely reason with its confidence. See docs/data-quality.md.
    """
    from weft.cli.client import ApiClient

    client = ApiClient(settings_of(config_file), url)
    view = client.get("/quality/reconciliation", since=since, until=until, device=device, limit="5000")
    if as_json:
        click.echo(json.dumps(view))
    else:
        show_reconciled(view, everything=everything)


def show_reconciled(view: Mapping[str, Any], *, everything: bool) -> None:
    """Print what differs, or all of it, and how many of which verdict there are."""
    from weft.model.amounts import amount
    from weft.query.text import visible

    for row in view["rows"]:
        if row["verdict"] in ("agrees", "idle") and not everything:
            continue
        ratio = "–" if row["adjusted"] is None else f"{row['adjusted']:.2f}"
        mark = {"off": "✗", "agrees": "✓", "idle": "·"}.get(row["verdict"], "!")
        click.echo(
            f"{mark} {visible(row['device'])} {visible(row['interface'])} {row['direction']:3}  flows "
            f"{amount(row['flow_bps_framed'], 'bit/s')}  counters {amount(row['counter_bps'], 'bit/s')}  ratio {ratio}"
        )
        for reason in row["reasons"][:2]:
            sure = f"{reason['confidence']:.0%} " if reason["confidence"] else ""
            click.echo(f"    {sure}{visible(reason['title'])}. {visible(reason['fix'])}".rstrip())
    counts = ", ".join(f"{count} {verdict.replace('_', ' ')}" for verdict, count in sorted(view["verdicts"].items()))
    click.echo(counts or "Neither flows nor counters of any interface in this window.")
