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
    aliases: list[str] = Field(default_factory=list)
    """Other names that filters and questions accept."""


class MeasureView(Answer):
    """Something to measure."""

    name: str
    title: str
    unit: str
    meaning: str
    raw_only: bool = False
    stacks: bool = True
    """Whether the values of groups add up to that of the whole: drawn stacked, else as lines."""
    follows_metric: bool = False
    """Whether the unit is that of the metric that the filter names; the answer says which."""


class FamilyView(Answer):
    """Dimensions that are named by who asks: the prefix, ``_`` and a name."""

    prefix: str
    meaning: str


class ExampleView(Answer):
    """A question to begin with."""

    title: str
    query: dict[str, Any]
    """What to post, besides the time; ``dataset`` included."""


class DatasetView(Answer):
    """One table that can be asked."""

    name: str
    title: str = ""
    meaning: str
    dimensions: list[DimensionView]
    measures: list[MeasureView]
    default_measure: str = ""
    """What is measured where a question does not say (of metrics: unless the filter names one)."""
    views: list[str] = Field(default_factory=list)
    """Views that make sense of it."""
    records: list[str] = Field(default_factory=list)
    """Dimensions that a raw record shows unless ``by`` says otherwise."""
    pages: bool = False
    """Whether records can be paged with ``before``."""
    orders: list[str] = Field(default_factory=list)
    """Orders of a ``records`` view."""
    families: list[FamilyView] = Field(default_factory=list)
    examples: list[ExampleView] = Field(default_factory=list)
    resolutions: list[int] = Field(default_factory=list)
    """Seconds per bucket of the tables kept; 0 = raw rows."""


class MetricView(Answer):
    """A name in the vocabulary of metrics."""

    name: str
    type: str
    """``counter``, ``gauge``, ``state`` (a number that stands for a state)."""
    unit: str
    """Of the value as stored."""
    rate_unit: str = ""
    """Of a counter: what its rate is shown in."""
    meaning: str
    component: str = ""
    """What of a device it is of; empty = the device itself."""
    labels: list[str] = Field(default_factory=list)
    """Labels that tell its series apart."""
    states: dict[int, str] = Field(default_factory=dict)


class CatalogueView(Answer):
    """Everything that can be asked."""

    datasets: list[DatasetView]
    metrics: list[MetricView] = Field(default_factory=list)
    """The names that every source uses; what others push keeps its own."""


class FacetsAsked(Posted):
    """Which values are most frequent, of several dimensions at once."""

    dataset: str = "logs"
    by: list[str] = Field(min_length=1, max_length=12)
    filter: str = Field(default="", max_length=4000)
    since: str = "now-1h"
    until: str = "now"
    top: int = Field(default=10, ge=1, le=100)
    measure: str = ""
    """What counts; empty = rows."""


class FacetValue(Answer):
    """One value of a dimension and how much there is of it."""

    value: str
    """As the filter accepts it, quoted."""
    label: str
    count: float


class FacetView(Answer):
    """The most frequent values of one dimension."""

    dimension: str
    title: str
    values: list[FacetValue]
    other: float = 0.0
    """What the values that are not listed add up to."""


class FacetsView(Answer):
    """The most frequent values of each dimension asked for."""

    facets: list[FacetView]
    total: float
    unit: str = ""
    elapsed_ms: float


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
    resting: int = 0
    """Good rows that do not hold now, by their ``valid_from`` and ``valid_to``."""
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
