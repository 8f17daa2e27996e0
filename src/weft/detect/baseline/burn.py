"""Service objectives: how fast the error budget is spent, over a long and a short window each.

The multi-window burn-rate alert of the Site Reliability Workbook (ch. 5): at 99.9 % over 30 days, spending 2 % of the
budget in an hour is a burn rate of 14.4. The short window must agree, so that it stops soon after the trouble does.

A few runs that fail by chance spend the budget of a small test at any rate: more must fail than a test shows by chance
that just meets its objective. Tests that burn for the same reason, an agent that reaches nobody, are one event, of
that; and the slowest window counts only what no event told of.
"""

from __future__ import annotations

import io
from collections import Counter, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from weft.detect.baseline.budget import FAILED, UNTOLD, Budget, Floats, by_chance
from weft.detect.context import Context
from weft.detect.detector import About, Finding, SeriesDetector, Watch
from weft.detect.frame import Frame, SeriesKey
from weft.detect.texts import digits, lasting
from weft.errors import InvalidInput
from weft.model.events import Entity, EventGroup, Evidence, Severity

_PERIOD_S = 30 * 86400
_MOST_TESTS = 2_000
#: How likely it may be that a test which just meets its objective fails so often in a window.
_CHANCE = 1e-5
#: The same of a short window: a single run that fails by chance does not begin again what is over.
_SHORT_CHANCE = 0.01
#: Share of what failed that has to do with an end, for that to be the reason; and of all runs at most.
_MOST, _REST = 0.8, 0.8
#: Failed runs that are looked at for their reason.
_MOST_FAILED = 50_000


@dataclass(frozen=True, slots=True)
class Window:
    """Alert where both windows burn at ``rate`` or more. ``rate`` 1 spends the budget just in 30 days."""

    long_s: int
    short_s: int
    rate: float
    severity: Severity
    hold_s: float = 900.0
    counts: int = FAILED
    short_chance: float = _SHORT_CHANCE


WINDOWS = (
    Window(3600, 300, 14.4, Severity.CRITICAL),
    Window(6 * 3600, 1800, 6.0, Severity.MAJOR),
    Window(3 * 86400, 6 * 3600, 1.0, Severity.MINOR, hold_s=6 * 3600.0, counts=UNTOLD, short_chance=1.0),
)


@dataclass(frozen=True, slots=True)
class _Burn:
    """A test that burns in a window: rates of both, and the share that failed."""

    test: str
    window: Window
    long: float
    short: float
    failed: float


@dataclass(frozen=True, slots=True)
class _Told:
    """The event that tells of a test that burns. ``common``: what nearly all that failed of it has to do with."""

    entity: Entity
    common: frozenset[Entity]
    severity: Severity = Severity.MINOR


class BurnRate(SeriesDetector):
    """Tests that spend their error budget too fast. ``objective``: share of runs that work, 0.999 unless set."""

    about = About(
        "slo_burn",
        "Error budget spent too fast",
        EventGroup.PATH,
        "Availability of each test against a service objective, over an hour, six hours and three days.",
        {"slo_burn": "At this pace the error budget is spent before its time."},
    )
    watch = Watch("probes", "availability", ("test", "kind", "agent", "target", "target_agent", "resolver"), "test",
                  ("test",), most_series=20_000, history_s=3 * 86400)  # fmt: skip

    def __init__(self, context: Context) -> None:
        settings = dict(context.config.settings)
        given = settings.pop("objective", 0.999)
        where = "detect.detectors.slo_burn.settings"
        if settings:
            raise InvalidInput(f"{', '.join(sorted(settings))}: no such setting", where=where, fix="objective")
        if not isinstance(given, int | float) or not 0.5 <= given < 1:
            raise InvalidInput("is a share, 0.5 to below 1", where=f"{where}.objective")
        self.objective = float(given)
        self._budget = Budget(self.watch.step_s, WINDOWS[-1].long_s, _MOST_TESTS)
        self._failed: deque[tuple[int, SeriesKey]] = deque(maxlen=_MOST_FAILED)  # when, whose run
        self._open: dict[str, _Told] = {}  # tests that burn

    def learn(self, frame: Frame) -> None:
        """History."""
        tests = [key.entity.id for key in frame.keys]
        for column, at_s in enumerate(frame.times_s):
            self._take(frame.keys, tests, int(at_s), 1.0 - frame.values[:, column] / 100.0)

    def feed(self, frame: Frame) -> list[Finding]:
        """The next buckets."""
        found: list[Finding] = []
        tests = [key.entity.id for key in frame.keys]
        for column, at_s in enumerate(frame.times_s):
            self._take(frame.keys, tests, int(at_s), 1.0 - frame.values[:, column] / 100.0)
            found += self._judge(frame.keys, float(at_s))
        return found

    def _take(self, keys: Sequence[SeriesKey], tests: Sequence[str], at_s: int, bad: Floats) -> None:
        for one in np.flatnonzero(bad > 0).tolist():
            self._failed.append((at_s, keys[one]))
        while self._failed and self._failed[0][0] < at_s - WINDOWS[-1].short_s:
            self._failed.popleft()
        self._budget.feed(tests, at_s, bad)

    # --- what burns --------------------------------------------------------------------------------------------------

    def _judge(self, keys: Sequence[SeriesKey], at_s: float) -> list[Finding]:
        burning = self._burning()
        out: list[Finding] = []
        members: dict[str, list[SeriesKey]] = {}
        for key in keys if burning else ():
            members.setdefault(key.entity.id, []).append(key)
        events: dict[Entity, list[_Burn]] = {}
        now: dict[str, _Told] = {}
        lately = self._lately({one.test for one in burning if one.test not in self._open})
        for one in burning:
            failed = [key for when, key in lately.get(one.test, ()) if when > at_s - one.window.short_s]
            told = self._open.get(one.test) or self._reason(one, failed, members.get(one.test, []), now)
            now[one.test] = _Told(told.entity, told.common, one.window.severity)
            events.setdefault(told.entity, []).append(one)
            self._budget.tell(self._budget.rows[one.test], one.window.long_s)
        for entity, burns in events.items():
            common = frozenset().union(*(now[one.test].common for one in burns))
            out.append(self._finding(entity, burns, common, members, at_s))
        # What burns slowly was told once: it is over when nothing more of it came for its hold time.
        slow = {one.test for one in burning if one.window.counts == UNTOLD}
        over = {told.entity: told.severity for test, told in self._open.items() if test not in now}
        self._open = {test: told for test, told in now.items() if test not in slow}
        for entity, severity in over.items():
            if entity not in events:
                text = "The budget is spent no faster than it may be."
                out.append(Finding("slo_burn", entity, at_s, "Error budget safe again", text, severity, ends=True))
        return out

    def _burning(self) -> list[_Burn]:
        """Tests that burn, each in the fastest window."""
        budget, known = 1.0 - self.objective, self._budget
        tests = list(known.rows)
        found: dict[str, _Burn] = {}
        for window in WINDOWS:
            runs, failed = known.seen(window.long_s, window.counts)
            short_runs, short_failed = known.seen(window.short_s, window.counts)
            long = failed / np.maximum(runs, 1) / budget
            short = short_failed / np.maximum(short_runs, 1) / budget
            burns = (long >= window.rate) & (short >= window.rate) & known.is_known(window.long_s)
            for one in np.flatnonzero(burns).tolist():
                chance = by_chance(float(failed[one]), budget * float(runs[one]))
                again = by_chance(float(short_failed[one]), budget * float(short_runs[one]))
                if chance < _CHANCE and again <= window.short_chance and tests[one] not in found:
                    share = float(failed[one] / runs[one])
                    found[tests[one]] = _Burn(tests[one], window, float(long[one]), float(short[one]), share)
        return list(found.values())

    def _lately(self, tests: Collection[str]) -> dict[str, list[tuple[int, SeriesKey]]]:
        """Runs of these tests that failed lately, and when: all in one go, as in an outage many begin to burn."""
        found: dict[str, list[tuple[int, SeriesKey]]] = {}
        for when, key in self._failed if tests else ():
            if key.entity.id in tests:
                found.setdefault(key.entity.id, []).append((when, key))
        return found

    def _reason(
        self, burn: _Burn, lately: Sequence[SeriesKey], members: Sequence[SeriesKey], now: Mapping[str, _Told]
    ) -> _Told:  # fmt: skip
        """What nearly all failed runs of a test have in common, and not all of its runs: an agent, a target. Else it.

        Looked for in the runs of the short window that failed: what failed lately is what is wrong. A test that has in
        common with one that burns already what all runs of both have, the name of a shop, is part of that event.
        """
        failed = Counter(end for key in lately for end in _ends(key))
        usual = Counter(end for key in members for end in _ends(key))
        common = frozenset(end for end, many in failed.items() if many >= _MOST * len(lately))
        found = [(failed[end], -usual[end], end.text, end) for end in common if usual[end] <= _REST * len(members)]
        if found:
            return _Told(max(found)[3], common)
        for other in (*now.values(), *self._open.values()):
            if common & other.common and other.entity.kind in ("test", "service"):
                return _Told(other.entity, common)
        key = next(iter(members), None)
        return _Told(_subject(key) if key is not None else Entity(kind="test", id=burn.test), common)

    # --- in words ----------------------------------------------------------------------------------------------------

    def _finding(
        self, entity: Entity, burns: Sequence[_Burn], common: frozenset[Entity],
        members: Mapping[str, Sequence[SeriesKey]], at_s: float,
    ) -> Finding:  # fmt: skip
        worst = max(burns, key=lambda one: (one.window.severity.rank, one.long))
        window = worst.window
        spent = worst.long * window.long_s / _PERIOD_S
        name = entity.title or entity.id
        also = [one.test for one in burns if one is not worst]
        of = "" if entity.kind in ("test", "service") else f"Most of what fails has to do with {name}. "
        more = f" So do {', '.join(also[:8])}." if also else ""
        subjects = dict.fromkeys(_subject(key) for one in burns for key in members.get(one.test, ())[:1])
        others = [*subjects, *sorted(common, key=lambda one: one.text)]
        return Finding(
            kind="slo_burn",
            entity=entity,
            at_s=at_s,
            title=f"{name}: error budget of {worst.test} is spent {digits(worst.long)} times too fast"[:200],
            text=f"{of}The objective of {worst.test} is {100 * self.objective:.6g} % in 30 days. In the last "
            f"{lasting(window.long_s)} {digits(100 * worst.failed)} % failed, which spent {digits(100 * spent)} % of "
            f"the budget; at the pace of the last {lasting(window.short_s)} all of it is gone in "
            f"{lasting(_PERIOD_S / max(worst.short, 1e-9))}.{more}",
            severity=window.severity,
            hold_s=window.hold_s,
            started_s=at_s - window.short_s,
            seen=100.0 * worst.failed,
            expected=100.0 * (1 - self.objective),
            unit="%",
            others=[one for one in dict.fromkeys(others) if one != entity][:20],
            evidence=[Evidence(kind="query", title="Availability", query=self._query(worst.test, at_s, window))],
        )

    def _query(self, test: str, at_s: float, window: Window) -> dict[str, Any]:
        filters = f'test = "{test}"' if '"' not in test else ""
        return {"dataset": self.watch.dataset, "measures": [self.watch.measure], "by": ["test", "agent"],
                "filter": filters, "since": str(int(at_s - window.long_s)), "until": str(int(at_s + 60))}  # fmt: skip

    # --- state -------------------------------------------------------------------------------------------------------

    def save(self) -> bytes:
        """Rings of all tests."""
        out = io.BytesIO()
        b = self._budget
        keys = np.array(list(b.rows), dtype=np.str_)
        np.savez_compressed(out, keys=keys, ring=b.ring[: len(b.rows)], at=np.int64(b.at))
        return out.getvalue()

    def load(self, state: bytes) -> None:
        """See ``SeriesDetector``."""
        try:
            with np.load(io.BytesIO(state), allow_pickle=False) as told:
                keys, ring, at = [str(key) for key in told["keys"]], told["ring"], int(told["at"])
            if ring.shape != (len(keys), *self._budget.ring.shape[1:]) or ring.dtype != np.float32:
                raise ValueError("another shape")
        except Exception as error:
            raise InvalidInput(f"the state of error budgets is not understood: {error}", where="state") from error
        keys = keys[:_MOST_TESTS]
        self._budget.rows = {key: row for row, key in enumerate(keys)}
        self._budget.ring, self._budget.at = ring[: len(keys)].copy(), at


def _ends(key: SeriesKey) -> list[Entity]:
    """What a run has to do with: who ran it, and who was to answer; of a web page the name that it is found by."""
    labels = key.labels
    agents = [labels.get("agent", ""), labels.get("target_agent", "")]
    found = [Entity(kind="agent", id=name[:400]) for name in agents if name]
    if not agents[1]:
        target = labels.get("target", "")
        names = [urlsplit(target).hostname or "" if "://" in target else target, labels.get("resolver", "")]
        found += [Entity(kind="target", id=name[:400]) for name in names if name]
    return found


def _subject(key: SeriesKey) -> Entity:
    """A test by the name that people know: one of a web page is that of a service."""
    return Entity(kind="service", id=key.entity.id) if key.labels.get("kind") == "http" else key.entity
