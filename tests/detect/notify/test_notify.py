"""Who is told of what, when, and how often."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from tests.detect.notify.boxes import NOW, Box, event, until

from weft.detect.notify.channel import Channel
from weft.detect.notify.config import ChannelConfig, NotifyConfig
from weft.detect.notify.dispatcher import Notifier
from weft.detect.notify.marks import StateMarks
from weft.detect.notify.message import Message, message_of, summary_of
from weft.errors import Failed, Unavailable
from weft.model.events import EventGroup, EventState, Severity
from weft.store.config import StoreConfig
from weft.store.state import open_state


def channel(box: Box | None = None, **settings) -> Channel:
    return Channel(
        ChannelConfig(name="noc", webhook="http://127.0.0.1/", **settings), box or Box(), "https://weft.test"
    )


def drain(one: Channel, now_s: float) -> list[Message]:
    found = []
    while waiting := one.due(now_s):
        found.append(waiting.message)
        one.sent(now_s)
    return found


def test_an_event_is_told_once_and_its_end_once() -> None:
    one = channel(hold_s=30)
    one.take(event(), NOW)
    assert drain(one, NOW + 29) == []
    assert [m.change for m in drain(one, NOW + 30)] == ["opened"]
    one.take(event(), NOW + 40)
    assert drain(one, NOW + 100) == []
    over = event(state=EventState.CLOSED, ended_s=NOW + 250)
    one.take(over, NOW + 250)
    one.take(over, NOW + 251)
    (end,) = drain(one, NOW + 251)
    assert (end.change, end.title) == ("closed", "OVER: Line 1 is down")
    assert ", 4 min" in end.body
    assert one.counts.repeated == 1


def test_what_is_over_soon_is_not_told() -> None:
    one = channel(hold_s=30)
    one.take(event(), NOW)
    one.take(event(state=EventState.CLOSED, ended_s=NOW + 20), NOW + 20)
    assert drain(one, NOW + 100) == []
    assert one.counts.held == 1


def test_what_is_critical_is_told_at_once_and_what_becomes_worse_again() -> None:
    one = channel(hold_s=30)
    one.take(event(severity=Severity.CRITICAL), NOW)
    assert [m.severity for m in drain(one, NOW)] == [Severity.CRITICAL]
    one.take(event(2), NOW)
    drain(one, NOW + 30)
    one.take(event(2, Severity.CRITICAL), NOW + 31)
    assert [m.change for m in drain(one, NOW + 31)] == ["worse"]


def test_only_what_the_channel_wants() -> None:
    one = channel(hold_s=0, groups=["security"], min_severity="minor")
    one.take(event(), NOW)
    one.take(event(2).model_copy(update={"group": EventGroup.SECURITY}), NOW)
    one.take(event(3, Severity.INFO).model_copy(update={"group": EventGroup.SECURITY}), NOW)
    assert [m.event.id for m in drain(one, NOW)] == ["e2"]
    one = channel(hold_s=0, kinds=["ddos"])
    one.take(event(), NOW)
    assert drain(one, NOW) == []


def test_a_flood_is_summed_up_once_an_hour() -> None:
    one = channel(Box(), hold_s=0, most_per_hour=3)
    for number in range(50):
        one.take(event(number, Severity.CRITICAL if number == 40 else Severity.MAJOR), NOW)
    assert [m.event.id for m in drain(one, NOW)] == ["e0", "e1", "e2", "e40"]  # what is critical has room of its own
    for number in range(100, 110):
        one.take(event(number, Severity.CRITICAL), NOW)
    assert len(drain(one, NOW)) == 2
    assert drain(one, NOW + 3599) == []
    (summary,) = drain(one, NOW + 3601)
    assert summary.title.startswith("54 more events")
    assert summary.body.splitlines()[0].startswith("CRITICAL: Line 10")
    assert summary.body.splitlines()[-2] == "and 34 more"
    assert one.counts.summed_up == 54


def test_what_only_a_summary_told_of_ends_without_a_message() -> None:
    one = channel(Box(), hold_s=0, most_per_hour=1)
    for number in range(4):
        one.take(event(number), NOW)
    drain(one, NOW)
    one.take(event(3, state=EventState.CLOSED, ended_s=NOW + 9), NOW + 9)  # before it was summed up
    one.take(event(2, state=EventState.SUPPRESSED), NOW + 9)
    (summary,) = drain(one, NOW + 3601)
    assert summary.title.startswith("1 more event")
    one.take(event(1, state=EventState.CLOSED, ended_s=NOW + 9), NOW + 3602)
    one.take(event(0, state=EventState.CLOSED, ended_s=NOW + 9), NOW + 7300)
    assert [m.event.id for m in drain(one, NOW + 7300)] == ["e0"]


def test_what_comes_back_is_held_back_again() -> None:
    one = channel(hold_s=30)
    one.take(event(), NOW)
    drain(one, NOW + 30)
    for round_ in range(1, 20):  # it comes and goes every ten seconds
        one.take(event(state=EventState.CLOSED, ended_s=NOW), NOW + 30 + 10 * round_)
        one.take(event(), NOW + 35 + 10 * round_)
    assert [m.change for m in drain(one, NOW + 239)] == ["closed"]
    assert [m.change for m in drain(one, NOW + 300)] == ["opened"]


def test_what_was_suppressed_meanwhile_is_told_as_over() -> None:
    one = channel(hold_s=0)
    one.take(event(), NOW)
    one.take(event(state=EventState.SUPPRESSED), NOW + 5)
    one.take(event(state=EventState.CLOSED, ended_s=NOW + 9, suppressed_by="f1"), NOW + 9)
    assert [m.change for m in drain(one, NOW + 9)] == ["opened", "closed"]


def test_machines_get_each() -> None:
    one = channel(Box(takes_each=True), hold_s=0, most_per_hour=1)
    for number in range(20):
        one.take(event(number), NOW)
    assert len(drain(one, NOW)) == 20


def test_what_waits_is_bounded() -> None:
    one = channel(Box(takes_each=True), hold_s=0)
    for number in range(3000):
        one.take(event(number), NOW)
    assert one.waiting == 1000
    assert one.counts.dropped == 2000
    held = channel(hold_s=60)
    for number in range(3000):
        held.take(event(number), NOW)
    assert len(drain(held, NOW + 61)) == 30
    assert held.counts.dropped == 2000


def test_what_fails_is_tried_again_in_order_and_given_up_at_last() -> None:
    one = channel(hold_s=0)
    one.take(event(1), NOW)
    one.take(event(2), NOW)
    first = one.due(NOW)
    one.not_sent(first, Unavailable("away"), NOW)
    assert one.due(NOW + 1.9) is None
    assert one.due(NOW + 2).message.event.id == "e1"
    one.not_sent(first, Unavailable("away"), NOW + 2)
    assert one.due(NOW + 5.9) is None
    one.not_sent(one.due(NOW + 6), Failed("refused"), NOW + 6)
    assert one.counts.failed == 1
    late = one.due(NOW + 6)
    one.not_sent(late, Unavailable("away"), NOW + 7 * 3600)
    assert (one.counts.failed, one.waiting) == (2, 0)


class Memory:
    def __init__(self, told: bytes = b"") -> None:
        self.told = told
        self.foreign: list[bytes] = []

    def load(self) -> bytes:
        return self.told

    def others(self) -> list[bytes]:
        return self.foreign

    def save(self, told: bytes) -> None:
        self.told = told


def notifier(box: Box, memory: Memory | None = None, **settings) -> Notifier:
    config = NotifyConfig(channels=[ChannelConfig(name="noc", webhook="http://127.0.0.1/", **settings)])
    return Notifier(config, memory, senders=lambda _: box, tick_s=0.01)


def test_a_restart_tells_nothing_twice_and_forgets_nothing() -> None:
    box, memory = Box(), Memory()
    one = notifier(box, memory, hold_s=0)
    one.start()
    one.take([event(1)])
    until(lambda: len(box.got) == 1)
    box.errors = [Unavailable("away")] * 1000
    one.take([event(2)])
    until(lambda: one.status()[0].counts.retried)
    one.stop()
    box.errors = []
    again = notifier(box, memory, hold_s=0)
    again.start()
    again.take([event(1), event(2)])
    until(lambda: len(box.got) == 2)
    again.stop()
    assert [m.event.id for m in box.got] == ["e1", "e2"]
    assert again.status()[0].counts.repeated == 1


def test_each_message_that_was_sent_is_remembered_and_none_that_was_not() -> None:
    box, memory = Box(takes_each=True), Memory()
    one = notifier(box, memory, hold_s=0)
    one.start()
    one.take([event(1), event(2), event(3)])
    until(lambda: len(box.got) == 3)
    one.stop()
    assert json.loads(memory.told) == {"noc": {"e1": 3, "e2": 3, "e3": 3}}


def test_an_end_that_could_not_be_told_is_told_after_a_restart() -> None:
    box, memory = Box(takes_each=True), Memory()
    one = notifier(box, memory, hold_s=0)
    one.start()
    one.take([event(1), event(2)])
    until(lambda: len(box.got) == 2)
    box.errors = [Unavailable("away")] * 1000
    over = event(1, state=EventState.CLOSED, ended_s=NOW + 9)
    one.take([over])
    until(lambda: one.status()[0].counts.retried)
    one.stop()
    box.errors = []
    again = notifier(box, memory, hold_s=0)
    again.start()
    again.catch_up(lambda ids: [over] if set(ids) == {"e1", "e2"} else [])
    until(lambda: len(box.got) == 3)
    again.stop()
    assert box.got[2].change == "closed"
    assert json.loads(memory.told) == {"noc": {"e1": 0, "e2": 3}}


def test_who_takes_over_tells_nothing_twice_and_tells_the_end() -> None:
    box, memory = Box(takes_each=True), Memory()
    memory.foreign = [b'{"noc": {"e1": 3, "e2": 3}}', b"nonsense", b'{"other": {"e9": 4}}']
    one = notifier(box, memory, hold_s=0)
    one.start()
    one.recall_others()
    one.take([event(1), event(2), event(3), event(1, state=EventState.CLOSED, ended_s=NOW + 9)])
    until(lambda: len(box.got) == 2)
    one.stop()
    assert [(m.event.id, m.change) for m in box.got] == [("e3", "opened"), ("e1", "closed")]


def test_marks_of_processes_that_are_gone_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = open_state(StoreConfig(data_dir=tmp_path))
    state.start()
    try:
        monkeypatch.setattr("weft.store.state.store.time.time", lambda: 1000.0)
        StateMarks(state, "old").save(b"{}")
        monkeypatch.undo()
        mine, other = StateMarks(state, "a"), StateMarks(state, "b")
        assert mine.load() == b""
        mine.save(b'{"noc": {}}')
        assert (mine.load(), mine.others(), other.others()) == (b'{"noc": {}}', [], [b'{"noc": {}}'])
        assert set(state.settings_of("notify.told.")) == {"notify.told.a"}
    finally:
        state.stop()


def test_what_becomes_of_messages_is_counted() -> None:
    box, registry = Box(), CollectorRegistry()
    box.errors = [Failed("refused")]
    config = NotifyConfig(channels=[ChannelConfig(name="noc", webhook="http://127.0.0.1/", hold_s=0)])
    one = Notifier(config, senders=lambda _: box, tick_s=0.01, registry=registry)
    one.start()
    one.take([event(1), event(2), event(2)])
    until(lambda: box.got)
    until(lambda: one.status()[0].counts.sent)

    def told(outcome: str) -> float | None:
        return registry.get_sample_value("weft_notify_messages_total", {"channel": "noc", "outcome": outcome})

    assert [told(name) for name in ("sent", "failed", "repeated", "dropped")] == [1, 1, 1, 0]
    assert registry.get_sample_value("weft_notify_waiting", {"channel": "noc"}) == 0
    one.stop()
    assert told("sent") is None


@pytest.mark.parametrize("told", [b"[]", b"nonsense", b'{"noc": 3}', b'{"noc": {"e1": "x"}}'])
def test_a_memory_that_is_damaged_is_no_harm(told) -> None:
    box = Box()
    one = notifier(box, Memory(told), hold_s=0)
    one.start()
    one.take([event()])
    until(lambda: box.got)
    one.stop()


def test_a_fault_in_a_service_ends_neither_channel_nor_process() -> None:
    box = Box()
    box.errors = [RuntimeError("a bug")]
    one = notifier(box, hold_s=0)
    one.start()
    one.take([event(1), event(2)])
    until(lambda: box.got)
    status = one.status()[0]
    one.stop()
    assert (status.counts.failed, box.got[0].event.id) == (1, "e2")


@pytest.mark.parametrize(
    "settings",
    [{}, {"webhook": "http://x/", "pagerduty": "k"}, {"webhook": "ftp://x/"}, {"pagerduty": "k", "token": "t"}],
)
def test_a_channel_says_one_way(settings) -> None:
    with pytest.raises(ValueError, match=r"noc|webhook"):
        ChannelConfig(name="noc", **settings)


def test_channels_have_names_of_their_own() -> None:
    one = {"name": "a", "webhook": "http://x/"}
    with pytest.raises(ValueError, match="same name"):
        NotifyConfig(channels=[one, one])


def test_words() -> None:
    text = message_of(event(seen=9e9, expected=3e9, lower=2e9, upper=4e9, unit="bit/s"), "opened").body
    assert "Seen 9 Gbit/s, expected 2 Gbit/s to 4 Gbit/s" in text
    assert "Since: 2026-05-28 20:26 UTC" in text
    assert summary_of([event()]).title.startswith("1 more event than")
