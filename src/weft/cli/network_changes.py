"""Options that say what changes, as the API takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from weft.cli.options import Command


class Rate(click.ParamType[float]):
    """``10G``, ``2.5Gbit/s``, ``800M``, bit/s."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The rate in bit/s."""
        if isinstance(value, float):
            return value
        from weft.network.rates import parse_rate

        found = parse_rate(str(value))
        if found is None:
            self.fail(f"{value!r} is no rate: write 10G, 2.5Gbit/s or 800M", param, ctx)
        return found


_RATES = Rate()
_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option("--fail", multiple=True, metavar="LINK",
                 help="A link fails: its id, its circuit, or two devices or sites as 'a -- b'."),
    click.option("--fail-node", multiple=True, metavar="NAME", help="A device (or all of a site) fails."),
    click.option("--fail-srlg", multiple=True, metavar="NAME", help="A shared risk group fails."),
    click.option("--maintenance", multiple=True, metavar="NAME",
                 help="A device is drained and taken out; several are one maintenance."),
    click.option("--maintenance-link", multiple=True, metavar="LINK", help="A link of the same maintenance."),
    click.option("--overload", multiple=True, metavar="NAME", help="A device sets the overload bit."),
    click.option("--add-demand", multiple=True, type=(str, str, _RATES), metavar="A B RATE",
                 help="New traffic from A to B, e.g. chi ams 10G."),
    click.option("--scale", type=click.FloatRange(0, 1e6), metavar="FACTOR", help="All traffic times a factor."),
    click.option("--scale-from", multiple=True, type=(str, float), metavar="A FACTOR", help="Traffic from A."),
    click.option("--scale-to", multiple=True, type=(str, float), metavar="B FACTOR", help="Traffic to B."),
    click.option("--set-capacity", multiple=True, type=(str, _RATES), metavar="LINK RATE",
                 help="A link has another capacity."),
    click.option("--set-metric", multiple=True, type=(str, int), metavar="LINK METRIC",
                 help="A link has another IGP metric, both ways."),
    click.option("--add-link", multiple=True, type=(str, str, _RATES, float), metavar="A B RATE DELAY_MS",
                 help="A new link."),
    click.option("--withdraw", multiple=True, metavar="PREFIX", help="Routes to a prefix or AS are withdrawn."),
    click.option("--withdraw-from", multiple=True, metavar="NAME", help="All routes of a provider are withdrawn."),
)  # fmt: skip


def what_if_options(command: Command) -> Command:
    """One option for each kind of change."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def changes_of(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The changes that options say, in the order of the options."""
    return [{"kind": kind, **fields} for kind, fields in _changes(given)]


def _changes(given: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for option, kind, field in (
        ("fail", "fail_link", "link"), ("fail_node", "fail_node", "node"), ("fail_srlg", "fail_srlg", "srlg"),
        ("overload", "overload", "node"), ("withdraw_from", "withdraw", "provider"),
    ):  # fmt: skip
        yield from ((kind, {field: name}) for name in given[option])
    if given["maintenance"] or given["maintenance_link"]:
        yield "maintenance", {"nodes": list(given["maintenance"]), "links": list(given["maintenance_link"])}
    for a, b, bps in given["add_demand"]:
        yield "add_demand", {"ingress": a, "egress": b, "bps": bps}
    if given["scale"] is not None:
        yield "scale_demand", {"factor": given["scale"]}
    yield from (("scale_demand", {"ingress": name, "factor": factor}) for name, factor in given["scale_from"])
    yield from (("scale_demand", {"egress": name, "factor": factor}) for name, factor in given["scale_to"])
    yield from (("set_capacity", {"link": link, "capacity_bps": bps}) for link, bps in given["set_capacity"])
    yield from (("set_metric", {"link": link, "metric": metric}) for link, metric in given["set_metric"])
    for a, b, bps, delay in given["add_link"]:
        yield "add_link", {"a": a, "b": b, "capacity_bps": bps, "delay_ms": delay}
    if given["withdraw"]:
        yield "withdraw", {"prefixes": list(given["withdraw"])}
