"""The network model: what carries what, which way from A to B, what changes if."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from weft.api.auth.requests import Viewer
from weft.api.errors import RESPONSES
from weft.api.models.network import (
    MOST_LISTED,
    DemandsView,
    FailuresView,
    NetworkLoadView,
    NetworkPathView,
    NetworkView,
    PathAsked,
    WhatIfAsked,
    WhatIfView,
)
from weft.api.ports import TheNetwork

router = APIRouter(tags=["network"], responses=RESPONSES)

At = Annotated[str, Query(max_length=64, description="now, now-1h, ISO 8601 or UTC seconds.")]
Limit = Annotated[int, Query(ge=1, le=MOST_LISTED)]


@router.get("/network", operation_id="getNetwork", summary="The network model in short")
def network(_: Viewer, pages: TheNetwork, at: At = "now") -> NetworkView:
    """Nodes, risk groups, providers and classes that questions can name; where its traffic matrix comes from."""
    return pages.summary(at)


@router.get("/network/load", operation_id="getNetworkLoad", summary="Load of every link by the model")
def load(_: Viewer, pages: TheNetwork, at: At = "now", limit: Limit = MOST_LISTED) -> NetworkLoadView:
    """Load, utilisation, delay and loss of each link by traffic matrix and routing, with what counters say beside."""
    return pages.load(at, limit)


@router.get("/network/demands", operation_id="listDemands", summary="The traffic matrix")
def demands(
    _: Viewer,
    pages: TheNetwork,
    at: At = "now",
    by: Annotated[
        Literal["pair", "site", "ingress", "egress", "class"], Query(description="What rows are of.")
    ] = "site",
    limit: Limit = 100,
) -> DemandsView:
    """Who asks the network to carry how much to where, largest first."""
    return pages.demands(at, by, limit)


@router.get("/network/failures", operation_id="listFailures", summary="What each single failure would do")
def failures(
    _: Viewer,
    pages: TheNetwork,
    at: At = "now",
    kind: Annotated[Literal["link", "node", "srlg"], Query(description="What fails.")] = "link",
    threshold: Annotated[float, Query(gt=0, le=10)] = 0.8,
    limit: Limit = 100,
) -> FailuresView:
    """Every link (device, risk group) fails by itself: the worst link then, links over the threshold, lost traffic."""
    return pages.failures(at, kind, threshold, limit)


@router.post("/network/path", operation_id="findPath", summary="Which way from A to B, and back")
def path(body: PathAsked, _: Viewer, pages: TheNetwork) -> NetworkPathView:
    """Hops, the fan of equal paths, load and health of each hop, both ways; as of a time; with changes applied."""
    return pages.path(body)


@router.post("/network/what-if", operation_id="askWhatIf", summary="What changes if …")
def what_if(body: WhatIfAsked, _: Viewer, pages: TheNetwork) -> WhatIfView:
    """Traffic that moves, links over the threshold, broken reachability, delays and ways there and back that differ."""
    return pages.what_if(body)
