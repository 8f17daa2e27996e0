"""Acme's devices: counters agree with the flows, never fall, and tell the same story as the faults and the logs."""

from __future__ import annotations

import numpy as np
import pytest

from weft.collect.intake.counters import CounterBook
from weft.twin import organisation as org
from weft.twin.config import DemoConfig
from weft.twin.devices import DeviceTwin
from weft.twin.faults.schedule import acme_timeline
from weft.twin.history import history
from weft.twin.messages import messages
from weft.twin.traffic import ExporterTraffic

NOON = 1_790_000_000.0
CONFIG = DemoConfig(records_per_s=2)
TIMELINE = acme_timeline(CONFIG.seed)


def twin(name, since=NOON - 7200):
    return DeviceTwin(next(d for d in org.DEVICES if d.name == name), CONFIG, since, TIMELINE)


def test_counters_are_the_integral_of_the_rates():
    device = twin("ams-border1")
    for i, port in enumerate(device.ports):
        before, after = device.state(NOON).ports[i], device.state(NOON + 15).ports[i]
        assert after.in_octets - before.in_octets == pytest.approx(15 * before.in_bps / 8, rel=0.05, abs=2000), port


def test_counters_never_fall_and_both_ways_of_asking_agree():
    device = twin("fra-border1")
    times = np.arange(NOON - 3600, NOON, 37.0)
    octets = device.octets(times)
    assert (np.diff(octets, axis=2) >= 0).all()
    state = device.state(float(times[-1]))
    assert [port.in_octets for port in state.ports] == pytest.approx(octets[:, 0, -1].tolist(), abs=2)


def test_flows_and_counters_of_a_port_agree():
    device = twin("lon-fw1")  # exports every packet: its flows are all there is
    flows = ExporterTraffic(device.device, 20.0, TIMELINE).generate(NOON - 1800, NOON)
    octets = device.octets(np.array([NOON - 1800, NOON]))
    for i, port in enumerate(device.ports):
        metered = float(flows.octets[flows.in_if == port.index].sum())
        counted = octets[i, 0, 1] - octets[i, 0, 0]
        assert metered == pytest.approx(counted / (1 + 18 / 820), rel=0.25), port.name


def test_a_line_carries_the_same_at_both_ends():
    for link in org.BACKBONE:
        a, b = twin(link.a).state(NOON), twin(link.b).state(NOON)
        sent = next(p.out_bps for p in a.ports if p.port.index == link.a_port)
        assert sent == pytest.approx(next(p.in_bps for p in b.ports if p.port.index == link.b_port), rel=1e-6)


def test_a_line_that_is_down_is_so_in_states_counters_and_logs():
    one = next(i for i in TIMELINE.faults(NOON, NOON + 7 * 86_400) if i.kind == "link_cut")
    device = twin(one.device, one.start_s - 600)
    at = (one.start_s + one.end_s) / 2
    port = next(p for p in device.state(at).ports if p.port.index == one.port)
    assert not port.up
    assert port.in_bps == 0
    assert port.rx_dbm == -40
    assert next(p for p in device.state(one.end_s + 1).ports if p.port.index == one.port).up
    said = [m for m in messages(TIMELINE, one.start_s, one.end_s + 5) if "SNMP_TRAP_LINK_" in m.text]
    assert {m.device for m in said} == {one.device, one.other}


@pytest.mark.parametrize("asked_before", [True, False])
def test_a_device_counts_from_its_last_restart_however_long_ago(asked_before):
    one = next(i for i in TIMELINE.faults(NOON, NOON + 14 * 86_400) if i.kind == "device_reboot")
    device = twin(one.device, one.start_s - 600)
    before, later = device.state(one.start_s - 60), one.end_s + 30 * 3600
    again = [
        i.end_s for i in TIMELINE.faults(one.end_s + 1, later) if i.kind == "device_reboot" and i.device == one.device
    ]
    if asked_before:
        device.state(one.end_s + 23 * 3600)
    state = device.state(later)
    assert state.uptime_s == pytest.approx(later - max([one.end_s, *(end for end in again if end <= later)]))
    assert state.ports[0].in_octets < before.ports[0].in_octets


def test_messages_of_a_span_are_those_of_its_parts():
    whole = messages(TIMELINE, NOON, NOON + 3600)
    cut = NOON + 1234.5
    assert whole == messages(TIMELINE, NOON, cut) + messages(TIMELINE, cut, NOON + 3600)
    assert {m.device for m in whole} >= {d.name for d in org.DEVICES}


def test_history_goes_on_into_the_present():
    device, book, compared = twin("chi-core1"), CounterBook(), 0
    for batch in history(device, NOON - 3600, NOON):
        out = book.apply(batch).to_pydict()
        if out["metric"][0] == "in_octets":
            assert out["increase"][0] == 0
            assert all(value > 0 for value in out["increase"][1:])
            compared += len(out["increase"])
    assert compared > 60
    assert book.counts.resets == book.counts.late == 0
