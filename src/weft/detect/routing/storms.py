"""Update storms: a session that changes far more routes a minute than it ever does, and what they are about."""

from __future__ import annotations

import json
from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.routing.rows import LOC, POST, WITHDRAW, Block, Loading, Peer, block
from weft.detect.texts import clock
from weft.errors import InvalidInput
from weft.model.events import Entity, EventGroup, Evidence, Severity

_MINUTE_S, _LATE_S = 60.0, 10.0
#: Highest minute of each hour is kept, for a week; so many hours are enough to judge by.
_HOURS, _ENOUGH = 168, 6
#: A storm: so many changes a minute at least, so many times the busiest minutes, and for so many minutes.
_LEAST, _TIMES, _MINUTES = 1000, 3.0, 3
_OVER_MINUTES = 5
_AGAIN_S, _HOLD_S = 300.0, 1800.0
_MOST_SESSIONS, _MOST_TOLD, _SHOWN = 50_000, 5_000, 8


@dataclass(slots=True)
class _Rate:
    """Changes of one session. ``highs``: of each hour the busiest minute, calm ones."""

    minute: int = 0
    count: int = 0
    withdrawn: int = 0
    loud: int = 0  # minutes in a row beyond the bound
    calm: int = 0
    first_s: float = 0.0
    total: int = 0
    worst: int = 0
    hour: int = 0
    high: int = 0
    highs: deque[int] = field(default_factory=lambda: deque(maxlen=_HOURS))
    origins: Counter[int] = field(default_factory=Counter)
    prefixes: Counter[str] = field(default_factory=Counter)
    raised: bool = False
    told_s: float = 0.0

    def bound(self) -> float:
        """What is no news: so many times the busiest minute of nearly all hours."""
        ordered = sorted(self.highs)
        return max(float(_LEAST), _TIMES * ordered[int(0.95 * (len(ordered) - 1))]) if ordered else float(_LEAST)


class StormDetector(RowsDetector):
    """Sessions with far more updates than usual."""

    about = About(
        "bgp_storms", "BGP update storms", EventGroup.ROUTING,
        "A session changes routes at a rate that it never had, for minutes: somebody flaps behind it, or falls apart. "
        "Tables that are told as a session comes up are none. All sessions of a router at once are one event.",
        {"update_storm": "Far more changes of routes a minute than usual."},
    )  # fmt: skip
    tables = ("routes",)

    def __init__(self, context: Context) -> None:
        self._names = context.names
        self._least = max(1, int(context.config.settings.get("least_a_minute", _LEAST)))
        self._rates: OrderedDict[Peer, _Rate] = OrderedDict()
        self._routers: dict[bytes, float] = {}  # whose storm is told as the router's
        self._loading = Loading()
        self._minute = 0

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:  # noqa: ARG002
        """Count changes."""
        told = block(rows)
        chosen = (told.event <= WITHDRAW) & ~self._loading.rows(told) & (told.rib != LOC) & (told.rib != POST)
        for number, (peer, _) in enumerate(told.sessions):
            mine = np.flatnonzero(chosen & (told.session == number))
            if len(mine):
                self._count(self._rate(peer), told, mine)
        return []

    def _rate(self, peer: Peer) -> _Rate:
        rate = self._rates.get(peer)
        if rate is None:
            rate = self._rates[peer] = _Rate()
            if len(self._rates) > _MOST_SESSIONS:
                self._rates.popitem(last=False)
        self._rates.move_to_end(peer)
        return rate

    def _count(self, rate: _Rate, told: Block, mine: Any) -> None:
        rate.count += len(mine)
        rate.withdrawn += int((told.event[mine] == WITHDRAW).sum())
        if rate.count < self._least:
            return  # what a storm is about is of interest once there is one
        origins, counts = np.unique(told.origin_as[mine], return_counts=True)
        _add(rate.origins, dict(zip(origins.tolist(), counts.tolist(), strict=True)))
        _, first, counts = np.unique(told.prefix_id[mine], return_index=True, return_counts=True)
        most = np.argsort(counts)[-_SHOWN:].tolist()
        _add(rate.prefixes, {told.prefix_text(int(mine[first[n]])): int(counts[n]) for n in most})

    def tick(self, now_s: float) -> list[Finding]:
        """Minutes are closed."""
        minute = int((now_s - _LATE_S) // _MINUTE_S)
        if minute <= self._minute:
            return []
        at_s, self._minute = minute * _MINUTE_S, minute
        for rate in self._rates.values():
            self._close(rate, at_s)
        found: list[Finding] = []
        loud: dict[bytes, list[Peer]] = {}
        for peer, rate in self._rates.items():
            if rate.loud >= _MINUTES or rate.raised:
                loud.setdefault(peer.exporter, []).append(peer)
        for router, peers in loud.items():
            found += self._of_router(router, peers, at_s)
        return found

    def _close(self, rate: _Rate, at_s: float) -> None:
        """A minute ended."""
        hour, bound = int(at_s // 3600), max(rate.bound(), float(self._least))
        if rate.count > bound and len(rate.highs) >= _ENOUGH:
            if not rate.loud:
                rate.first_s, rate.total, rate.worst = at_s - _MINUTE_S, 0, 0
            rate.loud, rate.calm = rate.loud + 1, 0
            rate.total += rate.count
            rate.worst = max(rate.worst, rate.count)
        else:
            rate.calm += 1
            if not rate.raised or rate.calm >= _OVER_MINUTES:
                rate.loud = 0
            if not rate.raised:
                rate.high = max(rate.high, rate.count)
                rate.origins.clear()
                rate.prefixes.clear()
        if hour != rate.hour:
            if rate.hour:
                rate.highs.append(rate.high)
            rate.hour, rate.high = hour, 0
        rate.count = 0

    def _of_router(self, router: bytes, peers: list[Peer], at_s: float) -> list[Finding]:
        """Those of one router: one by one, or all as one."""
        sessions = [peer for peer in self._rates if peer.exporter == router]
        loud = [peer for peer in peers if self._rates[peer].loud >= _MINUTES]
        found = []
        if router in self._routers or (len(loud) > 2 and 2 * len(loud) > len(sessions)):
            rates = [self._rates[peer] for peer in peers]
            entity = Entity(kind="device", id=self._names.device(router))
            if not loud:
                del self._routers[router]
                found.append(_over(entity, at_s))
            elif at_s - self._routers.get(router, 0.0) >= _AGAIN_S:
                self._routers[router] = at_s
                found.append(self._tell(entity, loud, rates, at_s))
            for rate in rates:
                rate.raised = bool(loud)
            return found
        for peer in peers:
            rate, entity = self._rates[peer], peer.entity(self._names)
            if not rate.loud:
                rate.raised, rate.told_s = False, 0.0
                found.append(_over(entity, at_s))
            elif not rate.calm and at_s - rate.told_s >= _AGAIN_S:
                rate.raised, rate.told_s = True, at_s
                found.append(self._tell(entity, [peer], [rate], at_s))
        return found

    def _tell(self, entity: Entity, peers: list[Peer], rates: list[_Rate], at_s: float) -> Finding:
        first = min((one.first_s for one in rates if one.loud), default=at_s)
        worst, bound = max(one.worst for one in rates), max(one.bound() for one in rates)
        origins: Counter[int] = sum((one.origins for one in rates), Counter())
        prefixes: Counter[str] = sum((one.prefixes for one in rates), Counter())
        total = max(origins.total(), 1)
        most = [(asn, count) for asn, count in origins.most_common(_SHOWN) if asn]
        about = f" {most[0][1] / total:.0%} are of routes of AS {most[0][0]}." if most else ""
        where = f"{len(peers)} sessions of {entity.id} change" if len(peers) > 1 else "It changes"
        rows: list[list[str | float | int | None]] = [[f"AS {asn}", count] for asn, count in most]
        rows += [[name, count] for name, count in prefixes.most_common(_SHOWN)]
        hours = max(len(one.highs) for one in rates)
        return Finding(
            "update_storm", entity, at_s, f"BGP update storm: {worst:,} changes a minute",
            f"Since {clock(first)} {where} up to {worst:,} routes a minute; more than {bound:,.0f} is news (thrice the "
            f"busiest minute of nearly all of the last {hours} hours).{about}",
            Severity.MAJOR if len(peers) > 1 else Severity.MINOR, hold_s=_HOLD_S, started_s=first, seen=float(worst),
            expected=bound / _TIMES, upper=bound, unit="routes/min",
            others=[peer.entity(self._names) for peer in peers[:20]] + [Entity(kind="asn", id=str(n)) for n, _ in most],
            evidence=[Evidence(kind="rows", title="What changes most", columns=["what", "changes"], rows=rows)],
        )  # fmt: skip

    def save(self) -> bytes:
        """The busiest minutes of sessions."""
        return json.dumps({
            "rates": [[*peer.state(), one.hour, one.high, list(one.highs)] for peer, one in self._rates.items()]
        }).encode()  # fmt: skip

    def load(self, state: bytes) -> None:
        """Go on where ``save`` was. What was going on is found anew."""
        if not state:
            return
        try:
            told: Mapping[str, Any] = json.loads(state)
            for exporter, peer, vrf, hour, high, highs in told["rates"][:_MOST_SESSIONS]:
                rate = _Rate(hour=int(hour), high=int(high), highs=deque(map(int, highs), _HOURS))
                self._rates[Peer.restored(exporter, peer, vrf)] = rate
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput(f"is not understood: {error}", where="state of bgp_storms") from error


def _add(counts: Counter[Any], more: Mapping[Any, int]) -> None:
    """Count on; where there are too many, those that come seldom go."""
    counts.update(more)
    if len(counts) > _MOST_TOLD:
        kept = counts.most_common(_MOST_TOLD // 2)
        counts.clear()
        counts.update(dict(kept))


def _over(entity: Entity, at_s: float) -> Finding:
    text = "Routes change no more than usual again."
    return Finding("update_storm", entity, at_s, "As usual", text, Severity.INFO, ends=True)
