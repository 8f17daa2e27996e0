"""Which routers there are, how they are joined, and which addresses they have."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import cached_property

MANAGEMENT = "10.255.0"
STATION = "nms"  # the namespace that Weft runs in


@dataclass(frozen=True, slots=True)
class Router:
    """One router: its AS number and the last part of its loopback and management addresses."""

    name: str
    asn: int
    number: int

    @property
    def loopback(self) -> str:
        """Router id."""
        return f"10.254.0.{self.number}"

    @property
    def management(self) -> str:
        """Address that the station polls and that its messages come from."""
        return f"{MANAGEMENT}.{self.number}"


@dataclass(frozen=True, slots=True)
class End:
    """A router's end of a line."""

    router: Router
    peer: Router
    interface: str
    address: str
    peer_address: str


@dataclass(frozen=True)
class Topology:
    """Routers and the pairs of them that are joined."""

    routers: tuple[Router, ...]
    lines: tuple[tuple[str, str], ...]

    @cached_property
    def ends(self) -> tuple[tuple[End, End], ...]:
        """Both ends of every line; interfaces and /31s are given out in order."""
        by_name = {router.name: router for router in self.routers}
        used: dict[str, int] = {}
        pairs = []
        base = int(ipaddress.IPv4Address("10.0.0.0"))
        for number, (a, b) in enumerate(self.lines):
            names = []
            for name in (a, b):
                used[name] = used.get(name, 0) + 1
                names.append(f"eth{used[name]}")
            low, high = (str(ipaddress.IPv4Address(base + 2 * number + i)) for i in (0, 1))
            pairs.append(
                (
                    End(by_name[a], by_name[b], names[0], low, high),
                    End(by_name[b], by_name[a], names[1], high, low),
                )
            )
        return tuple(pairs)

    def ends_of(self, router: Router) -> list[End]:
        """The router's ends."""
        return [end for pair in self.ends for end in pair if end.router is router]


SMALL = Topology(
    (Router("spine1", 65001, 11), Router("spine2", 65002, 12), Router("leaf1", 65101, 21), Router("leaf2", 65102, 22)),
    (("spine1", "leaf1"), ("spine1", "leaf2"), ("spine2", "leaf1"), ("spine2", "leaf2")),
)
LARGE = Topology(
    (
        Router("spine1", 65001, 11), Router("spine2", 65002, 12), Router("leaf1", 65101, 21),
        Router("leaf2", 65102, 22), Router("leaf3", 65103, 23), Router("edge1", 65110, 31), Router("isp1", 64501, 41),
        Router("isp2", 64502, 42),
    ),
    (
        *((spine, leaf) for spine in ("spine1", "spine2") for leaf in ("leaf1", "leaf2", "leaf3", "edge1")),
        ("edge1", "isp1"), ("edge1", "isp2"), ("isp1", "isp2"),
    ),
)  # fmt: skip
TOPOLOGIES = {"small": SMALL, "large": LARGE}
