"""Answers about events, detectors, policies and channels: what detection knows, as pages show it."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from weft.api import event_views as views
from weft.api.errors import NotFound
from weft.api.events import EventFilter
from weft.api.models.events import (
    BacktestView,
    ChannelsView,
    DetectorsView,
    EventRow,
    EventsView,
    EventView,
    Feedback,
    NewBacktest,
    NewFeedback,
    PoliciesView,
    PolicyPreview,
    PolicyRow,
)
from weft.detect import memory as kept
from weft.detect.backtests import Backtests
from weft.detect.detector import About
from weft.detect.memory import EventMemory
from weft.detect.notify.config import NotifyConfig
from weft.detect.notify.dispatcher import Notifier
from weft.detect.policies.book import Kept, PolicyBook
from weft.detect.policies.evaluate import FrameOf, judge, spells
from weft.detect.policies.policy import Policy
from weft.detect.replay import Span
from weft.detect.report import EngineStatus
from weft.errors import InvalidInput
from weft.model.events import Entity, Event, EventGroup, EventState, Severity
from weft.model.views import ViewResult, Window
from weft.query.model import Query
from weft.query.times import parse_duration, parse_time

_WEEK_S = 7 * 86_400
_SIMILAR = 12
_LAST = 1000
#: States that are listed, and whether those are that are suppressed or were when they ended.
_STATES: Mapping[EventState | None, tuple[tuple[EventState, ...], bool]] = {
    None: ((), False), EventState.OPEN: ((EventState.OPEN,), False), EventState.CLOSED: ((EventState.CLOSED,), False),
    EventState.SUPPRESSED: ((), True),
}  # fmt: skip


class Engine(Protocol):
    """``weft.detect.engine.DetectEngine``, as far as pages ask about it."""

    def status(self) -> EngineStatus:
        """How detection is now."""

    def abouts(self) -> Mapping[str, About]:
        """What each detector that runs is, by name."""

    def watched(self) -> Mapping[str, str]:
        """What each looks at, in words."""

    def refresh(self) -> None:
        """Feedback has changed: use it now."""


class EventPages:
    """``weft.api.events.Detection``. Thread-safe."""

    def __init__(
        self, engine: Engine, memory: EventMemory, book: PolicyBook, notifier: Notifier, *,
        ask: Callable[[Query], ViewResult], frame_of: FrameOf, policy_errors: Callable[[], Mapping[str, str]],
        backtests: Backtests, notify: NotifyConfig, false_alarms: float, clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._engine, self._memory, self._book, self._notifier = engine, memory, book, notifier
        self._ask, self._frame_of, self._policy_errors, self._backtests = ask, frame_of, policy_errors, backtests
        self._notify, self._false_alarms, self._clock = notify, false_alarms, clock

    # Events.

    def events(self, wanted: EventFilter, *, limit: int, before: str | None) -> EventsView:
        """Events, newest first. Raises ``InvalidInput``."""
        now_s = self._clock()
        since_s, until_s = parse_time(wanted.since, now_s, "since"), parse_time(wanted.until, now_s, "until")
        if since_s >= until_s:
            raise InvalidInput("must be before the end", where="since")
        states, quiet = _STATES[wanted.state]
        every = kept.EventFilter(since_s, until_s + 1, entity=wanted.entity, text=wanted.words.strip())
        asked = replace(
            every, states=states, quiet=quiet, severities=_severities(wanted.min_severity), groups=wanted.groups,
            kinds=(wanted.kind,) if wanted.kind else (), detectors=(wanted.detector,) if wanted.detector else (),
        )  # fmt: skip
        page = self._memory.page(asked, limit=limit, before=before or "")
        # Chips count what there would be without themselves, so that one sees where else to look.
        counted = self._memory.counts(replace(every, states=states, quiet=quiet))
        counted["state"] = self._memory.counts(every)["state"]
        return EventsView(
            events=self._rows(page.events), total=page.total,
            counts=views.counts(counted), next_before=page.next_before or None, learning=self._learning(),
            window=Window(since=since_s, until=until_s), updated=now_s,
        )  # fmt: skip

    def event(self, event_id: str) -> EventView:
        """One of them. Raises ``NotFound``."""
        event = self._event(event_id)
        about = self._about(event)
        similar, total = self._similar(event)
        return EventView(
            event=event, kind_title=self._kind_title(event), kind_text=about.kinds.get(event.kind, ""),
            detector_title=about.title, suppressed_why=views.suppressed_why(event, self._said([event])),
            chart=views.chart(event, self._clock()), similar=self._rows(similar), similar_total=total,
            feedback=self._told(self._memory.feedback(event_id=event.id)), updated=self._clock(),
        )  # fmt: skip

    def acknowledge(self, event_id: str, who: str, *, undo: bool = False) -> EventView:
        """Somebody takes care of it, or no longer does. Raises ``NotFound``."""
        if self._memory.acknowledge(event_id, "" if undo else who, self._clock()) is None:
            raise NotFound("there is no such event")
        return self.event(event_id)

    def say(self, event_id: str, said: NewFeedback, who: str) -> Feedback:
        """Give feedback. Raises ``NotFound`` or ``InvalidInput``."""
        event, now_s = self._event(event_id), self._clock()
        record = kept.Feedback(
            uuid.uuid4().hex, event.id, said.verdict, views.scope_of(event, said), said.note, who, now_s,
            None if said.for_s is None else now_s + said.for_s,
        )  # fmt: skip
        self._memory.add_feedback(record)
        self._engine.refresh()
        return self._told([record])[0]

    def feedback(self) -> list[Feedback]:
        """All that was said, newest first."""
        return self._told(self._memory.feedback())

    def withdraw(self, feedback_id: str, who: str) -> Feedback:
        """It holds no longer. Raises ``NotFound``."""
        record = self._memory.withdraw_feedback(feedback_id, who, self._clock())
        if record is None:
            raise NotFound("there is no such feedback in force")
        self._engine.refresh()
        return self._told([record])[0]

    # Detectors.

    def detectors(self) -> DetectorsView:
        """Every detector and how it does."""
        status, now_s = self._engine.status(), self._clock()
        raised, quiet = self._rates("events_opened"), self._rates("events_suppressed")
        abouts, watched = self._engine.abouts(), self._engine.watched()
        return DetectorsView(
            detectors=views.detectors(status, abouts, watched, raised, quiet, now_s), false_alarms=self._false_alarms,
            running=status.running, notes=views.notes(status), updated=now_s,
        )  # fmt: skip

    # Back-tests.

    def backtest(self, wanted: NewBacktest, who: str) -> BacktestView:
        """Begin a back-test. Raises ``InvalidInput`` or ``LimitExceeded``."""
        now_s = self._clock()
        since_s, until_s = parse_time(wanted.since, now_s, "since"), parse_time(wanted.until, now_s, "until")
        span = Span(float(since_s - parse_duration(wanted.learn, "learn")), float(since_s), float(until_s))
        return views.backtest(self._backtests.run(wanted.detectors, span, who))

    def backtests(self) -> list[BacktestView]:
        """The latest back-tests, newest first."""
        return [views.backtest(one) for one in self._backtests.all()]

    def one_backtest(self, name: str) -> BacktestView:
        """One of them. Raises ``NotFound``."""
        one = self._backtests.get(name)
        if one is None:
            raise NotFound("there is no such back-test", fix="They are kept until Weft is started again.")
        return views.backtest(one)

    def drop_backtest(self, name: str) -> bool:
        """Cancel or forget one; whether there was one."""
        return self._backtests.drop(name)

    # Policies.

    def policies(self) -> PoliciesView:
        """Every policy."""
        rates = self._rates("events_opened")
        return PoliciesView(policies=[self._policy(one, rates) for one in self._book.all()], updated=self._clock())

    def put_policy(self, policy: Policy, who: str, *, before: str | None = None) -> PolicyRow:
        """Add a policy, or replace the one called ``before``. Raises ``InvalidInput``."""
        now = int(self._clock())
        judge(policy, now - 2 * policy.step_s, now, self._frame_of)  # what cannot be asked is refused now
        return self._policy(self._book.put(policy, who, before=before), self._rates("events_opened"))

    def delete_policy(self, name: str) -> bool:
        """Remove one; whether there was one."""
        return self._book.delete(name)

    def preview(self, policy: Policy, since: str, until: str) -> PolicyPreview:
        """How often it would have fired. Raises ``InvalidInput``."""
        now_s = self._clock()
        since_s, until_s = parse_time(since, now_s, "since"), parse_time(until, now_s, "until")
        if since_s >= until_s:
            raise InvalidInput("must be before the end", where="since")
        judged = judge(policy, since_s, until_s, self._frame_of)
        return views.preview(judged, spells(judged), Window(since=since_s, until=until_s))

    # Channels.

    def channels(self) -> ChannelsView:
        """Who is told of events."""
        return ChannelsView(channels=views.channels(self._notify, self._notifier.status()))

    def test_channel(self, name: str) -> None:
        """Send a message now. Raises ``NotFound``, ``Unavailable`` or ``Failed``."""
        if name not in {channel.name for channel in self._notify.channels}:
            raise NotFound("there is no such channel")
        now_s = self._clock()
        self._notifier.test(
            name,
            Event(
                id="test", detector="test", kind="test", group=EventGroup.TELEMETRY, severity=Severity.INFO,
                state=EventState.OPEN, title="A test message", text="Somebody wanted to know whether messages arrive.",
                entity=Entity(kind="channel", id=name), started_s=now_s, detected_s=now_s, raised_s=now_s, seen_s=now_s,
            ),
        )  # fmt: skip

    # What these share.

    def _event(self, event_id: str) -> Event:
        event = self._memory.event(event_id)
        if event is None:
            raise NotFound("there is no such event", fix="It may be older than detect.keep_days.")
        return event

    def _about(self, event: Event) -> About:
        about = self._engine.abouts().get(event.detector)
        return about or About(event.detector, event.detector.removeprefix(kept.POLICY), event.group, "", {})

    def _kind_title(self, event: Event) -> str:
        if event.detector.startswith(kept.POLICY):
            return "Policy"
        return event.kind.replace("_", " ").capitalize()

    def _learning(self) -> list[str]:
        return [one.title for one in self._engine.status().detectors if one.state == "learning"]

    def _rows(self, events: Sequence[Event]) -> list[EventRow]:
        said = self._said(events)
        return [views.row(event, self._kind_title(event), views.suppressed_why(event, said)) for event in events]

    def _said(self, events: Sequence[Event]) -> dict[str, kept.Feedback]:
        """What people said by which these are suppressed, by id."""
        ids = {event.suppressed_by for event in events if event.suppressed_by}
        return {one.id: one for one in self._memory.feedback(ids=ids)} if ids else {}

    def _similar(self, event: Event) -> tuple[list[Event], int]:
        """Of the same kind here, then elsewhere."""
        before = kept.EventFilter(until_s=event.started_s, kinds=(event.kind,), entity=event.entity.text)
        here = self._memory.page(before, limit=_SIMILAR)
        found, total = [one for one in here.events if one.id != event.id], here.total
        if len(found) < _SIMILAR // 2:
            wider = kept.EventFilter(until_s=event.started_s, kinds=(event.kind,), detectors=(event.detector,))
            known = {event.id, *(one.id for one in found)}
            found += [one for one in self._memory.page(wider, limit=_SIMILAR).events if one.id not in known]
        return found[:_SIMILAR], max(total, len(found))

    def _told(self, records: Sequence[kept.Feedback]) -> list[Feedback]:
        if not records:
            return []
        page = self._memory.page(kept.EventFilter(since_s=self._clock() - 30 * 86_400, quiet=True), limit=_LAST)
        quiet = Counter(event.suppressed_by for event in page.events)
        return [views.feedback(one, quiet[one.id]) for one in records]

    def _rates(self, measure: str) -> dict[str, float]:
        """Events a day of each detector over the last week."""
        found = self._ask(
            Query(dataset="events", view="table", measures=[measure], by=["detector"], since="now-7d", top=1000)
        )
        at = [column.name for column in found.columns].index(measure)
        return {str(row[0]): float(row[at] or 0) * 86_400 / _WEEK_S for row in found.rows}

    def _policy(self, one: Kept, rates: Mapping[str, float]) -> PolicyRow:
        name = f"{kept.POLICY}{one.policy.name}"
        opened = self._memory.page(kept.EventFilter(states=(EventState.OPEN,), detectors=(name,)), limit=1).total
        return PolicyRow(
            policy=one.policy, author=one.author, updated_s=one.updated_s, events_day=rates.get(name, 0.0),
            open=opened, last_error=self._policy_errors().get(one.policy.name, ""),
        )  # fmt: skip


def _severities(least: Severity) -> tuple[Severity, ...]:
    return () if least is Severity.INFO else tuple(one for one in Severity if one.rank >= least.rank)
