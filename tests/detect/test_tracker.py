"""Findings become events: opened once, merged, worse, closed, opened again; bounded, and the same in any chunks."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from weft.detect.detector import About, Finding
from weft.detect.tracker import CLOSED, FLOOD, OPENED, REOPENED, SUPPRESSED, UPDATED, WORSE, Change, Tracker
from weft.model.events import Entity, Event, EventGroup, EventState, Evidence, Severity

ABOUT = About("links", "Links", EventGroup.LINK, "Links that fail.", {"link_down": "It is down."})
T = 1_800_000_000.0


def finding(at: float = 0.0, device: str = "edge1", kind: str = "link_down", **more: Any) -> Finding:
    values = {"severity": Severity.MAJOR, "hold_s": 300.0} | more
    return Finding(kind, Entity(kind="device", id=device), T + at, f"{device} down", "it says so", **values)


def told(changes: Sequence[Change]) -> list[tuple[int, str]]:
    return [(change.transition, change.event.entity.id) for change in changes]


def test_the_like_about_the_same_thing_is_one_event() -> None:
    tracker = Tracker()
    (opened,) = tracker.take(ABOUT, [finding()], T + 2)
    assert opened.transition == OPENED
    assert (opened.event.started_s, opened.event.detected_s, opened.event.raised_s) == (T, T, T + 2)
    assert told(tracker.take(ABOUT, [finding(60), finding(120)], T + 121)) == [(UPDATED, "edge1")] * 2
    assert told(tracker.take(ABOUT, [finding(60, "edge2"), finding(61, kind="flap")], T + 121)) == [
        (OPENED, "edge2"), (OPENED, "edge1"),
    ]  # fmt: skip
    assert told(tracker.take(ABOUT, [finding(121, labels={"port": "1"})], T + 121)) == [(OPENED, "edge1")]
    (event,) = [e for e in tracker.open if e.id == opened.event.id]
    assert (event.count, event.seen_s) == (3, T + 120)


def test_it_is_over_when_it_was_not_found_for_its_hold_time() -> None:
    tracker = Tracker()
    tracker.take(ABOUT, [finding(), finding(60)], T)
    assert tracker.advance("links", T + 360) == []
    assert tracker.advance("other", T + 9999) == []
    (closed,) = tracker.advance("links", T + 361)
    assert (closed.transition, closed.event.state, closed.event.ended_s) == (CLOSED, EventState.CLOSED, T + 60)
    assert tracker.open == []


def test_a_finding_that_ends_closes_at_its_time() -> None:
    tracker = Tracker()
    tracker.take(ABOUT, [finding(evidence=[Evidence(kind="fact", title="down")])], T)
    up = finding(30, ends=True, evidence=[Evidence(kind="fact", title="up")])
    (closed,) = tracker.take(ABOUT, [up], T + 31)
    assert (closed.transition, closed.event.ended_s) == (CLOSED, T + 30)
    assert [one.title for one in closed.event.evidence] == ["down", "up"]
    assert tracker.take(ABOUT, [finding(40, ends=True)], T + 41) == []  # nothing to end


def test_it_becomes_worse_and_is_told_by_its_worst() -> None:
    tracker = Tracker()
    tracker.take(ABOUT, [finding(severity=Severity.MINOR, score=3, seen=1.0)], T)
    (worse,) = tracker.take(ABOUT, [finding(60, severity=Severity.CRITICAL, score=9, seen=7.0, lower=0.0)], T)
    assert (worse.transition, worse.event.severity, worse.event.seen) == (WORSE, Severity.CRITICAL, 7.0)
    (same,) = tracker.take(ABOUT, [finding(120, severity=Severity.MINOR, score=20, seen=2.0)], T)
    assert (same.transition, same.event.severity, same.event.seen) == (UPDATED, Severity.CRITICAL, 7.0)


def test_what_grows_goes_on_as_the_same_event_and_its_parts_are_over() -> None:
    tracker = Tracker()
    first, second = (tracker.take(ABOUT, [finding(device=one)], T)[0] for one in ("edge1", "edge2"))
    of = [("link_down", Entity(kind="device", id=one)) for one in ("edge1", "edge2")]
    whole = finding(60, "all", kind="flap", was=of)
    over, worse = tracker.take(ABOUT, [whole], T + 60)
    assert (over.transition, over.event.id) == (CLOSED, second.event.id)
    assert (worse.transition, worse.event.id) == (WORSE, first.event.id)
    assert (worse.event.kind, worse.event.entity.id) == ("flap", "all")
    assert [one.id for one in worse.event.others] == ["edge1"]
    assert [one.id for one in tracker.open] == [first.event.id]
    assert told(tracker.take(ABOUT, [finding(90, "all", kind="flap")], T + 90)) == [(UPDATED, "all")]


def test_it_can_turn_out_to_have_begun_earlier_and_keeps_its_id() -> None:
    tracker = Tracker()
    (opened,) = tracker.take(ABOUT, [finding(started_s=T - 60)], T)
    (again,) = tracker.take(ABOUT, [finding(60, started_s=T - 300)], T)
    assert (opened.event.started_s, again.event.started_s) == (T - 60, T - 300)
    assert opened.event.id == again.event.id


def test_found_again_soon_it_is_the_same_event_and_later_another() -> None:
    tracker = Tracker(reopen_s=600)
    (opened,) = tracker.take(ABOUT, [finding()], T)
    tracker.take(ABOUT, [finding(30, ends=True)], T)
    (again,) = tracker.take(ABOUT, [finding(400)], T)
    assert (again.transition, again.event.id, again.event.state) == (REOPENED, opened.event.id, EventState.OPEN)
    assert again.event.ended_s is None
    tracker.take(ABOUT, [finding(430, ends=True)], T)
    (other,) = tracker.take(ABOUT, [finding(2000)], T)
    assert other.transition == OPENED
    assert other.event.id != opened.event.id


def test_what_is_late_or_known_raises_nothing() -> None:
    tracker = Tracker(late_s=3600)
    tracker.take(ABOUT, [finding(), finding(30, ends=True)], T)
    assert tracker.take(ABOUT, [finding(20)], T) == []
    assert tracker.counts.repeated == 1
    tracker.advance("links", T + 7200)
    assert tracker.take(ABOUT, [finding(60, "edge9")], T + 7200) == []
    assert tracker.counts.late == 1


def test_a_long_gap_in_one_batch_makes_two_events() -> None:
    tracker = Tracker(reopen_s=0)
    changes = tracker.take(ABOUT, [finding(), finding(1000)], T)
    assert told(changes) == [(OPENED, "edge1"), (CLOSED, "edge1"), (OPENED, "edge1")]


def test_a_flood_is_one_event_that_says_so() -> None:
    tracker = Tracker(most_open=10)
    changes = tracker.take(ABOUT, [finding(0, f"d{i}") for i in range(1000)], T)
    assert len(tracker.open) == 11
    flood = [c.event for c in changes if c.event.kind == FLOOD]
    assert flood[0].entity.text == "detector:links"
    assert flood[0].group is EventGroup.TELEMETRY
    assert tracker.counts.flooded == 990
    assert sum(c.transition == OPENED for c in changes) == 11


def test_feedback_suppresses_and_lets_go() -> None:
    muted = {"edge1"}
    tracker = Tracker(suppress=lambda event, at_s: "said so" if event.entity.id in muted else "")
    (first,) = tracker.take(ABOUT, [finding()], T)
    assert (first.transition, first.event.state, first.event.suppressed_by) == (
        SUPPRESSED, EventState.SUPPRESSED, "said so",
    )  # fmt: skip
    (worse,) = tracker.take(ABOUT, [finding(10, severity=Severity.CRITICAL)], T)
    assert worse.transition == UPDATED  # nobody is told
    muted.clear()
    (let_go,) = tracker.advance("links", T + 20)
    assert (let_go.transition, let_go.event.state, let_go.event.suppressed_by) == (OPENED, EventState.OPEN, "")
    muted.add("edge1")
    (muted_again,) = tracker.advance("links", T + 30)
    assert muted_again.transition == SUPPRESSED


def test_a_restart_changes_nothing() -> None:
    before = Tracker()
    before.take(ABOUT, [finding(), finding(0, "edge2"), finding(20, "edge2", ends=True)], T)
    after = Tracker()
    after.restore([*before.open, *(live.event for live in before._closed.values())])
    assert told(after.take(ABOUT, [finding(60)], T)) == [(UPDATED, "edge1")]
    assert told(after.take(ABOUT, [finding(100, "edge2")], T)) == [(REOPENED, "edge2")]


@pytest.mark.parametrize("seed", range(5))
def test_chunks_do_not_matter(seed: int) -> None:
    rng = random.Random(seed)
    findings = [
        finding(float(at), f"d{rng.randrange(4)}", severity=rng.choice(list(Severity)), ends=rng.random() < 0.1,
                hold_s=rng.choice([60.0, 300.0]))
        for at in sorted(rng.sample(range(20_000), 200))
    ]  # fmt: skip

    def events(step: int) -> list[Event]:
        tracker, found = Tracker(), {}
        for at in range(0, 21_000, step):
            some = [one for one in findings if T + at <= one.at_s < T + at + step]
            for change in [*tracker.take(ABOUT, some, T), *tracker.advance("links", T + at + step)]:
                found[change.event.id] = change.event
        return sorted(found.values(), key=lambda event: event.id)

    assert events(10) == events(50) == events(7000)
