"""Whether the data can be trusted: flows against interface counters."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi import Query as Parameter

from weft.api.auth.requests import Viewer
from weft.api.errors import RESPONSES
from weft.api.models.quality import ReconciliationView
from weft.api.ports import Board, Deps
from weft.api.reconciliation import reconciliation_view

router = APIRouter(tags=["quality"], responses=RESPONSES)
Verdicts = Literal["off", "no_flows", "no_counters", "agrees", "idle"]


@router.get("/quality/reconciliation", operation_id="reconcile", summary="Do flows and interface counters agree?")
def reconciliation(
    _: Viewer,
    deps: Deps,
    board: Board,
    since: Annotated[str, Parameter(max_length=60, description="As in a question: now-1h, ISO 8601 …")] = "now-1h",
    until: Annotated[str, Parameter(max_length=60)] = "now",
    device: Annotated[str, Parameter(max_length=200, description="Only of this device: its name or address.")] = "",
    verdict: Annotated[list[Verdicts] | None, Parameter(description="Only with these verdicts.")] = None,
    limit: Annotated[int, Parameter(ge=1, le=5000)] = 100,
    offset: Annotated[int, Parameter(ge=0, le=10_000_000)] = 0,
) -> ReconciliationView:
    """Per interface and direction: both volumes, their ratio, and the likely reason when it is off, worst first."""
    losses = {one.address: one.loss_share for one in board.exporters().exporters}
    found = deps.questions.reconcile(since, until, device=device, losses=losses)
    return reconciliation_view(found, verdict or (), limit, offset)
