"""What enrichment knows, and from which table."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi import Query as Parameter

from weft.api.auth.requests import Operator, Viewer
from weft.api.errors import RESPONSES
from weft.api.models.questions import Explanation, TableView
from weft.api.models.reference import ReferenceKind, ReferenceRows
from weft.api.ports import Deps, TheEnricher
from weft.api.reference import explanation, reference_kinds, reference_rows, table_views

router = APIRouter(prefix="/enrich", tags=["enrich"], responses=RESPONSES)


@router.get("/tables", operation_id="listTables", summary="Reference tables")
def tables(_: Viewer, enricher: TheEnricher) -> list[TableView]:
    """Each table with its rows, when it was read, and what is wrong with it."""
    return table_views(enricher)


@router.get("/explain", operation_id="explainAddress", summary="What is known of an address")
def explain(address: Annotated[str, Parameter(max_length=64)], _: Viewer, enricher: TheEnricher) -> Explanation:
    """The columns that enrichment fills for an address, and the table that each comes from."""
    return explanation(enricher, address)


@router.get("/reference", operation_id="listReferences", summary="What reference tables are about")
def references(_: Viewer, enricher: TheEnricher, deps: Deps) -> list[ReferenceKind]:
    """Each kind of thing that tables say something of: their columns, and the dimensions that these make."""
    return reference_kinds(enricher, deps.questions.catalogue())


@router.get("/reference/{kind}", operation_id="listReferenceRows", summary="Rows of reference tables of a kind")
def rows(
    kind: Annotated[str, Path(max_length=40)],
    _: Viewer,
    enricher: TheEnricher,
    text: Annotated[str, Parameter(max_length=200)] = "",
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
    offset: Annotated[int, Parameter(ge=0)] = 0,
) -> ReferenceRows:
    """Rows by what they are about, with the time in which they hold; ``text`` finds what holds it anywhere."""
    return reference_rows(enricher, kind, text, limit, offset)


@router.post("/reload", operation_id="reloadTables", summary="Read the reference tables again now")
def reload(who: Operator, enricher: TheEnricher, deps: Deps) -> list[TableView]:
    """Reads tables that changed; a table that is broken keeps its last good rows."""
    enricher.reload()
    deps.state.audit(who.actor, "enrich.reload", "", {})
    return table_views(enricher)
