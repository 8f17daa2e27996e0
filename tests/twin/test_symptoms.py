"""What truths claim is in the telemetry: each kind is played for its span and compared with a quiet organisation.

Attacks, clouds and the AI cluster are held to the same in ``test_attacks``, ``test_cloud`` and ``test_cluster``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from weft.collect.synthetics import SyntheticsConfig
from weft.decode.syslog import Sender, SenderClock, SyslogDecoder, rule_table
from weft.model.addresses import packed
from weft.model.synthetics import SyntheticTest
from weft.twin import organisation as org
from weft.twin.agents.prober import Prober
from weft.twin.business import sold
from weft.twin.config import DemoConfig
from weft.twin.configs import config_text
from weft.twin.demo import make_device
from weft.twin.demo_synthetics import synthetics_settings
from weft.twin.devices import DeviceState, DeviceTwin, PeerState, PortState
from weft.twin.faults import ai_kinds, attacks, cloud
from weft.twin.faults.begin import begin
from weft.twin.faults.catalogue import KINDS, truth_of
from weft.twin.faults.model import Fault
from weft.twin.faults.places import agent_name
from weft.twin.messages import messages
from weft.twin.probing import Weather
from weft.twin.routing import neighbours, route_changes
from weft.twin.timeline import Timeline

SEED = 7
#: A Thursday, 14:00 UTC: both Americas and Europe are at work.
START = 20_776 * 86_400 + 14 * 3600.0
CONFIG = DemoConfig(records_per_s=2)
_ELSEWHERE = {kind.name for kind in (*attacks.KINDS, *cloud.KINDS, *ai_kinds.KINDS)}
PLAYED = [kind for kind in KINDS.values() if kind.name not in _ELSEWHERE and kind.places(SEED)]
QUIET = Timeline(SEED, None)


def played(name: str, number: int = 0) -> tuple[Timeline, Fault]:
    """A fault at full severity from the start on, for as long as its shortest but no more than half an hour."""
    kind = KINDS[name]
    places, timeline = kind.places(SEED), Timeline(SEED, None)
    rng = np.random.default_rng(5)
    place = places[(7 * number + 3) % len(places)]
    lasts = float(np.clip(1.2 * kind.lasts_s[0], 150, 1800))
    return timeline, timeline.trigger(begin(kind, place, START, lasts, 1.0, rng))


@pytest.mark.parametrize("kind", PLAYED, ids=lambda kind: kind.name)
def test_every_claimed_symptom_shows(kind: Any) -> None:
    for number in range(2):
        timeline, fault = played(kind.name, number)
        truth = truth_of(fault)
        assert truth.symptoms, kind.name
        for symptom in truth.symptoms:
            group, _, name = symptom.entity.partition(":")
            assert SHOWS[symptom.dataset](timeline, fault, group, name), (fault.device, fault.target, symptom)


# --- by dataset ------------------------------------------------------------------------------------------------------


def in_logs(timeline: Timeline, fault: Fault, _group: str, name: str) -> bool:
    spans = (fault.start_s - 5, fault.end_s + 60)
    usual = set(messages(QUIET, *spans))
    return any(one.device == name for one in messages(timeline, *spans) if one not in usual)


def in_changes(timeline: Timeline, fault: Fault, _group: str, name: str) -> bool:
    """The commit is a change as the decoder reads it, and the text is another one."""
    device = org.BY_NAME[name]
    said = [one for one in messages(timeline, START - 10, START + 30) if one.device == name]
    decoded = SyslogDecoder(rule_table()).decode(
        [one.wire for one in said], [int(one.time_s * 1e9) for one in said],
        [Sender(packed(device.address), SenderClock(is_live=False))] * len(said), 1,
    )  # fmt: skip
    authors = decoded.changes.column("author").to_pylist() if decoded.changes is not None else []
    during, after = (config_text(device, timeline, at) for at in (fault.start_s + 1, fault.end_s + 1))
    before = config_text(device, timeline, fault.start_s - 1)
    is_back = after == before if fault.kind != "config_commit" else after == during
    return fault.who in authors and during != before and is_back


def in_metrics(timeline: Timeline, fault: Fault, group: str, name: str) -> bool:
    device = org.BY_NAME[name.partition("|")[0]]
    one, usual = twin(device.name, timeline), twin(device.name, QUIET)
    part = name.partition("|")[2]
    for share in (0.02, 0.3, 0.6, 0.97, 1.05):
        at = fault.start_s + share * (fault.end_s - fault.start_s)
        states = one.state(at), usual.state(at)
        if group == "device" and _device_differs(*states):
            return True
        if group == "interface":
            ports = (next(port for port in state.ports if port.port.name == part) for state in states)
            if _port_differs(*ports):
                return True
        if group == "peer":
            peers = (next(peer for peer in state.peers if peer.address == part) for state in states)
            if _peer_differs(*peers):
                return True
    return False


@cache
def twin(name: str, timeline: Timeline) -> DeviceTwin:
    return DeviceTwin(org.BY_NAME[name], CONFIG, START - 3600, timeline)


def _device_differs(one: DeviceState, usual: DeviceState) -> bool:
    return one.uptime_s < usual.uptime_s / 2 or one.cpu_percent > usual.cpu_percent + 8


def _port_differs(one: PortState, usual: PortState) -> bool:
    moved = abs(one.in_bps - usual.in_bps) + abs(one.out_bps - usual.out_bps)
    return (
        one.up != usual.up or one.rx_dbm < usual.rx_dbm - 1 or one.in_errors > 1.5 * usual.in_errors + 10
        or one.out_discards > 1.5 * usual.out_discards + 10 or one.last_change_s != usual.last_change_s
        or moved > 0.08 * (usual.in_bps + usual.out_bps)
    )  # fmt: skip


def _peer_differs(one: PeerState, usual: PeerState) -> bool:
    return one.established != usual.established or one.prefixes_received < usual.prefixes_received / 2


def in_routes(timeline: Timeline, fault: Fault, group: str, name: str) -> bool:
    span = fault.start_s - 1, fault.end_s + 120
    usual = list(route_changes(QUIET, *span))
    told = [one for one in route_changes(timeline, *span) if one not in usual]
    if group == "prefix":
        return any(str(prefix) == name for one in told for prefix, _ in one.routes)
    device, _, address = name.partition("|")
    ports = {each.port for each in neighbours(device) if each.address == address}
    return any(one.device == device and one.port in ports for one in told)


def in_probes(timeline: Timeline, fault: Fault, group: str, name: str) -> bool:
    """What an agent reports of a service or a name: failures, or answers that take far longer."""
    if group == "agent":
        return _fails(name, timeline, fault) and not _fails(name, QUIET, fault)
    return any(_suffers(site.code, timeline, fault, group, name) for site in org.SITES[:6])


def _fails(agent: str, timeline: Timeline, fault: Fault) -> bool:
    """Whether all runs of an agent against web pages fail in the middle of a fault."""
    site = next(site.code for site in org.AGENT_SITES if agent_name(site.code) == agent)
    prober = Prober(agent, site, {site: agent}, Weather(timeline), START - 86_400)
    tests = [test for test in SyntheticsConfig.model_validate(synthetics_settings()).tests if test.kind == "http"]
    runs = [run.probe for test in tests for run in prober.runs(test, [], fault.start_s + 20, fault.end_s - 20)]
    return bool(runs) and all(probe["state"] == "failed" for probe in runs)


def _suffers(site: str, timeline: Timeline, fault: Fault, group: str, name: str) -> bool:
    agent, bad, took = agent_name(site), [], []
    for asked in (timeline, QUIET):
        prober = Prober(agent, site, {site: agent}, Weather(asked), START - 86_400)
        probes = [
            run.probe
            for test in SyntheticsConfig.model_validate(synthetics_settings()).tests
            if test.kind in ("http", "dns") and group in ("target", "service") and name in (test.name, *_asked(test))
            for run in prober.runs(test, [], fault.start_s, fault.end_s)
            if group == "service" or name in (run.probe["resolver"], run.probe["target"])
        ]
        bad.append(sum(probe["state"] == "failed" for probe in probes))
        took.append(float(np.quantile([probe.get("rtt_ms", 2000.0) for probe in probes], 0.9)))
    return bad[0] > bad[1] or took[0] > 1.3 * took[1]


def _asked(test: SyntheticTest) -> tuple[str, ...]:
    return (*test.targets, *test.resolvers) if test.kind == "dns" else ()


def in_business(timeline: Timeline, fault: Fault, _group: str, name: str) -> bool:
    orders = {timeline: 0.0, QUIET: 0.0}
    first, last = int(fault.start_s // 60 * 60), int(min(fault.end_s, fault.start_s + 300))
    for asked in orders:
        for minute in range(first, last, 60):
            orders[asked] += sum(one.orders for one in sold(asked, minute) if name in (one.site, one.product))
    return orders[timeline] < 0.93 * orders[QUIET]


def in_flows(timeline: Timeline, fault: Fault, _group: str, name: str) -> bool:
    """A device that exports nothing, or with times of its own."""
    number = next(at for at, one in enumerate(org.EXPORTERS) if one.name == name)
    one, usual = (make_device(number, CONFIG, asked, START - 3600) for asked in (timeline, QUIET))
    told, normal = (each.datagrams(START + 10, START + 70, announce=False) for each in (one, usual))
    if fault.kind == "exporter_silent":
        return len(told) == 0 < len(normal)
    return told.data.tobytes() != normal.data.tobytes()


SHOWS: dict[str, Callable[[Timeline, Fault, str, str], bool]] = {
    "logs": in_logs, "changes": in_changes, "metrics": in_metrics, "routes": in_routes, "probes": in_probes,
    "business": in_business, "flows": in_flows,
}  # fmt: skip
