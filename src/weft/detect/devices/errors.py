"""Packets that arrive broken or are thrown away, and lines that are nearly full."""

from __future__ import annotations

import numpy as np

from weft.detect.context import Context
from weft.detect.detector import About, Finding
from weft.detect.devices.board import Round, Series
from weft.detect.devices.rounds import RoundsDetector, chart, interface_entity, recent
from weft.detect.texts import amount
from weft.model.events import EventGroup, Severity

_WAYS = {"in": "received", "out": "sent"}
_BAD = ("in_errors", "out_errors", "in_discards", "out_discards")
_LOADS = ("in_octets", "out_octets", "in_bps", "out_bps")
#: Share of the packets that are broken or thrown away, and how many a second, from where on it is told of.
_SHARE, _LEAST = 1e-6, 0.05
#: So many times what is usual on the line.
_TIMES = 8.0
#: Share of packets thrown away that one reading tells of: a burst costs a few now and then, and nobody any sleep.
_MANY = 1e-3
#: A line that throws away at this hour of a day of the last week, no less than half, is told of then and not each day.
_DAYS, _HOUR_S = 7, 3600.0
_MOST_HOURS = 100_000
_FULL, _NEARLY = 0.95, 0.85
_HOLD_S = 900.0


class ErrorsDetector(RoundsDetector):
    """Errors and discards of interfaces against their own past, and how full lines are."""

    about = About(
        "interface_errors",
        "Errors, discards and full lines",
        EventGroup.LINK,
        "Packets that arrive broken or are thrown away, more than on that interface before; lines nearly full.",
        {
            "interface_errors": "Packets with errors, far more than on that interface before.",
            "interface_discards": "Packets thrown away for want of room, far more than before.",
            "interface_full": "A line is nearly full, and usually is not.",
        },
    )
    metrics = ("speed_bps", "in_unicast_pkts", "out_unicast_pkts", "in_pkts", "out_pkts", *_LOADS, *_BAD)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._daily: dict[Series, dict[int, float]] = {}  # hour since 1970 → most discards a second in it
        self._hours, self._swept = 0, 0

    def look(self, new: Round) -> list[Finding]:
        """Errors, discards and loads of a round."""
        found: list[Finding] = []
        for metric, (at, values) in self.by_metric(new).items():
            if metric in _BAD:
                found += self._bad(metric, Round(new.at_s, at, values))
            elif metric in _LOADS:
                bits = values * (8.0 if metric.endswith("octets") else 1.0)
                found += self._full(metric, Round(new.at_s, at, bits))
        return found

    def _of(self, number: int, *metrics: str) -> float:
        """The last value of another metric of the same interface."""
        one = self.board.series[number]
        values = (self.board.value(Series(one.device, one.component, name, "")) for name in metrics)
        return next((value for value in values if np.isfinite(value)), float("nan"))

    def _bad(self, metric: str, new: Round) -> list[Finding]:
        level = self.board.level(new.at)
        usual = np.where(level.count > 0, level.middle + 6 * level.scale, np.inf)
        suspect = (new.values >= _LEAST) & (new.values > _TIMES * usual) & (level.count >= 2)
        way, _, what = metric.partition("_")
        found = []
        for place in np.flatnonzero(suspect):
            number, value = int(new.at[place]), float(new.values[place])
            packets = self._of(number, f"{way}_unicast_pkts", f"{way}_pkts")
            share = value / (packets + value) if np.isfinite(packets) and packets + value > 0 else float("nan")
            if np.isfinite(share) and share < self.setting("share", _SHARE):
                suspect[place] = False
                continue
            need = 2 if what == "discards" and not share > _MANY else 1
            since_s = self.streaks.hit(number, new.at_s, need)
            if since_s is not None and not (what == "discards" and self._is_daily(number, new.at_s, value)):
                found.append(self._finding(what, way, number, new.at_s, since_s, value, float(usual[place]), share))
        for place in np.flatnonzero(~suspect):
            since = self.streaks.miss(int(new.at[place]))
            if since is not None:
                found.append(self._finding(what, way, int(new.at[place]), new.at_s, since, float(new.values[place]),
                                           float(usual[place]), float("nan"), ends=True))  # fmt: skip
        self.board.learn(new.at, new.values, suspect)
        return found

    def _is_daily(self, number: int, at_s: float, value: float) -> bool:
        """Whether a line throws away as much at about this hour of other days: it is too small, and that was told."""
        one, hour = self.board.series[number], int(at_s // _HOUR_S)
        hours = self._daily.get(one)
        if hours is None:
            if self._hours >= _MOST_HOURS:
                return False
            hours = self._daily[one] = {}
        self._hours += hour not in hours
        hours[hour] = max(hours.get(hour, 0.0), value)
        near = (hours.get(hour - 24 * day + off, 0.0) for day in range(1, _DAYS + 1) for off in (-1, 0, 1))
        return max(near) > 0.5 * value

    def tick(self, now_s: float) -> list[Finding]:
        """Forgets what lines threw away more than a week ago."""
        oldest = int(now_s // _HOUR_S) - (_DAYS * 24 + 2)
        if self._hours and oldest > self._swept:
            self._swept = oldest
            self._daily = {one: kept for one, hours in self._daily.items()
                           if (kept := {hour: most for hour, most in hours.items() if hour >= oldest})}  # fmt: skip
            self._hours = sum(len(hours) for hours in self._daily.values())
        return super().tick(now_s)

    def _finding(
        self, what: str, way: str, number: int, at_s: float, since_s: float, seen: float, usual: float, share: float,
        *, ends: bool = False,
    ) -> Finding:  # fmt: skip
        series = self.board.series[number]
        text = f"{amount(seen)} packets a second {_WAYS[way]} with errors"
        if what == "discards":
            text = f"{amount(seen)} packets a second to be {_WAYS[way]} are thrown away"
        if np.isfinite(share):
            text += f", {100 * share:.2g} % of all"
        text += f"; until now at most {amount(max(usual, 0.0))} a second."
        load, speed = self._of(number, f"{way}_octets") * 8, self._of(number, "speed_bps")
        if what == "discards" and load > 0 and speed > 0:
            text += f" The line carries {amount(load, 'bit/s')} of {amount(speed, 'bit/s')}."
        return Finding(
            f"interface_{what}", interface_entity(series.device, series.component), at_s,
            f"{series.device} {series.component}: {what}", f"No {what} any more." if ends else text,
            Severity.MAJOR if share > 1e-4 else Severity.MINOR, _HOLD_S, started_s=since_s, ends=ends, seen=seen,
            expected=0.0, upper=max(usual, 0.0), unit="packets/s", score=min(30.0, seen / max(usual, _LEAST)),
            labels={"way": way}, evidence=(chart(series.device, [series.metric], series.component),
                                           recent(self.board.history(number), "What it was before", "packets/s")),
        )  # fmt: skip

    def _full(self, metric: str, new: Round) -> list[Finding]:
        speeds = np.array([self._of(int(number), "speed_bps") for number in new.at])
        with np.errstate(divide="ignore", invalid="ignore"):
            used = np.where(speeds > 0, new.values / speeds, 0.0)
        level = self.board.level(new.at)
        limit = self.setting("full", _NEARLY)
        full = (used >= limit) & ~(level.middle >= 0.8 * limit)  # a line that is always full is no event
        found = []
        for place in np.flatnonzero(full):
            number = int(new.at[place])
            since_s = self.streaks.hit(number, new.at_s, 2)
            if since_s is not None:
                found.append(self._load(metric, number, new.at_s, since_s, float(used[place]), float(speeds[place]),
                                        float(level.middle[place])))  # fmt: skip
        for place in np.flatnonzero(~full):
            number = int(new.at[place])
            since = self.streaks.miss(number)
            if since is not None:
                found.append(self._load(metric, number, new.at_s, since, float(used[place]), float(speeds[place]),
                                        float(level.middle[place]), ends=True))  # fmt: skip
        self.board.learn(new.at, used, full)
        return found

    def _load(
        self, metric: str, number: int, at_s: float, since_s: float, used: float, speed: float, middle: float, *,
        ends: bool = False,
    ) -> Finding:  # fmt: skip
        series, way = self.board.series[number], metric.partition("_")[0]
        text = f"{100 * used:.0f} % of {amount(speed, 'bit/s')} {_WAYS[way]}"
        text += f"; {100 * middle:.0f} % in the time before." if np.isfinite(middle) else "."
        return Finding(
            "interface_full", interface_entity(series.device, series.component), at_s,
            f"{series.device} {series.component}: {100 * used:.0f} % full", text,
            Severity.MAJOR if used >= _FULL else Severity.MINOR, _HOLD_S, started_s=since_s, ends=ends,
            seen=100 * used, expected=100 * middle if np.isfinite(middle) else None, unit="%", labels={"way": way},
            evidence=(chart(series.device, [metric, "speed_bps"], series.component),),
        )  # fmt: skip
