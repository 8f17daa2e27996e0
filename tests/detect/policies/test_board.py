"""Policies kept, and judged as time goes on."""

from __future__ import annotations

import numpy as np
import pytest

from weft.detect.frame import Frame, SeriesKey
from weft.detect.policies.board import PolicyBoard
from weft.detect.policies.book import MOST_POLICIES, PolicyBook
from weft.detect.policies.policy import Policy
from weft.detect.tracker import Tracker
from weft.errors import InvalidInput, LimitExceeded, Unavailable
from weft.model.events import Entity, EventState

T0 = 1_780_000_020 // 60 * 60


class Settings:
    def __init__(self) -> None:
        self.kept: dict = {}

    def setting(self, key, default=None):
        return self.kept.get(key, default)

    def set_setting(self, key, value):
        self.kept[key] = value


def policy(name: str = "Full", **fields) -> Policy:
    conditions = [{"name": "a", "measure": "bps", "threshold": 10}]
    return Policy.model_validate({"name": name, "by": ["site"], "conditions": conditions} | fields)


def test_policies_are_kept_by_name() -> None:
    settings = Settings()
    book = PolicyBook(settings, clock=lambda: 5.0)
    book.put(policy("b"), "ann")
    book.put(policy("A"), "bob")
    assert [(one.policy.name, one.author, one.updated_s) for one in PolicyBook(settings).all()] == [
        ("A", "bob", 5.0), ("b", "ann", 5.0),
    ]  # fmt: skip
    with pytest.raises(InvalidInput, match="taken"):
        book.put(policy("A"), "ann")
    with pytest.raises(InvalidInput, match="taken"):
        book.put(policy("A"), "ann", before="b")
    with pytest.raises(InvalidInput, match="no policy"):
        book.put(policy("x"), "ann", before="y")
    book.put(policy("c"), "ann", before="b")
    assert book.delete("c")
    assert not book.delete("c")
    assert [one.policy.name for one in book.all()] == ["A"]


def test_what_is_kept_and_not_understood_is_left_out() -> None:
    settings = Settings()
    book = PolicyBook(settings)
    book.put(policy(), "ann")
    settings.kept["detect.policies"] += [{"policy": {"name": "future", "sort": "new"}}, "nonsense"]
    assert [one.policy.name for one in book.all()] == ["Full"]


def test_policies_are_bounded() -> None:
    settings = Settings()
    one = {"policy": policy().model_dump(mode="json"), "author": "", "updated_s": 0.0}
    settings.kept["detect.policies"] = [
        one | {"policy": one["policy"] | {"name": f"p{number}"}} for number in range(MOST_POLICIES)
    ]
    with pytest.raises(LimitExceeded):
        PolicyBook(settings).put(policy(), "ann")


class Rig:
    """A board over one site whose traffic is as told, a minute each."""

    def __init__(self, values: list[float]) -> None:
        self.values, self.now, self.error = values, float(T0), None
        self.book, self.tracker, self.events = PolicyBook(Settings()), Tracker(), {}
        self.board = PolicyBoard(self.book, self.frame, self.take, clock=lambda: self.now)

    def frame(self, watch, since_s, until_s) -> Frame:
        if self.error:
            raise self.error
        times = np.arange(since_s, until_s, watch.step_s)
        at = (times - T0) // 60
        known = (at >= 0) & (at < len(self.values))
        values = np.where(known, np.array(self.values)[np.clip(at, 0, len(self.values) - 1)], np.nan)
        return Frame([SeriesKey(Entity(kind="site", id="chi"), {})], times, values[None, :], watch.step_s, "bit/s")

    def take(self, about, findings, reached_s) -> None:
        changes = self.tracker.take(about, findings, self.now) + self.tracker.advance(about.name, reached_s)
        self.events.update({change.event.id: change.event for change in changes})

    def until(self, minutes: int) -> None:
        while self.now < T0 + 60 * minutes:
            self.now += 30
            self.board.reread()
            self.board.judge_due()


def test_one_spell_is_one_event_however_often_it_is_judged() -> None:
    rig = Rig([1, 1, 20, 30, 20, 20, 1, 1, 1, 1, 1, 1, 1, 1])
    rig.book.put(policy(for_s=120, clear_s=120), "ann")
    rig.until(14)
    (event,) = rig.events.values()
    assert (event.detector, event.state, event.started_s, event.ended_s, event.seen) == (
        "policy:Full", EventState.CLOSED, T0 + 120, T0 + 360, 30.0,
    )  # fmt: skip
    assert event.detected_s <= T0 + 300


def test_a_policy_that_is_removed_ends_what_it_raised() -> None:
    rig = Rig([20.0] * 30)
    rig.book.put(policy(), "ann")
    rig.until(5)
    assert [event.state for event in rig.events.values()] == [EventState.OPEN]
    rig.book.delete("Full")
    rig.until(6)
    assert [event.state for event in rig.events.values()] == [EventState.CLOSED]


def test_one_that_cannot_be_judged_says_why_and_goes_on_later() -> None:
    rig = Rig([20.0] * 30)
    rig.book.put(policy(), "ann")
    rig.error = Unavailable("the store is away")
    rig.until(4)
    assert rig.board.errors() == {"Full": "the store is away"}
    rig.error = None
    rig.until(8)
    assert (rig.board.errors(), len(rig.events)) == ({}, 1)


def test_what_is_switched_off_is_not_judged() -> None:
    rig = Rig([20.0] * 30)
    rig.book.put(policy(enabled=False), "ann")
    rig.until(5)
    assert rig.events == {}
