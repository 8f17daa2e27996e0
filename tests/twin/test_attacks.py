"""Attacks and their lookalikes: as exporters see them by their own sampling, as ports count them, as devices log."""

from __future__ import annotations

import ipaddress
import re
import time
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from weft.decode.flow.decoder import FlowDecoder
from weft.twin import organisation as org
from weft.twin.attacks import PLANS, attack_bps, attack_messages, attack_records, habit_records
from weft.twin.attacks.floods import VECTORS, attack_bps_of
from weft.twin.attacks.metering import merged
from weft.twin.attacks.plans import has_traffic
from weft.twin.attacks.probes import brute_rate, scan_rate
from weft.twin.attacks.strands import attack_of, split_target
from weft.twin.demo import as_batch
from weft.twin.encode import Encoder, NetflowV5, concat
from weft.twin.encode_sflow import SflowAgent
from weft.twin.encode_templated import Templated
from weft.twin.faults.attacks import KINDS
from weft.twin.faults.cloud import KINDS as CLOUD_KINDS
from weft.twin.faults.impact import orders_kept
from weft.twin.faults.model import Fault, FaultKind, Place, Truth
from weft.twin.records import FlowRecords
from weft.twin.scenario import Scenario, play
from weft.twin.timeline import Timeline

T0 = 1_795_374_000.0
BY_KIND = {kind.name: kind for kind in KINDS}


def begin(kind: str, place: str, severity: float = 1.0, lasts_s: float = 300.0) -> tuple[Timeline, Fault]:
    """A quiet Acme in which one thing happens."""
    where = next(one for one in BY_KIND[kind].places(7) if one.id == place)
    timeline = Timeline(7, None)
    return timeline, timeline.trigger(fault_at(kind, where, severity, T0 + 13, lasts_s))


def fault_at(kind: str, where: Place, severity: float, at_s: float, lasts_s: float) -> Fault:
    who = "198.51.100.77" if BY_KIND[kind].group == "security" else ""
    return Fault("", kind, at_s, at_s + lasts_s, where.device, where.port, target=where.target, who=who,
                 severity=severity)  # fmt: skip


def seen(name: str, timeline: Timeline, since_s: float = T0 - 60, until_s: float = T0 + 420) -> FlowRecords:
    return attack_records(org.BY_NAME[name], timeline, since_s, until_s)


def v4(address: NDArray[np.uint8]) -> list[str]:
    return [str(ipaddress.IPv4Address(bytes(one[12:]))) for one in address]


def distinct(address: NDArray[np.uint8]) -> set[str]:
    whole = np.ascontiguousarray(address[:, 12:]).view(">u4")
    return {str(ipaddress.IPv4Address(int(one))) for one in np.unique(whole)}


def bps(records: FlowRecords, name: str, seconds: float) -> float:
    return float(records.octets.sum()) * (org.BY_NAME[name].sampling_rate or 1) * 8 / seconds


@pytest.mark.parametrize("vector", VECTORS)
def test_amplification_comes_from_many_reflectors_and_one_port(vector: str) -> None:
    timeline, fault = begin("ddos_udp_amplification", f"fra-{vector}")
    victim = split_target(attack_of(fault))[1]
    both = {name: seen(name, timeline) for name in ("fra-border1", "fra-border2")}
    records = merged(list(both.values()))
    inward = np.isin(records.in_if, (1, 2, 3)) & (records.out_if == 10)
    asked, refused = records.take(inward), records.take(~inward)
    assert distinct(asked.dst) == {victim}
    assert set(asked.protocol.tolist()) == {17}
    ports = Counter(asked.src_port.tolist())
    assert set(ports) <= {VECTORS[vector].port, 0}
    assert (0 in ports) == (VECTORS[vector].fragments > 0)  # fragments after the first have no ports
    assert VECTORS[vector].reflectors[0] * 0.6 < len(distinct(asked.src)) <= VECTORS[vector].reflectors[1]
    assert len(set(asked.in_if.tolist())) == 3
    assert set(refused.protocol.tolist()) <= {1}
    # What arrives is many times what leaves, at the rate that severity says.
    truly = sum(bps(part.take(part.out_if == 10), name, 300) for name, part in both.items())
    assert truly == pytest.approx(attack_bps_of(attack_of(fault)), rel=0.5)
    assert refused.octets.sum() < asked.octets.sum() / 100


def encoder(exporter: org.Exporter) -> Encoder:
    boot_ms = int((T0 - 86_400) * 1000)
    if exporter.protocol == "netflow_v5":
        return NetflowV5(boot_ms, exporter.sampling_rate or 1)
    if exporter.protocol == "sflow":
        return SflowAgent(exporter.address, boot_ms, exporter.sampling_rate or 1, {1: 10**11}, None)
    names = {port.index: (port.name, port.description) for port in exporter.ports}
    return Templated(9 if exporter.protocol == "netflow_v9" else 10, boot_ms, 1, exporter.sampling_rate, names)


def test_every_protocol_carries_an_attack_to_the_decoder() -> None:
    timeline, victims = Timeline(7, None), {}
    for site in ("chi", "nyc", "lon"):
        where = next(place for place in BY_KIND["ddos_udp_amplification"].places(7) if place.id == f"{site}-cldap")
        timeline.trigger(fault_at("ddos_udp_amplification", where, 0.8, T0, 300))
        victims[site] = ipaddress.IPv4Address(where.target.partition("@")[2]).packed
    for name in ("chi-border1", "nyc-border1", "lon-border1", "chi-core1"):  # IPFIX, NetFlow v9, v5, sFlow
        exporter, sent = org.BY_NAME[name], seen(name, timeline, T0, T0 + 120)
        wire = encoder(exporter)
        data = concat([wire.announce(int(T0 * 1000)), wire.encode(sent)])
        decoded = FlowDecoder().decode(as_batch([(exporter, data)]))
        rows = decoded.flows.to_pylist()
        assert len(rows) == len(sent) > 20
        assert Counter(row["src_port"] for row in rows) == Counter(sent.src_port.tolist())
        assert sum(row["bytes"] for row in rows) == pytest.approx(int(sent.octets.sum()), rel=0.02)
        assert {row["in_if"] for row in rows} == set(sent.in_if.tolist())
        assert {row["dst_addr"][-4:] for row in rows if row["protocol"] == 17} == {victims[name[:3]]}


def test_a_syn_flood_is_one_packet_a_flow_from_sources_nobody_knows() -> None:
    timeline, fault = begin("ddos_syn", "ams-syn", severity=0.6)
    records = seen("ams-border1", timeline)
    asked, answered = (records.take(records.tcp_flags == flags) for flags in (0x02, 0x12))
    assert len(asked) + len(answered) == len(records)
    assert len(distinct(asked.src)) > 0.99 * len(asked) > 1000
    assert set(asked.packets.tolist()) == {1}
    assert len(set(asked.dst_port.tolist())) == 1
    assert not any(ipaddress.IPv4Address(one).is_private for one in v4(asked.src)[:500])
    assert bps(asked, "ams-border1", 300) == pytest.approx(attack_bps_of(attack_of(fault)), rel=0.3)
    assert 0 < len(answered) < len(asked)  # as many as the victim is good for


def test_a_carpet_lies_over_the_whole_prefix() -> None:
    timeline, fault = begin("ddos_carpet", "sin-carpet")
    records = seen("sin-border1", timeline)
    prefix = ipaddress.IPv4Network(split_target(attack_of(fault))[1])
    per_host = Counter[str]()
    for address, octets in zip(v4(records.dst), records.octets.tolist(), strict=True):
        if ipaddress.IPv4Address(address) in prefix:
            per_host[address] += octets
    assert len(per_host) == prefix.num_addresses
    assert max(per_host.values()) < 0.12 * sum(per_host.values())


def test_scans_differ_in_what_they_try() -> None:
    timeline, fault = begin("port_scan", "chi-vertical", severity=0.9, lasts_s=600)
    records = seen("chi-border1", timeline, T0, T0 + 700)
    probes = records.take(records.in_if != 10)
    assert distinct(probes.src) == {"198.51.100.77"}
    assert len(distinct(probes.dst)) == 1
    assert len(set(probes.dst_port.tolist())) > 0.9 * len(probes) > 100
    expected = scan_rate(attack_of(fault)) * 600 / 1000  # sampled 1 in 1000
    assert len(probes) == pytest.approx(expected, rel=0.25)
    timeline, _ = begin("port_scan", "everywhere-horizontal", severity=1.0, lasts_s=600)
    everywhere = [seen(name, timeline, T0, T0 + 700) for name in ("chi-border1", "tyo-border1", "sin-border1")]
    assert all(len(one) > 4 for one in everywhere)  # one packet in 1000 to 4096 is sampled
    tried = merged([one.take(one.out_if == 10) for one in everywhere])
    assert len(set(tried.dst_port.tolist())) <= 2
    assert len(distinct(tried.dst)) > 20


def test_a_slow_scan_hides_and_one_inside_answers_hardly_ever() -> None:
    timeline, fault = begin("port_scan", "nyc-slow", severity=0.1, lasts_s=1800)
    slow = seen("nyc-fw1", timeline, T0, T0 + 1900)
    probes = slow.take(slow.out_if == 2)
    assert len(probes) == pytest.approx(1800 * scan_rate(attack_of(fault)), abs=4)
    timeline, fault = begin("port_scan", "nyc-sweep", severity=0.8)
    records = seen("nyc-fw1", timeline)
    probes, answers = records.take(records.out_if == 2), records.take(records.in_if == 2)
    assert distinct(probes.src) == {split_target(attack_of(fault))[1]}
    assert len(distinct(probes.dst)) > 300
    assert set(probes.dst_port.tolist()) == {22, 445, 3389, 5985}
    assert len(answers) < 0.4 * len(probes)
    assert any("tcp_port_scan" in line.text for line in attack_messages(timeline, T0, T0 + 400))


def test_guessing_is_the_same_in_flows_and_logs() -> None:
    timeline, fault = begin("brute_force", "lon-fw1-ssh", severity=0.7)
    records = seen("lon-fw1", timeline)
    tries = records.take(records.dst_port == 22)
    lines = [line for line in attack_messages(timeline, T0, T0 + 400) if "login failed" in line.text]
    expected = brute_rate(attack_of(fault)) * 300
    assert len(tries) == pytest.approx(expected, rel=0.1)
    assert len(lines) == pytest.approx(len(tries), abs=12)
    sources = {re.search(r"ssh\(([0-9.]+)\)", line.text)[1] for line in lines}  # type: ignore[index]
    assert sources == distinct(tries.src)
    assert {line.device for line in lines} == {"lon-fw1"}
    assert np.std(tries.octets) < 0.1 * np.mean(tries.octets)  # attempts are alike
    assert set(tries.out_if.tolist()) == {0}  # for the device itself
    # A router that samples shows little of the same.
    timeline, _ = begin("brute_force", "chi-border1-ssh", severity=0.7)
    assert len(seen("chi-border1", timeline)) < 0.2 * len(tries)
    lines = [line for line in attack_messages(timeline, T0, T0 + 400) if "Failed password" in line.text]
    assert len(lines) == pytest.approx(expected, rel=0.1)


def test_a_mistyped_password_is_followed_by_the_right_one() -> None:
    timeline, _ = begin("login_typo", "ams-border1-login", lasts_s=110)
    texts = [line.text for line in attack_messages(timeline, T0, T0 + 400) if line.device == "ams-border1"]
    assert 2 <= sum("Failed password" in text for text in texts) <= 5
    assert "Accepted password" in texts[-1]
    assert " from 10.30." in texts[0]


def test_a_beacon_is_small_alike_and_in_time() -> None:
    timeline, fault = begin("c2_beacon", "bos-host1", severity=0.6, lasts_s=5 * 3600)
    records = seen("bos-fw1", timeline, T0, T0 + 5 * 3600)
    calls, answers = records.take(records.in_if == 10), records.take(records.in_if == 1)
    assert len(calls) == len(answers) > 60
    assert distinct(calls.src) == {split_target(attack_of(fault))[1]}
    assert len(distinct(calls.dst)) == len(set(calls.dst_port.tolist())) == 1
    between = np.diff(np.sort(calls.start_ms)) / 1000
    every = np.median(between)
    assert np.median(np.abs(between - every)) < 0.2 * every
    assert np.median(calls.octets) < 1500
    assert np.mean(np.abs(calls.octets - np.median(calls.octets)) > 60) < 0.1  # only tasks differ


def test_harmless_machines_are_more_regular_than_a_beacon() -> None:
    records = habit_records(org.BY_NAME["lon-fw1"], _quiet(), T0, T0 + 5400)
    calls = records.take(records.out_if == 1)
    ends = list(zip(v4(calls.src), v4(calls.dst), strict=True))
    spread = []
    for pair in set(ends):
        between = np.diff(np.sort(calls.start_ms[[one == pair for one in ends]]))
        spread.append(np.std(between) / np.mean(between))
    assert len(spread) == 5
    assert min(spread) < 0.02
    assert not len(habit_records(org.BY_NAME["chi-border1"], _quiet(), T0, T0 + 600))
    parts = [habit_records(org.BY_NAME["lon-fw1"], _quiet(), T0 + a, T0 + a + 100) for a in range(0, 5400, 100)]
    assert columns(merged(parts)) == columns(records)


def test_stolen_data_goes_out_under_the_address_that_the_exporter_sees() -> None:
    timeline, fault = begin("data_exfiltration", "chi-sftp", severity=0.8)
    source = split_target(attack_of(fault))[1]
    border, core = seen("chi-border1", timeline), seen("chi-core1", timeline)
    out = border.take(border.in_if == 10)
    assert distinct(out.src) == {"203.0.113.29"}  # translated
    assert distinct(core.take(core.out_if == 1).src) == {source}
    assert out.octets.sum() > 30 * max(1, border.take(border.out_if == 10).octets.sum())
    timeline, fault = begin("data_exfiltration", "mad-https", severity=0.5)
    records = seen("mad-fw1", timeline)
    sent, received = records.take(records.out_if == 1), records.take(records.in_if == 1)
    assert distinct(sent.src) == {split_target(attack_of(fault))[1]}
    assert 30 < sent.octets.sum() / received.octets.sum() < 80
    said = [line.text for line in attack_messages(timeline, T0, T0 + 400) if 'action="accept"' in line.text]
    grown = [int(re.search(r"sentbyte=(\d+)", text)[1]) for text in said]  # type: ignore[index]
    assert len(grown) >= 2
    assert grown[-1] > grown[0]


def test_a_dns_tunnel_asks_long_and_often() -> None:
    timeline, fault = begin("dns_tunnelling", "osa-host2", severity=0.7)
    records = seen("osa-fw1", timeline)
    asked, answered = records.take(records.dst_port == 53), records.take(records.src_port == 53)
    assert distinct(asked.src) == {split_target(attack_of(fault))[1]}
    assert asked.packets.sum() == answered.packets.sum() > 1000
    assert asked.octets.sum() / asked.packets.sum() > 140
    assert answered.octets.sum() > asked.octets.sum()
    names = [re.search('qname="([^"]+)"', line.text)[1] for line in attack_messages(timeline, T0, T0 + 400)  # type: ignore[index]
             if "qname" in line.text and f"srcip={split_target(attack_of(fault))[1]}" in line.text]  # fmt: skip
    assert len(set(names)) == len(names) > 100
    assert len({name.split(".", name.count(".") - 1)[-1] for name in names}) == 1  # below one domain
    assert all(len(label) <= 63 for name in names for label in name.split("."))
    assert np.mean([len(name) for name in names]) > 50


def test_everyday_names_are_odd_at_times_too() -> None:
    names = [line.text for line in attack_messages(Timeline(7, None), T0, T0 + 3600)]
    assert len(names) > 100
    assert 0.03 < np.mean(["avq" in text or ".cdn." in text for text in names]) < 0.3


def test_lookalikes_share_a_feature_and_lack_another() -> None:
    timeline, _ = begin("flash_crowd", "fra-crowd")
    crowd = merged([seen(name, timeline) for name in ("fra-border1", "fra-border2")])
    out = crowd.take(crowd.in_if == 10)
    assert len(distinct(out.dst)) > 2000
    assert out.octets.sum() > 10 * crowd.take(crowd.out_if == 10).octets.sum()  # a flood is the other way round
    timeline, _ = begin("scanner_approved", "nyc-scanner")
    scanned = seen("nyc-fw1", timeline)
    assert len(distinct(scanned.dst)) > 100
    assert distinct(scanned.take(scanned.out_if == 2).src) == {"10.20.141.114"}
    timeline, _ = begin("backup_burst", "lon-backup", severity=0.5)
    backup = seen("lon-fw1", timeline)
    assert backup.take(backup.out_if == 2).octets.sum() > 30 * backup.take(backup.in_if == 2).octets.sum()
    assert next(iter(backup.dst_as.tolist())) in (0, 16509)
    timeline, _ = begin("benign_surge", "chi-akamai")
    surge = seen("chi-border1", timeline)
    assert set(surge.take(surge.out_if == 10).src_as.tolist()) == {20940}
    assert all(truth_of(one).is_benign for one in ("flash_crowd", "scanner_approved", "backup_burst", "benign_surge"))


def truth_of(kind: str) -> Truth:
    _, fault = begin(kind, BY_KIND[kind].places(7)[0].id)
    return BY_KIND[kind].truth(fault)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_ports_count_what_exporters_sample(kind: FaultKind) -> None:
    """Bit/s of ports and what the records add up to agree, as far as sampling lets them."""
    for place in kind.places(7)[:: max(1, len(kind.places(7)) // 3)]:
        timeline = Timeline(7, None)
        timeline.trigger(fault_at(kind.name, place, 0.9, T0, 300.0))
        times = np.arange(T0 - 60, T0 + 360, 1.0)
        for exporter in org.EXPORTERS:
            records, ports = attack_records(exporter, timeline, T0 - 60, T0 + 360), {}
            for port, (received, _) in attack_bps(exporter.name, timeline, times).items():
                ports[port] = received
                assert received[times < T0].sum() == received[times >= T0 + 300].sum() == 0
                counted, told = received.sum() / 8, records.octets[records.in_if == port].sum()
                few = records.packets[records.in_if == port].sum()
                rate = exporter.sampling_rate or 1
                if few > 400:
                    assert told * rate == pytest.approx(counted, rel=0.25), (place.id, exporter.name, port)
            assert set(records.in_if.tolist()) <= {*ports, 0}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_live_and_filled_in_later_are_the_same(kind: FaultKind) -> None:
    place = kind.places(7)[0]
    whole = Timeline(7, None)
    fault = whole.trigger(fault_at(kind.name, place, 0.7, T0 + 17.5, 140.0))
    device = next((one for one in org.EXPORTERS if len(attack_records(one, whole, T0, T0 + 300))), org.EXPORTERS[0])
    at_once = attack_records(device, whole, T0, T0 + 240)
    cuts = [0.0, 1.0, 33.3, 60.0, 61.0, 119.9, 150.0, 240.0]
    again = Timeline(7, None)
    again.trigger(replace(fault, id=""))
    parts = [attack_records(device, again, T0 + a, T0 + b) for a, b in pairwise(cuts)]
    assert columns(merged(parts)) == columns(at_once)
    if len(at_once):
        assert at_once.start_ms.min() >= (T0 + 17.5) * 1000 - 1
        assert at_once.end_ms.max() <= (T0 + 157.5) * 1000 + 1
    lines = [*attack_messages(whole, T0, T0 + 240)]
    live = [line for a, b in pairwise(cuts) for line in attack_messages(again, T0 + a, T0 + b)]
    assert sorted(live) == sorted(lines)
    other = Timeline(8, None)
    other.trigger(replace(fault, id=""))
    assert not len(at_once) or columns(attack_records(device, other, T0, T0 + 240)) != columns(at_once)


def columns(records: FlowRecords) -> list[tuple[object, ...]]:
    """The records in an order that is theirs, whatever they were asked for by."""
    names = (records.end_ms, records.src_port, records.octets, records.in_if)
    ends = [side.view("V16")[:, 0].tolist() for side in map(np.ascontiguousarray, (records.src, records.dst))]
    return sorted(zip(*(one.tolist() for one in names), *ends, strict=True))


def test_what_is_ended_stops_at_once() -> None:
    timeline, fault = begin("ddos_udp_amplification", "nyc-dns", lasts_s=600)
    before = seen("nyc-border1", timeline, T0, T0 + 700)
    timeline.end(fault, T0 + 200)
    after = seen("nyc-border1", timeline, T0, T0 + 700)
    assert after.end_ms.max() <= (T0 + 200) * 1000
    early = before.end_ms < (T0 + 120) * 1000  # what was sent before is as it was
    assert columns(before.take(early)) == columns(after.take(after.end_ms < (T0 + 120) * 1000))
    times = np.arange(T0, T0 + 600, 10.0)
    received = attack_bps("nyc-border1", timeline, times)[1][0]
    assert received[times >= T0 + 200].max() == 0 < received[times < T0 + 200].max()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_claimed_symptoms_are_in_the_telemetry(kind: FaultKind) -> None:
    """What truth says of hosts, devices, ports and sites shows after the time that it says, weak or strong."""
    lasts = min(kind.lasts_s[0], 5400.0)
    places = kind.places(7)
    for number, place in enumerate({place.target.partition("@")[0]: place for place in places}.values()):
        severity = (kind.severity[0], kind.severity[1], 0.5)[number % 3]
        timeline = Timeline(7, None)
        fault = timeline.trigger(fault_at(kind.name, place, severity, T0, lasts))
        truth = kind.truth(fault)
        assert truth.is_benign == (kind.group == "benign")
        hosts = hosts_of(timeline, lasts) if any(one.dataset == "flows" for one in truth.symptoms) else set()
        lines = [line for line in attack_messages(timeline, T0, T0 + lasts) if line.time_s >= T0]
        for symptom in truth.symptoms:
            what, _, name = symptom.entity.partition(":")
            if symptom.dataset == "flows" and what == "host" and symptom.after_s < lasts / 2:
                assert name in hosts, (place.id, severity, symptom)
            elif symptom.dataset == "flows" and what in ("prefix", "site"):
                # People of a site without a firewall are seen under its public addresses.
                inside = ipaddress.ip_network(name if what == "prefix" else org.BY_CODE[name].public)
                assert any(ipaddress.ip_address(one) in inside for one in hosts), (place.id, severity, symptom)
            elif symptom.dataset == "logs" and symptom.after_s < lasts / 2:
                about = split_target(attack_of(fault))[1]
                told = [one for one in lines if (name == one.device or name in one.text)]
                assert told, (place.id, severity, symptom, about)
            elif symptom.dataset == "metrics":
                device, _, port = name.partition("|")
                index = next(one.index for one in org.BY_NAME[device].ports if one.name == port)
                received = attack_bps(device, timeline, np.arange(T0 + 60, T0 + lasts, 20.0))[index][0]
                assert np.percentile(received, 90) > 2e9, (place.id, severity, symptom)
            elif symptom.dataset == "business":
                kept = orders_kept(fault, name, "app", T0 + max(symptom.after_s, 60.0))
                assert kept > 1.2 if kind.name == "flash_crowd" else kept < 0.85


def hosts_of(timeline: Timeline, lasts_s: float) -> set[str]:
    found: set[str] = set()
    for exporter in org.EXPORTERS:
        records = attack_records(exporter, timeline, T0, T0 + lasts_s)
        found |= distinct(np.concatenate([records.src, records.dst]))
    return found


@cache
def _quiet() -> Timeline:
    return Timeline(7, None)


def test_other_faults_and_places_bring_no_traffic_of_their_own() -> None:
    assert {kind.name for kind in KINDS} == set(PLANS)
    assert not has_traffic(Fault("x", "link_cut", T0, T0 + 60, target="a@b"))
    assert not has_traffic(Fault("x", "benign_surge", T0, T0 + 60, target="chi"))
    assert not len(seen("chi-border1", _quiet()))
    assert attack_bps("chi-border1", _quiet(), np.arange(T0, T0 + 60)) == {}
    assert attack_bps("chi-border1", _quiet(), np.zeros(0)) == {}


def test_generation_keeps_up_with_scoring() -> None:
    """Ten minutes of three floods at once, at every exporter, in far less than a hundredth of it a piece."""
    timeline = Timeline(7, None)
    for kind, place in (("ddos_udp_amplification", "fra-ssdp"), ("ddos_syn", "chi-syn"), ("flash_crowd", "nyc-crowd")):
        where = next(one for one in BY_KIND[kind].places(7) if one.id == place)
        timeline.trigger(fault_at(kind, where, 0.7, T0, 600))
    started = time.process_time()
    for exporter in org.EXPORTERS:
        attack_records(exporter, timeline, T0, T0 + 600)
    assert time.process_time() - started < 6.0


def test_the_page_on_attacks_says_what_there_is() -> None:
    text = (Path(__file__).parents[2] / "docs/twin-attacks.md").read_text(encoding="utf-8")
    assert not [kind.name for kind in (*KINDS, *CLOUD_KINDS) if f"`{kind.name}`" not in text]
    example = Scenario.model_validate(yaml.safe_load(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0]))
    assert len(list(play(example).timeline.faults(example.since_s, example.until_s))) == 4
