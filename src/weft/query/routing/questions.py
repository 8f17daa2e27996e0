"""The questions about routing, on a store: each within the bounds of a query, with the SQL that answered it."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from weft.errors import InvalidInput
from weft.model.dictionaries import ASNS
from weft.model.routes import CHECKPOINT_S, RPKI_STATES
from weft.model.views import Window
from weft.query.answer.runner import Runner
from weft.query.compile.sql import Statement, select
from weft.query.config import QueryConfig
from weft.query.routing.churn import By, Churn, churn
from weft.query.routing.exits import Exit, exits
from weft.query.routing.lookup import Lookup, Match, PostMonitored, look_up
from weft.query.routing.policy import PolicyView, Side, policy
from weft.query.routing.prefixes import parse_prefix
from weft.query.routing.rows import US, Moment, Only, Path
from weft.query.routing.sessions import SessionView, sessions
from weft.query.routing.timeline import Timeline, follow
from weft.query.routing.validity import routes_judged
from weft.query.times import parse_time
from weft.store.lookups import attribute_sql
from weft.store.telemetry import TelemetryStore

Found = TypeVar("Found")
Verdict = Literal["", "rejected", "added", "changed"]
#: Counts of a whole table are as good for this long, seconds; so many are kept.
COUNTED_S, KEPT = 60, 16
EVERY = Only()


@dataclass(frozen=True, slots=True)
class Answered(Generic[Found]):
    """What was found, and what it rests on."""

    found: Found
    window: Window
    sql: str
    rows_read: int
    elapsed_ms: float


class RoutingQuestions:
    """Answers from the ``routes`` table. Thread-safe.

    ``checkpoint_s``: how often standing routes are written again (``routing.checkpoint_hours``).
    """

    def __init__(
        self,
        store: TelemetryStore,
        config: QueryConfig | None = None,
        *,
        checkpoint_s: float = CHECKPOINT_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._config, self._clock = store, config or QueryConfig(), clock
        # A look-up reads a few marks of the primary key: handing them out to threads takes longer than reading them.
        self._small = self._config.model_copy(update={"threads": 1})
        self._reach = int(checkpoint_s * 1.5 * US)
        self._post, self._lock = PostMonitored(), threading.Lock()
        self._counted: OrderedDict[tuple[object, ...], Answered[list[SessionView]]] = OrderedDict()

    def look_up(
        self, prefix: str, at: str = "now", match: Match = "all", only: Only = EVERY, *, most: int = 200
    ) -> Answered[Lookup]:
        """Routes to a prefix or an address at a time."""
        asked = parse_prefix(prefix)
        runner, moment = self._runner(small=True), self._moment(at)
        return _answered(
            runner, look_up(runner, asked, moment, match, only, self._post, most=most), moment.since, moment.at
        )

    def timeline(self, prefix: str, since: str, until: str, only: Only = EVERY) -> Answered[Timeline]:
        """What happened to exactly this prefix."""
        asked = parse_prefix(prefix)
        start, end = self._span(since, until)
        runner = self._runner(small=True)
        return _answered(runner, follow(runner, asked, start, end, only, self._post, reach=self._reach), start, end)

    def sessions(self, since: str, until: str, *, count: bool = True) -> Answered[list[SessionView]]:
        """Every session, as it is at the end of the window and with what changed in it. Counts may be a minute old."""
        start, end = self._span(since, until)
        key = (start // (COUNTED_S * US), end // (COUNTED_S * US), count)
        with self._lock:
            if key in self._counted:
                return self._counted[key]
        runner = self._runner()
        answer = _answered(runner, sessions(runner, start, Moment(end, self._reach), count=count), start, end)
        with self._lock:
            self._counted[key] = answer
            while len(self._counted) > KEPT:
                self._counted.popitem(last=False)
        return answer

    def churn(self, since: str, until: str, by: By, only: Only = EVERY, *, top: int = 50) -> Answered[list[Churn]]:
        """What changes most."""
        start, end = self._span(since, until)
        runner = self._runner()
        return _answered(runner, churn(runner, start, end, by, only, top=top), start, end)

    def policy(
        self, at: str, only: Only, side: Side = "in", verdict: Verdict = "", *, most: int = 100
    ) -> Answered[PolicyView]:
        """What policy does to the routes of one neighbour."""
        runner, moment = self._runner(), self._moment(at)
        return _answered(runner, policy(runner, moment, only, side, verdict, most=most), moment.since, moment.at)

    def judged(self, at: str, state: str, only: Only = EVERY, *, most: int = 500) -> Answered[tuple[list[Path], bool]]:
        """Standing routes with a state of origin validation, and whether there are more."""
        if state not in RPKI_STATES.values():
            known = ", ".join(RPKI_STATES.values())
            raise InvalidInput(f"unknown state {state[:40]!r}", where="state", fix=f"one of {known}")
        runner, moment = self._runner(), self._moment(at)
        return _answered(runner, routes_judged(runner, moment, state, only, most=most), moment.since, moment.at)

    def exits(self, at: str = "now") -> Answered[list[Exit]]:
        """What each border hears of each origin AS from each neighbour."""
        runner, moment = self._runner(), self._moment(at)
        return _answered(runner, exits(runner, moment), moment.since, moment.at)

    def as_names(self, numbers: Collection[int]) -> dict[str, str]:
        """Registered names of ASes, as far as they are known; those of the first thousand."""
        known = sorted(number for number in numbers if number)[:1000]
        if not known:
            return {}
        name = attribute_sql(ASNS, "name", ("asn",), "")
        sql = select(
            ["asn", f"{name} AS name"], f"(SELECT arrayJoin({list(known)})::UInt32 AS asn)", where="name != ''"
        )
        rows = self._runner(small=True).run(Statement(sql)).to_pylist()
        return {str(row["asn"]): row["name"] for row in rows}

    def _runner(self, *, small: bool = False) -> Runner:
        return Runner(self._store, self._small if small else self._config, self._clock(), {})

    def _moment(self, at: str) -> Moment:
        now = self._clock()
        second = parse_time(at, now, "at", self._config.time_zone)
        # "now" means all that is known: what was said within this very second, too.
        return Moment((second + 1) * US - 1 if second >= int(now) else second * US, self._reach)

    def _span(self, since: str, until: str) -> tuple[int, int]:
        now, zone = self._clock(), self._config.time_zone
        start = parse_time(since, now, "since", zone) * US
        end = min(parse_time(until, now, "until", zone), int(now) + 1) * US
        if start >= end:
            raise InvalidInput("the time range is empty", where="since", fix="'since' must lie before 'until'")
        return start, end


def _answered(runner: Runner, found: Found, since: int, until: int) -> Answered[Found]:
    window = Window(since=since // US, until=-(-until // US))
    return Answered(found, window, ";\n\n".join(runner.statements), runner.rows_read, runner.elapsed_ms)
