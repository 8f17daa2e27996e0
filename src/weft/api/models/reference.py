"""What reference tables say, row by row."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from weft.api.models.base import Answer


class ReferenceColumn(Answer):
    """A column of the tables of one kind."""

    name: str
    meaning: str
    filled: int
    """Rows that fill it."""


class ReferenceKind(Answer):
    """What tables are about: ``site``, ``customer``, ``asn``, ``interface``, and so on."""

    kind: str
    meaning: str
    tables: list[str]
    """Names of the tables, the strongest first."""
    rows: int
    columns: list[ReferenceColumn]
    dimensions: dict[str, list[str]] = Field(default_factory=dict)
    """Dataset → the dimensions that the tables make there."""


class ReferenceRow(Answer):
    """One row of a table."""

    key: str
    """What it is about; an interface as address and ifIndex."""
    table: str
    valid_from: int | None
    """UTC seconds; None = always."""
    valid_to: int | None
    """UTC seconds, not included; None = for ever."""
    holds: Literal["now", "later", "ended"]
    values: dict[str, str]


class ReferenceRows(Answer):
    """Rows of the tables of one kind, by what they are about."""

    kind: str
    columns: list[str]
    rows: list[ReferenceRow]
    total: int
    """Rows that match, of which ``rows`` are one page."""
