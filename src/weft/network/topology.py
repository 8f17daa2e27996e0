"""A network as arrays over a compact graph: nodes, links, and two arcs for every link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from weft.errors import InvalidInput


class NodeKind(StrEnum):
    """What a node stands for."""

    DEVICE = "device"
    AS = "as"  # a neighbour network, behind our border
    CLOUD = "cloud"  # a region of a cloud
    SERVICE = "service"  # something outside that people use
    SITE = "site"  # a place of which the devices are not known


#: Roles of devices at which traffic begins and ends: nothing passes through them.
END_SYSTEMS = frozenset({"host", "server", "storage"})


@dataclass(frozen=True, slots=True)
class Node:
    """A node. Its name is unique in its topology: a device's name, ``AS64501``, ``aws:eu-central-1`` and the like."""

    name: str
    kind: NodeKind = NodeKind.DEVICE
    site: str = ""
    role: str = ""
    asn: int = 0

    @property
    def carries(self) -> bool:
        """Whether traffic of others may pass through: not through other networks, nor hosts with several lines."""
        return self.kind in (NodeKind.DEVICE, NodeKind.SITE) and self.role not in END_SYSTEMS


@dataclass(frozen=True, slots=True)
class Link:
    """A line between two nodes, ``a`` and ``b`` (positions in the topology's nodes). Its id is unique."""

    id: str
    a: int
    b: int
    a_interface: str = ""
    b_interface: str = ""
    kind: str = ""  # backbone, core, transit, ix, peering, cloud, customer … as the inventory says
    provider: str = ""
    circuit: str = ""
    cost_per_month: float = 0.0
    srlgs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Topology:
    """Nodes, links and the directed arcs of both ways of each link.

    Arc ``2 i`` leads from ``a`` to ``b`` of link ``i``, arc ``2 i + 1`` back. All arrays are read-only; a changed
    topology is another object (``changed``), which shares what did not change.
    """

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    capacity_bps: NDArray[np.float64]  # [arcs], > 0
    delay_s: NDArray[np.float64]  # [arcs], one way propagation, >= 0
    metric: NDArray[np.int64]  # [arcs], IGP cost, >= 1
    up: NDArray[np.bool_]  # [arcs]
    transit: NDArray[np.bool_]  # [nodes]: False = overloaded (RFC 3787 §2, RFC 6987): reached, never passed through
    as_of_s: float | None = None  # UTC seconds; None: not of any time
    notes: tuple[str, ...] = field(default=())  # what had to be assumed

    def __post_init__(self) -> None:
        for array in (self.capacity_bps, self.delay_s, self.metric, self.up, self.transit):
            array.setflags(write=False)

    @cached_property
    def source(self) -> NDArray[np.int32]:
        """[arcs] node that an arc leaves."""
        return np.array([end for link in self.links for end in (link.a, link.b)], np.int32)

    @cached_property
    def target(self) -> NDArray[np.int32]:
        """[arcs] node that an arc leads to."""
        return np.array([end for link in self.links for end in (link.b, link.a)], np.int32)

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Name of a node → its position."""
        return {node.name: at for at, node in enumerate(self.nodes)}

    @cached_property
    def link_positions(self) -> Mapping[str, int]:
        """Id of a link → its position."""
        return {link.id: at for at, link in enumerate(self.links)}

    @cached_property
    def srlgs(self) -> Mapping[str, tuple[int, ...]]:
        """Shared risk group → positions of its links."""
        found: dict[str, list[int]] = {}
        for at, link in enumerate(self.links):
            for group in link.srlgs:
                found.setdefault(group, []).append(at)
        return {group: tuple(members) for group, members in found.items()}

    def node(self, name: str, where: str = "node") -> int:
        """Position of a node by its name."""
        at = self.positions.get(name)
        if at is None:
            raise InvalidInput(f"there is no node {name!r} in the network", where=where, fix="Name one of its nodes.")
        return at

    def link(self, name: str, where: str = "link") -> int:
        """Position of a link by its id."""
        at = self.link_positions.get(name)
        if at is None:
            raise InvalidInput(f"there is no link {name!r} in the network", where=where, fix="Name one of its links.")
        return at

    def changed(
        self,
        *,
        capacity_bps: NDArray[np.float64] | None = None,
        metric: NDArray[np.int64] | None = None,
        up: NDArray[np.bool_] | None = None,
        transit: NDArray[np.bool_] | None = None,
    ) -> Topology:
        """The same graph with some arrays replaced."""
        other = replace(
            self,
            capacity_bps=self.capacity_bps if capacity_bps is None else capacity_bps,
            metric=self.metric if metric is None else metric,
            up=self.up if up is None else up,
            transit=self.transit if transit is None else transit,
        )
        for name in ("source", "target", "positions", "link_positions", "srlgs"):  # the graph is the same
            if name in self.__dict__:
                other.__dict__[name] = self.__dict__[name]
        return other


def topology(
    nodes: Sequence[Node],
    links: Sequence[Link],
    *,
    capacity_bps: Sequence[float] | NDArray[np.float64],
    delay_s: Sequence[float] | NDArray[np.float64] | None = None,
    metric: Sequence[int] | NDArray[np.int64] | None = None,
    as_of_s: float | None = None,
    notes: Sequence[str] = (),
) -> Topology:
    """A topology of links that are the same both ways: one value for each link. Raises ``InvalidInput``."""
    count = len(links)
    capacity = np.asarray(capacity_bps, np.float64)
    delay = np.zeros(count) if delay_s is None else np.asarray(delay_s, np.float64)
    cost = np.ones(count, np.int64) if metric is None else np.asarray(metric, np.int64)
    for what, values, least in (("capacity_bps", capacity, 0.0), ("delay_s", delay, 0.0), ("metric", cost, 1)):
        if values.shape != (count,):
            raise InvalidInput(f"has {values.size} values for {count} links", where=what)
        if not np.isfinite(values).all() or (values < least).any() or (what == "capacity_bps" and (values <= 0).any()):
            raise InvalidInput("has a value that is negative, zero or no number", where=what)
    for link in links:
        if not (0 <= link.a < len(nodes) and 0 <= link.b < len(nodes)) or link.a == link.b:
            raise InvalidInput(f"link {link.id!r} does not join two nodes of the network", where="links")
    for what, names in (("nodes", [n.name for n in nodes]), ("links", [one.id for one in links])):
        if len(set(names)) != len(names):
            raise InvalidInput("holds a name twice", where=what)
    return Topology(
        tuple(nodes), tuple(links), np.repeat(capacity, 2), np.repeat(delay, 2), np.repeat(cost, 2),
        np.ones(2 * count, np.bool_), np.ones(len(nodes), np.bool_), as_of_s, tuple(notes),
    )  # fmt: skip
