"""``weft routes``: BGP routes as of any time, asked of the running Weft."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from weft.cli.options import Command, asking_options, client_of, window_options

RIBS = {
    "adj_rib_in_pre": "received", "adj_rib_in_post": "accepted", "loc_rib": "Loc-RIB", "adj_rib_out_pre": "to send",
    "adj_rib_out_post": "sent",
}  # fmt: skip
RPKI = {"valid": "RPKI valid", "invalid": "RPKI INVALID", "not_found": "RPKI not found", "unchecked": ""}
_timed = window_options("now-24h")


@click.group("routes")
def routes_command() -> None:
    """Ask about BGP routes, now or as of any time.

    What routers told by BMP, what dumps held, what sessions brought. Asks a running Weft with the token in WEFT_TOKEN;
    on its own machine none is needed.
    """


def _of_sessions(command: Command) -> Command:
    """Options that say which sessions are meant."""
    for option in (
        click.option("--vrf", default="", metavar="NAME", help="Only this VRF; global = none."),
        click.option("--peer", default="", metavar="NAME", help="Only this neighbour: address or name."),
        click.option("--router", default="", metavar="NAME", help="Only this router: address or name."),
    ):
        command = option(command)
    return command


@routes_command.command("lookup")
@click.argument("prefix")
@click.option("--at", default="now", show_default=True, metavar="TIME", help="now-6h, ISO 8601, UTC seconds.")
@click.option(
    "--match", type=click.Choice(["exact", "covering", "longer", "all"]), default="covering", show_default=True,
    help="The prefix alone, with what covers it, with what is more specific, or all.",
)  # fmt: skip
@_of_sessions
@asking_options
def lookup_command(
    prefix: str, at: str, match: str, router: str, peer: str, vrf: str, config_file: Path | None, url: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Show what routers knew of a prefix or an address, which path was best, and why.

    Exit code 1 where no route stood.
    """
    view = client_of(config_file, url).get(
        "/routing/lookup", prefix=prefix, at=at, match=match, exporter=router, peer=peer, vrf=vrf
    )
    if as_json:
        click.echo(json.dumps(view))
    else:
        show_lookup(view)
    if not any(one["standing"] for one in view["prefixes"]):
        raise click.exceptions.Exit(1)


def show_lookup(view: Mapping[str, Any]) -> None:
    """Print prefix by prefix, router by router, path by path; the best one is marked ``>``."""
    from weft.query.text import visible

    for prefix in view["prefixes"]:
        vrf = f"  VRF {visible(prefix['vrf'])}" if prefix["vrf"] else ""
        click.echo(click.style(f"{visible(prefix['prefix'])}  {prefix['relation']}{vrf}", bold=True))
        for router in prefix["routers"]:
            used = "  (used)" if router["used"] and prefix["relation"] == "covering" else ""
            click.echo(f"  {visible(router['name'])} by {router['source'].upper()}{used}")
            for path in router["paths"]:
                click.echo(f"    {'>' if path['best'] else ' '} {path_line(path)}")
            if router["why"]:
                click.echo(click.style(f"      best: {visible(router['why'])}", dim=True))
    if not any(one["standing"] for one in view["prefixes"]):
        heard = view["last_heard"]
        click.echo(f"No route to {view['asked']} at {moment(view['at'])}.")
        if heard is not None:
            click.echo(f"Last heard of {moment(heard)}: ask --at {int(heard) + 1}.")
    if view["truncated"]:
        click.echo("There are more: name a router or a longer prefix.", err=True)


def path_line(path: Mapping[str, Any]) -> str:
    """One path in a line."""
    from weft.query.text import visible

    parts = [f"{RIBS.get(path['rib'], path['rib']):8} {_peer(path):28} [{visible(path['as_path']) or 'own'}]"]
    parts.append(f"via {path['next_hop']}" if path["next_hop"] else "")
    parts += [f"{short} {path[name]}" for name, short in (("local_pref", "pref"), ("med", "MED")) if path[name]]
    parts += [visible(" ".join(path["communities"])), RPKI.get(path["rpki"], "")]
    since = "" if path["since"] is None else f"since {moment(path['since'])}"
    parts.append(since if path["standing"] else f"{path['gone']} {moment(path['since'] or path['said'])}")
    return "  ".join(part for part in parts if part)


def moment(seconds: float) -> str:
    """A time to the second, UTC."""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M:%SZ")


@routes_command.command("timeline")
@click.argument("prefix")
@_timed
@_of_sessions
@asking_options
def timeline_command(
    prefix: str, since: str, until: str, router: str, peer: str, vrf: str, config_file: Path | None, url: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Show what happened to a prefix: every event with what it changed."""
    from weft.query.text import visible

    view = client_of(config_file, url).get(
        "/routing/timeline", prefix=prefix, since=since, until=until, exporter=router, peer=peer,
        vrf=vrf,
    )  # fmt: skip
    if as_json:
        click.echo(json.dumps(view))
        return
    if view["truncated"]:
        click.echo(f"Too much happened: only what came after {moment(view['begins'])}.", err=True)
    for event in view["events"]:
        click.echo(event_line(event))
    if not view["events"]:
        click.echo(f"Nothing happened to {view['prefix']} in this window.")
    for lane in view["lanes"]:
        if lane["used"]:
            last = lane["segments"][-1]
            now = f"[{last['path']['as_path'] or 'own'}] {last['why']}" if last["path"] else "no route"
            click.echo(click.style(f"{visible(lane['name'])} uses {now}", bold=True))


def event_line(event: Mapping[str, Any]) -> str:
    """One event in a line."""
    from weft.query.text import visible

    where = f"{visible(event['name'])} {RIBS.get(event['rib'], event['rib'])} {_peer(event)}"
    what = f"[{visible(event['path']['as_path'])}]" if event["path"] and event["event"] == "announce" else ""
    what = what or _changes(event["changed"]) or visible(event["reason"])
    return f"{moment(event['at'])}  {event['event']:9} {where}  {what}".rstrip()


def _peer(one: Mapping[str, Any]) -> str:
    """Who told of it: the neighbour, or the router itself."""
    from weft.query.text import visible

    return f"{visible(one['peer_name'] or one['peer'])} AS{one['peer_as']}" if one["peer"] else "itself"


def _changes(changed: Sequence[Mapping[str, str]]) -> str:
    """Attributes before and after."""
    from weft.query.text import visible

    return ", ".join(
        f"{one['attribute']} {visible(one['before']) or '–'} → {visible(one['after']) or '–'}" for one in changed
    )


@routes_command.command("sessions")
@_timed
@asking_options
def sessions_command(since: str, until: str, config_file: Path | None, url: str | None, as_json: bool) -> None:
    """Show the BGP sessions that routers tell of: state, routes, origin validation, updates.

    Exit code 1 where one is down.
    """
    view = client_of(config_file, url).get("/routing/sessions", since=since, until=until)
    if as_json:
        click.echo(json.dumps(view))
    else:
        show_sessions(view["sessions"])
    if any(one["state"] == "down" for one in view["sessions"]):
        raise click.exceptions.Exit(1)


def show_sessions(sessions: Sequence[Mapping[str, Any]]) -> None:
    """Print a line per session."""
    from weft.query.text import visible

    if not sessions:
        click.echo("No router has told of routes yet. See docs/routing.md.")
    marks = {"up": "✓", "down": "✗"}
    for one in sessions:
        vrf = f" VRF {visible(one['vrf'])}" if one["vrf"] else ""
        invalid = f"  {one['rpki']['invalid']} invalid" if one["rpki"].get("invalid") else ""
        since = "" if one["since"] is None else f"  since {moment(one['since'])}"
        line = (
            f"{marks.get(one['state'], '·')} {visible(one['name']):16} {RIBS.get(one['rib'], one['rib']):8} "
            f"{_peer(one):28}{vrf} {one['routes'] or 0:>9,} routes{invalid}  {one['updates']:,} updates{since}"
        )
        click.echo(f"{line}  {visible(one['reason'])}".rstrip())


@routes_command.command("churn")
@click.option("--by", type=click.Choice(["prefix", "peer", "origin"]), default="prefix", show_default=True,
              help="What the lines are of.")  # fmt: skip
@_timed
@click.option("--top", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many lines.")
@_of_sessions
@asking_options
def churn_command(
    by: str, since: str, until: str, top: int, router: str, peer: str, vrf: str, config_file: Path | None,
    url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Show what changes most: prefixes, neighbours or origin ASes."""
    from weft.query.text import visible

    view = client_of(config_file, url).get(
        "/routing/churn", by=by, since=since, until=until, limit=str(top), exporter=router, peer=peer,
        vrf=vrf,
    )  # fmt: skip
    if as_json:
        click.echo(json.dumps(view))
        return
    for row in view["rows"]:
        peer_of = f"{row['name']} {row['peer_name'] or row['peer'] or 'itself'} {RIBS.get(row['rib'], row['rib'])}"
        of = {"prefix": row["prefix"], "origin": f"AS{row['origin_as']}", "peer": peer_of}[by]
        click.echo(
            f"{visible(of):44} {row['updates']:>8,} updates  {row['announcements']:,} announced  "
            f"{row['changes']:,} changed  "
            f"{row['withdrawals']:,} withdrawn  {row['flaps']:,} flaps  {row['prefixes']:,} prefixes"
        )
    if not view["rows"]:
        click.echo("Nothing changed in this window.")


@routes_command.command("policy")
@click.argument("router")
@click.argument("peer")
@click.option("--at", default="now", show_default=True, metavar="TIME", help="now-6h, ISO 8601, UTC seconds.")
@click.option("--direction", type=click.Choice(["in", "out"]), default="in", show_default=True,
              help="What the neighbour sends, or what it is sent.")  # fmt: skip
@click.option("--verdict", type=click.Choice(["rejected", "added", "changed"]), help="Show only these.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000), help="Routes to show.")
@asking_options
def policy_command(
    router: str, peer: str, at: str, direction: str, verdict: str | None, limit: int, config_file: Path | None,
    url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Show what the policy of ROUTER does to the routes of PEER: rejected, added, changed."""
    from weft.query.text import visible

    view = client_of(config_file, url).get(
        "/routing/policy", exporter=router, peer=peer, at=at, direction=direction,
        verdict=verdict or "", limit=str(limit),
    )  # fmt: skip
    if as_json:
        click.echo(json.dumps(view))
        return
    if not view["told"]:
        click.echo("Nothing can be said: the router has to tell routes both before and after policy.")
        return
    for one in view["routes"]:
        path = one["before"] or one["after"]
        line = f"{one['verdict']:9} {visible(one['prefix']):24} [{visible(path['as_path'])}]"
        click.echo(f"{line}  {_changes(one['changed'])}".rstrip())
    if view["truncated"]:
        click.echo("There are more: see --limit.", err=True)
    click.echo(
        f"{view['before']:,} before, {view['after']:,} after: {view['rejected']:,} rejected, "
        f"{view['changed']:,} changed, {view['added']:,} added"
    )


@routes_command.command("validity")
@click.option("--at", default="now", show_default=True, metavar="TIME", help="now-6h, ISO 8601, UTC seconds.")
@click.option("--state", type=click.Choice(["invalid", "valid", "not_found", "unchecked"]), default="invalid",
              show_default=True, help="Show the routes in this state.")  # fmt: skip
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1, 1000), help="Prefixes to show.")
@_of_sessions
@asking_options
def validity_command(
    at: str, state: str, limit: int, router: str, peer: str, vrf: str, config_file: Path | None, url: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Show standing routes by RPKI origin validation; invalid ones unless asked otherwise."""
    from weft.query.text import visible

    view = client_of(config_file, url).get(
        "/routing/validity", at=at, state=state, limit=str(limit), exporter=router, peer=peer, vrf=vrf
    )
    if as_json:
        click.echo(json.dumps(view))
        return
    for route in view["routes"]:
        click.echo(f"{visible(route['prefix']):24} {visible(route['name']):16} {path_line(route)}")
    if view["truncated"]:
        click.echo("There are more: see --limit.", err=True)
    if not view["routes"]:
        click.echo(f"No standing route is {state.replace('_', ' ')}.")
