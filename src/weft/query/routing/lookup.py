"""What routers knew of a prefix or an address at a time: exact, covering and more specific routes, the best and why."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from weft.query.answer.runner import Runner
from weft.query.compile.sql import Statement, moment_us, select
from weft.query.routing.best import Choice, choose
from weft.query.routing.prefixes import Prefix, around, exactly, inside
from weft.query.routing.rows import OF_SESSIONS, Moment, Only, Path, SessionKey, last_words, session_key

Match = Literal["exact", "covering", "longer", "all"]
Relation = Literal["exact", "covering", "longer"]
#: Rows that one look-up takes in; with add-path and hundreds of sessions a prefix has many.
MOST_ROWS, MOST_LONGER_ROWS = 20_000, 4_000
_LEARN_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class RouterView:
    """What one router knows of one prefix. ``used``: it is the longest match of what was asked, with a path in use."""

    exporter: str
    source: str
    choice: Choice
    used: bool = False


@dataclass(frozen=True, slots=True)
class PrefixView:
    """One prefix that the look-up found."""

    prefix: Prefix
    family: str
    vrf: str
    nlri: str
    relation: Relation
    routers: tuple[RouterView, ...]

    @property
    def standing(self) -> bool:
        """Whether any router has a path to it."""
        return any(r.path.standing for router in self.routers for r in router.choice.paths)


@dataclass(frozen=True, slots=True)
class Lookup:
    """The answer: prefixes, exact first, then covering from the longest on, then more specific in order.

    ``last_heard`` (UTC microseconds) is when something was said of the prefix last, where nothing stood then.
    """

    asked: Prefix
    moment: Moment
    prefixes: tuple[PrefixView, ...]
    truncated: bool
    last_heard: int | None = None


def look_up(
    runner: Runner, asked: Prefix, moment: Moment, match: Match, only: Only, post: PostMonitored, *, most: int = 200
) -> Lookup:
    """Ask; ``most`` bounds the prefixes that are more specific."""
    wanted = asked.covering() if match in ("covering", "all") else [asked]
    which = around(asked) if len(wanted) > 1 else exactly(wanted)
    paths, cut = last_words(runner, moment, which, only, limit=MOST_ROWS)
    paths = [path for path in paths if path.prefix.holds(asked)]
    if match in ("longer", "all"):
        longer, more = _longer(runner, asked, moment, only, most)
        paths, cut = paths + longer, cut or more
    told = post.at(runner, moment)
    views = [_view(asked, group, told) for group in _by_prefix(paths)]
    views.sort(key=_order)
    views = list(_mark_used(views, asked))
    heard = None if any(v.standing for v in views) else _last_heard(runner, moment, wanted, only)
    return Lookup(asked, moment, tuple(views), cut, heard)


def _longer(runner: Runner, asked: Prefix, moment: Moment, only: Only, most: int) -> tuple[list[Path], bool]:
    """The first ``most`` more specific prefixes, in order, then all that is said of them."""
    sql = select(
        ["DISTINCT prefix, prefix_length"], "routes", where=f"{moment.where()} AND {inside(asked)}{only.where()}",
        order_by=("prefix", "prefix_length"), limit=most + 1,
    )  # fmt: skip
    rows = runner.run(Statement(sql)).to_pylist()
    found = [Prefix(bytes(row["prefix"]), row["prefix_length"]) for row in rows[:most]]
    if not found:
        return [], False
    paths, cut = last_words(runner, moment, exactly(found), only, limit=MOST_LONGER_ROWS)
    return paths, cut or len(rows) > most


def _key(path: Path) -> tuple[bytes, int, str, str, str]:
    return path.prefix.first, path.prefix.length, path.family, path.session.vrf, path.nlri


def _by_prefix(paths: Iterable[Path]) -> list[list[Path]]:
    return [list(group) for _, group in groupby(sorted(paths, key=_key), key=_key)]


def _view(asked: Prefix, paths: Sequence[Path], post: Callable[[Path], bool]) -> PrefixView:
    first = paths[0]
    relation: Relation = "exact" if first.prefix == asked else "covering" if first.prefix.holds(asked) else "longer"
    by_router = sorted(
        paths, key=lambda p: (p.session.exporter, p.session.source, p.session.peer, p.session.rib, p.path_id)
    )
    routers = [
        RouterView(exporter, source, router_choice(list(group), post))
        for (exporter, source), group in groupby(by_router, key=lambda p: (p.session.exporter, p.session.source))
    ]
    return PrefixView(first.prefix, first.family, first.session.vrf, first.nlri, relation, tuple(routers))


def router_choice(paths: Sequence[Path], post: Callable[[Path], bool]) -> Choice:
    """The choice of one router; of a collector's dump none is made: its neighbours each use their own."""
    choice = choose(paths, post)
    if paths[0].session.source != "mrt" or choice.told:
        return choice
    apart = tuple(replace(r, best=False, lost_at=r.lost_at if r.lost_at == "gone" else "", why=r.path.gone)
                  for r in choice.paths)  # fmt: skip
    return Choice(apart, "", "a collector uses none of them: each is what one of its neighbours told it")


def _order(view: PrefixView) -> tuple[int, int, bytes, int, str]:
    place = ("exact", "covering", "longer").index(view.relation)
    length = -view.prefix.length if view.relation == "covering" else view.prefix.length
    return (place, 0 if view.relation == "longer" else length, view.prefix.first, length, view.vrf)


def _mark_used(views: Sequence[PrefixView], asked: Prefix) -> Iterable[PrefixView]:
    """Per router, VRF and family, the longest of the prefixes that hold what was asked and have a path in use."""
    taken: set[tuple[str, str, str, str]] = set()
    marked: dict[int, PrefixView] = {}
    for view in sorted(views, key=lambda v: -v.prefix.length):
        if not view.prefix.holds(asked):
            continue
        routers = []
        for router in view.routers:
            key = (router.exporter, router.source, view.vrf, view.family)
            used = router.choice.best is not None and key not in taken
            if used:
                taken.add(key)
            routers.append(replace(router, used=used))
        marked[id(view)] = replace(view, routers=tuple(routers))
    return (marked.get(id(view), view) for view in views)


class PostMonitored:
    """Which neighbours are told of after policy, and since when; learned anew every so often. Thread-safe."""

    def __init__(self) -> None:
        self._since: dict[SessionKey, int] = {}
        self._learned = -math.inf
        self._learning = threading.Lock()

    def at(self, runner: Runner, moment: Moment) -> Callable[[Path], bool]:
        """Whether the neighbour that told of a path was told of after policy, too, by then."""

        def told(path: Path) -> bool:
            exporter, source, _, peer, vrf = path.session_key
            since = self._known(runner).get((exporter, source, 2, peer, vrf))
            return since is not None and since <= moment.at

        return told

    def _known(self, runner: Runner) -> dict[SessionKey, int]:
        with self._learning:
            if time.monotonic() - self._learned > _LEARN_EVERY_S:
                keys = ("exporter", "source", "rib", "peer", "vrf")
                sql = select(
                    [*keys, "toUnixTimestamp64Micro(min(time)) AS at"], "routes", where=f"{OF_SESSIONS} AND rib = 2",
                    group_by=keys, limit=100_000,
                )  # fmt: skip
                rows = runner.run(Statement(sql)).to_pylist()
                self._since = {session_key(row): row["at"] for row in rows}
                self._learned = time.monotonic()
            return self._since


def _last_heard(runner: Runner, moment: Moment, wanted: Sequence[Prefix], only: Only) -> int | None:
    """When something was said of these prefixes last, however long ago; only what holds an address, not the default."""
    near = [p for p in wanted if p.length >= min(8, wanted[-1].length)]
    sql = select(
        ["max(time) AS last", "toUnixTimestamp64Micro(last) AS at", "count() AS n"], "routes",
        where=f"{exactly(near)} AND family != 0 AND time <= {moment_us(moment.at)}{only.where()}",
    )  # fmt: skip
    row = runner.run(Statement(sql)).to_pylist()[0]
    return int(row["at"]) if row["n"] else None
