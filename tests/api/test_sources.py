"""Verdicts: from the collector's counters to "is everything all right?" and what to do where it is not."""

import pytest
from tests.api.fakes import FakeCollector, FakeQuestions

from weft.api.history import History
from weft.api.knowledge import clock_offsets, exporter_names
from weft.api.models.base import Status
from weft.api.reasons import duration, number, share
from weft.api.sources import ExporterNames, Knowledge, counters, exporters_view
from weft.api.status import StatusBoard
from weft.collect.status import CollectStatus, ExporterLedger, StreamRate
from weft.model.exporters import StreamStatus

NOW = 1_000_000.0
A = "192.0.2.1"


class Clock:
    now = NOW

    def __call__(self):
        return self.now


def stream(**more):
    values = {
        "exporter": A, "source": A, "flow_type": 3, "observation_domain": 1, "datagrams": 1000, "records": 20_000,
        "octets": 1_400_000, "templates": 3, "sampling_rate": 1000, "sampling_source": 2,
        "first_seen_ns": int((NOW - 3600) * 1e9), "last_seen_ns": int((NOW - 1) * 1e9), "lost_unit": "records",
    }  # fmt: skip
    return StreamStatus(**values | more)


def status_of(*streams, **more):
    ledger = [
        ExporterLedger(s.exporter, [s.source], lost={s.lost_unit: s.lost}, errors=s.errors, held=s.held)
        for s in streams
    ]
    return CollectStatus(streams=[StreamRate(s, 10.0, 200.0, 80_000.0) for s in streams], **{"ledger": ledger} | more)


def board_of(before, after, known=None, seconds=60.0):
    """A board that saw ``before`` and, ``seconds`` later, sees ``after``."""
    clock, collector = Clock(), FakeCollector()
    board = StatusBoard(collector, FakeQuestions(), known=lambda: known or Knowledge(), clock=clock)
    clock.now = NOW - seconds
    collector.now = before
    board.sample()
    clock.now = NOW
    collector.now = after
    board.sample()
    return board


def codes(board):
    return [reason.code for reason in board.overview().reasons]


def test_all_is_well():
    board = board_of(status_of(stream()), status_of(stream(records=32_000, datagrams=1600)))
    view = board.overview()
    assert (view.status, view.reasons) == (Status.OK, [])
    assert view.headline == "Everything is all right: 1 exporters, all heard"
    assert view.checks[0] == "1 exporters, 0 silent"
    assert view.records.values == [200.0]


def test_nothing_yet_is_not_all_right():
    view = board_of(CollectStatus(), CollectStatus()).overview()
    assert view.status is Status.UNKNOWN
    assert "point a router" in view.headline


@pytest.mark.parametrize(("silence", "status"), [(60, Status.OK), (300, Status.WARNING), (3600, Status.CRITICAL)])
def test_silence(silence, status):
    quiet = status_of(stream(last_seen_ns=int((NOW - silence) * 1e9)))
    view = board_of(quiet, quiet).exporters().exporters[0]
    assert view.status is status
    if status is not Status.OK:
        assert view.reasons[0].code == "silent_exporter"
        assert view.reasons[0].since == NOW - silence


def test_recent_loss_is_a_reason_and_old_loss_is_not():
    old = stream(lost=50_000)
    assert codes(board_of(status_of(old), status_of(stream(lost=50_000, records=32_000)))) == []
    board = board_of(status_of(old), status_of(stream(lost=51_200, records=32_000)))
    (reason,) = board.overview().reasons
    assert (reason.code, reason.status, reason.exporter) == ("loss", Status.CRITICAL, A)
    assert codes(board_of(status_of(old), status_of(stream(lost=50_019, records=20_100)))) == []  # too few to tell
    assert "9.1 %" in reason.title
    assert "1 200 records" in reason.title
    assert board.overview().totals.lost_share == pytest.approx(1200 / 13_200)


@pytest.mark.parametrize(
    ("after", "code"),
    [
        ({"unsampled_records": 5000, "records": 32_000}, "unsampled"),
        ({"errors": {"set_truncated": 40}, "datagrams": 1600, "records": 32_000}, "decode_errors"),
        ({"held": 3}, "waiting_for_template"),
    ],
)
def test_what_can_be_wrong_with_an_exporter(after, code):
    before = stream()
    assert code in codes(board_of(status_of(before), status_of(stream(**after))))


def test_drops_here_are_charged_to_the_exporter():
    dropping = ExporterLedger(A, [A], dropped={"queue_full": 70})
    board = board_of(status_of(stream()), status_of(stream(records=32_000), ledger=[dropping]))
    (reason,) = board.overview().reasons
    assert reason.code == "dropped_here"
    assert "queue_full 70" in reason.detail


def test_clock_skew():
    known = Knowledge(clock_skew_s={A: -7200.0})
    board = board_of(status_of(stream()), status_of(stream(records=32_000)), known)
    (reason,) = board.overview().reasons
    assert (reason.code, "120 min behind" in reason.title) == ("clock_skew", False)
    assert "2 h behind" in reason.title


def pipeline(**changes):
    status = status_of(stream(records=32_000))
    for path, value in changes.items():
        part, name = path.split("__")
        setattr(getattr(status, part), name, value)
    return status


@pytest.mark.parametrize(
    ("changes", "code", "status"),
    [
        ({"queue__fill": 0.9}, "queue", Status.WARNING),
        ({"spool__rows": 10}, "spool", Status.WARNING),
        ({"writer__available": False, "writer__away_since_ns": int((NOW - 90) * 1e9)}, "store_away", Status.CRITICAL),
        ({"writer__latency_ms": {"p50": 1.0, "p99": 30_000.0}}, "lag", Status.WARNING),
    ],
)  # fmt: skip
def test_what_can_be_wrong_with_the_pipeline(changes, code, status):
    (reason,) = board_of(status_of(stream()), pipeline(**changes)).overview().reasons
    assert (reason.code, reason.status) == (code, status)
    assert reason.fix


def test_kernel_drops_and_lost_rows_alarm_only_while_they_happen():
    from weft.collect.listener import ListenerStatus

    dropped = status_of(
        stream(records=32_000), listeners=[ListenerStatus("*", 2055, kernel_drops=9)], lost_rows={"spool_full": 4}
    )
    assert codes(board_of(status_of(stream()), dropped)) == ["kernel_drops", "rows_lost"]
    assert codes(board_of(dropped, dropped)) == []


def test_names_sites_and_interfaces():
    names = exporter_names({
        "exporters": [{"exporter": A, "name": "old", "site": "x"},
                      {"exporter": A, "name": "edge1", "site": "ams", "demo": "demo"}],
        "interfaces": [{"exporter": A, "if_index": 2, "name": "b"}, {"exporter": A, "if_index": 1, "name": "a"}],
    })  # fmt: skip
    view = board_of(status_of(stream()), status_of(stream()), Knowledge(names)).exporters().exporters[0]
    assert (view.name, view.site, view.demo) == ("edge1", "ams", True)
    assert [(port.if_index, port.name) for port in view.interfaces] == [(1, "a"), (2, "b")]


def test_exporters_are_ordered_by_trouble_then_name():
    streams = [
        stream(exporter=f"192.0.2.{i}", last_seen_ns=int((NOW - silent) * 1e9))
        for i, silent in ((1, 0), (2, 999), (3, 0))
    ]
    known = Knowledge({"192.0.2.3": ExporterNames(name="a")})
    view = exporters_view(status_of(*streams), 0, History(), known, NOW)
    assert [one.address for one in view.exporters] == ["192.0.2.2", "192.0.2.1", "192.0.2.3"]


def test_a_process_that_does_not_collect_says_so():
    board = StatusBoard(None, FakeQuestions())
    assert board.exporters().pipeline.running is False
    assert "does not collect" in board.overview().checks[0]


def test_home_survives_a_store_that_is_away():
    from weft.errors import StoreUnavailable

    questions = FakeQuestions()
    questions.failure = StoreUnavailable("away")
    board = StatusBoard(FakeCollector(), questions)
    board.sample()
    assert board.overview().totals.bits_per_s is None


def test_history_rates_and_gaps():
    clock = Clock()
    history = History(clock)
    for t, value in ((0, 10), (10, 110), (20, 50), (30, 60)):
        clock.now = NOW + t
        history.sample({"x": value})
    line = history.rates("x", "records/s")
    assert (line.start, line.step) == (NOW, 10)
    assert line.values == [10.0, None, 1.0]  # a restart is a gap, not a negative rate
    assert history.grown("x", 15) == 10
    assert history.grown("nothing", 15) == 0


def test_counters_cover_every_exporter():
    total = counters(status_of(stream(), stream(exporter="192.0.2.2", source="192.0.2.2")))
    assert total["records"] == 40_000
    assert total["records:192.0.2.2"] == 20_000


def test_clock_offsets_of_records():
    from tests.api.fakes import answer

    from weft.model.views import ViewColumn
    from weft.query.model import Query

    columns = [ViewColumn(name=n, title=n, kind="timestamp") for n in ("time_received", "time_end", "exporter")]
    rows = [
        ["2026-01-01T00:00:00Z", "2025-12-31T23:59:30Z", "on-time"],
        ["2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z", "ahead"],
        ["2026-01-01T00:00:00Z", "2025-12-31T22:00:00Z", "behind"],
    ]  # fmt: skip
    result = answer(Query(), rows).model_copy(update={"columns": columns})
    assert clock_offsets(result) == {"ahead": 300.0, "behind": -7200.0}


def test_figures_as_people_read_them():
    assert [share(x) for x in (0, 0.5, 0.0123, 0.00001)] == ["0 %", "50 %", "1.2 %", "0.001 %"]
    assert [duration(x) for x in (5, 300, 7300, 200_000)] == ["5 s", "5 min", "2 h", "2 days"]
    assert number(1234567) == "1 234 567"
