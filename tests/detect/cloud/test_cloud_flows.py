"""Refusals between own hosts, volumes between regions, and what is usual of both."""

from __future__ import annotations

import tracemalloc
from typing import Any

from tests.detect.telling import START_S, context, noise, opened, play, rows

from weft.detect.cloud.flows import CloudFlowsDetector
from weft.model.addresses import packed
from weft.model.cloud import CLOUD_FLOWS

_WOBBLE = noise(0.2)


def _records(bins: range, source: str, target: str, **more: Any) -> list[dict[str, Any]]:
    return [
        {"time": 300.0 * n + 299, "vpc": "vpc-a", "region": "r1", "direction": 1, "verdict": 1, "dst_port": 443,
         "src_addr": packed(source), "dst_addr": packed(target), "bytes": 1_000_000, **more} for n in bins
    ]  # fmt: skip


def _busy(bins: range) -> list[dict[str, Any]]:
    return _records(bins, "10.1.0.1", "10.1.0.2")


def test_refusals_of_own_hosts_that_were_not_before() -> None:
    scans = _records(range(60), "198.51.100.7", "10.1.0.2", verdict=2, dst_port=22) * 30
    refused = _records(range(30, 34), "10.1.0.1", "10.1.0.9", verdict=2, dst_port=5432) * 20
    found = play(CloudFlowsDetector(context()), CLOUD_FLOWS, _busy(range(60)) + scans + refused)
    events = opened(found)
    assert [(one.kind, one.entity.text, one.labels) for one in events] == [
        ("cloud_rejects", "network:vpc-a", {"port": "5432"})]  # fmt: skip
    assert events[0].at_s == START_S + 31 * 300
    assert "10.1.0.1 → 10.1.0.9" in events[0].text


def test_what_is_always_refused_is_no_event() -> None:
    refused = _records(range(60), "10.1.0.1", "10.1.0.9", verdict=2, dst_port=161) * 20
    assert play(CloudFlowsDetector(context()), CLOUD_FLOWS, _busy(range(60)) + refused) == []


def test_refusals_that_come_again_are_told_again() -> None:
    refused = [
        one
        for first in (20, 50)
        for one in _records(range(first, first + 4), "10.1.0.1", "10.1.0.9", verdict=2, dst_port=5432) * 20
    ]
    found = play(CloudFlowsDetector(context()), CLOUD_FLOWS, _busy(range(60)) + refused)
    assert sorted({one.started_s for one in found}) == [START_S + 20 * 300, START_S + 50 * 300]


def test_a_cloud_that_logs_later_than_another_is_learned_by_itself() -> None:
    late = _records(range(20, 60), "10.9.0.1", "192.0.2.1", vpc="vpc-late", direction=2, gateway="internet gateway")
    found = play(
        CloudFlowsDetector(context()), CLOUD_FLOWS, _busy(range(60)) + [one | {"bytes": 5_000_000_000} for one in late]
    )
    assert found == []


def test_a_volume_that_stays_is_usual_after_some_hours() -> None:
    found = play(CloudFlowsDetector(context()), CLOUD_FLOWS, _between([5e8] * 30 + [2e10] * 100))
    assert len(opened(found)) == 1
    assert found[-1].ends


def test_a_stamp_that_is_centuries_off_takes_no_room() -> None:
    detector = CloudFlowsDetector(context())
    detector.take("cloud_flows", rows(CLOUD_FLOWS, _busy(range(2))))  # what is imported late is by now
    told = rows(CLOUD_FLOWS, _busy(range(2)) + _records(range(20_000_000, 20_000_001), "10.1.0.1", "10.1.0.2"))
    tracemalloc.start()
    detector.take("cloud_flows", told)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def _between(sizes: list[float]) -> list[dict[str, Any]]:
    far = _records(range(len(sizes)), "10.2.0.1", "10.2.0.5", vpc="vpc-b", region="r2", direction=2)
    near = [
        one | {"bytes": int(size * (1 + _WOBBLE(n)))}
        for n, (one, size) in enumerate(zip(_records(range(len(sizes)), "10.2.0.1", "10.1.0.2"), sizes, strict=True))
    ]
    return far + near


def test_traffic_from_another_region_that_grows() -> None:
    found = play(CloudFlowsDetector(context()), CLOUD_FLOWS, _between([5e8] * 30 + [2e10] * 4 + [5e8] * 10))
    events = opened(found)
    assert [(one.kind, one.entity.text) for one in events] == [("cloud_volume", "network:vpc-a")]
    assert "another region: r2" in events[0].text
    assert found[-1].ends


def test_volumes_that_wobble_are_no_event() -> None:
    assert play(CloudFlowsDetector(context()), CLOUD_FLOWS, _between([5e9] * 100)) == []


def test_the_first_hour_is_learned() -> None:
    assert play(CloudFlowsDetector(context()), CLOUD_FLOWS, _between([5e8] * 4 + [2e10] * 2)) == []


def test_what_is_not_heard_of_any_more_makes_room_for_what_is() -> None:
    strangers = [
        one
        for n in range(60)
        for one in _records(range(n, n + 1), "10.1.0.1", f"10.3.{n}.7", verdict=2, dst_port=n + 1)
    ]
    detector = CloudFlowsDetector(context(most_addresses=12, most_keys=8))
    refused = _records(range(60, 64), "10.1.0.1", "10.1.0.2", verdict=2, dst_port=5432) * 20
    found = play(detector, CLOUD_FLOWS, _busy(range(64)) + strangers + refused)
    assert [one.labels for one in opened(found)] == [{"port": "5432"}]
    assert len(detector._vpcs) <= 12
    assert len(detector._past) <= 8
    assert packed("10.1.0.2") in detector._vpcs  # it is heard of all the time
    for days in (3, 6):  # the first judges what is still open
        detector.tick(START_S + days * 86_400)
    assert not detector._vpcs
    assert not detector._past
