"""Exporters that fall silent and clocks that are off, as flows and logs show them."""

from __future__ import annotations

import numpy as np
import pytest

from weft.decode.flow.decoder import FlowDecoder
from weft.twin import organisation as org
from weft.twin.config import DemoConfig
from weft.twin.demo import as_batch, make_device
from weft.twin.demo_logs import wires
from weft.twin.faults.model import Fault
from weft.twin.messages import Message
from weft.twin.senses import offset_s, spans
from weft.twin.timeline import Timeline

NOW = 1_790_000_000.0


def timeline(*faults):
    on = Timeline(7, None)
    for one in faults:
        on.trigger(one)
    return on


def sent(on, number, since_s, until_s):
    config = DemoConfig(records_per_s=5, backfill_hours=1)
    device = make_device(number, config, on, NOW + 3600)
    return device.exporter, device.datagrams(since_s, until_s, announce=True)


def of_protocol(protocol):
    return next(number for number, one in enumerate(org.EXPORTERS) if one.protocol == protocol)


def test_a_silent_exporter_sends_nothing_until_it_is_mended():
    name = org.EXPORTERS[0].name
    on = timeline(Fault("", "exporter_silent", NOW + 60, NOW + 120, name))
    _, data = sent(on, 0, NOW, NOW + 180)
    at = data.sent_ms / 1000
    assert len(at)
    assert not ((at > NOW + 60.2) & (at < NOW + 120)).any()
    assert (at < NOW + 60).any()
    assert (at > NOW + 120).any()
    assert [one.silent for one in spans(on, name, NOW, NOW + 180)] == [False, True, False]


@pytest.mark.parametrize("protocol", ["netflow_v5", "netflow_v9", "ipfix"])
@pytest.mark.parametrize("off_s", [-300.0, 420.0])
def test_a_clock_that_is_off_shifts_stamps_and_not_arrivals(protocol, off_s):
    number = of_protocol(protocol)
    name = org.EXPORTERS[number].name
    on = timeline(Fault("", "clock_skew", NOW + 60, NOW + 120, name, details={"offset_s": off_s}))
    decoder = FlowDecoder()
    exporter, data = sent(on, number, NOW, NOW + 180)
    batch = as_batch([(exporter, data)])
    received = batch.received_ns / 1e9
    assert received.min() >= NOW - 1
    assert received.max() <= NOW + 182
    flows = decoder.decode(batch).flows
    ends = flows.column("time_end").cast("int64").to_numpy() / 1e9
    lag = received[flows.column("datagram").to_numpy()] - ends
    is_off = (received[flows.column("datagram").to_numpy()] > NOW + 62) & (lag != 0)
    is_off &= received[flows.column("datagram").to_numpy()] < NOW + 119
    assert np.median(lag[is_off]) == pytest.approx(-off_s, abs=45)
    assert abs(np.median(lag[received[flows.column("datagram").to_numpy()] < NOW + 60])) < 45
    assert sum(stream.restarts for stream in decoder.streams()) == 0


def test_logs_of_a_device_with_a_wrong_clock_bear_its_time():
    fault = Fault("", "clock_skew", NOW, NOW + 600, "chi-border1", details={"offset_s": 300.0})
    said = [
        Message(NOW + 10, name, 3, 6, "xntpd", 14_021, "kernel time sync enabled 6001")
        for name in ("chi-border1", "nyc-border1")
    ]
    wrong, right = wires(said, timeline(fault))
    assert right == said[1].wire
    assert wrong == Message(NOW + 310, "chi-border1", 3, 6, "xntpd", 14_021, "kernel time sync enabled 6001").wire


def test_how_far_a_clock_is_off_follows_from_severity():
    mild, bad = (abs(offset_s(Fault("", "clock_skew", NOW, NOW + 600, "chi-border1", severity=s))) for s in (0.1, 1.0))
    assert 15 <= mild < 60
    assert bad == 900
