"""Events: the list, one of them with what it rests on, what people said of it; detectors, policies, channels."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from weft.api.models.base import Answer
from weft.detect.policies.policy import Policy
from weft.model.events import Entity, Event, EventGroup, EventState, Severity
from weft.model.views import Window

#: ``not_an_issue``: the like is no trouble; ``expected``: it is meant to be so at such times; ``snooze``: not now.
Verdict = Literal["not_an_issue", "expected", "snooze"]


class EventRow(Answer):
    """An event in a list. Times are UTC seconds."""

    id: str
    detector: str
    kind: str
    kind_title: str
    group: EventGroup
    severity: Severity
    state: EventState
    title: str
    text: str
    entity: Entity
    started_s: float
    detected_s: float
    seen_s: float
    ended_s: float | None
    count: int
    acknowledged_by: str
    suppressed_by: str
    """Id of the feedback or name of the maintenance; of an event that is over: what suppressed it as it ended."""
    suppressed_why: str
    """The same in words; empty = it is not, and was not."""


class EventCounts(Answer):
    """How many events there are by severity, group and state, of those that the other filters let through.

    Those that were suppressed when they ended count as suppressed.
    """

    severities: dict[Severity, int]
    groups: dict[EventGroup, int]
    states: dict[EventState, int]


class EventsView(Answer):
    """Events, newest first, with the open ones of before the window."""

    events: list[EventRow]
    total: int
    """How many there are in all; ``events`` holds at most as many as were asked for."""
    counts: EventCounts
    next_before: str | None
    """Ask with this as ``before`` for those that follow; None = there are no more."""
    learning: list[str]
    """Titles of detectors that do not know enough yet to judge."""
    window: Window
    updated: float


class EventBand(Answer):
    """What was expected, drawn behind what came: in buckets of ``step`` seconds from ``start``; None = not known."""

    start: int
    step: int
    lower: list[float | None]
    expected: list[float | None]
    upper: list[float | None]


class EventChart(Answer):
    """The question whose answer shows the event, and the band that it left."""

    query: dict[str, Any]
    """Fields of a ``Query``, for ``POST /query``."""
    unit: str
    """Of the band; it is drawn where the answer is in the same."""
    band: EventBand | None


class Feedback(Answer):
    """What somebody said of an event, and of which others it holds."""

    id: str
    event_id: str
    verdict: Verdict
    scope: Literal["event", "series", "entity", "kind"]
    """It holds for this event alone; for the same kind, entity and labels; for all of the entity's; for the kind."""
    scope_text: str
    """The same in words."""
    note: str
    author: str
    created_s: float
    until_s: float | None
    weekday: int | None
    """Of ``expected``: only on this day of the week, 0 = Monday."""
    from_minute: int | None
    to_minute: int | None
    """Of ``expected``: only between these minutes of the day."""
    withdrawn_s: float | None
    withdrawn_by: str
    time_zone: str
    """Of weekday and minutes."""
    suppressed: int
    """How many of the last thousand suppressed events it has kept quiet."""


class EventView(Answer):
    """One event with everything that is known of it."""

    event: Event
    kind_title: str
    kind_text: str
    """What events of the kind mean."""
    detector_title: str
    suppressed_why: str
    """Why it is suppressed, or was as it ended, in words."""
    chart: EventChart | None
    similar: list[EventRow]
    """Past events of the same kind about the same or a like entity, the closest first."""
    similar_total: int
    feedback: list[Feedback]
    updated: float


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class NewFeedback(_Body):
    """What to say of an event."""

    verdict: Verdict
    scope: Literal["event", "series", "entity", "kind"] = "series"
    note: str = Field(default="", max_length=2000)
    for_s: float | None = Field(default=None, gt=0, le=10 * 365 * 86400)
    """It holds for as long; None = until it is withdrawn. A snooze needs it."""
    weekday: int | None = Field(default=None, ge=0, le=6)
    from_minute: int | None = Field(default=None, ge=0, le=1439)
    to_minute: int | None = Field(default=None, ge=0, le=1440)
    time_zone: str = Field(default="UTC", max_length=60)


class DetectorView(Answer):
    """A detector and how it does."""

    name: str
    title: str
    group: EventGroup
    description: str
    kinds: dict[str, str]
    enabled: bool
    state: Literal["off", "waiting", "learning", "watching", "failing"]
    watches: str
    """What it looks at, in words."""
    series: int
    """Series, or keys of its sketches, that it has a state of."""
    learned: float | None
    """0–1: how much of what it wants to know it has seen; None = it needs to learn nothing."""
    fed_s: float | None
    """Time of the newest data that it was given."""
    lag_s: float | None
    busy_s: float
    """Time that it has worked since the start."""
    findings: int
    errors: int
    events_day: float
    """Events a day that it raised over the last seven."""
    suppressed_day: float
    last_error: str
    limits: str
    """What it had no room for, in words; empty = nothing."""


class DetectorsView(Answer):
    """Every detector, those that fail first."""

    detectors: list[DetectorView]
    false_alarms: float
    """Events per 1000 series and day that are accepted as false (``detect.false_alarms``)."""
    running: bool
    notes: list[str]
    """What was lost, refused or is done by another process, in words."""
    updated: float


class NewBacktest(_Body):
    """What to replay, through which detectors."""

    detectors: list[str] = Field(default_factory=list, max_length=200)
    """Names; empty = all that are switched on."""
    since: str = Field(default="now-1d", max_length=64)
    until: str = Field(default="now", max_length=64)
    learn: str = Field(default="1d", max_length=20)
    """How much before ``since`` they learn from, e.g. ``14d``."""


class BacktestExample(Answer):
    """An event that would have been raised. Times are ISO 8601."""

    entity: str
    severity: Severity
    title: str
    text: str
    started: str
    detected: str
    ended: str | None


class BacktestKind(Answer):
    """Events of one kind that a detector would have raised."""

    detector: str
    kind: str
    events: int
    per_day: float
    entities: int
    days: dict[str, int]
    """Events by day, UTC."""
    examples: list[BacktestExample]
    """The worst ones."""


class BacktestReport(Answer):
    """What detectors would have raised over a stretch of history."""

    since: str
    until: str
    learned_from: str
    days: float
    events: int
    events_per_day: float
    severities: dict[Severity, int]
    kinds: list[BacktestKind]
    rows: dict[str, int]
    """Rows that were replayed, by table."""
    series: dict[str, int]
    """Series that were watched, by detector."""
    failed: dict[str, str]
    """Detectors that were given up, and why."""
    cpu_s: dict[str, float]


class BacktestView(Answer):
    """A back-test, and how far it is."""

    id: str
    detectors: list[str]
    author: str
    began_s: float
    ended_s: float | None
    state: Literal["running", "done", "failed", "cancelled"]
    progress: float
    """0–1."""
    error: str
    report: BacktestReport | None


class PolicySpell(Answer):
    """A time for which a policy would have fired."""

    series: str
    started_s: float
    fired_s: float
    ended_s: float | None
    values: dict[str, float]


class PolicyPreview(Answer):
    """How often a policy would have fired over a window."""

    spells: list[PolicySpell]
    """The latest, at most 200."""
    total: int
    series: int
    """Series that were judged."""
    fired_series: int
    per_day: float
    judged_share: float | None
    """Share of the window's buckets in which enough was known to judge, 0–1; None = nothing was there."""
    units: dict[str, str]
    """Unit of each condition."""
    window: Window
    note: str


class PolicyRow(Answer):
    """A policy, and what became of it."""

    policy: Policy
    author: str
    updated_s: float
    events_day: float
    open: int
    last_error: str


class PoliciesView(Answer):
    """Every policy."""

    policies: list[PolicyRow]
    updated: float


class ChannelView(Answer):
    """A channel of notifications."""

    name: str
    way: Literal["apprise", "pagerduty", "webhook"]
    min_severity: Severity
    groups: list[EventGroup]
    sent: int
    waiting: int
    held: int
    repeated: int
    summed_up: int
    failed: int
    dropped: int
    last_error: str
    last_sent_s: float | None


class ChannelsView(Answer):
    """Who is told."""

    channels: list[ChannelView]
