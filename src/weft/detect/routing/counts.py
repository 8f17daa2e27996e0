"""How many routes a session has, against what it usually has: providers that withdraw all, tables that leak in."""

from __future__ import annotations

import itertools
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.routing.rows import (
    ANNOUNCE,
    CHECKPOINT,
    LOC,
    PEER_DOWN,
    PEER_UP,
    POST,
    PRE,
    WITHDRAW,
    Block,
    Loading,
    Peer,
    block,
)  # fmt: skip
from weft.detect.texts import clock
from weft.errors import InvalidInput
from weft.model.addresses import NO_ADDRESS
from weft.model.events import EventGroup, Evidence, Severity

#: A sample of the level is kept each hour, for a week.
_SAMPLE_S, _SAMPLES = 3600.0, 168
#: A shift that is news: this share and this many routes, and so many times what the hours differ by.
_LESS, _MORE, _LEAST, _SPREADS = 0.2, 0.5, 20, 6.0
_UNSURE = 100  # of a session whose table was never heard: so many routes of before went
_SETTLED_S = 5.0  # a shift is judged once it has lasted so long
_HOLD_S = 7 * 86_400.0
_MOST_SESSIONS = 50_000


@dataclass(slots=True)
class _Count:
    """Routes of one table of a session. ``standing`` is −1 while nobody knows."""

    standing: int = -1
    net: int = 0  # while nobody knows: how many more came than went
    is_sure: bool = False  # samples are of ``standing``, else of ``net``
    seen: int = 0  # rows of a table that is being written again
    seen_s: float = 0.0
    moved_s: float = 0.0  # the level was left then, 0 = it was not
    samples: deque[int] = field(default_factory=lambda: deque(maxlen=_SAMPLES))
    sampled_s: float = 0.0
    is_down: bool = False
    is_new: bool = True  # what stands was not compared yet
    raised: str = ""

    def usual(self) -> tuple[float, float]:
        """(level, what hours differ by)."""
        level = median(self.samples)
        return level, 1.4826 * median(abs(one - level) for one in self.samples)


class CountDetector(RowsDetector):
    """Sessions whose number of routes shifts."""

    about = About(
        "bgp_prefixes", "Numbers of BGP routes", EventGroup.ROUTING,
        "A session stays up, and suddenly has far fewer routes than it usually has, or far more.",
        {"mass_withdrawal": "A neighbour withdrew a large part of its routes.",
         "prefix_surge": "A neighbour sends far more routes than it usually does."},
    )  # fmt: skip
    tables = ("routes",)

    def __init__(self, context: Context) -> None:
        self._names = context.names
        self._counts: dict[tuple[Peer, int], _Count] = {}
        self._loading = Loading()

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:  # noqa: ARG002
        """Count what comes and goes."""
        told = block(rows)
        self._loading.rows(told)
        for number, session in enumerate(told.sessions):
            if session[1] == LOC or session[0].peer == NO_ADDRESS:
                continue
            mine = np.flatnonzero(told.session == number)
            count = self._counts.get(session)
            if count is None:
                if len(self._counts) >= _MOST_SESSIONS:
                    continue
                count = self._counts[session] = _Count()
            _follow(count, told, mine)
        return []

    def tick(self, now_s: float) -> list[Finding]:
        """Compare."""
        found = []
        for session, count in self._counts.items():
            if count.is_down or self._loading.is_loading(session, now_s):
                continue
            if not (count.is_new or count.moved_s or now_s - count.sampled_s >= _SAMPLE_S):
                continue
            if session[1] == POST and (session[0], PRE) in self._counts:
                continue
            count.is_new = False
            finding = self._judge(session[0], count, now_s)
            if finding is not None:
                found.append(finding)
        return found

    def _judge(self, peer: Peer, count: _Count, now_s: float) -> Finding | None:
        standing = count.standing if count.standing >= 0 else count.net
        if count.is_sure != (count.standing >= 0):
            count.is_sure = not count.is_sure
            count.samples.clear()
        if not count.samples:
            count.samples.append(standing)
            count.sampled_s = now_s
            return None
        level, spread = count.usual()
        change = standing - level
        needed = max(_LEAST, _SPREADS * spread, level * (_LESS if change < 0 else _MORE))
        if not count.is_sure:  # what comes may be the table itself
            needed = max(_UNSURE, _SPREADS * spread) if change < 0 else float("inf")
        if abs(change) < needed * (0.5 if count.raised else 1.0):
            count.moved_s = 0.0
            if now_s - count.sampled_s >= _SAMPLE_S:
                count.samples.append(standing)
                count.sampled_s = now_s
            if count.raised:
                kind, count.raised = count.raised, ""
                text = f"It has {standing:,} routes again." if count.is_sure else "It has most of these routes again."
                return Finding(kind, peer.entity(self._names), now_s, "As before", text, Severity.INFO, ends=True)
            return None
        if not count.moved_s:
            count.moved_s = now_s
        if count.raised or now_s - count.moved_s < _SETTLED_S:
            if now_s - count.moved_s > 86_400.0:  # this is how it is now
                count.samples.clear()
            return None
        return self._shifted(peer, count, level, needed) if count.is_sure else self._gone(peer, count, level, needed)

    def _shifted(self, peer: Peer, count: _Count, level: float, needed: float) -> Finding:
        less = count.standing < level
        count.raised = "mass_withdrawal" if less else "prefix_surge"
        share = abs(count.standing - level) / max(level, 1.0)
        grave = less and share > 0.5
        words = f"{share:.0%} fewer" if less else f"{count.standing / max(level, 1.0):.1f} times as many"
        return Finding(
            count.raised, peer.entity(self._names), count.moved_s,
            f"{'Fewer' if less else 'More'} routes: {count.standing:,} instead of {level:,.0f}",
            f"The session is up, but since {clock(count.moved_s)} it has {count.standing:,} routes, {words} than the "
            f"{level:,.0f} that it usually has (median of {len(count.samples)} hours).",
            Severity.MAJOR if grave or not less else Severity.MINOR, hold_s=_HOLD_S, seen=float(count.standing),
            expected=level, lower=level - needed, upper=level + needed, unit="routes",
            evidence=[Evidence(kind="model", title="What is usual", text=f"{level:,.0f} routes; a shift of "
                               f"{needed:,.0f} is news.")],
        )  # fmt: skip

    def _gone(self, peer: Peer, count: _Count, level: float, needed: float) -> Finding:
        """Routes went of a session whose table was never heard: how many it had, nobody knows."""
        count.raised = "mass_withdrawal"
        return Finding(
            count.raised, peer.entity(self._names), count.moved_s, f"{level - count.net:,.0f} routes withdrawn",
            f"The session is up, but since {clock(count.moved_s)} it withdrew {level - count.net:,.0f} routes and sent "
            "them by no other path; how many it has is not known, as its table was not heard since Weft listens.",
            Severity.MAJOR, hold_s=_HOLD_S, seen=float(count.net - level), expected=0.0, lower=-needed, unit="routes",
            evidence=[Evidence(kind="model", title="What is usual", text=f"A shift of {needed:,.0f} is news.")],
        )  # fmt: skip

    def save(self) -> bytes:
        """Levels of all sessions."""
        state = [
            [*peer.state(), rib, one.standing, list(one.samples), one.sampled_s,
             one.is_down, one.raised]
            for (peer, rib), one in self._counts.items()
        ]  # fmt: skip
        return json.dumps({"counts": state}).encode()

    def load(self, state: bytes) -> None:
        """Go on where ``save`` was."""
        if not state:
            return
        try:
            told: Mapping[str, Any] = json.loads(state)
            for exporter, peer, vrf, rib, standing, samples, sampled_s, is_down, raised in told["counts"]:
                key = Peer.restored(exporter, peer, vrf), int(rib)
                self._counts[key] = _Count(
                    int(standing), is_sure=int(standing) >= 0, sampled_s=float(sampled_s), is_down=bool(is_down),
                    # without the table, what went and came until now is not known of any other time
                    samples=deque(map(int, samples if standing >= 0 else ()), maxlen=_SAMPLES), raised=str(raised),
                )  # fmt: skip
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput(f"is not understood: {error}", where="state of bgp_prefixes") from error


def _follow(count: _Count, told: Block, mine: NDArray[np.int64]) -> None:
    """Add up the rows of one table, between its session's ends and beginnings."""
    events = told.event[mine]
    count.is_new = True
    cuts = [0, *np.flatnonzero(events >= PEER_UP).tolist(), len(mine)]
    for first, last in itertools.pairwise(cuts):
        part = mine[first:last]
        if not len(part):
            continue
        head = int(told.event[part[0]])
        if head in (PEER_UP, PEER_DOWN):
            count.is_down, count.standing, count.moved_s = head == PEER_DOWN, 0, 0.0
            count.seen = 0
        kinds = told.event[part]
        came = int((kinds == ANNOUNCE).sum()) - int((kinds == WITHDRAW).sum())
        again = int((kinds == CHECKPOINT).sum())
        if again:
            _again(count, again, float(told.time_s[part[-1]]))
        if count.standing >= 0:
            count.standing = max(0, count.standing + came)
        else:
            count.net += came


def _again(count: _Count, rows: int, at_s: float) -> None:
    """A table is written again: of a session of which nothing was known that tells how many routes there are."""
    if at_s - count.seen_s > 300.0:
        count.seen = 0
    count.seen, count.seen_s = count.seen + rows, at_s
    count.standing = max(count.standing, count.seen)
