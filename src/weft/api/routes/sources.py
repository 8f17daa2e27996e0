"""Where telemetry comes from, how well it arrives, and whether everything is all right."""

from __future__ import annotations

from fastapi import APIRouter

from weft.api.auth.requests import Viewer
from weft.api.errors import RESPONSES
from weft.api.models.overview import OverviewView
from weft.api.models.sources import ExportersView
from weft.api.ports import Board

router = APIRouter(tags=["sources"], responses=RESPONSES)


@router.get("/exporters", operation_id="listExporters", summary="Exporters and the pipeline")
def exporters(_: Viewer, board: Board) -> ExportersView:
    """Each exporter with its streams, rates, losses, sampling and verdict, and where telemetry is on its way."""
    return board.exporters()


@router.get("/overview", operation_id="getOverview", summary="Is everything all right?")
def overview(_: Viewer, board: Board) -> OverviewView:
    """One verdict, the reasons for it, and the figures behind it."""
    return board.overview()
