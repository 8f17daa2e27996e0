"""Rates over the last minute."""

from __future__ import annotations

import dataclasses
import time

from weft.collect.rates import RateMeter
from weft.model.exporters import StreamStatus


def stream(records: int) -> StreamStatus:
    return StreamStatus("192.0.2.1", "192.0.2.1", 2, 0, datagrams=records // 10, octets=records * 100, records=records)


def test_what_was_imported_is_no_rate() -> None:
    meter = RateMeter()
    meter.update([stream(0)], now=100.0)
    assert meter.update([stream(5_000_000)], now=110.0)[0].records_per_s == 500_000
    meter.forget()
    assert meter.update([stream(5_000_000)], now=111.0)[0].records_per_s == 0
    assert meter.update([stream(5_000_100)], now=121.0)[0].records_per_s == 10


def test_a_past_that_is_told_beside_live_telemetry_is_no_rate() -> None:
    meter, live_ns, past_ns = RateMeter(), time.time_ns(), time.time_ns() - 3600 * 10**9

    def both(records: int) -> list[StreamStatus]:
        live = dataclasses.replace(stream(records), last_seen_ns=live_ns)
        return [live, dataclasses.replace(stream(1000 * records), observation_domain=101, last_seen_ns=past_ns)]

    meter.update(both(0), now=100.0)
    assert [rate.records_per_s for rate in meter.update(both(100), now=110.0)] == [10, 0]
