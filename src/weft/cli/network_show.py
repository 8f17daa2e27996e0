"""Answers about the network as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from weft.network.changes import rate_text

_WIDTH = 48
_FULL, _BUSY = 0.95, 0.8


def _text(value: Any) -> str:
    from weft.query.text import visible

    return visible(str(value))


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} ms"


def _used(state: Mapping[str, Any]) -> str:
    """Load and utilisation, coloured where it is worth a look."""
    text = f"{rate_text(state['bps']):>13} {state['utilisation']:>7.1%}"
    colour = "red" if state["utilisation"] >= _FULL else "yellow" if state["utilisation"] >= _BUSY else None
    return click.style(text, fg=colour) if colour else text


# --- path ------------------------------------------------------------------------------------------------------------


def show_path(view: Mapping[str, Any]) -> None:
    """Both ways, hop by hop; under changes, the usual way too."""
    source, destination = view["source"], view["destination"]
    click.echo(click.style(f"{_text(source['title'])} → {_text(destination['title'])}", bold=True))
    for change in view["changes"]:
        click.echo(f"if {_text(change)}")
    if view["usual_forward"] is not None:
        click.echo("usually:")
        _show_way(view["usual_forward"])
        click.echo("then:")
    _show_way(view["forward"])
    if view["backward"] is not None:
        click.echo(click.style("back" + (" (another way)" if view["asymmetric"] else ""), bold=True))
        _show_way(view["backward"])


def _show_way(way: Mapping[str, Any]) -> None:
    if way["why"]:
        click.echo(f"  {_text(way['why'])}")
    if not way["reachable"]:
        return
    for hop in way["hops"]:
        out = hop["out"]
        if out is None:
            click.echo(f"  {_text(hop['node'])}")
            continue
        fan = f"  1 of {hop['ways']} ways, {out['fraction']:.0%}" if hop["ways"] > 1 else ""
        measured = "" if out["measured_bps"] is None else f"  counters {rate_text(out['measured_bps'])}"
        loss = f"  loss {out['state']['loss']:.2%}" if out["state"]["loss"] > 0 else ""
        click.echo(
            f"  {_text(hop['node']):24} {_used(out['state'])} of {rate_text(out['capacity_bps']):>10} "
            f"{_ms(out['state']['delay_ms']):>10}{loss}{measured}{fan}"
        )
    parts = [_ms(way["delay_ms"]), f"{way['equal_paths']} equal ways" if way["equal_paths"] > 1 else "",
             f"metric {way['metric']}" if way["metric"] is not None else "",
             f"out by {_text(way['exit_link'])}" if way["exit_link"] else "",
             f"bottleneck {_text(way['bottleneck'])} {_share(way['bottleneck_utilisation'])}"
             if way["bottleneck"] else "",
             f"tunnels {_text(', '.join(way['tunnels']))}" if way["tunnels"] else ""]  # fmt: skip
    click.echo(click.style("  " + "  ".join(filter(None, parts)), dim=True))


# --- load, demands, failures -----------------------------------------------------------------------------------------


def _show_source(demand: Mapping[str, Any]) -> None:
    parts = [f"{rate_text(demand['bps'])} in {demand['demands']:,} demands: {_text(demand['text'])}"]
    if demand["error"] is not None:
        parts.append(f"expected error {demand['error']:.0%}")
    if demand["link_error"] is not None:
        parts.append(f"loads are {demand['link_error']:.0%} from counters")
    click.echo(click.style("; ".join(parts), dim=True))


def show_load(view: Mapping[str, Any]) -> None:
    """A line for each direction of each link."""
    for link in view["links"]:
        down = click.style("  DOWN", fg="red") if not link["up"] else ""
        for way, sign in (("forward", "→"), ("backward", "←")):
            name = f"{_text(link['a'])} {sign} {_text(link['b'])}"
            measured = link[f"measured_{way}_bps"]
            said = "" if measured is None else f"  counters {rate_text(measured)}"
            click.echo(
                f"{name:{_WIDTH}} {_used(link[way])} of {rate_text(link['capacity_bps']):>10} "
                f"{_ms(link[way]['delay_ms']):>10}{said}{down}"
            )
    if not view["links"]:
        click.echo("No link is known. See docs/network.md.")
    _show_source(view["demand"])


def show_demands(view: Mapping[str, Any]) -> None:
    """A line for each row of the matrix."""
    for row in view["rows"]:
        name = " → ".join(_text(row[end]) for end in ("source", "destination") if row[end]) or "all"
        named = f"{name}  {_text(row['traffic_class'])}" if row["traffic_class"] else name
        more = "" if row["delivered"] is None else f"  {row['delivered']:.0%} arrives  {_ms(row['delay_ms'])}"
        click.echo(f"{named:{_WIDTH}} {rate_text(row['bps']):>13} {row['share']:>7.1%}{more}")
    if view["truncated"]:
        click.echo("There are more: see --limit.", err=True)
    _show_source(view["demand"])


def show_failures(view: Mapping[str, Any]) -> None:
    """A line for each failure, worst first."""
    for one in view["failures"]:
        lost = click.style(f"  loses {rate_text(one['lost_bps'])}", fg="red") if one["lost_bps"] >= 1 else ""
        over = f"  {one['newly_over']} newly over" if one["newly_over"] else ""
        worst = f"{one['max_utilisation']:>7.1%} {_text(one['worst_link'])}"
        click.echo(f"{_text(one['title']):{_WIDTH}} up to {worst}{over}{lost}")
    click.echo(
        click.style(
            f"{view['count']:,} failures in {view['elapsed_ms']:.0f} ms; now up to {view['max_utilisation']:.1%}",
            dim=True,
        )
    )


# --- what-if ---------------------------------------------------------------------------------------------------------


def show_what_if(view: Mapping[str, Any]) -> None:
    """What changes, the worst first."""
    for change in view["changes"]:
        click.echo(click.style(f"if {_text(change)}", bold=True))
    for line in _summary(view):
        click.echo(line)
    _section("links", view["links_changed"], len(view["links"]))
    for link in view["links"]:
        for way, sign in (("forward", "→"), ("backward", "←")):
            _show_change(link, link[way], f"{_text(link['a'])} {sign} {_text(link['b'])}")
    _section("traffic", view["moved_count"], len(view["moved"]))
    for one in view["moved"]:
        _show_moved(one)
    for one in view["cut_off"]:
        click.echo(click.style(_text(one["text"]), fg="red"))
    for one in view["broken"]:
        click.echo(f"  lost: {_text(one['source'])} → {_text(one['destination'])} {rate_text(one['bps'])}: "
                   f"{_text(one['why'])}")  # fmt: skip
    for one in view["delays"]:
        click.echo(f"  delay {_text(one['source'])} → {_text(one['destination'])}: {_ms(one['before_ms'])} → "
                   f"{_ms(one['after_ms'])}")  # fmt: skip
    for one in view["asymmetric"]:
        click.echo(f"  there and back differ: {_text(' '.join(one['forward']))}, {_text(' '.join(one['backward']))}")


def _summary(view: Mapping[str, Any]) -> Iterator[str]:
    before, after = view["before"], view["after"]
    yield (f"most utilised {before['max_utilisation']:.1%} → {after['max_utilisation']:.1%} "
           f"{_text(after['worst_link'])}")  # fmt: skip
    yield (f"moved {rate_text(view['moved_bps'])}, lost {rate_text(view['lost_bps'])}, "
           f"over {view['threshold']:.0%}: {before['over_threshold']} → {after['over_threshold']} ways, "
           f"mean delay {_ms(before['mean_delay_ms'])} → {_ms(after['mean_delay_ms'])}")  # fmt: skip
    if view["drained"] is not None:
        yield (f"drained first: up to {view['drained']['max_utilisation']:.1%}; what goes away still carries "
               f"{rate_text(view['drained']['still_carries_bps'])}")  # fmt: skip


def _section(title: str, count: int, shown: int) -> None:
    if count:
        more = f", {shown} shown" if shown < count else ""
        click.echo(click.style(f"{title}: {count}{more}", bold=True))


def _show_change(link: Mapping[str, Any], way: Mapping[str, Any], name: str) -> None:
    before, after = way["before"], way["after"]
    if before["bps"] == after["bps"] and not link["what"]:
        return
    mark = click.style("  newly over", fg="red") if way["newly_over"] else "  relieved" if way["relieved"] else ""
    what = f"  {link['what']}" if link["what"] else ""
    click.echo(f"  {name:{_WIDTH}} {rate_text(before['bps']):>13} → {_used(after)}{what}{mark}")


def _show_moved(one: Mapping[str, Any]) -> None:
    rate = rate_text(one["bps_after"])
    ends = f"{_text(one['source'])} → {_text(one['destination'])}"
    ways = " ".join(map(_text, one["after"])) or "no way"
    share = f" {one['share_moved']:.0%}" if 0 < one["share_moved"] < 1 else ""
    exits = f", out by {_text(one['exit_after'])}" if one["outcome"] == "exit" and one["exit_after"] else ""
    click.echo(f"  {one['outcome']:8}{share} {rate:>13}  {ends}: {ways}{exits}")
