"""What a store refuses holds up nothing else; what is kept is kept in bounds, and found again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from weft.detect.keeping import EventKeeping
from weft.detect.memory import EventFilter, EventMemory, Feedback
from weft.detect.tracker import CLOSED, OPENED, Change
from weft.errors import Failed, StoreUnavailable
from weft.model.events import Entity, Event, EventGroup, EventState, Severity
from weft.store.config import StoreConfig
from weft.store.state import StateStore, open_state

T = 1_800_000_000.0


def event(number: int = 1, **more: Any) -> Event:
    values: dict[str, Any] = {
        "id": f"e{number:04}", "detector": "links", "kind": "link_down", "group": EventGroup.LINK,
        "severity": Severity.MAJOR, "state": EventState.OPEN, "title": f"link {number} down", "text": "it says so",
        "entity": Entity(kind="device", id=f"edge{number}"), "started_s": T + number, "detected_s": T + number,
        "raised_s": T + number, "seen_s": T + number,
    }  # fmt: skip
    return Event(**(values | more))


def opened(*numbers: int) -> list[Change]:
    return [Change(event(number), OPENED) for number in numbers]


class Store:
    """A state store that takes what it is given but some, and may be away."""

    def __init__(self, refuses: Iterable[str] = (), error: Exception | None = None) -> None:
        self.refuses, self.error = set(refuses), error or Failed("will not have it")
        self.away, self.kept, self.calls = False, dict[str, Event](), 0

    def put(self, _owner: str, events: Iterable[Event]) -> None:
        self.calls += 1
        held = list(events)
        if self.away:
            raise StoreUnavailable("is away")
        if any(one.id in self.refuses for one in held):
            raise self.error
        self.kept |= {one.id: one for one in held}


def ids_in(batch: pa.RecordBatch) -> list[str]:
    return [str(one) for one in batch.column("event_id").to_pylist()]


class Kit:
    def __init__(self, store: Store, write: Any = None) -> None:
        self.told: list[str] = []
        self.rows: list[str] = []
        self.keeping = EventKeeping("me", store, write or self.write)  # type: ignore[arg-type]
        self.keeping.on_change(lambda changes: self.told.extend(change.event.id for change in changes))

    def write(self, batch: pa.RecordBatch) -> None:
        self.rows += ids_in(batch)


@pytest.mark.parametrize(
    "error", [Failed("will not have it"), StoreUnavailable("too large"), UnicodeEncodeError("utf-8", "x", 0, 1, "no")]
)
def test_one_event_that_is_refused_holds_up_no_other(error: Exception) -> None:
    store = Store(["e0001", "e0002", "e0003", "e0004"], error)
    kit = Kit(store)
    for round_ in range(60):
        kit.keeping.take(opened(1, 2, 3, 4, 10 + round_))
        kit.keeping.flush()
    for _ in range(10):
        kit.keeping.flush()
    assert set(store.kept) == {f"e{10 + number:04}" for number in range(60)}
    assert kit.keeping.refused >= 4
    assert {"e0001", "e0010", "e0069"} <= set(kit.told)
    assert {"e0001", "e0069"} <= set(kit.rows)  # another store, which takes it


def test_what_is_refused_is_set_aside_only_where_others_are_taken() -> None:
    store = Store(["e0001"])
    kit = Kit(store)
    kit.keeping.take(opened(1))
    for _ in range(20):
        kit.keeping.flush()
    assert kit.keeping.refused == 0  # it may be the store
    store.refuses = set()
    kit.keeping.flush()
    assert set(store.kept) == {"e0001"}


def test_a_store_that_is_away_costs_nothing_but_time(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    store.away = True
    kit = Kit(store)
    kit.keeping.take(opened(*range(500)))
    for _ in range(30):
        kit.keeping.flush()
    assert store.calls < 60  # it is not asked for each of them
    assert (kit.told, kit.keeping.refused) == ([], 0)
    store.away = False
    kit.keeping.flush()
    assert (len(store.kept), len(kit.told), len(kit.rows)) == (500, 500, 500)


def test_people_are_told_although_the_state_store_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("weft.detect.keeping.time.monotonic", lambda: now[0])
    store = Store()
    store.away = True
    kit = Kit(store)
    kit.keeping.take(opened(1))
    kit.keeping.flush()
    now[0] += 29
    kit.keeping.flush()
    assert kit.told == []
    now[0] += 2
    kit.keeping.flush()
    kit.keeping.flush()
    assert kit.told == ["e0001"]


def test_one_row_that_the_table_refuses_holds_up_no_other() -> None:
    rows: list[str] = []

    def write(batch: pa.RecordBatch) -> None:
        found = ids_in(batch)
        if "e0002" in found:
            raise Failed("will not have it")
        rows.extend(found)

    kit = Kit(Store(), write)
    for number in range(1, 9):
        kit.keeping.take(opened(number))
        kit.keeping.flush()
    assert sorted(rows) == [f"e{number:04}" for number in (1, 3, 4, 5, 6, 7, 8)]
    assert kit.keeping.refused == 1


def test_what_ends_while_there_is_no_room_is_remembered_as_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.detect.keeping._MOST_WAITING", 3)
    store = Store()
    kit = Kit(store)
    kit.keeping.take(opened(1, 2, 3, 4))
    kit.keeping.take([Change(event(1, state=EventState.CLOSED, ended_s=T + 9), CLOSED)])
    kit.keeping.flush()
    assert store.kept["e0001"].state is EventState.CLOSED
    assert kit.keeping.lost == 2  # the fourth event, and the row of the end


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    state = open_state(StoreConfig(data_dir=tmp_path))
    state.start()
    yield state
    state.stop()


def test_an_odd_number_is_kept_as_none_and_a_body_of_another_time_is_left_out(state: StateStore) -> None:
    memory = EventMemory(state)
    memory.put("me", [event(1, seen=float("nan"), score=float("inf")), event(2)])
    assert (found := memory.event("e0001")) is not None
    assert (found.seen, found.score) == (None, 0.0)
    with state.writing() as session:
        session.connection().exec_driver_sql("UPDATE events SET body = '{}' WHERE id = 'e0002'")
    assert [one.id for one in memory.page(EventFilter()).events] == ["e0001"]
    assert [one.id for one in memory.open_of("me", T)] == ["e0001"]


def test_events_of_shared_detectors_are_anybodys(state: StateStore) -> None:
    memory = EventMemory(state)
    memory.put("a", [event(1), event(2, detector="traffic_site"), event(3, detector="policy:Full")])
    memory.put("b", [event(4)])
    assert [one.id for one in memory.open_of("a", T, but=["traffic_site"])] == ["e0001"]
    assert {one.id for one in memory.open_by(["traffic_site"], T)} == {"e0002", "e0003"}


def test_what_was_suppressed_as_it_ended_is_counted_and_found_as_such(state: StateStore) -> None:
    memory = EventMemory(state)
    over = {"state": EventState.CLOSED, "ended_s": T + 60}
    quiet = event(2, suppressed_by="line cards", **over)
    now = event(3, suppressed_by="f1", state=EventState.SUPPRESSED)
    memory.put("me", [event(1, **over), quiet, now, event(4)])
    assert memory.counts(EventFilter())["state"] == {"closed": 1, "suppressed": 2, "open": 1}
    assert {one.id for one in memory.page(EventFilter(quiet=True)).events} == {"e0002", "e0003"}
    assert {one.id for one in memory.page(EventFilter(quiet=False)).events} == {"e0001", "e0004"}


def said(number: int, **more: Any) -> Feedback:
    values: dict[str, Any] = {
        "id": f"f{number}", "event_id": "e0001", "verdict": "not_an_issue", "scope": {"kind": "link_down"},
        "note": "", "author": "ann", "created_s": T,
    }  # fmt: skip
    return Feedback(**(values | more))


def test_feedback_that_long_holds_no_more_is_forgotten(state: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, day = EventMemory(state, keep_days=10), 86_400
    memory.put("me", [event(1)])
    memory.add_feedback(said(1))
    memory.add_feedback(said(2, verdict="snooze", until_s=T + 60))
    memory.add_feedback(said(3))
    memory.withdraw_feedback("f3", "bob", T + 120)
    memory.add_feedback(said(4, event_id="gone", scope={"event": "gone"}))
    memory.add_feedback(said(5, event_id="gone"))  # it holds of the like
    memory.add_feedback(said(6, scope={"event": "e0001"}))
    memory.prune(T + 9 * day)
    assert {one.id for one in memory.feedback()} == {"f1", "f2", "f3", "f5", "f6"}
    memory.prune(T + 11 * day)
    assert {one.id for one in memory.feedback()} == {"f1", "f5", "f6"}
    monkeypatch.setattr("weft.detect.memory._MOST_SAID", 3)
    for number in range(10, 15):
        memory.add_feedback(said(number, created_s=T + number, until_s=T + 11 * day))
    memory.prune(T + 11 * day)
    assert {one.id for one in memory.feedback()} == {"f1", "f5", "f6"}  # what holds stays, the oldest others go


def test_open_events_are_the_last_to_be_forgotten(state: StateStore) -> None:
    memory = EventMemory(state, most=2)
    memory.put("me", [event(1), *(event(n, state=EventState.CLOSED, ended_s=T + n) for n in (2, 3, 4))])
    assert memory.prune(T + 10) == 2
    assert {one.id for one in memory.page(EventFilter()).events} == {"e0001", "e0004"}
