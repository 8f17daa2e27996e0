"""Reference tables and explanations as the API answers them."""

from __future__ import annotations

from typing import Any

from weft.api.models.questions import Explanation, TableView


def table_views(enricher: Any) -> list[TableView]:
    """The tables and how they are."""
    return [TableView.model_validate(table, from_attributes=True) for table in enricher.tables()]


def explanation(enricher: Any, address: str) -> Explanation:
    """What fills which column for an address."""
    return Explanation.model_validate(enricher.explain(address), from_attributes=True)
