"""How a network forwards beyond its IGP: BGP routes of prefix groups, entries that override them, tunnels."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class ExternalRoute:
    """A route that a border node heard for a prefix group, after its import policy (RFC 4271 §9.1).

    ``link`` is the link that leads out: the neighbour is its other end. Between routers of one AS the route is known to
    every node (full mesh or reflectors that hide nothing); each node chooses for itself, nearest exit last but one.
    """

    group: int
    node: int  # the border that heard it
    link: int  # position of the link over which it leaves
    local_pref: int = 100
    as_path_length: int = 1
    origin: int = 0  # 0 IGP, 1 EGP, 2 incomplete
    neighbor_as: int = 0
    med: int = 0


@dataclass(frozen=True, slots=True)
class PrefixGroup:
    """Prefixes with the same routes everywhere: a name, and the prefixes as texts (for people and look-ups)."""

    name: str
    prefixes: tuple[str, ...] = ()


class EntryAction(StrEnum):
    """What an entry does with traffic that it matches."""

    NEXT_HOP = "next_hop"  # static route: over ``link``, or towards ``via``
    BLACKHOLE = "blackhole"  # RFC 7999, or a route to null
    RATE_LIMIT = "rate_limit"  # FlowSpec traffic-rate (RFC 8955 §7.3); 0 discards
    REDIRECT = "redirect"  # FlowSpec redirect: towards ``via``


@dataclass(frozen=True, slots=True)
class Entry:
    """A static route, blackhole or FlowSpec rule. It wins over BGP and IGP at the nodes where it is installed.

    It matches demands by prefix group or egress node, and class; an empty or negative field matches all.
    """

    action: EntryAction
    node: int = -1  # where it is installed; -1: at every node
    group: int = -1
    egress: int = -1
    traffic_class: int = -1
    link: int = -1
    via: int = -1
    rate_bps: float = 0.0
    share: float = 1.0  # of what the group carries, for a rule narrower than the group
    name: str = ""


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A segment-routed or TE tunnel: demands that it takes go over its nodes or links in order (RFC 8402, 8986)."""

    name: str
    head: int  # node
    segments: tuple[tuple[str, int], ...]  # ("node", position) or ("arc", position); the last ends at the tail
    share: float = 1.0  # of each demand it matches; the rest goes as routed
    group: int = -1
    egress: int = -1
    traffic_class: int = -1


@dataclass(frozen=True)
class Routing:
    """Everything beyond the IGP."""

    groups: tuple[PrefixGroup, ...] = ()
    routes: tuple[ExternalRoute, ...] = ()
    entries: tuple[Entry, ...] = ()
    tunnels: tuple[Tunnel, ...] = field(default=())
