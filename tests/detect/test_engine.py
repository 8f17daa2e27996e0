"""Detection at work: rows and series come in, events come out, and a restart changes nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import structlog

from weft.detect import registry
from weft.detect.config import DetectConfig, MaintenanceConfig
from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector, SeriesDetector, Watch
from weft.detect.engine import DetectEngine
from weft.detect.frame import Frame
from weft.detect.memory import EventFilter, EventMemory
from weft.detect.tracker import Change
from weft.errors import ConfigError, InvalidInput, StoreUnavailable
from weft.model.addresses import packed
from weft.model.events import Entity, EventGroup, EventState, Severity
from weft.model.flows import FLOWS
from weft.model.metrics import METRICS
from weft.model.rows import batch_of
from weft.query.matrix import Matrix
from weft.query.model import Query
from weft.store.config import StoreConfig
from weft.store.state import StateStore, open_state

DEVICE = packed("192.0.2.1")


class Hot(RowsDetector):
    """Processors above a limit."""

    about = About("hot", "Hot processors", EventGroup.DEVICE, "CPU above a limit.", {"cpu_high": "CPU above a limit."})
    tables = ("metrics",)

    def __init__(self, context: Context) -> None:
        self._context = context
        self._limit = float(context.config.settings.get("above", 90.0))
        self.ticks = 0
        self.remembered = 0

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        found = []
        for row in rows.to_pylist():
            if row["value"] == -1:
                raise ZeroDivisionError("a defect")
            if row["value"] == -2:
                entity, at_s = Entity(kind="device", id="edge1"), row["time"].timestamp()
                found.append(Finding("odd", entity, at_s, "no event", "", Severity.MINOR, labels={"a": 1}))  # type: ignore[dict-item]
            if row["metric"] == "cpu_percent" and row["value"] > self._limit:
                self.remembered += 1
                device = self._context.names.device(row["exporter"])
                found.append(
                    Finding(
                        "cpu_high", Entity(kind="device", id=device), row["time"].timestamp(), f"{device}: CPU high",
                        f"{row['value']:g} %, more than {self._limit:g} %", Severity.MAJOR, hold_s=300,
                        seen=row["value"], upper=self._limit, unit="%",
                    )
                )  # fmt: skip
        return found

    def tick(self, now_s: float) -> list[Finding]:
        self.ticks += 1
        return []

    def save(self) -> bytes:
        return str(self.remembered).encode()

    def load(self, state: bytes) -> None:
        self.remembered = int(state)


class Drop(SeriesDetector):
    """Traffic that ends."""

    about = About("drop", "Traffic that ends", EventGroup.TRAFFIC, "Nothing comes any more.", {"gone": "It ended."})

    def __init__(self, context: Context) -> None:
        self.watch = Watch("flows", "bps", ("exporter",), "device", ("exporter",), step_s=60, history_s=3600,
                           lateness_s=0)  # fmt: skip
        self.learned = 0
        self.fed: list[int] = []

    def learn(self, frame: Frame) -> None:
        self.learned += len(frame.times_s)

    def feed(self, frame: Frame) -> list[Finding]:
        self.fed += frame.times_s.tolist()
        return [
            Finding("gone", key.entity, float(at + 60), "ended", "no traffic, usually some", Severity.MINOR, hold_s=120)
            for key, values in zip(frame.keys, frame.values, strict=True)
            for at, value in zip(frame.times_s.tolist(), values.tolist(), strict=True)
            if value == 0
        ]

    def save(self) -> bytes:
        return str(self.learned).encode()

    def load(self, state: bytes) -> None:
        if not state.isdigit():
            raise InvalidInput("not mine")
        self.learned = int(state)


class Broken(Hot):
    def __init__(self, context: Context) -> None:
        raise RuntimeError("cannot be made")


class Places:
    sites: Mapping[str, str] = {"edge1": "chi"}

    def device(self, address: bytes) -> str:
        return "edge1" if address == DEVICE else "unknown"

    def interface(self, address: bytes, if_index: int) -> str:
        return f"et-0/0/{if_index}"

    def site(self, device: str) -> str:
        return self.sites.get(device, "")

    def site_of_address(self, address: bytes) -> str:
        return ""

    def networks(self) -> tuple[Any, ...]:
        return (ip_network("192.0.2.0/24"),)


class Store:
    """Traffic of a device that is zero from ``ends_s`` on. Fails while ``away``."""

    def __init__(self, ends_s: float = 1e18) -> None:
        self.ends_s, self.away, self.asked = ends_s, False, 0

    def matrix(self, query: Query, since_s: int, until_s: int, *, most: int) -> Matrix:
        self.asked += 1
        if self.away:
            raise StoreUnavailable("is away")
        if query.filter == "odd":
            raise RuntimeError("not foreseen")
        step = query.every or 60
        times = np.arange(since_s, until_s, step, dtype=np.int64)
        values = np.where(times >= self.ends_s, np.nan, 1e9)[None, :]
        heard = {"": np.ones(len(times), bool), "192.0.2.1": np.ones(len(times), bool)}
        keys = [("192.0.2.1",)] if np.isfinite(values).any() else []
        return Matrix(("exporter",), ("exporter",), keys, times, values[: len(keys)], step, "bit/s", True, heard)


@pytest.fixture(autouse=True)
def _detectors(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("detectors_of_tests")
    vars(module).update(Hot=Hot, Drop=Drop, Broken=Broken)
    monkeypatch.setitem(sys.modules, "detectors_of_tests", module)
    monkeypatch.setattr(registry, "BUILT_IN", {"hot": "detectors_of_tests:Hot", "drop": "detectors_of_tests:Drop"})


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    state = open_state(StoreConfig(data_dir=tmp_path))
    state.start()
    yield state
    state.stop()


class Lead:
    """A lease that is given and taken by hand."""

    def __init__(self, held: bool) -> None:
        self.held, self.holder = held, "another"


class Kit:
    """Makes engines on the same state, and keeps what they write."""

    def __init__(self, state: StateStore, path: Path) -> None:
        self.memory, self.path = EventMemory(state), path
        self.rows: list[pa.RecordBatch] = []
        self.changes: list[Change] = []
        self.engines: list[DetectEngine] = []

    def engine(self, *, store: Store | None = None, rows: bool = True, clock: Callable[[], float] = time.time,
               owner: str = "weft", leading: Lead | None = None, **settings: Any) -> DetectEngine:  # fmt: skip
        engine = DetectEngine(
            DetectConfig.model_validate(settings), self.memory, Places(), self.rows.append, questions=store, rows=rows,
            data_dir=self.path, settle_s=0.0, clock=clock, owner=owner, leading=leading,
        )  # fmt: skip
        engine.on_change(self.changes.extend)
        engine.start()
        self.engines.append(engine)
        return engine


@pytest.fixture
def kit(state: StateStore, tmp_path: Path) -> Iterator[Kit]:
    kit = Kit(state, tmp_path)
    yield kit
    for engine in kit.engines:
        engine.stop()


def until(what: Callable[[], Any], seconds: float = 20.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.02)
    assert found
    return found


def cpu(value: float, at_s: float | None = None) -> pa.RecordBatch:
    at = np.array([int((time.time() if at_s is None else at_s) * 1e9)], "datetime64[ns]")
    return batch_of(METRICS, 1, time=at, time_received=at, exporter=[DEVICE], metric="cpu_percent", value=value,
                    metric_type=2)  # fmt: skip


def put(engine: DetectEngine, rows: pa.RecordBatch) -> None:
    until(lambda: engine.status().detectors)
    until(lambda: engine._wanted)
    engine.tap(METRICS, rows)


def test_a_row_becomes_an_event_everywhere(kit: Kit) -> None:
    engine = kit.engine()
    put(engine, cpu(97.0))
    (event,) = until(lambda: kit.memory.page(EventFilter()).events)
    assert (event.kind, event.entity.text, event.state) == ("cpu_high", "device:edge1", EventState.OPEN)
    assert (event.seen, event.upper, event.unit) == (97.0, 90.0, "%")
    (row,) = until(lambda: [row for batch in kit.rows for row in batch.to_pylist()])
    assert (row["transition"], row["event_id"], row["site"], row["severity"]) == (1, event.id, "chi", 3)
    assert [c.event.id for c in until(lambda: kit.changes)] == [event.id]
    put(engine, cpu(98.0))
    until(lambda: engine.status().detectors[0].findings == 2)
    assert len(kit.memory.page(EventFilter()).events) == 1
    engine.tap(FLOWS, batch_of(FLOWS, 1))  # nobody asked for those
    assert engine.status().taken == {"metrics": 2}


def test_rows_of_long_ago_are_not_looked_at(kit: Kit) -> None:
    engine = kit.engine()
    put(engine, cpu(97.0, time.time() - 7200))
    assert engine.status().old == {"metrics": 1}
    assert engine.status().taken == {}


def test_a_restart_goes_on_with_events_and_states(kit: Kit) -> None:
    first = kit.engine()
    put(first, cpu(97.0))
    (event,) = until(lambda: kit.memory.page(EventFilter()).events)
    first.stop()
    second = kit.engine()
    put(second, cpu(99.0))
    until(lambda: second.status().detectors[0].findings == 1)
    second.stop()
    (again,) = kit.memory.page(EventFilter()).events
    assert (again.id, again.count, again.seen) == (event.id, 2, 97.0)
    assert second._runs["hot"].detector.remembered == 2  # type: ignore[union-attr]


def test_being_slow_does_not_look_like_silence(kit: Kit) -> None:
    now = [1_800_000_000.0]
    engine = kit.engine(clock=lambda: now[0])
    put(engine, cpu(1.0, now[0]))
    until(lambda: engine._told_s == now[0])
    now[0] += 3600  # the machine slept
    until(lambda: engine._told_s > 1_800_000_000.0)
    assert engine._told_s <= 1_800_000_000.0 + 5 * 20
    engine.stop()
    engine._told_s = now[0]
    engine._inbox._closed = False
    engine._inbox.put("metrics", cpu(1.0), now[0] - 30)  # rows of half a minute ago wait still
    assert engine._pace() == now[0]
    now[0] += 10
    assert engine._pace() == now[0] - 10
    now[0] -= 7200  # the clock was set back
    assert engine._pace() == now[0]


def test_settings_reach_a_detector_and_switch_it_off(kit: Kit) -> None:
    engine = kit.engine(detectors={"hot": {"settings": {"above": 50}}, "drop": {"enabled": False}})
    put(engine, cpu(60.0))
    (event,) = until(lambda: kit.memory.page(EventFilter()).events)
    assert event.upper == 50
    with pytest.raises(ConfigError, match="no detector cold"):
        kit.engine(detectors={"cold": {}})


def test_a_detector_that_fails_leaves_the_others_alone(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.BUILT_IN, "broken", "detectors_of_tests:Broken")
    monkeypatch.setitem(registry.BUILT_IN, "gone", "no_such_module:Detector")
    engine = kit.engine(store=Store())
    put(engine, cpu(-1))
    until(lambda: {d.name: d.errors for d in engine.status().detectors}["hot"])
    put(engine, cpu(97.0))
    until(lambda: kit.memory.page(EventFilter()).events)
    assert set(engine.status().failed) == {"broken", "gone"}
    status = {d.name: d for d in engine.status().detectors}
    assert "a defect" in status["hot"].last_error
    assert until(lambda: {d.name: d.state for d in engine.status().detectors}["drop"] == "ready")


def test_a_finding_that_makes_no_event_ends_nothing(kit: Kit) -> None:
    engine = kit.engine()
    put(engine, cpu(-2))
    until(lambda: {d.name: d.errors for d in engine.status().detectors}["hot"])
    put(engine, cpu(97.0))
    assert [e.kind for e in until(lambda: kit.memory.page(EventFilter()).events)] == ["cpu_high"]


def test_a_question_that_breaks_does_not_starve_the_others(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "BUILT_IN", {"odd": "detectors_of_tests:Drop", **registry.BUILT_IN})
    engine = kit.engine(store=Store(), rows=False, detectors={"odd": {"filter": "odd"}})
    until(lambda: {d.name: d.state for d in engine.status().detectors}.get("drop") == "ready")
    odd = {d.name: d for d in engine.status().detectors}["odd"]
    assert (odd.state, odd.errors) == ("failed", 1)
    assert "not foreseen" in odd.last_error


def test_announced_work_suppresses_and_says_so(kit: Kit) -> None:
    work = MaintenanceConfig(name="new line cards", entities=["site:chi"], since="2020-01-01", until="2099-01-01")
    engine = kit.engine(maintenance=[work.model_dump()])
    put(engine, cpu(97.0))
    (event,) = until(lambda: kit.memory.page(EventFilter()).events)
    assert (event.state, event.suppressed_by) == (EventState.SUPPRESSED, "new line cards")
    assert [row["transition"] for batch in until(lambda: kit.rows) for row in batch.to_pylist()] == [4]


def test_series_are_learned_then_watched_and_a_silent_one_is_seen(kit: Kit) -> None:
    now = [1_800_000_000.0]
    store = Store()
    engine = kit.engine(store=store, rows=False, clock=lambda: now[0])
    until(lambda: [d for d in engine.status().detectors if d.state == "ready"])
    drop = engine._runs["drop"].detector
    assert isinstance(drop, Drop)
    assert (drop.learned, drop.fed) == (60, [])
    store.ends_s = now[0]
    now[0] += 180
    until(lambda: len(drop.fed) == 3)
    (event,) = until(lambda: kit.memory.page(EventFilter()).events)
    assert (event.entity.text, event.started_s, event.state) == ("device:edge1", 1_800_000_060.0, EventState.OPEN)
    store.ends_s = 1e18
    now[0] += 300
    until(lambda: kit.memory.page(EventFilter(states=[EventState.CLOSED])).events)


def test_after_a_restart_only_what_was_missed_is_fed(kit: Kit) -> None:
    now = [1_800_000_000.0]
    first = kit.engine(store=Store(), rows=False, clock=lambda: now[0])
    until(lambda: [d for d in first.status().detectors if d.state == "ready"])
    first.stop()
    now[0] += 600
    second = kit.engine(store=Store(), rows=False, clock=lambda: now[0])
    until(lambda: [d for d in second.status().detectors if d.reached_s == now[0]])
    drop = second._runs["drop"].detector
    assert isinstance(drop, Drop)
    assert (drop.learned, drop.fed) == (60, list(range(1_800_000_000, 1_800_000_600, 60)))
    second.stop()
    now[0] += 7200  # too long ago to raise anything: most of it is learned
    third = kit.engine(store=Store(), rows=False, clock=lambda: now[0], late_minutes=30)
    until(lambda: [d for d in third.status().detectors if d.reached_s == now[0]])
    drop = third._runs["drop"].detector
    assert isinstance(drop, Drop)
    assert drop.learned >= 60
    assert min(drop.fed, default=now[0]) >= now[0] - 1800


def test_one_watches_series_and_another_goes_on_where_it_was(kit: Kit) -> None:
    now = [1_800_000_000.0]
    store, lead, waits = Store(), Lead(True), Lead(False)
    first = kit.engine(store=store, rows=False, clock=lambda: now[0], owner="a", leading=lead)
    until(lambda: [d for d in first.status().detectors if d.state == "ready"])
    second_store = Store()
    second = kit.engine(store=second_store, rows=False, clock=lambda: now[0], owner="b", leading=waits)
    until(lambda: second.status().detectors)
    assert (second.status().leads, second.status().leader) == (False, "another")
    store.ends_s = second_store.ends_s = now[0]
    now[0] += 180
    (event,) = until(lambda: kit.memory.page(EventFilter()).events)
    assert second_store.asked == 0
    lead.held = False
    until(lambda: not first.status().open)
    told = len(kit.changes)
    waits.held = True
    until(lambda: [d for d in second.status().detectors if d.state == "ready"])
    until(lambda: second.status().open == 1)
    now[0] += 60
    until(lambda: second._tracker.open[0].count > event.count)
    second_store.ends_s = 1e18
    now[0] += 300
    until(lambda: kit.memory.page(EventFilter(states=[EventState.CLOSED])).events)
    assert {change.event.id for change in kit.changes[told:] if change.transition} == {event.id}
    assert kit.memory.page(EventFilter()).total == 1


def test_what_is_open_is_told_again_to_who_comes_anew(kit: Kit) -> None:
    first = kit.engine()
    put(first, cpu(97.0))
    until(lambda: kit.memory.page(EventFilter()).events)
    first.stop()
    kit.changes.clear()
    kit.engine()
    assert [c.event.state for c in until(lambda: kit.changes)] == [EventState.OPEN]


def test_a_store_that_is_away_is_asked_again(kit: Kit) -> None:
    now = [1_800_000_000.0]
    store = Store()
    store.away = True
    engine = kit.engine(store=store, rows=False, clock=lambda: now[0])
    until(lambda: store.asked)
    assert until(lambda: [d.last_error for d in engine.status().detectors if "away" in d.last_error])
    store.away = False
    now[0] += 30
    until(lambda: [d for d in engine.status().detectors if d.state == "ready"])


def test_counters_are_told(kit: Kit) -> None:
    engine = kit.engine(store=Store())
    put(engine, cpu(97.0))
    until(lambda: engine.status().open == 1)
    told = {s.name: s.value for family in engine._metrics.collect() for s in family.samples if not s.labels}
    assert told["weft_detect_events_open"] == 1
    names = {s.name for family in engine._metrics.collect() for s in family.samples}
    assert {"weft_detect_findings_total", "weft_detect_rows_total", "weft_detect_learned_ratio"} <= names
    assert told["weft_detect_leads"] == 1
    assert {"weft_detect_left_out_total", "weft_detect_cut"} <= names
    assert (told["weft_detect_refused_changes_total"], told["weft_detect_damaged_states_total"]) == (0, 0)


def test_a_detector_without_room_says_so_once(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hot, "left_out", property(lambda self: self.remembered), raising=False)
    with structlog.testing.capture_logs() as logs:
        engine = kit.engine()
        for _ in range(3):
            put(engine, cpu(97.0))
        until(lambda: engine.status().detectors[0].left_out == 3)
        until(lambda: {d.name: d.findings for d in engine.status().detectors}["hot"] == 3)
        engine.stop()
    assert [line["event"] for line in logs].count("detector_without_room") == 1
