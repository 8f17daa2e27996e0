"""BGP routes: look-ups as of a time, timelines, sessions, churn, what policy does, origin validation."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from weft.api.auth.requests import Viewer
from weft.api.errors import RESPONSES
from weft.api.models.routing import (
    BgpSessionsView,
    ChurnView,
    JudgedRoutesView,
    LookupView,
    RoutePolicyView,
    RouteTimelineView,
)
from weft.api.ports import TheRouting
from weft.query.routing.churn import By
from weft.query.routing.lookup import Match
from weft.query.routing.policy import Side
from weft.query.routing.questions import Verdict

router = APIRouter(tags=["routing"], responses=RESPONSES)

Prefix = Annotated[str, Query(max_length=64, description="192.0.2.0/24, 2001:db8::/32, or an address.")]
At = Annotated[str, Query(max_length=64, description="now, now-1h, ISO 8601 or UTC seconds.")]
Limit = Annotated[int, Query(ge=1, le=1000)]


def _who(
    exporter: Annotated[str, Query(max_length=200, description="Only this router: its address or name.")] = "",
    peer: Annotated[str, Query(max_length=200, description="Only this neighbour: its address or name.")] = "",
    vrf: Annotated[str, Query(max_length=200, description="Only this VRF; `global` = none.")] = "",
    rib: Annotated[str, Query(max_length=32, description="Only this table: adj_rib_in_pre, loc_rib …")] = "",
) -> dict[str, str]:
    return {"exporter": exporter, "peer": peer, "vrf": vrf, "rib": rib}


Who = Annotated[dict[str, str], Depends(_who)]


@router.get("/routing/lookup", operation_id="lookUpRoute", summary="Routes to a prefix or an address as of a time")
def lookup(
    _: Viewer,
    pages: TheRouting,
    who: Who,
    prefix: Prefix,
    at: At = "now",
    match: Annotated[Match, Query(description="`exact`, with what covers it, with what is more specific, or all.")] = (
        "all"
    ),
    limit: Annotated[int, Query(ge=1, le=1000, description="More specific prefixes at most.")] = 200,
) -> LookupView:
    """Exact, covering and more specific routes, per router the path in use and why it won."""
    return pages.look_up(prefix, at, match, who, limit)


@router.get("/routing/timeline", operation_id="getRouteTimeline", summary="What happened to a prefix")
def timeline(
    _: Viewer, pages: TheRouting, who: Who, prefix: Prefix, since: At = "now-24h", until: At = "now"
) -> RouteTimelineView:
    """Every event with what changed, each session's route over time, and what each router used."""
    return pages.timeline(prefix, since, until, who)


@router.get("/routing/sessions", operation_id="listBgpSessions", summary="BGP sessions")
def sessions(
    _: Viewer,
    pages: TheRouting,
    since: At = "now-24h",
    until: At = "now",
    count: Annotated[bool, Query(description="Count the routes that stand: reads the whole table once.")] = True,
) -> BgpSessionsView:
    """Every session at the end of the window: its state, its routes, what changed. May be a minute old."""
    return pages.sessions(since, until, count)


@router.get("/routing/churn", operation_id="getRouteChurn", summary="What changes most")
def churn(
    _: Viewer,
    pages: TheRouting,
    who: Who,
    since: At = "now-24h",
    until: At = "now",
    by: Annotated[By, Query()] = "prefix",
    limit: Limit = 50,
) -> ChurnView:
    """Prefixes, neighbours or origin ASes with the most updates, and how often they flap."""
    return pages.churn(since, until, by, who, limit)


@router.get("/routing/policy", operation_id="getRoutePolicy", summary="What policy does to a neighbour's routes")
def policy(
    _: Viewer,
    pages: TheRouting,
    who: Who,
    at: At = "now",
    direction: Annotated[Side, Query(description="Import (`in`) or export (`out`).")] = "in",
    verdict: Annotated[Verdict, Query(description="Show only routes so treated; all are counted.")] = "",
    limit: Limit = 100,
) -> RoutePolicyView:
    """Routes before policy and after it: what is rejected, added, changed, and in which attribute."""
    return pages.policy(at, direction, verdict, who, limit)


@router.get("/routing/validity", operation_id="listJudgedRoutes", summary="Routes by origin validation")
def validity(
    _: Viewer,
    pages: TheRouting,
    who: Who,
    at: At = "now",
    state: Annotated[str, Query(max_length=20, description="invalid, valid, not_found or unchecked.")] = "invalid",
    limit: Limit = 200,
) -> JudgedRoutesView:
    """Standing routes that RPKI calls invalid (or valid, not found)."""
    return pages.judged(at, state, who, limit)
