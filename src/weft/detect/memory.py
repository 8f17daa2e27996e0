"""What detection remembers in the state store: events as they are now, and what people said of them.

Must hold no more than it says: events of long ago are forgotten, and feedback beyond a number is refused.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import and_, case, delete, func, or_, select

from weft.errors import InvalidInput, LimitExceeded
from weft.model.events import Event, EventGroup, EventState, Severity
from weft.store.state import StateStore
from weft.store.state.models import EventRecord, FeedbackRecord

log = structlog.get_logger(__name__)

VERDICTS = ("not_an_issue", "expected", "snooze")
#: Feedback in force, and all that is kept.
MOST_FEEDBACK, _MOST_SAID = 10_000, 20_000
#: How the names of those who find events by policies begin.
POLICY = "policy:"
_DAY_S = 86_400.0
#: Events in one answer.
MOST_LISTED = 1000


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; empty = all. ``until_s`` is exclusive. An event is in a window when it lasted into it."""

    since_s: float | None = None
    until_s: float | None = None
    states: Sequence[EventState] = ()
    severities: Sequence[Severity] = ()
    groups: Sequence[EventGroup] = ()
    kinds: Sequence[str] = ()
    detectors: Sequence[str] = ()
    entity: str = ""
    """``kind:id`` of what it is about; ``kind:`` = all of that kind."""
    text: str = ""
    """Part of the title or of the entity's id."""
    quiet: bool | None = None
    """Only those that are suppressed, or were when they ended; or only the others."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events, newest first. ``total``: all that match. ``next_before``: what to ask for next; empty = no more."""

    events: list[Event]
    total: int
    next_before: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody said of an event and the like of it. Times are UTC seconds.

    ``scope``: ``{"detector", "kind", "entity", "labels"}`` that it holds for, what is absent = any; and of
    ``expected`` also ``"weekly": [days 0-6, first minute of the day, last minute, time zone]``; ``{"event": id}``:
    only of that one.
    """

    id: str
    event_id: str
    verdict: str
    scope: Mapping[str, Any]
    note: str
    author: str
    created_s: float
    until_s: float | None = None
    withdrawn_s: float | None = None
    withdrawn_by: str = ""


class EventMemory:
    """Events and feedback in the state store. Thread-safe. Raises ``StoreUnavailable`` while that is away."""

    def __init__(self, state: StateStore, *, most: int = 200_000, keep_days: float = 730.0) -> None:
        self._state, self._most, self._keep_s = state, most, keep_days * 86_400

    # --- events -----------------------------------------------------------------------------------------------------

    def put(self, owner: str, events: Iterable[Event]) -> None:
        """Remember events as they are now. Who acknowledged one elsewhere meanwhile stays remembered."""
        now_s = time.time()
        with self._state.writing() as session, session.no_autoflush:
            for event in events:
                record = session.get(EventRecord, event.id, with_for_update=True)
                known = event if record is None else _acknowledged(event, record)
                session.merge(_record(known, owner, now_s))

    def open_of(self, owner: str, closed_since_s: float, *, but: Collection[str] = ()) -> list[Event]:
        """Events that a process had open when it ended, and those that closed lately; none of ``but`` and policies."""
        return self._open((EventRecord.owner == owner) & ~_found_by(but), closed_since_s)

    def open_by(self, detectors: Collection[str], closed_since_s: float) -> list[Event]:
        """The same of some detectors and of all policies, whichever process kept them."""
        return self._open(_found_by(detectors), closed_since_s)

    def closed_of(self, ids: Iterable[str]) -> list[Event]:
        """Which of these are over."""
        wanted, found = sorted(ids), []
        for since in range(0, len(wanted), 500):
            some = EventRecord.id.in_(wanted[since : since + 500])
            query = select(EventRecord.body).where(some, EventRecord.state == EventState.CLOSED.value)
            with self._state.reading() as session:
                found += _events(session.scalars(query))
        return found

    def _open(self, condition: Any, closed_since_s: float) -> list[Event]:
        current = EventRecord.state != EventState.CLOSED.value
        lately = EventRecord.ended >= closed_since_s
        query = select(EventRecord.body).where(condition, or_(current, lately)).limit(self._most)
        with self._state.reading() as session:
            return _events(session.scalars(query))

    def event(self, event_id: str) -> Event | None:
        """The event with that id."""
        with self._state.reading() as session:
            record = session.get(EventRecord, event_id)
            return None if record is None else Event.model_validate(record.body)

    def page(self, wanted: EventFilter, *, limit: int = 100, before: str = "") -> EventPage:
        """Events, newest first; ``before`` is ``next_before`` of the page before. Raises ``InvalidInput``."""
        limit = max(1, min(limit, MOST_LISTED))
        conditions = _conditions(wanted)
        rows = select(EventRecord.body, EventRecord.started, EventRecord.id).where(*conditions)
        if before:
            started, event_id = _place(before)
            after = or_(EventRecord.started < started, (EventRecord.started == started) & (EventRecord.id < event_id))
            rows = rows.where(after)
        rows = rows.order_by(EventRecord.started.desc(), EventRecord.id.desc()).limit(limit + 1)
        with self._state.reading() as session:
            total = session.scalar(select(func.count()).select_from(EventRecord).where(*conditions)) or 0
            found = session.execute(rows).all()
        more = len(found) > limit
        found = found[:limit]
        next_before = f"{found[-1][1]!r}/{found[-1][2]}" if more else ""
        return EventPage(_events(body for body, _, _ in found), total, next_before)

    def counts(self, wanted: EventFilter) -> dict[str, dict[str, int]]:
        """How many events match, by ``severity``, ``group``, ``state`` and ``kind``.

        Those that were suppressed when they ended count as suppressed.
        """
        columns: dict[str, Any] = {
            "severity": EventRecord.severity, "group": EventRecord.event_group, "kind": EventRecord.kind,
            "state": case((EventRecord.suppressed, EventState.SUPPRESSED.value), else_=EventRecord.state),
        }  # fmt: skip
        out: dict[str, dict[str, int]] = {}
        with self._state.reading() as session:
            for name, column in columns.items():
                query = select(column, func.count()).where(*_conditions(wanted)).group_by(column)
                found: list[tuple[Any, int]] = [(row[0], row[1]) for row in session.execute(query)]
                out[name] = {_severity(value) if name == "severity" else str(value): n for value, n in found}
        return out

    def acknowledge(self, event_id: str, author: str, at_s: float) -> Event | None:
        """Somebody takes care of it (empty author: nobody any more); None where there is no such event."""
        with self._state.writing() as session:
            record = session.get(EventRecord, event_id, with_for_update=True)
            if record is None:
                return None
            event = Event.model_validate(record.body).model_copy(
                update={"acknowledged_by": author[:200], "acknowledged_s": at_s if author else None}
            )
            record.body, record.updated = event.model_dump(mode="json"), at_s
            return event

    def prune(self, now_s: float) -> int:
        """Forget events that closed too long ago and the oldest of too many, open ones last; how many went.

        Feedback goes once it has not held for as long, and once the only event that it was of is gone.
        """
        gone: int = 0
        with self._state.writing() as session:
            over = EventRecord.state == EventState.CLOSED.value
            old: Any = session.execute(delete(EventRecord).where(over, EventRecord.ended < now_s - self._keep_s))
            gone += old.rowcount
            held = session.scalar(select(func.count()).select_from(EventRecord)) or 0
            if held > self._most:
                last = case((over, 0), else_=1)
                oldest = select(EventRecord.id).order_by(last, EventRecord.started).limit(held - self._most)
                many: Any = session.execute(delete(EventRecord).where(EventRecord.id.in_(oldest)))
                gone += many.rowcount
            self._prune_feedback(session, now_s)
        return int(gone)

    def _prune_feedback(self, session: Any, now_s: float) -> None:
        oldest_s = now_s - self._keep_s
        session.execute(
            delete(FeedbackRecord).where(or_(FeedbackRecord.withdrawn < oldest_s, FeedbackRecord.until < oldest_s))
        )
        alone = select(FeedbackRecord.id, FeedbackRecord.scope).where(
            FeedbackRecord.created < now_s - _DAY_S, ~select(EventRecord.id).where(_its_event).exists()
        )
        lost = [name for name, scope in session.execute(alone) if "event" in scope]
        for since in range(0, len(lost), 500):
            session.execute(delete(FeedbackRecord).where(FeedbackRecord.id.in_(lost[since : since + 500])))
        held = session.scalar(select(func.count()).select_from(FeedbackRecord)) or 0
        if held > _MOST_SAID:
            idle = select(FeedbackRecord.id).where(~and_(*_in_force(now_s))).order_by(FeedbackRecord.created)
            session.execute(delete(FeedbackRecord).where(FeedbackRecord.id.in_(idle.limit(held - _MOST_SAID))))

    # --- feedback ---------------------------------------------------------------------------------------------------

    def add_feedback(self, feedback: Feedback) -> Feedback:
        """Remember what somebody said. Raises ``InvalidInput`` or, when there is too much of it, ``LimitExceeded``."""
        if feedback.verdict not in VERDICTS:
            raise InvalidInput(f"no verdict {feedback.verdict!r}", where="verdict", fix=f"Use {', '.join(VERDICTS)}.")
        with self._state.writing() as session:
            held = session.scalar(select(func.count()).where(*_in_force(feedback.created_s))) or 0
            if held >= MOST_FEEDBACK:
                raise LimitExceeded(f"{held} are in force", where="feedback", fix="Withdraw some.")
            session.add(
                FeedbackRecord(
                    id=feedback.id, event_id=feedback.event_id, verdict=feedback.verdict, scope=dict(feedback.scope),
                    note=feedback.note[:2000], author=feedback.author[:200], created=feedback.created_s,
                    until=feedback.until_s, withdrawn=None, withdrawn_by="",
                )
            )  # fmt: skip
        return feedback

    def feedback(
        self, *, event_id: str = "", in_force: bool = False, now_s: float | None = None,
        ids: Collection[str] | None = None,
    ) -> list[Feedback]:  # fmt: skip
        """What was said, newest first: of one event, only what holds still, or what has one of some ids."""
        query = select(FeedbackRecord).order_by(FeedbackRecord.created.desc(), FeedbackRecord.id).limit(MOST_FEEDBACK)
        if ids is not None:
            query = query.where(FeedbackRecord.id.in_(list(ids)[:MOST_LISTED]))
        if event_id:
            query = query.where(FeedbackRecord.event_id == event_id)
        if in_force:
            at_s = time.time() if now_s is None else now_s
            query = query.where(*_in_force(at_s))
        with self._state.reading() as session:
            return [_feedback(record) for record in session.scalars(query)]

    def withdraw_feedback(self, feedback_id: str, author: str, at_s: float) -> Feedback | None:
        """It no longer holds; who said so stays remembered. None where there is none in force of that id."""
        with self._state.writing() as session:
            record = session.get(FeedbackRecord, feedback_id)
            if record is None or record.withdrawn is not None:
                return None
            record.withdrawn, record.withdrawn_by = at_s, author[:200]
            return _feedback(record)


_its_event = EventRecord.id == FeedbackRecord.event_id


# --- rows -----------------------------------------------------------------------------------------------------------


def _events(bodies: Iterable[Any]) -> list[Event]:
    found = []
    for body in bodies:
        try:
            found.append(Event.model_validate(body))
        except ValidationError as error:  # another Weft's: one of them must not cost the others
            log.warning("event_not_understood", errors=error.error_count())
    return found


def _record(event: Event, owner: str, now_s: float) -> EventRecord:
    body = _finite(event.model_dump(mode="json"))
    body["score"] = body["score"] or 0.0
    return EventRecord(
        id=event.id, owner=owner, detector=event.detector[:100], kind=event.kind[:100], event_group=event.group.value,
        severity=event.severity.rank, state=event.state.value, entity_kind=event.entity.kind,
        entity=_storable(event.entity.id), title=_storable(event.title), started=event.started_s, ended=event.ended_s,
        updated=now_s, suppressed=bool(event.suppressed_by), body=body,
    )  # fmt: skip


def _finite(value: Any) -> Any:
    """Without what is no number: JSON has none, and PostgreSQL refuses it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list) else value


def _storable(text: str) -> str:
    """Without NUL, which PostgreSQL takes in no text: one sender's would keep all events that wait from being kept."""
    return text.replace("\0", "")


def _acknowledged(event: Event, record: EventRecord) -> Event:
    said = {name: record.body.get(name) for name in ("acknowledged_by", "acknowledged_s")}
    return event.model_copy(update=said) if said["acknowledged_by"] != event.acknowledged_by else event


def _conditions(wanted: EventFilter) -> list[Any]:
    found: list[Any] = []
    if wanted.until_s is not None:
        found.append(EventRecord.started < wanted.until_s)
    if wanted.since_s is not None:
        found.append(or_(EventRecord.ended.is_(None), EventRecord.ended >= wanted.since_s))
    for column, values in (
        (EventRecord.state, [one.value for one in wanted.states]),
        (EventRecord.severity, [one.rank for one in wanted.severities]),
        (EventRecord.event_group, [one.value for one in wanted.groups]),
        (EventRecord.kind, list(wanted.kinds)),
        (EventRecord.detector, list(wanted.detectors)),
    ):
        if values:
            found.append(column.in_(values))
    if wanted.quiet is not None:
        found.append(EventRecord.suppressed.is_(wanted.quiet))
    if wanted.entity:
        kind, _, name = wanted.entity.partition(":")
        found.append(EventRecord.entity_kind == kind)
        if name:
            found.append(EventRecord.entity == name)
    if wanted.text:
        found.append(or_(*(c.icontains(wanted.text, autoescape=True) for c in (EventRecord.title, EventRecord.entity))))
    return found


def _found_by(detectors: Collection[str]) -> Any:
    """By one of these detectors, or by a policy."""
    return or_(EventRecord.detector.in_(list(detectors)), EventRecord.detector.startswith(POLICY, autoescape=True))


def _in_force(at_s: float) -> tuple[Any, ...]:
    return FeedbackRecord.withdrawn.is_(None), or_(FeedbackRecord.until.is_(None), FeedbackRecord.until > at_s)


def _place(before: str) -> tuple[float, str]:
    started, _, event_id = before.partition("/")
    try:
        return float(started), event_id
    except ValueError:
        raise InvalidInput("is not what an answer gave", where="before", fix="Use next_before of the answer.") from None


def _severity(rank: int) -> str:
    return next(one.value for one in Severity if one.rank == rank)


def _feedback(record: FeedbackRecord) -> Feedback:
    return Feedback(
        record.id, record.event_id, record.verdict, record.scope, record.note, record.author, record.created,
        record.until, record.withdrawn, record.withdrawn_by,
    )  # fmt: skip
