"""How the way changed while a path was bad: hops of traces, routes of BGP, round trips before and after."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from weft.detect.context import Names
from weft.detect.paths.groups import Group, host_of
from weft.detect.paths.hops import HopBook, PathChange
from weft.detect.paths.routes import RouteBook, RouteChange
from weft.detect.texts import clock
from weft.model.addresses import address_text
from weft.model.events import Evidence

#: A trace tells of a change up to a round of traces before or after it shows in round trips, BGP within minutes.
_TRACED_S, _ROUTED_S = 900.0, 300.0
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class WayChange:
    """What is known of it. ``traced``: of one of the ways; ``routes``: BGP changes of the prefixes around targets."""

    traced: PathChange | None
    routes: tuple[RouteChange, ...]
    is_routed: bool
    """Whether BGP routes to the targets are known at all."""

    def __bool__(self) -> bool:
        return self.traced is not None or bool(self.routes)


def way_change(group: Group, hops: HopBook, routes: RouteBook, names: Names, now_s: float) -> WayChange:
    """Of the bad rounds of a group.

    BGP counts where it is of most of what is late, and told at the agents' own sites where routers there tell any.
    """
    since_s = group.since_s or group.bad[0][1].at_s
    traced = [
        found for agent, target in traces(group)
        if (found := hops.path_change(agent, target, since_s - _TRACED_S)) is not None
        and found.at_s <= since_s + _TRACED_S
    ]  # fmt: skip
    addresses = list(dict.fromkeys(series.address for series, _, _ in group.bad if any(series.address)))
    slack = max(_ROUTED_S, 3 * group.every_s)
    told = routes.changes(addresses, since_s - slack, min(now_s, since_s + slack))
    sites = {names.site_of_address(series.source) for series, _, _ in group.bad if any(series.source)} - {""}
    if sites & {names.site(names.device(one)) for one in routes.routers}:
        told = [one for one in told if names.site(names.device(one.peer.exporter)) in sites]
    touched = [one for one in addresses if any(change.covers(one) for change in told)]
    if len(touched) * 2 <= len(addresses):  # what is late goes elsewhere for the most part
        told = []
    is_routed = any(routes.knows(one) for one in addresses)
    return WayChange(min(traced, key=lambda one: one.at_s, default=None), tuple(told), is_routed)


def traces(group: Group) -> list[tuple[str, str]]:
    """(agent, host) of its bad rounds: what traces go by."""
    return list(dict.fromkeys((one.key.agent, host_of(one.key.target)) for one, _, _ in group.bad))


def words(change: WayChange, names: Names) -> str:
    """A sentence or two; empty where nothing changed."""
    said = ""
    if change.traced is not None:
        new, gone = _hops(change.traced.new), _hops(change.traced.gone)
        instead = f" instead of {gone}" if gone else ""
        said += f" The path changed, seen at {clock(change.traced.at_s)}: by {new}{instead}."
    if change.routes:
        one = change.routes[0]
        more = len({each.prefix for each in change.routes}) - 1
        rest = f" (and {more} more prefixes)" if more else ""
        said += (
            f" BGP changed the route to {one.prefix}{rest} at {clock(one.at_s)}, as {names.device(one.peer.exporter)} "
            f"tells: {_path(one.before)} → {_path(one.after)}."
        )
    return said


def evidence(group: Group, change: WayChange, names: Names) -> list[Evidence]:
    """Round trips before and after, hops and AS paths that changed, BGP's rows."""
    found = _latency(group)
    if change.traced is not None:
        rows: list[list[str | float | int | None]] = [
            ["before", _hops(change.traced.gone, _SHOWN), _ases(change.traced.as_before)],
            ["after", _hops(change.traced.new, _SHOWN), _ases(change.traced.as_after)],
        ]
        title = f"Path change seen at {clock(change.traced.at_s)}"
        found.append(Evidence(kind="rows", title=title, columns=["", "hops", "AS path"], rows=rows))
    if change.routes:
        rows = [
            [clock(one.at_s), names.device(one.peer.exporter), address_text(one.peer.peer) or "its own table",
             one.prefix, _path(one.before), _path(one.after)]
            for one in change.routes[:_SHOWN]
        ]  # fmt: skip
        columns = ["time", "router", "neighbour", "prefix", "AS path before", "after"]
        found.append(Evidence(kind="rows", title="BGP changes in these minutes", columns=columns, rows=rows))
    elif change.is_routed:
        text = "No router told of a change of the routes to what is tested: it is not the path that BGP chose."
        found.append(Evidence(kind="fact", title="BGP", text=text))
    return found


def _latency(group: Group) -> list[Evidence]:
    """Median round trip of each way, before and since."""
    ways: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for series, said, _ in group.bad:
        if said.aspect == "slow":
            ways.setdefault((series.key.agent, series.key.target), []).append((said.expected, said.value))
    rows: list[list[str | float | int | None]] = []
    for (agent, target), values in list(ways.items())[:_SHOWN]:
        before, after = median(one for one, _ in values), median(one for _, one in values)
        rows.append([agent, target, round(before, 2), round(after, 2), round(after - before, 2)])
    if not rows:
        return []
    columns = ["agent", "target", "before, ms", "after, ms", "more, ms"]
    return [Evidence(kind="rows", title="Round trips", columns=columns, rows=rows)]


def _hops(addresses: tuple[bytes, ...], most: int = 3) -> str:
    return ", ".join(address_text(one) for one in addresses[:most] if any(one))


def _path(path: str | None) -> str:
    return "not known" if path is None else path or "no route"


def _ases(path: tuple[int, ...]) -> str:
    return " ".join(map(str, path))
