"""What moves inside: a host that signs in to machine after machine, and services that a network never used before.

Only connections that carried data count: what is merely knocked at is a scan. A host's fan-out is judged by its own
past and by the third widest of others; a new service by how often its network does something new anyway (Good and
Turing: the chance that the next connection is of a new sort is the share of sorts seen just once).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.security.covert import (
    TCP,
    UDP,
    WAYS,
    Own,
    Talk,
    U64s,
    host,
    keys_of,
    refill,
    slot_of,
    text_of,
)
from weft.detect.security.rows import OwnNetworks
from weft.detect.security.shared import shared
from weft.detect.security.sketches import mix
from weft.detect.security.state import packed_state, unpacked_state
from weft.detect.texts import lasting, moment
from weft.model.events import EventGroup, Evidence, Severity

#: Services by which one machine is worked from another: SSH, Telnet, RPC, SMB, RDP, VNC, WinRM.
_ADMIN = {22: "SSH", 23: "Telnet", 135: "RPC", 139: "SMB", 445: "SMB", 3389: "RDP", 5900: "VNC", 5985: "WinRM",
          5986: "WinRM"}  # fmt: skip
_ADMIN_PORTS = np.array(sorted(_ADMIN), np.uint16)
_BITS = 512
_PEERS = 8  # of the new peers, remembered by address
_FAN = np.dtype([
    ("key", "u8"), ("seen", "f8"), ("weight", "f4"), ("src", "u8", (2,)), ("port", "u2"), ("new", "u2"), ("hour", "i8"),
    ("first", "f8"), ("now", "u8", (_BITS // 64,)), ("known", "u8", (_BITS // 64,)), ("peers", "u8", (_PEERS, 2)),
])  # fmt: skip
_EDGE = np.dtype([
    ("key", "u8"), ("seen", "f8"), ("weight", "f4"), ("count", "u4"), ("first", "f8"), ("class_", "u8"),
    ("src", "u8", (2,)), ("dst", "u8", (2,)), ("port", "u2"), ("protocol", "u2"), ("minutes", "u4"), ("minute", "i8"),
    ("told", "u1"), ("chance", "f8"), ("usual", "f8"),
])  # fmt: skip
_CLASS = np.dtype([("key", "u8"), ("seen", "f8"), ("weight", "f4"), ("first", "f8"), ("all", "f8"), ("once", "f8")])
_KINDS = {"fans": _FAN, "edges": _EDGE, "peers": _EDGE, "classes": _CLASS}
_KEEP_S = 30 * 86400.0
_LEAST_NEW, _TIMES = 8, 2.0
_HOSTS = 3  # that enter so many make it usual; known by 52 bits of their keys, whole numbers that a float holds
_SPARE_BITS = 12
_DAY_S = 86400.0  # what was watched for less may not have seen those who look after machines
_PSH_ACK = 0x18
_EPHEMERAL = 32_768


@dataclass(slots=True)
class _Widest:
    """Which hosts entered most machines in an hour by a service: those in hours before, and in the hour of each."""

    before: dict[int, float] = field(default_factory=dict)
    now: dict[int, tuple[int, float]] = field(default_factory=dict)

    def usual(self, who: int, hour: int) -> float:
        """What a host itself did in hours before, and the third widest of others ever; 1 at least."""
        others = [max(self.before.get(one, 1.0), self.now.get(one, (0, 1.0))[1])
                  for one in {*self.before, *self.now} - {who}]  # fmt: skip
        third = sorted(others)[-_HOSTS] if len(others) >= _HOSTS else 1.0
        at, width = self.now.get(who, (hour, 1.0))
        return max(third, self.before.get(who, 1.0), width if at < hour else 1.0)

    def note(self, who: int, hour: int, width: float) -> None:
        """A host entered so many in an hour; the widest are remembered."""
        at, most = self.now.get(who, (hour, 0.0))
        if at < hour:
            self.before[who] = max(most, self.before.get(who, 0.0))
            _keep(self.before, self.before.get)
        self.now[who] = (hour, width if at < hour else max(most, width))
        _keep(self.now, lambda one: self.now[one][1])


def _keep(known: dict[int, Any], width: Callable[[int], Any]) -> None:
    """Only the widest, and one more: a host is compared with others."""
    while len(known) > _HOSTS + 1:
        del known[min(known, key=width)]


class LateralMovement(RowsDetector):
    """Watches connections inside.

    Settings: ``learn_s`` (fan-out), ``learn_services_s``, ``least_connections``, ``pairs``.
    """

    about = About(
        "lateral_movement", "Lateral movement", EventGroup.SECURITY,
        "A host signs in to ever more machines, or a network uses a service inside that it never used.",
        {"lateral_movement": "Many machines entered from one within an hour, as never before.",
         "new_service": "A service between two own networks that was not used in all the time before.",
         "new_peer": "Two hosts that never talked, in a network where hardly ever two talk that did not before."},
    )  # fmt: skip
    tables = ("flows",)

    def __init__(self, context: Context) -> None:
        told = context.config.settings
        self._own = Own(context.networks)
        self._learn_s = float(told.get("learn_s", 3600.0))
        self._learn_services_s = float(told.get("learn_services_s", 86400.0))
        self._least = float(told.get("least_connections", 2000))
        rate = context.config.false_alarms or context.false_alarms
        self._most_chance = min(0.01, 1e-3 * rate)
        self._fans = np.zeros(1 << 14, _FAN)
        pairs = max(1024, int(told.get("pairs", 1 << 15))) // WAYS * WAYS
        self._edges, self._peers = np.zeros(pairs, _EDGE), np.zeros(pairs, _EDGE)
        self._classes = np.zeros(1 << 11, _CLASS)
        self._widest = {port: _Widest() for port in _ADMIN}
        self._telling: dict[int, int] = {}
        # When the tables of services and of peers last had to forget something that was in use.
        self._forgot = {"edges": np.zeros(1), "peers": np.zeros(1)}
        self._left_out = 0
        self._began = self._judged = 0.0

    @property
    def left_out(self) -> int:
        """Services and peers that may be new, or were only forgotten for want of room."""
        return self._left_out

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        """Remember who entered where."""
        if table not in self.tables or not rows.num_rows:
            return []
        own = self._own()
        flow = shared(rows, own).talk
        inside = (flow.src_net >= 0) & (flow.dst_net >= 0) & (flow.dst_port < flow.src_port)
        has_data = ((flow.protocol == TCP) & (flow.flags & _PSH_ACK == _PSH_ACK)) | (flow.protocol == UDP)
        used = flow.take(inside & has_data & (flow.dst_port < _EPHEMERAL))
        if not len(used):
            return []
        self._began = self._began or float(used.received.min())
        admin = used.take(np.isin(used.dst_port, _ADMIN_PORTS) & (used.protocol == TCP))
        if len(admin):
            _fan_out(self._fans, keys_of(admin.src, 11) ^ (admin.dst_port.astype(np.uint64) << np.uint64(1)),
                     keys_of(admin.dst, 12), admin.src, admin.dst, admin.dst_port, admin.received)  # fmt: skip
        classes, edges, pairs = _class_keys(used, own)
        for name, known, group, keys in (
            ("edges", self._edges, classes, edges), ("peers", self._peers, ~classes, pairs)
        ):  # fmt: skip
            _note_edges(known, self._classes, self._forgot[name], group, keys, used.src, used.dst, used.dst_port,
                        used.protocol, used.received, self._learn_services_s)  # fmt: skip
        return []

    def tick(self, now_s: float) -> list[Finding]:
        """Every half minute, judge what is wider or newer than ever."""
        if now_s - self._judged < 30 or not self._began:
            return []
        since, self._judged = self._judged - 60, now_s
        return [*self._wide(now_s, since), *self._new(since)]

    def _wide(self, now_s: float, since_s: float) -> list[Finding]:
        """Hosts that enter twice as many as all but two others ever did in an hour, and as they did in hours before.

        What was told counts as usual, too: where three hosts do so, as on the first morning, the fourth is no news.
        """
        fans, hour = self._fans, int(now_s // 3600)
        self._telling = {slot: at for slot, at in self._telling.items() if at >= hour - 1}
        found = []
        for slot in np.flatnonzero((fans["new"] > 1) & (fans["seen"] > since_s)).tolist():
            one = fans[slot]
            port, new, at = int(one["port"]), float(one["new"]), int(one["hour"])
            who = int(keys_of(one["src"][None], 13)[0]) >> _SPARE_BITS
            usual = self._widest[port].usual(who, at)
            is_learned = float(one["first"]) - self._began >= self._learn_s  # what began before is learned from
            is_wide = is_learned and new >= max(_LEAST_NEW, _TIMES * usual)
            if is_wide or self._telling.get(slot) == at:
                self._telling[slot] = at
                found.append(self._entered(one, port, new, usual, now_s - self._began))
            self._widest[port].note(who, at, new)
        return found

    @staticmethod
    def _entered(one: Any, port: int, new: float, widest: float, watched_s: float) -> Finding:
        who = text_of(one["src"])
        peers = [text_of(peer) for peer in one["peers"][: min(int(new), _PEERS)]]
        is_sure = watched_s >= _DAY_S
        return Finding(
            "lateral_movement", host(who), float(one["seen"]), f"{who} enters machine after machine by {_ADMIN[port]}",
            f"{who} opened {_ADMIN[port]} (port {port}) to {new:.0f} machines that it never used before, since "
            f"{moment(float(one['first']))}, among them {', '.join(peers[:3])}; all but two hosts here take up "
            f"{widest:.0f} in an hour at most{'' if is_sure else f', as far as {lasting(watched_s)} can tell'}.",
            Severity.MAJOR if is_sure else Severity.MINOR, hold_s=1800, started_s=float(one["first"]), seen=new,
            expected=0.0, upper=_TIMES * widest, unit="machines", score=min(30.0, new / max(widest, 1)),
            confidence=0.85 if is_sure else 0.6, labels={"port": str(port)}, others=[host(peer) for peer in peers],
            evidence=[Evidence(kind="rows", title="Some of the machines", columns=["machine"],
                               rows=[[peer] for peer in peers])],
        )  # fmt: skip

    def _new(self, since_s: float) -> list[Finding]:
        found = [self._service(one) for one in self._news("edges", since_s, least_minutes=2)]
        found += [self._peer(one) for one in self._news("peers", since_s, least_minutes=1)]
        return found

    def _news(self, name: str, since_s: float, *, least_minutes: int) -> list[Any]:
        """What is new and lasting, where new things are rare, and nothing that was in use had to be forgotten."""
        edges, forgot = self._tables()[name], float(self._forgot[name][0])
        fresh = (edges["count"] >= 3) & (edges["minutes"] >= least_minutes) & (edges["told"] == 0) & (edges["key"] > 0)
        found = []
        for slot in np.flatnonzero(fresh & (edges["seen"] > since_s))[:2000]:
            edges["told"][slot] = 1
            one = edges[slot]
            if one["first"] - self._began < self._learn_services_s or one["usual"] < self._least:
                continue
            if one["chance"] > self._most_chance:
                continue
            if forgot and one["first"] - forgot < self._learn_services_s:
                self._left_out += 1
                continue
            found.append(one)
        return found

    def _service(self, one: Any) -> Finding:
        who, whom = text_of(one["src"]), text_of(one["dst"])
        kind = "TCP" if one["protocol"] == TCP else "UDP"
        return self._novelty(
            "new_service", one, f"{who} uses {kind} {one['port']} of {whom}: new here",
            f"{who} uses {kind} port {one['port']} of {whom}; from its network to that one nobody did",
            {"port": f"{kind.lower()}/{one['port']}"},
        )  # fmt: skip

    def _peer(self, one: Any) -> Finding:
        who, whom = text_of(one["src"]), text_of(one["dst"])
        return self._novelty(
            "new_peer", one, f"{who} talks to {whom}: new here", f"{who} talks to {whom}; it did not", {"peer": whom}
        )

    def _novelty(self, kind: str, one: Any, title: str, said: str, labels: dict[str, str]) -> Finding:
        chance = max(float(one["chance"]), 1e-9)
        return Finding(
            kind, host(text_of(one["src"])), float(one["seen"]), title,
            f"{said} in {lasting(float(one['first'] - self._began))} and {one['usual']:.0f} connections of its "
            f"network, where something new comes once in {1 / chance:.0f}.",
            Severity.INFO, hold_s=3600, started_s=float(one["first"]), score=float(-np.log10(chance)), confidence=0.6,
            labels=labels, others=[host(text_of(one["dst"]))],
        )  # fmt: skip

    def save(self) -> bytes:
        """Who used what, and who entered where."""
        widest = {
            f"{port}/{who}": max(known.before.get(who, 0.0), known.now.get(who, (0, 0.0))[1])
            for port, known in self._widest.items() for who in {*known.before, *known.now}
        }  # fmt: skip
        return packed_state(
            "lateral-2", {"began": self._began, **widest},
            {name: table[table["key"] > 0] for name, table in self._tables().items()},
        )  # fmt: skip

    def load(self, state: bytes) -> None:
        """Go on where ``save`` was."""
        told, arrays = unpacked_state("lateral-2", state, _KINDS)
        self._began = told["began"]
        self._widest = {port: _Widest() for port in _ADMIN}
        for name, most in told.items():
            port, _, who = name.partition("/")
            if port.isdecimal() and who.isdecimal() and int(port) in _ADMIN:
                known = self._widest[int(port)].before
                known[int(who)] = most
                _keep(known, known.get)
        for name, table in self._tables().items():
            refill(table, arrays[name], _KEEP_S)

    def _tables(self) -> dict[str, NDArray[Any]]:
        return {"fans": self._fans, "edges": self._edges, "peers": self._peers, "classes": self._classes}


@lru_cache(maxsize=4)
def _names_of(own: OwnNetworks) -> NDArray[np.uint64]:
    """A number for each network, the same after a restart and wherever it stands among the others."""
    digests = [blake2b(str(one).encode(), digest_size=8).digest() for one in own.networks]
    return np.array([int.from_bytes(one, "big") for one in digests], np.uint64)


def _class_keys(rows: Talk, own: OwnNetworks) -> tuple[U64s, U64s, U64s]:
    """Keys of the network that each row comes from; of what it does, to which network by which service; of its ends."""
    names = _names_of(own)
    source, target = names[rows.src_net], names[rows.dst_net]
    service = rows.dst_port.astype(np.uint64) << np.uint64(8) | rows.protocol.astype(np.uint64)
    zero = np.zeros(len(rows), np.uint64)
    ends = np.stack([keys_of(rows.src, 23), keys_of(rows.dst, 24)], axis=1)
    return (keys_of(np.stack([source, zero], axis=1), 21), keys_of(np.stack([source ^ service, target], axis=1), 22),
            keys_of(ends, 25))  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _fan_out(fans: Any, keys: Any, peer_keys: Any, src: Any, dst: Any, port: Any, at: Any) -> None:
    """New peers of each host and port within the hour; what an hour brought is known in the next."""
    for i in range(len(keys)):
        slot = slot_of(fans, keys[i], at[i], _KEEP_S)
        if slot < 0:
            slot = -1 - slot
            made = fans[slot]
            made.key, made.port, made.hour, made.seen, made.new = keys[i], port[i], 0, at[i], 0
            made.src[0], made.src[1] = src[i, 0], src[i, 1]
            for word in range(_BITS // 64):
                made.now[word] = made.known[word] = np.uint64(0)
        one = fans[slot]
        one.seen = max(one.seen, at[i])
        hour = int(at[i] // 3600)
        if hour > one.hour:
            for word in range(_BITS // 64):
                one.known[word] |= one.now[word]
                one.now[word] = np.uint64(0)
            one.hour, one.new, one.first = hour, 0, at[i]
        where = mix(peer_keys[i]) & np.uint64(_BITS - 1)
        word, bit = int(where >> np.uint64(6)), np.uint64(1) << (where & np.uint64(63))
        if (one.now[word] | one.known[word]) & bit:
            continue
        one.now[word] |= bit
        if one.new < _PEERS:
            one.peers[one.new, 0], one.peers[one.new, 1] = dst[i, 0], dst[i, 1]
        one.new += 1
        one.weight = np.float32(one.new)


@numba.njit(cache=True, nogil=True)
def _note_edges(
    edges: Any, classes: Any, forgot: Any, class_keys: Any, keys: Any, src: Any, dst: Any, port: Any, protocol: Any,
    at: Any, learn_s: float,
) -> None:  # fmt: skip
    """Count connections of each sort and of each network; what a network does that is new itself is no news."""
    for i in range(len(keys)):
        which = slot_of(classes, class_keys[i], at[i], _KEEP_S)
        if which < 0:
            which = -1 - which
            classes[which].key, classes[which].first = class_keys[i], at[i]
            classes[which].all = classes[which].once = 0.0
        group = classes[which]
        group.seen = max(group.seen, at[i])
        slot = slot_of(edges, keys[i], at[i], _KEEP_S)
        if slot < 0:
            slot = -1 - slot
            new = edges[slot]
            if new.key and new.weight > 0.0 and at[i] - new.seen <= _KEEP_S:
                forgot[0] = max(forgot[0], at[i])
            new.key, new.class_, new.first, new.port, new.protocol = keys[i], class_keys[i], at[i], port[i], protocol[i]
            new.src[0], new.src[1], new.dst[0], new.dst[1] = src[i, 0], src[i, 1], dst[i, 0], dst[i, 1]
            new.count, new.minutes, new.minute, new.told, new.weight = 0, 0, 0, 0, 0.0
            is_known = at[i] - group.first >= learn_s
            new.chance, new.usual = (group.once + 1.0) / (group.all + 1.0) if is_known else 1.0, group.all
        one = edges[slot]
        one.count += 1
        one.seen = max(one.seen, at[i])
        if int(at[i] // 60) > one.minute:
            one.minute = int(at[i] // 60)
            one.minutes += 1
        group.all += 1.0
        group.weight = np.float32(group.all)
        group.once += 1.0 if one.count == 1 else -1.0 if one.count == 2 else 0.0
        if one.count > 1:
            one.weight = 1.0
