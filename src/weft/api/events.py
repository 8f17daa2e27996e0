"""What the API may ask of detection; a process that does not detect has none of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from weft.api.models.events import (
    BacktestView,
    ChannelsView,
    DetectorsView,
    EventsView,
    EventView,
    Feedback,
    NewBacktest,
    NewFeedback,
    PoliciesView,
    PolicyPreview,
    PolicyRow,
)
from weft.detect.policies.policy import Policy
from weft.model.events import EventGroup, EventState, Severity


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events. ``state`` None = open and over, but those that are suppressed, or were when they ended.

    Those are ``suppressed``, on or over.
    """

    since: str = "now-24h"
    until: str = "now"
    state: EventState | None = None
    groups: tuple[EventGroup, ...] = ()
    min_severity: Severity = Severity.INFO
    kind: str = ""
    detector: str = ""
    entity: str = ""
    words: str = ""


class Detection(Protocol):
    """``weft.api.event_pages.EventPages``, loaded once detection runs."""

    def events(self, wanted: EventFilter, /, *, limit: int, before: str | None) -> EventsView:
        """Events, newest first."""

    def event(self, event_id: str, /) -> EventView:
        """One of them. Raises ``NotFound``."""

    def acknowledge(self, event_id: str, who: str, /, *, undo: bool = False) -> EventView:
        """Somebody takes care of it, or no longer does."""

    def say(self, event_id: str, said: NewFeedback, who: str, /) -> Feedback:
        """Give feedback."""

    def feedback(self) -> list[Feedback]:
        """All that was said, newest first, what was withdrawn too."""

    def withdraw(self, feedback_id: str, who: str, /) -> Feedback:
        """It holds no longer. Raises ``NotFound``."""

    def detectors(self) -> DetectorsView:
        """Every detector and how it does."""

    def backtest(self, wanted: NewBacktest, who: str, /) -> BacktestView:
        """Begin a back-test. Raises ``InvalidInput`` or ``LimitExceeded``."""

    def backtests(self) -> list[BacktestView]:
        """The latest back-tests, newest first."""

    def one_backtest(self, name: str, /) -> BacktestView:
        """One of them. Raises ``NotFound``."""

    def drop_backtest(self, name: str, /) -> bool:
        """Cancel or forget one; whether there was one."""

    def policies(self) -> PoliciesView:
        """Every policy."""

    def put_policy(self, policy: Policy, who: str, /, *, before: str | None = None) -> PolicyRow:
        """Add a policy, or replace the one called ``before``. Raises ``InvalidInput``."""

    def delete_policy(self, name: str, /) -> bool:
        """Remove one; whether there was one."""

    def preview(self, policy: Policy, since: str, until: str, /) -> PolicyPreview:
        """How often it would have fired. Raises ``InvalidInput``."""

    def channels(self) -> ChannelsView:
        """Who is told of events."""

    def test_channel(self, name: str, /) -> None:
        """Send a message now. Raises ``NotFound``, ``Unavailable`` or ``Failed``."""
