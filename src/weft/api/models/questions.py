"""Questions of the telemetry: the catalogue, the filter language, saved views."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from weft.api.models.accounts import Posted
from weft.api.models.base import Answer


class DimensionView(Answer):
    """Something to group and filter by."""

    name: str
    title: str
    kind: str
    meaning: str
    unit: str = ""
    group: str = ""
    """Heading it is listed under."""
    operators: list[str] = Field(default_factory=list)
    values: list[str] = Field(default_factory=list)
    """All values, where they are few and known."""
    groupable: bool = True
    filterable: bool = True
    raw_only: bool = False
    """Only raw rows have it: questions about it reach no further back than those are kept."""


class MeasureView(Answer):
    """Something to measure."""

    name: str
    title: str
    unit: str
    meaning: str
    raw_only: bool = False


class DatasetView(Answer):
    """One table that can be asked."""

    name: str
    meaning: str
    dimensions: list[DimensionView]
    measures: list[MeasureView]
    resolutions: list[int] = Field(default_factory=list)
    """Seconds per bucket of the tables kept; 0 = raw rows."""


class CatalogueView(Answer):
    """Everything that can be asked."""

    datasets: list[DatasetView]


class FilterText(Posted):
    """A filter to check."""

    filter: str = Field(max_length=4000)
    dataset: str = "flows"


class FilterProblem(Answer):
    """What is wrong with a filter, and where."""

    message: str
    position: int
    """Characters from its beginning."""
    fix: str | None = None


class FilterChecked(Answer):
    """Whether a filter is understood."""

    ok: bool
    error: FilterProblem | None = None


class FilterCursor(Posted):
    """A filter being typed."""

    filter: str = Field(max_length=4000)
    cursor: int = Field(ge=0, le=4000)
    """Characters before the cursor."""
    dataset: str = "flows"


class CompletionOption(Answer):
    """Something that can stand at the cursor."""

    label: str
    insert: str
    kind: str
    """``dimension``, ``operator``, ``value``, ``keyword``."""
    detail: str = ""


class Completion(Answer):
    """Options to replace the characters ``from``–``to`` with."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True, validate_by_alias=True)

    from_: int = Field(alias="from")
    to: int
    options: list[CompletionOption]


class NewView(Posted):
    """A page state to save under a name."""

    name: str = Field(min_length=1, max_length=120)
    state: dict[str, Any]
    """Whatever the page needs to show it again: for the explorer, its URL and query."""
    shared: bool = False
    """Whether everyone sees it; needs the operator role."""


class ViewSaved(Answer):
    """A saved view."""

    id: int
    name: str
    owner: str
    mine: bool
    shared: bool
    state: dict[str, Any]
    created: float
    updated: float


class TableView(Answer):
    """A reference table that enrichment uses."""

    name: str
    kind: str
    path: str
    rows: int
    """Rows in use."""
    skipped: int
    """Rows that could not be used."""
    columns: list[str]
    filled: dict[str, int] = Field(default_factory=dict)
    """How many rows fill each column."""
    loaded: float | None
    """When it was last read well; None = never."""
    ok: bool
    error: str = ""
    """Why the file as it is now cannot be used; the rows of its last good version stay in use."""
    problems: list[str] = Field(default_factory=list)
    """The first complaints about rows."""
    priority: int = 0


class FilledColumn(Answer):
    """A column that enrichment filled for an address, and from where."""

    column: str
    value: str
    table: str
    prefix: str = ""


class Explanation(Answer):
    """What is known of an address, and which table says so."""

    address: str
    columns: list[FilledColumn]
    network: int = 0
    """Id of its row in the networks dictionary; 0 = nothing known."""


class Done(Answer):
    """It was done."""

    ok: Literal[True] = True
