"""The network as a picture, now and over time."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from weft.api.auth.requests import Viewer
from weft.api.errors import RESPONSES
from weft.api.models.topology import TimelineView, TopologyView
from weft.api.ports import TheTopology

router = APIRouter(tags=["topology"], responses=RESPONSES)

Level = Annotated[Literal["site", "device"], Query(description="Sites and what joins them, or devices.")]
Site = Annotated[str, Query(max_length=200, description="Only the devices of this site, with level=device.")]


@router.get("/topology", operation_id="getTopology", summary="The network at one moment")
def topology(
    _: Viewer,
    pictures: TheTopology,
    at: Annotated[str, Query(max_length=64, description="now, now-1h, ISO 8601 or UTC seconds.")] = "now",
    level: Level = "site",
    site: Site = "",
) -> TopologyView:
    """Sites or devices, the links between them as the inventory knew them then, their load in the minutes before."""
    return pictures.view(at, level, site)


@router.get("/topology/timeline", operation_id="getTopologyTimeline", summary="Load of every link over time")
def timeline(
    _: Viewer,
    pictures: TheTopology,
    since: Annotated[str, Query(max_length=64)] = "now-6h",
    until: Annotated[str, Query(max_length=64)] = "now",
    every: Annotated[int | None, Query(ge=10, le=86_400, description="Bucket size in seconds.")] = None,
    level: Level = "site",
    site: Site = "",
) -> TimelineView:
    """Utilisation of the same edges in buckets, one array per edge and direction."""
    return pictures.timeline(since, until, every, level, site)
