"""BGP sessions as of a time: up or down, since when, how many routes stand, how they were judged, what changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from weft.model.addresses import address_text
from weft.model.routes import FAMILIES, RIBS, ROUTE_SOURCES, RPKI_STATES
from weft.query.answer.runner import Runner
from weft.query.compile.sql import Statement, moment_us, select, subquery
from weft.query.routing.rows import AT, CHECKPOINT, OF_SESSIONS, PEER_DOWN, PEER_UP, WITHDRAW, Moment, Session

MOST_SESSIONS = 50_000
_COUNTED = {1: "announcements", 2: "changes", 3: "withdrawals", 5: "ups", 6: "downs"}
_SESSION = ("exporter", "source", "rib", "peer", "vrf")
#: A session, and a route of it, as one number each: millions of routes are grouped without keeping their words.
_SESSION_ID = f"cityHash64({', '.join(_SESSION)})"
_ROUTE_ID = "cityHash64(family, prefix, prefix_length, nlri, path_id)"
#: The last word on a route as one number, so that the greatest is the last: its time, then what came last at that time
#: (see ``LAST_FIRST``), then what was said. Microseconds fit 51 bits until the year 2041.
WORD = "bitShiftLeft(toUInt64(toUnixTimestamp64Micro(time)), 12) + (7 - event) * 256 + rpki * 16 + family"
#: Of ``word``, greatest of them: when it was said (UTC microseconds) and what.
SAID, EVENT = "bitShiftRight(word, 12)", "(7 - bitAnd(bitShiftRight(word, 8), 15))"
RPKI, FAMILY = "bitAnd(bitShiftRight(word, 4), 15)", "bitAnd(word, 15)"


@dataclass(slots=True)
class SessionView:
    """One table of one neighbour. Times are UTC microseconds; ``state``: ``up``, ``down``, ``unknown`` (not told)."""

    session: Session
    state: str = "unknown"
    since: int | None = None
    reason: str = ""
    routes: int | None = None
    families: dict[str, int] = field(default_factory=dict)
    rpki: dict[str, int] = field(default_factory=dict)
    announcements: int = 0
    changes: int = 0
    withdrawals: int = 0
    prefixes: int = 0
    ups: int = 0
    downs: int = 0
    last: int | None = None

    @property
    def updates(self) -> int:
        """Changes of routes in the window."""
        return self.announcements + self.changes + self.withdrawals


def sessions(runner: Runner, since: int, moment: Moment, *, count: bool = True) -> list[SessionView]:
    """Every session that was heard of by ``moment``: its state then, its changes from ``since`` on.

    ``count``: how many of its routes stand, too; that reads the whole table once.
    """
    found: dict[int, SessionView] = {}
    _states(runner, moment, found)
    _changes(runner, since, moment, found)
    if count:
        for view in found.values():
            view.routes = 0
        _standing(runner, moment, found)
    return sorted(found.values(), key=lambda v: (v.session.exporter, v.session.peer, v.session.vrf, v.session.rib))


def _view(found: dict[int, SessionView], row: Mapping[str, Any]) -> SessionView:
    key = row["session"]
    if key not in found:
        found[key] = SessionView(
            Session(
                address_text(row["exporter"]), ROUTE_SOURCES.get(row["source"], ""), RIBS.get(row["rib"], ""),
                address_text(row["peer"]), row["peer_as"], row["vrf"],
            )
        )  # fmt: skip
    return found[key]


def _rows(runner: Runner, sql: str) -> Iterable[Mapping[str, Any]]:
    rows: list[dict[str, Any]] = runner.run(Statement(sql)).to_pylist()
    return rows


def _states(runner: Runner, moment: Moment, found: dict[int, SessionView]) -> None:
    """When each came up or went away last."""
    sql = select(
        [f"{_SESSION_ID} AS session", *_SESSION, "peer_as", "event", "reason", AT], "routes",
        where=f"{OF_SESSIONS} AND time <= {moment_us(moment.at)}", order_by=("time DESC", "time_received DESC"),
    ) + f"\nLIMIT 1 BY {', '.join(_SESSION)}\nLIMIT {MOST_SESSIONS}"  # fmt: skip
    for row in _rows(runner, sql):
        view = _view(found, row)
        view.state, view.since = "up" if row["event"] == PEER_UP else "down", row["at"]
        view.reason = row["reason"]


def _changes(runner: Runner, since: int, moment: Moment, found: dict[int, SessionView]) -> None:
    """What came of each in the window; those that said nothing in it but may still have routes are found, too."""
    new = f"time > {moment_us(since)}"
    sql = select(
        [
            f"{_SESSION_ID} AS session", *(f"any({name}) AS one_{name}" for name in (*_SESSION, "peer_as")),
            *(f"countIf(event = {number} AND {new}) AS {name}" for number, name in _COUNTED.items()),
            f"uniqIf(cityHash64(prefix, prefix_length, nlri), event IN (1, 2, 3) AND {new}) AS prefixes",
            f"toUnixTimestamp64Micro(maxIf(time, event != {CHECKPOINT} AND {new})) AS last",
        ],
        "routes", where=f"time > {moment_us(min(since, moment.since))} AND time <= {moment_us(moment.at)}",
        group_by=("session",), limit=MOST_SESSIONS,
    )  # fmt: skip
    for row in _rows(runner, sql):
        view = _view(found, {name.removeprefix("one_"): value for name, value in row.items()})
        for name in (*_COUNTED.values(), "prefixes"):
            setattr(view, name, row[name])
        view.last = row["last"] or None


def standing_sql(moment: Moment, only: str = "") -> str:
    """Every route that stood then: ``session`` and ``route`` as numbers, ``word`` the last word on it.

    What its session's end or new beginning took away is left out.
    """
    last = select(
        [f"{_SESSION_ID} AS session", f"{_ROUTE_ID} AS route", f"max({WORD}) AS word"], "routes",
        where=f"{moment.where()} AND family != 0{only}", group_by=("session", "route"),
    )  # fmt: skip
    ends = select(
        [f"{_SESSION_ID} AS session", "toUInt64(toUnixTimestamp64Micro(max(time))) AS ended",
         f"argMax(event, time) = {PEER_DOWN} AS down"],
        "routes", where=f"{OF_SESSIONS} AND {moment.where()}{only}", group_by=("session",),
    )  # fmt: skip
    return (
        f"{subquery(last, 'r')}\nLEFT JOIN {subquery(ends, 'e')} USING (session)\n"
        f"WHERE {EVENT} != {WITHDRAW} AND ({SAID} > ended OR ({SAID} = ended AND NOT down))"
    )


def _standing(runner: Runner, moment: Moment, found: dict[int, SessionView]) -> None:
    sql = (
        f"SELECT session, {FAMILY} AS family, {RPKI} AS judged, count() AS n\nFROM {standing_sql(moment)}\n"
        f"GROUP BY session, family, judged\nLIMIT {MOST_SESSIONS}"
    )
    for row in _rows(runner, sql):
        view, n = found.get(row["session"]), row["n"]
        if view is None:
            continue
        view.routes = (view.routes or 0) + n
        family, judged = FAMILIES.get(row["family"], "other"), RPKI_STATES.get(row["judged"], "unchecked")
        view.families[family] = view.families.get(family, 0) + n
        view.rpki[judged] = view.rpki.get(judged, 0) + n
