"""Facets: the most frequent values of several dimensions at once, for pages that narrow a search down."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from weft.model.views import ViewResult
from weft.query.model import Query


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value: as the filter accepts it, as people read it, and how much there is of it."""

    value: str
    label: str
    count: float


@dataclass(frozen=True, slots=True)
class Facet:
    """The most frequent values of one dimension; ``other`` is what the rest adds up to."""

    dimension: str
    title: str
    values: list[FacetValue]
    other: float


@dataclass(frozen=True, slots=True)
class Facets:
    """The facets of one filter and window; ``total`` is everything that matches."""

    facets: list[Facet]
    total: float
    unit: str
    elapsed_ms: float


def gather_facets(run: Callable[[Query], ViewResult], query: Query, by: Sequence[str]) -> Facets:
    """One table per dimension, asked one after another: each is a scan of its own narrow columns."""
    began = time.perf_counter()
    facets, total, unit = [], 0.0, ""
    for name in dict.fromkeys(by):
        result = run(query.model_copy(update={"view": "table", "by": [name], "other": True, "compare_to": None}))
        facets.append(_facet(result))
        total = float(next(iter(result.totals.values()), 0) or 0)
        unit = result.unit
    return Facets(facets, total, unit, (time.perf_counter() - began) * 1000)


def _facet(result: ViewResult) -> Facet:
    column = result.columns[0]
    labels = result.labels.get(column.name, {})
    values, other = [], 0.0
    for i, row in enumerate(result.rows):
        count = float(row[1] or 0)
        if i == result.other:
            other = count
        else:
            values.append(FacetValue(row[0], labels.get(row[0], row[0]), count))
    return Facet(column.name, column.title, values, other)
