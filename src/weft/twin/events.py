"""What faults and people's actions make of the network's structure, and when it changes.

Comes in: the timeline. Goes out: the ``Structure`` of any moment and the moments of a span at which anything that
matters to routes or rates begins or ends. Nothing here has state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from weft.twin import organisation as org
from weft.twin.cluster.troubles import KINDS as OF_CLUSTER
from weft.twin.exits import exits, peer_address
from weft.twin.faults import effects
from weft.twin.faults.model import Fault
from weft.twin.remedies import Action
from weft.twin.timeline import Timeline
from weft.twin.ways import At, Structure

#: From a line's failure until nobody sends into it any more, seconds: detection, flooding, shortest paths.
CONVERGENCE_S = 1.5
#: A device that is reloaded answers for so long yet.
_GRACE_S = 5.0


@dataclass(frozen=True)
class Events:
    """Faults and actions of a span. Equal events make equal traffic."""

    faults: tuple[Fault, ...]
    actions: tuple[Action, ...]

    @classmethod
    def of(cls, timeline: Timeline, since_s: float, until_s: float) -> Events:
        """Those that touch the span; not those within the AI cluster, which has a fabric of its own."""
        actions = tuple(
            one for one in timeline.remedies.between(since_s, until_s)
            if one.ok and one.text_of("device") in ("", *org.BY_NAME)
        )  # fmt: skip
        faults = timeline.faults(since_s - CONVERGENCE_S, until_s)
        return cls(tuple(one for one in faults if one.kind not in OF_CLUSTER), actions)

    def times(self, since_s: float, until_s: float) -> list[float]:
        """When something changes within the span, in order."""
        found = {
            moment
            for start, end in self._spans
            for moment in (start, start + CONVERGENCE_S, end)
            if since_s < moment < until_s
        }
        return sorted(found)

    @cached_property
    def _spans(self) -> list[tuple[float, float]]:
        spans = [(one.start_s, one.end_s) for one in self.faults]
        spans += [(since, until) for one in self.faults for _, _, since, until in effects.outages(one)]
        spans += [(one.asked_s + _GRACE_S, one.start_s) for one in self.actions if one.kind == "reload"]
        return spans + [(one.start_s, one.end_s) for one in self.actions]

    def active(self, at_s: float) -> tuple[Fault, ...]:
        """Faults that are on."""
        return tuple(one for one in self.faults if one.start_s <= at_s < one.end_s)

    def structure(self, at_s: float) -> Structure:
        """What is not as usual at a moment."""
        down, unnoticed = self._down(at_s)
        on = self.active(at_s)
        metrics = {(name, port): cost for one in on for name, port, cost in _some(effects.metric_override(one))}
        lost = {exit_ for one in on for exit_ in _some(effects.lost_exit(one))}
        overloaded: set[str] = set()
        unannounced: set[tuple[str, str, int]] = set()
        preferred: dict[At, int] = {}
        for action in (one for one in self.actions if one.holds(at_s)):
            told = action.text_of
            if action.kind == "shut":
                down.add(_port(told("device"), told("interface")))
            elif action.kind == "drain":
                overloaded.add(told("device"))
            elif action.kind == "set_metric":
                metrics[_port(told("device"), told("interface"))] = int(action.parameters["metric"])
            elif action.kind == "bgp_withdraw":
                sites = effects.sites_of(told("prefix"))
                unannounced |= {(site, *at) for at in _meant(action) for site in sites}
            elif action.kind == "local_pref":
                preferred |= {at: int(action.parameters["value"]) for at in _meant(action)}
            elif action.kind == "reject_routes" and not told("prefix") and not told("asn"):
                lost |= set(_meant(action))
        return Structure(
            frozenset(down), frozenset(unnoticed), frozenset(overloaded),
            tuple(sorted((name, port, cost) for (name, port), cost in metrics.items())), frozenset(lost),
            frozenset(unannounced), tuple(sorted((*at, value) for at, value in preferred.items())),
        )  # fmt: skip

    def shut(self, at_s: float) -> frozenset[At]:
        """Ports that somebody switched off."""
        off = (one for one in self.actions if one.kind == "shut" and one.holds(at_s))
        return frozenset(_port(one.text_of("device"), one.text_of("interface")) for one in off)

    def _down(self, at_s: float) -> tuple[set[At], set[At]]:
        """Ports that are down, and of them those of which routing does not know yet."""
        down: set[At] = set()
        unnoticed: set[At] = set()
        for fault in self.faults:
            for name, port, since, until in effects.outages(fault):
                if since <= at_s < until:
                    down.add((name, port))
                    if fault.kind != "maintenance" and at_s < since + CONVERGENCE_S:
                        unnoticed.add((name, port))
        for action in self.actions:
            if action.kind == "reload" and action.asked_s + _GRACE_S <= at_s < action.start_s:
                device = action.text_of("device")
                down |= {(device, port.index) for port in org.all_ports(org.BY_NAME[device])}
        return down, unnoticed


def _some(found: tuple[str, int] | tuple[str, int, int] | None) -> Sequence[tuple]:  # type: ignore[type-arg]
    return () if found is None else (found,)


def _port(device: str, interface: str) -> At:
    for port in org.all_ports(org.BY_NAME[device]):
        if interface in (port.name, str(port.index)):
            return device, port.index
    return device, 0


def _meant(action: Action) -> Iterator[At]:
    """External ports that an action on BGP is about: of a device or all, towards a neighbour or all."""
    device, neighbour = action.text_of("device"), action.text_of("neighbour").lower().removeprefix("as")
    for way in exits():
        names = (way.port.provider.lower(), str(way.asn), peer_address(org.BY_NAME[way.device], way.port))
        if way.is_bgp and device in ("", way.device) and (not neighbour or neighbour in names):
            yield way.at
