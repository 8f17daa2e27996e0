"""Flows against counters: each way in which they come apart, made on purpose, is named; what agrees is said to."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.query.conftest import FIRST, KEEP, batch_of, packed

from weft.errors import InvalidInput
from weft.model.dictionaries import EXPORTERS, INTERFACES
from weft.model.flows import FLOWS
from weft.model.metrics import METRICS
from weft.model.rows import batch_of as rows_of
from weft.query.engine import QueryEngine
from weft.query.model import Query
from weft.query.reconcile import Reconciliation, Side, Verdict
from weft.query.reconcile.judge import judge
from weft.query.reconcile.types import Counters, Device, Flows
from weft.store.telemetry import TelemetryStore

#: Ten days later, so that other tests do not see it.
START = FIRST + 10 * 86400
HOUR = 3600
IPFIX, SFLOW = 3, 4
INGRESS, EGRESS = 0, 1
GIGA = 9e11  # octets that 2 Gbit/s are in an hour
PACKETS = GIGA / 500


class Network:
    """Flows and counters of an hour, device by device."""

    def __init__(self) -> None:
        self.flows: list[dict[str, Any]] = []
        self.counters: list[tuple[Any, ...]] = []
        self.number = 0

    def device(self) -> str:
        self.number += 1
        return f"198.51.100.{self.number}"

    def flow(
        self, exporter: str, in_if: int, out_if: int = 0, *, octets: float = GIGA, packets: float = PACKETS,
        rate: int = 1, direction: int = INGRESS, kind: int = IPFIX, minutes: range = range(60), true_rate: int = 0,
    ) -> None:  # fmt: skip
        """What is exported of ``octets`` and ``packets``, sampled 1 in ``true_rate`` while ``rate`` is claimed."""
        sampled = (true_rate or max(1, rate)) * 60
        base = {c.name: bytes(16) if c.name in _ADDRESSES else 0 for c in FLOWS.columns}
        self.flows += [
            base | {
                "time_received": START + m * 60 + 30, "time_start": START + m * 60 + 10,
                "time_end": START + m * 60 + 20,
                "exporter": packed(exporter), "in_if": in_if, "out_if": out_if, "bytes": round(octets / sampled),
                "packets": round(packets / sampled), "sampling_rate": rate, "direction": direction, "flow_type": kind,
            }
            for m in minutes
        ]  # fmt: skip

    def count(
        self, exporter: str, if_index: int, *, received: float = 0, sent: float = 0, every: int = 60,
        minutes: range = range(60), value: float = 1e15, source: int = 2, **packets: float,
    ) -> None:  # fmt: skip
        """Counters that grow by so much in the hour; ``minutes`` are those in which they were polled."""
        names = {"in_octets": received, "out_octets": sent} | packets
        for name, total in names.items():
            for m in minutes:
                if m * 60 % every == 0:
                    self.counters.append((
                        (START + m * 60 + 1) * 10**9, packed(exporter), name, if_index, value, total * every / HOUR,
                        every * 1000, source,
                    ))  # fmt: skip

    def framed(self, octets: float = GIGA, packets: float = PACKETS) -> float:
        """Octets with Ethernet's headers."""
        return octets + 18 * packets


_ADDRESSES = {c.name for c in FLOWS.columns if c.sql == "IPv6"}
Case = Callable[[Network, str], None]


def agreeing(n: Network, d: str) -> None:
    n.flow(d, 1, 2)
    n.count(d, 1, received=n.framed())
    n.count(d, 2, sent=n.framed())


def sampled_by_sflow(n: Network, d: str) -> None:
    """400 samples say 8 % too much: within what sampling allows."""
    n.flow(d, 1, octets=GIGA * 1.08, packets=60 * 7 * 1000, rate=1000, kind=SFLOW)
    n.count(d, 1, received=GIGA)


def rate_unknown(n: Network, d: str) -> None:
    n.flow(d, 1, rate=0, true_rate=1000)
    n.count(d, 1, received=n.framed())


def rate_wrong(n: Network, d: str) -> None:
    for index in (1, 2, 3, 4):
        n.flow(d, index, rate=2048, true_rate=1024)
        n.count(d, index, received=n.framed())


def rate_forgotten(n: Network, d: str) -> None:
    """Sampled 1 in 1 000, yet exported as if every packet was seen."""
    for index in (1, 2, 3):
        n.flow(d, index, rate=1, true_rate=1000)
        n.count(d, index, received=n.framed())


def one_way(n: Network, d: str) -> None:
    n.flow(d, 1)
    n.count(d, 1, received=n.framed(), sent=GIGA)


def never_metered(n: Network, d: str) -> None:
    agreeing(n, d)
    n.count(d, 5, received=GIGA)


def silent(n: Network, d: str) -> None:
    n.count(d, 1, received=GIGA)


def losing(n: Network, d: str) -> None:
    n.flow(d, 1, octets=GIGA * 0.88, packets=PACKETS * 0.88)
    n.count(d, 1, received=n.framed())


def pausing(n: Network, d: str) -> None:
    for minutes in (range(20), range(40, 60)):
        n.flow(d, 1, octets=GIGA, packets=PACKETS, minutes=minutes)
    n.count(d, 1, received=n.framed())


def twice(n: Network, d: str) -> None:
    n.flow(d, 1, 2, direction=INGRESS)
    n.flow(d, 1, 2, direction=EGRESS)
    n.count(d, 1, received=n.framed())


def half_metered(n: Network, d: str) -> None:
    n.flow(d, 1, 9)
    n.count(d, 1, received=n.framed())
    n.count(d, 2, received=n.framed())
    n.count(d, 9, sent=2 * n.framed())


def wrapping(n: Network, d: str) -> None:
    """At 2 Gbit/s 32 bits last 17 seconds."""
    n.flow(d, 1)
    n.count(d, 1, received=n.framed() * 0.2, value=3e9)


def uncounted(n: Network, d: str) -> None:
    n.flow(d, 1)


def elsewhere(n: Network, d: str) -> None:
    n.flow(d, 7)
    n.count(d, 9, received=n.framed())
    n.count(d, 7, received=GIGA * 0.01)


def half_polled(n: Network, d: str) -> None:
    n.flow(d, 1)
    n.count(d, 1, received=n.framed() * 1.4, minutes=range(30))


def with_multicast(n: Network, d: str) -> None:
    n.flow(d, 1)
    n.count(d, 1, received=n.framed() / 0.7, in_unicast_pkts=PACKETS, in_multicast_pkts=PACKETS * 3 / 7)


def renumbered(n: Network, d: str) -> None:
    n.flow(d, 3)
    n.count(d, 3, received=n.framed() * 4)


def inexplicable(n: Network, d: str) -> None:
    n.flow(d, 1, octets=GIGA / 3, packets=PACKETS / 3)
    n.count(d, 1, received=n.framed())


def idle(n: Network, d: str) -> None:
    n.flow(d, 1, octets=60_000, packets=600)
    n.count(d, 1, received=80_000)


def too_fast(n: Network, d: str) -> None:
    n.flow(d, 4, octets=GIGA * 10, packets=PACKETS * 10)
    n.count(d, 4, received=n.framed())


#: Case, the side to look at, its verdict, its most likely reason.
CASES: dict[str, tuple[Case, tuple[int, str], Verdict, str]] = {
    "agreeing": (agreeing, (1, "in"), Verdict.AGREES, "l2_overhead"),
    "agreeing out": (agreeing, (2, "out"), Verdict.AGREES, "l2_overhead"),
    "sampled by sflow": (sampled_by_sflow, (1, "in"), Verdict.AGREES, ""),
    "rate unknown": (rate_unknown, (1, "in"), Verdict.OFF, "sampling_unknown"),
    "rate wrong": (rate_wrong, (3, "in"), Verdict.OFF, "sampling_wrong"),
    "rate forgotten": (rate_forgotten, (1, "in"), Verdict.NO_FLOWS, "sampling_wrong"),
    "one way": (one_way, (1, "out"), Verdict.NO_FLOWS, "missing_direction"),
    "never metered": (never_metered, (5, "in"), Verdict.NO_FLOWS, "not_metered"),
    "silent": (silent, (1, "in"), Verdict.NO_FLOWS, "no_export"),
    "losing": (losing, (1, "in"), Verdict.OFF, "lost_datagrams"),
    "pausing": (pausing, (1, "in"), Verdict.OFF, "flows_missing"),
    "twice": (twice, (1, "in"), Verdict.OFF, "double_counting"),
    "half metered": (half_metered, (9, "out"), Verdict.OFF, "partly_metered"),
    "wrapping": (wrapping, (1, "in"), Verdict.OFF, "counter_wraps"),
    "uncounted": (uncounted, (1, "in"), Verdict.NO_COUNTERS, "no_counters"),
    "elsewhere": (elsewhere, (7, "in"), Verdict.OFF, "other_interface"),
    "half polled": (half_polled, (1, "in"), Verdict.OFF, "counters_missing"),
    "with multicast": (with_multicast, (1, "in"), Verdict.OFF, "not_in_flows"),
    "renumbered": (renumbered, (3, "in"), Verdict.OFF, "renumbered"),
    "inexplicable": (inexplicable, (1, "in"), Verdict.OFF, "unexplained"),
    "too fast": (too_fast, (4, "in"), Verdict.OFF, "faster_than_interface"),
    "idle": (idle, (1, "in"), Verdict.IDLE, ""),
}  # fmt: skip


@pytest.fixture(scope="module")
def devices(store: TelemetryStore) -> dict[str, str]:
    """The address of each case's device."""
    network, devices = Network(), {}
    for name, (case, *_) in CASES.items():
        devices[name] = network.device()
        case(network, devices[name])
    store.insert(FLOWS, batch_of(network.flows), token="flows to reconcile")
    times, exporters, metrics, indexes, values, increases, intervals, sources = zip(*network.counters, strict=True)
    store.insert(METRICS, rows_of(
        METRICS, len(times), time=list(times), time_received=list(times), exporter=list(exporters),
        metric=list(metrics), if_index=list(indexes), value=list(values), increase=list(increases),
        interval_ms=list(intervals), source=list(sources), metric_type=1,
    ), token="counters to reconcile")  # fmt: skip

    def at(seconds: int) -> datetime:
        return datetime.fromtimestamp(seconds, tz=UTC)

    store.upsert_dictionary(
        EXPORTERS, [{"exporter": devices["twice"], "valid_from": at(0), "name": "edge1", "site": "lyon"}]
    )
    store.upsert_dictionary(INTERFACES, [
        {"exporter": devices["renumbered"], "if_index": 3, "valid_from": at(0), "name": "ge-0/0/3"},
        {"exporter": devices["renumbered"], "if_index": 3, "valid_from": at(START + 1000), "name": "xe-9/0/0"},
        {"exporter": devices["too fast"], "if_index": 4, "valid_from": at(0), "name": "ge-0/0/4", "speed_bps": 10**10},
    ])  # fmt: skip
    return devices


@pytest.fixture(scope="module")
def clocked(store: TelemetryStore) -> QueryEngine:
    return QueryEngine(store, retention_days=KEEP, clock=lambda: float(START + HOUR))


@pytest.fixture(scope="module")
def found(clocked: QueryEngine, devices: dict[str, str]) -> Reconciliation:
    return clocked.reconcile(str(START), "now", losses={devices["losing"]: 0.12})


def side_of(found: Reconciliation, exporter: str, key: tuple[int, str]) -> Side:
    return next(s for s in found.sides if (s.exporter, (s.if_index, s.direction)) == (exporter, key))


@pytest.mark.parametrize("name", CASES)
def test_each_way_to_come_apart_is_named(found: Reconciliation, devices: dict[str, str], name: str) -> None:
    _, key, verdict, reason = CASES[name]
    side = side_of(found, devices[name], key)
    assert side.verdict is verdict, (side.adjusted, side.reasons)
    assert (side.reasons[0].code if side.reasons else "") == reason, side.reasons
    if side.reasons and reason != "unexplained":
        assert 0.3 < side.reasons[0].confidence <= 1
        assert sum(r.confidence for r in side.reasons) <= 1.001


def test_the_numbers_are_those_that_were_put_in(found: Reconciliation, devices: dict[str, str]) -> None:
    side = side_of(found, devices["agreeing"], (1, "in"))
    assert side.flow_bps == pytest.approx(GIGA * 8 / HOUR, rel=1e-6)
    assert side.counter_bps == pytest.approx((GIGA + 18 * PACKETS) * 8 / HOUR, rel=1e-6)
    assert side.ratio == pytest.approx(500 / 518, rel=1e-6)
    assert side.adjusted == pytest.approx(1, rel=1e-6)
    assert (side.counter_coverage, side.device.heard) == (1, 1)
    assert (found.window.since, found.window.until) == (START, START + HOUR)


def test_a_rate_that_would_fit_is_proposed(found: Reconciliation, devices: dict[str, str]) -> None:
    reason = side_of(found, devices["rate unknown"], (1, "in")).reasons[0]
    assert "1 in 1,000" in reason.fix or "1 in 1,024" in reason.fix


def test_names_and_the_worst_come_first(found: Reconciliation, devices: dict[str, str]) -> None:
    assert side_of(found, devices["twice"], (1, "in")).device.name == "edge1"
    order = [list(Verdict).index(s.verdict) for s in found.sides]
    assert order == sorted(order)
    assert sum(found.verdicts.values()) == len(found.sides)
    assert found.reasons["double_counting"] >= 1
    assert "FROM flows_path_1m" in found.sql
    assert "FROM metrics" in found.sql


def test_the_evidence_can_be_looked_at(clocked: QueryEngine, found: Reconciliation, devices: dict[str, str]) -> None:
    side = side_of(found, devices["twice"], (1, "in"))
    flows = clocked.run(Query.model_validate(side.queries["flows"]))
    assert flows.totals["bps"] == pytest.approx(side.flow_bps, rel=1e-3)
    counted = clocked.run(Query.model_validate(side.queries["counters"]))
    assert counted.totals["rate"] == pytest.approx(side.counter_bps, rel=1e-3)


@pytest.mark.parametrize("device", ["edge1", "address"])
def test_one_device(clocked: QueryEngine, devices: dict[str, str], device: str) -> None:
    found = clocked.reconcile(str(START), "now", device=devices["twice"] if device == "address" else device)
    assert {s.exporter for s in found.sides} == {devices["twice"]}
    assert clocked.reconcile(str(START), "now", device="nobody").sides == []


@pytest.mark.parametrize("hours", [7, 24 * 8])
def test_long_windows_use_coarser_tables(clocked: QueryEngine, devices: dict[str, str], hours: int) -> None:
    found = clocked.reconcile(str(START + HOUR - hours * HOUR), "now", device=devices["agreeing"])
    assert f"flows_path_{'5m' if hours < 168 else '1h'}" in found.sql
    # The device is new: its flows are divided by the time since it began.
    assert side_of(found, devices["agreeing"], (1, "in")).verdict is Verdict.AGREES


def test_a_window_of_nothing_is_refused(clocked: QueryEngine) -> None:
    with pytest.raises(InvalidInput, match="minute"):
        clocked.reconcile("now-30s", "now")


def test_confidence_follows_the_fit() -> None:
    """The closer the ratio is to what lost datagrams predict, the surer."""

    def confidence(ratio: float) -> float:
        side = Side("192.0.2.1", 1, "in", device=Device(heard=1.0, lost=0.2), flows=Flows(octets=ratio * 1e9))
        side.counters = Counters(octets=1e9, covered_s=HOUR)
        side.flow_bps = side.flow_bps_framed = ratio * 1e7
        side.counter_bps, side.ratio, side.adjusted, side.tolerance = 1e7, ratio, ratio, 0.05
        side.counter_coverage = 1.0
        judge({(1, "in"): side})
        return next((r.confidence for r in side.reasons if r.code == "lost_datagrams"), 0.0)

    fits = [confidence(r) for r in (0.8, 0.77, 0.73, 0.6, 0.3)]
    assert fits == sorted(fits, reverse=True)
    assert fits[0] > 0.8
    assert fits[-1] == 0
    assert not math.isnan(fits[2])
