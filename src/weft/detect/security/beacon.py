"""Beacons: a host that calls a peer again and again, in time and alike, whom hardly anybody else here calls.

Regularity alone tells nothing: updaters are the most regular of all. So it must also be new, or the peer's network rare
here. How regular is regular enough depends on how many such pairs there are: the chance that any of them calls so by
lot is what is bounded. A pair that calls every few minutes is told within the hour; one that calls twice an hour cannot
be, for three calls are no pattern.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.security.beacon_calls import CALLER, KEPT, Calls
from weft.detect.security.beacon_scores import regularity, rita_scores
from weft.detect.security.covert import Own, host, text_of
from weft.detect.security.popularity import Popularity, network_keys, peer_keys
from weft.detect.security.shared import shared
from weft.detect.security.state import packed_state, unpacked_state
from weft.detect.texts import amount, lasting, moment
from weft.model.events import EventGroup, Evidence, Severity

_DAY_S = 86400.0
_LEAST_CALLS, _RECENT = 4, 14
_ALIKE, _WITHIN = 0.8, 0.3  # that share of the calls differs from the median by no more than that share of it
_MOST_JUDGED = 2000  # pairs in a minute, those that called last
_NEW_A_DAY, _NEW_OF_A_HOST = 12, 2  # more regular new pairs into networks that all use mean nothing
_OLD_A_DAY = 8  # pairs that were there when Weft began
_TOLD, _HELD_BACK = 1, 2
_POLLED, _AS_OFTEN = 4, 0.1  # so many more peers, called as often within that share: it polls them
#: A pair is judged at each of its calls, which makes chance ten times as likely; so many false ones are allowed a day.
_LOOKS, _FALSE_A_DAY, _MOST_SCORE = 1.0, 0.1, 9.0
_LEAST_SCORE = {True: 3.0, False: 4.0}  # in rare networks; in those that many use
#: Services that are asked at regular times by design: DNS, DHCP, NTP, NetBIOS, SNMP, DNS over TLS, mDNS, LLMNR.
_CLOCKWORK = np.zeros(65536, np.bool_)
_CLOCKWORK[[53, 67, 68, 123, 137, 138, 161, 853, 5353, 5355]] = True


@dataclass(slots=True)
class _Alike:
    """How many pairs were looked at that only their times could tell from beacons; halved every day."""

    count: float = 0.0
    at_s: float = 0.0

    def add(self, at_s: float) -> None:
        """One more."""
        self.count = 1.0 + self.count * 0.5 ** (max(0.0, at_s - self.at_s) / _DAY_S)
        self.at_s = max(self.at_s, at_s)


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
        rate = context.config.false_alarms or context.false_alarms
        self._asked = _LOOKS - math.log10(_FALSE_A_DAY * max(rate, 1e-4))
        self._calls = Calls(max(1024, int(told.get("pairs", 1 << 14))))
        self._popular = Popularity()
        self._alike = {True: _Alike(), False: _Alike()}  # in rare networks; in those that many use
        self._newcomers: deque[tuple[float, str]] = deque(maxlen=1000)
        self._held_back = 0
        self._began = 0.0
        self._judged = 0.0

    @property
    def left_out(self) -> int:
        """Calls of new pairs that there was no room for, and pairs that were not told because there were many."""
        return self._calls.refused + self._held_back

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
        is_rare = self._popular.hosts(batch.peers, float(out.received[-1])) <= self._most_hosts
        which = np.flatnonzero(is_rare & (out.rate <= self._most_sampled) & ~_CLOCKWORK[out.dst_port])
        if len(which):
            which = which[np.argsort(out.start[which], kind="stable")]
            self._calls.add(out.take(which), batch.out_keys[which])
        return []

    def tick(self, now_s: float) -> list[Finding]:
        """Once a minute, judge the pairs that called since."""
        if now_s - self._judged < 60 or not self._began or now_s - self._began < self._learn_s:
            return []
        self._judged = now_s
        callers = self._calls.callers
        which = np.flatnonzero((callers["key"] > 0) & (callers["calls"] > callers["judged"]))
        which = which[np.argsort(callers["seen"][which])[-_MOST_JUDGED:]]
        callers["judged"][which] = callers["calls"][which]
        few = self._popular.hosts(peer_keys(callers["dst"][which]), now_s) <= self._most_hosts
        callers["weight"][which[~few]] = 0.0
        measured = [slot for slot in which[few] if self._measure(callers[slot], now_s)]
        return [found for slot in measured if (found := self._judge(callers[slot], now_s)) is not None]

    def _measure(self, one: Any, now_s: float) -> bool:
        """How regular a pair is; whether it is alike, small and going on, so that only its times are in question."""
        times, sizes = _calls_of(one)
        score, every, width, used = 0.0, float(np.median(np.diff(times))), 0.0, len(times)
        for last in (used, min(used, _RECENT)):
            likely, interval, half = regularity(times[-last:])
            if likely > score:
                score, every, width, used = likely, interval, half, last
        one["score"], one["every"], one["width"], one["used"] = score, every, width, used
        one["weight"] = 1.0 + score
        median = float(np.median(sizes))
        alike = float(np.mean(np.abs(sizes - median) <= _WITHIN * median)) >= _ALIKE
        return (
            alike
            and one["calls"] >= _LEAST_CALLS
            and median <= self._most_octets
            and times[-1] >= now_s - 3 * every - 600
        )

    def _judge(self, one: Any, now_s: float) -> Finding | None:
        nearby = float(self._popular.hosts(network_keys(one["dst"][None], one["asn"][None]), now_s)[0])
        is_new = bool(one["first"] - self._began >= self._learn_s)
        is_rare = bool(one["asn"] > 0 and nearby <= self._most_hosts)
        if not is_rare and not is_new:
            return None
        alike = self._alike[is_rare]
        if not one["counted"]:
            one["counted"] = 1
            alike.add(float(one["seen"]))
        asked = self._asked + math.log10(max(1.0, alike.count))
        if one["every"] < 1.5 or one["score"] < min(_MOST_SCORE, max(_LEAST_SCORE[is_rare], asked)):
            return None
        polled = self._polled(one, now_s)
        if polled >= _POLLED and not is_rare:
            return None
        if polled < _POLLED and not ((is_rare and is_new) or self._may_be_told(one, is_rare=is_rare)):
            return None
        return self._finding(one, nearby, alike.count, polled, is_rare=is_rare, is_new=is_new)

    def _polled(self, one: Any, now_s: float) -> int:
        """How many other peers, new or rare as well, the same host calls as often: monitoring does so."""
        callers = self._calls.callers
        apart = np.abs(callers["every"] - one["every"]) <= _AS_OFTEN * one["every"]
        mine = (callers["src"] == one["src"]).all(axis=1) & (callers["key"] > 0) & (callers["key"] != one["key"])
        others = callers[mine & apart]
        nearby = self._popular.hosts(network_keys(others["dst"], others["asn"]), now_s)
        return int(((nearby <= self._most_hosts) | (others["first"] - self._began >= self._learn_s)).sum())

    def _may_be_told(self, one: Any, *, is_rare: bool) -> bool:
        """Whether a pair that may well be ordinary means anything here. Decided once for a pair.

        In networks that all use it does not where such come all day (people arrive, machines are installed), or a host
        has several at once; in rare ones not where many were there when Weft began.
        """
        if not one["told"]:
            at = float(one["seen"])
            while self._newcomers and self._newcomers[0][0] < at - _DAY_S:
                self._newcomers.popleft()
            who = "" if is_rare else text_of(one["src"])
            same = sum(1 for _, other in self._newcomers if other == who)
            others = sum(1 for _, other in self._newcomers if other)
            is_odd = same < _OLD_A_DAY if is_rare else others < _NEW_A_DAY and same < _NEW_OF_A_HOST
            one["told"] = _TOLD if is_odd else _HELD_BACK
            self._held_back += not is_odd
            self._newcomers.append((at, who))
        return bool(one["told"] == _TOLD)

    def _finding(
        self, one: Any, nearby: float, alike: float, polled: int, *, is_rare: bool, is_new: bool
    ) -> Finding:  # fmt: skip
        times, sizes = (values[-int(one["used"]) :] for values in _calls_of(one))
        every, score = float(one["every"]), float(one["score"])
        who, whom, port = text_of(one["src"]), text_of(one["dst"]), int(one["port"])
        network = f"AS{one['asn']}" if one["asn"] else "its network"
        said = f"hardly anybody else here talks to {network}" + ("" if is_new else "; it did so when Weft began")
        severity = Severity.MAJOR if is_rare and is_new else Severity.MINOR
        if not is_rare:
            said = f"{nearby:.0f} hosts here use {network}, but nobody else this address, and it is new"
        if polled >= _POLLED:
            said += f". It calls {polled} more peers as often, as monitoring does"
            severity = Severity.INFO
        return Finding(
            "beacon", host(who), float(one["seen"]), f"{who} calls {whom} every {lasting(every)}",
            f"{who} called {whom} port {port} {one['calls']} times since {moment(float(one['first']))}, every "
            f"{lasting(every)} within {one['width']:.0%}, about {amount(float(np.median(sizes)), 'B')} each; {said}. "
            f"By chance calls come so regularly once in 10^{score:.1f} pairs; there were {max(1.0, alike):.0f} like it "
            f"in a day.",
            severity, hold_s=4 * every + 600, started_s=float(one["first"]), seen=every, unit="s", score=score,
            confidence=0.9 if severity is Severity.MAJOR else 0.7, others=[host(whom)],
            labels={} if polled >= _POLLED else {"peer": whom},  # a second master is news, another one polled is not
            evidence=_evidence(times, sizes),
        )  # fmt: skip

    def save(self) -> bytes:
        """Callers and who uses what; candidates are found again within hours."""
        alike = {f"{name}_{is_rare:d}": value for is_rare, one in self._alike.items()
                 for name, value in (("count", one.count), ("at", one.at_s))}  # fmt: skip
        return packed_state(
            "beacon-2", {"began": self._began, **alike},
            {"callers": self._calls.table(), "popular": self._popular.table()},
        )  # fmt: skip

    def load(self, state: bytes) -> None:
        """Go on where ``save`` was."""
        numbers, arrays = unpacked_state("beacon-2", state, {"callers": CALLER, "popular": Popularity.KIND})
        self._began = numbers["began"]
        for is_rare in self._alike:
            name = f"{is_rare:d}"
            self._alike[is_rare] = _Alike(numbers.get(f"count_{name}", 0.0), numbers.get(f"at_{name}", 0.0))
        self._popular.fill(arrays["popular"])
        self._calls.fill(arrays["callers"])


def _calls_of(one: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """When the calls that are kept came, and their octets, in order."""
    kept = min(int(one["calls"]), KEPT)
    order = np.argsort(one["at"][:kept])
    return one["at"][:kept][order], one["size"][:kept][order].astype(np.float64)


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
