"""What reconciliation looks at and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Direction = Literal["in", "out"]


class Verdict(StrEnum):
    """What became of comparing one direction of an interface, worst first."""

    OFF = "off"  # they differ by more than headers, sampling error and time-outs explain
    NO_FLOWS = "no_flows"  # counters grow, no flow names the interface
    NO_COUNTERS = "no_counters"  # flows name the interface, nothing counts it
    AGREES = "agrees"
    IDLE = "idle"  # next to nothing in either


@dataclass(frozen=True, slots=True)
class Reason:
    """One explanation. ``expected`` is the ratio it predicts; ``confidence`` (0–1) follows from how well that fits."""

    code: str
    title: str
    fix: str
    confidence: float
    expected: float | None = None


@dataclass(slots=True)
class Flows:
    """What flows say of one direction of an interface over the window: octets and packets, corrected for sampling."""

    octets: float = 0.0
    packets: float = 0.0
    seen: float = 0.0  # packets as exported: what the sampling error depends on
    bare: float = 0.0  # packets whose octets were counted without Ethernet's headers (all but sFlow)
    unsampled: float = 0.0  # octets of rows whose sampling rate is unknown
    egress: float = 0.0  # octets that were metered on the way out
    rates: tuple[int, ...] = ()


@dataclass(slots=True)
class Counters:
    """What counters say of one direction: growth and the time it took; of the source that covers most."""

    octets: float = 0.0
    covered_s: float = 0.0
    source: int = 0
    newest: float = 0.0
    highest: float = 0.0  # highest value read: below 2^32 it may be a 32-bit counter
    interval_s: float = 0.0  # longest time between two values
    packets: float = 0.0
    uncounted: float = 0.0  # packets that flows may lack: multicast, broadcast, discards


@dataclass(frozen=True, slots=True)
class Port:
    """An interface as the dictionaries know it. ``renamed``: its name changed in the window."""

    name: str = ""
    speed_bps: int = 0
    renamed: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    """A device as far as its flows go.

    ``sending_s``: how long it has sent flows in the window (less than all of it where it is new); ``heard``: the share
    of the minutes of that time in which it did; ``lost``: share of its datagrams; ``delay_s``: how late flows come.
    """

    name: str = ""
    site: str = ""
    demo: bool = False
    sending_s: float = 0.0
    heard: float = 0.0
    lost: float = 0.0
    delay_s: float = 0.0


@dataclass(slots=True)
class Side:
    """One direction of one interface: the numbers and the verdict. Rates in bit/s, averages over the window."""

    exporter: str
    if_index: int
    direction: Direction
    port: Port = field(default_factory=Port)
    device: Device = field(default_factory=Device)
    flows: Flows = field(default_factory=Flows)
    counters: Counters | None = None
    flow_bps: float = 0.0
    flow_bps_framed: float = 0.0  # with the Ethernet headers that counters count
    counter_bps: float | None = None
    ratio: float | None = None  # flows ÷ counters as they are
    adjusted: float | None = None  # flows with headers ÷ counters
    tolerance: float = 0.0
    counter_coverage: float = 0.0
    verdict: Verdict = Verdict.IDLE
    reasons: list[Reason] = field(default_factory=list)
    queries: dict[str, dict[str, Any]] = field(default_factory=dict)
