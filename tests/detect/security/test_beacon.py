"""Beacons: regularity against chance, sub-scores as RITA gives them, and what is told of whom."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.detect.security.covert_rows import START_S, Flow, context, flow_rows, play, public_data, zeek, zeek_flows

from weft.detect.security.beacon import Beacons
from weft.detect.security.beacon_scores import regularity, rita_scores
from weft.errors import InvalidInput

HOST, MASTER = "10.1.2.3", "198.51.100.7"


def everyday(hours: float, seed: int = 1) -> list[Flow]:
    """Two hundred people who use three networks at random."""
    rng = np.random.default_rng(seed)
    return [
        Flow(float(at), f"10.1.0.{rng.integers(1, 200)}", f"192.0.2.{10 + which}", src_port=int(port),
             dst_as=64496 + which, octets=int(rng.lognormal(8, 1.5)) + 60)
        for at, which, port in zip(
            np.sort(rng.uniform(0, hours * 3600, int(hours * 600))), rng.integers(0, 3, int(hours * 600)),
            rng.integers(20000, 65000, int(hours * 600)), strict=True,
        )
    ]  # fmt: skip


def calls(
    every: float, jitter: float, since: float, until: float, *, src: str = HOST, dst: str = MASTER, asn: int = 64511,
    seed: int = 2, missing: float = 0.03,
) -> list[Flow]:  # fmt: skip
    """Calls of malware: at an interval shortened by up to a share of it, now and then none."""
    rng = np.random.default_rng(seed)
    times = since + np.cumsum(every * (1 - jitter * rng.random(int((until - since) / every) + 1)))
    return [
        Flow(float(at), src, dst, src_port=int(rng.integers(49152, 65535)), octets=int(rng.integers(685, 715)),
             dst_as=asn)
        for at in times if at < until and rng.random() > missing
    ]  # fmt: skip


@pytest.mark.parametrize(("every", "jitter"), [(30, 0.35), (300, 0.02), (600, 0.2), (900, 0.1)])
def test_a_beacon_among_everyday_traffic_is_found(every: float, jitter: float) -> None:
    found = play(Beacons(context()), [*everyday(4), *calls(every, jitter, 5000, 4 * 3600)])
    assert {one.entity.text for one in found} == {f"host:{HOST}"}
    assert found[0].others[0].text == f"host:{MASTER}"
    assert found[0].at_s - START_S - 5000 <= max(3600, 5.5 * every)
    assert "AS64511" in found[0].text
    assert found[0].started_s is not None
    assert abs(found[0].started_s - START_S - 5000) <= 2 * every


def test_everyday_traffic_is_no_beacon() -> None:
    assert not play(Beacons(context()), everyday(4))


def test_an_updater_that_was_always_there_and_whose_network_all_use_is_no_beacon() -> None:
    updater = calls(60, 0.0, 5, 4 * 3600, src="10.1.0.9", dst="192.0.2.200", asn=64496)
    assert not play(Beacons(context()), [*everyday(4), *updater])


def test_what_many_hosts_do_alike_is_no_beacon() -> None:
    updaters = [
        flow for i in range(6)
        for flow in calls(300, 0.01, 5000 + 7 * i, 4 * 3600, src=f"10.1.3.{i}", dst="198.51.100.9", seed=i)
    ]  # fmt: skip
    assert not play(Beacons(context()), [*everyday(4), *updaters])


def test_records_of_one_long_connection_are_no_calls() -> None:
    records = [Flow(5000 + 60.0 * i, HOST, MASTER, src_port=50123, lasted=59.0, dst_as=64511) for i in range(150)]
    assert not play(Beacons(context()), [*everyday(4), *records])


def test_what_two_exporters_see_of_the_same_calls_counts_once() -> None:
    once = calls(120, 0.1, 5000, 4 * 3600)
    twice = [Flow(**{**vars(one), "exporter": "192.0.2.2", "at": one.at + 0.2}) for one in once]
    found = play(Beacons(context()), [*everyday(4), *once, *twice])
    assert found
    assert found[-1].seen == pytest.approx(114, rel=0.1)


def test_large_transfers_at_intervals_are_no_beacon() -> None:
    backups = [Flow(**{**vars(one), "octets": 80_000_000}) for one in calls(300, 0.01, 5000, 4 * 3600)]
    assert not play(Beacons(context()), [*everyday(4), *backups])


def test_goes_on_after_a_restart() -> None:
    before, after = Beacons(context()), Beacons(context())
    play(before, [*everyday(2), *calls(300, 0.05, 5000, 7200)])
    after.load(before.save())
    later = [Flow(**{**vars(one), "at": one.at + 7200}) for one in calls(300, 0.05, 0, 1800, seed=3)]
    found = [
        finding
        for one in later
        for finding in [*after.take("flows", flow_rows([one])), *after.tick(START_S + one.at + 90)]
    ]
    assert found
    with pytest.raises(InvalidInput):
        after.load(b"not a state")
    with pytest.raises(InvalidInput):
        after.load(before.save()[:200])


@pytest.mark.parametrize("count", [4, 6, 12, 30])
def test_calls_at_random_are_no_more_regular_than_chance_allows(count: int) -> None:
    rng = np.random.default_rng(11)
    scores = np.array([regularity(np.cumsum(rng.exponential(600, count)))[0] for _ in range(4000)])
    for level in (1.0, 2.0, 3.0):
        assert (scores >= level).mean() <= 10**-level + 3 * (10**-level / 4000) ** 0.5


def rita_of(name: str) -> tuple[dict[str, float], int]:
    """A name's sub-scores over the last 24 h of RITA's capture behind a proxy, as RITA takes them."""
    folder = public_data("rita", "test_data", "proxy")
    connections = {row["uid"]: row for row in zeek(folder / "conn.log")}
    last = max(float(row["ts"]) for row in connections.values())
    first = last - 86400
    wanted = {row["uid"] for row in zeek(folder / "http.log") if row["host"] == name} & connections.keys()
    rows = sorted((float(connections[uid]["ts"]), float(connections[uid]["orig_ip_bytes"])) for uid in wanted)
    rows = [row for row in rows if row[0] >= first // 3600 * 3600]
    times, sizes = np.array(rows).T
    scores = rita_scores(times, sizes, first, last)
    return {"ts": scores.times, "ds": scores.sizes, "dur": scores.duration, "hist": scores.histogram,
            "score": scores.score}, len(rows)  # fmt: skip


@pytest.mark.parametrize("name", ["www.honestimnotevil.com", "www.google.com"])
def test_sub_scores_are_those_of_rita(name: str) -> None:
    expected = next(
        row for row in json.loads(public_data("rita", "expected_beacon_scores.json").read_text())
        if row["dataset"] == "proxy" and row["fqdn"] == name
    )  # fmt: skip
    scores, count = rita_of(name)
    assert count == expected["count"]
    for part in ("ts", "ds", "dur", "hist", "score"):
        assert scores[part] == pytest.approx(expected[part], abs=0.0051), part


def test_no_beacon_in_the_office_traffic_of_public_captures() -> None:
    """SLIPS' mixed captures: two short captures of one machine each, too short to learn from; nothing may be told."""
    rows = [
        row for row in zeek(public_data("slips-flows", "test10-mixed-zeek-dir", "conn.log")) if row["proto"] != "icmp"
    ]
    flows = zeek_flows(rows, min(float(row["ts"]) for row in rows))
    assert not play(Beacons(context()), flows)


def test_the_remote_control_tool_of_a_public_capture_is_found() -> None:
    """CTU-SME-11: Remcos calls 66.63.168.35 again and again; the rest is a household's traffic."""
    folder = public_data("slips-flows", "test18-malicious-ctu-sme-11-win", "zeek-labeled")
    rows = list(zeek(folder / "conn.log.labeled"))
    flows = zeek_flows(rows, min(float(row["ts"]) for row in rows))
    found = play(Beacons(context(learn_s=0)), flows, until=max(one.at for one in flows) + 60)
    told = {(one.entity.id, one.others[0].id) for one in found}
    assert told == {("192.168.1.107", "66.63.168.35")}


def _newcomers(hosts: int, each: int) -> list[Flow]:
    """Regular calls from hosts that come after the first hour to machines of a network that all use."""
    return [
        flow for i in range(hosts) for k in range(each)
        for flow in calls(300, 0.02, 4000 + 600 * i + 40 * k, 4 * 3600, src=f"10.1.4.{i}",
                          dst=f"192.0.2.{100 + i * each + k}", asn=64496, seed=i * each + k)
    ]  # fmt: skip


def test_one_new_pair_in_a_network_that_all_use_is_told_and_many_are_not() -> None:
    assert {one.severity.value for one in play(Beacons(context()), [*everyday(4), *_newcomers(1, 1)])} == {"minor"}
    found = play(Beacons(context()), [*everyday(4), *_newcomers(16, 1)])
    assert len({one.entity.id for one in found}) <= 12
    installed = play(Beacons(context()), [*everyday(4), *_newcomers(1, 9)])
    assert len({one.others[0].id for one in installed}) <= 2


def test_a_call_or_two_left_out_or_taking_longer_cost_no_more_than_the_ways_to_choose_them() -> None:
    even = 900.0 * np.arange(9)
    left_out = np.delete(even, 4)
    assert regularity(even)[0] > regularity(left_out)[0] > 5
    assert regularity(left_out)[1] == 900.0
    assert regularity(even[:3]) == (0.0, 0.0, 0.0)


def test_a_monitor_of_many_outside_is_told_once_and_as_information() -> None:
    polls = [
        flow for i in range(9)
        for flow in calls(300, 0.001, 4000 + 7 * i, 4 * 3600, src="10.1.5.5", dst=f"198.51.100.{20 + i}",
                          asn=64520 + i, seed=i, missing=0)
    ]  # fmt: skip
    found = play(Beacons(context()), [*everyday(4), *polls, *calls(120, 0.1, 5000, 4 * 3600)])
    assert {(one.severity.value, *one.labels) for one in found if one.entity.id == "10.1.5.5"} == {("info",)}
    assert {one.labels["peer"] for one in found if one.entity.id == HOST} == {MASTER}
    assert {one.severity.value for one in found if one.entity.id == HOST} == {"major"}


def test_what_was_there_when_weft_began_is_less_and_many_of_it_are_no_storm() -> None:
    one = play(Beacons(context()), [*everyday(3), *calls(300, 0.02, 10, 3 * 3600)])
    assert {finding.severity.value for finding in one} == {"minor"}
    assert "when Weft began" in one[0].text
    many = [
        flow for i in range(30)
        for flow in calls(300, 0.02, 10 + i, 3 * 3600, src=f"10.1.6.{i}", dst="198.51.100.9", asn=64600 + i, seed=i)
        if flow.at > 0
    ]  # fmt: skip
    spread = [Flow(**{**vars(one), "dst": f"198.51.100.{int(one.src.split('.')[3]) + 50}"}) for one in many]
    detector = Beacons(context())
    assert len({finding.entity.id for finding in play(detector, [*everyday(3), *spread])}) == 8
    assert detector.left_out == 22


def test_what_runs_by_the_clock_by_design_is_no_beacon() -> None:
    """Time, a push connection kept alive, a page that one person has open and that differs each time."""
    time_asked = [Flow(**{**vars(one), "dst_port": 123, "protocol": 17}) for one in calls(64, 0.0, 4000, 4 * 3600)]
    alive = [Flow(4000 + 240.0 * i, "10.1.7.2", "198.51.100.70", 5223, 51000, lasted=1, dst_as=64530, octets=180)
             for i in range(40)]  # fmt: skip
    rng = np.random.default_rng(12)
    page = [Flow(**{**vars(one), "src": "10.1.7.3", "octets": int(rng.lognormal(9, 1.2))})
            for one in calls(300, 0.02, 4000, 4 * 3600, dst="198.51.100.71", asn=64531)]  # fmt: skip
    assert not play(Beacons(context()), [*everyday(4), *time_asked, *alive, *page])
