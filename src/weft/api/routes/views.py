"""Saved views: page states under a name, one's own or shared with everyone."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from weft.api.auth.requests import Viewer
from weft.api.errors import RESPONSES
from weft.api.models.questions import Done, NewView, ViewSaved
from weft.api.ports import Deps
from weft.api.saved import SavedViews

router = APIRouter(prefix="/views", tags=["views"], responses=RESPONSES)
ViewId = Annotated[int, Path(description="Id of the view.")]


@router.get("", operation_id="listViews", summary="Saved views")
def list_views(who: Viewer, deps: Deps) -> list[ViewSaved]:
    """One's own views and the shared ones, by name."""
    return SavedViews(deps.state).visible(who)


@router.post("", operation_id="createView", summary="Save a view", status_code=201)
def create_view(body: NewView, who: Viewer, deps: Deps) -> ViewSaved:
    """Saves a page state under a name."""
    return SavedViews(deps.state).add(who, body)


@router.put("/{view_id}", operation_id="changeView", summary="Change a saved view")
def change_view(view_id: ViewId, body: NewView, who: Viewer, deps: Deps) -> ViewSaved:
    """Replaces name, state and whether it is shared. Others' shared views need the operator role."""
    return SavedViews(deps.state).change(who, view_id, body)


@router.delete("/{view_id}", operation_id="deleteView", summary="Delete a saved view")
def delete_view(view_id: ViewId, who: Viewer, deps: Deps) -> Done:
    """Deletes a view. Others' shared views need the operator role."""
    SavedViews(deps.state).remove(who, view_id)
    return Done()
