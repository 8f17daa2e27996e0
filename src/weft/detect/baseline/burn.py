"""Service objectives: how fast the error budget is spent, over a long and a short window each.

The multi-window burn-rate alert of the Site Reliability Workbook (ch. 5): at 99.9 % over 30 days, spending 2 % of the
budget in an hour is a burn rate of 14.4. The short window must agree, so that it stops soon after the trouble does.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.detect.context import Context
from weft.detect.detector import About, Finding, SeriesDetector, Watch
from weft.detect.frame import Frame, SeriesKey
from weft.detect.texts import digits, lasting
from weft.errors import InvalidInput
from weft.model.events import EventGroup, Evidence, Severity

_PERIOD_S = 30 * 86400
#: Every so many buckets it is seen who is gone.
_SWEEP = 60
#: Bad buckets that it takes: one run that fails would burn a small budget at any rate.
_FEWEST = 3


@dataclass(frozen=True, slots=True)
class Window:
    """Alert where both windows burn at ``rate`` or more. ``rate`` 1 spends the budget just in 30 days."""

    long_s: int
    short_s: int
    rate: float
    severity: Severity


WINDOWS = (
    Window(3600, 300, 14.4, Severity.CRITICAL),
    Window(6 * 3600, 1800, 6.0, Severity.MAJOR),
    Window(3 * 86400, 6 * 3600, 1.0, Severity.MINOR),
)


class Budget:
    """Shares of time that were bad, of many series: a ring of three days for each that came in that time."""

    def __init__(self, step_s: int, most: int) -> None:
        self.step_s = step_s
        self.most = most
        self.rows: dict[str, int] = {}
        self.ring = np.full((0, max(1, WINDOWS[-1].long_s // step_s)), np.nan, np.float32)
        self.at = -1  # bucket that was fed last, counted since 1970

    def feed(self, keys: list[str], at_s: int, bad: NDArray[np.float64]) -> NDArray[np.int64]:
        """The next bucket: bad shares, 0 to 1 or not a number; rows of the series, -1 where there is no room."""
        now = at_s // self.step_s
        for one in range(max(self.at + 1, now - self.ring.shape[1] + 1), now):
            self.ring[:, one % self.ring.shape[1]] = np.nan  # buckets in which nothing came
        if now // _SWEEP > self.at // _SWEEP:
            self._forget()
        rows = np.array([self._row(key) for key in keys], np.int64)
        if now > self.at:
            self.ring[:, now % self.ring.shape[1]] = np.nan
            self.at = now
        there = rows >= 0
        self.ring[rows[there], now % self.ring.shape[1]] = np.clip(bad[there], 0, 1)
        return rows

    def _row(self, key: str) -> int:
        row = self.rows.get(key, -1)
        if row < 0 and len(self.rows) < self.most:
            row = self.rows[key] = len(self.rows)
            if row >= len(self.ring):
                more = np.full((max(64, len(self.ring) // 2), self.ring.shape[1]), np.nan, np.float32)
                self.ring = np.concatenate([self.ring, more])
        return row

    def _forget(self) -> None:
        """Drop the rings in which nothing is known any more."""
        known: NDArray[np.bool_] = np.isfinite(self.ring[: len(self.rows)]).max(axis=1)
        if not known.all():
            keep = [key for key, row in self.rows.items() if known[row]]
            self.ring = self.ring[[self.rows[key] for key in keep]]
            self.rows = {key: row for row, key in enumerate(keep)}

    def bad(self, rows: NDArray[np.int64], window_s: int, fewest: int = 1) -> NDArray[np.float64]:
        """Mean bad share of the last ``window_s``; not a number where too little is known.

        That is: less than half of the buckets came, or fewer than ``fewest`` were bad.
        """
        count = max(1, window_s // self.step_s)
        columns = (self.at - np.arange(count)) % self.ring.shape[1]
        seen = self.ring[np.ix_(rows, columns)].astype(np.float64)
        came = np.isfinite(seen).sum(1)
        mean: NDArray[np.float64] = np.where(np.isfinite(seen), seen, 0).sum(1) / np.maximum(1, came)
        mean[(came * 2 < count) | ((seen > 0).sum(1) < min(fewest, count))] = np.nan
        return mean


class BurnRate(SeriesDetector):
    """Tests that spend their error budget too fast. ``objective``: share of runs that work, 0.999 unless set."""

    about = About(
        "slo_burn",
        "Error budget spent too fast",
        EventGroup.PATH,
        "Availability of each test against a service objective, over an hour, six hours and three days.",
        {"slo_burn": "At this pace the error budget is spent before its time."},
    )
    watch = Watch("probes", "availability", ("test",), "test", ("test",), most_series=2_000, history_s=3 * 86400)

    def __init__(self, context: Context) -> None:
        settings = dict(context.config.settings)
        given = settings.pop("objective", 0.999)
        where = "detect.detectors.slo_burn.settings"
        if settings:
            raise InvalidInput(f"{', '.join(sorted(settings))}: no such setting", where=where, fix="objective")
        if not isinstance(given, int | float) or not 0.5 <= given < 1:
            raise InvalidInput("is a share, 0.5 to below 1", where=f"{where}.objective")
        self.objective = float(given)
        self._budget = Budget(self.watch.step_s, self.watch.most_series)
        self._open: dict[str, Severity] = {}

    def learn(self, frame: Frame) -> None:
        """History."""
        keys = [key.text for key in frame.keys]
        for column, at_s in enumerate(frame.times_s):
            self._budget.feed(keys, int(at_s), 1.0 - frame.values[:, column] / 100.0)

    def feed(self, frame: Frame) -> list[Finding]:
        """The next buckets."""
        found: list[Finding] = []
        keys = [key.text for key in frame.keys]
        for column, at_s in enumerate(frame.times_s):
            rows = self._budget.feed(keys, int(at_s), 1.0 - frame.values[:, column] / 100.0)
            there = np.flatnonzero(rows >= 0)
            found += self._judge([frame.keys[one] for one in there.tolist()], rows[there], float(at_s))
        return found

    def _judge(self, keys: list[SeriesKey], rows: NDArray[np.int64], at_s: float) -> list[Finding]:
        budget = 1.0 - self.objective
        out: list[Finding] = []
        told: set[int] = set()
        for window in WINDOWS:
            long = self._budget.bad(rows, window.long_s, _FEWEST) / budget
            short = self._budget.bad(rows, window.short_s) / budget
            for one in np.flatnonzero((long >= window.rate) & (short >= window.rate)).tolist():
                if one not in told:
                    told.add(one)
                    out.append(self._finding(keys[one], at_s, window, float(long[one]), float(short[one])))
        self._open = {text: severity for text, severity in self._open.items() if text in self._budget.rows}
        burning = {keys[one].text for one in told}
        for key in keys:
            if key.text in self._open and key.text not in burning:
                severity = self._open.pop(key.text)
                text = "The budget is spent no faster than it may be."
                out.append(Finding("slo_burn", key.entity, at_s, "Error budget safe again", text, severity, ends=True))
        return out

    def _finding(self, key: SeriesKey, at_s: float, window: Window, long: float, short: float) -> Finding:
        self._open[key.text] = window.severity
        spent = long * window.long_s / _PERIOD_S
        name = key.entity.title or key.entity.id
        return Finding(
            kind="slo_burn",
            entity=key.entity,
            at_s=at_s,
            title=f"{name} spends its error budget {digits(long)} times too fast"[:200],
            text=f"The objective is {100 * self.objective:.6g} % in 30 days. In the last {lasting(window.long_s)} "
            f"{digits(100 * long * (1 - self.objective))} % failed, which spent {digits(100 * spent)} % of the budget; "
            f"at the pace of the last {lasting(window.short_s)} all of it is gone in "
            f"{lasting(_PERIOD_S / max(short, 1e-9))}.",
            severity=window.severity,
            hold_s=900.0,
            started_s=at_s - window.short_s,
            seen=100.0 * long * (1 - self.objective),
            expected=100.0 * (1 - self.objective),
            unit="%",
            evidence=[Evidence(kind="query", title="Availability", query=self._query(key, at_s, window))],
        )

    def _query(self, key: SeriesKey, at_s: float, window: Window) -> dict[str, Any]:
        name = key.entity.id
        filters = f'test = "{name}"' if '"' not in name else ""
        return {"dataset": self.watch.dataset, "measures": [self.watch.measure], "by": list(self.watch.by),
                "filter": filters, "since": str(int(at_s - window.long_s)), "until": str(int(at_s + 60))}  # fmt: skip

    def save(self) -> bytes:
        """Rings of all series."""
        out = io.BytesIO()
        used, b = len(self._budget.rows), self._budget
        keys = np.array(list(b.rows), dtype=np.str_)
        np.savez_compressed(out, keys=keys, ring=b.ring[:used], at=np.int64(b.at))
        return out.getvalue()

    def load(self, state: bytes) -> None:
        """See ``SeriesDetector``."""
        try:
            with np.load(io.BytesIO(state), allow_pickle=False) as told:
                keys, ring, at = [str(key) for key in told["keys"]], told["ring"], int(told["at"])
            if ring.shape != (len(keys), self._budget.ring.shape[1]) or ring.dtype != np.float32:
                raise ValueError("another shape")
        except Exception as error:
            raise InvalidInput(f"the state of error budgets is not understood: {error}", where="state") from error
        keys = keys[: self.watch.most_series]
        self._budget.rows = {key: row for row, key in enumerate(keys)}
        self._budget.ring, self._budget.at = ring[: len(keys)].copy(), at
