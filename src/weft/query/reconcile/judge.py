"""Weighs what could explain that flows and counters differ, by how well each explanation predicts the ratio.

Every explanation is a *hypothesis*: the ratio it predicts and how strongly other evidence speaks for it (``weight``, 0
to 1). Its score is the weight times how close the prediction comes, in units of the tolerance; confidences are scores
as shares of their sum, with a remainder left for what nobody thought of.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from weft.query.reconcile.types import Direction, Reason, Side, Verdict

#: Ethernet header and frame check sequence, which interface counters count and IP-level flows do not (RFC 2863).
FRAMING = 18
#: What the ratio is known to at best: counters are read at other moments than flows are exported.
LEAST_TOLERANCE = 0.03
#: Differences up to this are not worth anybody's attention.
AGREES_WITHIN = 0.1
#: Packet sampling: relative error of a volume is 1.96 × this ÷ √(packets seen), with packets of uneven size.
UNEVEN = 1.3
#: Below this both ways, nothing can be said, bit/s.
IDLE_BPS = 2000.0
#: What is left for explanations that nobody thought of.
_UNKNOWN = 0.15
_LEAST_CONFIDENCE = 0.05
#: A side this small against the other is missing rather than wrong.
_NEXT_TO_NOTHING = 0.02

Sides = Mapping[tuple[int, Direction], Side]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """An explanation, the ratio it predicts (None: any), and how much else speaks for it."""

    code: str
    title: str
    fix: str
    weight: float
    expected: float | None
    spread: float = 0.0  # how far the ratio may be from ``expected``, besides the tolerance


def measure(side: Side, window_s: float) -> None:
    """Rates, ratios and the tolerance of one side; flows over the time since the device began to send them."""
    flows, counters, seconds = side.flows, side.counters, side.device.sending_s or window_s
    side.flow_bps = flows.octets * 8 / seconds
    side.flow_bps_framed = (flows.octets + FRAMING * flows.bare) * 8 / seconds
    if counters is not None:
        side.counter_coverage = min(1.0, counters.covered_s / window_s)
        side.counter_bps = counters.octets * 8 / counters.covered_s
        if side.counter_bps > 0:
            side.ratio, side.adjusted = side.flow_bps / side.counter_bps, side.flow_bps_framed / side.counter_bps
    sampled = any(rate != 1 for rate in flows.rates) and flows.seen > 0
    sampling = 1.96 * UNEVEN / math.sqrt(flows.seen) if sampled else 0.0
    edges = min(0.5, 0.5 * side.device.delay_s / seconds)
    side.tolerance = max(LEAST_TOLERANCE, math.hypot(0.02, sampling, edges))


def judge(sides: Sides) -> None:
    """Verdicts and reasons for all interfaces of one device."""
    for side in sides.values():
        side.verdict = _verdict(side)
        if side.verdict in (Verdict.OFF, Verdict.NO_FLOWS, Verdict.NO_COUNTERS):
            side.reasons = _weighed(side, [h for find in _FINDERS for h in find(side, sides)])
        elif side.verdict is Verdict.AGREES and side.flows.bare and abs(math.log(side.ratio or 1)) > LEAST_TOLERANCE:
            expected = side.flow_bps / side.flow_bps_framed
            side.reasons = [Reason("l2_overhead", _OVERHEAD, "", 1.0, expected)]


_OVERHEAD = "Flows count IP packets, counters whole Ethernet frames: the difference is the headers"


def _verdict(side: Side) -> Verdict:
    counted = side.counter_bps or 0.0
    if max(counted, side.flow_bps) < IDLE_BPS:
        return Verdict.IDLE
    if side.counters is None:
        return Verdict.NO_COUNTERS
    unsampled = side.flows.unsampled > 0.05 * side.flows.octets
    if side.adjusted is None or (side.adjusted < _NEXT_TO_NOTHING and not unsampled):
        return Verdict.OFF if side.flow_bps >= IDLE_BPS and side.adjusted is None else Verdict.NO_FLOWS
    if side.adjusted == 0:
        return Verdict.NO_FLOWS
    within = max(side.tolerance, AGREES_WITHIN)
    return Verdict.AGREES if abs(math.log(side.adjusted)) <= within else Verdict.OFF


def _weighed(side: Side, hypotheses: Sequence[Hypothesis]) -> list[Reason]:
    scores = [(h, h.weight * _fit(side, h)) for h in hypotheses]
    total = sum(score for _, score in scores) + _UNKNOWN
    reasons = [Reason(h.code, h.title, h.fix, round(s / total, 3), h.expected) for h, s in scores]
    likely = sorted((r for r in reasons if r.confidence >= _LEAST_CONFIDENCE), key=lambda r: -r.confidence)
    return likely or [Reason("unexplained", "Nothing that is known explains it", _LOOK, 0.0)]


_LOOK = "Compare both series in the explorer: when did they part?"


def _fit(side: Side, hypothesis: Hypothesis) -> float:
    if hypothesis.expected is None:
        return 1.0
    if not side.adjusted or hypothesis.expected <= 0:
        return 1.0 if (side.adjusted or 0.0) < _NEXT_TO_NOTHING and hypothesis.expected < _NEXT_TO_NOTHING else 0.0
    away = math.log(side.adjusted / hypothesis.expected) / math.hypot(side.tolerance, hypothesis.spread)
    return math.exp(-away * away / 2)


# --- what may be wrong ------------------------------------------------------------------------------------------------


def _not_metered(side: Side, sides: Sides) -> Iterator[Hypothesis]:
    if side.verdict is not Verdict.NO_FLOWS:
        return
    other = sides.get((side.if_index, "out" if side.direction == "in" else "in"))
    # Where all of the device's flows are too small alike, it is not this interface.
    weight = 0.95 if _common_factor(sides) is None or not side.flows.octets else 0.2
    if side.device.heard == 0:
        yield Hypothesis("no_export", "The device sends no flows at all", "Configure flow export on it.", 1.0, 0.0)
    elif other is not None and other.flow_bps > max(IDLE_BPS, 50 * side.flow_bps):
        ways = {"in": "into", "out": "out of"}
        yield Hypothesis(
            "missing_direction", f"Only traffic {ways[other.direction]} the interface is exported, not "
            f"{ways[side.direction]} it", "Meter both directions here, or ingress on every interface of the device.",
            weight, 0.0,
        )  # fmt: skip
    else:
        yield Hypothesis(
            "not_metered", "Next to no flow names this interface", "Switch flow monitoring on for it, or exclude it.",
            weight, 0.0,
        )  # fmt: skip


def _partly_metered(side: Side, sides: Sides) -> Iterator[Hypothesis]:
    """With ingress metering, what leaves an interface is known only as far as it came in where it is metered."""
    if side.direction == "in" or side.adjusted is None or side.flows.egress > 0.1 * side.flows.octets:
        return
    entering = [s for (index, way), s in sides.items() if way == "in" and index != side.if_index and s.counter_bps]
    total = sum(s.counter_bps or 0.0 for s in entering)
    metered = sum(s.counter_bps or 0.0 for s in entering if s.flow_bps_framed > _NEXT_TO_NOTHING * (s.counter_bps or 0))
    if total and metered / total < 0.97:
        yield Hypothesis(
            "partly_metered", f"Flows are metered where packets come in, and only {metered / total:.0%} of what comes "
            "in does so on metered interfaces", "Meter ingress on every interface of the device.", 0.8, metered / total,
            0.1,
        )  # fmt: skip


def _double(side: Side, _: Sides) -> Iterator[Hypothesis]:
    share = side.flows.egress / side.flows.octets if side.flows.octets else 0.0
    if 0.2 <= share <= 0.8:
        yield Hypothesis(
            "double_counting", "Packets are metered twice: on the way in and on the way out",
            "Meter one direction on all interfaces, or filter direction = ingress.", 0.95, 1 / max(share, 1 - share),
        )  # fmt: skip


def _sampling(side: Side, sides: Sides) -> Iterator[Hypothesis]:
    flows, adjusted = side.flows, side.adjusted
    if not adjusted:
        return
    if flows.unsampled > 0.05 * flows.octets and adjusted < 0.8:
        share = flows.unsampled / flows.octets
        implied = ((1 / adjusted) - (1 - share)) / share
        usual = _usual(implied)
        alike = _alike(side, sides)
        yield Hypothesis(
            "sampling_unknown", f"The sampling rate is unknown and counts as 1; about 1 in {usual:,} would fit",
            f"Set collect.sampling for the exporter, or export its sampling options (1 in {usual:,}).",
            0.95 if alike > 1 else 0.8, 1 / (usual * share + 1 - share), 0.15,
        )  # fmt: skip
        return
    factor = _common_factor(sides)
    if factor is not None:
        what = "too high" if factor > 1 else "too low"
        yield Hypothesis(
            "sampling_wrong", f"Every interface of the device is off by about the same factor ({factor:.3g}): the "
            f"sampling rate that counts is {what}", "Compare the rate on the device with the one shown on its page.",
            0.8, factor, 0.05,
        )  # fmt: skip
    known = [rate for rate in flows.rates if rate]
    for low, high in {(a, b) for a in known for b in known if a < b}:
        for expected in (low / high, high / low):
            yield Hypothesis(
                "sampling_changed", f"The sampling rate changed in the window (1 in {low:,} and 1 in {high:,})",
                "Look at a window after the change.", 0.5, expected, 0.2,
            )  # fmt: skip


def _usual(rate: float) -> int:
    """The sampling rate that people would have configured: the nearest power of two or 1, 2, 5 × 10^n."""
    usual: set[int] = {2**n for n in range(18)} | {m * 10**n for m in (1, 2, 5) for n in range(6)}
    return min(usual, key=lambda u: abs(math.log(max(rate, 1e-9) / u)))


def _alike(side: Side, sides: Sides) -> int:
    """How many sides of the device are off by the same factor, this one included."""
    mine = side.adjusted or 1.0
    return sum(1 for s in sides.values() if s.adjusted and abs(math.log(s.adjusted / mine)) < 0.2)


def _common_factor(sides: Sides) -> float | None:
    """The factor that most sides of the device are off by, where there are several and it is the same."""
    factors = [s.adjusted for s in sides.values() if s.adjusted]
    if len(factors) < 3:
        return None
    middle = statistics.median(factors)
    near = sum(abs(math.log(f / middle)) < 0.15 for f in factors)
    return middle if near >= 0.7 * len(factors) and abs(math.log(middle)) > 0.1 else None


def _lost(side: Side, _: Sides) -> Iterator[Hypothesis]:
    if side.device.lost >= 0.005:
        yield Hypothesis(
            "lost_datagrams", f"{side.device.lost:.1%} of the export datagrams were lost on their way",
            "See the exporter's page: socket buffers, the path, the device's own queue.", 0.9, 1 - side.device.lost,
        )  # fmt: skip
    if 0 < side.device.heard < 0.97:
        yield Hypothesis(
            "flows_missing", f"Flows of the device came in {side.device.heard:.0%} of the minutes only",
            "See the exporter's page for when it was silent.", 0.85, side.device.heard,
        )  # fmt: skip


def _counting(side: Side, _: Sides) -> Iterator[Hypothesis]:
    counters, adjusted = side.counters, side.adjusted
    if side.verdict is Verdict.NO_COUNTERS or counters is None:
        yield Hypothesis(
            "no_counters", "Nothing counts this interface: it is not polled, or its ifIndex is another",
            "Poll the device by SNMP, subscribe by gNMI, or send sFlow counters.", 0.9, None,
        )  # fmt: skip
        return
    if side.counter_coverage < 0.9:
        yield Hypothesis(
            "counters_missing", f"Counters cover {side.counter_coverage:.0%} of the window only",
            "See the source's page: gaps, errors, how often it is polled.", 0.7, 1.0, 1 - side.counter_coverage,
        )  # fmt: skip
    wraps_s = 2**32 * 8 / side.flow_bps_framed if side.flow_bps_framed else math.inf
    if adjusted and adjusted > 1.2 and counters.highest < 2**32 and counters.interval_s > wraps_s / 2:
        yield Hypothesis(
            "counter_wraps", "The counter has 32 bits and wraps more than once between two polls",
            "Poll ifHCInOctets and ifHCOutOctets, or more often.", 0.9, None,
        )  # fmt: skip
    share = counters.uncounted / counters.packets if counters.packets else 0.0
    if 0.02 < share < 1:
        yield Hypothesis(
            "not_in_flows", f"{share:.1%} of the packets are multicast, broadcast or discarded, which flows may lack",
            "", 0.5, 1 - share, 0.02,
        )  # fmt: skip


def _other_interface(side: Side, sides: Sides) -> Iterator[Hypothesis]:
    if side.port.renamed:
        yield Hypothesis(
            "renumbered", "The interface with this ifIndex was another one earlier in the window",
            "Look at a window after the change.", 0.7, None,
        )  # fmt: skip
    if side.flow_bps < IDLE_BPS:
        return
    for (index, way), other in sides.items():
        if way != side.direction or index == side.if_index or not other.counter_bps or other.flow_bps > IDLE_BPS:
            continue
        if abs(math.log(side.flow_bps_framed / other.counter_bps)) <= 2 * side.tolerance:
            name = other.port.name or f"ifIndex {index}"
            yield Hypothesis(
                "other_interface", f"The counters of {name} fit these flows: flows and counters number interfaces "
                "differently", "Check ifIndex persistence on the device; reload its inventory.", 0.85, None,
            )  # fmt: skip
            return


def _speed(side: Side, _: Sides) -> Iterator[Hypothesis]:
    speed = side.port.speed_bps
    if not speed or side.counter_bps is None:
        return
    if side.counter_bps > 1.05 * speed:
        yield Hypothesis(
            "speed_mismatch", "The counters exceed the interface's nominal speed: speed or ifIndex is another's",
            "Correct the speed in the inventory.", 0.6, None,
        )  # fmt: skip
    elif side.flow_bps_framed > 1.05 * speed:
        yield Hypothesis(
            "faster_than_interface", "Flows add up to more than the interface can carry: they count too much, or twice",
            "Check the sampling rate of the exporter.", 0.4, None,
        )  # fmt: skip


def _edges(side: Side, _: Sides) -> Iterator[Hypothesis]:
    skew = side.tolerance if side.device.delay_s else 0.0
    if skew > 0.1:
        yield Hypothesis(
            "timeout_skew", f"Flows come up to {side.device.delay_s:.0f} s after they began: too late for so short a "
            "window", "Ask for a longer window, or shorten the active time-out of the exporter.", 0.5, 1.0, skew,
        )  # fmt: skip


_FINDERS: tuple[Callable[[Side, Sides], Iterator[Hypothesis]], ...] = (
    _not_metered, _partly_metered, _double, _sampling, _lost, _counting, _other_interface, _speed, _edges,
)  # fmt: skip
