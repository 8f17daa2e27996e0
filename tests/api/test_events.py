"""Events over HTTP: found, read, acknowledged, judged by people; policies, detectors, channels; who may do what."""

import dataclasses
import time

import numpy as np
import pyarrow as pa
import pytest
from tests.api.fakes import answer

from weft.api.event_pages import EventPages
from weft.detect import memory as kept
from weft.detect.backtest import History, Nameless
from weft.detect.backtests import Backtests
from weft.detect.config import DetectConfig
from weft.detect.detector import About
from weft.detect.frame import Frame, SeriesKey
from weft.detect.memory import EventMemory
from weft.detect.notify.config import ChannelConfig, NotifyConfig
from weft.detect.notify.dispatcher import Notifier
from weft.detect.policies.book import PolicyBook
from weft.detect.report import EngineStatus
from weft.detect.runs import DetectorStatus
from weft.detect.suppression import Suppression
from weft.errors import Unavailable
from weft.model.events import Entity, Event, EventGroup, EventState, Evidence, Severity
from weft.model.logs import LOGS
from weft.model.views import ViewColumn
from weft.query.model import Query

NOW = time.time() // 60 * 60
ABOUT = About("links", "Lines", EventGroup.LINK, "Lines that are down.", {"link_down": "A line is down."})


def event(name="e1", **fields):
    base = {
        "id": name, "detector": "links", "kind": "link_down", "group": EventGroup.LINK, "severity": Severity.MAJOR,
        "state": EventState.CLOSED, "title": f"Line {name} is down", "text": "It went down.",
        "entity": Entity(kind="interface", id="chi|et-0"), "started_s": NOW - 3600, "detected_s": NOW - 3590,
        "raised_s": NOW - 3580, "seen_s": NOW - 3000, "ended_s": NOW - 3000,
    }  # fmt: skip
    return Event(**base | fields)


OPEN = {"state": EventState.OPEN, "ended_s": None}


class Engine:
    def __init__(self):
        self.refreshed = 0

    def status(self):
        one = DetectorStatus("links", "Lines", EventGroup.LINK, "learning", 0.25, 7, 3, 0, "", 1.5, NOW - 30, 0)
        return EngineStatus(running=True, detectors=[one], failed={"broken": "no such thing"})

    def abouts(self):
        return {"links": ABOUT}

    def watched(self):
        return {"links": "logs, as they arrive"}

    def refresh(self):
        self.refreshed += 1


class Box:
    takes_each = True

    def __init__(self):
        self.got, self.error = [], None

    def send(self, message):
        if self.error:
            raise self.error
        self.got.append(message)


def frame_of(watch, since_s, until_s):
    """A site whose traffic is high in the first quarter of each hour."""
    times = np.arange(since_s, until_s, watch.step_s)
    values = np.where(times % 3600 < 900, 20.0, 1.0)[None, :]
    return Frame([SeriesKey(Entity(kind="site", id="chi"), {})], times, values, watch.step_s, "bit/s")


def rates(query):
    columns = [ViewColumn(name=name, title=name, kind="text") for name in ("detector", *query.measures)]
    return answer(query, [["links", 14.0]]).model_copy(update={"columns": columns})


@pytest.fixture
def memory(state):
    one = EventMemory(state)
    one.put("test", [event(), event("e2", severity=Severity.CRITICAL, started_s=NOW - 60, **OPEN)])
    return one


@pytest.fixture
def engine():
    return Engine()


@pytest.fixture
def box():
    return Box()


class Past:
    """History in which nothing came, and which may be slow or away."""

    def __init__(self):
        self.slow, self.error = False, None

    def rows(self, tables, since_s, until_s):
        if self.error:
            raise self.error
        while self.slow and since_s < until_s:
            time.sleep(0.01)
            since_s += 60
            yield since_s, "logs", pa.RecordBatch.from_pylist([], schema=LOGS.schema)


@pytest.fixture
def history():
    return Past()


@pytest.fixture
def deps(deps, memory, state, engine, box, history):
    notify = NotifyConfig(channels=[ChannelConfig(name="noc", webhook="http://127.0.0.1/x", token="s3cret")])
    pages = EventPages(
        engine, memory, PolicyBook(state), Notifier(notify, senders=lambda _: box),
        ask=rates, frame_of=frame_of, policy_errors=dict, notify=notify,
        backtests=Backtests(lambda: History(history, Nameless()), DetectConfig()), false_alarms=1.0,
    )  # fmt: skip
    return dataclasses.replace(deps, detection=lambda: pages)


@pytest.fixture
def operator(as_role):
    return as_role("operator")


@pytest.fixture
def viewer(as_role):
    return as_role("viewer")


def listed(client, **params):
    found = client.get("/api/v1/events", params=params)
    assert found.status_code == 200, found.text
    return found.json()


def test_events_are_listed_newest_first_with_what_else_there_is(viewer):
    view = listed(viewer)
    assert [one["id"] for one in view["events"]] == ["e2", "e1"]
    assert (view["total"], view["next_before"], view["learning"]) == (2, None, ["Lines"])
    assert (view["counts"]["severities"]["critical"], view["counts"]["states"]["open"]) == (1, 1)
    assert view["counts"]["groups"]["security"] == 0
    assert view["events"][0]["entity"] == {"kind": "interface", "id": "chi|et-0", "title": ""}


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"state": "open"}, ["e2"]),
        ({"severity": "critical"}, ["e2"]),
        ({"severity": "major"}, ["e2", "e1"]),
        ({"group": ["security", "link"]}, ["e2", "e1"]),
        ({"group": ["security"]}, []),
        ({"kind": "ddos"}, []),
        ({"q": "line E1"}, ["e1"]),
        ({"entity": "interface:chi|et-0"}, ["e2", "e1"]),
        ({"entity": "device:chi"}, []),
        ({"detector": "links"}, ["e2", "e1"]),
        ({"since": "now-30m"}, ["e2"]),
        ({"until": "now-30m"}, ["e1"]),
    ],
)
def test_events_are_filtered(viewer, params, found):
    assert [one["id"] for one in listed(viewer, **params)["events"]] == found


def test_pages_follow_each_other(viewer):
    first = listed(viewer, limit=1)
    second = listed(viewer, limit=1, before=first["next_before"])
    assert [one["id"] for one in (*first["events"], *second["events"])] == ["e2", "e1"]
    assert second["next_before"] is None


@pytest.mark.parametrize("params", [{"since": "x"}, {"since": "now", "until": "now-1h"}, {"before": "x/y"}])
def test_what_makes_no_sense_is_refused(viewer, params):
    assert viewer.get("/api/v1/events", params=params).status_code == 400


def test_what_is_suppressed_is_listed_where_asked_for(viewer, memory):
    quiet = event("e3", suppressed_by="upgrade", started_s=NOW - 100, **OPEN | {"state": EventState.SUPPRESSED})
    memory.put("test", [quiet])
    assert "e3" not in {one["id"] for one in listed(viewer)["events"]}
    assert [one["id"] for one in listed(viewer, state="suppressed")["events"]] == ["e3"]


def test_what_was_suppressed_as_it_ended_says_so_everywhere(operator, viewer, memory):
    said = operator.post(
        "/api/v1/events/e2/feedback",
        json={"verdict": "expected", "weekday": 0, "from_minute": 540, "to_minute": 600, "time_zone": "Europe/Zurich"},
    ).json()
    memory.put("test", [
        event("e3", suppressed_by="line cards"), event("e4", suppressed_by=said["id"]),
        event("e5", suppressed_by="0" * 32), event("e6", suppressed_by=said["id"], state=EventState.SUPPRESSED),
    ])  # fmt: skip
    assert {one["id"] for one in listed(viewer)["events"]} == {"e1", "e2"}
    assert {one["id"] for one in listed(viewer, state="closed")["events"]} == {"e1"}
    view = listed(viewer, state="suppressed")
    expected = "“expected on Mondays 09:00–10:00 Europe/Zurich”, said by operator"
    assert {one["id"]: (one["state"], one["suppressed_why"]) for one in view["events"]} == {
        "e3": ("closed", "maintenance “line cards”"), "e4": ("closed", expected),
        "e5": ("closed", "what somebody said, which is kept no longer"), "e6": ("suppressed", expected),
    }  # fmt: skip
    assert view["counts"]["states"] == {"open": 1, "closed": 1, "suppressed": 4}
    assert view["counts"]["groups"]["link"] == 4
    assert listed(viewer)["counts"]["groups"]["link"] == 2
    assert viewer.get("/api/v1/events/e4").json()["suppressed_why"] == expected
    assert viewer.get("/api/v1/events/e1").json()["suppressed_why"] == ""
    assert [one["suppressed"] for one in viewer.get("/api/v1/feedback").json()] == [2]


def test_one_event_comes_with_the_like_and_a_chart(viewer, memory):
    shown = Evidence(kind="query", title="Octets", query={"dataset": "metrics", "by": ["interface"]})
    memory.put("test", [event("e4", lower=1.0, expected=2.0, upper=3.0, unit="bit/s", evidence=[shown], **OPEN)])
    view = viewer.get("/api/v1/events/e4").json()
    assert (view["kind_title"], view["kind_text"], view["detector_title"]) == ("Link down", "A line is down.", "Lines")
    assert Query.model_validate(view["chart"]["query"]).dataset == "metrics"
    assert int(view["chart"]["query"]["since"]) < NOW - 3600
    assert (view["chart"]["band"]["upper"], view["chart"]["unit"]) == ([3.0, 3.0], "bit/s")
    assert "e4" not in {one["id"] for one in view["similar"]}
    assert {one["id"] for one in view["similar"]} <= {"e1", "e2"}
    assert viewer.get("/api/v1/events/none").status_code == 404


def test_a_band_over_time_is_drawn_as_the_model_gave_it(viewer, memory):
    rows = [[NOW + 60 * i, 1.0 + i, 2.0 + i, 3.0 + i] for i in range(3)]
    model = Evidence(kind="model", title="Expected", columns=["time", "lower", "expected", "upper"], rows=rows)
    asked = Evidence(kind="query", title="x", query={"dataset": "flows"})
    memory.put("test", [event("e5", evidence=[asked, model])])
    band = viewer.get("/api/v1/events/e5").json()["chart"]["band"]
    assert (band["start"], band["step"], band["lower"]) == (NOW, 60, [1.0, 2.0, 3.0])


def test_somebody_takes_care_and_leaves_it_again(operator, viewer, state):
    assert operator.put("/api/v1/events/e2/acknowledgement").json()["event"]["acknowledged_by"] == "operator"
    assert listed(viewer, state="open")["events"][0]["acknowledged_by"] == "operator"
    assert operator.delete("/api/v1/events/e2/acknowledgement").json()["event"]["acknowledged_by"] == ""
    assert viewer.put("/api/v1/events/e2/acknowledgement").status_code == 403
    assert operator.put("/api/v1/events/none/acknowledgement").status_code == 404
    told = [(one.actor.split()[0], one.action, one.target) for one in state.audit_log(10)]
    assert told[:2] == [("operator", "event.unacknowledge", "e2"), ("operator", "event.acknowledge", "e2")]


SCOPES = {
    "event": (True, False, False, False),
    "series": (True, True, False, False),
    "entity": (True, True, True, False),
    "kind": (True, True, False, True),
}


@pytest.mark.parametrize(("scope", "holds"), SCOPES.items())
def test_feedback_holds_for_what_it_says(operator, memory, scope, holds):
    said = operator.post("/api/v1/events/e2/feedback", json={"verdict": "not_an_issue", "scope": scope, "note": "old"})
    assert (said.status_code, said.json()["author"]) == (201, "operator")
    quiet = Suppression([], memory.feedback(in_force=True))
    other = Entity(kind="interface", id="lon|et-1")
    like = [
        event("e2", **OPEN),
        event("e9", **OPEN),
        event("e9", kind="flap", **OPEN),
        event("e9", entity=other, **OPEN),
    ]
    assert tuple(bool(quiet.reason(one, NOW)) for one in like) == holds


def test_what_is_expected_holds_at_its_times_only(operator, memory):
    body = {"verdict": "expected", "weekday": 0, "from_minute": 540, "to_minute": 600, "time_zone": "Europe/Zurich"}
    said = operator.post("/api/v1/events/e2/feedback", json=body).json()
    assert (said["weekday"], said["from_minute"], said["to_minute"], said["time_zone"]) == (
        0,
        540,
        600,
        "Europe/Zurich",
    )
    quiet = Suppression([], memory.feedback(in_force=True))
    monday = 1_772_438_400  # 2026-03-02 08:00 UTC, 09:00 there
    assert [bool(quiet.reason(event("e9"), monday + s)) for s in (-1, 0, 3599, 3600, 86_400)] == [0, 1, 1, 0, 0]
    every = {"verdict": "expected", "from_minute": 540, "to_minute": 600}
    again = operator.post("/api/v1/events/e2/feedback", json=every).json()
    assert (again["weekday"], again["scope_text"]) == (None, "link down at chi et-0")


def test_a_snooze_ends_and_feedback_is_withdrawn_on_record(operator, viewer, memory, engine):
    said = operator.post("/api/v1/events/e2/feedback", json={"verdict": "snooze", "for_s": 600}).json()
    assert 590 < said["until_s"] - said["created_s"] < 610
    memory.put("test", [event("e6", suppressed_by=said["id"], started_s=NOW - 10)])
    assert [one["suppressed"] for one in viewer.get("/api/v1/feedback").json()] == [1]
    assert viewer.delete(f"/api/v1/feedback/{said['id']}").status_code == 403
    gone = operator.delete(f"/api/v1/feedback/{said['id']}").json()
    assert (gone["withdrawn_by"], engine.refreshed) == ("operator", 2)
    assert operator.delete(f"/api/v1/feedback/{said['id']}").status_code == 404
    assert len(viewer.get("/api/v1/feedback").json()) == 1
    assert memory.feedback(in_force=True) == []


@pytest.mark.parametrize(
    "body",
    [
        {"verdict": "snooze"},
        {"verdict": "nonsense"},
        {"verdict": "expected", "from_minute": 5},
        {"verdict": "expected", "from_minute": 5, "to_minute": 5},
        {"verdict": "expected", "weekday": 1, "time_zone": "../etc"},
        {"verdict": "expected", "weekday": 1, "time_zone": "Mars/Olympus"},
        {"verdict": "snooze", "for_s": -1},
    ],
)
def test_feedback_that_makes_no_sense_is_refused(operator, body, memory):
    assert operator.post("/api/v1/events/e2/feedback", json=body).status_code in (400, 422)
    assert memory.feedback() == []


def test_detectors_say_how_they_do(viewer):
    view = viewer.get("/api/v1/detectors").json()
    one, broken = view["detectors"]
    assert (one["state"], one["learned"], one["watches"], one["kinds"]) == (
        "learning", 0.25, "logs, as they arrive", {"link_down": "A line is down."},
    )  # fmt: skip
    assert (one["events_day"], view["running"], view["false_alarms"]) == (2.0, True, 1.0)
    assert (broken["state"], broken["last_error"]) == ("failing", "no such thing")
    assert (one["limits"], view["notes"]) == ("", [])


def test_what_found_no_room_is_said(viewer, engine, monkeypatch):
    one = DetectorStatus("links", "Lines", EventGroup.LINK, "ready", 1.0, 7, 3, 0, "", 1.5, NOW, 4, 12, True)
    status = EngineStatus(
        running=True, detectors=[one], dropped={"flows": 70}, lost=1, refused=2, damaged=3, flooded=4, leads=False,
        leader="serve@b/7-a1",
    )  # fmt: skip
    monkeypatch.setattr(engine, "status", lambda: status)
    view = viewer.get("/api/v1/detectors").json()
    assert view["detectors"][0]["limits"] == (
        "there are more series than it watches, the smallest are left out; times that a series or deviation found no "
        "room: 12; findings beyond the most of a time: 4"
    )
    assert view["notes"][0] == "Series and policies are watched by serve@b; this process stands by."
    assert [note.split(": ")[-1] for note in view["notes"][1:]] == ["70.", "4.", "1.", "2.", "3."]


POLICY = {"name": "Full", "by": ["site"], "conditions": [{"name": "a", "measure": "bps", "threshold": 10}]}


def test_a_policy_is_previewed_kept_changed_and_removed(operator, viewer):
    preview = viewer.post("/api/v1/policies/preview", params={"since": "now-6h"}, json=POLICY)
    assert preview.status_code == 200, preview.text
    told = preview.json()
    assert (told["total"] in (6, 7), told["series"], told["fired_series"], told["units"]) == (
        True,
        1,
        1,
        {"a": "bit/s"},
    )
    assert viewer.get("/api/v1/policies").json()["policies"] == []
    assert viewer.post("/api/v1/policies", json=POLICY).status_code == 403
    assert operator.post("/api/v1/policies", json=POLICY).status_code == 201
    assert operator.post("/api/v1/policies", json=POLICY).status_code == 400
    changed = operator.put("/api/v1/policy", params={"name": "Full"}, json=POLICY | {"name": "Very full"})
    assert (changed.status_code, changed.json()["author"]) == (200, "operator")
    assert operator.put("/api/v1/policy", params={"name": "Full"}, json=POLICY).status_code == 400
    assert [one["policy"]["name"] for one in viewer.get("/api/v1/policies").json()["policies"]] == ["Very full"]
    assert operator.delete("/api/v1/policy", params={"name": "Very full"}).status_code == 200
    assert operator.delete("/api/v1/policy", params={"name": "Very full"}).status_code == 404


def finished(client, name):
    deadline = time.monotonic() + 60
    while (one := client.get(f"/api/v1/backtests/{name}").json())["state"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return one


def test_a_backtest_runs_and_is_told(viewer, history):
    started = viewer.post("/api/v1/backtests", json={"detectors": ["links"], "since": "now-1h", "learn": "1h"})
    assert started.status_code == 201, started.text
    done = finished(viewer, started.json()["id"])
    assert (done["state"], done["progress"], done["error"]) == ("done", 1.0, "")
    assert (done["report"]["events"], done["report"]["failed"]) == (0, {})
    assert [one["id"] for one in viewer.get("/api/v1/backtests").json()] == [done["id"]]
    assert viewer.delete(f"/api/v1/backtests/{done['id']}").status_code == 200
    assert viewer.get(f"/api/v1/backtests/{done['id']}").status_code == 404


def test_one_backtest_at_a_time_and_it_can_be_cancelled(viewer, history):
    history.slow = True
    first = viewer.post("/api/v1/backtests", json={"detectors": ["links"]}).json()
    assert viewer.post("/api/v1/backtests", json={}).status_code == 504
    assert viewer.delete(f"/api/v1/backtests/{first['id']}").status_code == 200
    done = finished(viewer, first["id"])
    assert (done["state"], done["error"]) == ("cancelled", "")


def test_a_backtest_that_fails_says_why(viewer, history):
    history.error = Unavailable("the store is away")
    started = viewer.post("/api/v1/backtests", json={"detectors": ["links"]}).json()
    assert finished(viewer, started["id"])["error"] == "the store is away"


@pytest.mark.parametrize(
    "body", [{"detectors": ["nothing"]}, {"since": "now", "until": "now-1d"}, {"since": "now-400d"}, {"learn": "x"}]
)
def test_backtests_that_make_no_sense_are_refused(viewer, body):
    assert viewer.post("/api/v1/backtests", json=body).status_code in (400, 504)
    assert viewer.get("/api/v1/backtests").json() == []


def test_an_unsound_policy_is_refused_with_where(operator):
    answer = operator.post("/api/v1/policies", json=POLICY | {"when": "a and b"})
    assert answer.status_code in (400, 422)
    assert "there is no condition 'b'" in answer.text


def test_channels_hide_their_secrets_and_can_be_tried(as_role, operator, viewer, box):
    view = viewer.get("/api/v1/channels")
    assert (view.json()["channels"][0]["way"], "s3cret" in view.text, "127.0.0.1" in view.text) == (
        "webhook",
        False,
        False,
    )
    assert operator.post("/api/v1/channels/test", params={"name": "noc"}).status_code == 403
    admin = as_role("admin")
    assert admin.post("/api/v1/channels/test", params={"name": "noc"}).status_code == 200
    assert box.got[0].title == "INFO: A test message"
    assert admin.post("/api/v1/channels/test", params={"name": "none"}).status_code == 404
    box.error = Unavailable("is away")
    assert admin.post("/api/v1/channels/test", params={"name": "noc"}).status_code == 503


def test_a_process_that_does_not_detect_says_so(app, deps, as_role):
    app.state.deps = dataclasses.replace(deps, detection=None)
    answer = as_role("viewer").get("/api/v1/events")
    assert (answer.status_code, answer.json()["error"]["message"]) == (503, "detection does not run in this process")


def test_the_scopes_name_what_feedback_is_kept_under(memory, operator):
    operator.post("/api/v1/events/e1/feedback", json={"verdict": "not_an_issue", "scope": "kind"})
    (one,) = memory.feedback()
    assert isinstance(one, kept.Feedback)
    assert {name: one.scope[name] for name in ("detector", "kind", "of")} == {
        "detector": "links", "kind": "link_down", "of": "kind",
    }  # fmt: skip
