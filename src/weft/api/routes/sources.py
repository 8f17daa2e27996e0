"""Where telemetry comes from, how well it arrives, and whether everything is all right."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from weft.api.auth.requests import Viewer
from weft.api.errors import RESPONSES
from weft.api.models.overview import OverviewView
from weft.api.models.sources import ExportersView, RecipeView, SourcesView
from weft.api.ports import Board
from weft.api.recipes import RECIPES
from weft.api.source_views import chosen

router = APIRouter(tags=["sources"], responses=RESPONSES)


@router.get("/exporters", operation_id="listExporters", summary="Exporters and the pipeline")
def exporters(_: Viewer, board: Board) -> ExportersView:
    """Each exporter with its streams, rates, losses, sampling and verdict, and where telemetry is on its way."""
    return board.exporters()


@router.get("/sources", operation_id="listSources", summary="Sources other than flow exporters")
def sources(
    _: Viewer,
    board: Board,
    kind: Annotated[list[str] | None, Query(description="Only of these kinds.")] = None,
    state: Annotated[list[str] | None, Query(description="Only in these states.")] = None,
    exporter: Annotated[str, Query(max_length=64, description="Only those of the device with this address.")] = "",
    search: Annotated[str, Query(max_length=200, description="Words in the name, target or last error.")] = "",
    limit: Annotated[int, Query(ge=1, le=20_000)] = 1000,
) -> SourcesView:
    """Polled devices, subscriptions, senders and directories with state, rates, lag, coverage, errors and advice."""
    return chosen(board.sources(), kinds=kind or (), states=state or (), exporter=exporter, search=search, limit=limit)


@router.get("/sources/recipes", operation_id="listRecipes", summary="How to set up sources")
def recipes(_: Viewer) -> list[RecipeView]:
    """Text to paste for the first source of each kind."""
    return [RecipeView(kind=one.kind, where=one.where, text=one.text) for one in RECIPES]


@router.get("/overview", operation_id="getOverview", summary="Is everything all right?")
def overview(_: Viewer, board: Board) -> OverviewView:
    """One verdict, the reasons for it, and the figures behind it."""
    return board.overview()
