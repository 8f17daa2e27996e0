"""What enrichment knows, and from which table."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi import Query as Parameter

from weft.api.auth.requests import Operator, Viewer
from weft.api.errors import RESPONSES
from weft.api.models.questions import Explanation, TableView
from weft.api.ports import Deps, TheEnricher
from weft.api.reference import explanation, table_views

router = APIRouter(prefix="/enrich", tags=["enrich"], responses=RESPONSES)


@router.get("/tables", operation_id="listTables", summary="Reference tables")
def tables(_: Viewer, enricher: TheEnricher) -> list[TableView]:
    """Each table with its rows, when it was read, and what is wrong with it."""
    return table_views(enricher)


@router.get("/explain", operation_id="explainAddress", summary="What is known of an address")
def explain(address: Annotated[str, Parameter(max_length=64)], _: Viewer, enricher: TheEnricher) -> Explanation:
    """The columns that enrichment fills for an address, and the table that each comes from."""
    return explanation(enricher, address)


@router.post("/reload", operation_id="reloadTables", summary="Read the reference tables again now")
def reload(who: Operator, enricher: TheEnricher, deps: Deps) -> list[TableView]:
    """Reads tables that changed; a table that is broken keeps its last good rows."""
    enricher.reload()
    deps.state.audit(who.actor, "enrich.reload", "", {})
    return table_views(enricher)
