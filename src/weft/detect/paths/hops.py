"""Where on the way it happens: hops of traces beside what is usual of them."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

_MOST_WAYS, _MOST_HOPS, _VALUES = 20_000, 256, 24
_ENOUGH = 4
_SHARE = 0.5  # of the excess at the end that must be there from a hop on
_LOST = 0.1  # loss, beyond what is usual, from which a hop is named
_NEW_FLOWS = 0.5  # share of answers from unknown addresses that is another path


@dataclass(slots=True)
class _Hop:
    rtts: deque[float] = field(default_factory=lambda: deque(maxlen=_VALUES))
    lost: float = 0.0
    runs: int = 0


@dataclass(slots=True)
class _Way:
    """From an agent to a target: hops by (ttl, address)."""

    hops: OrderedDict[tuple[int, bytes], _Hop] = field(default_factory=OrderedDict)
    addresses: dict[bytes, int] = field(default_factory=dict)  # times seen
    devices: dict[str, int] = field(default_factory=dict)  # times seen
    runs: int = 0
    changed_s: float = 0.0
    gone: list[bytes] = field(default_factory=list)
    new: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Culprit:
    """The hop from which on delay or loss stays. ``excess``: ms, or share lost."""

    at_s: float
    ttl: int
    address: bytes
    asn: int
    device: str
    what: str
    excess: float


class HopBook:
    """Usual delays of hops, per agent and target. Bounded."""

    def __init__(self) -> None:
        self._ways: OrderedDict[tuple[str, str], _Way] = OrderedDict()
        self._culprits: OrderedDict[tuple[str, str], Culprit] = OrderedDict()

    def take(self, agent: str, target: str, at_s: float, rows: Sequence[Mapping[str, Any]]) -> None:
        """One run: compare it with what is usual, then learn from it where nothing is odd."""
        way = self._ways.get((agent, target))
        if way is None:
            way = self._ways[agent, target] = _Way()
            if len(self._ways) > _MOST_WAYS:
                self._ways.popitem(last=False)
        self._notice_path(way, at_s, rows)
        found = self._compare(way, at_s, rows) if way.runs >= _ENOUGH else None
        way.runs += 1
        if found is not None:
            self._culprits[agent, target] = found
            while len(self._culprits) > _MOST_WAYS:
                self._culprits.popitem(last=False)
            return
        self._learn(way, rows)

    def culprit(self, agent: str, target: str, since_s: float) -> Culprit | None:
        """What the last trace since then found."""
        found = self._culprits.get((agent, target))
        return found if found is not None and found.at_s >= since_s else None

    def path_change(self, agent: str, target: str, since_s: float) -> tuple[float, list[bytes], list[bytes]] | None:
        """(time, addresses that are new, addresses that are gone) of a change since then."""
        way = self._ways.get((agent, target))
        if way is None or not way.changed_s or way.changed_s < since_s:
            return None
        return way.changed_s, way.new, way.gone

    def devices(self, agent: str, target: str) -> list[str]:
        """Devices of ours on the way, as it usually is and as it was last."""
        way = self._ways.get((agent, target))
        return [] if way is None else [name for name, count in way.devices.items() if count * 4 >= way.runs]

    @staticmethod
    def _notice_path(way: _Way, at_s: float, rows: Sequence[Mapping[str, Any]]) -> None:
        answers = [row["hop"] for row in rows if row["received"]]
        new = [one for one in answers if one not in way.addresses]
        if way.runs >= _ENOUGH and answers and len(new) >= _NEW_FLOWS * len(set(answers)) / 2 and len(new) >= 2:
            usual = {one for one, count in way.addresses.items() if count >= way.runs / 2}
            way.changed_s, way.new = at_s, list(dict.fromkeys(new))[:8]
            way.gone = [one for one in usual if one not in answers][:8]
        for one in set(answers):
            if one in way.addresses or len(way.addresses) < _MOST_HOPS:
                way.addresses[one] = way.addresses.get(one, 0) + 1
        for name in {str(row["hop_device"]) for row in rows if row["hop_device"]}:
            if name in way.devices or len(way.devices) < _MOST_HOPS:
                way.devices[name] = way.devices.get(name, 0) + 1

    @staticmethod
    def _compare(way: _Way, at_s: float, rows: Sequence[Mapping[str, Any]]) -> Culprit | None:
        """The first hop from which on delay, or loss, stays until the end."""
        excess: dict[int, list[float]] = {}
        lost: dict[int, list[float]] = {}
        told: dict[int, Mapping[str, Any]] = {}
        for row in rows:
            ttl, known = int(row["ttl"]), way.hops.get((int(row["ttl"]), row["hop"]))
            usual_loss = min((hop.lost for (t, _), hop in way.hops.items() if t == ttl and hop.runs), default=0.0)
            lost.setdefault(ttl, []).append((1.0 if not row["received"] else 0.0) - usual_loss)
            if row["received"] and known is not None and len(known.rtts) >= _ENOUGH:
                excess.setdefault(ttl, []).append(float(row["rtt_ms"]) - median(known.rtts))
                told.setdefault(ttl, row)
            elif row["received"]:
                told.setdefault(ttl, row)
        late = {ttl: median(values) for ttl, values in excess.items()}
        if late and (end := late[max(late)]) > 5.0:
            first = min(t for t in late if all(late[u] >= _SHARE * end for u in late if u >= t))
            return _culprit(at_s, first, told, "ms", end)
        if not lost or not any(len(values) > 2 for values in lost.values()):
            return None
        gone = {ttl: sum(values) / len(values) for ttl, values in lost.items()}
        silent = {t for t in gone if not any(ttl == t and hop.rtts for (ttl, _), hop in way.hops.items())}
        heard = {t: share for t, share in gone.items() if t not in silent}
        if heard and (end := heard[max(heard)]) >= _LOST:
            first = min(t for t in heard if all(heard[u] >= _SHARE * end for u in heard if u >= t))
            return _culprit(at_s, first, told, "loss", end)
        return None

    @staticmethod
    def _learn(way: _Way, rows: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            key = int(row["ttl"]), row["hop"]
            hop = way.hops.get(key)
            if hop is None:
                if len(way.hops) >= _MOST_HOPS:
                    way.hops.popitem(last=False)
                hop = way.hops[key] = _Hop()
            hop.runs += 1
            if row["received"]:
                hop.rtts.append(float(row["rtt_ms"]))
                hop.lost += (0.0 - hop.lost) / 20
            else:
                hop.lost += (1.0 - hop.lost) / (min(hop.runs, 20))


def _culprit(at_s: float, ttl: int, told: Mapping[int, Mapping[str, Any]], what: str, excess: float) -> Culprit:
    row = told.get(ttl, {})
    return Culprit(
        at_s, ttl, bytes(row.get("hop") or b""), int(row.get("hop_as") or 0), str(row.get("hop_device") or ""), what,
        excess,
    )  # fmt: skip
