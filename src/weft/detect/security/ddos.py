"""Floods: of one host, of a whole prefix, and hosts of ours that amplify for others.

Each of our hosts and prefixes has a ring of short buckets per class of packets (``flood_kernels``). A flood is more
than the floor of its class, more than a multiple of what was seen there before, comes from many, and is not what was
asked for. An attack is one event, of a host or of the prefix that it is spread over (``flood_attacks``); where it
spreads, its event grows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from weft.component import Config
from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.security.flood_attacks import (
    HOST,
    Attack,
    Attacks,
    covers,
    crowded,
    inside,
    is_spread,
    number_of,
    widest,
)
from weft.detect.security.flood_judge import SPANS, judge, remember
from weft.detect.security.flood_kernels import BUCKET_S, Table, pour_all, table
from weft.detect.security.rows import CurrentNetworks, FlowRows, OwnNetworks, address_text, same_rows
from weft.detect.security.vectors import (
    AMPLIFIED,
    AMPLIFIERS,
    ANSWERS,
    CLASSES,
    FRAGMENTS,
    ICMP,
    OTHER,
    SYN,
    SYN_ACK,
    TCP,
    TITLES,
    UDP,
    amplifier_ports,
)
from weft.detect.texts import amount, lasting
from weft.model.events import Entity, EventGroup, Evidence, Severity

_ALWAYS = 1e30
_LATE_S = 55.0


class DdosSettings(Config):
    """What floods are taken for such. Rates are of one host or prefix."""

    amplification_mbps: float = Field(default=60.0, gt=0)
    """Answers of services that amplify, Mbit/s."""
    fragments_mbps: float = Field(default=100.0, gt=0)
    """UDP fragments, Mbit/s."""
    syn_pps: float = Field(default=4000.0, gt=0)
    """SYNs, and SYN-ACKs that nobody asked for, per second."""
    icmp_mbps: float = Field(default=50.0, gt=0)
    """ICMP, Mbit/s."""
    other_mbps: float = Field(default=300.0, gt=0)
    """TCP, UDP and other protocols that nothing is known of, Mbit/s, where hardly anything goes back."""
    amplifier_mbps: float = Field(default=5.0, gt=0)
    """Answers of a host of ours that amplifies, Mbit/s."""
    times_peak: float = Field(default=2.5, ge=1)
    """And at least so many times the highest that was seen there before."""
    confidence: float = Field(default=3.0, ge=0, le=10)
    """Standard errors of sampling by which a rate must be above these."""
    most_hosts: int = Field(default=8192, ge=64, le=1 << 20)
    """Hosts that are remembered, the busiest; 3.5 KB each."""
    most_prefixes: int = Field(default=2048, ge=64, le=1 << 18)
    """Prefixes that are remembered."""


@dataclass(frozen=True, slots=True)
class Flood:
    """What was found at a slot: octets and packets per second, by class where above its limits."""

    slot: int
    classes: tuple[int, ...]
    octets: float
    packets: float
    sources: float
    targets: float
    began_s: float
    score: float


def _limits(s: DdosSettings) -> NDArray[np.float64]:
    """Limits of each class as ``judge`` reads them."""
    mega, times = 1e6 / 8, s.times_peak
    out = np.zeros((CLASSES, 7))
    out[AMPLIFIED] = (s.amplification_mbps * mega, _ALWAYS, 7, 6, 0.3, times, -1)
    out[FRAGMENTS] = (s.fragments_mbps * mega, _ALWAYS, 7, 6, 0.3, times, -1)
    out[SYN] = (_ALWAYS, s.syn_pps, 12, 10, 1.0, times, -1)
    out[SYN_ACK] = (_ALWAYS, s.syn_pps, 12, 10, 0.3, times, -1)
    # Of these nothing is known but that nobody answers, where otherwise somebody does.
    out[TCP] = out[UDP] = out[OTHER] = (s.other_mbps * mega, s.other_mbps * 200, 24, 16, 0.02, times, 0.2)
    out[ICMP] = (s.icmp_mbps * mega, _ALWAYS, 7, 6, 0.3, times, -1)
    out[ANSWERS] = (s.amplifier_mbps * mega, _ALWAYS, 0, 8, 0.07, times, -1)  # DNS gives back up to tenfold
    return out


class DdosDetector(RowsDetector):
    """Floods per host and prefix, and amplifiers among our own. Memory: ``most_hosts`` and ``most_prefixes`` slots."""

    about = About(
        "ddos", "Denial of service", EventGroup.SECURITY,
        "Floods of a host or of a whole prefix, by what they are made of, within seconds; hosts of ours that amplify.",
        {
            "ddos": "A host receives a flood that it did not ask for.",
            "ddos_carpet": "A flood is spread over the hosts of a prefix.",
            "amplifier": "A host of ours answers far more than it is asked: others are flooded by way of it.",
        },
    )  # fmt: skip
    tables = ("flows",)

    def __init__(self, context: Context) -> None:
        self._settings = DdosSettings.model_validate(context.config.settings)
        self._hosts = table(1 << (self._settings.most_hosts - 1).bit_length())
        self._prefixes = table(1 << (self._settings.most_prefixes - 1).bit_length())
        self._amplifies = amplifier_ports()
        self._limits = _limits(self._settings)
        self._out = {id(one): np.zeros((len(one.keys), CLASSES, 8)) for one in (self._hosts, self._prefixes)}
        self._networks = CurrentNetworks(context.networks)
        self._own = OwnNetworks(())
        self._now_s = self._remembered_s = self._faded_s = 0.0
        self._said_s: dict[tuple[str, str], float] = {}
        self._attacks = Attacks()

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:  # noqa: ARG002 - flows are all it is given
        """Pour rows in and judge what they touched."""
        if not rows.num_rows:
            return []
        flows = same_rows(rows)
        self._own = self._networks()
        self._now_s = max(self._now_s, float(flows.received_s.max()))
        self._pour(flows)
        return list(self._judged())

    def tick(self, now_s: float) -> list[Finding]:
        """Remember what is ordinary, forget what is long over."""
        self._now_s = max(self._now_s, now_s)
        if now_s - self._remembered_s >= 25:
            fading = np.float32(0.5 ** (min(now_s - self._remembered_s, 3600.0) / (3 * 86400.0)))
            latest = int(self._now_s / BUCKET_S)
            for one in (self._hosts, self._prefixes):
                remember(one, latest, SPANS, self._settings.confidence, self._limits, now_s - 300, fading)
            self._remembered_s = now_s
            self._said_s = {key: at for key, at in self._said_s.items() if now_s - at < 600}
        if now_s - self._faded_s >= 200:
            for one in (self._hosts, self._prefixes):
                one.weights[:] *= np.float32(0.7)
            self._faded_s = now_s
        return []

    @property
    def bytes_used(self) -> int:
        """Octets of memory that it can take at most."""
        return sum(column.nbytes for one in (self._hosts, self._prefixes) for column in one) + sum(
            out.nbytes for out in self._out.values()
        )

    def _pour(self, flows: FlowRows) -> None:
        own = self._own
        # What arrives long after its time (a clock that is off, a cache that waits) counts as of its arrival.
        waited = flows.received_s - flows.end_s
        late = np.where(waited > _LATE_S, waited, 0.0)
        pour_all(
            self._hosts, self._prefixes, (own.high, own.low, own.owner),
            (own.base_high, own.base_low, own.length, own.outer),
            (flows.src_high, flows.src_low, flows.dst_high, flows.dst_low),
            (flows.src_port, flows.dst_port, flows.protocol, flows.flags, flows.octets, flows.packets, flows.rate,
             flows.start_s + late, flows.end_s + late),
            self._amplifies, self._limits,
        )  # fmt: skip

    def _judged(self) -> Iterator[Finding]:
        """What is flooded by now. Prefixes first: what is spread over one is not told of its hosts."""
        self._attacks.forget(self._now_s)
        told: list[tuple[int, int]] = []
        floods = {slot: flood for slot, out in self._beyond(self._prefixes) if (flood := _flood(slot, out))}
        self._prefixes.alarm_s[list(floods)] = self._now_s  # a flood is not learned, whosever it is
        spread = {slot: (flood.classes[0], flood.began_s) for slot, flood in floods.items() if self._spread(flood)}
        for slot in widest(self._prefixes, spread):
            first, length = number_of(self._prefixes, slot), int(self._prefixes.length[slot])
            told.append((first, length))
            self._hosts.alarm_s[inside(self._hosts, first, length)] = self._now_s
            many = f"{floods[slot].targets:.0f} or more hosts of "
            yield from self._attacked(first, length, self._prefixes, floods[slot], many)
        for slot, out in self._beyond(self._hosts):
            yield from self._of_host(slot, out, told)

    def _beyond(self, one: Table) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Slots that are beyond the limits in some class, and by what."""
        out = self._out[id(one)]
        if judge(one, self._now_s, SPANS, self._settings.confidence, self._limits, out):
            for slot in np.flatnonzero((out[:, :, 0] >= 1).any(axis=1)):
                yield int(slot), out[slot]
            out[:, :, 0] = 0

    def _spread(self, flood: Flood) -> bool:
        first, length = number_of(self._prefixes, flood.slot), int(self._prefixes.length[flood.slot])
        return is_spread(self._hosts, first, length, flood.targets, flood.classes[0], flood.began_s)

    def _of_host(self, slot: int, out: NDArray[np.float64], told: Sequence[tuple[int, int]]) -> Iterator[Finding]:
        if out[ANSWERS, 0] >= 1 and len(self._own):  # else whoever is used against us would be one of ours
            yield from self._amplifier(slot, out[ANSWERS])
        flood = _flood(slot, out)
        if flood is None:
            return
        self._hosts.alarm_s[slot] = self._now_s
        first = number_of(self._hosts, slot)
        if any(covers(*one, first, HOST) for one in told):
            return
        whole = crowded(self._hosts, self._prefixes, first, self._now_s)
        if whole < 0:
            yield from self._attacked(first, HOST, self._hosts, flood, "")
        else:
            length = int(self._prefixes.length[whole])
            yield from self._attacked(
                number_of(self._prefixes, whole), length, self._hosts, flood, "each of several hosts of "
            )

    def _attacked(self, first: int, length: int, one: Table, flood: Flood, whose: str) -> Iterator[Finding]:
        """A flood as part of the attack that it is of: one that goes on, or a new one."""
        attack, grown = self._attacks.around(first, length), list[Attack]()
        if attack is None:
            attack, grown = self._attacks.begin(first, length, self._now_s)
        elif attack.length == length:
            attack.seen_s = self._now_s
        if grown or not self._quiet(attack.kind, attack.entity):
            found = self._finding(attack, one, flood, whose)
            found.was = [(before.kind, before.entity) for before in grown]
            if attack.length != length:
                found.score = 0.0  # of a part: the event is told as it was of the whole
            yield found

    def _quiet(self, kind: str, entity: Entity) -> bool:
        """Whether it was said a moment ago."""
        key = (kind, entity.text)
        if self._now_s - self._said_s.get(key, -1e9) < 5:
            return True
        if len(self._said_s) < 4096:
            self._said_s[key] = self._now_s
        return False

    def _finding(self, attack: Attack, one: Table, flood: Flood, whose: str) -> Finding:
        kind, entity = attack.kind, attack.entity
        vector = _vector(one, flood)
        peak = float(one.peak_octets[flood.slot, list(flood.classes)].max()) * 8
        known = max(0.0, self._now_s - float(one.first_s[flood.slot]))
        bps = flood.octets * 8
        many = f"{flood.sources:.0f}" if flood.sources < 200 else "more than 200"
        before = (
            f"The highest of that kind there in the {lasting(known)} before was {amount(peak, 'bit/s')}."
            if known > 600 else f"It has been watched for only {lasting(known)}."
        )  # fmt: skip
        return Finding(
            kind, entity, self._now_s, f"{vector}: {amount(bps, 'bit/s')} to {entity.id}",
            f"{vector} of {amount(bps, 'bit/s')} and {flood.packets:,.0f} packets/s from {many} sources hits "
            f"{whose}{entity.id}; hardly any of it was asked for. {before}",
            Severity.CRITICAL if bps > 1e9 or flood.score > 20 else Severity.MAJOR,
            hold_s=180.0, started_s=min(flood.began_s, self._now_s), seen=bps, expected=peak, unit="bit/s",
            score=min(20.0, 3 + 3 * np.log10(flood.score)), confidence=0.97 if known > 3600 else 0.9,
            evidence=(
                Evidence(kind="rows", title="By class of packets", columns=["class", "limit exceeded"],
                         rows=[[TITLES[k], "yes"] for k in flood.classes]),
                _who_sends(entity),
            ),
        )  # fmt: skip

    def _amplifier(self, slot: int, out: NDArray[np.float64]) -> Iterator[Finding]:
        entity = Entity(kind="host", id=address_text(self._hosts.high[slot], self._hosts.low[slot]))
        if self._quiet("amplifier", entity):
            return
        times = "nothing that was asked is seen" if out[5] < 0.001 else f"{1 / out[5]:.0f} times what it is asked"
        rate = amount(out[1] * 8, "bit/s")
        yield Finding(
            "amplifier", entity, self._now_s, f"{entity.id} amplifies: {rate} of answers",
            f"{entity.id} answers {rate} from UDP services that amplify, {times}.", Severity.MAJOR,
            hold_s=600.0, started_s=min(float(out[6]), self._now_s), seen=float(out[1]) * 8, unit="bit/s",
            score=min(20.0, 3 + 3 * np.log10(out[0])), confidence=0.8,
        )  # fmt: skip


def _flood(slot: int, out: NDArray[np.float64]) -> Flood | None:
    """What is received beyond the limits, the heaviest class first."""
    classes = [k for k in range(CLASSES) if k != ANSWERS and out[k, 0] >= 1]
    if not classes:
        return None
    classes.sort(key=lambda k: -out[k, 0])
    if AMPLIFIED in classes and FRAGMENTS in classes:  # fragments are the rest of what is amplified
        classes.sort(key=lambda k: k != AMPLIFIED)
    best = out[classes]
    return Flood(
        slot, tuple(classes), float(best[:, 1].sum()), float(best[:, 2].sum()), float(best[:, 3].max()),
        float(best[:, 4].max()), float(best[:, 6].min()), float(best[:, 0].max()),
    )  # fmt: skip


def _vector(one: Table, flood: Flood) -> str:
    """What the flood is, in words."""
    main = flood.classes[0]
    if main == AMPLIFIED or (main == FRAGMENTS and one.octets[flood.slot, AMPLIFIED].sum() > 0):
        ports = one.port_octets[flood.slot]
        named = [(octets, int(port)) for octets, port in zip(ports, one.port[flood.slot], strict=True)
                 if octets > 0 and int(port) in AMPLIFIERS]  # fmt: skip
        if named:
            return f"{AMPLIFIERS[max(named)[1]]} amplification"
    return TITLES[main]


def _who_sends(entity: Entity) -> Evidence:
    relation = "=" if entity.kind == "host" else "<<"
    return Evidence(
        kind="query", title="Who sends it",
        query={"dataset": "flows", "view": "table", "by": ["src_as", "src_port", "protocol"],
               "filter": f"dst_addr {relation} {entity.id}"},
    )  # fmt: skip
