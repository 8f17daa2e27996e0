"""Events and feedback in the state store, states in files, and what suppresses an event."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from weft.detect.config import MaintenanceConfig
from weft.detect.keeping import EventKeeping, event_rows
from weft.detect.memory import MOST_FEEDBACK, EventFilter, EventMemory, Feedback
from weft.detect.states import StateFiles
from weft.detect.suppression import Suppression, maintenance
from weft.detect.tracker import CLOSED, OPENED, UPDATED, Change
from weft.errors import ConfigError, InvalidInput, LimitExceeded, StoreUnavailable
from weft.model.events import EVENTS, Entity, Event, EventGroup, EventState, Severity
from weft.store.config import StoreConfig
from weft.store.state import StateStore, open_state

T = 1_800_000_000.0  # Friday 2027-01-15 08:00 UTC


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StateStore]:
    state = open_state(StoreConfig(data_dir=tmp_path_factory.mktemp("state")))
    state.start()
    yield state
    state.stop()


@pytest.fixture
def memory(state: StateStore) -> EventMemory:
    memory = EventMemory(state, most=50)
    with state.writing() as session:
        for table in ("events", "event_feedback"):
            session.connection().exec_driver_sql(f"DELETE FROM {table}")
    return memory


def event(number: int = 1, **more: Any) -> Event:
    values: dict[str, Any] = {
        "id": f"e{number:04}", "detector": "links", "kind": "link_down", "group": EventGroup.LINK,
        "severity": Severity.MAJOR, "state": EventState.OPEN, "title": f"link {number} down", "text": "it says so",
        "entity": Entity(kind="interface", id=f"edge{number}|et-0/0/0"), "started_s": T + number,
        "detected_s": T + number, "raised_s": T + number, "seen_s": T + number,
    }  # fmt: skip
    return Event(**(values | more))


def test_a_name_with_nul_is_found_by_the_rest_of_it(memory: EventMemory) -> None:
    memory.put("me", [event(title="edge\x00 down", entity=Entity(kind="device", id="ed\x00ge"))])
    assert [one.id for one in memory.page(EventFilter(entity="device:edge", text="edge down")).events] == ["e0001"]


def test_events_are_listed_newest_first_page_by_page(memory: EventMemory) -> None:
    memory.put("me", [event(i) for i in range(25)])
    found, before = [], ""
    while True:
        page = memory.page(EventFilter(), limit=10, before=before)
        assert page.total == 25
        found += [one.id for one in page.events]
        before = page.next_before
        if not before:
            break
    assert found == [f"e{i:04}" for i in reversed(range(25))]
    with pytest.raises(InvalidInput):
        memory.page(EventFilter(), before="nonsense")


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (EventFilter(states=[EventState.CLOSED]), [2]),
        (EventFilter(severities=[Severity.CRITICAL]), [3]),
        (EventFilter(groups=[EventGroup.SECURITY]), [3]),
        (EventFilter(kinds=["ddos"], detectors=["ddos"]), [3]),
        (EventFilter(entity="interface:edge1|et-0/0/0"), [1]),
        (EventFilter(entity="host:"), [3]),
        (EventFilter(text="LINK"), [1, 2]),
        (EventFilter(text="100%"), []),
        (EventFilter(since_s=T + 50, until_s=T + 60), [1]),  # closed before, opened after: those are not in it
        (EventFilter(until_s=T + 3), [1, 2]),
    ],
)
def test_events_are_found_by(memory: EventMemory, wanted: EventFilter, ids: list[int]) -> None:
    memory.put("me", [
        event(1), event(2, state=EventState.CLOSED, ended_s=T + 40),
        event(3, kind="ddos", detector="ddos", group=EventGroup.SECURITY, severity=Severity.CRITICAL, title="flood",
              entity=Entity(kind="host", id="10.0.0.1"), started_s=T + 100),
    ])  # fmt: skip
    assert sorted(int(one.id[1:]) for one in memory.page(wanted).events) == ids
    assert sum(memory.counts(wanted)["state"].values()) == len(ids)


def test_an_event_is_replaced_and_who_acknowledged_it_stays(memory: EventMemory) -> None:
    memory.put("me", [event()])
    acknowledged = memory.acknowledge("e0001", "ann", T + 9)
    assert acknowledged is not None
    memory.put("me", [event(state=EventState.CLOSED, ended_s=T + 60)])
    kept = memory.event("e0001")
    assert kept is not None
    assert (kept.state, kept.acknowledged_by, kept.acknowledged_s) == (EventState.CLOSED, "ann", T + 9)
    assert memory.acknowledge("nothing", "ann", T) is None
    assert memory.event("nothing") is None


def test_each_process_goes_on_with_its_own(memory: EventMemory) -> None:
    memory.put("me", [event(1), event(2, state=EventState.CLOSED, ended_s=T), event(3, state=EventState.SUPPRESSED)])
    memory.put("other", [event(4)])
    assert {one.id for one in memory.open_of("me", T + 1)} == {"e0001", "e0003"}
    assert {one.id for one in memory.open_of("me", T - 1)} == {"e0001", "e0002", "e0003"}


def test_old_and_too_many_events_go(memory: EventMemory) -> None:
    memory.put("me", [event(i, state=EventState.CLOSED, ended_s=T - 3 * 365 * 86400) for i in range(5)])
    memory.put("me", [event(i) for i in range(100, 170)])
    assert memory.prune(T) == 25
    assert memory.page(EventFilter()).total == 50
    assert memory.event("e0169") is not None


def said(**more: Any) -> Feedback:
    values = {"id": "f1", "event_id": "e0001", "verdict": "not_an_issue", "note": "the lab", "author": "ann",
              "created_s": T,
              "scope": {"detector": "links", "kind": "link_down", "entity": "interface:edge1|et-0/0/0"}}  # fmt: skip
    return Feedback(**(values | more))  # type: ignore[arg-type]


def test_feedback_is_kept_withdrawn_and_bounded(memory: EventMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.add_feedback(said())
    memory.add_feedback(said(id="f2", verdict="snooze", until_s=T + 60))
    assert [one.id for one in memory.feedback(in_force=True, now_s=T + 61)] == ["f1"]
    withdrawn = memory.withdraw_feedback("f1", "bob", T + 70)
    assert withdrawn is not None
    assert (withdrawn.withdrawn_by, withdrawn.withdrawn_s) == ("bob", T + 70)
    assert memory.withdraw_feedback("f1", "bob", T + 71) is None
    assert {one.id for one in memory.feedback(event_id="e0001")} == {"f1", "f2"}
    with pytest.raises(InvalidInput):
        memory.add_feedback(said(id="f3", verdict="whatever"))
    monkeypatch.setattr("weft.detect.memory.MOST_FEEDBACK", 1)
    with pytest.raises(LimitExceeded):
        memory.add_feedback(said(id="f4"))
    memory.add_feedback(said(id="f5", created_s=T + 61))  # f2 is over, f1 withdrawn
    assert MOST_FEEDBACK > 1


def test_states_are_written_whole_and_checked(tmp_path: Path) -> None:
    states = StateFiles(tmp_path, most_bytes=1000)
    assert states.load("traffic site/1") is None
    states.save("traffic site/1", b"x" * 900, T, {"learn_from_s": 5})
    saved = states.load("traffic site/1")
    assert saved is not None
    assert (saved.state, saved.through_s, saved.about) == (b"x" * 900, T, {"learn_from_s": 5})
    with pytest.raises(LimitExceeded):
        states.save("traffic site/1", b"x" * 1001, T)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    wrong = whole[:-1] + bytes([whole[-1] ^ 1])
    magic, head, packed = whole.split(b"\n", 2)

    def headed(**values: Any) -> bytes:
        told = json.loads(head) | values
        kept = {name: value for name, value in told.items() if value is not None}
        return b"\n".join([magic, json.dumps(kept).encode(), packed])

    damaged = (
        b"", whole[:30], whole[:-12], wrong, b"weft detector 1\n{}\n", b"weft detector 1\n[]\n", b"\0" * 99,
        headed(through_s=None), headed(about=None), headed(through_s="then"), headed(through_s=float("nan")),
        headed(about=5), headed(about={"learn_from_s": "x"}), headed(bytes=-1), headed(bytes=1 << 60), headed(crc=None),
    )  # fmt: skip
    for broken in damaged:
        path.write_bytes(broken)
        assert states.load("traffic site/1") is None
    assert states.damaged == len(damaged)
    path.write_bytes(whole)
    assert states.load("traffic site/1") == saved
    states.forget("traffic site/1")
    states.forget("traffic site/1")


def test_a_state_cannot_unpack_to_more_than_it_says(tmp_path: Path) -> None:
    big, small = StateFiles(tmp_path), StateFiles(tmp_path, most_bytes=1000)
    big.save("bomb", b"\0" * 50_000_000, T)
    assert small.load("bomb") is None


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("when", "holds"),
    [("2027-01-15T23:30", True), ("2027-01-16T01:59", True), ("2027-01-16T02:00", False), ("2027-01-15T21:59", False),
     ("2027-01-14T23:30", False)],
)  # fmt: skip
def test_weekly_work_lasts_over_midnight(when: str, holds: bool) -> None:
    work = MaintenanceConfig(name="fridays", entities=["*"], weekdays=["friday"], begin="22:00", end="02:00")
    suppression = Suppression([maintenance(work)])
    assert bool(suppression.reason(event(), at(when))) is holds


@pytest.mark.parametrize(
    ("entities", "holds"),
    [(["device:edge1"], True), (["device:edge2"], False), (["site:chi"], True), (["interface:edge1|et-0/0/0"], True),
     (["device:edge*"], True), (["site:nyc", "device:x"], False)],
)  # fmt: skip
def test_work_covers_what_is_on_it(entities: list[str], holds: bool) -> None:
    work = MaintenanceConfig(name="w", entities=entities, since="2027-01-15T00:00Z", until="2027-01-16T00:00:00+00:00")
    suppression = Suppression([maintenance(work)])
    suppression.use_sites({"edge1": "chi"})
    assert bool(suppression.reason(event(), T)) is holds
    assert not suppression.reason(event(), T + 86400)
    other = maintenance(work.model_copy(update={"kinds": ["ddos"]}))
    assert not Suppression([other]).reason(event(), T)


def test_feedback_covers_what_it_says() -> None:
    def reason(feedback: Feedback, one: Event, at_s: float = T) -> str:
        return Suppression([], [feedback]).reason(one, at_s)

    assert reason(said(), event()) == "f1"
    assert not reason(said(), event(2))
    assert not reason(said(), event(kind="flap"))
    assert reason(said(scope={}), event(2, kind="flap", detector="x"))
    assert not reason(said(until_s=T - 1), event())
    assert not reason(said(withdrawn_s=T - 1), event())
    labelled = said(scope={"labels": {"port": "1"}})
    assert not reason(labelled, event())
    assert reason(labelled, event(labels={"port": "1", "more": "2"}))
    weekly = said(verdict="expected", scope={"weekly": [[4], 8 * 60, 9 * 60, "UTC"]})
    assert reason(weekly, event(), T)
    assert not reason(weekly, event(), T + 3600)
    assert not reason(weekly, event(), T + 86400)


@pytest.mark.parametrize("wrong", [
    {"entities": ["*"]}, {"entities": ["*"], "since": "2027-01-01"}, {"entities": []},
    {"entities": ["*"], "weekdays": ["friday"], "begin": "25:00"},
    {"entities": ["*"], "weekdays": ["friday"], "time_zone": "Mars/Olympus"},
])  # fmt: skip
def test_work_that_makes_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MaintenanceConfig.model_validate({"name": "w"} | wrong)
    with pytest.raises(ConfigError, match="no time"):
        maintenance(MaintenanceConfig(name="w", entities=["*"], since="tomorrow", until="2027-01-01"))


def test_times_as_yaml_reads_them() -> None:
    night = yaml.safe_load("{name: n, entities: ['*'], weekdays: [friday], begin: 22:30, end: '04:00'}")
    assert MaintenanceConfig.model_validate(night).begin == "22:30"
    day = yaml.safe_load("{name: n, entities: ['*'], since: 2027-01-15T00:00:00Z, until: 2027-01-16T00:00:00Z}")
    assert maintenance(MaintenanceConfig.model_validate(day)).since_s == at("2027-01-15T00:00")


def test_rows_of_changes_are_of_the_table() -> None:
    closed = event(2, state=EventState.CLOSED, ended_s=T + 62)
    rows = event_rows([(Change(event(), OPENED), 5), (Change(closed, CLOSED), 6)], lambda one: "chi")
    assert rows.schema == EVENTS.schema
    first, last = rows.to_pylist()
    assert (first["time"].timestamp(), first["lasted_s"], first["site"]) == (T + 1, 0.0, "chi")
    assert (last["time"].timestamp(), last["lasted_s"], last["transition"]) == (T + 62, 60.0, 3)


def test_changes_wait_while_the_stores_are_away(memory: EventMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[Any] = []
    told: list[Change] = []
    away = [True]

    def write(batch: Any) -> None:
        if away[0]:
            raise StoreUnavailable("is away")
        rows.append(batch)

    keeping = EventKeeping("me", memory, write)
    keeping.on_change(told.extend)
    keeping.on_change(lambda changes: 1 / 0)  # type: ignore[arg-type,return-value]
    keeping.take([Change(event(), OPENED)])
    keeping.flush()
    assert (len(rows), [c.transition for c in told]) == (0, [OPENED])
    away[0] = False
    keeping.take([Change(event(), UPDATED), Change(event(count=9), UPDATED)])
    keeping.flush(everything=True)
    keeping.flush()
    assert [batch.num_rows for batch in rows] == [1]
    assert (kept := memory.event("e0001")) is not None
    assert kept.count == 9
    monkeypatch.setattr("weft.detect.keeping._MOST_WAITING", 3)
    keeping.take([Change(event(i), OPENED) for i in range(10)])
    assert keeping.lost == 7


def test_feedback_is_plain_data() -> None:
    assert dataclasses.asdict(said())["scope"]["kind"] == "link_down"
