"""Where on the way it happens: hops of traces beside what is usual of them."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

_MOST_WAYS, _MOST_HOPS, _VALUES = 20_000, 256, 24
_ENOUGH = 4
_SHARE = 0.5  # of the excess at the end that must be there from a hop on
_NEAR = 6
_RUNS = 128  # counts are halved after so many
_LOST = 0.1  # loss, beyond what is usual, from which a hop is named
_GONE_S = 86_400.0  # a way that was not traced for so long is forgotten
_NEW_FLOWS = 0.5  # share of answers from unknown addresses that is another path


@dataclass(slots=True)
class _Hop:
    rtts: deque[float] = field(default_factory=lambda: deque(maxlen=_VALUES))
    lost: float = 0.0
    runs: int = 0


@dataclass(frozen=True, slots=True)
class PathChange:
    """A trace went by addresses that none was on before. ``gone``: those that were usual and are not there any more."""

    at_s: float
    new: tuple[bytes, ...]
    gone: tuple[bytes, ...]
    as_before: tuple[int, ...]
    as_after: tuple[int, ...]


@dataclass(slots=True)
class _Way:
    """From an agent to a target: hops by (ttl, address)."""

    hops: OrderedDict[tuple[int, bytes], _Hop] = field(default_factory=OrderedDict)
    addresses: dict[bytes, int] = field(default_factory=dict)  # times seen
    devices: dict[str, int] = field(default_factory=dict)  # times seen
    runs: int = 0
    last_s: float = 0.0
    as_path: tuple[int, ...] = ()  # of the last trace, as the next
    last: frozenset[str] = frozenset()
    changed: PathChange | None = None


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

    def __len__(self) -> int:
        return len(self._ways)

    def take(self, agent: str, target: str, at_s: float, rows: Sequence[Mapping[str, Any]]) -> None:
        """One run: compare it with what is usual, then learn from it where nothing is odd."""
        way = self._ways.get((agent, target))
        if way is None:
            way = self._ways[agent, target] = _Way()
            if len(self._ways) > _MOST_WAYS:
                self._ways.popitem(last=False)
        self._ways.move_to_end((agent, target))
        way.last_s = at_s
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

    def path_change(self, agent: str, target: str, since_s: float) -> PathChange | None:
        """The last change since then."""
        way = self._ways.get((agent, target))
        return way.changed if way is not None and way.changed is not None and way.changed.at_s >= since_s else None

    def devices(self, agent: str, target: str) -> list[str]:
        """Devices of ours on the way, as it usually is and as it was last."""
        way = self._ways.get((agent, target))
        if way is None:
            return []
        return [name for name, count in way.devices.items() if count * 4 >= way.runs or name in way.last]

    def near(self, agent: str) -> list[str]:
        """Devices of ours that most of an agent's ways go by: where it has no traces to a target, what is known."""
        ways = [target for one, target in self._ways if one == agent]
        on = Counter(name for target in ways for name in self.devices(agent, target))
        return [name for name, count in on.most_common(_NEAR) if count > len(ways) / 2]

    def sweep(self, now_s: float) -> None:
        """Forget what is not traced any more."""
        for key in [key for key, way in self._ways.items() if abs(now_s - way.last_s) > _GONE_S]:
            del self._ways[key]
            self._culprits.pop(key, None)

    @staticmethod
    def _notice_path(way: _Way, at_s: float, rows: Sequence[Mapping[str, Any]]) -> None:
        answers = dict.fromkeys(row["hop"] for row in rows if row["received"])
        new = [one for one in answers if one not in way.addresses]
        as_path = _as_path(rows)
        if way.runs >= _ENOUGH and answers and len(new) >= max(2, _NEW_FLOWS * len(answers) / 2):
            gone = [one for one, count in way.addresses.items() if count >= way.runs / 2 and one not in answers]
            way.changed = PathChange(at_s, tuple(new[:8]), tuple(gone[:8]), way.as_path, as_path)
        way.as_path = as_path or way.as_path
        if way.runs >= _RUNS:  # what was long ago counts less and less, and is forgotten
            way.runs //= 2
            way.addresses = {one: count // 2 for one, count in way.addresses.items() if count > 1}
            way.devices = {one: count // 2 for one, count in way.devices.items() if count > 1}
        for one in answers:
            if one in way.addresses or len(way.addresses) < _MOST_HOPS:
                way.addresses[one] = way.addresses.get(one, 0) + 1
        way.last = frozenset(str(row["hop_device"]) for row in rows if row["hop_device"])
        for name in sorted(way.last):
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


def _as_path(rows: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
    """ASes on the way, by most answers at each distance; repeats taken out."""
    at: dict[int, Counter[int]] = {}
    for row in rows:
        if row["received"] and row["hop_as"]:
            at.setdefault(int(row["ttl"]), Counter())[int(row["hop_as"])] += 1
    found: list[int] = []
    for ttl in sorted(at):
        asn = at[ttl].most_common(1)[0][0]
        if not found or found[-1] != asn:
            found.append(asn)
    return tuple(found)


def _culprit(at_s: float, ttl: int, told: Mapping[int, Mapping[str, Any]], what: str, excess: float) -> Culprit:
    row = told.get(ttl, {})
    return Culprit(
        at_s, ttl, bytes(row.get("hop") or b""), int(row.get("hop_as") or 0), str(row.get("hop_device") or ""), what,
        excess,
    )  # fmt: skip
