"""Lines that went down together, as one outage: both ends of a line, parallel lines, or all that lead to one device.

What leads where the inventory knows (fact ``neighbour``); without it each interface is an outage of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from weft.detect.devices.rounds import device_entity, interface_entity
from weft.detect.lines import Port
from weft.model.events import Entity

#: Lines that lead to so many neighbours of a device went down because of that device.
_HUB = 3
_SHOWN = 8

Neighbour = Callable[[str, str], Port | None]


@dataclass(slots=True, eq=False)
class Outage:
    """Interfaces that went down at once. ``hub``: the device that all of them lead to, where it is about that."""

    since_s: float
    ports: set[Port]
    hub: str = ""
    told_s: float = 0.0
    why: str = ""  # work that explains it, in words
    named: Port = field(default=("", ""))

    @property
    def entity(self) -> Entity:
        """What its event is about, the same as long as it lasts."""
        return device_entity(self.hub) if self.hub else interface_entity(*self.named)


def outages(ports: Mapping[Port, float], neighbour: Neighbour) -> list[Outage]:
    """Interfaces that went down at about the same time (→ when), put together to as few outages as explain them."""
    far = {port: neighbour(*port) for port in ports}
    found: list[Outage] = []
    left = set(ports)
    while hub := _hub({port: far[port] for port in left}):
        name, members = hub
        found.append(_made(members, ports, name))
        left -= members
    pairs: dict[frozenset[str] | Port, set[Port]] = defaultdict(set)
    for port in left:
        other = far[port]
        pairs[port if other is None else frozenset((port[0], other[0]))].add(port)
    return found + [_made(members, ports) for members in pairs.values()]


def _made(members: set[Port], when: Mapping[Port, float], hub: str = "") -> Outage:
    return Outage(min(when[port] for port in members), set(members), hub, named=min(members))


def _hub(far: Mapping[Port, Port | None]) -> tuple[str, set[Port]] | None:
    """The device that most of these lines lead to, where they come from enough neighbours of it, and its lines."""
    led: dict[str, set[Port]] = defaultdict(set)
    others: dict[str, set[str]] = defaultdict(set)
    for port, other in far.items():
        if other is not None:
            for one, opposite in ((port[0], other[0]), (other[0], port[0])):
                led[one].add(port)
                others[one].add(opposite)
    hubs = [name for name, some in others.items() if len(some) >= _HUB]
    best = max(hubs, key=lambda name: (len(others[name]), len(led[name]), name), default=None)
    return None if best is None else (best, led[best])


def lines(ports: Iterable[Port], neighbour: Neighbour) -> list[str]:
    """Each line once, by both of its ends as far as they are known."""
    found: dict[frozenset[Port], str] = {}
    for port in sorted(ports):
        far = neighbour(*port)
        ends = (port,) if far is None else (port, far)
        found.setdefault(frozenset(ends), " – ".join(" ".join(end).strip() for end in ends))
    return list(found.values())


def title(outage: Outage, neighbour: Neighbour) -> str:
    """What is down."""
    told = lines(outage.ports, neighbour)
    if outage.hub:
        return f"{len(told)} lines of {outage.hub} are down"[:200]
    if len(told) == 1:
        return f"{told[0][:180]} is down"
    far = neighbour(*outage.named)
    return f"{len(told)} lines between {outage.named[0]} and {far[0] if far else 'others'} are down"[:200]


def text(outage: Outage, neighbour: Neighbour) -> str:
    """Which lines, and what that they went down at once tells; empty of a single one."""
    told = lines(outage.ports, neighbour)
    if len(told) == 1 and not outage.hub:
        return ""
    some = ", ".join(told[:_SHOWN]) + (f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else "")
    why = (
        f"what they have in common is {outage.hub}: it restarts, lost power or was cut off"
        if outage.hub else "they share their way, or what is at one end of it"
    )  # fmt: skip
    return f" {len(told)} lines went down within seconds ({some}); {why}."


def others(outage: Outage, neighbour: Neighbour, most: int = 40) -> list[Entity]:
    """Both ends of each line but that which the event is about."""
    ends: Collection[Port] = dict.fromkeys(
        end for port in sorted(outage.ports) for end in (port, neighbour(*port)) if end is not None and end[1]
    )
    return [one for end in ends if (one := interface_entity(*end)) != outage.entity][:most]
