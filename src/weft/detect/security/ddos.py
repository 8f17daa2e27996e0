"""Floods: of one host, of a whole prefix, and hosts of ours that amplify for others.

Each of our hosts and prefixes has a ring of short buckets per class of packets (``flood_kernels``). A flood is more
than the floor of its class, more than a multiple of what was seen there before, comes from many, and is not what was
asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from weft.component import Config
from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.security.flood_kernels import BUCKET_S, SPANS, Table, judge, pour_all, remember, table
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
_GROUP = 1 << 63  # upper word of a prefix that is an own network as a whole
_LATE_S = 55.0
_ALONE = 3  # hosts of a prefix that are flooded at a time, each by itself; more are a carpet


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
        self._own, self._wide = OwnNetworks(()), np.zeros(0, np.bool_)
        self._now_s = self._remembered_s = self._faded_s = 0.0
        self._said_s: dict[tuple[str, str], float] = {}
        self._carpets: dict[int, float] = {}  # slot of a prefix → when it last was bombed

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:  # noqa: ARG002 - flows are all it is given
        """Pour rows in and judge what they touched."""
        if not rows.num_rows:
            return []
        flows = same_rows(rows)
        self._locate()
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
                remember(one, latest, SPANS, self._settings.confidence, now_s - 300, fading)
            self._remembered_s = now_s
            self._said_s = {key: at for key, at in self._said_s.items() if now_s - at < 600}
            self._carpets = {slot: at for slot, at in self._carpets.items() if now_s - at < 300}
        if now_s - self._faded_s >= 600:
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

    def _locate(self) -> None:
        """Ask which networks are one's own by now, and which of them are wider than a /24 (IPv6: /48)."""
        own = self._networks()
        if own is not self._own:
            wide = [one.prefixlen < (24 if one.version == 4 else 48) for one in own.networks]
            self._own, self._wide = own, np.array(wide, np.bool_)

    def _pour(self, flows: FlowRows) -> None:
        own = self._own
        # What arrives long after its time (a clock that is off, a cache that waits) counts as of its arrival.
        waited = flows.received_s - flows.end_s
        late = np.where(waited > _LATE_S, waited, 0.0)
        pour_all(
            self._hosts, self._prefixes, (own.high, own.low, own.owner), self._wide,
            (flows.src_high, flows.src_low, flows.dst_high, flows.dst_low),
            (flows.src_port, flows.dst_port, flows.protocol, flows.flags, flows.octets, flows.packets, flows.rate,
             flows.start_s + late, flows.end_s + late),
            self._amplifies,
        )  # fmt: skip

    def _judged(self) -> Iterator[Finding]:
        z = self._settings.confidence
        for one, told in ((self._prefixes, self._of_prefix), (self._hosts, self._of_host)):
            out = self._out[id(one)]
            if judge(one, self._now_s, SPANS, z, self._limits, out):
                for slot in np.flatnonzero((out[:, :, 0] >= 1).any(axis=1)):
                    yield from told(int(slot), out[slot])
                out[:, :, 0] = 0

    def _of_prefix(self, slot: int, out: NDArray[np.float64]) -> Iterator[Finding]:
        flood = _flood(slot, out)
        if flood is None:
            return
        self._prefixes.alarm_s[slot] = self._now_s  # a flood is not learned, whosever it is
        if flood.targets < 8:
            return
        children = self._hosts.parent == slot
        main = flood.classes[0]
        recent = self._hosts.epoch[children] >= int(flood.began_s / BUCKET_S)
        each = (self._hosts.octets[children, main] * recent).sum(axis=1)
        if len(each) and each.max() > 0.5 * each.sum():
            return  # one host has most of it: it is told of that host
        self._carpets[slot] = self._now_s
        self._hosts.alarm_s[children] = self._now_s
        entity = Entity(kind="prefix", id=self._prefix_text(slot))
        yield from self._said("ddos_carpet", entity, self._prefixes, flood, f"{flood.targets:.0f} or more hosts of ")

    def _of_host(self, slot: int, out: NDArray[np.float64]) -> Iterator[Finding]:
        if out[ANSWERS, 0] >= 1 and len(self._own):  # else whoever is used against us would be one of ours
            yield from self._amplifier(slot, out[ANSWERS])
        flood = _flood(slot, out)
        if flood is None:
            return
        self._hosts.alarm_s[slot] = self._now_s
        parent = int(self._hosts.parent[slot])
        if self._now_s - self._carpets.get(parent, -1e9) < 240:
            return
        if (
            parent >= 0
            and int(((self._hosts.parent == parent) & (self._hosts.alarm_s > self._now_s - 60)).sum()) > _ALONE
        ):
            whole = Entity(kind="prefix", id=self._prefix_text(parent))
            yield from self._said("ddos_carpet", whole, self._hosts, flood, f"more than {_ALONE} hosts of ")
            return
        entity = Entity(kind="host", id=address_text(self._hosts.high[slot], self._hosts.low[slot]))
        yield from self._said("ddos", entity, self._hosts, flood, "")

    def _prefix_text(self, slot: int) -> str:
        high, low = int(self._prefixes.high[slot]), int(self._prefixes.low[slot])
        if high == _GROUP:
            return str(self._own.networks[int(self._prefixes.network[slot])])
        return str(ip_network(f"{address_text(high, low)}/{24 if high == 0 else 48}"))

    def _quiet(self, kind: str, entity: Entity) -> bool:
        """Whether it was said a moment ago."""
        key = (kind, entity.text)
        if self._now_s - self._said_s.get(key, -1e9) < 5:
            return True
        if len(self._said_s) < 4096:
            self._said_s[key] = self._now_s
        return False

    def _said(self, kind: str, entity: Entity, one: Table, flood: Flood, whose: str) -> Iterator[Finding]:
        if self._quiet(kind, entity):
            return
        vector = _vector(one, flood)
        peak = float(one.peak_octets[flood.slot, list(flood.classes)].max()) * 8
        known = max(0.0, self._now_s - float(one.first_s[flood.slot]))
        bps = flood.octets * 8
        many = f"{flood.sources:.0f}" if flood.sources < 200 else "more than 200"
        before = (
            f"The highest of that kind there in the {lasting(known)} before was {amount(peak, 'bit/s')}."
            if known > 600 else f"It has been watched for only {lasting(known)}."
        )  # fmt: skip
        yield Finding(
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
