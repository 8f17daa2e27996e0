"""Exfiltration: a host that sends far more than it gets, on and on, to somebody to whom the like is not sent.

Three things are looked at. Is it an upload at all: minutes on end, four times as much out as in. Does the host do so
always: its own uploads to the same network before. Do others: uploads into the same network by anybody here. What goes
out by a private line to one's own cloud, or to what ``allowed`` names, is none. Servers that answer are none either.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.security.covert import (
    WAYS,
    Own,
    Talk,
    host,
    keys_of,
    pair_keys,
    refill,
    slot_of,
    text_of,
)
from weft.detect.security.leaving import Leaving, networks_of
from weft.detect.security.popularity import Popularity, network_keys
from weft.detect.security.rows import OwnNetworks
from weft.detect.security.shared import shared
from weft.detect.security.state import packed_state, unpacked_state
from weft.detect.texts import amount, lasting, moment
from weft.model.events import EventGroup, Evidence, Severity

_MINUTES = 10
#: ``out``, ``back``, ``packets``: per minute, round; ``minute`` is the one that was written last.
#: ``usual``, ``others``: the largest upload of the host, and of anybody, to that network before it; −1 = not known.
_UPLOAD = np.dtype([
    ("key", "u8"), ("seen", "f8"), ("weight", "f4"), ("asn", "u4"), ("src", "u8", (2,)), ("dst", "u8", (2,)),
    ("maker", "u8"), ("rate", "f4"), ("told", "i4"), ("first", "f8"), ("minute", "i8"), ("sum_out", "f8"),
    ("sum_back", "f8"), ("usual", "f8"), ("others", "f8"), ("port", "u2"), ("pad", "u2"), ("pad2", "u4"),
    ("out", "f8", (_MINUTES,)), ("back", "f8", (_MINUTES,)), ("packets", "f4", (_MINUTES,)),
])  # fmt: skip
#: Largest upload seen to a network: by one host, or (key of the network alone) by anybody; what was told by itself.
_SINK = np.dtype([("key", "u8"), ("seen", "f8"), ("weight", "f4"), ("pad", "u4"), ("most", "f8"), ("first", "f8")])
_KEEP_S = 6 * 3600.0
_DAY_S = 86400.0
_REMEMBER_S = 30 * 86400.0
_HALF_LIFE_S = 14 * 86400.0
_RATIO = 4.0
_LEAST_MINUTES = 3
_LONGEST_S = 3600.0  # an upload is compared an hour at a time
_MOST_IN_ONE = 0.75  # share of what was sent lately: more in one minute is a burst, or a sampled packet or two
_LEAST_PACKETS = 12  # looked at, in all: fewer tell no volume
_BY_ANYBODY, _BY_HOST, _TOLD = 0x51, 0x52, 0x53
_TOLD_BEFORE_S = 20 * 3600.0  # what was told so long ago is known to people: the same again is not told each night


class Exfiltration(RowsDetector):
    """Watches uploads by pair of host and peer.

    Settings: ``learn_s``, ``least_octets``, ``most_hosts``, ``pairs``, ``allowed`` (prefixes).
    """

    about = About(
        "exfiltration", "Data theft", EventGroup.SECURITY,
        "A host sends far more than it gets, for minutes, to a network to which nobody here sends as much.",
        {"exfiltration": "Large upload to where the host, and its peers, do not send."},
    )  # fmt: skip
    tables = ("flows",)

    def __init__(self, context: Context) -> None:
        told = context.config.settings
        self._own = Own(context.networks)
        self._leaving = Leaving(context)
        self._learn_s = float(told.get("learn_s", 3600.0))
        self._least = float(told.get("least_octets", 20e6))
        self._most_hosts = float(told.get("most_hosts", 2.5))
        self._allowed = OwnNetworks(networks_of(told.get("allowed", ())))
        self._uploads = np.zeros(max(1024, int(told.get("pairs", 1 << 15))) // WAYS * WAYS, _UPLOAD)
        self._sinks = np.zeros(1 << 14, _SINK)
        self._popular = Popularity(1 << 15)
        self._began = 0.0
        self._judged = 0.0

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        """Add up what goes out and comes back."""
        if table not in self.tables or not rows.num_rows:
            return []
        batch = shared(rows, self._own())
        out, back = batch.out, batch.back
        self._began = self._began or (float(out.received.min()) if len(out) else 0.0)
        if len(out):
            self._popular.note(batch.users, batch.peers, batch.networks, out.received)
        self._add(self._leaving.kept(out), is_out=True)
        self._add(back, is_out=False)
        return []

    def _add(self, rows: Talk, *, is_out: bool) -> None:
        if len(self._allowed) and len(rows):
            rows = rows.take(self._allowed.find(rows.dst[:, 0], rows.dst[:, 1]) < 0)
        if len(rows):
            maker = rows.exporter[:, 0] ^ rows.exporter[:, 1]
            _add_up(self._uploads, pair_keys(rows), rows.src, rows.dst, rows.dst_as, maker, rows.rate, rows.dst_port,
                    rows.received, rows.octets, rows.seen, is_out)  # fmt: skip

    def tick(self, now_s: float) -> list[Finding]:
        """Every half minute, judge what is being uploaded."""
        if now_s - self._judged < 30 or not self._began:
            return []
        self._judged = now_s
        recent = self._uploads["minute"] >= int(now_s // 60) - 2
        which = np.flatnonzero(recent & (self._uploads["sum_out"] >= self._least))
        return [one for slot in which[:5000] if (one := self._judge(slot, now_s)) is not None]

    def _judge(self, slot: int, now_s: float) -> Finding | None:
        one = self._uploads[slot]
        if one["sum_out"] < _RATIO * one["sum_back"] or not _is_steady(one, now_s):
            return None
        network = network_keys(one["dst"][None], one["asn"][None])
        anybody = keys_of(np.stack([network, np.full(1, _BY_ANYBODY, np.uint64)], axis=1), _BY_ANYBODY)
        by_host = keys_of(np.stack([network, one["src"][1:]], axis=1), _BY_HOST)
        told = keys_of(np.stack([network, one["src"][1:]], axis=1), _TOLD)
        carried, noted = float(one["sum_out"]), np.concatenate([anybody, by_host])
        is_learning = now_s - self._began < self._learn_s
        if is_learning:
            _note(self._sinks, noted, now_s, carried)
        if is_learning or one["usual"] < 0:  # what it is compared with was before it: else it would be usual itself
            one["usual"] = max(self._most(by_host, now_s), self._most(told, now_s, _TOLD_BEFORE_S))
            one["others"] = self._most(anybody, now_s)
        if is_learning:
            return None
        hosts = float(self._popular.hosts(network, now_s)[0])
        is_rare = hosts <= self._most_hosts
        is_odd = carried > 4 * one["usual"] and (is_rare or carried > max(4 * self._least, 2 * one["others"]))
        if not (is_odd or one["told"]):
            _note(self._sinks, noted, now_s, carried)
            if now_s - one["first"] >= _LONGEST_S:  # what goes on for ever is compared with its own last hour
                one["sum_out"] = one["sum_back"] = 0.0
                one["first"], one["usual"] = now_s, -1.0
            return None
        one["told"] = 1
        _note(self._sinks, told if is_rare else np.concatenate([told, anybody]), now_s, carried)
        return self._finding(one, now_s, hosts if not is_rare else 0.0)

    def _most(self, key: NDArray[np.uint64], now_s: float, since_s: float = 0.0) -> float:
        """The largest upload of a key that is known for so long."""
        out = np.zeros(1)
        _look(self._sinks, key, now_s, since_s, out)
        return float(out[0])

    def _finding(self, one: Any, now_s: float, hosts: float) -> Finding:
        who, whom = text_of(one["src"]), text_of(one["dst"])
        usual, others = float(one["usual"]), float(one["others"])
        carried, back = float(one["sum_out"]), float(one["sum_back"])
        lasted = max(60.0, float(one["seen"] - one["first"]))
        network = f"AS{one['asn']}" if one["asn"] else "its network"
        before = f"it sent {amount(usual, 'B')} at most there before" if usual else "it never sent there before"
        if now_s - self._began < _DAY_S:
            before += f" in the {lasting(now_s - self._began)} that Weft has watched"
        rest = (
            f"{hosts:.0f} hosts here use {network}, and the largest upload there was "
            f"{amount(others, 'B') if others else 'none'}" if hosts else f"hardly anybody else here talks to {network}"
        )  # fmt: skip
        severity = Severity.CRITICAL if carried >= 1e10 and not hosts else Severity.MAJOR
        is_sampled = f" (1 packet in {one['rate']:.0f} was seen)" if one["rate"] > 1 else ""
        return Finding(
            "exfiltration", host(who), now_s, f"{who} sends {amount(carried, 'B')} to {whom}",
            f"{who} sent {amount(carried, 'B')}{is_sampled} to {whom} port {one['port']} in {lasting(lasted)}, got "
            f"{amount(back, 'B')} back, since {moment(float(one['first']))}; {before}; {rest}.",
            severity, hold_s=600, started_s=float(one["first"]), seen=carried * 8 / lasted, expected=0.0, unit="bit/s",
            score=4.0 if hosts else 6.0, confidence=0.7 if hosts else 0.9, others=[host(whom)],
            evidence=[Evidence(kind="rows", title="Sent and received", columns=["minute", "sent B", "received B"],
                               rows=_minutes(one))],
        )  # fmt: skip

    def save(self) -> bytes:
        """What is uploaded by whom to where, and who uses what."""
        return packed_state(
            "exfiltration-2", {"began": self._began},
            {"sinks": self._sinks[self._sinks["key"] > 0], "popular": self._popular.table()},
        )  # fmt: skip

    def load(self, state: bytes) -> None:
        """Go on where ``save`` was; what was being uploaded is added up anew."""
        kinds = {"sinks": _SINK, "popular": Popularity.KIND}
        numbers, arrays = unpacked_state("exfiltration-2", state, kinds)
        self._began = numbers["began"]
        self._popular.fill(arrays["popular"])
        refill(self._sinks, arrays["sinks"], _REMEMBER_S)


def _is_steady(one: Any, now_s: float) -> bool:
    """Whether it goes on and on: most of the last minutes, none of which carried nearly all; enough to tell volume."""
    lately = [(int(now_s // 60) - back) % _MINUTES for back in range(_LEAST_MINUTES + 1)]
    out = one["out"][lately]
    if (out > 0).sum() < _LEAST_MINUTES or out.max() > _MOST_IN_ONE * out.sum():
        return False
    return bool(one["packets"].sum() >= _LEAST_PACKETS)


def _minutes(one: Any) -> list[list[str | float | int | None]]:
    last = int(one["minute"])
    rows: list[list[str | float | int | None]] = []
    for minute in range(max(last - _MINUTES + 1, int(one["first"] // 60)), last + 1):
        at = minute % _MINUTES
        rows.append([moment(minute * 60.0), round(float(one["out"][at])), round(float(one["back"][at]))])
    return rows


@numba.njit(cache=True, nogil=True)
def _add_up(
    uploads: Any, keys: Any, src: Any, dst: Any, asn: Any, maker: Any, rate: Any, port: Any, at: Any, octets: Any,
    seen: Any, is_out: bool,
) -> None:  # fmt: skip
    """Add rows to their pairs; each pair is counted by the exporter that samples least, so that none counts twice."""
    for i in range(len(keys)):
        slot = slot_of(uploads, keys[i], at[i], _KEEP_S)
        if slot < 0:
            if not is_out:
                continue
            slot = -1 - slot
            new = uploads[slot]
            new.key, new.asn, new.port, new.told, new.usual = keys[i], asn[i], port[i], 0, -1.0
            new.src[0], new.src[1], new.dst[0], new.dst[1] = src[i, 0], src[i, 1], dst[i, 0], dst[i, 1]
            _start(new, maker[i], rate[i], at[i])
        one = uploads[slot]
        if at[i] > one.seen + 1800.0 or (one.maker != maker[i] and (rate[i] < one.rate or at[i] > one.seen + 300.0)):
            if at[i] > one.seen + 1800.0:
                one.told, one.usual = 0, -1.0
            _start(one, maker[i], rate[i], at[i])
        if one.maker != maker[i]:
            continue
        minute = int(at[i] // 60)
        if minute > one.minute:
            for gone in range(max(one.minute + 1, minute - _MINUTES + 1), minute + 1):
                one.out[gone % _MINUTES] = one.back[gone % _MINUTES] = one.packets[gone % _MINUTES] = 0.0
            one.minute = minute
        if minute <= one.minute - _MINUTES:
            continue
        one.seen = max(one.seen, at[i])
        if is_out:
            one.out[minute % _MINUTES] += octets[i]
            one.packets[minute % _MINUTES] += seen[i]
            one.sum_out += octets[i]
            if one.sum_out > 1e6:
                one.weight = np.float32(np.log10(one.sum_out))
        else:
            one.back[minute % _MINUTES] += octets[i]
            one.sum_back += octets[i]


@numba.njit(cache=True, nogil=True)
def _start(one: Any, maker: int, rate: float, at: float) -> None:
    """Begin an upload: nothing has been sent yet."""
    one.maker, one.rate, one.first, one.seen, one.minute = maker, rate, at, at, int(at // 60) - 1
    one.sum_out = one.sum_back = 0.0
    one.weight = 0.0
    for k in range(_MINUTES):
        one.out[k] = one.back[k] = one.packets[k] = 0.0


@numba.njit(cache=True, nogil=True)
def _note(sinks: Any, keys: Any, now: float, octets: float) -> None:
    for i in range(len(keys)):
        slot = slot_of(sinks, keys[i], now, _REMEMBER_S)
        if slot < 0:
            slot = -1 - slot
            sinks[slot].key, sinks[slot].most = keys[i], 0.0
            sinks[slot].seen = sinks[slot].first = now
        one = sinks[slot]
        faded = one.most * 0.5 ** ((now - one.seen) / _HALF_LIFE_S)
        one.most, one.seen = max(faded, octets), now
        one.weight = np.float32(np.log10(max(one.most, 1.0)))


@numba.njit(cache=True, nogil=True)
def _look(sinks: Any, keys: Any, now: float, since: float, out: Any) -> None:
    for i in range(len(keys)):
        slot = slot_of(sinks, keys[i], now, _REMEMBER_S)
        if slot >= 0 and now - sinks[slot].first >= since:
            out[i] = sinks[slot].most * 0.5 ** ((now - sinks[slot].seen) / _HALF_LIFE_S)
