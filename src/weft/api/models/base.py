"""What all answers share."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(
        frozen=True, use_attribute_docstrings=True, json_schema_serialization_defaults_required=True
    )


class Status(StrEnum):
    """How something is. Worst last."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Position in the order of badness."""
        return tuple(Status).index(self)


class Reason(Answer):
    """One thing that is not as it should be: what, how we know, what to do."""

    status: Status
    code: str
    """Stable name of the check, e.g. ``silent_exporter``."""
    title: str
    """One line, with the figures it rests on."""
    detail: str = ""
    """What it means for the numbers shown."""
    fix: str = ""
    """What to do about it."""
    exporter: str | None = None
    """Address of the exporter it is about."""
    source: str | None = None
    """Id of the source it is about, where that is not an exporter of flows."""
    since: float | None = None
    """When it began, where that is known."""


class Sparkline(Answer):
    """A short series: ``values[i]`` belongs to ``start + i × step``; None is a gap (nothing known)."""

    start: float
    step: float
    unit: str
    values: list[float | None] = Field(default_factory=list)


def worst(reasons: list[Reason]) -> Status:
    """The verdict over several reasons."""
    return max((reason.status for reason in reasons), key=lambda status: status.rank, default=Status.OK)
