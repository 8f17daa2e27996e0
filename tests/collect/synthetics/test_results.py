"""Reports of agents: what is stored, what the server adds, what is refused, and that each run counts once."""

from __future__ import annotations

import gzip
import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
from tests.collect.intake.fakes import FakeIntake
from tests.collect.synthetics.kit import SECOND, hop, opened, probe, registered, report

from weft.collect.synthetics.runs import KnownRuns
from weft.errors import InvalidInput, StoreUnavailable, Unavailable
from weft.model.addresses import address_text


@pytest.fixture
def intake() -> FakeIntake:
    return FakeIntake()


def test_a_report_becomes_rows_with_what_the_server_knows(tmp_path: Path, intake: FakeIntake) -> None:
    synthetics = opened(tmp_path, intake)
    agent = registered(synthetics, addresses=("203.0.113.70",))
    path = [hop(1, 1, "203.0.113.1"), hop(1, 2), hop(1, 3, "192.0.2.8", mpls="16 17", reached="yes")]
    taken = synthetics.take(agent, report(probe(1, state="degraded", error="loss"), hops=path))
    assert (taken.stored, taken.duplicates, taken.refused) == (4, 0, {})
    (row,) = intake.rows("probes")
    assert (row["agent"], row["test"], row["state"], row["kind"], row["error"]) == ("ams", "web", 2, 1, "loss")
    assert (row["target_as"], row["target_net"], row["agent_net"]) == (64500, 7, 7)
    assert address_text(row["source_address"]) == "203.0.113.70", "the agent's own, where the row names none"
    assert abs(row["time_received"].timestamp() - time.time()) < 60
    hops = intake.rows("hops")
    assert [one["hop_as"] for one in hops] == [64500, 0, 0]
    assert [one["hop_device"] for one in hops] == ["r1", "", ""]
    assert [address_text(one["hop"]) for one in hops] == ["203.0.113.1", "", "192.0.2.8"]
    assert hops[2]["reached"] == 1
    assert intake.status("ams").kind == "agent"
    assert intake.status("ams").rows == 4


def test_a_run_told_twice_counts_once(tmp_path: Path, intake: FakeIntake) -> None:
    synthetics = opened(tmp_path, intake)
    agent, other = registered(synthetics), registered(synthetics, "fra")
    body = report(probe(1), probe(2), hops=[hop(2, 1, "203.0.113.1"), hop(2, 2, "203.0.113.2")])
    assert synthetics.take(agent, body).stored == 4
    again = synthetics.take(agent, report(probe(2), probe(3), probe(3), hops=[hop(2, 1), hop(3, 1)]))
    assert (again.stored, again.duplicates) == (2, 3)
    assert synthetics.take(other, body).stored == 4, "another agent's run of that number is another run"
    assert intake.status("ams").duplicates == 3


def test_what_could_not_be_kept_may_be_sent_again(tmp_path: Path, intake: FakeIntake) -> None:
    synthetics = opened(tmp_path, intake)
    agent, body = registered(synthetics), report(probe(1), hops=[hop(1, 1)])
    intake.full = True
    with pytest.raises(Unavailable):
        synthetics.take(agent, body)
    intake.full = False
    assert synthetics.take(agent, body).stored == 2


def test_runs_before_the_start_are_looked_up_in_what_is_stored() -> None:
    asked: list[tuple[str, str, int, int]] = []

    def stored(agent: str, table: str, since: int, until: int) -> set[int]:
        asked.append((agent, table, since, until))
        return {1}

    runs, now = KnownRuns("ams", stored), time.time_ns()
    assert runs.new("probes", [1, 2], [now - 60 * SECOND, now - 60 * SECOND]) == [1]
    assert len(asked) == 1
    assert runs.new("probes", [3], [now + 60 * SECOND]) == [0]
    assert len(asked) == 1, "what began after the start is known without asking"


def test_runs_that_memory_has_let_go_are_looked_up() -> None:
    asked = []
    runs, now = KnownRuns("ams", lambda *one: asked.append(one) or {7}, most=2), time.time_ns() + 60 * SECOND  # type: ignore[func-returns-value]
    runs.add("probes", [7, 8, 9], [now, now + 1, now + 2])
    assert runs.new("probes", [7, 8], [now, now + 1]) == []
    assert len(asked) == 1


def test_a_store_that_is_away_does_not_cost_results() -> None:
    def away(*_: Any) -> set[int]:
        raise StoreUnavailable("is away")

    assert KnownRuns("ams", away).new("hops", [1, 1], [0, 0]) == [0, 1]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"time": 1}, "not_a_row"), ("text", "not_a_row"), (None, "not_a_row"),
        (probe(1, test="another"), "unknown_test"), (probe(1, state="fine"), "bad_word"),
        (probe(1, kind=3), "bad_word"),
        (probe(1, kind=["ping"]), "bad_word"), (probe(1, address="300.0.0.1"), "bad_address"),
        (probe(1, address=7), "bad_address"), (probe(1, rtt_ms=-1), "bad_number"), (probe(1, rtt_ms="1"), "bad_number"),
        (probe(1, rtt_ms=float("nan")), "bad_number"), (probe(1, rtt_ms=float("inf")), "bad_number"),
        (probe(1, rtt_ms=10**400), "bad_number"), (probe(1, rtt_ms=1e300), "bad_number"),
        (probe(1, sent=2**32), "bad_number"), (probe(1, sent=True), "bad_number"), (probe(1, hops=256), "bad_number"),
        (probe(-1), "bad_number"), (probe(2**64), "bad_number"), (probe(1, time=-5), "bad_time"),
        (probe(1, time=2**64), "bad_time"), (probe(1, time=1.5), "bad_time"), (probe(1, error=5), "bad_text"),
    ],
)  # fmt: skip
def test_a_bad_row_is_refused_by_reason_and_the_others_are_kept(
    tmp_path: Path, intake: FakeIntake, row: Any, reason: str
) -> None:
    synthetics = opened(tmp_path, intake)
    taken = synthetics.take(registered(synthetics), report(row, probe(42)))
    assert (taken.stored, taken.refused) == (1, {reason: 1})
    assert intake.errors() == {reason: 1}


def test_texts_are_cut_and_hold_no_control_characters(tmp_path: Path, intake: FakeIntake) -> None:
    synthetics = opened(tmp_path, intake)
    synthetics.take(registered(synthetics), report(probe(1, error="a\x1b[31m\n\ud800" + "x" * 5000)))
    text = intake.rows("probes")[0]["error"]
    assert text.startswith("a [31m ?x")
    assert len(text) == 2000


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"\xff", b"[" * 100_000, b'{"probes": {"a": 1}'])
def test_what_is_no_report_is_refused(tmp_path: Path, intake: FakeIntake, body: bytes) -> None:
    synthetics = opened(tmp_path, intake)
    with pytest.raises(InvalidInput):
        synthetics.take(registered(synthetics), body)
    assert intake.errors() == {"malformed": 1}


def test_compressed_bodies_are_bounded(tmp_path: Path, intake: FakeIntake) -> None:
    synthetics = opened(tmp_path, intake, max_decoded_bytes=100_000)
    agent = registered(synthetics)
    assert synthetics.take(agent, gzip.compress(report(probe(1))), gzipped=True).stored == 1
    for bad in (gzip.compress(b" " * 10_000_000), gzip.compress(report(probe(2)))[:-9], b"not gzip", b""):
        with pytest.raises(InvalidInput):
            synthetics.take(agent, bad, gzipped=True)


def test_rows_beyond_the_bound_are_refused(tmp_path: Path, intake: FakeIntake) -> None:
    synthetics = opened(tmp_path, intake, most_rows=100)
    taken = synthetics.take(registered(synthetics), report(*(probe(i) for i in range(120))))
    assert (taken.stored, taken.refused) == (100, {"too_many_rows": 20})


def test_times_that_no_clock_shows_are_refused(tmp_path: Path, intake: FakeIntake) -> None:
    synthetics = opened(tmp_path, intake)
    agent = registered(synthetics)
    for sent_ns in (1, 2**63 - 1):
        taken = synthetics.take(agent, report(probe(1, time=2**63 - 1), sent_ns=sent_ns))
        assert (taken.stored, taken.refused) == (0, {"bad_time": 1})
    latest = synthetics.take(agent, report(probe(2, time=1 << 62), probe(3, time=0), sent_ns=1))
    assert (latest.stored, latest.refused) == (2, {}), "corrected, without running over"


def test_times_of_a_wrong_clock_are_corrected_and_that_is_told(tmp_path: Path, intake: FakeIntake) -> None:
    synthetics = opened(tmp_path, intake)
    agent, now = registered(synthetics), time.time_ns()
    ahead = 3 * 3600 * SECOND
    synthetics.take(agent, report(probe(1, time=now + ahead - 5 * SECOND), sent_ns=now + ahead))
    assert abs(intake.rows("probes")[0]["time"].timestamp() - (now / SECOND - 5)) < 2
    assert intake.errors() == {"clock_wrong": 1}
    skew = intake.status("ams").clock_skew_s
    assert skew is not None
    assert 10_790 < skew < 10_810


def test_what_an_agent_dropped_and_holds_back_is_shown(tmp_path: Path, intake: FakeIntake) -> None:
    synthetics = opened(tmp_path, intake)
    synthetics.take(registered(synthetics), report(buffered=17, dropped=5))
    status = intake.status("ams")
    assert status.errors == {"dropped_by_agent": 5}
    assert status.detail["buffered"] == 17


def test_random_reports_never_fail(tmp_path: Path, intake: FakeIntake) -> None:
    rng = random.Random(11)
    synthetics = opened(tmp_path, intake)
    agent = registered(synthetics)
    junk = [None, True, -1, 0, 2**70, 1.5, float("nan"), "", "ok", "::1", "\x00", [], {}, [1], {"a": []}, "x" * 3000]
    keys = [*probe(1), *hop(1, 1), "other"]
    for _ in range(300):
        rows = [{rng.choice(keys): rng.choice(junk) for _ in range(6)} | rng.choice([{}, probe(rng.randrange(9))])
                for _ in range(3)]  # fmt: skip
        for row in rows:
            row[rng.choice(keys)] = rng.choice(junk)
        body = {"probes": rng.choice([rows, rng.choice(junk)]), "hops": rng.choice([rows, rng.choice(junk)]),
                "sent_ns": rng.choice(junk), "buffered": rng.choice(junk), "dropped": rng.choice(junk)}  # fmt: skip
        synthetics.take(agent, json.dumps(body).encode())
    assert all(row["agent"] == "ams" for row in intake.rows("probes"))


def test_a_process_that_does_not_collect_says_so(tmp_path: Path) -> None:
    synthetics = opened(tmp_path)
    with pytest.raises(Unavailable, match="does not collect"):
        synthetics.take(registered(synthetics), report(probe(1)))
