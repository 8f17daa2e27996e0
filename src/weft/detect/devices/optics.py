"""Light that fades: a receiver that gets less than it did, and when that will be too little."""

from __future__ import annotations

from collections import deque

import numpy as np
import pyarrow as pa

from weft.detect.context import Context
from weft.detect.detector import About, Finding
from weft.detect.devices.board import Round
from weft.detect.devices.columns import F64, having
from weft.detect.devices.rounds import ENOUGH, RoundsDetector, chart, interface_entity, recent
from weft.detect.texts import clock, lasting
from weft.model.events import EventGroup, Severity

_RX = "optical_rx_dbm"
#: Less is no light at all: the line is down, or nothing is plugged in.
_DARK_DBM = -30.0
#: Less light than usual that is told of, dB: at once, and when it is confirmed by the next reading.
_SHARP_DB, _FAINT_DB = 2.5, 1.2
_SIGMAS, _NOISE_DB = 8.0, 0.06
#: Where an unknown receiver is taken to fail, dBm (``limit_dbm``).
_LIMIT_DBM = -8.0
_HOLD_S = 1500.0
_DAY_S, _DAYS, _AGEING_DAYS, _LEAST_SLOPE_DB = 86_400.0, 90, 60.0, 0.02


def slope(times: F64, values: F64) -> float:
    """Theil–Sen: median of the slopes between all pairs, per unit of time; not a number for fewer than two."""
    first, second = np.triu_indices(len(times), 1)
    span = times[second] - times[first]
    good = span > 0
    if not good.any():
        return float("nan")
    return float(np.median((values[second] - values[first])[good] / span[good]))


class OpticsDetector(RoundsDetector):
    """Received light against its own past, with a forecast; alarms that devices log of it."""

    about = About(
        "optics",
        "Fading optics",
        EventGroup.LINK,
        "Received light that falls within hours, or over weeks, and when it will be too little.",
        {
            "optic_fading": "A receiver gets far less light than it did hours ago.",
            "optic_ageing": "A receiver gets a little less light each day and will get too little within weeks.",
            "optic_alarm": "The device itself says that it receives too little light.",
        },
    )
    tables = ("metrics", "logs")
    metrics = (_RX,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._falls: dict[int, deque[tuple[float, float]]] = {}
        self._days: dict[int, deque[tuple[float, float]]] = {}
        self._limit = self.setting("limit_dbm", _LIMIT_DBM)

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        """Readings of light, and alarms."""
        return self._alarms(rows) if table == "logs" else super().take(table, rows)

    def tick(self, now_s: float) -> list[Finding]:
        """Makes room where the board is full."""
        before = len(self.board.series)
        super().tick(now_s)
        if len(self.board.series) < before:
            self._falls.clear()
            self._days.clear()
        return []

    def look(self, new: Round) -> list[Finding]:
        """Compares each reading with the history of its receiver."""
        lit = new.values > _DARK_DBM
        at, values = new.at[lit], new.values[lit]
        level = self.board.level(at)
        lost = level.middle - values
        least = np.maximum(_SIGMAS * np.maximum(level.scale, _NOISE_DB), self.setting("fall_db", _FAINT_DB))
        fades = (level.count >= ENOUGH) & (lost > least)
        found = []
        for place in np.flatnonzero(fades):
            number, value = int(at[place]), float(values[place])
            fall = self._falls.setdefault(number, deque(maxlen=64))
            fall.append((new.at_s, value))
            since_s = self.streaks.hit(number, new.at_s, 1 if lost[place] >= _SHARP_DB else 2)
            if since_s is not None:
                found.append(self._fading(number, new.at_s, since_s, value, float(level.middle[place])))
        for place in np.flatnonzero(~fades):
            number = int(at[place])
            since = self.streaks.miss(number)
            if since is not None:
                found.append(self._fading(number, new.at_s, since, float(values[place]), float(level.middle[place]),
                                          ends=True))  # fmt: skip
            if not self.streaks.is_open(number):
                self._falls.pop(number, None)
        self.board.learn(at, values, fades)
        for number, value in zip(at, values, strict=True):
            found += self._ageing(int(number), new.at_s, float(value))
        return found

    def _fading(self, number: int, at_s: float, since_s: float, seen: float, middle: float, *, ends: bool = False
                ) -> Finding:  # fmt: skip
        series = self.board.series[number]
        entity = interface_entity(series.device, series.component)
        if ends:
            text = f"Receives {seen:.1f} dBm again."
        else:
            text = (
                f"Receives {seen:.1f} dBm, {middle - seen:.1f} dB less than the {middle:.1f} dBm of the hours before"
                f"{self._forecast(number, at_s, seen)}."
            )
        is_bad = seen <= self._limit
        return Finding(
            "optic_fading", entity, at_s, f"{series.device} {series.component}: light fades", text,
            Severity.MAJOR if is_bad else Severity.MINOR, _HOLD_S, started_s=since_s, ends=ends, seen=seen,
            expected=middle, lower=middle - _FAINT_DB, unit="dBm", score=min(30.0, (middle - seen) / _NOISE_DB / 2),
            labels={"lane": series.labels} if series.labels else {},
            evidence=(chart(series.device, [_RX], series.component),
                      recent(self.board.history(number), "What it received before", "dBm")),
        )  # fmt: skip

    def _forecast(self, number: int, at_s: float, seen: float) -> str:
        """When the light will be too little, in words; empty where that cannot be told."""
        if seen <= self._limit:
            return f", below the {self._limit:.0f} dBm that receivers need"
        points = list(self._falls.get(number, ()))
        if len(points) < 2:
            return ""
        times, values = np.array(points).T
        falls = slope(times, values)
        if not falls < 0:
            return ""
        left_s = (seen - self._limit) / -falls
        when = f" ({clock(at_s + left_s)})" if left_s < _DAY_S else ""
        return f"; at this pace it is below {self._limit:.0f} dBm in {lasting(left_s)}{when}" if left_s < 30e5 else ""

    def _ageing(self, number: int, at_s: float, value: float) -> list[Finding]:
        """Keeps a reading a day; tells of a steady fall that will reach the limit within weeks."""
        days = self._days.setdefault(number, deque(maxlen=_DAYS))
        if days and at_s - days[-1][0] < _DAY_S:
            return []
        days.append((at_s, value))
        if len(days) < 14:
            return []
        times, values = np.array(days).T
        per_day = slope(times / _DAY_S, values)
        if per_day > -_LEAST_SLOPE_DB or not (np.diff(values[:: max(1, len(values) // 7)]) < 0).all():
            return []
        left = (value - self._limit) / -per_day
        if not 0 < left < _AGEING_DAYS:
            return []
        series = self.board.series[number]
        text = (
            f"Receives {value:.1f} dBm and loses {-per_day:.2f} dB a day, steadily for {len(days)} days: below "
            f"{self._limit:.0f} dBm in about {left:.0f} days."
        )
        return [Finding(
            "optic_ageing", interface_entity(series.device, series.component), at_s,
            f"{series.device} {series.component}: light too low in {left:.0f} days", text, Severity.INFO, 2 * _DAY_S,
            started_s=float(times[0]), seen=value, expected=float(values[0]), unit="dBm", confidence=0.8,
            evidence=(recent(values, "Light, a reading a day", "dBm"),),
        )]  # fmt: skip

    def _alarms(self, rows: pa.RecordBatch) -> list[Finding]:
        alarms = having(rows, "event", ("OPTICS_ALARM", "OPTICS_ALARM_CLEARED"))
        if alarms is None:
            return []
        found = []
        for at_s, device, one in self.board.devices.told(alarms, "event", "component", "message"):
            message = one["message"][:400]
            ends = one["event"].endswith("CLEARED") or "cleared" in message.lower()
            found.append(Finding(
                "optic_alarm", interface_entity(device, one["component"]), at_s,
                f"{device} {one['component']}: optics alarm", f"The device says: {message}", Severity.MAJOR, 4 * 3600.0,
                ends=ends,
            ))  # fmt: skip
        return found
