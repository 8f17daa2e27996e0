"""The network model as pages and commands show it: loads, paths, what changes if.

A link's ``id`` is that of the Topology page (``LinkView.id``) where the link joins two devices of the inventory.
``forward`` is from its ``a`` to its ``b``. Rates are bit/s, times milliseconds unless a name says otherwise.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from weft.api.models.base import Answer
from weft.network.changes import MOST_CHANGES, Change

#: Demands, links and pairs that one answer lists at most.
MOST_LISTED = 1000


class Asked(BaseModel):
    """Base of what is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    at: str = Field(default="now", max_length=64)
    """As of when: now, now-1h, ISO 8601 or UTC seconds."""


class PathAsked(Asked):
    """From where to where, perhaps with something changed."""

    source: str = Field(min_length=1, max_length=300)
    """A device, site, AS, provider, cloud, service, address or prefix."""
    destination: str = Field(min_length=1, max_length=300)
    traffic_class: str = Field(default="", max_length=100)
    changes: list[Change] = Field(default_factory=list, max_length=MOST_CHANGES)


class WhatIfAsked(Asked):
    """What to change."""

    changes: list[Change] = Field(min_length=1, max_length=MOST_CHANGES)
    threshold: float = Field(default=0.8, gt=0, le=10)
    """Utilisation from which a link counts as over."""
    top: int = Field(default=50, ge=1, le=MOST_LISTED)
    """So many links, demands and pairs are listed, the most important ones first."""


class Resting(Answer):
    """What an answer about the network rests on."""

    at: float
    """As of when, UTC seconds; 0 = a file, which is of no time."""
    notes: list[str] = Field(default_factory=list)
    """What was assumed, what is not known."""


class ArcState(Answer):
    """One direction of a link."""

    bps: float
    utilisation: float
    """Of the capacity; above 1 more is offered than fits."""
    delay_ms: float
    """One way: propagation and queueing."""
    loss: float
    """Share that does not fit, 0–1."""


class NetworkNode(Answer):
    """A node of the model."""

    name: str
    kind: Literal["device", "as", "cloud", "service", "site"]
    title: str = ""
    site: str = ""
    role: str = ""
    overloaded: bool = False


class LinkName(Answer):
    """Which link, and what it joins."""

    id: str
    a: str
    """Name of a node."""
    b: str
    a_interface: str = ""
    b_interface: str = ""
    a_site: str = ""
    b_site: str = ""
    kind: str = ""
    """backbone, core, transit, ix, peering, cloud, customer …"""
    provider: str = ""


class LinkLoad(LinkName):
    """A link and what the model puts on it."""

    circuit: str = ""
    srlgs: list[str] = Field(default_factory=list)
    capacity_bps: float
    metric_forward: int
    metric_backward: int
    up: bool
    forward: ArcState
    backward: ArcState
    measured_forward_bps: float | None = None
    """What counters said in the minutes before; null = not measured."""
    measured_backward_bps: float | None = None


class DemandSource(Answer):
    """Where the traffic matrix comes from."""

    kind: str
    """``flows``, ``counters``, ``file``, ``generated``, ``none``."""
    text: str
    demands: int
    bps: float
    seen_share: float | None = None
    """Share of the traffic that flows tell of; the rest is filled in. Null = not known."""
    error: float | None = None
    """Expected relative error (L2) of the matrix; null = not known."""
    link_error: float | None = None
    """How far modelled loads are from counters: sum of differences over sum of loads; null = nothing to compare."""


class NetworkView(Resting):
    """The network model in short, and what can be named in questions."""

    nodes: list[NetworkNode]
    links: int
    links_down: int
    srlgs: dict[str, int]
    """Shared risk groups with the number of their links."""
    providers: list[str]
    classes: list[str]
    prefix_groups: int
    """Groups of prefixes outside that routes are known for."""
    demand: DemandSource
    max_utilisation: float
    worst_link: str = ""
    over_threshold: int
    """Links over 80 % in either direction."""


class NetworkLoadView(Resting):
    """Every link with its load, the most utilised first."""

    demand: DemandSource
    links: list[LinkLoad]


class DemandRow(Answer):
    """Traffic from one place to another."""

    source: str
    destination: str
    traffic_class: str = ""
    bps: float
    share: float
    """Of all traffic."""
    delivered: float | None = None
    """Share that arrives, 0–1; null where rows are gathered."""
    delay_ms: float | None = None


class DemandsView(Resting):
    """The traffic matrix, largest first."""

    by: Literal["pair", "site", "ingress", "egress", "class"]
    demand: DemandSource
    rows: list[DemandRow]
    truncated: bool


class Endpoint(Answer):
    """A place in a question, as it was understood."""

    asked: str
    kind: Literal["device", "site", "as", "cloud", "service", "prefix", "address"]
    title: str
    """In words: ``site Chicago, at chi-core1``."""
    node: str = ""
    """Node that stands for it; empty where routing chooses the exit."""
    prefix: str = ""
    """Prefix or group of prefixes that routing looks up."""


class PathArc(Answer):
    """One arc of a fan of equal paths."""

    link: str
    a: str
    """Node that it leaves."""
    b: str
    forward: bool
    """Whether it runs as the link does, from its ``a`` to its ``b``."""
    fraction: float
    """Share of the traffic that takes it, 0–1."""
    state: ArcState
    capacity_bps: float
    measured_bps: float | None = None


class PathHop(Answer):
    """One node of the most used path, in order, with the arc by which it is left."""

    node: str
    kind: str
    site: str = ""
    out: PathArc | None = None
    """Null at the end."""
    ways: int = 1
    """Next hops that traffic is split over here."""


class Way(Answer):
    """One direction of a path."""

    reachable: bool
    why: str = ""
    """Why not, or what an entry does with the traffic."""
    hops: list[PathHop]
    arcs: list[PathArc]
    """All arcs of the fan; those of the most used path are among them."""
    equal_paths: int
    delay_ms: float | None
    """Weighted by the fan's fractions; null where not reachable."""
    loss: float
    metric: int | None
    exit_node: str = ""
    """Node at which it leaves the network; empty where it ends inside."""
    exit_link: str = ""
    bottleneck: str = ""
    """Most utilised link."""
    bottleneck_utilisation: float | None = None
    narrowest_bps: float | None = None
    """Least capacity of an arc that carries all of it."""
    tunnels: list[str] = Field(default_factory=list)


class NetworkPathView(Resting):
    """How traffic goes from A to B and back."""

    source: Endpoint
    destination: Endpoint
    traffic_class: str = ""
    forward: Way
    backward: Way | None
    """Null where the way back is decided by others (from outside prefixes)."""
    asymmetric: bool
    """The way back does not use the same links."""
    changes: list[str] = Field(default_factory=list)
    """What was changed, in words."""
    usual_forward: Way | None = None
    """Without the changes."""
    usual_backward: Way | None = None


class ArcChange(Answer):
    """One direction of a link before and after."""

    before: ArcState
    after: ArcState
    newly_over: bool
    """Over the threshold, and was not."""
    relieved: bool
    """No longer over it."""


class LinkChange(LinkName):
    """A link that carries, is or can do something else."""

    what: str = ""
    """``down``, ``up``, ``new``, ``capacity``, ``metric``; empty: only its load is another."""
    capacity_before_bps: float
    capacity_after_bps: float
    up_before: bool
    up_after: bool
    forward: ArcChange
    backward: ArcChange


class MovedDemand(Answer):
    """Traffic that takes another way, or none."""

    source: str
    source_site: str = ""
    destination: str
    """A node, or a group of prefixes."""
    destination_site: str = ""
    traffic_class: str = ""
    bps_before: float
    bps_after: float
    outcome: Literal["moved", "lost", "restored", "new", "exit", "grown"]
    """``exit``: it leaves the network elsewhere; ``grown``: another rate, the same way."""
    share_moved: float
    """Share of it that left an arc or exit that it used, 0–1."""
    before: list[str]
    """Nodes of its most used path; empty = none."""
    after: list[str]
    left_links: list[str]
    """Links that it no longer uses."""
    taken_links: list[str]
    exit_before: str = ""
    exit_after: str = ""
    delay_before_ms: float | None
    delay_after_ms: float | None
    loss_before: float
    loss_after: float


class CutOff(Answer):
    """Nodes that can no longer reach the others."""

    nodes: list[str]
    """The smaller side; the first hundred."""
    count: int
    others: int
    """Nodes on the other side."""
    lost_bps: float
    text: str


class Broken(Answer):
    """Traffic that no longer arrives."""

    source: str
    destination: str
    bps: float
    why: str


class PairDelay(Answer):
    """Time between two sites before and after, weighted by traffic."""

    source: str
    destination: str
    bps: float
    before_ms: float
    after_ms: float


class PairWays(Answer):
    """Two nodes between which the ways there and back now differ."""

    a: str
    b: str
    forward: list[str]
    backward: list[str]
    bps: float


class ClassChange(Answer):
    """What a class of traffic gets, before and after."""

    traffic_class: str
    bps_before: float
    bps_after: float
    delivered_before: float
    """Share that arrives, 0–1."""
    delivered_after: float
    delay_before_ms: float | None
    """Mean, weighted by traffic."""
    delay_after_ms: float | None


class NetworkTotals(Answer):
    """The whole network, before or after."""

    offered_bps: float
    delivered_bps: float
    unreachable_bps: float
    blackholed_bps: float
    max_utilisation: float
    worst_link: str = ""
    over_threshold: int
    """Arcs over the threshold."""
    mean_delay_ms: float | None


class DrainedView(Answer):
    """Of maintenance: the moment when traffic has left and nothing is switched off yet."""

    max_utilisation: float
    worst_link: str = ""
    still_carries_bps: float
    """What the things to be switched off still carry: it has no other way."""


class WhatIfView(Resting):
    """What changes if."""

    changes: list[str]
    """What was changed, in words."""
    threshold: float
    before: NetworkTotals
    after: NetworkTotals
    moved_bps: float
    """Traffic that takes another way."""
    lost_bps: float
    links: list[LinkChange]
    """Those that are or carry something else, newly over the threshold first, then by how much they changed."""
    links_changed: int
    newly_over: list[str]
    """Ids of links over the threshold that were not."""
    relieved: list[str]
    moved: list[MovedDemand]
    """Largest first."""
    moved_count: int
    broken: list[Broken]
    broken_count: int
    cut_off: list[CutOff]
    delays: list[PairDelay]
    """Largest change first."""
    asymmetric: list[PairWays]
    """Newly so."""
    classes: list[ClassChange]
    drained: DrainedView | None = None
    elapsed_ms: float


class FailureView(Answer):
    """What one failure would do."""

    kind: Literal["link", "node", "srlg"]
    name: str
    """Id of the link, name of the node or group."""
    title: str
    max_utilisation: float
    worst_link: str = ""
    newly_over: int
    """Arcs over the threshold that are not now."""
    lost_bps: float
    """Traffic without a way."""


class FailuresView(Resting):
    """Every single failure, worst first: lost traffic, then utilisation."""

    threshold: float
    max_utilisation: float
    """With nothing failed."""
    failures: list[FailureView]
    count: int
    """How many were evaluated."""
    elapsed_ms: float
