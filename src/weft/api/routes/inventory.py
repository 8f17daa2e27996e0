"""The inventory: what the network is made of, who says so, what it was."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from weft.api.auth.requests import Viewer
from weft.api.errors import RESPONSES
from weft.api.models.inventory import HistoryView, InventorySummary, ObjectDetail, ObjectsView
from weft.api.ports import TheInventory
from weft.model.inventory import ObjectKind

router = APIRouter(prefix="/inventory", tags=["inventory"], responses=RESPONSES)

Key = Annotated[str, Path(
    max_length=1000,
    description="Id of the object; a device also by any of its names or addresses, an interface as `device/name`.",
)]  # fmt: skip
At = Annotated[str, Query(max_length=64, description="As it was then: now-6h, ISO 8601 or UTC seconds; empty = now.")]
Text = Annotated[str, Query(max_length=200)]


@router.get("", operation_id="getInventory", summary="How much is known, from where")
def summary(_: Viewer, pages: TheInventory) -> InventorySummary:
    """Objects by kind, facts by source, contradictions between sources."""
    return pages.summary()


@router.get("/{kind}", operation_id="listObjects", summary="Objects of the inventory")
def objects(
    kind: ObjectKind,
    _: Viewer,
    pages: TheInventory,
    search: Annotated[str, Query(max_length=200, description="Words that must all occur in its texts.")] = "",
    site: Text = "",
    role: Text = "",
    tag: Text = "",
    origin: Annotated[str, Query(max_length=32, description="Known to that source.")] = "",
    at: At = "",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> ObjectsView:
    """Objects of a kind with their attributes in force. Interfaces are found by their device's site and role."""
    wanted = {"site": site, "role": role, "tag": tag, "origin": origin}
    return pages.objects(kind, search=search, at=at, offset=offset, limit=limit, **wanted)


# Keys hold slashes: this route comes first.
@router.get("/{kind}/{key:path}/history", operation_id="getObjectHistory", summary="What sources said of an object")
def history(kind: ObjectKind, key: Key, _: Viewer, pages: TheInventory) -> HistoryView:
    """When which source began to say what, newest first; also of objects that are gone."""
    return pages.history(kind, key)


@router.get("/{kind}/{key:path}", operation_id="getObject", summary="An object of the inventory")
def one(kind: ObjectKind, key: Key, _: Viewer, pages: TheInventory, at: At = "") -> ObjectDetail:
    """Each attribute with the source whose word counts and those that say otherwise, and what each source says."""
    return pages.object(kind, key, at)
