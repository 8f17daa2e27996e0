"""Spoofed sources: packets whose source cannot be on the side that they come from.

Unicast reverse path forwarding (RFC 3704) as far as flows tell of it: for each interface it is learned whether sources
of ours, of others, and such as nobody routes come in there. Those are what no route leads to, where a full table is
known (``routed``), and special blocks (RFC 6890) in any case. What never came in and then does in numbers, from several
sources, is made up, or the network is not what it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import NamedTuple

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from weft.component import Config
from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.security.routed import RoutedSpace, is_unrouted
from weft.detect.security.rows import CurrentNetworks, OwnNetworks, address_bytes, network_of, same_rows
from weft.detect.security.sketches import claim, mix, mix_two
from weft.detect.texts import lasting
from weft.model.events import Entity, EventGroup, Severity

OURS, OTHERS, NOBODYS = range(3)
_SORTS = 3
_SAID = {
    OURS: "sources of our own networks, from outside",
    OTHERS: "sources that are not ours, from inside and to others",
    NOBODYS: "sources that nobody routes",
}
#: Blocks that are never the source of a packet on the Internet, without those set aside for examples (RFC 6890).
_NOBODYS = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
    "224.0.0.0/4", "240.0.0.0/4", "fc00::/7", "ff00::/8",
)  # fmt: skip
_WINDOW_S = 60.0


class SpoofingSettings(Config):
    """What is taken for spoofing."""

    records: int = Field(default=30, ge=3)
    """Records of such sources in a minute."""
    sources: float = Field(default=8.0, ge=1)
    """Different sources among them."""
    share: float = Field(default=0.02, gt=0, le=1)
    """Their share of what comes in by the interface."""
    usual_share: float = Field(default=0.001, ge=0, le=1)
    """Their share before, at most: where they are usual, nothing is said."""
    learn_records: int = Field(default=2000, ge=10)
    """Records of an interface before anything is said of it."""
    learn_h: float = Field(default=6.0, ge=0)
    """And so many hours."""
    most_interfaces: int = Field(default=4096, ge=64, le=1 << 18)
    """Interfaces that are remembered."""


class _Ports(NamedTuple):
    """Slots [S] of interfaces by which packets come in."""

    keys: NDArray[np.uint64]
    weights: NDArray[np.float32]
    turns: NDArray[np.uint64]
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    if_index: NDArray[np.uint32]
    first_s: NDArray[np.float64]
    records: NDArray[np.float64]  # [S, sort] before this minute
    now: NDArray[np.float64]  # [S, sort] in this minute
    who: NDArray[np.uint64]  # [S, sort] 64-bit maps of sources of this minute


def _ports(slots: int) -> _Ports:
    return _Ports(
        np.zeros(slots, np.uint64), np.zeros(slots, np.float32), np.zeros(1, np.uint64), np.zeros(slots, np.uint64),
        np.zeros(slots, np.uint64), np.zeros(slots, np.uint32), np.zeros(slots), np.zeros((slots, _SORTS)),
        np.zeros((slots, _SORTS)), np.zeros((slots, _SORTS), np.uint64),
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _sort_in(s, ends, exporter, in_if, at_s, own, nobodys, routed):  # type: ignore[no-untyped-def]
    src_high, src_low, dst_high, dst_low = ends
    for i in range(len(src_low)):
        if not in_if[i] or (src_high[i] == 0 and src_low[i] == 0):
            continue
        key = mix_two(mix_two(exporter[0][i], exporter[1][i]), np.uint64(in_if[i]))
        slot, fresh = claim(s.keys, s.weights, s.turns, key, 1.0)
        if slot < 0:
            continue
        if fresh:
            s.high[slot], s.low[slot], s.if_index[slot] = exporter[0][i], exporter[1][i], in_if[i]
            s.first_s[slot] = at_s[i]
            s.records[slot] = 0
            s.now[slot] = 0
            s.who[slot] = 0
        sort = OTHERS
        if network_of(own[0], own[1], own[2], src_high[i], src_low[i]) >= 0:
            sort = OURS
        elif network_of(nobodys[0], nobodys[1], nobodys[2], src_high[i], src_low[i]) >= 0 or is_unrouted(
            routed, src_high[i], src_low[i]
        ):
            sort = NOBODYS
        elif network_of(own[0], own[1], own[2], dst_high[i], dst_low[i]) >= 0:
            # From others to us: by an inner port, that is another way and not spoofing.
            s.records[slot, OTHERS] += 1.0
            continue
        s.now[slot, sort] += 1.0
        s.who[slot, sort] |= np.uint64(1) << (mix(mix_two(src_high[i], src_low[i])) & np.uint64(63))


class SpoofingDetector(RowsDetector):
    """Spoofed sources per interface. Silent where no own networks are known. Memory: ``most_interfaces`` and 2 MB."""

    about = About(
        "spoofing", "Spoofed sources", EventGroup.SECURITY,
        "Packets with sources that never come in by an interface, in numbers: ours from outside, others' from inside.",
        {"spoofing": "Sources come in by an interface where they cannot be."},
    )  # fmt: skip
    tables = ("flows", "routes")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._settings = SpoofingSettings.model_validate(context.config.settings)
        self._ports = _ports(1 << (self._settings.most_interfaces - 1).bit_length())
        self._own = CurrentNetworks(context.networks)
        self._nobodys = OwnNetworks([ip_network(one) for one in _NOBODYS])
        self._routed = RoutedSpace()
        self._closed_s = 0.0

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        """Sort rows; what is wrong is told when the minute is over."""
        if table == "routes":
            self._routed.take(rows)
            return []
        own = self._own()
        if not rows.num_rows or not len(own):
            return []
        flows, none = same_rows(rows), self._nobodys
        _sort_in(
            self._ports, (flows.src_high, flows.src_low, flows.dst_high, flows.dst_low),
            (flows.exporter_high, flows.exporter_low), flows.in_if, flows.received_s,
            (own.high, own.low, own.owner), (none.high, none.low, none.owner), self._routed.known,
        )  # fmt: skip
        return []

    def tick(self, now_s: float) -> list[Finding]:
        """Once a minute: what came in that never did."""
        if now_s - self._closed_s < _WINDOW_S:
            return []
        self._closed_s = now_s
        return list(self._closed(now_s))

    @property
    def bytes_used(self) -> int:
        """Octets of memory."""
        return sum(column.nbytes for column in self._ports) + self._routed.bytes_used

    def _closed(self, now_s: float) -> Iterator[Finding]:
        s, rules = self._ports, self._settings
        before, now = s.records.sum(axis=1), s.now.sum(axis=1)
        known = (before >= rules.learn_records) & (now_s - s.first_s >= rules.learn_h * 3600)
        strange = known[:, None] & (s.now >= rules.records) & (s.now >= rules.share * now[:, None])
        strange &= s.records <= rules.usual_share * before[:, None]
        for slot, sort in np.argwhere(strange):
            many = _distinct(int(s.who[slot, sort]))
            if many >= rules.sources:
                yield self._finding(int(slot), int(sort), many, now_s, float(before[slot]))
                s.now[slot, sort] = 0  # what is made up is not learned
        s.records[:] = (s.records + s.now) * 0.9999
        s.now[:] = 0
        s.who[:] = 0

    def _finding(self, slot: int, sort: int, many: float, now_s: float, before: float) -> Finding:
        s = self._ports
        exporter, index = address_bytes(s.high[slot], s.low[slot]), int(s.if_index[slot])
        names = self._context.names
        where = f"{names.device(exporter)}|{names.interface(exporter, index)}"
        count = float(s.now[slot, sort])
        return Finding(
            "spoofing", Entity(kind="interface", id=where), now_s, f"Spoofed sources at {where}",
            f"{_SAID[sort]}: {count:.0f} records in a minute from about {many:.0f} addresses came in by {where}; "
            f"of {before:,.0f} records in the {lasting(now_s - s.first_s[slot])} before, "
            f"{s.records[slot, sort]:.0f} did.",
            Severity.MAJOR, hold_s=300.0, started_s=now_s - _WINDOW_S, seen=count, unit="records/min",
            expected=float(s.records[slot, sort]), score=min(20.0, count / 10), confidence=0.8,
        )  # fmt: skip


def _distinct(bits: int) -> float:
    """Different keys behind a 64-bit map, by linear counting."""
    return float(64 * np.log(64 / max(64 - bits.bit_count(), 1)))
