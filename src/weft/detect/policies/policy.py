"""What a policy is: named conditions, and how they combine."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from weft.detect.policies.expression import ExpressionError, names_in, parse
from weft.model.events import EventGroup, Severity

Word = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_]+$")]
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,19}$")
#: Datasets of what happens; the others are of what is read from time to time.
_COUNTED = frozenset({"flows", "logs", "changes", "routes", "cloud_flows", "events"})
#: Longest window that one evaluation looks back over.
MOST_HOLD_S = 86_400


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Condition(_Frozen):
    """A measure of something, against a number."""

    name: str = Field(pattern=_NAME.pattern)
    """How ``when`` calls it: ``a``, ``errors`` …"""
    dataset: Word = "flows"
    measure: Word
    filter: str = Field(default="", max_length=4000)
    """The filter of the explorer (docs/filter.md)."""
    against: Literal["value", "change_1d", "change_7d"] = "value"
    """``change_1d``, ``change_7d``: change since the same time a day or a week before, in percent."""
    op: Literal[">", ">=", "<", "<="] = ">"
    threshold: float = Field(allow_inf_nan=False)
    """In the unit of the measure; percent of a change."""
    missing: Literal["auto", "unknown", "zero"] = "auto"
    """What it means that nothing came. ``unknown``: the condition is neither true nor false. ``zero``: there was none.
    ``auto``: zero of what is counted as it happens (flows, logs, changes, routes), unknown of what is read."""

    @property
    def nothing_is_zero(self) -> bool:
        """Whether a bucket without values counts as zero."""
        return self.missing == "zero" or (self.missing == "auto" and self.dataset in _COUNTED)


class Policy(_Frozen):
    """Raises an event for each group of ``by`` for which ``when`` holds for ``for_s``."""

    name: str = Field(min_length=1, max_length=80)
    enabled: bool = True
    description: str = Field(default="", max_length=2000)
    """What to do about it: shown with each event."""
    group: EventGroup = EventGroup.POLICY
    severity: Severity = Severity.MAJOR
    by: list[Word] = Field(default_factory=list, max_length=4)
    """Dimensions; each combination of their values is judged by itself. All conditions must have them."""
    conditions: list[Condition] = Field(min_length=1, max_length=8)
    when: str = Field(default="", max_length=500)
    """``a and (b or not c)``; empty = all conditions."""
    step_s: int = Field(default=60, ge=10, le=3600)
    """How often it is judged, on values over as long."""
    for_s: int = Field(default=0, ge=0, le=MOST_HOLD_S)
    """Fire only once it has held for as long; 0 = at once."""
    clear_s: int = Field(default=300, ge=0, le=MOST_HOLD_S)
    """Over only once it has not held for as long."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        names = [one.name for one in self.conditions]
        if len(set(names)) < len(names):
            raise ValueError("two conditions have the same name")
        try:
            unknown = names_in(parse(self.expression)) - set(names)
        except ExpressionError as error:
            raise ValueError(f"when: {error}") from None
        if unknown:
            raise ValueError(f"when: there is no condition {min(unknown)!r}, but {', '.join(names)}")
        return self

    @property
    def expression(self) -> str:
        """``when``, written out."""
        return self.when.strip() or " and ".join(one.name for one in self.conditions)
