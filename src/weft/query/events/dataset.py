"""The ``events`` dataset: a row per change of an event, so that events are counted and charted like all else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weft.model.dictionaries import Attribute
from weft.model.events import EVENTS
from weft.query.catalogue import Dataset, Example
from weft.query.dimensions import dimensions_of
from weft.query.measures import Measure


def _count(name: str, title: str, meaning: str) -> Measure:
    return Measure(name, title, "events", meaning, "sum", (name,))


EVENT_MEASURES = (
    _count("events_opened", "Events", "Events that were opened; of those found again soon after, once."),
    _count("events_closed", "Closed", "Events that were over."),
    _count("events_worse", "Worse", "Events that became worse than they were when opened."),
    _count("events_suppressed", "Suppressed", "Events that feedback or a maintenance says are no trouble."),
    Measure("event_duration", "Duration", "s", "Mean duration of the events that were over.", "ratio",
            ("events_lasted_s", "events_closed")),
    Measure("transitions", "Changes", "changes", "Changes of events of any sort.", "sum", ("event_rows",)),
    Measure("unique_event_id", "Distinct events", "", "Distinct events, exact.", "unique", dimension="event_id"),
    Measure("unique_entity", "Entities", "", "Distinct things that events are about, exact.", "unique",
            dimension="entity"),
)  # fmt: skip


def build_events(extra: Mapping[str, Sequence[Attribute]]) -> Dataset:
    """The ``events`` table; ``extra`` holds the user's own attributes by dictionary name."""
    return Dataset(
        EVENTS, dimensions_of(EVENTS, extra), {}, {m.name: m for m in EVENT_MEASURES}, "Events", "events_opened",
        records=("transition", "severity", "event_group", "kind", "entity_kind", "entity", "site", "title", "detail",
                 "detector"),
        ties=("time_received", "event_id", "transition"),
        examples=(
            Example("Events by kind", {"by": ["kind"]}),
            Example("Where most goes wrong", {"by": ["entity_kind", "entity"], "view": "table"}),
            Example("How long things last", {"by": ["kind"], "view": "table",
                                             "measures": ["event_duration", "events_closed"]}),
            Example("Latest events", {"view": "records", "filter": "transition = opened"}),
        ),
    )  # fmt: skip
