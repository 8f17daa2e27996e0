"""How loaded each link is: by the counters of its ends, by flows where there are no counters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from weft.api.devices_queries import flows_of
from weft.api.devices_readings import Reading, Readings
from weft.api.models.base import Status
from weft.api.models.topology import Direction, EdgeView, LinkEnd, LinkView, Measured, Oper
from weft.api.topology_network import End, Network, Wire

#: Shares of the capacity from which a link is worth a look, and from which it is full.
BUSY, FULL = 0.8, 0.95
#: Packets per second, lost or damaged, from which it is said, if they are also this share of what may be carried.
TROUBLE_PER_S = 1.0
TROUBLE_SHARE = {"errors": 1e-5, "discards": 1e-4}
_PACKET_BITS = 8 * 700  # of a usual mix
#: IF-MIB ifOperStatus: what is not up and not merely unknown or being tested.
DOWN = (2, 5, 6, 7)

#: Rates by flows: (device, interface) → bit/s in, out; None = no flow there.
FlowRates = dict[tuple[str, str], tuple[float | None, float | None]]


def rate(readings: Readings, end: End, metric: str) -> float | None:
    """Per-second rate of a counter of one end; None = not known."""
    reading = readings.get((end.device, end.interface), {}).get(metric)
    return None if reading is None else reading.rate


def bits(readings: Readings, end: End, metric: str) -> float | None:
    """The same as bit/s."""
    octets = rate(readings, end, metric)
    return None if octets is None else octets * 8


def oper_of(known: dict[str, Reading]) -> Oper:
    """State of an interface by its readings."""
    admin, oper = known.get("admin_status"), known.get("oper_status")
    if admin is not None and admin.last == 2:
        return "down"
    if oper is None:
        return "unknown"
    return "up" if oper.last == 1 else "down" if oper.last in DOWN else "unknown"


def link_view(
    wire: Wire, network: Network, readings: Readings, flows: FlowRates, query: Callable[[End], dict[str, Any]]
) -> LinkView:
    """One link with its load."""
    ends = [_end(end, network, readings, query) for end in (wire.a, wire.b)]
    forward, by_forward = _direction(wire.a, wire.b, wire.capacity_bps, readings, flows)
    backward, by_backward = _direction(wire.b, wire.a, wire.capacity_bps, readings, flows)
    states = {end.oper for end in ends}
    oper: Oper = "down" if "down" in states else "up" if "up" in states else "unknown"
    return LinkView(
        id=wire.id, a=ends[0], b=ends[1], capacity_bps=wire.capacity_bps, forward=forward, backward=backward,
        oper=oper, measured=weakest([by_forward, by_backward]), provider=wire.provider, circuit=wire.circuit,
        delay_ms=wire.delay_ms, lag=wire.lag, origins=list(wire.origins),
    )  # fmt: skip


def weakest(measured: Iterable[Measured]) -> Measured:
    """``flows`` where any of it rests on flows; ``none`` only where nothing is measured."""
    kinds = set(measured)
    return "flows" if "flows" in kinds else "counters" if "counters" in kinds else "none"


def _end(end: End, network: Network, readings: Readings, query: Callable[[End], dict[str, Any]]) -> LinkEnd:
    machine = network.machines.get(end.device)
    port = machine.port(end.interface) if machine else None
    return LinkEnd(
        device=end.device, interface=end.interface, site=machine.site if machine else "",
        description=port.description if port else "",
        oper=oper_of(readings.get((end.device, end.interface), {})), query=query(end),
        flow_filter=flows_of(machine, port.if_index if port else 0),
    )  # fmt: skip


def _direction(
    near: End, far: End, capacity: float, readings: Readings, flows: FlowRates
) -> tuple[Direction, Measured]:
    """What goes from ``near`` to ``far``: what the one sent, or else what the other received."""
    bps = bits(readings, near, "out_octets")
    if bps is None:
        bps = bits(readings, far, "in_octets")
    measured: Measured = "none" if bps is None else "counters"
    if bps is None:
        sent, received = flows.get((near.device, near.interface)), flows.get((far.device, far.interface))
        # Each end may meter only what comes in or only what goes out: the larger figure is the more complete one.
        seen = [value for value in ((sent or (None, None))[1], (received or (None, None))[0]) if value is not None]
        if seen:
            bps, measured = max(seen), "flows"
    utilisation = bps / capacity if bps is not None and capacity else None
    direction = Direction(
        bps=bps, utilisation=utilisation, worst=utilisation,
        errors_per_s=_sum([rate(readings, far, "in_errors"), rate(readings, near, "out_errors")]),
        discards_per_s=_sum([rate(readings, near, "out_discards"), rate(readings, far, "in_discards")]),
    )  # fmt: skip
    return direction, measured


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) if known else None


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def together(directions: Sequence[Direction], capacity: float) -> Direction:
    """Several links in one direction."""
    bps = _sum(one.bps for one in directions)
    return Direction(
        bps=bps, utilisation=bps / capacity if bps is not None and capacity else None,
        worst=_most(one.worst for one in directions), errors_per_s=_sum(one.errors_per_s for one in directions),
        discards_per_s=_sum(one.discards_per_s for one in directions),
    )  # fmt: skip


def turned(link: LinkView) -> LinkView:
    """The same link seen from its other end."""
    return link.model_copy(update={"a": link.b, "b": link.a, "forward": link.backward, "backward": link.forward})


def edge_view(key: str, a: str, b: str, kind: Any, links: Sequence[LinkView]) -> EdgeView:
    """A line of the picture from links that all lead from ``a`` to ``b``."""
    up = [link for link in links if link.oper != "down"]
    capacity = sum(link.capacity_bps for link in up)
    opers = {link.oper for link in links}
    oper: Oper = "degraded" if len(opers) > 1 and "down" in opers else links[0].oper if len(opers) == 1 else "up"
    forward = together([link.forward for link in links], capacity)
    backward = together([link.backward for link in links], capacity)
    status, reasons = verdict(links, oper, forward, backward)
    return EdgeView(
        id=key, a=a, b=b, kind=kind, capacity_bps=capacity, forward=forward, backward=backward, oper=oper,
        status=status, reasons=reasons, measured=weakest(link.measured for link in links), links=list(links),
    )  # fmt: skip


def troubled(what: str, per_s: float | None, bps: float | None) -> bool:
    """Whether so many ``errors`` or ``discards`` per second are worth a word on what carries ``bps``."""
    if per_s is None or per_s < TROUBLE_PER_S:
        return False
    return per_s >= TROUBLE_SHARE[what] * (bps or 0.0) / _PACKET_BITS


def verdict(links: Sequence[LinkView], oper: Oper, forward: Direction, backward: Direction) -> tuple[Status, list[str]]:
    """How an edge is, and why."""
    found: list[tuple[Status, str]] = []
    down = [link for link in links if link.oper == "down"]
    if oper == "down":
        found.append((Status.CRITICAL, "down"))
    elif down:
        found.append((Status.WARNING, f"{len(down)} of {len(links)} links down"))
    worst = _most((forward.worst, backward.worst))
    if worst is not None and worst >= BUSY:
        found.append((Status.CRITICAL if worst >= FULL else Status.WARNING, f"{worst:.0%} utilised"))
    for what, values in (
        ("errors", (forward.errors_per_s, backward.errors_per_s)),
        ("discards", (forward.discards_per_s, backward.discards_per_s)),
    ):
        per_s = _sum(values)
        if troubled(what, per_s, _sum([forward.bps, backward.bps])):
            found.append((Status.WARNING, f"{per_s:,.0f} {what}/s"))
    if not found:
        known = worst is not None or forward.bps is not None or backward.bps is not None or oper == "up"
        return (Status.OK if known else Status.UNKNOWN), ([] if known else ["nothing is measured on it"])
    found.sort(key=lambda item: -item[0].rank)
    return found[0][0], [text for _, text in found]
