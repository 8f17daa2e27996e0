"""Connections that last for hours to somebody whom hardly anybody else here talks to: remote control kept open.

Four hours is where RITA calls a connection long; what stays open all day to well-used networks (chat, push, mail) is
ordinary and is not told.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pyarrow as pa

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
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
from weft.model.events import EventGroup, Severity

_LIVE = np.dtype([
    ("key", "u8"), ("seen", "f8"), ("weight", "f4"), ("asn", "u4"), ("src", "u8", (2,)), ("dst", "u8", (2,)),
    ("first", "f8"), ("octets", "f8"), ("port", "u2"), ("told", "u1"),
])  # fmt: skip
_SILENCE_S = 900.0  # longer without a record: it is over
_TOLD, _HELD_BACK = 1, 2
_OLD = 8  # connections that were open when Weft began and are told


class LongLived(RowsDetector):
    """Follows connections by their five-tuple. Settings: ``least_s``, ``learn_s``, ``most_hosts``, ``connections``."""

    about = About(
        "long_connection", "Long connections", EventGroup.SECURITY,
        "A connection to a rarely used network stays open for hours.",
        {"long_connection": "Open for hours, to where hardly anybody else goes."},
    )  # fmt: skip
    tables = ("flows",)

    def __init__(self, context: Context) -> None:
        told = context.config.settings
        self._own = Own(context.networks)
        self._least_s = float(told.get("least_s", 4 * 3600.0))
        self._learn_s = float(told.get("learn_s", 3600.0))
        self._most_hosts = float(told.get("most_hosts", 2.5))
        self._live = np.zeros(max(1024, int(told.get("connections", 1 << 15))) // WAYS * WAYS, _LIVE)
        self._popular = Popularity(1 << 15)
        self._old = self._held_back = 0
        self._began = 0.0
        self._judged = 0.0

    @property
    def left_out(self) -> int:
        """Connections that were open when Weft began and are not told because many were."""
        return self._held_back

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        """Follow connections to the outside."""
        if table not in self.tables or not rows.num_rows:
            return []
        batch = shared(rows, self._own())
        out = batch.out
        if not len(out):
            return []
        self._began = self._began or float(out.received.min())
        self._popular.note(batch.users, batch.peers, batch.networks, out.received)
        keys = batch.out_keys ^ (out.src_port.astype(np.uint64) << np.uint64(17)) | np.uint64(1)
        _follow(self._live, keys, out.src, out.dst, out.dst_as, out.dst_port, out.received, out.start, out.octets)
        return []

    def tick(self, now_s: float) -> list[Finding]:
        """Every five minutes, look for those that are open for long."""
        if now_s - self._judged < 300 or not self._began or now_s - self._began < self._learn_s:
            return []
        self._judged = now_s
        live = self._live
        is_long = (live["seen"] - live["first"] >= self._least_s) & (live["seen"] >= now_s - _SILENCE_S)
        which = np.flatnonzero((live["key"] > 0) & is_long)[:5000]
        if not len(which):
            return []
        rows = live[which]
        nearby = self._popular.hosts(network_keys(rows["dst"], rows["asn"]), now_s)
        users = self._popular.hosts(peer_keys(rows["dst"]), now_s)
        rare = (nearby <= self._most_hosts) & (users <= self._most_hosts)
        return [self._finding(live[slot]) for slot in which[rare] if self._may_be_told(live[slot])]

    def _may_be_told(self, one: Any) -> bool:
        """Of what was open already when Weft began only some, so that the first day is no storm. Decided once."""
        if not one["told"]:
            is_old = one["first"] - self._began < self._learn_s
            self._old += is_old
            one["told"] = _TOLD if not is_old or self._old <= _OLD else _HELD_BACK
            self._held_back += one["told"] == _HELD_BACK
        return bool(one["told"] == _TOLD)

    @staticmethod
    def _finding(one: Any) -> Finding:
        who, whom, lasted = text_of(one["src"]), text_of(one["dst"]), float(one["seen"] - one["first"])
        network = f"AS{one['asn']}" if one["asn"] else "its network"
        return Finding(
            "long_connection", host(who), float(one["seen"]), f"{who} is connected to {whom} for {lasting(lasted)}",
            f"{who} is connected to {whom} port {one['port']} since {moment(float(one['first']))}, for "
            f"{lasting(lasted)}, and sent {amount(float(one['octets']), 'B')}; hardly anybody else here talks to "
            f"{network}.",
            Severity.MINOR, hold_s=1800, started_s=float(one["first"]), seen=lasted, unit="s", score=3.0,
            confidence=0.6, labels={"peer": whom}, others=[host(whom)],
        )  # fmt: skip

    def save(self) -> bytes:
        """Who is connected since when, and who uses what."""
        return packed_state(
            "long-1", {"began": self._began, "old": float(self._old)},
            {"live": self._live[self._live["key"] > 0], "popular": self._popular.table()},
        )  # fmt: skip

    def load(self, state: bytes) -> None:
        """Go on where ``save`` was."""
        numbers, arrays = unpacked_state("long-1", state, {"live": _LIVE, "popular": Popularity.KIND})
        self._began, self._old = numbers["began"], int(numbers.get("old", 0))
        self._popular.fill(arrays["popular"])
        refill(self._live, arrays["live"], _SILENCE_S)


@numba.njit(cache=True, nogil=True)
def _follow(
    live: Any, keys: Any, src: Any, dst: Any, asn: Any, port: Any, at: Any, start: Any, octets: Any
) -> None:  # fmt: skip
    for i in range(len(keys)):
        slot = slot_of(live, keys[i], at[i], _SILENCE_S)
        if slot < 0 or at[i] > live[slot].seen + _SILENCE_S:
            slot = slot if slot >= 0 else -1 - slot
            new = live[slot]
            new.key, new.asn, new.port, new.octets, new.told = keys[i], asn[i], port[i], 0.0, 0
            new.src[0], new.src[1], new.dst[0], new.dst[1] = src[i, 0], src[i, 1], dst[i, 0], dst[i, 1]
            new.first, new.seen = max(start[i], at[i] - 3600.0), at[i]
        one = live[slot]
        one.seen = max(one.seen, at[i])
        one.octets += octets[i]
        one.weight = np.float32(one.seen - one.first)
