"""The demo's scenario: what can go wrong, what does, what is done about it. The answer sheet, not what Weft finds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from weft.api.models.accounts import Posted
from weft.api.models.base import Answer

FaultState = Literal["planned", "active", "over"]
#: How an action is: asked for and not yet in effect, done (and over), in force, taken back, or failed.
ActionState = Literal["waiting", "done", "active", "undone", "failed"]
#: A value of a parameter.
Plain = str | int | float | bool


class FaultPlaceView(Answer):
    """Where a fault can happen."""

    id: str
    title: str


class FaultKindView(Answer):
    """Something that can go wrong, or look so."""

    name: str
    title: str
    group: str
    """Family: link, device, routing, traffic, security, change, application, cloud, telemetry, ai, benign."""
    description: str
    default_duration_s: float
    places: list[FaultPlaceView]


class SymptomView(Answer):
    """What shows of a fault."""

    dataset: str
    entity: str
    text: str
    after_s: float
    """Seconds from its start until it shows."""


class RightActionView(Answer):
    """What a good operator would do. ``none``: wait."""

    kind: str
    parameters: dict[str, Plain]
    text: str


class FaultView(Answer):
    """A fault, or a decoy that only looks like one, with what is true of it."""

    id: str
    kind: str
    title: str
    group: str
    is_benign: bool
    triggered: bool
    """By a person; else by the schedule."""
    state: FaultState
    start: float
    end: float
    where: str
    """The device, line, host, prefix or service that it is at."""
    text: str
    root_cause: str
    """The entity at fault, as in ``entity`` of a symptom."""
    cause_type: str
    severity: float
    """0–1, in the terms of its kind."""
    symptoms: list[SymptomView]
    action: RightActionView


class ParameterView(Answer):
    """What an action is told."""

    name: str
    meaning: str
    required: bool


class ActionKindView(Answer):
    """Something that can be done to the network of the demo."""

    name: str
    title: str
    description: str
    parameters: list[ParameterView]
    takes_s: list[float]
    """Shortest and longest time until it takes effect."""


class ActionView(Answer):
    """Something that was done."""

    id: str
    kind: str
    title: str
    parameters: dict[str, Plain]
    state: ActionState
    asked: float
    effective: float
    """When it takes effect, or turns out to have failed."""
    until: float | None
    """When it was taken back; None while it is in force."""
    text: str
    ended: list[str]
    """Ids of faults that it repaired."""


class TwinView(Answer):
    """The organisation of a demo and its scenario."""

    organisation: str
    seed: int
    now: float
    scheduled: bool
    """Whether faults come by themselves."""
    pace: float
    """How many times as often as usual they do; 0 = never."""
    kinds: list[FaultKindView]
    action_kinds: list[ActionKindView]
    faults: list[FaultView]
    """Of the last hours and the next half hour, latest start first."""
    actions: list[ActionView]
    """Of the last hours, latest first."""


class NewFault(Posted):
    """A fault to begin now."""

    kind: Annotated[str, Field(min_length=1, max_length=60)]
    place: Annotated[str, Field(max_length=200)] = ""
    """Id of one of the kind's places; any where left out."""
    duration_s: Annotated[float | None, Field(gt=0, le=21_600)] = None
    severity: Annotated[float | None, Field(ge=0, le=1)] = None


class NewPace(Posted):
    """How often things go wrong by themselves."""

    pace: Annotated[float, Field(ge=0, le=10)]
    """Times the usual; 0 = only what is triggered."""


class NewAction(Posted):
    """Something to do to the network of the demo."""

    kind: Annotated[str, Field(min_length=1, max_length=60)]
    parameters: Annotated[dict[Annotated[str, Field(max_length=60)], Plain], Field(max_length=12)] = Field(
        default_factory=dict
    )
