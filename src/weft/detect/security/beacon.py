"""Beacons: a host that calls a peer again and again, in time and alike, whom hardly anybody else here calls.

Regularity alone tells nothing: updaters are the most regular of all. So it must also be new, or the peer's network rare
here. Records of one connection (same client port) are one call, however often an exporter tells of it.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any

import numba
import numpy as np
import pyarrow as pa

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.security.beacon_scores import regularity, rita_scores
from weft.detect.security.covert import (
    WAYS,
    Own,
    host,
    refill,
    slot_of,
    text_of,
)
from weft.detect.security.popularity import Popularity, network_keys, peer_keys
from weft.detect.security.shared import shared
from weft.detect.security.state import packed_state, unpacked_state
from weft.detect.texts import amount, lasting, moment
from weft.model.events import EventGroup, Evidence, Severity

#: First a pair is only counted; from its third call on its calls are kept.
_CANDIDATE = np.dtype([
    ("key", "u8"), ("seen", "f8"), ("weight", "f4"), ("size", "f4", (2,)), ("port", "u2"), ("calls", "u2"),
    ("at", "f8", (2,)),
])  # fmt: skip
_KEPT, _PORTS = 48, 8
_CALLER = np.dtype([
    ("key", "u8"), ("seen", "f8"), ("weight", "f4"), ("asn", "u4"), ("src", "u8", (2,)), ("dst", "u8", (2,)),
    ("maker", "u8"), ("first", "f8"), ("calls", "u4"), ("judged", "u4"), ("port", "u2"), ("at_port", "u1"),
    ("told", "u1"),
    ("ports", "u2", (_PORTS,)), ("at", "f8", (_KEPT,)), ("size", "f4", (_KEPT,)),
])  # fmt: skip
_KEEP_S = 2 * 86400.0
_SAME_CONNECTION_S = 600.0  # no exporter keeps silent about a connection for longer
_LEAST_CALLS = 6
_NEW_A_DAY, _NEW_OF_A_HOST = 8, 2  # more regular new pairs into networks that all use mean nothing
_TOLD, _HELD_BACK = 1, 2
_RECENT = 14
#: Services that are asked at regular times by design: DNS, DHCP, NTP, NetBIOS, SNMP, DNS over TLS, mDNS, LLMNR.
_CLOCKWORK = np.zeros(65536, np.bool_)
_CLOCKWORK[[53, 67, 68, 123, 137, 138, 161, 853, 5353, 5355]] = True


class Beacons(RowsDetector):
    """Watches pairs of host, peer and port.

    Settings: ``learn_s``, ``most_sampled``, ``most_hosts``, ``most_octets``, ``pairs``.
    """

    about = About(
        "beacon", "Beacons", EventGroup.SECURITY,
        "A host calls a peer that hardly anybody else uses, in time and alike: remote control by malware calls so.",
        {"beacon": "Regular small connections to a rare or new peer."},
    )  # fmt: skip
    tables = ("flows",)

    def __init__(self, context: Context) -> None:
        told = context.config.settings
        self._own = Own(context.networks)
        self._learn_s = float(told.get("learn_s", 3600.0))
        self._most_sampled = float(told.get("most_sampled", 10))
        self._most_octets = float(told.get("most_octets", 1e6))
        self._most_hosts = float(told.get("most_hosts", 2.5))
        pairs = max(1024, int(told.get("pairs", 1 << 14)))
        rate = context.config.false_alarms or context.false_alarms
        self._least_score = min(9.0, max(4.0, 5.0 - math.log10(max(rate, 1e-4))))
        self._candidates = np.zeros(16 * pairs // WAYS * WAYS, _CANDIDATE)
        self._callers = np.zeros(pairs // WAYS * WAYS, _CALLER)
        self._popular = Popularity()
        self._newcomers: deque[tuple[float, str]] = deque(maxlen=1000)
        self._began = 0.0
        self._judged = 0.0

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        """Remember who called whom, when, with how much."""
        if table not in self.tables or not rows.num_rows:
            return []
        batch = shared(rows, self._own())
        out = batch.out
        if not len(out):
            return []
        self._began = self._began or float(max(out.start.min(), out.received.min() - 60))
        self._popular.note(batch.users, batch.peers, batch.networks, out.received)
        which = np.flatnonzero((out.rate <= self._most_sampled) & ~_CLOCKWORK[out.dst_port])
        if len(which):
            which = which[np.argsort(out.start[which], kind="stable")]
            calls = out.take(which)
            maker = calls.exporter[:, 1] ^ calls.exporter[:, 0]
            _call(self._candidates, self._callers, batch.out_keys[which], calls.src, calls.dst, calls.dst_as, maker,
                  calls.src_port, calls.dst_port, calls.start, calls.end, calls.octets)  # fmt: skip
        return []

    def tick(self, now_s: float) -> list[Finding]:
        """Once a minute, judge the pairs that called since."""
        if now_s - self._judged < 60 or not self._began or now_s - self._began < self._learn_s:
            return []
        self._judged = now_s
        callers = self._callers
        which = np.flatnonzero((callers["calls"] >= _LEAST_CALLS) & (callers["calls"] > callers["judged"]))
        found = []
        for slot in which[np.argsort(callers["seen"][which])[-2000:]]:
            callers["judged"][slot] = callers["calls"][slot]
            finding = self._judge(callers[slot], now_s)
            if finding is not None:
                found.append(finding)
        return found

    def _judge(self, one: Any, now_s: float) -> Finding | None:
        kept = min(int(one["calls"]), _KEPT)
        order = np.argsort(one["at"][:kept])
        times, sizes = one["at"][:kept][order], one["size"][:kept][order].astype(float)
        every, score, width, used = 0.0, 0.0, 0.0, kept
        for last in (kept, min(kept, _RECENT)):
            likely, interval, half = regularity(times[-last:])
            if likely > score:
                score, every, width, used = likely, interval, half, last
        median = float(np.median(sizes))
        alike = float(np.median(np.abs(sizes - median))) <= 0.3 * median
        if (
            score < self._least_score
            or not alike
            or median > self._most_octets
            or every < 1.5
            or times[-1] < now_s - 3 * every - 600
        ):
            return None
        users, nearby = self._popular.hosts(
            np.concatenate([peer_keys(one["dst"][None]), network_keys(one["dst"][None], one["asn"][None])]), now_s
        )
        is_new = one["first"] - self._began >= self._learn_s
        is_rare = one["asn"] > 0 and nearby <= self._most_hosts
        if users > self._most_hosts or not (is_rare or (is_new and self._may_be_told(one))):
            return None
        return self._finding(one, times[-used:], sizes[-used:], (score, every, width), nearby, is_rare=bool(is_rare))

    def _may_be_told(self, one: Any) -> bool:
        """Whether something new and regular in a network that all use means anything here. Decided once for a pair.

        Where such come all day (people arrive, machines are installed), or a host has several at once, it does not.
        """
        if not one["told"]:
            at = float(one["seen"])
            while self._newcomers and self._newcomers[0][0] < at - 86400:
                self._newcomers.popleft()
            who = text_of(one["src"])
            same_host = sum(1 for _, other in self._newcomers if other == who)
            is_odd = len(self._newcomers) < _NEW_A_DAY and same_host < _NEW_OF_A_HOST
            one["told"] = _TOLD if is_odd else _HELD_BACK
            self._newcomers.append((at, who))
        return bool(one["told"] == _TOLD)

    def _finding(
        self, one: Any, times: Any, sizes: Any, how: tuple[float, float, float], nearby: float, *, is_rare: bool
    ) -> Finding:
        score, every, width = how
        who, whom, port = text_of(one["src"]), text_of(one["dst"]), int(one["port"])
        network = f"AS{one['asn']}" if one["asn"] else "its network"
        others = (
            f"hardly anybody else here talks to {network}" if is_rare
            else f"{nearby:.0f} hosts here use {network}, but nobody else this address, and it is new"
        )  # fmt: skip
        return Finding(
            "beacon", host(who), float(one["seen"]), f"{who} calls {whom} every {lasting(every)}",
            f"{who} called {whom} port {port} {one['calls']} times since {moment(float(one['first']))}, every "
            f"{lasting(every)} within {width:.0%}, about {amount(float(np.median(sizes)), 'B')} each; {others}. By "
            f"chance calls come so regularly once in 10^{score:.0f} pairs.",
            Severity.MAJOR if is_rare else Severity.MINOR, hold_s=4 * every + 600, started_s=float(one["first"]),
            seen=every, unit="s", score=score, confidence=0.9 if is_rare else 0.7,
            others=[host(whom)], evidence=_evidence(times, sizes),
        )  # fmt: skip

    def save(self) -> bytes:
        """Callers and who uses what; candidates are found again within hours."""
        return packed_state(
            "beacon-1", {"began": self._began},
            {"callers": self._callers[self._callers["key"] > 0], "popular": self._popular.table()},
        )  # fmt: skip

    def load(self, state: bytes) -> None:
        """Go on where ``save`` was."""
        numbers, arrays = unpacked_state("beacon-1", state, {"callers": _CALLER, "popular": Popularity.KIND})
        self._began = numbers["began"]
        self._popular.fill(arrays["popular"])
        refill(self._callers, arrays["callers"], _KEEP_S)


def _evidence(times: Any, sizes: Any) -> list[Evidence]:
    shown: list[list[str | float | int | None]] = [
        [moment(float(at)), round(float(size))] for at, size in zip(times[-12:], sizes[-12:], strict=True)
    ]
    evidence = [Evidence(kind="rows", title="Last calls", columns=["time", "octets"], rows=shown)]
    try:
        rita = rita_scores(times, sizes, float(times[0]), float(times[-1]))
    except ValueError:
        return evidence
    text = f"intervals {rita.times:.2f}, sizes {rita.sizes:.2f} of 1 (median absolute deviation and skewness, as RITA)"
    return [*evidence, Evidence(kind="model", title="Evenness", text=text)]


@numba.njit(cache=True, nogil=True)
def _call(
    candidates: Any, callers: Any, keys: Any, src: Any, dst: Any, asn: Any, maker: Any, src_port: Any, dst_port: Any,
    start: Any, end: Any, octets: Any,
) -> None:  # fmt: skip
    """Count rows as calls: first among the candidates, then among the callers."""
    for i in range(len(keys)):
        slot = slot_of(callers, keys[i], end[i], _KEEP_S)
        if slot >= 0:
            _add(callers[slot], maker[i], src_port[i], start[i], end[i], octets[i])
            continue
        where = slot_of(candidates, keys[i], end[i], _KEEP_S)
        if where < 0:
            where = -1 - where
            candidates[where].key, candidates[where].calls, candidates[where].weight = keys[i], 0, 0.0
        seen = candidates[where]
        if seen.calls and (seen.port == src_port[i] or start[i] < seen.at[seen.calls - 1] + 1.0):
            if seen.port == src_port[i] and start[i] >= seen.seen - 1.0:
                seen.size[seen.calls - 1] += octets[i]
            seen.seen = max(seen.seen, end[i])
            continue
        seen.port, seen.seen = src_port[i], end[i]
        if seen.calls < 2:
            seen.at[seen.calls], seen.size[seen.calls] = start[i], octets[i]
            seen.calls += 1
            continue
        new = callers[-1 - slot]
        new.key, new.src[0], new.src[1], new.dst[0], new.dst[1] = keys[i], src[i, 0], src[i, 1], dst[i, 0], dst[i, 1]
        new.maker, new.port, new.asn, new.first = maker[i], dst_port[i], asn[i], seen.at[0]
        new.calls, new.judged, new.weight, new.seen, new.at_port, new.told = 2, 0, 1.0, seen.seen, 0, 0
        for k in range(2):
            new.at[k], new.size[k] = seen.at[k], seen.size[k]
        for k in range(_PORTS):
            new.ports[k] = 0
        seen.key = 0
        seen.seen = 0.0
        _add(new, maker[i], src_port[i], start[i], end[i], octets[i])


@numba.njit(cache=True, nogil=True)
def _add(one: Any, maker: int, port: int, start: float, end: float, octets: float) -> None:
    """One more record of a caller: a new call, more of one that lasts, or what another exporter saw of the same."""
    if maker != one.maker:
        if end < one.seen + 3600.0:
            return
        one.maker = maker
    last = (one.calls - 1) % _KEPT
    same = end < one.seen + _SAME_CONNECTION_S and bool((one.ports == port).any())
    one.seen = max(one.seen, end)
    if same or abs(start - one.at[last]) < 1.0:  # connections side by side are one call
        one.size[last] += octets
        return
    at = one.calls % _KEPT
    one.at[at], one.size[at] = start, octets
    one.calls += 1
    one.ports[one.at_port % _PORTS] = port
    one.at_port += 1
    if one.calls > 4:
        one.weight = 2.0
