"""What happened to a prefix: one lane per session, one for what each router used, and every event with what changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from weft.query.answer.runner import Runner
from weft.query.compile.sql import Statement, moment_us, select
from weft.query.routing.lookup import MOST_ROWS, PostMonitored, router_choice
from weft.query.routing.prefixes import Prefix, exactly
from weft.query.routing.rows import (
    ANNOUNCE,
    AT,
    CHANGE,
    CHECKPOINT,
    KEYS,
    LAST_FIRST,
    OF_SESSIONS,
    PEER_DOWN,
    PEER_UP,
    VALUES,
    WITHDRAW,
    Moment,
    Only,
    Path,
    Session,
    last_words,
    path_of,
    session_key,
)

#: What makes a path another one, as people name it.
ATTRIBUTES = ("as_path", "next_hop", "local_pref", "med", "bgp_origin", "communities", "attributes", "rpki")
MOST_EVENTS = 2_000


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time in which a lane had one path (None: no route). UTC microseconds, ``end`` exclusive."""

    start: int
    end: int
    path: Path | None
    why: str = ""


@dataclass(slots=True)
class Lane:
    """One session's route over time, or (``session`` None) what the router ``exporter`` used."""

    exporter: str
    source: str
    session: Session | None
    path_id: int
    segments: list[Segment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: ``changed`` holds attribute → (before, after)."""

    at: int
    event: str
    session: Session
    path: Path | None
    changed: Mapping[str, tuple[str, str]]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The answer. ``begins`` (UTC microseconds): where events were cut off, later than what was asked."""

    prefix: Prefix
    since: int
    until: int
    lanes: tuple[Lane, ...]
    events: tuple[Event, ...]
    truncated: bool
    begins: int


def follow(
    runner: Runner, prefix: Prefix, since: int, until: int, only: Only, post: PostMonitored, *, reach: int
) -> Timeline:
    """All that happened to exactly this prefix between two times; if there is too much, its newest part."""
    rows, truncated = _events(runner, prefix, since, until, only)
    begins = rows[0]["at"] if truncated else since
    moment = Moment(begins, reach)
    before, _ = last_words(runner, moment, exactly([prefix]), only, limit=MOST_ROWS)
    story = _Story([path for path in before if path.standing], begins, until, post.at(runner, moment))
    for row in rows:
        story.tell(row)
    return Timeline(prefix, since, until, tuple(story.finish()), tuple(story.events), truncated, begins)


def _events(runner: Runner, prefix: Prefix, since: int, until: int, only: Only) -> tuple[list[dict[str, Any]], bool]:
    """Changes of the prefix, and beginnings and ends of the sessions that ever told of it, the oldest first."""
    told = f"{exactly([prefix])} AND family != 0 AND event != {CHECKPOINT}{only.where()}"
    sessions = select(
        ["DISTINCT exporter, source, rib, peer, vrf"], "routes",
        where=f"{exactly([prefix])} AND family != 0 AND time <= {moment_us(until)}{only.where()}", limit=10_000,
    )  # fmt: skip
    sql = select(
        [*KEYS, *VALUES, AT], "routes",
        where=f"time > {moment_us(since)} AND time <= {moment_us(until)} AND (({told}) OR ({OF_SESSIONS} "
        f"AND (exporter, source, rib, peer, vrf) IN (\n{sessions})))",
        order_by=(*LAST_FIRST, "exporter DESC", "peer DESC", "rib DESC"), limit=MOST_EVENTS + 1,
    )  # fmt: skip
    rows: list[dict[str, Any]] = runner.run(Statement(sql)).to_pylist()
    return rows[:MOST_EVENTS][::-1], len(rows) > MOST_EVENTS


def differences(before: Path | None, after: Path | None) -> dict[str, tuple[str, str]]:
    """Attributes that differ."""
    if before is None or after is None:
        return {}
    pairs = ((name, str(getattr(before, name)), str(getattr(after, name))) for name in ATTRIBUTES)
    return {name: (one, other) for name, one, other in pairs if one != other}


LaneKey = tuple[Any, ...]


class _Story:
    """Plays the events of one prefix in order."""

    def __init__(self, standing: Sequence[Path], since: int, until: int, post: Callable[[Path], bool]) -> None:
        self._until, self._post = until, post
        self._now: dict[LaneKey, Path] = {}
        self._lanes: dict[LaneKey, Lane] = {}
        self._open: dict[LaneKey, tuple[int, Path | None, str]] = {}
        self.events: list[Event] = []
        for path in standing:
            key = _lane_key(path)
            self._now[key] = path
            self._switch(key, path, since, path)
        for router in sorted({(p.session.exporter, p.session.source) for p in standing}):
            self._decide(router, since)

    def tell(self, row: Mapping[str, Any]) -> None:
        """The next event."""
        path, at = path_of(row, row["at"]), row["at"]
        if row["event"] in (PEER_UP, PEER_DOWN):
            self._of_session(row, path, at)
        elif row["event"] in (ANNOUNCE, CHANGE, WITHDRAW):
            key = _lane_key(path)
            before = self._now.pop(key, None)
            after = path if path.standing else None
            if after is not None:
                self._now[key] = after
            self._switch(key, path, at, after)
            self.events.append(Event(at, path.event, path.session, after, differences(before, after)))
        self._decide((path.session.exporter, path.session.source), at)

    def _of_session(self, row: Mapping[str, Any], path: Path, at: int) -> None:
        """A session ends, or begins anew: with it goes what it had told."""
        whose = session_key(row)
        for key in [key for key in self._now if key[0] == whose]:
            self._switch(key, self._now.pop(key), at, None)
        self.events.append(Event(at, path.event, path.session, None, {}, row["reason"]))

    def _switch(self, key: LaneKey, of: Path, at: int, to: Path | None, why: str = "") -> None:
        if key not in self._lanes:
            session = None if key[0] == "used" else of.session
            self._lanes[key] = Lane(of.session.exporter, of.session.source, session, of.path_id)
        begun = self._open.get(key)
        if begun is not None and begun[0] < at:
            self._lanes[key].segments.append(Segment(begun[0], at, begun[1], begun[2]))
        self._open[key] = (at, to, why)

    def _decide(self, router: tuple[str, str], at: int) -> None:
        """What the router uses now."""
        if router[1] == "mrt":
            return
        mine = [p for p in self._now.values() if (p.session.exporter, p.session.source) == router]
        choice = router_choice(mine, self._post) if mine else None
        best = choice.best if choice else None
        key: LaneKey = ("used", *router)
        _, before, _ = self._open.get(key, (0, None, ""))
        either = best or before
        if either is not None and not _same(before, best):
            self._switch(key, either, at, best, choice.why if choice else "")

    def finish(self) -> Iterable[Lane]:
        """Close what is still open; what each router used comes first."""
        for key, (at, path, why) in self._open.items():
            self._lanes[key].segments.append(Segment(at, self._until, path, why))
        for lane in self._lanes.values():
            lane.segments = merged(lane.segments)

        def order(key: LaneKey) -> tuple[Any, ...]:
            lane = self._lanes[key]
            session = lane.session
            place = (session.peer, session.rib, session.vrf) if session else ("", "", "")
            return (lane.exporter, lane.source, session is not None, *place, lane.path_id)

        return [self._lanes[key] for key in sorted(self._lanes, key=order)]


def _lane_key(path: Path) -> LaneKey:
    return (path.session_key, path.family, path.nlri, path.path_id)


def merged(segments: Sequence[Segment]) -> list[Segment]:
    """Neighbouring stretches with the same path as one."""
    out: list[Segment] = []
    for one in segments:
        last = out[-1] if out else None
        if last and last.end == one.start and _same(last.path, one.path):
            out[-1] = replace(last, end=one.end)
        else:
            out.append(one)
    return out


def _same(one: Path | None, other: Path | None) -> bool:
    return one is other or (one is not None and other is not None and not differences(one, other))
