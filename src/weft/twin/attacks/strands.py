"""The nouns of attacks: true packets and flows before any exporter meters them, and the strands that they come in."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.twin import organisation as org
from weft.twin.faults.model import Fault

TCP, UDP, ICMP = 6, 17, 1
SYN, SYN_ACK, RST, DATA, WHOLE = 0x02, 0x12, 0x14, 0x18, 0x1B
#: What is true of an attack is drawn a bucket at a time, s; exporters close their flows within it (active timeout).
BUCKET_S = 60.0


@dataclass(frozen=True, slots=True)
class Attack:
    """What a fault is whenever it ends: what is drawn for it does not depend on how long it lasts."""

    kind: str
    id: str
    start_s: float
    device: str = ""
    target: str = ""
    who: str = ""
    severity: float = 1.0


def attack_of(fault: Fault) -> Attack:
    """The attack that a fault is."""
    return Attack(fault.kind, fault.id, fault.start_s, fault.device, fault.target, fault.who, fault.severity)


#: Bit/s or packets per second at UTC times.
Rate = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(slots=True)
class Flows:
    """``n`` true flows in one direction each, IPv4. All columns have shape [n]."""

    start_s: NDArray[np.float64]  # UTC seconds
    end_s: NDArray[np.float64]
    src: NDArray[np.uint32]
    dst: NDArray[np.uint32]
    src_port: NDArray[np.uint16]
    dst_port: NDArray[np.uint16]
    protocol: NDArray[np.uint8]
    tcp_flags: NDArray[np.uint8]
    packets: NDArray[np.int64]
    packet_octets: NDArray[np.float64]  # mean octets of a packet, IP header included
    inward: NDArray[np.bool_]  # from outside to inside
    entry: NDArray[np.float64]  # 0 to 1: decides by which of several ways it comes in

    def __len__(self) -> int:
        return len(self.start_s)

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Flows:
        """The flows at ``index`` (positions or a mask), in that order."""
        return Flows(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def until(self, end_s: float) -> Flows:
        """What is left of them when everything stops at ``end_s``."""
        kept = self.take(self.start_s < end_s)
        lasted = np.maximum(kept.end_s - kept.start_s, 1e-9)
        share = np.clip((end_s - kept.start_s) / lasted, 0, 1)
        kept.packets = np.maximum(1, np.round(kept.packets * share)).astype(np.int64)
        kept.end_s = np.minimum(kept.end_s, end_s)
        return kept


_TYPES = {
    "start_s": np.float64, "end_s": np.float64, "src": np.uint32, "dst": np.uint32, "src_port": np.uint16,
    "dst_port": np.uint16, "protocol": np.uint8, "tcp_flags": np.uint8, "packets": np.int64,
    "packet_octets": np.float64, "inward": np.bool_, "entry": np.float64,
}  # fmt: skip


def flows(n: int, **columns: Any) -> Flows:
    """``n`` flows of columns or of values that all share; what is not given is 0, ``inward`` true."""
    given = {"inward": True, **columns}
    return Flows(**{name: np.array(np.broadcast_to(given.get(name, 0), n), kind) for name, kind in _TYPES.items()})


def both_ways(asked: Flows, packets: Any, packet_octets: Any, *, tcp_flags: Any = None) -> Flows:
    """The flows and their answers, which have so many packets of such a size."""
    answered = asked.take(np.arange(len(asked)))
    answered.src, answered.dst = asked.dst, asked.src
    answered.src_port, answered.dst_port = asked.dst_port, asked.src_port
    answered.packets = np.array(np.broadcast_to(packets, len(asked)), np.int64)
    answered.packet_octets = np.array(np.broadcast_to(packet_octets, len(asked)), np.float64)
    answered.inward = ~asked.inward
    if tcp_flags is not None:
        answered.tcp_flags = np.array(np.broadcast_to(tcp_flags, len(asked)), np.uint8)
    return joined(asked, answered)


def joined(*parts: Flows) -> Flows:
    """All of them, one part after another."""
    return Flows(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Flows)})


@dataclass(frozen=True, slots=True)
class Sight:
    """A device that a strand passes, by which ports, and which part of it: entries from ``low`` to ``high``.

    ``outer`` is the port towards the outside, 0 for the device itself. ``public``: the address that the inner host has
    here, where addresses were translated on the way; 0 where not.
    """

    device: org.Exporter
    outer: int
    inner: int
    low: float = 0.0
    high: float = 1.0
    public: int = 0


def _silence(times: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.zeros(len(times))


@dataclass(frozen=True, slots=True)
class Strand:
    """A part of an attack that takes one way. ``inward`` and ``outward`` are its bit/s.

    Either ``flows``: the true flows that begin between two times. Or ``packets``: the headers of packets drawn at given
    times, for floods of single packets that nobody could list; how many there are follows from ``pps``.
    """

    sights: tuple[Sight, ...]
    inward: Rate
    outward: Rate = _silence
    flows: Callable[[np.random.Generator, float, float], Flows] | None = None
    packets: Callable[[np.random.Generator, NDArray[np.float64]], Flows] | None = None
    pps: Rate = _silence
    entry: float | None = None  # all of it comes in by one way


def dice(attack: Attack, salt: str = "") -> np.random.Generator:
    """The dice that a fault's lasting features are thrown with: what it is does not depend on how long it lasts."""
    return np.random.default_rng([zlib.crc32(f"{attack.kind} {attack.id} {salt}".encode()), int(attack.start_s * 1000)])


def scaled(attack: Attack, low: float, high: float) -> float:
    """A value from ``low`` (severity 0) to ``high`` (severity 1), in equal ratios."""
    return float(low * (high / low) ** min(1.0, max(0.0, attack.severity)))


def split_target(attack: Attack) -> tuple[str, str]:
    """``what@whom`` of a fault's target."""
    what, _, whom = attack.target.partition("@")
    return what, whom


def steady(attack: Attack, bps: float, *, ramp_s: float = 15.0, pulse_s: float = 0.0) -> Rate:
    """About ``bps`` with noise, after a rise; in pulses that last half of ``pulse_s`` where given."""
    rng = dice(attack, f"rate {bps:.6g}")
    phase, swing = rng.uniform(0, 2 * np.pi, 4), rng.uniform(0.02, 0.1, 4)
    periods = np.array([7.0, 23.0, 71.0, 310.0])

    def rate(times: NDArray[np.float64]) -> NDArray[np.float64]:
        since = times - attack.start_s
        noise = np.exp((swing[:, None] * np.sin(since / periods[:, None] * 2 * np.pi + phase[:, None])).sum(0))
        level = np.clip(since / ramp_s, 0, 1) if ramp_s > 0 else (since >= 0).astype(np.float64)
        on = (since % pulse_s < pulse_s / 2) if pulse_s > 0 else 1.0
        risen: NDArray[np.float64] = bps * level * noise * on
        return risen

    return rate


def times_of(rate: Rate, rng: np.random.Generator, count: int, since_s: float, until_s: float) -> NDArray[np.float64]:
    """``count`` moments of a span, the more where the rate is higher."""
    steps = np.linspace(since_s, until_s, 121)
    middle = (steps[1:] + steps[:-1]) / 2
    total = np.concatenate([[0.0], np.cumsum(np.maximum(rate(middle), 0))])
    if total[-1] <= 0:
        return np.zeros(0)
    moments: NDArray[np.float64] = np.interp(rng.random(count) * total[-1], total, steps)
    return moments


def mean_of(rate: Rate, since_s: float, until_s: float) -> float:
    """The mean of a rate over a span."""
    steps = np.linspace(since_s, until_s, 121)
    return float(np.mean(np.maximum(rate((steps[1:] + steps[:-1]) / 2), 0)))
