"""Routing as pages and commands show it. Times are UTC seconds with fractions; a day has 86 400 of them."""

from __future__ import annotations

from pydantic import Field

from weft.api.models.base import Answer
from weft.model.views import Window


class Rested(Answer):
    """What an answer rests on."""

    window: Window
    """Of which time rows were read."""
    sql: str
    rows_read: int
    elapsed_ms: float


class RoutePath(Answer):
    """One route as one session tells of it."""

    prefix: str
    """With its length; routes that a prefix does not tell apart in words."""
    family: str
    rib: str
    """``adj_rib_in_pre``, ``adj_rib_in_post`` (before and after import policy), ``loc_rib``, ``adj_rib_out_pre`` …"""
    peer: str
    """Address of the neighbour; empty for Loc-RIB."""
    peer_name: str = ""
    peer_as: int
    vrf: str
    path_id: int
    standing: bool
    gone: str = ""
    """Why it does not stand: ``withdrawn``, ``session down``, ``session restarted``."""
    said: float
    """When it was last told of, checkpoints included."""
    since: float | None
    """When it became what it is; null: longer ago than was read (see ``window``)."""
    origin_as: int
    neighbor_as: int
    as_path: str
    as_path_length: int
    next_hop: str
    next_hop_name: str = ""
    bgp_origin: str
    local_pref: int
    """0 = not sent."""
    med: int
    """0 = not sent."""
    communities: list[str] = Field(default_factory=list)
    attributes: str = ""
    rpki: str
    """RFC 6811: ``valid``, ``invalid``, ``not_found``, ``unchecked``."""


class RankedPath(RoutePath):
    """A path with its place in the choice of a router."""

    best: bool
    eligible: bool
    """Whether it takes part in the choice: it stands, and import policy lets it in."""
    lost_at: str = ""
    """Step of the selection that took it out: ``local_pref``, ``as_path``, ``origin``, ``med``, ``external``,
    ``peer_address``, ``tie``, ``policy``, ``multipath``, ``gone``."""
    why: str = ""
    """The value it lost with."""


class RouterRoutes(Answer):
    """What one router knows of one prefix."""

    exporter: str
    name: str
    source: str
    """``bmp``, ``mrt``, ``bgp``."""
    used: bool
    """The longest match of what was asked that has a path in use."""
    told: bool
    """The router itself said which path it uses (Loc-RIB); otherwise that is worked out from the attributes."""
    decided_by: str
    """The step that left one path: as ``lost_at``, or ``only``, ``router``, ``tie``."""
    why: str
    paths: list[RankedPath]


class PrefixRoutes(Answer):
    """One prefix that a look-up found."""

    prefix: str
    family: str
    vrf: str
    relation: str
    """``exact``, ``covering``, ``longer``."""
    standing: bool
    routers: list[RouterRoutes]


class LookupView(Rested):
    """Routes to a prefix or an address as of a time."""

    asked: str
    at: float
    prefixes: list[PrefixRoutes]
    truncated: bool
    """There are more than these."""
    last_heard: float | None = None
    """Where nothing stood: when something was said of it last."""
    as_names: dict[str, str] = Field(default_factory=dict)
    """Registered names of the ASes in the answer, where known."""


class LaneSegment(Answer):
    """A stretch of time with one path; without a path there was no route."""

    start: float
    end: float
    path: RoutePath | None
    why: str = ""
    """Of what a router used: why."""


class LaneView(Answer):
    """One session's route over time, or what a router used (``used``)."""

    exporter: str
    name: str
    source: str
    used: bool
    rib: str = ""
    peer: str = ""
    peer_name: str = ""
    peer_as: int = 0
    vrf: str = ""
    path_id: int = 0
    segments: list[LaneSegment]


class Changed(Answer):
    """One attribute that became another."""

    attribute: str
    before: str
    after: str


class RouteEvent(Answer):
    """Something that happened to a prefix, or to a session that told of it."""

    at: float
    event: str
    exporter: str
    name: str
    rib: str
    peer: str
    peer_name: str = ""
    peer_as: int
    vrf: str
    path: RoutePath | None
    changed: list[Changed]
    reason: str = ""


class RouteTimelineView(Rested):
    """What happened to exactly one prefix."""

    prefix: str
    begins: float
    """Where the events begin; later than the window where there were too many."""
    truncated: bool
    lanes: list[LaneView]
    events: list[RouteEvent]
    as_names: dict[str, str] = Field(default_factory=dict)


class BgpSession(Answer):
    """One table of one neighbour of a router."""

    exporter: str
    name: str
    source: str
    rib: str
    peer: str
    peer_name: str = ""
    peer_as: int
    vrf: str
    state: str
    """``up``, ``down``, ``unknown`` (a dump tells of no sessions)."""
    since: float | None
    reason: str = ""
    routes: int | None
    """Routes that stand; null where they were not counted."""
    families: dict[str, int] = Field(default_factory=dict)
    rpki: dict[str, int] = Field(default_factory=dict)
    """Standing routes by state of origin validation."""
    announcements: int
    changes: int
    withdrawals: int
    updates: int
    prefixes: int
    """Distinct ones that changed."""
    ups: int
    downs: int
    last: float | None
    """The last change in the window."""


class BgpSessionsView(Rested):
    """Sessions at the end of a window, and what changed in it."""

    sessions: list[BgpSession]
    as_names: dict[str, str] = Field(default_factory=dict)


class ChurnRow(Answer):
    """How often something changed: a prefix, a neighbour or an origin."""

    prefix: str = ""
    exporter: str = ""
    name: str = ""
    peer: str = ""
    peer_name: str = ""
    rib: str = ""
    vrf: str = ""
    origin_as: int
    announcements: int
    changes: int
    withdrawals: int
    updates: int
    flaps: int
    """How often routes both came and went."""
    paths: int
    prefixes: int
    peers: int
    first: float
    last: float


class ChurnView(Rested):
    """What changed most, most updates first."""

    rows: list[ChurnRow]
    as_names: dict[str, str] = Field(default_factory=dict)


class TreatedRoute(Answer):
    """One route that policy treats."""

    prefix: str
    verdict: str
    """``rejected``, ``added``, ``changed``."""
    before: RoutePath | None
    after: RoutePath | None
    changed: list[Changed]


class RoutePolicyView(Rested):
    """What policy does to the routes of one neighbour."""

    exporter: str
    name: str
    peer: str
    peer_name: str = ""
    direction: str
    told: bool
    """Whether routes are known both before and after policy; otherwise nothing can be said."""
    before: int
    after: int
    rejected: int
    added: int
    changed: int
    by_attribute: dict[str, int]
    """How many of the changed routes differ in which attribute."""
    routes: list[TreatedRoute]
    truncated: bool


class JudgedRoute(RoutePath):
    """A standing route with the router that told of it."""

    exporter: str
    name: str


class JudgedRoutesView(Rested):
    """Standing routes with one state of origin validation."""

    state: str
    routes: list[JudgedRoute]
    truncated: bool
    as_names: dict[str, str] = Field(default_factory=dict)
