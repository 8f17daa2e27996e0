"""The AI cluster: its parts fit, jobs and counters are one story, and every fault shows what its truth claims."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from tests.decode.gnmi.messages import NOW, decoder, note, rows

from weft.decode.prometheus import RemoteWriteDecoder
from weft.decode.syslog import Sender, SenderClock, SyslogDecoder, rule_table
from weft.model.addresses import packed
from weft.twin.actions import TwinExecutor
from weft.twin.cluster import hosts, switches
from weft.twin.cluster import layout as at
from weft.twin.cluster.jobs import TRACKS, checkpoints, flows, jobs
from weft.twin.cluster.rates import NUMBER, Rates, card_rows
from weft.twin.cluster.twin import Cluster
from weft.twin.faults.ai_kinds import KINDS
from weft.twin.faults.begin import begin
from weft.twin.faults.catalogue import truth_of
from weft.twin.faults.model import Fault, FaultKind, Symptom
from weft.twin.messages import messages
from weft.twin.timeline import Timeline

SEED = 7
BY_NAME = {kind.name: kind for kind in KINDS}
QUIET_TIMELINE = Timeline(SEED, None)
QUIET = Cluster.of(QUIET_TIMELINE)


def _busy_moment() -> float:
    """A moment at which every track has a job, for an hour to come."""
    for at_s in np.arange(1_790_000_000.0, 1_790_400_000.0, 900.0):
        found = jobs(SEED, at_s, at_s + 3600)
        running = [job for job in found if job.start_s <= at_s - 900 and job.end_s > at_s + 3600]
        saving = any(checkpoints(job, at_s - 60, at_s + 240) for job in running)
        if len(running) == len(TRACKS) and not saving:
            return float(at_s)
    raise AssertionError("the cluster is never busy")


THEN = _busy_moment()


def played(kind: FaultKind, number: int = 0, severity: float = 1.0) -> tuple[Timeline, Fault]:
    places, timeline = kind.places(SEED), Timeline(SEED, None)
    place = places[(5 * number + 2) % len(places)]
    lasts = max(200.0, min(3500.0, kind.lasts_s[1]))
    return timeline, timeline.trigger(begin(kind, place, THEN, lasts, severity, np.random.default_rng(1)))


def shown(rates: Rates, counter: str) -> Any:
    return rates.growth[NUMBER[counter]]


# --- layout ----------------------------------------------------------------------------------------------------------


def test_the_fabric_is_whole_and_not_oversubscribed() -> None:
    assert (at.HOSTS * at.RAILS, len(at.SWITCHES), len(at.NODES)) == (256, 14, 50)
    lines = at.lines()
    assert len({(line.a, line.a_port) for line in lines} | {(line.b, line.b_port) for line in lines}) == 2 * len(lines)
    for line in lines:
        named = ((line.a, line.a_port), (line.b, line.b_port))
        ends = [next(port for port in at.BY_NAME[node].ports if port.name == name) for node, name in named]
        one, other = at.row(line.a, ends[0].index), at.row(line.b, ends[1].index)
        assert (at.ARC_IN[one], at.ARC_OUT[one]) == (at.ARC_OUT[other], at.ARC_IN[other])
        assert ends[0].speed_bps == ends[1].speed_bps == line.speed_bps
    for leaf in at.LEAF_NODES:
        down = sum(port.speed_bps for port in leaf.ports if port.connectivity == "server")
        assert down == sum(port.speed_bps for port in leaf.ports if port.connectivity == "core")


def test_a_rail_stays_in_its_leaf_within_a_unit() -> None:
    for track in TRACKS:
        found = flows(track)
        assert (found.source % at.RAILS == found.target % at.RAILS).all()
        sent = np.bincount(found.source, found.weight, 256)
        assert sent.max() <= 1.0
        turned = flows(track, misplaced=True)
        assert (turned.source % at.RAILS != turned.target % at.RAILS).all()


# --- jobs and counters -----------------------------------------------------------------------------------------------


def test_jobs_follow_one_another_and_are_the_same_for_a_seed() -> None:
    day = list(jobs(SEED, THEN, THEN + 7 * 86_400))
    assert day == list(jobs(SEED, THEN, THEN + 7 * 86_400))
    for track in TRACKS:
        mine = [job for job in day if job.track is track]
        assert all(one.end_s <= other.start_s for one, other in pairwise(mine))
        busy = sum(job.end_s - job.start_s for job in mine) / (mine[-1].end_s - mine[0].start_s)
        assert 0.75 < busy < 1
    assert {job.start_s for job in day}.isdisjoint({job.start_s for job in jobs(8, THEN, THEN + 7 * 86_400)})


def test_counters_are_the_integral_of_the_rates_and_agree_at_both_ends() -> None:
    counters = QUIET.counters(THEN - 7200)
    times = np.arange(THEN - 7000, THEN + 100, 113.0)
    found = counters.at(times)
    assert (np.diff(found, axis=0) >= 0).all()
    assert np.abs(counters.at([float(times[-1])])[0] - found[-1]).max() <= 1
    before, after = counters.at([THEN, THEN + 60])
    grown = (after - before)[NUMBER["in_octets"]]
    assert grown == pytest.approx(60 * QUIET.at(THEN).growth[NUMBER["in_octets"]], rel=0.06, abs=2)
    leaf = at.row("dai-leaf1", 1)
    card = card_rows()[0]
    sent = (after - before)[NUMBER["out_octets"], card]
    assert grown[leaf] == pytest.approx(sent, rel=0.09)


def test_counters_of_long_ago_are_the_same_after_a_long_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.twin.cluster.twin._STARTS", 3)
    timeline = Timeline(SEED, None)
    counters = Cluster.of(timeline).counters(THEN)
    times = THEN + 600.0 + 1800.0 * np.arange(8)
    first = counters.at(times)
    assert (counters.at(times) == first).all()
    assert (counters.at(times[2:3]) == first[2]).all()


def test_what_enters_the_fabric_leaves_it() -> None:
    bps = QUIET.at(THEN).flowing.bps - 42e3
    assert bps[at.NIC_UP : at.NIC_DOWN].sum() == pytest.approx(bps[at.NIC_DOWN : at.UP].sum())
    assert bps[at.UP : at.DOWN].sum() == pytest.approx(bps[at.DOWN : at.ARCS].sum())
    assert bps[at.NIC_UP : at.NIC_DOWN].max() <= at.SPEED


# --- what is told ----------------------------------------------------------------------------------------------------


def test_what_switches_tell_has_the_names_of_their_history() -> None:
    counters = QUIET.counters(THEN - 7200)
    node = at.SWITCHES[0]
    tree = switches.Tree(QUIET, counters, node, lambda: THEN)
    assert set(tree) == {path for path, _ in tree.items()}
    live, reader = set(), decoder()
    for database, head in (("COUNTERS_DB", "/COUNTERS"), ("APPL_DB", "/PORT_TABLE"), ("STATE_DB", "/TRANSCEIVER")):
        notes = [note({p: json.dumps(v).encode()}, target=database) for p, v in tree.items() if p.startswith(head)]
        live |= {(r["metric"], r["component"], r["labels"], r["metric_type"]) for r in rows(reader.decode(notes, NOW))}
    past = next(iter(switches.history(QUIET, counters, THEN - 700, THEN))).to_pylist()
    assert {(r["metric"], r["component"], r["labels"], r["metric_type"]) for r in past} <= live
    assert {r["host"] for r in past} == {node.name}


def test_prometheus_takes_all_that_hosts_and_jobs_write() -> None:
    reader, times = RemoteWriteDecoder(), np.array([THEN - 60.0, THEN])
    decoded = reader.decode(hosts.request(QUIET, QUIET.counters(THEN - 7200), times), int(THEN * 1e9))
    assert (decoded.refused, decoded.skipped) == ({}, {})
    found = decoded.rows.to_pylist()
    assert {row["host"] for row in found} == {node.name for node in (*at.HOST_NODES, *at.NODES[-at.STORES :])}
    kinds = {row["metric"]: row["metric_type"] for row in found}
    assert kinds["node_infiniband_np_cnp_sent"] == kinds["node_infiniband_port_data_received_bytes_total"] == 1
    assert kinds["DCGM_FI_DEV_GPU_UTIL"] == 2
    assert len({(row["host"], row["component"]) for row in found if row["metric"] == "DCGM_FI_DEV_POWER_USAGE"}) == 256
    told = [row for body in hosts.job_requests(QUIET, times) for row in reader.decode(body, 0).rows.to_pylist()]
    steps = [row for row in told if row["metric"] == "train_step_seconds"]
    assert len(steps) == 2 * len(TRACKS)
    assert all('rank="0"' in row["labels"] for row in steps)


def test_gpu_hours_of_a_full_hour_are_the_gpus() -> None:
    begin_s = int(THEN // 3600 * 3600)
    used = sum(hours for _, _, hours in hosts.gpu_hours(SEED, begin_s, begin_s + 3600))
    assert 0 < used <= 256


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_claimed_symptom_shows(kind: FaultKind) -> None:
    for number in range(3):
        timeline, fault = played(kind, number)
        truth = truth_of(fault)
        cluster = Cluster.of(timeline)
        for symptom in truth.symptoms:
            assert shows(symptom, fault, timeline, cluster), (fault.device, fault.port, symptom)


def shows(symptom: Symptom, fault: Fault, timeline: Timeline, cluster: Cluster) -> bool:
    group, _, entity = symptom.entity.partition(":")
    if symptom.dataset == "logs":
        return any(one.device == entity for one in logged(timeline) if one not in logged(QUIET_TIMELINE))
    now, usual = cluster.at(THEN + 60), QUIET.at(THEN + 60)
    if group == "job":
        return job_differs(symptom, entity, cluster, now, usual)
    device, _, interface = entity.partition("|")
    part = at.rows(device)
    if interface:
        index = next(one.index for one in at.BY_NAME[device].ports if one.name == interface)
        part = slice(at.row(device, index), at.row(device, index) + 1)
    pairs = [
        (now.growth[:, part], usual.growth[:, part]), (now.queue_octets[part], usual.queue_octets[part]),
        (now.rx_dbm[part], usual.rx_dbm[part]), (now.up[part], usual.up[part]),
    ]  # fmt: skip
    if not interface:
        pairs += [(now.gpu_clock, usual.gpu_clock), (now.stores, usual.stores)]
    return any(not np.allclose(mine, theirs, rtol=0.2) for mine, theirs in pairs)


def job_differs(symptom: Symptom, model: str, cluster: Cluster, now: Rates, usual: Rates) -> bool:
    if "checkpoint" in symptom.text:
        (job,) = (pace.job for pace in now.flowing.paces if pace.job.track.model == model)
        at_s = checkpoints(job, THEN, THEN + 2000)[0]
        pace = next(one for one in cluster.at(at_s + 5).flowing.paces if one.job == job)
        told, quiet = (dict(hosts.job_values(c, job, pace, at_s + 5)) for c in (cluster, QUIET))
        return told["train_checkpoint_seconds"] > 2 * quiet["train_checkpoint_seconds"]
    if "sequence" in symptom.text:
        return bool(shown(now, "out_of_sequence").sum() > 100 * shown(usual, "out_of_sequence").sum())
    mine, theirs = (next(p for p in r.flowing.paces if p.job.track.model == model) for r in (now, usual))
    return mine.step_s > 1.04 * theirs.step_s


def logged(timeline: Timeline) -> list[Any]:
    return messages(timeline, THEN - 10, THEN + 120)


def test_a_storm_pauses_and_the_watchdog_is_understood() -> None:
    timeline, fault = played(BY_NAME["ai_pfc_storm"])
    row = at.row(fault.device, fault.port)
    assert shown(Cluster.of(timeline).at(THEN + 30), "pfc_rx_pkts")[row] > 10_000
    said = [one for one in logged(timeline) if one.device == fault.device]
    sender = Sender(packed("127.0.0.1"), SenderClock(is_live=False))
    decoded = SyslogDecoder(rule_table()).decode([one.wire for one in said], [0] * len(said), [sender] * len(said), 1)
    assert "PFC_WATCHDOG" in decoded.logs.column("event").to_pylist()
    assert set(decoded.logs.column("host").to_pylist()) == {fault.device}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_lines_are_the_same_whether_a_span_is_asked_for_at_once_or_in_parts(kind: FaultKind) -> None:
    timeline, _ = played(kind)
    whole = messages(timeline, THEN - 10, THEN + 60)
    assert whole == [one for at_s in range(-10, 60) for one in messages(timeline, THEN + at_s, THEN + at_s + 1)]


def test_ecn_misconfigured_marks_nothing_but_pauses() -> None:
    timeline, fault = played(BY_NAME["ai_ecn_misconfig"])
    now = Cluster.of(timeline).at(THEN + 30)
    mine = at.rows(fault.device)
    assert shown(now, "ecn_marked_pkts")[mine].sum() == 0
    assert shown(now, "pfc_tx_pkts")[mine].sum() > 1000


def test_a_straggler_is_hot_slow_and_the_only_one() -> None:
    timeline, fault = played(BY_NAME["ai_gpu_straggler"], severity=0.5)
    clock = Cluster.of(timeline).at(THEN + 30).gpu_clock
    slow = np.flatnonzero(clock < 0.9)
    assert [(at.host_name(one // 8), f"gpu{one % 8}") for one in slow] == [(fault.device, fault.target)]


def test_small_faults_hide_in_the_noise_and_large_ones_do_not() -> None:
    usual = [one.step_s for one in QUIET.at(THEN + 30).flowing.paces]
    for name in ("ai_elephant_collision", "ai_slow_nic", "ai_lossy_optic", "ai_path_asymmetry"):
        steps = []
        for severity in (0.05, 1.0):
            timeline, _ = played(BY_NAME[name], severity=severity)
            cluster = Cluster.of(timeline)
            paces = cluster.at(THEN + 30).flowing.paces
            steps.append(max(pace.step_s / quiet for pace, quiet in zip(paces, usual, strict=True)))
        assert steps[0] < 1.02 < steps[1], name


def test_the_decoy_fills_queues_and_harms_nobody() -> None:
    timeline, _ = played(BY_NAME["ai_checkpoint_burst"])
    now, usual = (c.at(THEN + 30) for c in (Cluster.of(timeline), QUIET))
    assert [one.step_s for one in now.flowing.paces] == [one.step_s for one in usual.flowing.paces]
    assert now.queue_octets.max() > 3 * usual.queue_octets.max()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.name != "ai_checkpoint_burst"], ids=lambda k: k.name)
def test_the_right_action_ends_it(kind: FaultKind) -> None:
    timeline, fault = played(kind)
    right = truth_of(fault).action
    executor = TwinExecutor(timeline, lambda one: truth_of(one).action)
    tries = (executor.execute(right.kind, dict(right.parameters), THEN + 20) for _ in range(9))
    done = next(one for one in tries if one.ok)
    assert done.ended == (fault.id,)
    after = Cluster.of(timeline).at(done.start_s + 1)
    assert not after.flowing.lost.any()
    if right.kind == "shut":
        row = at.row(fault.device, fault.port)
        assert not after.up[row]
        assert not after.enabled[row]
        assert after.growth[:, row].sum() == 0
