"""Sources other than flow exporters: verdicts, explanations, sums by kind, and what Home says of them."""

import re
from pathlib import Path

import pytest
from tests.api.fakes import FakeCollector, FakeQuestions
from tests.collect.intake.fakes import FakeIntake

import weft.collect
from weft.api.explanations import EXPLANATIONS, explain
from weft.api.models.base import Status
from weft.api.source_reasons import summed_up
from weft.api.source_views import chosen, source_views
from weft.api.status import StatusBoard
from weft.model.sources import SourceStatus

NOW = 1_000_000.0
COLLECT = Path(weft.collect.__file__).parent


def source(name="core1", **more):
    values = {
        "kind": "snmp", "target": f"{name}:161", "state": "ok", "expected_s": 60.0, "received": 10, "rows": 100,
        "per_s": 2.0, "coverage": 1.0, "first_seen_ns": int((NOW - 600) * 1e9), "last_seen_ns": int((NOW - 5) * 1e9),
    }  # fmt: skip
    return SourceStatus(name=name, **values | more)


def only(**more):
    return source_views([source(**more)], NOW)[0]


def board_of(*sources):
    clock = [NOW]
    intake = FakeIntake(list(sources))
    board = StatusBoard(FakeCollector(), FakeQuestions(), intake=intake, clock=lambda: clock[0])
    return board, intake, clock


def test_all_is_well():
    view = only()
    assert (view.status, view.reasons, view.id) == (Status.OK, [], "snmp:core1:161")
    assert (view.first_seen, view.last_seen) == (NOW - 600, NOW - 5)


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"state": "failing", "last_error": "no answer"}, Status.CRITICAL, "source_failing"),
        ({"state": "silent", "last_seen_ns": int((NOW - 300) * 1e9)}, Status.WARNING, "source_silent"),
        ({"state": "silent", "last_seen_ns": int((NOW - 3600) * 1e9)}, Status.CRITICAL, "source_silent"),
        ({"state": "degraded", "errors": {"too_old": 3}}, Status.WARNING, "source_errors"),
        ({"coverage": 0.5}, Status.WARNING, "source_coverage"),
        ({"clock_skew_s": -90.0}, Status.WARNING, "source_clock"),
    ],
)
def test_what_is_wrong_is_said_with_advice(more, status, code):
    view = only(**more)
    assert view.status is status
    assert [reason.code for reason in view.reasons] == [code]
    reason = view.reasons[0]
    assert reason.fix
    assert reason.source == view.id
    assert reason.title.startswith("core1: ")


def test_a_source_that_fails_is_not_also_said_to_have_gaps():
    assert [r.code for r in only(state="failing", coverage=0.1).reasons] == ["source_failing"]


def test_errors_are_explained_most_frequent_first():
    view = only(state="degraded", errors={"too_old": 2, "refused": 9, "never_heard_of": 1, "none": 0})
    assert [(one.reason, one.count) for one in view.errors] == [("refused", 9), ("too_old", 2), ("never_heard_of", 1)]
    assert view.errors[0].fix == EXPLANATIONS["refused"].fix
    assert view.errors[2].what == "Never heard of"


def test_a_reason_may_mean_something_else_for_a_kind(monkeypatch):
    monkeypatch.setitem(EXPLANATIONS, "gnmi:refused", EXPLANATIONS["disk"])
    assert explain("refused", "gnmi") == EXPLANATIONS["disk"]
    assert explain("refused", "snmp") == EXPLANATIONS["refused"]


#: Reasons that a source counts, as they stand in its code; those that are not written out there are added by hand.
_LITERAL = re.compile(r"""(?:book\.error|FetchFailed|SnmpError|SecurityError|_failed)\(\s*"([a-z_]+)\"""")
_KINDS = {"snmp": "snmp", "gnmi": "gnmi", "syslog": "syslog", "push": "prometheus", "configs": "configs",
          "inventory": "inventory"}  # fmt: skip


@pytest.mark.parametrize("package", _KINDS)
def test_what_sources_count_is_explained(package):
    code = "".join(path.read_text() for path in (COLLECT / package).rglob("*.py"))
    kinds = ("snmp", "trap") if package == "snmp" else (_KINDS[package],)
    unexplained = {
        reason
        for reason in _LITERAL.findall(code)
        if not any(f"{kind}:{reason}" in EXPLANATIONS for kind in kinds) and reason not in EXPLANATIONS
    }
    assert unexplained == set()


def test_ids_are_unique_and_the_worst_comes_first():
    views = source_views([source(), source(), source("b", state="failing"), source("c", state="starting")], NOW)
    assert [view.id for view in views] == ["snmp:b:161", "snmp:c:161", "snmp:core1:161", "snmp:core1:161#2"]
    assert views[1].status is Status.UNKNOWN


def test_kinds_are_summed_up():
    board, intake, clock = board_of(source(), source("b", state="failing", errors={"timeout": 4}))
    intake.now.append(source("s", kind="syslog", rows=7, per_s=1.0))
    board.sample()
    clock[0] += 10
    intake.now[0] = source(rows=300)
    board.sample()
    snmp, syslog = board.sources().kinds
    assert (snmp.kind, snmp.total, snmp.states, snmp.status) == ("snmp", 2, {"ok": 1, "failing": 1}, Status.CRITICAL)
    assert (snmp.rows, snmp.rows_per_s, snmp.errors, snmp.attention) == (400, 4.0, 4, 1)
    assert snmp.history.values == [20.0]
    assert (syslog.total, syslog.status) == (1, Status.OK)


def test_home_knows_of_them():
    board, _, _ = board_of(source(), source("b", state="failing", last_error="no answer"))
    view = board.overview()
    assert view.status is Status.CRITICAL
    assert [kind.kind for kind in view.sources] == ["snmp"]
    assert view.checks[1] == "2 sources besides, 1 silent or failing"
    assert board_of(source())[0].overview().headline == "Everything is all right: 1 other source, all heard"
    assert "1 not heard yet" in board_of(source(state="starting"))[0].overview().headline


def test_the_same_trouble_of_many_is_one_reason():
    many = source_views([source(f"d{i}", state="failing") for i in range(5)], NOW)
    reason, *more = summed_up(many)
    assert not more
    assert reason.title == "5 SNMP sources fail at every attempt: d0, d1, d2 and 2 more"
    assert len(list(summed_up(many[:2]))) == 2


def test_lost_rows_are_critical():
    board, intake, clock = board_of(source())
    board.sample()
    intake.rows_lost = {"spool_full": 12}
    clock[0] += 10
    board.sample()
    reasons = board.overview().reasons
    assert [(r.code, r.status) for r in reasons] == [("intake_rows_lost", Status.CRITICAL)]
    assert "collect.spool_bytes" in reasons[0].fix
    assert board.sources().intake.lost_rows[0].count == 12


def test_search():
    board, _, _ = board_of(source(), source("edge", kind="gnmi", exporter="192.0.2.9", state="failing"))
    view = board.sources()
    assert [one.name for one in chosen(view, kinds=["gnmi"]).sources] == ["edge"]
    assert [one.name for one in chosen(view, states=["ok"]).sources] == ["core1"]
    assert [one.name for one in chosen(view, search="EDGE 192").sources] == ["edge"]
    assert [one.name for one in chosen(view, exporter="192.0.2.9").sources] == ["edge"]
    assert chosen(view, limit=1).total == 2
    assert chosen(view, search="nothing").kinds == view.kinds


def test_over_http(client, deps, login):
    login()
    answer = client.get("/api/v1/sources", params={"kind": "snmp", "limit": 5})
    assert answer.status_code == 200
    assert answer.json()["sources"] == []
    assert answer.json()["intake"]["running"] is False
    assert client.get("/api/v1/sources", params={"limit": 0}).status_code == 400
