"""What people say of an event, through all of it: the engine, the state store, the pages, the channels, the audit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from weft.api.event_views import scope_of
from weft.api.models.events import NewFeedback
from weft.detect.config import DetectConfig, MaintenanceConfig
from weft.detect.detector import About, Finding
from weft.detect.engine import DetectEngine
from weft.detect.memory import EventFilter, EventMemory, Feedback
from weft.detect.notify.config import NotifyConfig
from weft.detect.notify.dispatcher import Notifier
from weft.detect.notify.message import Message
from weft.model.events import Entity, Event, EventGroup, EventState, Severity
from weft.store.config import StoreConfig
from weft.store.state import StateStore, open_state

ABOUT = About("traffic", "Traffic", EventGroup.TRAFFIC, "", {"high": "More than usual."})
ZURICH = ZoneInfo("Europe/Zurich")


def local(text: str, zone: ZoneInfo = ZURICH) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


class Box:
    takes_each = True

    def __init__(self) -> None:
        self.got: list[Message] = []

    def send(self, message: Message) -> None:
        self.got.append(message)


class Places:
    sites: dict[str, str] = {"edge1": "chi"}  # noqa: RUF012

    def networks(self) -> tuple[Any, ...]:
        return ()


class Kit:
    """An engine that is told findings by hand, at a time of one's choice, and a channel."""

    def __init__(self, state: StateStore, path: Path, **settings: Any) -> None:
        self.state, self.path, self.settings = state, path, settings
        self.memory, self.now, self.numbers = EventMemory(state), local("2026-03-02T08:00"), 0
        self.box = Box()
        self.begin()

    def begin(self) -> None:
        """As after a restart."""
        config = NotifyConfig.model_validate(
            {"channels": [{"name": "noc", "webhook": "http://127.0.0.1/", "hold_s": 0}]}
        )
        self.notifier = Notifier(config, senders=lambda _: self.box, clock=lambda: self.now)
        self.engine = DetectEngine(
            DetectConfig.model_validate({"reopen_minutes": 1} | self.settings), self.memory, Places(),  # type: ignore[arg-type]
            lambda rows: None, questions=None, rows=True, data_dir=self.path, clock=lambda: self.now,
        )  # fmt: skip
        self.engine.on_change(lambda changes: self.notifier.take([one.event for one in changes if one.transition]))
        self.engine.refresh()

    def found(self, device: str = "edge1", kind: str = "high", **more: Any) -> None:
        entity = Entity(kind="device", id=device)
        values: dict[str, Any] = {"title": f"{device} {kind}", "text": "", "severity": Severity.MAJOR, "hold_s": 600.0}
        self.engine.take(ABOUT, [Finding(kind, entity, self.now, **(values | more))], self.now)
        self.engine._keeping.flush()

    def passes(self, seconds: float) -> None:
        """Time, with nothing found."""
        self.now += seconds
        self.engine.take(ABOUT, [], self.now)
        self.engine._keeping.flush()

    def event(self, device: str = "edge1", kind: str = "high") -> Event:
        found = self.memory.page(EventFilter(kinds=[kind], entity=f"device:{device}")).events
        return found[0]

    def say(self, verdict: str, event: Event | None = None, **more: Any) -> Feedback:
        of, said = event or self.event(), NewFeedback(verdict=verdict, **more)  # type: ignore[arg-type]
        self.numbers += 1
        until = None if said.for_s is None else self.now + said.for_s
        one = Feedback(f"f{self.numbers}", of.id, verdict, scope_of(of, said), "", "ann", self.now, until)
        self.memory.add_feedback(one)
        self.engine.refresh()
        return one

    def told(self) -> list[tuple[str, str]]:
        (channel,) = self.notifier._channels
        found: list[tuple[str, str]] = []
        while one := channel.due(self.now):
            assert one.message.event is not None
            found.append((one.message.change, one.message.event.entity.id))
            channel.sent(self.now)
        return found


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    state = open_state(StoreConfig(data_dir=tmp_path))
    state.start()
    yield state
    state.stop()


@pytest.fixture
def kit(state: StateStore, tmp_path: Path) -> Kit:
    return Kit(state, tmp_path)


def test_who_takes_care_stays_known_while_the_event_goes_on(kit: Kit) -> None:
    kit.found()
    kit.memory.acknowledge(kit.event().id, "ann", kit.now)
    kit.now += 60
    kit.found(severity=Severity.CRITICAL)
    event = kit.event()
    assert (event.acknowledged_by, event.acknowledged_s, event.severity) == ("ann", kit.now - 60, Severity.CRITICAL)
    kit.passes(1200)
    assert (kit.event().state, kit.event().acknowledged_by) == (EventState.CLOSED, "ann")
    kit.memory.acknowledge(kit.event().id, "", kit.now)
    assert (kit.event().acknowledged_by, kit.event().acknowledged_s) == ("", None)


def test_what_is_no_issue_is_so_at_once_and_from_then_on(kit: Kit) -> None:
    kit.found()
    assert kit.told() == [("opened", "edge1")]
    said = kit.say("not_an_issue")
    assert (kit.event().state, kit.event().suppressed_by) == (EventState.SUPPRESSED, said.id)  # nothing had to be found
    kit.passes(1200)
    assert kit.event().state is EventState.CLOSED
    assert kit.told() == [("closed", "edge1")]  # who was told of its beginning
    kit.now += 7200
    kit.found()
    kit.found("edge2")
    kit.found(kind="low")
    assert (kit.event().state, kit.event("edge2").state) == (EventState.SUPPRESSED, EventState.OPEN)
    assert kit.told() == [("opened", "edge2"), ("opened", "edge1")]  # of another kind
    assert kit.event(kind="low").state is EventState.OPEN


def test_withdrawn_it_holds_no_longer(kit: Kit) -> None:
    kit.found()
    said = kit.say("not_an_issue")
    kit.told()
    kit.memory.withdraw_feedback(said.id, "bob", kit.now)
    kit.engine.refresh()
    assert (kit.event().state, kit.event().suppressed_by) == (EventState.OPEN, "")
    (kept,) = kit.memory.feedback()
    assert (kept.author, kept.withdrawn_by, kept.withdrawn_s) == ("ann", "bob", kit.now)


def test_a_snooze_ends_by_itself_and_is_told_then(kit: Kit) -> None:
    kit.found(hold_s=10_000.0)
    kit.say("snooze", for_s=3600, scope="event")
    assert kit.event().state is EventState.SUPPRESSED
    kit.begin()
    kit.engine._restore_events(lambda since_s: kit.memory.open_of("weft", since_s))
    for _ in range(6):
        kit.now += 598
        kit.found(hold_s=10_000.0)
    assert kit.event().state is EventState.SUPPRESSED
    assert kit.told() == []
    kit.passes(20)
    assert kit.event().state is EventState.OPEN
    assert kit.told() == [("opened", "edge1")]


def test_a_snooze_of_one_event_is_not_of_the_next(kit: Kit) -> None:
    kit.found()
    kit.say("snooze", for_s=86_400, scope="event")
    kit.passes(3600)
    kit.found()
    assert kit.event().state is EventState.OPEN


@pytest.mark.parametrize(
    ("when", "is_quiet"),
    [
        ("2026-03-09T09:00", True),  # Monday; on winter time
        ("2026-03-09T08:59", False),
        ("2026-03-09T09:59", True),
        ("2026-03-09T10:00", False),
        ("2026-03-10T09:30", False),  # Tuesday
        ("2026-03-30T09:00", True),  # the first Monday of summer time: an hour earlier by UTC
        ("2026-03-30T08:30", False),
        ("2026-03-30T10:00", False),
        ("2026-10-26T09:30", True),  # winter time again
    ],
)
def test_expected_every_monday_holds_by_the_clock_of_who_said_so(kit: Kit, when: str, is_quiet: bool) -> None:
    kit.found()
    kit.say("expected", weekday=0, from_minute=540, to_minute=600, time_zone="Europe/Zurich")
    kit.passes(3600)
    kit.told()
    kit.now = local(when)
    kit.found()
    assert kit.event().state is (EventState.SUPPRESSED if is_quiet else EventState.OPEN)
    assert kit.told() == ([] if is_quiet else [("opened", "edge1")])


def test_what_goes_on_beyond_its_expected_hours_is_told(kit: Kit) -> None:
    kit.now = local("2026-03-02T08:00")
    kit.found()
    kit.say("expected", weekday=0, from_minute=1380, to_minute=120, time_zone="Europe/Zurich")  # over midnight
    kit.passes(3600)
    kit.told()
    kit.now = local("2026-03-09T23:30")
    kit.found(hold_s=20_000.0)
    kit.now = local("2026-03-10T01:59")
    kit.found(hold_s=20_000.0)
    assert (kit.event().state, kit.told()) == (EventState.SUPPRESSED, [])
    kit.now = local("2026-03-10T02:01")
    kit.found(hold_s=20_000.0)
    assert (kit.event().state, kit.told()) == (EventState.OPEN, [("opened", "edge1")])


def test_what_ended_suppressed_and_comes_back_is_judged_anew(kit: Kit) -> None:
    kit.found()
    said = kit.say("not_an_issue")
    kit.found(ends=True)
    assert (kit.event().state, kit.event().suppressed_by) == (EventState.CLOSED, said.id)
    kit.memory.withdraw_feedback(said.id, "ann", kit.now)
    kit.engine.refresh()
    kit.now += 30  # within ``reopen_minutes``: the same event
    kit.found()
    assert (kit.event().state, kit.event().suppressed_by, kit.event().count) == (EventState.OPEN, "", 2)


def test_one_reason_may_take_the_place_of_another(state: StateStore, tmp_path: Path) -> None:
    work = MaintenanceConfig(name="line cards", entities=["site:chi"], since="2026-03-02T08:00Z", until="2026-03-03")
    kit = Kit(state, tmp_path, maintenance=[work.model_dump()])
    kit.now = local("2026-03-02T08:30")
    kit.found(hold_s=20_000.0)
    said = kit.say("not_an_issue")
    kit.now = local("2026-03-02T09:30")  # work began half an hour ago
    kit.found(hold_s=20_000.0)
    kit.engine._keeping.flush(everything=True)
    assert (kit.event().state, kit.event().suppressed_by) == (EventState.SUPPRESSED, "line cards")
    kit.memory.withdraw_feedback(said.id, "ann", kit.now)
    kit.engine.refresh()
    assert kit.event().state is EventState.SUPPRESSED


def test_feedback_that_cannot_be_understood_costs_no_other(kit: Kit) -> None:
    kit.found()
    odd = {"weekly": [[0], 0, 1440, "Mars/Olympus"], "kind": "high"}
    kit.memory.add_feedback(Feedback("odd", "e", "expected", odd, "", "ann", kit.now))
    kit.memory.add_feedback(Feedback("odder", "e", "expected", {"weekly": 3}, "", "ann", kit.now))
    said = kit.say("not_an_issue")
    assert kit.event().suppressed_by == said.id


def test_a_name_that_ends_like_a_pattern_is_none(kit: Kit) -> None:
    kit.found("edge*")
    kit.say("not_an_issue", kit.event("edge*"))
    kit.found("edge1")
    assert kit.event("edge1").state is EventState.OPEN
