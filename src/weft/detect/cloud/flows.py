"""Flow logs of clouds: connections between own hosts that are refused of late, and volumes that suddenly grow.

Records are put into bins of five minutes by their own time, and a bin is judged once nothing more came for it: logs
that a provider delivers late are judged late, not wrongly. Which VPC an address is of is learned from the logs.

What was not heard of for a day is forgotten, sooner where room is needed: the longest unheard of first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.devices.columns import coded, groups, has, numbers, seconds
from weft.detect.devices.rounds import quoted
from weft.detect.devices.streaks import Streaks
from weft.detect.texts import amount
from weft.model.addresses import address_text
from weft.model.events import Entity, EventGroup, Evidence, Severity

BIN_S = 300.0
#: A bin is judged when nothing came for it for so long, s.
_QUIET_S = 45.0
_REFUSED, _IN, _OUT = 2, 1, 2
#: Refused connections of own hosts in a bin that are told of, and times the most in any bin of the hours before.
_LEAST, _TIMES = 8, 4.0
#: A volume is unusual so many robust deviations above its middle, times its middle, and from so many bit/s on.
_SIGMAS, _GROWN, _LEAST_BPS = 8.0, 2.5, 20e6
_BINS, _ENOUGH = 72, 10
_MOST_KEYS, _MOST_ADDRESSES, _MOST_OPEN = 20_000, 200_000, 100_000
#: Forgotten after so long; looked for so often; share that is forgotten at least where there is no room left.
_GONE_S, _SWEEP_S, _ROOM = 86_400.0, 300.0, 0.1
#: Refusals that stay away for so long are over: nobody tells that nothing is refused.
_OVER_S = 2 * BIN_S
#: What has lasted for so long is how it is now: what was before is forgotten.
_USUAL_S = 6 * 3600.0
_HOLD_S = 1500.0

#: What is counted: ("refused" or "volume", VPC, port or what is at the other end).
_Key = tuple[str, str, str]
_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


@dataclass(slots=True)
class _Bin:
    amount: float = 0.0
    heard_s: float = 0.0
    hosts: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Past:
    amounts: deque[float] = field(default_factory=lambda: deque(maxlen=_BINS))
    heard_s: float = 0.0
    begin_s: float = float("inf")  # of the bin that was judged last


class CloudFlowsDetector(RowsDetector):
    """Refusals and volumes of VPCs."""

    about = About(
        "cloud_flows",
        "Refusals and volumes in clouds",
        EventGroup.CLOUD,
        "Connections between own hosts that a cloud refuses of late, and traffic between regions or out that grows.",
        {
            "cloud_rejects": "Connections of own hosts to a port are refused that were not before.",
            "cloud_volume": "Far more traffic than usual between regions or out of a VPC: it may cost.",
        },
    )
    tables = ("cloud_flows",)

    def __init__(self, context: Context) -> None:
        self._networks = context.networks
        settings = context.config.settings
        self._least = int(settings.get("refused", _LEAST))
        self._grown = float(settings.get("grown", _GROWN))
        self._now_s = 0.0
        self._first_s: dict[str, float] = {}  # VPC → first bin: clouds that log late are known later
        self._most_addresses = int(settings.get("most_addresses", _MOST_ADDRESSES))
        self._most_keys = int(settings.get("most_keys", _MOST_KEYS))
        self._swept_s = 0.0
        self._vpcs: dict[bytes, tuple[str, str, float]] = {}  # address → VPC, region, when it was last heard of
        self._open: dict[tuple[float, _Key], _Bin] = {}
        self._past: dict[_Key, _Past] = {}
        self._streaks = Streaks(need=1, calm=2)

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        """Puts records into their bins."""
        del table
        if not rows.num_rows or not has(rows, "vpc", "src_addr", "dst_addr", "bytes"):
            return []
        bins = seconds(rows, "time") // BIN_S
        names = ("vpc", "region", "direction", "verdict", "dst_port", "gateway", "src_addr", "dst_addr")
        parts = [coded(rows, name) for name in names]
        times, place = np.unique(bins, return_inverse=True)
        parts.append((place, (times * BIN_S).tolist()))
        named, number = groups(parts)
        octets = np.bincount(number, numbers(rows, "bytes").astype(np.float64), len(named))
        counts = np.bincount(number, minlength=len(named))
        for one in named:
            if one[0] and (one[0] in self._first_s or len(self._first_s) < self._most_keys):
                self._first_s[one[0]] = min(self._first_s.get(one[0], one[8]), one[8])
            self._learn(*one[:3], *one[6:8])
        for one, size, count in zip(named, octets.tolist(), counts.tolist(), strict=True):
            self._count(one, size, count)
        return []

    def _learn(self, vpc: str, region: str, direction: int, source: bytes, target: bytes) -> None:
        """Which VPC an address is of: the side of the interface that logged it."""
        own = target if direction == _IN else source
        known = self._vpcs.get(own)
        if known is not None and self._now_s - known[2] < _SWEEP_S:
            return
        if vpc and direction in (_IN, _OUT) and _is_inside(own):
            if known is None and len(self._vpcs) >= self._most_addresses:
                _forget(self._vpcs, lambda one: one[2])
            self._vpcs[own] = *(known or (vpc, region))[:2], self._now_s

    def _count(self, one: tuple[Any, ...], size: float, count: int) -> None:
        vpc, region, direction, verdict, port, gateway, source, target, begin_s = one
        if not vpc:
            return
        if verdict == _REFUSED:
            if direction == _IN and port < 32_768 and _is_inside(source):
                hosts = f"{address_text(source, '::')} → {address_text(target, '::')}"
                self._add(begin_s, ("refused", vpc, str(port)), count, hosts)
            return
        other = self._vpcs.get(source if direction == _IN else target)
        if other is not None and other[0] != vpc and direction == _IN:
            where = "another region" if other[1] != region else "another network"
            self._add(begin_s, ("volume", vpc, f"{other[0]} ({where}: {other[1] or 'unknown'})"), size)
        elif other is None and direction == _OUT and gateway:
            self._add(begin_s, ("volume", vpc, gateway), size)

    def _add(self, begin_s: float, key: _Key, size: float, host: str = "") -> None:
        bin_ = self._open.get((begin_s, key))
        if bin_ is None:
            if len(self._open) >= _MOST_OPEN:
                return
            bin_ = self._open[begin_s, key] = _Bin()
        bin_.amount += size
        bin_.heard_s = self._now_s
        if host and (host in bin_.hosts or len(bin_.hosts) < 50):
            bin_.hosts[host] = bin_.hosts.get(host, 0) + int(size)

    def tick(self, now_s: float) -> list[Finding]:
        """Judges the bins for which nothing more comes."""
        self._now_s = now_s
        found: list[Finding] = []
        for begin_s, key in self._due(now_s):
            bin_ = self._open.pop((begin_s, key))
            past = self._past.get(key)
            if past is None:
                if len(self._past) >= self._most_keys:
                    _forget(self._past, lambda one: one.heard_s)
                past = self._past[key] = _Past()
            if begin_s - past.begin_s > _OVER_S:
                self._streaks.drop(key)
            past.heard_s, past.begin_s = now_s, begin_s
            judge = self._refused if key[0] == "refused" else self._volume
            found += judge(begin_s, key, bin_, past.amounts)
        if now_s - self._swept_s >= _SWEEP_S:
            self._swept_s = now_s
            for key in [key for key, one in self._past.items() if now_s - one.heard_s > _GONE_S]:
                del self._past[key]
                self._streaks.drop(key)
            for address in [address for address, one in self._vpcs.items() if now_s - one[2] > _GONE_S]:
                del self._vpcs[address]
        return found

    def _due(self, now_s: float) -> Iterable[tuple[float, _Key]]:
        for one in self._open.values():
            one.heard_s = one.heard_s or now_s
        return sorted(
            at for at, one in self._open.items() if now_s - one.heard_s >= _QUIET_S and now_s >= at[0] + BIN_S
        )

    def _is_known(self, vpc: str, begin_s: float) -> bool:
        """Whether enough of a VPC was seen before a bin to say what is new in it."""
        return begin_s - self._first_s.get(vpc, begin_s) >= _ENOUGH * BIN_S

    def _refused(self, begin_s: float, key: _Key, bin_: _Bin, past: deque[float]) -> list[Finding]:
        _, vpc, port = key
        most = max(past, default=0.0)
        at_s, entity = begin_s + BIN_S, Entity(kind="network", id=vpc[:400])
        if not self._is_known(vpc, begin_s) or bin_.amount < max(self._least, _TIMES * most):
            past.append(bin_.amount)
            return self._over("cloud_rejects", key, entity, at_s, {"port": port})
        since_s = self._streaks.hit(key, begin_s, 1)
        if since_s is None:
            return []
        if begin_s - since_s >= _USUAL_S:
            past.clear()
            past.append(bin_.amount)
        worst = sorted(bin_.hosts.items(), key=lambda one: -one[1])[:10]
        text = (
            f"{bin_.amount:.0f} connections of own hosts to port {port} refused within five minutes, in the hours "
            f"before at most {most:.0f}; {len(bin_.hosts)} pairs of hosts, first {worst[0][0]}. Was a rule taken away?"
        )
        rows: list[list[str | float | int | None]] = [[name, count] for name, count in worst]
        chosen = f"vpc = {quoted(vpc)} and verdict = reject and dst_port = {port}"
        return [Finding(
            "cloud_rejects", entity, at_s, f"{vpc}: connections to port {port} refused", text, Severity.MAJOR, _HOLD_S,
            started_s=since_s, seen=bin_.amount, expected=most, unit="connections", labels={"port": port},
            confidence=0.9, evidence=(
                Evidence(kind="rows", title="Who is refused", columns=["hosts", "times"], rows=rows),
                Evidence(kind="query", title="Refusals in time", query={"dataset": "cloud_flows", "filter": chosen}),
            ),
        )]  # fmt: skip

    def _volume(self, begin_s: float, key: _Key, bin_: _Bin, past: deque[float]) -> list[Finding]:
        _, vpc, other = key
        bps, values = 8 * bin_.amount / BIN_S, np.array(past)
        at_s, entity, labels = begin_s + BIN_S, Entity(kind="network", id=vpc[:400]), {"other": other[:200]}
        middle = float(np.median(values)) if len(values) else 0.0
        spread = 1.4826 * float(np.median(np.abs(values - middle))) if len(values) else 0.0
        limit = max(self._grown * middle, middle + _SIGMAS * spread, float(values.max(initial=0.0)), _LEAST_BPS)
        if not self._is_known(vpc, begin_s) or bps <= limit:
            past.append(bps)
            return self._over("cloud_volume", key, entity, at_s, labels)
        since_s = self._streaks.hit(key, begin_s, 1 if bps > 2 * limit else 2)
        if since_s is None:
            return []
        if begin_s - since_s >= _USUAL_S:
            past.clear()
            past.append(bps)
        text = (
            f"{amount(bps, 'bit/s')} to or from {other} over five minutes; usually {amount(middle, 'bit/s')}, in the "
            f"hours before at most {amount(float(values.max(initial=0.0)), 'bit/s')}. That is "
            f"{bps / 8 * 3600 / 1e9:.0f} GB an hour."
        )
        return [Finding(
            "cloud_volume", entity, at_s, f"{vpc}: far more traffic with {other}"[:200], text, Severity.MINOR, _HOLD_S,
            started_s=since_s, seen=bps, expected=middle, upper=limit, unit="bit/s", labels=labels, confidence=0.85,
            evidence=(Evidence(kind="query", title="Volume in time", query={
                "dataset": "cloud_flows", "filter": f"vpc = {quoted(vpc)}"}),),
        )]  # fmt: skip

    def _over(self, kind: str, key: _Key, entity: Entity, at_s: float, labels: dict[str, str]) -> list[Finding]:
        since_s = self._streaks.miss(key)
        if since_s is None:
            return []
        return [Finding(kind, entity, at_s, f"{entity.id}: as usual again", "As usual again.", Severity.INFO, _HOLD_S,
                        started_s=since_s, ends=True, labels=labels)]  # fmt: skip


def _forget(known: dict[_K, _V], heard_s: Callable[[_V], float]) -> None:
    """Makes room: those that were not heard of for longest go."""
    count = max(1, int(_ROOM * len(known)))
    for key in sorted(known, key=lambda key: heard_s(known[key]))[:count]:
        del known[key]


def _is_inside(address: bytes) -> bool:
    return ip_address(address_text(address, "::")).is_private
