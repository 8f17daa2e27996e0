"""Asking the telemetry."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from fastapi import Query as Parameter
from fastapi.responses import StreamingResponse

from weft.api.auth.requests import Viewer
from weft.api.catalogue import catalogue_view
from weft.api.errors import RESPONSES
from weft.api.models.questions import (
    CatalogueView,
    Completion,
    FacetsAsked,
    FacetsView,
    FilterChecked,
    FilterCursor,
    FilterText,
)
from weft.api.ports import Deps
from weft.model.views import ViewResult
from weft.query.model import Query

router = APIRouter(tags=["query"], responses=RESPONSES)

FORMATS = {"csv": ("text/csv; charset=utf-8", "csv"), "parquet": ("application/vnd.apache.parquet", "parquet")}


@router.get("/catalogue", operation_id="getCatalogue", summary="What can be asked")
def catalogue(_: Viewer, deps: Deps) -> CatalogueView:
    """Datasets with their dimensions and measures."""
    return catalogue_view(deps.questions.catalogue())


@router.post("/query", operation_id="runQuery", summary="Ask a question")
def query(body: Query, _: Viewer, deps: Deps) -> ViewResult:
    """Answers with rows or series, the unit, the window, and the provenance: SQL, table, rows read, sampling, gaps."""
    return deps.questions.run(body)


@router.post(
    "/query/export", operation_id="exportQuery", summary="Ask a question and download the answer",
    response_class=Response, responses={200: {"content": {kind: {} for kind, _ in FORMATS.values()}}},
)  # fmt: skip
def export(
    body: Query,
    _: Viewer,
    deps: Deps,
    format: Annotated[Literal["csv", "parquet"], Parameter()] = "csv",  # noqa: A002  # as in the URL
) -> Response:
    """The rows of the answer as a file."""
    media, suffix = FORMATS[format]
    name = f"weft-{body.dataset}-{body.view}.{suffix}"
    data = deps.questions.export(body, format)
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    if isinstance(data, bytes):
        return Response(data, media_type=media, headers=headers)
    return StreamingResponse(data, media_type=media, headers=headers)


@router.post("/query/facets", operation_id="queryFacets", summary="Which values are most frequent?")
def facets(body: FacetsAsked, _: Viewer, deps: Deps) -> FacetsView:
    """The top values of several dimensions with their counts, for a page that narrows a search down."""
    query = Query(
        dataset=body.dataset, view="table", measures=[body.measure] if body.measure else [], filter=body.filter,
        since=body.since, until=body.until, top=body.top,
    )  # fmt: skip
    return FacetsView.model_validate(deps.questions.facets(query, body.by), from_attributes=True)


@router.post("/filter/check", operation_id="checkFilter", summary="Is this filter understood?")
def check_filter(body: FilterText, _: Viewer, deps: Deps) -> FilterChecked:
    """Says what is wrong with a filter and where."""
    return FilterChecked.model_validate(deps.questions.check(body.filter, body.dataset), from_attributes=True)


@router.post("/filter/complete", operation_id="completeFilter", summary="What can stand at the cursor?")
def complete_filter(body: FilterCursor, _: Viewer, deps: Deps) -> Completion:
    """Dimensions, operators and values that fit at the cursor of a filter being typed."""
    found = deps.questions.complete(body.filter, body.cursor, body.dataset)
    return Completion.model_validate(found, from_attributes=True)
