"""The network as a picture: nodes, edges, and how loaded they are."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from weft.api.models.base import Answer, Status
from weft.model.views import Window

Oper = Literal["up", "down", "degraded", "unknown"]
#: What a load was measured by: interface counters, flow records where there are no counters, or nothing.
Measured = Literal["counters", "flows", "none"]


class Direction(Answer):
    """Load of an edge in one direction, over the window."""

    bps: float | None = None
    """Bit/s; None = not measured."""
    utilisation: float | None = None
    """Of the capacity, 0–1; None = the capacity or the load is not known."""
    worst: float | None = None
    """Of the most loaded link in it; equal to ``utilisation`` for a single link."""
    errors_per_s: float | None = None
    """Packets per second that were received damaged at the far end, or that the near end could not send."""
    discards_per_s: float | None = None
    """Packets per second thrown away on the way in."""


class LinkEnd(Answer):
    """One end of a link."""

    device: str
    interface: str
    site: str = ""
    description: str = ""
    oper: Oper = "unknown"
    query: dict[str, Any] = Field(default_factory=dict)
    """The ``Query`` that shows this end's traffic in both directions."""
    flow_filter: str = ""
    """Filter of ``flows`` for what comes in or goes out here; empty where its ifIndex is not known."""


class LinkView(Answer):
    """One link between two interfaces."""

    id: str
    a: LinkEnd
    b: LinkEnd
    capacity_bps: float
    """0 = not known."""
    forward: Direction
    """From ``a`` to ``b``."""
    backward: Direction
    oper: Oper
    measured: Measured
    provider: str = ""
    circuit: str = ""
    delay_ms: float | None = None
    lag: str = ""
    """Aggregate that it is a member of."""
    origins: list[str] = Field(default_factory=list)
    """Who says that it exists."""


class EdgeView(Answer):
    """A line of the picture: one link, the members of an aggregate, or all links between two sites."""

    id: str
    a: str
    b: str
    kind: Literal["link", "lag", "bundle"]
    capacity_bps: float
    """Of the links that are up; 0 = not known."""
    forward: Direction
    backward: Direction
    oper: Oper
    status: Status
    reasons: list[str] = Field(default_factory=list)
    measured: Measured
    links: list[LinkView]


class NodeView(Answer):
    """A site or a device. ``outside`` marks a site that links of the shown site lead to."""

    id: str
    kind: Literal["site", "device"]
    name: str
    title: str = ""
    site: str = ""
    role: str = ""
    model: str = ""
    latitude: float | None = None
    longitude: float | None = None
    x: float
    """Where it stands in the schematic picture, 0–1 from the left."""
    y: float
    """0–1 from the top."""
    status: Status
    reasons: list[str] = Field(default_factory=list)
    devices: int = 0
    interfaces_up: int = 0
    interfaces_down: int = 0
    """Interfaces that are switched on and not up."""
    traffic_bps: float | None = None
    """On its shown links, both directions."""
    outside: bool = False
    demo: bool = False


class Crumb(Answer):
    """How many objects the inventory knows, for what the picture leaves out."""

    sites: int
    devices: int
    links: int
    unplaced: int
    """Devices without a site."""


class TopologyView(Answer):
    """The network, or one site of it, as it was at one moment."""

    at: int
    """End of the window, UTC seconds."""
    window: Window
    """What rates are taken over."""
    level: Literal["site", "device"]
    site: str = ""
    site_title: str = ""
    layout: Literal["layered", "force"]
    geographic: bool
    """Whether enough sites have coordinates to draw a map."""
    nodes: list[NodeView]
    edges: list[EdgeView]
    counts: Crumb
    notes: list[str] = Field(default_factory=list)


class TimelineView(Answer):
    """Utilisation of every edge over time: ``forward[i][j]`` is edge ``edges[i]`` in bucket ``j``; None = unknown."""

    start: int
    step: int
    count: int
    edges: list[str]
    forward: list[list[float | None]]
    """Of the most loaded link in it, 0–1."""
    backward: list[list[float | None]]
    measured: list[Measured]
