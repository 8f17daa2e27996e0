"""The catalogue of faults is whole and consistent, the schedule humane and the same for a seed, effects bounded."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from weft.errors import InvalidInput
from weft.twin import organisation as org
from weft.twin.actions import TwinExecutor, checked
from weft.twin.cluster.jobs import TRACKS
from weft.twin.cluster.layout import BY_NAME as CLUSTER
from weft.twin.configs import commits, config_text
from weft.twin.fault_messages import LATEST_S, fault_lines
from weft.twin.faults import effects, places
from weft.twin.faults.begin import ENGINEERS, begin
from weft.twin.faults.catalogue import KINDS, truth_of
from weft.twin.faults.impact import orders_kept
from weft.twin.faults.model import Fault, FaultGroup, FaultKind
from weft.twin.faults.schedule import SLOT_S, acme_timeline, slots
from weft.twin.messages import messages
from weft.twin.remedies import Action
from weft.twin.timeline import LONGEST_S, Timeline

SEED, THEN = 7, 20_776 * 86_400.0
PROMISED = """
    link_cut link_flap optic_degradation congestion_growth congestion_reroute device_reboot cpu_overload session_down
    withdrawn_transit bgp_hijack bgp_leak rpki_invalid misconfig_acl misconfig_mtu misconfig_metric misconfig_vlan
    ddos_udp_amplification ddos_syn ddos_carpet port_scan brute_force c2_beacon data_exfiltration dns_tunnelling
    dns_failure saas_slowdown cloud_sg_block cloud_cost_spike exporter_silent clock_skew ai_elephant_collision
    ai_microburst_incast ai_pfc_storm ai_ecn_misconfig ai_lossy_optic ai_slow_nic ai_gpu_straggler ai_path_asymmetry
    ai_rail_misplacement ai_storage_stall benign_surge flash_crowd maintenance backup_burst config_commit login_typo
    scanner_approved ai_checkpoint_burst
"""
DATASETS = {"flows", "metrics", "logs", "changes", "routes", "probes", "business", "cloud_flows", "inventory"}
REAL = list(KINDS.values())


def fault_of(kind: FaultKind, number: int = 0, severity: float = 1.0, lasts_s: float | None = None) -> Fault:
    found = kind.places(SEED)
    lasts = kind.lasts_s[1] if lasts_s is None else lasts_s
    return begin(kind, found[number % len(found)], THEN, lasts, severity, np.random.default_rng(number), "one")


# --- the catalogue ---------------------------------------------------------------------------------------------------


def test_every_promised_kind_is_there_in_the_order_of_groups() -> None:
    assert set(KINDS) == set(PROMISED.split())
    groups = [list(FaultGroup).index(kind.group) for kind in KINDS.values()]
    assert groups == sorted(groups)


@pytest.mark.parametrize("kind", REAL, ids=lambda kind: kind.name)
def test_a_kind_says_where_and_what_is_true_of_it_everywhere(kind: FaultKind) -> None:
    found = kind.places(SEED)
    assert found
    assert len({place.id for place in found}) == len(found)
    assert all(place.title for place in found)
    assert 0 < kind.lasts_s[0] <= kind.lasts_s[1] <= LONGEST_S
    assert 0 <= kind.severity[0] <= kind.severity[1] <= 1
    for number in range(len(found)):
        for severity in kind.severity:
            fault = fault_of(kind, number, severity)
            truth = truth_of(fault)
            assert truth.is_benign == (kind.group is FaultGroup.BENIGN) == (truth.cause_type == "benign")
            assert truth.symptoms, found[number].id
            assert {one.dataset for one in truth.symptoms} <= DATASETS
            for entity in (truth.root_cause, *(one.entity for one in truth.symptoms)):
                exists(entity)
            if truth.action.kind != "none":
                assert not truth.is_benign
                checked(truth.action.kind, truth.action.parameters)
            else:
                assert truth.action.text


def exists(entity: str) -> None:
    """Devices, interfaces, peers and sites that truths name are those of Acme."""
    group, _, name = entity.partition(":")
    device, _, part = name.partition("|")
    if group in ("device", "interface", "peer"):
        assert device in org.BY_NAME or device in CLUSTER
    if group == "interface":
        ports = CLUSTER[device].ports if device in CLUSTER else org.all_ports(org.BY_NAME[device])
        assert part in {port.name for port in ports}
    if group == "job":
        assert name in {track.model for track in TRACKS}
    if group == "site":
        assert name in org.BY_CODE
    assert name, entity


def test_engineers_make_changes_and_outsiders_attack() -> None:
    assert fault_of(KINDS["misconfig_acl"]).who in ENGINEERS
    assert fault_of(KINDS["maintenance"]).who in ENGINEERS
    assert fault_of(KINDS["brute_force"]).who.startswith("198.51.100.")
    assert fault_of(KINDS["link_cut"]).who == ""


def test_what_a_cut_line_crowds_is_on_the_next_best_way() -> None:
    found = {place.id: place.target for place in places.rerouted_lines()}
    assert found["lon-border1--ams-border1"] in ("ams-border1--fra-border1", "lon-border1--par-border1",
                                                 "par-border1--fra-border1")  # fmt: skip
    assert all(own != other for own, other in found.items())


# --- the schedule ----------------------------------------------------------------------------------------------------


def test_the_same_seed_has_the_same_faults_and_another_has_others() -> None:
    one, same, other = (acme_timeline(seed) for seed in (SEED, SEED, 8))
    spans = (THEN, THEN + 2 * 86_400)
    assert list(one.faults(*spans)) == list(same.faults(*spans))
    assert {fault.id for fault in one.faults(*spans)} != {fault.id for fault in other.faults(*spans)}
    halves = {fault.id for at in (THEN, THEN + 86_400) for fault in one.faults(at, at + 86_400)}
    assert halves == {fault.id for fault in one.faults(*spans)}


def test_the_pace_is_humane_and_a_fifth_are_decoys() -> None:
    found = [fault for fault in acme_timeline(SEED).faults(THEN, THEN + 30 * 86_400) if fault.start_s >= THEN]
    per_hour = len(found) / (30 * 24)
    assert 2 < per_hour < 3.2
    decoys = sum(truth_of(fault).is_benign for fault in found)
    assert 0.15 < decoys / len(found) < 0.4
    assert {kind.name for kind in REAL} == {fault.kind for fault in found}
    assert max(Counter(fault.kind for fault in found).values()) < 0.2 * len(found)


def test_every_day_has_its_hijack_and_its_leak() -> None:
    daily = [fault for slot in range(48) for fault in slots(SEED, int(THEN // SLOT_S) + slot) if "-d" in fault.id]
    assert [(fault.kind, fault.target, fault.start_s - THEN) for fault in daily] == [
        ("bgp_hijack", "203.0.113.128/25", 18_600.0), ("bgp_leak", "Singtel", 51_660.0)
    ]  # fmt: skip


# --- the timeline ----------------------------------------------------------------------------------------------------


def test_people_trigger_end_and_reset() -> None:
    timeline = Timeline(SEED, None)
    kind = KINDS["link_cut"]
    fault = timeline.trigger(fault_of(kind, lasts_s=600.0))
    assert fault.triggered
    assert timeline.active(THEN + 1) == (fault,)
    version = timeline.version
    timeline.end(fault, THEN + 60)
    assert timeline.version > version
    assert timeline.active(THEN + 60) == ()
    (ended,) = timeline.faults(THEN, THEN + 600)
    assert ended.end_s == THEN + 60
    timeline.end(fault, THEN + 300)  # over is over
    assert next(timeline.faults(THEN, THEN + 600)).end_s == THEN + 60
    timeline.trigger(fault_of(KINDS["c2_beacon"]))
    timeline.reset(THEN + 100)
    assert timeline.active(THEN + 100) == ()


@pytest.mark.parametrize("kind", REAL, ids=lambda kind: kind.name)
def test_the_right_action_ends_a_fault(kind: FaultKind) -> None:
    timeline = Timeline(SEED, None)
    fault = timeline.trigger(fault_of(kind, 2, lasts_s=3000.0))
    right = truth_of(fault).action
    if right.kind == "none":
        return
    executor = TwinExecutor(timeline, lambda one: truth_of(one).action)
    tried = (executor.execute(right.kind, right.parameters, THEN + 60 + 30 * number) for number in range(5))
    done = next(action for action in tried if action.ok)  # some fail
    assert done.ended == (fault.id,)
    assert next(timeline.faults(THEN, THEN + 3000)).end_s == done.start_s


def test_the_schedule_can_be_silenced_and_what_is_to_come_not_ended() -> None:
    timeline = acme_timeline(SEED)
    coming = next(fault for fault in timeline.faults(THEN, THEN + 7200) if fault.start_s > THEN)
    with pytest.raises(InvalidInput, match="not begun"):
        timeline.end(coming, THEN)
    timeline.schedule(on=False, at_s=THEN)
    assert all(fault.start_s < THEN for fault in timeline.faults(THEN, THEN + 86_400))
    timeline.schedule(on=True, at_s=THEN)
    assert any(fault.start_s > THEN for fault in timeline.faults(THEN, THEN + 86_400))


# --- effects ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", REAL, ids=lambda kind: kind.name)
def test_outside_its_span_a_fault_does_nothing(kind: FaultKind) -> None:
    fault = fault_of(kind)
    when = np.array([fault.start_s - 1, fault.end_s, fault.end_s + 60])
    for name, port in ((fault.device, fault.port), (fault.other, fault.other_port)):
        if name:
            assert not effects.optic_rx_db(fault, name, port, when).any()
            assert not effects.error_rate(fault, name, port, when).any()
            assert (effects.port_factor(fault, name, port, when) == 1).all()
            assert not any(effects.cpu_percent(fault, name, at) for at in when)
            assert not any(effects.mtu(fault, name, port, at) for at in when)
    for pair in (("chi", "nyc"), ("", "chi")):
        assert (effects.demand_factor(fault, *pair, when) == 1).all()
    for _, _, since, until in effects.outages(fault):
        assert fault.start_s <= since < until <= fault.end_s
    assert all(orders_kept(fault, "chi", "app", at) == 1 for at in when)


@pytest.mark.parametrize("kind", REAL, ids=lambda kind: kind.name)
def test_worse_costs_more_but_never_all_that_there_is(kind: FaultKind) -> None:
    mild, bad = fault_of(kind, severity=0.1), fault_of(kind, severity=1.0)
    for site in ("chi", "nyc", "fra"):
        kept = [orders_kept(one, site, "app", THEN + 100) for one in (mild, bad)]
        assert all(0.05 <= share <= 3.5 for share in kept)
        assert kept[1] >= kept[0] if kind.name == "flash_crowd" else kept[1] <= kept[0]


def test_a_line_flaps_more_the_worse_and_alike_however_long_it_lasts() -> None:
    counts = []
    for severity in (0.2, 1.0):
        fault = fault_of(KINDS["link_flap"], severity=severity, lasts_s=1200.0)
        spans = sorted({(since, until) for *_, since, until in effects.outages(fault)})
        assert all(until < since for (_, until), (since, _) in pairwise(spans))
        counts.append(len(spans))
        short = replace(fault, end_s=fault.start_s + 300)
        assert list(effects.outages(short))[:4] == list(effects.outages(fault))[:4]
    assert 5 < counts[0] < counts[1]


def test_light_falls_then_packets_break() -> None:
    fault = fault_of(KINDS["optic_degradation"], severity=1.0, lasts_s=3600.0)
    when = np.linspace(fault.start_s, fault.end_s - 1, 60)
    lost_db = effects.optic_rx_db(fault, fault.device, fault.port, when)
    rate = effects.error_rate(fault, fault.device, fault.port, when)
    assert (np.diff(lost_db) >= 0).all()
    assert rate[0] == 0
    assert 1e-3 < rate[-1] <= 0.08
    assert rate[lost_db < 4].max() == 0
    assert not effects.optic_rx_db(fault, fault.other, fault.other_port, when).any()
    mild = fault_of(KINDS["optic_degradation"], severity=0.25, lasts_s=3600.0)
    assert effects.line_loss(mild, fault.end_s - 1) == 0, "fades, and hurts nobody"


def test_a_restart_takes_every_line_of_the_device_down_at_both_ends() -> None:
    fault = next(fault_of(KINDS["device_reboot"], number) for number in range(30)
                 if fault_of(KINDS["device_reboot"], number).device == "nyc-border1")  # fmt: skip
    down = effects.is_down([fault], THEN + 1)
    assert {("nyc-border1", port.index) for port in org.all_ports(org.BY_NAME["nyc-border1"])} <= down
    link = next(link for link in org.BACKBONE if {link.a, link.b} == {"chi-border1", "nyc-border1"})
    assert {(link.a, link.a_port), (link.b, link.b_port)} <= down


# --- logs and configurations -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", REAL, ids=lambda kind: kind.name)
def test_lines_are_said_near_the_fault_and_do_not_change_when_it_is_ended(kind: FaultKind) -> None:
    fault = fault_of(kind, 1, lasts_s=900.0)
    lines = fault_lines(fault)
    assert all(fault.start_s <= line.time_s <= fault.end_s + LATEST_S for line in lines)
    cut = fault.start_s + 400
    ended = fault_lines(replace(fault, end_s=cut))
    assert {line for line in lines if line.time_s < cut} == {line for line in ended if line.time_s < cut}


def test_messages_of_a_span_and_of_its_parts_are_the_same() -> None:
    timeline = acme_timeline(SEED)
    timeline.trigger(fault_of(KINDS["misconfig_acl"], lasts_s=400.0))
    whole = messages(timeline, THEN - 60, THEN + 540)
    parts = [one for at in range(-60, 540, 20) for one in messages(timeline, THEN + at, THEN + at + 20)]
    assert whole == parts


@pytest.mark.parametrize(
    "name", ["misconfig_acl", "misconfig_mtu", "misconfig_metric", "misconfig_vlan", "maintenance"]
)
def test_a_bad_change_is_in_the_configuration_until_it_is_taken_back(name: str) -> None:
    for number in (0, len(KINDS[name].places(SEED)) - 1):
        timeline = Timeline(SEED, None)
        fault = timeline.trigger(fault_of(KINDS[name], number, lasts_s=600.0))
        device = org.BY_NAME[fault.device]
        before, during, after = (config_text(device, timeline, THEN + at) for at in (-1, 1, 601))
        changed = set(during.splitlines()) ^ set(before.splitlines())
        assert 1 <= len(changed) <= 7
        assert after == before
        assert [one.at_s for one in commits(timeline, THEN - 60, THEN + 700)] == [fault.start_s, fault.end_s]


def test_what_operators_do_is_logged_and_configured() -> None:
    timeline, device = Timeline(SEED, None), org.BY_NAME["chi-border1"]
    shut = {"device": device.name, "interface": "et-2/0/0"}
    executor = TwinExecutor(timeline, lambda one: truth_of(one).action)
    done = executor.execute("shut", shut, THEN)
    back = executor.execute("no_shut", shut, THEN + 100)
    assert done.ok
    assert back.ok
    said = [one for one in messages(timeline, THEN, THEN + 200) if "svc-automation" in one.text or "LINK_" in one.text]
    assert {one.device for one in said if "LINK_DOWN" in one.text} == {"chi-border1", "nyc-border1"}
    assert {one.device for one in said if "LINK_UP" in one.text} == {"chi-border1", "nyc-border1"}
    assert [one.at_s for one in commits(timeline, THEN, THEN + 200)] == [done.start_s, back.start_s]
    off = "set interfaces et-2/0/0 disable"
    assert off in config_text(device, timeline, done.start_s + 1)
    assert off not in config_text(device, timeline, back.start_s + 1)
    timeline.act(Action("", "drain", {"device": device.name}, THEN + 300, THEN + 310))
    assert "isis overload" in config_text(device, timeline, THEN + 320)
